"""What a test of a question is, what it says of an answer, and how the functions in a test cell become tests.

A test is a function ``test_q1_…``; its docstring's first line is the title the student sees, the rest are hints
(`hints_in`); its parameters name what the student wrote, and ``rng`` is a random generator. Whatever happens while it
runs is a `Verdict`, never an exception.
"""

from __future__ import annotations

import inspect
import re
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from needle_edu.course.answer import Answer, AnswerError
from needle_edu.course.compare import Mismatch
from needle_edu.course.notebook import NotebookError

# What a hint can be for: the beginning of a status; "overflow" is a wrong value that is nan or infinite.
_KIND = re.compile(
    r"((?:overflow|wrong (?:value|shape|type|dtype|length)|time limit|raised \w+|found [\w-]+|too (?:few|many) \w+)"
    r"(?: of .*?)?): "
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
        try:
            self.function(*arguments)
        except Mismatch as error:
            error.asked = next((a._last for a in arguments if isinstance(a, Answer)), None)
            raise

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


def tests_in(
    source: str, question: str, setup: tuple[str, ...], withheld: Sequence[str] = ()
) -> tuple[Test, ...]:
    """Define the tests of one cell in a namespace of their own and return them in order."""
    namespace: dict = {"__name__": f"tests_of_{question}"}
    for text in setup:
        exec(compile(text, "<set-up>", "exec", dont_inherit=True), namespace)
    namespace["check"] = lambda question, homework="", withheld=(): None
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
