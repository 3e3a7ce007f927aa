"""The stepper in a browser, offline and without a kernel: what a person clicks, and what they then see."""

import nbformat
import numpy as np
import pytest
from stepper_page import Page

import needle_edu as ndl
from needle_edu import viz

pytestmark = pytest.mark.browser


def square():
    """y = x * x at x = 3: the smallest graph in which a sum appears."""
    x = ndl.Tensor([3.0])
    y = x * x
    return viz.step(y)


@pytest.fixture
def square_page(browser, tmp_path):
    page = Page(browser, square().save(tmp_path / "square.html"))
    yield page
    assert page.errors == []
    page.page.context.close()


def test_walking_through_the_smallest_graph(square_page):
    p = square_page
    assert p.text(".phase") == "forward" and p.text(".count") == "step 1 of 8"
    assert "x enters" in p.text(".panel")
    assert p.card(1, "value") == "", "y is not computed yet"
    p.click("next")
    assert "y = x × x" in p.text(".panel h3")
    assert (p.card(0, "value"), p.card(1, "value")) == ("3", "9")
    assert p.box.locator(".ndl-edge.flow").count() == 2
    p.click("next")
    assert p.text(".phase") == "backward" and p.card(1, "grad") == "1"
    p.click("next")
    formula = p.box.locator(".panel math").first
    assert formula.get_attribute("alttext") == r"\bar{a} = \bar{y} \odot b"
    box = formula.bounding_box()
    assert box["width"] > 40 and box["height"] > 10, "the formula is typeset, with a size"
    assert p.text('figure[data-role="contribution"] td') == "3"
    assert p.box.locator(".ndl-edge.flow").get_attribute("data-operand") == "0"
    p.click("next")
    assert "1 of 2 are in" in p.text(".panel") and "still to come" in p.text(".panel")
    p.click("next", 2)
    numbers = [p.text(f'figure[data-role="{role}"] td') for role in ("term 1", "term 2", "sum")]
    assert numbers == ["3", "3", "6"], "the sum is shown contribution by contribution"
    p.click("next")
    assert "x.grad is written" in p.text(".panel") and p.card(0, "grad") == "6"
    assert p.box.locator("button.next").is_disabled()
    p.click("back", 7)
    assert p.step() == 1 and p.card(0, "grad") == "", "going back takes the gradient away again"


def test_slider_keys_and_clicks_on_nodes(square_page):
    p = square_page
    p.box.locator(".slider").fill("5")
    assert p.step() == 6
    p.box.locator(".stepper").focus()
    p.page.keyboard.press("ArrowLeft")
    assert p.step() == 5
    p.page.keyboard.press("End")
    assert p.step() == 8
    p.page.keyboard.press("Home")
    p.page.keyboard.press("ArrowRight")
    assert p.step() == 2
    assert p.box.locator('[aria-current="step"]').get_attribute("data-node") == "1", "a screen reader is told"
    p.box.locator('[data-node="0"]').click()
    assert p.step() == 1, "a click on x goes to where x enters"
    p.box.locator('[data-node="0"]').click()
    assert p.step() == 4, "a second click goes to its first step in the other phase"
    p.box.locator('[data-node="1"]').click()
    assert p.step() == 3, "in the backward pass, y's step is where backward starts"


def test_the_keyboard_lives_on_at_both_ends(square_page):
    p = square_page
    p.click("last")
    assert p.step() == 8
    p.page.keyboard.press("ArrowLeft")
    assert p.step() == 7, "the button that led to the end has kept the focus"
    p.click("first")
    p.page.keyboard.press("ArrowRight")
    assert p.step() == 2
    p.page.keyboard.press("Home")
    p.box.locator("button.back").click(force=True)
    assert p.step() == 1 and p.box.locator("button.back").get_attribute("aria-disabled") == "true"


def tall(length=30):
    x = ndl.Tensor([1.0])
    for _ in range(length):
        x = ndl.ops.tanh(x)
    return viz.step(x)


