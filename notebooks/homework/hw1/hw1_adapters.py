"""Homework 1's adapters: how its tests put an order, a reverse mode and a loss to work inside needle_edu.

A test describes a graph as data; what stands here builds it, lets your answer run on it, and returns arrays. Nothing
here judges. (`needle_edu/course/adapters.py` says what an adapter is, and has those for operations.)
"""

from collections.abc import Callable

import numpy as np

from needle_edu import autograd, ops
from needle_edu.course.adapters import both_gradients, copies, gradients, kind, tensors
from needle_edu.course.messages import MessageError


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
            raise MessageError(f"{kind(order)}; wanted a list of Tensors")
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
    values = _run(program, leaves)
    with autograd.override("compute_gradient_of_variables", answer):
        values[-1].backward(*tensors([] if out_grad is None else [out_grad]))
    return gradients(values[: len(leaves)])


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
    values, (adjoint,) = _run(program, leaves), tensors([out_grad])
    for value in values if before is not None else ():
        (value.grad,) = tensors([before])
    for _ in range(2):
        answer(values[-1], adjoint)
    return {"gradients": gradients(values), "values": copies(values), "out_grad": adjoint.numpy()}


def second_gradient(answer: Callable, program: list, leaf: np.ndarray) -> tuple:
    """Differentiate a program of one leaf twice, with the answer as ``compute_gradient_of_variables``.

    Returns
    -------
    first, second : numpy.ndarray or None
        The leaf's gradient, and the gradient of its sum: None if the first is no graph.
    """
    values = _run(program, [leaf])
    with autograd.override("compute_gradient_of_variables", answer):
        values[-1].backward(create_graph=True)
        return both_gradients(values[0])


def loss_and_gradient(answer: Callable, logits: np.ndarray, labels: np.ndarray) -> tuple:
    """Call a loss ``answer(logits, labels)`` on Tensor logits; return its value and their gradient."""
    (tensor,) = tensors([logits])
    loss = _loss(answer, tensor, labels)
    loss.backward()
    return loss.item(), *gradients([tensor])


def loss_runs(answer: Callable, logits: np.ndarray, labels: np.ndarray) -> tuple:
    """Call a loss twice; return both values, and logits and labels as they are afterwards."""
    (tensor,) = tensors([logits])
    first, second = (_loss(answer, tensor, labels).item() for _ in range(2))
    return first, second, tensor.numpy(), labels


# --- parts of the above -------------------------------------------------------------------------------------


def _loss(answer: Callable, tensor, labels: np.ndarray):
    loss = answer(tensor, labels)
    if not isinstance(loss, autograd.Tensor):
        raise MessageError(f"{kind(loss)}; wanted a Tensor, which remembers how it was computed")
    if loss.size != 1:
        raise MessageError(f"a Tensor of shape {loss.shape}; wanted one with a single element")
    return loss


def _run(program: list, leaves: list) -> list:
    """Run a program (see `leaf_gradients`) and return its values, leaves first."""
    values = tensors(leaves)
    for name, operands in program:
        values.append(getattr(ops, name)(*[values[k] for k in operands]))
    return values
