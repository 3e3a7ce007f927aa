"""BERT: a stack of encoder layers that sees the whole sentence at once, and has learnt by guessing words left out.

    x = norm(words' + positions' + kinds' rows);   each layer: x ← norm(x + attention(x)), x ← norm(x + network(x))

The layers are `nn.TransformerEncoderLayer`s. What comes out is a vector for each token in its sentence. A head makes
something of it: scores of the word at each position (`BertForMaskedLM`) or of the classes of a sentence
(`BertClassifier`).

Reference: J. Devlin et al., "BERT: pre-training of deep bidirectional Transformers for language understanding", 2019.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import init, ops
from ..autograd import Tensor
from ..backend.arguments import switch, whole
from ..backend.errors import ShapeError
from ..nn.containers import ModuleList
from ..nn.dropout import Dropout
from ..nn.embedding import Embedding
from ..nn.group_norm import LayerNorm
from ..nn.inputs import as_tensor
from ..nn.linear import Linear
from ..nn.module import Module
from ..nn.parameter import Parameter
from ..nn.transformer import TransformerEncoderLayer


class Bert(Module):
    """Tokens in, a vector for each of them out.

    Parameters
    ----------
    tokens, max_len : int
        Size of the vocabulary; the longest sequence.
    layers, heads, dim : int
        Number of layers; heads; features.
    hidden_dim : int, optional
        Features between a layer's two maps; by default 4 dim.
    kinds : int
        Kinds of tokens: those of the first and those of the second sentence.
    dropout : float
        In training.
    norm_eps : float
        What keeps the normalisations' division finite.
    pooler : bool
        Whether there is a map for `pooled`.
    activation : "gelu" or "relu"
    device, dtype
        Of the parameters.

    Attributes
    ----------
    words, positions, kinds : Embedding(tokens, dim), Embedding(max_len, dim), Embedding(kinds, dim)
        Drawn from N(0, 0.02²).
    norm : LayerNorm
    layers : ModuleList of nn.TransformerEncoderLayer
    pooler : Linear(dim, dim), or None

    Examples
    --------
    >>> import needle_edu as ndl
    >>> model = Bert(tokens=20, max_len=16, layers=2, heads=2, dim=8)
    >>> tokens = ndl.Tensor([[1, 5, 6, 2], [1, 7, 2, 0]])
    >>> model(tokens, attention_mask=ndl.Tensor([[1, 1, 1, 1], [1, 1, 1, 0]])).shape
    (2, 4, 8)
    """

    def __init__(
        self, tokens: int, max_len: int = 512, layers: int = 4, heads: int = 4, dim: int = 128,
        hidden_dim: int | None = None, kinds: int = 2, dropout: float = 0.0, norm_eps: float = 1e-12,
        pooler: bool = True, activation: str = "gelu", device: Any = None, dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        whole("Bert", tokens=tokens, max_len=max_len, layers=layers, heads=heads, dim=dim, kinds=kinds)
        switch("Bert", pooler=pooler)
        place = {"device": device, "dtype": dtype}
        self.tokens, self.max_len = tokens, max_len
        self.words = Embedding(tokens, dim, **place)
        self.positions = Embedding(max_len, dim, **place)
        self.kinds = Embedding(kinds, dim, **place)
        for table in (self.words, self.positions, self.kinds):
            table.weight = Parameter(init.randn(*table.weight.shape, std=0.02, **place))
        self.norm = LayerNorm(dim, norm_eps, **place)
        self.dropout = Dropout(dropout)
        wide = 4 * dim if hidden_dim is None else hidden_dim
        options = {"layer_norm_eps": norm_eps, "batch_first": True, **place}
        self.layers = ModuleList(
            [TransformerEncoderLayer(dim, heads, wide, dropout, activation, **options) for _ in range(layers)]
        )
        self.pooler = Linear(dim, dim, **place) if pooler else None

    def forward(self, tokens: Tensor, attention_mask: Any = None, kinds: Any = None) -> Tensor:
        """Return the last layer's vectors, of shape (batch, length, dim).

        Parameters
        ----------
        tokens : Tensor of whole numbers, shape (batch, length)
        attention_mask : Tensor of the same shape, optional
            Where a token counts: 1 or True. No token looks where it is 0 or False; by default all count.
        kinds : Tensor of whole numbers of the same shape, optional
            By default 0.
        """
        tokens = as_tensor(tokens, self.words.weight.device)
        if tokens.ndim != 2 or not 0 < tokens.shape[1] <= self.max_len:
            raise ShapeError(
                f"Bert: wanted tokens of shape (batch, length), {self.max_len} at most, got {tokens.shape}"
            )
        x = self.words(tokens) + self.positions.weight[: tokens.shape[1]]
        x = x + (self.kinds.weight[:1] if kinds is None else self.kinds(_like("kinds", kinds, tokens)))
        x = self.dropout(self.norm(x))
        padding = None if attention_mask is None else _padding(attention_mask, tokens, x)
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=padding)
        return x

    def pooled(self, x: Tensor) -> Tensor:
        """What `forward` gave makes one vector of each sentence: tanh of a map of its first token's."""
        if self.pooler is None:
            raise ValueError("Bert.pooled: this model has no pooler; make it with pooler=True")
        return ops.tanh(self.pooler(ops.getitem(x, (slice(None), 0))))


