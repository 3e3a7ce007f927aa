"""What came out of one question of one submission: verdicts, or why there are none."""

from __future__ import annotations

from dataclasses import dataclass

from needle_edu.course.questions import Question
from needle_edu.course.testing import Test, Verdict


@dataclass(frozen=True)
class Result:
    """What came out of one question of one submission.

    Attributes
    ----------
    verdicts : tuple of Verdict
        One for each test, in the notebook's order.
    notes : tuple of str
        What else there is to say to the student.
    output : str
        What the answer's cell printed.
    judged : bool
        False if the fault was ours, such as a sandbox that did not start: then there are no points to give
        or to take.
    waits : bool
        Whether the answer has to wait, for a person or for what is not built yet: no points either, and no fault.
    """

    question: Question
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()
    output: str = ""
    judged: bool = True
    waits: bool = False

    @property
    def passed(self) -> bool:
        """Whether every test passes: then, and only then, the question counts."""
        return self.judged and bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)

    @property
    def points(self) -> float | None:
        """The question's points or 0; None if it waits."""
        return None if self.waits else self.question.points if self.passed else 0.0


def waiting(question: Question) -> Result:
    """The result of a question that nobody here can judge: what it waits for is said, and it has no points."""
    return Result(question, (), (question.waits,), waits=True)


def without_run(
    question: Question, tests: tuple[Test, ...], status: str, *notes: str, judged: bool = True
) -> Result:
    """The result of an answer that was not run: all tests have the same status."""
    return Result(question, tuple(Verdict(test, False, status) for test in tests), notes, judged=judged)
