"""Grading a class: every submission in a folder is judged, and gets a record, a page and a row.

Whatever a submission is (no notebook, no JSON, an endless loop), it is judged, and the next one too. Two run at a
time, and each result is written as soon as it is there (`records`), so that a grading that is killed goes on where it
was. What this machine, not the student, was to blame for is tried once more, and is never a 0.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from needle_edu.course import feedback
from needle_edu.course.grading import handed_in, results
from needle_edu.course.grading.handed_in import Entry
from needle_edu.course.grading.question_result import Result, waiting
from needle_edu.course.grading.records import Folder, Record
from needle_edu.course.grading.run_question import run_submission
from needle_edu.course.grading.sandbox import ProcessSandbox, Sandbox
from needle_edu.course.grading.stopping import Stop, run_all
from needle_edu.course.grading.submission import match
from needle_edu.course.limits import Limits
from needle_edu.course.notebook import LimitError, NotebookError
from needle_edu.course.questions import Homework


def earlier_records(homework: Homework, entries: Sequence[Entry], folder: Folder) -> dict[str, Record]:
    """The records of an earlier run that still hold, by `Entry.page`: whose submissions have not changed."""
    found = {}
    for entry in entries if folder.begun else ():
        try:
            digest = handed_in.read(entry, homework.file_name).digest
        except (NotebookError, OSError):
            continue  # it costs nothing to say again
        if (record := folder.earlier(entry, digest)) is not None:
            found[entry.page] = record
    return found


def grade_folder(
    homework: Homework,
    entries: Sequence[Entry],
    folder: Folder,
    records: dict[str, Record],
    *,
    jobs: int = 2,
    limits: Limits | None = None,
    sandbox: type[Sandbox] = ProcessSandbox,
    stop: Stop | None = None,
    tell: Callable[[Record], None] = lambda record: None,
) -> None:
    """Judge every submission that has no record yet, write its record and page, and add it to `records`.

    Parameters
    ----------
    records : dict
        By `Entry.page`; those that hold already, such as `earlier_records`. Whatever ends this function, it holds
        all that came out.
    jobs : int
        How many submissions run at the same time.
    stop : Stop, optional
        Called to end early.
    tell : function
        Called with each new record as soon as it is written, from several threads.

    Raises
    ------
    Stopped
        If `stop` was called.
    OSError
        If a record cannot be written.
    """
    stop = stop or Stop()
    watched = stop.watched(sandbox)

    def grade(entry: Entry) -> None:
        record = grade_one(homework, entry, seed=folder.seed, limits=limits, sandbox=watched)
        # After a stop its sandbox may have been killed: what came out says nothing about the student.
        if not stop.asked:
            folder.write(entry, record, feedback.page(homework.name, record))
            records[entry.page] = record
            tell(record)

    run_all([partial(grade, entry) for entry in entries if entry.page not in records], jobs, stop)


def grade_one(
    homework: Homework, entry: Entry, *, seed: int, limits: Limits | None, sandbox: type[Sandbox]
) -> Record:
    """Judge one submission and return its record; what cannot be read has a note for the reason."""
    questions, digest = homework.questions, ""
    try:
        found = handed_in.read(entry, homework.file_name)
        digest = found.digest
        submission = match(homework, found.cells())
    except LimitError as error:
        return results.record_of(entry, [results.unjudged(q, str(error)) for q in questions])
    except NotebookError as error:
        nothing = [results.without_answer(q, "no notebook to grade") for q in questions]
        return results.record_of(entry, nothing, [str(error)], digest)
    except Exception as error:  # such as a file that the system does not let us read
        return results.record_of(entry, [results.unjudged(q, _why(error)) for q in questions])
    notes, untouched = submission.notes, submission.untouched
    if found.name.split("/")[-1] != homework.file_name and found.name != entry.path.name:
        name = handed_in.shown(found.name)
        notes = [f"{homework.file_name} is missing; '{name}' was graded in its place", *notes]
    answers = {name: (text, submission.extra[name]) for name, text in submission.answers.items()}
    answers = {name: answer for name, answer in answers.items() if name not in untouched}
    ran = run_answers(homework, answers, seed=seed, limits=limits, sandbox=sandbox)
    for question in questions:
        if question.waits:
            ran[question.name] = waiting(question)
        elif question.name not in ran:
            why = "not written yet" if question.name in untouched else "the answer's cell is missing"
            ran[question.name] = results.without_answer(question, why)
    return results.record_of(entry, [ran[question.name] for question in questions], notes, digest)


def run_answers(
    homework: Homework,
    answers: Mapping[str, tuple[str, tuple[str, ...]]],
    *,
    seed: int,
    limits: Limits | None,
    sandbox: type[Sandbox],
) -> dict[str, Result]:
    """Run the tests on the answers of one submission; what could not be judged is tried once more."""
    done: dict[str, Result] = {}
    why = ""
    for _ in range(2):
        left = {name: answer for name, answer in answers.items() if name not in done or not done[name].judged}
        try:
            for result in run_submission(homework, left, seed=seed, limits=limits, sandbox=sandbox):
                done[result.question.name] = result
        except Exception as error:  # such as a machine without room for a process: the others go on
            why = _why(error)
    for question in homework.questions:
        if question.name in answers and question.name not in done:
            done[question.name] = results.unjudged(question, why)
    return done


def try_reference(
    homework: Homework,
    *,
    limits: Limits | None = None,
    sandbox: type[Sandbox] = ProcessSandbox,
    stop: Stop | None = None,
) -> None:
    """Grade the instructor's own solutions: what they lose on this machine, every student would lose.

    Raises
    ------
    RuntimeError
        If a solution does not pass, or the sandbox does not start.
    Stopped
        If `stop` was called.
    """
    stop = stop or Stop()
    watched = stop.watched(sandbox)
    answers = {q.name: (q.answer.source, ()) for q in homework.questions}

    def run_them() -> dict[str, Result]:
        return run_answers(homework, answers, seed=secrets.randbits(32), limits=limits, sandbox=watched)

    (done,) = run_all([run_them], 1, stop)
    for result in done.values():
        failed = [f"{v.test.name}: {v.detail or v.status}" for v in result.verdicts if not v.passed]
        if failed or not (result.judged or result.waits):
            why = failed[0] if failed else "; ".join(result.notes)
            raise RuntimeError(
                f"the solution of {result.question.name} in {homework.file_name} does not pass here "
                f"({why}), so nothing was graded"
            )


def _why(error: BaseException) -> str:
    return feedback.visible(f"{type(error).__name__}: {error}"[:300])
