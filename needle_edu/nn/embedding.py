"""Embedding: a table of vectors, one for each word (or token, or class), that training moves to useful places."""

from __future__ import annotations

import math
from typing import Any

from .. import init, ops
from ..autograd import Tensor
from ..autograd.arrays import xp
from ..backend.arguments import floating, integer, real, switch, whole
from ..backend.errors import DeviceError, IndexOutOfRange, ShapeError
from .inputs import as_tensor
from .module import Module
from .parameter import Parameter


class Embedding(Module):
    """Row i of a table for each index i: indices of any shape, (seq, batch) say, give (seq, batch, embedding_dim).

    It is what a product with one-hot rows would give, without the zeros. A row that is named twice gets the sum of both
    gradients; a row that is not named gets 0.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
    device, dtype
        Where and in which element type the table lives.
    padding_idx : int, optional
        A row that starts at 0 and gets no gradient: for what only fills a sequence up.
    max_norm, norm_type : float, optional
        Before each look-up, rows that are used and longer than `max_norm` (in the `norm_type`-norm) are shortened to
        it, in the table itself.

    Attributes
    ----------
    weight : Parameter of shape (num_embeddings, embedding_dim)
        Drawn by `init.randn(num_embeddings, embedding_dim)`.

    Raises
    ------
    DTypeError
        If an index is no whole number (float indices, which the course's data has, are fine).
    IndexOutOfRange
        If there is no such row.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> layer = Embedding(10, 3, padding_idx=0)
    >>> layer(ndl.Tensor([[1.0, 2.0], [4.0, 0.0]])).shape
    (2, 2, 3)
    >>> layer([0, 0]).numpy().tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        device: Any = None,
        dtype: Any = "float32",
        *,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
    ):
        super().__init__()
        who = type(self).__name__
        sizes = whole(who, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        self.num_embeddings, self.embedding_dim = sizes
        if isinstance(device, int):
            raise DeviceError(
                f"{who}: the third argument is a device (Needle's order), got {device}; write padding_idx={device}"
            )
        floating(who, "parameters", dtype)
        if padding_idx is not None:
            padding_idx = integer(who, "padding_idx", padding_idx, error=ValueError)
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise IndexOutOfRange(
                    f"{who}: padding_idx {padding_idx} is out of range for {num_embeddings} rows"
                )
            padding_idx %= num_embeddings
        if max_norm is not None:
            real(who, 0, max_norm=max_norm)
        if norm_type != math.inf:
            real(who, 0, norm_type=norm_type)
        self.padding_idx, self.max_norm, self.norm_type = padding_idx, max_norm, norm_type
        table = init.randn(num_embeddings, embedding_dim, device=device, dtype=dtype)
        if padding_idx is not None:
            padding = init.one_hot(num_embeddings, padding_idx, device=device, dtype="bool")
            table = ops.where(padding.reshape((num_embeddings, 1)), 0.0, table)
        self.weight = Parameter(table)

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, **settings: Any) -> Embedding:
        """Return a layer whose table is a copy of `embeddings`, of shape (num_embeddings, embedding_dim).

        Parameters
        ----------
        embeddings : array_like or Tensor of floats
        freeze : bool
            Whether the table stays as it is.
        **settings
            `padding_idx` (whose row is kept), `max_norm`, `norm_type`, `device`, `dtype`, as for the class.

        Examples
        --------
        >>> layer = Embedding.from_pretrained([[1.0, 2.0], [3.0, 4.0]])
        >>> layer([1]).numpy(), layer.weight.requires_grad
        (array([[3., 4.]], dtype=float32), False)
        """
        switch(f"{cls.__name__}.from_pretrained", freeze=freeze)
        table = as_tensor(embeddings)
        if table.ndim != 2:
            raise ShapeError(
                f"{cls.__name__}.from_pretrained: wanted a table (num_embeddings, embedding_dim), got {table.shape}"
            )
        layer = cls(*table.shape, **{"device": table.device, "dtype": table.dtype, **settings})
        layer.weight.data = table.detach().to(layer.weight.device).astype(layer.weight.dtype)
        layer.weight.requires_grad_(not freeze)
        return layer

    def forward(self, x: Tensor) -> Tensor:
        """`x`, integers or whole floats of any shape, gives ``(*x.shape, embedding_dim)``."""
        x = as_tensor(x, self.weight.device)
        if self.max_norm is not None:
            self._shorten_rows_of(x)
        return ops.embedding(x, self.weight, self.padding_idx)

    def _shorten_rows_of(self, x: Any) -> None:
        """Shorten the rows that these indices name to `max_norm`."""
        used = ops.embedding(as_tensor(x, self.weight.device), _numbers(self.weight))
        rows, table = used.realize_cached_data(), self.weight.detach()
        chosen = xp.zeros((self.num_embeddings,), dtype=table.dtype, device=rows.device)
        chosen[xp.reshape(rows, (-1,))] = 1
        norms = table.norm(self.norm_type, 1)
        factor = (self.max_norm / (norms + 1e-7)).realize_cached_data()
        too_long = xp.logical_and(chosen > 0, norms.realize_cached_data() > self.max_norm)
        if bool(xp.any(too_long)):
            factor = xp.where(too_long, factor, xp.ones_like(factor))
            self.weight.data = table * Tensor.make_const(xp.reshape(factor, (-1, 1)))

    def extra_repr(self) -> str:
        """`num_embeddings, embedding_dim`, and `padding_idx` and `max_norm` if they are set."""
        more = [f"{n}={v}" for n in ("padding_idx", "max_norm") if (v := getattr(self, n)) is not None]
        return ", ".join([f"{self.num_embeddings}, {self.embedding_dim}", *more])


def _numbers(weight: Tensor) -> Tensor:
    """The row numbers of a table as a table of one column: looked up, they are the checked index itself."""
    device = weight.realize_cached_data().device
    return Tensor.make_const(xp.reshape(xp.arange(weight.shape[0], device=device), (-1, 1)))
