"""The CUDA simulator in this process: its one runtime, programs compiled for it, and their memory.

simulator = open_simulator()
program = simulator.compile('''
    __global__ void scale(float *a, float by, int n) {
      const int i = blockIdx.x * blockDim.x + threadIdx.x;
      if (i < n) a[i] *= by;
    }
    extern "C" void run(float *a, float by, int n) { scale<<<(n + 255) / 256, 256>>>(a, by, n); }
''')
a = simulator.array(np.arange(1000, dtype=np.float32))
program.run(a, 2.0, 1000)
a.numpy()
"""

import contextlib
import functools
import json
import re
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .. import arguments
from ..errors import CudaError as CudaError, DeviceError, DTypeError
from .build import include_dir, kernel_library, runtime_library
from .declarations import guarded, host_functions
from .flavours import FLAVOURS
from .profile import Profile, read_profile
from .program import Program as Program
from .report import Report, read_report

ORDERS = ("forward", "reverse", "lockstep", "seeded")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|^[ \t]*#[^\n]*$", re.DOTALL | re.MULTILINE)


class DeviceArray:
    """A NumPy array's elements in the memory of the simulated device; without its last reference it is given back."""

    def __init__(self, simulator: "Simulator", array: np.ndarray):
        self._simulator = simulator
        self.shape, self.dtype = array.shape, array.dtype
        self.pointer = simulator.allocate(array.nbytes)
        self._end = weakref.finalize(self, simulator.lib.cudasim_free, self.pointer)
        self._end.atexit = False

    @property
    def address(self) -> int:
        """Where the first element lies."""
        return int(self._simulator.ffi.cast("uintptr_t", self.pointer))

    def numpy(self) -> np.ndarray:
        """Return the elements as a new NumPy array."""
        out = np.empty(self.shape, self.dtype)
        self._simulator.copy(out.ctypes.data, self.pointer, out.nbytes, 2)
        return out

    def fill(self, array: np.ndarray) -> "DeviceArray":
        """Copy the elements of `array`, of the same shape, into this one."""
        source = np.ascontiguousarray(array, self.dtype)
        if source.shape != self.shape:
            raise DeviceError(f"fill: wanted an array of shape {self.shape}, got {source.shape}")
        self._simulator.copy(self.pointer, source.ctypes.data, source.nbytes, 1)
        return self

    def free(self) -> None:
        """Give the memory back now (`cudaFree`)."""
        self._end.detach()
        self._simulator.raise_for(self._simulator.lib.cudasim_free(self.pointer))


def check_settings(who: str, order: Any, seed: Any, timeout: Any = None, workers: Any = None) -> None:
    """Raise the error of whoever takes these settings, if one of them is none."""
    if order is not None and order not in ORDERS:
        raise ValueError(f"{who}: no thread order {order!r}; there are {', '.join(ORDERS)}")
    arguments.integer(who, "seed", seed, 0, ValueError)
    if timeout is not None:
        arguments.real(who, 0, timeout=timeout)
    if workers is not None:
        arguments.integer(who, "workers", workers, 1, ValueError)


