"""Layers that compute nothing: they give the numbers of an example another shape."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import integer
from ..backend.errors import ShapeError
from ..ndarray.layout import normalize_axis
from .inputs import as_tensor
from .module import Module


class Flatten(Module):
    """Makes each example one row: (batch, a, b, ...) becomes (batch, a·b·...).

    Parameters
    ----------
    start_dim, end_dim : int
        The first and the last axis of those that become one; all but the batch by default.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> Flatten()(ndl.init.ones(2, 3, 4)).shape, Flatten(0, 1)(ndl.init.ones(2, 3, 4)).shape
    ((2, 12), (6, 4))
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1, device: Any = None, dtype: Any = None):
        super().__init__(device=device, dtype=dtype)
        self.start_dim = integer("Flatten", "start_dim", start_dim)
        self.end_dim = integer("Flatten", "end_dim", end_dim)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (batch, ...) gives (batch, features); a vector gives a column."""
        x = as_tensor(x)
        if not x.shape:
            raise ShapeError("Flatten: got a single number of shape (), wanted (batch, ...)")
        if (self.start_dim, self.end_dim) == (1, -1):
            batch, *rest = x.shape
            return x.reshape((batch, math.prod(rest)))
        return ops.flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """`start_dim, end_dim`, unless they are 1 and -1."""
        axes = self.start_dim, self.end_dim
        return "" if axes == (1, -1) else f"{axes[0]}, {axes[1]}"


class Unflatten(Module):
    """Makes several axes of one: the opposite of `Flatten`.

    Parameters
    ----------
    dim : int
        Which axis.
    unflattened_size : tuple of int
        The extents that replace it; one may be -1.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> Unflatten(1, (3, -1))(ndl.init.ones(2, 12)).shape
    (2, 3, 4)
    """

    def __init__(self, dim: int, unflattened_size: tuple[int, ...], device: Any = None, dtype: Any = None):
        super().__init__(device=device, dtype=dtype)
        self.dim = integer("Unflatten", "dim", dim)
        self.unflattened_size = _extents("Unflatten", unflattened_size)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (..., n, ...) gives (..., *unflattened_size, ...)."""
        x = as_tensor(x)
        who = f"Unflatten({self.extra_repr()})"
        axis = normalize_axis(self.dim, x.ndim, who)
        extents = _fitted(who, self.unflattened_size, x.shape[axis], x.shape)
        return x.reshape((*x.shape[:axis], *extents, *x.shape[axis + 1 :]))

    def extra_repr(self) -> str:
        """`dim, unflattened_size`."""
        return f"{self.dim}, {self.unflattened_size}"


class Reshape(Module):
    """Gives each example another shape; the batch, the first axis, stays.

    Parameters
    ----------
    *shape : int, or one tuple of int
        The shape of one example; one extent may be -1.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> Reshape(1, 8, 8)(ndl.init.ones(5, 64)).shape
    (5, 1, 8, 8)
    """

    def __init__(self, *shape: Any, device: Any = None, dtype: Any = None):
        super().__init__(device=device, dtype=dtype)
        self.shape = _extents("Reshape", shape[0] if len(shape) == 1 else shape)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (batch, ...) gives (batch, *shape)."""
        x = as_tensor(x)
        if not x.shape:
            raise ShapeError("Reshape: got a single number of shape (), wanted (batch, ...)")
        batch, *rest = x.shape
        extents = _fitted(f"Reshape({self.extra_repr()})", self.shape, math.prod(rest), x.shape)
        return x.reshape((batch, *extents))

    def extra_repr(self) -> str:
        """The shape of one example."""
        return ", ".join(map(str, self.shape))


def _extents(who: str, shape: Any) -> tuple[int, ...]:
    """A shape of which one extent may be -1."""
    shape = shape if isinstance(shape, (tuple, list)) else (shape,)
    extents = tuple([integer(who, "an extent", n, -1, ValueError) for n in shape])
    if extents.count(-1) > 1:
        raise ValueError(f"{who}: one extent may be -1, got {extents}")
    return extents


def _fitted(who: str, extents: tuple[int, ...], size: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The extents with a number for -1, if they hold `size` elements."""
    known = math.prod([n for n in extents if n != -1])
    if -1 in extents and known and not size % known:
        return tuple([size // known if n == -1 else n for n in extents])
    if -1 in extents or known != size:
        raise ShapeError(f"{who}: {size} elements do not make shape {extents}; got input of shape {shape}")
    return extents
