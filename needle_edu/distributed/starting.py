"""The beginning of MPI, where every rank waits for all the others, and nobody looks whether they come.

`MPI_Init` returns when all ranks have called it. A rank that is killed before, or ends, never does; then mpiexec
interrupts who is left, or waits with it for ever. Python's handlers of signals run between two of its instructions,
and `MPI_Init` is a single one. But the part of Python that is C notes each signal by a byte in a pipe
(`set_wakeup_fd`), and a thread that reads the pipe can say why the rank ends. For that the thread must run: so
`MPI_Init` is called by ctypes, which lets other threads run meanwhile, where mpi4py does not.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

PATIENCE = 120.0  # seconds, at least: the others may have more to import, on a busy machine
SIGNALS = ("SIGINT", "SIGQUIT", "SIGTERM")  # what the mpiexec of one MPI or another sends who is left


def begin(mpi: Any) -> None:
    """Call MPI_Init, if nobody has; errors of MPI become exceptions, as in mpi4py's own beginning.

    Parameters
    ----------
    mpi : module
        mpi4py.MPI, imported with ``mpi4py.rc.initialize = False``.
    """
    if mpi.Is_initialized():
        return
    try:
        init = ctypes.CDLL(mpi.__file__).MPI_Init_thread  # of the library that mpi4py has found
    except (OSError, AttributeError):
        mpi.Init_thread()
        return
    status = init(None, None, ctypes.c_int(mpi.THREAD_MULTIPLE), ctypes.byref(ctypes.c_int()))
    if status:
        raise mpi.Exception(status)
    for communicator in (mpi.COMM_SELF, mpi.COMM_WORLD):
        communicator.Set_errhandler(mpi.ERRORS_RETURN)


@contextlib.contextmanager
def watched(who: str, timeout: float) -> Iterator[None]:
    """End the process with a sentence if a signal comes within the block, or if the block takes too long.

    Outside the main thread, where Python handles no signals, only the time is watched.

    Parameters
    ----------
    who : str
        "rank 0", say.
    timeout : float
        Seconds.

    Examples
    --------
    >>> with watched("rank 0", timeout=60):
    ...     pass
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    thread = threading.Thread(target=_watch, args=(reader, who, timeout), daemon=True)
    with contextlib.ExitStack() as at_the_end:
        at_the_end.callback(os.close, reader)
        at_the_end.callback(os.close, writer)
        at_the_end.callback(thread.join)
        at_the_end.callback(os.write, writer, b"\0")  # no signal has this number
        thread.start()
        if threading.current_thread() is threading.main_thread():
            _send_signals_to(writer, at_the_end)
        yield


def _send_signals_to(writer: int, at_the_end: contextlib.ExitStack) -> None:
    """From now on each of the SIGNALS is a byte in the pipe; a signal that is ignored stays so."""
    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            at_the_end.callback(signal.signal, number, signal.signal(number, _do_nothing))
    at_the_end.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writer, warn_on_full_buffer=False))


def _do_nothing(*_: Any) -> None:
    pass


def _watch(reader: int, who: str, timeout: float) -> None:
    number = _first_that_ends(reader, time.monotonic() + timeout)
    if number == 0:
        return
    if number is None:
        why = f"{who} has waited {timeout:g} s in init() for the others to begin (init(timeout=...) allows more)"
    else:
        why = (
            f"{who} was interrupted in init() ({signal.Signals(number).name}): another rank has died before its "
            "own init(), or Ctrl-C was pressed"
        )
    print(f"needle_edu: {why}; start again", file=sys.stderr, flush=True)
    os._exit(1)


def _first_that_ends(reader: int, deadline: float) -> int | None:
    """0 at the end of the block, the number of one of the SIGNALS, or None when the time is over."""
    end = {0, *(int(getattr(signal, name)) for name in SIGNALS if hasattr(signal, name))}
    while True:
        left = min(max(deadline - time.monotonic(), 0), threading.TIMEOUT_MAX)
        if not select.select([reader], [], [], left)[0]:
            return None
        number = os.read(reader, 1)[0]
        if number in end:  # any other signal that Python handles is a byte, too
            return number
