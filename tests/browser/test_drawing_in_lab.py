"""A drawing in JupyterLab: its boxes open by mouse and keyboard, and its keys stay its own."""

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
