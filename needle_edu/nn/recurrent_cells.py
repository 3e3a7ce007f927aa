"""Recurrent cells: one step of a network that reads a sequence and carries a state from each moment to the next.

A cell has two weights: W_ih for what comes in, W_hh for the state. GRU and LSTM compute several gates at once, which
lie side by side in both. The formulas stand in `needle_edu.ops.recurrence`; `nn.RNN`, `nn.LSTM` and `nn.GRU` run cells
through whole sequences.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from .. import init, ops
from ..autograd import Tensor, TensorTuple
from ..backend.arguments import floating, switch, whole
from ..backend.errors import NeedleError, ShapeError
from ..ops.recurrence import gru_step, lstm_step, rnn_step
from .inputs import as_tensor
from .module import Module
from .parameter import Parameter
from .torch_names import TorchNames

NONLINEARITIES = ("tanh", "relu")


class Cell(Module, TorchNames):
    """What all cells have: weights and biases, and a step.

    Attributes
    ----------
    W_ih : Parameter of shape (input_size, gates * hidden_size)
    W_hh : Parameter of shape (hidden_size, gates * hidden_size)
    bias_ih, bias_hh : Parameter of shape (gates * hidden_size,), or None
        All are uniform up to 1 / sqrt(hidden_size), drawn in this order, and read anew at each call.
    """

    gates = 1
    parts = 1  # tensors that make up a state
    sums_biases = True  # whether only the sum of the two biases matters

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = "float32"
    ):
        who = type(self).__name__
        super().__init__(device=device, dtype=dtype)
        self.input_size, self.hidden_size = whole(who, input_size=input_size, hidden_size=hidden_size)
        switch(who, bias=bias)
        floating(who, "parameters", dtype)
        width, bound = self.gates * self.hidden_size, 1 / math.sqrt(self.hidden_size)
        shapes = [(input_size, width), (hidden_size, width), *[(width,)] * 2 * bool(bias)]
        draw = partial(init.rand, low=-bound, high=bound, device=device, dtype=dtype)
        drawn = [Parameter(draw(*shape)) for shape in shapes]
        self.W_ih, self.W_hh = drawn[:2]
        self.bias_ih: Any = drawn[2] if bias else None
        self.bias_hh: Any = drawn[3] if bias else None

    def forward(self, x: Tensor, h: Any = None) -> Any:
        """Return the next state; `x` has shape (batch, input_size) or (input_size,).

        Parameters
        ----------
        x : Tensor
        h : Tensor of shape (batch, hidden_size), or (hidden_size,) if x is a vector; for LSTMCell a pair (h, c)
            The state before; None: zeros.
        """
        who, x = type(self).__name__, as_tensor(x, self.W_ih.device)
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ShapeError(
                f"{who}({self.extra_repr()}): got input of shape {x.shape}, wanted (batch, {self.input_size}) "
                f"or ({self.input_size},)"
            )
        state = given_state(who, h, self.parts, (*x.shape[:-1], self.hidden_size), x)
        alone = x.ndim == 1
        if alone:
            x = x.reshape((1, x.size))
            state = tuple([part.reshape((1, part.size)) for part in state])
        state = self.step(self.of_input(x), state)
        if alone:
            state = tuple([part.reshape((part.size,)) for part in state])
        return state if self.parts > 1 else state[0]

    def of_input(self, x: Tensor) -> Tensor:
        """What the input contributes to a step: one matrix product, for any number of moments at once."""
        y, bias = x @ self.W_ih, self.bias_ih
        if self.sums_biases and self.bias_hh is not None:
            bias = self.bias_hh if bias is None else bias + self.bias_hh
        return y if bias is None else y + bias

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the state after `state`, where the input contributes `x`."""
        raise NotImplementedError(f"{type(self).__name__} must define step(self, x, state)")

    def run(
        self, x: Tensor, sizes: tuple[int, ...], state: tuple[Tensor, ...], reverse: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Go through sequences, as one op; see `needle_edu.ops.recurrence.unrolled`."""
        y, *end = self.scan(self.of_input(x), state, sizes, reverse).tuple()
        return y, tuple(end)

    def scan(
        self, x: Tensor, state: tuple[Tensor, ...], sizes: tuple[int, ...], reverse: bool
    ) -> TensorTuple:
        """Return the outputs and the states at the end, where the input contributes `x`."""
        raise NotImplementedError(f"{type(self).__name__} must define scan(self, x, state, sizes, reverse)")

    def _torch_cells(self) -> list[tuple[str, str, Any]]:
        return [("", "", self)]

    def extra_repr(self) -> str:
        """`input_size, hidden_size`, and `bias=False` if there is none."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias_ih is not None else ", bias=False")


class RNNCell(Cell):
    r"""The plain cell: :math:`h' = \tanh(x W_{ih} + b_{ih} + h W_{hh} + b_{hh})`.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    nonlinearity : "tanh" or "relu"
    device, dtype
        Of the parameters.

    Attributes
    ----------
    W_ih : Parameter of shape (input_size, hidden_size)
    W_hh : Parameter of shape (hidden_size, hidden_size)
    bias_ih, bias_hh : Parameter of shape (hidden_size,), or None
        All are uniform up to 1 / sqrt(hidden_size), drawn in this order, and read anew at each call.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> cell = RNNCell(3, 4)
    >>> h = cell(ndl.init.ones(2, 3))
    >>> cell(ndl.init.ones(2, 3), h).shape
    (2, 4)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device: Any = None,
        dtype: Any = "float32",
    ):  # fmt: skip
        if nonlinearity not in NONLINEARITIES:
            raise NeedleError(
                f"{type(self).__name__}: nonlinearity is 'tanh' or 'relu', got {nonlinearity!r}"
            )
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return (h',) after (h,)."""
        return rnn_step(x, state, self.W_hh, None, self.nonlinearity)

    def scan(
        self, x: Tensor, state: tuple[Tensor, ...], sizes: tuple[int, ...], reverse: bool
    ) -> TensorTuple:
        """All steps at once: `ops.rnn_scan`."""
        (h,) = state
        return ops.rnn_scan(x, h, self.W_hh, sizes, reverse, self.nonlinearity)

    def extra_repr(self) -> str:
        """The sizes, and what is not the default."""
        return super().extra_repr() + (
            "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity!r}"
        )


class LSTMCell(Cell):
    r"""Long short-term memory: gates decide what a memory c forgets (f), takes in (i · g) and shows (o).

    .. math::
        c' = \sigma(f) \odot c + \sigma(i) \odot \tanh(g), \qquad h' = \sigma(o) \odot \tanh(c')

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    device, dtype
        Of the parameters.

    Attributes
    ----------
    W_ih : Parameter of shape (input_size, 4 * hidden_size)
        The gates side by side, in the order i, f, g, o.
    W_hh : Parameter of shape (hidden_size, 4 * hidden_size)
    bias_ih, bias_hh : Parameter of shape (4 * hidden_size,), or None
        All are uniform up to 1 / sqrt(hidden_size), drawn in this order, and read anew at each call.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> h, c = LSTMCell(3, 4)(ndl.init.ones(2, 3))
    >>> h.shape, c.shape
    ((2, 4), (2, 4))
    """

    gates = 4
    parts = 2

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return (h', c') after (h, c)."""
        return lstm_step(x, state, self.W_hh, None)

    def scan(
        self, x: Tensor, state: tuple[Tensor, ...], sizes: tuple[int, ...], reverse: bool
    ) -> TensorTuple:
        """All steps at once: `ops.lstm_scan`."""
        h, c = state
        return ops.lstm_scan(x, h, c, self.W_hh, sizes, reverse)


class GRUCell(Cell):
    r"""The gated recurrent unit: z keeps the state or replaces it by n, for which r says how much of it is used.

    .. math::
        n = \tanh(x_n + r \odot (h W_{hn} + b_{hn})), \qquad h' = (1 - z) \odot n + z \odot h

    r lets pass what the state contributes to n after the product, bias included, as in PyTorch.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    device, dtype
        Of the parameters.

    Attributes
    ----------
    W_ih : Parameter of shape (input_size, 3 * hidden_size)
        The gates side by side, in the order r, z, n.
    W_hh : Parameter of shape (hidden_size, 3 * hidden_size)
    bias_ih, bias_hh : Parameter of shape (3 * hidden_size,), or None
        All are uniform up to 1 / sqrt(hidden_size), drawn in this order, and read anew at each call.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> GRUCell(3, 4)(ndl.init.ones(2, 3)).shape
    (2, 4)
    """

    gates = 3
    sums_biases = False

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return (h',) after (h,)."""
        return gru_step(x, state, self.W_hh, self.bias_hh)

    def scan(
        self, x: Tensor, state: tuple[Tensor, ...], sizes: tuple[int, ...], reverse: bool
    ) -> TensorTuple:
        """All steps at once: `ops.gru_scan`."""
        (h,), bias = state, self.bias_hh
        if bias is None:
            bias = init.zeros(3 * self.hidden_size, device=x.device, dtype=x.dtype)
        return ops.gru_scan(x, h, self.W_hh, bias.reshape((bias.size,)), sizes, reverse)


def given_state(who: str, state: Any, parts: int, shape: tuple[int, ...], like: Tensor) -> tuple[Tensor, ...]:
    """The tensors of the state a caller gives, or zeros for None, in the dtype and on the device of `like`."""
    if state is None:
        zeros = init.zeros(
            *shape, device=like.device, dtype=like.dtype if like.dtype.kind == "f" else "float32"
        )
        return (zeros,) * parts
    if parts == 1:
        given = [state]
    elif isinstance(state, (tuple, list, TensorTuple)) and len(state) == parts:
        given = list(state)
    else:
        got = f"{len(state)} parts" if isinstance(state, (tuple, list)) else type(state).__name__
        raise ShapeError(f"{who}: the state is a pair (h, c), got {got}")
    tensors = tuple([as_tensor(part, like.device) for part in given])
    for part in tensors:
        if part.shape != shape:
            raise ShapeError(f"{who}: the state has shape {shape}, got {part.shape}")
    return tensors
