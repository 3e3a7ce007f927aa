"""Questions and their tests, read from the instructor's notebook, or from a student's copy without the rest.

A question is two cells: the answer (an nbgrader solution cell whose grade_id is the question's name,
``q1``) and, locked, its tests. A test is a function ``test_q1_…``; its docstring's first line is the title
the student sees, the rest are hints (`hints_in`); its parameters name what the student wrote, and ``rng`` is a
random generator. The last line of the cell, ``check("q1", withheld=["sigmoid"])``, names the question and what
of the library is no answer to it (`withheld`). Locked cells that hold no tests are set-up: the imports that
answers and tests share.
"""

from __future__ import annotations

import ast
import inspect
import re
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from needle_edu.course import instructor, notebook, student
from needle_edu.course.answer import Answer, AnswerError
from needle_edu.course.compare import Mismatch
from needle_edu.course.notebook import Cell, NotebookError

# What a hint can be for: the beginning of a status; "overflow" is a wrong value that is nan or infinite.
_KIND = re.compile(
    r"((?:overflow|wrong (?:value|shape|type|dtype|length)|time limit|raised \w+)(?: of .*?)?): "
)


@dataclass(frozen=True)
class Test:
    """One test function of a question.

    Attributes
    ----------
    title : str
        What the student reads of it, whatever comes out.
    hints : tuple of (kind, text)
        What the student reads when it fails with a status of that kind.
    withheld : tuple of str
        Names in the library that are no answer to the question.
    """

    __test__ = False  # not for pytest

    name: str
    title: str
    hints: tuple[tuple[str, str], ...]
    hidden: bool
    function: Callable
    withheld: tuple[str, ...] = ()

    def run(self, ask: Callable, seed: int) -> None:
        """Run the test on an answer; returns if it passes, raises what it has against the answer if not."""
        arguments: list = []
        for parameter in inspect.signature(self.function).parameters:
            if parameter == "rng":
                arguments.append(np.random.default_rng([seed, zlib.crc32(self.name.encode())]))
            else:
                arguments.append(Answer(parameter, ask, self.withheld))
        self.function(*arguments)

    def verdict(self, ask: Callable, seed: int) -> Verdict:
        """Run the test and say what came out; whatever happens inside is a verdict, never an exception."""
        try:
            with np.errstate(all="ignore"):
                self.run(ask, seed)
        except Mismatch as error:
            return Verdict(self, False, error.status, str(error), error)
        except AnswerError as error:
            return Verdict(self, False, error.status, str(error))
        except AssertionError as error:
            return Verdict(self, False, "wrong value", f"wrong value: {error}")
        except Exception:  # the test itself stumbled over the value: fail closed
            return Verdict(self, False, "wrong type", "wrong type: the test could not read what came back")
        return Verdict(self, True, "passed", "passed")


@dataclass(frozen=True)
class Verdict:
    """What a test says about an answer. `status` may be shown to anybody; `detail` only for visible tests."""

    test: Test
    passed: bool
    status: str
    detail: str = ""
    mismatch: Mismatch | None = None

    @property
    def message(self) -> str:
        """What the student reads: for a hidden test the fixed status only."""
        if self.passed:
            return "passed"
        text = self.status if self.test.hidden else self.detail or self.status
        return f"{text}. Hint: {self.hint}" if self.hint else text

    @property
    def hint(self) -> str:
        """The author's hint, where there is one for this mistake or else for this kind of failure."""
        if self.mismatch and self.mismatch.hint:
            return self.mismatch.hint
        status = re.sub(r"^wrong value \((nan|inf)\)", "overflow", self.status) + " "
        return " ".join(text for kind, text in self.test.hints if status.startswith(kind + " "))


def common_trouble(verdicts: Sequence[Verdict]) -> str:
    """What is said of all tests alike and has to do with none of them, such as "not written yet"; else ``""``."""
    if (
        any(verdict.passed or verdict.mismatch for verdict in verdicts)
        or len({v.status for v in verdicts}) > 1
    ):
        return ""
    texts = {verdict.message for verdict in verdicts if not verdict.test.hidden}
    return texts.pop() if len(texts) == 1 else ""


@dataclass(frozen=True)
class Question:
    """A question: its name, its points, its tests, and the cells it is made of."""

    name: str
    points: float
    tests: tuple[Test, ...]
    answer: Cell
    cell: Cell


@dataclass(frozen=True)
class Homework:
    """A homework: the instructor's notebook, and the student's version of it.

    Where only the student's version is at hand, `questions` have the visible tests, no solutions, and
    `is_whole` is False.
    """

    name: str
    questions: tuple[Question, ...]
    setup: tuple[str, ...]
    released: tuple[Cell, ...]
    file_name: str
    is_whole: bool = True

    @property
    def points(self) -> float:
        return sum(question.points for question in self.questions)


def homework_folder() -> Path:
    """Where the homeworks are: in the checkout, or inside the installed package."""
    from needle_edu.backend import paths

    return paths.notebooks_dir() / "homework"


def names() -> list[str]:
    """The homeworks of the course, e.g. ``["hw1"]``."""
    folder = homework_folder()
    return (
        sorted(p.name for p in folder.iterdir() if (p / f"{p.name}.ipynb").is_file())
        if folder.is_dir()
        else []
    )


def source_of(homework: str | Path) -> Path:
    """The file a homework is read from: by its name, or the path of a notebook, its folder or an archive."""
    path = Path(homework)
    if str(homework) in names():
        return homework_folder() / str(homework) / f"{homework}.ipynb"
    if path.suffix in (".ipynb", ".zip"):
        return path
    if path.is_dir():
        found = [p for p in path.glob("*.ipynb") if not p.name.endswith(".backup.ipynb")]
        found = [p for p in found if p.stem == path.resolve().name] or found
        if len(found) != 1:
            raise NotebookError(f"{path} holds {len(found)} notebooks; a homework's folder holds one")
        return found[0]
    raise NotebookError(f"there is no homework {str(homework)!r}; there are: {', '.join(names()) or 'none'}")


