"""Needle's name for the array library: ``from needle_edu import backend_ndarray as nd``.

Homework and notebooks written for the course "Deep Learning Systems" expect these names. All of them are those of
`needle_edu.ndarray` and `needle_edu.backend`; nothing is implemented here but a few argument orders.
"""

from collections.abc import Callable
from typing import Any

from needle_edu import ndarray as array_library
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


def __getattr__(name: str) -> Any:
    """Return what is found here on request only.

    ``from needle_edu.backend_ndarray import ndarray_backend_cuda`` gives the kernel module, if the device is there; the
    other names of `needle_edu.ndarray` serve code that writes ``import needle.backend_ndarray as array_api``.
    """
    if name in array_library.__all__:
        return getattr(array_library, name)
    modules: dict[str, Callable[[], BackendDevice]] = {
        "ndarray_backend_cpu": cpu,
        "ndarray_backend_cuda": cuda,
    }
    device = modules.get(name)
    if device is not None and device().enabled():
        return device().kernel_module
    reason = f": {device().reason}" if device is not None else ""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{reason}")


def __dir__() -> list[str]:
    return sorted(__all__)
