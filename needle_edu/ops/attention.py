r"""Attention: each query takes a weighted average of values, and its likeness to each value's key is the weight.

    S = s·Q·Kᵀ + M,   P = softmax(S) along the keys,   Y = P·V,   s = 1/√E unless said otherwise

The mask M is 0 where a query may look and -∞ where not. A query that may look nowhere gets 0, and gives no gradient.
With `diagonal` d, query i sees the keys up to i + d, so M need not be written down: 0 is the causal mask of a whole
sequence, S - L that of the last L queries of S.

For the adjoint Ȳ:

    V̄ = Pᵀ·Ȳ,   P̄ = Ȳ·Vᵀ,   S̄ = P ⊙ (P̄ - Σ P̄ ⊙ P),   Q̄ = s·S̄·K,   K̄ = s·S̄ᵀ·Q,   M̄ = S̄

Floats on a device with compiled kernels take those (csrc/cpu/isa/attention_type.h), which never hold all of P, neither
forward nor backward; the arithmetic here serves all other arrays, and whoever wants derivatives of derivatives or P.

Reference: A. Vaswani et al., "Attention is all you need", 2017.
"""

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from needle_edu.autograd.arrays import (
    Array,
    DTypeError,
    ShapeError,
    attention as kernels,
    device_of,
    enter,
    xp,
)
from needle_edu.autograd.op import TensorOp
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.state import tracing
from needle_edu.autograd.tensor import Tensor, as_tensor
from needle_edu.autograd.unbroadcast import sum_to
from needle_edu.backend import compatibility
from needle_edu.backend.arguments import integer, real, switch
from needle_edu.backend.reference.dropout import kept

from . import dropping, sampling
from .constants import any_of, constant

_SOFTMAX, _TRANSPOSE, _WHERE = slot("softmax"), slot("transpose"), slot("where")


