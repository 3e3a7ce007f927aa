"""Llama: a GPT with four parts exchanged, each because it is cheaper or reaches further.

    x = tokens' rows;   x ← x + attention(norm(x));   x ← x + network(norm(x));   scores = norm(x) W

Normalisations divide by the root mean square alone (`nn.RMSNorm`); positions are not added, queries and keys are turned
by theirs (`nn.RotaryPositions`); several heads of queries share one head of keys and values, so that the cache is
smaller; the network is gated (`nn.SwiGLU`).

References: H. Touvron et al., "LLaMA: open and efficient foundation language models", 2023. J. Ainslie et al., "GQA:
training generalized multi-query Transformer models from multi-head checkpoints", EMNLP 2023.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import init, ops
from ..autograd import Tensor
from ..backend.arguments import switch, whole
from ..backend.errors import ShapeError
from ..nn.containers import ModuleList
from ..nn.embedding import Embedding
from ..nn.linear import Linear
from ..nn.module import Module
from ..nn.positions import RotaryPositions
from ..nn.rms_norm import RMSNorm, SwiGLU
from .cache import KVCache
from .writer import Writer


class LlamaBlock(Module):
    """Attention to what came before, heads of queries in groups; then a gated network. Each is added to its input.

    Parameters
    ----------
    dim, heads, kv_heads, size, hidden_dim : int
        Features; heads of queries, and of keys and values; features of a head; features inside the network.
    norm_eps : float
        What keeps the normalisations' division finite.
    attention_bias, mlp_bias : bool
        Whether the maps of attention, and of the network, add one.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    attn_norm, attn_qkv, attn_proj : RMSNorm, Linear(dim, (heads + 2 kv_heads) size), Linear(heads size, dim)
    mlp_norm, mlp : RMSNorm, SwiGLU

    Examples
    --------
    >>> from needle_edu import init, nn
    >>> LlamaBlock(8, 4, 2, 2, 20)(init.randn(3, 5, 8), nn.RotaryPositions(5, 2)).shape
    (3, 5, 8)
    """

    def __init__(
        self, dim: int, heads: int, kv_heads: int, size: int, hidden_dim: int, norm_eps: float = 1e-5,
        attention_bias: bool = False, mlp_bias: bool = False, device: Any = None, dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        whole("LlamaBlock", dim=dim, heads=heads, kv_heads=kv_heads, size=size, hidden_dim=hidden_dim)
        switch("LlamaBlock", attention_bias=attention_bias, mlp_bias=mlp_bias)
        if heads % kv_heads:
            raise ShapeError(f"LlamaBlock: {heads} heads do not make {kv_heads} equal groups")
        place = {"device": device, "dtype": dtype}
        self.heads, self.kv_heads, self.size = heads, kv_heads, size
        self.attn_norm = RMSNorm(dim, norm_eps, **place)
        self.attn_qkv = Linear(dim, (heads + 2 * kv_heads) * size, attention_bias, **place)
        self.attn_proj = Linear(heads * size, dim, attention_bias, **place)
        self.mlp_norm = RMSNorm(dim, norm_eps, **place)
        self.mlp = SwiGLU(dim, hidden_dim, mlp_bias, **place)

    def forward(
        self, x: Tensor, rotary: RotaryPositions, cache: KVCache | None = None, layer: int = 0
    ) -> Tensor:
        """`x` of shape (batch, length, dim), which with a cache is what follows the tokens in it."""
        x = x + self.attn_proj(self._attended(self.attn_norm(x), rotary, cache, layer))
        return x + self.mlp(self.mlp_norm(x))

    def _attended(self, x: Tensor, rotary: RotaryPositions, cache: KVCache | None, layer: int) -> Tensor:
        batch, length, _ = x.shape
        rows = self.attn_qkv(x).reshape((batch, length, -1, self.size)).transpose((1, 2))
        turned = rotary(rows[:, : self.heads + self.kv_heads], 0 if cache is None else cache.length)
        q, k, v = turned[:, : self.heads], turned[:, self.heads :], rows[:, self.heads + self.kv_heads :]
        if cache is not None:
            k, v = cache.put(layer, k, v)
        y = ops.scaled_dot_product_attention(
            q, k, v, is_causal=True, lower_right=cache is not None, enable_gqa=self.kv_heads != self.heads
        )
        return y.transpose((1, 2)).reshape((batch, length, self.heads * self.size))


class Llama(Writer):
    """A language model of Llama's family: scores for the next token at each position, and `generate`.

    Parameters
    ----------
    tokens, max_len : int
        Size of the vocabulary; the longest sequence.
    layers, heads, dim : int
        Number of blocks; heads of queries; features.
    kv_heads : int, optional
        Heads of keys and values, which the heads of queries share in equal groups; by default as many.
    hidden_dim : int, optional
        Features inside the gated network; by default 4 dim.
    head_dim : int, optional
        Features of a head; by default dim / heads.
    base, frequencies
        Of the positions' angles, as in `nn.RotaryPositions`.
    norm_eps : float
    tied : bool
        Whether the scores are made by the tokens' table; otherwise by a map of their own, `head`.
    attention_bias, mlp_bias : bool
    device, dtype
        Of the parameters.

    Attributes
    ----------
    wte : Embedding(tokens, dim)
    blocks : ModuleList of LlamaBlock
    norm : RMSNorm
    head : Linear(dim, tokens) without a bias, or None
        All maps and the table are drawn from N(0, 0.02²).

    Examples
    --------
    >>> import needle_edu as ndl
    >>> ndl.init.seed(0)
    >>> model = Llama(tokens=20, max_len=16, layers=2, heads=4, dim=8, kv_heads=2)
    >>> model(ndl.Tensor([[1, 2, 3]])).shape
    (1, 3, 20)
    >>> model.generate([1, 2, 3], 4, temperature=0).shape
    (7,)
    """

    def __init__(
        self, tokens: int, max_len: int, layers: int = 4, heads: int = 4, dim: int = 128,
        kv_heads: int | None = None, hidden_dim: int | None = None, head_dim: int | None = None,
        base: float = 10000.0, frequencies: Any = None, norm_eps: float = 1e-5, tied: bool = False,
        attention_bias: bool = False, mlp_bias: bool = False, device: Any = None, dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        whole("Llama", tokens=tokens, max_len=max_len, layers=layers, heads=heads, dim=dim)
        switch("Llama", tied=tied)
        if head_dim is None and dim % heads:
            raise ShapeError(f"Llama: {dim} features do not make {heads} equal heads; give head_dim")
        place = {"device": device, "dtype": dtype}
        self.tokens, self.max_len = tokens, max_len
        size = dim // heads if head_dim is None else head_dim
        kv_heads = heads if kv_heads is None else kv_heads
        sizes = heads, kv_heads, size, 4 * dim if hidden_dim is None else hidden_dim
        self.wte = Embedding(tokens, dim, **place)
        self.rotary = RotaryPositions(max_len, size, base, frequencies=frequencies, **place)
        self.blocks = ModuleList(
            [LlamaBlock(dim, *sizes, norm_eps, attention_bias, mlp_bias, **place) for _ in range(layers)]
        )
        self.norm = RMSNorm(dim, norm_eps, **place)
        self.head = None if tied else Linear(dim, tokens, bias=False, **place)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                parameter.data = init.zeros(*parameter.shape, **place)
            elif parameter.ndim == 2:
                parameter.data = init.randn(*parameter.shape, std=0.02, **place)

    def forward(self, tokens: Tensor, cache: KVCache | None = None) -> Tensor:
        """`tokens` of shape (batch, length) give scores of shape (batch, length, vocabulary).

        With a cache they are what follows the tokens in it; it then holds them too.
        """
        return self.scores(self.hidden(tokens, cache))

    def hidden(self, tokens: Tensor, cache: KVCache | None = None) -> Tensor:
        """The last block's output, normalised, for each position."""
        _, length = self._place(tokens, cache)
        x = self.wte(tokens)
        for layer, block in enumerate(self.blocks):
            x = block(x, self.rotary, cache, layer)
        if cache is not None:
            cache.advance(length)
        return self.norm(x)

    def scores(self, x: Tensor) -> Tensor:
        """What the last block gives, normalised, makes these scores."""
        return x @ self.wte.weight.transpose() if self.head is None else self.head(x)

    def cache_shape(self) -> tuple[int, int, int]:
        """Layers, heads of keys and values, and features of a head."""
        block = self.blocks[0]
        return len(self.blocks), block.kv_heads, block.size


