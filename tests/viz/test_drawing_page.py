"""Drawn boxes in a real browser: they open and close by mouse and keyboard, and the picture stays whole."""

import random

import pytest
from viz_models import lenet, loss_of, mlp, recurrent, transformer

from needle_edu import viz
from needle_edu.viz.page import PAGE

pytestmark = pytest.mark.browser

# What covers what, as a person sees it: every card, box and port with its rectangle, and the one around it.
LOOK = """() => {
  const all = [...document.querySelectorAll("svg .ndl-node, svg .ndl-port, svg .ndl-group")]
    .filter((e) => e.querySelector(":scope > .ndl-box:not(.ndl-behind)").getBoundingClientRect().width > 0);
  return all.map((e) => {
    const r = e.querySelector(":scope > .ndl-box:not(.ndl-behind)").getBoundingClientRect();
    return [[r.left, r.top, r.right, r.bottom], all.indexOf(e.parentElement.closest(".ndl-group"))];
  });
}"""
# Texts that lie on each other, or leave their card.
TEXTS = """() => {
  const shown = [...document.querySelectorAll("svg text")].filter((t) => t.getBoundingClientRect().width > 0);
  const wrong = [];
  for (const t of shown) {
    const card = t.closest(".ndl-node, .ndl-port, .ndl-group");
    if (!card || t.classList.contains("ndl-operand")) continue;
    const a = t.getBoundingClientRect();
    const b = card.querySelector(":scope > .ndl-box:not(.ndl-behind)").getBoundingClientRect();
    if (a.left < b.left - 1 || a.right > b.right + 1 || a.bottom > b.bottom + 1)
      wrong.push("leaves its card: " + t.textContent);
    for (const u of card.querySelectorAll("text")) {
      const c = u.getBoundingClientRect();
      if (u !== t && u.closest(".ndl-node, .ndl-port, .ndl-group") === card && c.width > 0
          && a.left < c.right - 1 && c.left < a.right - 1 && a.top < c.bottom - 3 && c.top < a.bottom - 3)
        wrong.push(`${t.textContent} covers ${u.textContent}`);
    }
  }
  return wrong;
}"""


def opened(browser, html, width=1280, height=800, **options):
    page = browser.new_page(viewport={"width": width, "height": height}, **options)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.set_content(PAGE.format(title="a drawing", body=html))
    return page


def check_look(page):
    found = page.evaluate(LOOK)
    left, top, right, bottom = page.evaluate(
        "() => { const r = document.querySelector('.ndl-window > svg').getBoundingClientRect();"
        " return [r.left, r.top, r.right, r.bottom]; }"
    )
    for (x0, y0, x1, y1), around in found:
        a, b, c, d = found[around][0] if around >= 0 else (left, top, right, bottom)
        assert x0 >= a - 1 and y0 >= b - 1 and x1 <= c + 1 and y1 <= d + 1
    for i, ((x0, y0, x1, y1), home) in enumerate(found):
        for (a, b, c, d), other in found[:i]:
            assert home != other or x1 <= a + 1 or c <= x0 + 1 or y1 <= b + 1 or d <= y0 + 1
    return len(found)


MODELS = {
    "lenet": lambda: (model := lenet(), loss_of(model, 2, 1, 28, 28)),
    "recurrent": lambda: recurrent(20),
    "transformer": lambda: transformer(4),
}


@pytest.mark.parametrize("direction", ["TB", "LR"])
@pytest.mark.parametrize("name", MODELS)
def test_boxes_open_and_close_and_nothing_ever_covers_anything(browser, name, direction):
    _model, tensor = MODELS[name]()
    page = opened(browser, viz.draw(tensor, modules=1, direction=direction).html)
    check_look(page)
    assert page.evaluate(TEXTS) == []
    choose = random.Random(3)
    headers = page.locator(".ndl-header[role=button]:visible")
    before = page.locator(".ndl-window > svg").get_attribute("viewBox")
    clicked = []
    for _ in range(7):
        which = headers.nth(choose.randrange(headers.count()))
        number = which.evaluate("e => e.parentElement.dataset.box")
        state = which.get_attribute("aria-expanded")
        which.dispatch_event("click")
        same = page.locator(f'[data-box="{number}"] > .ndl-header')
        assert same.get_attribute("aria-expanded") == {"true": "false", "false": "true"}[state]
        clicked.append(number)
        check_look(page)
    assert page.evaluate(TEXTS) == []
    for number in reversed(clicked):  # and back again
        page.locator(f'[data-box="{number}"] > .ndl-header').dispatch_event("click")
    after = page.locator(".ndl-window > svg").get_attribute("viewBox")
    assert [round(float(x)) for x in after.split()] == [round(float(x)) for x in before.split()]
    assert page.errors == []
    page.close()