@register
class Attention(TensorOp):
    """Weighted averages of values: softmax(scale · query · keyᵀ + mask) · value.

    Query (..., L, E), key (..., S, E), value (..., S, D) and, where there is one, a mask of floats that broadcasts to
    (..., L, S), 0 or -inf mostly, give (..., L, D); the axes before broadcast. `scale` None is 1/sqrt(E). With
    `diagonal` d, query i sees the keys 0 to i + d. A query that sees no key gets 0. A share `dropout_p` of the weights
    is dropped, which ones says the key. Other shapes raise a ShapeError.

    >>> from needle_edu import Tensor, ops
    >>> q, k, v = Tensor([[1.0], [9.0]]), Tensor([[0.0], [1.0]]), Tensor([[0.0], [100.0]])
    >>> ops.attention(q, k, v).numpy().round(2).tolist(), ops.attention(q, k, v, diagonal=0).numpy()[0].tolist()
    ([[73.11000061035156], [99.98999786376953]], [0.0])
    """

    name, symbol = "attention", "softmax(abᵀ)c"
    formula = r"y = p\,c,\ p = \operatorname{softmax}(s\,a\,b^\top + d)"
    vjp_formulas = (
        r"\bar{a} = s\,\bar{s}\,b,\ \bar{s} = p \odot (\bar{p} - \sum \bar{p} \odot p),\ \bar{p} = \bar{y}\,c^\top",
        r"\bar{b} = s\,\bar{s}^\top a",
        r"\bar{c} = p^\top \bar{y}",
        r"\bar{d} = \bar{s}",
    )
    samples = staticmethod(
        sampling.shaped(
            ({}, (2, 3, 4), (2, 5, 4), (2, 5, 2), (3, 5)),
            ({}, (3, 2), (3, 2), (3, 2)),
            ({"diagonal": 0}, (2, 1, 3, 2), (1, 2, 3, 2), (2, 2, 3, 1)),
            ({"dropout_p": 0.4, "key": 9}, (2, 3, 2), (2, 4, 2), (2, 4, 2)),
            ({"scale": 0.7, "diagonal": 2}, (4, 2, 2), (4, 2), (4, 3), (4, 2, 4)),
        )
    )

    kept: Any = None  # from the compiled forward pass: its operands, the versions of their memory, the result, and lse
    mask_learns = True  # False: nobody wants the mask's adjoint

    def __init__(self, scale=None, diagonal=None, dropout_p=0.0, key=0):
        if scale is not None:
            real(self.name, scale=scale)
        self.scale = scale
        real(self.name, 0, 1, dropout_p=dropout_p)
        self.dropout_p, self.key = dropout_p, integer(self.name, "key", key, 0)
        self.diagonal = None if diagonal is None else integer(self.name, "diagonal", diagonal)

    def compute(self, q, k, v, mask=None):
        check_shapes(self.name, q.shape, k.shape, v.shape, None if mask is None else mask.shape)
        if kernels is None or not kernels.compiled(q, k, v, *([] if mask is None else [mask])):
            return self.dropped(self.weights(q, k, mask)) @ v
        out, lse = kernels.attention(q, k, v, mask, self.factor(q), self.diagonal, self.dropout_p, self.key)
        operands = (q, k, v) if mask is None else (q, k, v, mask)
        self.kept = operands, [x.storage.version for x in operands], out, lse
        return out

    def weights(self, q, k, mask=None):
        """Return P, of shape (..., L, S), for arrays or for tensors."""
        scores = (q * self.factor(q)) @ _TRANSPOSE.instance.of(k)
        if not scores.shape[-1]:
            return scores
        if self.diagonal is not None:
            place = scores.device if _is_ours(scores) else None
            unseen, never = _unseen(*scores.shape[-2:], self.diagonal, str(scores.dtype), place)
            scores = _WHERE.instance.of(_of_kind(scores, unseen), _of_kind(scores, never), scores)
        if mask is not None:
            scores = scores + mask
        if mask is None and (self.diagonal is None or self.diagonal >= 0):
            return _SOFTMAX.instance.of(scores)
        return _softmax_of_seen(scores)

    def factor(self, q) -> float:
        """Return s."""
        return (q.shape[-1] or 1) ** -0.5 if self.scale is None else self.scale

    vjps_on_arrays = gradient_is_a_kernel = True

    def gradient(self, g, node):
        q, k, v, *mask = node.inputs
        if g.__class__ is Array and not (mask and self.mask_learns) and self._holds(node.inputs):
            _, _, out, lse = self.kept
            found = kernels.attention_backward(
                g,
                q,
                k,
                v,
                *(mask or [None]),
                out,
                lse,
                self.factor(q),
                self.diagonal,
                self.dropout_p,
                self.key,
            )
            return (
                *[sum_to(one, x.shape) for one, x in zip(found, (q, k, v), strict=True)],
                *[None for _ in mask],
            )
        turned = _TRANSPOSE.instance.of
        p = self.weights(q, k, *mask)
        p_bar = self.dropped(g @ turned(v))
        s_bar = p * (p_bar - (p_bar * p).sum(-1, keepdims=True))
        s = self.factor(q)
        grads = s_bar @ k * s, turned(s_bar) @ q * s, turned(self.dropped(p)) @ g, s_bar
        return tuple([sum_to(one, x.shape) for one, x in zip(grads, node.inputs, strict=False)])

    def dropped(self, p):
        """Return P, or its adjoint, with the weights dropped that the key says: row by row, numbers of 0, 1, …"""
        if not self.dropout_p:
            return p
        chosen = kept(self.key, self.dropout_p, p.shape, prod(p.shape[:-1]))
        scale = 0 if self.dropout_p == 1 else 1 / (1 - self.dropout_p)
        array = _array(p)
        return p * _of_kind(
            p, enter(np.where(chosen, scale, 0).astype(str(p.dtype)), device_of(array), p.dtype)
        )

    def _holds(self, operands: tuple) -> bool:
        """Whether the compiled forward pass has seen these very arrays."""
        if self.kept is None:
            return False
        known, versions, *_ = self.kept
        return all(
            a is b and a.storage.version == version
            for a, b, version in zip(operands, known, versions, strict=True)
        )


