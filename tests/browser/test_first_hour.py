"""The first hour of a stranger, whole: clone, `make lab`, the start page, lecture 1, homework 1; then an update.

Everything is done where a person does it: in a terminal, or in the page with mouse and keyboard. The clone is a real
one, of this working tree; only its environment is lent to it, because building one takes minutes and the network. At
the end the clone is as git made it, `git pull` goes through, and the reader has the new lecture and the old work.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Lab, Notebook
from .test_course import StepperOnPage, walk

pytestmark = pytest.mark.browser
REPO = Path(__file__).parents[2]
LECTURE = "lectures/01_what_is_a_framework.ipynb"
LEFT_OUT = (
    ".git",
    ".venv",
    "screenshots",
    "needle-edu-course",
    "my-*",
    ".*_cache",
    "*.egg-info",
)


def left_out(folder, names):
    """For copytree: what no clone has. `build` and `dist` are products at the top only."""
    products = {"build", "dist"} if Path(folder) == REPO else set()
    return shutil.ignore_patterns(*LEFT_OUT)(folder, names) | (products & set(names))


GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
WHO = {f"GIT_{role}_{what}": "a@b.invalid" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

# Every piece of text below an element, with its size in pixels and the contrast (WCAG 2.1) to what it stands on.
CONTRASTS = """(root) => {
    const rgba = (css) => (css.match(/[0-9.]+/g) || []).map(Number).concat([1]).slice(0, 4);
    const over = (top, below) => top.slice(0, 3).map((c, k) => c * top[3] + below[k] * (1 - top[3])).concat([1]);
    const ground = (element) => element === null ? [255, 255, 255, 1]
        : over(rgba(getComputedStyle(element).backgroundColor), ground(element.parentElement));
    const light = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
    const luminance = (c) => 0.2126 * light(c[0]) + 0.7152 * light(c[1]) + 0.0722 * light(c[2]);
    const found = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
        if (!text) continue;
        const style = getComputedStyle(element), below = ground(element);
        const [a, b] = [luminance(over(rgba(style.color), below)), luminance(below)];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        found.push({text, contrast, size: parseFloat(style.fontSize)});
    }
    return found;
}"""


def git(folder, *words):
    done = subprocess.run(
        ["git", *words], cwd=folder, env={**os.environ, **GIT, **WHO}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def lend_environment(clone):
    """What `make` would build in some minutes: a Python that finds the clone's package and this machine's Jupyter."""
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\nPYTHONPATH='{clone}' exec '{sys.executable}' \"$@\"\n")
    python.chmod(0o755)
    (clone / ".venv" / ".made").write_text(f"{clone}\n")
    (clone / ".venv" / ".lab").touch()


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    """A repository with this working tree as its one commit."""
    folder = tmp_path_factory.mktemp("upstream") / "needle_edu"
    shutil.copytree(REPO, folder, ignore=shutil.ignore_patterns("__pycache__", *LEFT_OUT))
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "First edition")
    return folder


@pytest.fixture(scope="module")
def clone(upstream, tmp_path_factory):
    folder = tmp_path_factory.mktemp("home") / "needle_edu"
    git(folder.parent, "clone", "--quiet", str(upstream), str(folder))
    lend_environment(folder)
    return folder


def make_lab(clone, options):
    """The README's one command."""
    return ["make", "--no-print-directory", "-C", str(clone), "lab", f"LAB_ARGS={' '.join(options)}"]


