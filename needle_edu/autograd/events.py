"""Events: what the engine does, told step by step to one listener.

Graph drawings, the stepper, the profiler and graph capture all listen here; none of them has an engine of its
own. Without a listener nothing is built at all. An event names values by serial numbers and never refers to
them, so that listening keeps nothing alive; whoever wants to keep an array copies it when the event comes.

>>> import needle_edu as ndl
>>> from needle_edu.autograd import events
>>> x = ndl.Tensor([1.0, 2.0])
>>> heard = []
>>> previous = events.set_hook(lambda event, array: heard.append(event.kind))
>>> (x * x).backward()
>>> _ = events.set_hook(previous)
>>> print(*heard)
created computed created computed seeded vjp accumulated vjp accumulated leaf freed
"""

import itertools
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from needle_edu.backend.dtypes import name_of

from . import arrays, state
from .topo import run_order

KINDS = ("created", "computed", "seeded", "vjp", "accumulated", "leaf", "freed")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes
    ----------
    serial : int
        Increases by one from event to event, over all listeners.
    kind : str
        ``created``: the value exists (op and inputs are known; a leaf has neither). ``computed``: its array
        is there. ``seeded``: backward starts at this value. ``vjp``: `node`'s op gave the contribution for
        its `operand`, which is `value`. ``accumulated``: it was added to the value's adjoint. ``leaf``: the
        leaf's `.grad` was written. ``freed``: the value is gone.
    value : int
        The value's number, see `value_id`.
    op, inputs, attrs
        How the value was made (kind ``created``).
    node, operand : int or None
        Kinds ``vjp`` and ``accumulated``: whose op contributed, and for which of its operands.
    shape, dtype, device, nbytes
        Of the array the event is about; () , "" and 0 if there is none.
    time_ns : int
        `time.perf_counter_ns()` when the event was sent.
    module : str or None
        Path of the nn module being called.
    source : (str, int) or None
        File and line of the user's code.
    name : str or None
        The value's label.
    made : int or None
        A result's place in the order of the run (kind ``created``); between which numbers a module was called is in
        `noted.noted_calls`.
    span : (int, int) or None
        When the work that the event tells of began and ended, by the same clock as `time_ns`; the time it took to build
        the event is not in it. The kinds ``vjp`` and ``accumulated`` know only the end: they begin where the event
        before was done with. None where it is not known.
    """

    serial: int
    kind: str
    value: int
    op: str | None = None
    inputs: tuple[int, ...] = ()
    node: int | None = None
    operand: int | None = None
    shape: tuple = ()
    dtype: str = ""
    device: str = ""
    nbytes: int = 0
    time_ns: int = 0
    module: str | None = None
    source: tuple[str, int] | None = None
    name: str | None = None
    attrs: dict = field(default_factory=dict)
    requires_grad: bool = False
    made: int | None = None
    span: tuple[int, int] | None = None


Hook = Callable[[Event, Any], None]  # what listens: it gets an event and the array the event is about


class _Quiet(threading.local):
    on = False  # True while backward computes gradients that are no graph nodes: only its own events are told
    unheard = False  # True in a thread that works beside the reader's: nothing of it is told


quiet = _Quiet()
_serial = itertools.count()
_ids = itertools.count()
_announced: dict[int, "_Watch"] = {}  # the values this listener has heard of


def value_id(value: Any) -> int:
    """Return the number of a value; it gets one when first asked for, and no number is used twice.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> x, y = Tensor([1.0]), Tensor([1.0])
    >>> value_id(x) == value_id(x), value_id(x) == value_id(y)
    (True, False)
    """
    if value.extra is None or "id" not in value.extra:
        value._remember("id", next(_ids))
    return value.extra["id"]


def set_hook(function: Hook | None) -> Hook | None:
    """Send every event to ``function(event, array)`` (None: to nobody); returns the previous listener.

    `array` is the NDArray (in np mode the numpy.ndarray) the event is about, a tuple of them for a TensorTuple
    (None in the places of an adjoint that nothing has reached yet), or None. The function is called in the
    middle of the operation: it must copy what it wants to keep, and must not compute with tensors.
    """
    return exchange_hook(function, {})[0]


def exchange_hook(
    function: Hook | None, heard: dict[int, "_Watch"], told_on: bool = False
) -> tuple[Hook | None, dict[int, "_Watch"]]:
    """Let `function` listen, which has `heard` of these values before; return the previous listener and what it heard.

    So one may listen for a while in the place of another, and put it back as it was; `told_on` says that it has also
    heard of all that the present listener has.
    """
    before = dict(_announced)
    if not told_on:
        _announced.clear()
    _announced.update(heard)
    return state.set_hook(function), before


@contextmanager
def unheard() -> Iterator[None]:
    """Within the block, what this thread does is told to nobody: whoever listens means the work of another.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> heard = []
    >>> previous = set_hook(lambda event, array: heard.append(event.kind))
    >>> with unheard():
    ...     (Tensor([1.0]) * 2).backward()
    >>> _ = set_hook(previous)
    >>> heard
    []
    """
    before, quiet.unheard = quiet.unheard, True
    try:
        yield
    finally:
        quiet.unheard = before


def replay(value: Any) -> None:
    """Send the ``created`` and ``computed`` events of a finished graph, in the order of the run."""
    for node in run_order([value]):
        if value_id(node) not in _announced:
            _tell_created(node, node.op, node.inputs, None)
            if node.cached_data is not None:
                computed(node)


def announce(value) -> None:
    """Make sure the listener knows a value that was made before it began to listen."""
    if state.hook is None or quiet.on or quiet.unheard:
        return
    if value.extra is None or value.extra.get("id") not in _announced:
        replay(value)


class _Watch(weakref.ref):
    """A weak reference that knows the number of its value, to say when the value is gone."""

    __slots__ = ("id", "nbytes")

    def __new__(cls, value, number):
        return super().__new__(cls, value, _freed)

    def __init__(self, value, number):
        self.id, self.nbytes = number, 0


def _freed(watch: _Watch) -> None:
    if _announced.pop(watch.id, None) is not None:
        _send("freed", watch.id, None, nbytes=watch.nbytes)


# -- called by the engine, only while somebody listens -------------------------------------------------------


def created(value, op, inputs, span=None) -> None:
    """A value was made by `op`, in this span of time."""
    if state.hook is not None and not quiet.on and not quiet.unheard:
        _tell_created(value, op, inputs, users_line(), span)


def computed(value) -> None:
    """The array of a value is there."""
    watch = _announced.get(value_id(value))
    if watch is not None and state.hook is not None:
        op = value.op.name if value.op is not None else None
        event = _about(value.cached_data)
        watch.nbytes = event["nbytes"]
        _send("computed", watch.id, value.cached_data, op=op, requires_grad=value.requires_grad, **event)


def seeded(output, out_grad) -> None:
    announce(output)
    data = out_grad.realize_cached_data()
    _send("seeded", value_id(output), data, name=_label(output), **_about(data))


def vjp(x, contribution, node, operand) -> None:
    data, span = contribution.realize_cached_data(), (0, time.perf_counter_ns())
    number, by = value_id(x), value_id(node)
    _send("vjp", number, data, node=by, operand=operand, op=node.op.name, span=span, **_about(data))


def accumulated(x, total, node, operand) -> None:
    data, span = total.realize_cached_data(), (0, time.perf_counter_ns())
    number, by = value_id(x), value_id(node)
    _send("accumulated", number, data, node=by, operand=operand, op=node.op.name, span=span, **_about(data))


def leaf(x) -> None:
    data = x.grad.realize_cached_data()
    _send("leaf", value_id(x), data, name=_label(x), **_about(data))


def _tell_created(value, op, inputs, source, span=None) -> None:
    number = value_id(value)
    _announced[number] = _Watch(value, number)
    made = None
    if op is not None:  # a result whose history is not kept has no number of its own
        made = state.next_serial() if value.op is None else value._serial
    _send(
        "created",
        number,
        None,
        op=None if op is None else op.name,
        inputs=tuple([value_id(x) for x in inputs]),
        attrs={} if op is None else op.attrs,
        module=str(state.module_path) or None,
        source=source,
        name=_label(value),
        requires_grad=value.requires_grad,
        made=made,
        span=span,
        **_about(value.cached_data),
    )


def _send(kind, value, array, **facts) -> None:
    hook = state.hook
    if hook is not None and not quiet.unheard:
        hook(Event(next(_serial), kind, value, time_ns=time.perf_counter_ns(), **facts), array)


def _about(data) -> dict:
    """Return shape, dtype, device and size of an array; a tuple of arrays has only a size."""
    if data is None:
        return {"nbytes": 0}
    if isinstance(data, tuple):
        return {"nbytes": sum([_about(part)["nbytes"] for part in data])}
    device = arrays.device_of(data)
    return {
        "shape": data.shape,
        "dtype": name_of(data.dtype),
        "device": str(device),
        "nbytes": data.size * data.dtype.itemsize,
    }


def _label(value) -> str | None:
    return value.extra.get("name") if value.extra else None


_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def users_frame() -> FrameType | None:
    """Return the innermost frame outside the package: where the user's own code is just now."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame


def is_cell(file: str) -> bool:
    """Return whether this is what Jupyter calls the code of a cell: a file of a number, in a folder of its own.

    Examples
    --------
    >>> is_cell("/tmp/ipykernel_17/3141592653.py"), is_cell("train.py")
    (True, False)
    """
    folder, name = os.path.split(file)
    return os.path.basename(folder).startswith("ipykernel_") or name.startswith("<ipython-input")


def users_line() -> tuple[str, int] | None:
    """Return file and line of the user's code."""
    frame = users_frame()
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)
