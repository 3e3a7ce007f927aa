"""Reverse-mode differentiation: the chain rule, once through the graph from the loss back to the leaves.

Every value v on the way has an adjoint, the gradient of the output with respect to v. It is the sum of one
contribution for each place where v is used: the vector-Jacobian product of the op there. The engine walks the
topological order backwards, so an adjoint is complete when its turn comes; then it is handed to the inputs
and forgotten, unless the value is a leaf or asked for it with `retain_grad()`. The adjoints belong to the pass,
not to the values: a pass that an error or an interrupt has stopped takes its own with it, and passes in several
threads, or within one another, know nothing of each other.

Every contribution is brought to its input's shape (unbroadcast.py) and added to the others (adjoints.py); a leaf's
gradient has memory of its own (gradients.py); and no value that was overwritten since the forward pass is used
(version_check.py).
"""

from typing import Any

from needle_edu.backend import storage

from . import array_pass, events, gradients, hooks, state
from .adjoints import adder, gradient_as_vjps
from .arrays import GradientError, same_layout
from .gradients import taken_by, write_leaf
from .registry import function_slot
from .replaceable import propagate_by, students_order
from .topo import TOPO_SORT, post_order
from .unbroadcast import shape_of, unbroadcast
from .value import Value
from .version_check import check_unchanged


def run_backward(output, out_grad=None, create_graph=None, accumulate=False) -> None:
    """Write the gradient of `output` into every leaf it depends on; see Tensor.backward."""
    if not output.requires_grad:
        raise GradientError(
            "backward: this tensor requires no gradient; was it detached, made under no_grad, or is it a "
            "gradient that backward(create_graph=True) did not make?"
        )
    recording = (
        bool(state.CREATE_GRAPH if create_graph is None else create_graph) or state.tracing() is not None
    )
    out_grad = output.ones_like() if out_grad is None else _checked(out_grad, output, recording)
    thread = state.thread
    blocks = thread.blocks
    depth = len(blocks)
    outer, thread.after_pass = thread.after_pass, []
    try:
        state.threads_without_grad.add(thread.number)
        blocks.append(state.RECORDING if recording else state.NOT_RECORDING)
        if len(GRADIENTS.stack) == 1:
            propagate(output, out_grad, accumulate)
        else:
            with gradients.lock:
                propagate_by(GRADIENTS.function, output, out_grad, accumulate)
        for function in thread.after_pass:
            function()
    finally:
        thread.after_pass = outer
        del blocks[depth:]  # a plain statement: an interrupt falls into calls and loops only
        if not depth and thread.enabled:
            state.threads_without_grad.discard(thread.number)


def _checked(out_grad, output, recording):
    """Return the adjoint that a caller starts with, in the dtype of the output, or say what is wrong with it."""
    if not isinstance(out_grad, Value) or shape_of(out_grad) != shape_of(output):
        is_value = isinstance(out_grad, Value)
        got = f"shape {shape_of(out_grad)}" if is_value else f"{type(out_grad).__name__}; write Tensor(…)"
        raise GradientError(
            f"backward: out_grad is a tensor of this tensor's shape {shape_of(output)}; got {got}"
        )
    return unbroadcast(out_grad if recording else out_grad.make_const(out_grad), output, output)


def propagate(output, out_grad, accumulate=False) -> None:
    """Walk the graph backwards from `output`, whose adjoint is `out_grad`, and write the leaves' `.grad`.

    Where nobody could tell the difference, array_pass.py does the same without making a tensor of every adjoint.
    """
    if array_pass.serves(output, out_grad):
        array_pass.walk(output, out_grad, accumulate)
        return
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
    order = TOPO_SORT.function([output]) if len(TOPO_SORT.stack) == 1 else students_order(output)
    _through(order, {output: out_grad}, taken_by(out_grad), accumulate, told)


def pull_back(output, out_grad, ends) -> list:
    """Return the adjoints of `ends` that belong to the adjoint `out_grad` of `output`; None where no path leads.

    The walk stops at `ends`: what they were computed from is not visited, and no `.grad` is written.
    """
    adjoints = {output: out_grad}
    _through(post_order([output], ends), adjoints, taken_by(out_grad), False, False)
    return [adjoints.get(x) for x in ends]


def _through(order, adjoints, taken, accumulate, told) -> None:
    """Go through `order` from its end, and hand each node's adjoint on to its inputs."""
    plus = adder()
    tracer = state.tracing()
    while order:
        node = order.pop()
        g = adjoints.pop(node, None)
        if g is None:  # no path from the output leads here, or no gradient is wanted
            continue
        if g.extra is not None and "partial" in g.extra:
            g = g.completed(node)
        if node.extra is not None:
            g = hooks.passed(node, g, taken)
        if node.op is None:
            if tracer is not None:
                tracer.write_leaf(node, g, accumulate)
                continue
            write_leaf(node, g, taken, accumulate)
            if told:
                events.leaf(node)
            continue
        if node.version != storage.latest_version:
            check_unchanged(node)
        vjps = node.op.vjps if tracer is None else tracer.vjps(node)(g)
        if vjps is None:  # an op that may, unlike ours, hand out one of its inputs
            vjps = gradient_as_vjps(g, node)
            taken |= taken_by(node, *node.inputs)
        _contribute(vjps, g, node, adjoints, plus, told)


def _contribute(vjps, g, node, adjoints, plus, told) -> None:
    """Add to the adjoint of each input of `node` what follows from its own adjoint `g`."""
    op = node.op
    k = -1
    for x in node.inputs:
        k += 1
        if not x.requires_grad or (vjp := vjps[k]) is None:
            continue
        gx = vjp(op, g, node)
        if not same_layout(gx, x):
            gx = unbroadcast(gx, x, node)
        if told:
            events.vjp(x, gx, node, k)
        adjoints[x] = plus(x, adjoints[x], gx) if x in adjoints else gx
        if told:
            events.accumulated(x, adjoints[x], node, k)


GRADIENTS = function_slot("compute_gradient_of_variables", propagate)


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
