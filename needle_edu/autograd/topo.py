"""Topological order: every value after all the values it was computed from.

Reverse mode walks the graph backwards along this order, so that a value's adjoint is complete (every use of
the value has contributed) before it is passed on. The order is the depth-first post-order, inputs left to
right.
"""

import operator
from collections.abc import Callable, Iterable
from typing import Any

from needle_edu.backend import accelerator

from .registry import function_slot

in_c_post_order: Callable = accelerator.nothing  # of one value, in C (csrc/python/graph.c)


def post_order(node_list: list, known: Iterable = ()) -> list:
    """Return all values that `node_list` depends on, and its own, in depth-first post-order; not those `known`.

    A recursive version is three lines, but Python stops after 1,000 nested calls and graphs are longer. Here
    the stack is explicit: a node goes back onto it under a marker (None); when the marker turns up again,
    everything above, that is all the inputs, is done.
    """
    if not known and len(node_list) == 1 and (order := in_c_post_order(node_list[0])) is not None:
        return order
    order = []
    seen = set(known)
    stack = list(reversed(node_list))
    while stack:
        node = stack.pop()
        if node is None:
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            inputs = node.inputs
            if inputs:
                stack += node, None
                stack += inputs[::-1]
            else:
                order.append(node)
    return order


def run_order(node_list: list) -> list:
    """Return the same values in the order in which they were computed, each leaf just before its first use.

    Every result has a serial number, greater than those of its inputs: so this is a topological order, too.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> x, y = Tensor([1.0]), Tensor([2.0])
    >>> a = x * 2
    >>> b = y * 3
    >>> [v.op.name if v.op else "leaf" for v in run_order([b + a])]
    ['leaf', 'mul_scalar', 'leaf', 'mul_scalar', 'add']
    """
    values = post_order(node_list)
    leaves = [node for node in values if node.op is None]
    results = [node for node in values if node.op is not None]
    order: dict = {}  # its keys are a set that keeps its order
    for node in sorted(results, key=_SERIAL):
        order.update(dict.fromkeys([x for x in node.inputs if x.op is None]))
        order[node] = None
    order.update(dict.fromkeys(leaves))  # one asked for by itself
    return list(order)


_SERIAL = operator.attrgetter("_serial")
TOPO_SORT = function_slot("find_topo_sort", post_order)


def find_topo_sort(node_list: list[Any]) -> list[Any]:
    """Return the values that `node_list` depends on, inputs before results.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> from needle_edu.autograd import find_topo_sort
    >>> x = Tensor([1.0, 2.0])
    >>> y = (x * x).sum()
    >>> [v.op.name if v.op else "leaf" for v in find_topo_sort([y])]
    ['leaf', 'multiply', 'summation']
    """
    if not isinstance(node_list, (list, tuple)):
        got = type(node_list).__name__
        raise TypeError(f"find_topo_sort: wanted a list of values, got {got}; write find_topo_sort([y])")
    return TOPO_SORT.function(node_list)


def _accelerate(module: Any) -> None:
    global in_c_post_order
    in_c_post_order = accelerator.nothing if module is None else module.post_order


accelerator.connect(_accelerate)
