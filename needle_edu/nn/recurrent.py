"""Recurrent layers: a cell run through whole sequences, in one or both directions, layer upon layer.

What the input contributes does not depend on the state, so one matrix product makes it for all moments. Then the steps
follow each other; their formulas stand in `needle_edu.ops.recurrence`. A layer reads what the layer below returns.

All are Needle's, with PyTorch's further options as keywords, and know PyTorch's names for their weights:
`torch_state_dict` and `load_torch_state_dict`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import real, switch, whole
from ..backend.errors import NeedleError, ShapeError
from .inputs import as_tensor
from .module import Module
from .packing import PackedSequence
from .recurrent_cells import Cell, GRUCell, LSTMCell, RNNCell, given_state
from .torch_names import TorchNames


class Recurrent(Module, TorchNames):
    """What the three layers have in common."""

    cell: type[Cell]
    list_name: str  # of the attribute that holds the cells

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int, cell_options: dict, batch_first: bool, dropout: float,
        bidirectional: bool, proj_size: int,
    ):  # fmt: skip
        who = type(self).__name__
        super().__init__(device=cell_options["device"], dtype=cell_options["dtype"])
        sizes = whole(who, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        self.input_size, self.hidden_size, self.num_layers = sizes
        switch(who, batch_first=batch_first, bidirectional=bidirectional)
        real(who, 0, 1, dropout=dropout)
        if whole(who, 0, proj_size=proj_size) != [0]:
            raise NeedleError(f"{who}: states are not projected; leave proj_size at 0, got {proj_size}")
        if dropout and num_layers == 1:
            warnings.warn(
                f"{who}: dropout is applied between layers, and there is one layer alone", stacklevel=3
            )
        self.batch_first, self.dropout, self.bidirectional = batch_first, dropout, bidirectional
        directions = 2 if bidirectional else 1
        widths = [input_size] + [directions * hidden_size] * (num_layers - 1)
        cells = [self.cell(width, hidden_size, **cell_options) for width in widths for _ in range(directions)]
        setattr(self, self.list_name, cells)

    def forward(self, x: Any, h: Any = None) -> tuple[Any, Any]:
        """Read sequences.

        Parameters
        ----------
        x : Tensor of shape (seq, batch, input_size), (batch, seq, input_size) if `batch_first`, or (seq, input_size)
            Or a `PackedSequence`.
        h : Tensor of shape (num_layers * directions, batch, hidden_size), without batch if x has none
            The states to begin with, for LSTM a pair of such tensors; None: zeros. A layer's two directions stand side
            by side.

        Returns
        -------
        output : Tensor of shape (seq, batch, directions * hidden_size), or as the input is arranged
            h of the last layer at each moment.
        h : Tensor of shape (num_layers * directions, batch, hidden_size)
            The states at the end; for LSTM a pair.
        """
        if isinstance(x, PackedSequence):
            return self._packed(x, h)
        x = as_tensor(x, self._cells()[0].W_ih.device)
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            order = "(batch, seq" if self.batch_first else "(seq, batch"
            raise ShapeError(
                f"{type(self).__name__}({self.extra_repr()}): got input of shape {x.shape}, wanted "
                f"{order}, {self.input_size}) or (seq, {self.input_size})"
            )
        alone, turned = x.ndim == 2, self.batch_first and x.ndim == 3
        if turned:
            x = ops.transpose(x, (0, 1))
        steps, batch = x.shape[0], 1 if alone else x.shape[1]
        self._check_steps(steps)
        state = self._given(h, () if alone else (batch,), x)
        rows, state = self._run(x.reshape((steps * batch, self.input_size)), (batch,) * steps, state)
        if alone:
            return rows, self._returned([part.reshape((len(part), self.hidden_size)) for part in state])
        y = rows.reshape((steps, batch, rows.shape[1]))
        return ops.transpose(y, (0, 1)) if turned else y, self._returned(state)

    def _packed(self, x: PackedSequence, h: Any) -> tuple[PackedSequence, Any]:
        """`forward` for packed sequences: they are sorted here, and states come and go in the caller's order."""
        rows = as_tensor(x.data)
        if rows.ndim != 2 or rows.shape[-1] != self.input_size:
            raise ShapeError(
                f"{type(self).__name__}({self.extra_repr()}): got packed rows of shape {rows.shape}, "
                f"wanted (rows, {self.input_size})"
            )
        self._check_steps(len(x.batch_sizes))
        state = self._given(h, (x.batch_sizes[0],), rows)
        if x.sorted_indices is not None:
            state = _reordered(state, x.sorted_indices)
        rows, state = self._run(rows, tuple(x.batch_sizes), state)
        if x.unsorted_indices is not None:
            state = _reordered(state, x.unsorted_indices)
        return x._replace(data=rows), self._returned(state)

    def _run(self, rows: Tensor, sizes: tuple[int, ...], state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """All layers, on rows of moments; a state part has shape (cells, batch, hidden)."""
        per_cell = list(zip(*[ops.split(part, 0) for part in state], strict=True))
        ends: list[tuple[Tensor, ...]] = []
        directions = 2 if self.bidirectional else 1
        for layer in range(self.num_layers):
            if layer and self.training and self.dropout:
                rows = ops.dropout(rows, self.dropout)
            outputs = []
            for direction in range(directions):
                number = layer * directions + direction
                cell = self._cells()[number]
                y, end = cell.run(rows, sizes, per_cell[number], direction == 1)
                outputs.append(y)
                ends.append(end)
            rows = outputs[0] if directions == 1 else ops.concat(tuple(outputs), 1)
        return rows, [ops.stack(parts, 0) for parts in zip(*ends, strict=True)]

    def _given(self, h: Any, batch: tuple[int, ...], like: Tensor) -> list[Tensor]:
        """The states to begin with, each of shape (cells, batch, hidden)."""
        cells, who = len(self._cells()), type(self).__name__
        state = given_state(who, h, self.cell.parts, (cells, *batch, self.hidden_size), like)
        return [part if batch else part.reshape((cells, 1, self.hidden_size)) for part in state]

    def _returned(self, state: list[Tensor]) -> Any:
        return tuple(state) if self.cell.parts > 1 else state[0]

    def _check_steps(self, steps: int) -> None:
        if not steps:
            raise ShapeError(f"{type(self).__name__}: wanted a sequence of at least one step, got none")

    def _cells(self) -> list[Cell]:
        return getattr(self, self.list_name)

    def _torch_cells(self) -> list[tuple[str, str, Any]]:
        named = []
        for number, cell in enumerate(self._cells()):
            layer, direction = divmod(number, 2 if self.bidirectional else 1)
            named.append((f"{self.list_name}.{number}.", f"_l{layer}{'_reverse' * direction}", cell))
        return named

    def extra_repr(self) -> str:
        """The sizes, and what is not the default."""
        more = [("num_layers", 1), ("batch_first", False), ("dropout", 0.0), ("bidirectional", False)]
        others = [f", {name}={getattr(self, name)}" for name, usual in more if getattr(self, name) != usual]
        return f"{self.input_size}, {self.hidden_size}" + "".join(others)


def _reordered(state: list[Tensor], order: np.ndarray) -> list[Tensor]:
    return [ops.getitem(part, (slice(None), order)) for part in state]


class RNN(Recurrent):
    r"""The plain recurrent network: :math:`h_t = \tanh(x_t W_{ih} + b_{ih} + h_{t-1} W_{hh} + b_{hh})`.

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers : int
        How many layers, each of which reads the one below.
    bias : bool
    nonlinearity : "tanh" or "relu"
    device, dtype
        Of the parameters.
    batch_first : bool
        Whether sequences come as (batch, seq, input_size); states do not.
    dropout : float
        Between layers in training, with this probability; see `nn.Dropout`.
    bidirectional : bool
        Whether each layer has a second cell that begins at the end; outputs are put side by side.
    proj_size : 0
        PyTorch's projection of states is not built.

    Attributes
    ----------
    rnn_cells : list of RNNCell
        In the order in which their weights are drawn: layer by layer, the second direction after the first.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> output, h = RNN(3, 4, num_layers=2)(ndl.init.ones(5, 2, 3))
    >>> output.shape, h.shape
    ((5, 2, 4), (2, 2, 4))
    """

    cell = RNNCell
    list_name = "rnn_cells"

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, nonlinearity: str = "tanh",
        device: Any = None, dtype: Any = "float32", *, batch_first: bool = False, dropout: float = 0.0,
        bidirectional: bool = False, proj_size: int = 0,
    ):  # fmt: skip
        options = {"bias": bias, "nonlinearity": nonlinearity, "device": device, "dtype": dtype}
        super().__init__(
            input_size, hidden_size, num_layers, options, batch_first, dropout, bidirectional, proj_size
        )


