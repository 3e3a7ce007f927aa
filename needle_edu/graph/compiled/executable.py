"""A program, compiled: its C function, and what Python does around a call of it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from needle_edu.autograd import Tensor
from needle_edu.backend import native, raise_kernel_error
from needle_edu.backend.build import builder, cache
from needle_edu.backend.cpu_runtime import CpuRuntime
from needle_edu.backend.dtypes import DTYPES
from needle_edu.backend.paths import cache_dir, csrc_dir
from needle_edu.graph.static.checks import check_program
from needle_edu.graph.static.interpreter import arguments_of, check_type, run
from needle_edu.graph.static.program import Program
from needle_edu.ndarray import NDArray, array
from needle_edu.ndarray.base import allocate, new_array
from needle_edu.ndarray.layout import Layout, make_layout

from .c_source import CSource
from .fusion import fuse
from .lowering import Buffer, LoweringError, lower
from .memory_plan import plan_memory

FLAGS = (
    "-O2",
    "-std=gnu11",
    "-fPIC",
    "-Wno-discarded-qualifiers",
    "-Wno-unused-variable",
)


class Executable:
    """A compiled program; call it as the program.

    Attributes
    ----------
    program : Program
    source : str
        The C text.
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
      CALL(0, nd_matmul((struct nd_plan *)K[0], T + 0, A[0], A[0]));
      /* %1 = exp(%0) */
      CALL(1, nd_exp_dense(0, 1, A[1], T + 0));
      return 0;
    }
    """

    writer: Any = CSource  # who writes the text; the profiler has one that reads the clock

    def __init__(self, program: Program):
        check_program("build", program)
        runtime = program.device.runtime
        if not isinstance(runtime, CpuRuntime):
            raise LoweringError(
                f"C is compiled for cpu() with its compiled kernels only, not for {program.device!r}"
            )
        self.program = program
        lowered = lower(program)
        steps = self.steps = fuse(lowered)
        self.memory = plan_memory(lowered, steps)
        ffi = self._ffi = runtime.ffi
        types = {
            call.kernel: tuple(
                [one.cname for one in ffi.typeof(getattr(runtime.lib, f"nd_{call.kernel}")).args]
            )
            for call in lowered.calls
        }
        written = self.written = self.writer(lowered, steps, self.memory, types)
        self.source = written.text
        self._calls = lowered.calls
        self._lib, self._function = _loaded(self.source)
        self._kept = [_constant(ffi, one, type_) for one, type_ in written.table]
        self._table = ffi.new(
            "const void *[]", [ffi.cast("const void *", one) for one in self._kept] or [ffi.NULL]
        )
        self._arguments = [
            (name, _real(layout, program.device)) for name, (_, layout) in lowered.arguments.items()
        ]
        places = {id(buffer): k for k, (buffer, _) in enumerate(lowered.arguments.values())}
        self._fresh = [_line(buffer, program.device) for buffer in written.results]
        places |= {id(buffer): len(places) + k for k, buffer in enumerate(written.results)}
        self._results = {
            name: (places.get(id(buffer), buffer), _real(layout, program.device))
            for name, (buffer, layout) in lowered.results.items()
        }
        self._pointers = ffi.typeof("void *[]")
        self._arena = runtime.allocate(4, max(self.memory.nbytes, 1))
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any) -> Any:
        """Run the program; see `needle_edu.graph.static.run`."""
        program = self.program
        if program.device.has_overrides():  # a student's kernel is not bypassed
            return run(program, *arguments)
        values = arguments_of(program, arguments)
        for name, (type_, source) in program.sources.items():
            values[name] = array = source.read()
            check_type(program, name, type_, array)
        given = []
        for name, layout in self._arguments:
            array = values[name]
            given.append(array if array.layout is layout else array.compact())
        given += [allocate(layout) for layout in self._fresh]
        pointers = self._ffi.new(self._pointers, [array.storage.ptr for array in given])
        with self._lock:
            code = self._function(self._arena.ptr, pointers, self._table)
        if code:
            self._failed(code)
        made = {name: self._result(place, layout, given) for name, (place, layout) in self._results.items()}
        for name, target in program.updates:
            target.write(made[name])
        return program.unflatten([Tensor.make_const(made[name]) for name in program.outputs])

    def _result(self, place: Any, layout: Layout, given: list[NDArray]) -> NDArray:
        array = new_array(NDArray)
        array.layout = layout
        array.storage = given[place].storage if isinstance(place, int) else self._constant_storage(place)
        return array

    def _constant_storage(self, buffer: Buffer) -> Any:
        return array(buffer.numbers, dtype=DTYPES[buffer.dtype], device=self.program.device).storage

    def _failed(self, code: int) -> None:
        call = self._calls[code >> 8]
        raise_kernel_error(
            code & 255, call.of.op.name, f"%{call.of.name} of the program {self.program.name}",
            index=self.program.device.error_detail(),
        )  # fmt: skip

    def __repr__(self) -> str:
        return (
            f"<Executable {self.program.name}: {len(self._calls)} kernel calls, {self.memory.nbytes:,} bytes>"
        )


def build(program: Program) -> Executable:
    """Compile a program.

    Raises
    ------
    LoweringError
        If some of it is more than kernel calls, or the device has none in C.
    BuildError
        If there is no C compiler.
    """
    return Executable(program)


def _loaded(source: str) -> tuple[Any, Any]:
    """Compile a C text, or find it in the cache; return cffi's library, and its function."""
    from cffi import FFI

    folder = cache_dir() / "programs"
    folder.mkdir(parents=True, exist_ok=True)
    text = source.encode()
    file = folder / f"program-{cache.key_of([text])}.c"
    if not file.exists():
        unfinished = file.with_suffix(f".{threading.get_ident()}.tmp")
        unfinished.write_bytes(text)
        unfinished.replace(file)
    library = builder.shared_library(
        "program", [file], include=(csrc_dir() / "include",), flags=FLAGS, link=(str(native.library_path),)
    )
    ffi = FFI()
    ffi.cdef("int run(void *T, void *A, const void *K);")
    lib = ffi.dlopen(str(library))
    return lib, lib.run


def _constant(ffi: Any, one: Any, type_: str) -> Any:
    """Return a place of the table K as cffi's data."""
    if type(one) is Buffer:
        return ffi.from_buffer("char[]", np.ascontiguousarray(one.numbers))
    if isinstance(one, (list, tuple)):
        return ffi.new(type_.replace("*", "[]").replace("const ", ""), list(one))
    return one


def _real(layout: Layout, device: Any) -> Layout:
    """Return a layout on the device that a program was lowered for."""
    return make_layout(layout.shape, layout.strides, layout.offset, layout.code, device)


def _line(buffer: Buffer, device: Any) -> Layout:
    """Return a layout for a result's memory."""
    return make_layout((buffer.n,), (1,), 0, buffer.dtype, device)
