"""The vjp of an op as an op of its own.

Most vjps are made of ops, and a captured backward pass is made of these. Some look at numbers, though: at which of
several elements is the largest, say. Such a vjp stays one instruction, which takes the adjoint, the op's operands and
its result, and calls the very same method.
"""

from __future__ import annotations

from typing import Any

from needle_edu.autograd import Tensor, no_grad
from needle_edu.autograd.array_pass import ArrayNode
from needle_edu.autograd.op import Op
from needle_edu.autograd.tensor_tuple import TensorTuple
from needle_edu.autograd.unbroadcast import unbroadcast
from needle_edu.autograd.value import fill_node

from .unknown import UNKNOWN, stand_in


class Vjp(Op):
    """The contributions of an op to the adjoints of its operands.

    Parameters
    ----------
    of : Op
        Whose vjp.
    operand : int or None
        For which operand; None: for all, as a tuple (an op that defines `gradient` alone).
    """

    differentiable = False

    def __init__(self, of: Op, operand: int | None):
        self.of_op, self.operand = of, operand
        self.name = f"{of.name}.vjp{'' if operand is None else operand}"
        self.value_class: Any = TensorTuple if operand is None else Tensor

    @property
    def attrs(self) -> dict:
        """Those of the op."""
        return self.of_op.attrs

    def compute(self, g: Any, *others: Any) -> Any:
        """Call the vjp; `others` are the op's operands and its result."""
        if _first(g).device is UNKNOWN:  # a contribution has the shape and dtype of the operand
            return _like(others[:-1]) if self.operand is None else _like(others[self.operand])
        *inputs, y = [_leaf(array) for array in others]
        for x in inputs:
            x.requires_grad = True
        node = fill_node(object.__new__(type(y)), self.of_op, tuple(inputs), y.cached_data, True)
        with no_grad():
            adjoint = _leaf(g)
            if self.operand is None and self.of_op.gradient_is_a_kernel:
                seen = ArrayNode()
                seen.inputs = others[:-1]
                found = self.of_op.gradient(g, seen)
                made = [None if one is None else _leaf(one) for one in found]
                return tuple([_array(one, x) for one, x in zip(made, inputs, strict=False)])
            if self.operand is None:
                found = self.of_op.gradient_as_tuple(adjoint, node)
                return tuple([_array(one, x) for one, x in zip(found, inputs, strict=True)])
            vjps: Any = self.of_op.vjps
            x = inputs[self.operand]
            contribution = unbroadcast(vjps[self.operand](self.of_op, adjoint, node), x, node)
            if isinstance(contribution, TensorTuple) and contribution.is_partial():
                contribution = contribution.completed(x)
            return contribution.realize_cached_data()


def _leaf(data: Any) -> Any:
    return (TensorTuple if isinstance(data, tuple) else Tensor).make_const(data)


def _first(data: Any) -> Any:
    return data[0] if isinstance(data, tuple) else data


def _like(data: Any) -> Any:
    return tuple(map(_like, data)) if isinstance(data, tuple) else stand_in(data.shape, data.dtype)


def _array(contribution: Any, x: Any) -> Any:
    """Return a contribution as an array; none at all (for a condition, say) as zeros."""
    if contribution is None:
        data = x.realize_cached_data()
        return data.__array_namespace__().zeros_like(data)
    return contribution.realize_cached_data()
