"""A C library with the functions of csrc/include/needle_kernels.h, as the runtime of a device.

Whatever lies behind the header, a processor, a graphics card or its simulator, Python calls the same names in the same
way. This file has what they share: kernels, plans, blocks from the library's pool, errors and settings. How elements
reach the library's memory and come back is left to the class that derives from `CLibrary`.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

from .build import declarations
from .dtypes import DTYPES, ITEMSIZES
from .errors import DeviceError
from .paths import csrc_dir
from .runtime import Runtime
from .storage import Storage, check_count


class KernelTable:
    """The kernels of the library, one plain attribute each: fast to look up, easy to replace."""

    def __init__(self, lib: Any, names: Sequence[str]):
        for name in names:
            setattr(self, name, getattr(lib, f"nd_{name}"))


class CLibrary(Runtime):
    """A library that cffi has loaded.

    Parameters
    ----------
    ffi, lib
        cffi's objects, with the declarations of the header. A kernel takes cffi's pointers.
    """

    native = True

    def __init__(self, ffi: Any, lib: Any):
        self.ffi, self.lib, self.null = ffi, lib, ffi.NULL
        header = (csrc_dir() / "include" / "needle_kernels.h").read_text()
        self.kernels = self.table(declarations.kernel_names(header))
        self._plan = ffi.typeof("nd_plan *")

    def table(self, names: Sequence[str]) -> Any:
        """Return the kernels of these names."""
        return KernelTable(self.lib, names)

    def lower(
        self, ndim: int, dtypes: Sequence, shape: Sequence, offsets: Sequence, strides: Sequence[Sequence]
    ) -> Any:
        """Return the plan that the kernels read, a filled `nd_plan`."""
        facts = (ndim, tuple(dtypes), prod(shape), tuple(shape), tuple(offsets), tuple(map(tuple, strides)))
        return self.ffi.new(self._plan, facts)

    def allocate(self, dtype: int, n: int) -> Storage:
        """Return a storage of `n` elements, not initialised."""
        if type(n) is not int or n < 0:
            check_count(n)
        storage = Storage()
        storage.version = 0
        storage.nbytes = n * ITEMSIZES[dtype]
        storage.ptr = self.block(dtype, n)
        return storage

    def block(self, dtype: int, n: int) -> Any:
        """Return a block of the library's pool; it goes back when nobody keeps it."""
        nbytes = n * ITEMSIZES[dtype]
        block = self.lib.nd_alloc(nbytes) if nbytes < 1 << 62 else self.null
        if block == self.null:
            raise MemoryError(
                f"no memory for {n:,} elements of {DTYPES[dtype].name} ({_size(nbytes)}); arrays in use hold "
                f"{_size(self.lib.nd_pool_live_bytes())}: drop some, or take smaller batches"
            )
        return self.ffi.gc(block, self.lib.nd_free, nbytes)

    def address(self, storage: Storage) -> int:
        """Return the address of a storage's first byte."""
        return int(self.ffi.cast("uintptr_t", storage.ptr))

    def pool_bytes(self) -> int:
        """Return the bytes kept for reuse."""
        return self.lib.nd_pool_cached_bytes()

    def trim(self) -> None:
        """Give the bytes kept for reuse back to the system."""
        self.lib.nd_pool_trim()

    def error_detail(self) -> int:
        """Return the index that made a kernel of this thread return ``EINDEX``."""
        return self.lib.nd_error_detail()

    def get_num_threads(self) -> int:
        """Return how many threads a kernel may use."""
        return self.lib.nd_get_num_threads()

    def set_num_threads(self, n: int) -> None:
        """Let a kernel use at most `n` threads."""
        super().set_num_threads(n)
        if self.lib.nd_set_num_threads(n):
            raise DeviceError(f"the library refused {n} threads")

    def available_isas(self) -> tuple[str, ...]:
        """Return the instruction sets that the library has and this processor knows, weakest first."""
        names = self.ffi.string(self.lib.nd_isa_names()).decode().split()
        return tuple(name for name in names if self.lib.nd_isa_supported(name.encode()))

    def get_isa(self) -> str:
        """Return the instruction set in use."""
        return self.ffi.string(self.lib.nd_get_isa()).decode()

    def set_isa(self, name: str) -> None:
        """Use the instruction set `name` from now on."""
        super().set_isa(name)
        if self.lib.nd_set_isa(name.encode()):
            raise DeviceError(f"the library refused the instruction set {name!r}")


def _size(nbytes: int) -> str:
    return f"{nbytes / 2**30:,.1f} GiB" if nbytes >= 2**30 else f"{nbytes:,} bytes"
