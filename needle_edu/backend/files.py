"""Writing a file so that nobody ever finds half of it, whatever happens in between.

The new content goes into a second file beside the target, which then takes the target's name in one step (POSIX
`rename`). A crash, a full disk or an error on the way leaves what was there before. While the second file is written
it is locked, and a lock ends with the process that holds it: so what a killed process left behind is known for what it
is, and goes when the same file is next written.
"""

import contextlib
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def whole_file(path: str | os.PathLike[str], mode: str = "w", **options: Any) -> Iterator[IO[Any]]:
    """Open a file for writing that takes its place at `path` when the block has ended without an error.

    Parameters
    ----------
    path : path
        In a folder that exists; a file of this name is replaced.
    mode : {"w", "wb"}
    **options
        As for `open`, such as `encoding`.

    Raises
    ------
    OSError
        The path names a device, a pipe or a socket, whose place no file may take.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "result.txt"
    >>> with whole_file(path) as file:
    ...     _ = file.write("all of it")
    ...     path.exists()
    False
    >>> path.read_text()
    'all of it'
    """
    path = Path(path)
    _refuse_devices(path)
    _remove_leftovers(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with _open_and_lock(partial, mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            # Still locked: whoever finds a part without a lock takes it for a leftover.
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _refuse_devices(path: Path) -> None:
    """Raise if the path is a device, a pipe or a socket, or a link to one: only files may be replaced by files."""
    for status in (os.lstat, os.stat):
        try:
            kind = status(path).st_mode
        except OSError:  # nothing there, or nothing behind the link
            return
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind) or stat.S_ISLNK(kind)):
            what = "a pipe" if stat.S_ISFIFO(kind) else "a socket" if stat.S_ISSOCK(kind) else "a device"
            raise OSError(
                f"{path}: is {what} and no file; saving would put a file in its place, so name a file"
            )


def _open_and_lock(partial: Path, mode: str, **options: Any) -> IO[Any]:
    """Open a new file and lock it, so that nobody takes it for a leftover."""
    while True:
        file = open(partial, mode, **options)  # noqa: SIM115  (whoever calls closes it)
        try:
            if not _lock(file.fileno()) or _is_still(partial, file.fileno()):
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # between opening and locking somebody took it for a leftover: once more


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> bool:
    """Lock an open file; return whether that was possible."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):  # no POSIX system, a file system without locks, or somebody else has it
        return False
    return True


def _remove_leftovers(path: Path) -> None:
    """Remove what killed processes left of their attempts to write this file: parts that nobody has locked."""
    start, end = f".{path.name}.", ".part"
    with contextlib.suppress(OSError):  # a folder that is not there, or not ours, is the business of `open`
        for name in os.listdir(path.parent):
            if (
                name.startswith(start)
                and name.endswith(end)
                and _is_process_and_thread(name[len(start) : -len(end)])
            ):
                with contextlib.suppress(OSError):  # another user's
                    _remove_if_unlocked(path.parent / name)


def _is_process_and_thread(text: str) -> bool:
    process, _, thread = text.partition("-")
    return process.isdecimal() and thread.isdecimal()


def _remove_if_unlocked(part: Path) -> None:
    descriptor = os.open(part, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and _lock(descriptor) and _is_still(part, descriptor):
            part.unlink()
    finally:
        os.close(descriptor)
