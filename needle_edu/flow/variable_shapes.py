"""Which shapes the variables of a network must have: what its layers say for the shapes that are fed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from needle_edu.autograd import Tensor
from needle_edu.backend import NeedleError
from needle_edu.graph.static.unknown import stand_in

from .symbol import Placeholder, Symbol, Variable, in_order


def infer_variable_shapes(
    net: Symbol, feed_dict: Mapping[Symbol, Sequence[int]]
) -> list[tuple[Variable, str, tuple[int, ...]]]:
    """Return (variable, name, shape) for each variable of a network whose shape follows from its layers.

    Parameters
    ----------
    net : Symbol
    feed_dict : mapping of placeholder to shape

    Examples
    --------
    >>> import needle_edu.flow as tf
    >>> x = tf.placeholder(tf.float32)
    >>> net = tf.nn.linear(x, num_hidden=10, name="fc")
    >>> [(name, shape) for _, name, shape in tf.infer_variable_shapes(net, {x: [32, 784]})]
    [('fc_weight', (10, 784))]
    """
    values: dict[Symbol, Any] = {}
    found: list[tuple[Variable, str, tuple[int, ...]]] = []
    for symbol, shape in feed_dict.items():
        dtype = symbol.dtype if isinstance(symbol, Placeholder) else "float32"
        values[symbol] = Tensor.make_const(stand_in(tuple(shape), dtype))
    # A layer's variables come before it in the order; its rule is asked when its data has a shape.
    waiting = [one for one in in_order([net]) if one not in values]
    for one in waiting:
        if isinstance(one, Variable):
            continue
        if isinstance(one, Placeholder):
            raise NeedleError(f"infer_variable_shapes: no shape is given for {one!r}")
        if one.shapes is not None:
            for variable, shape in one.shapes(values[one.inputs[0]].shape).items():
                if variable not in values:
                    values[variable] = Tensor.make_const(stand_in(shape, "float32"))
                    found.append((variable, variable.name, shape))
        for x in one.inputs:
            if x not in values:
                if not isinstance(x, Variable) or x.init is None:
                    raise NeedleError(f"infer_variable_shapes: nothing says which shape {x!r} has")
                start = infer_value(x.init)
                values[x] = Tensor.make_const(stand_in(start.shape, start.dtype))
        values[one] = one.compute(*[values[x] for x in one.inputs])  # type: ignore[misc]
    return found


def infer_value(symbol: Symbol) -> Tensor:
    """Return the value of a symbol that depends on nothing that is fed."""
    values: dict[Symbol, Any] = {}
    for one in in_order([symbol]):
        values[one] = one.compute(*[values[x] for x in one.inputs])  # type: ignore[misc]
    return values[symbol]
