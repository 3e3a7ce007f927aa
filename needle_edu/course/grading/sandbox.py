"""Sandboxes: where a student's code runs when it is graded.

`BubblewrapSandbox` is isolated: the code inside sees Python and needle_edu, read-only, and nothing else of the machine:
no other file, process, network or user; it may make few system calls, and what it writes vanishes with its
question. `ProcessSandbox` has the same limits of time and memory and no walls; it is for work one trusts, such as
one's own. `trouble` tries the isolated one and says what is missing. Only bytes come out of either, and only `messages`
reads them.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import secrets
import sys
import tempfile
from pathlib import Path

from needle_edu.course.answer import AnswerError
from needle_edu.course.grading import bubblewrap, seccomp
from needle_edu.course.grading.bubblewrap import PACKAGE
from needle_edu.course.grading.channel import SandboxError
from needle_edu.course.grading.processes import remove_tree, threads_of
from needle_edu.course.grading.sandbox_base import ENVIRONMENT, START, BrokenSandbox, Sandbox
from needle_edu.course.limits import Limits

__all__ = ["BrokenSandbox", "BubblewrapSandbox", "ProcessSandbox", "Sandbox", "SandboxError"]
__all__ += ["hidden", "trouble"]


class BubblewrapSandbox(Sandbox):
    """A sandbox without a way out: made by bubblewrap, kept shut by the kernel.

    Notes
    -----
    For an ordinary user the sandbox is a user namespace, in which the student's code is nobody but that user. For
    root there is none: bubblewrap makes the sandbox with root's rights, and the student's code runs as a user of its
    own, who owns nothing and who is lent to one sandbox at a time.
    """

    isolated = True

    def command(self, program: list[str]) -> tuple[list[str], dict]:
        words = bubblewrap.command(self.limits.hide, as_root=self.user is not None)
        for name, value in {**ENVIRONMENT, "HOME": "/tmp", "TMPDIR": "/tmp"}.items():
            words += ["--setenv", name, value]
        return [*words, "--", *program], {"env": {}}

    def running(self) -> int:
        """The sandbox's own; before Linux 5.14 a user's processes outside count too."""
        found = re.match(r"(\d+)\.(\d+)", platform.release())
        apart = self.user is not None or found is None or tuple(map(int, found.groups())) >= (5, 14)
        return 3 if apart else 3 + threads_of(os.getuid())

    @classmethod
    def trouble(cls) -> str:
        if reason := bubblewrap.missing():
            return reason
        try:
            seccomp.program()
            with cls(Limits()) as sandbox, sandbox.question() as inside:
                setup = ["import needle_edu as ndl", "ndl.Tensor([1.0]) + 1"]
                try:
                    inside.ask({"setup": setup, "extra": [], "answer": "pass"}, START)
                    inside.hear(START)
                except AnswerError as error:
                    raise BrokenSandbox(f"{error}: {sandbox.last_words()}") from None
        except (BrokenSandbox, OSError) as error:
            return bubblewrap.explain(str(error))
        return ""


def trouble() -> str:
    """Why students' work cannot be graded in isolation on this machine, and what mends it; empty if it can.

    It starts the real sandbox and runs a line of Python in it.
    """
    return BubblewrapSandbox.trouble()


class ProcessSandbox(Sandbox):
    """A process with limits: for code that may be wrong, endless or greedy, not for code that attacks."""

    @classmethod
    def caution(cls) -> str:
        """What is open to the students' code, in a sentence."""
        if os.geteuid() == 0:
            return (
                "WITHOUT ISOLATION the students' code runs as a user without rights, under limits of time and memory; "
                "it can read what every user of this machine can read, use the network, and leave files in /tmp"
            )
        return (
            "WITHOUT ISOLATION the students' code runs as you, under limits of time and memory; it can read, change "
            "and delete all your files (submissions, grades and this program among them), end your processes, use "
            "the network, and leave processes behind"
        )

    @classmethod
    def trouble(cls) -> str:
        """As root, whether a user without rights could run the students' code at all."""
        if os.geteuid() == 0 and not readable_to_anybody():
            return (
                "root may not run students' code as root, and a user without rights cannot read this Python "
                f"({sys.prefix}): grade as an ordinary user, or with bubblewrap (sudo apt install bubblewrap)"
            )
        return ""

    def command(self, program: list[str]) -> tuple[list[str], dict]:
        return program, {"env": ENVIRONMENT}

    def drops_rights(self) -> bool:
        return super().drops_rights() and readable_to_anybody()

    def make_home(self, stack: contextlib.ExitStack) -> str:
        """A folder inside a folder: the outer one is ours, so the inner one stays where it is, and what it is.

        The worker makes both and takes them away: a grader that is killed at any moment leaves none behind. Here they
        are only named, and taken away if the worker was killed.
        """
        outer = os.path.join(tempfile.gettempdir(), f"needle_edu-sandbox-{secrets.token_hex(8)}")
        stack.callback(remove_tree, outer)
        return os.path.join(outer, "home")

    def running(self) -> int:
        """The user's other processes count too; 0, for no limit, where nobody can say how many they are."""
        if not os.path.isdir("/proc"):
            return 0
        return 3 + (threads_of(os.getuid()) if self.user is None else 0)


def readable_to_anybody() -> bool:
    """Whether a user without rights can read Python and needle_edu."""
    python = {Path(sys.executable).resolve().parent, Path(sys.prefix), Path(sys.base_prefix)}
    return all(_anybody_can_read(folder) for folder in (PACKAGE, *python))


def _anybody_can_read(folder: Path) -> bool:
    folder = folder.resolve()
    return all(p.stat().st_mode & 0o001 for p in (folder, *folder.parents)) and bool(
        folder.stat().st_mode & 0o004
    )


def hidden(*paths: str | os.PathLike) -> tuple[str, ...]:
    """Those of the given folders and files that a sandbox can do without: Python and needle_edu stay."""
    needed = [Path(p).resolve() for p in (PACKAGE, sys.executable, sys.prefix, sys.base_prefix)]
    found = [Path(path).resolve() for path in paths]
    return tuple(str(p) for p in found if p.exists() and not any(n.is_relative_to(p) for n in needed))
