"""Answers in C: compiled where the student's code runs, called on memory whose edges are watched.

`compiled` turns a cell into a shared library, with the builder that makes needle_edu's own kernels, and the compiler's
complaints into one error with the cell's line numbers. An adapter then calls `CAnswer.function` on arrays laid out by
`Guarded`: before and after an array stand zones of a known pattern, so that a write past the end is seen, and a long
way past it ends the process, as C does. `kernel` is the adapter for all homework on the kernel ABI
(csrc/include/needle_kernels.h).
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from needle_edu.backend import paths
from needle_edu.backend.build import builder, declarations
from needle_edu.course.source_cells import SourceCell

HEADER = "needle_kernels.h"
FLAGS = ("-O1", "-std=gnu11", "-fPIC", "-Wall", "-Werror=implicit-function-declaration")
# A function that is called and nowhere defined is the linker's complaint, not a crash in the first test.
LINK = () if sys.platform == "darwin" else ("-Wl,-z,defs",)
GUARD = 64  # elements in front of an array, and behind it
PATTERN = 0xA5  # every byte of a guard zone; as numbers they are unlikely ones: -2.9e-16 as float32
DTYPES = ("float32", "float64", "int32", "int64", "bool")  # in the order of `enum nd_dtype`


class CompileError(SyntaxError):
    """An answer in C that does not compile. Jupyter shows it as the compiler's words, without a traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(self.msg)]


@dataclass(frozen=True)
class CAnswer:
    """A C function that a student has written, compiled.

    Attributes
    ----------
    name : str
        The function's name.
    library : Path
        The shared library that it is in.
    ffi : cffi.FFI
        Knows the declarations of needle_kernels.h, such as ``nd_plan``.
    """

    name: str
    library: Path
    ffi: Any

    in_child = True  # in a notebook it is called in a process of its own; no annotation: the same for all

    def function(self, declaration: str) -> Any:
        """The C function, ready to be called.

        Parameters
        ----------
        declaration : str
            How it is declared, such as ``"int add(const float *a, float *out, int64_t n);"``.

        Raises
        ------
        NameError
            If the student's code defines no function of this name.
        """
        self.ffi.cdef(declaration, override=True)
        try:
            return getattr(self.ffi.dlopen(str(self.library)), self.name)
        except AttributeError:
            raise NameError(f"the C code defines no function {self.name}") from None


def headers() -> dict[str, str]:
    """What C answers may include beside the system's headers: name and text."""
    return {HEADER: (paths.csrc_dir() / "include" / HEADER).read_text(encoding="utf-8")}


def compiled(cell: SourceCell, include: dict[str, str] | None = None) -> CAnswer:
    """Compile a C cell, or take the library from the cache if nothing has changed.

    Parameters
    ----------
    cell : SourceCell
        Of the kind ``"c"``.
    include : dict, optional
        As `headers` returns it, where that cannot find its files, as in a sandbox.

    Raises
    ------
    CompileError
        With the compiler's message; `lineno` is the line in the cell.
    BuildError
        If there is no compiler.
    """
    from cffi import FFI

    include = headers() if include is None else include
    ffi = FFI()
    ffi.cdef(declarations.for_cffi(include[HEADER]))
    with tempfile.TemporaryDirectory(prefix="needle_edu-") as place:
        folder = Path(place)
        for name, text in include.items():
            (folder / name).write_text(text, encoding="utf-8")
        source = folder / f"{cell.name}.c"
        source.write_text(cell.text, encoding="utf-8")
        try:
            library = builder.shared_library(cell.name, [source], include=[folder], flags=FLAGS, link=LINK)
        except builder.CompilerFailed as error:
            raise _complaint(str(error), folder) from None
    return CAnswer(cell.name, library, ffi)


def _complaint(said: str, folder: Path) -> CompileError:
    """The compiler's message as an error in the cell."""
    lines = [line for line in said.splitlines() if not line.startswith("(command: ")]
    text = "\n".join(lines[1:]).replace(f"{folder}/", "")
    found = re.search(r"^[^:\n]+\.c:(\d+):(?:\d+:)? (?:fatal )?error: (.*)", text, re.M)
    error = CompileError(found[2] if found and "\n" not in found[2] else text)
    error.lineno = int(found[1]) if found else None
    error.add_note(text)
    return error


# --- memory that is watched ---------------------------------------------------------------------------------


class Guarded:
    """A copy of an array between two zones that nobody may write to.

    Parameters
    ----------
    array : numpy.ndarray
        Of any shape; the copy is compact.

    Examples
    --------
    >>> memory = Guarded(np.zeros(3, "float32"))
    >>> memory.array[:] = 1
    >>> memory.is_intact
    True
    >>> memory.whole[GUARD + 3] = 1  # the element behind the last one
    >>> memory.is_intact
    False
    """

    def __init__(self, array: np.ndarray):
        self.whole = np.empty(array.size + 2 * GUARD, array.dtype)
        self.whole.view(np.uint8)[:] = PATTERN
        self.array = self.whole[GUARD : GUARD + array.size].reshape(array.shape)
        self.array[...] = array

    @property
    def is_intact(self) -> bool:
        """Whether the zones are as they were."""
        zones = (self.whole[:GUARD], self.whole[self.whole.size - GUARD :])
        return all((zone.view(np.uint8) == PATTERN).all() for zone in zones)

    def pointer(self, ffi: Any, ctype: str = "void *") -> Any:
        """The address of the first element, for C."""
        return ffi.cast(ctype, self.array.ctypes.data)


def kernel(answer: CAnswer, shape: Sequence[int], *operands: tuple) -> dict:
    """Call an elementwise kernel: ``int NAME(const nd_plan *p, void *out, const void *a, …)``.

    Parameters
    ----------
    shape : sequence of int
        The iteration space.
    operands : tuple of (storage, offset, strides)
        The output first: an array of one dimension, and where the elements lie in it, counted in elements.

    Returns
    -------
    dict
        ``"code"``: what the kernel returned; ``"storages"``: all storages afterwards; ``"intact"``: whether the
        memory around them is as it was.
    """
    memory = [Guarded(np.asarray(storage)) for storage, _, _ in operands]
    plan = answer.ffi.new("nd_plan *")
    plan.ndim, plan.size = len(shape), int(np.prod(shape, dtype=np.int64))
    plan.shape[0 : len(shape)] = [int(n) for n in shape]
    for k, (storage, offset, strides) in enumerate(operands):
        plan.dtype[k], plan.offset[k] = DTYPES.index(storage.dtype.name), int(offset)
        plan.stride[k][0 : len(shape)] = [int(step) for step in strides]
    parameters = ", ".join(["const nd_plan *", "void *", *["const void *"] * (len(operands) - 1)])
    function = answer.function(f"int {answer.name}({parameters});")
    code = function(plan, *(part.pointer(answer.ffi) for part in memory))
    return {
        "code": code,
        "storages": [part.array for part in memory],
        "intact": all(part.is_intact for part in memory),
    }