def test_a_graph_larger_than_its_window_can_be_seen_whole(browser, tmp_path):
    p = Page(browser, tall().save(tmp_path / "tall.html"))
    outside = """() => {
      const root = document.querySelector('.needle-stepper').shadowRoot;
      const frame = root.querySelector('.graph').getBoundingClientRect();
      return [...root.querySelectorAll('[data-node]')].map((g) => g.getBoundingClientRect())
        .filter((r) => r.top < frame.top || r.bottom > frame.bottom).length; }"""

    def width():
        return p.box.locator(".graph svg").bounding_box()["width"]

    before = width()
    assert p.page.evaluate(outside) > 5
    p.box.locator("button.whole").click()
    assert p.page.evaluate(outside) == 0
    p.page.keyboard.press("+")
    p.page.keyboard.press("+")
    p.page.keyboard.press("-")
    whole = width()
    p.page.keyboard.press("0")
    assert width() == pytest.approx(whole / 1.25, rel=0.01) and whole < before
    p.page.context.close()


@pytest.mark.parametrize("size", [(1280, 800), (800, 600), (390, 844)])
def test_controls_graph_and_text_are_seen_together(browser, tmp_path, size):
    p = Page(
        browser,
        tall(8).save(tmp_path / "tall.html"),
        viewport=dict(zip(("width", "height"), size, strict=True)),
    )
    p.click("next", 3)
    p.box.evaluate("box => box.scrollIntoView()")
    boxes = [
        p.box.locator(part).bounding_box() for part in (".bar", ".graph", ".panel h3", ".panel .formula")
    ]
    assert all(box["y"] >= 0 and box["y"] + box["height"] <= size[1] for box in boxes)
    p.page.context.close()


def test_the_buttons_stand_in_one_line(square_page):
    boxes = [button.bounding_box() for button in square_page.box.locator(".bar > button").all()]
    assert len(boxes) == 5 and len({(box["y"], box["height"]) for box in boxes}) == 1


def test_a_bar_covers_its_whole_name(browser, tmp_path):
    x = ndl.Tensor([1.0])
    x.name = "decoder.attn.weight"
    p = Page(browser, viz.step(x * 2.0).save(tmp_path / "bar.html"))
    p.click("next", 3)
    bar = p.box.locator(".formula math").last.locator("mrow[style*=border]").first
    covered, name = (bar.locator(part).first.bounding_box() for part in ("xpath=.", "mtext"))
    assert covered["x"] <= name["x"] and covered["x"] + covered["width"] >= name["x"] + name["width"] > 100
    p.page.context.close()


def test_a_small_graph_has_no_scroll_bars(square_page):
    over = "g => [g.scrollWidth - g.clientWidth, g.scrollHeight - g.clientHeight]"
    assert square_page.box.locator(".graph").evaluate(over) == [0, 0]


def test_nan_and_infinity_stand_out(browser, tmp_path):
    with np.errstate(all="ignore"):
        p = Page(browser, viz.step(ndl.ops.log(ndl.Tensor([0.0]))).save(tmp_path / "log.html"))
    assert p.box.locator(".ndl-bad").count() == 0, "nothing is computed yet"
    p.click("next")
    assert p.box.locator(".ndl-number.ndl-bad").all_text_contents() == ["-inf"]
    assert p.box.locator("td.bad").all_text_contents() == ["-inf"]
    p.click("last")
    assert "inf" in p.box.locator("td.bad").first.text_content()
    p.page.context.close()


def test_play_goes_on_and_pause_stops(square_page):
    p = square_page
    p.page.clock.install()
    p.click("play")
    assert p.text(".play") == "Pause"
    p.page.clock.run_for(2700)
    assert p.step() == 3
    p.click("play")
    assert p.text(".play") == "Play"
    p.page.clock.run_for(5000)
    assert p.step() == 3


