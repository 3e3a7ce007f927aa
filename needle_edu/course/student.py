"""The student's copy of a homework: the instructor's notebook without solutions and without hidden tests.

The instructor's notebook is the single source. Solutions stand between ``### BEGIN SOLUTION`` and ``### END
SOLUTION``, hidden tests between ``### BEGIN HIDDEN TESTS`` and ``### END HIDDEN TESTS``. What is made here
equals what nbgrader's ``generate_assignment`` makes, checksums included (a test compares the two), so a
class can be graded with either; but nobody needs nbgrader to start a homework.
"""

from __future__ import annotations

import copy
import hashlib
import json

from needle_edu.course import source_cells
from needle_edu.course.notebook import NotebookError

REGIONS = ("SOLUTION", "HIDDEN TESTS")
CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"


def student_version(tree: dict) -> dict:
    """Return the student's copy of an instructor's notebook; one that is a student's copy stays as it is.

    Parameters
    ----------
    tree : dict
        The notebook as JSON, each source one string (`notebook.read_tree`). It is not changed.

    Raises
    ------
    NotebookError
        If a marked region is not closed, or stands in a cell that is not marked for it: a solution must never
        slip through.
    """
    tree = copy.deepcopy(tree)
    if is_released(tree):
        return tree
    tree.get("metadata", {}).pop("celltoolbar", None)
    for number, cell in enumerate(tree["cells"], start=1):
        begins = cell["source"].strip().partition("\n")[0][:60]
        try:
            _release(cell)
        except NotebookError as error:
            raise NotebookError(f"cell {number}, which begins with {begins!r}: {error}") from None
    return tree


def is_released(tree: dict) -> bool:
    """Whether a notebook is a student's copy: it bears checksums, and no marks of solutions or hidden tests."""
    marks = [cell.get("metadata", {}).get("nbgrader", {}) for cell in tree["cells"]]
    secret = any(f"BEGIN {what}" in cell["source"] for cell in tree["cells"] for what in REGIONS)
    return not secret and any("checksum" in mark for mark in marks)


def cut(source: str, what: str, stub: str | None = None) -> tuple[str, bool]:
    """Remove the regions between ``BEGIN what`` and ``END what``; return the rest, and whether there was one.

    With `stub`, each region is replaced by it, indented as the region was.

    Examples
    --------
    >>> text = "def f(x):\\n    ### BEGIN SOLUTION\\n    return x\\n    ### END SOLUTION\\n"
    >>> print(cut(text, "SOLUTION", stub="...")[0])
    def f(x):
        ...
    <BLANKLINE>
    """
    kept, inside, found = [], False, False
    for line in source.split("\n"):
        if f"BEGIN {what}" in line:
            if inside:
                raise NotebookError(f"BEGIN {what} inside BEGIN {what}")
            inside = found = True
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + row for row in stub.split("\n")] if stub is not None else []
        elif f"END {what}" in line:
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise NotebookError(f"BEGIN {what} without END {what}")
    return "\n".join(kept), found


def checksum(cell: dict) -> str:
    """nbgrader's checksum of a cell: it tells whether source, purpose or points were changed."""
    marks = cell["metadata"]["nbgrader"]
    grade, solution = bool(marks.get("grade")), bool(marks.get("solution"))
    parts = [
        cell["source"],
        cell["cell_type"],
        str(grade),
        str(solution),
        str(_locked(marks)),
        marks["grade_id"],
    ]
    if grade:
        parts.append(str(float(marks["points"])))
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def to_text(tree: dict) -> str:
    """Return the notebook as the text of an ``.ipynb`` file, laid out as Jupyter does."""
    tree = copy.deepcopy(tree)
    for cell in tree["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
    return json.dumps(tree, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _release(cell: dict) -> None:
    """Make the student's version of one cell."""
    marks = cell["metadata"].get("nbgrader", {})
    _lock(cell, marks)
    _clear_solution(cell, marks)
    if cell["cell_type"] == "code":
        cell["outputs"], cell["execution_count"] = [], None
        for leftover in ("collapsed", "scrolled"):
            cell["metadata"].pop(leftover, None)
    cell["source"], hidden = cut(cell["source"], "HIDDEN TESTS")
    if hidden and not marks.get("grade"):
        raise NotebookError("hidden tests in a cell that is not marked as tests")
    if marks.get("grade") or marks.get("solution") or _locked(marks):
        if not isinstance(marks.get("grade_id"), str):
            raise NotebookError("it is marked for nbgrader, but has no grade_id")
        if marks.get("grade"):
            points_of(marks)
        marks["checksum"] = checksum(cell)
        marks["cell_type"] = cell["cell_type"]


def points_of(marks: dict) -> float:
    """The points of a test cell, from its marks.

    Raises
    ------
    NotebookError
        If they are no number, or less than 0.
    """
    points = marks.get("points")
    if isinstance(points, bool) or not isinstance(points, (int, float)) or not 0 <= points < float("inf"):
        raise NotebookError(f"its points must be a number of at least 0, got {points!r}")
    return float(points)


def _lock(cell: dict, marks: dict) -> None:
    if marks.get("solution"):
        cell["metadata"]["deletable"] = False
    elif _locked(marks):
        cell["metadata"]["deletable"] = cell["metadata"]["editable"] = False


def _locked(marks: dict) -> bool:
    return not marks.get("solution") and bool(marks.get("grade") or marks.get("locked"))


def _clear_solution(cell: dict, marks: dict) -> None:
    other = source_cells.read(cell["source"])  # no Python: its first line stays
    stub = (
        TEXT_STUB if cell["cell_type"] != "code" else source_cells.STUBS[other.kind] if other else CODE_STUB
    )
    first = cell["source"].lstrip().partition("\n")[0] + "\n" if other else ""
    cell["source"], found = cut(cell["source"], "SOLUTION", stub)
    if found and not marks.get("solution"):
        raise NotebookError("a solution in a cell that is not marked as an answer")
    if marks.get("solution") and not found:
        cell["source"] = first + stub
