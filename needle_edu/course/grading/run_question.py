"""Running a submission in a sandbox: every test of every question, put to one student's code.

The tests run here, on the trusted side; the answer runs in the sandbox. What is sent in is source and inputs;
what comes out is bytes that `messages` turns into plain values, and the tests judge those.

What a student may be told of an exception depends on what the sandbox knows by then. The visible tests run first: no
hidden input has been sent yet, so texts and line numbers may come out. With the first hidden test that ends: from then
on nothing leaves but values, which only tests read, and the names of built-in exceptions. The next question begins in
a room that the last one has not seen.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from needle_edu.course import messages
from needle_edu.course.answer import AnswerError
from needle_edu.course.grading.channel import Channel, SandboxError
from needle_edu.course.grading.sandbox import BrokenSandbox, Limits, ProcessSandbox, Sandbox
from needle_edu.course.grading.sandbox_base import START
from needle_edu.course.questions import Homework, Question, Test, Verdict


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
    """

    question: Question
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()
    output: str = ""
    judged: bool = True

    @property
    def passed(self) -> bool:
        """Whether every test passes: then, and only then, the question counts."""
        return self.judged and bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)

    @property
    def points(self) -> float:
        return self.question.points if self.passed else 0.0


def run_question(
    homework: Homework,
    question: Question,
    answer: str | None,
    extra: tuple[str, ...] = (),
    *,
    seed: int = 0,
    hidden: bool = True,
    texts: bool = False,
    limits: Limits | None = None,
    sandbox: type[Sandbox] = ProcessSandbox,
) -> Result:
    """Run the tests of `question` on the source of an answer.

    Parameters
    ----------
    answer : str or None
        The source of the student's answer cell; None if there is none.
    extra : tuple of str
        Sources of cells the student added; only their definitions are used.
    seed : int
        For the tests' random inputs.
    hidden : bool
        Whether the hidden tests run too.
    texts : bool
        Whether texts of exceptions may come out of the sandbox even during hidden tests: only where nobody but
        the instructor reads them. During visible tests they always may.
    limits : Limits, optional
        What the question may use.
    sandbox : type
        Where the answer runs.
    """
    (result,) = run_submission(
        replace(homework, questions=(question,)),
        {question.name: (answer, extra)},
        seed=seed,
        hidden=hidden,
        texts=texts,
        limits=limits,
        sandbox=sandbox,
    )
    return result


def run_submission(
    homework: Homework,
    answers: Mapping[str, tuple[str | None, tuple[str, ...]]],
    *,
    seed: int = 0,
    hidden: bool = True,
    texts: bool = False,
    limits: Limits | None = None,
    sandbox: type[Sandbox] = ProcessSandbox,
) -> Iterator[Result]:
    """Run the questions of one submission, in the homework's order, and yield each result as it comes.

    One sandbox serves them all, as long as it stays whole; if it breaks, the question at hand is not judged and the
    next one gets a new sandbox.

    Parameters
    ----------
    answers : mapping
        For each question to be run, by name: the answer's source (None if there is none) and the sources of
        the student's own cells above it. Questions without an entry are passed over.
    seed, hidden, texts, limits, sandbox
        As in `run_question`.
    """
    sandboxes = _Sandboxes(sandbox, limits or Limits())
    try:
        for question in homework.questions:
            if question.name not in answers:
                continue
            answer, extra = answers[question.name]
            tests = tuple(test for test in question.tests if hidden or not test.hidden)
            if answer is None:
                yield _without_run(question, tests, "the answer's cell is missing")
                continue
            job = {"setup": list(homework.setup), "extra": list(extra), "answer": answer}
            try:
                messages.encode(job)
                whole = sandboxes.whole_one()
                result = _run_tests(whole, question, tests, job, seed, texts)
                if whole.gone:
                    raise BrokenSandbox(whole.gone)
            except messages.MessageError:
                result = _without_run(question, tests, "the answer's cell cannot be sent")
            except (BrokenSandbox, OSError) as error:
                result = _without_run(question, tests, "not judged", f"not judged: {error}", judged=False)
            yield result
    finally:
        sandboxes.close()


