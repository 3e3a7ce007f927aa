"""Which workers this process belongs to: none but itself, or those that mpiexec has started with it."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Any

from ..backend.arguments import real
from ..backend.extras import needed
from . import starting
from .communicator import Alone, Communicator, here
from .environment import INSTALL, OUTPUT, launched, own_name, patience, write_to
from .interrupts import heed_unless

_group: Communicator | None = None


def init(timeout: float | None = None) -> Communicator:
    """The workers that this process belongs to; called again, the same.

    Started by mpiexec, it is one of several ranks. In a simulated worker it is that one. Else it is alone, and MPI is
    not asked for at all: the same program runs with one process.

    Parameters
    ----------
    timeout : float, optional
        After how many seconds of waiting for the others a rank gives up; 60, or NEEDLE_EDU_DISTRIBUTED_TIMEOUT. The
        time is how much longer one rank may compute than another, between two sums. For the others to begin at all, two
        minutes are allowed at least.

    Returns
    -------
    Communicator

    Raises
    ------
    ImportError
        If mpiexec has started this process, and mpi4py or an MPI library is not installed.

    Examples
    --------
    >>> comm = init()
    >>> comm.rank, comm.size
    (0, 1)
    """
    global _group
    if timeout is not None:
        real("init", 0, timeout=timeout)
    if here.communicator is not None:
        return here.communicator
    if _group is None:
        _group = _open(timeout) if launched() else Alone()
    elif timeout is not None and hasattr(_group, "timeout"):
        _group.timeout = float(timeout)
    return _group


def rank() -> int:
    """The number of this process among the workers, from 0.

    Examples
    --------
    >>> rank()
    0
    """
    return init().rank


def world_size() -> int:
    """How many workers there are.

    Examples
    --------
    >>> world_size()
    1
    """
    return init().size


def _open(timeout: float | None) -> Communicator:
    from .mpi import MPIGroup

    if OUTPUT in os.environ:
        write_to(os.environ[OUTPUT])
    if timeout is None:
        timeout = patience()
    mpi4py = needed("training in several processes", "mpi4py", "mpi")
    # MPI_Init waits for ranks that may never come: `starting` calls it. MPI_Finalize would wait for ranks that are
    # gone; MPIGroup.close calls it where that is right.
    mpi4py.rc.initialize = mpi4py.rc.finalize = False
    try:
        from mpi4py import MPI
    except (RuntimeError, ImportError) as error:
        raise ImportError(f"mpi4py finds no MPI library: {INSTALL} ({_first_line(error)})") from None
    with starting.watched(own_name(), max(timeout, starting.PATIENCE)):
        starting.begin(MPI)
        group = MPIGroup(MPI, timeout)
    heed_unless(group.lost)
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> Any:
        group.stop(error)
        return before(kind, error, trace)

    sys.excepthook = hook
    return group


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
