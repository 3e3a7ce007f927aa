"""Elements on their way between a device and NumPy, that is, the host's memory.

A device that shares its memory with NumPy, as `cpu()` does, gives a host view: then nothing is copied. From and to any
other, elements travel in one block: those of this array alone, which a kernel has gathered first if they lie scattered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from needle_edu.backend import DeviceError

from . import base
from .base import allocate
from .layout import Layout, compact_strides

if TYPE_CHECKING:
    from .array import NDArray


def from_host(source: np.ndarray, layout: Layout) -> NDArray:
    """Return a new array of this compact layout with the elements of a NumPy array, converted to its type."""
    out = allocate(layout)
    if layout.size:
        view = layout.device.host_view
        if view is None:
            layout.device.copy_from_host(out.storage, np.ascontiguousarray(source, layout.dtype))
        else:
            view(out.storage, layout.dtype, layout.shape)[...] = source
    return out


def host_values(a: NDArray) -> np.ndarray:
    """Return the elements as a NumPy array to READ: the array's own memory where NumPy can see it, else a copy."""
    layout = a.layout
    if not layout.size:
        return np.empty(layout.shape, layout.dtype)
    view = layout.device.host_view
    if view is None:
        return _copied(a)
    strides = None if layout.compact else layout.strides
    return view(a.storage, layout.dtype, layout.shape, layout.offset, strides)


def numpy(a: NDArray) -> np.ndarray:
    """Return a copy as a NumPy array; ``np.asarray(a)`` shares the memory instead."""
    values = host_values(a)
    return values if values.base is None else values.copy()  # what has no base is a copy already


def _copied(a: NDArray) -> np.ndarray:
    layout = a.layout
    if layout.strides != compact_strides(layout.shape):
        a = a.copy()
    values = np.empty(layout.shape, layout.dtype)
    layout.device.copy_to_host(a.storage, values, a.layout.offset)
    return values


def shared_memory(a: NDArray, operation: str) -> np.ndarray:
    """Return a NumPy array over the same memory for others to look into, or say that this device has none to share.

    It is read-only, like `numpy.broadcast_to`'s, where one element in memory stands for many: a write to one would
    change them all.
    """
    device = a.layout.device
    if device.host_view is None:
        raise DeviceError(
            f"{operation}: the memory of {device!r} cannot be shared with NumPy; copy it with a.numpy(), or with "
            "a.to(cpu())"
        )
    window = host_values(a)
    if a.layout.expanded:
        window.flags.writeable = False
    return window


def as_host(x: Any) -> np.ndarray:
    """Return an array of ours, or whatever NumPy makes an array of, as a NumPy array to READ."""
    return host_values(x) if isinstance(x, base.NDArray) else np.asarray(x)
