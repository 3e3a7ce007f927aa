"""Homework 5, attention: see homework_tests.py; and what its notebook promises of the student's GPT."""

import re

from .homework_tests import HomeworkTests, long_round_trip


@long_round_trip
class TestHomework5(HomeworkTests, homework="hw5"):
    every = 90
    seeds = 2
    costly = "test_q8_learns"
    withheld = ("q3", "q5", "q6", "q7")
    slips = [
        ("q3", "class MultiHeadAttention(nn.ReLU):\n    def forward(self, q, k, v): return q", "wanted two Tensors"),
        ("q4", "def split_heads(x, heads): return x.numpy()", "it returned a ndarray; wanted a Tensor"),
        ("q7", "class SinusoidalPositions:\n    def __init__(self, **sizes): pass", "wanted an nn.Module"),
        ("q8", "class GPT(nn.ReLU):\n    def __init__(self, **sizes): pass", "without the parameter embedding.weight"),
        ("q10", "class CachedAttention(nn.ReLU):\n    def __init__(self, layer): pass", "has no attribute 'length'"),
    ]  # fmt: skip

    def test_the_students_gpt_learns_to_read_backwards(self, capsys):
        """What the end of the notebook promises of the student's own code."""
        namespace = self.whole_notebook()
        said = capsys.readouterr().out
        shares = [float(share) for share in re.findall(r"temperature \d: ([\d.]+)% of 200", said)]
        assert len(shares) == 4 and shares[0] >= 95 and shares[0] >= shares[1] > shares[3] + 20
        assert (
            namespace["difference"] < 1e-4 and "13 steps" in said and "13 keys computed, and not 91" in said
        )
        weights = namespace["weights"].max(axis=0)  # of the heads
        # the place that writes digit number k looks at the place it stood at
        assert [row.argmax() for row in weights] == [*range(namespace["LENGTH"])][::-1]
