"""The adjoints of some values from those of others: a backward pass over a piece of a graph, for use inside of ops.

An op that computes many steps at once, such as a whole recurrent network, has a derivative of which the derivative is
wanted too. Rather than derive it by hand, such an op builds the graph of its steps and lets this pass walk it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import arrays
from .modes import enable_grad
from .tensor import Tensor


def stand_ins(values: Sequence[Any]) -> list[Tensor]:
    """A tensor for each value, equal to it and made from it, so that a walk can stop there; each requires a gradient.

    The same value twice has two stand-ins.
    """
    with enable_grad():
        return [
            x.reshape(x.shape)
            if isinstance(x, Tensor) and x.requires_grad
            else Tensor.make_const(x, requires_grad=True)
            for x in values
        ]


def pulled_back(outputs: Sequence[Any], adjoints: Sequence[Any], inputs: Sequence[Any]) -> list[Tensor]:
    """Return the adjoints of `inputs` for `adjoints` of `outputs`; zeros where no path leads.

    With grad mode on they are graph nodes. The walk stops at the inputs, whatever they were computed from.

    Examples
    --------
    >>> x = Tensor([3.0])
    >>> (a,) = stand_ins([x])
    >>> [g.numpy() for g in pulled_back([a * a], [Tensor([1.0])], [a])]
    [array([6.], dtype=float32)]
    """
    found: dict[Any, Any] = {}
    for output, adjoint in zip(outputs, adjoints, strict=True):
        found[output] = found[output] + adjoint if output in found else adjoint
    stop = set(inputs)
    for node in reversed(_order(outputs, stop)):
        if node in stop or node not in found:
            continue
        contributions = node.op.gradient_as_tuple(found.pop(node), node)
        for x, g in zip(node.inputs, contributions, strict=True):
            if g is not None and x.requires_grad:
                found[x] = found[x] + g if x in found else g
    return [
        found[x] if x in found else Tensor.make_const(arrays.xp.zeros_like(x.realize_cached_data()))
        for x in inputs
    ]


def _order(outputs: Sequence[Any], stop: set) -> list:
    """The values between `stop` and `outputs` that require a gradient, each after those it was computed from."""
    order, seen, stack = [], set(), list(reversed(outputs))
    while stack:
        node = stack.pop()
        if node is None:
            order.append(stack.pop())
        elif node not in seen and node.op is not None:
            seen.add(node)
            stack += node, None
            if node not in stop:
                stack += node.inputs[::-1]
    return order
