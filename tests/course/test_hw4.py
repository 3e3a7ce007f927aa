"""Homework 4, convolutions and recurrence: see homework_tests.py."""

from .homework_tests import HomeworkTests, long_round_trip

CELL = "class LSTMCell(nn.ReLU):\n    def __init__(self, **sizes):\n        super().__init__()\n"
CELL += "        self.W_ih = self.W_hh = self.bias_ih = self.bias_hh = nn.Parameter([0.0])\n"
CELL += "    def forward(self, x, h=None):\n"


@long_round_trip
class TestHomework4(HomeworkTests, homework="hw4"):
    every = 53
    withheld = ("q6", "q8", "q9")
    slips = [
        ("q1", "def flip(a, axes): return a.numpy()", "it returned a ndarray; wanted an NDArray"),
        ("q4", "def conv_gradient(out_grad, node): return out_grad", "a Tensor; wanted a tuple of 2 Tensors"),
        ("q4", "def conv_gradient(out_grad, node): return 1, 2", "it returned an int in the tuple; wanted a Tensor"),
        ("q5", "class Conv:\n    def __init__(self, **sizes): pass", "it returned a Conv; wanted an nn.Module"),
        ("q5", "class Conv(nn.ReLU):\n    def __init__(self, **sizes): super().__init__()", "no attribute 'weight'"),
        ("q8", f"{CELL}        return x", "a Tensor as a state; wanted a pair (h, c)"),
        ("q10", "class LanguageModel(nn.ReLU):\n    def __init__(self, **sizes): pass", "wanted two things, the"),
    ]  # fmt: skip
