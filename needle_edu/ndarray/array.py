"""NDArray: a storage seen through a layout.

The class holds two fields and what follows from them alone: properties, and the views, which share the storage and
only compute another layout. Everything that runs a kernel is a function in the other files of this folder;
methods.py lists which of those functions are operators and methods of the class. An operation makes its result with
`new_array`, so no Python constructor runs on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from needle_edu.backend import Device, ShapeError, Storage, raise_kernel_error
from needle_edu.backend.arguments import integer

from .layout import (
    Layout,
    as_shape,
    broadcasted,
    compact_layout,
    make_layout,
    permuted,
    reshaped,
    transposed,
)
from .plans import Plan, copy_plan, map_plan

Shape = tuple[int, ...]


class NDArray:
    """An n-dimensional array of float32, float64, int32, int64 or bool.

    Parameters
    ----------
    other : NDArray, numpy.ndarray, number or nested sequence
        What to copy. An NDArray keeps its dtype; everything else becomes float32, as with `array`.
    device : Device, optional
        Where the copy lives; by default where `other` lives.

    Notes
    -----
    `a += b` makes a new array and binds the name to it; the old one is never changed. To write into an array, assign
    to it: ``a[...] = b``.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> a = nd.array([[1, 2, 3], [4, 5, 6]])
    >>> a.T.strides, a[:, ::-1].offset
    ((1, 3), 2)
    >>> a + a[0]
    NDArray([[2., 4., 6.],
             [5., 7., 9.]], dtype=float32, device=cpu())
    """

    __slots__ = ("layout", "storage", "__weakref__")
    __array_ufunc__ = None  # NumPy leaves `np.float32(2) * a` to us
    __hash__ = None  # type: ignore[assignment]  # `==` compares elements, so arrays cannot be keys

    layout: Layout
    storage: Storage

    if TYPE_CHECKING:  # for type checkers: methods.py gives the class its operators and methods

        def __init__(self, other: Any, device: Device | None = None) -> None: ...
        def __getattr__(self, name: str) -> Any: ...

        make: Any

        def __add__(self, other: Any) -> NDArray: ...
        def __radd__(self, other: Any) -> NDArray: ...
        def __sub__(self, other: Any) -> NDArray: ...
        def __rsub__(self, other: Any) -> NDArray: ...
        def __mul__(self, other: Any) -> NDArray: ...
        def __rmul__(self, other: Any) -> NDArray: ...
        def __truediv__(self, other: Any) -> NDArray: ...
        def __rtruediv__(self, other: Any) -> NDArray: ...
        def __pow__(self, other: Any) -> NDArray: ...
        def __rpow__(self, other: Any) -> NDArray: ...
        def __matmul__(self, other: Any) -> NDArray: ...
        def __rmatmul__(self, other: Any) -> NDArray: ...
        def __and__(self, other: Any) -> NDArray: ...
        def __rand__(self, other: Any) -> NDArray: ...
        def __or__(self, other: Any) -> NDArray: ...
        def __ror__(self, other: Any) -> NDArray: ...
        def __xor__(self, other: Any) -> NDArray: ...
        def __rxor__(self, other: Any) -> NDArray: ...
        def __invert__(self) -> NDArray: ...
        def __neg__(self) -> NDArray: ...
        def __abs__(self) -> NDArray: ...
        def __lt__(self, other: Any) -> NDArray: ...
        def __le__(self, other: Any) -> NDArray: ...
        def __gt__(self, other: Any) -> NDArray: ...
        def __ge__(self, other: Any) -> NDArray: ...
        def __getitem__(self, index: Any) -> NDArray: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __iter__(self) -> Iterator[NDArray]: ...

    # ---- what the layout knows --------------------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        """Extent of each axis."""
        return self.layout.shape

    @property
    def strides(self) -> Shape:
        """Distance from one index to the next along each axis, in elements."""
        return self.layout.strides

    @property
    def offset(self) -> int:
        """Position of the first element in the storage, in elements."""
        return self.layout.offset

    @property
    def dtype(self) -> np.dtype:
        """Element type."""
        return self.layout.dtype

    @property
    def device(self) -> Device:
        """Where the storage lives."""
        return self.layout.device

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.layout.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.layout.size

    @property
    def nbytes(self) -> int:
        """Bytes of the elements, each counted once per position."""
        return self.layout.size * self.layout.dtype.itemsize

    @property
    def T(self) -> NDArray:
        """The view with the order of the axes reversed."""
        return self._view(transposed(self.layout))

    @property
    def mT(self) -> NDArray:
        """The view with the last two axes swapped."""
        ndim = self.layout.ndim
        if ndim < 2:
            raise ShapeError(f"mT: a matrix has at least 2 dimensions, got shape {self.layout.shape}")
        return self._view(permuted(self.layout, (*range(ndim - 2), ndim - 1, ndim - 2)))

    def is_compact(self) -> bool:
        """Return whether the elements lie row-major from position 0 of the storage, without gaps."""
        return self.layout.compact

    def __len__(self) -> int:
        if not self.layout.ndim:
            raise ShapeError("len: an array of 0 dimensions has no length")
        return self.layout.shape[0]

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """Return the module of functions on NDArrays, named as in the array API."""
        from needle_edu import ndarray

        return ndarray

    # ---- views: another layout over the same storage ------------------------------------------------------------

    def _view(self, layout: Layout) -> NDArray:
        view = new_array(NDArray)
        view.layout = layout
        view.storage = self.storage
        return view

    def permute(self, axes: Shape) -> NDArray:
        """Return the view whose axis k is axis ``axes[k]`` of this array.

        Examples
        --------
        >>> from needle_edu import ndarray as nd
        >>> nd.zeros((2, 3, 4)).permute((2, 0, 1)).shape
        (4, 2, 3)
        """
        return self._view(permuted(self.layout, axes if type(axes) is tuple else as_shape(axes, "permute")))

    def reshape(self, *shape: int | Shape) -> NDArray:
        """Return the same elements in another shape; a view where strides can express it, else a copy.

        One extent may be -1 and is worked out.
        """
        if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)):
            shape = shape[0] if type(shape[0]) is tuple else as_shape(shape[0], "reshape")
        layout, full = reshaped(self.layout, shape)
        if layout is None:
            return self.compact().reshape(full)
        return self._view(layout)

    def broadcast_to(self, shape: Shape) -> NDArray:
        """Return the view expanded to `shape`, with stride 0 along expanded axes."""
        shape = shape if type(shape) is tuple else as_shape(shape, "broadcast_to")
        return self._view(broadcasted(self.layout, shape))

    def as_strided(self, shape: Shape, strides: Shape, offset: int | None = None) -> NDArray:
        """Return a view with any shape and strides (in elements) that stay inside the storage.

        Raises
        ------
        ShapeError
            If some element would lie outside.
        """
        shape, strides = as_shape(shape, "as_strided"), as_shape(strides, "as_strided")
        layout = self.layout
        start = layout.offset if offset is None else integer("as_strided", "offset", offset)
        if len(shape) != len(strides) or min(shape, default=0) < 0:
            raise ShapeError(f"as_strided: shape {shape} and strides {strides} do not describe an array")
        reach = [(extent - 1) * stride for extent, stride in zip(shape, strides, strict=True)]
        lowest = start + sum(step for step in reach if step < 0)
        highest = start + sum(step for step in reach if step > 0)
        room = self.storage.nbytes // layout.dtype.itemsize
        if 0 not in shape and not 0 <= lowest <= highest < room:
            raise ShapeError(
                f"as_strided: shape {shape} with strides {strides} from offset {start} touches elements {lowest} to "
                f"{highest}, but the storage has {room}"
            )
        return self._view(make_layout(shape, strides, start, layout.code, layout.device))

    # ---- copies -------------------------------------------------------------------------------------------------

    def compact(self) -> NDArray:
        """Return this array if it is compact, else a compact copy."""
        return self if self.layout.compact else self.copy()

    def copy(self) -> NDArray:
        """Return a compact copy."""
        layout = self.layout
        if not layout.compact:
            layout = compact_layout(layout.shape, layout.code, layout.device)
        return cast(self, layout)

    def __copy__(self) -> NDArray:
        return self.copy()

    def __deepcopy__(self, memo: dict) -> NDArray:
        return self.copy()


new_array = object.__new__  # new_array(NDArray): 40 ns less than a constructor written in Python


def allocate(layout: Layout) -> NDArray:
    """Return an uninitialised array of this layout, which must be dense."""
    out = new_array(NDArray)
    out.layout = layout
    out.storage = layout.allocate()
    return out


def run(name: str, layout: Layout, plan: Plan, *operands: NDArray) -> NDArray:
    """Return what kernel `name` makes of the operands, in a new array of this dense layout."""
    out = allocate(layout)
    err = layout.kernels[name](plan, out.storage.ptr, *[operand.storage.ptr for operand in operands])
    if err:
        kernel_failed(name, err, *operands)
    return out


def convert(a: NDArray, code: int) -> NDArray:
    """Return `a` in the element type with this code: itself if it has it, else a copy with its order of axes."""
    return a if a.layout.code == code else run("copy", *map_plan(a.layout, code), a)


def cast(a: NDArray, layout: Layout) -> NDArray:
    """Return the elements of `a`, converted and broadcast, as a new array of this dense layout."""
    return run("copy", layout, copy_plan(layout, a.layout), a)


def describe(*arrays: NDArray) -> str:
    """Return what an error message says about operands: ``float32 (3, 4) and int64 (4,)``."""
    return " and ".join(f"{a.layout.dtype.name} {a.layout.shape}" for a in arrays)


def kernel_failed(operation: str, err: int, *arrays: NDArray) -> NoReturn:
    """Raise the error that a kernel's return code stands for."""
    raise_kernel_error(err, operation, describe(*arrays), index=arrays[0].layout.device.error_detail())
    raise AssertionError("raise_kernel_error returned")
