"""Reverse-mode differentiation: the chain rule, once through the graph from the loss back to the leaves.

Every value v on the way has an adjoint, the gradient of the output with respect to v. It is the sum of one
contribution for each place where v is used: the vector-Jacobian product of the op there. The engine walks the
topological order backwards, so an adjoint is complete when its turn comes; then it is handed to the inputs
and forgotten, unless the value is a leaf or asked for it with `retain_grad()`.

Every contribution is brought to its input's shape (fit.py), and no value that was overwritten since the
forward pass is used (overwritten.py).
"""

import threading
from typing import Any

from needle_edu.backend import storage

from . import arrays, events, state
from .arrays import GradientError
from .fit import fit, shape_of
from .overwritten import check_unchanged
from .ownership import own, taken_by
from .registry import function_slot, slot
from .topo import TOPO_SORT, post_order
from .value import Value


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
        out_grad = fit(out_grad if recording else out_grad.make_const(out_grad), output, output)
    previous = state.set_grad_mode(recording)
    try:
        _walk(output, out_grad, accumulate)
    finally:
        state.set_grad_mode(previous)


_lock = threading.RLock()
_depth = 0  # of walks within walks


def _walk(output, out_grad, accumulate) -> None:
    """Run one backward pass at a time: adjoints are kept in the values, and threads may share a parameter.

    A gradient may call `backward` itself, to compute a part of the network again, say. Such a walk within a
    walk finds no adjoints, and those of the outer one are put back after it.
    """
    global _depth
    with _lock:
        outer = [(node, node.adjoint) for node in post_order([output])] if _depth else ()
        for node, _ in outer:
            node.adjoint = None
        _depth += 1
        try:
            run = propagate if len(GRADIENTS.stack) == 1 else _propagate_by_override
            run(output, out_grad, accumulate)
        finally:
            _depth -= 1
            for node, adjoint in outer:
                node.adjoint = adjoint


def propagate(output, out_grad, accumulate=False) -> None:
    """Walk the graph backwards from `output`, whose adjoint is `out_grad`, and write the leaves' `.grad`."""
    order = TOPO_SORT.function([output]) if len(TOPO_SORT.stack) == 1 else _students_order(output)
    plus = _adder()
    agree = arrays.agree
    taken = taken_by(out_grad)
    told = state.hook is not None
    if told:
        events.seeded(output, out_grad)
        quiet = events.keep_quiet(not state.grad_enabled())  # only graph nodes are told of
    output.adjoint = out_grad
    try:
        while order:
            node = order.pop()
            g = node.adjoint
            if g is None:  # no path from the output leads here, or no gradient is wanted
                continue
            node.adjoint = None
            op = node.op
            if g.extra is not None and "partial" in g.extra:
                g = g.completed(node)
            if op is None:
                add = accumulate and node.grad is not None
                node.grad = sum_node_list([_earlier(node), g]) if add else own(g, taken)
                if told:
                    events.leaf(node)
                continue
            if node.extra is not None and "retain" in node.extra:
                node.grad = own(g, taken)
            if node.stamp != storage.clock:
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
                    if not agree(gx, x):
                        gx = fit(gx, x, node)
                if told:
                    events.vjp(x, gx, node, k)
                x.adjoint = gx if x.adjoint is None else plus(x, gx)
                if told:
                    events.accumulated(x, node, k)
    finally:
        for node in order:  # empty, unless an error ended the walk
            node.adjoint = None
        if told:
            events.keep_quiet(quiet)


def _adder():
    """Return a function that gives the sum of a value's adjoint and one more contribution.

    The first contribution may be an array that others hold too. The sum of two is our own, so the third is
    added to it in place: no new array, where a weight is used at every step of a recurrent network.
    """
    if len(SUM_NODES.stack) > 1:  # a student's own
        return _students_sum
    if state.grad_enabled() or len(_ADD.stack) > 1:  # sums are nodes of a graph, or a student's own
        return lambda x, g: x.adjoint + g
    add_into = arrays.add_into
    sums = set()

    def plus(x, g):
        total = x.adjoint
        if x in sums and add_into(total.cached_data, g.realize_cached_data()):
            return total
        total = total + g
        if total.cached_data.__class__ is arrays.Array:  # neither a tuple, nor put off by lazy mode
            sums.add(x)
        return total

    return plus


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


def _students_sum(x, g):
    total = SUM_NODES.function([x.adjoint, g])
    if not isinstance(total, Value):
        raise GradientError(f"sum_node_list returned {total!r}; wanted a tensor (is a `return` missing?)")
    return total


def _propagate_by_override(output, out_grad, accumulate) -> None:
    """Let a student's function do the work: it sets `.grad` everywhere; we tidy up as `propagate` would."""
    reached = [node for node in TOPO_SORT.function([output]) if node.requires_grad]
    before = [node.grad for node in reached]
    for node in reached:
        node.grad = None
    try:
        GRADIENTS.function(output, out_grad)
    except BaseException:
        for node, old in zip(reached, before, strict=True):
            node.grad = old
        raise
    for node, old in zip(reached, before, strict=True):
        if node.op is not None and not (node.extra and "retain" in node.extra):
            node.grad = None
        elif accumulate and old is not None:
            node.grad = old if node.grad is None else old + node.grad
