"""The NumPy reference: every kernel of csrc/include/needle_kernels.h, written with NumPy.

It is the oracle that the C library is tested against, so it shares nothing with it; and it carries `cpu()` on
machines without a compiler. The calling convention is the C one: a plan (or an element type and a count),
then the memory of the output, then that of the inputs; the return value is 0 or an error code.
"""

import types
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..dtypes import DTYPES
from ..errors import DeviceError
from ..storage import Storage, check_count
from . import elementwise, indexing, reductions  # noqa: F401  (each registers its kernels)
from .plan import KERNELS, Plan, last_error


def check_num_threads(n: int) -> None:
    """Raise unless `n` is a number of threads."""
    if not isinstance(n, int) or n < 1:
        raise DeviceError(f"the number of threads must be an integer of at least 1, got {n!r}")


class _Window:
    """Hands NumPy the address of a storage, and keeps it alive as the `base` of the resulting array."""

    __slots__ = ("storage", "__array_interface__", "__weakref__")
    storage: Storage
    __array_interface__: dict[str, Any]


class ReferenceEngine:
    """The NumPy reference as an engine of a device: kernels, plans and memory."""

    native = False
    null = None  # what a kernel gets for an operand that is absent
    lower = staticmethod(Plan)

    def __init__(self) -> None:
        self.kernels = types.SimpleNamespace(**KERNELS)

    @staticmethod
    def allocate(dtype: int, n: int) -> Storage:
        """Return a storage of `n` elements, not initialised."""
        check_count(n)
        try:
            return ReferenceEngine.adopt(np.empty(n, DTYPES[dtype]))
        except ValueError:  # more bytes than an address can count
            raise MemoryError(f"no memory for {n:,} elements of {DTYPES[dtype].name}") from None

    @staticmethod
    def allocator(dtype: int, n: int) -> Callable[[], Storage]:
        """Return ``allocate(dtype, n)`` as a function of no arguments."""
        check_count(n)
        return partial(ReferenceEngine.allocate, dtype, n)

    @staticmethod
    def adopt(array: np.ndarray) -> Storage:
        """Return a storage over the memory of a one-dimensional, contiguous NumPy array, without a copy."""
        storage = Storage()
        storage.ptr = array
        storage.nbytes = array.nbytes
        storage.version = 0
        return storage

    @staticmethod
    def numpy_view(
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

    @staticmethod
    def error_detail() -> int:
        """Return the index that made a kernel of this thread return ``EINDEX``."""
        return getattr(last_error, "detail", 0)

    @staticmethod
    def get_num_threads() -> int:
        """NumPy runs these kernels in one thread."""
        return 1

    @staticmethod
    def set_num_threads(n: int) -> None:
        """Accept any number of threads; NumPy runs these kernels in one."""
        check_num_threads(n)

    @staticmethod
    def available_isas() -> tuple[str, ...]:
        """NumPy chooses its instructions itself."""
        return ("numpy",)

    @staticmethod
    def get_isa() -> str:
        """NumPy chooses its instructions itself."""
        return "numpy"

    @staticmethod
    def set_isa(name: str) -> None:
        """Refuse every instruction set but ``"numpy"``."""
        if name != "numpy":
            raise DeviceError(f"set_isa: the NumPy reference has no instruction set {name!r}; it knows numpy")

    @staticmethod
    def pool_bytes() -> int:
        """NumPy keeps no memory for us."""
        return 0

    @staticmethod
    def trim() -> None:
        """Nothing to give back."""
