"""What a picture is made of: a tensor's history, if nobody would get lost in it."""

from __future__ import annotations

from typing import Any

from needle_edu.autograd import TensorTuple, Value
from needle_edu.autograd.topo import post_order
from needle_edu.backend import GradientError, NeedleError
from needle_edu.backend.arguments import whole
from needle_edu.nn import Module


def history(tensor: Value, function: str) -> list[Value]:
    """All values that `tensor` was computed from, and itself, operands first."""
    if not isinstance(tensor, Value):
        raise TypeError(f"viz.{function}: wanted a Tensor, got {type(tensor).__name__}{_advice(tensor)}")
    return post_order([tensor])


def _advice(given: Any) -> str:
    """What the reader of a drawing may have meant by something that has no history."""
    if isinstance(given, Module):
        return "; give it what the module returns, such as model(x), or look at the layers with viz.modules(model)"
    if isinstance(given, (list, tuple)) and any(isinstance(part, Value) for part in given):
        return "; give it one of them, or a number made of all, such as their sum"
    if callable(given):
        return "; give it what the function returns, or draw its program: viz.draw(ndl.graph.capture(function, x))"
    return "; only a Tensor that was computed from others has a history"


def check_backward(tensor: Value, function: str) -> None:
    """Refuse a tensor that no backward pass can start at."""
    if isinstance(tensor, TensorTuple):
        raise TypeError(
            f"viz.{function}: wanted one Tensor, got a TensorTuple, which backward does not start at; "
            "take one of its parts, t[0]"
        )
    if not tensor.requires_grad:
        raise GradientError(
            f"viz.{function}: this tensor needs no gradient, so there is no backward pass to walk through. Either no "
            "parameter took part (make one with ndl.Tensor(..., requires_grad=True) or x.requires_grad_() before "
            "computing), or it was computed under no_grad() or detached. viz.draw(t) draws it all the same"
        )


def check_size(count: int, max_nodes: int, function: str = "draw") -> None:
    """Refuse a graph that nobody could read, and say what to do."""
    whole(f"viz.{function}", 0, max_nodes=max_nodes)
    if count > max_nodes:
        advice = "viz.draw(t, depth=5) draws the part next to the result; or take a tensor from the middle"
        raise NeedleError(
            f"viz.{function}: this graph has {count:,} nodes, too many to read (max_nodes={max_nodes:,}). "
            f"{advice}, or raise max_nodes"
        )
