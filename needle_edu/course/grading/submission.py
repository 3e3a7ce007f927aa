"""A submission: what a student's notebook contributes to its grading, and what is said about the rest.

Only the source of the answer cells counts, and helpers from cells the student added. Tests, points and set-up
always come from the instructor's notebook; where the student's copy differs, that is noted, and ignored.

A cell is known by nbgrader's mark, by its id, or, when an editor has lost both, by what it says. JupyterLab's "Split
Cell" and copying leave several cells with one mark: they are joined in the notebook's order, as "Run All" runs
them. An answer that is not in its cell is looked for in the student's own cells, by the names it should define.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from needle_edu.course import source_cells
from needle_edu.course.cells import without_timing
from needle_edu.course.notebook import Cell
from needle_edu.course.questions import Homework, Question

MAX_EXTRA = 200
MAX_SOURCE = 200_000  # characters of one answer, and of one cell


@dataclass
class Submission:
    """The parts of a student's notebook that are used.

    Attributes
    ----------
    answers : dict
        Question name -> source of the answer: its cell, or the copies and parts of it, joined.
    extra : dict
        Question name -> sources of the student's own cells above that answer.
    notes : list of str
        What was restored, joined, missing, or left out.
    untouched : set of str
        Questions whose answer is still what `homework start` wrote.
    """

    answers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    untouched: set[str] = field(default_factory=set)

    def note(self, text: str) -> None:
        if len(self.notes) < 30 and text not in self.notes:
            self.notes.append(text)


@dataclass
class _Sorted:
    """A student's cells by what they are: positions in the notebook, from 0."""

    cells: list[Cell]
    copies: dict[str, list[int]] = field(default_factory=dict)  # the released cell's name -> its copies
    own: list[int] = field(default_factory=list)  # code cells that the student added
    marked: bool = False  # whether any mark or id of the released notebook is still there

    def source(self, position: int) -> str:
        return self.cells[position].source

    def defining(self, names: Iterable[str], positions: Iterable[int]) -> list[int]:
        """Those of the cells that define one of the names at their outermost level."""
        words = "|".join(map(re.escape, names))
        if not words:
            return []
        pattern = re.compile(
            rf"^(?:(?:async[ \t]+)?def|class)[ \t]+(?:{words})\b|^(?:{words})[ \t]*=(?!=)"
            rf"|\A\s*%%(?:c|cuda|text)[ \t]+(?:{words})\b",
            re.M,
        )
        return [k for k in positions if len(self.source(k)) <= MAX_SOURCE and pattern.search(self.source(k))]


def match(homework: Homework, cells: list[Cell]) -> Submission:
    """Find the answers in a student's cells."""
    result = Submission()
    found = _sort(homework, cells)
    for question in homework.questions:
        _answer(result, homework, question, found)
    left_out = [k for k in found.own if len(found.source(k)) > MAX_SOURCE]
    if len(found.own) > MAX_EXTRA or left_out:
        count = max(len(found.own) - MAX_EXTRA, len(left_out))
        result.note(f"{count:,} of your own cells were left out: there are too many, or they are too long")
    if not found.marked:
        result.note(
            "the notebook has lost its cells' marks and ids; its answers were found by what they define"
        )
    for released in homework.released:
        if released.is_locked:
            _compare(result, released, found)
    return result


