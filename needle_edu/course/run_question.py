"""Examining one answer in a sandbox: every test of a question, put to one student's code.

The tests run here, on the trusted side; the answer runs in the sandbox. What is sent in is source and inputs;
what comes out is bytes that `wire` turns into plain values, and the tests judge those.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

from needle_edu.course import wire
from needle_edu.course.answer import AnswerError
from needle_edu.course.questions import Homework, Question, Verdict
from needle_edu.course.sandbox import Limits, ProcessSandbox, Sandbox, SandboxError

START = 40.0  # seconds that starting Python and the set-up's imports may take on a busy machine


@dataclass(frozen=True)
class Result:
    """What came out of one question of one submission."""

    question: Question
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()
    output: str = ""
    judged: bool = True

    @property
    def passed(self) -> bool:
        """Whether every test passes: then, and only then, the question counts."""
        return bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)

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
    messages: bool = False,
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
    messages : bool
        Whether texts of exceptions may come out of the sandbox: only where no hidden input goes in.

    Raises
    ------
    RuntimeError
        If the sandbox does not come as far as the student's code.
    """
    limits = limits or Limits()
    tests = [test for test in question.tests if hidden or not test.hidden]
    if answer is None:
        return Result(question, tuple(Verdict(t, False, "the answer's cell is missing") for t in tests))
    job = {"setup": list(homework.setup), "extra": list(extra), "answer": answer, "messages": messages}
    try:
        with sandbox(limits) as inside:
            _start(inside, {**job, "limits": asdict(limits)})
            error, notes, output = _cells_said(inside.hear(limits.cells))
            verdicts = []
            for test in tests:
                inside.tell("begin")
                verdict = test.verdict(_asker(inside, limits.call, error, messages), seed)
                inside.tell(None)
                verdicts.append(verdict)
    except (AnswerError, wire.WireError) as failure:  # the sandbox never came as far as the tests
        status = getattr(failure, "status", "the answer's cell cannot be sent")
        notes, output = (f"the answer's cell did not get to its end: {status}",), ""
        verdicts = [Verdict(test, False, status) for test in tests]
    return Result(question, tuple(verdicts), tuple(notes), output)


def run_submission(
    homework: Homework,
    answers: Mapping[str, tuple[str | None, tuple[str, ...]]],
    *,
    seed: int = 0,
    hidden: bool = True,
    messages: bool = False,
    limits: Limits | None = None,
    sandbox: type[Sandbox] = ProcessSandbox,
) -> Iterator[Result]:
    """Run the questions of one submission, in the homework's order, and yield each result as it comes.

    Parameters
    ----------
    answers : mapping
        For each question to be run, by name: the answer's source (None if there is none) and the sources of
        the student's own cells above it. Questions without an entry are passed over.
    seed, hidden, messages, limits, sandbox
        As in `run_question`.
    """
    for question in homework.questions:
        if question.name in answers:
            answer, extra = answers[question.name]
            yield run_question(
                homework,
                question,
                answer,
                extra,
                seed=seed,
                hidden=hidden,
                messages=messages,
                limits=limits,
                sandbox=sandbox,
            )


def _start(inside: Sandbox, job: dict) -> None:
    """Send the job and wait until the set-up has run; what fails here is not the student's fault."""
    try:
        inside.ask(job, START)
    except SandboxError:
        why = inside.last_words()
        raise RuntimeError(f"the sandbox did not start: {inside.dead}{why and f' ({why})'}") from None
    inside.deadline = time.monotonic() + inside.limits.wall


def _asker(inside: Sandbox, seconds: float, error: str, messages: bool) -> Callable:
    """The `ask` of a sandbox: send a call, read what came, and make an `AnswerError` of anything but a value."""

    def ask(probe, name, args, kwargs):
        match inside.ask((probe, name, args, kwargs), seconds):
            case ("value", value):
                return value
            case ("raised", wire.Raised(raised), str(text)):
                text = text[:500] if messages else ""
                if raised == "NotImplementedError":
                    raise AnswerError("not written yet")
                if raised == "NameError" and error:
                    raise AnswerError("not defined", error)
                if raised == "NameError" and not text:
                    text = "each question is graded alone: define helpers in its own cell"
                raise AnswerError(f"raised {raised}", text)
            case ("refused", wire.Raised(), str(text)):
                raise AnswerError("wrong type", f"it returned {text[:300]}" if messages and text else "")
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
            if isinstance(error, wire.Raised):
                at = f" in line {line}" if line else ""
                text = f"the answer's cell raised {error.name}{at}: {message[:500]}"
                return text, (text, *said), output[:4000]
            return "", said, output[:4000]
        case ("ended", int(code)):
            raise _ended(code)
    raise SandboxError("unreadable answer")