class LSTM(Recurrent):
    """Long short-term memory, see `LSTMCell`; a state is a pair (h, c).

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers : int
        How many layers, each of which reads the one below.
    bias : bool
    device, dtype
        Of the parameters.
    batch_first, dropout, bidirectional, proj_size
        See `RNN`.

    Attributes
    ----------
    lstm_cells : list of LSTMCell
        In the order in which their weights are drawn: layer by layer, the second direction after the first.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> output, (h, c) = LSTM(3, 4, bidirectional=True)(ndl.init.ones(5, 2, 3))
    >>> output.shape, h.shape, c.shape
    ((5, 2, 8), (2, 2, 4), (2, 2, 4))
    """

    cell = LSTMCell
    list_name = "lstm_cells"

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, device: Any = None,
        dtype: Any = "float32", *, batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
        proj_size: int = 0,
    ):  # fmt: skip
        options = {"bias": bias, "device": device, "dtype": dtype}
        super().__init__(
            input_size, hidden_size, num_layers, options, batch_first, dropout, bidirectional, proj_size
        )


class GRU(Recurrent):
    """Gated recurrent units, see `GRUCell`.

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers : int
        How many layers, each of which reads the one below.
    bias : bool
    device, dtype
        Of the parameters.
    batch_first, dropout, bidirectional, proj_size
        See `RNN`.

    Attributes
    ----------
    gru_cells : list of GRUCell
        In the order in which their weights are drawn: layer by layer, the second direction after the first.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> output, h = GRU(3, 4, batch_first=True)(ndl.init.ones(2, 5, 3))
    >>> output.shape, h.shape
    ((2, 5, 4), (1, 2, 4))
    """

    cell = GRUCell
    list_name = "gru_cells"

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, device: Any = None,
        dtype: Any = "float32", *, batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
        proj_size: int = 0,
    ):  # fmt: skip
        options = {"bias": bias, "device": device, "dtype": dtype}
        super().__init__(
            input_size, hidden_size, num_layers, options, batch_first, dropout, bidirectional, proj_size
        )
