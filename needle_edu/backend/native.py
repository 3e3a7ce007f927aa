"""The C library as the engine of `cpu()`: found or compiled, loaded, and given the interface of an engine.

The library is called in one of two forms, through the same names: as a cffi extension module ("api",
faster, needs Python.h once) or opened by `dlopen`. NEEDLE_EDU_FORM=dlopen asks for the second,
NEEDLE_EDU_NATIVE=0 for neither.
"""

import importlib.util
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import cache, declarations, index
from .dtypes import DTYPES, ITEMSIZES
from .errors import BuildError, DeviceError
from .paths import PREBUILT, csrc_dir
from .storage import Storage, check_count

form: str | None = None
"""How the library is called, "api" or "dlopen"; None while it is not loaded."""
reason: str = "the C library has not been needed yet"
"""Why it is not loaded, or why not in the faster form; empty if all is well."""
library_path: Path | None = None
"""The library in use."""

_OWNED_LIMIT = 65536  # bytes; larger blocks come from the pool
_STEP = 64  # bytes


def switched_off() -> bool:
    """Return whether NEEDLE_EDU_NATIVE=0 asks for the NumPy reference."""
    return os.environ.get("NEEDLE_EDU_NATIVE") == "0"


def open_engine() -> "NativeEngine":
    """Load the C library, compiling it if need be.

    Raises
    ------
    BuildError
        It is switched off, or could not be compiled or loaded; `reason` has the same sentence.
    """
    global reason
    try:
        if switched_off():
            raise BuildError("NEEDLE_EDU_NATIVE=0 switches the C library off")
        try:
            ffi, lib = _load(fresh=False)
        except (OSError, ImportError):  # a damaged or foreign file in the cache
            ffi, lib = _load(fresh=True)
    except (OSError, ImportError) as error:
        reason = f"the compiled library does not load: {error}"
        raise BuildError(reason) from error
    except BuildError as error:
        reason = str(error)
        raise
    engine = NativeEngine(ffi, lib)
    engine.read_environment()
    return engine


def _load(fresh: bool) -> tuple[Any, Any]:
    """Return cffi's `ffi` and `lib` of the library."""
    global form, reason, library_path
    wanted = "dlopen" if os.environ.get("NEEDLE_EDU_FORM") == "dlopen" else "api"
    sources = index.state_of_sources()
    files = None if fresh else index.recall(wanted, sources)
    reason = ""
    if files is None:
        files = _make_or_recall_why_not(wanted, fresh, sources)
        if not reason:
            index.remember(wanted, sources, files)
    library, module = files
    if module.suffix == ".so":
        extension = _import("_needle_cpu", module)
        ffi, lib = extension.ffi, extension.lib
        form = "api"
    else:
        ffi = _import("_needle_cpu_dlopen", module).ffi
        lib = ffi.dlopen(str(library))
        form = "dlopen"
    library_path = library
    return ffi, lib


def _make_or_recall_why_not(wanted: str, fresh: bool, sources: str) -> list[Path]:
    """Make the files; what has just failed in the compiler is not tried again at every start."""
    from .build import CompilerFailed

    failure = index.recall_failure(wanted, sources)
    if failure:
        raise BuildError(failure)
    try:
        return _make(wanted, fresh)
    except CompilerFailed as error:
        note = index.remember_failure(wanted, sources, str(error))
        when = f"; it is tried again in {index.MINUTES} minutes, or when {note} is removed" if note else ""
        raise BuildError(f"{error}{when}") from error
    except BuildError:
        raise
    except (OSError, ImportError, AttributeError, RuntimeError) as error:
        # No room, no processes, no threads, no such function of the system: nothing that another attempt would mend.
        raise BuildError(f"the C kernels could not be compiled: {error}") from error


def _make(wanted: str, fresh: bool) -> list[Path]:
    """Return the library and the module that calls it, compiled unless the cache has them."""
    global reason
    from . import recipe

    library = recipe.cpu_library(fresh=fresh)
    # They stay together, also where the disk of the usual folder is full.
    folder = None if library.parent in (PREBUILT, cache.default_folder()) else library.parent
    if wanted == "api":
        try:
            return [library, recipe.python_extension(library, folder=folder, fresh=fresh)]
        except BuildError as error:
            reason = f"calls take the slower dlopen form: {error}"
    return [library, recipe.dlopen_module(folder=folder, fresh=fresh)]


def _import(name: str, path: Path) -> Any:
    """Import the module `name` from a file of any name."""
    from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader

    loader = (ExtensionFileLoader if path.suffix == ".so" else SourceFileLoader)(name, str(path))
    spec = ModuleSpec(name, loader, origin=str(path))
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


class KernelTable:
    """The kernels of the library, one plain attribute each: fast to look up, easy to replace."""

    def __init__(self, lib: Any, names: Sequence[str]):
        for name in names:
            setattr(self, name, getattr(lib, f"nd_{name}"))


