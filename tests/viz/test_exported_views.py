"""A notebook with the views that move: its outputs are the same in another kernel, and exported it works offline."""

import json

import nbformat
import pytest

pytestmark = pytest.mark.browser
CELLS = [
    "import needle_edu as ndl\nfrom needle_edu import viz\nx = ndl.Tensor([1.0, 2.0])",
    "viz.expression('x*y + sin(x)', x=2, y=-1)",
    "viz.playground('xor', layers=[3]).step(8)",
    "viz.train('mlp', data='digits', small=True, epochs=2, every=2, wait=True)",
    "with viz.record() as tape:\n    (x * x).sum().backward()\nviz.memory(tape)",
    "viz.expression('x**2', live=True)",
]


def executed(**options):
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    NotebookClient(notebook, timeout=120, **options).execute()
    return notebook


def compared(notebook):
    """What nbval compares: every text form, but not the view of a widget."""
    return [
        [
            {kind: text for kind, text in output["data"].items() if "widget" not in kind}
            for output in cell.outputs
            if "data" in output
        ]
        for cell in notebook.cells
    ]


@pytest.fixture(scope="module")
def notebook():
    return executed(store_widget_state=True)


def test_another_kernel_gives_the_same_outputs(notebook):
    first, second = compared(notebook), compared(executed(store_widget_state=False))
    for mine, other in zip(first, second, strict=True):
        assert mine == other
    assert [len(outputs) for outputs in first] == [0, 1, 1, 1, 1, 2], (
        "the live form has one for pages without a kernel"
    )
    assert "0x" not in json.dumps([output.get("text/plain") for outputs in first for output in outputs])


def test_exported_every_view_works_without_kernel_and_network(notebook, browser, tmp_path):
    from nbconvert import HTMLExporter

    path = tmp_path / "views.html"
    path.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    page = browser.new_context(offline=True, viewport={"width": 1280, "height": 800}).new_page()
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    formula = page.locator(".needle-expression").first
    formula.locator('input[type="range"]').first.press("End")
    assert formula.locator(".result").text_content() == "= -5.959"  # 5 · (-1) + sin(5)
    play = page.locator(".needle-playground")
    play.locator('input[type="range"]').press("Home")
    assert play.locator(".now").text_content().startswith("step 0,")
    assert page.locator(".needle-board .panel").count() >= 6
    memory = page.locator(".needle-memory")
    memory.locator('input[type="range"]').press("Home")
    assert memory.locator(".at").text_content().startswith("event 1 of ")
    live = page.locator(".needle-expression").nth(1)
    live.locator('input[type="range"]').press("End")
    assert live.locator(".result").text_content() == "= 25", (
        "the form of a live view for pages without a kernel"
    )
    assert live.locator("form").count() == 0
    assert formula.locator(".result").text_content() == "= -5.959", "the two do not disturb each other"
    page.context.close()


def test_without_scripts_the_still_forms_are_left(notebook, browser, tmp_path):
    from nbconvert import HTMLExporter

    path = tmp_path / "views.html"
    path.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    page = browser.new_context(offline=True, java_script_enabled=False).new_page()
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    seen = page.locator("body").text_content()
    for text in (
        "= -1.091",
        "the graph of step 8",
        "what the layers give",
        "peak 40 B in the backward pass",
        "decision boundary",
    ):
        assert text in seen
    assert page.locator(".needle-expression svg").first.is_visible()
    page.context.close()
