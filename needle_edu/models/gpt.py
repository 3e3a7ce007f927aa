"""GPT: a stack of Transformer blocks that learns to foretell the next token, and so can write.

    x = tokens' rows + positions' rows;   x ← x + attention(norm(x));   x ← x + network(norm(x));   scores = norm(x) Wᵀ

with W the tokens' table itself ("tied"). A block looks only to the left: one pass learns from every position at once.

Reference: A. Radford et al., "Language models are unsupervised multitask learners", 2019 (GPT-2, whose layout and names
these are).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from .. import init, ops
from ..autograd import Tensor, no_grad
from ..autograd.registry import slot
from ..backend.arguments import real, switch, whole
from ..backend.errors import ShapeError
from ..backend.random import generator
from ..nn.containers import ModuleList
from ..nn.dropout import Dropout
from ..nn.embedding import Embedding
from ..nn.group_norm import LayerNorm
from ..nn.linear import Linear
from ..nn.module import Module
from ..nn.parameter import Parameter
from . import sampling
from .cache import KVCache
from .decoding import Decoder, stands_for

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
    ):
        super().__init__(device=device, dtype=dtype)
        whole("GPTBlock", dim=dim, heads=heads)
        switch("GPTBlock", bias=bias)
        real("GPTBlock", 0, 1, dropout=dropout)
        if dim % heads:
            raise ShapeError(f"GPTBlock: {dim} features do not make {heads} equal heads")
        place = {"device": device, "dtype": dtype}
        self.heads = heads
        self.ln_1 = LayerNorm(dim, bias=bias, **place)
        self.attn_qkv = Linear(dim, 3 * dim, bias, **place)
        self.attn_proj = Linear(dim, dim, bias, **place)
        self.ln_2 = LayerNorm(dim, bias=bias, **place)
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


class GPT(Module):
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
        bias: bool = True, device: Any = None, dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        whole("GPT", tokens=tokens, max_len=max_len, layers=layers, heads=heads, dim=dim)
        place = {"device": device, "dtype": dtype}
        self.tokens, self.max_len, self.heads = tokens, max_len, heads
        self.wte = Embedding(tokens, dim, **place)
        self.wpe = Embedding(max_len, dim, **place)
        self.drop = Dropout(dropout)
        self.blocks = ModuleList([GPTBlock(dim, heads, dropout, bias, **place) for _ in range(layers)])
        self.ln_f = LayerNorm(dim, bias=bias, **place)
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
        x = self._hidden(tokens, cache)
        return x @ self.wte.weight.transpose()

    def _hidden(self, tokens: Tensor, cache: KVCache | None) -> Tensor:
        """The last block's output, normalised, for each position."""
        if tokens.ndim != 2:
            raise ShapeError(f"GPT: wanted tokens of shape (batch, length), got {tokens.shape}")
        start, length = 0 if cache is None else cache.length, tokens.shape[1]
        if start + length > self.max_len:
            raise ShapeError(f"GPT: at most {self.max_len} tokens, got a sequence of {start + length}")
        x = self.drop(self.wte(tokens) + self.wpe.weight[start : start + length])
        for layer, block in enumerate(self.blocks):
            x = block(x, cache, layer)
        if cache is not None:
            cache.advance(length)
        return self.ln_f(x)

    def new_cache(self, batch: int = 1) -> KVCache:
        """An empty cache for `batch` sequences."""
        table = self.wte.weight
        size = table.shape[1] // self.heads
        return KVCache(len(self.blocks), batch, self.heads, self.max_len, size, table.device, table.dtype)

    def generate(
        self, tokens: Any, count: int, *, temperature: float = 1.0, top_k: int | None = None,
        top_p: float | None = None, seed: int | None = None, use_cache: bool = True,
        on_token: Callable[[np.ndarray], object] | None = None,
    ) -> np.ndarray:  # fmt: skip
        """Return the tokens and `count` more, drawn one after the other.

        Parameters
        ----------
        tokens : array of int, of shape (length,) or (batch, length)
            What to go on from; one at least.
        count : int
        temperature : float
            Scores are divided by it; 0 takes the best token each time.
        top_k, top_p : optional
            Draw among the k best tokens; among the fewest that have this share of the probability.
        seed : int, optional
            Of the drawing; by default the global generator goes on.
        use_cache : bool
            Keep keys and values; otherwise each token costs a pass over all before it, with the same scores.
        on_token : callable, optional
            Called with each step's new tokens, of shape (batch,): to show text while it is written.

        Returns
        -------
        numpy.ndarray of int64
            A sequence longer than `max_len` is forgotten from the left, half of it at a time.
        """
        given = sampling.whole_numbers(tokens, self.tokens)
        (count,) = whole("GPT.generate", 0, count=count)
        rows = np.atleast_2d(given)
        steps = self._steps(rows, temperature, top_k, top_p, seed, use_cache, alone=on_token is None)
        parts = [rows]
        for _, new in zip(range(count), steps, strict=False):
            parts.append(new[:, None])
            if on_token is not None:
                on_token(new)
        made = np.concatenate(parts, axis=1)
        return made[0] if given.ndim == 1 else made

    def stream(
        self, tokens: Any, *, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None,
        seed: int | None = None, use_cache: bool = True,
    ) -> Iterator[np.ndarray]:  # fmt: skip
        """Yield one token after the other for ever, each of shape (batch,); arguments as for `generate`."""
        given = np.atleast_2d(sampling.whole_numbers(tokens, self.tokens))
        return self._steps(given, temperature, top_k, top_p, seed, use_cache, alone=False)

    def _steps(self, rows: np.ndarray, temperature: float, top_k: int | None, top_p: float | None, seed: int | None,
               use_cache: bool, alone: bool) -> Iterator[np.ndarray]:  # fmt: skip
        sampling.check("GPT.generate", temperature, top_k, top_p)
        switch("GPT.generate", use_cache=use_cache)
        source = generator() if seed is None else np.random.RandomState(seed)
        draw = partial(sampling.draw, generator=source, temperature=temperature, top_k=top_k, top_p=top_p)
        return self._drawn(rows, draw, use_cache, alone)

    def _drawn(self, rows: np.ndarray, draw: Callable, use_cache: bool, alone: bool) -> Iterator[np.ndarray]:
        rows = rows[:, -self.max_len :]
        decoder, cache, new = None, None, rows
        while True:
            if rows.shape[1] > self.max_len:  # there is no position left: forget the older half
                rows = rows[:, -(self.max_len + 1) // 2 :]
                cache = None
            if cache is None:
                cache, new = self.new_cache(len(rows)) if use_cache else None, rows
                decoder = None if cache is None else Decoder(self, cache, alone)
            scores = decoder.scores(new) if decoder is not None else None
            token = draw(self._last_scores(new, cache) if scores is None else scores)
            yield token
            new = token[:, None]
            rows = np.concatenate([rows, new], axis=1)

    def _last_scores(self, tokens: np.ndarray, cache: KVCache | None) -> np.ndarray:
        """The scores behind the last token, of shape (batch, vocabulary), without a graph and without dropout."""
        was_training, table = self.training, self.wte.weight
        if was_training:
            self.eval()
        try:
            with no_grad():
                x = self._hidden(Tensor(tokens, device=table.device, requires_grad=False), cache)
                return (x[:, -1] @ table.transpose()).numpy()
        finally:
            if was_training:
                self.train()


stands_for(GPTBlock, "_attended")
stands_for(GPT, "_hidden")