class Reader(Notebook):
    """Somebody at the page: follows links, types answers, reads what comes back."""

    def follow(self, link: str, path: str) -> None:
        self.page.locator(f".jp-MainAreaWidget:not(.lm-mod-hidden) a:has-text('{link}')").first.click()
        self.page.wait_for_function(
            f"jupyterapp.shell.currentWidget?.context?.path === {json.dumps(path)}", timeout=60_000
        )
        self.page.locator(".jp-MainAreaWidget:not(.lm-mod-hidden) .jp-Notebook").wait_for(timeout=60_000)
        self.page.wait_for_function(
            "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
            timeout=60_000,
        )

    @property
    def shown(self):
        """The notebook in front."""
        return self.page.locator(".jp-MainAreaWidget:not(.lm-mod-hidden) .jp-Notebook")

    def answer(self, start: str, code: str) -> None:
        """Replace the code of the cell that begins with `start`, run it and the check below it."""
        cell = self.shown.locator(".jp-CodeCell").filter(has=self.page.get_by_text(start, exact=False)).first
        editor = cell.locator(".cm-content")
        editor.click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(code)
        for _ in range(2):
            self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_timeout(300)
        self.page.wait_for_function(
            "jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'", timeout=60_000
        )
        self.settled()

    def report(self, question: str):
        return self.shown.locator(".needle-check").filter(has_text=re.compile(rf"{question}: \d+ of"))

    def theme(self, name: str) -> None:
        self.page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{theme: '{name}'}})")
        kind = json.dumps("false" if "Dark" in name else "true")
        self.page.wait_for_function(f"document.body.dataset.jpThemeLight === {kind}")
        self.page.wait_for_timeout(300)


def run_to_the_end(reader) -> None:
    """Run ▸ Run All Cells, from the menu; done when every code cell has a number and its outputs are shown."""
    reader.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
    reader.page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
    reader.page.wait_for_function(
        """() => {
            const cells = jupyterapp.shell.currentWidget.content.widgets.filter(w => w.model.type === 'code');
            return cells.every(w => w.model.executionCount);
        }""",
        timeout=400_000,  # kernels may have to be compiled first
    )
    reader.settled()


def read_the_lecture(reader) -> None:
    """Look at what lecture 1 shows, and step through its graphs."""
    shown, page = reader.shown, reader.page
    assert shown.locator(".jp-RenderedImage img").count() >= 3
    assert shown.locator("svg .ndl-node").count() > 0, "the computation graph is drawn"
    said = shown.text_content()
    assert float(re.search(r"test accuracy: median (0\.\d+)", said).group(1)) >= 0.97
    stepper = StepperOnPage(page)
    reader.screenshot("first-hour-2-lecture")
    walk(stepper, page)
    stepper.slide(stepper.where()[2] - 3)
    reader.screenshot("first-hour-2-lecture-backward")
    other = StepperOnPage(page, 1)
    before = stepper.where()
    other.click("next")
    assert other.where()[1] == 2 and stepper.where() == before, (
        "two steppers on a page do not disturb each other"
    )


