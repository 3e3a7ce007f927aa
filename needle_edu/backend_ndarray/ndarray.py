"""Needle's `backend_ndarray.ndarray` module: the array class, its functions, and the devices."""

from __future__ import annotations

from math import prod

import numpy as np

from needle_edu.backend import (
    BackendDevice,
    Device,
    all_devices,
    cpu,
    cpu_numpy,
    cuda,
    cuda_sim,
    default_device,
)
from needle_edu.ndarray import (
    NDArray,
    array,
    broadcast_to,
    empty,
    exp,
    flip,
    full,
    log,
    maximum,
    reshape,
    sum,
    tanh,
)
from needle_edu.ndarray.layout import compact_strides


def from_numpy(a: np.ndarray) -> NDArray:
    """Return a float32 copy of a NumPy array on the default device."""
    return array(a)


__all__ = [
    "BackendDevice",
    "Device",
    "NDArray",
    "all_devices",
    "array",
    "broadcast_to",
    "compact_strides",
    "cpu",
    "cpu_numpy",
    "cuda",
    "cuda_sim",
    "default_device",
    "empty",
    "exp",
    "flip",
    "from_numpy",
    "full",
    "log",
    "maximum",
    "prod",
    "reshape",
    "sum",
    "tanh",
]
