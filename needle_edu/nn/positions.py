"""Where a token stands: attention by itself cannot tell an order. Waves or learned rows are added, or heads are turned.

References: A. Vaswani et al., "Attention is all you need", 2017 (waves). J. Su et al., "RoFormer: enhanced Transformer
with rotary position embedding", 2021.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor
from ..autograd.arrays import readable
from ..backend.arguments import floating, integer, real, switch, whole
from ..backend.errors import ShapeError
from .embedding import Embedding
from .inputs import as_tensor
from .module import Module


class _Positions(Module):
    """What is added, or turned by, stands in a table with a row for each position."""

    max_len: int

    def _rows(self, length: int, start: int) -> slice:
        start = integer(type(self).__name__, "start", start, 0, error=ValueError)
        if start + length > self.max_len:
            raise ShapeError(
                f"{type(self).__name__}: there are {self.max_len} positions, got a sequence that ends at "
                f"{start + length}; make it with a larger max_len"
            )
        return slice(start, start + length)


class SinusoidalPositions(_Positions):
    r"""Add waves of ever greater length: :math:`\sin(t / 10000^{2i/d})` to feature 2i, the cosine to feature 2i + 1.

    Parameters
    ----------
    max_len, dim : int
        Longest sequence; number of features.
    device, dtype
        Of the table.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> SinusoidalPositions(10, 4)(ndl.init.zeros(1, 2, 4)).numpy().round(2).tolist()[0][1]
    [0.8399999737739563, 0.5400000214576721, 0.009999999776482582, 1.0]
    """

    def __init__(self, max_len: int, dim: int, device: Any = None, dtype: Any = "float32"):
        super().__init__(device=device, dtype=dtype)
        self.max_len, self.dim = whole("SinusoidalPositions", max_len=max_len, dim=dim)
        floating("SinusoidalPositions", "the table", dtype)
        angles = _angles(max_len, dim, 10000.0)
        table = np.stack([np.sin(angles), np.cos(angles)], -1).reshape(max_len, -1)[:, :dim]
        self.table = Tensor(table, device=device, dtype=dtype, requires_grad=False)
        self.buffer_names, self.transient_names = ("table",), ("table",)

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """`x` of shape (..., length, dim), the first row of which is position `start`."""
        x = _sequence(self, x, self.dim)
        return x + self.table[self._rows(x.shape[-2], start)]

    def extra_repr(self) -> str:
        """`max_len, dim`."""
        return f"{self.max_len}, {self.dim}"


class LearnedPositions(_Positions):
    """Add a learned row for each position.

    Parameters
    ----------
    max_len, dim : int
        Longest sequence; number of features.
    device, dtype
        Of the parameter.

    Attributes
    ----------
    embedding : Embedding(max_len, dim)

    Examples
    --------
    >>> import needle_edu as ndl
    >>> LearnedPositions(10, 4)(ndl.init.zeros(2, 3, 4)).shape
    (2, 3, 4)
    """

    def __init__(self, max_len: int, dim: int, device: Any = None, dtype: Any = "float32"):
        super().__init__(device=device, dtype=dtype)
        self.max_len, self.dim = whole("LearnedPositions", max_len=max_len, dim=dim)
        self.embedding = Embedding(max_len, dim, device=device, dtype=dtype)

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """`x` of shape (..., length, dim), the first row of which is position `start`."""
        x = _sequence(self, x, self.dim)
        return x + self.embedding.weight[self._rows(x.shape[-2], start)]

    def extra_repr(self) -> str:
        """`max_len, dim`."""
        return f"{self.max_len}, {self.dim}"


class RotaryPositions(_Positions):
    r"""Turn pairs of a head's features by an angle that grows with the position.

    .. math:: (x_i, x_j) \mapsto (x_i \cos t\theta_i - x_j \sin t\theta_i,\ x_j \cos t\theta_i + x_i \sin t\theta_i),
              \quad \theta_i = base^{-2i/d}

    The product of a query and a key, both turned, depends on how far apart they are and not on where they are.

    Parameters
    ----------
    max_len, dim : int
        Longest sequence; features of a head, an even number.
    base : float
        Of the angles.
    interleaved : bool
        Pairs are neighbours, j = i + 1, as published; otherwise the two halves are paired, j = i + d/2, as in Llama.
    frequencies : array of shape (dim / 2,), optional
        The angles of one step, in place of base^(-2i/d): models for long texts turn some pairs more slowly.
    device, dtype
        Of the tables.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> turned = RotaryPositions(10, 2)(ndl.Tensor([[[1.0, 0.0], [1.0, 0.0]]]))
    >>> turned.numpy().round(4).tolist()                                       # turned by 0 and by 1 radian
    [[[1.0, 0.0], [0.5403000116348267, 0.8414999842643738]]]
    """

    def __init__(
        self, max_len: int, dim: int, base: float = 10000.0, *, interleaved: bool = False,
        frequencies: Any = None, device: Any = None, dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        self.max_len, self.dim = whole("RotaryPositions", max_len=max_len, dim=dim)
        real("RotaryPositions", 0, base=base)
        switch("RotaryPositions", interleaved=interleaved)
        floating("RotaryPositions", "the tables", dtype)
        if dim % 2:
            raise ValueError(f"RotaryPositions: features are turned in pairs, got dim={dim}, an odd number")
        self.base, self.interleaved = base, interleaved
        angles = _angles(max_len, dim, base)
        if frequencies is not None:
            angles = np.arange(max_len)[:, None] * _of_pairs(frequencies, dim // 2)
        angles = np.repeat(angles, 2, -1) if interleaved else np.concatenate([angles, angles], -1)
        place = {"device": device, "dtype": dtype, "requires_grad": False}
        self.cosines, self.sines = Tensor(np.cos(angles), **place), Tensor(np.sin(angles), **place)
        self.buffer_names = self.transient_names = ("cosines", "sines")

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """`x` of shape (..., length, dim), the first row of which is position `start`."""
        x = _sequence(self, x, self.dim)
        rows = self._rows(x.shape[-2], start)
        return x * self.cosines[rows] + self._partners(x) * self.sines[rows]

    def _partners(self, x: Tensor) -> Tensor:
        """For each feature the other one of its pair, the first of a pair negated: (-x_j, x_i)."""
        if self.interleaved:
            pairs = x.reshape((*x.shape[:-1], self.dim // 2, 2))
            return ops.concat([-pairs[..., 1:], pairs[..., :1]], -1).reshape(x.shape)
        half = self.dim // 2
        return ops.concat([-x[..., half:], x[..., :half]], -1)

    def extra_repr(self) -> str:
        """`max_len, dim`."""
        return f"{self.max_len}, {self.dim}"


def _angles(max_len: int, dim: int, base: float) -> np.ndarray:
    """Return t / base^(2i/dim) for each position t and each pair i, of shape (max_len, (dim + 1) // 2)."""
    return np.arange(max_len)[:, None] * base ** (-np.arange(0, dim, 2) / dim)


def _of_pairs(frequencies: Any, pairs: int) -> np.ndarray:
    try:
        found = readable(frequencies)
    except ValueError:  # rows of different lengths
        found = np.array("")
    if found.dtype.kind not in "fiu" or found.shape != (pairs,):
        raise ShapeError(
            f"RotaryPositions: frequencies are {pairs} numbers, one for each pair, got {frequencies!r:.60}"
        )
    return found.astype(np.float64)


def _sequence(layer: Any, x: Any, dim: int) -> Tensor:
    x = as_tensor(x)
    if x.ndim < 2 or x.shape[-1] != dim:
        raise ShapeError(
            f"{type(layer).__name__}({layer.extra_repr()}): wanted (..., length, {dim}), got shape {x.shape}"
        )
    return x
