"""`make gates`: what the homeworks' tests let through, in one table; nothing wrong may pass.

A question's tests must pass the instructor's solution, and refuse: the empty copy, stubs (`mutants.stubs`), every wrong
answer that somebody thought of (`wrong_answers`), and every mutant of the solution (`mutants`), unless it computes the
same, which `EQUIVALENT` says with the reason. The command fails on anything else.

    python -m tests.course.gates [HOMEWORK ...] [--question NAME]

Answers run in this process, each in a namespace of its own with the set-up, as grading runs each question alone; a
deadline ends endless loops.
"""

import argparse
import contextlib
import io
import sys
from dataclasses import dataclass, field

from needle_edu.course import homework_files, questions
from needle_edu.course.answer import ask_here
from needle_edu.course.questions import Homework, Question

from . import kernel_batch, mutants, wrong_answers

SECONDS = 0.7  # of computing, for one call of a wrong answer
ENOUGH = 10  # wrong answers a question


@dataclass
class Row:
    """What came of one question.

    Attributes
    ----------
    passed : dict of str to list of str
        For each kind of answer that must not pass (`empty`, `stubs`, `wrong answers`, `mutants`): those that did.
    counts : dict of str to int
        How many of each kind there were.
    troubles : list of str
        What else is amiss: a reference that fails, too few wrong answers, an `EQUIVALENT` that is none.
    """

    question: Question
    reference: bool = True
    counts: dict[str, int] = field(default_factory=dict)
    passed: dict[str, list[str]] = field(default_factory=dict)
    equivalent: int = 0
    troubles: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return self.reference and not self.troubles and not any(self.passed.values())


def nothing_wrong_passes(homework: Homework, question: Question, most: int) -> None:
    """For tests: fail unless the question's tests pass its solution and refuse all else; `most` as in `judged`."""
    row = judged(homework, question, most)
    through = {kind: found for kind, found in row.passed.items() if found}
    assert row.is_good, (row.reference, row.troubles, through)
    assert row.counts["empty"] == 1 and row.counts["stubs"] >= 3 and row.counts["mutants"] >= 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.course.gates", description=__doc__)
    parser.add_argument("homeworks", nargs="*", default=homework_files.names(), help="by default all")
    parser.add_argument("--question", help="only this one")
    options = parser.parse_args()
    rows = []
    print(HEAD)
    for name in options.homeworks:
        homework = questions.load(name)
        for question in homework.questions:
            if options.question in (None, question.name):
                rows.append(judged(homework, question))
                print(line(name, rows[-1]), flush=True)
    return end(rows)


def judged(homework: Homework, question: Question, most: int = 1000) -> Row:
    """Put everything that should pass, and everything that should not, to a question's tests.

    Of more than `most` wrong answers or mutants only some are looked at, at equal distances.
    """
    row, solution = Row(question), question.answer.source
    (empty,) = (cell.source for cell in homework.released if cell.grade_id == question.name)
    wrong = {
        label: text
        for label, text in wrong_answers.of(homework.name, "WRONG").items()
        if label.split(":")[0] == question.name
    }
    same = {
        label.split(": ", 1)[1]: why
        for label, why in wrong_answers.of(homework.name, "EQUIVALENT").items()
        if label.split(":")[0] == question.name
    }
    made = mutants.mutants(solution)
    chosen = [label for label, _ in made if label not in same][:: -(-len(made) // most)]
    groups = {
        "empty": [("empty", empty)],
        "stubs": mutants.stubs(solution),
        "wrong answers": list(wrong.items())[:: -(-len(wrong) // most)],
        "mutants": [(label, text) for label, text in made if label in chosen],
    }
    if question.is_kernel:  # all at once, and the solution with them
        texts = [solution, *(text for label, text in made if label in same)]
        texts += [text for answers in groups.values() for _, text in answers]
        kernel_batch.answers_of(question, dict(enumerate(texts)))
    row.reference = bool(passing(homework, question, {"reference": solution}, seconds=60))
    for kind, answers in groups.items():
        row.counts[kind] = len(answers)
        row.passed[kind] = passing(homework, question, dict(answers))
    row.equivalent = len(same)
    texts = {label: text for label, text in made if label in same}
    alike = passing(homework, question, texts, seconds=5)
    for label in set(same) - set(alike):
        row.troubles.append(f"EQUIVALENT names {label!r}, which the tests notice, or which is no mutant")
    if len(wrong) < ENOUGH:
        row.troubles.append(f"{len(wrong)} wrong answers; {ENOUGH} are wanted")
    return row


def passing(
    homework: Homework, question: Question, answers: dict[str, str], seconds: float = SECONDS
) -> list[str]:
    """The labels of those answers on which all tests of a question pass; kernels are compiled together."""
    if not question.is_kernel:
        return [label for label, text in answers.items() if passes(homework, question, text, seconds)]
    compiled = kernel_batch.answers_of(question, answers)
    return [
        label
        for label in answers
        if all(v.passed for v in kernel_batch.verdicts_of(homework, question, compiled[label], whole=False))
    ]


def passes(homework: Homework, question: Question, answer: str, seconds: float = SECONDS) -> bool:
    """Whether all tests of a question pass on the source of an answer, alone with the set-up; stops at the first."""
    namespace: dict = {"__name__": "__main__"}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for source in [*homework.setup, answer]:
                exec(source, namespace)
    except Exception:
        return False
    ask = ask_here(namespace, seconds, homework.adapters)
    return all(test.verdict(ask, seed=7).passed for test in question.tests)


# --- the table ----------------------------------------------------------------------------------------------

COLUMNS = ("reference", "empty", "stubs", "wrong answers", "mutants", "the same")
HEAD = f"{'question':12}{'points':>7}" + "".join(f"{column:>15}" for column in COLUMNS)


def line(homework: str, row: Row) -> str:
    """A row of the table: refused / all, of each kind."""
    cells = ["passes" if row.reference else "FAILS"]
    for kind, count in row.counts.items():
        through = len(row.passed[kind])
        cells.append(f"{count - through}/{count}" + (" !" if through else ""))
    cells.append(str(row.equivalent))
    name = f"{homework} {row.question.name}"
    return f"{name:12}{row.question.points:>7g}" + "".join(f"{cell:>15}" for cell in cells)


def end(rows: list[Row]) -> int:
    """Say what passed and should not; return the exit status."""
    print(
        "\nreference: must pass; all others, refused/all: none may pass; the same: mutants that compute the same"
    )
    for row in rows:
        if not row.reference:
            print(f"{row.question.name}: the solution itself FAILS")
        for trouble in row.troubles:
            print(f"{row.question.name}: {trouble}")
        for kind, labels in row.passed.items():
            for label in labels:
                print(f"{row.question.name}: SURVIVED among {kind}: {label}")
    bad = sum(not row.is_good for row in rows)
    print(f"{len(rows) - bad} of {len(rows)} questions let nothing wrong through")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