def llama3_frequencies(
    dim: int, base: float, factor: float, low_freq_factor: float, high_freq_factor: float, original: int
) -> np.ndarray:
    r"""Angles of one step for texts longer than those a model learnt from, as Llama 3.1 has them.

    With the wavelength :math:`\lambda = 2\pi / \theta` of a pair: pairs with :math:`\lambda` below `original` /
    `high_freq_factor` stay, those above `original` / `low_freq_factor` turn `factor` times more slowly, and between the
    two the one goes over into the other.

    Parameters
    ----------
    dim, base
        As in `nn.RotaryPositions`.
    factor, low_freq_factor, high_freq_factor : float
    original : int
        The longest sequence the model learnt from.

    Returns
    -------
    numpy.ndarray of float64, shape (dim / 2,)

    Examples
    --------
    >>> llama3_frequencies(4, 10000.0, 8.0, 1.0, 4.0, 100).round(5).tolist()
    [1.0, 0.00125]
    """
    theta = base ** (-np.arange(0, dim, 2) / dim)
    turns = original * theta / (2 * np.pi)  # how often a pair goes round in the longest sequence
    kept = np.clip((turns - low_freq_factor) / (high_freq_factor - low_freq_factor), 0, 1)
    return kept * theta + (1 - kept) * theta / factor
