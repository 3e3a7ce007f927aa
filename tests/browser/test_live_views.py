"""Views with a kernel behind them, in JupyterLab: a board that follows its training, a formula typed into the page."""

import nbformat
import pytest

pytestmark = pytest.mark.browser
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
LONG = """
import time
class Long(training.Classifier):
    name, summary, epochs, lr = "long", "one layer, slowly", 1000, 0.01
    def network(self, shape, classes):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))
    def step(self, batch):
        time.sleep(0.005)
        return super().step(batch)
"""


def opened(notebook, name, cells):
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells], metadata={"kernelspec": KERNEL}
    )
    nbformat.write(nb, notebook.lab.folder / name)
    notebook.open(name).run_all()
    assert notebook.tracebacks() == []
    return notebook.page


def asked(page, code):
    """What the kernel prints."""
    return page.evaluate(
        """async (code) => {
      const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
      const future = kernel.requestExecute({ code });
      let text = "";
      future.onIOPub = (message) => { text += message.content.text ?? ""; };
      await future.done;
      return text; }""",
        code,
    )


def test_a_board_follows_its_training_and_its_button_stops_it(notebook):
    page = opened(
        notebook,
        "board.ipynb",
        [
            "from needle_edu import nn, training, viz" + LONG,
            "board = viz.train(Long, data='digits')\nboard",
            "print('mine')",
        ],
    )
    board = page.locator(".jp-OutputArea .island >> visible=true")
    board.locator(".state.running").wait_for(timeout=60_000)
    board.locator("h4", has_text="what step").wait_for(timeout=60_000)
    first = board.locator(".where").text_content()
    board.locator(".where", has_not_text=first).wait_for(timeout=60_000)
    assert page.locator(".jp-OutputArea .island >> visible=true").count() == 1, "the static form is hidden"
    button = board.locator("button")
    assert button.text_content() == "Stop"
    button.click()
    board.locator(".state.paused").wait_for(timeout=60_000)
    notebook.screenshot("live-board")
    steps = asked(page, "print(board.state, len(board.history))")
    assert steps.startswith("paused ")
    assert asked(page, "import time; time.sleep(0.3); print(board.state, len(board.history))") == steps
    assert button.text_content() == "Resume"
    button.focus()
    page.keyboard.press("Enter")
    board.locator(".state.running").wait_for(timeout=60_000)
    assert page.evaluate("document.activeElement.shadowRoot?.activeElement?.textContent") == "Stop", (
        "the focus stays"
    )
    assert asked(page, "print(board.end().state)") == "ended\n"
    board.locator(".state.ended").wait_for(timeout=60_000)
    outputs = page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output")
    assert outputs.all_text_contents() == ["mine\n"], "nothing of the training in another cell's output"


def test_another_formula_is_typed(notebook):
    page = opened(
        notebook,
        "formula.ipynb",
        ["from needle_edu import viz", "viz.expression('x*y', live=True, x=2, y=3)"],
    )
    view = page.locator(".jp-OutputArea .island >> visible=true")
    field = view.locator("form input")
    field.wait_for(timeout=60_000)
    assert view.locator(".result").text_content() == "= 6"
    field.fill("x*z + 1")
    field.press("Enter")
    view.locator("h3", has_text="f = x*z + 1").wait_for(timeout=60_000)
    assert view.locator(".result").text_content() == "= 3", "x stays where it was, z begins at 1"
    field.fill("x +")
    field.press("Enter")
    view.locator(".wrong", has_text="this is no formula").wait_for(timeout=60_000)
    field.fill("sin(x)")
    field.press("Enter")
    view.locator("h3", has_text="f = sin(x)").wait_for(timeout=60_000)
    view.locator('input[type="range"]').press("Home")
    assert view.locator(".result").text_content() == "= 0.9589"
    notebook.screenshot("live-formula")


def test_the_playground_steps_runs_and_starts_anew(notebook):
    cells = ["from needle_edu import viz", "play = viz.playground('moons', live=True)\nplay"]
    page = opened(notebook, "playground.ipynb", cells)
    view = page.locator(".jp-OutputArea .island >> visible=true")
    view.locator("button.one").wait_for(timeout=60_000)
    view.locator("button.one").click()
    view.locator(".now", has_text="step 1,").wait_for(timeout=60_000)
    view.locator("button.run").click()
    view.locator("text=/^step \\d{2,},/").wait_for(timeout=60_000)
    assert view.locator("button.run").text_content() == "Pause"
    view.locator("button.run").click()
    notebook.screenshot("live-playground")
    view.locator('input[name="layers"]').fill("2")
    view.locator('select[name="data"]').select_option("xor")
    view.locator(".facts", has_text="xor · layers 2-2-2").wait_for(timeout=60_000)
    assert view.locator(".now").text_content().startswith("step 0,")
    view.locator('input[name="layers"]').fill("99")
    view.locator("button.anew").click()
    view.locator(".wrong", has_text="at most 16").wait_for(timeout=60_000)
    assert asked(page, "print(play.island.choice.layers)") == "(2,)\n"


CLICKED = """
import time
def look(node):
    if node.op == 'relu':
        raise ValueError('<b>dead</b>')
    print('asked')
    return f'{node.label}: {node.op}, mean {node.value.mean:g}'
"""


def test_a_click_on_a_node_calls_a_function_in_the_kernel(notebook):
    cells = [
        "import needle_edu as ndl\nfrom needle_edu import nn, viz" + CLICKED,
        "model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())\n"
        "y = (model(ndl.init.ones(2, 4, requires_grad=False)) * 0 + 2).exp()",
        "viz.draw(y, on_click=look, modules=0)",
    ]
    page = opened(notebook, "clicks.ipynb", cells)
    view = page.locator(".jp-OutputArea [class^=ndl-]:has(> .ndl-window) >> visible=true")
    said = view.locator(".ndl-said")
    said.wait_for(timeout=60_000)
    page.locator("[data-live]").wait_for(state="hidden")
    assert said.text_content() == "A click on a node, or Enter, calls look."
    view.locator('.ndl-node[aria-label^="y:"]').click()
    said.filter(has_text="y: exp, mean 7.38906").wait_for(timeout=60_000)
    assert said.text_content().startswith("asked\n")
    assert view.locator(".ndl-window").bounding_box()["height"] < 500, "the answer below is in sight"
    view.locator("[data-box] > .ndl-header").first.click()
    inner = view.locator('.ndl-node[aria-label*=": relu"]')
    inner.focus()
    page.keyboard.press("Enter")
    said.filter(has_text="ValueError: <b>dead</b>").wait_for(timeout=60_000)
    assert "look failed at " in said.text_content() and said.locator("b").count() == 0
    assert page.evaluate("jupyterapp.shell.currentWidget.content.mode") == "command"
    notebook.screenshot("live-clicks")
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    notebook.wait_for_kernel()
    view.locator('.ndl-node[aria-label^="y:"]').click()
    said.filter(has_text="The kernel does not answer").wait_for(timeout=60_000)
