"""Attention and its adjoints in the NumPy reference: the formulas, with all scores at once, in float64."""

import math

import numpy as np

from ..errors import EDTYPE, OK
from .dropout import kept
from .plan import FLOATS, Plan, kernel, operand

Array = np.ndarray
L, S, E, D = -4, -3, -2, -1  # the dimensions behind the batch's


def _view(plan: Plan, k: int, memory: Array, *dims: int) -> Array:
    """Operand k along the batch and some of the last four dimensions."""
    batch = plan.ndim - 4
    return operand(plan, k, memory, [*range(batch), *(plan.ndim + d for d in dims)])


def _weights(
    plan: Plan, q: Array, k: Array, mask: Array | None, lse: Array | None, scale: float, diagonal: int
) -> tuple[Array, Array]:
    """Scores, and the weights for their lse, or for one that is computed."""
    scores = scale * (q @ k.swapaxes(-1, -2))
    if mask is not None:
        scores = scores + mask
    rows, columns = np.arange(plan.shape[L])[:, None], np.arange(plan.shape[S])
    scores = np.where((columns <= rows + diagonal) | (diagonal >= plan.shape[S]), scores, -np.inf)
    if lse is None:
        top = scores.max(-1, keepdims=True, initial=-np.inf)
        top = np.where(np.isneginf(top), 0, top)
        lse = (np.log(np.exp(scores - top).sum(-1, keepdims=True)) + top)[..., 0]
    blind = np.isneginf(lse)[..., None]
    return np.where(blind, 0, np.exp(scores - np.where(blind, 0, lse[..., None]))), lse


def _mask(plan: Plan, k: int, mask: object) -> Array | None:
    return _view(plan, k, mask, L, S).astype(np.float64) if isinstance(mask, np.ndarray) else None


@kernel
def attention(
    plan: Plan, out: Array, lse: Array, q: Array, k: Array, v: Array, mask: object, scale: float, diagonal: int,
    drop: float, key: int,
) -> int:  # fmt: skip
    """out = P v, P = exp(scale q kᵀ + mask - lse)"""
    if _foreign(plan, 6, mask):
        return EDTYPE
    x, y, z = (
        _view(plan, n, memory, *dims).astype(np.float64)
        for n, memory, dims in ((2, q, (L, E)), (3, k, (S, E)), (4, v, (S, D)))
    )
    p, found = _weights(plan, x, y, _mask(plan, 5, mask), None, scale, diagonal)
    _view(plan, 0, out, L, D)[...] = (p * _dropped(plan, p, drop, key)) @ z
    _view(plan, 1, lse, L)[...] = found
    return OK


@kernel
def attention_backward(
    plan: Plan, to_q: Array, to_k: Array, to_v: Array, g: Array, out: Array, lse: Array, q: Array, k: Array, v: Array,
    mask: object, scale: float, diagonal: int, drop: float, key: int,
) -> int:  # fmt: skip
    """The adjoints of q, k and v for the adjoint g of out"""
    if _foreign(plan, 10, mask):
        return EDTYPE
    given, made, x, y, z = (
        _view(plan, n, memory, *dims).astype(np.float64)
        for n, memory, dims in (
            (3, g, (L, D)),
            (4, out, (L, D)),
            (6, q, (L, E)),
            (7, k, (S, E)),
            (8, v, (S, D)),
        )
    )
    p, _ = _weights(
        plan, x, y, _mask(plan, 9, mask), _view(plan, 5, lse, L).astype(np.float64), scale, diagonal
    )
    chosen = _dropped(plan, p, drop, key)
    s = p * (chosen * (given @ z.swapaxes(-1, -2)) - (given * made).sum(-1, keepdims=True)) * scale
    _view(plan, 0, to_q, L, E)[...] = s @ y
    _view(plan, 1, to_k, S, E)[...] = s.swapaxes(-1, -2) @ x
    _view(plan, 2, to_v, S, D)[...] = (p * chosen).swapaxes(-1, -2) @ given
    return OK


def _dropped(plan: Plan, p: Array, drop: float, key: int) -> Array:
    """What the weights are multiplied by."""
    if not drop:
        return np.ones(())
    shape = (*plan.shape[:L], plan.shape[L], plan.shape[S])
    chosen = kept(key, drop, shape, math.prod(shape[:-1]))
    return np.where(chosen, 0 if drop == 1 else 1 / (1 - drop), 0)


def _foreign(plan: Plan, operands: int, mask: object) -> bool:
    used = plan.dtypes[: operands if isinstance(mask, np.ndarray) else operands - 1]
    return used[0] not in FLOATS or len(set(used)) != 1
