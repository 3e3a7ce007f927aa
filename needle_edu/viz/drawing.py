"""`viz.draw`: the computation graph of a tensor as a picture in the notebook.

The finished graph is replayed through the event stream, read into a `Graph`, laid out, and drawn. The
result shows itself in Jupyter, and can be saved as SVG, HTML or DOT.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from needle_edu.autograd import Value, events
from needle_edu.autograd.topo import post_order
from needle_edu.backend import NeedleError
from needle_edu.backend.files import whole_file
from needle_edu.viz.dot import to_dot
from needle_edu.viz.graph import Graph, build_graph
from needle_edu.viz.names import variable_names
from needle_edu.viz.opinfo import op_info
from needle_edu.viz.render import compute_layout
from needle_edu.viz.snapshot import LIMIT, take_snapshot
from needle_edu.viz.svg import make_cards, scoped_css, standalone_svg, to_svg

MAX_NODES = 1500
# A page of its own follows the reader's system; in a notebook the theme's own variables are used.
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
:root {{ color-scheme: light dark }}
body {{ margin: 16px; background: var(--jp-layout-color0, #fff) }}
@media (prefers-color-scheme: dark) {{ :root {{ --jp-layout-color0: #16181c; --jp-ui-font-color0: #e6e8eb }} }}
</style></head><body>
{body}
</body></html>
"""


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
    engine : str
        Who placed the boxes: "dot", "wasm" or "python".

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
        engine: str | None = None,
        max_nodes: int = MAX_NODES,
    ):
        check_size(len(graph.nodes), max_nodes)
        for node in graph.nodes.values():
            node.symbol = op_info(node.op).symbol if node.op else ""
        self.graph = graph
        self._options: dict[str, Any] = {"values": values, "grads": grads, "direction": direction}
        cards = make_cards(graph, values, grads)
        sizes = {k: (card.width, card.height) for k, card in cards.items()}
        layout = compute_layout(sizes, [(e.source, e.target) for e in graph.edges], direction, engine)
        self.engine = layout.engine
        self._svg = to_svg(graph, cards, layout)
        self._width = layout.width
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
        css = "\n".join(scoped_css(name, self._scope) for name in ("graph.css", "drawing.css"))
        width = f"--ndl-width:{self._width:.0f}px"
        return f'<div class="{self._scope}" style="{width}"><style>{css}</style>{self._svg}</div>'

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
    grads: bool = True,
    direction: str = "TB",
    depth: int | None = None,
    engine: str | None = None,
    max_nodes: int = MAX_NODES,
) -> Drawing:
    """Draw the computation graph that leads to a tensor.

    Parameters
    ----------
    tensor : Tensor
        The result whose history is drawn.
    values, grads : bool
        Whether the cards show values and gradients.
    direction : {"TB", "LR"}
        From top to bottom or from left to right.
    depth : int, optional
        Only values at most so many operations before `tensor`.
    engine : {"dot", "wasm", "python"}, optional
        Who places the boxes; by default the best one this machine has.
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
        A negative depth, an unknown direction or engine.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0])
    >>> ndl.viz.draw(x * x)
    <Drawing of a computation graph: 2 nodes, 2 edges>
    """
    if depth is not None and (not isinstance(depth, int) or depth < 0):
        raise ValueError(
            f"viz.draw: depth={depth!r}; it counts operations before the tensor: 0, 1, 2, …, or None for all"
        )
    values_in_order = history(tensor, "draw")
    if depth is None:
        check_size(len(values_in_order), max_nodes)
    graph = _replayed_graph(tensor, values_in_order, variable_names(sys._getframe(1)), depth, max_nodes)
    return Drawing(graph, values, grads, direction, engine, max_nodes)


def history(tensor, function: str) -> list:
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


def _replayed_graph(tensor, values_in_order, names, depth, max_nodes) -> Graph:
    """Replay the graph's events; arrays are kept only until we know which nodes are drawn."""
    heard: list = []
    previous = events.set_hook(lambda event, array: heard.append((event, array)))
    try:
        events.replay(tensor)
    finally:
        events.set_hook(previous)
    in_graph = {id(value): value for value in values_in_order}
    called = {events.value_id(v): name for v, name in reversed(names) if id(v) in in_graph}
    graph = build_graph(((event, None) for event, _ in heard if event.kind == "created"), called)
    if depth is not None:
        graph = graph.near(events.value_id(tensor), depth)
        check_size(len(graph.nodes), max_nodes)
    for event, array in heard:
        node = graph.nodes.get(event.value)
        if node is not None and event.kind == "computed":
            node.value = take_snapshot(array, LIMIT)
    for value in values_in_order:
        node = graph.nodes.get(events.value_id(value))
        if node is None:
            continue
        if value.grad is not None:
            node.grad = take_snapshot(value.grad.realize_cached_data(), LIMIT)
        elif not node.is_leaf and node.requires_grad:
            node.absent = "not kept"  # backward keeps it only after retain_grad()
    return graph


def write_atomically(path: Path, forms: dict, function: str) -> Path:
    """Write the form that the file's ending asks for; the file appears complete or not at all."""
    make = forms.get(path.suffix.lower())
    if make is None:
        raise ValueError(f"{function}: cannot write {path.name!r}; the endings are {', '.join(forms)}")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"{function}: the folder {str(path.parent)!r} does not exist; create it first"
        )
    text = make()
    with whole_file(path, encoding="utf-8") as file:
        file.write(text)
    return path
