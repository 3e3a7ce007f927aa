"""Sequences of different lengths, side by side without padding: what recurrent layers read and return.

Padding costs time, and, in a network that reads backwards, the padding would be read first. So the rows of a batch are
packed: those of moment 0, of the longest sequence first; then those of moment 1, of all that are that long; and so on.

    lengths 3, 1, 2          packed rows, batch_sizes (3, 2, 1)
    a0 a1 a2                 a0 c0 b0 | a1 c1 | a2
    b0
    c0 c1
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import ops
from ..autograd import Tensor
from ..autograd.arrays import readable
from ..backend.arguments import integer, real, several, switch
from ..backend.errors import ShapeError
from .inputs import as_tensor

__all__ = [
    "PackedSequence", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence", "pad_sequence", "unpad_sequence",
]  # fmt: skip


class PackedSequence(NamedTuple):
    """Packed sequences, made by `pack_padded_sequence` or `pack_sequence`.

    Attributes
    ----------
    data : Tensor of shape (sum of lengths, *features)
    batch_sizes : tuple of int
        How many sequences are at least 1, 2, … long.
    sorted_indices, unsorted_indices : numpy.ndarray of int, or None
        Which sequence of the caller's is k-th longest, and the way back; None if they were sorted.
    """

    data: Tensor
    batch_sizes: tuple[int, ...]
    sorted_indices: np.ndarray | None = None
    unsorted_indices: np.ndarray | None = None


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a batch of padded sequences.

    Parameters
    ----------
    input : Tensor of shape (seq, batch, *features), or (batch, seq, *features) if `batch_first`
    lengths : sequence of int
        Of each sequence, at least 1.
    batch_first : bool
    enforce_sorted : bool
        Whether lengths that do not descend are an error; if not, sequences are sorted, and layers undo that.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> packed = pack_padded_sequence(Tensor([[1, 2, 3], [4, 0, 0], [5, 6, 0]]), [3, 1, 2], True, enforce_sorted=False)
    >>> packed.data.numpy().tolist(), packed.batch_sizes
    ([1, 5, 4, 2, 6, 3], (3, 2, 1))
    """
    who = "pack_padded_sequence"
    x = as_tensor(input)
    switch(who, batch_first=batch_first, enforce_sorted=enforce_sorted)
    if x.ndim < 2:
        raise ShapeError(
            f"{who}: wanted (seq, batch, ...), or with batch_first (batch, seq, ...), got {x.shape}"
        )
    steps, batch = (x.shape[1], x.shape[0]) if batch_first else x.shape[:2]
    sizes = _lengths(who, lengths, steps, batch)
    descending = all(a >= b for a, b in zip(sizes, sizes[1:], strict=False))
    if enforce_sorted and not descending:
        raise ShapeError(
            f"{who}: lengths do not descend, got {sizes}; sort the sequences, or say enforce_sorted=False"
        )
    order = None if enforce_sorted else np.argsort(-np.array(sizes), kind="stable")
    t, k = _places([sizes[i] for i in order] if order is not None else sizes)
    column = k if order is None else order[k]
    place = column * steps + t if batch_first else t * batch + column
    rows = ops.getitem(x.reshape((steps * batch, *x.shape[2:])), place)
    counts = tuple(np.bincount(t).tolist())
    return PackedSequence(rows, counts, order, None if order is None else np.argsort(order))


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, np.ndarray]:
    """Undo `pack_padded_sequence`.

    Parameters
    ----------
    sequence : PackedSequence
    batch_first : bool
    padding_value : float
    total_length : int, optional
        How long the padded sequences are to be; None: as long as the longest.

    Returns
    -------
    tuple of Tensor and numpy.ndarray
        The padded sequences, (seq, batch, *features) or (batch, seq, *features), and their lengths.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> packed = pack_sequence([Tensor([1, 2]), Tensor([3])])
    >>> padded, lengths = pad_packed_sequence(packed, batch_first=True, padding_value=-1)
    >>> padded.numpy().tolist(), lengths.tolist()
    ([[1, 2], [3, -1]], [2, 1])
    """
    who = "pad_packed_sequence"
    if not isinstance(sequence, PackedSequence):
        raise TypeError(f"{who}: wanted a PackedSequence, got {type(sequence).__name__}")
    switch(who, batch_first=batch_first)
    real(who, padding_value=padding_value)
    data, counts = sequence.data, sequence.batch_sizes
    steps, batch = len(counts), counts[0]
    total = steps if total_length is None else integer(who, "total_length", total_length)
    if total < steps:
        raise ShapeError(f"{who}: total_length is {total}, but the longest sequence has {steps} steps")
    place = np.full((total, batch), sum(counts))  # the row of padding
    starts = np.cumsum((0, *counts[:-1]))
    for t, (start, count) in enumerate(zip(starts, counts, strict=True)):
        place[t, :count] = np.arange(start, start + count)
    lengths = (place < sum(counts)).sum(axis=0)
    if sequence.unsorted_indices is not None:
        place, lengths = place[:, sequence.unsorted_indices], lengths[sequence.unsorted_indices]
    row = np.full((1, *data.shape[1:]), padding_value)
    padding = Tensor(row, device=data.device, dtype=data.dtype, requires_grad=False)
    padded = ops.getitem(
        ops.concat((data, padding), 0), np.ascontiguousarray(place.T if batch_first else place)
    )
    return padded, lengths


