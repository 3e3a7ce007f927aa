"""The line below a drawing that says what its shapes mean: only those that occur in it."""

from __future__ import annotations

from needle_edu.graph import Graph
from needle_edu.graph.boxes import Box


def legend(graph: Graph, root: Box, note: str = "") -> str:
    """The legend of a drawing, as HTML.

    Parameters
    ----------
    graph : Graph
    root : Box
        The box that is drawn; what lies outside is not explained.
    note : str
        HTML that stands below it.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.boxes import boxes_of
    >>> graph = ndl.graph.graph_of(ndl.Tensor([3.0]) * 2)
    >>> legend(graph, boxes_of(graph)).count("<span>")
    2
    """
    nodes = [graph.nodes[key] for key in root.nodes()]
    boxes = [box for box in root.boxes() if box is not root]
    signs = (
        ("param", "parameter", any(node.is_leaf and node.requires_grad for node in nodes)),
        ("data", "data", any(node.is_leaf and not node.requires_grad for node in nodes)),
        ("op", "operation", any(not node.is_leaf for node in nodes)),
        ("fold", "box: click, or Enter, opens it", bool(boxes)),
        ("many", "equal passes, rolled up", any(box.times > 1 for box in boxes)),
    )
    shown = [f'<span><i class="sign {kind}"></i>{words}</span>' for kind, words, there in signs if there]
    if graph.hidden:
        nodes_are, edges = ("node is", "its edges") if graph.hidden == 1 else ("nodes are", "their edges")
        shown.append(f"<span>{graph.hidden:,} {nodes_are} hidden, {edges} joined</span>")
    return f'<div class="ndl-foot"><div class="ndl-keys">{"".join(shown)}</div>{note}</div>'
