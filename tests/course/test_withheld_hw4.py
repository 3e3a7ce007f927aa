"""Homework 4's withheld names: each way to hand in the library's own class or function is refused, by that name."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu.course import withheld

from .withheld_tests import WithheldTests

TENSOR = (
    "def {name}:\n    t = ndl.Tensor(a, dtype=a.dtype)\n    return ndl.ops.{call}.realize_cached_data()\n"
)
CONV = "def conv(a, b, stride, padding):\n    x, w = ndl.Tensor(a, dtype=a.dtype), ndl.Tensor(b, dtype=b.dtype)\n    "
FIRST = "(0, 3, 1, 2)"
GRADIENT = "def conv_gradient(out_grad, node):\n    a, b = node.inputs\n    "
LAYER = "class Conv(nn.Module):\n"
LAYER += (
    "    def __init__(self, in_channels, out_channels, kernel_size, stride=1, bias=True, dtype='float32'):\n"
)
LAYER += "        super().__init__()\n        self.layer = {made}\n"
LAYER += "        self.weight, self.bias = self.layer.weight, self.layer.bias\n"
LAYER += "    def forward(self, x):\n        return self.layer(x)\n"
SETTINGS = "in_channels, out_channels, kernel_size, stride"
CELL = "class {name}(nn.Module):\n    def __init__(self, input_size, hidden_size, bias=True, nonlinearity='tanh', "
CELL += "dtype='float32', num_layers=1):\n        super().__init__()\n        self.inner = nn.{made}\n"
CELL += "        for name in ('W_ih', 'W_hh', 'bias_ih', 'bias_hh'):\n"
CELL += "            setattr(self, name, nn.Parameter(ndl.init.zeros(1)))\n"
CELL += "    def forward(self, x, h=None):\n        {call}\n"
LANGUAGE = "from needle_edu.apps import ptb, simple_ml\n"

ATTACKS = {
    "q1: the function": ("flip", "def flip(a, axes): return nd.flip(a, axes)"),
    "q1: the method": ("flip", "def flip(a, axes): return a.flip(axes)"),
    "q1: the op": ("flip", TENSOR.format(name="flip(a, axes)", call="flip(t, axes)")),
    "q2: the op": (
        "dilate",
        TENSOR.format(name="dilate(a, axes, dilation)", call="dilate(t, axes, dilation)"),
    ),
    "q2: the method": ("dilate", "def dilate(a, axes, dilation): return a.dilate(axes, dilation)"),
    "q2: the op's compute": (
        "undilate",
        "def undilate(a, axes, dilation): return ndl.ops.UnDilate(axes, dilation).compute(a)",
    ),
    "q2: the other op": (
        "undilate",
        TENSOR.format(name="undilate(a, axes, dilation)", call="undilate(t, axes, dilation)"),
    ),
    "q3: the op": ("conv", f"{CONV}return ndl.ops.conv(x, w, stride, padding).realize_cached_data()"),
    "q3: a layer": (
        "conv",
        f"{CONV}return nn.Conv(*w.shape[2:], w.shape[0])(ndl.ops.permute(x, {FIRST})).cached_data",
    ),
    "q3: PyTorch's": (
        "convolution",
        f"{CONV}return ndl.ops.conv2d(ndl.ops.permute(x, {FIRST}), ndl.ops.permute(w, (3, 2, 0, 1))).cached_data",
    ),
    "q3: in one dimension": ("convolution", f"{CONV}return ndl.ops.conv1d(x[0], w[0]).cached_data"),
    "q3: the transposed one": (
        "correlation",
        f"{CONV}return ndl.ops.conv_transpose2d(ndl.ops.permute(x, "
        f"{FIRST}), ndl.ops.permute(w, (2, 3, 0, 1))).cached_data",
    ),
    "q3: what computes it": (
        "correlation",
        "from needle_edu.ops import correlation\ndef conv(a, b, stride, padding):\n"
        "    c = correlation.correlation('conv', a.shape, b.shape, stride, padding, 1, 1, True)\n"
        "    return correlation.forward(c, a, b)",
    ),
    "q3: its windows": ("unfold", f"{CONV}return ndl.ops.unfold(ndl.ops.permute(x, {FIRST}), 2).cached_data"),
    "q4: the op's own": (
        "gradient",
        f"{GRADIENT}return ndl.ops.Conv(node.op.stride, node.op.padding).gradient(out_grad, node)",
    ),
    "q4: the first product": (
        "vjp0",
        f"{GRADIENT}return ndl.ops.Conv(node.op.stride, node.op.padding).vjp0(out_grad, node), b",
    ),
    "q4: the second product": (
        "vjp1",
        f"{GRADIENT}return a, ndl.ops.Conv(node.op.stride, node.op.padding).vjp1(out_grad, node)",
    ),
    "q4: the adjoint of the images": (
        "conv_input_backward",
        f"{GRADIENT}x = ndl.ops.conv_input_backward(out_grad, b, "
        "a.shape, node.op.stride, node.op.padding, 1, 1, True)\n"
        "    return x, b",
    ),
    "q4: the adjoint of the weights": (
        "conv_weight_backward",
        f"{GRADIENT}w = ndl.ops.conv_weight_backward(a, out_grad, "
        "b.shape, node.op.stride, node.op.padding, 1, 1, True)\n"
        "    return a, w",
    ),
    "q5: a subclass": ("Conv.forward", "class Conv(nn.Conv): pass"),
    "q5: a layer inside": ("Conv.forward", LAYER.format(made=f"nn.Conv({SETTINGS})")),
    "q5: PyTorch's": ("ConvNd", LAYER.format(made=f"nn.Conv2d({SETTINGS}, padding=kernel_size // 2)")),
    "q5: the block": ("ConvBN", "def ConvBN(*sizes, **settings): return nn.ConvBN(*sizes, **settings)"),
    "q6: a subclass": ("RNNCell", "class RNNCell(nn.RNNCell): pass"),
    "q6: a network of one step": (
        "RNN",
        CELL.format(name="RNNCell", made="RNN(input_size, hidden_size)", call="return self.inner(x)[1]"),
    ),
    "q6: its step": (
        "rnn_step",
        "from needle_edu.ops.recurrence import rnn_step\n"
        + CELL.format(
            name="RNNCell",
            made="Identity()",
            call="return rnn_step(x @ self.W_ih, (x @ self.W_ih,), self.W_hh, None)[0]",
        ),
    ),
    "q6: its kernel": (
        "rnn_scan",
        CELL.format(
            name="RNNCell",
            made="Identity()",
            call="return ndl.ops.rnn_scan(x @ self.W_ih, x @ self.W_ih, "
            "self.W_hh, (len(x.numpy()),), False, 'tanh')[0]",
        ),
    ),
    "q7: a subclass": ("RNN", "class RNN(nn.RNN): pass"),
    "q7: another name": ("RNN", "import functools\nRNN = functools.partial(nn.RNN)"),
    "q7: its kernel": (
        "rnn_scan",
        "class RNN(nn.Module):\n    def __init__(self, input_size, hidden_size, **rest):\n        super().__init__()\n"
        "        self.rnn_cells = [RNNCell(input_size, hidden_size)]\n    def forward(self, x, h=None):\n"
        "        return self.rnn_cells[0].run(x[0], (x.shape[1],), (x[0] @ self.rnn_cells[0].W_ih,), False)",
    ),
    "q7: step by step": (
        "unrolled",
        "from needle_edu.ops.recurrence import unrolled\n"
        "class RNN(nn.Module):\n    def __init__(self, *sizes, **rest):\n"
        "        super().__init__()\n        self.rnn_cells = []\n    def forward(self, x, h=None):\n"
        "        return unrolled(lambda x, h: h, x[0], (x.shape[1],), (x[0],))",
    ),
    "q8: a subclass": ("LSTMCell", "class LSTMCell(nn.LSTMCell): pass"),
    "q8: a network of one step": (
        "LSTM",
        CELL.format(name="LSTMCell", made="LSTM(input_size, hidden_size)", call="return self.inner(x)[1]"),
    ),
    "q8: its step": (
        "lstm_step",
        "from needle_edu.ops.recurrence import lstm_step\n"
        + CELL.format(
            name="LSTMCell", made="Identity()", call="return lstm_step(x @ self.W_ih, h, self.W_hh, None)"
        ),
    ),
    "q8: its kernel": (
        "lstm_scan",
        CELL.format(
            name="LSTMCell",
            made="Identity()",
            call="return ndl.ops.lstm_scan(x @ self.W_ih, *h, self.W_hh, (len(x.numpy()),), False).tuple()[:2]",
        ),
    ),
    "q9: a subclass": ("LSTM", "class LSTM(nn.LSTM): pass"),
    "q9: its kernel": (
        "lstm_scan",
        "class LSTM(nn.Module):\n    def __init__(self, input_size, hidden_size, **rest):\n        super().__init__()\n"
        "        self.lstm_cells = [LSTMCell(input_size, hidden_size)]\n    def forward(self, x, h=None):\n"
        "        z = x[0] @ self.lstm_cells[0].W_hh[:2, : self.lstm_cells[0].hidden_size]\n"
        "        return self.lstm_cells[0].run(x[0], (x.shape[1],), (z, z), False)",
    ),
    "q9: step by step": (
        "unrolled",
        "from needle_edu.ops.recurrence import unrolled\n"
        "class LSTM(nn.Module):\n    def __init__(self, *sizes, **rest):\n"
        "        super().__init__()\n        self.lstm_cells = []\n    def forward(self, x, h=None):\n"
        "        return unrolled(lambda x, h: h, x[0], (x.shape[1],), (x[0],))",
    ),
    "q10: the application's": (
        "LanguageModel",
        "from needle_edu.apps import models\nclass LanguageModel(models.LanguageModel):\n"
        "    def __init__(self, embedding_size, output_size, hidden_size, num_layers=1, dtype='float32'):\n"
        "        super().__init__(embedding_size, output_size, hidden_size, num_layers, 'lstm', dtype=dtype)",
    ),
    "q10: its epoch": (
        "epoch_general_ptb",
        f"{LANGUAGE}def epoch(model, batches, seq_len, optimiser=None):\n"
        "    return ptb.epoch_general_ptb(batches, model, seq_len, nn.SoftmaxLoss(), optimiser)[1]",
    ),
    "q10: its training": (
        "train_ptb",
        f"{LANGUAGE}def epoch(model, batches, seq_len, optimiser=None):\n"
        "    return ptb.train_ptb(model, batches, seq_len)[1]",
    ),
    "q10: its evaluation": (
        "evaluate_ptb",
        f"{LANGUAGE}def epoch(model, batches, seq_len, optimiser=None):\n"
        "    return ptb.evaluate_ptb(model, batches, seq_len)[1]",
    ),
}


class TestHomework4(WithheldTests, homework="hw4"):
    attacks = ATTACKS
    every = 8


def test_a_method_can_be_withheld_alone():
    """`Conv.forward` is the layer's; the function `conv`, the op `Conv` and other layers stay free."""
    x, w = ndl.Tensor(np.ones((1, 3, 3, 1))), ndl.Tensor(np.ones((1, 1, 1, 1)))
    free = withheld.StudentsCode(lambda: ndl.nn.Linear(1, 1)(ndl.ops.Conv()(ndl.ops.conv(x, w), w)))
    layer = withheld.StudentsCode(lambda: ndl.nn.Conv(3, 1, 1)(x))
    with withheld.Watch(["Conv.forward"]) as watch:
        free()
    assert watch.refused == ""
    with (
        pytest.raises(withheld.WithheldError, match=r"Conv\.forward is withheld"),
        withheld.Watch(["Conv.forward"]),
    ):
        layer()
