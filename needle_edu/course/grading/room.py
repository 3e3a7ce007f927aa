"""The room of one question: how a process shuts itself in before a student's code begins.

In a sandbox `furnish` covers what others might have left (temporary folders, shared memory, /proc) with emptiness, and
`lock_up` gives up every right for good: other users' rights, capabilities, system calls, and all beyond the limits.
Without isolation (`sandbox.ProcessSandbox`) only the limits remain. `sandbox_worker` calls both.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import sys

from needle_edu.course.grading.processes import system_call

PRIVATE, RECURSIVE, NO_SETUID, NO_DEVICES, NO_EXEC = 1 << 18, 1 << 14, 2, 4, 8
READ_ONLY, REMOUNT, BIND, RELATIVE_TIMES = 1, 32, 4096, 1 << 21
NO_ACCESS_TIMES, NO_FOLDERS_ACCESS_TIMES = 1024, 2048
KEPT = NO_SETUID | NO_DEVICES | NO_EXEC | NO_ACCESS_TIMES | NO_FOLDERS_ACCESS_TIMES
DIE_WITH_PARENT, DUMPABLE, SECCOMP, DROP_BOUND = 1, 4, 22, 24  # options of prctl(2)
ADOPT_ORPHANS, NO_NEW_RIGHTS, AMBIENT = 36, 38, 47
CLEAR_ALL, FILTER = 4, 2
CAPABILITIES = 0x2008_0522  # the version of capset's arguments


def furnish(limits: dict) -> None:
    """Give this question its own temporary folder, shared memory and /proc, which vanish with its last process."""
    bounds = f"size={limits['space']},nr_inodes={limits['files']},mode=1777"
    prctl(DUMPABLE, 1)  # or /proc/self would be closed to ourselves
    os.umask(0o022)
    system_call("mount", None, b"/", None, PRIVATE | RECURSIVE, None)
    cover("/tmp", bounds)
    cover("/dev/shm", bounds)
    flags = NO_SETUID | NO_DEVICES | NO_EXEC
    try:  # processes only, not the machine's counters and settings
        system_call("mount", b"proc", b"/proc", b"proc", flags, b"subset=pid")
    except OSError:  # Linux before 5.8
        system_call("mount", b"proc", b"/proc", b"proc", flags, None)
    seal_devices()


def cover(place: str, bounds: str) -> None:
    """Mount an empty folder over `place`; what the sandbox needs below it (a Python in /tmp) is put back."""
    below: list[str] = []
    for path in mount_points():
        if path.startswith(f"{place}/") and not any(path.startswith(f"{outer}/") for outer in below):
            below.append(path)
    held = {path: os.open(path, os.O_PATH) for path in below}
    system_call("mount", b"tmpfs", place.encode(), b"tmpfs", NO_SETUID | NO_DEVICES, bounds.encode())
    for path, descriptor in held.items():
        source = f"/proc/self/fd/{descriptor}"
        os.makedirs(path if os.path.isdir(source) else os.path.dirname(path), exist_ok=True)
        if not os.path.exists(path):
            os.close(os.open(path, os.O_CREAT, 0o644))
        system_call("mount", source.encode(), path.encode(), None, BIND | RECURSIVE, None)
        os.close(descriptor)


def mount_points() -> list[str]:
    """Where something is mounted, the outer ones before the inner ones."""
    with open("/proc/self/mountinfo") as file:
        names = [line.split()[4] for line in file]
    return sorted(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), name) for name in names)


def seal_devices() -> None:
    """Make the mounts below /dev read-only: their devices work as before, but nobody can leave a mark on them.

    Otherwise the time of the last change of /dev/null, which anybody may set to now, would be a letter box between
    questions.
    """
    for place in mount_points():
        if place.startswith("/dev/") and place != "/dev/shm":
            found = os.statvfs(place).f_flag  # which must stay as they are
            flags = found & KEPT | (RELATIVE_TIMES if found & os.ST_RELATIME else 0)
            system_call("mount", None, place.encode(), None, REMOUNT | BIND | READ_ONLY | flags, None)


def lock_up(order: dict) -> None:
    """Give up for good: other users' rights, capabilities, new rights by any program, and (isolated) system calls."""
    user = order["user"]
    if order["isolated"]:
        drop_bounding_set()
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    if sys.platform == "linux":
        prctl(DUMPABLE, 0)  # a change of user may have changed it
        prctl(NO_NEW_RIGHTS, 1)
    if order["isolated"]:
        with contextlib.suppress(OSError):  # Linux before 4.3 has no ambient set
            prctl(AMBIENT, CLEAR_ALL)
        system_call("capset", (ctypes.c_uint32 * 2)(CAPABILITIES), (ctypes.c_uint32 * 6)())
    set_limits(order["limits"], order["running"])
    if order["isolated"]:
        install_filter(bytes.fromhex(order["filter"]))


def drop_bounding_set() -> None:
    """No program this process ever starts can get a capability back."""
    for number in range(64):
        try:
            prctl(DROP_BOUND, number)
        except OSError:  # beyond the last one this kernel knows
            return


def set_limits(limits: dict, running: int) -> None:
    """Lower this process's limits for good; those it has already stay where they are lower."""
    wanted = {
        resource.RLIMIT_CPU: limits["cpu"] + 1,
        resource.RLIMIT_AS: limits["memory"],
        resource.RLIMIT_FSIZE: limits["file"],
        resource.RLIMIT_NOFILE: 128,
        resource.RLIMIT_CORE: 0,
    }
    if running:
        wanted[resource.RLIMIT_NPROC] = limits["processes"] + running
    for which, value in wanted.items():
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        soft = max(value - 1, 1) if which == resource.RLIMIT_CPU else value  # SIGXCPU, then SIGKILL
        if sys.platform != "darwin" or which != resource.RLIMIT_AS:  # macOS knows its name only
            resource.setrlimit(which, (soft, value))


def install_filter(program: bytes) -> None:
    """Refuse the system calls that `seccomp` names, from here on and in all children."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

    system_call("prctl", SECCOMP, FILTER, ctypes.byref(Program(len(program) // 8, program)), 0, 0)


def close_all_but(*kept: int) -> None:
    """Close every file descriptor but the standard ones and those in `kept`."""
    edges = [2, *sorted(kept), os.sysconf("SC_OPEN_MAX")]
    for low, high in zip(edges, edges[1:], strict=False):
        os.closerange(low + 1, high)


def prctl(option: int, value: int) -> None:
    """Call prctl(2) with one value."""
    system_call("prctl", option, value, 0, 0, 0)