def pad_sequence(
    sequences: Sequence[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Put sequences of different lengths side by side, and fill them up.

    Parameters
    ----------
    sequences : list of Tensor, each of shape (length, *features)
    batch_first : bool
    padding_value : float
    padding_side : "right" or "left"
        Whether the padding follows a sequence or stands before it.

    Returns
    -------
    Tensor of shape (longest, batch, *features), or (batch, longest, *features) if `batch_first`

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> pad_sequence([Tensor([1, 2]), Tensor([3])], batch_first=True).numpy().tolist()
    [[1, 2], [3, 0]]
    """
    who = "pad_sequence"
    switch(who, batch_first=batch_first)
    real(who, padding_value=padding_value)
    if padding_side not in ("right", "left"):
        raise ValueError(f"{who}: padding_side is 'right' or 'left', got {padding_side!r}")
    tensors = _tensors(who, sequences)
    longest = max(len(x) for x in tensors)
    filled = []
    for x in tensors:
        gap = longest - len(x)
        if gap:
            ends = (0, gap) if padding_side == "right" else (gap, 0)
            x = ops.pad(x, (ends, *[(0, 0)] * (x.ndim - 1)), padding_value)
        filled.append(x)
    return ops.stack(filled, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """Cut padded sequences (padding on the right) to their lengths: the opposite of `pad_sequence`.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> [x.numpy().tolist() for x in unpad_sequence(Tensor([[1, 2], [3, 0]]), [2, 1], batch_first=True)]
    [[1, 2], [3]]
    """
    who = "unpad_sequence"
    x = as_tensor(padded_sequences)
    switch(who, batch_first=batch_first)
    if x.ndim < 2:
        raise ShapeError(
            f"{who}: wanted (seq, batch, ...), or with batch_first (batch, seq, ...), got {x.shape}"
        )
    steps, batch = (x.shape[1], x.shape[0]) if batch_first else x.shape[:2]
    sizes = _lengths(who, lengths, steps, batch)
    columns = ops.split(x, 0 if batch_first else 1)
    return [column[:size] for column, size in zip(columns, sizes, strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences, each of shape (length, *features); see `pack_padded_sequence`.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> pack_sequence([Tensor([1, 2]), Tensor([3])]).data.numpy().tolist()
    [1, 3, 2]
    """
    tensors = _tensors("pack_sequence", sequences)
    return pack_padded_sequence(
        pad_sequence(tensors), [len(x) for x in tensors], enforce_sorted=enforce_sorted
    )


def _tensors(who: str, sequences: Any) -> list[Tensor]:
    tensors = [as_tensor(x) for x in several(who, "sequences", sequences)]
    if not tensors:
        raise ShapeError(f"{who}: wanted at least one sequence, got none")
    for x in tensors:
        if not x.ndim or x.shape[1:] != tensors[0].shape[1:]:
            raise ShapeError(
                f"{who}: sequences have shape (length, *features) with the same features, got "
                f"{tensors[0].shape} and {x.shape}"
            )
    return tensors


def _lengths(who: str, lengths: Any, steps: int, batch: int) -> list[int]:
    numbers = readable(lengths) if hasattr(lengths, "shape") else several(who, "lengths", lengths)
    sizes = [integer(who, "a length", number, 1) for number in numbers]
    if len(sizes) != batch or max(sizes, default=0) > steps:
        raise ShapeError(
            f"{who}: wanted {batch} lengths of at most {steps}, one for each sequence; got {sizes}"
        )
    return sizes


def _places(sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The moment and the sequence of each packed row, for lengths that descend."""
    there = np.arange(max(sizes))[:, None] < np.array(sizes)
    moments, columns = np.nonzero(there)
    return moments, columns
