"""A drawn computation graph: laid out when it is made, written as SVG, HTML, DOT or text when it is asked for."""

from __future__ import annotations

import hashlib
import html
import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from needle_edu.backend.arguments import switch
from needle_edu.graph import Graph
from needle_edu.graph.boxes import Box, boxes_of
from needle_edu.viz.drawing.boxcards import BoxCard
from needle_edu.viz.drawing.code import code_html
from needle_edu.viz.drawing.dot import to_dot
from needle_edu.viz.drawing.hiding import without
from needle_edu.viz.drawing.legend import legend
from needle_edu.viz.drawing.looks import NodeFunction, check_node, looks_of
from needle_edu.viz.drawing.opening import READABLE, check_boxes, choose, find_box
from needle_edu.viz.drawing.outline import outline
from needle_edu.viz.drawing.overlay import LEGEND_HEIGHT, Overlay
from needle_edu.viz.drawing.panels import make_panels, panel_data
from needle_edu.viz.drawing.panels_svg import LEGEND_WIDTH, Painter
from needle_edu.viz.drawing.raster import painted
from needle_edu.viz.drawing.rows import check_shown, shown_cards
from needle_edu.viz.drawing.svg import standalone_svg
from needle_edu.viz.page import PAGE, Shown, scoped_css, static_text, write_atomically
from needle_edu.viz.subject import check_size

MAX_NODES = 50_000
FLAT_NODES = 1500  # so many are drawn one by one where boxes are not wanted
SMALL = 700, 800  # pixels: a drawing of at most so much is seen whole, and needs no buttons for its size


