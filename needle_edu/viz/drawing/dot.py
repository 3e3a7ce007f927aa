"""The graph as DOT, the language of Graphviz, through the `graphviz` package, which needs no binary to write it.

Boxes are plain and labels are plain text: HTML-like labels are dropped without a word by one build of
Graphviz. Names are the learner's, so they may hold anything: quotes, backslashes, `<b>`, newlines. `escape`
makes each character show itself.
"""

from __future__ import annotations

import itertools

import graphviz

from needle_edu.graph import Graph, Node, op_info
from needle_edu.graph.boxes import NO_MODULE, Box
from needle_edu.graph.build import visible
from needle_edu.viz.text import card_text

FONT = {"fontname": "Helvetica", "fontsize": "11"}
GREY, GREEN = "#686b6f", "#1a7842"  # as in the other pictures


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


def to_dot(
    graph: Graph, values: bool = True, grads: bool = True, direction: str = "TB", boxes: Box | None = None
) -> str:
    """DOT text of a computation graph, for Graphviz or any tool that reads it; boxes become its clusters.

    Examples
    --------
    >>> g = Graph(); g.add(Node(1, label="x")); g.add(Node(2, op="multiply", label="y"), (1, 1))
    >>> to_dot(g).count("n0 -> n1")
    2
    """
    left_out = {"label": f"{graph.hidden:,} hidden"} if graph.hidden else {}
    dot = graphviz.Digraph(
        "computation",
        graph_attr={"rankdir": direction, "style": "rounded", "color": GREY, **FONT, **left_out},
        node_attr={"shape": "box", **FONT},
        # The operand's letter stands beside the arrow head, and not on it.
        edge_attr={"color": GREY, "arrowsize": "0.7", "labeldistance": "2", "labelangle": "22", **FONT},
    )
    place = {k: i for i, k in enumerate(graph.nodes)}
    root = Box(items=list(graph.nodes)) if boxes is None else boxes
    inside = set(root.nodes())
    number = itertools.count()

    def write(box: Box, to: graphviz.Digraph) -> None:
        for item in box.items:
            if isinstance(item, Box):
                cluster = graphviz.Digraph(
                    f"cluster{next(number)}", graph_attr={"label": _plain(_title(item))}
                )
                write(item, cluster)
                to.subgraph(cluster)
                continue
            node = graph.nodes[item]
            style = "rounded" if not node.is_leaf else "bold" if node.requires_grad else "dashed"
            colour = {"color": GREEN} if style == "bold" else {}
            name = f"n{place[item]}"
            to.node(name, _plain("\n".join(node_lines(node, values, grads))), style=style, id=name, **colour)

    write(root, dot)
    counts = operand_counts(graph)
    for edge in graph.edges:
        if edge.source not in inside or edge.target not in inside:
            continue
        count = counts[edge.target]
        label = op_info(graph.nodes[edge.target].op or "").letter(edge.operand, count) if count > 1 else ""
        dot.edge(f"n{place[edge.source]}", f"n{place[edge.target]}", headlabel=label)
    return dot.source


def _title(box: Box) -> str:
    """What stands on a box: its name, its class, and how many passes it holds."""
    kind = "" if box.kind in NO_MODULE or box.kind == box.title else f" {box.kind}"
    return f"{visible(box.title)}{kind}{f' × {box.times}' if box.times > 1 else ''}"


def _plain(text: str) -> str:
    """A label; one that starts with < and ends with > would be taken for HTML: a leading space keeps it text."""
    label = escape(text)
    return f" {label}" if label.startswith("<") else label


def operand_counts(graph: Graph) -> dict[int, int]:
    """Number of operands of every node that has some; one whose source is not in the graph counts, too."""
    counts: dict[int, int] = {}
    for edge in graph.edges:
        counts[edge.target] = max(counts.get(edge.target, 0), edge.operand + 1)
    return counts
