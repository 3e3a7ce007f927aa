"""A student's own backward pass, watched, and compared with the engine's.

Their function asks the op of each node for its gradient. While it runs, the ops of the graph are copies that write down
what they were asked and what they answered. So the pass is told in the same events as the engine's, with the student's
own adjoints; the first event that the engine would not have sent, or sent with other numbers, is where the two depart.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from needle_edu.autograd import Tensor, Value, override
from needle_edu.autograd.engine import GRADIENTS
from needle_edu.autograd.events import Event, value_id
from needle_edu.backend.scope import at_once
from needle_edu.graph.recorder import Records
from needle_edu.graph.replay import REPLACEABLE, record_backward
from needle_edu.graph.snapshot import LIMIT, Snapshot, alike, take_snapshot


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a student's pass departs from the engine's: the place of the event, and what is different there."""

    position: int
    text: str


def record_students_backward(
    loss: Tensor, values: list[Value], out_grad: Tensor | None = None, limit: int = LIMIT
) -> tuple[Records, Departure | None]:
    """Replay a finished graph, and watch the student's function that is installed run backward through it.

    Parameters
    ----------
    loss, values, out_grad, limit
        As for `record_backward`; every `.grad` is put back.

    Returns
    -------
    list of (Event, Snapshot or None)
    Departure or None

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.autograd import find_topo_sort, override
    >>> def forgetful(output, out_grad):  # keeps the last contribution only
    ...     output.grad = out_grad
    ...     for node in reversed(find_topo_sort([output])):
    ...         if node.op is not None:
    ...             for x, g in zip(node.inputs, node.op.gradient_as_tuple(node.grad, node)):
    ...                 x.grad = g
    >>> x = ndl.Tensor([3.0])
    >>> y = x * x
    >>> with override("compute_gradient_of_variables", forgetful):
    ...     records, departure = record_students_backward(y, [x, y])
    >>> print(*(event.kind for event, _ in records))
    created computed created computed seeded accumulated vjp vjp accumulated leaf
    >>> departure.text
    'The engine has [6.] here.'
    """
    engines = record_backward(loss, values, out_grad, limit)
    watch = _Watch([record for record in engines if record[0].kind in ("created", "computed")], limit)
    put_back = map(setattr, values, repeat("grad"), [value.grad for value in values])
    function = GRADIENTS.function

    def watched(output: Value, seed: Tensor) -> None:
        watch.tell("seeded", output, seed)
        with _watched_ops(values, watch):
            function(output, seed)
        for value in values:
            if value.op is None and value.requires_grad and value.grad is not None:
                watch.tell("accumulated", value, value.grad)
                watch.tell("leaf", value, value.grad)

    stopped = ""
    try:
        with override(REPLACEABLE, watched):
            loss.backward(out_grad, create_graph=False)
    except Exception as error:  # what it did until then is what its author wants to see
        stopped = f"Here your function stopped: {type(error).__name__}: {error}"
    finally:
        at_once(put_back)
    departure = _compare(
        watch.records, engines, {value_id(v): v.requires_grad for v in values if v.op is None}
    )
    if stopped:
        last = Departure(len(watch.records) - 1, stopped)
        departure = departure if departure and departure.position < last.position else last
    return watch.records, departure


class _Watch:
    """Writes events as the engine would send them."""

    def __init__(self, records: Records, limit: int):
        self.records, self.limit = records, limit
        self.busy = False  # an op asks itself: gradient_as_tuple calls gradient

    def tell(
        self, kind: str, value: Value, data: Any, node: Value | None = None, operand: int | None = None
    ) -> None:
        snapshot = take_snapshot(data.realize_cached_data() if isinstance(data, Value) else data, self.limit)
        shape, dtype = (snapshot.shape, snapshot.dtype) if snapshot else ((), "")
        by = None if node is None else value_id(node)
        event = Event(
            len(self.records), kind, value_id(value), node=by, operand=operand, shape=shape, dtype=dtype
        )
        self.records.append((event, snapshot))

    def asked(self, node: Value, out_grad: Any, answer: Any) -> None:
        """An op was asked for its contributions, given the adjoint of its node."""
        self.tell("accumulated", node, out_grad)
        grads = answer if isinstance(answer, (tuple, list)) else (answer,)
        for operand, (x, g) in enumerate(zip(node.inputs, grads, strict=False)):
            if g is not None and x.requires_grad:
                self.tell("vjp", x, g, node, operand)


