"""Recurrent networks of the NumPy reference, written as their definition in the header."""

from collections.abc import Iterator, Sequence

import numpy as np

from ..errors import EDTYPE, EPLAN, OK
from .plan import FLOATS, kernel

Array = np.ndarray
RNN_TANH, RNN_RELU, LSTM, GRU = range(4)
GATES = (1, 1, 4, 3)


@kernel
def recurrence_dense(
    dtype: int, n: int, gates: Array, weight: Array, bias: Array, h0: Array, c0: Array, h: Array, c: Array,
    h_end: Array, c_end: Array, sizes: Sequence[int], steps: int, hidden: int, kind: int, reverse: int,
) -> int:  # fmt: skip
    """Every moment's states from those of the one before."""
    if error := _error(dtype, n, sizes, steps, hidden, kind):
        return error
    x, w = _rows(gates, n, GATES[kind] * hidden), _rows(weight, hidden, GATES[kind] * hidden)
    y, memory = _rows(h, n, hidden), _rows(c, n if kind >= LSTM else 0, hidden)
    state = _rows(h0, sizes[0], hidden).copy()
    state_c = _rows(c0, sizes[0] if kind == LSTM else 0, hidden).copy()
    for at, rows in _moments(sizes, reverse):
        before = state[:rows].copy()
        if kind == LSTM:
            i, f, g, o = np.split(x[at] + before @ w, 4, axis=1)
            parts = [_sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)]
            state_c[:rows] = parts[1] * state_c[:rows] + parts[0] * parts[2]
            x[at], memory[at] = np.hstack(parts), state_c[:rows]
            new = parts[3] * np.tanh(state_c[:rows])
        elif kind == GRU:
            (xr, xz, xn), (sr, sz, sn) = (
                np.split(a, 3, axis=1) for a in (x[at], before @ w + bias[: 3 * hidden])
            )
            r, z = _sigmoid(xr + sr), _sigmoid(xz + sz)
            candidate = np.tanh(xn + r * sn)
            x[at], memory[at] = np.hstack([r, z, candidate]), sn
            new = candidate + z * (before - candidate)
        else:
            x[at] += before @ w
            new = np.tanh(x[at]) if kind == RNN_TANH else np.maximum(x[at], 0)
        state[:rows] = y[at] = new
    _rows(h_end, sizes[0], hidden)[...] = state
    if kind == LSTM:
        _rows(c_end, sizes[0], hidden)[...] = state_c
    return OK


@kernel
def recurrence_backward_dense(
    dtype: int, n: int, out: Array, gates: Array, transposed: Array, h0: Array, c0: Array, h: Array, c: Array, g: Array,
    g_h: Array, g_c: Array, out_of_state: Array, sizes: Sequence[int], steps: int, hidden: int, kind: int, reverse: int,
) -> int:  # fmt: skip
    """The adjoints, from the last moment to the first."""
    if error := _error(dtype, n, sizes, steps, hidden, kind):
        return error
    wide = GATES[kind] * hidden
    to, results, w = _rows(out, n, wide), _rows(gates, n, wide), _rows(transposed, wide, hidden)
    to_state = _rows(out_of_state, n if kind == GRU else 0, wide)
    y, memory, adjoint = (
        _rows(h, n, hidden),
        _rows(c, n if kind >= LSTM else 0, hidden),
        _rows(g, n, hidden),
    )
    of_h, of_c = _rows(g_h, sizes[0], hidden), _rows(g_c, sizes[0] if kind == LSTM else 0, hidden)
    h_before, c_before = _before(sizes, reverse, y, _rows(h0, sizes[0], hidden)), None
    if kind == LSTM:
        c_before = _before(sizes, reverse, memory, _rows(c0, sizes[0], hidden))
    for at, rows in reversed(list(_moments(sizes, reverse))):
        d = adjoint[at] + of_h[:rows]
        if kind == LSTM and c_before is not None:
            i, f, new, o = np.split(results[at], 4, axis=1)
            shown = np.tanh(memory[at])
            inner = of_c[:rows] + d * o * (1 - shown * shown)
            parts = [
                inner * new * i * (1 - i),
                inner * c_before[at] * f * (1 - f),
                inner * i * (1 - new * new),
            ]
            to[at] = np.hstack([*parts, d * shown * o * (1 - o)])
            of_c[:rows] = inner * f
            of_h[:rows] = to[at] @ w
        elif kind == GRU:
            r, z, new = np.split(results[at], 3, axis=1)
            of_n, of_z = d * (1 - z) * (1 - new * new), d * (h_before[at] - new) * z * (1 - z)
            of_r = of_n * memory[at] * r * (1 - r)
            to[at], to_state[at] = np.hstack([of_r, of_z, of_n]), np.hstack([of_r, of_z, of_n * r])
            of_h[:rows] = d * z + to_state[at] @ w
        else:
            to[at] = d * (1 - y[at] * y[at]) if kind == RNN_TANH else np.where(y[at] > 0, d, 0)
            of_h[:rows] = to[at] @ w
    return OK


def _error(dtype: int, n: int, sizes: Sequence[int], steps: int, hidden: int, kind: int) -> int:
    if dtype not in FLOATS:
        return EDTYPE
    if not 0 <= kind < len(GATES) or steps < 1 or hidden < 1:
        return EPLAN
    sizes = list(sizes[:steps])
    return OK if sizes == sorted(sizes, reverse=True) and sizes[-1] >= 0 and sum(sizes) == n else EPLAN


def _rows(memory: Array, n: int, width: int) -> Array:
    return memory[: n * width].reshape(n, width)


def _moments(sizes: Sequence[int], reverse: int) -> Iterator[tuple[slice, int]]:
    """The rows of each moment and their number, in the order of the network."""
    ends = np.cumsum(sizes)
    moments = [(slice(end - rows, end), rows) for end, rows in zip(ends, sizes, strict=True)]
    return iter(moments[::-1] if reverse else moments)


def _before(sizes: Sequence[int], reverse: int, states: Array, start: Array) -> Array:
    """For each row the state before it."""
    before, now = np.empty_like(states), start.copy()
    for at, rows in _moments(sizes, reverse):
        before[at] = now[:rows]
        now[:rows] = states[at]
    return before


def _sigmoid(a: Array) -> Array:
    e = np.exp(-np.abs(a))
    return (np.where(a < 0, e, 1) / (1 + e)).astype(a.dtype)
