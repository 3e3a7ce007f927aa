"""EmbeddingBag: a text as the sum, the mean or the largest numbers of its words' vectors, whatever their order."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import switch
from ..ops.bags import MODES
from .embedding import Embedding


class EmbeddingBag(Embedding):
    """One vector for each bag of indices: an `Embedding` and, over each bag, the sum, the mean or the largest numbers.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
    mode : "sum", "mean" or "max"
    padding_idx : int, optional
        A row that starts at 0, gets no gradient and does not count. A bag of nothing else gives 0.
    max_norm, norm_type : float, optional
        As for `Embedding`.
    include_last_offset : bool
        Whether offsets have the end of the last bag too.
    device, dtype
        Where and in which element type the table lives.

    Attributes
    ----------
    weight : Parameter of shape (num_embeddings, embedding_dim)
        Drawn by `init.randn(num_embeddings, embedding_dim)`.

    References
    ----------
    A. Joulin et al., "Bag of tricks for efficient text classification", EACL 2017.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> layer = EmbeddingBag(10, 3, padding_idx=0)
    >>> layer([[1, 2, 4], [5, 0, 0]]).shape, layer([1, 2, 4, 5], offsets=[0, 3]).shape
    ((2, 3), (2, 3))
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, *, mode: str = "mean", padding_idx: int | None = None,
        max_norm: float | None = None, norm_type: float = 2.0, include_last_offset: bool = False,
        device: Any = None, dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__(
            num_embeddings, embedding_dim, device, dtype, padding_idx=padding_idx, max_norm=max_norm,
            norm_type=norm_type,
        )  # fmt: skip
        if not isinstance(mode, str) or mode not in MODES:
            raise ValueError(f"EmbeddingBag: mode is 'sum', 'mean' or 'max', got {mode!r}")
        switch("EmbeddingBag", include_last_offset=include_last_offset)
        self.mode, self.include_last_offset = mode, include_last_offset

    def forward(self, x: Any, offsets: Any = None, per_sample_weights: Any = None) -> Tensor:
        """`x` of shape (bags, length), or (tokens,) with `offsets`, gives (bags, embedding_dim).

        More of the arguments says `ops.embedding_bag`.
        """
        if self.max_norm is not None:
            self._shorten_rows_of(x)
        return ops.embedding_bag(
            x, self.weight, offsets, mode=self.mode, per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset, padding_idx=self.padding_idx,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """`num_embeddings, embedding_dim, mode=…`, and what is not its default."""
        return f"{super().extra_repr()}, mode={self.mode!r}"
