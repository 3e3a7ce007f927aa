"""Wrong answers to the homeworks' questions: what people think, and what their fingers do.

For each homework `WRONG` has the source of each answer cell, by ``"question: what is wrong"``. `HINTS` are those that a
mistake gets, beyond the `NEUTRAL` ones, which fit any failure of their test. `EQUIVALENT` are the mutants (`mutants`)
that no test can notice, each with the reason: they compute the same.
"""

import functools
import importlib
from collections.abc import Mapping
from types import MappingProxyType, ModuleType

from needle_edu.course import questions

PARTS = {
    "hw1": ["hw1_ops", "hw1_walks"],
    "hw2": ["hw2_data", "hw2_layers", "hw2_norms", "hw2_networks", "hw2_training"],
    "hw3": ["hw3_views", "hw3_c", "hw3_cuda", "hw3_ways_in"],
    "hw4": ["hw4_arrays", "hw4_gradient", "hw4_layers", "hw4_rnn", "hw4_lstm", "hw4_language"],
    "hw5": ["hw5_attention", "hw5_layers", "hw5_models", "hw5_softmax", "hw5_writing"],
    "hw6": ["hw6_shapes", "hw6_passes", "hw6_algebra", "hw6_fusion", "hw6_memory"],
    "hw7": ["hw7_shards", "hw7_broadcast", "hw7_rings", "hw7_training", "hw7_ways_in"],
}
BEGIN, END = "### BEGIN SOLUTION\n", "    ### END SOLUTION"


@functools.cache
def solutions(homework: str) -> Mapping[str, str]:
    """The instructor's answer to each question; read once, for half a hundred files ask, and for reading only."""
    found = questions.load(homework).questions
    return MappingProxyType({question.name: question.answer.source for question in found})


def changed(source: str, *words: str) -> str:
    """A solution with parts of it replaced: old, new, old, new …; each old one must be there, once."""
    for old, new in zip(words[::2], words[1::2], strict=True):
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return source


def whole(solution: str, body: str) -> str:
    """A cell with another solution, whole lines, between its marks."""
    start, rest = solution.split(BEGIN)
    return f"{start}{BEGIN}{body}{END}{rest.split(END)[1]}"


def of(homework: str, what: str) -> dict:
    """A table (`WRONG`, `HINTS`, `EQUIVALENT`) or set (`NEUTRAL`) of a homework, put together of its parts."""
    found: dict = {}
    for part in PARTS[homework]:
        module: ModuleType = importlib.import_module(f"{__name__}.{part}")
        found |= dict.fromkeys(table) if isinstance(table := getattr(module, what), set) else table
    return found
