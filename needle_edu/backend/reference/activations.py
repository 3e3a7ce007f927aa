"""Activations with numbers, and their vjps, in the NumPy reference; the formulas are in backend/activations.py."""

import numpy as np

from .. import activations
from ..errors import EDTYPE, EPLAN, OK
from .plan import FLOATS, Plan, kernel, operand

Array = np.ndarray


@kernel
def activation(plan: Plan, out: Array, a: Array, kind: int, s: float, t: float, u: float) -> int:
    """out = f(a) for the kind of activation with this number, and its own numbers s, t, u"""
    bad = _check(plan, 2, kind)
    if not bad:
        operand(plan, 0, out)[...] = activations.activation(
            activations.KINDS[kind], operand(plan, 1, a), s, t, u
        )
    return bad


@kernel
def activation_backward(
    plan: Plan, out: Array, g: Array, a: Array, kind: int, s: float, t: float, u: float
) -> int:
    """out = g f'(a)"""
    bad = _check(plan, 3, kind)
    if not bad:
        operand(plan, 0, out)[...] = activations.activation_backward(
            activations.KINDS[kind], operand(plan, 1, g), operand(plan, 2, a), s, t, u
        )
    return bad


def _check(plan: Plan, operands: int, kind: int) -> int:
    if not 0 <= kind < len(activations.KINDS):
        return EPLAN
    return OK if plan.dtypes[0] in FLOATS and len(set(plan.dtypes[:operands])) == 1 else EDTYPE