def test_the_first_hour(browser, clone, upstream):
    lab = Lab(clone, lambda options: make_lab(clone, options))
    try:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        reader = Reader(page, lab)
        page.goto(lab.url)
        reader.wait_for_kernel()
        assert page.evaluate("jupyterapp.shell.currentWidget.context.path") == "start.ipynb"
        page.locator(".jp-DirListing-item").first.wait_for()
        names = page.locator(".jp-DirListing-itemText").all_text_contents()
        assert sorted(names) == ["compile.ipynb", "gallery.ipynb", "lectures", "start.ipynb"], (
            "the course, and no solutions beside it"
        )
        run_to_the_end(reader)
        assert reader.tracebacks() == []
        said = reader.shown.text_content()
        assert re.search(r"2\., 4\.", said), "the gradient of the first cell"
        assert "C kernels" in said and "compiler" in said, "what this machine has"
        reader.screenshot("first-hour-1-start")

        reader.follow("What is a deep-learning framework?", LECTURE)
        run_to_the_end(reader)
        assert reader.tracebacks() == []
        page.keyboard.press("ControlOrMeta+s")
        read_the_lecture(reader)

        page.locator(".lm-TabBar-tabLabel", has_text=re.compile("^start.ipynb$")).click()
        reader.follow("my-hw1/hw1.ipynb", "my-hw1/hw1.ipynb")
        run_to_the_end(reader)
        for question in ("q1", "q2", "q3", "q4", "q5"):
            assert reader.report(question).count() == 1, f"{question} answers although nothing is written yet"
        assert "BEGIN SOLUTION" not in reader.shown.text_content()
        errors = reader.tracebacks()
        assert len(errors) == 9 and not any("\n" in text.strip() for text in errors), "no page of traceback"
        reader.report("q1").scroll_into_view_if_needed()
        reader.screenshot("first-hour-3-homework-untouched")

        reader.answer("def sigmoid(a)", "def sigmoid(a):\n    return 1 / (1 + nd.exp(a))\n")
        reader.report("q1").scroll_into_view_if_needed()
        assert re.search(r"expected\s*0\.\d+\s*got\s*0\.\d+", reader.report("q1").text_content())
        reader.screenshot("first-hour-4-wrong-sign")

        reader.answer("def sigmoid(a)", "def sigmoid(a):\n    return 1 / (1 + nd.exp(-a))\n")
        assert re.search(r"q1: (\d+) of \1 tests pass", reader.report("q1").text_content())
        assert "✗" not in reader.report("q1").text_content()
        reader.report("q1").scroll_into_view_if_needed()
        reader.screenshot("first-hour-5-right")
        page.keyboard.press("ControlOrMeta+s")
        page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
        page.close()
    finally:
        lab.stop()
    work = (lab.folder / "my-hw1" / "hw1.ipynb").read_text()
    assert "1 / (1 + nd.exp(-a))" in work
    assert '"output_type"' in (lab.folder / LECTURE).read_text(), "the lecture was run in the copy"
    assert git(clone, "status", "--porcelain") == ""

    # An update of the lecture that was run: pulled without a word, renewed, and the outputs are kept.
    edition = json.loads((upstream / "notebooks" / LECTURE).read_text())
    edition["cells"][0]["source"] = "# Lecture 1 in its second edition"
    (upstream / "notebooks" / LECTURE).write_text(json.dumps(edition))
    git(upstream, "commit", "--quiet", "--all", "--message", "Second edition")
    git(clone, "pull", "--quiet", "--ff-only")
    done = subprocess.run(make_lab(clone, ["--version"]), capture_output=True, text=True)
    assert done.returncode == 0 and "1 renewed" in done.stdout, done.stdout + done.stderr
    assert "second edition" in (lab.folder / LECTURE).read_text()
    assert '"output_type"' in (lab.folder / "earlier" / LECTURE).read_text()
    assert (lab.folder / "my-hw1" / "hw1.ipynb").read_text() == work
    assert git(clone, "status", "--porcelain") == ""


THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")
SHOW = """\
from needle_edu.course import check, close
def test_q1_value(f):
    '''a value'''
    close(f(1.0), 2.0)
def test_q1_other(f):
    '''another value

    A hint to read.
    '''
    close(f(2.0), 3.0)
def test_q1_line(f):
    '''what an exception says'''
    f(3.0)
def f(x):
    return 2.0 if x < 2.5 else 1 / 0
check("q1")
"""


def test_a_report_reads_in_every_theme(notebook):
    """Size and contrast of every word of it, as the browser computed them."""
    cells = [
        {
            "cell_type": "code",
            "id": "a",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": SHOW,
        }
    ]
    tree = {"cells": cells, "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}}}
    (notebook.lab.folder / "report.ipynb").write_text(
        json.dumps({**tree, "nbformat": 4, "nbformat_minor": 5})
    )
    reader = Reader(notebook.page, notebook.lab)
    reader.open("report.ipynb")
    reader.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    report = reader.page.locator(".needle-check")
    report.wait_for()
    reader.page.mouse.move(0, 0)
    boxes = []
    for theme in THEMES:
        reader.theme(theme)
        report.scroll_into_view_if_needed()
        found = report.evaluate(CONTRASTS)
        text = " ".join(piece["text"] for piece in found)
        assert "expected" in text and "A hint to read." in text and "division by zero" in text
        assert "✓ pass" in text and "✗ fail" in text, "the verdict is a word, not only a colour"
        assert min(found, key=lambda piece: piece["contrast"])["contrast"] >= 4.5, (theme, found)
        assert min(piece["size"] for piece in found) >= 13, (theme, found)
        values = [report.get_by_text(value, exact=True).first.bounding_box() for value in ("3.0", "2.0")]
        assert values[0]["x"] == values[1]["x"] and values[0]["y"] < values[1]["y"], (
            "got stands under expected"
        )
        boxes.append(report.bounding_box()["height"])
        reader.screenshot(f"report-{theme.replace(' ', '-').lower()}")
    reader.theme(THEMES[0])
    assert max(boxes) - min(boxes) < 2, "a theme changes colours, not the layout"
