"""A cell of C as Python sees it: its functions, ready to be called.

    functions = c_cell('''
    void scale(float *a, float by, long n) { for (long i = 0; i < n; i++) a[i] *= by; }
    ''')
    functions["scale"](a, 2.0, a.size)

In a notebook the magic ``%%c`` puts them among the variables. They run in this very process: an access to memory that
is nobody's ends it.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .build.builder import shared_library
from .cudasim.declarations import c_functions
from .cudasim.signatures import NUMBERS
from .operands import Memory, memory_of

FLAGS = ("-O2", "-std=gnu11", "-fPIC", "-Wall", "-Werror=implicit-function-declaration")


def c_cell(text: str, name: str | None = None, *, flags: Sequence[str] = ()) -> dict[str, "CFunction"]:
    """Compile C11 and return its functions, those that are not static, by name.

    Parameters
    ----------
    text : str
    name : str, optional
        What messages call the text; default the name of its first function with ``.c``.
    flags : sequence of str
        More options of the compiler, such as ``-O3``.

    Raises
    ------
    BuildError
        There is no compiler, or it refused the source; messages have the lines of the text.
    ValueError
        The text defines no function.

    Examples
    --------
    >>> twice = c_cell("void twice(float *a, long n) { for (long i = 0; i < n; i++) a[i] *= 2; }")["twice"]
    >>> twice
    <C function void twice(float *a, long n)>
    >>> a = np.arange(3, dtype=np.float32)
    >>> twice(a, 3)
    >>> a
    array([0., 2., 4.], dtype=float32)
    """
    from cffi import FFI

    functions = c_functions(text)
    if not functions:
        raise ValueError("c_cell: the text defines no function that can be called")
    name = name or f"{next(iter(functions))}.c"
    with tempfile.TemporaryDirectory(prefix="needle_edu-") as place:
        source = Path(place) / name
        source.write_text(f'#line 1 "{name}"\n{text}', encoding="utf-8")
        library = shared_library(source.stem, [source], flags=(*FLAGS, *flags))
    ffi = FFI()
    for declaration in functions.values():
        ffi.cdef(declaration)
    lib = ffi.dlopen(str(library))
    return {one: CFunction(ffi, lib, one, declaration) for one, declaration in functions.items()}


class CFunction:
    """A function in C: takes numbers, NumPy arrays, and arrays of ours that live in the host's memory."""

    def __init__(self, ffi: Any, lib: Any, name: str, declaration: str):
        self.ffi, self.lib, self.__name__ = ffi, lib, name
        self.declaration = declaration.rstrip(";")
        self.__doc__ = f"C function {self.declaration}."

    def __repr__(self) -> str:
        return f"<C function {self.declaration}>"

    def __call__(self, *arguments: Any) -> Any:
        function = getattr(self.lib, self.__name__)
        wanted = self.ffi.typeof(function).args
        if len(wanted) != len(arguments):
            raise TypeError(
                f"{self.__name__}: {self.declaration} takes {len(wanted)} arguments, got {len(arguments)}"
            )
        try:
            return function(*map(self._lower, wanted, arguments, range(1, len(wanted) + 1)))
        except (TypeError, OverflowError) as error:
            if str(error).startswith(self.__name__):
                raise
            raise TypeError(f"{self.__name__}: {error}") from None

    def _lower(self, wanted: Any, argument: Any, number: int) -> Any:
        who = f"{self.__name__}: argument {number}"
        memory = _in_numpy(argument) if isinstance(argument, np.ndarray) else memory_of(argument)
        if memory is None:
            return self.ffi.NULL if argument is None else argument
        if wanted.kind != "pointer":
            raise TypeError(f"{who} is a number ({wanted.cname}), got an array")
        known = NUMBERS.get(wanted.item.cname)
        if known is not None and np.dtype(known[1]) != memory.dtype:
            raise TypeError(f"{who} points to {np.dtype(known[1])} elements, got an array of {memory.dtype}")
        if memory.device is not None and memory.device.host_view is None:
            raise TypeError(f"{who} lives on {memory.device!r}, which C does not reach; copy it: x.to(cpu())")
        if not memory.compact:
            raise ValueError(
                f"{who} takes a compact array, and these elements do not lie row by row; copy it"
            )
        memory.written()
        return self.ffi.cast(wanted, memory.address)


def _in_numpy(array: np.ndarray) -> Memory:
    return Memory(array.ctypes.data, array.dtype, array.size, None, array.flags.c_contiguous)
