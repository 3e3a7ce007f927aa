"""Reverse-mode differentiation: the chain rule, once through the graph from the loss back to the leaves.

Every value v on the way has an adjoint, the gradient of the output with respect to v. It is the sum of one
contribution for each place where v is used: the vector-Jacobian product of the op there. The engine walks the
topological order backwards, so an adjoint is complete when its turn comes; then it is handed to the inputs
and forgotten, unless the value is a leaf or asked for it with `retain_grad()`.

An input that was broadcast stands for many elements of the result, so its contribution is summed over the
broadcast dimensions (`fit`); ops need not care.
"""

from functools import lru_cache

from needle_edu.backend import storage

from . import arrays, events, state
from .arrays import GradientError
from .registry import function_slot, slot
from .topo import TOPO_SORT
from .value import Value

_SUMMATION, _RESHAPE, _ASTYPE = slot("summation"), slot("reshape"), slot("astype")


def run_backward(output, out_grad=None, create_graph=None, accumulate=False) -> None:
    """Write the gradient of `output` into every leaf it depends on; see Tensor.backward."""
    if not output.requires_grad:
        raise GradientError(
            "backward: this tensor requires no gradient; was it detached, or made under no_grad?"
        )
    if out_grad is None:
        out_grad = output.ones_like()
    elif not isinstance(out_grad, Value) or _shape(out_grad) != _shape(output):
        got = f"shape {_shape(out_grad)}" if isinstance(out_grad, Value) else repr(out_grad)
        raise GradientError(
            f"backward: out_grad is a tensor of this tensor's shape {_shape(output)}; got {got}"
        )
    previous = state.set_grad_mode(bool(state.CREATE_GRAPH if create_graph is None else create_graph))
    try:
        if len(GRADIENTS.stack) == 1:
            propagate(output, out_grad, accumulate)
        else:
            _propagate_by_override(output, out_grad, accumulate)
    finally:
        state.set_grad_mode(previous)


def propagate(output, out_grad, accumulate=False) -> None:
    """Walk the graph backwards from `output`, whose adjoint is `out_grad`, and write the leaves' `.grad`."""
    order = TOPO_SORT.function([output])
    add = _add if len(SUM_NODES.stack) == 1 else lambda a, b: SUM_NODES.function([a, b])
    agree = arrays.agree
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
                node.grad = g if not accumulate or node.grad is None else add(node.grad, g)
                if told:
                    events.leaf(node)
                continue
            if node.extra is not None and "retain" in node.extra:
                node.grad = g
            if node.stamp != storage.clock:
                check_unchanged(node)
            vjps = op.vjps
            grads = op.gradient_as_tuple(g, node) if vjps is None else None
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
                if gx is g and x.op is None:
                    gx = _another(g)
                if told:
                    events.vjp(x, gx, node, k)
                x.adjoint = gx if x.adjoint is None else add(x.adjoint, gx)
                if told:
                    events.accumulated(x, node, k)
    finally:
        for node in order:  # empty, unless an error ended the walk
            node.adjoint = None
        if told:
            events.keep_quiet(quiet)


def _add(a, b):
    return a + b


def _another(g):
    """Return a tensor of its own around the array of `g`.

    The op handed its adjoint on unchanged (as addition does), and two leaves must not share one `.grad`
    object: whoever assigned to the `.data` of one would change the other. Graph nodes are never changed, they
    may be shared.
    """
    return type(g).make_const(g.realize_cached_data()) if g.op is None else g


def fit(g, x, node):
    """Return the contribution `g` for the input `x` of `node` in the shape and dtype of `x`.

    Where `x` was broadcast, `g` comes with the shape of the result and is summed over the broadcast
    dimensions.

    Raises
    ------
    GradientError
        If the op returned no gradient, or one of another shape.
    """
    if not isinstance(g, Value):
        raise GradientError(
            f"{node.op.name}: the gradient for {_describe(x, node)} is {g!r}; wanted a Tensor "
            "(is a `return` missing?)"
        )
    data, wanted = g.realize_cached_data(), x.realize_cached_data()
    if isinstance(wanted, tuple):
        return g
    if data.shape != wanted.shape:
        axes = broadcast_axes(wanted.shape, data.shape)
        if axes is None or data.shape != node.realize_cached_data().shape:
            raise GradientError(
                f"{node.op.name}: the gradient for {_describe(x, node)} has shape {data.shape}, "
                f"wanted {wanted.shape}"
            )
        g = sum_to(g, wanted.shape)
    if data.dtype != wanted.dtype and wanted.dtype.kind == "f":
        g = _ASTYPE.cls(wanted.dtype).apply(g)
    return g


def sum_to(g, shape: tuple[int, ...]):
    """Return `g` summed over the dimensions along which `shape` was broadcast to its shape."""
    got = g.shape
    if got == shape:
        return g
    return _RESHAPE.cls(shape).apply(_SUMMATION.cls(broadcast_axes(shape, got)).apply(g))


@lru_cache(1024)
def broadcast_axes(shape: tuple[int, ...], result: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the axes of `result` along which an array of `shape` was broadcast; None if it does not
    broadcast.

    Examples
    --------
    >>> broadcast_axes((3, 1), (2, 3, 4))
    (0, 2)
    """
    lead = len(result) - len(shape)
    if lead < 0:
        return None
    axes = list(range(lead))
    for axis, (small, large) in enumerate(zip(shape, result[lead:], strict=True), start=lead):
        if small != large:
            if small != 1:
                return None
            axes.append(axis)
    return tuple(axes)


def check_unchanged(node) -> None:
    """Raise if a value that the vjps of `node` read was overwritten after `node` was computed."""
    for k, x in enumerate(node.inputs):
        if not x.requires_grad:
            continue
        for value in _values_read(node, k):
            if _changed(value, node):
                raise GradientError(
                    f"{node.op.name}: {_describe(value, node)} was overwritten after the forward pass, and "
                    "the gradient needs the old value; compute the result again, or write to a copy"
                )


def _values_read(node, operand: int) -> list:
    """Return the values that the vjp of an operand reads; all of them if the op does not say."""
    reads = node.op.reads
    if reads is None:
        return [*node.inputs, node]
    letters = reads[operand] if operand < len(reads) else ""
    return [node if letter == "y" else node.inputs["abcdefgh".index(letter)] for letter in letters]


def _changed(value, node) -> bool:
    if value is node:
        replaced = node.extra is not None and "replaced" in node.extra
    else:
        replaced = value.stamp > node.stamp
    data = value.cached_data
    parts = data if isinstance(data, tuple) else (data,)
    written = max([getattr(getattr(part, "storage", None), "written", 0) for part in parts], default=0)
    return replaced or written > node.stamp


def _describe(x, node) -> str:
    """Name a value in a message: its label if it has one, else its place among the inputs."""
    label = x.extra.get("name") if x.extra else None
    if x is node:
        return f"the result {label!r}" if label else f"the result (shape {_shape(x)})"
    place = f"input {[i is x for i in node.inputs].index(True)}"
    return f"{place} {label!r}" if label else f"{place} (shape {_shape(x)})"


def _shape(x):
    data = x.realize_cached_data()
    return tuple([part.shape for part in data]) if isinstance(data, tuple) else data.shape


# -- the functions a student may replace ---------------------------------------------------------------------


def sum_of_nodes(node_list: list):
    """Return the sum of a list of tensors, without a superfluous zero to start with."""
    total = node_list[0]
    for node in node_list[1:]:
        total = total + node
    return total


GRADIENTS = function_slot("compute_gradient_of_variables", propagate)
SUM_NODES = function_slot("sum_node_list", sum_of_nodes)


def compute_gradient_of_variables(output, out_grad) -> None:
    """Store the gradient of `output`, weighted with `out_grad`, in `.grad` of every leaf it depends on."""
    GRADIENTS.function(output, out_grad)


def sum_node_list(node_list: list):
    """Return the sum of a list of tensors."""
    return SUM_NODES.function(node_list)


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
