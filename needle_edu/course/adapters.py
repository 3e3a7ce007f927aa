"""Adapters: a few lines that put a student's answer to work and report plain values.

A test can hand over arrays and get arrays back, but an op, a graph or a gradient lives inside needle_edu, a class makes
objects, and C wants memory. So a test describes what it wants as data (``answer.op_forward("sigmoid", x)``), and the
adapter of that name, where the student's code lives, calls the answer and returns arrays. Adapters decide nothing and
know no expected values: they are open for students to read.

Here are those that any homework may use; a homework's own stand in ``NAME_adapters.py`` beside its notebook (`table`).
Whoever grades never runs them: they travel as text to where the answer is.
"""

from __future__ import annotations

import functools
import linecache
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from needle_edu.course.withheld import ADAPTERS_FILE

__all__ = ["both_gradients", "call", "copies", "gradients", "kind", "launch", "methods"]
__all__ += [
    "op_forward",
    "op_gradient",
    "op_gradient_runs",
    "op_runs",
    "op_second_gradient",
    "plain",
    "table",
    "tensors",
]


def plain(value):
    """Turn Tensors and NDArrays, also inside lists, tuples and dicts, into NumPy arrays."""
    if type(value) in (list, tuple):
        return type(value)(plain(item) for item in value)
    if type(value) is dict:
        return {key: plain(item) for key, item in value.items()}
    if not isinstance(value, (np.ndarray, np.generic)) and hasattr(value, "numpy"):
        return np.asarray(value.numpy())
    return value


@functools.lru_cache(maxsize=8)
def table(source: str = "") -> dict[str, Callable]:
    """All adapters by name: those of this file, and the functions that a homework's own file defines.

    Names that begin with ``_`` are parts of others.

    Examples
    --------
    >>> own = table("def twice(answer, x):\\n    return answer(answer(x))")
    >>> own["twice"](lambda x: x + 1, 3)
    5
    """
    namespace: dict = {"__name__": "needle_edu.course.adapters_of_the_homework"}
    linecache.cache[ADAPTERS_FILE] = (len(source), None, source.splitlines(keepends=True), ADAPTERS_FILE)
    exec(compile(source, ADAPTERS_FILE, "exec", dont_inherit=True), namespace)
    own = {
        name: value
        for name, value in namespace.items()
        if isinstance(value, types.FunctionType)
        and value.__module__ == namespace["__name__"]
        and not name.startswith("_")
    }
    return FOR_ALL | own


# --- for all homeworks --------------------------------------------------------------------------------------


def call(answer: Callable, *args, **kwargs):
    """Call the answer as it is."""
    return answer(*args, **kwargs)


def methods(answer: Callable, arguments: tuple | list, *calls: tuple | list) -> list:
    """Make an object of the answer, a class, and call its methods, one after the other.

    Parameters
    ----------
    arguments : sequence
        For the class.
    *calls : sequence
        A method's name, and its arguments.

    Returns
    -------
    list
        What each call returned.

    Examples
    --------
    >>> methods(list, [[3, 1, 2]], ["sort"], ["pop"])
    [None, 3]
    """
    made = answer(*arguments)
    return [plain(getattr(made, name)(*rest)) for name, *rest in calls]


def launch(
    answer: Any,
    function: str,
    arguments: Sequence,
    grid: Sequence[int] = (1,),
    block: Sequence[int] = (1,),
    shared: int = 0,
) -> dict:
    """Run a function of an answer in C or CUDA: plainly, in another order of threads, checked, and profiled.

    Parameters
    ----------
    arguments : sequence
        Arrays, which are copied into the device's memory, and numbers, in the order of the function's parameters.
    grid, block : sequence of int
        Blocks, and threads of a block, in x and y. A function in C is run by one thread.
    shared : int
        Bytes of ``extern __shared__`` memory of a block.

    Returns
    -------
    dict
        For each run (``"plain"``, ``"reverse"``, ``"check"``, ``"profile"``) all ``"arrays"`` as they are afterwards,
        and an ``"error"``, empty if it came to its end. ``"findings"``: what the checker found, kind and text of each;
        if there are any, there are no further runs. ``"counters"``: what the profiler counted.
    """
    return answer.run(function, list(arguments), list(grid), list(block), shared)


