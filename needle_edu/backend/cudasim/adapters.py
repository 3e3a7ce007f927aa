"""A kernel of one's own in the place of ours: tensors of the simulated card, and networks, compute with it.

    def my_matmul(a, b, out, m, n, p):
        matmul[((p + 15) // 16, (m + 15) // 16), (16, 16)](a, b, out, m, n, p)

    with use_kernels(matmul=my_matmul):
        loss = model(x)                       # every product of matrices is my_matmul's

A kernel of the backend gets a plan with strides (csrc/include/needle_kernels.h), and one's own gets compact float32
arrays, as Needle's kernel modules do. What lies between is here: operands are copied together first, and results put in
place.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..devices import Device, device_named
from ..dtypes import F32

KERNELS = {"matmul": "matmul", "reduce_sum": "sum", "reduce_max": "max", "compact": "copy"}
"""What can be replaced, and what our backend calls it."""


class DeviceView(NamedTuple):
    """Compact float32 elements in the device's memory: what a kernel of one's own gets."""

    address: int
    shape: tuple[int, ...]
    dtype: np.dtype = np.dtype(np.float32)


class _Plan(NamedTuple):
    shape: tuple[int, ...]
    dtypes: tuple[int, ...]
    offsets: list[int]
    strides: list[list[int]]


class _Adapter:
    """One kernel of the backend, `own`, for which `function` stands in wherever it can."""

    def __init__(self, device: Device, own: Callable[..., int], function: Callable[..., Any]):
        self.device, self.own, self.function = device, own, function
        self.ffi = device.runtime.ffi

    def read(self, plan: Any, operands: int) -> _Plan | None:
        """Return the plan as numbers; None if ours must do it: nothing to do, or not float32."""
        dims, all_of = range(plan.ndim), range(operands)
        if plan.size == 0 or any(plan.dtype[k] != F32 for k in all_of):
            return None
        return _Plan(
            tuple(plan.shape[d] for d in dims),
            tuple(plan.dtype[k] for k in all_of),
            [plan.offset[k] for k in all_of],
            [[plan.stride[k][d] for d in dims] for k in all_of],
        )

    def address(self, pointer: Any, offset: int) -> int:
        return int(self.ffi.cast("uintptr_t", pointer)) + 4 * offset

    def copy(self, shape: Sequence[int], to: tuple, source: tuple) -> None:
        """Copy elements; `to` and `source` are pointer, offset and strides."""
        offsets, strides = (to[1], source[1]), (list(to[2]), list(source[2]))
        plan = self.device.lower(len(shape), (F32, F32), tuple(shape), offsets, strides)
        self.device.kernels.copy(plan, to[0], source[0])

    @contextlib.contextmanager
    def compact(
        self, plan: _Plan, k: int, pointer: Any, dims: Sequence[int], result: bool = False
    ) -> Iterator[DeviceView]:
        """Give operand `k` as a compact array over these dimensions, copied if need be; a `result` is copied back."""
        shape = tuple(plan.shape[d] for d in dims)
        strides = [plan.strides[k][d] for d in dims]
        if _row_by_row(shape, strides):
            yield DeviceView(self.address(pointer, plan.offsets[k]), shape)
            return
        storage = self.device.allocate(F32, prod(shape))
        there, here = (pointer, plan.offsets[k], strides), (storage.ptr, 0, _compact_strides(shape))
        if not result:
            self.copy(shape, here, there)
        yield DeviceView(self.device.address(storage), shape)
        if result:
            self.copy(shape, there, here)

    def matmul(self, raw: Any, out: Any, a: Any, b: Any) -> int:
        plan = self.read(raw, 3)
        if plan is None:
            return self.own(raw, out, a, b)
        *batch, i, j, k = range(len(plan.shape))
        m, p, n = (plan.shape[d] for d in (i, j, k))
        for index in itertools.product(*(range(plan.shape[d]) for d in batch)):
            starts = [
                plan.offsets[one] + sum(at * plan.strides[one][d] for at, d in zip(index, batch, strict=True))
                for one in range(3)
            ]
            matrix = plan._replace(offsets=starts)
            with (
                self.compact(matrix, 1, a, (i, k)) as left,
                self.compact(matrix, 2, b, (k, j)) as right,
                self.compact(matrix, 0, out, (i, j), result=True) as product,
            ):
                self.function(left, right, product, m, n, p)
        return 0

    def reduction(self, raw: Any, out: Any, a: Any) -> int:
        plan = self.read(raw, 2)
        if plan is None:
            return self.own(raw, out, a)
        gone = [d for d, stride in enumerate(plan.strides[0]) if stride == 0 and plan.shape[d] != 1]
        kept = [d for d in range(len(plan.shape)) if d not in gone]
        with (
            self.compact(plan, 1, a, [*kept, *gone]) as rows,
            self.compact(plan, 0, out, kept, result=True) as results,
        ):
            self.function(rows, results, prod(plan.shape[d] for d in gone))
        return 0

    def strided_copy(self, raw: Any, out: Any, a: Any) -> int:
        plan = self.read(raw, 2)
        if plan is None or not _row_by_row(
            plan.shape, plan.strides[0]
        ):  # an assignment to a view is no compact()
            return self.own(raw, out, a)
        source = DeviceView(self.address(a, 0), (0,))
        target = DeviceView(self.address(out, plan.offsets[0]), plan.shape)
        shape, strides = (np.array(one, np.int32) for one in (plan.shape, plan.strides[1]))
        self.function(source, target, shape, strides, plan.offsets[1])
        return 0


def use_kernels(
    device: Device | None = None,
    *,
    matmul: Callable[..., Any] | None = None,
    reduce_sum: Callable[..., Any] | None = None,
    reduce_max: Callable[..., Any] | None = None,
    compact: Callable[..., Any] | None = None,
) -> contextlib.ExitStack:
    """Let a simulated card use kernels of one's own within a block.

    Each is a function that launches a kernel of a cell, or an ``extern "C"`` function of it. Other element types than
    float32, and empty arrays, are left to our kernels.

    Parameters
    ----------
    device : Device, optional
        Default `cuda_sim()`.
    matmul : callable
        ``matmul(a, b, out, m, n, p)``: out (m, p) = a (m, n) @ b (n, p); of a batch of matrices it is called for each.
    reduce_sum, reduce_max : callable
        ``reduce_sum(a, out, reduce_size)``: out[i] = sum of the i-th run of `reduce_size` elements of a.
    compact : callable
        ``compact(a, out, shape, strides, offset)``: the elements of a that the description means, row by row into out.
        Shape and strides are NumPy arrays of int32, which a host function takes as ``const int *``.

    Raises
    ------
    TypeError
        One of them cannot be called, or the device is not the simulated one.

    Examples
    --------
    >>> from needle_edu import cuda_sim, ndarray as nd
    >>> from needle_edu.backend.cudasim import cuda_cell
    >>> product = cuda_cell('''
    ... __global__ void product(const float *a, const float *b, float *out, int m, int n, int p) {
    ...   const int i = blockIdx.x, j = threadIdx.x;
    ...   float sum = 0;
    ...   for (int k = 0; k < n; k++) sum += a[i * n + k] * b[k * p + j];
    ...   out[i * p + j] = sum;
    ... }''')["product"]
    >>> a = nd.array([[1.0, 2.0], [3.0, 4.0]], device=cuda_sim())
    >>> with use_kernels(matmul=lambda a, b, out, m, n, p: product[m, p](a, b, out, m, n, p)):
    ...     print((a @ a.permute((1, 0))).numpy())
    [[ 5. 11.]
     [11. 25.]]
    """
    device = device_named("cuda_sim") if device is None else device
    runtime = getattr(device, "runtime", None)
    if not hasattr(runtime, "simulator") or not hasattr(runtime, "ffi"):
        raise TypeError(f"use_kernels: wanted a simulated card such as cuda_sim(), got {device!r}")
    chosen = {"matmul": matmul, "reduce_sum": reduce_sum, "reduce_max": reduce_max, "compact": compact}
    for name, function in chosen.items():
        if function is not None and not callable(function):
            raise TypeError(f"use_kernels: {name} is a function that launches a kernel, got {function!r}")
    methods: dict[str, Callable[..., int]] = {"matmul": _Adapter.matmul, "compact": _Adapter.strided_copy}
    changes = contextlib.ExitStack()
    for name, function in chosen.items():
        if function is not None:
            kernel = KERNELS[name]
            adapter = _Adapter(device, getattr(device.kernels, kernel), function)
            call = methods.get(name, _Adapter.reduction)
            changes.enter_context(device.override(kernel, partial(call, adapter)))
    return changes


def _compact_strides(shape: Sequence[int]) -> list[int]:
    return [prod(shape[d + 1 :]) for d in range(len(shape))]


def _row_by_row(shape: Sequence[int], strides: Sequence[int]) -> bool:
    compact = _compact_strides(shape)
    return all(n == 1 or stride == wanted for n, stride, wanted in zip(shape, strides, compact, strict=True))
