"""The course as a person meets it: lecture 1's steppers, in JupyterLab (`test_first_hour`) and as a page; homework 1.

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


def test_homework_solved(notebook):
    """With the right answers every check passes and the digits train."""
    folder = notebook.lab.folder / "solved-hw1"
    assert commands.start("hw1", folder) == 0
    (folder / "hw1.ipynb").write_text((SOURCE / "homework" / "hw1" / "hw1.ipynb").read_text())
    notebook.open("solved-hw1/hw1.ipynb").run_all()
    text = notebook.text()
    assert notebook.tracebacks() == []
    for question in ("q1", "q2", "q3", "q4", "q5"):
        assert re.search(rf"{question}: (\d+) of \1 tests pass", text), f"{question} must be shown as passed"
    assert re.search(r"9\d\.\d% of 359 digits", text)
    notebook.screenshot("hw1-solved")