def op_forward(answer: Callable, name: str, *arrays: np.ndarray) -> np.ndarray:
    """Run the op `name` of the framework with the answer as its `compute`."""
    from needle_edu import autograd, ops

    with autograd.override(name, _with_compute(name, answer)):
        return getattr(ops, name)(*tensors(arrays)).numpy()


def op_gradient(answer: Callable, name: str, out_grad: np.ndarray, *arrays: np.ndarray) -> tuple:
    """Run the op `name` forward as the framework does, backward with the answer as its `gradient`.

    Returns
    -------
    tuple of numpy.ndarray
        The gradient of each input.
    """
    from needle_edu import autograd, ops

    leaves = tensors(arrays)
    with autograd.override(name, _with_gradient(name, answer)):
        getattr(ops, name)(*leaves).backward(*tensors([out_grad]))
    return tuple(gradients(leaves))


def op_runs(answer: Callable, name: str, *arrays: np.ndarray) -> tuple[list, list]:
    """Run the op `name` of one input, with the answer as its `compute`, on each array in turn.

    Returns
    -------
    results, inputs : list of numpy.ndarray
        As they are after the last run. The results are read after every input has been filled with zeros:
        one that lives in its input's memory shows it.
    """
    from needle_edu import autograd, ops

    leaves = tensors(arrays)
    with autograd.override(name, _with_compute(name, answer)):
        results = [getattr(ops, name)(leaf) for leaf in leaves]
    inputs = copies(leaves)
    for leaf in leaves:
        leaf.realize_cached_data().fill(0)
    return copies(results), inputs


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

    leaf, adjoint = tensors([array, out_grad])
    with autograd.override(name, _with_gradient(name, answer)):
        result = getattr(ops, name)(leaf)
        result.backward(adjoint)
        first = gradients([leaf])
        result.backward(adjoint)
    return (*first, *gradients([leaf]), *copies([adjoint, result, leaf]))


def op_second_gradient(answer: Callable, name: str, out_grad: np.ndarray, array: np.ndarray) -> tuple:
    """Differentiate twice through the op `name`, with the answer as its `gradient`.

    Returns
    -------
    first, second : numpy.ndarray or None
        The gradient, and the gradient of its sum: None if the first is no graph.
    """
    from needle_edu import autograd, ops

    leaf, adjoint = tensors([array, out_grad])
    with autograd.override(name, _with_gradient(name, answer)):
        getattr(ops, name)(leaf).backward(adjoint, create_graph=True)
        return both_gradients(leaf)


# --- parts of adapters --------------------------------------------------------------------------------------


def tensors(arrays) -> list:
    """Tensors of these arrays, each of its array's dtype."""
    from needle_edu import autograd

    return [autograd.Tensor(array, dtype=array.dtype) for array in arrays]


def gradients(tensors: list) -> list:
    """The gradient of each Tensor; None for one that got none."""
    return [None if tensor.grad is None else tensor.grad.numpy() for tensor in tensors]


def copies(tensors: list) -> list:
    """What the Tensors hold."""
    return [tensor.numpy() for tensor in tensors]


def both_gradients(leaf) -> tuple:
    """The gradient of a leaf, and the gradient of its sum: None if the first is no graph."""
    first, leaf.grad = leaf.grad, None
    if first is not None and first.requires_grad:
        first.backward()
    return None if first is None else first.numpy(), *gradients([leaf])


def kind(value) -> str:
    """What a value is, in words: ``"a list"``."""
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


FOR_ALL = {
    adapter.__name__: adapter
    for adapter in (
        call,
        methods,
        launch,
        op_forward,
        op_runs,
        op_gradient,
        op_gradient_runs,
        op_second_gradient,
    )
}
