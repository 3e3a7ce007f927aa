"""Between a program's text and Python: the compiled library, C types of kernels, layouts, and what a run looks up."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from needle_edu.autograd import Tensor
from needle_edu.backend.build import builder
from needle_edu.graph.static.places import GradientOf
from needle_edu.graph.static.program import Program
from needle_edu.ndarray.layout import Layout, make_layout

from .lowering import Buffer, Lowered, LoweringError


def kernel_types(lowered: Lowered, runtime: Any) -> dict[str, tuple[str, ...]]:
    """Return the C types of the arguments of each kernel that a program calls.

    Raises
    ------
    LoweringError
        If the device has no such kernel.
    """
    found: dict[str, tuple[str, ...]] = {}
    for call in lowered.calls:
        if call.kernel not in found:
            kernel = getattr(runtime.lib, f"nd_{call.kernel}", None)
            if kernel is None:
                raise LoweringError(
                    f"{lowered.program.device!r} has no kernel {call.kernel!r} ({call.of.op.name})"
                )
            found[call.kernel] = tuple([one.cname for one in runtime.ffi.typeof(kernel).args])
    return found


def compiles_functions() -> bool:
    """Whether the C compiler can do with csrc/cpu/isa/functions.h, which says why it might not."""
    command = builder.find_compiler()
    return command is not None and builder.gcc_version(tuple(command)) >= 12


def gradients_written(program: Program) -> list[Tensor]:
    """Return the tensors whose gradient a program writes, and does not read."""
    read = {id(source.tensor) for _, source in program.sources.values() if isinstance(source, GradientOf)}
    tensors = [target.tensor for _, target in program.updates if isinstance(target, GradientOf)]
    return [one for one in tensors if id(one) not in read]


class NumbersOnHost:
    """Numbers of a source, as C on the host reads them, in the place of an array."""

    def __init__(self, ffi: Any, layout: Layout, numbers: np.ndarray):
        self.layout = layout
        self.storage = SimpleNamespace(ptr=ffi.from_buffer("char[]", numbers))


def loaded(library: Path, ffi: Any) -> tuple[Any, Any]:
    """Return a loaded program, and its function for cffi; cffi's own way would first import a parser of C."""
    lib = ctypes.CDLL(str(library))
    address = ctypes.cast(lib.run, ctypes.c_void_p).value
    return lib, ffi.cast("int (*)(void *, void *, const void *)", address)


def real_layout(layout: Layout, device: Any) -> Layout:
    """Return a layout on the device that a program was lowered for."""
    return make_layout(layout.shape, layout.strides, layout.offset, layout.code, device)


def line_of(buffer: Buffer, device: Any) -> Layout:
    """Return a layout for a result's memory."""
    return make_layout((buffer.n,), (1,), 0, buffer.dtype, device)
