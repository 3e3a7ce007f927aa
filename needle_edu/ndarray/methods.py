"""The table of everything an NDArray can do: its operators and methods, each a function from another file.

array.py knows only a storage and a layout; the functions that run kernels know the class. Here the two meet, so that
no file has to import one that imports it. A method and the module function of the same name are one object.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from needle_edu.backend import Device, DTypeError, ShapeError

from . import (
    creation,
    flat,
    functions,
    host,
    indexing,
    interchange,
    linalg,
    manipulation,
    printing,
    reductions,
)
from .array import NDArray, Shape, allocate, new_array
from .handle import Handle, handle_of
from .layout import as_extents, compact_layout, compact_strides, make_layout


def _init(self: NDArray, other: Any, device: Device | None = None) -> None:
    dtype = other.dtype if isinstance(other, NDArray) else "float32"
    copy = interchange.array(other, dtype, device)
    self.layout, self.storage = copy.layout, copy.storage


def _make(
    shape: Shape,
    strides: Shape | None = None,
    device: Device | None = None,
    handle: Handle | None = None,
    offset: int = 0,
) -> NDArray:
    """Return an array over `handle`, another array's `_handle`, or over new uninitialised float32 memory."""
    shape = as_extents(shape, "make")
    if handle is None:
        new = allocate(compact_layout(shape, 0, interchange.usable(device)))
        return new if strides is None and offset == 0 else _make(shape, strides, None, handle_of(new), offset)
    if not isinstance(handle, Handle):
        raise DTypeError(f"make: wanted another array's _handle, got {type(handle).__name__}")
    whole = new_array(NDArray)
    whole.storage = handle.storage
    whole.layout = make_layout((handle.size,), (1,), 0, handle.code, handle.device)
    return whole.as_strided(shape, compact_strides(shape) if strides is None else strides, offset)


def _item(self: NDArray) -> bool | int | float:
    """Return the only element as a Python number."""
    if self.layout.size != 1:
        raise ShapeError(f"item: wanted an array of one element, got shape {self.layout.shape}")
    return host.host_values(self).item()


def _tolist(self: NDArray) -> Any:
    """Return the elements as nested lists of Python numbers."""
    return host.host_values(self).tolist()


def _float(self: NDArray) -> float:
    return float(_item(self))


def _int(self: NDArray) -> int:
    return int(_item(self))


def _index(self: NDArray) -> int:
    if self.layout.code not in (2, 3) or self.layout.ndim:
        raise DTypeError(f"only an integer array of 0 dimensions is an index, got {self.dtype} {self.shape}")
    return int(_item(self))


def _bool(self: NDArray) -> bool:
    if self.layout.size != 1:
        raise ShapeError(
            f"the truth of an array of {self.layout.size} elements is ambiguous; use .any() or .all()"
        )
    return bool(_item(self))


def _iter(self: NDArray) -> Any:
    return (self[i] for i in range(len(self)))


def _contains(self: NDArray, value: Any) -> bool:
    """Return whether some element equals `value`."""
    found = self == value
    return isinstance(found, NDArray) and bool(found.any())


def _fill(self: NDArray, value: bool | int | float) -> None:
    """Write one number into every element, in place."""
    creation.fill(self, value)


def _copy_from(self: NDArray, value: Any) -> None:
    """Write the elements of `value`, which broadcasts, into this array in place: ``a[...] = value``."""
    indexing.setitem(self, Ellipsis, value)


def _pickle(self: NDArray) -> tuple:
    """Pickle the elements of this array alone, not the storage it may look into, and the name of its device."""
    return _unpickle, (type(self), host.numpy(self), self.device), getattr(self, "__dict__", None)


def _unpickle(cls: type[NDArray], elements: np.ndarray, device: Device) -> NDArray:
    a = new_array(cls)
    own = interchange.array(elements, elements.dtype, device)
    a.layout, a.storage = own.layout, own.storage
    return a


OPERATORS = {
    "__add__": functions.add, "__radd__": functions.radd,
    "__sub__": functions.subtract, "__rsub__": functions.rsubtract,
    "__mul__": functions.multiply, "__rmul__": functions.rmultiply,
    "__truediv__": functions.divide, "__rtruediv__": functions.rdivide,
    "__pow__": functions.power, "__rpow__": functions.rpower,
    "__matmul__": linalg.matmul, "__rmatmul__": linalg.rmatmul,
    "__neg__": functions.negative, "__pos__": functions.positive, "__abs__": functions.abs,
    "__eq__": functions.equal, "__ne__": functions.not_equal,
    "__lt__": functions.less, "__le__": functions.less_equal,
    "__gt__": functions.greater, "__ge__": functions.greater_equal,
    "__and__": functions.logical_and, "__or__": functions.logical_or, "__xor__": functions.logical_xor,
    "__rand__": functions.rlogical_and, "__ror__": functions.rlogical_or, "__rxor__": functions.rlogical_xor,
    "__invert__": functions.logical_not,
    "__getitem__": indexing.getitem, "__setitem__": indexing.setitem, "__iter__": _iter,
    "__contains__": _contains,
    "__init__": _init, "__repr__": printing.to_repr, "__str__": printing.to_str, "__format__": printing.to_format,
    "__float__": _float, "__int__": _int, "__index__": _index, "__bool__": _bool,
    "__array__": interchange.to_numpy_protocol,
    "__dlpack__": interchange.dlpack, "__dlpack_device__": interchange.dlpack_device,
    "__reduce__": _pickle, "_repr_html_": printing.to_html,
}  # fmt: skip

METHODS = {
    "make": staticmethod(_make), "compact_strides": staticmethod(compact_strides),
    "_handle": property(handle_of), "flat": property(flat.Flat),
    "item": _item, "tolist": _tolist, "fill": _fill, "copy_from": _copy_from,
    "numpy": host.numpy, "to": interchange.to, "astype": functions.astype,
    "sum": reductions.sum, "prod": reductions.prod, "max": reductions.max, "min": reductions.min,
    "mean": reductions.mean, "argmax": reductions.argmax, "argmin": reductions.argmin,
    "any": reductions.any, "all": reductions.all,
    "maximum": functions.maximum, "minimum": functions.minimum, "clip": functions.clip,
    "exp": functions.exp, "log": functions.log, "tanh": functions.tanh, "sqrt": functions.sqrt,
    "transpose": manipulation.transpose, "squeeze": manipulation.squeeze, "flip": manipulation.flip,
    "pad": manipulation.pad, "process_slice": indexing.process_slice,
}  # fmt: skip

for _name, _function in (OPERATORS | METHODS).items():
    setattr(NDArray, _name, _function)
