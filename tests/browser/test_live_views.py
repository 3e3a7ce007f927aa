"""Views with a kernel behind them, in JupyterLab: a board that follows its training, a formula typed into the page."""

import nbformat
import pytest

from . import pictures

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
    pictures.keep(view, "on-click")
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


EDITED = """model = nn.Sequential(
    nn.Linear(8, 4),
    nn.ReLU(),
    nn.Linear(4, 2),
)"""


@pytest.mark.parametrize(
    ("size", "theme"),
    [
        ((1280, 800), "light"),
        pytest.param((800, 600), "dark", marks=pytest.mark.slow),
        pytest.param((390, 844), "light", marks=pytest.mark.slow),
    ],
)
def test_layers_are_changed_by_mouse_and_by_keyboard(notebook, size, theme):
    cells = [
        "from needle_edu import nn, viz",
        "mine = nn.Sequential(nn.Linear(8, 4), nn.Sequential(nn.Dropout(0.2)), nn.Linear(5, 2))\n"
        "tree = viz.modules(mine, (1, 8), live=True)\ntree",
    ]
    page = opened(notebook, f"modules-{size[0]}.ipynb", cells)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    if theme == "dark":
        page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
        page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    if page.locator(".jp-FileBrowser").is_visible():
        page.evaluate("jupyterapp.shell.collapseLeft()")
    view = page.locator(".jp-OutputArea .island >> visible=true")
    view.locator(".misfit .why").wait_for(timeout=60_000)
    view.scroll_into_view_if_needed()
    notebook.screenshot(f"live-modules-{size[0]}-before")

    def layer(path, kind):
        view.locator(f'[data-path="{path}"] > .kind', has_text=kind).wait_for(timeout=60_000)
        return view.locator(f'[data-path="{path}"]')

    # By mouse: replace, remove, add, move by its button and by dragging.
    layer("modules.2", "Linear").click()
    view.locator(".tools input").fill("4, 2")
    if size == (1280, 800):
        pictures.keep(view, "modules")
    view.locator("button.replace").click()
    view.locator(".misfit").wait_for(state="detached", timeout=60_000)
    layer("modules.1.modules.0", "Dropout").click()
    view.locator("button.remove").click()
    view.locator('[data-path="modules.1.modules.0"]').wait_for(state="detached", timeout=60_000)
    layer("modules.1", "Sequential").click()
    view.locator("button.remove").click()
    layer("modules.1", "Linear")
    layer("modules.0", "Linear").click()
    view.locator(".tools select").select_option("ReLU")
    view.locator("button.add").click()
    layer("modules.1", "ReLU")
    view.locator("button.down").click()
    layer("modules.2", "ReLU").drag_to(view.locator('[data-path="modules.1"]'))
    layer("modules.1", "ReLU")
    assert asked(page, "print(tree.island.code)") == EDITED + "\n"
    notebook.screenshot(f"live-modules-{size[0]}-after")
    # By keyboard: to another layer, away with it, one more, and up with that.
    layer("modules.0", "Linear").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Delete")
    view.locator('[data-path="modules.2"]').wait_for(state="detached", timeout=60_000)
    view.locator(".tools select").focus()
    page.keyboard.type("Tanh")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    layer("modules.2", "Tanh").focus()
    page.keyboard.press("Alt+ArrowUp")
    layer("modules.1", "Tanh")
    assert asked(page, "print(tree.island.code)") == EDITED.replace("ReLU", "Tanh") + "\n"
    ran = (
        "tree.island.model(init.ones(1, 8)).shape, mine.modules[0] is tree.island.model.modules[0], len(mine)"
    )
    assert asked(page, f"from needle_edu import init; print({ran})") == "(1, 2) True 3\n"
    # What is no layer is said, and letters stay in the field.
    view.locator(".tools input").fill("oh no")
    page.keyboard.press("Enter")
    view.locator(".wrong", has_text="Tanh(oh no)").wait_for(timeout=60_000)
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == len(cells)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    frame = view.bounding_box()
    for part in view.locator("button:visible, .layer:visible, pre:visible").all():
        box = part.bounding_box()
        assert frame["x"] - 1 <= box["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
    if theme == "dark":
        page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
