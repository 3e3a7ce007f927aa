"""A token through a block of a GPT in the NumPy reference: the formulas of the header, in float64."""

import numpy as np

from .. import activations
from ..errors import EDTYPE, EPLAN, OK
from .plan import FLOATS, kernel

Array = np.ndarray


@kernel
def gpt_block_dense(
    dtype: int, n: int, x: Array, keys: Array, values: Array, norm_1: Array, norm_1_bias: Array, qkv: Array,
    qkv_bias: Array, proj: Array, proj_bias: Array, norm_2: Array, norm_2_bias: Array, fc: Array, fc_bias: Array,
    out: Array, out_bias: Array, dim: int, hidden: int, heads: int, most: int, length: int, eps_1: float, eps_2: float,
) -> int:  # fmt: skip
    """x <- x + attention(norm(x) ...); x <- x + gelu(norm(x) ...) ...; keys and values of the token are kept"""
    if dtype not in FLOATS:
        return EDTYPE
    if n < 0 or min(dim, hidden, heads) < 1 or dim % heads or not 0 <= length < most:
        return EPLAN
    size = dim // heads
    rows = _part(x, n, dim)
    a = rows.astype(np.float64)
    y = _norm(a, _part(norm_1, dim), _part(norm_1_bias, dim), eps_1) @ _part(qkv, dim, 3 * dim)
    q, k, v = np.moveaxis((y + _part(qkv_bias, 3 * dim)).reshape(n, 3, heads, size), 1, 0)
    kept = [_part(memory, n, heads, most, size) for memory in (keys, values)]
    for memory, new in zip(kept, (k, v), strict=True):
        memory[:, :, length] = new
    seen_k, seen_v = (memory[:, :, : length + 1].astype(np.float64) for memory in kept)
    scores = np.einsum("nhe,nhse->nhs", q, seen_k) / np.sqrt(size)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    y = np.einsum("nhs,nhse->nhe", p / p.sum(-1, keepdims=True), seen_v).reshape(n, dim)
    a += y @ _part(proj, dim, dim) + _part(proj_bias, dim)
    h = _norm(a, _part(norm_2, dim), _part(norm_2_bias, dim), eps_2) @ _part(fc, dim, hidden)
    h = activations.activation("gelu_tanh", h + _part(fc_bias, hidden), 0, 0, 0)
    rows[...] = a + h @ _part(out, hidden, dim) + _part(out_bias, dim)
    return OK


def _part(memory: Array, *shape: int) -> Array:
    return memory[: int(np.prod(shape))].reshape(shape)


def _norm(a: Array, weight: Array, bias: Array, eps: float) -> Array:
    centred = a - a.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + eps) * weight + bias