class Drawing(Shown):
    """A drawn computation graph; shows itself in Jupyter.

    Attributes
    ----------
    graph : Graph
        Nodes and edges as data, without those that `node` hides.
    boxes : Box
        The same nodes in boxes: modules, and passes that repeat each other.
    svg : str
        The picture as a self-contained SVG document, boxes as they are at first.
    dot : str
        The graph in the language of Graphviz.
    html : str
        What a notebook shows.
    scope : str
        The class of its elements in the page, made from what it shows.

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
        modules: bool | int | str = "auto",
        roll: bool | None = None,
        focus: str | None = None,
        rows: Sequence[str] = (),
        overlay: str | None = None,
        code: bool = False,
        node: NodeFunction | None = None,
    ):
        check_size(len(graph.nodes), max_nodes)
        check_boxes(modules, roll, focus)
        check_shown(rows, overlay)
        switch("viz.draw", code=code)
        check_node(node)
        looks = looks_of(graph, node)
        graph = self.graph = without(graph, {key for key, look in looks.items() if look.hide})
        self._options: dict[str, Any] = {"values": values, "grads": grads, "direction": direction}
        count = len(graph.nodes)
        calls = () if modules is False else graph.calls
        rolled = count > READABLE if roll is None else roll
        self.boxes = boxes_of(graph, calls, rolled, parts=roll is not False or count > FLAT_NODES)
        if focus is not None:
            self.boxes = find_box(self.boxes, focus)
        opened, inside = choose(self.boxes, modules)
        parameters = {key: name for call in calls for key, name in call.parameters.items()}
        self._parameters = parameters
        shown = [item for box in inside for item in box.items]
        colours = None if overlay is None else Overlay(graph, overlay)
        cards = shown_cards(graph, inside, values, grads, parameters, rows, colours, looks)
        box_cards = {
            box: BoxCard(graph, box, parameters, colours, box not in inside)
            for box in shown
            if isinstance(box, Box)
        }
        self._overlay = colours
        self._legend = "" if colours is None else colours.legend()
        self._panel = make_panels(graph, self.boxes, cards, box_cards, opened, inside, direction)
        self._cards = cards
        self._folds = len(inside) > 1
        self._svg = Painter(graph, cards, True, self._legend).picture(self._panel)
        layout = self._panel.laid_out
        self._size = layout.width, layout.height
        self._code = code_html(graph, self._panel) if code else ""
        # An id made from the content: the same picture has the same id in every session (nbval compares outputs).
        self.scope = "ndl-" + hashlib.sha256((self._svg + self._code).encode()).hexdigest()[:10]

    @property
    def svg(self) -> str:
        """The picture as a self-contained SVG document."""
        picture = Painter(self.graph, self._cards, False, self._legend).picture(self._panel)
        return standalone_svg(picture, self.scope)

    @property
    def dot(self) -> str:
        """The graph in the language of Graphviz."""
        return to_dot(self.graph, **self._options, boxes=self.boxes)

    @property
    def html(self) -> str:
        """What a notebook shows."""
        return self.page()

    def page(self, note: str = "", scripts: bool = True) -> str:
        """What a notebook shows, with a sentence below the picture, and with the scripts or without them."""
        sheets = ["drawing/graph.css", "drawing/drawing.css", *["drawing/code.css"] * bool(self._code)]
        css = "\n".join(scoped_css(name, self.scope) for name in sheets)
        name = f"needle-drawing-{self.scope[4:]}"
        said = f'<p class="ndl-said" role="status">{html.escape(note)}</p>' if note else ""
        picture = (
            f'<div id="{name}" class="{self.scope}" style="--ndl-width:{self._size[0]:.0f}px"><style>{css}</style>'
            f'<div class="ndl-window">{self._svg}</div>{legend(self.graph, self.boxes, said)}{self._code}'
        )
        if self._folds:
            folds = json.dumps(self._folding()).replace("<", "\\u003c")
            picture += f'<script type="application/json" class="ndl-data">{folds}</script>'
        picture += "</div>"
        needed = self._scripts() if scripts else []
        if self._code:  # it stands beside the picture where there is room, however wide the window is
            picture = f'<div style="container: ndl-room / inline-size">{picture}</div>'
        if not needed:
            return picture
        script = "\n".join(map(static_text, needed))
        return f'{picture}<script type="module">{script}\nmountDrawings("{name}");</script>'

    def _scripts(self) -> list[str]:
        """What the page needs; a small picture needs nothing."""
        parts = [("drawing/panels.js", self._folds), ("drawing/code.js", bool(self._code))]
        own = [script for script, needed in parts if needed]
        if not own and self._size[0] <= SMALL[0] and self._size[1] <= SMALL[1]:
            return []
        return ["keys.js", *own, "drawing/view.js", "drawing/map.js", "drawing/drawing.js"]

    def _folding(self) -> dict:
        above, least = (LEGEND_HEIGHT, LEGEND_WIDTH) if self._legend else (0.0, 0.0)
        return panel_data(self._panel, self._options["direction"], above, least)

    def text(self) -> str:
        """The graph in words: one line for every node, indented as the boxes lie in each other.

        Examples
        --------
        >>> import needle_edu as ndl
        >>> relu = ndl.nn.ReLU()
        >>> print(ndl.viz.draw(relu(ndl.Tensor([-1.0, 2.0]))).text())
        computation graph: 2 nodes, 1 edge
        x1: parameter; shape (2,) float32; value [-1, 2]
        v1 = relu(x1); shape (2,) float32; value [0, 2]
        """
        return outline(self.graph, self.boxes, self._parameters)

    def save(self, path: str | os.PathLike) -> Path:
        """Write the drawing to a file; the ending chooses the form: .svg, .html, .dot, .txt, .png or .pdf.

        The file appears complete or not at all. PNG and PDF are painted by Matplotlib or Graphviz, where one is
        installed.
        """
        forms: dict[str, Callable[[], str | bytes]] = {
            ".svg": lambda: self.svg,
            ".dot": lambda: self.dot,
            ".html": lambda: PAGE.format(title="computation graph", body=self.html),
            ".txt": lambda: self.text() + "\n",
        }
        for form in ("png", "pdf"):
            forms["." + form] = partial(self._painted, form)
        return write_atomically(path, forms, "Drawing.save")

    def _painted(self, form: str) -> bytes:
        labels = {key: node.label for key, node in self.graph.nodes.items()}
        return painted(self._panel, self._cards, labels, form, self.dot, self._overlay)

    def __repr__(self) -> str:
        nodes, edges, hidden = len(self.graph.nodes), len(self.graph.edges), self.graph.hidden
        left_out = f", {hidden} hidden" if hidden else ""
        return f"<Drawing of a computation graph: {nodes} nodes, {edges} edges{left_out}>"
