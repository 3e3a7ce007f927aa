"""The live form of the stepper: a widget whose position Python can read and set.

It uses anywidget and the same script as the static form. anywidget is imported only when someone asks for the widget
(`viz.step(loss, live=True)`), because most pages need neither a kernel nor a widget library.
"""

from __future__ import annotations

from needle_edu.viz.anywidgets import require_anywidget
from needle_edu.viz.stepper.slices import Keeper, shown_part
from needle_edu.viz.stepper.stepper import Stepper, stepper_script


def make_live(stepper: Stepper, keeper: Keeper | None = None):
    """A widget around a finished stepper; of arrays that the `keeper` has kept it shows any part.

    Returns
    -------
    anywidget.AnyWidget
        With the trait `index` (the present step, in both directions) and the attribute `stepper`.

    Raises
    ------
    NeedleError
        anywidget is not installed; the message says how to install it.
    """
    require_anywidget("viz.step(live=True)", "Without live=True the stepper works everywhere.")
    import anywidget
    import traitlets

    class LiveStepper(anywidget.AnyWidget):
        """The stepper as a widget; `index` is the present step."""

        _esm = stepper_script()
        data = traitlets.Dict().tag(sync=True)
        index = traitlets.Int(0).tag(sync=True)

        @traitlets.validate("index")
        def _inside(self, proposal):
            return max(0, min(len(stepper.steps) - 1, proposal["value"]))

        def answer(self, _, question, buffers=None):
            """Send back the part of an array that the page asks for."""
            step = stepper.steps[int(question["step"]) % len(stepper.steps)]
            parts = shown_part(keeper, step, str(question["role"]), str(question["part"]))
            self.send({"ask": question["ask"], "parts": parts})

        def __repr__(self) -> str:
            return repr(stepper).replace("<Stepper", "<LiveStepper")

        def _ipython_display_(self):
            """Show the widget, and after it the static form, which a widget that comes alive hides.

            In one output of two forms, an exported page would choose the widget, and stay blank without a network.
            """
            from IPython.display import display

            widget, metadata = self._repr_mimebundle_() or ({}, {})
            display(widget | {"text/plain": repr(self)}, metadata=metadata, raw=True)
            display({"text/html": stepper.html, "text/plain": ""}, raw=True)

    widget = LiveStepper(data=stepper.data, index=stepper.data["index"])
    widget.on_msg(widget.answer)
    widget.stepper = stepper
    return widget
