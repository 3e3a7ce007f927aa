"""Needle's name for the array library: ``from needle_edu import backend_ndarray as nd``.

Homework and notebooks written for the course "Deep Learning Systems" expect these names. All of them are those of
`needle_edu.ndarray` and `needle_edu.backend`; nothing is implemented here but a few argument orders.
"""

from needle_edu.backend import BackendDevice, all_devices, cpu, cpu_numpy, cuda, cuda_sim, default_device

from . import kernel_module, ndarray
from .ndarray import (
    NDArray,
    array,
    broadcast_to,
    compact_strides,
    empty,
    exp,
    flip,
    from_numpy,
    full,
    log,
    maximum,
    prod,
    reshape,
    sum,
    tanh,
)

__all__ = [
    "BackendDevice",
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
    "kernel_module",
    "log",
    "maximum",
    "ndarray",
    "prod",
    "reshape",
    "sum",
    "tanh",
]


def __dir__() -> list[str]:
    return sorted(__all__)
