"""A graph without some of its nodes: who is left out is left out with the edges joined, so that paths stay paths."""

from __future__ import annotations

from collections.abc import Collection

from needle_edu.backend import NeedleError
from needle_edu.graph import Edge, Graph


def without(graph: Graph, hidden: Collection[int]) -> Graph:
    """The graph of the other nodes. Where a path led through hidden nodes, one edge leads from its beginning to its
    end, as the operand by which the path came in there.

    Raises
    ------
    NeedleError
        No node is left.

    Examples
    --------
    >>> from needle_edu.graph import Node
    >>> graph = Graph()
    >>> for key, inputs in {1: (), 2: (1,), 3: (2, 1)}.items():
    ...     graph.add(Node(key, op="add" if inputs else None), inputs)
    >>> without(graph, {2}).edges
    [Edge(source=1, target=3, operand=0), Edge(source=1, target=3, operand=1)]
    """
    if not hidden:
        return graph
    nodes = {key: node for key, node in graph.nodes.items() if key not in hidden}
    if not nodes:
        raise NeedleError("viz.draw: node= hides every node of the graph; nothing is left to draw")
    before: dict[int, list[int]] = {}
    for edge in graph.edges:
        before.setdefault(edge.target, []).append(edge.source)
    edges = [
        Edge(source, edge.target, edge.operand)
        for edge in graph.edges
        if edge.target in nodes
        for source in _beginnings(edge.source, before, hidden)
    ]
    return Graph(nodes, edges, graph.calls, graph.hidden + len(graph.nodes) - len(nodes))


def _beginnings(node: int, before: dict[int, list[int]], hidden: Collection[int]) -> list[int]:
    """The shown nodes from which paths through hidden ones alone lead to this node; itself, if it is shown."""
    found: dict[int, None] = {}
    seen, stack = {node}, [node]
    while stack:
        here = stack.pop()
        if here not in hidden:
            found[here] = None
            continue
        fresh = [key for key in dict.fromkeys(before.get(here, ())) if key not in seen]
        seen.update(fresh)
        stack += reversed(fresh)
    return list(found)
