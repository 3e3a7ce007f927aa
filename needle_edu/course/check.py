"""`check("q1")`: judge one answer inside the notebook, at once.

It is the last line of a question's locked test cell. It collects the test functions the cell has just
defined, calls the student's answer in this very process, shows pass or fail for each test with what was
expected, what came and where they first differ, and raises `CheckFailed` unless all pass (so nbgrader
counts the cell as failed too). The visible tests are a help while writing; the grade comes from
`commands.grade`.
"""

from __future__ import annotations

import contextlib
import html
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from needle_edu.course.answer import ask_here
from needle_edu.course.questions import Verdict, collect, common_trouble

_MARKS = {True: "✓", False: "✗"}


class CheckFailed(AssertionError):
    """At least one test of a question does not pass yet. Jupyter shows it as one line, without a
    traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(self)]


@dataclass(frozen=True)
class Report:
    """The verdicts on one question, as text in a terminal and as a small table in Jupyter."""

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
        if trouble := common_trouble(self.verdicts):
            rows = _row(False, html.escape(trouble))
        else:
            rows = "".join(_row_of(verdict) for verdict in self.verdicts)
        colour = "#1a7f37" if self.passed else "#cf222e"
        return (
            f'<div style="border-left:4px solid {colour};padding:2px 12px;margin:4px 0">'
            f"<strong>{html.escape(self.summary)}</strong>"
            f'<table style="margin:4px 0;border-collapse:collapse">{rows}</table></div>'
        )


def _row_of(verdict: Verdict) -> str:
    text = html.escape(verdict.test.title)
    if not verdict.passed:
        text += f"<br><small>{_difference(verdict)}</small>"
    return _row(verdict.passed, text)


def _row(passed: bool, text: str) -> str:
    colour, word = ("#1a7f37", "pass") if passed else ("#cf222e", "fail")
    style = "text-align:left;vertical-align:top;padding:2px 10px"
    return (
        f'<tr><td style="{style};color:{colour};white-space:nowrap">{_MARKS[passed]} {word}</td>'
        f'<td style="{style}">{text}</td></tr>'
    )


def _difference(verdict: Verdict) -> str:
    """The message of a failed test as HTML; expected and got stand one under the other."""
    found = verdict.mismatch
    if found is None or verdict.test.hidden or not (found.expected or found.got):
        return html.escape(verdict.message)
    place = f" at <code>{html.escape(found.where)}</code>" if found.where else ""
    lines = [f"{html.escape(found.status)}{place}"]
    lines.append(f"expected <code>{html.escape(found.expected)}</code>")
    lines.append(f"got <code>{html.escape(found.got)}</code>")
    if verdict.hint:
        lines.append(f"Hint: {html.escape(verdict.hint)}")
    return "<br>".join(lines)


def report(question: str, namespace: dict, seed: int = 0, withheld: Sequence[str] = ()) -> Report:
    """Judge the answer to `question` that `namespace` holds, with the tests it holds."""
    tests = collect(namespace, question, withheld=withheld)
    ask = ask_here(namespace)
    with warnings.catch_warnings(), contextlib.redirect_stderr(sys.stdout):
        warnings.simplefilter("ignore")  # nbgrader counts anything on stderr as a failure
        return Report(question, tuple(test.verdict(ask, seed) for test in tests))


def check(question: str, withheld: Sequence[str] = ()) -> None:
    """Run the tests of the question in this cell on your answer and show what came out.

    Parameters
    ----------
    question : str
        The question's name, such as ``"q1"``.
    withheld : sequence of str
        Names in needle_edu that would be the answer themselves: an answer that calls them does not pass.

    Raises
    ------
    CheckFailed
        Unless every test passes.
    NotebookError
        If the cell's test functions are not there.

    Examples
    --------
    >>> from needle_edu.course.judge import close
    >>> def double(x):
    ...     return x + x
    >>> def test_q0_three(double):
    ...     '''twice three is six'''
    ...     close(double(3.0), 6.0)
    >>> check("q0")
    q0: 1 of 1 tests pass
      ✓ twice three is six
    """
    result = report(question, sys._getframe(1).f_globals, withheld=withheld)
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
