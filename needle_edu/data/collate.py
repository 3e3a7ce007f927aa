"""From a list of examples to one batch of tensors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..backend.arguments import real, several
from ..backend.errors import DataError
from .dataset import columns_of, stack_examples


def collate_ndarray(batch: list[Any], device: Any = None, dtype: Any = None) -> tuple[Tensor, ...]:
    """Make a batch of a list of examples: a tuple of Tensors, one per field, each of shape (len(batch), ...).

    What a `DataLoader` does of itself, under Needle's name.

    Parameters
    ----------
    batch : list of tuples of numbers and arrays
    device : device, optional
    dtype : optional
        Of the fields that are floating-point numbers; whole numbers keep theirs.

    Raises
    ------
    DataError
        If the examples do not fit together.

    Examples
    --------
    >>> x, y = collate_ndarray([(np.zeros(3), 7), (np.ones(3), 8)])
    >>> x.shape, y.numpy().tolist()
    ((2, 3), [7, 8])
    """
    batch = several("collate_ndarray", "examples", batch)
    if not batch:
        raise DataError("collate_ndarray: a batch of no examples")
    return tensors(stack_examples(batch), device, dtype)


def collate_padded(
    batch: list[Any], *, padding_value: float = 0.0, device: Any = None, dtype: Any = None
) -> tuple[Tensor, ...]:
    """Make a batch of examples of different lengths: sequences are filled up at their ends; their lengths come last.

    For `DataLoader(collate_fn=collate_padded)`; another padding value by `functools.partial`.

    Parameters
    ----------
    batch : list of sequences, or of tuples with a sequence first
        A sequence is an array whose first axis is its length. Other fields that are sequences are filled up too.
    padding_value : number
    device : device, optional
    dtype : optional
        Of the fields that are floating-point numbers; whole numbers keep theirs.

    Returns
    -------
    tuple of Tensor
        One per field, of shape (len(batch), ...), and the lengths of the first field's sequences, int64.

    Raises
    ------
    DataError
        If the examples do not fit together, or have no sequence first.

    Examples
    --------
    >>> x, y, lengths = collate_padded([([5, 3, 8], 1), ([7], 0)])
    >>> x.numpy().tolist(), y.numpy().tolist(), lengths.numpy().tolist()
    ([[5, 3, 8], [7, 0, 0]], [1, 0], [3, 1])
    """
    who = "collate_padded"
    real(who, padding_value=padding_value)
    rows = [row if isinstance(row, tuple) else (row,) for row in several(who, "examples", batch)]
    if not rows or len({len(row) for row in rows}) > 1:
        raise DataError(
            f"{who}: wanted examples with one number of fields, got {[len(row) for row in rows]!r:.60}"
        )
    columns = columns_of(rows)
    if not columns or not all(field.ndim for field in columns[0]):
        raise DataError(f"{who}: wanted a sequence in the first field of each example, got a single number")
    filled = [_filled(who, k, column, padding_value) for k, column in enumerate(columns)]
    lengths = np.array([len(field) for field in columns[0]])
    return tensors([*filled, lengths], device, dtype)


def _filled(who: str, k: int, fields: list[np.ndarray], padding_value: float) -> np.ndarray:
    """One array of a field's values, all as long as the longest."""
    if len({field.shape[1:] for field in fields}) > 1 or len({field.ndim for field in fields}) > 1:
        raise DataError(
            f"{who}: field {k}: sequences differ in length alone, got shapes {[f.shape for f in fields]!r:.80}"
        )
    kinds = [field.dtype for field in fields if field.size] or [fields[0].dtype]
    kind = np.result_type(*kinds)
    if kind.kind not in "biuf":
        raise DataError(f"{who}: field {k}: wanted numbers, got {kind}")
    if not fields[0].ndim:
        return np.array(fields, kind)
    with np.errstate(invalid="ignore"):
        held = np.array(padding_value).astype(kind)
    if kind.kind != "f" and held != padding_value:
        raise DataError(f"{who}: field {k}: {kind} cannot hold the padding_value {padding_value}")
    longest = max(len(field) for field in fields)
    out = np.full((len(fields), longest, *fields[0].shape[1:]), padding_value, kind)
    for row, field in zip(out, fields, strict=True):
        row[: len(field)] = field
    return out


def tensors(fields: Sequence[np.ndarray], device: Any, dtype: Any) -> tuple[Tensor, ...]:
    """Each field as a Tensor that carries no gradient, `dtype` for those of floating-point numbers."""
    return tuple(
        Tensor(field, device=device, dtype=dtype if field.dtype.kind == "f" else None, requires_grad=False)
        for field in fields
    )


def collated(collate_fn: Callable, examples: list[Any], device: Any, dtype: Any) -> Any:
    """What somebody's own function makes of the examples; it is given device and dtype if it has both parameters."""
    try:
        named = inspect.signature(collate_fn).parameters
    except ValueError:  # some functions written in C do not tell
        named = inspect.Signature().parameters
    if "device" in named and "dtype" in named:
        return collate_fn(examples, device=device, dtype=dtype)
    return collate_fn(examples)
