"""The stepper as a debugger, in a browser: breakpoints, and why a gradient is zero or NaN."""

import numpy as np
import pytest
from stepper_page import Page

import needle_edu as ndl
from needle_edu import viz

pytestmark = pytest.mark.browser


def logarithm():
    x, w = ndl.Tensor([1.0, 0.0, 2.0], requires_grad=False), ndl.Tensor([0.5, -1.0, 3.0])
    h = w * x
    with np.errstate(all="ignore"):
        return viz.step((ndl.log(h) * 2).sum(), stop_at="nan")


@pytest.fixture
def page(browser, tmp_path):
    p = Page(browser, logarithm().save(tmp_path / "log.html"))
    yield p
    assert p.errors == []
    p.page.context.close()


def stops(p):
    """The steps at which the button ⏭ stops, from the first on."""
    p.go(1)
    found = []
    while p.step() < 12:
        before = p.step()
        p.click("last")
        assert p.step() > before
        found.append(p.step())
    return found[:-1] if found[-1:] == [12] else found


def test_the_page_opens_at_the_first_breakpoint_and_runs_to_the_next(page):
    stepper = logarithm()
    assert len(stepper.steps) == 12 and page.step() == stepper.stops[0] + 1 > 1
    assert page.text(".stopped") == "2 of 12 steps" and page.box.locator(".marks i").count() == 2
    assert stops(page) == [k + 1 for k in stepper.stops]
    page.page.keyboard.press("Home")
    page.page.keyboard.press("End")
    assert page.step() == 12, "the key goes to the end at once"


def test_typed_breakpoints_are_those_of_python(page):
    stepper = logarithm()
    field = page.box.locator(".stop")
    for text in (
        "log",
        "h",
        "norm > 3",
        "norm<3",
        "multiply, norm > 3",
        "  nan  ",
        "mul_scalar",
        "norm < 0",
    ):
        field.fill(text)
        names = [name.strip() for name in text.split(",")]
        wanted = viz.stepper.breakpoints.stopping(names, stepper.graph, stepper.steps, stepper.causes)
        assert stops(page) == [k + 1 for k in wanted if 0 < k < 11], text
        assert field.get_attribute("aria-invalid") == ("false" if wanted else "true"), text
        assert bool(wanted) == (text != "norm < 0")


def test_keys_typed_into_the_field_stay_there(page):
    before = page.step()
    page.box.locator(".stop").fill("")
    page.box.locator(".stop").focus()
    for key in ("ArrowLeft", "Home", " ", "+", "0"):
        page.page.keyboard.press(key)
    assert page.step() == before and page.box.locator(".stop").input_value() == " +0"
    assert page.text(".stopped") == "no step"


def test_why_leads_to_the_step_that_made_it(page):
    page.go(12)
    assert page.text(".why summary") == "Why is this NaN?"
    assert not page.box.locator(".why li").first.is_visible()
    page.box.locator(".why summary").focus()
    page.page.keyboard.press("Enter")
    stepper = logarithm()
    cause = stepper.causes.of(11)
    assert page.text(".why p") == cause.text
    said = page.box.locator(".why li").all_inner_texts()
    assert [line.split(" norm")[0] for line in said] == [
        f"step {k + 1} {stepper.steps[k].title}" for k in cause.chain
    ]
    assert page.text(".why li.made").startswith(f"step {cause.made + 1} ")
    marked = page.box.locator(".ndl-node.cause .ndl-title").all_text_contents()
    assert set(marked) == {"w", "h", "log"} or len(marked) == 3
    page.box.locator(".why .to").last.click()
    assert page.step() == cause.made + 1 and page.box.locator(".ndl-node.cause").count() == 0


def test_a_sound_step_is_not_asked_why(page):
    page.go(1)
    assert page.box.locator(".why").count() == 0


def test_hostile_names_stay_text_in_the_chain(browser, tmp_path):
    x = ndl.Tensor([-1.0])
    x.name = "<img src=x onerror=alert(1)>"
    p = Page(browser, viz.step(ndl.relu(x).sum() * 2.0).save(tmp_path / "x.html"))
    p.click("last")
    p.box.locator(".why summary").click()
    assert "<img src=x" in p.text(".why") and p.box.locator("img").count() == 0
    p.page.context.close()


def test_large_arrays_are_seen_as_heat_maps(browser, tmp_path):
    x = ndl.Tensor(np.linspace(-1, 1, 640).reshape(32, 20))
    p = Page(browser, viz.step((x * 2).sum()).save(tmp_path / "heat.html"))
    picture = p.box.locator(".heat img")
    assert picture.evaluate("img => [img.complete, img.naturalWidth, img.naturalHeight]") == [True, 10, 16]
    assert "every 2nd row, every 2nd column" in p.text(".heat")
    box = picture.bounding_box()
    assert box["width"] > 90 and box["height"] > 90
    p.page.context.close()


@pytest.fixture
def product(browser, tmp_path):
    """loss = sum(x @ w) with x of shape (1, 2), w of (2, 2), then times 2: step 9 is the contribution to w."""
    x, w = ndl.Tensor([[1.0, 3.0]], requires_grad=False), ndl.Tensor([[1.0, 2.0], [3.0, 4.0]])
    h = x @ w
    stepper = viz.step((h * ndl.Tensor([[2.0, -5.0]], requires_grad=False)).sum())
    (k,) = [k for k, s in enumerate(stepper.steps) if s.title == "h → w"]
    np.testing.assert_array_equal(stepper.steps[k].numbers("contribution"), [[2, -5], [6, -15]])
    p = Page(browser, stepper.save(tmp_path / "product.html"))
    p.click("predict")
    p.go(k + 1)
    yield p
    assert p.errors == []
    p.page.context.close()


