"""Listening to the engine: what `draw`, `step` and `record` know, they heard from the event stream.

A `Recorder` is installed at the engine's one hook, writes every event down with a snapshot of its array,
and is taken out again. It never touches the learner's tensors.

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

import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

from needle_edu.viz.graph import Graph, build_graph
from needle_edu.viz.snapshot import LIMIT, Snapshot, take_snapshot

MAX_EVENTS = 50_000


class Recorder:
    """A list of events, each with a snapshot of its array.

    Parameters
    ----------
    limit : int
        Arrays of at most so many elements are copied whole, of larger ones a summary is kept.
    max_events : int
        After so many events the recorder stops writing; `full` tells.
    """

    def __init__(self, limit: int = LIMIT, max_events: int = MAX_EVENTS):
        self.limit, self.max_events = limit, max_events
        self.records: list[tuple[Any, Snapshot | None]] = []
        self.full = False
        self._previous = None

    def __call__(self, event, array) -> None:
        if len(self.records) < self.max_events:
            self.records.append((event, take_snapshot(array, self.limit)))
        else:
            self.full = True
        if self._previous is not None:
            self._previous(event, array)

    def __enter__(self) -> Recorder:
        from needle_edu.autograd import events

        self._previous = events.set_hook(self)
        return self

    def __exit__(self, *exception) -> None:
        from needle_edu.autograd import events

        events.set_hook(self._previous)
        self._previous = None


class Tape(Recorder):
    """The learner's own run, recorded by ``with viz.record() as tape``."""

    def __init__(self, limit: int = LIMIT, max_events: int = MAX_EVENTS):
        super().__init__(limit, max_events)
        self.names: dict[int, str] = {}

    def __enter__(self) -> Tape:
        super().__enter__()
        return self

    def __exit__(self, *exception) -> None:
        super().__exit__(*exception)
        from needle_edu.autograd.events import value_id

        heard = {event.value for event, _ in self.records}
        for value, name in variable_names(sys._getframe(1)):
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
        from needle_edu.viz.drawing import Drawing

        return Drawing(self.graph(), **options)

    def step(self, live: bool = False, **options):
        """Walk through the recorded run one event at a time; takes the options of `viz.step`."""
        from needle_edu.viz.stepper import make_stepper

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
    """
    return Tape(limit, max_events)


def variable_names(frame: FrameType | None) -> list[tuple[Any, str]]:
    """Tensors that the learner's variables hold, with the variables' names.

    A drawing that says `W` and `loss` is easier to read than one that says `x2` and `v7`. Looks at local variables,
    then global ones: tensors, lists and dicts of tensors, and modules, whose parameters are called as in
    `named_parameters`. Names that begin with an underscore (IPython's history) are left out.
    """
    from needle_edu.autograd import Value

    if frame is None:
        return []
    found: list[tuple[Any, str]] = []
    module_class = getattr(sys.modules.get("needle_edu.nn"), "Module", ())
    spaces: list[Mapping[str, Any]] = [dict(frame.f_locals)]
    if frame.f_globals is not frame.f_locals:
        spaces.append(dict(frame.f_globals))
    late: list[tuple[Any, str]] = []  # a plain variable names a tensor better than its place in a list
    for space in spaces:
        for name, thing in space.items():
            if name.startswith("_"):
                continue
            if isinstance(thing, Value):
                found.append((thing, name))
            elif isinstance(thing, (list, tuple)) and len(thing) <= 100:
                late += [(x, f"{name}[{i}]") for i, x in enumerate(thing) if isinstance(x, Value)]
            elif isinstance(thing, dict) and len(thing) <= 100:
                late += [(x, str(key)) for key, x in thing.items() if isinstance(x, Value)]
            elif module_class and isinstance(thing, module_class):
                late += [(x, f"{name}.{path}") for path, x in thing.named_parameters()]
    return found + late
