"""From verdicts to records, and from records to ``grades.csv`` and ``results.json``.

A record is all that is kept of one student's grading, as plain data. A question that could not be judged has no
points, which is not the same as 0, and neither has the student a total then. The table is made for a spreadsheet,
so no text in it can become a formula there.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence

from needle_edu.course import feedback
from needle_edu.course.grading.handed_in import Entry
from needle_edu.course.grading.question_result import Result
from needle_edu.course.grading.records import Folder, Record, write_whole
from needle_edu.course.questions import Homework, Question
from needle_edu.course.testing import Verdict, common_trouble

# A formula begins with one of these (half or full width) at the beginning of a cell. What counts as a cell depends on
# the reader: some part a line at semicolons, tabs or spaces, whatever the quotes say.
FORMULA = re.compile(r"(?<!\w)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b\u2212])")
LONGEST = 2000  # characters of a cell of the table


def record_of(entry: Entry, results: Iterable[Result], notes: Iterable[str] = (), digest: str = "") -> Record:
    """Make a student's record: points, verdicts and notes, with only what the student may see of hidden tests."""
    results = list(results)
    questions = {result.question.name: _question(result) for result in results}
    return {
        "student": entry.student,
        "submission": digest,
        "judged": all(result.judged for result in results),
        "notes": list(notes),
        "questions": questions,
    }


def unjudged(question: Question, why: str) -> Result:
    """The result of a question that nobody could judge."""
    return Result(question, (), (f"not judged: {why}",), judged=False)


def without_answer(question: Question, status: str) -> Result:
    """The result of a question to which there is no answer: no points."""
    return Result(question, tuple(Verdict(test, False, status) for test in question.tests))


def _question(result: Result) -> dict:
    trouble = common_trouble(result.verdicts)
    return {
        "points": result.points if result.judged else None,
        "waits": result.waits,
        "max": result.question.points,
        "trouble": trouble,
        "tests": [
            {"name": v.test.title, "hidden": v.test.hidden, "passed": v.passed, "message": v.message}
            for v in result.verdicts
        ],
        "notes": [note for note in result.notes if note not in trouble],
        "output": result.output,
    }


def said_of(record: Record) -> list[str]:
    """The notes of a record, and what kept its questions from being tested, each named."""
    about: dict[str, list[str]] = {}
    for name, question in record["questions"].items():
        for text in dict.fromkeys(filter(None, [question["trouble"], *question["notes"]])):
            about.setdefault(text, []).append(name)
    return [*record["notes"], *(f"{', '.join(names)}: {text}" for text, names in about.items())]


def write_tables(
    homework: Homework, entries: Sequence[Entry], records: dict[str, Record], folder: Folder
) -> None:
    """Write both tables, of all students: those without a record have empty cells and a note."""
    rows = [records.get(entry.page) or _not_yet(homework, entry) for entry in entries]
    write_whole(folder.out / "results.json", json.dumps(as_json(rows), indent=1, ensure_ascii=False) + "\n")
    write_whole(folder.out / "grades.csv", as_csv(homework, rows))


def _not_yet(homework: Homework, entry: Entry) -> Record:
    missing = [Result(question, (), judged=False) for question in homework.questions]
    return record_of(entry, missing, ["not graded yet; the same command goes on"])


def as_json(records: Iterable[Record]) -> dict:
    """``{student: {question: {points, max, tests: [{name, passed, message}]}}}``; points may be null."""
    return {
        record["student"]: {
            name: {
                "points": question["points"],
                "max": question["max"],
                "tests": [{key: t[key] for key in ("name", "passed", "message")} for t in question["tests"]],
            }
            for name, question in record["questions"].items()
        }
        for record in records
    }


def as_csv(homework: Homework, records: Iterable[Record]) -> str:
    """One row per student: total, maximum, a column per question, and the notes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [question.name for question in homework.questions]
    writer.writerow(["student", "total", "max", *names, "notes"])
    for record in records:
        given = [record["questions"][name]["points"] for name in names]
        total = None if None in given else sum(given)
        numbers = [feedback.points(value) for value in (total, homework.points, *given)]
        writer.writerow([cell(record["student"]), *numbers, cell("; ".join(said_of(record)))])
    return text.getvalue()


def cell(text: str) -> str:
    """Text for a cell of a spreadsheet: nothing in it can begin a formula, wherever the reader begins a cell.

    >>> cell("=1+1"), cell("x;=1+1"), cell("Ada-Marie")
    ("'=1+1", "x;'=1+1", 'Ada-Marie')
    """
    return FORMULA.sub("'", feedback.visible(text)[:LONGEST])
