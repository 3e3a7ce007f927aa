"""The C library as the runtime of `cpu()`: its memory is the host's, so NumPy and the kernels see the same bytes."""

import os
import platform
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import accelerator
from .build import builder, cache, cpu_library, pruning
from .c_library import CLibrary
from .dtypes import ITEMSIZES
from .errors import DeviceError
from .paths import csrc_dir
from .storage import Storage, check_count

_OWNED_LIMIT = 65536  # bytes; larger blocks come from the pool
_STEP = 64  # bytes
PROGRAM_FLAGS: list[str] = []  # what else programs are compiled with: a sanitizer, say


class CpuRuntime(CLibrary):
    """The C library on this processor."""

    program_language = "C"

    def __init__(self, ffi: Any, lib: Any, library_path: Path | None = None):
        super().__init__(ffi, lib)
        self.library_path = library_path
        # A small block is a cffi object that owns its memory: Python's own allocator is the fastest there is. A
        # large one comes from the C library's pool, since the system would fetch and return its pages each time,
        # which costs more than most kernels.
        self._new_owned = ffi.new_allocator(should_clear_after_alloc=False)
        # Sizes are rounded up to 64 bytes: cffi then has few types to keep. An empty block still has an address.
        self._owned = [
            ffi.typeof(f"char[{_STEP * max(step, 1)}]") for step in range(_OWNED_LIMIT // _STEP + 1)
        ]
        self._bytes = ffi.typeof("char[]")
        self._buffer, self._gc = ffi.buffer, ffi.gc

    def block(self, dtype: int, n: int) -> Any:
        """Return a block of memory; it goes back when nobody keeps it."""
        nbytes = n * ITEMSIZES[dtype]
        if nbytes > _OWNED_LIMIT:
            return super().block(dtype, n)
        return self._new_owned(self._owned[-(-nbytes // _STEP)])

    def allocator(self, dtype: int, n: int) -> Callable[[], Storage]:
        """Return ``allocate(dtype, n)`` as a function of no arguments, for a size that is asked for often."""
        check_count(n)
        nbytes = n * ITEMSIZES[dtype]
        if nbytes > _OWNED_LIMIT:
            return partial(self.allocate, dtype, n)
        new_owned, ctype = self._new_owned, self._owned[-(-nbytes // _STEP)]
        if accelerator.module is not None:
            return accelerator.module.Allocator(new_owned, ctype, nbytes)

        def allocate_small() -> Storage:
            storage = Storage()
            storage.version = 0
            storage.nbytes = nbytes
            storage.ptr = new_owned(ctype)
            return storage

        return allocate_small

    def adopt(self, array: np.ndarray) -> Storage:
        """Return a storage over a one-dimensional, contiguous, writable NumPy array, without a copy."""
        storage = Storage()
        storage.ptr = self.ffi.from_buffer(self._bytes, array, require_writable=True)
        storage.nbytes = array.nbytes
        storage.version = 0
        return storage

    def program_library(self, text: str) -> Path:
        """Return a library made of a program's text, which calls our kernels.

        If the text includes our functions, it is compiled for the instruction set in use, as they are.
        """
        flags: tuple[str, ...] = ("-O2", "-std=gnu11", "-fPIC")
        if '"isa/functions.h"' in text:
            isa = self.get_isa()
            own = cpu_library.ISAS[cpu_library.family(platform.machine())][isa]
            flags = (*builder.FLAGS, f"-DND_ISA={isa}", *own)
        library = builder.shared_library(
            "program",
            [cache.kept_text(text, "program", ".c")],
            include=(csrc_dir() / "include", csrc_dir() / "cpu", csrc_dir() / "cpu" / "isa"),
            flags=(
                *flags,
                *PROGRAM_FLAGS,
                "-fvisibility=default",
                "-Wno-discarded-qualifiers",
                "-Wno-unused-variable",
            ),
            link=(str(self.library_path),),
        )
        return pruning.program_used(library)

    def host_view(
        self,
        storage: Storage,
        dtype: np.dtype,
        shape: tuple | None = None,
        offset: int = 0,
        strides: tuple | None = None,
    ) -> np.ndarray:
        """Return a NumPy array over a storage, which it keeps alive: all of it, or the elements described."""
        if shape is None:
            shape = (storage.nbytes // dtype.itemsize,)
        # The array keeps the buffer, the buffer this second name of the block, and that, as cffi thinks that
        # `stay` frees the block, the storage.
        block = self._buffer(self._gc(storage.ptr, storage.stay), storage.nbytes)
        if strides is None and not offset:  # the usual case, in a hurry
            return np.ndarray(shape, dtype, block)
        itemsize = dtype.itemsize
        if strides is None:
            return np.ndarray(shape, dtype, block, offset * itemsize)
        return np.ndarray(shape, dtype, block, offset * itemsize, [stride * itemsize for stride in strides])

    def copy_from_host(self, storage: Storage, source: np.ndarray, offset: int = 0) -> None:
        """Copy all of `source` into the storage, from its element `offset` on."""
        self.ffi.memmove(self._at(storage, offset * source.itemsize), source, source.nbytes)

    def copy_to_host(self, storage: Storage, target: np.ndarray, offset: int = 0) -> None:
        """Fill `target` with elements of the storage, from its element `offset` on."""
        self.ffi.memmove(target, self._at(storage, offset * target.itemsize), target.nbytes)

    def _at(self, storage: Storage, byte: int) -> Any:
        return self.ffi.cast("char *", storage.ptr) + byte

    def read_environment(self) -> None:
        """Obey NEEDLE_EDU_ISA and NEEDLE_EDU_NUM_THREADS."""
        isa, threads = os.environ.get("NEEDLE_EDU_ISA"), os.environ.get("NEEDLE_EDU_NUM_THREADS")
        if isa:
            try:
                self.set_isa(isa)
            except DeviceError as error:
                raise DeviceError(f"NEEDLE_EDU_ISA={isa}: {error}") from None
        if threads:
            if not threads.strip().isdecimal() or int(threads) < 1:
                raise DeviceError(f"NEEDLE_EDU_NUM_THREADS={threads}: wanted a whole number of at least 1")
            self.set_num_threads(int(threads))
