"""Probes: a few lines that put a student's answer to work inside the framework and report plain numbers.

A test can hand over arrays and get arrays back, but an op, a graph or a gradient lives inside needle_edu.
So a test describes what it wants as data (``answer.op_forward("sigmoid", x)``), and the probe, where the
student's code lives, installs the answer with `needle_edu.override`, runs the framework, and returns
arrays. Probes decide nothing and know no expected values: they are open for students to read.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from needle_edu.course.wire import WireError


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

    def compute(self, *operands):
        return answer(*operands)

    with autograd.override(name, _variant(name, compute=compute)):
        return getattr(ops, name)(*_leaves(arrays)).numpy()


def op_gradient(answer: Callable, name: str, out_grad: np.ndarray, *arrays: np.ndarray) -> tuple:
    """Run the op `name` forward as the framework does, backward with the answer as its `gradient`.

    Returns
    -------
    tuple of numpy.ndarray
        The gradient of each input.
    """
    from needle_edu import autograd, ops

    def gradient(self, out_grad, node):
        return answer(out_grad, node)

    leaves = _leaves(arrays)
    with autograd.override(name, _variant(name, gradient=gradient)):
        getattr(ops, name)(*leaves).backward(*_leaves([out_grad]))
    return tuple(_gradients(leaves))


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
    order = answer([nodes[k] for k in outputs])
    if not isinstance(order, (list, tuple)):
        raise WireError(f"{_kind(order)}; wanted a list of Tensors")
    return np.array([number.get(id(node), -1) for node in order], dtype=np.int64)


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
    from needle_edu import autograd, ops

    tensors = _leaves(leaves)
    values = list(tensors)
    for name, operands in program:
        values.append(getattr(ops, name)(*[values[k] for k in operands]))
    with autograd.override("compute_gradient_of_variables", answer):
        values[-1].backward(*_leaves([] if out_grad is None else [out_grad]))
    return _gradients(tensors)


def loss_and_gradient(answer: Callable, logits: np.ndarray, labels: np.ndarray) -> tuple:
    """Call a loss ``answer(logits, labels)`` on Tensor logits; return its value and their gradient."""
    from needle_edu import autograd

    (tensor,) = _leaves([logits])
    loss = answer(tensor, labels)
    if not isinstance(loss, autograd.Tensor):
        raise WireError(f"{_kind(loss)}; wanted a Tensor, which remembers how it was computed")
    if loss.size != 1:
        raise WireError(f"a Tensor of shape {loss.shape}; wanted one with a single element")
    loss.backward()
    return loss.item(), *_gradients([tensor])


def _kind(value) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _variant(name: str, **methods: Callable) -> type:
    """The library's op `name` with some of its methods replaced."""
    from needle_edu.autograd import registry

    return type("StudentOp", (registry.slot(name).original,), methods)


def _leaves(arrays) -> list:
    from needle_edu import autograd

    return [autograd.Tensor(array, dtype=array.dtype) for array in arrays]


def _gradients(tensors: list) -> list:
    return [None if tensor.grad is None else tensor.grad.numpy() for tensor in tensors]


PROBES = {
    probe.__name__: probe
    for probe in (call, op_forward, op_gradient, topological_order, leaf_gradients, loss_and_gradient)
}
