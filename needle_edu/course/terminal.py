"""What the commands of the course say in a terminal: a line at a time, in which nothing acts on the terminal."""

from __future__ import annotations

import contextlib
import sys
from typing import TextIO

from needle_edu.course.feedback import visible


def say(text: str, file: TextIO | None = None) -> None:
    """Print a line; that nobody can read it any more stops no grading."""
    with contextlib.suppress(OSError):
        print(visible(text), file=file, flush=True)


def sorry(text: str) -> int:
    """Say on stderr what went wrong; returns the exit status of a command that could not do its work."""
    say(f"needle-edu: {text}", sys.stderr)
    return 1
