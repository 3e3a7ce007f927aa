"""Where the elements of a resized axis come from: tables of places and weights, for needle_edu/ops/interpolation.py.

Element j of m lies over the n elements of the input at x, and looks at those around x. How many, and how each one
counts, is a function of its distance from x: the kernel of the interpolation. Keys' cubic kernel (IEEE Transactions on
Acoustics, Speech and Signal Processing, 1981) has a free number, usually -3/4 or -1/2.

An axis made shorter skips elements between two places, and what is skipped comes back as false patterns (aliases).
`antialias` stretches the kernel by n / m, so that every element is looked at: a small picture of means.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from needle_edu.backend.taps import Table

from .adaptive import bounds


@lru_cache(256)
def tables(
    n: int, m: int, mode: str, align_corners: bool, step: float | None, antialias: bool = False
) -> tuple[Table, Table]:
    """Return where each of m elements looks, as a table, and the table of the adjoint; areas without their weights."""
    if mode == "area":
        means = areas(n, m)
        return means._replace(weight=np.ones(len(means.weight))), means.transposed()
    if antialias:
        table = wide_looks(n, m, mode, align_corners, step)
        return table, table.transposed()
    places, weights = looks(n, m, mode, align_corners, step)
    start = np.arange(m + 1, dtype="int64") * len(places)
    table = Table(start, places.T.reshape(-1), weights.T.reshape(-1), n)
    return table, table.transposed()


def areas(n: int, m: int) -> Table:
    """Return the means of the windows of adaptive pooling, as a table.

    Examples
    --------
    >>> start, place, weight, _ = areas(3, 2)
    >>> start.tolist(), place.tolist(), weight.tolist()
    ([0, 2, 4], [0, 1, 1, 2], [0.5, 0.5, 0.5, 0.5])
    """
    first, last = bounds(n, m)
    lengths = last - first
    start = np.concatenate([[0], np.cumsum(lengths)])
    place = np.arange(start[-1]) + np.repeat(first - start[:-1], lengths)
    return Table(start, place, np.repeat(1 / lengths, lengths), n)


def looks(n: int, m: int, mode: str, align_corners: bool = False, step: float | None = None) -> Any:
    """Return at which of n elements each of m looks, and with what weights: arrays of shape (elements looked at, m).

    Examples
    --------
    >>> places, weights = looks(2, 4, "linear")
    >>> places.tolist(), weights.tolist()
    ([[0, 0, 0, 1], [0, 1, 1, 1]], [[0.25, 0.75, 0.25, 0.75], [0.75, 0.25, 0.75, 0.25]])
    """
    j = np.arange(m)
    if mode.startswith("nearest"):
        late = mode == "nearest-exact"  # the middle of the interval instead of its beginning
        if mode == "nearest" and m in (n, 2 * n):  # as in PyTorch: the same image, or each element twice
            step = None
        exact = (2 * j + late) * n // (2 * m) if step is None else np.floor((j + late / 2) * step)
        return np.minimum(exact, n - 1).astype("int64")[None], np.ones((1, m))
    if align_corners:
        x = j * ((n - 1) / (m - 1) if m > 1 else 0.0)
    else:
        x = (j + 0.5) * (n / m if step is None else step) - 0.5
    left = np.minimum(np.floor(x), n - 1)
    t = np.clip(x - left, 0, 1)
    if mode == "linear":
        offsets, weights = np.arange(2), np.stack([1 - t, t])
    else:
        offsets, weights = np.arange(-1, 3), np.stack([_far(1 + t), _near(t), _near(1 - t), _far(2 - t)])
    return np.clip(left + offsets[:, None], 0, n - 1).astype("int64"), weights


def wide_looks(n: int, m: int, mode: str, align_corners: bool = False, step: float | None = None) -> Table:
    """Return the table of a kernel that is stretched until every one of n elements is looked at.

    An axis made longer is looked at as always, but for the cubic kernel's number: it is -1/2 here, as in PyTorch.

    Examples
    --------
    >>> start, place, weight, _ = wide_looks(4, 2, "linear")
    >>> start.tolist(), place.tolist(), weight.round(3).tolist()
    ([0, 3, 6], [0, 1, 2, 1, 2, 3], [0.429, 0.429, 0.143, 0.143, 0.429, 0.429])
    """
    if align_corners:
        step = (n - 1) / (m - 1) if m > 1 else 0.0
    step = n / m if step is None else step
    stretch = max(step, 1.0)
    reach = stretch * (1 if mode == "linear" else 2)
    x = (np.arange(m) + 0.5) * step  # from the beginning of the first element, not from its centre
    first = np.maximum(np.trunc(x - reach + 0.5), 0).astype("int64")
    last = np.minimum(np.trunc(x + reach + 0.5), n).astype("int64")
    first = np.minimum(first, n - 1)
    last = np.maximum(last, first + 1)
    lengths = last - first
    start = np.concatenate([[0], np.cumsum(lengths)])
    place = np.arange(start[-1]) + np.repeat(first - start[:-1], lengths)
    away = np.abs(place + 0.5 - np.repeat(x, lengths)) / stretch
    if mode == "linear":
        weight = np.maximum(1 - away, 0)
    else:
        weight = np.where(away < 1, _near(away, -0.5), np.where(away < 2, _far(away, -0.5), 0.0))
    return Table(start, place, weight / np.repeat(np.add.reduceat(weight, start[:-1]), lengths), n)


def _near(t, a=-0.75):
    """The weight of an element at most 1 away."""
    return ((a + 2) * t - (a + 3)) * t * t + 1


def _far(t, a=-0.75):
    """The weight of an element between 1 and 2 away."""
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