def test_curves_end_at_their_boxes_when_these_have_moved(browser):
    model = mlp()
    page = opened(browser, viz.draw(loss_of(model, 5, 6), modules=1).html)
    page.locator('[data-box="1"] > .ndl-header').click()
    ends = page.evaluate("""() => [...document.querySelectorAll("[data-panel]")].flatMap((panel) => {
      const [curves, parts] = panel.children;
      return [...curves.children].map((edge) => {
        const wire = edge.children[0];
        const to = parts.children[edge.dataset.to].querySelector(".ndl-box").getBoundingClientRect();
        if (wire.getBoundingClientRect().width + wire.getBoundingClientRect().height === 0) return 0;
        const point = wire.getPointAtLength(wire.getTotalLength()).matrixTransform(wire.getScreenCTM());
        return Math.max(0, to.left - point.x, point.x - to.right) + Math.abs(to.top - point.y);
      });
    })""")
    assert max(ends) < 9 and len(ends) >= 12, "each arrow head, 7 pixels long, touches its box"
    page.close()


def test_the_keyboard_is_enough(browser):
    model = mlp()
    page = opened(browser, viz.draw(loss_of(model, 5, 6), modules=0).html)
    page.keyboard.press("Tab")
    at = "document.activeElement"
    assert page.evaluate(f"{at}.getAttribute('aria-label')").startswith("box Sequential; 5 operations")
    assert page.evaluate(f"{at}.getAttribute('aria-expanded')") == "false"
    frame = page.locator('[data-box="0"] > .ndl-frame')
    assert frame.evaluate("e => getComputedStyle(e).strokeWidth") == "3px", "the focus is seen"
    page.keyboard.press("Enter")
    assert page.evaluate(f"{at}.getAttribute('aria-expanded')") == "true", "and stays where it was"
    inner = page.locator("[data-box]:visible")
    assert inner.count() == 3
    page.keyboard.press("Tab")
    while "modules.0" not in (page.evaluate(f"{at}.getAttribute('aria-label')") or ""):
        page.keyboard.press("Tab")
    page.keyboard.press(" ")
    weight = page.locator(".ndl-title", has_text="weight").locator("visible=true")
    assert weight.count() == 1
    page.keyboard.press("ArrowLeft")
    assert weight.count() == 0
    assert page.errors == []
    page.close()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (800, 600), (390, 844)])
def test_at_every_size_the_page_itself_never_scrolls_sideways(browser, width, height):
    model = lenet()
    html = viz.draw(loss_of(model, 2, 1, 28, 28), modules=True, overlay="memory").html
    page = opened(browser, html, width, height, has_touch=width < 500)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    high = page.locator(".ndl-window").evaluate("e => e.parentNode.getBoundingClientRect().height")
    assert high <= height, "the picture, its map, the legend and the buttons are seen together"
    header = page.locator('[data-box="0"] > .ndl-header')
    if width < 500:
        header.tap()
    else:
        header.click()
    assert header.get_attribute("aria-expanded") == "false"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    check_look(page)
    assert page.errors == []
    page.close()


def test_two_drawings_in_one_page_do_not_disturb_each_other(browser):
    model = mlp()
    loss = loss_of(model, 5, 6)
    html = viz.draw(loss, modules=0).html
    page = opened(browser, html + html + viz.draw(loss, modules=1).html)
    assert page.locator("[aria-expanded=true]").count() == 1
    page.locator('[data-box="0"] > .ndl-header').nth(1).click()
    states = page.locator('[data-box="0"] > .ndl-header').evaluate_all(
        "all => all.map(e => e.getAttribute('aria-expanded'))"
    )
    assert states == ["false", "true", "true"]
    page.close()


def test_a_large_drawing_is_moved_by_dragging(browser):
    _model, y = recurrent(30)
    page = opened(browser, viz.draw(y, roll=False, modules=False).html, 900, 700)
    frame = page.locator(".ndl-window")
    box = frame.bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 400)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 250, steps=3)
    page.mouse.up()
    assert 100 < frame.evaluate("e => e.scrollTop") <= 150
    page.close()


def test_without_scripts_the_picture_is_there(browser):
    model = mlp()
    page = opened(browser, viz.draw(loss_of(model, 5, 6), modules=1).html, java_script_enabled=False)
    assert page.locator(".ndl-window > svg").is_visible() and page.locator("[role=button]").count() == 0
    page.close()
