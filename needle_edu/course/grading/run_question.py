"""Running a submission in a sandbox: every test of every question, put to one student's code.

The tests run here, on the trusted side; the answer runs in the sandbox. What is sent in is source and inputs;
what comes out is bytes that `messages` turns into plain values, and the tests judge those.
`conversation` is that exchange; what needs no sandbox (a text, or an answer that has to wait) is answered here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from needle_edu.course import messages, source_cells
from needle_edu.course.answer import AnswerError
from needle_edu.course.grading.conversation import run_tests
from needle_edu.course.grading.question_result import Result, waiting, without_run
from needle_edu.course.grading.sandbox import BrokenSandbox, ProcessSandbox, Sandbox
from needle_edu.course.grading.sandbox_base import ENVIRONMENT
from needle_edu.course.limits import Limits
from needle_edu.course.questions import Homework, Question
from needle_edu.course.testing import Test

Compiled = Mapping[str, dict | Exception]
"""For each question whose answer is a kernel what its room needs to load it, or why there is nothing."""


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
        What the question may use; by default what the homework declares.
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
    sandboxes = _Sandboxes(sandbox, limits or homework.limits)
    try:
        compiled = _compiled(sandboxes, homework, {name: answer for name, (answer, _) in answers.items()})
        for question in homework.questions:
            if question.name not in answers:
                continue
            answer, extra = answers[question.name]
            tests = tuple(test for test in question.tests if hidden or not test.hidden)
            result = _without_sandbox(question, tests, answer, seed, compiled)
            if result is None:
                job = _job(homework, question, answer or "", extra, compiled)
                result = _in_sandbox(sandboxes, question, tests, job, seed, texts)
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


def _compiled(sandboxes: _Sandboxes, homework: Homework, answers: Mapping[str, str | None]) -> Compiled:
    """What came of compiling the answers that are kernels; a broken sandbox instead, if it broke."""
    if not any(question.is_kernel and question.name in answers for question in homework.questions):
        return {}
    from needle_edu.course.grading.compile_room import compile_answers
    from needle_edu.course.kernels import translation_unit

    if why := translation_unit.trouble(ENVIRONMENT["PATH"]):
        return dict.fromkeys(answers, BrokenSandbox(why))
    try:
        return compile_answers(sandboxes.whole_one(), homework, answers)
    except (BrokenSandbox, OSError) as error:
        return dict.fromkeys(answers, error)


def _without_sandbox(
    question: Question, tests: tuple[Test, ...], answer: str | None, seed: int, compiled: Compiled
) -> Result | None:
    """The result of what is no code, or cannot run; None if there is something to run."""
    if question.waits:
        return waiting(question)
    if answer is None:
        return without_run(question, tests, "the answer's cell is missing")
    cell = source_cells.read(answer)
    if question.kind != "python" and (cell is None or cell.kind != question.kind):
        wanted = answer_line(question)
        return without_run(
            question, tests, "wrong type", f"the answer's cell must begin with the line {wanted}"
        )
    if question.is_kernel:
        from needle_edu.course.grading.compile_room import without_libraries

        match compiled[question.name]:
            case AnswerError() as error:
                return without_libraries(question, tests, error)
            case Exception() as error:
                return _not_judged(question, tests, error)
    if question.kind != "text" or cell is None:
        return None

    def ask(adapter: str, name: str, args: tuple, kwargs: dict) -> str:
        if not cell.is_written:
            raise AnswerError("not written yet")
        if (adapter, name) != ("call", cell.name):
            raise AnswerError("not defined", f"the cell's first line names {cell.name}")
        return cell.text.strip()

    return Result(question, tuple(test.verdict(ask, seed) for test in tests))


def answer_line(question: Question) -> str:
    """The first line of an answer's cell that is no Python, such as ``%%c add``."""
    found = source_cells.read(question.answer.source)
    return f"%%{found.kind} {found.name}" if found else ""


def _job(
    homework: Homework, question: Question, answer: str, extra: tuple[str, ...], compiled: Compiled
) -> dict:
    """What the student's process is told; nothing in it is secret."""
    setup, adapters = list(homework.setup), homework.adapters
    job: dict = {"setup": setup, "adapters": adapters, "extra": list(extra), "answer": answer}
    if question.is_kernel:
        # No Python of the student's runs where a kernel's report is made: it could make up another.
        job |= {"compiled": compiled[question.name], "extra": []}
    return job


def _in_sandbox(
    sandboxes: _Sandboxes, question: Question, tests: tuple[Test, ...], job: dict, seed: int, texts: bool
) -> Result:
    """Run one question in a sandbox that is whole; if it breaks, the question is not judged."""
    try:
        messages.encode(job)
        whole = sandboxes.whole_one()
        result = run_tests(whole, question, tests, job, seed, texts)
        if whole.gone:
            raise BrokenSandbox(whole.gone)
        return result
    except messages.MessageError:
        return without_run(question, tests, "the answer's cell cannot be sent")
    except (BrokenSandbox, OSError) as error:
        return _not_judged(question, tests, error)


def _not_judged(question: Question, tests: tuple[Test, ...], error: Exception) -> Result:
    return without_run(question, tests, "not judged", f"not judged: {error}", judged=False)
