"""What runs a device: the contract between the arrays and whatever computes for them.

A runtime has the kernels, hands out memory, and moves elements between that memory and NumPy's. Nothing above it looks
into a storage, whose memory may lie where NumPy cannot go, on a graphics card say. Where the two do share memory, the
runtime also gives `host_view` and `adopt`, and nothing is copied.

To add a device, derive a class from `Runtime`, or from `CLibrary` if the kernels are a C library with the functions of
csrc/include/needle_kernels.h, and give it to `register_device`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .errors import DeviceError
from .storage import Storage, check_count


class Runtime(ABC):
    """The base of all runtimes.

    Attributes
    ----------
    native : bool
        Whether the kernels are compiled code (False: the NumPy reference).
    kernels : object
        The kernels, one attribute in its ``__dict__`` for each function of the header, without ``nd_``. An override
        is entered there. A kernel takes a plan (or an element type and a count), then the ``ptr`` of the output, then
        those of the inputs, and returns 0 or an error code.
    null : object
        What a kernel takes for an operand that is absent.
    host_view : callable or None
        ``host_view(storage, dtype, shape=None, offset=0, strides=None)`` returns a NumPy array over the storage's own
        memory, which it keeps alive: the elements described, row-major without strides, all in one line without a
        shape. Offset and strides count elements. Kernels called before have done their work. None: NumPy cannot see
        this memory.
    program_language : str
        What compiled programs (`needle_edu.graph.compiled`) are written in for this device, "C" or "CUDA": then
        ``program_library(text)`` returns the path of a library made of one, linked against the kernels. "" for none.
    adopt : callable or None
        ``adopt(array)`` returns a `Storage` over the memory of a one-dimensional, contiguous, writable NumPy array.
        None: kernels cannot reach NumPy's memory. A runtime that adopts has host views, too.

    Examples
    --------
    >>> from needle_edu.backend import cpu
    >>> isinstance(cpu().runtime, Runtime), cpu().runtime.host_view is None
    (True, False)
    """

    native: bool = True
    program_language: str = ""
    kernels: Any
    null: Any = None
    host_view: Callable[..., np.ndarray] | None = None
    adopt: Callable[[np.ndarray], Storage] | None = None

    # ---- memory -------------------------------------------------------------------------------------------------

    @abstractmethod
    def allocate(self, dtype: int, n: int) -> Storage:
        """Return a storage of `n` elements of the type with this code, not initialised.

        Raises
        ------
        ShapeError
            If `n` is no number of elements.
        MemoryError
            If there is not so much memory.
        """

    def allocator(self, dtype: int, n: int) -> Callable[[], Storage]:
        """Return ``allocate(dtype, n)`` as a function of no arguments, for a size that is asked for often."""
        check_count(n)
        return partial(self.allocate, dtype, n)

    @abstractmethod
    def address(self, storage: Storage) -> int:
        """Return the address of a storage's first byte, in the device's own counting."""

    @abstractmethod
    def copy_from_host(self, storage: Storage, source: np.ndarray, offset: int = 0) -> None:
        """Copy all of `source` into the storage, from its element `offset` on.

        Parameters
        ----------
        source : numpy.ndarray, C-contiguous
            Elements of the type that the storage holds; the offset counts in them. The caller may write to it again
            as soon as this returns.
        """

    @abstractmethod
    def copy_to_host(self, storage: Storage, target: np.ndarray, offset: int = 0) -> None:
        """Fill `target` with elements of the storage, from its element `offset` on.

        Kernels that were called before have done their work when this copies.

        Parameters
        ----------
        target : numpy.ndarray, C-contiguous and writable
            Of the element type that the storage holds.
        """

    def synchronize(self) -> None:  # noqa: B027  (a runtime whose kernels return when they are done has nothing to do)
        """Wait until every kernel called so far has done its work."""

    def pool_bytes(self) -> int:
        """Return the bytes kept for reuse."""
        return 0

    def trim(self) -> None:  # noqa: B027
        """Give the bytes kept for reuse back to the system."""

    # ---- kernels ------------------------------------------------------------------------------------------------

    @abstractmethod
    def lower(
        self, ndim: int, dtypes: Sequence, shape: Sequence, offsets: Sequence, strides: Sequence[Sequence]
    ) -> Any:
        """Return the plan that the kernels read.

        `dtypes`, `offsets` and `strides` have one entry per operand, the output first; offsets and strides count
        elements.
        """

    @abstractmethod
    def error_detail(self) -> int:
        """Return the offending index after a kernel called in this thread returned ``EINDEX``."""

    # ---- settings: one thread and one set of instructions, unless the runtime has a choice -----------------------

    def get_num_threads(self) -> int:
        """Return how many threads a kernel may use."""
        return 1

    def set_num_threads(self, n: int) -> None:
        """Let a kernel use at most `n` threads."""
        if not isinstance(n, int) or not 1 <= n < 2**31:
            raise DeviceError(f"the number of threads must be an integer of at least 1, got {n!r}")

    @abstractmethod
    def get_isa(self) -> str:
        """Return the instruction set in use."""

    def available_isas(self) -> tuple[str, ...]:
        """Return the instruction sets that can be used here, weakest first."""
        return (self.get_isa(),)

    def set_isa(self, name: str) -> None:
        """Use the instruction set `name` from now on."""
        if name not in self.available_isas():
            known = ", ".join(self.available_isas())
            raise DeviceError(f"no instruction set {name!r} here; this processor and build have {known}")
