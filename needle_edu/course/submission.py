"""A submission: what a student's notebook contributes to its grading, and what is said about the rest.

Only the source of the answer cells counts, and helpers from cells the student added. Tests, points and set-up
always come from the instructor's notebook; where the student's copy differs, that is noted, and ignored.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from needle_edu.course.notebook import Cell
from needle_edu.course.questions import Homework

MAX_EXTRA = 200
MAX_SOURCE = 200_000  # characters of one cell


@dataclass
class Submission:
    """The parts of a student's notebook that are used.

    Attributes
    ----------
    answers : dict
        Question name -> source of the answer's cell (its first copy).
    extra : dict
        Question name -> sources of the student's own cells above that answer.
    notes : list of str
        What was restored, missing, or left out.
    untouched : set of str
        Questions whose answer is still what `homework start` wrote.
    """

    answers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    untouched: set[str] = field(default_factory=set)


def match(homework: Homework, cells: list[Cell]) -> Submission:
    """Find the answers in a student's cells, by nbgrader's grade_id, or else by the cell's id."""
    result = Submission()
    by_id = {cell.id: cell for cell in homework.released if cell.id}
    by_name = {cell.grade_id: cell for cell in homework.released if cell.grade_id}
    sources = {cell.source for cell in homework.released}
    seen: dict[str, Cell] = {}
    extra: list[str] = []
    left_out = 0
    for cell in cells:
        released = by_name.get(cell.grade_id) or by_id.get(cell.id)
        name = released.grade_id if released else ""
        if name in seen:
            _note(result, f"the cell {name!r} is there more than once; its first copy was used")
        elif released is not None:
            if name:
                seen[name] = cell
            if released.is_answer:
                _answer(result, released, cell, extra)
            elif released.is_locked:
                _compare(result, released, cell)
        elif cell.kind == "code" and cell.source not in sources:
            if len(extra) < MAX_EXTRA and len(cell.source) <= MAX_SOURCE:
                extra.append(cell.source)
            else:
                left_out += 1
    if left_out:
        _note(
            result, f"{left_out:,} of your own cells were left out: there are too many, or they are too long"
        )
    for name, released in by_name.items():
        if name not in seen and (released.is_locked or released.is_answer):
            verb = "is missing" if released.is_answer else "was missing and has been restored"
            _note(result, f"the cell {name!r} {verb}")
    return result


def _answer(result: Submission, released: Cell, cell: Cell, extra: list[str]) -> None:
    name = released.grade_id
    if cell.kind != "code" or len(cell.source) > MAX_SOURCE:
        _note(result, f"the answer cell {name!r} is not a code cell of at most {MAX_SOURCE:,} characters")
        return
    result.answers[name] = cell.source
    result.extra[name] = tuple(extra)
    if cell.source.strip() == released.source.strip():
        result.untouched.add(name)


def _compare(result: Submission, released: Cell, cell: Cell) -> None:
    name = released.grade_id
    if cell.source.strip() != released.source.strip() or cell.kind != released.kind:
        _note(result, f"the locked cell {name!r} was edited; the original was used")
    elif any(
        cell.marks.get(key) != released.marks.get(key) for key in ("grade", "solution", "locked", "points")
    ):
        _note(
            result,
            f"the marks of the locked cell {name!r} (such as its points) were edited; the original's count",
        )


def _note(result: Submission, text: str) -> None:
    if len(result.notes) < 30 and text not in result.notes:
        result.notes.append(text)
