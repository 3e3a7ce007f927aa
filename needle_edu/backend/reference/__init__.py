"""The NumPy reference: every kernel of csrc/include/needle_kernels.h, written with NumPy.

It is the oracle that the C library is tested against, so it shares nothing with it; and it carries `cpu()` on
machines without a compiler. The calling convention is the C one: a plan (or an element type and a count),
then the memory of the output, then that of the inputs; the return value is 0 or an error code.
"""

import types
from typing import Any

import numpy as np

from ..dtypes import DTYPES
from ..runtime import Runtime
from ..storage import Storage, check_count
from . import (  # each registers its kernels
    activations,  # noqa: F401
    attention,  # noqa: F401
    convolution,  # noqa: F401
    cross_entropy,  # noqa: F401
    decoding,  # noqa: F401
    dropout,  # noqa: F401
    elementwise,  # noqa: F401
    indexing,  # noqa: F401
    lines,  # noqa: F401
    normalization,  # noqa: F401
    optimizers,  # noqa: F401
    pooling,  # noqa: F401
    recurrence,  # noqa: F401
    reductions,  # noqa: F401
    softmax,  # noqa: F401
    taps,  # noqa: F401
)
from .plan import KERNELS, Plan, last_error


class _Window:
    """Hands NumPy the address of a storage, and keeps it alive as the `base` of the resulting array."""

    __slots__ = ("storage", "__array_interface__", "__weakref__")
    storage: Storage
    __array_interface__: dict[str, Any]


class ReferenceRuntime(Runtime):
    """The NumPy reference as the runtime of a device; the ``ptr`` of a storage is a one-dimensional NumPy array."""

    native = False
    lower = staticmethod(Plan)

    def __init__(self) -> None:
        self.kernels = types.SimpleNamespace(**KERNELS)

    def allocate(self, dtype: int, n: int) -> Storage:
        """Return a storage of `n` elements, not initialised."""
        check_count(n)
        try:
            return self.adopt(np.empty(n, DTYPES[dtype]))
        except ValueError:  # more bytes than an address can count
            raise MemoryError(f"no memory for {n:,} elements of {DTYPES[dtype].name}") from None

    def adopt(self, array: np.ndarray) -> Storage:
        """Return a storage over the memory of a one-dimensional, contiguous NumPy array, without a copy."""
        storage = Storage()
        storage.ptr = array
        storage.nbytes = array.nbytes
        storage.version = 0
        return storage

    def host_view(
        self,
        storage: Storage,
        dtype: np.dtype,
        shape: tuple | None = None,
        offset: int = 0,
        strides: tuple | None = None,
    ) -> np.ndarray:
        """Return a NumPy array over a storage, which it keeps alive: all of it, or the elements described."""
        itemsize = dtype.itemsize
        if shape is None:
            shape = (storage.nbytes // itemsize,)
        address, readonly = storage.ptr.__array_interface__["data"]
        window = _Window()
        window.storage = storage
        window.__array_interface__ = {
            "version": 3,
            "typestr": dtype.str,
            "shape": shape,
            "strides": strides and tuple(stride * itemsize for stride in strides),
            "data": (address + offset * itemsize, readonly),
        }
        return np.asarray(window)

    def address(self, storage: Storage) -> int:
        """Return the address of a storage's first byte."""
        return storage.ptr.__array_interface__["data"][0]

    def copy_from_host(self, storage: Storage, source: np.ndarray, offset: int = 0) -> None:
        """Copy all of `source` into the storage, from its element `offset` on."""
        storage.ptr.view(source.dtype)[offset : offset + source.size] = source.ravel()

    def copy_to_host(self, storage: Storage, target: np.ndarray, offset: int = 0) -> None:
        """Fill `target` with elements of the storage, from its element `offset` on."""
        line = storage.ptr.view(target.dtype)[offset : offset + target.size]
        target[...] = line.reshape(target.shape)

    def error_detail(self) -> int:
        """Return the index that made a kernel of this thread return ``EINDEX``."""
        return getattr(last_error, "detail", 0)

    def get_isa(self) -> str:
        """NumPy chooses its instructions itself."""
        return "numpy"