def check_shapes(who: str, q: tuple, k: tuple, v: tuple, mask: tuple | None) -> None:
    """Raise a ShapeError unless these shapes can attend to each other."""
    if min(len(q), len(k), len(v)) < 2 or q[-1] != k[-1] or k[-2] != v[-2]:
        raise ShapeError(
            f"{who}: wanted query (..., L, E), key (..., S, E) and value (..., S, D), got {q}, {k} and {v}"
        )
    try:
        stack = np.broadcast_shapes(q[:-2], k[:-2], v[:-2])
    except ValueError:
        raise ShapeError(
            f"{who}: the axes before the last two do not broadcast: {q[:-2]}, {k[:-2]} and {v[:-2]}"
            " of query, key and value"
        ) from None
    scores = (*stack, q[-2], k[-2])
    try:
        fits = mask is None or np.broadcast_shapes(scores, mask) == scores
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{who}: a mask of shape {mask} does not broadcast to the scores' {scores}")


def _softmax_of_seen(scores):
    """Return softmax along the last axis, and 0 for lines of nothing but -inf."""
    top = xp.max(_array(scores), axis=-1, keepdims=True)
    blind = top == -np.inf
    if not any_of(blind):
        return _SOFTMAX.instance.of(scores)
    lines = _of_kind(scores, xp.broadcast_to(blind, scores.shape))
    zeros = _of_kind(scores, xp.zeros_like(_array(scores)))
    choose = _WHERE.instance.of
    return choose(lines, zeros, _SOFTMAX.instance.of(choose(lines, zeros, scores)))


@lru_cache(64)
def _unseen(queries: int, keys: int, diagonal: int, dtype: str, device):
    """Return where query i does not see key j, j > i + diagonal, and -inf, which hides a nan too."""
    seen = np.arange(keys) <= np.arange(queries)[:, None] + diagonal
    return enter(~seen, device, "bool"), enter(np.array(-np.inf, dtype), device, dtype)


def _is_ours(x) -> bool:
    return device_of(_array(x)) is not None


def _array(x):
    return x.realize_cached_data() if isinstance(x, Tensor) else x


def _of_kind(x, array):
    """Return an array as a constant where `x` is a tensor, else as it is."""
    return constant(array) if isinstance(x, Tensor) else array


def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False, *,
    lower_right=False,
):  # fmt: skip
    """Return softmax(scale · query · keyᵀ + mask) · value, PyTorch's function of this name.

    Parameters
    ----------
    query, key, value : Tensor of shape (..., L, E), (..., S, E), (..., S, D)
    attn_mask : Tensor, optional
        Broadcasts to (..., L, S). Bools: True where a query may look. Numbers are added to the scores. A query that may
        look nowhere gets 0.
    dropout_p : float
        Probability with which a weight is dropped; it drops whenever it is positive: give 0 in evaluation.
    is_causal : bool
        Query i sees the keys 0 to i, whatever L and S are; with `lower_right`, 0 to i + S - L: the queries are the last
        ones of the sequence, as in decoding with kept keys.
    scale : float, optional
        By default 1/sqrt(E).
    enable_gqa : bool
        Key and value may have fewer heads (axis -3); each serves several of the query's heads in turn.

    Raises
    ------
    ShapeError, DTypeError

    Examples
    --------
    >>> from needle_edu import Tensor, ops
    >>> q = k = Tensor([[0.0], [0.0]])
    >>> ops.scaled_dot_product_attention(q, k, Tensor([[1.0], [3.0]]), is_causal=True).numpy().tolist()
    [[1.0], [2.0]]
    """
    who = "scaled_dot_product_attention"
    real(who, 0, 1, dropout_p=dropout_p)
    switch(who, is_causal=is_causal, enable_gqa=enable_gqa, lower_right=lower_right)
    q, k, v = _floats(who, query=query, key=key, value=value)
    if enable_gqa:
        return _grouped(who, q, k, v, attn_mask, dropout_p, is_causal, scale, lower_right)
    mask = _additive(who, attn_mask, q)
    check_shapes(who, q.shape, k.shape, v.shape, None if mask is None else mask.shape)
    diagonal = _diagonal(who, is_causal, lower_right, q, k)
    if dropout_p and compatibility.dropout_draws_each:
        return dropping.dropout(Attention(scale, diagonal).weights(q, k, mask), dropout_p) @ v
    tracer = tracing() if dropout_p else None
    op = Attention(scale, diagonal, dropout_p, dropping.draw_key() if dropout_p and tracer is None else 0)
    op.mask_learns = mask is not None and mask.requires_grad
    if tracer is not None:
        return tracer.attention(op, (q, k, v) if mask is None else (q, k, v, mask))
    return op.apply(q, k, v) if mask is None else op.apply(q, k, v, mask)


