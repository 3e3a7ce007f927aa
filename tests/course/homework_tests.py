"""What every homework is asked: `class TestHomeworkN(HomeworkTests, homework="hwN")` inherits it all.

Full marks for the reference, nothing for an untouched copy, one question lost for each mistake; no stub and no
mutant passes (`gates`; `test_gates` has all mutants).
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from needle_edu.course import commands, homework_files, notebook, questions, source_answers, source_cells
from needle_edu.course.answer import ask_here
from needle_edu.course.check import report
from needle_edu.course.grading import run_question

from . import gates, wrong_answers
from .conftest import hand_in_homework


class HomeworkTests:
    """The tests; a subclass says which homework, and the few things that are its own."""

    slips: ClassVar[list[tuple[str, str, str]]] = []  # (question, answer, what the message says)
    withheld: ClassVar[tuple[str, ...]] = ()  # questions whose answer the library has under the same name
    count: ClassVar[int] = 10  # of questions
    every: ClassVar[int] = 37  # each so manieth mistake is graded in the sandbox, too
    seeds: ClassVar[int] = 3
    costly: ClassVar[str] = ""  # a test that trains a model: not for an answer that is known to be wrong

    def __init_subclass__(cls, homework: str) -> None:
        cls.name = homework
        cls.homework = questions.load(homework)
        cls.source = notebook.read(homework_files.source_of(homework))
        cls.solutions = wrong_answers.solutions(homework)
        cls.wrong, cls.hints, cls.neutral = (
            wrong_answers.of(homework, what) for what in ("WRONG", "HINTS", "NEUTRAL")
        )
        cls.question = {question.name: question for question in cls.homework.questions}

    @classmethod
    def cases(cls) -> dict[str, list]:
        """What the tests' arguments run through (`pytest_generate_tests` in conftest.py asks)."""
        return {
            "question_name": list(cls.question),
            "python_question": [q for q, question in cls.question.items() if not question.is_kernel],
            "mistake": list(cls.wrong)[:: cls.every],
            "drawn": list(range(cls.seeds)),
            "slip": cls.slips,
            "own_name": list(cls.withheld),
        }

    def run(self, *sources: str) -> dict[str, Any]:
        """The names there are after the set-up and these cells."""
        namespace: dict[str, Any] = {"__name__": "__main__"}
        for source in [*self.homework.setup, *sources]:
            if cell := source_cells.read(source):
                source_answers.define(cell, namespace)
            else:
                exec(source, namespace)
        return namespace

    def whole_notebook(self) -> dict:
        """Run all cells but the tests, in their order; what they define."""
        import matplotlib

        matplotlib.use("Agg")
        cells = [cell.source for cell in self.source if cell.kind == "code" and not cell.is_tests]
        return self.run(*cells[1:])  # the first one is the set-up

    def test_what_kind_of_homework_it_is(self):
        assert len(self.question) == self.count and self.homework.points == 20
        for question in self.homework.questions:
            visible = [test for test in question.tests if not test.hidden]
            assert visible and len(visible) < len(question.tests), question.name

    # --- the way of a class of four -------------------------------------------------------------------------------

    @pytest.fixture(scope="class")
    def graded(self, tmp_path_factory) -> dict:
        """Pack, start, fill in, grade."""
        folder, name, solutions = tmp_path_factory.mktemp("class"), self.name, self.solutions
        first = {
            q: next(text for mistake, text in self.wrong.items() if mistake.startswith(f"{q}:"))
            for q in solutions
        }
        odd, even = ({q: first[q] for q in list(solutions)[start::2]} for start in (0, 1))
        for who, answers in {
            "reference": solutions,
            "untouched": {},
            "odd wrong": solutions | odd,
            "even wrong": solutions | even,
        }.items():
            hand_in_homework(name, folder / "submissions", who, answers)
        assert commands.pack(name, folder / f"{name}-instructor.zip") == 0
        assert commands.grade(folder / f"{name}-instructor.zip", folder / "submissions", folder / "out") == 0
        return json.loads((folder / "out" / "results.json").read_text())

    def lost(self, results: dict) -> list[str]:
        """The questions without full points."""
        return [q for q, question in results.items() if question["points"] != self.question[q].points]

    def test_round_trip(self, graded):
        assert self.lost(graded["reference"]) == []
        assert self.lost(graded["untouched"]) == list(self.solutions)
        assert all(question["points"] == 0 for question in graded["untouched"].values())

    def test_a_mistake_loses_its_question_and_no_other(self, graded):
        assert self.lost(graded["odd wrong"]) == list(self.solutions)[::2]
        assert self.lost(graded["even wrong"]) == list(self.solutions)[1::2]

    def test_every_message_is_clear(self, graded):
        messages = {
            test["message"] for question in graded["untouched"].values() for test in question["tests"]
        }
        assert all(message.startswith("not written yet") for message in messages)

    @pytest.mark.slow
    def test_check_from_a_terminal(self, tmp_path, capsys):
        answers = {q: self.solutions[q] for q in list(self.solutions)[1:]}
        hand_in_homework(self.name, tmp_path, "some", answers)
        assert commands.check(tmp_path / "some") == 1
        said = capsys.readouterr().out
        assert f"{self.count - 1} of {self.count} questions pass" in said
        assert "not written yet" in said and "hidden" not in said

    # --- wrong answers --------------------------------------------------------------------------------------------

    def test_each_mistake_gets_a_hint_that_fits(self, question_name):
        """In this process, which is quick; that each is refused, the gates show too."""
        self.hints_fit(question_name, self.mistakes(question_name))

    def test_nothing_wrong_passes(self, python_question):
        gates.nothing_wrong_passes(self.homework, self.question[python_question], most=8)

    def mistakes(self, question_name: str) -> dict[str, str]:
        """The wrong answers to a question."""
        return {
            mistake: answer
            for mistake, answer in self.wrong.items()
            if mistake.startswith(f"{question_name}:")
        }

    def hints_fit(self, question_name: str, mistakes: dict[str, str]) -> None:
        """Each is refused, with the hints of the table."""
        for mistake, answer in mistakes.items():
            verdicts = self.verdicts(question_name, mistake, answer)
            hints = [v.hint for v in verdicts if not v.passed and v.hint not in self.neutral]
            assert not all(verdict.passed for verdict in verdicts), mistake
            assert [*dict.fromkeys(filter(None, hints))] == self.hints.get(mistake, []), mistake

    def verdicts(self, question_name: str, mistake: str, answer: str) -> list:
        """What the tests say of a wrong answer."""
        # What ends must not run into the limit on a slow machine; what never ends need not wait for long.
        ask = ask_here(self.run(answer), 0.7 if "endless" in mistake else 5, self.homework.adapters)
        found: list = []
        for test in self.question[question_name].tests:
            known = found and not all(verdict.passed for verdict in found)
            if not (known and test.name == self.costly):
                found.append(test.verdict(ask, seed=7))
        return found

    def test_every_mistake_spoken_of_is_in_the_list(self):
        assert set(self.hints) <= set(self.wrong)

    def test_grading_agrees(self, mistake):
        question = self.question[mistake.split(":")[0]]
        result = run_question.run_question(self.homework, question, self.wrong[mistake], seed=7)
        assert not result.passed and result.points == 0, [(v.test.title, v.status) for v in result.verdicts]

    def test_the_solutions_pass_whatever_is_drawn(self, drawn):
        """Every grading draws new inputs; chance may cost nobody a question."""
        namespace = self.run(*self.solutions.values())
        for question in self.homework.questions:
            ask = ask_here(namespace, 120, self.homework.adapters)
            verdicts = [test.verdict(ask, seed=drawn) for test in question.tests]
            assert all(verdict.passed for verdict in verdicts), verdicts

    # --- in the notebook ------------------------------------------------------------------------------------------

    def test_a_slip_is_named(self, slip):
        q, answer, says = slip
        ask = ask_here(self.run(answer), adapters=self.homework.adapters)
        assert says in self.question[q].tests[0].verdict(ask, seed=0).message

    def test_the_librarys_own_is_no_answer(self, own_name):
        """Set-up imports it, for later questions: this one must not pass before it is written."""
        namespace = self.run()
        (cell,) = (
            cell for cell in self.homework.released if cell.is_tests and cell.grade_id == f"{own_name}-tests"
        )
        exec(cell.source.rpartition("check(")[0], namespace)
        verdicts = report(own_name, namespace, homework=self.name).verdicts
        assert {verdict.status for verdict in verdicts} == {"not defined"}

    def test_the_students_copy_solved_passes_its_checks(self):
        """The tests as students have them, withheld names and all."""
        namespace = self.run(*self.solutions.values())
        for cell in self.homework.released:
            if cell.is_tests:
                exec(cell.source, namespace)  # ends in check(…), which raises unless all pass

    def test_each_question_has_a_picture_a_worked_example_and_three_hints(self):
        cells = json.loads(homework_files.source_of(self.name).read_text())["cells"]
        for q in self.solutions:
            texts = ["".join(cell["source"]) for cell in cells if cell["id"].startswith(f"{q}-")]
            assert f"{q}-picture" in [cell["id"] for cell in cells], q
            assert sum(text.count("**Worked example.**") for text in texts) == 1, q
            for level in (1, 2, 3):
                assert sum(text.count(f"<details><summary>Hint {level}: ") for text in texts) == 1, (q, level)

    def test_the_notebook_is_clean(self):
        tree = json.loads(homework_files.source_of(self.name).read_text())
        ids = [cell["id"] for cell in tree["cells"]]
        assert len(set(ids)) == len(ids) and all(not cell.get("outputs") for cell in tree["cells"])
        code = [cell.source for cell in self.source if cell.kind == "code"]
        assert all(len(line) <= 120 for source in code for line in source.splitlines())


def long_round_trip(cls):
    """Mark the way of a class of four, which takes more than half a minute in this homework, as slow."""

    def slow(inherited):
        @pytest.mark.slow
        def test(self, graded):
            inherited(self, graded)

        return test

    for name in (
        "test_round_trip",
        "test_a_mistake_loses_its_question_and_no_other",
        "test_every_message_is_clear",
    ):
        setattr(cls, name, slow(getattr(cls, name)))
    return cls
