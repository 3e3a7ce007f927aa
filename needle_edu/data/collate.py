"""From a list of examples to one batch of tensors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..backend.arguments import several
from ..backend.errors import DataError
from .dataset import stack_examples


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
