"""Compiled programs do not pile up in the cache: those that were used longest ago go first.

A captured function that is changed is another program, and each is a text, an object file and a library. Whoever gets
a program from the cache marks it as used (`program_used`), and now and then what is too much is removed (`prune`). What
was used within the last minutes stays, so another process that has just found a file can still load it; and one that
is loaded already is not lost to the process that has it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

MOST_FILES, MOST_BYTES = 1000, 256 << 20  # of each kind
JUST_NOW = 600  # seconds
_EVERY = 60  # seconds between two looks
_next_look = 0.0


def program_used(library: Path) -> Path:
    """Return the library of a program, marked as used; from time to time the cache around it is pruned."""
    global _next_look
    mark_used(library)
    if time.monotonic() >= _next_look:
        _next_look = time.monotonic() + _EVERY
        folder, most = library.parent, (MOST_FILES, MOST_BYTES)
        prune(folder, "program-*.so", *most)
        prune(folder / "objects", "program-*.o", *most)
        prune(folder / "programs", "program-*.c*", *most)
        prune(folder / "cuda", "*/program.cu.cpp", *most, with_folder=True)
    return library


def mark_used(path: Path) -> None:
    """Note that a file is in use now; of one with a checksum, where its own time is written, by the checksum's time."""
    checksum = _checksum_of(path)
    with contextlib.suppress(OSError):  # somebody has removed it, or another user alone may write here
        os.utime(checksum if checksum.exists() else path)


def prune(
    folder: Path,
    pattern: str,
    most_files: int = MOST_FILES,
    most_bytes: int = MOST_BYTES,
    *,
    with_folder: bool = False,
) -> list[str]:
    """Remove files that were used longest ago, until there are few enough, and return their names.

    Parameters
    ----------
    folder : Path
    pattern : str
        Which files are meant, as for `Path.glob`; others stay.
    most_files, most_bytes : int
        How many may stay, and how large they may be together. What was used within `JUST_NOW` seconds stays anyway.
    with_folder : bool
        Each has a folder of its own, which goes, too.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for k in range(4):
    ...     path = folder / f"program-{k}.so"
    ...     path.touch()
    ...     os.utime(path, (k, k))
    >>> prune(folder, "program-*.so", most_files=2)
    ['program-0.so', 'program-1.so']
    """
    found: list[tuple[float, int, Path]] = []
    for path in folder.glob(pattern):
        with contextlib.suppress(OSError):  # another process was quicker
            checksum = _checksum_of(path)
            last = (checksum if checksum.exists() else path).stat().st_mtime
            found.append((last, path.stat().st_size, path))
    found.sort(key=lambda one: (one[0], one[2].name))
    count, nbytes, gone = len(found), sum(size for _, size, _ in found), []
    for last, size, path in found:
        if (count <= most_files and nbytes <= most_bytes) or time.time() - last < JUST_NOW:
            break
        count, nbytes = count - 1, nbytes - size
        if with_folder:
            shutil.rmtree(path.parent, ignore_errors=True)
        for other in (path, _checksum_of(path), path.with_suffix(".lock")):
            with contextlib.suppress(OSError):
                other.unlink(missing_ok=True)
        gone.append(path.name)
    return gone


def _checksum_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.checksum")
