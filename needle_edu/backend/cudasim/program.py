"""A CUDA source that has been compiled for the simulator, and calls of its host functions."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..operands import memory_of

if TYPE_CHECKING:
    from .simulator import Simulator


class Program:
    """A compiled CUDA source: its ``extern "C"`` functions as attributes.

    They take numbers, NumPy arrays (host pointers), `DeviceArray` and cffi's pointers. What kernels print is printed;
    an error that CUDA reports and the function did not ask for is raised, and so is a C++ exception.

    Parameters
    ----------
    simulator : Simulator
    library : Path
        Compiled for it.
    functions : dict of str to str
        The declarations of its functions, by name.
    guards : str
        The declarations of the guards that `guarded` has made for some of them.
    """

    def __init__(self, simulator: "Simulator", library: Path, functions: dict[str, str], guards: str = ""):
        from cffi import FFI

        self.simulator, self.library, self.functions = simulator, library, functions
        self._launchers: set[str] = set()
        self.ffi = FFI()
        for declaration in functions.values():
            self.ffi.cdef(declaration)
        self.ffi.cdef(guards)
        self._guards = guards
        self.lib = self.ffi.dlopen(str(library))

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("functions", ()):
            return functools.partial(self._call, name)
        known = ", ".join(self.__dict__.get("functions", ())) or "none"
        raise AttributeError(f'no extern "C" function {name!r} in this program; there are {known}')

    def _call(self, name: str, *arguments: Any) -> Any:
        guard = f"cudasim_guarded_{name}"
        function = getattr(self.lib, guard if f"*{guard})" in self._guards else name)
        wanted = self.ffi.typeof(function).args
        if len(wanted) != len(arguments):
            raise TypeError(f"{self.functions[name]} takes {len(wanted)} arguments, got {len(arguments)}")
        return self._run(
            function, *(self._lower(name, *pair) for pair in zip(wanted, arguments, strict=True))
        )

    def launch(self, launcher: str, config: list[int], arguments: list[Any]) -> None:
        """Launch a kernel by one of the functions of `signatures.launchers`.

        Parameters
        ----------
        config : list of int
            Three extents of the grid, three of the block, bytes of dynamic shared memory.
        arguments : list of cffi objects
            Pointers to the arguments.
        """
        if launcher not in self._launchers:
            self.ffi.cdef(f"void {launcher}(const unsigned *, void **);")
            self._launchers.add(launcher)
        __tracebackhide__ = True
        values = self.ffi.new("void *[]", [self.ffi.cast("void *", one) for one in arguments] or 1)
        self._run(getattr(self.lib, launcher), self.ffi.new("unsigned[7]", config), values)

    def _run(self, function: Any, *arguments: Any) -> Any:
        __tracebackhide__ = True
        try:
            return function(*arguments)
        finally:
            if text := self.simulator.take_output():
                print(text, end="")
            self.simulator.raise_last_error()

    def _lower(self, name: str, wanted: Any, argument: Any) -> Any:
        memory = None if isinstance(argument, np.ndarray) else memory_of(argument)
        if memory is not None or isinstance(argument, np.ndarray):
            dtype = argument.dtype if memory is None else memory.dtype
            if wanted.kind == "pointer" and _are_other_numbers(wanted.item, dtype):
                raise TypeError(
                    f"the function takes {wanted.cname}, got an array of {dtype}; convert it first"
                )
            if not (argument.flags.c_contiguous if memory is None else memory.compact):
                raise ValueError(f"{name}: the elements of this array do not lie row by row; copy it first")
            if memory is not None:
                memory.written()
            return self.ffi.cast(wanted, argument.ctypes.data if memory is None else memory.address)
        if argument is None:
            return self.ffi.NULL
        return argument


def _are_other_numbers(item: Any, dtype: np.dtype) -> bool:
    """Whether a pointer to C's numbers must not be given an array of this dtype; bytes and structures take any."""
    if item.kind != "primitive":
        return False
    if item.cname in ("float", "double"):
        return dtype != np.dtype(item.cname if item.cname == "double" else np.float32)
    return dtype.kind == "f" and "char" not in item.cname
