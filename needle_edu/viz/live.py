"""The live form of an island: a widget that Python sends new frames to, and that tells Python what its reader did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from needle_edu.viz.anywidgets import require_anywidget
from needle_edu.viz.island import Island


def make_live(island: Island, answer: Callable[[Any], dict[str, Any] | None]):
    """A widget around a view; `answer(message)` gives the next frame, or None if there is nothing new.

    Returns
    -------
    anywidget.AnyWidget
        With the attribute `island`.

    Raises
    ------
    NeedleError
        anywidget is not installed; the message says how to install it.
    """
    require_anywidget(f"viz.{island.view}(live=True)", "Without live=True the view works everywhere.")
    import anywidget
    import traitlets

    class LiveView(anywidget.AnyWidget):
        """A view as a widget; `frame` is what it shows."""

        _esm = island.program()
        frame = traitlets.Dict().tag(sync=True)
        name = traitlets.Unicode().tag(sync=True)

        def __repr__(self) -> str:
            return repr(island).replace("<", "<live ", 1)

        def _ipython_display_(self) -> None:
            """Show the widget, and after it the static form, which a widget that comes alive hides.

            In one output of two forms, an exported page would choose the widget, and stay blank without a network.
            """
            from IPython.display import display

            widget, metadata = self._repr_mimebundle_() or ({}, {})
            display(widget | {"text/plain": repr(self)}, metadata=metadata, raw=True)
            static = f'<div data-live="{self.name}">{island.html}</div>'
            display({"text/html": static, "text/plain": ""}, raw=True)

    frame = island.frame()
    widget = LiveView(frame=frame, name=frame["scope"])

    def heard(_: Any, message: Any, __: Any) -> None:
        new = answer(message)
        if new is not None:
            widget.frame = new

    widget.on_msg(heard)
    widget.island, widget.answer = island, answer
    return widget
