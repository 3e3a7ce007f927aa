"""What a graph computes, said by NumPy in float64; and graphs written by hand.

>>> graph = made_of({"x": (2,)}, ["a = mul_scalar x scalar=2.0", "b = add a x"], outputs=["b"])
>>> values_of(graph, {"x": np.array([1.0, 10.0])})["b"]
array([ 3., 30.])
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Graph = dict[str, Any]

UNARY = ("tanh", "sigmoid", "relu", "negate", "exp")
SCALAR = ("add_scalar", "mul_scalar")
COMMUTATIVE = ("add", "multiply", "maximum")
BINARY = (*COMMUTATIVE, "divide")
SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan)
GRADIENTS = ("relu_backward", "tanh_backward", "sigmoid_backward")  # of a training step; none is drawn below
ELEMENTWISE = (*UNARY, *SCALAR, *BINARY, *GRADIENTS)


def _summation(x: np.ndarray, axes: Any = None, keepdims: bool = False) -> np.ndarray:
    return x.sum().reshape(1) if axes is None else x.sum(axis=axes, keepdims=keepdims)


def _transpose(x: np.ndarray, axes: tuple[int, int] = (-2, -1)) -> np.ndarray:
    return x.swapaxes(*axes)


def _matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"matmul: {a.shape} and {b.shape}")
    return (a[:, :, None] * b[None, :, :]).sum(axis=1)  # always in one order, so always the same bits


MEANING: dict[str, Callable[..., np.ndarray]] = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "negate": np.negative,
    "exp": lambda x: np.exp(np.minimum(x, 3)),  # of small numbers it is exp; large ones shall not overflow
    "add_scalar": lambda x, scalar: x + scalar,
    "mul_scalar": lambda x, scalar: x * scalar,
    "add": np.add,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "divide": np.divide,
    "matmul": _matmul,
    "transpose": _transpose,
    "summation": _summation,
    "reshape": lambda x, shape: x.reshape(shape),
    "broadcast_to": lambda x, shape: np.broadcast_to(x, shape),
}


# --- written by hand ----------------------------------------------------------------------------------------


def made_of(
    inputs: dict[str, tuple], lines: Sequence[str], outputs: Sequence[str], updates: Sequence[str] = ()
) -> Graph:
    """Read a graph from lines such as ``a = summation x axes=(0,)``; shapes are found by computing it.

    Parameters
    ----------
    inputs : dict of str to tuple
        Names and shapes; a name that begins with ``w`` is a source.
    lines : sequence of str
        The body. There are no blanks in an attribute's value.
    outputs, updates : sequence of str

    Examples
    --------
    >>> made_of({"x": (2, 3)}, ["a = summation x axes=(0,)"], ["a"])["body"]
    [['a', 'summation', ['x'], {'axes': (0,)}, (3,)]]
    """
    values = {name: np.zeros(shape) for name, shape in inputs.items()}
    body = []
    for line in lines:
        name, _, op, *words = line.split()
        operands = [word for word in words if "=" not in word]
        pairs = [word.split("=") for word in words if "=" in word]
        attributes = {key: ast.literal_eval(value) for key, value in pairs}
        with np.errstate(all="ignore"):
            values[name] = MEANING[op](*[values[one] for one in operands], **attributes)
        body.append([name, op, operands, attributes, values[name].shape])
    sources = {name: shape for name, shape in inputs.items() if name.startswith("w")}
    return {
        "inputs": {name: shape for name, shape in inputs.items() if name not in sources},
        "sources": sources,
        "body": body,
        "outputs": [*outputs],
        "updates": [*updates],
    }


# --- what a graph computes ----------------------------------------------------------------------------------


def values_of(graph: Graph, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Compute every value of a graph.

    Parameters
    ----------
    graph : dict
    given : dict of str to array
        The inputs and the sources, float64.

    Returns
    -------
    dict of str to array
    """
    values = dict(given)
    with np.errstate(all="ignore"):
        for name, op, operands, attributes, _ in graph["body"]:
            values[name] = MEANING[op](*[values[one] for one in operands], **attributes)
    return values


def numbers_for(graph: Graph, rng: np.random.Generator, special: bool = False) -> dict[str, np.ndarray]:
    """Draw the inputs and sources of a graph; half of them `SPECIAL`, if asked for."""
    given = {name: rng.normal(size=shape) for name, shape in (graph["inputs"] | graph["sources"]).items()}
    if special:
        for numbers in given.values():
            numbers[rng.random(numbers.shape) < 0.5] = 0.0
            at = np.flatnonzero(numbers == 0.0)
            numbers.flat[at] = rng.choice(SPECIAL, size=at.size)
    return given


def ends_of(graph: Graph) -> list[str]:
    """Names of what a graph is for: its outputs, and what its updates write."""
    return [*graph["outputs"], *graph["updates"]]


def bits(value: np.ndarray) -> tuple:
    """Return what two arrays have in common if they are equal to the last bit: 0.0 and -0.0 are not, nan and nan are.

    Examples
    --------
    >>> bits(np.array([0.0])) == bits(np.array([-0.0])), bits(np.array([np.nan])) == bits(np.array([np.nan]))
    (False, True)
    """
    return value.shape, np.where(np.isnan(value), np.nan, value).tobytes()
