"""The walk of engine.py once more, on bare arrays: what a backward pass takes that nobody watches.

A vjp like ``g * node.inputs[1]`` is written once, and on tensors its result can be differentiated again. Where nothing
is recorded, wrapping every intermediate array in a tensor is in vain, and takes a fifth of a pass over small arrays.
Operators and views of arrays have the names of those of tensors, so an op whose vjps use nothing else (and
`Op.of`) says ``vjps_on_arrays = True``, and is given arrays here. Other ops get tensors as ever. Read engine.py first.
"""

from collections.abc import Callable
from typing import Any

from needle_edu.backend import accelerator, storage
from needle_edu.backend_selection import BACKEND

from . import hooks, state
from .adjoints import gradient_as_vjps
from .arrays import Array, add_into, sum_onto
from .gradients import taken_by, write_leaf
from .registry import something_is_overridden
from .topo import post_order
from .unbroadcast import unbroadcast
from .value import fill_node
from .version_check import check_unchanged

_new = object.__new__
in_c_walk: Callable = accelerator.nothing  # the loop of `walk` in C (csrc/python/walk.c)


class ArrayNode:
    """A node as a vjp on arrays sees it: `inputs` are arrays."""

    __slots__ = ("inputs",)
    inputs: tuple


def serves(output, out_grad) -> bool:
    """Whether this pass may use bare arrays: it records nothing, nobody listens, and no student's code is left out."""
    return (
        output.op is not None
        and out_grad.cached_data.__class__ is Array
        and BACKEND == "nd"
        and not (state.watched or state.grad_enabled() or something_is_overridden())
    )


def walk(output, out_grad, accumulate) -> None:
    """Walk the graph backwards from `output`, and write the leaves' `.grad`; an adjoint is an array if it is one."""
    adjoints = {output: out_grad.cached_data}
    taken = taken_by(out_grad)
    sums: set = set()  # whose adjoint is a sum made here: nobody else has the array
    tensor = output.op.value_class
    if in_c_walk(output, adjoints, sums, taken, tensor, accumulate):
        return
    order = post_order([output])
    while order:
        node = order.pop()
        g = adjoints.pop(node, None)
        if g is not None:
            _hand_on(node, g, adjoints, sums, taken, tensor, accumulate)


def _hand_on(node, g, adjoints, sums, taken, tensor, accumulate) -> None:
    """Hand the adjoint `g` of a node on to its inputs, or write it into `.grad` of a leaf."""
    if node.extra is not None and ("hooks" in node.extra or "retain" in node.extra):
        g = hooks.passed(node, _value(g, tensor), taken)
    op = node.op
    if op is None:
        write_leaf(node, _value(g, tensor), taken, accumulate)
        return
    if node.version != storage.latest_version:
        check_unchanged(node)
    vjps, g, seen = _vjps(op, g, node, taken, tensor)
    k = -1
    for x in node.inputs:
        k += 1
        if not x.requires_grad or (vjp := vjps[k]) is None:
            continue
        gx = vjp(op, g, seen)
        if gx.__class__ is not Array or gx.layout is not x.cached_data.layout:
            gx = _fitted(gx, x, node, tensor)
        _add(gx, x, adjoints, sums, tensor)


def _vjps(op, g, node, taken, tensor) -> tuple:
    """Return an op's vjps, and the adjoint and the node as they take them: arrays, if the op's vjps can use those."""
    if op.vjps_on_arrays and g.__class__ is Array:
        seen = ArrayNode()
        seen.inputs = tuple([x.cached_data for x in node.inputs])
        if op.vjps is None:
            return [lambda op, g, node, gx=gx: gx for gx in op.gradient(g, seen)], g, seen
        return op.vjps, g, seen
    g = _value(g, tensor)
    if g.extra is not None and "partial" in g.extra:
        g = g.completed(node)
    if op.vjps is not None:
        return op.vjps, g, node
    vjps = gradient_as_vjps(g, node)  # of an op that may, unlike ours, hand out one of its inputs
    taken |= taken_by(node, *node.inputs)
    return vjps, g, node


def _add(gx, x, adjoints, sums, tensor) -> None:
    """Add a contribution to the adjoint of `x`: in place, if that is a sum made here already."""
    if x not in adjoints:
        adjoints[x] = gx
    elif gx.__class__ is not Array or (total := adjoints[x]).__class__ is not Array:
        adjoints[x] = _sum_of_values(adjoints[x], gx, tensor)
    elif x not in sums or not add_into(total, gx):
        adjoints[x] = total + gx
        sums.add(x)


def _sum_of_values(total, gx, tensor):
    return _value(total, tensor) + _value(gx, tensor)


def _value(g, tensor):
    """Return an adjoint as a value: what ops, unbroadcasting and `.grad` take."""
    return fill_node(_new(tensor), None, (), g, False) if g.__class__ is Array else g


def _fitted(gx, x, node, tensor):
    """Return a contribution in the shape and dtype of its input, as an array if that is what it is."""
    y = node.cached_data
    whole = gx.__class__ is Array and y.__class__ is Array and gx.layout.shape == y.layout.shape
    if whole and (summed := sum_onto(gx, x.cached_data)) is not None:
        return summed  # the same as below, of a bias for example, in fewer steps
    gx = unbroadcast(_value(gx, tensor), x, node)
    return gx.cached_data if gx.cached_data.__class__ is Array else gx


def _accelerate(module: Any) -> None:
    global in_c_walk
    in_c_walk = accelerator.nothing
    if module is not None and BACKEND == "nd":
        module.steps(ArrayNode, _hand_on, check_unchanged, _fitted, _sum_of_values)
        in_c_walk = module.walk


accelerator.connect(_accelerate)
