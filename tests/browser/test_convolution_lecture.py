"""The lecture on convolution in JupyterLab: from the start page to a LeNet that trains in the page, bar and all."""

import re

import pytest

from .test_course import StepperOnPage
from .test_first_hour import Reader

pytestmark = pytest.mark.browser
LECTURE = "lectures/11_convolution_and_resnet.ipynb"

# Writes down every state of the progress bar named LeNet: its words, and how much of it is filled, from 0 to 1.
WATCH = r"""() => {
    window.seen = [];
    const look = () => {
        for (const row of document.querySelectorAll('.jp-Notebook .widget-hbox')) {
            const words = row.textContent.trim(), bar = row.querySelector('.progress-bar');
            if (!/^LeNet:\s+\d+%/.test(words) || !bar) continue;
            const state = {words, filled: parseFloat(bar.style.width) / 100};
            const last = window.seen[window.seen.length - 1];
            if (!last || last.words !== state.words) window.seen.push(state);
        }
        requestAnimationFrame(look);
    };
    look();
}"""
SEEN = r"(percent) => Number(/^LeNet:\s+(\d+)%/.exec(window.seen.at(-1)?.words)?.[1]) >= percent"


def percent(state) -> int:
    return int(re.match(r"LeNet:\s+(\d+)%", state["words"]).group(1))


def inside(inner, outer) -> bool:
    """Whether a box reaches nowhere over another."""
    return (
        outer["x"] - 1 <= inner["x"]
        and outer["y"] - 1 <= inner["y"]
        and inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 1
        and inner["y"] + inner["height"] <= outer["y"] + outer["height"] + 1
    )


def look_at(part) -> None:
    """Bring it into the window. Cells that come into sight are laid out only then, and move those below: so, again."""
    window = {"x": 0, "y": 0, **part.page.viewport_size}
    for _ in range(20):
        part.evaluate("element => element.scrollIntoView({block: 'center', behavior: 'instant'})")
        part.page.wait_for_timeout(30)
        if inside(part.bounding_box(), window):
            return
    raise AssertionError(f"it does not stay in the window: {part.bounding_box()}")


def test_lenet_trains_in_the_page(notebook):
    reader = Reader(notebook.page, notebook.lab)
    reader.open("start.ipynb")
    reader.follow("Convolution, and networks made of it", LECTURE)
    page, shown = reader.page, reader.shown
    assert StepperOnPage(page).where() == ("forward", 1, 15), "what is stored is shown before anything is run"
    cell = shown.locator(".jp-CodeCell").filter(has_text='name="LeNet"')
    row = cell.locator(".widget-hbox")
    page.evaluate(WATCH)
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")  # not waited for
    page.wait_for_function(SEEN, arg=20, timeout=120_000)
    look_at(row)
    reader.screenshot("convolution-1-training")
    page.wait_for_function(SEEN, arg=100, timeout=120_000)
    the_bar(page, cell, row)
    look_at(row)
    reader.screenshot("convolution-2-trained")

    # The rest of the lecture: it runs to its end, formulas are typeset, pictures fit, answers unfold.
    shown.get_by_text(re.compile(r"ResNet-9 reads \d\d\.\d% of the test digits")).wait_for(timeout=120_000)
    assert reader.tracebacks() == []
    assert shown.locator("mjx-container").count() > 20, "formulas are typeset"
    pictures = shown.locator(".jp-RenderedImage img")
    assert pictures.count() >= 10
    for picture in pictures.all():
        look_at(picture)
        area = picture.locator("xpath=ancestor::*[contains(@class, 'jp-Cell-outputArea')]")
        assert picture.bounding_box()["width"] > 300 and inside(picture.bounding_box(), area.bounding_box())
    assert shown.locator(".needle-stepper").count() == 2
    answer = shown.locator("details").first
    look_at(answer)
    hidden = answer.get_by_text("12,096")
    assert not hidden.is_visible(), "first think, then look"
    answer.locator("summary").click()
    assert hidden.is_visible()
    reader.screenshot("convolution-3-answer")


def the_bar(page, cell, row) -> None:
    """It moved while the network learned, says at the end what the sentence below it says, and is there to be seen."""
    said = cell.get_by_text(re.compile(r"LeNet reads \d\d\.\d% of 359"))
    said.wait_for(timeout=60_000)
    states = page.evaluate("window.seen")
    steps = [percent(state) for state in states]
    assert steps == sorted(steps) and steps[-1] == 100, steps
    assert len({step for step in steps if 0 < step < 100}) >= 3, f"the bar is live; it was seen at {steps}"
    for state in states:  # words and bar are two widgets: one may be a message behind the other
        assert abs(state["filled"] - percent(state) / 100) < 0.25, state
    assert states[-1]["filled"] == 1

    accuracy = re.search(r"(\d\d\.\d)% of 359", said.text_content()).group(1)
    words = row.text_content()
    assert float(accuracy) >= 97
    assert f"test={accuracy}%" in words and "loss=0." in words, words

    look_at(row)  # it fits into the window
    box, bar = row.bounding_box(), row.locator(".progress").bounding_box()
    assert bar["width"] >= 150 and bar["height"] >= 10, bar
    assert inside(box, cell.locator(".jp-Cell-outputArea").bounding_box())
    assert box["y"] + box["height"] <= said.bounding_box()["y"] + 1, "the sentence stands below it"
