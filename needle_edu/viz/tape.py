"""The learner's own run, written down: a tape that can be drawn and stepped through afterwards.

>>> import needle_edu as ndl
>>> from needle_edu import viz
>>> x = ndl.Tensor([3.0])
>>> with viz.record() as tape:
...     y = x * x
...     y.backward()
>>> tape
Tape of 10 events: 2 values, 1 operation, 2 contributions
"""

from __future__ import annotations

from needle_edu import graph
from needle_edu.backend import NeedleError
from needle_edu.graph.recorder import MAX_EVENTS
from needle_edu.graph.snapshot import LIMIT
from needle_edu.viz.drawing.clicks import ClickFunction, clickable
from needle_edu.viz.drawing.drawing import Drawing
from needle_edu.viz.lifetimes.blocks import Blocks
from needle_edu.viz.stepper.walk import make_stepper


class Tape(graph.Tape):
    """The learner's own run, recorded by ``with viz.record() as tape``.

    Attributes
    ----------
    blocks : Blocks
        The memory that it held, for `viz.memory(tape)`.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> with ndl.viz.record() as tape:
    ...     y = ndl.Tensor([3.0]) * 2
    >>> [event.kind for event in tape.events]
    ['created', 'computed', 'created', 'computed']
    """

    def __init__(self, limit: int = LIMIT, max_events: int = MAX_EVENTS):
        super().__init__(limit, max_events)
        self.blocks = Blocks()

    def write(self, event, array) -> None:
        """Keep an event, and note the memory that its array lies in."""
        super().write(event, array)
        if not self.full:
            self.blocks.note(event, array)

    def end(self, run) -> None:
        """Stop listening."""
        super().end(run)
        self.blocks.close()

    def draw(self, on_click: ClickFunction | None = None, **options):
        """Draw the recorded graph; takes the options of `viz.draw`."""
        if not self.records:
            raise NeedleError(
                "viz: nothing was recorded, so there is nothing to draw; compute inside "
                "`with viz.record() as tape:`"
            )
        return clickable(Drawing(self.graph(), **options), on_click)

    def step(self, live: bool = False, **options):
        """Walk through the recorded run one event at a time; takes the options of `viz.step`."""
        return make_stepper(self.records, self.names, live=live, **options)


def record(limit: int = LIMIT, max_events: int = MAX_EVENTS) -> Tape:
    """Record the learner's own run: ``with viz.record() as tape: ...``, then `tape.draw()` or `tape.step()`.

    Parameters
    ----------
    limit : int
        Arrays of at most so many elements are copied whole; of larger ones shape, minimum, mean, maximum and the
        first values are kept.
    max_events : int
        The recording stops after so many events; the run itself goes on.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0])
    >>> with record() as tape:
    ...     (x * x).backward()
    >>> tape.step()
    <Stepper: 2 forward and 6 backward steps, 2 nodes>
    """
    return Tape(limit, max_events)
