"""`check("q1")`: judge one answer inside the notebook, at once.

It is the last line of a question's locked test cell. It collects the test functions the cell has just
defined, calls the student's answer in this very process, shows pass or fail for each test with what was
expected, what came and where they first differ, and raises `CheckFailed` unless all pass (so nbgrader
counts the cell as failed too). The visible tests are a help while writing; the grade comes from
`commands.grade`.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from needle_edu.course import homework_files, instructor, limits
from needle_edu.course.answer import ask_here
from needle_edu.course.report_html import report_html
from needle_edu.course.testing import Verdict, collect, common_trouble

_MARKS = {True: "✓", False: "✗"}


class CheckFailed(AssertionError):
    """At least one test of a question does not pass yet. Jupyter shows it as one line, without a
    traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(self)]


@dataclass(frozen=True)
class Report:
    """The verdicts on one question, as text in a terminal and as HTML in Jupyter."""

    question: str
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Whether every test passes."""
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def summary(self) -> str:
        """One line, such as ``q1: 2 of 3 tests pass``."""
        count = sum(verdict.passed for verdict in self.verdicts)
        return f"{self.question}: {count} of {len(self.verdicts)} tests pass"

    def __repr__(self) -> str:
        lines = [self.summary]
        if trouble := common_trouble(self.verdicts):
            return f"{self.summary}\n  {_MARKS[False]} {trouble}"
        for verdict in self.verdicts:
            lines.append(f"  {_MARKS[verdict.passed]} {verdict.test.title}")
            lines += [] if verdict.passed else [f"      {verdict.message}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return report_html(self.summary, self.verdicts)


def report(
    question: str, namespace: dict, seed: int = 0, withheld: Sequence[str] = (), homework: str = ""
) -> Report:
    """Judge the answer to `question` that `namespace` holds, with the tests it holds."""
    tests = collect(namespace, question, withheld=withheld)
    beside = homework_files.files_for_check(homework) if homework else {}
    seconds = limits.declared(beside.get(instructor.LIMITS, "")).call
    ask = ask_here(namespace, seconds, beside.get(instructor.ADAPTERS, ""))
    with warnings.catch_warnings(), contextlib.redirect_stderr(sys.stdout):
        warnings.simplefilter("ignore")  # nbgrader counts anything on stderr as a failure
        return Report(question, tuple(test.verdict(ask, seed) for test in tests))


def check(question: str, homework: str = "", withheld: Sequence[str] = ()) -> None:
    """Run the tests of the question in this cell on your answer and show what came out.

    Parameters
    ----------
    question : str
        The question's name, such as ``"q1"``.
    homework : str
        The homework's name, such as ``"hw1"``, if it has files beside its notebook (`homework_files`).
    withheld : sequence of str
        Names in needle_edu that would be the answer themselves: an answer that calls them does not pass.

    Raises
    ------
    CheckFailed
        Unless every test passes.
    NotebookError
        If the cell's test functions are not there, or the homework's files.

    Examples
    --------
    >>> from needle_edu.course.compare import close
    >>> def double(x):
    ...     return x + x
    >>> def test_q0_three(double):
    ...     '''twice three is six'''
    ...     close(double(3.0), 6.0)
    >>> check("q0")
    q0: 1 of 1 tests pass
      ✓ twice three is six
    """
    result = report(question, sys._getframe(1).f_globals, withheld=withheld, homework=homework)
    _show(result)
    if not result.passed:
        raise CheckFailed(f"{result.summary}; what is missing stands above.")


def _show(result: Report) -> None:
    """Display the report in Jupyter; print it anywhere else."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(result)
    else:
        print(result)