@pytest.mark.parametrize("width", [700, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(browser, tmp_path, width, scheme):
    path = square().save(tmp_path / "square.html")
    p = Page(browser, path, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert p.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    graph, panel = (p.box.locator(s).bounding_box() for s in (".graph", ".panel"))
    beside = panel["x"] >= graph["x"] + graph["width"] - 1
    assert beside == (width == 1200), "panel beside the graph on wide pages, below it on narrow ones"
    dark = [p.page.evaluate(BRIGHTNESS, s) for s in (".stepper", ".panel h3")]
    assert dark[0][0] < 0.2 if scheme == "dark" else dark[0][0] > 0.8
    assert abs(dark[0][0] - dark[1][1]) > 0.5, "text stands out from its ground"
    p.page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_high_contrast_uses_the_systems_colours(browser, tmp_path, scheme):
    path = square().save(tmp_path / "square.html")
    p = Page(browser, path, color_scheme=scheme, forced_colors="active")
    ground, text = p.page.evaluate(BRIGHTNESS, ".stepper")
    assert (ground, text) == ((0, 1) if scheme == "dark" else (1, 0))
    node = p.page.evaluate(
        "getComputedStyle(document.querySelector('.needle-stepper').shadowRoot.querySelector('.ndl-title')).fill"
    )
    assert node == ("rgb(255, 255, 255)" if scheme == "dark" else "rgb(0, 0, 0)")
    p.page.context.close()


def test_paper_shows_the_whole_graph_and_no_buttons(browser, tmp_path):
    x = ndl.Tensor([1.0])
    for _ in range(12):
        x = ndl.ops.tanh(x)
    p = Page(browser, viz.step(x).save(tmp_path / "chain.html"))
    graph = p.box.locator(".graph")
    assert graph.evaluate("g => g.scrollHeight > g.clientHeight + 50"), "on the screen it scrolls"
    p.page.emulate_media(media="print")
    assert graph.evaluate("g => g.scrollHeight <= g.clientHeight + 1")
    assert not p.box.locator("button.play").is_visible() and p.box.locator(".count").is_visible()
    p.page.context.close()


# [ground, text] of an element in the stepper, each 0 (black) to 1 (white).
BRIGHTNESS = """selector => {
  const el = document.querySelector('.needle-stepper').shadowRoot.querySelector(selector);
  const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const light = (colour) => { paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
    const [r, g, b] = paint.getImageData(0, 0, 1, 1).data; return (r + g + b) / 765; };
  const style = getComputedStyle(el);
  return [light(style.backgroundColor), light(style.color)];
}"""


def test_two_steppers_and_a_drawing_on_one_page_do_not_interfere(browser, tmp_path):
    one = square()
    a, b = ndl.Tensor([2.0]), ndl.Tensor([5.0])
    product = a * b
    other, drawing = viz.step(product), viz.draw(product)
    path = tmp_path / "two.html"
    # The first one appears twice, as in a page that repeats a cell: same id, yet each steps for itself.
    parts = [one.html, other.html, one.html, drawing.html]
    path.write_text("<!DOCTYPE html><meta charset='utf-8'>" + "".join(parts), encoding="utf-8")
    p = Page(browser, path)
    p.use(0).click("next", 3)
    p.use(1).click("last")
    assert [p.use(k).step() for k in range(3)] == [4, 8, 1]
    assert p.use(1).card(0, "grad") == "5" and p.use(0).card(0, "grad") == ""
    p.use(2).click("next")
    assert [p.use(k).step() for k in range(3)] == [4, 8, 2]
    # document.querySelector does not look into shadow roots: this is the drawing.
    still = p.page.evaluate("""() => {
      const nodes = [...document.querySelectorAll('.ndl-window > svg [data-node]')];
      return nodes.map((g) => [g.classList.length, getComputedStyle(g).opacity]); }""")
    assert still == [[3, "1"], [3, "1"], [2, "1"]], "the drawing knows nothing of the steppers' states"
    assert p.errors == []
    p.page.context.close()


LIVE = ["import needle_edu as ndl", "x = ndl.Tensor([3.0])\ny = x * x", "ndl.viz.step(y, live=True)"]
CELLS = [
    "import needle_edu as ndl\nfrom needle_edu import viz",
    "x = ndl.Tensor([3.0])\ny = x * x\nviz.step(y)",
    "y.backward()\nviz.draw(y)",
]


def exported(cells, path, store_widget_state):
    """Run the cells, and export the notebook as a page."""
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    NotebookClient(notebook, store_widget_state=store_widget_state, timeout=120).execute()
    page, _ = HTMLExporter().from_notebook_node(notebook)
    path.write_text(page, encoding="utf-8")
    return path


@pytest.mark.parametrize("store_widget_state", [True, False])
def test_an_exported_live_stepper_steps_offline_too(browser, tmp_path, store_widget_state):
    p = Page(browser, exported(LIVE, tmp_path / "live.html", store_widget_state))
    assert p.box.is_visible()
    p.click("last")
    assert "x.grad is written" in p.text(".panel")
    p.page.context.close()


@pytest.mark.parametrize("store_widget_state", [True, False])
def test_an_exported_notebook_steps_offline(browser, tmp_path, store_widget_state):
    p = Page(browser, exported(CELLS, tmp_path / "exported.html", store_widget_state))
    p.click("last")
    assert "x.grad is written" in p.text(".panel") and p.card(0, "grad") == "6"
    drawing = p.page.locator("svg:visible .ndl-title")
    assert {"x", "y"} <= set(drawing.all_text_contents())
    p.page.context.close()
