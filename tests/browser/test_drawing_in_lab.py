"""Views in JupyterLab: boxes open by mouse and keyboard, keys stay a view's own, and Ctrl+S still saves."""

import nbformat
import pytest

pytestmark = pytest.mark.browser
CELLS = [
    "import needle_edu as ndl\nnn = ndl.nn\nmodel = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))",
    "y = model(ndl.init.ones(2, 4, requires_grad=False)).sum()\nndl.viz.draw(y, modules=0)",
]
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def test_boxes_open_in_a_notebook(notebook):
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    nb = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(nb, notebook.lab.folder / "drawing.ipynb")
    notebook.open("drawing.ipynb").run_all()
    assert notebook.tracebacks() == []
    page = notebook.page
    header = page.locator('[data-box="0"] > .ndl-header')
    header.wait_for(timeout=60_000)
    assert "5 operations  → (2, 2)" in header.text_content()
    header.click()
    assert header.get_attribute("aria-expanded") == "true"
    inner = page.locator('[data-box="1"] > .ndl-header')
    inner.focus()
    page.keyboard.press("Enter")
    assert inner.get_attribute("aria-expanded") == "true", "and no cell is being edited"
    assert page.evaluate("jupyterapp.shell.currentWidget.content.mode") == "command"
    assert page.locator(".ndl-title", has_text="weight").locator("visible=true").count() == 1
    notebook.screenshot("drawing")


VIEWS = [
    "ndl.viz.step(y)",
    "ndl.viz.expression('x*y + 1')",
]
DIRTY = "jupyterapp.shell.currentWidget.context.model.dirty"
CELLS_NOW = "jupyterapp.shell.currentWidget.content.widgets.length"


def saved_by_keys(page) -> bool:
    """Press Ctrl+S until nothing is left to save: what a view shows later makes the notebook dirty once more."""
    for _ in range(6):
        page.keyboard.press("Control+s")
        for _ in range(50):
            if not page.evaluate(DIRTY):
                return True
            page.wait_for_timeout(100)
    return False


def test_keys_with_control_reach_the_notebook_and_no_others(notebook):
    """The drawing, the stepper and the sliders of an expression: Ctrl+S saves from each, and b adds no cell below."""
    cells = [nbformat.v4.new_code_cell(source) for source in [*CELLS, *VIEWS]]
    nb = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(nb, notebook.lab.folder / "keys.ipynb")
    notebook.open("keys.ipynb").run_all()
    assert notebook.tracebacks() == []
    page = notebook.page
    before = page.evaluate(CELLS_NOW)
    for inside in (
        '[data-box="0"] > .ndl-header',
        ".stepper button.next",
        ".needle-expression input[type=range]",
    ):
        place = page.locator(inside).first
        place.wait_for(timeout=60_000)
        page.evaluate("jupyterapp.shell.currentWidget.context.model.dirty = true")
        place.focus()
        page.keyboard.press("b")
        assert page.evaluate(CELLS_NOW) == before, inside
        assert saved_by_keys(page), f"{inside}: Ctrl+S does not save the notebook"
        page.keyboard.press("b")
        assert page.evaluate(CELLS_NOW) == before, f"{inside}: after Ctrl+S the keys are the view's again"
