"""Ctrl-C while something is trained: the step is finished first, so that what is saved is whole.

An interrupt that broke into the middle of a step would leave some weights moved and others not. So the first one is
only noted, and the loop asks after each step; a second one breaks in.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any


class Interruption:
    """Within the block, a first Ctrl-C sets `asked`, a second one raises KeyboardInterrupt as ever.

    In a notebook, the kernel's interrupt button is Ctrl-C. Outside the main thread, where Python delivers no signals,
    nothing changes.

    Examples
    --------
    >>> import os
    >>> with Interruption() as interruption:
    ...     os.kill(os.getpid(), signal.SIGINT)
    ...     interruption.asked
    True
    """

    def __init__(self) -> None:
        self.asked = False
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
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        print("\nstopping after this step; Ctrl-C once more stops at once", file=sys.stderr)
