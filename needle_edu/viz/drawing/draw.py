"""`viz.draw`: the computation graph of a tensor as a picture in the notebook.

The graph of the finished run (`needle_edu.graph`) is laid out and drawn. The result shows itself in Jupyter, and can be
saved as SVG, HTML or DOT.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from needle_edu.graph import Graph, graph_of, variable_names
from needle_edu.graph.replay import add_adjoints
from needle_edu.viz.drawing.cards import make_cards
from needle_edu.viz.drawing.dot import to_dot
from needle_edu.viz.drawing.layout import edge_weights, layered_layout
from needle_edu.viz.drawing.svg import standalone_svg, to_svg
from needle_edu.viz.page import PAGE, scoped_css, script_text, write_atomically
from needle_edu.viz.subject import check_backward, check_size, history

MAX_NODES = 1500
SMALL = 700, 800  # pixels: a drawing of at most so much is seen whole, and needs no buttons for its size


class Drawing:
    """A drawn computation graph; shows itself in Jupyter.

    Attributes
    ----------
    graph : Graph
        Nodes and edges as data.
    svg : str
        The picture as a self-contained SVG document.
    dot : str
        The graph in the language of Graphviz.
    html : str
        What a notebook shows.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> drawing = ndl.viz.draw(ndl.Tensor([3.0]) * 2)
    >>> len(drawing.graph.nodes), "<svg" in drawing.html
    (2, True)
    """

    def __init__(
        self,
        graph: Graph,
        values: bool = True,
        grads: bool = True,
        direction: str = "TB",
        max_nodes: int = MAX_NODES,
    ):
        check_size(len(graph.nodes), max_nodes)
        self.graph = graph
        self._options: dict[str, Any] = {"values": values, "grads": grads, "direction": direction}
        cards = make_cards(graph, values, grads)
        sizes = {k: (card.width, card.height) for k, card in cards.items()}
        edges = [(e.source, e.target) for e in graph.edges]
        layout = layered_layout(sizes, edges, direction, edge_weights(graph))
        self._svg = to_svg(graph, cards, layout)
        self._size = layout.width, layout.height
        # An id made from the content: the same picture has the same id in every session (nbval compares outputs).
        self._scope = "ndl-" + hashlib.sha256(self._svg.encode()).hexdigest()[:10]

    @property
    def svg(self) -> str:
        """The picture as a self-contained SVG document."""
        return standalone_svg(self._svg, self._scope)

    @property
    def dot(self) -> str:
        """The graph in the language of Graphviz."""
        return to_dot(self.graph, **self._options)

    @property
    def html(self) -> str:
        """What a notebook shows."""
        css = "\n".join(
            scoped_css(name, self._scope) for name in ("drawing/graph.css", "drawing/drawing.css")
        )
        name = f"needle-drawing-{self._scope[4:]}"
        width = f"--ndl-width:{self._size[0]:.0f}px"
        picture = (
            f'<div id="{name}" class="{self._scope}" style="{width}"><style>{css}</style>{self._svg}</div>'
        )
        if self._size[0] <= SMALL[0] and self._size[1] <= SMALL[1]:
            return picture
        script = script_text("drawing/drawing.js")
        return f'{picture}<script type="module">{script}\nmountDrawings("{name}");</script>'

    def save(self, path: str | os.PathLike) -> Path:
        """Write the drawing to a file; the ending chooses the form: .svg, .html or .dot.

        The file appears complete or not at all.
        """
        path = Path(path)
        forms = {
            ".svg": lambda: self.svg,
            ".dot": lambda: self.dot,
            ".html": lambda: PAGE.format(title="computation graph", body=self.html),
        }
        return write_atomically(path, forms, "Drawing.save")

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/html": self.html, "text/plain": repr(self)}

    def __repr__(self) -> str:
        nodes, edges = len(self.graph.nodes), len(self.graph.edges)
        return f"<Drawing of a computation graph: {nodes} nodes, {edges} edges>"


def draw(
    tensor,
    values: bool = True,
    grads: bool | str = True,
    direction: str = "TB",
    depth: int | None = None,
    max_nodes: int = MAX_NODES,
) -> Drawing:
    """Draw the computation graph that leads to a tensor.

    Parameters
    ----------
    tensor : Tensor
        The result whose history is drawn.
    values : bool
        Whether the cards show values.
    grads : bool or "all"
        True shows the gradients that are there (`.grad`); "all" those of every box, from one backward pass of its own,
        after which every `.grad` is as before.
    direction : {"TB", "LR"}
        From top to bottom or from left to right.
    depth : int, optional
        Only values at most so many operations before `tensor`.
    max_nodes : int
        Larger graphs are refused, with advice.

    Returns
    -------
    Drawing

    Raises
    ------
    NeedleError
        The graph has more than `max_nodes` nodes.
    ValueError
        A negative depth; unknown grads or direction.
    GradientError
        grads="all" of a tensor that needs no gradient.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0])
    >>> ndl.viz.draw(x * x)
    <Drawing of a computation graph: 2 nodes, 2 edges>
    >>> [node.grad.first for node in ndl.viz.draw(x * x, grads="all").graph.nodes.values()]
    [(6.0,), (1.0,)]
    """
    if grads not in (True, False, "all"):
        raise ValueError(f"viz.draw: grads={grads!r}; it is True, False or 'all'")
    if depth is not None and (not isinstance(depth, int) or depth < 0):
        raise ValueError(
            f"viz.draw: depth={depth!r}; it counts operations before the tensor: 0, 1, 2, …, or None for all"
        )
    count = len(history(tensor, "draw"))
    if depth is None:
        check_size(count, max_nodes)
    graph = graph_of(tensor, depth, variable_names(sys._getframe(1)))
    if grads == "all":
        check_backward(tensor, "draw")
        add_adjoints(graph, tensor)
    return Drawing(graph, values, bool(grads), direction, max_nodes)
