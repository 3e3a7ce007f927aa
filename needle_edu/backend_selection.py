"""Which array library tensors compute with: the environment variable NEEDLE_BACKEND, read at import.

``nd`` (the default) is our own `needle_edu.ndarray`; ``np`` is plain NumPy, which makes a good companion for
debugging: no kernels of ours run at all. In both modes the same devices exist, and a device's creators (`zeros`,
`randn`, …) give arrays of the chosen library.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from . import ndarray
from .backend import Device, all_devices, cpu, cpu_numpy, cuda, cuda_sim, default_device, set_creators
from .backend.random import generator

BACKEND = os.environ.get("NEEDLE_BACKEND", "nd")
if BACKEND not in ("nd", "np"):
    raise ImportError(f"NEEDLE_BACKEND is {BACKEND!r}; wanted 'nd' (needle_edu's arrays) or 'np' (NumPy's)")


def _numpy_one_hot(device: Device, n: int, i: Any, dtype: Any = "float32") -> np.ndarray:
    return np.eye(n, dtype=dtype)[np.asarray(i).astype(int)]


_NUMPY_CREATORS = {
    "rand": lambda device, *shape, dtype="float32": np.asarray(generator().rand(*shape), dtype),
    "randn": lambda device, *shape, dtype="float32": np.asarray(generator().randn(*shape), dtype),
    "one_hot": _numpy_one_hot,
    "empty": lambda device, shape, dtype="float32": np.empty(shape, dtype),
    "full": lambda device, shape, fill_value, dtype="float32": np.full(shape, fill_value, dtype),
    "zeros": lambda device, *shape, dtype="float32": np.zeros(shape[0] if len(shape) == 1 else shape, dtype),
    "ones": lambda device, *shape, dtype="float32": np.ones(shape[0] if len(shape) == 1 else shape, dtype),
}

if BACKEND == "np":
    array_api: Any = np
    NDArray: Any = np.ndarray
    set_creators(_NUMPY_CREATORS)
else:
    array_api = ndarray
    NDArray = ndarray.NDArray

__all__ = [
    "BACKEND",
    "Device",
    "NDArray",
    "all_devices",
    "array_api",
    "cpu",
    "cpu_numpy",
    "cuda",
    "cuda_sim",
    "default_device",
]
