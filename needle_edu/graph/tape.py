"""The learner's own run, written down: a recording that knows what the learner's variables are called.

>>> import needle_edu as ndl
>>> x = ndl.Tensor([3.0])
>>> with ndl.graph.Tape() as tape:
...     y = x * x
...     y.backward()
>>> tape
Tape of 10 events: 2 values, 1 operation, 2 contributions
"""

from __future__ import annotations

from needle_edu.autograd.events import Event, users_frame, value_id
from needle_edu.backend.scope import Run
from needle_edu.graph.build import build_graph
from needle_edu.graph.calls import Call, module_calls
from needle_edu.graph.names import variable_names
from needle_edu.graph.nodes import Graph
from needle_edu.graph.recorder import MAX_EVENTS, Recorder
from needle_edu.graph.snapshot import LIMIT


class Tape(Recorder):
    """A run of one's own, recorded by ``with Tape() as tape``; takes what `Recorder` takes.

    Attributes
    ----------
    names : dict of value id to str
        What the learner's variables call the values that were heard of.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> with Tape() as tape:
    ...     y = ndl.Tensor([3.0]) * 2
    >>> [event.kind for event in tape.events]
    ['created', 'computed', 'created', 'computed']
    >>> [node.op for node in tape.graph().nodes.values()]
    [None, 'mul_scalar']
    """

    def __init__(self, limit: int = LIMIT, max_events: int = MAX_EVENTS):
        super().__init__(limit, max_events)
        self.names: dict[int, str] = {}
        self.calls: list[Call] = []

    def end(self, run: Run) -> None:
        """Stop listening, and note what the learner's variables are called."""
        super().end(run)
        self.calls = module_calls([event.made for event, _ in self.records if event.made is not None])
        heard = {event.value for event, _ in self.records}
        for value, name in variable_names(users_frame()):
            # Only values that were heard of have a number already.
            if value.extra and value.extra.get("id") in heard:
                self.names.setdefault(value_id(value), name)

    @property
    def events(self) -> list[Event]:
        """The events, in the order in which they happened."""
        return [event for event, _ in self.records]

    def graph(self) -> Graph:
        """The computation graph of the recorded run."""
        graph = build_graph(self.records, self.names)
        graph.calls = self.calls
        for key, node in graph.nodes.items():
            node.time_ns = self.took.get(key, 0)
        return graph

    def __repr__(self) -> str:
        kinds = [event.kind for event, _ in self.records]
        values = kinds.count("created")
        ops = sum(event.kind == "created" and event.op is not None for event, _ in self.records)
        parts = [(values, "value"), (ops, "operation"), (kinds.count("vjp"), "contribution")]
        text = ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in parts)
        stopped = f"; stopped at max_events={self.max_events}" if self.full else ""
        return f"Tape of {len(kinds)} events: {text}{stopped}"