class BertForMaskedLM(Module):
    """Scores of the word at each position, made by the words' own table.

    Parameters
    ----------
    bert : Bert
    activation : "gelu" or "relu"

    Attributes
    ----------
    transform, norm : Linear(dim, dim), LayerNorm
    bias : Parameter of shape (tokens,)

    Examples
    --------
    >>> import needle_edu as ndl
    >>> model = BertForMaskedLM(Bert(tokens=20, max_len=16, layers=2, heads=2, dim=8, pooler=False))
    >>> model(ndl.Tensor([[1, 5, 6, 2]])).shape
    (1, 4, 20)
    """

    def __init__(self, bert: Bert, activation: str = "gelu"):
        super().__init__()
        tokens, dim, place = _place_of("BertForMaskedLM", bert)
        if activation not in ("gelu", "relu"):
            raise ValueError(f"BertForMaskedLM: activation is 'gelu' or 'relu', got {activation!r}")
        self.bert, self.activation = bert, getattr(ops, activation)
        self.transform = Linear(dim, dim, **place)
        self.norm = LayerNorm(dim, bert.norm.eps, **place)
        self.bias = Parameter(init.zeros(tokens, **place))

    def forward(self, tokens: Tensor, attention_mask: Any = None, kinds: Any = None) -> Tensor:
        """As `Bert.forward`, but scores of shape (batch, length, vocabulary)."""
        x = self.norm(self.activation(self.transform(self.bert(tokens, attention_mask, kinds))))
        return x @ self.bert.words.weight.transpose() + self.bias


class BertClassifier(Module):
    """Scores of the classes of a sentence, made of `Bert.pooled`.

    Parameters
    ----------
    bert : Bert
        With a pooler.
    classes : int

    Examples
    --------
    >>> import needle_edu as ndl
    >>> model = BertClassifier(Bert(tokens=20, max_len=16, layers=2, heads=2, dim=8), classes=3)
    >>> model(ndl.Tensor([[1, 5, 6, 2]])).shape
    (1, 3)
    """

    def __init__(self, bert: Bert, classes: int):
        super().__init__()
        _, dim, place = _place_of("BertClassifier", bert)
        whole("BertClassifier", classes=classes)
        self.bert, self.dropout = bert, Dropout(bert.dropout.p)
        self.classifier = Linear(dim, classes, **place)

    def forward(self, tokens: Tensor, attention_mask: Any = None, kinds: Any = None) -> Tensor:
        """As `Bert.forward`, but scores of shape (batch, classes)."""
        return self.classifier(self.dropout(self.bert.pooled(self.bert(tokens, attention_mask, kinds))))


def _place_of(who: str, bert: Bert) -> tuple[int, int, dict[str, Any]]:
    if not isinstance(bert, Bert):
        raise TypeError(f"{who}: wanted a Bert, got {type(bert).__name__}")
    table = bert.words.weight
    return table.shape[0], table.shape[1], {"device": table.device, "dtype": table.dtype}


def _like(name: str, given: Any, tokens: Tensor) -> Tensor:
    given = as_tensor(given, tokens.device)
    if given.shape != tokens.shape:
        raise ShapeError(f"Bert: {name} has the shape of the tokens, {tokens.shape}, got {given.shape}")
    return given


def _padding(attention_mask: Any, tokens: Tensor, x: Tensor) -> Tensor:
    """What is added to the scores of each key: 0 where a token counts, -∞ where not."""
    counts = _like("attention_mask", attention_mask, tokens).numpy() != 0
    return Tensor(np.where(counts, 0.0, -math.inf), device=x.device, dtype=x.dtype, requires_grad=False)
