"""A cache of files that are slow to make, named after a hash of what they are made from.

`cached` returns the file of that name, making it first if it is missing or damaged. A file appears under
its name only when it is complete: it is made in a temporary folder and renamed, which is atomic. So an
interrupted build leaves nothing behind that could be mistaken for a library, and two processes that need
the same file at the same moment make it once (a lock) or at worst twice (where the file system knows no
locks), never half.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..errors import BuildError
from ..paths import PREBUILT, cache_dir, private_temporary
from .pruning import mark_used


def key_of(parts: Iterable[bytes | str]) -> str:
    """Return a name for the list of parts: equal parts in equal order, equal name."""
    import hashlib

    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()[:20]


def default_folder() -> Path:
    """Return the cache folder; a compiler chosen by $CC has one of its own."""
    compiler = os.environ.get("CC", "").strip()
    folder = cache_dir()
    own = "".join(char if char.isalnum() else "_" for char in compiler)
    return folder / own if own else folder


def kept_text(text: str, name: str, suffix: str) -> Path:
    """Return a file with this text in the cache, for a compiler; its name has the hash of the text."""
    folder = cache_dir() / "programs"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{key_of([text])}{suffix}"
    if file.exists():
        mark_used(file)
    else:
        unfinished = file.with_suffix(f".{os.getpid()}.{threading.get_ident()}.tmp")
        unfinished.write_text(text)
        unfinished.replace(file)
    return file


def cached(
    file_name: str,
    make: Callable[[Path], Path],
    folder: Path | None = None,
    fresh: bool = False,
    room: int = 1 << 20,
) -> Path:
    """Return the file `file_name` from the cache, made by `make` if need be.

    Parameters
    ----------
    file_name : str
        Must contain the `key_of` everything the content depends on.
    make : callable
        Gets an empty temporary folder, makes the file in there and returns its path.
    folder : Path, optional
        The cache; default `default_folder()`, before which a file installed with the package is preferred.
    fresh : bool
        Make the file again even if it looks intact (loading it has failed).
    room : int
        Bytes that making it takes. Where the disk of the default folder has fewer, a private temporary folder is
        used; where that has fewer, too, nothing is begun.

    Raises
    ------
    BuildError
        There is no room.
    """
    if folder is None:
        if (PREBUILT / file_name).is_file() and not fresh:
            return PREBUILT / file_name
        folder = default_folder()
        if not _has_room(folder, room) and (fresh or not _intact(folder / file_name)):
            folder = _spare_folder(folder, room)
    target = folder / file_name
    if not fresh and _intact(target):
        return target
    import shutil
    import tempfile

    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder / f"{target.stem}.lock"):
        if not fresh and _intact(target):  # somebody else made it while we waited for the lock
            return target
        prefix = f".{target.stem}-"
        for leftover in folder.glob(f"{prefix}*"):  # of a build that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=prefix, dir=folder, ignore_cleanup_errors=True) as temporary:
            made = make(Path(temporary))
            _write_checksum(made, target)
    return target


def _has_room(folder: Path, room: int) -> bool:
    import shutil

    try:
        folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(folder).free >= room
    except (OSError, AttributeError):  # nobody can say; a folder that cannot be made is its own error
        return True


def _spare_folder(full: Path, room: int) -> Path:
    """Return a folder on another disk than the full one, or raise."""
    spare = private_temporary()
    if spare != full and _has_room(spare, room):
        return spare
    raise BuildError(
        f"the disk is full: compiling needs {room >> 20} MB in {full}; make room there, or name another folder: "
        "NEEDLE_EDU_CACHE=/some/folder"
    )


def _write_checksum(made: Path, target: Path) -> None:
    """Move a finished file to its place, then write down what an intact one looks like."""
    digest = _digest(made)
    os.replace(made, target)
    status = target.stat()
    note = made.parent / "checksum"
    note.write_text(f"{status.st_size} {status.st_mtime_ns} {digest}")
    os.replace(note, _checksum_of(target))


def _checksum_of(target: Path) -> Path:
    return target.with_name(target.name + ".checksum")


def _intact(target: Path) -> bool:
    """Whether the file is what its checksum says; loading a truncated library can kill the process."""
    try:
        size, mtime, digest = _checksum_of(target).read_text().split()
        status = target.stat()
    except (OSError, ValueError):
        return False
    if status.st_size != int(size):
        return False
    return status.st_mtime_ns == int(mtime) or _digest(target) == digest


def _digest(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`, where there are locks; it ends with the process that holds it."""
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        yield
        return
    with open(path, "w") as handle:
        with contextlib.suppress(OSError):  # some network file systems refuse
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
