"""Attention never holds all its scores: its memory grows as the sequence does, forward and backward."""

import os

import pytest

import needle_edu as ndl
from needle_edu.backend_selection import BACKEND
from tests.benchmarks.attention_memory import FORMULA, added

pytestmark = [
    pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="the peak is read in Linux's way"),
    pytest.mark.skipif(BACKEND == "np" or not ndl.cpu().native, reason="the compiled kernel"),
]


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_memory_grows_with_the_sequence_and_not_with_its_square(backward):
    short, long = (added(length, backward, size=16) for length in (2048, 8192))
    of_scores = 4 * 8192**2
    assert long < of_scores / 16, f"{long / 1e6:.1f} MB; all scores are {of_scores / 1e6:.0f} MB"
    assert long < 8 * short + 2e6, f"{short / 1e6:.1f} MB for 2,048 tokens, {long / 1e6:.1f} MB for 8,192"


def test_the_formula_holds_them_all():
    """So the figure above can be large: the measure sees what it is meant to see."""
    assert added(2048, False, size=16, attend=FORMULA) > 4 * 2048**2
