"""The program inside a sandbox: for each question it makes a closed room, and lets the student's code run there.

The worker itself runs no line of the student's or of the homework's. It waits at a socket for the grader's orders; when
the grader is gone, however it went, the socket ends, and the worker and everything below it end too. Isolated (see
`sandbox.BubblewrapSandbox`) it is the first process, which nobody inside can kill or look into. For each question it
forks a child that moves into namespaces of its own, with empty temporary folders and a /proc that shows only
itself, and gives up every right it has (`room`); then `student_process` begins. When the question is over,
its first process is killed, and the kernel takes away all the others, their files and their shared memory.

Without isolation (`sandbox.ProcessSandbox`) there are the same processes and limits, but no walls.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import traceback

from needle_edu.course import messages
from needle_edu.course.grading import room, student_process
from needle_edu.course.grading.processes import (
    descendants,
    kill_descendants,
    memory_of,
    remove_tree,
    system_call,
)

NEW_MOUNTS, NEW_IPC, NEW_PROCESSES = 0x0002_0000, 0x0800_0000, 0x2000_0000
BETWEEN_LOOKS = 0.1  # seconds between two looks at the memory in use


def main(descriptor: int) -> None:
    """Serve the grader at the other end of the socket `descriptor` until it is gone."""
    if sys.platform == "linux":
        room.prctl(room.DUMPABLE, 0)
        room.prctl(room.ADOPT_ORPHANS, 1)
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
            room.close_all_but()
            os.waitpid(inside, 0)
            os._exit(0)
        end_with(worker)
        room.furnish(order["limits"])
    room.close_all_but(fd_in, fd_out)
    room.lock_up(order)
    end_with(worker)  # again: a change of user has cleared it
    os.chdir(order["home"])
    os.environ["HOME"] = os.environ["TMPDIR"] = order["home"]
    pipes = student_process.Pipes(fd_in, fd_out)
    first, student = os.getpid(), os.fork()
    if student == 0:
        try:
            if sys.platform == "linux":
                room.prctl(room.DUMPABLE, 1)  # its own /proc/self is its own
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
    room.close_all_but()
    while True:
        signal.pause()


def end_with(parent: int) -> None:
    """End when the process that has forked this one ends, be it that it has ended before this call.

    In a namespace of processes a parent outside is number 0, alive or dead; but then the namespace ends with it.
    """
    if sys.platform == "linux":
        room.prctl(room.DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() not in (parent, 0):
        os._exit(1)
