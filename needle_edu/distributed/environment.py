"""What the environment says: who has started this process, how long it waits, where it writes to."""

from __future__ import annotations

import os
import sys

TIMEOUT = 60.0  # seconds
# What the starters of MPICH, Open MPI and Intel MPI tell the processes that they start.
SIGNS = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "MPI_LOCALRANKID")
OUTPUT = "NEEDLE_EDU_OUTPUT"  # a file to write to in place of what mpiexec passes on; `launch` names it
LAUNCHER = "NEEDLE_EDU_LAUNCHER"  # the process that has called `launch`: when it is gone, so are the others
INSTALL = "install one with  python -m pip install 'needle_edu[mpi]'  or your system's package manager"


def launched() -> bool:
    """Whether mpiexec has started this process.

    Examples
    --------
    >>> launched()
    False
    """
    return any(sign in os.environ for sign in SIGNS)


def own_name() -> str:
    """What this process is called before MPI has begun: the rank that its starter has given it.

    Examples
    --------
    >>> own_name()
    'a rank'
    """
    found = next((os.environ[sign] for sign in SIGNS if sign in os.environ), None)
    return "a rank" if found is None else f"rank {found}"


def patience() -> float:
    """How many seconds a rank waits for the others.

    Examples
    --------
    >>> patience()
    60.0
    """
    said = os.environ.get("NEEDLE_EDU_DISTRIBUTED_TIMEOUT", "")
    try:
        return float(said) if said else TIMEOUT
    except ValueError:
        raise ValueError(f"NEEDLE_EDU_DISTRIBUTED_TIMEOUT is a number of seconds, got {said!r}") from None


def write_to(path: str) -> None:
    """Let all that this process prints, errors too, go to the end of a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def gone(process: str | None) -> bool:
    """Whether there is no process of this number any more; None is no process.

    Examples
    --------
    >>> gone(str(os.getpid())), gone(None)
    (False, False)
    """
    if process is None:
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    return False
