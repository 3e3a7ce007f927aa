"""GPT: a stack of Transformer blocks that learns to foretell the next token, and so can write.

    x = tokens' rows + positions' rows;   x ← x + attention(norm(x));   x ← x + network(norm(x));   scores = norm(x) Wᵀ

with W the tokens' table itself ("tied"). A block looks only to the left: one pass learns from every position at once.

Reference: A. Radford et al., "Language models are unsupervised multitask learners", 2019 (GPT-2, whose layout and names
these are).
"""

from __future__ import annotations

from typing import Any

from .. import init, ops
from ..autograd import Tensor
from ..autograd.registry import slot
from ..backend.arguments import real, switch, whole
from ..backend.errors import ShapeError
from ..nn.containers import ModuleList
from ..nn.dropout import Dropout
from ..nn.embedding import Embedding
from ..nn.group_norm import LayerNorm
from ..nn.linear import Linear
from ..nn.module import Module
from ..nn.parameter import Parameter
from .cache import KVCache
from .decoding import Decoder, stands_for
from .writer import Writer

_SPLIT = slot("split")


class GPTBlock(Module):
    """Attention to what came before, then a network of two maps; each normalised first and added to its input.

    Parameters
    ----------
    dim, heads : int
        Features, cut into `heads` equal heads.
    dropout : float
        Of attention weights and of what is added, in training.
    bias : bool
        Whether maps and normalisations have one.
    device, dtype
        Of the parameters.
    norm_eps : float
        What keeps the normalisations' division finite.

    Attributes
    ----------
    ln_1, attn_qkv, attn_proj : LayerNorm, Linear(dim, 3 dim), Linear(dim, dim)
    ln_2, mlp_fc, mlp_proj : LayerNorm, Linear(dim, 4 dim), Linear(4 dim, dim)

    Examples
    --------
    >>> from needle_edu import init
    >>> GPTBlock(8, 2)(init.randn(3, 5, 8)).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        device: Any = None,
        dtype: Any = "float32",
        *,
        norm_eps: float = 1e-5,
    ):
        super().__init__(device=device, dtype=dtype)
        whole("GPTBlock", dim=dim, heads=heads)
        switch("GPTBlock", bias=bias)
        real("GPTBlock", 0, 1, dropout=dropout)
        if dim % heads:
            raise ShapeError(f"GPTBlock: {dim} features do not make {heads} equal heads")
        place = {"device": device, "dtype": dtype}
        self.heads = heads
        self.ln_1 = LayerNorm(dim, norm_eps, bias=bias, **place)
        self.attn_qkv = Linear(dim, 3 * dim, bias, **place)
        self.attn_proj = Linear(dim, dim, bias, **place)
        self.ln_2 = LayerNorm(dim, norm_eps, bias=bias, **place)
        self.mlp_fc = Linear(dim, 4 * dim, bias, **place)
        self.mlp_proj = Linear(4 * dim, dim, bias, **place)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, cache: KVCache | None = None, layer: int = 0) -> Tensor:
        """`x` of shape (batch, length, dim), which with a cache is what follows the tokens in it."""
        x = x + self.dropout(self.attn_proj(self._attended(self.ln_1(x), cache, layer)))
        return x + self.dropout(self.mlp_proj(ops.gelu(self.mlp_fc(self.ln_2(x)), "tanh")))

    def _attended(self, x: Tensor, cache: KVCache | None, layer: int) -> Tensor:
        batch, length, dim = x.shape
        packed = self.attn_qkv(x).reshape((batch, length, 3, self.heads, dim // self.heads))
        q, k, v = (
            part.transpose((1, 2)) for part in _SPLIT.cls(2).apply(packed)
        )  # (batch, heads, length, size)
        if cache is not None:
            k, v = cache.put(layer, k, v)
        p = self.dropout.p if self.training else 0.0
        y = ops.scaled_dot_product_attention(
            q, k, v, dropout_p=p, is_causal=True, lower_right=cache is not None
        )
        return y.transpose((1, 2)).reshape((batch, length, dim))


class GPT(Writer):
    """A language model: scores for the next token at each position, and `generate`, which writes with them.

    Parameters
    ----------
    tokens, max_len : int
        Size of the vocabulary; the longest sequence.
    layers, heads, dim : int
        Number of blocks; heads; features.
    dropout : float
        In training.
    bias : bool
        Whether maps and normalisations have one.
    device, dtype
        Of the parameters.
    norm_eps : float
        What keeps the normalisations' division finite.

    Attributes
    ----------
    wte, wpe : Embedding(tokens, dim), Embedding(max_len, dim)
        Rows of tokens, which also give the scores, and of positions; drawn from N(0, 0.02²), as all maps are, those
        that end a block divided by the root of the number of additions, 2 layers.
    blocks : ModuleList of GPTBlock
    ln_f : LayerNorm

    Examples
    --------
    >>> import needle_edu as ndl
    >>> ndl.init.seed(0)
    >>> model = GPT(tokens=20, max_len=16, layers=2, heads=2, dim=8)
    >>> model(ndl.Tensor([[1, 2, 3]])).shape
    (1, 3, 20)
    >>> model.generate([1, 2, 3], 4, temperature=0).shape
    (7,)
    """

    def __init__(
        self, tokens: int, max_len: int, layers: int = 4, heads: int = 4, dim: int = 128, dropout: float = 0.0,
        bias: bool = True, device: Any = None, dtype: Any = "float32", *, norm_eps: float = 1e-5,
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        whole("GPT", tokens=tokens, max_len=max_len, layers=layers, heads=heads, dim=dim)
        place = {"device": device, "dtype": dtype}
        self.tokens, self.max_len, self.heads = tokens, max_len, heads
        self.wte = Embedding(tokens, dim, **place)
        self.wpe = Embedding(max_len, dim, **place)
        self.drop = Dropout(dropout)
        self.blocks = ModuleList(
            [GPTBlock(dim, heads, dropout, bias, norm_eps=norm_eps, **place) for _ in range(layers)]
        )
        self.ln_f = LayerNorm(dim, norm_eps, bias=bias, **place)
        self._draw(layers, place)

    def _draw(self, layers: int, place: dict) -> None:
        for table in (self.wte, self.wpe):
            table.weight = Parameter(init.randn(*table.weight.shape, std=0.02, **place))
        for block in self.blocks:
            for name in ("attn_qkv", "attn_proj", "mlp_fc", "mlp_proj"):
                linear = getattr(block, name)
                std = 0.02 / (2 * layers) ** 0.5 if name.endswith("proj") else 0.02
                linear.weight = Parameter(init.randn(*linear.weight.shape, std=std, **place))
                if linear.bias is not None:
                    linear.bias = Parameter(init.zeros(*linear.bias.shape, **place))

    def forward(self, tokens: Tensor, cache: KVCache | None = None) -> Tensor:
        """`tokens` of shape (batch, length) give scores of shape (batch, length, vocabulary).

        With a cache they are what follows the tokens in it; it then holds them too.
        """
        return self.scores(self.hidden(tokens, cache))

    def hidden(self, tokens: Tensor, cache: KVCache | None = None) -> Tensor:
        """The last block's output, normalised, for each position."""
        start, length = self._place(tokens, cache)
        x = self.drop(self.wte(tokens) + self.wpe.weight[start : start + length])
        for layer, block in enumerate(self.blocks):
            x = block(x, cache, layer)
        if cache is not None:
            cache.advance(length)
        return self.ln_f(x)

    def scores(self, x: Tensor) -> Tensor:
        """What the last block gives, normalised, makes these scores."""
        return x @ self.wte.weight.transpose()

    def cache_shape(self) -> tuple[int, int, int]:
        """Layers, heads and features of a head, of which a cache keeps keys and values."""
        return len(self.blocks), self.heads, self.wte.weight.shape[1] // self.heads

    def decoder(self, cache: KVCache, alone: bool) -> Decoder:
        """Reads one token of each sequence after the other; see decoding.py."""
        return Decoder(self, cache, alone)


stands_for(GPTBlock, "_attended")
stands_for(GPT, "hidden", "scores")
