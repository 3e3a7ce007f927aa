"""Homework 4: full marks for the reference, nothing for an untouched copy, one question lost for each mistake.

What its tests let through (stubs, wrong answers, mutants) is in `test_gates`.
"""

import functools
import json

import pytest

from needle_edu.course import commands, homework_files, notebook, questions
from needle_edu.course.answer import ask_here
from needle_edu.course.check import report
from needle_edu.course.grading import run_question

from . import wrong_answers
from .conftest import hand_in_homework

HW4 = questions.load("hw4")
SOURCE = notebook.read(homework_files.source_of("hw4"))
SOLUTIONS = wrong_answers.solutions("hw4")
WRONG, HINTS, NEUTRAL = (wrong_answers.of("hw4", what) for what in ("WRONG", "HINTS", "NEUTRAL"))
QUESTION = {question.name: question for question in HW4.questions}
hand_in = functools.partial(hand_in_homework, "hw4")


def test_what_kind_of_homework_it_is():
    assert len(QUESTION) == 10 and HW4.points == 20
    for question in HW4.questions:
        visible = [test for test in question.tests if not test.hidden]
        assert visible and len(visible) < len(question.tests), question.name


def first_mistake(name: str) -> str:
    return next(text for mistake, text in WRONG.items() if mistake.startswith(f"{name}:"))


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> dict:
    """Pack, start, fill in, grade: the whole way of a class of four."""
    folder = tmp_path_factory.mktemp("class")
    odd = {name: first_mistake(name) for name in list(SOLUTIONS)[::2]}
    even = {name: first_mistake(name) for name in list(SOLUTIONS)[1::2]}
    hand_in(folder / "submissions", "reference", SOLUTIONS)
    hand_in(folder / "submissions", "untouched", {})
    hand_in(folder / "submissions", "odd wrong", SOLUTIONS | odd)
    hand_in(folder / "submissions", "even wrong", SOLUTIONS | even)
    assert commands.pack("hw4", folder / "hw4-instructor.zip") == 0
    assert commands.grade(folder / "hw4-instructor.zip", folder / "submissions", folder / "out") == 0
    return json.loads((folder / "out" / "results.json").read_text())


def lost(results: dict) -> list[str]:
    return [name for name, question in results.items() if question["points"] != QUESTION[name].points]


def test_round_trip(graded):
    assert lost(graded["reference"]) == []
    assert lost(graded["untouched"]) == list(SOLUTIONS)
    assert all(question["points"] == 0 for question in graded["untouched"].values())


def test_a_mistake_loses_its_question_and_no_other(graded):
    assert lost(graded["odd wrong"]) == list(SOLUTIONS)[::2]
    assert lost(graded["even wrong"]) == list(SOLUTIONS)[1::2]


def test_every_message_is_clear(graded):
    messages = {test["message"] for question in graded["untouched"].values() for test in question["tests"]}
    assert all(message.startswith("not written yet") for message in messages)


def test_check_from_a_terminal(tmp_path, capsys):
    hand_in(tmp_path, "some", {name: SOLUTIONS[name] for name in list(SOLUTIONS)[1:]})
    assert commands.check(tmp_path / "some") == 1
    said = capsys.readouterr().out
    assert "9 of 10 questions pass" in said and "not written yet" in said and "hidden" not in said


# --- wrong answers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUESTION)
def test_each_mistake_gets_a_hint_that_fits(name):
    """In this process, which is quick; that each is refused, `test_gates` shows too."""
    for mistake, answer in WRONG.items():
        if not mistake.startswith(f"{name}:"):
            continue
        namespace: dict = {"__name__": "__main__"}
        for source in [*HW4.setup, answer]:
            exec(source, namespace)
        ask = ask_here(namespace, 0.7, HW4.adapters)
        verdicts = [test.verdict(ask, seed=7) for test in QUESTION[name].tests]
        hints = [verdict.hint for verdict in verdicts if not verdict.passed and verdict.hint not in NEUTRAL]
        assert not all(verdict.passed for verdict in verdicts), mistake
        assert [*dict.fromkeys(filter(None, hints))] == HINTS.get(mistake, []), mistake


def test_every_mistake_spoken_of_is_in_the_list():
    assert set(HINTS) <= set(WRONG)


