"""NDArray: the class, with every operator and method written out.

A view only computes another layout over the same storage (layout.py). Everything that runs a kernel is a function of
another file: an operator below is that very function, so ``a + b`` and ``add(a, b)`` are one call, and its name leads
to the file where it is explained.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from needle_edu.backend import Device, DTypeError, ShapeError

from . import (
    functions,
    host,
    indexing,
    interchange,
    linalg,
    lines,
    manipulation,
    printing,
    reductions,
    statistics,
    writing,
)
from .base import allocate, cast, new_array, set_array_class
from .flat import Flat
from .handle import Handle, handle_of
from .layout import Layout, as_extents, as_shape, compact_layout, compact_strides, make_layout
from .needle_names import NeedleMethods
from .strided import Shape
from .to_numbers import ToNumbers
from .views import as_strided, broadcasted, permuted, reshaped, transposed


class NDArray(ToNumbers, NeedleMethods):
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

    __slots__ = ()
    __array_ufunc__ = None  # NumPy leaves `np.float32(2) * a` to us
    __hash__ = None  # type: ignore[assignment]  # `==` compares elements, so arrays cannot be keys

    def __init__(self, other: Any, device: Device | None = None) -> None:
        copy = interchange.array(other, other.dtype if isinstance(other, NDArray) else "float32", device)
        self.layout, self.storage = copy.layout, copy.storage

    @staticmethod
    def make(
        shape: Shape,
        strides: Shape | None = None,
        device: Device | None = None,
        handle: Handle | None = None,
        offset: int = 0,
    ) -> NDArray:
        """Return an array over `handle`, another array's `_handle`, or over new uninitialised float32 memory."""
        shape = as_extents(shape, "make")
        if handle is None:
            new = allocate(compact_layout(shape, 0, interchange.usable(device)))
            if strides is None and offset == 0:
                return new
            handle = new._handle
        if not isinstance(handle, Handle):
            raise DTypeError(f"make: wanted another array's _handle, got {type(handle).__name__}")
        whole = new_array(NDArray)
        whole.storage = handle.storage
        whole.layout = make_layout((handle.size,), (1,), 0, handle.code, handle.device)
        return whole.as_strided(shape, compact_strides(shape) if strides is None else strides, offset)

    # ---- operators ----------------------------------------------------------------------------------------------

    __add__, __radd__ = functions.add, functions.radd
    __sub__, __rsub__ = functions.subtract, functions.rsubtract
    __mul__, __rmul__ = functions.multiply, functions.rmultiply
    __truediv__, __rtruediv__ = functions.divide, functions.rdivide
    __pow__, __rpow__ = functions.power, functions.rpower
    __floordiv__, __rfloordiv__ = functions.floor_divide, functions.rfloor_divide
    __mod__, __rmod__ = functions.remainder, functions.rremainder
    __matmul__, __rmatmul__ = linalg.matmul, linalg.rmatmul
    __neg__ = functions.negative
    __pos__ = functions.positive
    __abs__ = functions.abs
    __eq__ = functions.equal  # type: ignore[assignment]
    __ne__ = functions.not_equal  # type: ignore[assignment]
    __lt__ = functions.less
    __le__ = functions.less_equal
    __gt__ = functions.greater
    __ge__ = functions.greater_equal
    __and__, __rand__ = functions.logical_and, functions.rlogical_and
    __or__, __ror__ = functions.logical_or, functions.rlogical_or
    __xor__, __rxor__ = functions.logical_xor, functions.rlogical_xor
    __invert__ = functions.logical_not

    # ---- functions as methods -----------------------------------------------------------------------------------

    exp = functions.exp
    log = functions.log
    tanh = functions.tanh
    sqrt = functions.sqrt
    maximum = functions.maximum
    minimum = functions.minimum
    clip = functions.clip
    astype = functions.astype
    sum = reductions.sum
    prod = reductions.prod
    mean = reductions.mean
    var = statistics.var
    std = statistics.std
    max = reductions.max
    min = reductions.min
    argmax = reductions.argmax
    argmin = reductions.argmin
    any = reductions.any
    all = reductions.all

    # ---- views: another layout over the same storage ------------------------------------------------------------

    def _view(self, layout: Layout) -> NDArray:
        view = new_array(NDArray)
        view.layout = layout
        view.storage = self.storage
        return view

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

    def permute(self, axes: Shape = (), *, new_axes: Shape | None = None) -> NDArray:
        """Return the view whose axis k is axis ``axes[k]`` of this array; `new_axes` is Needle's word for them.

        Examples
        --------
        >>> from needle_edu import ndarray as nd
        >>> nd.zeros((2, 3, 4)).permute((2, 0, 1)).shape
        (4, 2, 3)
        """
        axes = axes if new_axes is None else new_axes
        return self._view(permuted(self.layout, axes if type(axes) is tuple else as_shape(axes, "permute")))

    def reshape(self, *shape: int | Shape, new_shape: Shape | None = None) -> NDArray:
        """Return the same elements in another shape; a view where strides can express it, else a copy.

        One extent may be -1 and is worked out. `new_shape` is Needle's word for the shape.
        """
        if new_shape is not None:
            shape = (new_shape,)
        if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)):
            shape = shape[0] if type(shape[0]) is tuple else as_shape(shape[0], "reshape")
        layout, full = reshaped(self.layout, shape)
        if layout is None:
            return self.compact().reshape(full)
        return self._view(layout)

    def broadcast_to(self, shape: Shape = (), *, new_shape: Shape | None = None) -> NDArray:
        """Return the view expanded to `shape` (Needle: `new_shape`), with stride 0 along expanded axes."""
        shape = shape if new_shape is None else new_shape
        shape = shape if type(shape) is tuple else as_shape(shape, "broadcast_to")
        return self._view(broadcasted(self.layout, shape))

    def as_strided(self, shape: Shape, strides: Shape, offset: int | None = None) -> NDArray:
        """Return a view with any shape and strides (in elements) that stay inside the storage.

        Raises
        ------
        ShapeError
            If some element would lie outside.
        """
        room = self.storage.nbytes // self.layout.dtype.itemsize
        return self._view(as_strided(self.layout, shape, strides, offset, room))

    transpose = manipulation.transpose
    squeeze = manipulation.squeeze
    flip = manipulation.flip
    argsort = lines.argsort
    cumsum = lines.cumsum
    cumprod = lines.cumprod

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

    pad = manipulation.pad
    to = interchange.to
    numpy = host.numpy

    # ---- elements -----------------------------------------------------------------------------------------------

    __getitem__ = indexing.subscript
    __setitem__ = indexing.setitem
    process_slice = indexing.process_slice

    @staticmethod
    def compact_strides(shape: Shape) -> tuple:
        """Return the strides of a compact array of this shape, in elements.

        Examples
        --------
        >>> from needle_edu import ndarray as nd
        >>> nd.NDArray.compact_strides((2, 3))
        (3, 1)
        """
        return compact_strides(as_extents(shape, "compact_strides"))

    flat = property(Flat)
    _handle = property(handle_of)

    def fill(self, value: bool | int | float) -> None:
        """Write one number into every element, in place."""
        writing.fill(self, value)

    def copy_from(self, value: Any) -> None:
        """Write the elements of `value`, which broadcasts, into this array in place: ``a[...] = value``."""
        self[...] = value

    def __iter__(self) -> Iterator[NDArray]:
        return (indexing.getitem(self, i) for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        found = self == value
        return isinstance(found, NDArray) and bool(found.any())

    # ---- for others to look at ----------------------------------------------------------------------------------

    __repr__ = printing.to_repr
    __str__ = printing.to_str
    __format__ = printing.to_format
    _repr_html_ = printing.to_html
    __array__ = interchange.to_numpy_protocol
    __dlpack__ = interchange.dlpack
    __dlpack_device__ = interchange.dlpack_device

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """Return the module of functions on NDArrays, named as in the array API."""
        from needle_edu import ndarray

        return ndarray

    def __reduce__(self) -> tuple:
        """Pickle the elements of this array alone, not the storage it may look into, and the name of its device."""
        return _unpickled, (type(self), host.numpy(self), self.device), getattr(self, "__dict__", None)


def _unpickled(cls: type[NDArray], elements: np.ndarray, device: Device) -> NDArray:
    a = new_array(cls)
    own = interchange.array(elements, elements.dtype, device)
    a.layout, a.storage = own.layout, own.storage
    return a


set_array_class(NDArray)
