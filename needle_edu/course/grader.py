"""Grading a class: every sub-folder of a folder is a student's submission; every one gets a row and a page.

Whatever a submission is (no notebook, no JSON, an endless loop), it is judged, and the next one too. Two
run at a time. The three results are written at the end, each in one step, so that a reader never sees half
a file.
"""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from needle_edu.backend.files import whole_file
from needle_edu.course import feedback, notebook
from needle_edu.course.notebook import NotebookError
from needle_edu.course.questions import Homework, Question, Verdict
from needle_edu.course.run_question import Result, run_question
from needle_edu.course.sandbox import Limits, ProcessSandbox, Sandbox
from needle_edu.course.submission import Submission, match

NO_STUDENT = frozenset({".ipynb_checkpoints", ".git", ".jupyter", "__pycache__", "__MACOSX"})


@dataclass(frozen=True)
class Graded:
    """One student's results, question by question, and the notes on the notebook."""

    student: str
    results: tuple[Result, ...]
    notes: tuple[str, ...]
    judged: bool = True

    @property
    def points(self) -> float:
        return sum(result.points for result in self.results)


def grade_folder(
    homework: Homework,
    submissions: Path,
    *,
    jobs: int = 2,
    seed: int | None = None,
    limits: Limits | None = None,
    sandbox: type[Sandbox] = ProcessSandbox,
    tell: Callable[[Graded], None] = lambda graded: None,
) -> list[Graded]:
    """Judge every submission in a folder; returns them sorted by student.

    Parameters
    ----------
    submissions : Path
        One sub-folder per student, holding the notebook that `homework start` wrote. Files beside them, and
        folders that Jupyter, git and zip make (`NO_STUDENT`), are no submissions.
    jobs : int
        How many submissions run at the same time.
    seed : int, optional
        For the random inputs of the tests; drawn anew if not given, and the same for the whole class.
    tell : function
        Called with each result as soon as it and all before it are there.
    """
    seed = secrets.randbits(32) if seed is None else seed
    folders = sorted(entry.name for entry in os.scandir(submissions) if _is_submission(entry))

    def judge(name: str) -> Graded:
        try:
            return grade_one(homework, submissions, name, seed=seed, limits=limits, sandbox=sandbox)
        except Exception as error:  # such as a full disk: the others are graded all the same
            nothing = tuple(_without_answer(question, "not judged") for question in homework.questions)
            return Graded(_visible(name), nothing, (f"not judged: {error!r}",), judged=False)

    pool = ThreadPoolExecutor(max(1, jobs))
    try:
        graded = []
        for one in pool.map(judge, folders):
            graded.append(one)
            tell(one)
        return _with_different_names(graded)
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C ends with the submissions that are running


def try_reference(
    homework: Homework, *, limits: Limits | None = None, sandbox: type[Sandbox] = ProcessSandbox
) -> None:
    """Grade the instructor's own solutions: what they lose on this machine, every student would lose.

    Raises
    ------
    RuntimeError
        If a solution does not pass, or the sandbox does not start.
    """
    for question in homework.questions:
        result = run_question(
            homework, question, question.answer.source, messages=True, limits=limits, sandbox=sandbox
        )
        for verdict in result.verdicts:
            if not verdict.passed:
                raise RuntimeError(
                    f"the solution of {question.name} in {homework.file_name} does not pass here "
                    f"({verdict.test.name}: {verdict.detail}), so nothing was graded"
                )


def grade_one(
    homework: Homework,
    submissions: Path,
    name: str,
    *,
    seed: int,
    limits: Limits | None,
    sandbox: type[Sandbox],
) -> Graded:
    """Judge the submission in the folder `name`."""
    try:
        file_name, cells = read_submission(submissions / name, homework.file_name)
        found, missing = match(homework, cells), "the answer's cell is missing"
        if file_name != homework.file_name:
            found.notes.insert(0, f"{homework.file_name} is missing; {file_name!r} was graded in its place")
    except NotebookError as error:
        found, missing = Submission(notes=[str(error)]), "no notebook to grade"
    results = []
    for question in homework.questions:
        answer = found.answers.get(question.name)
        if answer is None or question.name in found.untouched:
            results.append(_without_answer(question, missing if answer is None else "not written yet"))
        else:
            extra = found.extra[question.name]
            results.append(
                run_question(homework, question, answer, extra, seed=seed, limits=limits, sandbox=sandbox)
            )
    return Graded(_visible(name), tuple(results), tuple(found.notes))


def read_submission(folder: Path, file_name: str) -> tuple[str, list[notebook.Cell]]:
    """Return name and cells of the notebook in a student's folder; neither may be a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(folder, flags)
    except OSError as error:
        raise NotebookError(f"the submission is not a folder that can be read ({error.strerror})") from None
    try:
        name = notebook.name_in(fd, file_name)
        return name, notebook.read(name, dir_fd=fd)
    except OSError as error:
        raise NotebookError(f"the submission cannot be read ({error.strerror})") from None
    finally:
        os.close(fd)


def _without_answer(question: Question, status: str) -> Result:
    return Result(question, tuple(Verdict(test, False, status) for test in question.tests))


def _visible(name: str) -> str:
    """A folder's name as text that shows all its characters, even those that are not UTF-8."""
    return feedback.visible(os.fsencode(name).decode("utf-8", "backslashreplace"))


def _is_submission(entry: os.DirEntry) -> bool:
    return entry.name not in NO_STUDENT and (entry.is_dir() or entry.is_symlink())


def _with_different_names(graded: list[Graded]) -> list[Graded]:
    """Two folders may look alike once their names are made visible: number them."""
    seen: dict[str, int] = {}
    result = []
    for one in graded:
        seen[one.student] = seen.get(one.student, 0) + 1
        count = seen[one.student]
        result.append(one if count == 1 else replace(one, student=f"{one.student} ({count})"))
    return result


# --- the results --------------------------------------------------------------------------------------------


def write_results(homework: Homework, graded: list[Graded], out: Path) -> None:
    """Write ``grades.csv``, ``results.json`` and ``feedback/<student>.html`` into `out`."""
    (out / "feedback").mkdir(parents=True, exist_ok=True)
    for one in graded:
        text = feedback.page(one.student, homework.name, list(one.results), list(one.notes))
        write_whole(out / "feedback" / f"{feedback.safe_name(one.student)}.html", text)
    write_whole(out / "results.json", json.dumps(as_json(graded), indent=1, ensure_ascii=False) + "\n")
    write_whole(out / "grades.csv", as_csv(homework, graded))


def as_json(graded: list[Graded]) -> dict:
    """``{student: {question: {points, max, tests: [{name, passed, message}]}}}``."""
    return {
        one.student: {
            result.question.name: {
                "points": result.points,
                "max": result.question.points,
                "tests": [
                    {"name": v.test.title, "passed": v.passed, "message": v.message} for v in result.verdicts
                ],
            }
            for result in one.results
        }
        for one in graded
    }


def as_csv(homework: Homework, graded: list[Graded]) -> str:
    """One row per student: total, maximum, and a column per question."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", "total", "max", *[question.name for question in homework.questions]])
    for one in graded:
        # A spreadsheet would run a name that begins like a formula.
        student = f"'{one.student}" if one.student.startswith(("=", "+", "-", "@")) else one.student
        columns = [feedback.points(result.points) for result in one.results]
        writer.writerow([student, feedback.points(one.points), feedback.points(homework.points), *columns])
    return text.getvalue()


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step: whoever reads it sees all of it, or what was there before."""
    with whole_file(path, encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
