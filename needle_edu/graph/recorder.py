"""Listening to the engine: whatever is known of a run was heard from the event stream.

A `Recorder` is installed at the engine's one hook, writes every event down with a snapshot of its array,
and is taken out again. It never touches the learner's tensors.
"""

from __future__ import annotations

import time
from typing import Any

from needle_edu.autograd import events, state
from needle_edu.backend.arguments import whole
from needle_edu.backend.scope import Block, Run
from needle_edu.graph.snapshot import LIMIT, Snapshot, take_snapshot

MAX_EVENTS = 50_000
Records = list[tuple[events.Event, Snapshot | None]]  # events, each with what its array was then


class Recorder(Block):
    """A list of events, each with a snapshot of its array.

    Parameters
    ----------
    limit : int
        Arrays of at most so many elements are copied whole, of larger ones a summary is kept.
    max_events : int
        After so many events the recorder stops writing; `full` tells.

    Attributes
    ----------
    records : list of (Event, Snapshot or None)
    took : dict of value id to int
        Nanoseconds from what was told before to the value's making: its operation, and the Python around it.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> with Recorder() as recorder:
    ...     y = ndl.Tensor([3.0]) * 2
    >>> [(event.kind, snapshot.first) for event, snapshot in recorder.records if snapshot is not None]
    [('computed', (3.0,)), ('computed', (6.0,))]
    """

    def __init__(self, limit: int = LIMIT, max_events: int = MAX_EVENTS):
        whole("viz.record", 0, limit=limit, max_events=max_events)
        self.limit, self.max_events = limit, max_events
        self.records: Records = []
        self.full = False
        self.took: dict[int, int] = {}
        self._since = 0  # when the listener was done with the event before
        self._previous: events.Hook | None = None  # who listened before,
        self._heard: dict = {}  # and of which values it had heard

    def __call__(self, event: events.Event, array: Any) -> None:
        if event.kind == "created" and event.op is not None and self._since:
            self.took[event.value] = event.time_ns - self._since
        self.write(event, array)
        if self._previous is not None and not self._known_there(event):
            self._previous(event, array)
        self._since = time.perf_counter_ns()

    def write(self, event: events.Event, array: Any) -> None:
        """Keep an event, unless there are too many."""
        if len(self.records) < self.max_events:
            self.records.append((event, take_snapshot(array, self.limit)))
        else:
            self.full = True

    def _known_there(self, event: events.Event) -> bool:
        """Whether a value is introduced to this listener that the previous one knows already."""
        known = self._heard.get(event.value)
        return known is not None and (
            event.kind == "created" or event.kind == "computed" and known.nbytes > 0
        )

    def begin(self, run: Run) -> None:
        """Listen from now on, and pass every event on to whoever listened before."""
        self._previous, self._heard = events.exchange_hook(self, {})

    def end(self, run: Run) -> None:
        """Stop listening; whoever listened before has heard of all that was passed on."""
        if state.hook is self:
            events.exchange_hook(self._previous, self._heard, told_on=True)
        self._previous, self._heard = None, {}


class Aside(Recorder):
    """A recorder of what a drawing or a stepper does itself: whoever listened before hears nothing of it.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> with Recorder() as outer, Aside() as inner:
    ...     y = ndl.Tensor([3.0]) * 2
    >>> len(outer.records), len(inner.records)
    (0, 4)
    """

    def __call__(self, event: events.Event, array: Any) -> None:
        self.write(event, array)

    def end(self, run: Run) -> None:
        """Stop listening; the previous listener goes on where it was."""
        if state.hook is self:
            events.exchange_hook(self._previous, self._heard)
        self._previous, self._heard = None, {}
