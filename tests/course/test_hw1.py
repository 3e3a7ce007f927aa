"""Homework 1: full marks for the reference, nothing for an untouched copy, one question lost for each mistake."""

import functools
import json
import shutil

import pytest

from needle_edu.course import commands, homework_files, notebook, questions
from needle_edu.course.answer import ask_here
from needle_edu.course.check import report
from needle_edu.course.grading import run_question

from . import gates, wrong_answers
from .conftest import hand_in_homework

HW1 = questions.load("hw1")
SOURCE = notebook.read(homework_files.source_of("hw1"))
SOLUTIONS = {cell.grade_id: cell.source for cell in SOURCE if cell.is_answer}
QUESTIONS = list(SOLUTIONS)


hand_in = functools.partial(hand_in_homework, "hw1")


def test_what_kind_of_homework_it_is():
    assert len(HW1.questions) >= 5 and HW1.points == 10
    for question in HW1.questions:
        visible = [test for test in question.tests if not test.hidden]
        assert visible and len(visible) < len(question.tests), question.name


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> dict:
    """Start, fill in, grade: the whole way of a class of three."""
    folder = tmp_path_factory.mktemp("class")
    hand_in(folder / "submissions", "reference", SOLUTIONS)
    hand_in(folder / "submissions", "untouched", {})
    hand_in(folder / "submissions", "first two", {name: SOLUTIONS[name] for name in ("q1", "q2")})
    assert commands.grade("hw1", folder / "submissions", folder / "out") == 0
    return json.loads((folder / "out" / "results.json").read_text())


def points(results: dict) -> list[float]:
    return [question["points"] for question in results.values()]


def test_round_trip(graded):
    assert points(graded["reference"]) == [question.points for question in HW1.questions]
    assert points(graded["untouched"]) == [0, 0, 0, 0, 0]
    assert points(graded["first two"]) == [1, 2, 0, 0, 0]


def test_every_message_is_clear(graded):
    messages = {test["message"] for question in graded["untouched"].values() for test in question["tests"]}
    assert all(message.startswith("not written yet") for message in messages)


def test_check_from_a_terminal(tmp_path, capsys):
    hand_in(tmp_path, "all", SOLUTIONS)
    hand_in(tmp_path, "some", {"q1": SOLUTIONS["q1"], "q3": SOLUTIONS["q3"]})
    assert commands.check(tmp_path / "all") == 0
    assert "5 of 5 questions pass" in capsys.readouterr().out
    assert commands.check(tmp_path / "some") == 1
    said = capsys.readouterr().out
    assert "2 of 5 questions pass" in said and "not written yet" in said and "hidden" not in said
    assert commands.check(tmp_path / "all" / "hw1.ipynb") == 0
    hand_in(tmp_path, "stuck", {"q3": "def find_topo_sort(nodes):\n    while True: pass", "q4": "def f(:"})
    capsys.readouterr()
    assert commands.check(tmp_path / "stuck") == 1
    said = capsys.readouterr().out
    assert "time limit: no answer in 5 seconds; does a loop never end?" in said
    assert said.count("raised SyntaxError in line 1") == 1
    shutil.copy(__file__, tmp_path / "hw1.ipynb")
    assert commands.check(tmp_path) == 1
    assert "not JSON" in capsys.readouterr().err


# --- wrong answers: each loses its question, in the notebook or at the latest in grading ----------------------

WRONG, HINTS, NEUTRAL = (wrong_answers.of("hw1", what) for what in ("WRONG", "HINTS", "NEUTRAL"))


def question_of(mistake: str) -> questions.Question:
    (question,) = (q for q in HW1.questions if q.name == mistake.split(":")[0])
    return question


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_loses_its_question_and_gets_a_hint_that_fits(mistake):
    """In this process, which is quick; how grading agrees is shown below."""
    namespace: dict = {"__name__": "__main__"}
    for source in [*HW1.setup, WRONG[mistake]]:
        exec(source, namespace)
    # What ends must not run into the limit on a slow machine; what never ends need not wait for long.
    question, seconds = question_of(mistake), 0.7 if "endless" in mistake else 5
    ask = ask_here(namespace, seconds, HW1.adapters)
    verdicts = [test.verdict(ask, seed=7) for test in question.tests]
    assert not all(verdict.passed for verdict in verdicts)
    hints = [verdict.hint for verdict in verdicts if not verdict.passed and verdict.hint]
    assert [*dict.fromkeys(h for h in hints if h not in NEUTRAL)] == HINTS.get(mistake, [])
    for verdict in verdicts:
        assert verdict.hint not in NEUTRAL or verdict.status.startswith("wrong value")