def names_of(question: Question) -> list[str]:
    """The functions and classes that the instructor's answer defines, and so every other should."""
    if cell := source_cells.read(question.answer.source):
        return [cell.name]
    return re.findall(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", question.answer.source, re.M)


def _sort(homework: Homework, cells: list[Cell]) -> _Sorted:
    by_id = {cell.id: cell for cell in homework.released if cell.id}
    by_name = {cell.grade_id: cell for cell in homework.released if cell.grade_id}
    by_source = {cell.source.strip(): cell for cell in homework.released}
    found, twins = _Sorted(cells), dict[str, list[int]]()
    for position, cell in enumerate(cells):
        released = by_name.get(cell.grade_id) or by_id.get(cell.id)
        found.marked = found.marked or released is not None
        if released is not None:
            found.copies.setdefault(released.grade_id, []).append(position)
        elif (twin := by_source.get(cell.source.strip())) is not None:
            twins.setdefault(twin.grade_id, []).append(position)
        elif cell.kind == "code":
            found.own.append(position)
    found.copies = twins | found.copies
    return found


def _answer(result: Submission, homework: Homework, question: Question, found: _Sorted) -> None:
    """Put the source of one answer together from the cells that hold it."""
    name, copies = question.name, found.copies.get(question.name, [])
    parts = _parts(result, homework, question, found)
    if not parts and copies:  # as it was released
        result.answers[name], result.extra[name] = found.source(copies[0]), ()
        result.untouched.add(name)
        return
    if not parts:
        result.note(f"{name}: the answer's cell is missing")
        return
    # Of C and of prose the last one counts, as in the notebook: two of them one below the other are neither.
    text = found.source(parts[-1]) if question.kind != "python" else _joined(map(found.source, parts))
    if len(text) > MAX_SOURCE:
        result.note(f"{name}: the answer is longer than {MAX_SOURCE:,} characters and was not graded")
        return
    result.answers[name] = text
    extra = [found.source(k) for k in found.own if k < parts[-1] and k not in parts]
    result.extra[name] = tuple(source for source in extra[:MAX_EXTRA] if len(source) <= MAX_SOURCE)


def _parts(result: Submission, homework: Homework, question: Question, found: _Sorted) -> list[int]:
    """The cells that hold an answer, in the notebook's order, with a note where it is not the one cell it was."""
    name, names = question.name, names_of(question)
    copies = found.copies.get(name, [])
    stub = next((cell.source.strip() for cell in homework.released if cell.grade_id == name), None)
    written = [k for k in copies if found.source(k).strip() != stub]
    parts = [k for k in written if found.cells[k].kind == "code" or question.answer.kind != "code"]
    if again := _defined_again(question, names, found):
        result.note(f"{name}: a cell of your own below the answer's cell was graded as part of the answer")
        parts = sorted({*parts, *again})
    elif elsewhere := _defined_elsewhere(names, copies, parts, found):
        result.note(f"{name}: the answer was found in another cell, by the name it defines")
        parts = sorted({*parts, *elsewhere})
    if not parts and written:
        result.note(f"{name}: the answer's cell is not a code cell; its text was graded as code")
        return written
    if len([k for k in parts if k in copies]) > 1:
        result.note(
            f"{name}: the answer's cell is there more than once; its copies were joined, in their order"
        )
    return parts


def _defined_again(question: Question, names: list[str], found: _Sorted) -> list[int]:
    """The student's own cells between an answer's cell and its tests that define it again: "Run All" runs them."""
    copies = found.copies.get(question.name, [])
    if not copies:
        return []
    tests = [k for k in found.copies.get(question.cell.grade_id, []) if k > copies[0]]
    end = tests[0] if tests else copies[0]
    return found.defining(names, (k for k in found.own if copies[0] < k < end))


def _defined_elsewhere(names: list[str], copies: list[int], parts: list[int], found: _Sorted) -> list[int]:
    """The student's own cells that define an answer, if neither its cell nor one above it does."""
    above = [k for k in found.own if copies and k < copies[0]]
    return [] if parts and found.defining(names, parts + above) else found.defining(names, found.own)


def _joined(sources: Iterable[str]) -> str:
    """The sources one below the other, as "Run All" runs them; a copy right below its like adds nothing."""
    parts = [source for source, _ in itertools.groupby(sources)]
    return parts[0] if len(parts) == 1 else "\n".join(without_timing(part) for part in parts)


def _compare(result: Submission, released: Cell, found: _Sorted) -> None:
    """Say where a locked cell is missing, doubled or different; the original is used whatever it is.

    The student need not have edited it: the course may have a newer edition.
    """
    name = released.grade_id
    copies = found.copies.get(name, [])
    if not copies:
        if found.marked:  # without marks an edited cell is not to be known from the student's own
            result.note(f"the cell {name!r} was missing and has been restored")
        return
    if len(copies) > 1:
        result.note(f"the locked cell {name!r} is there more than once; the original was used")
    cell = found.cells[copies[0]]
    if cell.source.strip() != released.source.strip() or cell.kind != released.kind:
        result.note(f"the locked cell {name!r} differs from the original, which was used")
    elif cell.marks and any(
        cell.marks.get(key) != released.marks.get(key) for key in ("grade", "solution", "locked", "points")
    ):
        result.note(
            f"the marks of the locked cell {name!r} (such as its points) differ from the original's, which count"
        )
