"""The operating system's side of a sandbox: its processes and their memory, user ids for them, what they leave.

Everything here is careful about whose things it touches. Only descendants of a given process are ever killed, never
"all processes of a user", who may be a stranger with the same number; and a folder is removed without following
a single link, for a student's code may have put one there that leads out.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import random
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

# User ids that stand for nobody: when root grades, each sandbox gets one that no other sandbox has at the time.
ANYBODY = range(61_184, 65_519)
_order = itertools.cycle(random.SystemRandom().sample(ANYBODY, len(ANYBODY)))


def system_call(name: str, *arguments: object) -> None:
    """Call a function of the C library that answers 0 for success; numbers are passed as C longs.

    Raises
    ------
    OSError
        If it answers anything else.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    if getattr(libc, name)(*words) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


# --- processes ----------------------------------------------------------------------------------------------


def descendants(pid: int) -> list[int]:
    """The living descendants of a process, itself not among them, as /proc shows them."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if entry.isdigit() and (found := _state_and_parent(int(entry))) and found[0] not in "ZX":
            children.setdefault(found[1], []).append(int(entry))
    family = [pid]
    for parent in family:  # grows while it is walked
        family += children.get(parent, [])
    return family[1:]


def _state_and_parent(pid: int) -> tuple[str, int] | None:
    """The state's letter and the parent of a process; None if there is no such process."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return words[0], int(words[1])


def kill_descendants(pid: int) -> None:
    """Kill all descendants of a process.

    They may fork while they are counted, so it is done until none is left. Orphans are found only if `pid` adopts them:
    it is the first process of its namespace, or has called ``prctl(PR_SET_CHILD_SUBREAPER)``.
    """
    for _ in range(200):
        family = descendants(pid)
        if not family:
            return
        for member in family:
            with contextlib.suppress(OSError):
                os.kill(member, signal.SIGKILL)


def kill_tree(pid: int) -> None:
    """Kill a process and all its descendants."""
    kill_descendants(pid)
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def memory_of(pids: list[int]) -> int:
    """Bytes of memory that processes hold together; what they share is counted once where the system tells."""
    return sum(map(_memory_of_one, pids))


def _memory_of_one(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:  # a process may forbid this to its equals: what it does not share with files counts
        with contextlib.suppress(OSError):
            _, resident, shared, *_ = map(int, Path(f"/proc/{pid}/statm").read_text().split())
            return (resident - shared) * os.sysconf("SC_PAGE_SIZE")
    return 0


def threads_of(user: int) -> int:
    """How many threads a user runs: the limit of processes counts them all, where namespaces do not count apart."""
    count = 0
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
        with contextlib.suppress(OSError):
            if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == user:
                count += len(os.listdir(f"/proc/{entry}/task"))
    return count


# --- user ids -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def lend_user() -> Iterator[int]:
    """A user id under which nothing runs, and which no other sandbox of this machine gets meanwhile.

    The name of a socket serves as the lock: the kernel takes it back when this process ends, however it ends.
    """
    for user in itertools.islice(_order, len(ANYBODY)):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
            try:
                if sys.platform == "linux":
                    lock.bind(f"\0needle_edu-sandbox-{user}")
            except OSError:
                continue
            if threads_of(user) == 0:
                yield user
                return
    raise OSError("all user ids for sandboxes are in use")


# --- what is left -------------------------------------------------------------------------------------------


def remove_tree(folder: str) -> None:
    """Remove a folder whose writers have ended, whatever they made in it.

    Folders they have closed are opened again; links are removed, not followed; and folders thousands deep are taken
    apart level by level (each moves up to the top before it is emptied), for a path to the deepest would be too long.
    """
    try:
        top = _open_folder(folder, None)
    except OSError:
        return
    try:
        mark, number = secrets.token_hex(8), itertools.count()
        waiting = [os.fsencode(name) for name in os.listdir(top)]
        while waiting:
            name = waiting.pop()
            try:
                os.unlink(name, dir_fd=top)
                continue
            except OSError:  # a folder: "is a directory" here, "not permitted" there
                pass
            with contextlib.suppress(OSError):
                inside = _open_folder(name, top)
                try:
                    for inner in map(os.fsencode, os.listdir(inside)):
                        moved = f"{mark}-{next(number)}".encode()
                        with contextlib.suppress(OSError):
                            os.close(_open_folder(inner, inside))  # to move a folder is to write into it
                        os.rename(inner, moved, src_dir_fd=inside, dst_dir_fd=top)
                        waiting.append(moved)
                finally:
                    os.close(inside)
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def _open_folder(name: str | bytes, parent: int | None) -> int:
    """Open a folder, never through a link, and give its owner all rights over it."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    if hasattr(os, "O_PATH"):  # Linux: a closed folder can be held before it is opened
        held = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            with contextlib.suppress(OSError):
                os.chmod(f"/proc/self/fd/{held}", 0o700)
        finally:
            os.close(held)
    elif os.chmod in os.supports_follow_symlinks:
        with contextlib.suppress(OSError):
            os.chmod(name, 0o700, dir_fd=parent, follow_symlinks=False)
    return os.open(name, flags, dir_fd=parent)