@pytest.mark.parametrize("question", HW1.questions, ids=lambda question: question.name)
def test_nothing_wrong_passes(question):
    """The empty copy, stubs, some of the mistakes and mutants; `test_gates` has all."""
    gates.nothing_wrong_passes(HW1, question, most=8)


def test_every_mistake_spoken_of_is_in_the_list():
    assert set(HINTS) <= set(WRONG)


@pytest.mark.parametrize("mistake", list(WRONG)[::9])
def test_grading_agrees(mistake):
    limits = run_question.Limits(call=4)
    result = run_question.run_question(HW1, question_of(mistake), WRONG[mistake], seed=7, limits=limits)
    assert not result.passed and result.points == 0, [(v.test.title, v.status) for v in result.verdicts]


def test_a_mistake_loses_nothing_else(tmp_path):
    """All five wrong answers at once in one notebook, each with four right ones."""
    mistakes = ["q1: overflow", "q2: sign", "q3: pre-order", "q4: overwritten", "q5: sum"]
    for mistake in mistakes:
        hand_in(tmp_path / "submissions", mistake[:2], SOLUTIONS | {mistake[:2]: WRONG[mistake]})
    assert commands.grade("hw1", tmp_path / "submissions", tmp_path / "out") == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    for student, graded in results.items():
        assert [name for name, question in graded.items() if question["points"] == 0] == [student]


# --- in the notebook ----------------------------------------------------------------------------------------


def test_check_gives_the_same_verdicts_as_grading():
    """The tests are written once: in this process, on the reference, all pass, the hidden ones too."""
    namespace = {}
    for source in [*HW1.setup, *SOLUTIONS.values()]:
        exec(source, namespace)
    for question in HW1.questions:
        # Values are compared here, not speed: a busy machine gets more than the five seconds of `check`.
        verdicts = [test.verdict(ask_here(namespace, 120, HW1.adapters), seed=3) for test in question.tests]
        assert all(verdict.passed for verdict in verdicts), verdicts


@pytest.mark.parametrize(
    ("name", "answer", "says"),
    [
        ("q3", "def find_topo_sort(nodes): pass", "it returned None; wanted a list of Tensors"),
        ("q3", "def find_topo_sort(nodes): return nodes", "expected [0, 1, 2, 3], got [3]"),
        ("q5", "def softmax_loss(z, y): return 2.3", "it returned a float; wanted a Tensor"),
        (
            "q5",
            "def softmax_loss(z, y): return z",
            "a Tensor of shape (3, 10); wanted one with a single element",
        ),
        ("q1", "def sigmoid(a): return np.exp(a)", "nd.exp"),
    ],
)
def test_a_slip_is_named(name, answer, says):
    namespace: dict = {}
    for source in [*HW1.setup, answer]:
        exec(source, namespace)
    (question,) = (q for q in HW1.questions if q.name == name)
    assert says in question.tests[0].verdict(ask_here(namespace, adapters=HW1.adapters), seed=0).message


def test_the_librarys_own_function_is_no_answer():
    """Set-up imports find_topo_sort, for question 4: question 3 must not pass before it is written."""
    namespace: dict = {}
    for source in HW1.setup:
        exec(source, namespace)
    (cell,) = (cell for cell in HW1.released if cell.is_tests and "q3" in cell.grade_id)
    exec(cell.source.rpartition("check(")[0], namespace)
    assert [verdict.status for verdict in report("q3", namespace, homework="hw1").verdicts] == [
        "not defined"
    ] * 5


def test_the_students_copy_solved_passes_its_checks():
    """The tests as students have them, withheld names and all."""
    namespace: dict = {}
    for source in [*HW1.setup, *SOLUTIONS.values()]:
        exec(source, namespace)
    for cell in HW1.released:
        if cell.is_tests:
            exec(cell.source, namespace)  # ends in check(…), which raises unless all pass


def test_the_library_is_as_before():
    """Checking installs answers in the framework; afterwards its own code is back."""
    from needle_edu.autograd import registry

    for name in ("sigmoid", "find_topo_sort", "compute_gradient_of_variables"):
        place = registry.slot(name)
        assert len(place.stack) == 1 and place.stack[0].entry is place.original


def test_the_notebook_is_clean():
    tree = json.loads(homework_files.source_of("hw1").read_text())
    ids = [cell["id"] for cell in tree["cells"]]
    assert len(set(ids)) == len(ids) and all(not cell.get("outputs") for cell in tree["cells"])
    assert all(
        len(line) <= 120 for cell in SOURCE if cell.kind == "code" for line in cell.source.splitlines()
    )
