"""The course as a person meets it: the start page, lecture 1 and a started homework, in JupyterLab and as a page.

What is asserted is what is seen: texts, counts, colours of verdicts, numbers in the stepper. With
NEEDLE_EDU_SCREENSHOTS=folder the tests also leave pictures to look at.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from needle_edu.course import commands

from .conftest import screenshot_folder

pytestmark = pytest.mark.browser
SOURCE = Path(__file__).parents[2] / "notebooks"
LECTURE = "lectures/01_what_is_a_framework.ipynb"


class StepperOnPage:
    """The n-th stepper of a page, used as a person would."""

    def __init__(self, page, number: int = 0):
        self.box = page.locator(".needle-stepper").nth(number)
        self.box.scroll_into_view_if_needed()
        self.box.locator(".stepper").wait_for(timeout=60_000)

    def where(self) -> tuple[str, int, int]:
        """(phase, step, of how many)."""
        # JupyterLab leaves out the layout of cells it believes out of sight, so wait for the words, not for pixels.
        words = re.compile(r"(forward|backward)\s+step (\d+) of (\d+)")
        shown = self.box.locator(".where").filter(has_text=words)
        phase, step, total = words.search(shown.text_content(timeout=60_000)).groups()
        return phase, int(step), int(total)

    def click(self, button: str) -> None:
        self.box.locator(f"button.{button}").click()

    def slide(self, step: int) -> None:
        self.box.locator(".slider").evaluate(
            "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", step - 1
        )

    def panel(self) -> str:
        return self.box.locator(".panel").text_content()

    def grads(self) -> list[str]:
        """The gradients that stand in the nodes now."""
        return self.box.locator(".graph .ndl-grad .ndl-number").all_text_contents()


def walk(stepper: StepperOnPage, page) -> None:
    """Click through the lecture's first graph, f = exp(-s) t + s t at s = 3, t = 2, and check what is shown."""
    phase, step, total = stepper.where()
    assert (phase, step) == ("forward", 1) and total > 15
    stepper.click("next")
    assert stepper.where()[1] == 2
    stepper.click("back")
    assert stepper.where()[1] == 1
    stepper.click("last")
    phase, step, _ = stepper.where()
    assert (phase, step) == ("backward", total)
    shown = " ".join(stepper.grads())
    assert "1.9" in shown and "3.05" in shown, (
        f"df/ds = 1.9004 and df/dt = 3.0498 must stand in the graph: {shown}"
    )
    # Where s and t are used twice, the panel shows the sum of the contributions.
    sums = formulas = 0
    for k in range(1, total + 1):
        stepper.slide(k)
        assert stepper.where()[1] == k
        panel = stepper.panel()
        sums += "+" in panel and stepper.where()[0] == "backward"
        formulas += stepper.box.locator(".panel .formula math").count() > 0
    assert sums >= 2
    # Five operations forward, and a vector-Jacobian product for each of their eight operands: all are typeset.
    assert formulas >= 13
    stepper.slide(1)
    stepper.box.locator(".graph [data-node]").last.click()
    assert stepper.where()[1] > 1, "a click on the result's node jumps to its step"
    # Play goes on by itself and Pause stops.
    stepper.slide(1)
    stepper.click("play")
    for _ in range(600):  # a busy machine may take its time
        if stepper.where()[1] >= 2:
            break
        page.wait_for_timeout(100)
    stepper.click("play")
    here = stepper.where()[1]
    assert here >= 2
    page.wait_for_timeout(1600)
    assert stepper.where()[1] == here


def test_start_page(notebook):
    """The plain address leads to the start page; its cells run, name the machine's kernels and start homework 1."""
    notebook.page.goto(notebook.lab.url)
    notebook.wait_for_kernel()
    assert "start.ipynb" in notebook.page.title() + notebook.page.url
    notebook.run_all()
    text = notebook.text()
    assert notebook.tracebacks() == []
    assert re.search(r"2\., 4\.", text), "the gradient of the first cell is shown"
    assert "C kernels" in text and "compiler" in text
    assert (notebook.lab.folder / "my-hw1" / "hw1.ipynb").exists()
    notebook.screenshot("start")


def test_lecture_1_in_lab(notebook):
    notebook.open(LECTURE).run_all()
    page = notebook.page
    assert notebook.tracebacks() == []
    assert page.locator(".jp-RenderedImage img").count() >= 3
    assert page.locator("svg .ndl-node").count() > 0, "the computation graph is drawn"
    accuracy = float(re.search(r"test accuracy: median (0\.\d+)", notebook.text()).group(1))
    assert accuracy >= 0.97
    stepper = StepperOnPage(page)
    notebook.screenshot("lecture-1-stepper")
    walk(stepper, page)
    stepper.slide(stepper.where()[2] - 3)
    notebook.screenshot("lecture-1-stepper-backward")
    other = StepperOnPage(page, 1)
    before = stepper.where()
    other.click("next")
    assert other.where()[1] == 2 and stepper.where() == before, (
        "two steppers on a page do not disturb each other"
    )


def test_lecture_1_exported_steps_offline(browser, tmp_path):
    """Plain `jupyter nbconvert --execute --to html`; then no server, no kernel, no network."""
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "html", "--output-dir", str(tmp_path)]
    done = subprocess.run([*command, str(SOURCE / LECTURE)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto((tmp_path / "01_what_is_a_framework.html").as_uri(), wait_until="domcontentloaded")
    stepper = StepperOnPage(page)
    walk(stepper, page)
    folder = screenshot_folder()
    if folder:
        page.screenshot(path=folder / "lecture-1-export.png")
    context.close()


def start_homework(lab, name: str) -> Path:
    folder = lab.folder / name
    assert commands.start("hw1", folder) == 0
    return folder / "hw1.ipynb"


def test_homework_solved_and_one_wrong(notebook):
    """With the right answers every check passes and the digits train; a wrong sign is shown where it is."""
    file = start_homework(notebook.lab, "solved-hw1")
    source = (SOURCE / "homework" / "hw1" / "hw1.ipynb").read_text()
    file.write_text(source)
    notebook.open("solved-hw1/hw1.ipynb").run_all()
    text = notebook.text()
    assert notebook.tracebacks() == []
    for question in ("q1", "q2", "q3", "q4", "q5"):
        assert re.search(rf"{question}: (\d+) of \1 tests pass", text), f"{question} must be shown as passed"
    assert re.search(r"9\d\.\d% of 359 digits", text)
    notebook.screenshot("hw1-solved")

    file.write_text(source.replace("return 1 / (1 + nd.exp(-a))", "return 1 / (1 + nd.exp(a))"))
    notebook.open("solved-hw1/hw1.ipynb").run_all()
    text = notebook.text()
    count, of = re.search(r"q1: (\d+) of (\d+) tests pass", text).groups()
    assert int(count) < int(of)
    assert "expected" in text and "got" in text
    notebook.screenshot("hw1-wrong-sign")
