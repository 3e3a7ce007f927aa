"""Reverse-mode differentiation: the chain rule, once through the graph from the loss back to the leaves.

Every value v on the way has an adjoint, the gradient of the output with respect to v. It is the sum of one
contribution for each place where v is used: the vector-Jacobian product of the op there. The engine walks the
topological order backwards, so an adjoint is complete when its turn comes; then it is handed to the inputs
and forgotten, unless the value is a leaf or asked for it with `retain_grad()`. The adjoints belong to the pass,
not to the values: a pass that an error or an interrupt has stopped takes its own with it, and passes in several
threads, or within one another, know nothing of each other.

Every contribution is brought to its input's shape (unbroadcast.py), and no value that was overwritten since the
forward pass is used (version_check.py).
"""

import os
import threading
from collections import deque
from functools import partial
from itertools import repeat
from typing import Any

from needle_edu.backend import storage

from . import arrays, events, state
from .arrays import GradientError
from .ownership import own, taken_by
from .registry import function_slot, slot
from .topo import TOPO_SORT, post_order
from .unbroadcast import shape_of, unbroadcast
from .value import Value
from .version_check import check_unchanged

# Runs an iterator of C to its end, in one call of C that no interrupt can cut.
at_once: Any = partial(deque, maxlen=0)


def run_backward(output, out_grad=None, create_graph=None, accumulate=False) -> None:
    """Write the gradient of `output` into every leaf it depends on; see Tensor.backward."""
    if not output.requires_grad:
        raise GradientError(
            "backward: this tensor requires no gradient; was it detached, made under no_grad, or is it a "
            "gradient that backward(create_graph=True) did not make?"
        )
    recording = bool(state.CREATE_GRAPH if create_graph is None else create_graph)
    if out_grad is None:
        out_grad = output.ones_like()
    elif not isinstance(out_grad, Value) or shape_of(out_grad) != shape_of(output):
        is_value = isinstance(out_grad, Value)
        got = f"shape {shape_of(out_grad)}" if is_value else f"{type(out_grad).__name__}; write Tensor(…)"
        raise GradientError(
            f"backward: out_grad is a tensor of this tensor's shape {shape_of(output)}; got {got}"
        )
    else:
        out_grad = unbroadcast(out_grad if recording else out_grad.make_const(out_grad), output, output)
    thread = state.thread
    blocks = thread.blocks
    depth = len(blocks)
    try:
        state.threads_without_grad.add(thread.number)
        blocks.append(state.RECORDING if recording else state.NOT_RECORDING)
        if len(GRADIENTS.stack) == 1:
            propagate(output, out_grad, accumulate)
        else:
            _propagate_by_override(output, out_grad, accumulate)
    finally:
        del blocks[depth:]  # a plain statement: an interrupt falls into calls and loops only
        if not depth and thread.enabled:
            state.threads_without_grad.discard(thread.number)


def propagate(output, out_grad, accumulate=False) -> None:
    """Walk the graph backwards from `output`, whose adjoint is `out_grad`, and write the leaves' `.grad`."""
    if state.hook is None:
        _walk(output, out_grad, accumulate, False)
        return
    events.seeded(output, out_grad)
    quiet = events.quiet.on
    try:
        events.quiet.on = not state.grad_enabled()  # only graph nodes are told of
        # The loop is a function of its own: from Python 3.13 on, an interrupt that falls where a loop turns passes by
        # the `finally` around the loop.
        _walk(output, out_grad, accumulate, True)
    finally:
        events.quiet.on = quiet


def _walk(output, out_grad, accumulate, told) -> None:
    order = TOPO_SORT.function([output]) if len(TOPO_SORT.stack) == 1 else _students_order(output)
    plus = _adder()
    same_layout = arrays.same_layout
    adjoints = {output: out_grad}
    take = adjoints.pop
    taken = taken_by(out_grad)
    while order:
        node = order.pop()
        g = take(node, None)
        if g is None:  # no path from the output leads here, or no gradient is wanted
            continue
        op = node.op
        if g.extra is not None and "partial" in g.extra:
            g = g.completed(node)
        if op is None:
            if accumulate:
                _add_to_leaf(node, g, taken)
            else:
                node.grad = own(g, taken)
            if told:
                events.leaf(node)
            continue
        if node.extra is not None and "retain" in node.extra:
            node.grad = own(g, taken)
        if node.version != storage.latest_version:
            check_unchanged(node)
        vjps = op.vjps
        grads = None
        if vjps is None:  # an op that may, unlike ours, hand out one of its inputs
            grads = op.gradient_as_tuple(g, node)
            taken |= taken_by(node, *node.inputs)
        k = -1
        for x in node.inputs:
            k += 1
            if not x.requires_grad:
                continue
            if grads is not None:
                gx = grads[k]
            elif vjps[k] is None:
                continue
            else:
                gx = vjps[k](op, g, node)
                if not same_layout(gx, x):
                    gx = unbroadcast(gx, x, node)
            if told:
                events.vjp(x, gx, node, k)
            adjoints[x] = plus(x, adjoints[x], gx) if x in adjoints else gx
            if told:
                events.accumulated(x, adjoints[x], node, k)


