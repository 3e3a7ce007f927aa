"""Notes of the calls of nn modules: what a picture of a finished graph knows its modules from (graph/calls.py).

A result whose serial number lies between those before and after a call was made by that call. A note is written at
every call, traced or not, so it must cost little: where there is the accelerator, `csrc/python/calls.c` keeps them, in
one block of memory. Only the latest are kept, and nothing is kept alive.
"""

from collections import deque
from threading import get_ident
from typing import Any
from weakref import ref

from needle_edu.backend import accelerator

from . import state

MOST = 4096
Note = tuple[
    int, int, Any, type, int
]  # serial before and after, weak reference to the module, its class, the thread
_notes: deque[Note] = deque(maxlen=MOST)
_in_c: Any = None


def noted_call(module: Any, function: Any, args: tuple, kwargs: dict) -> Any:
    """Return ``function(*args, **kwargs)``, and note this as a call of `module`.

    A call that raises is not noted.
    """
    begin = state.next_serial()
    result = function(*args, **kwargs)
    _notes.append((begin, state.next_serial(), ref(module), module.__class__, get_ident()))
    return result


def noted_calls() -> list[Note]:
    """Return the notes there are, of each way of keeping them the oldest first.

    >>> from needle_edu import Tensor, nn
    >>> _ = nn.ReLU()(Tensor([1.0]))
    >>> noted_calls()[-1][3].__name__
    'ReLU'
    """
    return [*_notes, *(_in_c.noted_calls() if _in_c is not None else ())]


def forget_calls() -> None:
    """Throw all notes away."""
    _notes.clear()
    if _in_c is not None:
        _in_c.forget_calls()


def _accelerate(found: Any) -> None:
    global _in_c
    if found is not None and _in_c is None:  # it keeps its notes while it is switched off
        found.keep_calls(MOST, state.next_serial)
        _in_c = found


accelerator.connect(_accelerate)