class _Watched:
    """What a copy of an op does besides: it writes down what it was asked."""

    watch: _Watch

    def gradient(self, out_grad: Any, node: Value) -> Any:
        return self._answered("gradient", out_grad, node)

    def gradient_as_tuple(self, out_grad: Any, node: Value) -> Any:
        return self._answered("gradient_as_tuple", out_grad, node)

    def _answered(self, name: str, out_grad: Any, node: Value) -> Any:
        ask = getattr(super(), name)
        if self.watch.busy:
            return ask(out_grad, node)
        self.watch.busy = True
        try:
            answer = ask(out_grad, node)
        finally:
            self.watch.busy = False
        self.watch.asked(node, out_grad, answer)
        return answer


@contextmanager
def _watched_ops(values: list[Value], watch: _Watch) -> Iterator[None]:
    nodes = [value for value in values if value.op is not None]
    ops = [node.op for node in nodes]
    try:
        at_once(map(setattr, nodes, repeat("op"), [_copied(op, watch) for op in ops]))
        yield
    finally:
        at_once(map(setattr, nodes, repeat("op"), ops))


def _copied(op: Any, watch: _Watch) -> Any:
    made = copy.copy(op)
    made.__class__ = type(type(op).__name__, (_Watched, type(op)), {"name": op.name})
    made.watch = watch
    return made


def _compare(records: Records, engines: Records, leaves: dict[int, bool]) -> Departure | None:
    """The first of the student's events that differs from the engine's."""
    expected: dict[tuple, Snapshot | None] = {}  # the last that the engine says of each thing
    due: dict[int, int] = {}  # how many contributions each value gets
    for event, numbers in engines:
        expected[_thing(event)] = numbers
        due[event.value] = due.get(event.value, 0) + (event.kind == "vjp")
    arrived: dict[int, int] = {}
    for position, (event, numbers) in enumerate(records):
        wanted = expected.get(_thing(event))
        if event.kind == "vjp":
            arrived[event.value] = arrived.get(event.value, 0) + 1
        elif event.kind == "accumulated":
            if arrived.get(event.value, 0) < due.get(event.value, 0):
                came = f"{arrived.get(event.value, 0)} of {due[event.value]} contributions"
                return Departure(position, f"This adjoint is passed on when only {came} are in.")
            wanted = wanted or expected.get(("seeded", event.value))
        if event.kind not in ("created", "computed") and not alike(numbers, wanted):
            return Departure(position, _different(event.kind, wanted))
    written = {event.value for event, _ in records if event.kind == "leaf"}
    if any(wanted and leaf not in written and ("leaf", leaf) in expected for leaf, wanted in leaves.items()):
        return Departure(len(records) - 1, "A leaf is left without .grad, which the engine writes.")
    return None


def _thing(event: Event) -> tuple:
    """What an event is about."""
    return (
        (event.kind, event.value, event.node, event.operand)
        if event.kind == "vjp"
        else (event.kind, event.value)
    )


def _different(kind: str, wanted: Snapshot | None) -> str:
    if wanted is None:
        return "The engine sends nothing here."
    numbers = (
        f"numbers of shape {wanted.shape}"
        if wanted.array is None
        else np.array2string(wanted.array, precision=4)
    )
    return f"The engine {'adds' if kind == 'vjp' else 'has'} {numbers} here."