class _Sandboxes:
    """One sandbox after another: a new one only when the last is broken."""

    def __init__(self, kind: type[Sandbox], limits: Limits):
        self.kind, self.limits = kind, limits
        self.current: Sandbox | None = None

    def whole_one(self) -> Sandbox:
        if self.current is not None and self.current.gone:
            self.close()
        if self.current is None:
            self.current = self.kind(self.limits).__enter__()
        return self.current

    def close(self) -> None:
        if self.current is not None:
            last, self.current = self.current, None
            last.__exit__(None, None, None)


def _without_run(
    question: Question, tests: tuple[Test, ...], status: str, *notes: str, judged: bool = True
) -> Result:
    return Result(question, tuple(Verdict(test, False, status) for test in tests), notes, judged=judged)


def _run_tests(
    sandbox: Sandbox, question: Question, tests: tuple[Test, ...], job: dict, seed: int, texts: bool
) -> Result:
    """Run one question in a room of its own, the visible tests first."""
    verdicts: dict[str, Verdict] = {}
    with sandbox.question() as inside:
        _start(sandbox, inside, job)
        try:
            error, notes, output = _cells_said(inside.hear(sandbox.limits.cells))
            for test in sorted(tests, key=lambda test: test.hidden):
                shown = texts or not test.hidden
                inside.tell(("begin", shown))
                verdicts[test.name] = test.verdict(_asker(inside, sandbox.limits.call, error, shown), seed)
                inside.tell(None)
        except AnswerError as failure:  # it never came as far as the tests
            note = f"the answer's cell did not get to its end: {failure.status}"
            return _without_run(question, tests, failure.status, note)
    return Result(question, tuple(verdicts[test.name] for test in tests), notes, output)


def _start(sandbox: Sandbox, inside: Channel, job: dict) -> None:
    """Send the job and wait until the set-up has run; what fails here is not the student's fault."""
    try:
        inside.ask(job, START)
    except SandboxError:
        why = sandbox.last_words()
        raise BrokenSandbox(f"the sandbox did not start: {inside.dead}{why and f' ({why})'}") from None
    inside.deadline = time.monotonic() + sandbox.limits.wall


def _asker(inside: Channel, seconds: float, error: str, texts: bool) -> Callable:
    """The `ask` of a channel: send a call, read what came, and make an `AnswerError` of anything but a value."""

    def ask(adapter, name, args, kwargs):
        match inside.ask((adapter, name, args, kwargs), seconds):
            case ("value", value):
                return value
            case ("raised", messages.Raised(raised), str(text)):
                text = text[:500] if texts else ""
                if raised == "NotImplementedError":
                    raise AnswerError("not written yet")
                if raised == "NameError" and error:
                    raise AnswerError("not defined", error)
                if raised == "NameError":
                    alone = "each question is graded alone: define helpers in its own cell"
                    text = f"{text} ({alone})" if text else alone
                raise AnswerError(f"raised {raised}", text)
            case ("refused", messages.Raised(), str(text)):
                raise AnswerError("wrong type", f"it returned {text[:300]}" if texts and text else "")
            case ("ended", int(code)):
                raise _ended(code)
        raise SandboxError("unreadable answer")

    return ask


def _ended(code: int) -> SandboxError:
    """The process in the sandbox is gone; a negative code is the signal that ended it."""
    return SandboxError("time limit" if code == -signal.SIGXCPU else "its process ended")


def _cells_said(told: object) -> tuple[str, tuple[str, ...], str]:
    """What the cell phase reports: the error if there was one, notes for the student, what was printed."""
    match told:
        case {
            "error": error,
            "message": str(message),
            "line": int(line),
            "notes": list(notes),
            "output": str(output),
        }:
            said = tuple(str(note)[:200] for note in notes[:8])
            if isinstance(error, messages.Raised):
                at = f" in line {line}" if line else ""
                text = f"the answer's cell raised {error.name}{at}: {message[:500]}"
                return text, (text, *said), output[:4000]
            return "", said, output[:4000]
        case ("ended", int(code)):
            raise _ended(code)
    raise SandboxError("unreadable answer")
