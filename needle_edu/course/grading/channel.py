"""Talking to one student's process: two pipes, `messages`, and a clock.

Every wait ends: a message that does not come in its time, a process that is gone and bytes that are no message are a
`SandboxError`, after which nothing more is sent or believed.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import time
from collections.abc import Callable

from needle_edu.course import messages
from needle_edu.course.answer import AnswerError
from needle_edu.course.limits import patience


class SandboxError(AnswerError):
    """The student's process is gone or silent: the time is up, it has died, or what it sent is no message."""


class Channel:
    """The trusted end of the pipes to the process that runs one question.

    Parameters
    ----------
    to_student, from_student : int
        File descriptors; `close` closes them.
    why_gone : function
        Called when the pipe has ended; says why, such as ``"memory limit"``.
    """

    def __init__(self, to_student: int, from_student: int, why_gone: Callable[[], str]):
        self.to_student, self.from_student = to_student, from_student
        self.why_gone = why_gone
        self.dead = ""
        self.deadline = math.inf  # until the student's code begins
        for descriptor in (to_student, from_student):
            os.set_blocking(descriptor, False)

    def close(self) -> None:
        os.close(self.to_student)
        os.close(self.from_student)

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
        data = messages.encode(message)
        if not self.dead:
            try:
                self._write(data, self._until(seconds))
            except TimeoutError:
                self.dead = "time limit"
            except OSError:
                self.dead = self.why_gone()

    def hear(self, seconds: float) -> object:
        """Return the next message, or raise `SandboxError`; see `ask`."""
        if self.dead:
            raise SandboxError(f"not run: {self.dead} before")
        until = self._until(seconds)
        try:
            return messages.receive(lambda count: self._read(count, until))
        except TimeoutError:
            self.dead = "time limit"
            text = f"no answer in {seconds:g} seconds; does a loop never end?"
            raise SandboxError(self.dead, text) from None
        except (OSError, EOFError):
            self.dead = self.why_gone()
        except messages.MessageError:
            self.dead = "unreadable answer"
        raise SandboxError(self.dead)

    def _until(self, seconds: float) -> float:
        return min(time.monotonic() + patience(seconds), self.deadline)

    def _write(self, data: bytes, until: float) -> None:
        view = memoryview(data)
        while view:
            _wait(self.to_student, select.POLLOUT, until)
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(self.to_student, view) :]

    def _read(self, count: int, until: float) -> bytes:
        data = bytearray()
        while len(data) < count:
            _wait(self.from_student, select.POLLIN, until)
            with contextlib.suppress(BlockingIOError):
                part = os.read(self.from_student, min(count - len(data), 2**20))
                if not part:
                    raise EOFError
                data += part
        return bytes(data)


def _wait(descriptor: int, event: int, until: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    left = until - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError
