"""Probes: a few lines that put a student's answer to work inside the framework and report plain numbers.

A test can hand over arrays and get arrays back, but an op, a graph or a gradient lives inside needle_edu.
So a test describes what it wants as data (``answer.op_forward("sigmoid", x)``), and the probe, where the
student's code lives, installs the answer with `needle_edu.override`, runs the framework, and returns
arrays. Probes decide nothing and know no expected values: they are open for students to read.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from needle_edu.course.messages import MessageError


def plain(value):
    """Turn Tensors and NDArrays, also inside lists, tuples and dicts, into NumPy arrays."""
    if type(value) in (list, tuple):
        return type(value)(plain(item) for item in value)
    if type(value) is dict:
        return {key: plain(item) for key, item in value.items()}
    if not isinstance(value, (np.ndarray, np.generic)) and hasattr(value, "numpy"):
        return np.asarray(value.numpy())
    return value


def call(answer: Callable, *args, **kwargs):
    """Call the answer as it is."""
    return answer(*args, **kwargs)


def op_forward(answer: Callable, name: str, *arrays: np.ndarray) -> np.ndarray:
    """Run the op `name` of the framework with the answer as its `compute`."""
    from needle_edu import autograd, ops

    with autograd.override(name, _with_compute(name, answer)):
        return getattr(ops, name)(*_leaves(arrays)).numpy()


def op_gradient(answer: Callable, name: str, out_grad: np.ndarray, *arrays: np.ndarray) -> tuple:
    """Run the op `name` forward as the framework does, backward with the answer as its `gradient`.

    Returns
    -------
    tuple of numpy.ndarray
        The gradient of each input.
    """
    from needle_edu import autograd, ops

    leaves = _leaves(arrays)
    with autograd.override(name, _with_gradient(name, answer)):
        getattr(ops, name)(*leaves).backward(*_leaves([out_grad]))
    return tuple(_gradients(leaves))


def op_runs(answer: Callable, name: str, *arrays: np.ndarray) -> tuple[list, list]:
    """Run the op `name` of one input, with the answer as its `compute`, on each array in turn.

    Returns
    -------
    results, inputs : list of numpy.ndarray
        As they are after the last run. The results are read after every input has been filled with zeros:
        one that lives in its input's memory shows it.
    """
    from needle_edu import autograd, ops

    leaves = _leaves(arrays)
    with autograd.override(name, _with_compute(name, answer)):
        results = [getattr(ops, name)(leaf) for leaf in leaves]
    inputs = _copies(leaves)
    for leaf in leaves:
        leaf.realize_cached_data().fill(0)
    return _copies(results), inputs


def op_gradient_runs(answer: Callable, name: str, out_grad: np.ndarray, array: np.ndarray) -> tuple:
    """Run the op `name` once forward and twice backward, with the answer as its `gradient`.

    Returns
    -------
    first, second : numpy.ndarray
        The gradients.
    out_grad, result, input : numpy.ndarray
        As they are afterwards.
    """
    from needle_edu import autograd, ops

    leaf, adjoint = _leaves([array, out_grad])
    with autograd.override(name, _with_gradient(name, answer)):
        result = getattr(ops, name)(leaf)
        result.backward(adjoint)
        first = _gradients([leaf])
        result.backward(adjoint)
    return (*first, *_gradients([leaf]), *_copies([adjoint, result, leaf]))


def op_second_gradient(answer: Callable, name: str, out_grad: np.ndarray, array: np.ndarray) -> tuple:
    """Differentiate twice through the op `name`, with the answer as its `gradient`.

    Returns
    -------
    first, second : numpy.ndarray or None
        The gradient, and the gradient of its sum: None if the first is no graph.
    """
    from needle_edu import autograd, ops

    leaf, adjoint = _leaves([array, out_grad])
    with autograd.override(name, _with_gradient(name, answer)):
        getattr(ops, name)(leaf).backward(adjoint, create_graph=True)
        return _both_gradients(leaf)


def topological_order(answer: Callable, graph: list, outputs: list) -> np.ndarray:
    """Let the answer order a graph that is given as data, and return the numbers of its nodes in that order.

    Parameters
    ----------
    answer : function
        ``find_topo_sort(node_list)``.
    graph : list of list of int, or array of int
        For each node the numbers of its inputs, all smaller than its own; a node without inputs is a leaf. In
        an array (for large graphs) -1 fills the rows.
    outputs : list of int
        The nodes that the answer is given.

    Returns
    -------
    numpy.ndarray of int64
        Node numbers; -1 for anything that is no node of the graph.
    """
    return topological_orders(answer, graph, outputs)[0][0]


def topological_orders(answer: Callable, graph: list, *outputs: list) -> tuple[list, list]:
    """As `topological_order`, for several lists of outputs of one graph, one after the other.

    Returns
    -------
    orders, given : list of numpy.ndarray of int64
        The orders, and the lists that the answer was given as they are afterwards.
    """
    from needle_edu import autograd

    class First(autograd.TensorOp):
        """An op of any number of inputs: the graph's shape matters here, not its numbers."""

        def compute(self, *operands):
            return operands[0]

    nodes: list = []
    op = First()
    for row in graph:
        inputs = [int(k) for k in row if k >= 0]
        nodes.append(op(*[nodes[k] for k in inputs]) if inputs else autograd.Tensor([1.0]))
    number = {id(node): k for k, node in enumerate(nodes)}

    def numbers(found) -> np.ndarray:
        return np.array([number.get(id(node), -1) for node in found], dtype=np.int64)

    orders, given = [], [[nodes[k] for k in some] for some in outputs]
    for node_list in given:
        order = answer(node_list)
        if not isinstance(order, (list, tuple)):
            raise MessageError(f"{_kind(order)}; wanted a list of Tensors")
        orders.append(numbers(order))
    return orders, [numbers(node_list) for node_list in given]


def leaf_gradients(answer: Callable, program: list, leaves: list, out_grad: np.ndarray | None = None) -> list:
    """Run `backward` through a small graph with the answer as ``compute_gradient_of_variables``.

    Parameters
    ----------
    program : list of [str, list of int]
        Each line is an op's name and the numbers of its operands. First come the leaves, then each result.
    leaves : list of numpy.ndarray
        The graph's inputs.
    out_grad : numpy.ndarray, optional
        The adjoint of the last result; ones if not given.

    Returns
    -------
    list of numpy.ndarray or None
        The gradient of each leaf; None for one that got none.
    """
    from needle_edu import autograd

    values = _run(program, leaves)
    with autograd.override("compute_gradient_of_variables", answer):
        values[-1].backward(*_leaves([] if out_grad is None else [out_grad]))
    return _gradients(values[: len(leaves)])


def stored_gradients(
    answer: Callable, program: list, leaves: list, out_grad: np.ndarray, before: np.ndarray | None = None
) -> dict:
    """Call the answer itself, twice, as ``compute_gradient_of_variables(result, out_grad)``.

    Parameters
    ----------
    program, leaves, out_grad
        As for `leaf_gradients`.
    before : numpy.ndarray, optional
        What `.grad` of every value holds beforehand; nothing if not given.

    Returns
    -------
    dict
        ``"gradients"``: the `.grad` of every value, leaves first, None where there is none; ``"values"`` and
        ``"out_grad"``: what the values and the adjoint are afterwards.
    """
    values, (adjoint,) = _run(program, leaves), _leaves([out_grad])
    for value in values if before is not None else ():
        (value.grad,) = _leaves([before])
    for _ in range(2):
        answer(values[-1], adjoint)
    return {"gradients": _gradients(values), "values": _copies(values), "out_grad": adjoint.numpy()}


def second_gradient(answer: Callable, program: list, leaf: np.ndarray) -> tuple:
    """Differentiate a program of one leaf twice, with the answer as ``compute_gradient_of_variables``.

    Returns
    -------
    first, second : numpy.ndarray or None
        The leaf's gradient, and the gradient of its sum: None if the first is no graph.
    """
    from needle_edu import autograd

    values = _run(program, [leaf])
    with autograd.override("compute_gradient_of_variables", answer):
        values[-1].backward(create_graph=True)
        return _both_gradients(values[0])


def loss_and_gradient(answer: Callable, logits: np.ndarray, labels: np.ndarray) -> tuple:
    """Call a loss ``answer(logits, labels)`` on Tensor logits; return its value and their gradient."""
    (tensor,) = _leaves([logits])
    loss = _loss(answer, tensor, labels)
    loss.backward()
    return loss.item(), *_gradients([tensor])


def loss_runs(answer: Callable, logits: np.ndarray, labels: np.ndarray) -> tuple:
    """Call a loss twice; return both values, and logits and labels as they are afterwards."""
    (tensor,) = _leaves([logits])
    first, second = (_loss(answer, tensor, labels).item() for _ in range(2))
    return first, second, tensor.numpy(), labels


# --- parts of the above -------------------------------------------------------------------------------------


def _loss(answer: Callable, tensor, labels: np.ndarray):
    from needle_edu import autograd

    loss = answer(tensor, labels)
    if not isinstance(loss, autograd.Tensor):
        raise MessageError(f"{_kind(loss)}; wanted a Tensor, which remembers how it was computed")
    if loss.size != 1:
        raise MessageError(f"a Tensor of shape {loss.shape}; wanted one with a single element")
    return loss


def _run(program: list, leaves: list) -> list:
    """Run a program (see `leaf_gradients`) and return its values, leaves first."""
    from needle_edu import ops

    values = _leaves(leaves)
    for name, operands in program:
        values.append(getattr(ops, name)(*[values[k] for k in operands]))
    return values


def _both_gradients(leaf) -> tuple:
    first, leaf.grad = leaf.grad, None
    if first is not None and first.requires_grad:
        first.backward()
    return None if first is None else first.numpy(), *_gradients([leaf])


def _kind(value) -> str:
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _with_compute(name: str, answer: Callable) -> type:
    """The library's op `name` with the answer as its `compute`."""
    return _variant(name, compute=lambda self, *operands: answer(*operands))


def _with_gradient(name: str, answer: Callable) -> type:
    """The library's op `name` with the answer as its `gradient`."""
    return _variant(name, gradient=lambda self, out_grad, node: answer(out_grad, node))


def _variant(name: str, **methods: Callable) -> type:
    from needle_edu.autograd import registry

    return type("StudentOp", (registry.slot(name).original,), methods)


def _leaves(arrays) -> list:
    from needle_edu import autograd

    return [autograd.Tensor(array, dtype=array.dtype) for array in arrays]


def _gradients(tensors: list) -> list:
    return [None if tensor.grad is None else tensor.grad.numpy() for tensor in tensors]


def _copies(tensors: list) -> list:
    return [tensor.numpy() for tensor in tensors]


ADAPTERS = {
    probe.__name__: probe
    for probe in (
        call,
        op_forward,
        op_runs,
        op_gradient,
        op_gradient_runs,
        op_second_gradient,
        topological_order,
        topological_orders,
        leaf_gradients,
        stored_gradients,
        second_gradient,
        loss_and_gradient,
        loss_runs,
    )
}