class NativeEngine:
    """The C library as an engine of a device: kernels, plans and memory, like `ReferenceEngine`."""

    native = True

    def __init__(self, ffi: Any, lib: Any):
        self.ffi, self.lib, self.null = ffi, lib, ffi.NULL  # null: an operand that is absent
        header = (csrc_dir() / "include" / "needle_kernels.h").read_text()
        self.kernels = KernelTable(lib, declarations.kernel_names(header))
        self.allocate, self.allocator = make_allocators(ffi, lib)
        self.lower = make_lower(ffi)
        self._bytes = ffi.typeof("char[]")
        self._buffer, self._gc = ffi.buffer, ffi.gc

    def adopt(self, array: np.ndarray) -> Storage:
        """Return a storage over a one-dimensional, contiguous, writable NumPy array, without a copy."""
        storage = Storage()
        storage.ptr = self.ffi.from_buffer(self._bytes, array, require_writable=True)
        storage.nbytes = array.nbytes
        storage.written = 0
        return storage

    def numpy_view(
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
        # The array keeps the buffer, the buffer this second name of the block, and that, as cffi thinks that
        # `stay` frees the block, the storage.
        block = self._buffer(self._gc(storage.ptr, storage.stay), storage.nbytes)
        if strides is None:
            return np.ndarray(shape, dtype, block, offset * itemsize)
        return np.ndarray(shape, dtype, block, offset * itemsize, [stride * itemsize for stride in strides])

    def error_detail(self) -> int:
        """Return the index that made a kernel of this thread return ``EINDEX``."""
        return self.lib.nd_error_detail()

    def get_num_threads(self) -> int:
        """Return how many threads a kernel may use."""
        return self.lib.nd_get_num_threads()

    def set_num_threads(self, n: int) -> None:
        """Let a kernel use at most `n` threads."""
        if not isinstance(n, int) or not 1 <= n < 2**31 or self.lib.nd_set_num_threads(n):
            raise DeviceError(f"the number of threads must be an integer of at least 1, got {n!r}")

    def available_isas(self) -> tuple[str, ...]:
        """Return the instruction sets that the library has and this processor knows, weakest first."""
        names = self.ffi.string(self.lib.nd_isa_names()).decode().split()
        return tuple(name for name in names if self.lib.nd_isa_supported(name.encode()))

    def get_isa(self) -> str:
        """Return the instruction set in use."""
        return self.ffi.string(self.lib.nd_get_isa()).decode()

    def set_isa(self, name: str) -> None:
        """Use the instruction set `name` from now on."""
        if name not in self.available_isas() or self.lib.nd_set_isa(name.encode()):
            known = ", ".join(self.available_isas())
            raise DeviceError(f"no instruction set {name!r} here; this processor and build have {known}")

    def pool_bytes(self) -> int:
        """Return the bytes kept for reuse."""
        return self.lib.nd_pool_cached_bytes()

    def trim(self) -> None:
        """Give the bytes kept for reuse back to the system."""
        self.lib.nd_pool_trim()

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


def make_allocators(ffi: Any, lib: Any) -> tuple[Callable, Callable]:
    """Return the functions ``allocate(dtype_code, n)`` and ``allocator(dtype_code, n)`` of an engine.

    A small block is a cffi object that owns its memory: Python's own allocator is the fastest there is. A
    large one comes from the C library's pool, since the system would fetch and return its pages each time,
    which costs more than most kernels.
    """
    new_owned = ffi.new_allocator(should_clear_after_alloc=False)
    # Sizes are rounded up to 64 bytes: cffi then has few types to keep. An empty block still has an address.
    ctypes = [ffi.typeof(f"char[{_STEP * max(step, 1)}]") for step in range(_OWNED_LIMIT // _STEP + 1)]

    def allocate(dtype: int, n: int) -> Storage:
        """Return a storage of `n` elements, not initialised."""
        if type(n) is not int or n < 0:
            check_count(n)
        storage = Storage()
        storage.written = 0
        storage.nbytes = nbytes = n * ITEMSIZES[dtype]
        small = nbytes <= _OWNED_LIMIT
        storage.ptr = new_owned(ctypes[-(-nbytes // _STEP)]) if small else from_pool(dtype, n)
        return storage

    def allocator(dtype: int, n: int) -> Callable[[], Storage]:
        """Return ``allocate(dtype, n)`` as a function of no arguments, for a size that is asked for often."""
        check_count(n)
        nbytes = n * ITEMSIZES[dtype]
        if nbytes > _OWNED_LIMIT:
            return partial(allocate, dtype, n)
        ctype = ctypes[-(-nbytes // _STEP)]

        def allocate_small() -> Storage:
            storage = Storage()
            storage.written = 0
            storage.nbytes = nbytes
            storage.ptr = new_owned(ctype)
            return storage

        return allocate_small

    def from_pool(dtype: int, n: int) -> Any:
        nbytes = n * ITEMSIZES[dtype]
        block = lib.nd_alloc(nbytes) if nbytes < 1 << 62 else ffi.NULL
        if block == ffi.NULL:
            size = f"{nbytes / 2**30:,.1f} GiB" if nbytes >= 2**30 else f"{nbytes:,} bytes"
            raise MemoryError(f"no memory for {n:,} elements of {DTYPES[dtype].name} ({size})")
        return ffi.gc(block, lib.nd_free, nbytes)

    return allocate, allocator


def make_lower(ffi: Any) -> Callable[..., Any]:
    """Return ``lower(ndim, dtypes, shape, offsets, strides)``, which fills an `nd_plan`."""
    plan_type = ffi.typeof("nd_plan *")
    new = ffi.new

    def lower(
        ndim: int, dtypes: Sequence, shape: Sequence, offsets: Sequence, strides: Sequence[Sequence]
    ) -> Any:
        """Return the plan that the kernels read."""
        size = 1
        for extent in shape:
            size *= extent
        return new(
            plan_type, (ndim, tuple(dtypes), size, tuple(shape), tuple(offsets), tuple(map(tuple, strides)))
        )

    return lower
