"""Shared memory that MPICH would leave behind when a rank is killed, made nameless as soon as all ranks have it.

MPICH's ranks on one machine find their shared memory by a file in /dev/shm, which the last one removes. Its name comes
from the process number of mpiexec alone (MPICH 5.0). If a rank is killed, the file stays, and a later mpiexec that gets
the same process number fails in MPI_Init, with messages about messages. Once a file is mapped, its name is not needed:
without one, the system frees the memory when the last process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import os
import re

NAMED = re.compile(r"^\S+ .* (/dev/shm/mpich_shm_\S+)$", re.MULTILINE)


def forget_names(maps: str = "/proc/self/maps") -> list[str]:
    """Remove the names of MPICH's shared memory that this process has mapped, and return them.

    All ranks of the machine must have it by then. Where there is no such list of what is mapped, nothing is done.

    Examples
    --------
    >>> forget_names()
    []
    """
    try:
        with open(maps, encoding="utf-8", errors="replace") as file:
            paths = sorted(set(NAMED.findall(file.read())))
    except OSError:
        return []
    for path in paths:
        with contextlib.suppress(OSError):
            os.unlink(path)
    return paths
