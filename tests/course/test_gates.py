"""Nothing wrong passes a homework's tests: `make gates` (`gates`), a question at a time; and the gates can fail."""

from dataclasses import replace

import pytest

from needle_edu.course import homework_files, questions

from . import gates, mutants, wrong_answers

HOMEWORKS = {name: questions.load(name) for name in homework_files.names()}
QUESTIONS = [(name, question) for name, homework in HOMEWORKS.items() for question in homework.questions]
KERNELS = [(name, question) for name, question in QUESTIONS if question.is_kernel]
KINDS = {"ids": lambda part: getattr(part, "name", part)}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "question"), [pair for pair in QUESTIONS if pair not in KERNELS], **KINDS)
def test_nothing_wrong_passes(name, question):
    """All of them, as in `make gates`; a homework's own tests see some."""
    gates.nothing_wrong_passes(HOMEWORKS[name], question, most=1000)


@pytest.mark.parametrize(
    ("name", "question"),
    [KERNELS[0], *[pytest.param(*pair, marks=pytest.mark.slow) for pair in KERNELS[1:]]],
    **KINDS,
)
def test_no_wrong_kernel_passes(name, question):
    """Six of its mutants, for each has to be compiled."""
    gates.nothing_wrong_passes(HOMEWORKS[name], question, most=6)


def test_every_wrong_answer_belongs_to_a_question():
    for name, homework in HOMEWORKS.items():
        known = {question.name for question in homework.questions}
        for what in ("WRONG", "EQUIVALENT", "HINTS"):
            assert {label.split(":")[0] for label in wrong_answers.of(name, what)} <= known


def test_tests_that_see_less_let_mutants_through(capsys):
    """With its first test alone, question 5 of homework 1 knows one value: a survivor is named, the status is 1."""
    question = HOMEWORKS["hw1"].questions[4]
    row = gates.judged(HOMEWORKS["hw1"], replace(question, tests=question.tests[:1]))
    assert row.reference and not row.is_good and row.passed["mutants"] and row.passed["wrong answers"]
    assert gates.end([row]) == 1
    assert f"q5: SURVIVED among mutants: {row.passed['mutants'][0]}" in capsys.readouterr().out
    assert " !" in gates.line("hw1", row)


def test_a_solution_that_fails_is_named(capsys):
    question = HOMEWORKS["hw1"].questions[0]
    answer = replace(question.answer, source=question.answer.source.replace("-a", "a"))
    row = gates.judged(HOMEWORKS["hw1"], replace(question, answer=answer))
    assert not row.reference and not row.is_good and gates.end([row]) == 1
    assert "q1: the solution itself FAILS" in capsys.readouterr().out


def test_an_equivalent_that_is_none_is_named(monkeypatch):
    """A mutant that the tests notice, and words that no mutant has."""
    question, table = HOMEWORKS["hw1"].questions[0], {"q1: 1 → 2": "?", "q1: x → y": "?"}
    of = wrong_answers.of
    monkeypatch.setattr(wrong_answers, "of", lambda hw, what: table if what == "EQUIVALENT" else of(hw, what))
    row = gates.judged(HOMEWORKS["hw1"], question)
    assert len(row.troubles) == 2 and not row.is_good


# --- mutants and stubs ----------------------------------------------------------------------------------------

CELL = '''
class Layer:
    """1 + 1"""

    def __init__(self, size=3):
        ### BEGIN SOLUTION
        self.size = size
        ### END SOLUTION

    def forward(self, x):
        """Never mutated: 2 * 3."""
        ### BEGIN SOLUTION
        if not x.any():
            return x
        return self.size - x.sum(axis=1, keepdims=True)[1:]
        ### END SOLUTION
'''


def test_mutants_change_the_solution_alone():
    found = dict(mutants.mutants(CELL))
    assert set(found) >= {
        "self.size = size → pass",
        "not x.any() → x.any()",
        "x.any() → x",
        "self.size - x.sum(axis=1, keepdims=True)[1:] → self.size + x.sum(axis=1, keepdims=True)[1:]",
        "self.size - x.sum(axis=1, keepdims=True)[1:] → x.sum(axis=1, keepdims=True)[1:] - self.size",
        "x.sum(axis=1, keepdims=True) → x.sum(keepdims=True)",
        "x.sum(axis=1, keepdims=True) → x.sum(axis=1)",
        "True → False",
        "1: → :",
    }
    assert len(set(found.values())) == len(found), "no two alike"
    for text in found.values():
        compile(text, "<mutant>", "exec")
        assert "1 + 1" in text and "2 * 3" in text and "size=3" in text


def test_stubs_empty_each_part_and_all():
    found = dict(mutants.stubs(CELL))
    assert len(found) == 9
    assert found["all not written"].count("raise NotImplementedError()") == 2
    assert (
        "return x\n" in found["region 2 gives back what it gets"]
        and "self.size = size" in found["region 2 does nothing"]
    )
    for text in found.values():
        compile(text, "<stub>", "exec")
