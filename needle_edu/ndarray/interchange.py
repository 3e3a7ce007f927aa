"""Exchange with NumPy, Python data and other libraries, without a copy where memory can be shared.

`array` copies and gives float32 unless told otherwise, as the course's framework does. `asarray` and `from_dlpack`
keep the element type and look into the memory they are given; `np.asarray(a)` and `a.__dlpack__()` let others look
into ours. Whoever looks keeps the memory alive. Writes made through such a window are not seen by autograd.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from needle_edu.backend import Device, DeviceError, DTypeError, ShapeError, Storage, default_device
from needle_edu.backend.arguments import switch
from needle_edu.backend.dtypes import DTYPES, python_ints_as_int64

from . import base
from .base import cast, new_array
from .dtypes import as_code, shown
from .host import from_host, host_values, numpy, shared_memory
from .layout import Layout, compact_layout, make_layout

if TYPE_CHECKING:
    from .array import NDArray

# Storages over foreign memory, by id: only there may two of them overlap.
adopted: dict[int, ref[Storage]] = {}


def array(a: Any, dtype: Any = "float32", device: Device | None = None) -> NDArray:
    """Return a new array with the elements of `a`.

    Parameters
    ----------
    a : array, number or nested sequence
    dtype : dtype, default float32
    device : Device, optional
        By default where `a` lives.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.array([1, 2, 3])
    NDArray([1., 2., 3.], dtype=float32, device=cpu())
    """
    code = as_code(dtype)
    if isinstance(a, base.NDArray):
        layout = a.layout
        target = device or layout.device
        if target is layout.device:
            return cast(a, compact_layout(layout.shape, code, target))
        a = host_values(a)
    source = proper_bools(_numpy_from(a, "array"))
    return from_host(source, compact_layout(source.shape, code, usable(device)))


def asarray(a: Any, dtype: Any = None, device: Device | None = None, copy: bool | None = None) -> NDArray:
    """Return `a` as an NDArray, sharing its memory where possible.

    Parameters
    ----------
    a : array, number or nested sequence
        A NumPy array of a supported type is shared, strides and all; a read-only one is copied, and so is one of
        bools with bytes other than 0 and 1.
    dtype : dtype, optional
        By default that of `a` (uint8, int8, int16, uint16 become int32, uint32 int64, float16 float32).
    device : Device, optional
    copy : bool, optional
        True always copies; False raises where sharing is impossible.

    Examples
    --------
    >>> import numpy as np
    >>> from needle_edu import ndarray as nd
    >>> x = np.arange(3)
    >>> a = nd.asarray(x)
    >>> x[0] = 7
    >>> a
    NDArray([7, 1, 2], dtype=int64, device=cpu())
    """
    check_copy("asarray", copy)
    if isinstance(a, base.NDArray):
        code = a.layout.code if dtype is None else as_code(dtype)
        same = code == a.layout.code and device in (None, a.layout.device)
        if same and not copy:
            return a
        shared = None
    else:
        given = _numpy_from(a, "asarray")
        source = proper_bools(given)
        code = as_code(source.dtype if dtype is None else dtype)
        fits = not copy and (copy is None or source is given)
        shared = share(source, code, usable(device)) if fits else None  # a list's array is ours alone anyway
    if shared is None:
        if copy is False:
            raise ShapeError("asarray: copy=False, but this dtype, device or memory layout needs a copy")
        return array(a, DTYPES[code], device)
    return shared


def proper_bools(source: np.ndarray) -> np.ndarray:
    """Return bools whose bytes are 0 or 1, as kernels and NumPy alike take for granted: `source`, or a repaired copy.

    Memory that was not written as bools (``np.frombuffer``, a view of bytes, another library's) may hold any byte.
    NumPy's own answers then depend on the function asked; here every byte but 0 means True.
    """
    if source.dtype.kind != "b" or not source.size or source.view(np.uint8).max() <= 1:
        return source
    return source.view(np.uint8) != 0


def share(source: np.ndarray, code: int, device: Device) -> NDArray | None:
    """Return an array over a NumPy array's own memory, or None where that is impossible."""
    flags, itemsize = source.flags, source.itemsize
    if device.adopt is None:
        return None
    if source.dtype != DTYPES[code] or not flags.aligned or not flags.writeable or not source.size:
        return None
    if flags.c_contiguous:
        return _over(source.reshape(-1), compact_layout(source.shape, code, device))
    strides = [stride // itemsize for stride in source.strides]
    if any(stride % itemsize for stride in source.strides):
        return None
    reach = [(extent - 1) * stride for extent, stride in zip(source.shape, strides, strict=True)]
    below = -sum(step for step in reach if step < 0)
    span = 1 + sum(abs(step) for step in reach)
    corner = source[tuple(slice(-1, None) if step < 0 else slice(0, 1) for step in reach)]
    line = np.lib.stride_tricks.as_strided(corner, (span,), (itemsize,))
    return _over(line, make_layout(source.shape, tuple(strides), below, code, device))


def _over(line: np.ndarray, layout: Layout) -> NDArray:
    """Return an array that reads the memory of a one-dimensional NumPy array through a layout."""
    out = new_array(base.NDArray)
    out.layout = layout
    out.storage = layout.device.adopt(line)
    number = id(out.storage)
    adopted[number] = ref(out.storage, lambda _: adopted.pop(number, None))
    return out


ARRAY_LIKE = (np.ndarray, np.generic, list, tuple, int, float)  # what an operation takes for an array


def operand(operation: str, a: Any, beside: Any = None) -> NDArray:
    """Return an argument as an NDArray, on the device of an array `beside` it; raise for what is no array."""
    if isinstance(a, base.NDArray):
        return a
    if isinstance(a, ARRAY_LIKE):
        return asarray(a, device=beside.device if isinstance(beside, base.NDArray) else None)
    raise DTypeError(f"{operation}: wanted an NDArray, got {type(a).__name__}")


def _numpy_from(a: Any, operation: str) -> np.ndarray:
    """Return `a` as a NumPy array of a type we know."""
    if isinstance(a, (list, tuple)):
        a = _unpacked(a)
    try:
        source = np.asarray(a)
    except ValueError as error:
        raise ShapeError(f"{operation}: rows of different lengths do not make an array ({error})") from None
    source = python_ints_as_int64(source, a)
    try:
        as_code(source.dtype)
    except DTypeError as error:
        if source.dtype == object and all(isinstance(item, int) for item in source.flat):
            widest = max(source.flat, key=abs)
            raise DTypeError(f"{operation}: {shown(widest)} does not fit int64") from None
        raise DTypeError(f"{operation}: {error}") from None
    return source


def _unpacked(items: list | tuple) -> list:
    """Return a nested list in which every NDArray has become a NumPy array."""
    return [
        _unpacked(item)
        if isinstance(item, (list, tuple))
        else host_values(item)
        if isinstance(item, base.NDArray)
        else item
        for item in items
    ]


def check_copy(operation: str, copy: Any) -> None:
    """Refuse what is no answer to whether to copy."""
    if copy is not None and copy is not True and copy is not False:
        switch(operation, copy=copy)


def usable(device: Device | None) -> Device:
    if device is None:
        return default_device()
    if not isinstance(device, Device):
        raise DeviceError(f"wanted a device such as cpu(), got {device!r}")
    return device


# ---- leaving ----------------------------------------------------------------------------------------------------


def to_numpy_protocol(a: NDArray, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    """Let ``np.asarray(a)`` look into the array's own memory; into a broadcast view's it may only look.

    Raises
    ------
    DeviceError
        If NumPy cannot see that memory and no copy was asked for, as ``np.array(a)`` does.
    """
    if copy:
        return numpy(a) if dtype is None else host_values(a).astype(dtype)
    window = shared_memory(a, "np.asarray")
    if dtype is not None and np.dtype(dtype) != window.dtype:
        if copy is False:
            raise ShapeError(f"np.asarray: {window.dtype} to {np.dtype(dtype)} needs a copy, but copy=False")
        return window.astype(dtype)
    return window


def to(a: NDArray, device: Device) -> NDArray:
    """Return the array on `device`: itself if it lives there, else a copy."""
    return asarray(a, device=usable(device))


def dlpack(a: NDArray, **options: Any) -> Any:
    """Return a DLPack capsule over the array's own memory, or over a copy where a stride is negative.

    PyTorch knows no negative strides: given one, it ends the process.
    """
    if a.size and min(a.strides, default=0) < 0:
        if options.get("copy") is False:
            raise BufferError("DLPack: copy=False, but a stride is negative, which needs a copy")
        a = a.copy()
    return shared_memory(a, "DLPack").__dlpack__(**options)


def dlpack_device(a: NDArray) -> tuple[int, int]:
    """Return DLPack's (kind, number) of the device: (1, 0) is the processor."""
    return shared_memory(a, "DLPack").__dlpack_device__()


def from_dlpack(a: Any, device: Device | None = None, copy: bool | None = None) -> NDArray:
    """Return an array over the memory of any object that speaks DLPack (NumPy, PyTorch, JAX, …).

    Memory that its owner calls read-only is copied.

    Examples
    --------
    >>> import numpy as np
    >>> from needle_edu import ndarray as nd
    >>> x = np.ones((2, 2), dtype=np.float32)
    >>> a = nd.from_dlpack(x)
    >>> x[0, 1] = 5
    >>> a.sum().item()
    8.0
    """
    if not hasattr(a, "__dlpack__"):
        raise DTypeError(
            f"from_dlpack: {type(a).__name__} does not speak DLPack (it has no __dlpack__ method)"
        )
    check_copy("from_dlpack", copy)
    try:
        given = np.from_dlpack(a)
    except BufferError as error:
        raise DTypeError(f"from_dlpack: {type(a).__name__} cannot be handed over: {error}") from None
    source = proper_bools(given)
    code = as_code(source.dtype)
    fits = not copy and (copy is None or source is given)
    shared = share(source, code, usable(device)) if fits else None
    if shared is None and copy is False:
        raise ShapeError("from_dlpack: copy=False, but this dtype or memory layout needs a copy")
    return array(source, DTYPES[code], device) if shared is None else shared
