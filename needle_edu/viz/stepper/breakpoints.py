"""Breakpoints: where a walk through a run stops.

A breakpoint is a name (of an operation or of a tensor), "nan" (the step at which NaN or infinities appear), "departs"
(where a pass or a run departs from the one it is compared with), or a bound for the norm of a gradient, such as
"norm > 10". The same words can be typed in the page.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable

from needle_edu.autograd import Value
from needle_edu.autograd.events import value_id
from needle_edu.graph import Graph
from needle_edu.viz.stepper.causes import Causes
from needle_edu.viz.stepper.steps import Step

WORDS = ("nan", "departs")
NORM = re.compile(r"norm\s*([<>])\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")


def named(stop_at: str | Value | Iterable[str | Value] | None, graph: Graph) -> list[str]:
    """Breakpoints as the page writes them: tensors by their labels.

    Raises
    ------
    TypeError
        A breakpoint is neither a text nor a Tensor.
    ValueError
        Nothing in the graph is called so.
    """
    if stop_at is None:
        return []
    wanted = [stop_at] if isinstance(stop_at, (str, Value)) else stop_at
    if not isinstance(wanted, Iterable):
        raise TypeError(_wanted(stop_at))
    labels = {node.label for node in graph.nodes.values()}
    ops = {node.op for node in graph.nodes.values() if node.op}
    names = []
    for stop in wanted:
        if isinstance(stop, Value):
            node = graph.nodes.get(value_id(stop))
            if node is None:
                raise ValueError("viz.step: stop_at holds a tensor that is no part of this graph")
            names.append(node.label)
            continue
        if not isinstance(stop, str):
            raise TypeError(_wanted(stop))
        text = stop.strip()
        if text not in WORDS and not NORM.fullmatch(text) and text not in labels | ops:
            near = difflib.get_close_matches(text, sorted(labels | ops), 3, 0.4)
            known = f"; near it: {', '.join(near)}" if near else ""
            raise ValueError(
                f"viz.step: stop_at={stop!r} is no operation and no tensor of this graph{known}. It is one of their "
                "names, a tensor, 'nan', 'departs', or a bound such as 'norm > 10'"
            )
        names.append(text)
    return names


def _wanted(got: object) -> str:
    return (
        "viz.step: stop_at is the name of an operation or of a tensor, a tensor, 'nan', a bound such as 'norm > 10', "
        f"or a list of these; got {type(got).__name__}"
    )


def stopping(names: list[str], graph: Graph, steps: list[Step], causes: Causes) -> list[int]:
    """The numbers of the steps at which a walk stops.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0])
    >>> stepper = ndl.viz.step(x * 2 + x, stop_at=["mul_scalar", "norm > 2"])
    >>> [stepper.steps[k].title for k in stepper.stops]
    ['v1 = x × 2', 'v1 → x', 'adding up the adjoint of x', 'x.grad is written']
    """
    tests = [_test(name, graph, causes) for name in names]
    return [k for k, step in enumerate(steps) if any(test(k, step) for test in tests)]


def _test(name: str, graph: Graph, causes: Causes) -> Callable[[int, Step], bool]:
    if name == "nan":
        return lambda k, step: causes.appears(k)
    if name == "departs":
        return lambda k, step: bool(step.departs)
    if bound := NORM.fullmatch(name):
        sign, limit = 1 if bound[1] == ">" else -1, float(bound[2])
        return lambda k, step: (norm := gradient_norm(step)) is not None and sign * norm > sign * limit
    return lambda k, step: name in (graph.nodes[step.value].label, operation(graph, step))


def gradient_norm(step: Step) -> float | None:
    """The norm of the gradient that a step of the backward pass results in, to six digits; else None."""
    numbers = step.result.numbers if step.result else None
    if step.phase != "backward" or step.kind in ("leaf", "op") or numbers is None or numbers.parts:
        return None
    return float(f"{numbers.norm:.6g}")


def operation(graph: Graph, step: Step) -> str | None:
    """The operation that a step is about: the one that computes, or whose vector-Jacobian product is taken."""
    if step.kind == "op":
        return graph.nodes[step.value].op
    return graph.nodes[step.origin].op if step.kind == "vjp" and step.origin is not None else None
