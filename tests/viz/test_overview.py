"""The legend below a drawing, and the map of one that is larger than its window."""

import re

import pytest
from viz_models import loss_of, mlp, recurrent

import needle_edu as ndl
from needle_edu import viz
from needle_edu.viz.page import PAGE


def words(drawing):
    return re.findall(r'<i class="sign \w+"></i>([^<]+)</span>', drawing.html)


def test_the_legend_explains_what_is_there_and_nothing_else():
    x = ndl.Tensor([1.0], requires_grad=False)
    w = ndl.Tensor([2.0])
    assert words(viz.draw(x)) == ["data"]
    assert words(viz.draw(w * 2)) == ["parameter", "operation"]
    assert words(viz.draw(w * x)) == ["parameter", "data", "operation"]
    model = mlp()
    assert words(viz.draw(loss_of(model, 5, 6)))[-1] == "box: click, or Enter, opens it"
    _model, y = recurrent(20)
    assert words(viz.draw(y))[-1] == "equal passes, rolled up"
    assert words(viz.draw(y, modules=False, roll=False)) == ["parameter", "data", "operation"]


@pytest.fixture
def opened(browser):
    pages = []

    def open_page(html, width=900, height=700):
        page = browser.new_page(viewport={"width": width, "height": height})
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.set_content(PAGE.format(title="a drawing", body=html))
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        assert page.errors == []
        page.close()


# Where the map's frame lies, and which part of the graph the window shows: both in shares of the whole.
SHARES = """() => {
  const map = document.querySelector(".ndl-map > svg"), frame = map.querySelector(".ndl-map-window");
  const svg = document.querySelector(".ndl-window > svg").getBoundingClientRect();
  const view = document.querySelector(".ndl-window"), seen = view.getBoundingClientRect();
  const number = (name) => Number(frame.getAttribute(name));
  const [w, h] = [Number(map.getAttribute("width")), Number(map.getAttribute("height"))];
  return [[number("x") / w, number("y") / h, number("height") / h],
    [(seen.left - svg.left) / svg.width, (seen.top - svg.top) / svg.height, view.clientHeight / svg.height]];
}"""


def check_frame(page):
    page.wait_for_timeout(50)
    drawn, real = page.evaluate(SHARES)
    assert drawn == pytest.approx(real, abs=0.02)
    return real


@pytest.mark.browser
def test_the_map_shows_where_the_window_is_and_moves_it(opened):
    _model, y = recurrent(12)
    page = opened(viz.draw(y, roll=False, modules=False).html)
    map_ = page.locator(".ndl-map")
    map_.locator("rect").wait_for()
    cards = page.locator(".ndl-map-card").get_attribute("d")
    assert cards.count("M") == page.locator(".ndl-window .ndl-node").count() > 60
    assert check_frame(page)[1] == pytest.approx(0, abs=0.01)
    map_.focus()
    for key in ("ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    top = check_frame(page)[1]
    assert top > 0.02
    page.keyboard.press("End")
    assert check_frame(page)[1] > top
    box = map_.locator("svg").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    _, top, height = check_frame(page)
    assert top + height / 2 == pytest.approx(0.5, abs=0.03), (
        "the middle of the map is in the middle of the window"
    )
    page.keyboard.press("0")
    page.wait_for_function("document.querySelector('.ndl-map').hidden", timeout=30_000)


@pytest.mark.browser
def test_there_is_no_map_where_all_is_seen_or_where_it_would_cover_too_much(opened):
    model = mlp()
    page = opened(viz.draw(loss_of(model, 5, 6), modules=0).html)
    assert page.locator(".ndl-map:visible").count() == 0
    _model, y = recurrent(12)
    page = opened(viz.draw(y, roll=False, modules=False).html, 390, 844)
    page.locator(".zoom").wait_for()
    assert page.locator(".ndl-map:visible").count() == 0


@pytest.mark.browser
def test_the_map_follows_boxes_that_open(opened):
    _model, y = recurrent(12)
    page = opened(viz.draw(y, roll=False, modules=1).html)
    page.locator(".ndl-map rect").wait_for()
    before = page.locator(".ndl-map-card").get_attribute("d").count("M")
    page.locator(".ndl-header[role=button][aria-expanded=false]").first.dispatch_event("click")
    page.wait_for_function(
        "n => document.querySelector('.ndl-map-card').getAttribute('d').split('M').length - 1 > n",
        arg=before,
        timeout=30_000,
    )
    check_frame(page)


# How many cards the map would cover in each corner of the window, and how many it covers.
COVERED = """() => {
  const map = document.querySelector(".ndl-map").getBoundingClientRect();
  const seen = document.querySelector(".ndl-window").getBoundingClientRect();
  const cards = [...document.querySelectorAll(".ndl-node > .ndl-box")].map((card) => card.getBoundingClientRect());
  const at = (x, y) => cards.filter((card) => card.left < x + map.width && card.right > x
    && card.top < y + map.height && card.bottom > y).length;
  const corners = [seen.left + 16, seen.right - 16 - map.width].flatMap((x) =>
    [seen.top + 16, seen.bottom - 16 - map.height].map((y) => at(x, y)));
  return [corners, at(map.left, map.top)];
}"""


@pytest.mark.browser
@pytest.mark.parametrize("direction", ["TB", "LR"])
def test_the_map_lies_where_it_covers_least(opened, direction):
    _model, y = recurrent(8)
    page = opened(viz.draw(y, roll=False, modules=False, values=False, direction=direction).html)
    page.locator(".ndl-map rect").wait_for()
    corners, here = page.evaluate(COVERED)
    assert here == min(corners) < max(corners)


@pytest.mark.browser
def test_what_is_under_the_pointer_stays_there_when_it_grows(opened):
    """Ctrl and the wheel; two fingers on a touchpad send the same, in small pieces."""
    _model, y = recurrent(12)
    page = opened(viz.draw(y, roll=False, modules=False).html)
    page.locator(".ndl-map rect").wait_for()
    window = page.locator(".ndl-window")
    window.evaluate("e => e.scrollTo(0, 400)")
    card = page.locator(".ndl-node").nth(9)
    card.scroll_into_view_if_needed()
    box = card.bounding_box()
    at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*at)
    page.keyboard.down("Control")
    grown = 1.0
    for turned, factor in ((-100, 1.25), (-5, 1.051), (-5, 1.051), (100, 0.8), (-400, 1.25)):
        page.mouse.wheel(0, turned)
        grown *= factor
        page.wait_for_function(
            "([card, width]) => Math.abs(card.getBoundingClientRect().width - width) < 0.02 * width",
            arg=[card.element_handle(), box["width"] * grown],
            timeout=30_000,
        )
        now = card.bounding_box()
        assert now["x"] <= at[0] <= now["x"] + now["width"] and now["y"] <= at[1] <= now["y"] + now["height"]
        assert now["y"] + now["height"] / 2 == pytest.approx(at[1], abs=12)
    page.keyboard.up("Control")
    before = window.evaluate("e => e.scrollTop")
    page.mouse.wheel(0, 100)
    page.wait_for_function(
        "([e, top]) => e.scrollTop > top", arg=[window.element_handle(), before], timeout=30_000
    )
    assert card.bounding_box()["width"] == pytest.approx(box["width"] * grown, rel=0.03), (
        "without Ctrl it scrolls"
    )
