"""Whole recurrent networks, each as one op: what `recurrence.py` writes step by step, for all moments at once.

Sequences of all lengths lie side by side, the longest first: `sizes` says how many rows moment 0, 1, … has, and a has
the rows of moment 0, then those of moment 1, and so on. b (and for an LSTM c) are the states to begin with, one row for
each sequence; then comes the weight of the state, and for a GRU its bias. The results are h of every row, and the
states of every sequence after its last step. Bars over a are sums over time: the chain rule through all steps that
follow, from the last to the first ("backpropagation through time").

Floats on a device with compiled kernels take those (csrc/cpu/recurrence.c). All other arrays go step by step, and so
does the derivative of the derivative: the steps are ordinary ops, which can be differentiated any number of times.
"""

from functools import partial
from typing import Any

import numpy as np

from needle_edu.autograd.arrays import NeedleError, ShapeError, recurrence
from needle_edu.autograd.modes import enable_grad, no_grad
from needle_edu.autograd.op import TensorTupleOp
from needle_edu.autograd.pulled_back import pulled_back, stand_ins
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.tensor import Tensor
from needle_edu.backend.arguments import switch
from needle_edu.ndarray.layout import as_shape

from .recurrence import gru_step, lstm_step, rnn_step, unrolled


class _Network:
    """What both directions have: the options, the steps, and what the forward pass has kept."""

    name: str
    kind = ""
    gates, states, biased = 1, 1, False
    kept: Any = None  # (arrays and versions of the forward pass, what its kernel left)
    kept_by: Any = None  # of a backward op: the op of the forward pass

    def __init__(self, sizes, reverse: bool = False):
        self.sizes = as_shape(sizes, self.name)
        if not self.sizes or list(self.sizes) != sorted(self.sizes, reverse=True):
            raise ShapeError(
                f"{self.name}: sizes are the rows of each moment, never more than before; got {sizes}"
            )
        switch(self.name, reverse=reverse)
        self.reverse = bool(reverse)

    def step(self, weight, bias):
        """Return the function of (x, state) that goes one step."""
        raise NotImplementedError

    def parted(self, inputs):
        """Return x, the states, the weight and the bias or None."""
        end = 1 + self.states
        return inputs[0], inputs[1:end], inputs[end], inputs[end + 1] if self.biased else None

    def unrolled(self, inputs):
        """Return the results for tensors, made of ordinary ops."""
        x, state, weight, bias = self.parted(inputs)
        y, ends = unrolled(self.step(weight, bias), x, self.sizes, state, self.reverse)
        return [y, *ends]

    def check(self, inputs) -> None:
        """Say which shape does not fit."""
        x, state, weight, bias = self.parted(inputs)
        hidden = weight.shape[0] if weight.ndim else 0
        wide, rows = self.gates * hidden, self.sizes[0]
        wanted: list[tuple[Any, Any]] = [((sum(self.sizes), wide), x.shape), ((hidden, wide), weight.shape)]
        wanted += [((rows, hidden), part.shape) for part in state]
        wanted += [((wide,), bias.shape)] if bias is not None else []
        if not hidden or any(a != b for a, b in wanted):
            shapes = ", ".join(str(shape) for _, shape in wanted)
            raise ShapeError(
                f"{self.name}: for {sum(self.sizes)} rows of {rows} sequences wanted x (rows, {self.gates} · hidden), "
                f"weight (hidden, {self.gates} · hidden), states (sequences, hidden)"
                f"{f', bias ({self.gates} · hidden,)' if self.biased else ''}; got shapes {shapes}"
            )

    def forward(self, inputs):
        """Return the results from the compiled kernel, and note what it kept."""
        x, state, weight, bias = self.parted(inputs)
        ends, kept = recurrence.forward(self.kind, x, state, weight, bias, self.sizes, self.reverse)
        used = [(a, a.storage.version) for a in (*inputs, kept.h)]
        self.kept = used, kept
        return [kept.h, *ends]

    def has_kernel(self, arrays) -> bool:
        return recurrence is not None and recurrence.compiled(*arrays)


class _Forward(_Network, TensorTupleOp):
    symbol = "↻"

    def run(self, *inputs):
        self.check(inputs)
        if self.has_kernel(inputs):
            return tuple(self.forward(inputs))
        with no_grad():
            results = self.unrolled([Tensor.make_const(a) for a in inputs])
        return tuple([result.realize_cached_data() for result in results])

    def gradient(self, out_grad, node):
        backward = slot(f"{self.name}_backward").cls(**self.attrs)
        backward.kept_by = self
        return backward.apply(*out_grad.tuple(), *node.inputs)


