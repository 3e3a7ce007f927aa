"""The course's Transformer: attention over heads, a layer around it, and a stack of those with learned positions.

The names, signatures, orders of random draws and results are those of Needle's homework on sequence models; layers
with PyTorch's names are in attention.py and transformer.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import init, ops
from ..autograd import Tensor
from ..backend.arguments import floating, real, switch, whole
from ..backend.errors import ShapeError
from .activations import ReLU
from .containers import Sequential
from .dropout import Dropout
from .embedding import Embedding
from .inputs import as_tensor
from .linear import Linear
from .module import Module
from .norm import LayerNorm1d


class MultiHeadAttention(Module):
    """Attention of heads that lie along the second axis: no weights, only the averaging.

    Parameters
    ----------
    dropout : float
        Probability with which a weight is dropped in training; under the name `needle` one `rand(batch, heads, queries,
        keys)` is drawn.
    causal : bool
        The queries are the last ones of the sequence; each sees the keys up to itself.
    device, dtype
        Ignored: there is nothing to keep.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> q = ndl.init.ones(1, 1, 2, 4)
    >>> result, weights = MultiHeadAttention(causal=True)(q, q, q)
    >>> result.shape, weights.numpy()[0, 0].tolist()
    ((1, 1, 2, 4), [[1.0, 0.0], [0.5, 0.5]])
    """

    def __init__(
        self, *, dropout: float = 0.0, causal: bool = False, device: Any = None, dtype: Any = "float32"
    ):
        super().__init__(device=device, dtype=dtype)
        switch("MultiHeadAttention", causal=causal)
        self.causal = causal
        self.dropout = Dropout(dropout)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return the averages and the weights for q, k, v of shape (batch, heads, length, size of a head)."""
        q, k, v = self._checked(q, k, v)
        weights = self.dropout(ops.attention_weights(q, k, is_causal=self.causal, lower_right=self.causal))
        return weights @ v, weights

    def average(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Return the averages alone: no weights are kept."""
        q, k, v = self._checked(q, k, v)
        p = self.dropout.p if self.dropout.training else 0.0
        return ops.scaled_dot_product_attention(q, k, v, None, p, self.causal, lower_right=self.causal)

    def _checked(self, *tensors: Any) -> list[Tensor]:
        found = [as_tensor(x) for x in tensors]
        if any(x.ndim != 4 for x in found):
            shapes = ", ".join(str(x.shape) for x in found)
            raise ShapeError(
                f"MultiHeadAttention: wanted q, k, v of shape (batch, heads, length, size), got {shapes}"
            )
        return found

    def extra_repr(self) -> str:
        """`causal=True` if it is."""
        return "causal=True" if self.causal else ""


class AttentionLayer(Module):
    """Normalise, map to heads, attend, join the heads, map back.

    Parameters
    ----------
    q_features, num_head, dim_head : int
        Features of the queries; number of heads and the size of each.
    k_features, v_features, out_features : int, optional
        By default `q_features`.
    dropout, causal
        As for `MultiHeadAttention`.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    prenorm_q, prenorm_k, prenorm_v : LayerNorm1d
    q_projection, k_projection, v_projection, out_projection : Linear without bias, drawn in this order
    attn : MultiHeadAttention

    Examples
    --------
    >>> import needle_edu as ndl
    >>> AttentionLayer(6, 2, 4)(ndl.init.randn(3, 5, 6)).shape
    (3, 5, 6)
    """

    def __init__(
        self, q_features: int, num_head: int, dim_head: int, *, k_features: int | None = None,
        v_features: int | None = None, out_features: int | None = None, dropout: float = 0.0, causal: bool = True,
        device: Any = None, dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        who = "AttentionLayer"
        k_features = q_features if k_features is None else k_features
        v_features = q_features if v_features is None else v_features
        out_features = q_features if out_features is None else out_features
        whole(who, q_features=q_features, num_head=num_head, dim_head=dim_head, k_features=k_features,
              v_features=v_features, out_features=out_features)  # fmt: skip
        floating(who, "parameters", dtype)
        place = {"device": device, "dtype": dtype}
        self.q_features, self.k_features, self.v_features = q_features, k_features, v_features
        self.num_head, self.dim_head, self.out_features = num_head, dim_head, out_features
        self.prenorm_q = LayerNorm1d(q_features, **place)
        self.prenorm_k = LayerNorm1d(k_features, **place)
        self.prenorm_v = LayerNorm1d(v_features, **place)
        inner = num_head * dim_head
        self.q_projection = Linear(q_features, inner, bias=False, **place)
        self.k_projection = Linear(k_features, inner, bias=False, **place)
        self.v_projection = Linear(v_features, inner, bias=False, **place)
        self.attn = MultiHeadAttention(dropout=dropout, causal=causal, **place)
        self.out_projection = Linear(inner, out_features, bias=False, **place)

    def forward(self, q: Tensor, k: Tensor | None = None, v: Tensor | None = None) -> Tensor:
        """Return (batch, queries, out_features); q is (batch, queries, q_features), k and v, by default q, likewise."""
        q = as_tensor(q)
        k = q if k is None else as_tensor(k)
        v = q if v is None else as_tensor(v)
        if any(x.ndim != 3 for x in (q, k, v)):
            raise ShapeError(
                f"AttentionLayer: wanted (batch, length, features), got {q.shape}, {k.shape} and {v.shape}"
            )
        q = self._heads(self.q_projection(self.prenorm_q(q)))
        k = self._heads(self.k_projection(self.prenorm_k(k)))
        v = self._heads(self.v_projection(self.prenorm_v(v)))
        y = self.attn.average(q, k, v).transpose((1, 2))
        return self.out_projection(y.reshape((*y.shape[:2], self.num_head * self.dim_head)))

    def _heads(self, x: Tensor) -> Tensor:
        """(batch, length, heads · size) as (batch, heads, length, size)."""
        return x.reshape((*x.shape[:2], self.num_head, self.dim_head)).transpose((1, 2))


class TransformerLayer(Module):
    """Attention and a network of two maps, each normalised before and added to its input.

        x ← x + dropout(attention(norm(x)));   x ← x + dropout(map₂(dropout(relu(map₁(norm(x))))))

    Parameters
    ----------
    q_features, num_head, dim_head : int
        As for `AttentionLayer`.
    hidden_size : int
        Features between the two maps.
    dropout, causal, device, dtype
        As for `AttentionLayer`.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> TransformerLayer(6, 2, 4, 16)(ndl.init.randn(3, 5, 6)).shape
    (3, 5, 6)
    """

    def __init__(
        self, q_features: int, num_head: int, dim_head: int, hidden_size: int, *, dropout: float = 0.0,
        causal: bool = True, device: Any = None, dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        whole("TransformerLayer", hidden_size=hidden_size)
        place = {"device": device, "dtype": dtype}
        self.attention = AttentionLayer(
            q_features, num_head, dim_head, dropout=dropout, causal=causal, **place
        )
        self.dropout1 = Dropout(dropout)
        self.feed_forward = Sequential(
            LayerNorm1d(q_features, **place),
            Linear(q_features, hidden_size, **place),
            ReLU(),
            Dropout(dropout),
            Linear(hidden_size, q_features, **place),
            Dropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (batch, length, q_features)."""
        x = as_tensor(x)
        x = x + self.dropout1(self.attention(x))
        return x + self.feed_forward(x)


class Transformer(Module):
    """Learned positions added to the input, then `num_layers` times `TransformerLayer`.

    Parameters
    ----------
    embedding_size, hidden_size, num_layers : int
        Features of the input; those inside of a layer; number of layers.
    num_head, dim_head, dropout, causal
        As for `AttentionLayer`.
    device, dtype
        Of the parameters.
    batch_first : bool
        The input is (batch, length, features), not (length, batch, features).
    sequence_len : int
        The longest sequence there is a position for.

    Attributes
    ----------
    embedding : Embedding(sequence_len, embedding_size), drawn first
    layers : Sequential of TransformerLayer

    Examples
    --------
    >>> import needle_edu as ndl
    >>> out, h = Transformer(6, 16, 2, num_head=2, dim_head=4, sequence_len=10)(ndl.init.randn(5, 3, 6))
    >>> out.shape, h.shape
    ((5, 3, 6), (5, 3, 6))
    """

    def __init__(
        self, embedding_size: int, hidden_size: int, num_layers: int, *, num_head: int = 8, dim_head: int = 32,
        dropout: float = 0.0, causal: bool = True, device: Any = None, dtype: Any = "float32",
        batch_first: bool = False, sequence_len: int = 2048,
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        who = "Transformer"
        whole(who, embedding_size=embedding_size, num_layers=num_layers, sequence_len=sequence_len)
        switch(who, batch_first=batch_first)
        real(who, 0, 1, dropout=dropout)
        place = {"device": device, "dtype": dtype}
        self.batch_first, self.sequence_len = batch_first, sequence_len
        self.embedding = Embedding(sequence_len, embedding_size, **place)
        self.layers = Sequential(
            *[
                TransformerLayer(
                    embedding_size, num_head, dim_head, hidden_size, dropout=dropout, causal=causal, **place
                )
                for _ in range(num_layers)
            ]
        )

    def forward(self, x: Tensor, h: Any = None) -> tuple[Tensor, Tensor]:
        """Return the last layer's output, of the shape of `x`, and zeros in place of a state; `h` is not used."""
        x = as_tensor(x)
        if x.ndim != 3:
            axes = "(batch, length, features)" if self.batch_first else "(length, batch, features)"
            raise ShapeError(f"Transformer: wanted {axes}, got shape {x.shape}")
        if not self.batch_first:
            x = x.transpose((0, 1))
        if x.shape[1] > self.sequence_len:
            raise ShapeError(
                f"Transformer: there are {self.sequence_len} positions, got a sequence of {x.shape[1]}; "
                "make it with a larger sequence_len"
            )
        x = x + self.embedding(Tensor(np.arange(x.shape[1]), device=x.device, requires_grad=False))
        x = self.layers(x)
        if not self.batch_first:
            x = x.transpose((0, 1))
        return x, init.zeros_like(x)
