"""Sandboxes: where a student's code runs when it is graded.

A `Sandbox` starts the program `sandbox_worker.py` in a process of its own, sends it the cells of one question, and puts
the calls of the tests to it. Only bytes come out, and only `wire` reads them. `ProcessSandbox` gives the
process an empty environment, a temporary home, limits of time, memory, files and processes, and kills
it with all its descendants afterwards. Where Linux lets it, the program also shuts itself off from other
processes, the network and the folders in `Limits.hide`. `ProcessSandbox` does NOT hide the machine's other files
from a hostile program; a sandbox around bubblewrap fills the same interface (`Sandbox.command`) and does.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from needle_edu.course import wire
from needle_edu.course.answer import AnswerError
from needle_edu.course.processes import kill_tree

PACKAGE = Path(__file__).resolve().parents[1]
PROGRAM = Path(__file__).with_name("sandbox_worker.py")
# User ids that stand for nobody: when root grades, each sandbox gets one that no other sandbox has at the time.
ANYBODY = range(61_184, 65_519)
_users = itertools.cycle(random.SystemRandom().sample(ANYBODY, len(ANYBODY)))


@dataclass(frozen=True)
class Limits:
    """What one question of one submission may use.

    Attributes
    ----------
    wall : float
        Seconds for everything: the cells and all tests.
    cells : float
        Seconds until the answer's cell has run.
    call : float
        Seconds for one call of the answer.
    cpu : int
        Seconds of processor time, per process.
    memory, file : int
        Bytes of address space per process, and of the largest file.
    processes : int
        Processes and threads; where a sandbox cannot separate itself, beyond those the user has already.
    output : int
        Characters of the cells' output that are kept.
    hide : tuple of str
        Folders and files that are to be empty, where a sandbox can separate itself; see `hidden`.
    """

    wall: float = 30.0
    cells: float = 12.0
    call: float = 5.0
    cpu: int = 10
    memory: int = 2**30
    file: int = 2**24
    processes: int = 16
    output: int = 4000
    hide: tuple[str, ...] = ()


class SandboxError(AnswerError):
    """The sandbox is gone or silent: the time is up, the process has died, or what it sent is no message."""


class Sandbox:
    """One process for one question; a context manager that leaves nothing running behind.

    Parameters
    ----------
    limits : Limits
        What it may use.

    Notes
    -----
    A subclass says how to start the program: `command` returns the words and the keywords for
    `subprocess.Popen`. It gets the two ends of the pipe as file descriptors to pass on.
    """

    def __init__(self, limits: Limits):
        self.limits = limits
        self.dead = ""
        self.user: int | None = None
        self.deadline = math.inf  # until the student's code begins

    def command(self, program: list[str], home: str) -> tuple[list[str], dict]:
        """The command line, and what `subprocess.Popen` should be given beside it."""
        raise NotImplementedError(f"{type(self).__name__} must define command(self, program, home)")

    @classmethod
    def caution(cls) -> str:
        """What whoever grades with this sandbox should know, in a sentence; empty if nothing."""
        return ""

    def __enter__(self) -> Sandbox:
        self.home = tempfile.mkdtemp(prefix="needle_edu-sandbox-")
        inside_in, self.to_sandbox = os.pipe()
        self.from_sandbox, inside_out = os.pipe()
        program = [sys.executable, "-I", str(PROGRAM), str(inside_in), str(inside_out), str(PACKAGE.parent)]
        words, keywords = self.command(program, self.home)
        null = subprocess.DEVNULL
        self.said = tempfile.TemporaryFile()  # why the program did not start, if it did not
        try:
            self.process = subprocess.Popen(
                words,
                stdin=null,
                stdout=null,
                stderr=self.said,
                pass_fds=(inside_in, inside_out),
                cwd=self.home,
                **keywords,
            )
        except BaseException:
            close(self.to_sandbox, self.from_sandbox)
            self.said.close()
            remove_tree(self.home)
            raise
        finally:
            close(inside_in, inside_out)
        os.set_blocking(self.to_sandbox, False)
        os.set_blocking(self.from_sandbox, False)
        return self

    def __exit__(self, *exception) -> None:
        kill_tree(self.process.pid, self.user)
        self.process.wait()
        close(self.to_sandbox, self.from_sandbox)
        self.said.close()
        remove_tree(self.home)

    def last_words(self) -> str:
        """The last line that the program wrote to stderr, such as the error that ended it."""
        self.said.seek(0)
        return self.said.read(2**16).decode("utf-8", "replace").strip().rpartition("\n")[2][:300]

    def ask(self, message: object, seconds: float) -> object:
        """Send a message and return the answer to it.

        Raises
        ------
        SandboxError
            If none comes in time, or it is not one; from then on every call raises one.
        """
        self.tell(message, seconds)
        return self.hear(seconds)

    def tell(self, message: object, seconds: float = 5.0) -> None:
        """Send a message; if that fails, the next `hear` says so."""
        data = wire.encode(message)
        if not self.dead:
            try:
                self._write(data, self._until(seconds))
            except TimeoutError:
                self.dead = "time limit"
            except OSError:
                self.dead = "its process ended"

    def hear(self, seconds: float) -> object:
        """Return the next message from the sandbox, or raise `SandboxError`; see `ask`."""
        if self.dead:
            raise SandboxError(f"not run: {self.dead} before")
        until = self._until(seconds)
        try:
            return wire.receive(lambda count: self._read(count, until))
        except TimeoutError:
            self.dead = "time limit"
            raise SandboxError(
                self.dead, f"no answer in {seconds:g} seconds; does a loop never end?"
            ) from None
        except (OSError, EOFError):
            self.dead = "its process ended"
        except wire.WireError:
            self.dead = "unreadable answer"
        raise SandboxError(self.dead)

    def _until(self, seconds: float) -> float:
        return min(time.monotonic() + seconds, self.deadline)

    def _write(self, data: bytes, until: float) -> None:
        view = memoryview(data)
        while view:
            self._wait(self.to_sandbox, select.POLLOUT, until)
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(self.to_sandbox, view) :]

    def _read(self, count: int, until: float) -> bytes:
        data = bytearray()
        while len(data) < count:
            self._wait(self.from_sandbox, select.POLLIN, until)
            with contextlib.suppress(BlockingIOError):
                part = os.read(self.from_sandbox, min(count - len(data), 2**20))
                if not part:
                    raise EOFError
                data += part
        return bytes(data)

    @staticmethod
    def _wait(fd: int, event: int, until: float) -> None:
        poll = select.poll()
        poll.register(fd, event)
        left = until - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimeoutError


class ProcessSandbox(Sandbox):
    """A process with limits: for code that may be wrong, endless or greedy, not for code that attacks."""

    @classmethod
    def caution(cls) -> str:
        text = "the students' code runs under limits, but it can "
        if can_separate():
            text += "read this machine's files, apart from homeworks and submissions"
        else:
            text += "read this machine's files, use its network and signal your other processes"
        if os.geteuid() == 0 and not drops_rights():
            text += "; and as root it could change everything: grade as an ordinary user"
        return text

    def command(self, program: list[str], home: str) -> tuple[list[str], dict]:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NEEDLE_EDU_NUM_THREADS"), "1")
        # The sandbox computes on the NumPy reference: values are judged, not speed, and nothing needs a compiler.
        env = {"HOME": home, "TMPDIR": home, "LC_ALL": "C.UTF-8", "NEEDLE_EDU_NATIVE": "0", **threads}
        keywords: dict = {"env": env, "start_new_session": True}
        if drops_rights():
            self.user = user = next(_users)
            os.chown(home, user, user)
            keywords |= {"user": user, "group": user, "extra_groups": []}
        return program, keywords


class BubblewrapSandbox(ProcessSandbox):
    """A placeholder."""


def trouble() -> str:
    """Why the isolated sandbox cannot be had here, and what mends it; empty if it can."""
    return ""


def drops_rights() -> bool:
    """Whether sandboxes run as a user without rights: if root grades, and such a user can read Python and us."""
    python = {Path(sys.executable).resolve().parent, Path(sys.prefix), Path(sys.base_prefix)}
    return os.geteuid() == 0 and all(anybody_can_read(folder) for folder in (PACKAGE, *python))


def anybody_can_read(folder: Path) -> bool:
    """Whether a user without rights could use what is in `folder`."""
    folder = folder.resolve()
    return all(p.stat().st_mode & 0o001 for p in (folder, *folder.parents)) and bool(
        folder.stat().st_mode & 0o004
    )


@functools.cache
def can_separate() -> bool:
    """Whether this system lets a sandbox shut itself off from other processes and the network."""
    return subprocess.run([sys.executable, "-I", str(PROGRAM)], check=False).returncode == 0


def hidden(*paths: str | os.PathLike) -> tuple[str, ...]:
    """Those of the given folders and files that a sandbox can do without: Python, needle_edu and its home stay."""
    needed = [
        Path(p).resolve()
        for p in (PACKAGE, sys.executable, sys.prefix, sys.base_prefix, tempfile.gettempdir())
    ]
    found = [Path(path).resolve() for path in paths]
    return tuple(str(p) for p in found if p.exists() and not any(n.is_relative_to(p) for n in needed))


def remove_tree(folder: str) -> None:
    """Remove a folder, whatever was made in it: closed folders, or thousands, each inside the last."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.isdir(folder):
        for words in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            subprocess.run([*words, "--", folder], stderr=subprocess.DEVNULL, check=False)


def close(*descriptors: int) -> None:
    """Close file descriptors."""
    for descriptor in descriptors:
        os.close(descriptor)
