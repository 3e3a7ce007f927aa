"""What a device can create by itself: ``cpu().randn(2, 3)``, ``cpu().zeros((4,))``, ``cpu().one_hot(10, labels)``.

Random numbers come from NumPy's global generator, so ``numpy.random.seed`` repeats a run on every device.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from needle_edu.backend import Device, DTypeError
from needle_edu.backend.arguments import integer
from needle_edu.backend.random import generator

from . import creation
from .array import NDArray
from .host import as_host
from .indexing import getitem
from .interchange import array, asarray
from .layout import as_extents


def rand(device: Device, *shape: int, dtype: Any = "float32") -> NDArray:
    """Return uniform random numbers from [0, 1)."""
    return array(generator().rand(*as_extents(shape, "rand")), dtype, device)


def randn(device: Device, *shape: int, dtype: Any = "float32") -> NDArray:
    """Return normally distributed random numbers, mean 0 and standard deviation 1."""
    return array(generator().randn(*as_extents(shape, "randn")), dtype, device)


def one_hot(device: Device, n: int, i: Any, dtype: Any = "float32") -> NDArray:
    """Return rows of the n x n identity: row ``i[k]`` for each entry of `i`; the shape is ``i.shape + (n,)``."""
    n = integer("one_hot", "n", n, 0)
    labels = as_host(i)
    if labels.dtype.kind == "f" and (labels != np.floor(labels)).any():
        raise DTypeError(f"one_hot: labels are whole numbers from 0 to {n - 1}, got {labels}")
    index = asarray(labels, device=device).astype("int64")
    return getitem(creation.eye(n, dtype=dtype, device=device), (index,))


def empty(device: Device, shape: Any, dtype: Any = "float32") -> NDArray:
    """Return an uninitialised array."""
    return creation.empty(shape, dtype, device)


def full(device: Device, shape: Any, fill_value: bool | int | float, dtype: Any = "float32") -> NDArray:
    """Return an array of one number."""
    return creation.full(shape, fill_value, dtype, device)


def zeros(device: Device, *shape: Any, dtype: Any = "float32") -> NDArray:
    """Return zeros; the shape as separate numbers, like `rand`, or as one tuple."""
    return creation.zeros(shape[0] if len(shape) == 1 else shape, dtype, device)


def ones(device: Device, *shape: Any, dtype: Any = "float32") -> NDArray:
    """Return ones; the shape as for `zeros`."""
    return creation.ones(shape[0] if len(shape) == 1 else shape, dtype, device)


CREATORS = {
    "rand": rand, "randn": randn, "one_hot": one_hot, "empty": empty, "full": full, "zeros": zeros, "ones": ones,
}  # fmt: skip
