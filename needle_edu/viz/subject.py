"""What a picture is made of: a tensor's history, if nobody would get lost in it."""

from __future__ import annotations

from needle_edu.autograd import Value
from needle_edu.autograd.topo import post_order
from needle_edu.backend import NeedleError


def history(tensor: Value, function: str) -> list[Value]:
    """All values that `tensor` was computed from, and itself, operands first."""
    if not isinstance(tensor, Value):
        raise TypeError(f"viz.{function}: wanted a Tensor, got {type(tensor).__name__}")
    return post_order([tensor])


def check_size(count: int, max_nodes: int, function: str = "draw") -> None:
    """Refuse a graph that nobody could read, and say what to do."""
    if count > max_nodes:
        advice = "viz.draw(t, depth=5) draws the part next to the result; or take a tensor from the middle"
        raise NeedleError(
            f"viz.{function}: this graph has {count:,} nodes, too many to read (max_nodes={max_nodes:,}). "
            f"{advice}, or raise max_nodes"
        )