class _Backward(_Network, TensorTupleOp):
    symbol = "↺"

    def run(self, *given):
        count = 1 + self.states
        adjoints, inputs = given[:count], given[count:]
        self.check(inputs)
        for g, shape in zip(adjoints, self.shapes(inputs), strict=True):
            if g.shape != shape:
                raise ShapeError(f"{self.name}: wanted an adjoint of shape {shape}, got {g.shape}")
        if self.has_kernel(given):
            return self.kernel(adjoints, inputs)
        leaves = stand_ins(inputs)
        with enable_grad():
            outputs = self.unrolled(leaves)
        with no_grad():
            found = pulled_back(outputs, [Tensor.make_const(g) for g in adjoints], leaves)
        return tuple([g.realize_cached_data() for g in found])

    def shapes(self, inputs):
        """Return the shapes of the results."""
        _, state, weight, _ = self.parted(inputs)
        return [(sum(self.sizes), weight.shape[0]), *[part.shape for part in state]]

    def kernel(self, adjoints, inputs):
        """Return the adjoints of all inputs from the compiled kernel."""
        known = self.kept if self.kept_by is None else self.kept_by.kept
        if (
            known is None
            or any(a is not b for (a, _), b in zip(known[0][:-1], inputs, strict=True))
            or any(a.storage.version != version for a, version in known[0])
        ):
            self.forward(inputs)
            known = self.kept
        x, state, weight, bias = self.parted(inputs)
        of_x, of_state, of_weight, of_bias = recurrence.backward(
            self.kind, adjoints[0], adjoints[1:], known[1], state, weight, self.sizes, self.reverse
        )
        return (of_x, *of_state, of_weight, *([of_bias.sum(0)] if self.biased else []))

    def gradient(self, out_grad, node):
        given, count = stand_ins(node.inputs), 1 + self.states
        with enable_grad():
            first = pulled_back(self.unrolled(given[count:]), given[:count], given[count:])
        return tuple(pulled_back(first, out_grad.tuple(), given))


class _OfRNN(_Network):
    def __init__(self, sizes, reverse: bool = False, nonlinearity: str = "tanh"):
        super().__init__(sizes, reverse)
        if nonlinearity not in ("tanh", "relu"):
            raise NeedleError(f"{self.name}: nonlinearity is 'tanh' or 'relu', got {nonlinearity!r}")
        self.nonlinearity = nonlinearity
        self.kind = f"rnn_{nonlinearity}"

    def step(self, weight, bias):
        return partial(rnn_step, weight=weight, bias=None, nonlinearity=self.nonlinearity)


class _OfLSTM(_Network):
    kind, gates, states = "lstm", 4, 2

    def step(self, weight, bias):
        return partial(lstm_step, weight=weight, bias=None)


class _OfGRU(_Network):
    kind, gates, biased = "gru", 3, True

    def step(self, weight, bias):
        return partial(gru_step, weight=weight, bias=bias)


def _samples(gates, states, *options, biased=False):
    """Samples of a network: lengths equal and not, both directions, hidden size 2."""

    def samples(rng):
        found = []
        for attrs in ({"sizes": (2, 2)}, {"sizes": (3, 1, 1), "reverse": True}, {"sizes": (1,)}, *options):
            rows, sizes = attrs["sizes"][0], [(sum(attrs["sizes"]), 2 * gates)]
            sizes += [(rows, 2)] * states + [(2, 2 * gates)] + [(2 * gates,)] * biased
            found.append((attrs, tuple([rng.normal(size=size) for size in sizes])))
        return found

    return samples


def _backward_samples(states, forward):
    """The samples of an op's backward: adjoints of all results first."""

    def samples(rng):
        return [
            (
                attrs,
                (
                    rng.normal(size=(len(x), 2)),
                    *[rng.normal(size=np.shape(h)) for h in rest[:states]],
                    x,
                    *rest,
                ),
            )
            for attrs, (x, *rest) in forward(rng)
        ]

    return samples


_RNN = _samples(1, 1, {"sizes": (2, 1), "nonlinearity": "relu"})
_LSTM = _samples(4, 2)
_GRU = _samples(3, 1, biased=True)


@register
class RNNScan(_OfRNN, _Forward):
    """A plain recurrent network; see `nn.RNN`, which prepares a, b and c.

    Other shapes than the head of this file says raise a ShapeError.

    >>> from needle_edu import Tensor, ops
    >>> y, h = ops.rnn_scan(Tensor([[1.0], [1.0], [1.0]]), [[0.0]], [[1.0]], sizes=(1, 1, 1), nonlinearity="relu")
    >>> y.numpy().tolist(), h.numpy().tolist()
    ([[1.0], [2.0], [3.0]], [[3.0]])
    """

    name = "rnn_scan"
    formula = r"y_t = \tanh(a_t + y_{t-1} c),\ y_{-1} = b"
    vjp_formulas = (
        r"\bar{a}_t = (\bar{y}_t + \bar{a}_{t+1} c^T) \odot (1 - y_t^2)",
        r"\bar{b} = \bar{a}_0 c^T",
        r"\bar{c} = \sum_t y_{t-1}^T \bar{a}_t",
    )
    samples = staticmethod(_RNN)

    def compute(self, a, b, c):
        return self.run(a, b, c)


