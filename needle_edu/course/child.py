"""Calling an answer in a child process, for answers that Python cannot stop: C that loops for ever, or crashes.

In a notebook an answer runs in the kernel's own process, which would end with it, and all the student's variables too.
A forked child has the same memory, and only it ends. What it returns travels as one of `messages`.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import select
import signal
import time
from collections.abc import Callable
from typing import Any

from needle_edu.course import messages
from needle_edu.course.limits import patience

CRASHES: dict[int, str] = {
    signal.SIGSEGV: "it used memory that is not its own",
    signal.SIGBUS: "it used memory that is not there",
    signal.SIGFPE: "it divided an integer by zero",
    signal.SIGILL: "it came to an instruction that does not exist",
    signal.SIGABRT: "it was aborted: a check of the C library failed",
}


class NoValue(Exception):
    """The child gave no value. `status` says why, in fixed words, such as ``"time limit"``; the text says more."""

    def __init__(self, status: str, text: str = ""):
        super().__init__(text)
        self.status = status


def how_it_crashed(code: int) -> str:
    """Fixed words for a process that a signal has ended (a negative exit code); empty if it was none of `CRASHES`.

    >>> how_it_crashed(-11)
    'crashed (SIGSEGV): it used memory that is not its own'
    """
    why = CRASHES.get(-code) if code < 0 else None
    return f"crashed ({signal.Signals(-code).name}): {why}" if why else ""


def in_child(run: Callable[[], Any], seconds: float) -> Any:
    """Return what `run` returns when a child process calls it, in plain values.

    Raises
    ------
    NoValue
        If it takes longer than `seconds` (on a busy machine: `limits.patience`), raises an exception, returns what no
        message can carry, or ends its process.
    """
    inside, outside = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            faulthandler.disable()  # a crash is told in words, by the parent
            os.close(inside)
            _answer(run, outside)
        finally:
            os._exit(0)
    os.close(outside)
    try:
        data = _read(inside, time.monotonic() + patience(seconds))
    finally:
        os.close(inside)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if data is None:
        raise NoValue("time limit", f"no answer in {seconds:g} seconds; does a loop never end?")
    if not data:
        raise NoValue(how_it_crashed(os.waitstatus_to_exitcode(status)) or "its process ended")
    match messages.decode(data):
        case ("value", value):
            return value
        case (str(why), str(text)):
            raise NoValue(why, text)
    raise NoValue("unreadable answer")


def _answer(run: Callable[[], Any], descriptor: int) -> None:
    """In the child: send the value, or what was raised."""
    try:
        data = messages.encode(("value", run()))
    except messages.MessageError as error:
        data = messages.encode(("wrong type", f"it returned {error}"[:500]))
    except BaseException as error:
        why = (
            "not written yet" if isinstance(error, NotImplementedError) else f"raised {type(error).__name__}"
        )
        data = messages.encode((why, str(error)[:500]))
    with open(descriptor, "wb") as pipe:
        pipe.write(data)


def _read(descriptor: int, until: float) -> bytes | None:
    """All that comes; None if the time is over before the end."""
    data = bytearray()
    while True:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return None
        part = os.read(descriptor, 2**20)
        if not part:
            return bytes(data)
        data += part