@pytest.mark.parametrize("mistake", list(WRONG)[::53])
def test_grading_agrees(mistake):
    result = run_question.run_question(HW4, QUESTION[mistake.split(":")[0]], WRONG[mistake], seed=7)
    assert not result.passed and result.points == 0, [(v.test.title, v.status) for v in result.verdicts]


@pytest.mark.parametrize("seed", range(3))
def test_the_solutions_pass_whatever_is_drawn(seed):
    """Every grading draws new inputs; chance may cost nobody a question."""
    namespace: dict = {}
    for source in [*HW4.setup, *SOLUTIONS.values()]:
        exec(source, namespace)
    for question in HW4.questions:
        ask = ask_here(namespace, 120, HW4.adapters)
        verdicts = [test.verdict(ask, seed=seed) for test in question.tests]
        assert all(verdict.passed for verdict in verdicts), verdicts


# --- in the notebook ------------------------------------------------------------------------------------------


CELL = "class LSTMCell(nn.ReLU):\n    def __init__(self, **sizes):\n        super().__init__()\n"
CELL += "        self.W_ih = self.W_hh = self.bias_ih = self.bias_hh = nn.Parameter([0.0])\n"
CELL += "    def forward(self, x, h=None):\n"


@pytest.mark.parametrize(
    ("name", "answer", "says"),
    [
        ("q1", "def flip(a, axes): return a.numpy()", "it returned a ndarray; wanted an NDArray"),
        ("q4", "def conv_gradient(out_grad, node): return out_grad", "a Tensor; wanted a tuple of 2 Tensors"),
        ("q4", "def conv_gradient(out_grad, node): return 1, 2", "it returned an int in the tuple; wanted a Tensor"),
        ("q5", "class Conv:\n    def __init__(self, **sizes): pass", "it returned a Conv; wanted an nn.Module"),
        ("q5", "class Conv(nn.ReLU):\n    def __init__(self, **sizes): super().__init__()", "no attribute 'weight'"),
        ("q8", f"{CELL}        return x", "a Tensor as a state; wanted a pair (h, c)"),
        ("q10", "class LanguageModel(nn.ReLU):\n    def __init__(self, **sizes): pass", "wanted two things, the"),
    ],
)  # fmt: skip
def test_a_slip_is_named(name, answer, says):
    namespace: dict = {}
    for source in [*HW4.setup, answer]:
        exec(source, namespace)
    assert says in QUESTION[name].tests[0].verdict(ask_here(namespace, adapters=HW4.adapters), seed=0).message


@pytest.mark.parametrize("name", ["q6", "q8", "q9"])
def test_the_librarys_own_class_is_no_answer(name):
    """Set-up imports these classes, for later questions: this one must not pass before it is written."""
    namespace: dict = {}
    for source in HW4.setup:
        exec(source, namespace)
    (cell,) = (cell for cell in HW4.released if cell.is_tests and cell.grade_id == f"{name}-tests")
    exec(cell.source.rpartition("check(")[0], namespace)
    assert {verdict.status for verdict in report(name, namespace, homework="hw4").verdicts} == {"not defined"}


def test_the_students_copy_solved_passes_its_checks():
    """The tests as students have them, withheld names and all."""
    namespace: dict = {}
    for source in [*HW4.setup, *SOLUTIONS.values()]:
        exec(source, namespace)
    for cell in HW4.released:
        if cell.is_tests:
            exec(cell.source, namespace)  # ends in check(…), which raises unless all pass


def test_each_question_has_a_picture_a_worked_example_and_three_hints():
    cells = json.loads(homework_files.source_of("hw4").read_text())["cells"]
    for name in SOLUTIONS:
        texts = ["".join(cell["source"]) for cell in cells if cell["id"].startswith(f"{name}-")]
        assert f"{name}-picture" in [cell["id"] for cell in cells], name
        assert sum(text.count("**Worked example.**") for text in texts) == 1, name
        for level in (1, 2, 3):
            assert sum(text.count(f"<details><summary>Hint {level}: ") for text in texts) == 1, (name, level)


def test_the_notebook_is_clean():
    tree = json.loads(homework_files.source_of("hw4").read_text())
    ids = [cell["id"] for cell in tree["cells"]]
    assert len(set(ids)) == len(ids) and all(not cell.get("outputs") for cell in tree["cells"])
    assert all(
        len(line) <= 120 for cell in SOURCE if cell.kind == "code" for line in cell.source.splitlines()
    )
