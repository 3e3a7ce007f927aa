"""Reading the notebook out of a zip archive that somebody else made.

Nothing is unpacked to disk, so no name in the archive can lead anywhere. The archive is held in memory, its table of
contents and the notebook are bounded before they are read, links and encrypted files are refused, and only the two
usual ways of packing are known (others could unfold a few bytes to gigabytes in one step).
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable

from needle_edu.course import notebook
from needle_edu.course.notebook import LimitError, NotebookError

MAX_STEP = 2**20  # bytes read at once, and so the largest table of contents: some 20,000 files
NO_STUDENT = frozenset({".ipynb_checkpoints", ".git", ".jupyter", "__pycache__", "__MACOSX"})
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError, OSError)


class _Steps(io.BytesIO):
    """Bytes that can be read only in steps of `MAX_STEP`."""

    def read(self, size: int | None = -1, /) -> bytes:
        left = len(self.getbuffer()) - self.tell()
        if min(left, left if size is None or size < 0 else size) > MAX_STEP:
            raise LimitError("its table of contents is too long")
        return super().read(size)


def notebook_in(data: bytes, name: str, file_name: str = "") -> tuple[str, bytes]:
    """Return name and content of the notebook in the zip archive `name`.

    Parameters
    ----------
    data : bytes
        The archive.
    file_name : str, optional
        The notebook that is wanted; if it is not there, the only other one is taken, as in a folder. Without it,
        the archive must hold one notebook.

    Raises
    ------
    NotebookError
        If there is no such notebook, or the archive is not read; the message says why.
    """
    found = member_of(data, name, lambda names: names[choose(list(names), file_name, name)])
    assert found is not None
    return found


def member_of(
    data: bytes, name: str, pick: Callable[[dict], zipfile.ZipInfo | None]
) -> tuple[str, bytes] | None:
    """Return name and content of one file in the zip archive `name`; `pick` chooses it by its path, or None.

    Raises
    ------
    NotebookError
        If the archive, or the file in it, is not read; the message says why.
    """
    try:
        with zipfile.ZipFile(_Steps(data)) as archive:
            # Not ZipInfo.is_dir(), which raises an IndexError for a name without a letter (Python 3.11).
            found = {i.filename: i for i in archive.infolist() if i.filename and not i.filename.endswith("/")}
            info = pick(found)
            if info is None:
                return None
            inner = info.filename
            if info.flag_bits & 1:
                raise LimitError(f"{name} is encrypted, so it was not read")
            if stat.S_ISLNK(info.external_attr >> 16):
                raise NotebookError(f"{inner!a} in {name} is a link")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise LimitError(
                    f"{name} is packed in a way that is not read here; pack it again as a plain zip"
                )
            with archive.open(info) as file:
                return inner, _read(file, inner, name)
    except LimitError as error:
        raise LimitError(f"{name} was not read: {error}" if name not in str(error) else str(error)) from None
    except BROKEN as error:
        if isinstance(error, NotebookError):
            raise
        raise NotebookError(f"{name} is not a zip archive that can be read ({str(error)[:80]})") from None


def _read(file, inner: str, name: str) -> bytes:
    """What is really in the archive, whatever size it declares."""
    content = bytearray()
    while part := file.read(2**16):
        content += part
        if len(content) > notebook.MAX_BYTES:
            raise LimitError(
                f"{inner!a} in {name} is larger than {notebook.MAX_BYTES:,} bytes; clear its outputs"
            )
    return bytes(content)


def choose(names: list[str], file_name: str, where: str) -> str:
    """The path of the notebook among all paths of a folder or an archive: `file_name`, or the only notebook.

    Browsers save a second download as ``hw1 (1).ipynb``, people rename files, and archives hold folders. Of several
    files called `file_name` the one nearest to the top is meant.

    Raises
    ------
    NotebookError
        If there is none, or it is not clear which; the message says what is there instead.
    """
    real = [name for name in names if not _is_by_the_way(name)]
    notebooks = [n for n in real if n.endswith(".ipynb") and not n.endswith(".backup.ipynb")]
    named = sorted((n for n in notebooks if n.split("/")[-1] == file_name), key=lambda n: (n.count("/"), n))
    if named and (len(named) == 1 or named[0].count("/") < named[1].count("/")):
        return named[0]
    if len(notebooks) == 1:
        return notebooks[0]
    if not file_name:
        raise NotebookError(f"{where} holds {len(notebooks)} notebooks; one is wanted")
    there = ", ".join(ascii(name) for name in sorted(real)[:5]) + (", …" if len(real) > 5 else "")
    what = "is there more than once" if named else "is missing"
    raise NotebookError(f"{file_name} {what}; {where} " + (f"holds {there}" if real else "is empty"))


def _is_by_the_way(name: str) -> bool:
    """Whether Jupyter, git, macOS or an editor made the file beside the student's work."""
    parts = name.split("/")
    return parts[-1].startswith(".") or any(part in NO_STUDENT for part in parts)
