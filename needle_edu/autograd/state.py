"""The few facts all of autograd shares: which modes are on, who listens, where we are.

Everything here is read at every operation, so it is kept as plain module globals. `needle_edu.autograd`
forwards reading and assignment of the three public ones (`TENSOR_COUNTER`, `LAZY_MODE`, `CREATE_GRAPH`) to
this module.

Whether gradients are recorded is a fact of each thread: its innermost block (`no_grad`, or a running backward
pass) says so. Looking into a `threading.local` at every operation is slow, so we first ask whether ANY thread is
in such a block. `threads_without_grad` may name a thread too many, which costs only time, and never one too few.
"""

import gc
import itertools
import os
import threading
from typing import Any

LAZY_MODE = False  # True: an op's value is computed only when somebody needs it
CREATE_GRAPH = False  # default of backward(create_graph=None): gradients are graph nodes themselves

hook = None  # receives every event, see events.py; None when nobody listens
tracer: Any = (
    None  # writes ops down instead of computing them (graph/static/tracer.py); None when nothing is captured
)
watched = False  # True when LAZY_MODE, a hook or a tracer asks for the careful path of Op.apply

threads_without_grad: set[int] = set()  # numbers of the threads in which recording may be off


class _Thread(threading.local):
    def __init__(self):
        self.number = next(_numbers)
        self.enabled = True  # outside all blocks
        self.blocks: list[Any] = []  # innermost last; each has `enabled`
        self.after_pass: list[Any] | None = None  # what the innermost backward pass calls at its end


_numbers = itertools.count()  # of threads; the system's own numbers come back when a thread has ended
thread = _Thread()


class Pass:
    """The block of a backward pass, or of one call of a function in a mode. It is shared, and never changed."""

    __slots__ = ("enabled",)

    def __init__(self, enabled: bool):
        self.enabled = enabled


RECORDING, NOT_RECORDING = Pass(True), Pass(False)


class ModulePath(threading.local):
    """Names of the nn modules being called right now, outermost first; each thread has its own."""

    def __init__(self):
        self.names: list[str] = []

    def __str__(self) -> str:
        return ".".join(self.names)


module_path = ModulePath()

next_serial = itertools.count().__next__  # numbers of results, in the order of the run


def grad_enabled() -> bool:
    """Whether this thread records operations for backward."""
    if not threads_without_grad:
        return True
    blocks = thread.blocks
    if blocks:
        return blocks[-1].enabled
    if thread.enabled:
        threads_without_grad.discard(thread.number)
    return thread.enabled


def _forked() -> None:
    """In a forked child no thread goes on but the one that forked."""
    threads_without_grad.intersection_update({thread.number})


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def set_lazy_mode(on: bool) -> None:
    """Assign LAZY_MODE: ``needle_edu.autograd.LAZY_MODE = on`` ends up here."""
    global LAZY_MODE, watched
    LAZY_MODE = bool(on)
    watched = LAZY_MODE or hook is not None or tracer is not None


def set_create_graph(on: bool) -> None:
    """Assign CREATE_GRAPH: ``needle_edu.autograd.CREATE_GRAPH = on`` ends up here."""
    global CREATE_GRAPH
    CREATE_GRAPH = bool(on)


def set_hook(function):
    """Install the one listener of events (None removes it); returns the previous one."""
    global hook, watched
    previous, hook = hook, function
    watched = LAZY_MODE or hook is not None or tracer is not None
    return previous


def set_tracer(new):
    """Let `new` write down every op of its thread (None: nobody)."""
    global tracer, watched
    tracer = new
    watched = LAZY_MODE or hook is not None or tracer is not None


def tracing():
    """Return the tracer that captures what this thread does, or None."""
    return tracer if tracer is not None and tracer.here() else None


# TENSOR_COUNTER counts on demand: the garbage collector knows every live object, so creating a Value stays
# free.
_counter_shift = 0


def count_values(value_class: type) -> int:
    """Return the number of live Values (plus the shift an assignment to TENSOR_COUNTER asked for)."""
    gc.collect()  # under the name `needle`, a parameter and its gradient form a cycle: garbage is not live
    # issubclass(type(…)), since isinstance would look at `__class__`, which some objects compute.
    return sum(issubclass(type(thing), value_class) for thing in gc.get_objects()) + _counter_shift


def shift_counter(value_class: type, number: int) -> None:
    """Make `count_values` return `number` now, and follow from there."""
    global _counter_shift
    _counter_shift += number - count_values(value_class)
