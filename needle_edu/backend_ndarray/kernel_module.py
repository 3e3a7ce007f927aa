"""A device seen as one of Needle's kernel modules: ``device.ewise_add(a, b, out)`` on bare memory handles.

In the course a student writes these functions in C++ and CUDA, and an array library on top that calls them with
compact operands. Here they are an adapter over our kernels, so that such a library runs on needle_edu's devices.
Nothing in needle_edu uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from needle_edu.backend import Device, set_kernel_module_factory
from needle_edu.backend.arguments import integer
from needle_edu.backend.dtypes import F32
from needle_edu.ndarray import functions, linalg, reductions
from needle_edu.ndarray.array import NDArray
from needle_edu.ndarray.handle import Handle

TILE = 8


class KernelModule:
    """Needle's kernel functions for one device.

    Handles come from `Array`. `ewise_*` take ``(a, b, out)`` or ``(a, out)``, `scalar_*` take ``(a, number, out)``;
    all count elements by the size of `out`.

    Examples
    --------
    >>> import numpy as np
    >>> from needle_edu import backend_ndarray as nd
    >>> device = nd.cpu()
    >>> a, out = device.Array(3), device.Array(3)
    >>> device.from_numpy(np.array([1, 2, 3], dtype=np.float32), a)
    >>> device.scalar_mul(a, 10, out)
    >>> device.to_numpy(out, (3,), (1,), 0)
    array([10., 20., 30.], dtype=float32)
    """

    __tile_size__ = TILE

    def __init__(self, device: Device):
        self.__device_name__ = device.name
        self._device = device

    def Array(self, size: int) -> Handle:
        """Return memory for `size` float32 elements."""
        size = integer("Array", "size", size, 0)
        return Handle(self._device.allocate(F32, size), F32, self._device, size)

    # ---- moving elements ------------------------------------------------------------------------------------

    def from_numpy(self, a: np.ndarray, out: Handle) -> None:
        """Copy a NumPy array into `out`, row-major."""
        _line(out)[...] = np.ravel(a)

    def to_numpy(self, a: Handle, shape: Sequence[int], strides: Sequence[int], offset: int) -> np.ndarray:
        """Return a copy of the elements that shape, strides and offset describe."""
        return _view(a, shape, strides, offset).numpy()

    def fill(self, out: Handle, value: float) -> None:
        """Write one number everywhere."""
        _line(out).fill(value)

    def compact(
        self, a: Handle, out: Handle, shape: Sequence[int], strides: Sequence[int], offset: int
    ) -> None:
        """Copy the described elements of `a` into `out`, row-major."""
        _line(out)[...] = _view(a, shape, strides, offset)

    def ewise_setitem(
        self, a: Handle, out: Handle, shape: Sequence[int], strides: Sequence[int], offset: int
    ) -> None:
        """Copy the compact `a` into the described elements of `out`."""
        target = _view(out, shape, strides, offset)
        target[...] = _line(a, target.size)

    def scalar_setitem(
        self, size: int, value: float, out: Handle, shape: Sequence[int], strides: Sequence[int], offset: int
    ) -> None:
        """Write one number into the described elements of `out`."""
        _view(out, shape, strides, offset).fill(value)

    # ---- products and reductions ------------------------------------------------------------------------------

    def matmul(self, a: Handle, b: Handle, out: Handle, m: int, n: int, p: int) -> None:
        """out (m, p) = a (m, n) @ b (n, p)"""
        _line(out, m * p)[...] = linalg.matmul(
            _line(a, m * n).reshape((m, n)), _line(b, n * p).reshape((n, p))
        )

    def matmul_tiled(self, a: Handle, b: Handle, out: Handle, m: int, n: int, p: int) -> None:
        """The same with every matrix stored as tiles: shape (rows / t, columns / t, t, t), t = `__tile_size__`."""
        product = linalg.matmul(_untiled(a, m, n), _untiled(b, n, p))
        tiles = _line(out, m * p).reshape((m // TILE, p // TILE, TILE, TILE))
        tiles[...] = product.reshape((m // TILE, TILE, p // TILE, TILE)).permute((0, 2, 1, 3))

    def reduce_sum(self, a: Handle, out: Handle, reduce_size: int) -> None:
        """out[i] = sum of the i-th run of `reduce_size` elements of `a`"""
        _line(out)[...] = reductions.sum(_line(a, out.size * reduce_size).reshape((out.size, reduce_size)), 1)

    def reduce_max(self, a: Handle, out: Handle, reduce_size: int) -> None:
        """out[i] = maximum of the i-th run of `reduce_size` elements of `a`"""
        _line(out)[...] = reductions.max(_line(a, out.size * reduce_size).reshape((out.size, reduce_size)), 1)


def _line(handle: Handle, size: int | None = None) -> NDArray:
    """Return the first `size` elements of the memory as an array."""
    return NDArray.make((handle.size if size is None else size,), handle=handle)


def _view(handle: Handle, shape: Sequence[int], strides: Sequence[int], offset: int) -> NDArray:
    return NDArray.make(tuple(shape), strides=tuple(strides), handle=handle, offset=offset)


def _untiled(handle: Handle, rows: int, columns: int) -> NDArray:
    tiles = _line(handle, rows * columns).reshape((rows // TILE, columns // TILE, TILE, TILE))
    return tiles.permute((0, 2, 1, 3)).reshape((rows, columns))


def _ewise(op: Callable) -> Callable:
    def kernel(self: KernelModule, *handles: Handle) -> None:
        *inputs, out = handles
        _line(out)[...] = op(*(_line(handle, out.size) for handle in inputs))

    return kernel


def _scalar(op: Callable) -> Callable:
    def kernel(self: KernelModule, a: Handle, value: float, out: Handle) -> None:
        _line(out)[...] = op(_line(a, out.size), value)

    return kernel


_NEEDLE_NAMES = {
    "add": functions.add, "mul": functions.multiply, "div": functions.divide, "power": functions.power,
    "maximum": functions.maximum, "eq": functions.equal, "ge": functions.greater_equal,
}  # fmt: skip
for _name, _op in _NEEDLE_NAMES.items():
    setattr(KernelModule, f"ewise_{_name}", _ewise(_op))
    setattr(KernelModule, f"scalar_{_name}", _scalar(_op))
for _unary in (functions.log, functions.exp, functions.tanh):
    setattr(KernelModule, f"ewise_{_unary.__name__}", _ewise(_unary))

set_kernel_module_factory(KernelModule)
