"""Interrupts where several processes work together, and mpiexec interrupts them too.

When a rank has died, MPICH's mpiexec sends the others what Ctrl-C sends, and a second later SIGQUIT, which ends a
process without a word. A handler that raised an error would raise it in whatever code runs at that moment: an import
stays half done, and a library that catches every error goes on. Only this package's own calls know that they may fail.
So such a signal raises nothing: the next call of the communicator says what has happened, one that waits looks at the
board twenty times a second anyway, and who does neither is ended by a thread (`mpi.py`).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


def heed_unless(lost: Callable[[], Any]) -> None:
    """From now on, SIGINT and SIGQUIT do what they did before, but nothing where `lost()` is true.

    Outside the main thread, where Python delivers no signals, nothing changes; nor does a signal that is ignored.

    Examples
    --------
    >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)
    >>> heed_unless(lambda: "rank 1 has died")
    >>> signal.raise_signal(signal.SIGINT)
    >>> _ = signal.signal(signal.SIGINT, before)
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGQUIT):
        before = signal.getsignal(number)
        if before not in (signal.SIG_IGN, None):
            signal.signal(number, _heeding(before, lost))


def _heeding(before: Any, lost: Callable[[], Any]) -> Callable[[int, FrameType | None], None]:
    """A handler: that of before, unless all is lost."""

    def handler(number: int, frame: FrameType | None) -> None:
        if lost():
            return
        if callable(before):
            before(number, frame)
        else:  # the system's own way: the process ends
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    return handler
