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

from needle_edu.autograd.events import users_frame, value_id
from needle_edu.backend.scope import Run
from needle_edu.viz.drawing import Drawing
from needle_edu.viz.graph import Graph, build_graph
from needle_edu.viz.names import variable_names
from needle_edu.viz.recorder import MAX_EVENTS, Recorder
from needle_edu.viz.snapshot import LIMIT
from needle_edu.viz.stepper import make_stepper


class Tape(Recorder):
    """The learner's own run, recorded by ``with viz.record() as tape``.

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
        self.names: dict[int, str] = {}

    def end(self, run: Run) -> None:
        """Stop listening, and note what the learner's variables are called."""
        super().end(run)
        heard = {event.value for event, _ in self.records}
        for value, name in variable_names(users_frame()):
            # Only values that were heard of have a number already.
            if value.extra and value.extra.get("id") in heard:
                self.names.setdefault(value_id(value), name)

    @property
    def events(self) -> list:
        """The events, in the order in which they happened."""
        return [event for event, _ in self.records]

    def graph(self) -> Graph:
        """The computation graph of the recorded run."""
        return build_graph(self.records, self.names)

    def draw(self, **options):
        """Draw the recorded graph; takes the options of `viz.draw`."""
        return Drawing(self.graph(), **options)

    def step(self, live: bool = False, **options):
        """Walk through the recorded run one event at a time; takes the options of `viz.step`."""
        return make_stepper(self.records, self.names, live=live, **options)

    def __repr__(self) -> str:
        kinds = [event.kind for event, _ in self.records]
        values = kinds.count("created")
        ops = sum(event.kind == "created" and event.op is not None for event, _ in self.records)
        parts = [(values, "value"), (ops, "operation"), (kinds.count("vjp"), "contribution")]
        text = ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in parts)
        stopped = f"; stopped at max_events={self.max_events}" if self.full else ""
        return f"Tape of {len(kinds)} events: {text}{stopped}"


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