def _adder():
    """Return a function that gives the sum of the adjoint `total` of a value and one more contribution.

    The first contribution may be an array that others hold too. The sum of two is our own, so the third is
    added to it in place: no new array, where a weight is used at every step of a recurrent network.
    """
    if len(SUM_NODES.stack) > 1:  # a student's own
        return _students_sum
    if state.grad_enabled() or len(_ADD.stack) > 1:  # sums are nodes of a graph, or a student's own
        return lambda x, total, g: total + g
    add_into = arrays.add_into
    sums = set()

    def plus(x, total, g):
        if x in sums and add_into(total.cached_data, g.realize_cached_data()):
            return total
        total = total + g
        if total.cached_data.__class__ is arrays.Array:  # neither a tuple, nor put off by lazy mode
            sums.add(x)
        return total

    return plus


_lock = threading.RLock()


def _new_lock() -> None:
    """In a forked child the thread that held the lock may be gone, and would never give it back."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


def _add_to_leaf(leaf, g, taken) -> None:
    """Add to a leaf's `.grad`; threads may share a parameter, so one reads and writes at a time."""
    with _lock:
        leaf.grad = own(g, taken) if leaf.grad is None else sum_node_list([_earlier(leaf), g])


def _earlier(leaf):
    """Return the `.grad` that a leaf has already; somebody may have set it by hand."""
    if not isinstance(leaf.grad, Value) or shape_of(leaf.grad) != shape_of(leaf):
        got = f"shape {shape_of(leaf.grad)}" if isinstance(leaf.grad, Value) else type(leaf.grad).__name__
        raise GradientError(
            f"backward(accumulate=True): the .grad to add to is a tensor of shape {shape_of(leaf)}; got {got}"
        )
    return leaf.grad


# -- the functions a student may replace ---------------------------------------------------------------------


def sum_of_nodes(node_list: list):
    """Return the sum of a list of tensors, without a superfluous zero to start with."""
    total = node_list[0]
    for node in node_list[1:]:
        total = total + node
    return total


_ADD = slot("add")
GRADIENTS = function_slot("compute_gradient_of_variables", propagate)
SUM_NODES = function_slot("sum_node_list", sum_of_nodes)


def compute_gradient_of_variables(output: Any, out_grad: Any) -> None:
    """Store the gradient of `output`, weighted with `out_grad`, in `.grad` of every leaf it depends on.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> x = Tensor([1.0, 2.0])
    >>> compute_gradient_of_variables(x * x, Tensor([1.0, 10.0]))
    >>> x.grad.numpy()
    array([ 2., 40.], dtype=float32)
    """
    GRADIENTS.function(output, out_grad)


def sum_node_list(node_list: list[Any]) -> Any:
    """Return the sum of a list of tensors, all of one shape.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> sum_node_list([Tensor([1.0]), Tensor([2.0]), Tensor([3.0])]).numpy()
    array([6.], dtype=float32)
    """
    return SUM_NODES.function(node_list)


def _students_order(output) -> list:
    """Return the order a student's function gives, if it is one; a wrong one would give wrong gradients."""
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


def _students_sum(x, total, g):
    total = SUM_NODES.function([total, g])
    if not isinstance(total, Value):
        raise GradientError(f"sum_node_list returned {total!r}; wanted a tensor (is a `return` missing?)")
    return total


def _propagate_by_override(output, out_grad, accumulate) -> None:
    """Let a student's function do the work: it sets `.grad` everywhere; we tidy up as `propagate` would.

    One at a time, since it keeps adjoints in the values.
    """
    with _lock:
        reached = [node for node in TOPO_SORT.function([output]) if node.requires_grad]
        before = [node.grad for node in reached]
        try:
            at_once(map(setattr, reached, repeat("grad"), repeat(None)))
            GRADIENTS.function(output, out_grad)
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
