"""From events to a graph: what the engine tells, step by step, becomes nodes and edges.

The engine tells its story as a stream of events (`needle_edu.autograd.events`). `build_graph` reads that stream in
the order of the run: ``created`` makes a node, ``computed`` gives it its value, and what backward tells becomes its
gradient.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from needle_edu.graph.nodes import Graph, Node
from needle_edu.graph.snapshot import Snapshot


def build_graph(
    records: Iterable[tuple[Any, Snapshot | None]], names: Mapping[int, str] | None = None
) -> Graph:
    """Read events (each with a snapshot of its array, or None) into a graph.

    Parameters
    ----------
    records : iterable of (event, Snapshot or None)
        In the order in which they happened.
    names : mapping of value id to str, optional
        Names for values that carry none of their own.

    Returns
    -------
    Graph
        A gradient is the adjoint after its last accumulation.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0])
    >>> with ndl.graph.Recorder() as recorder:
    ...     y = x * x
    >>> [(node.label, node.op) for node in build_graph(recorder.records).nodes.values()]
    [('x1', None), ('v1', 'multiply')]
    """
    graph = Graph()
    names = names or {}
    for event, snap in records:
        kind = event.kind
        if kind == "created":
            known = graph.nodes.get(event.value)
            if known is not None and known.seen:
                continue  # announced twice (a replay after the run): nothing new
            node = Node(event.value)
            graph.add(node, event.inputs)
            node.op, node.name = event.op, event.name or names.get(event.value)
            node.shape, node.dtype, node.requires_grad = (
                tuple(event.shape),
                str(event.dtype),
                event.requires_grad,
            )
            node.module, node.source, node.attrs = event.module, event.source, event.attrs or {}
            node.device, node.nbytes, node.made = event.device, event.nbytes, event.made
        elif event.value in graph.nodes:
            node = graph.nodes[event.value]
            if kind == "computed":
                node.value = snap
                node.shape, node.dtype = tuple(event.shape), str(event.dtype)
                node.device, node.nbytes = event.device, event.nbytes
            elif kind in ("seeded", "accumulated", "leaf"):
                node.grad = snap
                if not node.seen:
                    node.shape, node.dtype, node.requires_grad = tuple(event.shape), str(event.dtype), True
    for node in graph.nodes.values():
        node.name = node.name or names.get(node.id)
    label_nodes(graph)
    return graph


def label_nodes(graph: Graph) -> None:
    """Give every node a short, unique label: its name, else x1, x2, … for leaves and v1, v2, … for results."""
    taken: dict[str, int] = {}
    for node in graph.nodes.values():
        if node.name:
            taken[node.name] = taken.get(node.name, 0) + 1
    numbers = {"x": 0, "v": 0}
    repeated: dict[str, int] = {}
    for node in graph.nodes.values():
        if node.name:
            node.label = visible(node.name)
            if taken[node.name] > 1:  # two values with one name: tell them apart
                repeated[node.name] = repeated.get(node.name, 0) + 1
                node.label += f" #{repeated[node.name]}"
            continue
        letter = "x" if node.is_leaf else "v"
        numbers[letter] += 1
        while f"{letter}{numbers[letter]}" in taken:
            numbers[letter] += 1
        node.label = f"{letter}{numbers[letter]}"


def visible(text: str) -> str:
    """Write control characters and halves of characters, which no picture can hold, as signs that stand for them.

    Examples
    --------
    >>> visible("bell\x07")
    'bell␇'
    """
    return _UNSEEN.sub(lambda c: _SIGNS.get(c[0], "\N{REPLACEMENT CHARACTER}"), text)


_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SIGNS = {chr(code): chr(0x2400 + code) for code in range(32)} | {"\x7f": "␡"}
