"""A drawing in words: one line for every node, indented as the boxes lie in each other. For those who hear a page, who
search in it, or who work in a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from needle_edu.graph import Graph
from needle_edu.graph.boxes import Box
from needle_edu.viz.drawing.boxcards import BoxCard
from needle_edu.viz.drawing.svg import describe_node, size_text
from needle_edu.viz.text import card_text

MOST_LINES = 400


def outline(graph: Graph, root: Box, parameters: Mapping[int, str]) -> str:
    """The lines of a graph. Of passes that repeat each other the first one is told.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.boxes import boxes_of
    >>> x = ndl.Tensor([3.0])
    >>> x.name = "x"
    >>> graph = ndl.graph.graph_of(x * x)
    >>> print(outline(graph, boxes_of(graph), {}))
    computation graph: 2 nodes, 2 edges
    x: parameter; shape (1,) float32; value 3
    v1 = multiply(x, x); shape (1,) float32; value 9
    """
    lines: list[str] = []
    for line in _lines(graph, root, parameters):
        if len(lines) == MOST_LINES:
            lines.append(f"… and more than {MOST_LINES} lines; draw with focus= to hear a part")
            break
        lines.append(line)
    return "\n".join(lines)


def _lines(graph: Graph, root: Box, parameters: Mapping[int, str]) -> Iterator[str]:
    yield f"computation graph: {size_text(graph)}"
    operands: dict[int, list[str]] = {}
    for edge in graph.edges:
        operands.setdefault(edge.target, []).append(graph.nodes[edge.source].label)
    stack: list[tuple[str, int | Box | str]] = [("", item) for item in reversed(root.items)]
    while stack:
        indent, item = stack.pop()
        if isinstance(item, str):
            yield indent + item
        elif isinstance(item, Box):
            card = BoxCard(graph, item, parameters)
            parts = [card.line, *[f"{key} {text}" for _, key, text in card.rows]]
            kind = f" ({card.kind})" if card.kind else ""
            times = f" {card.badge}" if card.badge else ""
            yield f"{indent}{card.title}{kind}{times}: {'; '.join(parts)}"
            told: list[int | Box | str] = list(item.items)
            if item.times > 1:
                leaves = [x for x in told if isinstance(x, int) and graph.nodes[x].is_leaf]
                passes = [x for x in told if x not in leaves]
                told = [*leaves, passes[0], f"and {item.times - 1} more like it"]
            stack += [(indent + "  ", part) for part in reversed(told)]
        else:
            node = graph.nodes[item]
            if node.is_leaf:
                yield indent + describe_node(node)
                continue
            parts = [f"{node.label} = {node.op}({', '.join(operands.get(item, []))})"]
            parts.append(f"shape {node.shape_text} {node.dtype}".strip())
            if node.value is not None:
                parts.append(f"value {card_text(node.value)}")
            if node.grad is not None:
                parts.append(f"gradient {card_text(node.grad)}")
            yield indent + "; ".join(parts)
