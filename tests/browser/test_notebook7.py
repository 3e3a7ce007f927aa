"""The views in Notebook 7, which shows one document on a page of its own, from the server of `needle-edu lab`."""

import importlib.util

import nbformat
import pytest

from .conftest import Notebook

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(importlib.util.find_spec("notebook") is None, reason="pip install notebook"),
]
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
CELLS = [
    "import needle_edu as ndl\nfrom needle_edu import nn, viz\n"
    "model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))\n"
    "with viz.record() as tape:\n"
    "    y = model(ndl.init.ones(2, 4, requires_grad=False)).sum()\n"
    "    y.backward()",
    "viz.draw(y, modules=0)",
    "viz.step(y)",
    "viz.expression('x*y + sin(x)', x=2, y=-1)",
    "viz.array(ndl.ndarray.arange(6).reshape((2, 3)))",
    "viz.memory(tape)",
    "viz.modules(model, (2, 4), live=True)",
    "viz.playground('moons', layers=[2], live=True)",
    "viz.train('mlp', data='digits', small=True, steps=3, every=1, wait=True)",
    "viz.draw(y, modules=False, on_click=lambda node: f'it is {node.op}')",
]


class Page(Notebook):
    """A notebook alone on its page."""

    def open(self, path: str) -> "Page":
        self.page.goto(f"{self.lab.url}/notebooks/{path}", wait_until="load")
        self.wait_for_kernel()
        return self

    def cell(self, number: int):
        """What a cell shows."""
        cell = self.page.locator(".jp-CodeCell").nth(number).locator(".jp-OutputArea-output >> visible=true")
        cell.last.scroll_into_view_if_needed(timeout=60_000)
        return cell


@pytest.fixture
def alone(browser, lab):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error.stack)))
    yield Page(page, lab)
    inside = [stack.partition("\n    at ")[2].partition("\n")[0] for stack in page.errors]
    assert [place for place in inside if "/static/notebook/" not in place] == [], (
        "Notebook 7.6 has an error of its own"
    )
    page.close()


def test_each_view_works(alone):
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    nb = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(nb, alone.lab.folder / "alone.ipynb")
    alone.open("alone.ipynb").run_all()
    assert alone.tracebacks() == []
    page = alone.page
    assert page.evaluate("document.body.dataset.notebook") == "notebooks", "this is not JupyterLab"

    drawing = alone.cell(1)
    header = drawing.locator('[data-box="0"] > .ndl-header[role=button]')  # so from when its script runs
    header.click()
    assert header.get_attribute("aria-expanded") == "true"
    inner = drawing.locator('[data-box="1"] > .ndl-header')
    inner.focus()
    page.keyboard.press("Enter")
    assert inner.get_attribute("aria-expanded") == "true"
    assert page.evaluate("jupyterapp.shell.currentWidget.content.mode") == "command"

    stepper = alone.cell(2).locator(".stepper")
    stepper.focus()
    for key, step in (("ArrowRight", 2), ("b", 2), ("End", 25), ("ArrowLeft", 24)):
        page.keyboard.press(key)
        assert f"step {step} of 25" in stepper.locator(".count").text_content(), key
    assert page.locator(".jp-CodeCell").count() == len(CELLS), "b added no cell"

    formula = alone.cell(3)
    before = formula.locator(".result").text_content()
    formula.locator('input[type="range"]').first.press("Home")
    assert formula.locator(".result").text_content() != before
    assert alone.cell(4).locator("[id^=needle-array]").count() == 1
    memory = alone.cell(5)
    memory.locator('input[type="range"]').press("Home")
    assert memory.locator(".at").text_content().startswith("event 1 of ")

    for number in range(3):  # each live view has hidden its form without a kernel
        page.locator("[data-live]").nth(number).wait_for(state="hidden", timeout=60_000)
    tree = alone.cell(6)
    tree.locator('[data-path="modules.1"]').click()
    tree.locator(".tools select").select_option("Tanh")
    tree.locator("button.replace").click()
    tree.locator('[data-path="modules.1"] > .kind', has_text="Tanh").wait_for(timeout=60_000)

    play = alone.cell(7)
    play.locator("button.one").click()
    play.locator(".now", has_text="step 1,").wait_for(timeout=60_000)
    alone.cell(8).locator(".panel").nth(2).wait_for(timeout=60_000)

    asked = alone.cell(9)
    asked.locator('.ndl-node[aria-label^="y:"]').click()
    asked.locator(".ndl-said", has_text="it is summation").wait_for(timeout=60_000)
    alone.screenshot("notebook7-views")
