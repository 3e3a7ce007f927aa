"""Ctrl-C at every place where Python can notice it, one place at a time.

Python looks for an interrupt when a function begins, after a call of a C function and when a loop turns.
`at_every_place` runs a piece of code again and again and asks for a KeyboardInterrupt just before each bytecode of
those parts of needle_edu that have something to put back, at its first and at its last turn. Python raises it at the
next place where it looks, as it does for the key.

The request must not be noticed in the tracing function itself. So it is made by C (`PyThreadState_SetAsyncExc`, as the
callback of a weak reference), in an assignment, after which nothing but the return follows.
"""

import ctypes
import functools
import os
import sys
import threading
import weakref

import needle_edu

PACKAGE = os.path.dirname(needle_edu.__file__) + os.sep
PARTS = tuple(
    PACKAGE + part
    for part in (
        "autograd/",
        "backend/scope",
        "backend/overrides",
        "backend/devices",
        "backend/settings",
        "nn/",
        "optim/",
        "graph/recorder",
        "graph/replay",
        "graph/tape",
    )
)

_ask = ctypes.PYFUNCTYPE(None, ctypes.c_ulong, ctypes.py_object, ctypes.py_object)(
    ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
)


class _Token:
    """Something whose end asks for the interrupt."""


class _Tracer:
    def __init__(self, place: int):
        self.left = place  # bytecodes to go
        self.seen: list = []  # those that have been
        self.fired = False
        self.where = ""
        self.token = _Token()
        ask = functools.partial(_ask, threading.get_ident(), KeyboardInterrupt)
        self.watch = weakref.ref(self.token, ask)

    def __call__(self, frame, event, arg):
        if self.fired or not frame.f_code.co_filename.startswith(PARTS):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.left -= 1
            self.seen.append((frame.f_code, frame.f_lasti))
            if self.left < 0:
                outer = frame
                while outer is not None:  # nobody is to be traced any more
                    outer.f_trace = None
                    outer = outer.f_back
                self.fired = True
                self.where = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
                self.token = None  # here it is asked for
                return None
        return self


def interrupted(act, place: int) -> _Tracer:
    """Run `act` and interrupt it at a place, if it has so many."""
    tracer = _Tracer(place)
    before = sys.gettrace()
    try:
        sys._getframe().f_trace_opcodes = (
            True  # Python 3.12 tells of bytecodes only if a frame wants it beforehand
        )
        sys.settrace(tracer)
        act()
        for _ in range(3):  # a request made in the last bytecode is noticed here
            pass
    except KeyboardInterrupt:
        assert tracer.fired
    finally:
        sys.settrace(before)
        tracer.watch = None
    return tracer


def at_every_place(prepare, act, check) -> int:
    """Interrupt ``act(*prepare())`` at every place, ``check(*prepared)`` after each; return how many there were."""
    for _ in range(3):  # what is done once only, such as lowering a plan, is done
        prepared = prepare()
        act(*prepared)
        check(*prepared)
    prepared = prepare()
    seen = interrupted(lambda: act(*prepared), sys.maxsize).seen
    first, last = {}, {}
    for place, bytecode in enumerate(seen):
        first.setdefault(bytecode, place)
        last[bytecode] = place
    assert seen, "this Python tells of no bytecodes"
    places = sorted({*first.values(), *last.values()})
    for place in places:
        prepared = prepare()
        tracer = interrupted(lambda prepared=prepared: act(*prepared), place)
        try:
            check(*prepared)
        except AssertionError as error:
            error.add_note(f"interrupted at place {place}: {tracer.where}")
            raise
    return len(places)