class Simulator:
    """The simulated device. There is one in a process: `open_simulator` returns it.

    Parameters
    ----------
    runtime : Path, optional
        A runtime that has been compiled already, where nothing is to be compiled.
    """

    def __init__(self, runtime: Path | None = None) -> None:
        from cffi import FFI

        self.runtime = runtime or runtime_library()
        self.ffi = FFI()
        header = (include_dir() / "cudasim.h").read_text()
        self.ffi.cdef(_COMMENT.sub("", header).replace("CUDASIM_API ", ""))
        self.lib = self.ffi.dlopen(str(self.runtime))
        self._texts: dict[str, str] = {}  # of sources that are no files

    # ---- programs ---------------------------------------------------------------------------------------------------

    def compile(
        self, source: str | Path, flavour: str = "plain", name: str = "cell.cu", behind: str = ""
    ) -> "Program":
        """Compile CUDA C++17 and load it.

        Parameters
        ----------
        source : str or Path
            The text, or the file that has it.
        flavour : str
            One of `FLAVOURS`.
        name : str
            What messages call the text.
        behind : str
            More CUDA to compile behind the source, which listings do not show.

        Raises
        ------
        BuildError
            g++ is missing, or refused the source.
        ValueError
            There is no such flavour.
        """
        if not isinstance(flavour, str) or flavour not in FLAVOURS:
            raise ValueError(f"compile: no flavour {flavour!r}; there are {', '.join(FLAVOURS)}")
        arguments.text(
            "compile", name=name, behind=behind, **{} if isinstance(source, Path) else {"source": source}
        )
        path = source if isinstance(source, Path) else Path(name)
        text = path.read_text() if isinstance(source, Path) else source
        if not isinstance(source, Path):
            self.remember(name, text)
        functions = host_functions(text)
        guards, declarations = guarded(functions, text)
        library = kernel_library([path], FLAVOURS[flavour], self.runtime, f"{text}{behind}\n{guards}")
        return Program(self, library, functions, declarations)

    @contextlib.contextmanager
    def settings(
        self,
        order: str | None = None,
        seed: int = 0,
        timeout: float | None = None,
        workers: int | None = None,
    ) -> Iterator[None]:
        """Run threads in another order, with another time limit or on another number of cores, within a block.

        Parameters
        ----------
        order : {"forward", "reverse", "lockstep", "seeded"}, optional
        seed : int
            Of the order "seeded".
        timeout : float, optional
            Seconds that one launch may take; 0 for no limit.
        workers : int, optional
            How many blocks of a plain launch may run at the same time.
        """
        check_settings("settings", order, seed, timeout, workers)
        lib = self.lib
        before = lib.cudasim_get_order(), lib.cudasim_get_timeout(), lib.cudasim_get_workers()
        try:
            if order is not None:
                lib.cudasim_set_order(ORDERS.index(order), seed)
            if timeout is not None:
                lib.cudasim_set_timeout(timeout)
            if workers is not None:
                lib.cudasim_set_workers(workers)
            yield
        finally:
            lib.cudasim_set_order(before[0], 0)
            lib.cudasim_set_timeout(before[1])
            lib.cudasim_set_workers(before[2])

    # ---- memory -----------------------------------------------------------------------------------------------------

    def array(self, array: np.ndarray) -> DeviceArray:
        """Return a copy of a NumPy array in the device's memory."""
        try:
            array = np.ascontiguousarray(array)
        except (TypeError, ValueError):
            raise DTypeError(f"array: wanted an array of numbers, got {array!r}") from None
        if array.dtype.kind not in "biufc":
            raise DTypeError(f"array: wanted numbers, got {array.dtype}")
        return DeviceArray(self, array).fill(array)

    def empty(self, shape: int | tuple, dtype: Any = np.float32) -> DeviceArray:
        """Return an array in the device's memory that nobody has written to."""
        try:
            array = np.empty(shape, dtype)
        except (TypeError, ValueError):
            raise DeviceError(
                f"empty: wanted a shape, and a type of NumPy's; got {shape!r}, {dtype!r}"
            ) from None
        if array.dtype.kind not in "biufc":
            raise DTypeError(f"empty: wanted numbers, got {array.dtype}")
        return DeviceArray(self, array)

    def allocate(self, nbytes: int) -> Any:
        """Return a pointer to new memory of the device."""
        place = self.ffi.new("void **")
        self.raise_for(self.lib.cudasim_malloc(place, nbytes))
        return place[0]

    def copy(self, to: Any, source: Any, nbytes: int, kind: int) -> None:
        """`cudaMemcpy`; a pointer is cffi's, or a number."""
        pointers = (self.ffi.cast("void *", one) for one in (to, source))
        self.raise_for(self.lib.cudasim_memcpy(*pointers, nbytes, kind))

    # ---- what happened ----------------------------------------------------------------------------------------------

    def take_output(self) -> str:
        """Return what kernels have printed since the last call."""
        buffer = self.ffi.new("char[]", 1 << 20)
        n = self.lib.cudasim_take_output(buffer, len(buffer))
        return self.ffi.buffer(buffer, n)[:].decode(errors="replace")

    def remember(self, name: str, text: str) -> None:
        """Let reports show the lines of a source that is no file, by the name that the compiler knows it by."""
        self._texts[name] = text

    def report(self) -> Report:
        """Return what the checker has found since `clear_report`, in programs of the flavour "check"."""
        return read_report(self._json(self.lib.cudasim_findings), dict(self._texts))

    def findings_count(self) -> int:
        """Return how often the checker has found something since `clear_report`."""
        data = self._json(self.lib.cudasim_findings)
        return data["left_out"] + sum(one["count"] for one in data["findings"])

    def clear_report(self) -> None:
        """Forget what the checker has found."""
        self.lib.cudasim_clear_findings()

    def profile(self) -> Profile:
        """Return what the kernels of programs of the flavour "profile" cost since `clear_profile`."""
        return read_profile(self.raw_counters(), dict(self._texts))

    def raw_counters(self) -> dict[str, Any]:
        """Return what `profile` is made from, without the lines of the source, which two other programs look up."""
        return self._json(self.lib.cudasim_counters)

    def clear_profile(self) -> None:
        """Begin to count anew."""
        self.lib.cudasim_clear_counters()

    def _json(self, function: Any) -> Any:
        size = function(self.ffi.NULL, 0)
        buffer = self.ffi.new("char[]", size + 1)
        function(buffer, size)
        return json.loads(self.ffi.buffer(buffer, size)[:].decode(errors="replace"))

    def raise_for(self, code: int) -> None:
        """Raise the `CudaError` of an error number, with the sentence about the last error; a sticky one is ended."""
        if code:
            self.raise_last_error(code)

    def raise_last_error(self, code: int = 0) -> None:
        """Raise the `CudaError` that waits to be asked for, if one does."""
        __tracebackhide__ = True
        code = code or self.lib.cudasim_synchronize() or self.lib.cudasim_peek_last_error()
        if not code:
            return
        name, text, sentence = (
            self.ffi.string(part).decode(errors="replace")
            for part in (
                self.lib.cudasim_error_name(code),
                self.lib.cudasim_error_text(code),
                self.lib.cudasim_last_message(),
            )
        )
        self.lib.cudasim_clear_error()  # a notebook goes on, where a process on a GPU would have to end
        raise CudaError(code, name, sentence or text)


@functools.cache
def open_simulator() -> Simulator:
    """Return the simulated device of this process; its runtime is compiled when it is first asked for.

    Raises
    ------
    BuildError
        There is no g++; the sentence says how to get it.
    """
    return Simulator()
