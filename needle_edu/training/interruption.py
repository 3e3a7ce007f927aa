"""Ctrl-C while something is trained: the step is finished first, so that what is saved is whole.

An interrupt that broke into the middle of a step would leave some weights moved and others not. So the first one is
only noted, and the loop asks after each step; a second one breaks in.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class Interruption:
    """Within the block, a first Ctrl-C sets `asked`, a second one raises KeyboardInterrupt as ever.

    In a notebook, the kernel's interrupt button is Ctrl-C. Outside the main thread, where Python delivers no signals,
    nothing changes.

    Parameters
    ----------
    lost : callable, optional
        Asked at each interrupt. Where it returns something true, the interrupt counts for nothing: mpiexec interrupts
        who is left when a process has died, and the next sum says so.

    Examples
    --------
    >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)
    >>> with Interruption() as interruption:
    ...     signal.raise_signal(signal.SIGINT)
    ...     interruption.asked
    True
    >>> _ = signal.signal(signal.SIGINT, before)
    """

    def __init__(self, lost: Callable[[], Any] = lambda: False) -> None:
        self.asked = False
        self._lost = lost
        self._before: Any = None

    def __enter__(self) -> Interruption:
        in_main_thread = threading.current_thread() is threading.main_thread()
        # A process that ignores Ctrl-C, under nohup for instance, goes on doing so.
        if in_main_thread and signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None):
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._lost():
            return
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        print("\nstopping after this step; Ctrl-C once more stops at once", file=sys.stderr)
