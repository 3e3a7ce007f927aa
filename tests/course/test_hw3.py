"""Homework 3, arrays and kernels: see homework_tests.py; and what its notebook promises of the student's arrays."""

import re

import pytest

from needle_edu.course.kernels import translation_unit

from . import kernel_batch
from .homework_tests import HomeworkTests, long_round_trip

pytestmark = pytest.mark.skipif(
    bool(translation_unit.trouble()), reason="NO G++ AND BINUTILS: HOMEWORK 3 IS NOT TESTED"
)


@long_round_trip
class TestHomework3(HomeworkTests, homework="hw3"):
    every = 140
    seeds = 1
    withheld = ("q1",)
    slips = [
        ("q1", "def compact_strides(shape): return shape", "wrong value at [0]"),
        ("q3", "def getitem(view, index): return None", "wrong type"),
    ]

    def mistakes(self, question_name: str) -> dict[str, str]:
        """Of kernels, which have to be compiled, each fourth; the slow test below has all."""
        found = super().mistakes(question_name)
        return dict(list(found.items())[::4]) if self.question[question_name].is_kernel else found

    @pytest.mark.slow
    def test_each_mistake_in_a_kernel_gets_a_hint_that_fits(self, question_name):
        if self.question[question_name].is_kernel:
            self.hints_fit(question_name, super().mistakes(question_name))

    def hints_fit(self, question_name: str, mistakes: dict[str, str]) -> None:
        question = self.question[question_name]
        if question.is_kernel:  # all are compiled together: each finds its own later
            kernel_batch.answers_of(question, mistakes)
        super().hints_fit(question_name, mistakes)

    def verdicts(self, question_name: str, mistake: str, answer: str) -> list:
        question = self.question[question_name]
        if not question.is_kernel:
            return super().verdicts(question_name, mistake, answer)
        (compiled,) = kernel_batch.answers_of(question, {mistake: answer}).values()
        return kernel_batch.verdicts_of(self.homework, question, compiled, whole=False)

    def test_the_students_arrays_work(self, capsys):
        """What the end of the notebook promises of the student's own code."""
        self.whole_notebook()
        said = capsys.readouterr().out
        assert "shape (30, 25)" in said and float(re.findall(r"at most (\S+) from NumPy", said)[0]) < 1e-4
        ratios = [float(ratio) for ratio in re.findall(r"requests, ([\d.]+) times fewer", said)]
        assert len(ratios) == 3 and 1 < ratios[0] < ratios[1] < ratios[2] < 16
