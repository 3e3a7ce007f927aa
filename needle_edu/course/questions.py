"""Questions and their tests, read from the instructor's notebook, or from a student's copy without the rest.

A question is two cells: the answer (an nbgrader solution cell whose grade_id is the question's name,
``q1``) and, locked, its tests (`testing`). The last line of the test cell, ``check("q1", homework="hw1",
withheld=["sigmoid"])``, names the question, where it has more files than the notebook the homework, and what of the
library is no answer to it (`withheld`). An answer cell that carries points itself has no tests: a person reads it.
Locked cells that hold no tests are set-up: the imports that answers and tests share.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from needle_edu.course import homework_files, instructor, limits, notebook, source_cells, student, testing
from needle_edu.course.limits import Limits
from needle_edu.course.notebook import Cell, NotebookError
from needle_edu.course.testing import Test


@dataclass(frozen=True)
class Question:
    """A question: its name, its points, its tests, and the cells it is made of (one, if a person reads the answer)."""

    name: str
    points: float
    tests: tuple[Test, ...]
    answer: Cell
    cell: Cell

    @property
    def kind(self) -> str:
        """What an answer is: ``"python"`` (a function, a class, a value), or one of `source_cells.KINDS`."""
        found = source_cells.read(self.answer.source)
        return "text" if self.answer.kind == "markdown" else found.kind if found else "python"

    @property
    def is_kernel(self) -> bool:
        """Whether an answer is C or CUDA, and so has to be compiled."""
        return self.kind in ("c", "cuda")

    @property
    def waits(self) -> str:
        """What an answer waits for before it can have points, in a sentence; empty if nothing."""
        return "" if self.tests else "needs a person: somebody has to read this answer"


@dataclass(frozen=True)
class Homework:
    """A homework: the instructor's notebook, the files beside it, and the student's version.

    Where only the student's version is at hand, `questions` have the visible tests, no solutions, and
    `is_whole` is False. `adapters` is source text: it runs where the student's code lives.
    """

    name: str
    questions: tuple[Question, ...]
    setup: tuple[str, ...]
    released: tuple[Cell, ...]
    file_name: str
    is_whole: bool = True
    adapters: str = ""
    limits: Limits = field(default_factory=Limits)

    @property
    def points(self) -> float:
        return sum(question.points for question in self.questions)


def load(homework: str | Path) -> Homework:
    """Read a homework: run its set-up and define its tests here, on the trusted side.

    Raises
    ------
    NotebookError
        If the instructor's notebook contradicts itself, such as tests without an answer cell.
    """
    file_name, tree, beside = homework_files.read_source(homework_files.source_of(homework))
    name = Path(file_name).stem
    cells = notebook.cells_of(tree, file_name)
    setup = tuple(c.source for c in cells if c.kind == "code" and c.is_locked and not c.is_tests)
    answers = {c.grade_id: c for c in cells if c.is_answer}
    questions = []
    for cell in cells:
        if cell.is_tests or cell.is_for_a_person:
            try:
                questions.append(_question(cell, answers, setup, name if beside else ""))
            except (Exception, SystemExit) as error:  # the author's cells ran: anything may come out of them
                why = str(error) if isinstance(error, NotebookError) else f"{type(error).__name__}: {error}"
                raise NotebookError(f"{file_name}: the test cell {cell.grade_id!r}: {why[:300]}") from None
    if not questions:
        raise NotebookError(f"{file_name} is no homework: no cell in it is marked as the tests of a question")
    if len({q.name for q in questions}) != len(questions):
        raise NotebookError(f"{file_name}: two test cells for one question")
    return Homework(
        name=name,
        questions=tuple(questions),
        setup=setup,
        released=tuple(notebook.cells_of(student.student_version(tree), file_name)),
        file_name=file_name,
        is_whole=not student.is_released(tree),
        adapters=beside.get(instructor.ADAPTERS, ""),
        limits=limits.declared(beside.get(instructor.LIMITS, ""), f"{name}{instructor.LIMITS}"),
    )


def _question(cell: Cell, answers: dict[str, Cell], setup: tuple[str, ...], homework: str) -> Question:
    """The question of a test cell; `homework` is its name if there are files beside the notebook."""
    points = student.points_of(cell.marks)
    if cell.is_for_a_person:
        return Question(cell.grade_id, points, (), cell, cell)
    check = check_in(cell.source)
    if check.question not in answers:
        raise NotebookError(
            'its last line must be check("q1", withheld=["…"]), with the name of an answer cell'
        )
    if homework and check.homework != homework:
        raise NotebookError(
            f'its check must say homework="{homework}", or in a notebook nobody finds the files beside it'
        )
    tests = testing.tests_in(cell.source, check.question, setup, check.withheld)
    return Question(check.question, points, tests, answers[check.question], cell)


def load_for_grading(hw: str | Path) -> Homework:
    """Load a homework with its solutions and hidden tests, as grading needs it.

    Parameters
    ----------
    hw : str or path
        The instructor's archive (`homework pack` makes it), folder or notebook; or the homework's name, where
        the sources of the course are at hand.

    Raises
    ------
    NotebookError
        If solutions and hidden tests are not there; the text says how to get them.
    """
    homework = load(hw)
    if not homework.is_whole:
        name = f"{homework.name}-instructor.zip"
        raise NotebookError(
            f"grading needs the solutions and hidden tests of {homework.name}, and {hw} is the students' copy: give "
            f"the instructor's archive in its place, such as {name}. In a clone of the course's sources "
            f"`needle-edu homework pack {homework.name} {name}` makes it"
        )
    return homework


class Check(NamedTuple):
    """What the `check` that ends a test cell says."""

    question: str = ""
    homework: str = ""
    withheld: tuple[str, ...] = ()


def check_in(source: str) -> Check:
    """The `check` that ends a test cell; an empty one if the cell ends in anything else.

    >>> check_in('def test_q1_a(f): ...\\ncheck("q1", homework="hw1", withheld=["sigmoid"])')
    Check(question='q1', homework='hw1', withheld=('sigmoid',))
    """
    last = ast.parse(source).body[-1:]
    match last:
        case [ast.Expr(ast.Call(ast.Name("check"), [ast.Constant(str(question))], keywords))]:
            homework, names = "", list[str]()
            for keyword in keywords:
                match keyword:
                    case ast.keyword("homework", ast.Constant(str(said))):
                        homework = said
                    case ast.keyword("withheld", ast.List(items) | ast.Tuple(items)):
                        names += [str(item.value) for item in items if isinstance(item, ast.Constant)]
                    case _:
                        return Check()
            return Check(question, homework, tuple(names))
    return Check()
