"""What all sandboxes share: starting the program `sandbox_worker`, and lending its questions' channels to the grader.

One worker serves one submission. It is told what to do over a socket that no student's code ever holds; for each
question the grader makes two pipes and sends their inner ends along. When the question is over, all its
processes are gone before the next one begins.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict

from needle_edu.course.grading import seccomp
from needle_edu.course.grading.bubblewrap import PACKAGE, library_folders
from needle_edu.course.grading.channel import Channel
from needle_edu.course.grading.processes import kill_tree, lend_user
from needle_edu.course.limits import Limits

START = 40.0  # seconds that starting Python and the set-up's imports may take on a busy machine
STOP = 15.0  # seconds until a question's processes must be gone
PROGRAM = (
    "import sys; sys.path[:0] = sys.argv[2:3]; sys.path += sys.argv[3:]\n"
    "import needle_edu.course.adapters, needle_edu.course.grading.sandbox_worker as worker\n"
    "worker.main(int(sys.argv[1]))"
)
# The answers compute on the NumPy reference: values are judged, not speed, and nothing needs a compiler.
ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NEEDLE_EDU_NUM_THREADS"), "1"),
    "NEEDLE_EDU_NATIVE": "0",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
}


class BrokenSandbox(RuntimeError):
    """The sandbox does not start, or is gone: no fault of whoever's code was to run in it."""


class Sandbox:
    """One worker for one submission; a context manager that leaves nothing running behind.

    Parameters
    ----------
    limits : Limits
        What each question may use.

    Notes
    -----
    A subclass says how to start the program: `command` returns the words and the keywords for
    `subprocess.Popen`.
    """

    isolated = False  # whether the worker is to make a closed room of each question

    def __init__(self, limits: Limits):
        self.limits = limits
        self.user: int | None = None  # what the student's code runs as, if root grades
        self.gone = ""  # why there is no worker any more

    def command(self, program: list[str]) -> tuple[list[str], dict]:
        """The command line, and what `subprocess.Popen` should be given beside it."""
        raise NotImplementedError(f"{type(self).__name__} must define command(self, program)")

    @classmethod
    def caution(cls) -> str:
        """What whoever grades with this sandbox should know, in a sentence; empty if nothing."""
        return ""

    @classmethod
    def trouble(cls) -> str:
        """Why this sandbox must not be used on this machine, and what mends it; empty if it may."""
        return ""

    # --- its life -------------------------------------------------------------------------------------------

    def __enter__(self) -> Sandbox:
        with contextlib.ExitStack() as stack:
            self._start(stack)
            self._resources = stack.pop_all()
        return self

    def _start(self, stack: contextlib.ExitStack) -> None:
        if self.drops_rights():
            self.user = stack.enter_context(lend_user())
        self.control, inside = socket.socketpair()
        stack.callback(self.control.close)
        # What the program writes to stderr: why it did not start, if it did not.
        self._said = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        with inside:
            start = [sys.executable, "-I", "-B", "-c", PROGRAM, str(inside.fileno()), str(PACKAGE.parent)]
            words, keywords = self.command([*start, *map(str, library_folders())])
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                cwd="/",
                pass_fds=(inside.fileno(),),
                start_new_session=True,
                **keywords,
            )
        stack.callback(self._end)
        if self._listen(START) != "ready":
            words_said = self.last_words()
            why = "its process ended" if self._ended() else "it is silent"
            self.gone = f"the sandbox did not start: {why}{words_said and f' ({words_said})'}"
            raise BrokenSandbox(self.gone)

    def __exit__(self, *exception: object) -> None:
        self._resources.close()

    def _end(self) -> None:
        """The end of the socket ends the worker; if it does not listen, it and all below it are killed."""
        self.control.close()
        try:
            self.process.wait(0 if self.gone else STOP)
        except subprocess.TimeoutExpired:
            kill_tree(self.process.pid)
            self.process.wait()

    def _ended(self) -> bool:
        try:
            return self.process.wait(1) is not None
        except subprocess.TimeoutExpired:
            return False

    def last_words(self) -> str:
        """The last line that the program wrote to stderr, such as the error that ended it."""
        self._said.seek(0)
        return self._said.read(2**16).decode("utf-8", "replace").strip().rpartition("\n")[2][:300]

    def drops_rights(self) -> bool:
        """Whether the student's code runs as a user of its own, without rights."""
        return os.geteuid() == 0

    # --- its questions --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def question(self, limits: Limits | None = None) -> Iterator[Channel]:
        """Lend a channel to a process for one question; afterwards nothing of the question is left.

        Parameters
        ----------
        limits : Limits, optional
            Others than this sandbox's, for what is no question of the homework.

        Raises
        ------
        BrokenSandbox
            If the worker is gone.
        """
        with contextlib.ExitStack() as stack:
            order = {
                "isolated": self.isolated,
                "user": self.user,
                "home": self.make_home(stack),
                "limits": {**asdict(limits or self.limits), "hide": None},
                "running": self.running(),
                "filter": seccomp.program().hex() if self.isolated else "",
            }
            inside_in, to_student = os.pipe()
            from_student, inside_out = os.pipe()
            self._over = ""
            channel = Channel(to_student, from_student, self._stop)
            stack.callback(self._stop)
            stack.callback(channel.close)
            try:
                text = json.dumps(order).encode() + b"\n"
                socket.send_fds(self.control, [text], [inside_in, inside_out])
            except OSError:
                self.gone = self.gone or "the sandbox's process is gone"
                raise BrokenSandbox(self.gone) from None
            finally:
                os.close(inside_in)
                os.close(inside_out)
            yield channel

    def make_home(self, stack: contextlib.ExitStack) -> str:
        """The folder in which one question's code begins; what `stack` holds takes it away again."""
        return "/tmp"

    def running(self) -> int:
        """How many threads count against the limit of processes without being the student's."""
        return 3

    def _stop(self) -> str:
        """Make sure that the question's processes are gone; returns how they ended."""
        if not self._over:
            self._over = "its process ended"
            try:
                self.control.settimeout(STOP)
                self.control.sendall(b"stop\n")
                self._over = self._listen(STOP) or self._over
            except OSError:
                self.gone = "the sandbox's process is gone"
        return self._over

    def _listen(self, seconds: float) -> str:
        """One line from the worker; empty, and `gone` set, if it does not come."""
        self.control.settimeout(seconds)
        data = b""
        with contextlib.suppress(OSError):
            while not data.endswith(b"\n"):
                part = self.control.recv(1000)
                if not part:
                    break
                data += part
        if not data.endswith(b"\n"):
            self.gone = self.gone or "the sandbox's process is gone"
            return ""
        return data[:-1].decode("utf-8", "replace")
