"""What `needle-edu homework start`, `needle-edu check` and `needle-edu grade` do.

Each function prints what a person needs to know and returns the exit status: 0 done, 1 not. They can be
called from a notebook or a program just as well.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from needle_edu.course import homework_files, instructor, notebook, own_work, questions, student
from needle_edu.course.check import Report
from needle_edu.course.grading import records, sandbox
from needle_edu.course.grading.grade_class import grade_class
from needle_edu.course.grading.run_question import run_question
from needle_edu.course.grading.sandbox_base import ENVIRONMENT
from needle_edu.course.grading.submission import match
from needle_edu.course.limits import Limits
from needle_edu.course.notebook import NotebookError
from needle_edu.course.terminal import say, sorry


def list_homeworks() -> int:
    """Print the homeworks of the course with their points."""
    for name in homework_files.names():
        homework = questions.load(name)
        parts = ", ".join(f"{q.name} ({q.points:g})" for q in homework.questions)
        print(f"{name}: {homework.points:g} points: {parts}")
    return 0


def start(hw: str, dir: str | Path, force: bool = False) -> int:
    """Write the student's copy of homework `hw` into the folder `dir`.

    Parameters
    ----------
    hw : str
        The homework's name, e.g. ``"hw1"``, or the path of an instructor's notebook or archive.
    dir : path
        Where to; made if it is not there.
    force : bool
        Start over when the notebook is there already; what was there is kept beside it as a backup. Without
        `force`, a student's work is never touched.

    Returns
    -------
    int
        0 when the copy was written.
    """
    try:
        source = homework_files.read_source(homework_files.source_of(hw))
        text = student.to_text(student.student_version(source.tree))
        target = Path(dir) / source.file_name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() or target.is_symlink():
            if not force:
                return sorry(
                    f"{target} is there already, and your work in it is kept. To start over: --force"
                )
            backup = target.with_name(f"{target.stem}.{time.strftime('%Y%m%d-%H%M%S')}.backup.ipynb")
            count = 1
            while backup.exists():
                count += 1
                backup = target.with_name(
                    f"{target.stem}.{time.strftime('%Y%m%d-%H%M%S')}-{count}.backup.ipynb"
                )
            target.rename(backup)
            print(f"needle-edu: what was there is now {backup}")
        records.write_whole(target, text)
        if hw not in homework_files.names():  # the course's own are found wherever needle_edu is
            for end, beside in source.beside.items():
                records.write_whole(target.with_name(f"{target.stem}{end}"), beside)
    except NotebookError as error:
        return sorry(str(error))
    except OSError as error:
        return sorry(f"cannot write into {dir} ({error.strerror})")
    print(f"needle-edu: {target} is yours. Open it in Jupyter; or check it here: needle-edu check {dir}")
    return 0


def pack(hw: str, target: str | Path) -> int:
    """Write the instructor's archive of a homework: solutions and hidden tests, for `grade` elsewhere.

    Parameters
    ----------
    hw : str
        The homework's name where the sources of the course are at hand, or an instructor's notebook or folder.
    target : path
        The archive, e.g. ``hw1-instructor.zip``. Packing again gives the same bytes.

    Returns
    -------
    int
        0 when the archive was written.
    """
    try:
        if Path(target).suffix != ".zip":
            return sorry(f"an archive's name ends in .zip, got {target}")
        homework = questions.load_for_grading(hw)
        instructor.pack(homework_files.source_of(hw), Path(target))
    except NotebookError as error:
        return sorry(str(error))
    except OSError as error:
        return sorry(f"cannot write {target} ({error.strerror})")
    print(
        f"needle-edu: {target} holds {homework.name} with its solutions and hidden tests: for instructors only. "
        f"To grade with it: needle-edu grade {target} SUBMISSIONS --out GRADES"
    )
    return 0


def check(path: str | Path) -> int:
    """Check a homework as `grade` does, but with the visible tests only, and print a report.

    Parameters
    ----------
    path : path
        The notebook, or the folder it is in, or the folder of the course. A homework that is none of the course's,
        such as an instructor's own, is judged by the tests in the notebook itself.

    Returns
    -------
    int
        0 only if all questions pass.
    """
    try:
        files = own_work.find(Path(path), homework_files.names())
        return max([_check_one(file, named=Path(path) not in (file, file.parent)) for file in files])
    except (NotebookError, RuntimeError) as error:
        return sorry(str(error))


def _check_one(file: Path, named: bool) -> int:
    homework = questions.load(own_work.name_in(file, homework_files.names()) or file)
    if named:
        print(f"{file}:")
    submission = match(homework, notebook.read(file))
    for note in submission.notes:
        print(f"note: {note}")
    passed = 0
    for question in homework.questions:
        answer, extra = submission.answers.get(question.name), submission.extra.get(question.name, ())
        result = run_question(homework, question, answer, extra, hidden=False, texts=True)
        report = (
            f"{question.name}: {question.waits}"
            if result.waits
            else str(Report(question.name, result.verdicts))
        )
        print(report, *(f"  note: {note}" for note in result.notes if note not in report), sep="\n")
        passed += result.passed
    count = sum(not question.waits for question in homework.questions)
    print(f"{homework.name}: {passed} of {count} questions pass their visible tests.")
    return 0 if passed == count else 1


def grade(
    hw: str,
    submissions: str | Path,
    out: str | Path,
    jobs: int = 2,
    limits: Limits | None = None,
    isolated: bool = True,
) -> int:
    """Grade a folder of submissions and write grades.csv, results.json and feedback pages into `out`.

    Each student's result is written as soon as it is there. If the grading is stopped or killed, the same call goes
    on where it was: submissions that have not changed since are not graded again.

    Parameters
    ----------
    hw : str
        The homework's name, or the path of an instructor's notebook.
    submissions : path
        One sub-folder, notebook or zip archive per student.
    out : path
        Where the results go; made if it is not there.
    jobs : int
        How many submissions at a time.
    limits : Limits, optional
        What one question of one submission may use; by default what the homework declares.
    isolated : bool
        Whether student code runs in a sandbox that it cannot leave; if there is none here, nothing is graded.
        Without, it runs under limits only.

    Returns
    -------
    int
        0 when every submission was judged, whatever its points; 128 and the signal's number after a signal.
    """
    kind = sandbox.BubblewrapSandbox if isolated else sandbox.ProcessSandbox
    if trouble := sandbox.trouble() if isolated else kind.trouble():
        way_out = ". Without isolation: --unsafe-no-isolation" if isolated else ""
        return sorry(f"nothing was graded: {trouble.rstrip('.')}{way_out}")
    if caution := kind.caution():
        say(f"needle-edu: {caution}", sys.stderr)
    try:
        homework = questions.load_for_grading(hw)
    except NotebookError as error:
        return sorry(str(error))
    if why := _without_a_compiler(homework):
        return sorry(f"nothing was graded: {why}")
    secret = sandbox.hidden(homework_files.homework_folder(), hw, submissions, out)
    limits = replace(limits or homework.limits, hide=secret)
    try:
        return grade_class(homework, Path(submissions), Path(out), jobs, limits, kind)
    except (NotebookError, RuntimeError, records.OutError) as error:
        return sorry(str(error))
    except OSError as error:
        return sorry(f"cannot grade {submissions} into {out} ({error.strerror}: {error.filename})")


def _without_a_compiler(homework: questions.Homework) -> str:
    """Why the answers of a homework cannot be compiled in a sandbox of this machine; empty if they can."""
    if not any(question.is_kernel for question in homework.questions):
        return ""
    from needle_edu.course.kernels import translation_unit

    return translation_unit.trouble(ENVIRONMENT["PATH"])
