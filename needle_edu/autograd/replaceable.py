"""The three functions of the backward pass that students write themselves, and what is asked of theirs.

`find_topo_sort` (topo.py), `compute_gradient_of_variables` (engine.py) and `sum_node_list` stand in slots of the
registry: `override` puts a student's function in, and the engine obeys it from then on. What a student's function
returns is looked at first, because a wrong order, or a missing `return`, would give wrong gradients without a word.
"""

from itertools import repeat
from typing import Any

from needle_edu.backend.scope import at_once

from .arrays import GradientError
from .registry import function_slot
from .topo import TOPO_SORT, post_order
from .unbroadcast import shape_of
from .value import Value


def sum_of_nodes(node_list: list):
    """Return the sum of a list of tensors, without a superfluous zero to start with."""
    total = node_list[0]
    for node in node_list[1:]:
        total = total + node
    return total


SUM_NODES = function_slot("sum_node_list", sum_of_nodes)


def sum_node_list(node_list: list[Any]) -> Any:
    """Return the sum of a list of tensors, all of one shape.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> sum_node_list([Tensor([1.0]), Tensor([2.0]), Tensor([3.0])]).numpy()
    array([6.], dtype=float32)
    """
    return SUM_NODES.function(node_list)


def students_sum(x, total, g):
    """Return the sum of an adjoint of `x` and one more contribution, as a student's `sum_node_list` gives it."""
    total = SUM_NODES.function([total, g])
    if not isinstance(total, Value):
        raise GradientError(f"sum_node_list returned {total!r}; wanted a tensor (is a `return` missing?)")
    return total


def students_order(output) -> list:
    """Return the order that a student's `find_topo_sort` gives, if it is one."""
    order = TOPO_SORT.function([output])
    if not isinstance(order, (list, tuple)):
        raise GradientError(f"find_topo_sort returned {order!r}; wanted a list (is a `return` missing?)")
    place = {node: k for k, node in enumerate(order)}
    for node in post_order([output]):
        if node not in place or any(place.get(x, -1) > place[node] for x in node.inputs):
            trouble = "stands before one of its inputs" if node in place else "is missing"
            what = node.op.name if node.op is not None else "a leaf"
            raise GradientError(f"find_topo_sort: {what} (shape {shape_of(node)}) {trouble}")
    return list(order)


def propagate_by(function, output, out_grad, accumulate) -> None:
    """Let a student's `compute_gradient_of_variables` set `.grad` everywhere, and tidy up as `propagate` would.

    It keeps adjoints in the values, so one thread at a time may come here.
    """
    reached = [node for node in TOPO_SORT.function([output]) if node.requires_grad]
    before = [node.grad for node in reached]
    try:
        at_once(map(setattr, reached, repeat("grad"), repeat(None)))
        function(output, out_grad)
        after = list(map(_kept, reached, before, repeat(accumulate)))
        at_once(map(setattr, reached, repeat("grad"), after))
    except BaseException:
        at_once(map(setattr, reached, repeat("grad"), before))
        raise


def _kept(node, old, accumulate):
    """Return what is to stay in `.grad` of a node after a student's function has run."""
    if node.op is not None and not (node.extra and "retain" in node.extra):
        return None
    if accumulate and old is not None:
        return old if node.grad is None else old + node.grad
    return node.grad
