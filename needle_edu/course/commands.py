"""What `needle-edu homework start`, `needle-edu check` and `needle-edu grade` do.

Each function prints what a person needs to know and returns the exit status: 0 done, 1 not. They can be
called from a notebook or a program just as well.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from needle_edu.course import grader, notebook, questions, student
from needle_edu.course.check import Report
from needle_edu.course.notebook import NotebookError
from needle_edu.course.run_question import run_question
from needle_edu.course.sandbox import BubblewrapSandbox, Limits, hidden, trouble
from needle_edu.course.submission import match


def list_homeworks() -> int:
    """Print the homeworks of the course with their points."""
    for name in questions.names():
        homework = questions.load(name)
        parts = ", ".join(f"{q.name} ({q.points:g})" for q in homework.questions)
        print(f"{name}: {homework.points:g} points: {parts}")
    return 0


def start(hw: str, dir: str | Path, force: bool = False) -> int:
    """Write the student's copy of homework `hw` into the folder `dir`.

    Parameters
    ----------
    hw : str
        The homework's name, e.g. ``"hw1"``, or the path of an instructor's notebook of your own.
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
        source = questions.source_of(hw)
        text = student.to_text(student.student_version(notebook.read_tree(source)))
        target = Path(dir) / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() or target.is_symlink():
            if not force:
                return _sorry(
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
        grader.write_whole(target, text)
    except NotebookError as error:
        return _sorry(str(error))
    except OSError as error:
        return _sorry(f"cannot write into {dir} ({error.strerror})")
    print(f"needle-edu: {target} is yours. Open it in Jupyter; or check it here: needle-edu check {dir}")
    return 0


def check(dir: str | Path) -> int:
    """Check a homework folder as `grade` does, but with the visible tests only, and print a report.

    Parameters
    ----------
    dir : path
        The folder that `start` wrote, or the notebook in it.

    Returns
    -------
    int
        0 only if all questions pass.
    """
    folder = Path(dir)
    if folder.is_file():
        folder = folder.parent
    found = [name for name in questions.names() if (folder / f"{name}.ipynb").exists()]
    if not found:
        known = ", ".join(f"{name}.ipynb" for name in questions.names())
        others = ", ".join(sorted(p.name for p in folder.glob("*.ipynb"))[:5])
        way_out = f"; rename {others}" if others else ". To begin one: needle-edu homework start hw1 FOLDER"
        return _sorry(f"{folder} holds no homework (looked for {known}){way_out}")
    try:
        return max(_check_one(questions.load(name), folder) for name in found)
    except (NotebookError, RuntimeError) as error:
        return _sorry(str(error))


def _check_one(homework: questions.Homework, folder: Path) -> int:
    submission = match(homework, notebook.read(folder / homework.file_name))
    for note in submission.notes:
        print(f"note: {note}")
    passed = 0
    for question in homework.questions:
        answer, extra = submission.answers.get(question.name), submission.extra.get(question.name, ())
        result = run_question(homework, question, answer, extra, hidden=False, messages=True, limits=Limits())
        said = str(Report(question.name, result.verdicts))
        print(said, *(f"  note: {note}" for note in result.notes if note not in said), sep="\n")
        passed += result.passed
    count = len(homework.questions)
    print(f"{homework.name}: {passed} of {count} questions pass their visible tests.")
    return 0 if passed == count else 1


def grade(
    hw: str, submissions: str | Path, out: str | Path, jobs: int = 2, limits: Limits | None = None
) -> int:
    """Grade a folder of submissions and write grades.csv, results.json and feedback pages into `out`.

    Parameters
    ----------
    hw : str
        The homework's name, or the path of an instructor's notebook.
    submissions : path
        One sub-folder per student.
    out : path
        Where the results go; made if it is not there.
    jobs : int
        How many submissions at a time.
    limits : Limits, optional
        What one question of one submission may use.

    Returns
    -------
    int
        0 when every submission was judged, whatever its points.
    """
    if reason := trouble():
        return _sorry(f"nothing was graded: {reason}")
    try:
        homework = questions.load_for_grading(hw)
        if not Path(submissions).is_dir():
            return _sorry(f"{submissions} is no folder; one with a sub-folder per student is wanted")
        if Path(out).resolve().is_relative_to(Path(submissions).resolve()):
            return _sorry(f"{out} is inside {submissions}, where it would pass for a student; choose another")
        secret = hidden(questions.homework_folder(), questions.source_of(hw), submissions, out)
        limits = replace(limits or Limits(), hide=secret)
        grader.try_reference(homework, limits=limits, sandbox=BubblewrapSandbox)
        graded = grader.grade_folder(
            homework,
            Path(submissions),
            jobs=jobs,
            limits=limits,
            sandbox=BubblewrapSandbox,
            tell=lambda one: print(f"{one.student}: {one.points:g} of {homework.points:g}", flush=True),
        )
        grader.write_results(homework, graded, Path(out))
    except (NotebookError, RuntimeError) as error:
        return _sorry(str(error))
    except OSError as error:
        return _sorry(f"cannot grade {submissions} into {out} ({error.strerror}: {error.filename})")
    if not graded:
        return _sorry(f"there are no submissions in {submissions}: one sub-folder per student is wanted")
    print(f"needle-edu: {len(graded)} graded; grades.csv, results.json and feedback/ are in {out}")
    missed = [one for one in graded if not one.judged]
    return _sorry(f"not judged, see their pages: {', '.join(one.student for one in missed)}") if missed else 0


def _sorry(text: str) -> int:
    print(f"needle-edu: {text}", file=sys.stderr)
    return 1
