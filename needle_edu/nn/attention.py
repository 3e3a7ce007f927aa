"""MultiheadAttention, PyTorch's: queries, keys and values are mapped, cut into heads that attend by themselves, joined.

Needle's layers of a similar name, `MultiHeadAttention` and `AttentionLayer`, stand in needle_transformer.py; what a
head computes, in `needle_edu/ops/attention.py`.
"""

from __future__ import annotations

from typing import Any

from .. import init, ops
from ..autograd import Tensor
from ..autograd.registry import slot
from ..backend.arguments import floating, real, switch, whole
from ..backend.errors import DTypeError, ShapeError
from .inputs import as_tensor
from .linear import Linear
from .module import Module
from .parameter import Parameter

_SPLIT = slot("split")


class MultiheadAttention(Module):
    r"""Attention of several heads side by side, each on its own part of the features.

    .. math:: Y = \operatorname{concat}(Y_1, \dots, Y_h)\,W_O,\quad
              Y_i = \operatorname{softmax}(Q_i K_i^\top / \sqrt d + M)\,V_i,\quad Q = X_q W_Q + b_Q, \dots

    Parameters
    ----------
    embed_dim, num_heads : int
        Features of queries and results; they are cut into `num_heads` equal heads.
    dropout : float
        Probability with which a weight is dropped in training.
    bias : bool
        Whether the four maps add a bias.
    add_bias_kv : bool
        Whether a learnable key and value are put behind the others.
    add_zero_attn : bool
        Whether a key and a value of zeros are.
    kdim, vdim : int, optional
        Features of keys and values; by default embed_dim.
    batch_first : bool
        Inputs are (batch, length, features), not (length, batch, features).
    device, dtype
        Of the parameters.

    Attributes
    ----------
    in_proj_weight : Parameter of shape (embed_dim, 3 embed_dim), or None
        W_Q, W_K, W_V side by side, drawn as one Xavier-uniform matrix; PyTorch's transposed.
    q_proj_weight, k_proj_weight, v_proj_weight : Parameter of shape (features, embed_dim), or None
        In its place, where kdim or vdim differ from embed_dim.
    in_proj_bias : Parameter of shape (3 embed_dim,), starting at 0, or None
    bias_k, bias_v : Parameter of shape (1, 1, embed_dim), or None
    out_proj : Linear(embed_dim, embed_dim), its bias starting at 0

    References
    ----------
    A. Vaswani et al., "Attention is all you need", 2017.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> layer = MultiheadAttention(8, 2, batch_first=True)
    >>> x = ndl.init.randn(4, 3, 8)
    >>> y, weights = layer(x, x, x, is_causal=True)
    >>> y.shape, weights.shape, weights.numpy()[0, 0].tolist()
    ((4, 3, 8), (4, 3, 3), [1.0, 0.0, 0.0])
    """

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, add_bias_kv: bool = False,
        add_zero_attn: bool = False, kdim: int | None = None, vdim: int | None = None, batch_first: bool = False,
        device: Any = None, dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        who = "MultiheadAttention"
        self.embed_dim, self.num_heads = whole(who, embed_dim=embed_dim, num_heads=num_heads)
        self.kdim, self.vdim = whole(who, kdim=embed_dim if kdim is None else kdim,
                                     vdim=embed_dim if vdim is None else vdim)  # fmt: skip
        real(who, 0, 1, dropout=dropout)
        switch(who, bias=bias, add_bias_kv=add_bias_kv, add_zero_attn=add_zero_attn, batch_first=batch_first)
        floating(who, "parameters", dtype)
        if embed_dim % num_heads:
            raise ShapeError(f"{who}: {embed_dim} features do not make {num_heads} equal heads")
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        place = {"device": device, "dtype": dtype}
        self.in_proj_weight = self.q_proj_weight = self.k_proj_weight = self.v_proj_weight = None
        if self.kdim == self.vdim == embed_dim:
            self.in_proj_weight = Parameter(init.xavier_uniform(embed_dim, 3 * embed_dim, **place))
        else:
            self.q_proj_weight = Parameter(init.xavier_uniform(embed_dim, embed_dim, **place))
            self.k_proj_weight = Parameter(init.xavier_uniform(self.kdim, embed_dim, **place))
            self.v_proj_weight = Parameter(init.xavier_uniform(self.vdim, embed_dim, **place))
        self.in_proj_bias = Parameter(init.zeros(3 * embed_dim, **place)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, **place)
        if bias:
            self.out_proj.bias = Parameter(init.zeros(1, embed_dim, **place))
        self.bias_k = self.bias_v = None
        if add_bias_kv:
            std = embed_dim**-0.5
            self.bias_k = Parameter(init.randn(1, 1, embed_dim, std=std, **place))
            self.bias_v = Parameter(init.randn(1, 1, embed_dim, std=std, **place))

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Any = None, need_weights: bool = True,
        attn_mask: Any = None, average_attn_weights: bool = True, is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        """Return what the queries take from the values, of the queries' shape, and the weights.

        Parameters
        ----------
        query, key, value : Tensor of shape (L, N, embed_dim), (S, N, kdim), (S, N, vdim)
            With `batch_first` N comes first.
        key_padding_mask : Tensor of shape (N, S), optional
            Bools: True where a key does NOT count. Numbers are added to the scores.
        need_weights : bool
            Whether the weights are wanted; without them nothing of size L · S is kept.
        attn_mask : Tensor of shape (L, S) or (N · num_heads, L, S), optional
            Bools: True where a query may NOT look (in `ops.scaled_dot_product_attention` it is where it may).
        average_attn_weights : bool
            Weights are the mean of those of the heads, (N, L, S), or else (N, num_heads, L, S).
        is_causal : bool
            Query i sees the keys 0 to i; a mask may be given as well.
        """
        switch(
            "MultiheadAttention",
            need_weights=need_weights,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        same = query is key is value
        query = as_tensor(query)
        key, value = (query, query) if same else (as_tensor(key), as_tensor(value))
        self._check(query, key, value)
        if not self.batch_first:
            query = query.transpose((0, 1))
            key, value = (query, query) if same else (key.transpose((0, 1)), value.transpose((0, 1)))
        n, length = query.shape[:2]
        q, k, v = (
            self._heads_of_one(query)
            if same and self.in_proj_weight is not None
            else self._heads(query, key, value)
        )
        mask = self._mask(key_padding_mask, attn_mask, n, length, key.shape[1], k.shape[2] - key.shape[1], q)
        p = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            weights = ops.attention_weights(q, k, mask, is_causal)
            weights = ops.dropout(weights, p) if p else weights
            y = weights @ v
            weights = weights.mean(1) if average_attn_weights else weights
        else:
            y = ops.scaled_dot_product_attention(q, k, v, mask, p, is_causal)
        y = self.out_proj(y.transpose((1, 2)).reshape((n, length, self.embed_dim)))
        return (y if self.batch_first else y.transpose((0, 1))), weights

    def _check(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        batch, length = (0, 1) if self.batch_first else (1, 0)
        shapes = query.shape, key.shape, value.shape
        if (
            any(len(shape) != 3 for shape in shapes)
            or [shape[2] for shape in shapes] != [self.embed_dim, self.kdim, self.vdim]
            or len({shape[batch] for shape in shapes}) > 1
            or key.shape[length] != value.shape[length]
        ):
            axes = (
                "(N, L, {0}), (N, S, {1}) and (N, S, {2})"
                if self.batch_first
                else "(L, N, {0}), (S, N, {1}) and (S, N, {2})"
            )
            raise ShapeError(
                f"MultiheadAttention({self.extra_repr()}): wanted query, key and value of shapes "
                f"{axes.format(self.embed_dim, self.kdim, self.vdim)}, got {shapes[0]}, {shapes[1]} and {shapes[2]}"
            )

    def _heads_of_one(self, x: Tensor) -> list[Tensor]:
        """Map one input to queries, keys and values by one product; each (N, num_heads, length, size of a head)."""
        packed = x @ self.in_proj_weight
        if self.in_proj_bias is not None:
            packed = packed + self.in_proj_bias
        packed = packed.reshape((*x.shape[:2], 3, self.num_heads, self.embed_dim // self.num_heads))
        parts = list(_SPLIT.cls(2).apply(packed))
        return self._with_more([part.transpose((1, 2)) for part in parts])

    def _heads(self, query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
        size = self.embed_dim // self.num_heads
        if self.in_proj_weight is not None:
            weights = list(ops.chunk(self.in_proj_weight, 3, 1))
        else:
            weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        biases = [None] * 3 if self.in_proj_bias is None else list(ops.chunk(self.in_proj_bias, 3, 0))
        heads = []
        for x, weight, bias in zip((query, key, value), weights, biases, strict=True):
            y = x @ weight if bias is None else x @ weight + bias
            heads.append(y.reshape((*x.shape[:2], self.num_heads, size)).transpose((1, 2)))
        return self._with_more(heads)

    def _with_more(self, heads: list[Tensor]) -> list[Tensor]:
        """Put what `add_bias_kv` and `add_zero_attn` add behind keys and values."""
        q, *rest = heads
        n, shape = q.shape[0], (1, 1, self.num_heads, q.shape[3])
        for place, learned in enumerate((self.bias_k, self.bias_v)):
            more = []
            if learned is not None:
                more.append(learned.reshape(shape).transpose((1, 2)))
            if self.add_zero_attn:
                more.append(init.zeros(1, self.num_heads, 1, q.shape[3], device=q.device, dtype=q.dtype))
            if more:
                behind = [x.broadcast_to((n, *x.shape[1:])) for x in more]
                rest[place] = ops.concat([rest[place], *behind], 2)
        return [q, *rest]

    def _mask(
        self, padding: Any, mask: Any, n: int, length: int, keys: int, more: int, q: Tensor
    ) -> Tensor | None:
        """Return what is added to the scores: of shape (n or 1, heads or 1, length or 1, keys + more)."""
        total = None
        if padding is not None:
            padding = _added("key_padding_mask", padding, q, [(n, keys)])
            total = padding.reshape((n, 1, 1, keys))
        if mask is not None:
            mask = _added("attn_mask", mask, q, [(length, keys), (n * self.num_heads, length, keys)])
            mask = mask if mask.ndim == 2 else mask.reshape((n, self.num_heads, length, keys))
            total = mask if total is None else total + mask
        if total is not None and more:
            total = ops.pad(total, [(0, 0)] * (total.ndim - 1) + [(0, more)])
        return total

    def extra_repr(self) -> str:
        """`embed_dim, num_heads`, and what is not its default."""
        more = [name for name in ("batch_first", "add_zero_attn") if getattr(self, name)]
        parts = [f"{self.embed_dim}, {self.num_heads}", *[f"{name}=True" for name in more]]
        return ", ".join(parts + ([f"dropout={self.dropout}"] if self.dropout else []))


def _added(name: str, mask: Any, q: Tensor, shapes: list[tuple[int, ...]]) -> Tensor:
    """Return a mask as numbers to add: bools are True where nothing is seen."""
    mask = as_tensor(mask, q.device)
    if mask.shape not in shapes:
        wanted = " or ".join(str(shape) for shape in shapes)
        raise ShapeError(f"MultiheadAttention: {name} has shape {mask.shape}, wanted {wanted}")
    if mask.dtype.kind == "b":
        return ops.masked_fill(init.zeros(*mask.shape, device=q.device, dtype=q.dtype), mask, -float("inf"))
    if mask.dtype != q.dtype:
        raise DTypeError(f"MultiheadAttention: {name} holds bools or {q.dtype}, got {mask.dtype}")
    return mask