def read_source(path: Path) -> tuple[str, dict]:
    """Name and tree of the notebook that `source_of` found; an archive's is read without unpacking it."""
    if path.suffix != ".zip":
        return path.name, notebook.read_tree(path)
    name, content = instructor.read(path)
    return name, notebook.tree_of(content, name)


def load(homework: str | Path) -> Homework:
    """Read a homework: run its set-up and define its tests here, on the trusted side.

    Raises
    ------
    NotebookError
        If the instructor's notebook contradicts itself, such as tests without an answer cell.
    """
    file_name, tree = read_source(source_of(homework))
    cells = notebook.cells_of(tree, file_name)
    setup = tuple(c.source for c in cells if c.kind == "code" and c.is_locked and not c.is_tests)
    answers = {c.grade_id: c for c in cells if c.is_answer}
    questions = []
    for cell in cells:
        if cell.is_tests:
            try:
                questions.append(_question(cell, answers, setup))
            except (Exception, SystemExit) as error:  # the author's cells ran: anything may come out of them
                why = str(error) if isinstance(error, NotebookError) else f"{type(error).__name__}: {error}"
                raise NotebookError(f"{file_name}: the test cell {cell.grade_id!r}: {why[:300]}") from None
    if not questions:
        raise NotebookError(f"{file_name} is no homework: no cell in it is marked as the tests of a question")
    if len({q.name for q in questions}) != len(questions):
        raise NotebookError(f"{file_name}: two test cells for one question")
    released = tuple(notebook.cells_of(student.student_version(tree), file_name))
    whole = not student.is_released(tree)
    return Homework(Path(file_name).stem, tuple(questions), setup, released, file_name, whole)


def _question(cell: Cell, answers: dict[str, Cell], setup: tuple[str, ...]) -> Question:
    name, withheld = question_in(cell.source)
    if name not in answers:
        raise NotebookError(
            'its last line must be check("q1", withheld=["…"]), with the name of an answer cell'
        )
    points = student.points_of(cell.marks)
    tests = tests_in(cell.source, name, setup, withheld)
    return Question(name, points, tests, answers[name], cell)


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


def question_in(source: str) -> tuple[str, tuple[str, ...]]:
    """The question's name and the names it withholds, from the `check` that ends a test cell.

    The name is empty if the cell ends in anything else.

    >>> question_in('def test_q1_a(f): ...\\ncheck("q1", withheld=["sigmoid"])')
    ('q1', ('sigmoid',))
    """
    last = ast.parse(source).body[-1:]
    match last:
        case [ast.Expr(ast.Call(ast.Name("check"), [ast.Constant(str(name))], keywords))]:
            names: list = []
            for keyword in keywords:
                match keyword:
                    case ast.keyword("withheld", ast.List(items) | ast.Tuple(items)):
                        names += [item.value for item in items if isinstance(item, ast.Constant)]
                    case _:
                        return "", ()
            return name, tuple(str(item) for item in names)
    return "", ()


def tests_in(
    source: str, question: str, setup: tuple[str, ...], withheld: Sequence[str] = ()
) -> tuple[Test, ...]:
    """Define the tests of one cell in a namespace of their own and return them in order."""
    namespace: dict = {"__name__": f"tests_of_{question}"}
    for text in setup:
        exec(compile(text, "<set-up>", "exec", dont_inherit=True), namespace)
    namespace["check"] = lambda name, withheld=(): None
    exec(compile(source, f"<tests of {question}>", "exec", dont_inherit=True), namespace)
    return collect(namespace, question, hidden_lines(source), withheld)


def collect(
    namespace: dict, question: str, hidden: Collection[int] = (), withheld: Sequence[str] = ()
) -> tuple[Test, ...]:
    """Return the functions ``test_<question>_…`` of a namespace as tests, in order."""
    found = []
    for name, function in namespace.items():
        if name.startswith(f"test_{question}_") and inspect.isfunction(function):
            title, _, rest = inspect.cleandoc(function.__doc__ or name).partition("\n")
            line = function.__code__.co_firstlineno
            found.append(Test(name, title, hints_in(rest), line in hidden, function, tuple(withheld)))
    if not found:
        raise NotebookError(f"check({question!r}): no functions test_{question}_… here; run the whole cell")
    return tuple(found)


def hints_in(text: str) -> tuple[tuple[str, str], ...]:
    """The hints of a test, one a paragraph: what kind of failure each is for, and its words.

    A hint that names no kind is for wrong values.

    >>> hints_in("Add it to itself.\\n\\ntime limit: Does the\\nloop end?")
    (('wrong value', 'Add it to itself.'), ('time limit', 'Does the loop end?'))
    """
    found = []
    for paragraph in filter(None, (" ".join(part.split()) for part in text.split("\n\n"))):
        kind = _KIND.match(paragraph)
        found.append((kind[1], paragraph[kind.end() :]) if kind else ("wrong value", paragraph))
    return tuple(found)


def hidden_lines(source: str) -> set[int]:
    """The line numbers, from 1, between the marks of hidden tests."""
    lines, inside = set(), False
    for number, line in enumerate(source.split("\n"), start=1):
        inside = "BEGIN HIDDEN TESTS" in line or (inside and "END HIDDEN TESTS" not in line)
        if inside:
            lines.add(number)
    return lines
