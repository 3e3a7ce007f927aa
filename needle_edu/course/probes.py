"""Probes: a few lines that put a student's answer to work inside the framework and report plain numbers.

A test can hand over arrays and get arrays back, but an op, a graph or a gradient lives inside needle_edu.
So a test describes what it wants as data (``answer.op_forward("sigmoid", x)``), and the probe, where the
student's code lives, installs the answer with `needle_edu.override`, runs the framework, and returns
arrays. Probes decide nothing and know no expected values: they are open for students to read.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


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
    import needle_edu as ndl

    with ndl.override(name, _op(name, compute=answer)):
        return getattr(ndl.ops, name)(*[ndl.Tensor(array, dtype=array.dtype) for array in arrays]).numpy()


def op_gradient(answer: Callable, name: str, out_grad: np.ndarray, *arrays: np.ndarray) -> tuple:
    """Run the op `name` forward as the framework does and backward with the answer as its `gradient`.

    Returns the gradient of each input.
    """
    import needle_edu as ndl

    tensors = [ndl.Tensor(array, dtype=array.dtype) for array in arrays]
    with ndl.override(name, _op(name, gradient=answer)):
        getattr(ndl.ops, name)(*tensors).backward(ndl.Tensor(out_grad, dtype=out_grad.dtype))
    return tuple(tensor.grad.numpy() for tensor in tensors)


def _op(name: str, compute: Callable | None = None, gradient: Callable | None = None) -> type:
    """An op whose two halves are the answer's where given, the library's where not."""
    import needle_edu as ndl

    original = ndl.autograd.registry.slot(name).original

    class StudentOp(ndl.autograd.TensorOp):
        def compute(self, *arrays):
            return compute(*arrays) if compute else original.compute(self, *arrays)

        def gradient(self, out_grad, node):
            return gradient(out_grad, node) if gradient else original.gradient(self, out_grad, node)

    return StudentOp


def topological_order(answer: Callable, graph: list, outputs: list) -> np.ndarray:
    """Let the answer order a graph given as data, and return the labels in its order.

    Parameters
    ----------
    answer : function
        ``find_topo_sort(node_list)``.
    graph : list of list of int
        For node k the numbers of its inputs, all smaller than k; an empty list is a leaf.
    outputs : list of int
        The nodes handed to the answer.

    Returns
    -------
    numpy.ndarray of int64
        Node numbers; -1 for anything that is not a node of the graph.
    """
    import needle_edu as ndl

    nodes = []
    for inputs in graph:
        if not inputs:
            nodes.append(ndl.Tensor([1.0]))
        else:
            nodes.append(ndl.autograd.Tensor.make_from_op(ndl.autograd.registry.slot("stack").cls(0), tuple(nodes[i] for i in inputs)))
    label = {id(node): number for number, node in enumerate(nodes)}
    order = answer([nodes[i] for i in outputs])
    return np.array([label.get(id(node), -1) for node in order], dtype=np.int64)


PROBES = {probe.__name__: probe for probe in (call, op_forward, op_gradient, topological_order)}
