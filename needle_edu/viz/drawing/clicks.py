"""`viz.draw(on_click=...)`: a drawing with a kernel behind it, whose nodes call the reader's own function."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from needle_edu.graph import Node
from needle_edu.graph.build import visible
from needle_edu.viz.anywidgets import require_anywidget
from needle_edu.viz.drawing.drawing import Drawing
from needle_edu.viz.drawing.svg import describe_node
from needle_edu.viz.page import static_text
from needle_edu.viz.text import shorten

MOST_CHARS = 2000
SCRIPTS = (
    "keys.js", "alive.js", "drawing/panels.js", "drawing/code.js", "drawing/view.js", "drawing/map.js",
    "drawing/drawing.js", "drawing/clicks.js",
)  # fmt: skip
WITH = "A click on a node, or Enter, calls {name}."
WITHOUT = "With a kernel, a click on a node calls {name}: run this cell to have one."
ClickFunction = Callable[[Node], Any]


def check_click(function: Any) -> None:
    """Refuse what can't be called."""
    if function is not None and not callable(function):
        raise TypeError(
            f"viz.draw: on_click={function!r}; it is a function of a node, such as lambda node: node.value.mean"
        )


def clickable(drawing: Drawing, function: ClickFunction | None) -> Any:
    """The drawing itself, or, where there is a function to call, the widget around it."""
    check_click(function)
    return drawing if function is None else make_live(drawing, function)


def name_of(function: ClickFunction) -> str:
    """What the function is called in the page."""
    name = getattr(function, "__name__", type(function).__name__)
    return "your function" if name == "<lambda>" else shorten(visible(name), 40)


def answered(drawing: Drawing, function: ClickFunction, message: Any) -> dict[str, Any]:
    """Call the function with the node that was clicked; what it printed and returned, or the sentence of its error.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> drawing = ndl.viz.draw(ndl.Tensor([3.0]) * 2)
    >>> answered(drawing, lambda node: node.shape, {"ask": 0, "node": 1})
    {'ask': 0, 'text': '(1,)', 'wrong': False}
    >>> answered(drawing, lambda node: 1 / 0, {"ask": 1, "node": 0})["text"]
    'your function failed at x1: parameter; shape (1,) float32: ZeroDivisionError: division by zero'
    """
    nodes = list(drawing.graph.nodes.values())
    asked, place = (
        (message.get(key) for key in ("ask", "node")) if isinstance(message, Mapping) else (None, None)
    )
    if not isinstance(place, int) or not 0 <= place < len(nodes):
        return {"ask": asked, "text": f"There is no node {place!r} in this drawing.", "wrong": True}
    node = nodes[place]
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            said = function(replace(node, attrs=dict(node.attrs)))
        parts = [printed.getvalue().rstrip(), "" if said is None else str(said)]
        text = "\n".join(filter(None, parts)) or f"{name_of(function)} was called with {node.label}."
        return {"ask": asked, "text": shorten(visible(text), MOST_CHARS), "wrong": False}
    except Exception as error:
        text = f"{name_of(function)} failed at {describe_node(node, False)}: {type(error).__name__}: {error}"
        return {"ask": asked, "text": shorten(visible(text), MOST_CHARS), "wrong": True}


def make_live(drawing: Drawing, function: ClickFunction):
    """A widget around a finished drawing.

    Returns
    -------
    anywidget.AnyWidget
        With the attribute `drawing`.

    Raises
    ------
    NeedleError
        anywidget is not installed; the message says how to install it.
    """
    require_anywidget("viz.draw(on_click=...)", "Without on_click the drawing works everywhere.")
    import anywidget
    import traitlets

    class LiveDrawing(anywidget.AnyWidget):
        """A drawing as a widget; `page` is what it shows, `name` what its form without a kernel is known by."""

        _esm = "\n".join(map(static_text, SCRIPTS))
        page = traitlets.Unicode().tag(sync=True)
        name = traitlets.Unicode().tag(sync=True)

        def __repr__(self) -> str:
            return repr(drawing).replace("<Drawing", "<LiveDrawing")

        def _ipython_display_(self) -> None:
            """Show the widget, and after it the static form, which a widget that comes alive hides.

            In one output of two forms, an exported page would choose the widget, and stay blank without a network.
            """
            from IPython.display import display

            widget, metadata = self._repr_mimebundle_() or ({}, {})
            display(widget | {"text/plain": repr(self)}, metadata=metadata, raw=True)
            static = f'<div data-live="{self.name}">{drawing.page(WITHOUT.format(name=called))}</div>'
            display({"text/html": static, "text/plain": ""}, raw=True)

    called = name_of(function)
    widget = LiveDrawing(page=drawing.page(WITH.format(name=called), scripts=False), name=drawing.scope)

    def heard(_: Any, message: Any, __: Any) -> None:
        widget.send(answered(drawing, function, message))

    widget.on_msg(heard)
    widget.drawing = drawing
    return widget
