"""The lines of code beside the steps: every step marks the line whose operation it is about."""

from __future__ import annotations

from needle_edu.graph import Graph
from needle_edu.viz.drawing.code import Line, lines_html

UNKNOWN = (
    "No line is known of this run. Lines are noted while a recording runs: "
    "with viz.record() as tape: ..., then tape.step(code=True)."
)


def code_of(graph: Graph) -> tuple[str, list[int]]:
    """The panel as HTML, and for each node the number of the line that made it, as the panel counts; -1: none.

    Examples
    --------
    >>> from needle_edu.graph import Node
    >>> graph = Graph({1: Node(1), 2: Node(2, op="exp", source=("<string>", 3))})
    >>> code_of(graph)[1]
    [-1, 0]
    """
    lines: dict[int, int] = {}

    def marks(line: Line) -> str:
        number = len(set(lines.values()))
        lines.update(dict.fromkeys(line.nodes, number))
        return f'data-line="{number}"'

    page = lines_html(graph, marks, UNKNOWN)
    return page, [lines.get(key, -1) for key in graph.nodes]
