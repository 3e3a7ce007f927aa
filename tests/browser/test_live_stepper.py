"""The live stepper in JupyterLab: Python and the page move each other; without its kernel it still steps."""

import nbformat
import pytest

pytestmark = pytest.mark.browser
CELLS = [
    "import needle_edu as ndl\nx = ndl.Tensor([3.0])\ny = x * x",
    "stepper = ndl.viz.step(y, live=True)\nstepper",
    "stepper.index = 3",
]
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def test_python_and_the_page_move_each_other_and_a_restart_does_no_harm(notebook):
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS], metadata={"kernelspec": KERNEL}
    )
    nbformat.write(nb, notebook.lab.folder / "live.ipynb")
    notebook.open("live.ipynb").run_all()
    assert notebook.tracebacks() == []
    page = notebook.page
    page.locator(".needle-stepper").wait_for(state="hidden")  # the static form beside it
    stepper = page.locator(".jp-OutputArea .stepper >> visible=true")
    stepper.locator(".count").filter(has_text="step 4 of 8").wait_for(timeout=60_000)
    stepper.focus()
    page.keyboard.press("ArrowRight")
    assert "step 5 of 8" in stepper.locator(".count").text_content()
    # What Python sees of it: ask its kernel, as a cell would.
    told = page.evaluate("""async () => {
      const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
      const future = kernel.requestExecute({ code: "print('at', stepper.index)" });
      let text = "";
      future.onIOPub = (message) => { text += message.content.text ?? ""; };
      await future.done;
      return text; }""")
    assert "at 4" in told
    notebook.screenshot("live-stepper")
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    notebook.wait_for_kernel()
    stepper.locator("button.next").click()
    assert "step 6 of 8" in stepper.locator(".count").text_content()


LARGE = [
    "import numpy as np, needle_edu as ndl\nx = ndl.Tensor(np.arange(600.0).reshape(20, 30))",
    "ndl.viz.step((x * 2).sum(), live=True, stop_at='mul_scalar')",
]


def test_any_part_of_a_large_array_is_shown_while_a_kernel_is_alive(notebook):
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in LARGE], metadata={"kernelspec": KERNEL}
    )
    nbformat.write(nb, notebook.lab.folder / "large.ipynb")
    notebook.open("large.ipynb").run_all()
    assert notebook.tracebacks() == []
    page = notebook.page
    page.locator(".needle-stepper").wait_for(state="hidden")
    stepper = page.locator(".jp-OutputArea .stepper >> visible=true")
    assert "step 2 of" in stepper.locator(".count").text_content(), "it opens at the breakpoint"
    figure = stepper.locator('figure[data-role="y"]')
    figure.locator("form input").fill("3:5, -2:")
    page.keyboard.press("Enter")
    figure.locator(".asked td").first.wait_for(timeout=60_000)
    assert figure.locator(".asked td").all_text_contents() == ["236", "238", "296", "298"]
    figure.locator("form input").fill("30")
    page.keyboard.press("Enter")
    figure.locator(".asked .pending").wait_for(timeout=60_000)
    assert "out of bounds" in figure.locator(".asked").text_content()
    notebook.screenshot("live-slices")
