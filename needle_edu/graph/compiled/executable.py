"""A program, compiled: its C function, and what Python does around a call of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from needle_edu.autograd import Tensor
from needle_edu.backend import raise_kernel_error
from needle_edu.backend.dtypes import DTYPES
from needle_edu.backend.storage import new_version
from needle_edu.graph.static.checks import check_program
from needle_edu.graph.static.interpreter import arguments_of, check_type, run
from needle_edu.graph.static.program import Program
from needle_edu.ndarray import NDArray, array
from needle_edu.ndarray.base import new_array
from needle_edu.ndarray.layout import Layout, make_layout
from needle_edu.ndarray.ownership import held_once

from . import quick_call
from .c_source import CSource
from .cuda_source import CudaSource
from .donation import donations
from .linking import (
    NumbersOnHost,
    compiles_functions,
    gradients_written,
    kernel_types,
    line_of,
    loaded,
    real_layout,
)
from .lowering import Buffer, Lowered, LoweringError
from .quick_call import facts_in_c
from .stages import PARTS, chosen_parts, staged

OTHER_ISA = -1  # what a program returns that was compiled for another instruction set than that in use


class Executable:
    """A compiled program; call it as the program.

    Attributes
    ----------
    program : Program
    language : str
        "C", or "CUDA".
    source : str
        The text in it.
    steps : list of Step
        Its kernel calls, fused ones together.
    memory : MemoryPlan
        Where temporaries lie.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x: (x @ x).exp(), ndl.Tensor([[0.0]]))
    >>> run = build(program)
    >>> run(ndl.Tensor([[1.0]])).numpy().round(3)
    array([[2.718]], dtype=float32)
    >>> print(run.source[run.source.index("int run"):])
    int run(char *T, void **A, const void **K) {
      int e;
      /* %0 = matmul(%x, %x) */
      CALL(0, nd_matmul((struct nd_plan *)K[0], A[1], A[0], A[0]));
      /* %1 = exp(%0) */
      CALL(1, nd_exp_dense(0, 1, A[1], A[1]));
      return 0;
    }
    """

    writer: Any = CSource  # who writes the text; the profiler has one that reads the clock

    def __init__(self, program: Program, parts: Sequence[str] = PARTS):
        check_program("build", program)
        runtime: Any = program.device.runtime
        self.language = runtime.program_language
        if not self.language:
            raise LoweringError(
                f"C is compiled for cpu() with its compiled kernels only, CUDA for cuda() and cuda_sim(), "
                f"not for {program.device!r}"
            )
        self.program = program
        stages = staged(program, parts)
        lowered, steps = stages.lowered, stages.steps
        self.steps, self.memory = steps, stages.memory
        ffi = self._ffi = runtime.ffi
        types = kernel_types(lowered, runtime)
        if self.language == "C":
            registers = "registers" in parts and compiles_functions()
            written = self.writer(lowered, steps, self.memory, types, registers)
        else:
            written = CudaSource(lowered, steps, self.memory, types)
        self.written = written
        self.source = written.text
        self._calls = lowered.calls
        self._load()
        self._kept = [
            self._constant(one, type_, type(one) is Buffer and one in written.on_host)
            for one, type_ in written.table
        ]
        self._table = ffi.new(
            "const void *[]", [ffi.cast("const void *", one) for one in self._kept] or [ffi.NULL]
        )
        self._inputs = [real_layout(lowered.arguments[name][1], program.device) for name in program.inputs]
        self._sources = [
            (self._reader(source, type_, lowered.arguments[name][0] in written.on_host), layout, name)
            for name, (type_, source) in program.sources.items()
            for layout in [real_layout(lowered.arguments[name][1], program.device)]
        ]
        places = {id(buffer): k for k, (buffer, _) in enumerate(lowered.arguments.values())}
        places |= {id(buffer): len(places) + k for k, buffer in enumerate(written.results)}
        layouts = {name: real_layout(layout, program.device) for name, (_, layout) in lowered.results.items()}
        self._fresh = [line_of(buffer, program.device) for buffer in written.results]
        for name, (buffer, _) in lowered.results.items():
            place = places.get(id(buffer), -1) - len(lowered.arguments)
            if place >= 0 and layouts[name].dense and layouts[name].size == buffer.n:
                self._fresh[place] = layouts[name]  # the memory is allocated as this result at once
        self._results = [
            (places.get(id(buffer), buffer), layouts[name]) for name, (buffer, _) in lowered.results.items()
        ]
        order = {name: k for k, name in enumerate(lowered.results)}
        self._updates = [(target.write, order[name]) for name, target in program.updates]
        self._outputs = [order[name] for name in program.outputs]
        self._donated = self._donations(lowered, places) if "donation" in parts else []
        self._forgotten = gradients_written(program)
        self._pointers = ffi.typeof("void *[]")
        self._arena = runtime.allocate(4, max(self.memory.nbytes, 1))
        self._lock = threading.Lock()
        self.in_c = facts_in_c(self)

    def _donations(self, lowered: Lowered, places: dict[int, Any]) -> list[tuple[Any, int, int]]:
        """Return (tensor, its place among the arguments, that of its new array among the fresh ones)."""
        names, found = list(lowered.arguments), []
        for source, result in donations(lowered, self.steps):
            fresh = places[id(lowered.results[result][0])] - len(names)
            tensor = self.program.sources[source][1].tensor
            found.append((tensor, names.index(source), fresh))
        return found

    def _reader(self, source: Any, type_: Any, on_host: bool) -> Any:
        """Return a function that looks a source up: an array, or its numbers where C on the host reads them."""
        if not on_host:
            return source.read
        layout = make_layout(type_.shape, (1,), 0, DTYPES.index(type_.dtype), self.program.device)
        return lambda: NumbersOnHost(self._ffi, layout, source.numbers())

    def _load(self) -> None:
        runtime: Any = self.program.device.runtime
        self._lib, self._function = loaded(runtime.program_library(self.source), self._ffi)

    def __call__(self, *arguments: Any) -> Any:
        """Run the program; see `needle_edu.graph.static.run`."""
        done = quick_call.in_c_run(self.in_c, arguments)
        if done is not NotImplemented:
            return done
        program = self.program
        if program.device.has_overrides():  # a student's kernel is not bypassed
            return run(program, *arguments)
        return self.run(list(arguments_of(program, arguments).values()))

    def run(self, arrays: list) -> Any:
        """Run the program with arrays of its inputs' types."""
        given = [
            array if array.layout is layout else array.compact()
            for array, layout in zip(arrays, self._inputs, strict=True)
        ]
        alone = [
            held_once(tensor) for tensor, _, _ in self._donated
        ]  # asked before we hold their arrays, too
        for tensor in self._forgotten:
            tensor.grad = None  # the new gradient may have its memory
        for read, layout, name in self._sources:
            given.append(self._as_captured(read(), layout, name))
        old = {
            fresh: given[place]
            for (_, place, fresh), lonely in zip(self._donated, alone, strict=True)
            if lonely and given[place].layout is self._fresh[fresh]
        }
        for k, layout in enumerate(self._fresh):
            array = old.get(k)
            if array is None:
                array = new_array(NDArray)
                array.layout = layout
                array.storage = layout.allocate()
            given.append(array)
        pointers = self._ffi.new(self._pointers, [array.storage.ptr for array in given])
        with self._lock:
            code = self._function(self._arena.ptr, pointers, self._table)
            if code == OTHER_ISA:
                self._load()
                code = self._function(self._arena.ptr, pointers, self._table)
        if code:
            self._failed(code)
        for array in old.values():
            array.storage.version = new_version()
        made = [self._result(place, layout, given) for place, layout in self._results]
        for write, k in self._updates:
            write(made[k])
        return self.program.unflatten([Tensor.make_const(made[k]) for k in self._outputs])

    def _as_captured(self, array: Any, layout: Layout, name: str) -> Any:
        """Return a source's array in the layout that the program was compiled for."""
        if array.layout is layout:
            return array
        check_type(self.program, name, self.program.sources[name][0], array)
        return array.compact()

    def _result(self, place: Any, layout: Layout, given: list[NDArray]) -> NDArray:
        if (
            isinstance(place, int)
            and given[place].layout is layout
            and place >= len(given) - len(self._fresh)
        ):
            return given[place]
        array = new_array(NDArray)
        array.layout = layout
        array.storage = given[place].storage if isinstance(place, int) else self._constant_storage(place)
        return array

    def _constant_storage(self, buffer: Buffer) -> Any:
        return array(buffer.numbers, dtype=DTYPES[buffer.dtype], device=self.program.device).storage

    def _constant(self, one: Any, type_: str, on_host: bool) -> Any:
        """Return a place of the table K as cffi's data."""
        if type(one) is Buffer:
            if self.language == "CUDA" and not on_host:
                return self._constant_storage(one).ptr
            return self._ffi.from_buffer("char[]", np.ascontiguousarray(one.numbers))
        if isinstance(one, (list, tuple)):
            return self._ffi.new(type_.replace("*", "[]").replace("const ", ""), list(one))
        return one

    def _failed(self, code: int) -> None:
        call, error = self._calls[code >> 16], (code & 0x7FFF) - (code & 0x8000)
        what = f"%{call.of.name} of the program {self.program.name}"
        if error < 0:  # of CUDA
            self.program.device.runtime.raise_cuda(-error, f"{call.of.op.name}: {what}")
        raise_kernel_error(
            error, call.of.op.name, what, index=self.program.device.error_detail(),
        )  # fmt: skip

    def __repr__(self) -> str:
        return (
            f"<Executable {self.program.name}: {len(self._calls)} kernel calls, {self.memory.nbytes:,} bytes>"
        )


def build(program: Program, passes: Sequence[str] | None = None) -> Executable:
    """Compile a program.

    Parameters
    ----------
    program : Program
    passes : list of str, optional
        Which parts of the compiler take part, of those that work on kernel calls (`compiled.PARTS`); by default all.

    Raises
    ------
    LoweringError
        If some of it is more than kernel calls, or the device has none in C.
    BuildError
        If there is no C compiler.
    """
    check_program("build", program)
    return Executable(program, chosen_parts("build", passes))
