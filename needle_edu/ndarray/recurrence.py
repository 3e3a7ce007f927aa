"""Recurrent networks by the compiled kernels: all moments of all sequences in one call, forward and backward.

What is computed says `needle_edu.ops.recurrence`, whose steps are the readable form of these; shapes have been checked
by the ops. A kernel keeps what its backward needs: the gates after their activations, and all states.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from .base import allocate, kernel_failed
from .layout import Layout, compact_layout
from .manipulation import concat
from .normalization import compiled as compiled
from .plans import remember

if TYPE_CHECKING:
    from .array import NDArray

KINDS = {"rnn_tanh": 0, "rnn_relu": 1, "lstm": 2, "gru": 3}


class Kept(NamedTuple):
    """What the forward kernel leaves: gates (n, gates * hidden), and h and c of every row, (n, hidden)."""

    gates: NDArray
    h: NDArray
    c: NDArray


def forward(
    kind: str,
    x: NDArray,
    state: tuple[NDArray, ...],
    weight: NDArray,
    bias: NDArray | None,
    sizes: tuple,
    reverse: bool,
) -> tuple[tuple[NDArray, ...], Kept]:
    """Return the states at the end, and what was computed on the way.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> ends, kept = forward("rnn_relu", nd.ones((3, 1)), (nd.zeros((1, 1)),), nd.ones((1, 1)), None, (1, 1, 1), False)
    >>> kept.h.numpy().tolist(), ends[0].numpy().tolist()
    ([[1.0], [2.0], [3.0]], [[3.0]])
    """
    gates = x.copy()
    starts, weight = tuple([part.compact() for part in state]), weight.compact()
    of_state = starts[0].layout
    rows = _rows(x.layout, of_state.shape[1])
    ends = tuple([allocate(of_state) for _ in starts])
    h = allocate(rows)
    c = allocate(rows) if kind in ("lstm", "gru") else h
    bias = weight if bias is None else bias.compact()
    pointers = [
        part.storage.ptr for part in (gates, weight, bias, starts[0], starts[-1], h, c, ends[0], ends[-1])
    ]
    err = rows.kernels["recurrence_dense"](
        rows.code, rows.shape[0], *pointers, sizes, len(sizes), rows.shape[1], KINDS[kind], int(reverse)
    )
    if err:
        kernel_failed(kind, err, x, weight)
    return ends, Kept(gates, h, c)


def backward(
    kind: str, g: NDArray, g_ends: tuple[NDArray, ...], kept: Kept, state: tuple[NDArray, ...], weight: NDArray,
    sizes: tuple, reverse: bool,
) -> tuple[NDArray, tuple[NDArray, ...], NDArray, NDArray]:  # fmt: skip
    """Return the adjoints of x, of the state to begin with, of the weight, and of h W + bias at each row."""
    starts, transposed, g = tuple([part.compact() for part in state]), weight.T.compact(), g.compact()
    of_x = allocate(kept.gates.layout)
    of_state = allocate(kept.gates.layout) if kind == "gru" else of_x
    adjoints = tuple([part.copy() for part in g_ends])
    rows = kept.h.layout
    arrays = (
        *(of_x, kept.gates, transposed, starts[0], starts[-1], kept.h, kept.c, g),
        *(adjoints[0], adjoints[-1], of_state),
    )
    err = rows.kernels["recurrence_backward_dense"](
        rows.code, rows.shape[0], *[part.storage.ptr for part in arrays], sizes, len(sizes), rows.shape[1],
        KINDS[kind], int(reverse),
    )  # fmt: skip
    if err:
        kernel_failed(f"{kind} backward", err, g, weight)
    return of_x, adjoints, _of_weight(kept.h, starts[0], of_state, sizes, reverse), of_state


def _of_weight(h: NDArray, start: NDArray, g: NDArray, sizes: tuple, reverse: bool) -> NDArray:
    """The sum over all rows of (the state before) times (the adjoint of its product): one matrix product."""
    batch, n = sizes[0], h.layout.shape[0]
    if n == batch:
        return start.T @ g
    if sizes[-1] == batch:  # all sequences are as long: the states before are the states, moved by one moment
        if reverse:
            return start.T @ g[n - batch :] + h[batch:].T @ g[: n - batch]
        return start.T @ g[:batch] + h[: n - batch].T @ g[batch:]
    return concat((start, h), 0)[_before(sizes, reverse)].T @ g


def _before(sizes: tuple, reverse: bool) -> list[int]:
    """For each row where, in the states to begin with and those of all rows, the state before it stands."""
    now, place = list(range(sizes[0])), [0] * sum(sizes)
    moments = list(zip(accumulate(sizes, initial=0), sizes, strict=False))
    for start, rows in reversed(moments) if reverse else moments:
        for k in range(rows):
            place[start + k], now[k] = now[k], sizes[0] + start + k
    return place


@remember
def _rows(x: Layout, hidden: int) -> Layout:
    return compact_layout((x.shape[0], hidden), x.code, x.device)
