"""What is asked of every list of attacks: `class TestHomeworkN(WithheldTests, homework="hwN")`, with its `attacks`.

An attack is an answer that lets the library answer: by the name of its question, the name in the library that must be
refused, and the source.
"""

from __future__ import annotations

from typing import Any, ClassVar

from needle_edu.course import questions, withheld
from needle_edu.course.answer import ask_here
from needle_edu.course.grading import run_question


def plain(names) -> set[str]:
    """A function and the class of its op differ in case and underscores."""
    return {name.replace("_", "").casefold() for name in names}


class WithheldTests:
    """The tests; a subclass says which homework, and the attacks."""

    attacks: ClassVar[dict[str, tuple[str, str]]]
    every: ClassVar[int] = 6  # each so manieth attack is graded in the sandbox, too

    def __init_subclass__(cls, homework: str) -> None:
        cls.homework = questions.load(homework)
        cls.question = {question.name: question for question in cls.homework.questions}

    @classmethod
    def cases(cls) -> dict[str, list]:
        """What the tests' arguments run through (`pytest_generate_tests` in conftest.py asks)."""
        names = list(cls.attacks)
        return {"attack": names, "graded_attack": names[:: cls.every], "question_name": list(cls.question)}

    def of(self, attack: str) -> Any:
        """The question that an attack is on."""
        return self.question[attack[: attack.index(":")]]

    def test_the_library_is_no_answer(self, attack):
        name, source = self.attacks[attack]
        namespace: dict = {"__name__": "__main__"}
        for text in [*self.homework.setup, source]:
            exec(compile(text, "<cell of a notebook>", "exec"), namespace)
        ask, tests = ask_here(namespace, adapters=self.homework.adapters), self.of(attack).tests
        statuses = {test.verdict(ask, seed=1).status for test in tests}
        refusals = {withheld.sentence(w) for w in tests[0].withheld}
        said = [status for status in statuses if status in refusals]
        assert any(plain([name]) == plain([status.split("'s ")[1].split(" is ")[0]]) for status in said), (
            statuses
        )

    def test_grading_refuses_too(self, graded_attack):
        name, source = self.attacks[graded_attack]
        result = run_question.run_question(self.homework, self.of(graded_attack), source)
        assert not result.passed
        assert withheld.sentence(name) in {verdict.status for verdict in result.verdicts}

    def test_every_withheld_name_is_one_the_library_has(self, question_name):
        """A misspelt name would withhold nothing: each is refused in an attack."""
        refused = plain(
            name for attack, (name, _) in self.attacks.items() if attack.startswith(f"{question_name}:")
        )
        own = self.question[question_name].tests[0].withheld
        assert own and plain(own) == refused
