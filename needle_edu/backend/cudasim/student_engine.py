"""A device whose kernels are a student's module: arrays and tensors, and so whole networks, run on it.

    module = load_module("ndarray_backend_cuda.cu")
    use_module(module)                    # from now on cuda() is this module, on the simulator
    Tensor([1.0, 2.0], device=cuda()) + 1

Such a module knows float32 and compact operands. So operands are compacted, by the module's own `compact`, and what it
lacks, a kernel or an element type, is computed by the NumPy reference and named in `StudentRuntime.on_cpu`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from ..devices import Device
from ..dtypes import DTYPES, F32
from ..errors import DeviceError
from ..reference import ReferenceRuntime
from ..reference.plan import Plan
from ..standard_devices import cuda
from ..storage import Storage, check_count
from .simulator import open_simulator

UNARY = {"exp": "ewise_exp", "log": "ewise_log", "tanh": "ewise_tanh"}
BINARY = {"add": "ewise_add", "multiply": "ewise_mul", "divide": "ewise_div", "maximum": "ewise_maximum"}
SCALAR = {
    "add": "scalar_add", "multiply": "scalar_mul", "divide": "scalar_div", "power": "scalar_power",
    "maximum": "scalar_maximum",
}  # fmt: skip
WITH_NUMBER = {"negative": ("scalar_mul", -1.0), "relu": ("scalar_maximum", 0.0)}
REDUCTIONS = {"sum": "reduce_sum", "max": "reduce_max"}


class _Block:
    """Memory that the module has allocated, as NumPy sees it: the simulated device's memory is the process's own."""

    def __init__(self, handle: Any, dtype: np.dtype, n: int):
        self.handle = handle
        self.__array_interface__ = {
            "version": 3, "typestr": dtype.str, "shape": (n,), "data": (int(handle.ptr()), False)
        }  # fmt: skip


class StudentRuntime(ReferenceRuntime):
    """The kernels of a student's module, and the NumPy reference for what it lacks.

    Parameters
    ----------
    module : module
        As `load_module` returns it: `Array`, `from_numpy`, `to_numpy`, and any of the kernels that Needle names.

    Attributes
    ----------
    on_cpu : Counter
        How often each kernel was computed by the reference.
    on_module : Counter
        How often each function of the module was called.
    """

    native = True
    host_view = None  # type: ignore[assignment]
    adopt = None  # type: ignore[assignment]

    def __init__(self, module: ModuleType):
        super().__init__()
        for name in ("Array", "from_numpy", "to_numpy"):
            if not hasattr(module, name):
                raise DeviceError(f"use_module: {module.__name__} has no {name}, which every backend needs")
        self.module, self.simulator = module, open_simulator()
        self.on_cpu: Counter[str] = Counter()
        self.on_module: Counter[str] = Counter()
        table: dict[str, Callable[..., int]] = {}
        table |= {name: partial(self._reference, name, kernel) for name, kernel in vars(self.kernels).items()}
        table |= self._students(table)
        self.kernels = SimpleNamespace(**table)

    def _students(self, rest: dict[str, Callable[..., int]]) -> dict[str, Callable[..., int]]:
        table: dict[str, Callable[..., int]] = {}

        def put(name: str, function: str, call: Callable[..., int], *more: Any) -> None:
            if hasattr(self.module, function):
                table[name] = partial(call, rest[name], function, *more)

        for name, function in (UNARY | BINARY).items():
            put(name, function, self._elementwise)
            put(f"{name}_dense", function, self._dense)
        for name, function in SCALAR.items():
            put(f"{name}_scalar", function, self._scalar)
            put(f"{name}_scalar_dense", function, self._dense_scalar)
        for name, (function, number) in WITH_NUMBER.items():
            put(name, function, self._with_number, number)
            put(f"{name}_dense", function, self._dense_with_number, number)
        for name, function in REDUCTIONS.items():
            put(name, function, self._reduction)
        put("matmul", "matmul", self._matmul)
        put("copy", "compact", self._copy)
        put("fill_dense", "fill", self._fill)
        return table

    # ---- memory -----------------------------------------------------------------------------------------------------

    def allocate(self, dtype: int, n: int) -> Storage:
        """Return a storage of `n` elements, in an `Array` of the module."""
        check_count(n)
        handle = self._array(-(-n * DTYPES[dtype].itemsize // 4))
        storage = Storage()
        storage.ptr = np.asarray(_Block(handle, DTYPES[dtype], n))
        storage.nbytes = storage.ptr.nbytes
        storage.version = 0
        return storage

    def copy_from_host(self, storage: Storage, source: np.ndarray, offset: int = 0) -> None:
        """Copy all of `source` into the storage, from its element `offset` on."""
        to = self.address(storage) + offset * source.itemsize
        self.simulator.copy(to, source.ctypes.data, source.nbytes, 1)

    def copy_to_host(self, storage: Storage, target: np.ndarray, offset: int = 0) -> None:
        """Fill `target` with elements of the storage, from its element `offset` on."""
        place = self.address(storage) + offset * target.itemsize
        self.simulator.copy(target.ctypes.data, place, target.nbytes, 2)

    def _array(self, n: int) -> Any:
        return self.module.Array(max(n, 1))

    # ---- calls ------------------------------------------------------------------------------------------------------

    def call(self, function: str, *arguments: Any) -> Any:
        """Call a function of the module; what its kernels print is printed, an error of the device is raised."""
        self.on_module[function] += 1
        try:
            return getattr(self.module, function)(*arguments)
        finally:
            if text := self.simulator.take_output():
                print(text, end="")
            self.simulator.raise_last_error()

    def _reference(self, name: str, kernel: Callable[..., int], *arguments: Any) -> int:
        self.on_cpu[name.removesuffix("_dense")] += 1
        code = kernel(*arguments)
        for (
            one
        ) in arguments:  # the checker has not seen NumPy write: say so, by copying all of it onto itself
            if isinstance(one, np.ndarray) and one.size:
                kept = one.copy()
                self.simulator.copy(one.ctypes.data, kept.ctypes.data, kept.nbytes, 1)
        return code

    # ---- operands ---------------------------------------------------------------------------------------------------

    def _compact(self, plan: Plan, k: int, memory: np.ndarray, dims: Sequence[int]) -> Any:
        """Return a handle of operand `k` with its elements row by row over these dimensions."""
        shape = [plan.shape[d] for d in dims]
        strides = [plan.strides[k][d] for d in dims]
        if plan.offsets[k] == 0 and memory.size == prod(shape) and _row_by_row(shape, strides):
            return memory.base.handle  # type: ignore[union-attr]
        out = self._array(prod(shape))
        self.call("compact", memory.base.handle, out, shape, strides, plan.offsets[k])  # type: ignore[union-attr]
        return out

    def _result(self, plan: Plan, memory: np.ndarray, dims: Sequence[int], call: Callable[[Any], Any]) -> int:
        """Let `call` fill a compact handle, and see that it ends up in operand 0."""
        shape = [plan.shape[d] for d in dims]
        strides = [plan.strides[0][d] for d in dims]
        if plan.offsets[0] == 0 and memory.size == prod(shape) and _row_by_row(shape, strides):
            call(memory.base.handle)  # type: ignore[union-attr]
        else:
            out = self._array(prod(shape))
            call(out)
            self.call("ewise_setitem", out, memory.base.handle, shape, strides, plan.offsets[0])  # type: ignore[union-attr]
        return 0

    def _fits(self, plan: Plan, operands: int) -> bool:
        """Whether the module can do this: float32 only, and no strides that its unsigned numbers cannot say."""
        return (
            plan.size > 0
            and set(plan.dtypes[:operands]) == {F32}
            and all(stride >= 0 for row in plan.strides[:operands] for stride in row)
            and all(hasattr(self.module, one) for one in ("compact", "ewise_setitem"))
        )

    # ---- kernels ----------------------------------------------------------------------------------------------------

    def _elementwise(self, rest: Callable, function: str, plan: Plan, out: Any, *inputs: Any) -> int:
        if not self._fits(plan, 1 + len(inputs)):
            return rest(plan, out, *inputs)
        dims = range(plan.ndim)
        handles = [self._compact(plan, k, memory, dims) for k, memory in enumerate(inputs, 1)]
        return self._result(plan, out, dims, lambda to: self.call(function, *handles, to))

    def _scalar(self, rest: Callable, function: str, plan: Plan, out: Any, a: Any, s: float) -> int:
        if not self._fits(plan, 2):
            return rest(plan, out, a, s)
        dims = range(plan.ndim)
        handle = self._compact(plan, 1, a, dims)
        return self._result(plan, out, dims, lambda to: self.call(function, handle, s, to))

    def _with_number(self, rest: Callable, function: str, number: float, plan: Plan, out: Any, a: Any) -> int:
        return self._scalar(lambda plan, out, a, s: rest(plan, out, a), function, plan, out, a, number)

    def _dense(self, rest: Callable, function: str, dtype: int, n: int, out: Any, *inputs: Any) -> int:
        if dtype != F32 or n == 0 or any(one.size != n for one in (out, *inputs)):
            return rest(dtype, n, out, *inputs)
        self.call(function, *(one.base.handle for one in inputs), out.base.handle)
        return 0

    def _dense_scalar(
        self, rest: Callable, function: str, dtype: int, n: int, out: Any, a: Any, s: float
    ) -> int:
        if dtype != F32 or n == 0 or out.size != n or a.size != n:
            return rest(dtype, n, out, a, s)
        self.call(function, a.base.handle, s, out.base.handle)
        return 0

    def _dense_with_number(
        self, rest: Callable, function: str, number: float, dtype: int, n: int, out: Any, a: Any
    ) -> int:
        return self._dense_scalar(
            lambda dtype, n, out, a, s: rest(dtype, n, out, a), function, dtype, n, out, a, number
        )

    def _reduction(self, rest: Callable, function: str, plan: Plan, out: Any, a: Any) -> int:
        if not self._fits(plan, 2):
            return rest(plan, out, a)
        gone = [d for d in range(plan.ndim) if plan.strides[0][d] == 0 and plan.shape[d] != 1]
        kept = [d for d in range(plan.ndim) if d not in gone]
        length = prod(plan.shape[d] for d in gone)
        handle = self._compact(plan, 1, a, [*kept, *gone])
        return self._result(plan, out, kept, lambda to: self.call(function, handle, to, length))

    def _matmul(self, rest: Callable, function: str, plan: Plan, out: Any, a: Any, b: Any) -> int:
        if plan.ndim != 3 or not self._fits(plan, 3):  # a batch of matrices is none of theirs
            return rest(plan, out, a, b)
        m, n, k = plan.shape
        left, right = self._compact(plan, 1, a, (0, 2)), self._compact(plan, 2, b, (2, 1))
        return self._result(plan, out, (0, 1), lambda to: self.call(function, left, right, to, m, k, n))

    def _copy(self, rest: Callable, function: str, plan: Plan, out: Any, a: Any) -> int:
        if not self._fits(plan, 2):
            return rest(plan, out, a)
        dims = range(plan.ndim)
        if plan.offsets[0] == 0 and out.size == plan.size and _row_by_row(plan.shape, plan.strides[0]):
            self.call(
                function,
                a.base.handle,
                out.base.handle,
                list(plan.shape),
                list(plan.strides[1]),
                plan.offsets[1],
            )
            return 0
        handle = self._compact(plan, 1, a, dims)
        return self._result(plan, out, dims, lambda to: self._whole_copy(handle, to, plan.size))

    def _whole_copy(self, handle: Any, to: Any, n: int) -> None:
        self.call("compact", handle, to, [n], [1], 0)

    def _fill(self, rest: Callable, function: str, dtype: int, n: int, out: Any, value: float) -> int:
        if dtype != F32 or n == 0 or out.size != n:
            return rest(dtype, n, out, value)
        self.call(function, out.base.handle, value)
        return 0


def _row_by_row(shape: Sequence[int], strides: Sequence[int]) -> bool:
    step = 1
    for extent, stride in zip(reversed(shape), reversed(strides), strict=True):
        if extent != 1 and stride != step:
            return False
        step *= extent
    return True


def use_module(module: ModuleType, device: Device | None = None) -> StudentRuntime:
    """Let `cuda()`, or another device that has not been used yet, run a student's module from now on.

    Returns
    -------
    StudentRuntime
        ``on_cpu`` says what the module lacks.

    Raises
    ------
    DeviceError
        The device has computed already, or the module has not the functions that every backend needs.
    """
    device = cuda() if device is None else device
    runtime = StudentRuntime(module)
    device.run_on(lambda: runtime)
    device.kernel_module = module
    return runtime
