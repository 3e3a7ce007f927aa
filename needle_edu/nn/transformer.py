"""Encoder and decoder layers of the Transformer, with PyTorch's names, arguments and order of things.

`norm_first` normalises what goes into each part (pre-norm: deep stacks train without a warm-up), otherwise the sum that
comes out (post-norm, as published). The course's own stack is `Transformer` in needle_transformer.py.

Reference: A. Vaswani et al., "Attention is all you need", 2017.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import real, switch, whole
from .attention import MultiheadAttention
from .containers import ModuleList
from .dropout import Dropout
from .group_norm import LayerNorm
from .inputs import as_tensor
from .linear import Linear
from .module import Module

ACTIVATIONS: dict[str, Callable] = {"relu": ops.relu, "gelu": ops.gelu}


class _Layer(Module):
    """What both layers have: attention to themselves (and the decoder's to a memory), then a network of two maps."""

    attentions: tuple[str, ...] = ("self_attn",)
    self_attn: MultiheadAttention
    norm1: LayerNorm

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: str | Callable = "relu", layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        who = type(self).__name__
        whole(who, d_model=d_model, nhead=nhead, dim_feedforward=dim_feedforward)
        real(who, 0, 1, dropout=dropout)
        switch(who, batch_first=batch_first, norm_first=norm_first, bias=bias)
        if not callable(activation) and activation not in ACTIVATIONS:
            raise ValueError(f"{who}: activation is 'relu', 'gelu' or a function, got {activation!r}")
        self.norm_first = norm_first
        self.activation = activation if callable(activation) else ACTIVATIONS[activation]
        place = {"device": device, "dtype": dtype}
        for name in self.attentions:
            attention = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place)
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **place)
        parts = range(1, len(self.attentions) + 2)
        for k in parts:
            setattr(self, f"norm{k}", LayerNorm(d_model, layer_norm_eps, bias=bias, **place))
        for k in parts:
            setattr(self, f"dropout{k}", Dropout(dropout))

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))

    def _added(self, k: int, x: Tensor, part: Callable[[Tensor], Tensor]) -> Tensor:
        """Return x plus what part number k makes of it, normalised before or after."""
        norm, dropout = getattr(self, f"norm{k}"), getattr(self, f"dropout{k}")
        return x + dropout(part(norm(x))) if self.norm_first else norm(x + dropout(part(x)))


class TransformerEncoderLayer(_Layer):
    """Attention of a sequence to itself and a network of two maps, each added to its input.

    Parameters
    ----------
    d_model, nhead, dim_feedforward : int
        Features; number of heads; features between the two maps.
    dropout : float
        Of attention weights, between the maps, and of what is added.
    activation : "relu", "gelu" or function
        Between the maps.
    layer_norm_eps : float
    batch_first : bool
        Inputs are (N, L, d_model), not (L, N, d_model).
    norm_first : bool
        Normalise what goes in, not what comes out.
    bias : bool
        Whether maps and normalisations have one.
    device, dtype
        Of the parameters.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> layer = TransformerEncoderLayer(8, 2, 16, batch_first=True)
    >>> layer(ndl.init.randn(4, 5, 8)).shape
    (4, 5, 8)
    """

    def forward(
        self, src: Tensor, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Tensor:
        """`src` and the result of one shape; masks as those of `MultiheadAttention`. Padded rows are computed too."""

        def attended(x: Tensor) -> Tensor:
            return self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0]

        return self._added(2, self._added(1, as_tensor(src), attended), self._feed_forward)


class TransformerDecoderLayer(_Layer):
    """As `TransformerEncoderLayer`, with attention to another sequence, the memory, in between.

    Parameters are those of `TransformerEncoderLayer`.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> layer = TransformerDecoderLayer(8, 2, 16, batch_first=True)
    >>> layer(ndl.init.randn(4, 5, 8), ndl.init.randn(4, 3, 8), tgt_is_causal=True).shape
    (4, 5, 8)
    """

    attentions = ("self_attn", "multihead_attn")
    multihead_attn: MultiheadAttention

    def forward(
        self, tgt: Tensor, memory: Tensor, tgt_mask: Any = None, memory_mask: Any = None,
        tgt_key_padding_mask: Any = None, memory_key_padding_mask: Any = None, tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        """`tgt` and the result of one shape, (N, L, d_model) or (L, N, d_model); the memory has a length of its own."""
        memory = as_tensor(memory)

        def attended(x: Tensor) -> Tensor:
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]

        def remembered(x: Tensor) -> Tensor:
            return self.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask, is_causal=memory_is_causal
            )[0]

        x = self._added(1, as_tensor(tgt), attended)
        return self._added(3, self._added(2, x, remembered), self._feed_forward)


class _Stack(Module):
    """Copies of a layer, one after the other: equal at first, as in PyTorch, whatever they learn later."""

    def __init__(self, layer: Module, num_layers: int, norm: Module | None = None):
        super().__init__()
        (self.num_layers,) = whole(type(self).__name__, num_layers=num_layers)
        if not isinstance(layer, Module):
            raise TypeError(f"{type(self).__name__}: wanted a layer, got {type(layer).__name__}")
        if norm is not None and not isinstance(norm, Module):
            raise TypeError(f"{type(self).__name__}: norm is a module or None, got {type(norm).__name__}")
        self.layers = ModuleList([copy.deepcopy(layer) for _ in range(num_layers)])
        self.norm = norm

    def _normalised(self, x: Tensor) -> Tensor:
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(_Stack):
    """`num_layers` copies of an encoder layer, and a normalisation at the end where there is one (pre-norm wants it).

    Parameters
    ----------
    encoder_layer : TransformerEncoderLayer
    num_layers : int
    norm : Module, optional

    Examples
    --------
    >>> import needle_edu as ndl
    >>> stack = TransformerEncoder(TransformerEncoderLayer(8, 2, 16), 3)
    >>> stack(ndl.init.randn(5, 4, 8), is_causal=True).shape
    (5, 4, 8)
    """

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None):
        super().__init__(encoder_layer, num_layers, norm)

    def forward(
        self, src: Tensor, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Tensor:
        """As `TransformerEncoderLayer.forward`, with the same masks for each layer."""
        x = as_tensor(src)
        for layer in self.layers:
            x = layer(x, mask, src_key_padding_mask, is_causal)
        return self._normalised(x)


class TransformerDecoder(_Stack):
    """`num_layers` copies of a decoder layer, all with the same memory.

    Parameters
    ----------
    decoder_layer : TransformerDecoderLayer
    num_layers : int
    norm : Module, optional

    Examples
    --------
    >>> import needle_edu as ndl
    >>> stack = TransformerDecoder(TransformerDecoderLayer(8, 2, 16), 2)
    >>> stack(ndl.init.randn(5, 4, 8), ndl.init.randn(3, 4, 8)).shape
    (5, 4, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None):
        super().__init__(decoder_layer, num_layers, norm)

    def forward(self, tgt: Tensor, memory: Tensor, *masks: Any, **named: Any) -> Tensor:
        """Masks are those of `TransformerDecoderLayer.forward`, the same for each layer."""
        x = as_tensor(tgt)
        for layer in self.layers:
            x = layer(x, memory, *masks, **named)
        return self._normalised(x)
