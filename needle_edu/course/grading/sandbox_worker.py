"""The program inside a sandbox: for each question it makes a closed room, and lets the student's code run there.

The worker itself runs no line of the student's or of the homework's. It waits at a socket for the grader's orders; when
the grader is gone, however it went, the socket ends, and the worker and everything below it end too. Isolated (see
`sandbox.BubblewrapSandbox`) it is the first process, which nobody inside can kill or look into. For each question it
forks a child that moves into namespaces of its own, with empty temporary folders and a /proc that shows only
itself, and gives up every right it has (`lock_up`); then `student_process` begins. When the question is over,
its first process is killed, and the kernel takes away all the others, their files and their shared memory.

Without isolation (`sandbox.ProcessSandbox`) there are the same processes and limits, but no walls.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import resource
import select
import signal
import socket
import sys
import traceback

from needle_edu.course import messages
from needle_edu.course.grading import student_process
from needle_edu.course.grading.processes import (
    descendants,
    kill_descendants,
    memory_of,
    remove_tree,
    system_call,
)

NEW_MOUNTS, NEW_IPC, NEW_PROCESSES = 0x0002_0000, 0x0800_0000, 0x2000_0000
PRIVATE, RECURSIVE, NO_SETUID, NO_DEVICES, NO_EXEC = 1 << 18, 1 << 14, 2, 4, 8
READ_ONLY, REMOUNT, BIND, RELATIVE_TIMES = 1, 32, 4096, 1 << 21
NO_ACCESS_TIMES, NO_FOLDERS_ACCESS_TIMES = 1024, 2048
KEPT = NO_SETUID | NO_DEVICES | NO_EXEC | NO_ACCESS_TIMES | NO_FOLDERS_ACCESS_TIMES
DIE_WITH_PARENT, DUMPABLE, SECCOMP, DROP_BOUND = 1, 4, 22, 24  # options of prctl(2)
ADOPT_ORPHANS, NO_NEW_RIGHTS, AMBIENT = 36, 38, 47
CLEAR_ALL, FILTER = 4, 2
CAPABILITIES = 0x2008_0522  # the version of capset's arguments
BETWEEN_LOOKS = 0.1  # seconds between two looks at the memory in use


def main(descriptor: int) -> None:
    """Serve the grader at the other end of the socket `descriptor` until it is gone."""
    if sys.platform == "linux":
        prctl(DUMPABLE, 0)
        prctl(ADOPT_ORPHANS, 1)
    control = socket.socket(fileno=descriptor)
    say(control, "ready")
    while True:
        text, pipes = hear(control)
        if not text:
            os._exit(0)
        say(control, supervise(control, json.loads(text), *pipes))


def say(control: socket.socket, text: str) -> None:
    """Send one line; a grader that is gone hears nothing."""
    with contextlib.suppress(OSError):
        control.sendall(f"{text}\n".encode())


def hear(control: socket.socket) -> tuple[str, list[int]]:
    """One line and the file descriptors that came with it; an empty line when the other end is closed."""
    data, descriptors = b"", []
    while not data.endswith(b"\n"):
        part, new, _, _ = socket.recv_fds(control, 2**16, 2)
        descriptors += new
        if not part:
            return "", descriptors
        data += part
    return data[:-1].decode(), descriptors


def supervise(control: socket.socket, order: dict, fd_in: int, fd_out: int) -> str:
    """Run one question until the grader's word (or end), leave nothing of it, and say how it ended."""
    if not order["isolated"]:
        make_home(order["home"], order["user"])
    worker, first = os.getpid(), os.fork()
    if first == 0:
        try:
            control.close()
            question(order, fd_in, fd_out, worker)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(fd_in)
    os.close(fd_out)
    why, most = "its process ended", order["limits"]["memory"]
    # Without isolation it means to look at every process of the machine.
    pause = BETWEEN_LOOKS if order["isolated"] else 5 * BETWEEN_LOOKS
    while not select.select([control], [], [], pause)[0]:
        if memory_of(descendants(os.getpid())) > most:
            why = "memory limit"
            end_all(first)
    end_all(first)
    if not order["isolated"]:
        remove_tree(os.path.dirname(order["home"]))
    hear(control)  # the grader's word
    return why


def make_home(home: str, user: int | None) -> None:
    """Make the folder of a question, and the one around it, which stays the worker's own."""
    outer = os.path.dirname(home)
    os.mkdir(outer, 0o700)
    os.chmod(outer, 0o711)
    os.mkdir(home, 0o700)
    if user is not None:
        os.chown(home, user, user)


def end_all(first: int) -> None:
    """Kill whatever is below this process, and wait until it is gone.

    Until it is waited for, here, the number of a child that has ended is given to nobody else, so that none but ours
    is killed.
    """
    if not os.path.isdir("/proc"):  # then nobody knows more than the first one's own group
        with contextlib.suppress(OSError):
            os.killpg(first, signal.SIGKILL)
    kill_descendants(os.getpid())
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


# --- the room of one question -------------------------------------------------------------------------------


def question(order: dict, fd_in: int, fd_out: int, worker: int) -> None:
    """Become the first process of a question: shut the door, start the student's process, tell how it ends.

    `worker` is the process that has forked this one.
    """
    os.setsid()
    if order["isolated"]:
        system_call("unshare", NEW_MOUNTS | NEW_IPC | NEW_PROCESSES)
        if inside := os.fork():  # a namespace of processes begins with a child, and dies with it
            close_all_but()
            os.waitpid(inside, 0)
            os._exit(0)
        end_with(worker)
        furnish(order["limits"])
    close_all_but(fd_in, fd_out)
    lock_up(order)
    end_with(worker)  # again: a change of user has cleared it
    os.chdir(order["home"])
    os.environ["HOME"] = os.environ["TMPDIR"] = order["home"]
    pipes = student_process.Pipes(fd_in, fd_out)
    first, student = os.getpid(), os.fork()
    if student == 0:
        try:
            if sys.platform == "linux":
                prctl(DUMPABLE, 1)  # its own /proc/self is its own
            end_with(first)
            student_process.main(pipes, order["limits"]["output"])
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.dup2(1, 2)
    with contextlib.suppress(OSError, messages.MessageError):
        while True:
            ended, status = os.waitpid(-1, 0)
            if ended == student:
                pipes.write(("ended", os.waitstatus_to_exitcode(status)))
    close_all_but()
    while True:
        signal.pause()


def end_with(parent: int) -> None:
    """End when the process that has forked this one ends, be it that it has ended before this call.

    In a namespace of processes a parent outside is number 0, alive or dead; but then the namespace ends with it.
    """
    if sys.platform == "linux":
        prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() not in (parent, 0):
        os._exit(1)


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
