"""A note of what was loaded last time, so that starting up need not read and hash the sources again.

The cache (cache.py) goes by content, which is safe and takes some milliseconds and several imports. The note
goes by size and time of change, like `make`: if nothing changed since, the files it names are the right ones.
"""

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from .cache import default_folder
from .paths import csrc_dir


def recall(purpose: str) -> list[Path] | None:
    """Return the files remembered for a purpose; None if a source or one of the files is not what it was."""
    try:
        inputs, outputs = _note(purpose).read_text().split("\n\n")
        paths = [Path(line.split(" ", 2)[2]) for line in outputs.splitlines()]
        unchanged = inputs == _inputs() and outputs == _describe(paths)
    except (OSError, ValueError, IndexError):
        return None
    return paths if unchanged else None


def remember(purpose: str, files: Iterable[Path]) -> None:
    """Note that `files` are what the present sources come to; failing to write the note only costs time."""
    note = _note(purpose)
    with contextlib.suppress(OSError):
        unfinished = note.with_name(f"{note.name}.{os.getpid()}")
        unfinished.write_text(f"{_inputs()}\n\n{_describe(files)}")
        os.replace(unfinished, note)


def _note(purpose: str) -> Path:
    """Each checkout has a note of its own, and each version of Python."""
    place = str(csrc_dir()).replace(os.sep, "-")[-120:]
    return default_folder() / f"note{place}-{purpose}-{sys.implementation.cache_tag}"


def _inputs() -> str:
    """Everything the library is made from: the C files, and the recipe and builder beside this file."""
    folders = [*_folders(csrc_dir()), os.path.dirname(__file__)]
    names = (entry.path for folder in folders for entry in os.scandir(folder))
    return _describe(sorted(name for name in names if name.endswith((".c", ".h", ".py"))))


def _folders(top: Path) -> Iterable[str]:
    return (folder for folder, _, _ in os.walk(top))


def _describe(paths: Iterable[str | Path]) -> str:
    statuses = ((path, os.stat(path)) for path in paths)
    return "\n".join(f"{status.st_size} {status.st_mtime_ns} {path}" for path, status in statuses)
