"""A note of what was loaded last time, so that starting up need not read and hash the sources again.

The cache (cache.py) goes by content, which is safe and takes some milliseconds and several imports. The note
goes by size and time of change, like `make`: if nothing changed since, the files it names are the right ones.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..paths import csrc_dir, private_temporary
from .cache import default_folder


def state_of_sources() -> str:
    """Return size and time of all the library is made from: the C files, and how it is made (this folder)."""
    folders = [*(folder for folder, _, _ in os.walk(csrc_dir())), os.path.dirname(__file__)]
    names = (entry.path for folder in folders for entry in os.scandir(folder))
    return _describe(sorted(name for name in names if name.endswith((".c", ".h", ".py"))))


def recall(purpose: str, sources: str) -> list[Path] | None:
    """Return the files remembered for a purpose; None if the sources or one of the files are not what they were."""
    try:
        inputs, outputs = _note(purpose).read_text().split("\n\n")
        paths = [Path(line.split(" ", 2)[2]) for line in outputs.splitlines()]
        unchanged = inputs == sources and outputs == _describe(paths)
    except (OSError, ValueError, IndexError):
        return None
    return paths if unchanged else None


def remember(purpose: str, sources: str, files: Iterable[Path]) -> None:
    """Note that `files` were made from `sources`, as these were BEFORE; if it cannot be written, only time is lost."""
    with contextlib.suppress(OSError):
        note = _note(purpose)
        unfinished = note.with_name(f"{note.name}.{os.getpid()}")
        unfinished.write_text(f"{sources}\n\n{_describe(files)}")
        os.replace(unfinished, note)


MINUTES = 10
"""For how long a failed compilation is not tried again."""


def recall_failure(purpose: str, sources: str) -> str | None:
    """Return why compiling these sources failed a short while ago; None if it did not."""
    for note in _failure_notes(purpose):
        try:
            before, why = note.read_text().split("\n\n", 1)
            age = time.time() - note.stat().st_mtime
        except (OSError, ValueError):
            continue
        if before == _identity(sources) and 0 <= age < 60 * MINUTES:
            when = f"this was {age / 60:.0f} minutes ago"
            return f"{why}; {when} and is tried again after {MINUTES}, or when {note} is removed"
    return None


def remember_failure(purpose: str, sources: str, why: str) -> Path | None:
    """Note why compiling failed, in the cache or, since that may be what is full, beside it; return where."""
    for note in _failure_notes(purpose):
        with contextlib.suppress(OSError):
            note.write_text(f"{_identity(sources)}\n\n{why}")
            return note
    return None


def _failure_notes(purpose: str) -> Iterator[Path]:
    for folder in (default_folder, private_temporary):
        with contextlib.suppress(OSError):
            yield folder() / f"failed{_note(purpose).name}"


def _identity(sources: str) -> str:
    """What decides whether a compilation fails: the sources, and which compilers would be found."""
    from .cache import key_of

    return key_of([sources, os.environ.get("CC", ""), os.environ.get("PATH", "")])


def _note(purpose: str) -> Path:
    """Each checkout has a note of its own, and each version of Python."""
    place = str(csrc_dir()).replace(os.sep, "-")[-120:]
    return default_folder() / f"note{place}-{purpose}-{sys.implementation.cache_tag}"


def _describe(paths: Iterable[str | Path]) -> str:
    statuses = ((path, os.stat(path)) for path in paths)
    return "\n".join(f"{status.st_size} {status.st_mtime_ns} {path}" for path, status in statuses)
