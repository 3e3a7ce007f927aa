"""An answer is graded as the student saw it run: split, copied, moved, with marks or without."""

import pytest

from needle_edu.course.grading.run_question import run_submission
from needle_edu.course.grading.submission import MAX_SOURCE, match
from needle_edu.course.limits import Limits
from needle_edu.course.notebook import Cell

ROOMY = Limits(wall=90, cells=30, call=20, cpu=30)
RIGHT = "def double(x):\n    return x + x"
WRONG = "def double(x):\n    return x"


def code(source: str, mark: str = "", kind: str = "code") -> Cell:
    return Cell(kind, source, id=mark, marks={"grade_id": mark, "solution": True} if mark == "q1" else {})


def written(toy, *parts: Cell, below: tuple[Cell, ...] = (), after: tuple[Cell, ...] = ()) -> list[Cell]:
    """The student's notebook: `parts` in the place of q1's cell, `below` before its tests, `after` them."""
    cells: list[Cell] = []
    for cell in toy.released:
        cells += parts if cell.grade_id == "q1" else [cell]
        if cell.grade_id == "q1":
            cells += below
        if cell.grade_id == "q1-tests":
            cells += after
    return cells


def passes(toy, cells: list[Cell]) -> bool:
    """Whether q1 gets its points."""
    found = match(toy, cells)
    if "q1" not in found.answers or "q1" in found.untouched:
        return False
    answers = {"q1": (found.answers["q1"], found.extra["q1"])}
    (result,) = run_submission(toy, answers, limits=ROOMY)
    return result.passed


def test_a_split_cell_is_joined(toy):
    """JupyterLab's "Split Cell" leaves nbgrader's mark on both halves."""
    cells = written(
        toy, code("def twice(x):\n    return x + x", "q1"), code("def double(x):\n    return twice(x)", "q1")
    )
    assert match(toy, cells).answers["q1"].startswith("def twice") and passes(toy, cells)
    assert any("its copies were joined" in note for note in match(toy, cells).notes)


@pytest.mark.parametrize(("first", "last", "points"), [(WRONG, RIGHT, True), (RIGHT, WRONG, False)])
def test_the_last_definition_counts_as_it_does_in_the_notebook(toy, first, last, points):
    assert passes(toy, written(toy, code(first, "q1"), code(last, "q1"))) is points


def test_a_copy_runs_where_it_stands(toy):
    """Right, wrong, right again: the last one counts, though it says what the first one said."""
    cells = written(toy, code(RIGHT, "q1"), code(WRONG, "q1"), code(RIGHT, "q1"))
    assert passes(toy, cells)
    helper, use = code("def twice(x):\n    return x + x", "q1"), code("double = twice", "q1")
    assert passes(toy, written(toy, helper, use, helper))  # what the use needs still stands above it
    assert match(toy, written(toy, code(RIGHT, "q1"), code(RIGHT, "q1"))).answers["q1"] == RIGHT


def test_a_copy_that_is_still_as_released_takes_nothing_away(toy):
    (stub,) = (cell for cell in toy.released if cell.grade_id == "q1")
    assert passes(toy, written(toy, code(RIGHT, "q1"), stub))
    assert passes(toy, written(toy, stub, code(RIGHT, "q1")))
    assert match(toy, written(toy, stub, stub)).untouched >= {"q1"}


def test_parts_that_begin_with_a_timing_magic_are_joined_too(toy):
    parts = code("TWO = 2", "q1"), code("%%time\ndef double(x):\n    return TWO * x", "q1")
    assert passes(toy, written(toy, *parts))


def test_a_cell_below_the_answer_that_defines_it_again(toy):
    """Run All runs it before the tests; what stands after the tests it doesn't."""
    assert passes(toy, written(toy, code(WRONG, "q1"), below=(code(RIGHT),)))
    assert not passes(toy, written(toy, code(RIGHT, "q1"), below=(code(WRONG),)))
    assert passes(toy, written(toy, code(RIGHT, "q1"), after=(code(WRONG),)))
    assert passes(toy, written(toy, code(RIGHT, "q1"), below=(code("y = double(2)\nprint(y)"),)))
    (tests,) = (cell for cell in toy.released if cell.grade_id == "q1-tests")
    assert passes(toy, [tests, *written(toy, code(WRONG, "q1"), below=(code(RIGHT),))])


@pytest.mark.parametrize("place", ["above", "below", "after"])
def test_an_answer_in_a_cell_of_ones_own(toy, place):
    (stub,) = (cell for cell in toy.released if cell.grade_id == "q1")
    for cells in (
        written(toy, *((code(RIGHT), stub) if place == "above" else (stub,)), **_where(place, code(RIGHT))),
        written(
            toy, *((code(RIGHT),) if place == "above" else ()), **_where(place, code(RIGHT))
        ),  # cell deleted
    ):
        assert passes(toy, cells)
        assert any(note.startswith("q1: ") and "cell" in note for note in match(toy, cells).notes)


def _where(place: str, cell: Cell) -> dict:
    return {} if place == "above" else {place: (cell,)}


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_an_answer_cell_that_became_text_is_graded_as_code(toy, kind):
    cells = written(toy, code(RIGHT, "q1", kind))
    assert passes(toy, cells)
    assert any("not a code cell; its text was graded as code" in note for note in match(toy, cells).notes)


def test_text_is_not_preferred_to_code(toy):
    assert passes(toy, written(toy, code(WRONG, "q1", "markdown"), code(RIGHT, "q1")))


def test_a_notebook_without_marks_and_ids(toy):
    """Colab keeps neither. The note is one, not one for each cell."""
    cells = [Cell(cell.kind, cell.source) for cell in written(toy, code("import math\n" + RIGHT))]
    assert passes(toy, cells)
    found = match(toy, cells)
    assert found.untouched == {"q2"}
    assert [note for note in found.notes if "lost its cells' marks" in note]
    assert not [note for note in found.notes if "restored" in note or "missing" in note]


def test_a_helper_with_ipythons_syntax_is_used(toy):
    helper = code("%matplotlib inline\n!true\ndef twice(x):\n    return x + x")
    timed = code("%%time\ndef twice(x):\n    return x + x")
    for cell in (helper, timed):
        assert passes(toy, written(toy, cell, code("def double(x):\n    return twice(x)", "q1")))


@pytest.mark.parametrize(
    ("helper", "use"),
    [
        ("def kind(x: int): ...", "x * kind.__annotations__['x'](2)"),
        ("FACTOR: int = 2", "FACTOR * x"),
        ("twice = lambda x: x + x", "twice(x)"),
        ("async def twice(x):\n    return x + x", "__import__('asyncio').run(twice(x))"),
    ],
)
def test_helpers_of_all_kinds_from_a_cell_of_ones_own(toy, helper, use):
    """Annotations are values, as in Jupyter; what is no definition (training, plots) is left out."""
    cells = written(toy, code(helper, "mine"), code(f"def double(x):\n    return {use}", "q1"))
    assert passes(toy, cells)


def test_an_answer_that_is_too_long_is_said(toy):
    found = match(toy, written(toy, code(RIGHT + "\n#" + "x" * MAX_SOURCE, "q1")))
    assert "q1" not in found.answers and any("longer than" in note for note in found.notes)
