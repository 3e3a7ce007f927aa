"""Capture: run a function once without numbers, and write down what it does as a `Program`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from needle_edu.autograd import Tensor
from needle_edu.autograd.arrays import BACKEND, enter
from needle_edu.autograd.events import users_frame
from needle_edu.backend import NeedleError
from needle_edu.graph.names import variable_names

from .checks import check_function
from .program import Program
from .structure import flatten, unflatten
from .tracer import Tracer
from .unknown import CaptureError


def capture(function: Callable[..., Any], *examples: Any, name: str | None = None) -> Program:
    """Return what `function` does with such arguments, as a program.

    The function is called once, with tensors that have the examples' shapes and dtypes, but no numbers. Ops, gradients
    (`backward`), and new data of parameters (``p.data = ...``) become instructions. What Python decides on the way, by
    shapes, settings or random draws of its own, is decided for good. Tensors that the function takes from elsewhere,
    such as a model's parameters, are looked up anew at each run.

    Parameters
    ----------
    function : callable
        Takes and returns tensors, or tuples, lists and dicts of them.
    *examples : Tensor, array or number, or tuples, lists and dicts of them
        Their numbers do not matter.
    name : str, optional
        By default the function's.

    Returns
    -------
    Program

    Raises
    ------
    CaptureError
        If the function looks at numbers, draws random ones, or does what is no operation; the line is named.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> w = ndl.Tensor([1.0, 2.0])
    >>> w.name = "w"
    >>> def step(x):
    ...     loss = ((x * w) ** 2).sum()
    ...     loss.backward()
    ...     w.data = w.data - w.grad * 0.1
    ...     return loss
    >>> program = capture(step, ndl.Tensor([1.0, 1.0]))
    >>> [float(program(ndl.Tensor([1.0, 1.0])).item()) for _ in range(3)]
    [5.0, 3.200000286102295, 2.047999858856201]
    >>> w.numpy().round(3)
    array([0.512, 1.024], dtype=float32)
    """
    check_function("capture", function)
    if BACKEND == "np":
        raise CaptureError(
            "capture: NEEDLE_BACKEND=np computes on NumPy arrays, and these cannot be captured"
        )
    leaves, structure = flatten(examples)
    tensors = [_tensor(leaf) for leaf in leaves]
    called = {id(tensor): label for tensor, label in reversed(variable_names(users_frame()))}
    tracer = Tracer(called)
    given = [
        tracer.input(tensor, label) for tensor, label in zip(tensors, _names(function, examples), strict=True)
    ]
    with tracer:
        result = function(*unflatten(structure, given))
        found, shape_of_result = flatten(result)
        outputs = [tracer.output(one) for one in found]
    return tracer.program(
        name or getattr(function, "__name__", "function").strip("<>"),
        outputs,
        functools.partial(unflatten, shape_of_result),
    )


def _tensor(example: Any) -> Tensor:
    """Return an example as a tensor."""
    if isinstance(example, Tensor):
        return example
    try:
        return Tensor.make_const(enter(np.asarray(example), operation="capture"))
    except NeedleError as error:
        raise CaptureError(f"capture: an argument is a tensor, array or number; {error}") from None


def _names(function: Callable[..., Any], examples: tuple) -> list[str]:
    """Return a name for every leaf of the examples: that of its parameter, with a number if it holds several."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names: list[str] = []
    for place, example in enumerate(examples):
        fixed = place < len(parameters) and parameters[place].kind is not inspect.Parameter.VAR_POSITIONAL
        stem = parameters[place].name if fixed else f"x{place}"
        count = len(flatten(example)[0])
        names += [stem] if count == 1 else [f"{stem}_{k}" for k in range(count)]
    return names
