"""Ending a sandbox: its processes, all their descendants, and whatever else runs as its user.

What to kill is read from /proc. A sandbox that could make a process namespace of its own dies with its first process;
the search is for systems that do not allow one.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def kill_tree(pid: int, user: int | None = None) -> None:
    """Kill a process, its group, all its descendants, and whatever runs as `user`.

    The program in the sandbox adopts its orphans (see `sandbox_worker.set_limits`), so that /proc shows all of them
    below it.
    """
    for _ in range(20):  # they may still be forking while they are counted
        family = [member for member in descendants(pid) + processes_of(user) if member != pid]
        if not family:
            break
        for member in family:
            with contextlib.suppress(OSError):
                os.kill(member, signal.SIGKILL)
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """The living descendants of a process, itself not among them."""
    family = [pid]
    for parent in family:  # grows while it is walked
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                family += [int(child) for child in (task / "children").read_text().split()]
    return [member for member in family[1:] if is_alive(member)]


def processes_of(user: int | None) -> list[int]:
    """The living processes of a user id."""
    found = []
    for entry in Path("/proc").iterdir() if user is not None else ():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == user and is_alive(int(entry.name)):
                found.append(int(entry.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"
