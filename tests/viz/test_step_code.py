"""The lines of code beside the steps."""

import pytest
from stepper_page import Page
from test_code_and_looks import CELL, recorded

import needle_edu as ndl
from needle_edu import viz

pytestmark = pytest.mark.shares_memory
RUN = CELL.replace("y = late(b)", "y = late(b)\nloss = (y * y).sum()\nloss.backward()")


def line_of(step, stepper):
    """By hand: the line of what a step is about; of a contribution, of the operation it comes from."""
    node = stepper.graph.nodes[step.origin if step.origin is not None else step.value]
    return node.source[1] if node.source else None


def test_every_node_has_its_line_and_markup_is_text():
    stepper = recorded(RUN).step(code=True)
    labels = {
        node.op: line for node, line in zip(stepper.graph.nodes.values(), stepper.data["lines"], strict=True)
    }
    assert [labels[op] for op in (None, "add", "exp", "multiply", "summation")] == [-1, 1, 2, 3, 3]
    assert stepper.html.count("data-line") >= 4 and "<script>alert" not in stepper.html
    assert stepper.html == recorded(RUN, "/tmp/ipykernel_3/1.py").step(code=True).html, (
        "the same in every session"
    )
    assert "code" not in recorded(RUN).step().data


def test_a_run_that_was_not_recorded_says_what_to_do():
    stepper = viz.step(ndl.Tensor([1.0]) * 2, code=True)
    assert "tape.step(code=True)" in stepper.data["code"] and set(stepper.data["lines"]) == {-1}
    with pytest.raises(ValueError, match="viz.step: code is True or False"):
        viz.step(ndl.Tensor([1.0]) * 2, code="yes")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("size", "theme"), [((1280, 800), "light"), ((800, 600), "dark"), ((390, 844), "light")]
)
def test_the_line_of_the_step_is_marked_offline(browser, tmp_path, size, theme):
    stepper = recorded(RUN).step(code=True)
    viewport = {"width": size[0], "height": size[1]}
    page = Page(browser, stepper.save(tmp_path / "s.html"), viewport=viewport, color_scheme=theme)
    marked = page.box.locator(".code .ndl-marked")
    frame = page.box.locator(".code").bounding_box()
    for number, step in enumerate(stepper.steps, 1):
        page.go(number)
        wanted = line_of(step, stepper)
        assert marked.count() == (wanted is not None), number
        if wanted is not None:
            assert marked.locator(".ndl-at").text_content() == str(wanted), number
            box = marked.bounding_box()
            assert frame["y"] - 1 <= box["y"] and box["y"] + box["height"] <= frame["y"] + frame["height"] + 1
    # A click on a line leads to its steps, one after the other, and Enter does the same.
    page.go(1)
    line = page.box.locator("button.ndl-made", has_text="t.exp() * 2")
    mine = [k for k, step in enumerate(stepper.steps, 1) if line_of(step, stepper) == 8]
    for expected in mine:
        line.press("Enter")
        assert page.step() == expected
    line.click()
    assert page.step() == mine[0]
    for part in (".bar", ".graph", ".panel", ".code", ".legend"):
        box = page.box.locator(part).bounding_box()
        assert box["y"] + box["height"] <= size[1] and box["x"] + box["width"] <= size[0], (
            f"{part} is in sight"
        )
    assert page.errors == []
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    found = axe.Axe().run(page.page, context=".needle-stepper").response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    page.page.context.close()
