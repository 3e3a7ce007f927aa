"""Profiling an ordinary run: whatever is known of it was heard from the event stream.

An event says when its operation began and ended. What it took to build and to hear events is not in these times, but it
is on the clock: it is added up apart. A backward pass that is listened to goes by the tensors' own way
(autograd/engine.py), not by that of bare arrays (array_pass.py), and so does more in Python.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Any

from needle_edu.autograd import events
from needle_edu.autograd.registry import op_slot
from needle_edu.backend.scope import Run
from needle_edu.graph.recorder import Recorder
from needle_edu.nn.flops import HANDED_ON, VIEWS, contribution_flops, flops

from .report import Report
from .spans import Span


class Profile(Report, Recorder):
    """Times every operation and every contribution to an adjoint within a ``with`` block; see `profile`.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> with ndl.profile() as found:
    ...     (x @ x).sum().backward()
    >>> [(one.op, one.phase, one.flops) for one in found.spans][:3]
    [('matmul', 'forward', 16), ('summation', 'forward', 4), ('summation.vjp0', 'backward', 4)]
    """

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[Span] = []
        self.result: Any = None
        self._began = 0
        self._made: dict[int, events.Event] = {}  # how each value came about
        self._shapes: dict[int, Any] = {}  # of values, or of their parts
        self._sizes: dict[int, int] = {}
        self._reached: set[int] = set()  # values that have an adjoint already
        self._threads: dict[int, int] = {}

    def begin(self, run: Run) -> None:
        """Listen from now on."""
        self._began = time.perf_counter_ns()
        super().begin(run)

    def end(self, run: Run) -> None:
        """Stop listening."""
        super().end(run)
        if self._began:
            self.wall_ns += time.perf_counter_ns() - self._began
        self._began = 0

    def __call__(self, event: events.Event, array: Any) -> None:
        before = self._since
        super().__call__(event, array)
        work_ended = event.span[1] if event.span else before if event.kind == "computed" else event.time_ns
        self.listening_ns += self._since - (work_ended or event.time_ns)

    def write(self, event: events.Event, array: Any) -> None:
        """Keep what an event says of time; of arrays nothing but their shapes."""
        if len(self.spans) >= self.max_events:
            self.full = True
        elif event.kind == "created":
            self._made[event.value] = event
        elif event.kind == "computed":
            self._computed(event, array)
        elif event.kind == "seeded":
            self._reached = {event.value}
        elif event.kind == "vjp":
            self._contributed(event)
        elif event.kind == "accumulated":
            self._accumulated(event)

    def _computed(self, event: events.Event, array: Any) -> None:
        several = isinstance(array, tuple)
        shape = self._shapes[event.value] = tuple([part.shape for part in array]) if several else event.shape
        self._sizes[event.value] = event.nbytes
        made = self._made.get(event.value)
        if made is None or made.op is None:
            return
        shapes = [self._shapes.get(x, ()) for x in made.inputs]
        nbytes = 0 if made.op in VIEWS else event.nbytes + self._bytes(made.inputs)
        began, ended = made.span or (self._since, event.time_ns)
        self._add(made, made.op, "forward", began, ended, count(flops, made, shapes, shape), nbytes)

    def _contributed(self, event: events.Event) -> None:
        made = self._made.get(event.node) if event.node is not None else None
        if made is None or made.op is None or event.span is None:
            return
        shapes, shape = [self._shapes.get(x, ()) for x in made.inputs], self._shapes.get(made.value, ())
        nbytes = 0
        handed_on = made.op in HANDED_ON and event.shape == shape
        if not handed_on and made.op not in VIEWS - {"broadcast_to"}:
            nbytes = event.nbytes + self._bytes([made.value, *_read(made, event.operand)])
        counted = count(contribution_flops, made, shapes, shape, event.operand)
        name = f"{made.op}.vjp{event.operand}"
        self._add(made, name, "backward", self._since, event.span[1], counted, nbytes)

    def _accumulated(self, event: events.Event) -> None:
        made = self._made.get(event.node) if event.node is not None else None
        if event.value in self._reached and event.span is not None and made is not None:
            size = math.prod(event.shape)
            self._add(made, "accumulate", "backward", self._since, event.span[1], size, 3 * event.nbytes)
        self._reached.add(event.value)

    def _add(
        self, made: events.Event, op: str, phase: str, began: int, ended: int, flops: int, nbytes: int
    ) -> None:
        thread = self._threads.setdefault(threading.get_ident(), len(self._threads))
        self.spans.append(
            Span(op, phase, began, ended - began, flops, nbytes, made.module or "", made.source, thread)
        )

    def _bytes(self, values: Any) -> int:
        return sum([self._sizes.get(value, 0) for value in values])


def _read(made: events.Event, operand: int | None) -> list[int]:
    """Return the values that a contribution reads besides the adjoint: what its op says, or all its operands."""
    slot = op_slot(made.op or "")
    reads = getattr(slot.cls, "vjp_reads", None) if slot is not None else None
    if reads is None or operand is None or operand >= len(reads):
        return list(made.inputs)
    values = dict(zip("abcdefgh", made.inputs, strict=False)) | {"y": made.value}
    return [values[letter] for letter in reads[operand] if letter in values]


def count(counted: Any, made: events.Event, shapes: list, *more: Any) -> int:
    """Return how many operations an op takes; 0 where tuples of arrays are made or taken."""
    try:
        return counted(made.op, made.attrs, shapes, *more)
    except (TypeError, IndexError, KeyError):  # a student's op may be called as ours, and take something else
        return 0
