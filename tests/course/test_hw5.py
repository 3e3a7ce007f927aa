"""Homework 5: full marks for the reference, nothing for an untouched copy, one question lost for each mistake.

What its tests let through (stubs, wrong answers, mutants) is in `test_gates`.
"""

import functools
import json
import re

import pytest

from needle_edu.course import commands, homework_files, notebook, questions
from needle_edu.course.answer import ask_here
from needle_edu.course.check import report
from needle_edu.course.grading import run_question

from . import wrong_answers
from .conftest import hand_in_homework

HW5 = questions.load("hw5")
SOURCE = notebook.read(homework_files.source_of("hw5"))
SOLUTIONS = wrong_answers.solutions("hw5")
WRONG, HINTS, NEUTRAL = (wrong_answers.of("hw5", what) for what in ("WRONG", "HINTS", "NEUTRAL"))
LEARNS = "test_q8_learns"  # trains a model: not for an answer that is known to be wrong
QUESTION = {question.name: question for question in HW5.questions}
hand_in = functools.partial(hand_in_homework, "hw5")


def test_what_kind_of_homework_it_is():
    assert len(QUESTION) == 10 and HW5.points == 20
    for question in HW5.questions:
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
    assert commands.pack("hw5", folder / "hw5-instructor.zip") == 0
    assert commands.grade(folder / "hw5-instructor.zip", folder / "submissions", folder / "out") == 0
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


# --- wrong answers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUESTION)
def test_each_mistake_gets_a_hint_that_fits(name):
    """In this process, which is quick; that each is refused, `test_gates` shows too."""
    for mistake, answer in WRONG.items():
        if not mistake.startswith(f"{name}:"):
            continue
        namespace: dict = {"__name__": "__main__"}
        for source in [*HW5.setup, answer]:
            exec(source, namespace)
        ask = ask_here(namespace, 0.7, HW5.adapters)
        verdicts: list = []
        for test in QUESTION[name].tests:
            if not (test.name == LEARNS and verdicts and not all(verdict.passed for verdict in verdicts)):
                verdicts.append(test.verdict(ask, seed=7))
        hints = [verdict.hint for verdict in verdicts if not verdict.passed and verdict.hint not in NEUTRAL]
        assert not all(verdict.passed for verdict in verdicts), mistake
        assert [*dict.fromkeys(filter(None, hints))] == HINTS.get(mistake, []), mistake


def test_every_mistake_spoken_of_is_in_the_list():
    assert set(HINTS) <= set(WRONG)


@pytest.mark.parametrize("mistake", list(WRONG)[::90])
def test_grading_agrees(mistake):
    result = run_question.run_question(HW5, QUESTION[mistake.split(":")[0]], WRONG[mistake], seed=7)
    assert not result.passed and result.points == 0, [(v.test.title, v.status) for v in result.verdicts]


@pytest.mark.parametrize("seed", range(2))
def test_the_solutions_pass_whatever_is_drawn(seed):
    """Every grading draws new inputs; chance may cost nobody a question."""
    namespace: dict = {}
    for source in [*HW5.setup, *SOLUTIONS.values()]:
        exec(source, namespace)
    for question in HW5.questions:
        ask = ask_here(namespace, 120, HW5.adapters)
        verdicts = [test.verdict(ask, seed=seed) for test in question.tests]
        assert all(verdict.passed for verdict in verdicts), verdicts


# --- in the notebook ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "answer", "says"),
    [
        ("q3", "class MultiHeadAttention(nn.ReLU):\n    def forward(self, q, k, v): return q", "wanted two Tensors"),
        ("q4", "def split_heads(x, heads): return x.numpy()", "it returned a ndarray; wanted a Tensor"),
        ("q7", "class SinusoidalPositions:\n    def __init__(self, **sizes): pass", "wanted an nn.Module"),
        ("q8", "class GPT(nn.ReLU):\n    def __init__(self, **sizes): pass", "without the parameter embedding.weight"),
        ("q10", "class CachedAttention(nn.ReLU):\n    def __init__(self, layer): pass", "has no attribute 'length'"),
    ],
)  # fmt: skip
def test_a_slip_is_named(name, answer, says):
    namespace: dict = {}
    for source in [*HW5.setup, answer]:
        exec(source, namespace)
    assert says in QUESTION[name].tests[0].verdict(ask_here(namespace, adapters=HW5.adapters), seed=0).message


@pytest.mark.parametrize("name", ["q3", "q5", "q6", "q7"])
def test_the_librarys_own_class_is_no_answer(name):
    """Set-up imports these classes, for later questions: this one must not pass before it is written."""
    namespace: dict = {}
    for source in HW5.setup:
        exec(source, namespace)
    (cell,) = (cell for cell in HW5.released if cell.is_tests and cell.grade_id == f"{name}-tests")
    exec(cell.source.rpartition("check(")[0], namespace)
    assert {verdict.status for verdict in report(name, namespace, homework="hw5").verdicts} == {"not defined"}


def test_the_students_copy_solved_passes_its_checks():
    """The tests as students have them, withheld names and all."""
    namespace: dict = {}
    for source in [*HW5.setup, *SOLUTIONS.values()]:
        exec(source, namespace)
    for cell in HW5.released:
        if cell.is_tests:
            exec(cell.source, namespace)  # ends in check(…), which raises unless all pass


def test_each_question_has_a_picture_a_worked_example_and_three_hints():
    cells = json.loads(homework_files.source_of("hw5").read_text())["cells"]
    for name in SOLUTIONS:
        texts = ["".join(cell["source"]) for cell in cells if cell["id"].startswith(f"{name}-")]
        assert f"{name}-picture" in [cell["id"] for cell in cells], name
        assert sum(text.count("**Worked example.**") for text in texts) == 1, name
        for level in (1, 2, 3):
            assert sum(text.count(f"<details><summary>Hint {level}: ") for text in texts) == 1, (name, level)


def test_the_notebook_is_clean():
    tree = json.loads(homework_files.source_of("hw5").read_text())
    ids = [cell["id"] for cell in tree["cells"]]
    assert len(set(ids)) == len(ids) and all(not cell.get("outputs") for cell in tree["cells"])
    assert all(
        len(line) <= 120 for cell in SOURCE if cell.kind == "code" for line in cell.source.splitlines()
    )


def test_the_students_gpt_learns_to_read_backwards(capsys):
    """All cells but the tests, in their order: what the end of the notebook promises of its own code."""
    import matplotlib

    matplotlib.use("Agg")
    namespace: dict = {"__name__": "__main__"}
    for cell in SOURCE:
        if cell.kind == "code" and not cell.is_tests:
            exec(cell.source, namespace)
    said = capsys.readouterr().out
    shares = [float(share) for share in re.findall(r"temperature \d: ([\d.]+)% of 200", said)]
    assert len(shares) == 4 and shares[0] >= 95 and shares[0] >= shares[1] > shares[3] + 20
    assert namespace["difference"] < 1e-4 and "13 steps" in said and "13 keys computed, and not 91" in said
    weights = namespace["weights"].max(axis=0)  # of the heads
    # the place that writes digit number k looks at the place it stood at
    assert [row.argmax() for row in weights] == [*range(namespace["LENGTH"])][::-1]
