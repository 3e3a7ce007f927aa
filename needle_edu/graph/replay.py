"""A finished graph told once more: into a `Graph`, or, with its backward pass, into a recording.

The engine can replay the events by which a graph came about (`events.replay`), and backward can run again for
whoever listens. Neither changes anything of the learner's: every `.grad` is put back as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from itertools import repeat
from typing import Any

from needle_edu.autograd import Tensor, Value, events, override
from needle_edu.autograd.engine import GRADIENTS, propagate
from needle_edu.autograd.events import value_id
from needle_edu.autograd.topo import post_order
from needle_edu.backend.scope import at_once
from needle_edu.graph.build import build_graph
from needle_edu.graph.calls import module_calls
from needle_edu.graph.names import names_by_id
from needle_edu.graph.nodes import Graph
from needle_edu.graph.recorder import Aside, Records
from needle_edu.graph.snapshot import LIMIT, take_snapshot

REPLACEABLE = "compute_gradient_of_variables"


def graph_of(tensor: Value, depth: int | None = None, names: Iterable[tuple[Any, str]] = ()) -> Graph:
    """The graph that leads to a tensor, with the values and gradients that are there now.

    Parameters
    ----------
    tensor : Tensor
        The result whose history is wanted.
    depth : int, optional
        Only values at most so many operations before `tensor`.
    names : iterable of (value, str)
        Names for values that carry none of their own, the better ones first; see `variable_names`.

    Returns
    -------
    Graph
        Its nodes in the order in which the values are computed, operands first.

    Raises
    ------
    TypeError
        `tensor` is no Tensor.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0])
    >>> graph = graph_of(x * x)
    >>> [(node.label, node.op, node.value.first) for node in graph.nodes.values()]
    [('x1', None, (3.0,)), ('v1', 'multiply', (9.0,))]
    >>> len(graph.edges)
    2
    """
    if not isinstance(tensor, Value):
        raise TypeError(f"graph_of: wanted a Tensor, got {type(tensor).__name__}")
    with _Replay() as heard:
        events.replay(tensor)
    values = post_order([tensor])
    called = names_by_id(names, values)
    graph = build_graph(((event, None) for event, _ in heard.records if event.kind == "created"), called)
    graph.calls = module_calls([node.made for node in graph.nodes.values() if node.made is not None])
    if depth is not None:
        graph = graph.near(value_id(tensor), depth)
    for event, array in heard.records:
        node = graph.nodes.get(event.value)
        if node is not None and event.kind == "computed":
            node.value = take_snapshot(array, LIMIT)
    for value in values:
        node = graph.nodes.get(value_id(value))
        if node is None:
            continue
        if value.grad is not None:
            node.grad = take_snapshot(value.grad.realize_cached_data(), LIMIT)
        elif not node.is_leaf and node.requires_grad:
            node.absent = ""  # nothing to say: backward keeps it only after retain_grad()
    return graph


def add_adjoints(graph: Graph, tensor: Tensor) -> None:
    """Give every node of a tensor's graph the adjoint that one backward pass brings it; every `.grad` is put back.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0])
    >>> y = x * x + 1
    >>> graph = graph_of(y)
    >>> add_adjoints(graph, y)
    >>> [(node.label, node.grad.first) for node in graph.nodes.values()]
    [('x1', (6.0,)), ('v1', (1.0,)), ('v2', (1.0,))]
    """
    for event, numbers in record_backward(tensor, post_order([tensor])):
        node = graph.nodes.get(event.value)
        if node is not None and event.kind in ("seeded", "accumulated"):
            node.grad = numbers


class _Replay(Aside):
    """Keeps the arrays themselves, until it is known of which nodes a snapshot is wanted."""

    def __call__(self, event: events.Event, array: Any) -> None:
        self.records.append((event, array))


def record_backward(
    loss: Tensor,
    values: list[Value],
    out_grad: Tensor | None = None,
    limit: int = LIMIT,
    recorder: Aside | None = None,
) -> Records:
    """Replay a finished graph, run backward once, put every `.grad` back (also if backward raises).

    Parameters
    ----------
    loss : Tensor
    values : list of Value
        All values of its graph, whose gradients are put back.
    out_grad : Tensor, optional
        The adjoint to start with; ones by default.
    limit : int
        Arrays of at most so many elements are copied whole.
    recorder : Aside, optional
        Who listens, if that is not a recorder with this limit.

    Returns
    -------
    list of (Event, Snapshot or None)
        A student's own function for the pass sends no events: what is recorded is the engine's pass.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0])
    >>> y = x * x
    >>> print(*(event.kind for event, _ in record_backward(y, [x, y])))
    created computed created computed seeded vjp accumulated vjp accumulated leaf
    >>> x.grad is None
    True
    """
    put_back = map(setattr, values, repeat("grad"), [value.grad for value in values])
    recorder = Aside(limit) if recorder is None else recorder
    try:
        with recorder:
            events.replay(loss)
            with override(REPLACEABLE, propagate) if replaced() else nullcontext():
                loss.backward(out_grad, create_graph=False)
    finally:
        at_once(put_back)
    return recorder.records


def replaced() -> bool:
    """Whether a student's own function runs the backward pass; it sends no events, the engine's own does."""
    return GRADIENTS.function is not propagate
