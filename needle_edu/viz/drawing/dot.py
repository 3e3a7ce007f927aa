"""The graph as DOT, the language of Graphviz, through the `graphviz` package, which needs no binary to write it.

Boxes are plain and labels are plain text: HTML-like labels are dropped without a word by one of the engines
we use. Names are the learner's, so they may hold anything: quotes, backslashes, `<b>`, newlines. `escape`
makes each character show itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import graphviz

from needle_edu.graph import Graph, Node, op_info
from needle_edu.viz.text import card_text

POINTS_PER_INCH = 72.0


def escape(text: str) -> str:
    """Plain text as the inside of a DOT label: backslashes doubled, line ends written as `\\\\n`.

    Examples
    --------
    >>> print(escape("a" + chr(92) + "b"))
    a\\\\b
    """
    text = text.replace("&", "&amp;")  # Graphviz reads HTML entities in every label
    return text.replace("\\", "\\\\").replace("\r", "").replace("\n", "\\n").replace("\0", "")


def node_lines(node: Node, values: bool = True, grads: bool = True) -> list[str]:
    """The lines of text of a node, as all drawings show them."""
    title = node.label if node.is_leaf else f"{node.label} = {node.op}" if node.name else str(node.op)
    lines = [title, f"{node.shape_text} {node.dtype}".strip()]
    if values and node.value is not None:
        lines.append(f"value {card_text(node.value)}")
    if grads and node.grad is not None:
        lines.append(f"grad {card_text(node.grad)}")
    return lines


def to_dot(graph: Graph, values: bool = True, grads: bool = True, direction: str = "TB") -> str:
    """DOT text of a computation graph, for Graphviz or any tool that reads it.

    Examples
    --------
    >>> g = Graph(); g.add(Node(1, label="x")); g.add(Node(2, op="multiply", label="y"), (1, 1))
    >>> to_dot(g).count("n0 -> n1")
    2
    """
    dot = graphviz.Digraph("computation", graph_attr={"rankdir": direction}, node_attr={"shape": "box"})
    place = {k: i for i, k in enumerate(graph.nodes)}
    for node in graph.nodes.values():
        style = "rounded" if not node.is_leaf else "bold" if node.requires_grad else "dashed"
        label = escape("\n".join(node_lines(node, values, grads)))
        # A label that starts with < and ends with > would be taken for HTML: a leading space keeps it text.
        name = f"n{place[node.id]}"
        dot.node(name, f" {label}" if label.startswith("<") else label, style=style, id=name)
    counts = operand_counts(graph)
    for edge in graph.edges:
        count = counts[edge.target]
        label = op_info(graph.nodes[edge.target].op or "").letter(edge.operand, count) if count > 1 else ""
        dot.edge(f"n{place[edge.source]}", f"n{place[edge.target]}", headlabel=label)
    return dot.source


def operand_counts(graph: Graph) -> dict[int, int]:
    """Number of operands of every node that has some."""
    counts: dict[int, int] = {}
    for edge in graph.edges:
        counts[edge.target] = counts.get(edge.target, 0) + 1
    return counts


def edge_weights(graph: Graph) -> list[int]:
    """How much each edge wants to be straight: the longest way through a node runs straight on, others come from a side.

    Examples
    --------
    >>> g = Graph(); g.add(Node(1)); g.add(Node(2)); g.add(Node(3, op="matmul"), (1, 2))
    >>> g.add(Node(4, op="add"), (2, 3))
    >>> edge_weights(g)
    [16, 1, 1, 16]
    """
    depth = dict.fromkeys(graph.nodes, 0)
    main: dict[int, int] = {}  # of every node its deepest input, the first of them
    for edge in graph.edges:
        if edge.target not in main or depth[edge.source] > depth[main[edge.target]]:
            main[edge.target] = edge.source
            depth[edge.target] = depth[edge.source] + 1
    return [16 if main[edge.target] == edge.source else 1 for edge in graph.edges]


def layout_dot(
    sizes: Mapping[int, tuple[float, float]],
    edges: list[tuple[int, int]],
    direction: str,
    gap: tuple[float, float],
    weights: Sequence[int] | None = None,
) -> str:
    """DOT text that asks an engine only where boxes of known size should stand.

    Parameters
    ----------
    sizes : mapping of node id to (width, height), in pixels
    edges : list of (source, target)
    gap : (float, float)
        Least distance between neighbours and between layers, in pixels.
    weights : sequence of int, optional
        How much each edge wants to be short and straight.
    """
    attributes = {
        "rankdir": direction,
        "nodesep": f"{gap[0] / POINTS_PER_INCH:.3f}",
        "ranksep": f"{gap[1] / POINTS_PER_INCH:.3f}",
    }
    dot = graphviz.Digraph(
        "layout", graph_attr=attributes, node_attr={"shape": "box", "fixedsize": "true", "label": ""}
    )
    for node, (width, height) in sizes.items():
        dot.node(f"n{node}", width=f"{width / POINTS_PER_INCH:.4f}", height=f"{height / POINTS_PER_INCH:.4f}")
    for index, (source, target) in enumerate(edges):
        weight = str(weights[index]) if weights else None
        dot.edge(f"n{source}", f"n{target}", id=f"e{index}", dir="none", weight=weight)
    return dot.source
