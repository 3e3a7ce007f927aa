"""`needle-edu grade`, once homework and sandbox are chosen: from a folder of submissions to a folder of results.

What is told to whoever grades is told here, a line for each student; the grading itself is `grader`'s.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from needle_edu.course import feedback
from needle_edu.course.grading import grader, handed_in, records, results
from needle_edu.course.grading.handed_in import Entry
from needle_edu.course.grading.records import Folder, Record
from needle_edu.course.grading.sandbox import Sandbox
from needle_edu.course.grading.stopping import Stop, Stopped
from needle_edu.course.limits import Limits
from needle_edu.course.questions import Homework
from needle_edu.course.terminal import say, sorry


def grade_class(
    homework: Homework, submissions: Path, out: Path, jobs: int, limits: Limits, kind: type[Sandbox]
) -> int:
    """Grade every submission in `submissions` that has no result in `out` yet; `commands.grade` says more.

    Returns
    -------
    int
        0 when every submission was judged; 1 when not; 128 and the signal's number after a signal.

    Raises
    ------
    NotebookError, OutError, RuntimeError
        If nothing was graded; the text says why.
    """
    if not submissions.is_dir():
        return sorry(
            f"{submissions} is no folder; one with a sub-folder, notebook or zip per student is wanted"
        )
    entries, others = handed_in.entries(submissions)
    if others:
        more = ", …" if len(others) > 10 else ""
        say(f"needle-edu: not graded, as no submissions: {', '.join(others[:10])}{more}", sys.stderr)
    if not entries:
        return sorry(
            f"there are no submissions in {submissions}: one sub-folder per student is wanted, "
            "or a notebook, or a zip archive"
        )
    how = records.conditions_of(kind.__name__, limits)
    stop = Stop()
    with records.opened(out, homework, submissions, len(entries), how) as folder, stop.at_signals():
        graded = _earlier(homework, entries, folder)
        try:
            _grade_the_rest(homework, entries, folder, graded, jobs, limits, kind, stop)
        except Stopped:
            results.write_tables(homework, entries, graded, folder)
            sorry(
                f"stopped: {len(graded)} of {len(entries)} are graded and kept in {out}; the same command goes on"
            )
            return 128 + stop.number
        except OSError as error:
            return sorry(
                f"cannot write into {out} ({error.strerror}): {len(graded)} of {len(entries)} are graded and kept "
                "there; the same command goes on"
            )
        results.write_tables(homework, entries, graded, folder)
    return _end(graded, out)


def _earlier(homework: Homework, entries: list[Entry], folder: Folder) -> dict[str, Record]:
    """The records that still hold, said to whoever grades."""
    if folder.changed:
        say(
            f"needle-edu: {folder.out} has results of another {homework.name} or another way to run it; all is new"
        )
    graded = grader.earlier_records(homework, entries, folder)
    if graded:
        say(f"needle-edu: {len(graded)} of {len(entries)} were graded before and have not changed")
    return graded


def _grade_the_rest(
    homework: Homework,
    entries: list[Entry],
    folder: Folder,
    graded: dict[str, Record],
    jobs: int,
    limits: Limits,
    kind: type[Sandbox],
    stop: Stop,
) -> None:
    """Try the instructor's own solutions, then grade who has no record in `graded`, and add it there."""
    changed = {entry.student for entry in entries if entry.page not in graded and folder.has(entry)}
    say(f"needle-edu: {homework.name}, {homework.points:g} points. {feedback.RULE}")
    tell = _Teller(len(entries), len(graded), changed)
    if len(graded) < len(entries):
        grader.try_reference(homework, limits=limits, sandbox=kind, stop=stop)
    folder.begin()
    grader.grade_folder(
        homework, entries, folder, graded, jobs=jobs, limits=limits, sandbox=kind, stop=stop, tell=tell
    )


def _end(graded: dict[str, Record], out: Path) -> int:
    """Say what came of the class as a whole."""
    missed = [record["student"] for record in graded.values() if not record["judged"]]
    count = f"{len(graded) - len(missed)} of {len(graded)}" if missed else f"{len(graded)}"
    say(f"needle-edu: {count} graded; grades.csv, results.json and feedback/ are in {out}")
    waiting = {
        name for record in graded.values() for name, q in record["questions"].items() if q.get("waits")
    }
    if waiting:
        say(
            f"needle-edu: these wait, see the notes, and have empty cells in the table: {', '.join(sorted(waiting))}"
        )
    if missed:
        return sorry(
            f"not judged, no points are in the table, see the notes there: {', '.join(sorted(missed))}"
        )
    return 0


class _Teller:
    """Prints a line for each student, from whichever thread, and the notes below it."""

    def __init__(self, count: int, before: int, changed: set[str]):
        self.count, self.done, self.changed = count, before, changed
        self.lock = threading.Lock()

    def __call__(self, record: Record) -> None:
        with self.lock:
            self.done += 1
            again = " (once more)" if record["student"] in self.changed else ""
            given = feedback.score(record["questions"].values())
            say(f"[{self.done}/{self.count}] {record['student']}: {given}{again}")
            for note in results.said_of(record):
                say(f"    {note}")