def attention_weights(query, key, attn_mask=None, is_causal=False, scale=None, *, lower_right=False):
    """Return the weights of `scaled_dot_product_attention`, of shape (..., L, S): softmax(scale · query · keyᵀ + mask).

    >>> from needle_edu import Tensor, ops
    >>> q = k = Tensor([[0.0], [0.0]])
    >>> ops.attention_weights(q, k, is_causal=True).numpy().tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    who = "attention_weights"
    switch(who, is_causal=is_causal, lower_right=lower_right)
    q, k = _floats(who, query=query, key=key)
    mask = _additive(who, attn_mask, q)
    check_shapes(who, q.shape, k.shape, k.shape, None if mask is None else mask.shape)
    return Attention(scale, _diagonal(who, is_causal, lower_right, q, k)).weights(q, k, mask)


def _diagonal(who, is_causal, lower_right, q, k):
    if lower_right and not is_causal:
        raise ValueError(f"{who}: lower_right says where a causal mask lies; set is_causal=True")
    return (k.shape[-2] - q.shape[-2] if lower_right else 0) if is_causal else None


def _grouped(who, q, k, v, attn_mask, dropout_p, is_causal, scale, lower_right):
    """Cut the query's heads into groups, one for each head of key and value, which broadcast over it."""
    if (
        min(q.ndim, k.ndim, v.ndim) < 3
        or k.shape[-3] != v.shape[-3]
        or not k.shape[-3]
        or q.shape[-3] % k.shape[-3]
    ):
        raise ShapeError(
            f"{who}: enable_gqa wants (..., heads, length, features), with heads of the query a multiple of those of "
            f"key and value; got {q.shape}, {k.shape} and {v.shape}"
        )
    heads, kept = q.shape[-3], k.shape[-3]
    grouped = q.reshape((*q.shape[:-3], kept, heads // kept, *q.shape[-2:]))
    k, v = (x.reshape((*x.shape[:-2], 1, *x.shape[-2:])) for x in (k, v))
    mask = _additive(who, attn_mask, q)
    if mask is not None and mask.ndim > 2:
        split = (kept, heads // kept) if mask.shape[-3] == heads else (mask.shape[-3], 1)
        mask = mask.reshape((*mask.shape[:-3], *split, *mask.shape[-2:]))
    y = scaled_dot_product_attention(
        grouped, k, v, mask, dropout_p, is_causal, scale, lower_right=lower_right
    )
    return y.reshape((*y.shape[:-4], heads, *y.shape[-2:]))


def _floats(who, **tensors):
    found = [as_tensor(x, who) for x in tensors.values()]
    first = found[0].dtype
    for name, x in zip(tensors, found, strict=True):
        if x.dtype.kind != "f" or x.dtype != first:
            raise DTypeError(
                f"{who}: wanted floating-point numbers of one dtype, got {name} of {x.dtype}"
                + (f" beside {first}" if x.dtype.kind == "f" else "; convert with astype('float32')")
            )
    return found


def _additive(who, mask, q):
    """Return a mask as what is added to the scores."""
    if mask is None:
        return None
    mask = as_tensor(mask, who)
    if mask.dtype.kind == "b":
        seen = mask.realize_cached_data()
        zeros = xp.zeros(seen.shape, dtype=q.dtype, device=seen.device)
        return constant(xp.where(seen, zeros, zeros - np.inf))
    if mask.dtype != q.dtype:
        raise DTypeError(f"{who}: wanted a mask of bools or {q.dtype}, got {mask.dtype}")
    return mask


FUNCTIONS = (scaled_dot_product_attention, attention_weights)