@register
class RNNScanBackward(_OfRNN, _Backward):
    """The vjps of rnn_scan: a and b are the adjoints of its results, then come its inputs.

    >>> from needle_edu import Tensor, ops
    >>> given = Tensor([[1.0], [1.0]]), [[0.0]], Tensor([[1.0], [1.0]]), [[0.0]], [[2.0]]
    >>> [part.numpy().tolist() for part in ops.rnn_scan_backward(*given, sizes=(1, 1), nonlinearity="relu")]
    [[[3.0], [1.0]], [[6.0]], [[1.0]]]
    """

    name = "rnn_scan_backward"
    formula = r"y = (\bar{c}, \bar{d}, \bar{e})\ \text{of rnn\_scan}(c, d, e)"
    vjp_formulas = (r"\text{of the steps}",) * 5
    samples = staticmethod(_backward_samples(1, _RNN))

    def compute(self, a, b, c, d, e):
        return self.run(a, b, c, d, e)


@register
class LSTMScan(_OfLSTM, _Forward):
    """Long short-term memory; see `nn.LSTM`, which prepares a, b, c and d.

    Other shapes than the head of this file says raise a ShapeError.

    >>> from needle_edu import Tensor, ops
    >>> y, h, c = ops.lstm_scan(Tensor([[0.0, 0.0, 99.0, 0.0]]), [[0.0]], [[1.0]], [[0.0] * 4], sizes=(1,))
    >>> c.numpy().tolist()
    [[1.0]]
    """

    name = "lstm_scan"
    formula = (
        r"y_t = \sigma(o) \tanh c_t,\ c_t = \sigma(f) c_{t-1} + \sigma(i) \tanh g,\ "
        r"(i, f, g, o) = a_t + y_{t-1} d"
    )
    vjp_formulas = (
        r"\bar{a}_t = \text{of } i, f, g, o \text{ by the chain rule, for } \bar{y}_t + \bar{a}_{t+1} d^T",
        r"\bar{b} = \bar{a}_0 d^T",
        r"\bar{c} = \bar{c}_0 \odot \sigma(f_0)",
        r"\bar{d} = \sum_t y_{t-1}^T \bar{a}_t",
    )
    samples = staticmethod(_LSTM)

    def compute(self, a, b, c, d):
        return self.run(a, b, c, d)


@register
class LSTMScanBackward(_OfLSTM, _Backward):
    """The vjps of lstm_scan: a, b and c are the adjoints of its results, then come its inputs.

    >>> from needle_edu import Tensor, ops
    >>> zero = [[0.0]]
    >>> of_a, *_ = ops.lstm_scan_backward(zero, zero, [[1.0]], [[0.0] * 4], zero, zero, [[0.0] * 4], sizes=(1,))
    >>> of_a.numpy().tolist()
    [[0.0, 0.0, 0.5, 0.0]]
    """

    name = "lstm_scan_backward"
    formula = r"y = (\bar{d}, \bar{e}, \bar{f}, \bar{g})\ \text{of lstm\_scan}(d, e, f, g)"
    vjp_formulas = (r"\text{of the steps}",) * 7
    samples = staticmethod(_backward_samples(2, _LSTM))

    def compute(self, a, b, c, d, e, f, g):
        return self.run(a, b, c, d, e, f, g)


@register
class GRUScan(_OfGRU, _Forward):
    """Gated recurrent units; see `nn.GRU`, which prepares a, b, c and d.

    Other shapes than the head of this file says raise a ShapeError.

    >>> from needle_edu import Tensor, ops
    >>> y, h = ops.gru_scan(Tensor([[0.0, -99.0, 99.0]]), [[5.0]], [[0.0] * 3], [0.0] * 3, sizes=(1,))
    >>> y.numpy().tolist()
    [[1.0]]
    """

    name = "gru_scan"
    formula = (
        r"y_t = n + z \odot (y_{t-1} - n),\ n = \tanh(a_t + r \odot s),\ r, z = \sigma(a_t + s),\ "
        r"s = y_{t-1} c + d"
    )
    vjp_formulas = (
        r"\bar{a}_t = \text{of } r, z, n \text{ by the chain rule}",
        r"\bar{b} = \bar{y}_0 \odot z_0 + \bar{s}_0 c^T",
        r"\bar{c} = \sum_t y_{t-1}^T \bar{s}_t",
        r"\bar{d} = \sum_t \bar{s}_t",
    )
    samples = staticmethod(_GRU)

    def compute(self, a, b, c, d):
        return self.run(a, b, c, d)


@register
class GRUScanBackward(_OfGRU, _Backward):
    """The vjps of gru_scan: a and b are the adjoints of its results, then come its inputs.

    >>> from needle_edu import Tensor, ops
    >>> zeros = [[0.0] * 3]
    >>> of_a, *_ = ops.gru_scan_backward([[1.0]], [[0.0]], zeros, [[0.0]], zeros, zeros[0], sizes=(1,))
    >>> of_a.numpy().tolist()
    [[0.0, 0.0, 0.5]]
    """

    name = "gru_scan_backward"
    formula = r"y = (\bar{c}, \bar{d}, \bar{e}, \bar{f})\ \text{of gru\_scan}(c, d, e, f)"
    vjp_formulas = (r"\text{of the steps}",) * 6
    samples = staticmethod(_backward_samples(1, _GRU))

    def compute(self, a, b, c, d, e, f):
        return self.run(a, b, c, d, e, f)
