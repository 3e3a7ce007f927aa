r"""Bags of embeddings: the rows of a table that a bag names, made into one, by their sum, mean or largest numbers.

    y_b = \sum_{t \in b} s_t W_t,   y_b = \frac{1}{|b|} \sum_{t \in b} W_t,   y_b = \max_{t \in b} W_t

It is what a text is to a model that knows no order of words. Bags come as rows of a matrix, or one behind the other
with the places where each begins; a token that only fills up is none, and a bag of none gives 0. It is a composition:
rows are looked up, filled up to the longest bag, and reduced.
"""

import numpy as np

from needle_edu.autograd.arrays import DTypeError, IndexOutOfRange, ShapeError, device_of, enter, readable
from needle_edu.autograd.registry import slot
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend.arguments import integer, switch

from .constants import constant

_WHERE = slot("where")
MODES = ("sum", "mean", "max")


def embedding_bag(
    index, weight, offsets=None, *, mode="mean", per_sample_weights=None, include_last_offset=False, padding_idx=None
):  # fmt: skip
    """Return a row for each bag of `index`: the sum, the mean or the largest numbers of the rows that it names.

    Parameters
    ----------
    index : whole numbers of shape (bags, length), or (tokens,) with `offsets`
    weight : Tensor of shape (rows, columns)
    offsets : whole numbers of shape (bags,), optional
        Where in `index` each bag begins: 0 first, none smaller than the one before.
    mode : "sum", "mean" or "max"
    per_sample_weights : Tensor of the shape of `index`, optional
        Each row is multiplied by its own; for the sum alone.
    include_last_offset : bool
        Whether `offsets` has the end of the last bag too.
    padding_idx : int, optional
        Tokens that do not count. A bag of nothing else gives 0, as one of nothing does.

    Returns
    -------
    Tensor of shape (bags, columns)

    >>> from needle_edu import Tensor, ops
    >>> table = Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 0.0]])
    >>> ops.embedding_bag([0, 1, 2], table, [0, 2]).numpy().tolist()
    [[2.0, 3.0], [5.0, 0.0]]
    """
    who = "embedding_bag"
    weight = as_tensor(weight, who)
    switch(who, include_last_offset=include_last_offset)
    if not isinstance(mode, str) or mode not in MODES:
        raise ValueError(f"{who}: mode is 'sum', 'mean' or 'max', got {mode!r}")
    if weight.ndim != 2 or weight.dtype.kind != "f":
        raise ShapeError(
            f"{who}: wanted a weight of floats (rows, columns), got {weight.dtype} of shape {weight.shape}"
        )
    tokens = _whole(who, "index", index)
    places = _places(who, tokens, offsets, include_last_offset)
    rows = weight.shape[0]
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < rows:
        wrong = tokens.min() if tokens.min() < 0 else tokens.max()
        raise IndexOutOfRange(f"{who}: index {wrong} is out of range for {rows} rows")
    counts = places >= 0
    chosen = np.where(counts, tokens.ravel()[places] if tokens.size else 0, 0)
    if padding_idx is not None:
        padding = integer(who, "padding_idx", padding_idx)
        if not -rows <= padding < rows:
            raise IndexOutOfRange(f"{who}: padding_idx {padding} is out of range for {rows} rows")
        counts = counts & (chosen != padding % rows)
    here = device_of(weight.realize_cached_data())
    x = weight[enter(chosen, here, "int64")]
    if per_sample_weights is not None:
        x = x * _factors(who, per_sample_weights, mode, weight, tokens, np.where(counts, places, 0))
    return _reduced(x, mode, counts, here)


def _reduced(x, mode, counts, here):
    """Reduce rows (bags, length, columns) over the length, where they count."""

    def choose(where, a, b):
        return _WHERE.instance.apply(constant(enter(where, here, "bool")), a, b)

    zero = constant(enter(np.zeros((), x.dtype), here, x.dtype))
    if mode == "max":
        lowest = constant(enter(np.full((), -np.inf, x.dtype), here, x.dtype))
        y = (x if counts.all() else choose(counts[..., None], x, lowest)).max(1)
        return y if counts.any(1).all() else choose(counts.any(1)[:, None], y, zero)
    y = (x if counts.all() else choose(counts[..., None], x, zero)).sum(1)
    if mode == "sum":
        return y
    lengths = np.maximum(counts.sum(1), 1)[:, None].astype(x.dtype)
    return y / constant(enter(lengths, here, x.dtype))


def _whole(who, name, given):
    """Return whole numbers, or floats that are, as an array of NumPy."""
    try:
        found = readable(given.detach() if hasattr(given, "detach") else given)
    except ValueError:
        raise DTypeError(f"{who}: {name}: rows of different lengths make no array") from None
    if not found.size:
        found = found.astype(np.int64)
    if found.dtype.kind not in "iu" and not (found.dtype.kind == "f" and (found == np.floor(found)).all()):
        raise DTypeError(f"{who}: wanted whole numbers as {name}, got {found.dtype}")
    return found.astype(np.int64)


def _places(who, tokens, offsets, include_last):
    """Return the place of each bag's tokens in `tokens`, (bags, length of the longest, 1 at least); -1 fills up."""
    if offsets is None:
        if tokens.ndim != 2:
            raise ShapeError(
                f"{who}: wanted an index of shape (bags, length), or (tokens,) with offsets, got {tokens.shape}"
            )
        places = np.arange(tokens.size).reshape(tokens.shape)
        return places if tokens.shape[1] else np.full((tokens.shape[0], 1), -1)
    offsets = _whole(who, "offsets", offsets)
    if tokens.ndim != 1 or offsets.ndim != 1:
        raise ShapeError(
            f"{who}: with offsets (bags,) the index has shape (tokens,), got {offsets.shape} and {tokens.shape}"
        )
    ends = np.append(offsets[1:], tokens.size) if not include_last else offsets[1:]
    starts = offsets[:-1] if include_last else offsets
    if (offsets.size and offsets[0] != 0) or (ends < starts).any() or (ends > tokens.size).any() or (
        include_last and not offsets.size
    ):  # fmt: skip
        raise ShapeError(
            f"{who}: offsets begin with 0, none is smaller than the one before or larger than the {tokens.size} "
            f"tokens, got {offsets.tolist()!r:.60}"
        )
    length = max(1, int((ends - starts).max(initial=0)))
    places = starts[:, None] + np.arange(length)
    return np.where(places < ends[:, None], places, -1)


def _factors(who, factors, mode, weight, tokens, places):
    """Return the factor of each token of each bag, (bags, length, 1)."""
    given, factors = factors, as_tensor(factors, who)
    if (
        factors is not given and factors.dtype.kind == "f"
    ):  # a list or an array: its numbers, in the weight's dtype
        factors = as_tensor(readable(given).astype(weight.dtype), who, like=weight)
    if mode != "sum":
        raise ValueError(f"{who}: per_sample_weights are for mode='sum', got {mode!r}")
    if factors.shape != tokens.shape or factors.dtype != weight.dtype:
        raise ShapeError(
            f"{who}: per_sample_weights have the index's shape {tokens.shape} and the weight's {weight.dtype}, got "
            f"{factors.dtype} of shape {factors.shape}"
        )
    if not tokens.size:
        return 1.0
    here = device_of(weight.realize_cached_data())
    return factors.reshape((-1,))[enter(places, here, "int64")].reshape((*places.shape, 1))


FUNCTIONS = (embedding_bag,)
