"""The conversation of the grader with one student's process about one question: the job, the cells, the tests.

What a student may be told of an exception depends on what the sandbox knows by then. The visible tests run first: no
hidden input has been sent yet, so texts and line numbers may come out. With the first hidden test that ends: from then
on nothing leaves but values, which only tests read, and the names of built-in exceptions. The next question begins in
a room that the last one has not seen.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from needle_edu.course import child, messages
from needle_edu.course.answer import AnswerError
from needle_edu.course.grading.channel import Channel, SandboxError
from needle_edu.course.grading.question_result import Result, without_run
from needle_edu.course.grading.sandbox import BrokenSandbox, Sandbox
from needle_edu.course.grading.sandbox_base import START
from needle_edu.course.limits import patience
from needle_edu.course.questions import Question
from needle_edu.course.testing import Test, Verdict


def run_tests(
    sandbox: Sandbox, question: Question, tests: tuple[Test, ...], job: dict, seed: int, texts: bool
) -> Result:
    """Run one question in a room of its own, the visible tests first."""
    verdicts: dict[str, Verdict] = {}
    with sandbox.question() as inside:
        _start(sandbox, inside, job)
        try:
            failed, notes, output = _cells_said(inside.hear(sandbox.limits.cells))
            for test in sorted(tests, key=lambda test: test.hidden):
                shown = texts or not test.hidden
                inside.tell(("begin", shown))
                verdicts[test.name] = test.verdict(_asker(inside, sandbox.limits.call, failed, shown), seed)
                inside.tell(None)
        except AnswerError as failure:  # it never came as far as the tests
            note = f"the answer's cell did not get to its end: {failure.status}"
            return without_run(question, tests, failure.status, note)
    return Result(question, tuple(verdicts[test.name] for test in tests), notes, output)


def _start(sandbox: Sandbox, inside: Channel, job: dict) -> None:
    """Send the job and wait until the set-up has run; what fails here is not the student's fault."""
    try:
        inside.ask(job, START)
    except SandboxError:
        why = sandbox.last_words()
        raise BrokenSandbox(f"the sandbox did not start: {inside.dead}{why and f' ({why})'}") from None
    inside.deadline = time.monotonic() + patience(sandbox.limits.wall)


def _asker(inside: Channel, seconds: float, failed: AnswerError | None, texts: bool) -> Callable:
    """The `ask` of a channel: send a call, read what came, and make an `AnswerError` of anything but a value.

    What is not there is not there because the cell `failed`, if it did.
    """

    def ask(adapter, name, args, kwargs):
        match inside.ask((adapter, name, args, kwargs), seconds):
            case ("value", value):
                return value
            case ("raised", messages.Raised(raised), str(text)):
                text = text[:500] if texts else ""
                if raised == "NotImplementedError":
                    raise AnswerError("not written yet")
                if raised == "NameError" and failed:
                    raise failed
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
    if code == -signal.SIGXCPU:
        return SandboxError("time limit")
    return SandboxError(child.how_it_crashed(code) or "its process ended")


def _cells_said(told: object) -> tuple[AnswerError | None, tuple[str, ...], str]:
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
            if not isinstance(error, messages.Raised):
                return None, said, output[:4000]
            at = f" in line {line}" if line else ""
            text = f"the answer's cell raised {error.name}{at}: {message[:500]}"
            status = "not written yet" if error.name == "NotImplementedError" else "not defined"
            return AnswerError(status, text), (text, *said), output[:4000]
        case ("ended", int(code)):
            raise _ended(code)
    raise SandboxError("unreadable answer")