def guess(p, text):
    p.box.locator(".guess").fill(text)
    p.page.keyboard.press("Enter")
    return p.text(".graded") if p.box.locator(".graded").count() else ""


WRONG = {
    "": "Type your prediction first.",
    "2 -5 six 1": "“six” is no number.",
    "2 -5 6": "3 numbers; shape (2, 2) has 4.",
    "[2, -5, 6, -15]": "Your array has shape (4,); this one has shape (2, 2): an adjoint has the shape of its value.",
    "[[2, -5], [6]]": "Rows of different lengths.",
    "[[2, -5], [6, -15]": "A [ is never closed.",
    "[[-2, 5], [-6, 15]]": "Right but for the sign.",
    "[[2, 6], [-5, -15]]": "The right numbers, transposed.",
    "[[4, -10], [12, -30]]": "Every element is 2 times what it should be.",
    "[[2, -5], [6, -14]]": "3 of 4 elements are right.",
}


def test_a_wrong_prediction_is_told_what_it_looks_like(product):
    for text, wanted in WRONG.items():
        assert guess(product, text) == wanted
        assert product.box.locator(".outcome td").count() == 0 and product.card(1, "grad") == ""


def test_a_right_prediction_is_told_so_and_forgives_rounding(product):
    right = ("[[2, -5], [6, -15]]", "2 -5 6 -15", "2,-5;6,-15", "2.01 −4.98 6 -15.1", "4/2, -5, 6e0, -30/2")
    for text in right:
        assert guess(product, text) == "" and product.text(".right") == "✓ as you said", text
        assert product.text(".score").startswith("1 of ")
        numbers = product.box.locator('figure[data-role="contribution"] td').all_text_contents()
        assert numbers == ["2", "-5", "6", "-15"]
        product.click("predict")
        product.click("predict")  # off, and on again: everything is asked anew


def test_until_then_the_result_is_nowhere_to_be_seen(product):
    shown = product.text(".panel")
    assert "-15" not in shown and "Why is" not in shown
    assert product.box.locator('[data-node="1"] .ndl-grad.blank').count() == 1
    product.box.locator(".reveal").click()
    assert "-15" in product.text(".panel") and product.text(".score").startswith("0 of ")
    product.click("next")
    product.click("back")
    assert product.box.locator(".guess").count() == 0, "what was revealed stays so"
    product.click("predict")
    assert product.text(".score") == "" and product.box.locator(".guess").count() == 0


def test_one_number_is_graded_strictly_enough(browser, tmp_path):
    x = ndl.Tensor([3.0])
    p = Page(browser, viz.step(x * x).save(tmp_path / "square.html"))
    p.click("predict")
    p.go(4)  # y → x, the first contribution: 3
    assert (
        guess(p, "9") == "Not yet."
        and guess(p, "-3") == "Right but for the sign."
        and guess(p, "3.1") == "Not yet."
    )
    assert guess(p, "[3]") == "" and p.text(".right") == "✓ as you said"
    p.page.context.close()


def test_large_or_infinite_results_are_not_asked_for():
    x = ndl.Tensor(np.ones((4, 4)))
    assert all("q" not in step or len(step["q"][1]) <= 12 for step in viz.step((x * 2).sum()).data["steps"])
    with np.errstate(all="ignore"):
        steps = viz.step(ndl.log(ndl.Tensor([0.0]))).data["steps"]
    assert [("q" in step) for step in steps] == [False, False, True, False, False]


@pytest.mark.parametrize("size", [(1280, 800), (800, 600), (390, 844)])
def test_a_prediction_can_be_typed_on_every_screen(browser, tmp_path, size):
    x, w = ndl.Tensor([[1.0, 3.0]], requires_grad=False), ndl.Tensor([[1.0, 2.0], [3.0, 4.0]])
    options = {"viewport": dict(zip(("width", "height"), size, strict=True))}
    p = Page(browser, viz.step(ndl.tanh(x @ w).sum()).save(tmp_path / "screen.html"), **options)
    p.click("predict")
    p.go(8)
    panel = p.box.locator(".panel").bounding_box()
    for part in (".guess", ".quiz button >> nth=0", ".reveal"):
        box = p.box.locator(part).bounding_box()
        assert (
            panel["y"] <= box["y"] and box["y"] + box["height"] <= panel["y"] + panel["height"] <= size[1]
        ), part
    assert p.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tools = [
        p.box.locator(part).bounding_box() for part in (".stop", ".predict", ".score", ".count", ".slider")
    ]
    for k, a in enumerate(tools):
        for b in tools[:k]:
            apart = a["x"] >= b["x"] + b["width"] or b["x"] >= a["x"] + a["width"]
            assert apart or a["y"] >= b["y"] + b["height"] - 1 or b["y"] >= a["y"] + a["height"] - 1
    p.page.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_kept_out(browser, tmp_path, theme):
    """An axe scan of a NaN explained, of a heat map and of a prediction: nothing serious."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    x = ndl.Tensor(np.linspace(-1, 1, 640).reshape(32, 20))
    steppers = {"nan": logarithm(), "heat": viz.step((x * x).sum()), "quiz": viz.step(ndl.Tensor([3.0]) * 2)}
    for name, stepper in steppers.items():
        p = Page(
            browser, stepper.save(tmp_path / f"{name}.html"), color_scheme=theme, reduced_motion="reduce"
        )
        if name == "quiz":
            p.click("predict")
        p.go(4 if name == "quiz" else len(stepper.steps) - 1)
        for details in p.box.locator("summary").all():
            details.click()
        found = axe.Axe().run(p.page).response["violations"]
        serious = [
            (v["id"], v["nodes"][0]["html"][:99]) for v in found if v["impact"] in ("serious", "critical")
        ]
        assert serious == [], name
        p.page.context.close()
