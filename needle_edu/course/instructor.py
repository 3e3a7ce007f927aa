"""The instructor's archive: a homework with its solutions and hidden tests as one file to grade with.

An installed package carries the students' copies only. `pack` writes the instructor's notebook into a zip file, the
same bytes whenever and wherever it is made; `read` gives the notebook back, from memory: nothing is
unpacked, and an archive that could surprise (a link, an encrypted or enormous member) is refused.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from pathlib import Path

from needle_edu.backend.files import whole_file
from needle_edu.course import notebook
from needle_edu.course.notebook import NotebookError

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip file can name
_MEMBER = re.compile(r"(?:[\w. -]+/)*([\w-][\w. -]*)\.ipynb")


def pack(source: Path, target: Path) -> None:
    """Write the notebook `source` into the archive `target`, as ``NAME/NAME.ipynb``.

    Raises
    ------
    NotebookError
        If something else is in the place of `target`.
    """
    member = zipfile.ZipInfo(f"{source.stem}/{source.name}", EPOCH)
    member.create_system, member.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(member, notebook.read_bytes(source))
    if target.exists() and not _is_of(target, source.name):
        raise NotebookError(
            f"{target} is there already and is no archive of {source.stem}; choose another name"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(target, "wb") as file:
        file.write(memory.getvalue())


def read(path: Path) -> tuple[str, bytes]:
    """Return name and content of the one notebook in an archive.

    Raises
    ------
    NotebookError
        If it is no zip file, or holds no notebook or several, or one that cannot be read within the limits.
    """
    name = path.name
    data = notebook.read_bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = [
                m for m in archive.infolist() if _MEMBER.fullmatch(m.filename) and not _is_litter(m.filename)
            ]
            if len(found) != 1:
                raise NotebookError(f"{name} holds {len(found)} notebooks; an instructor's archive holds one")
            (member,) = found
            if stat.S_ISLNK(member.external_attr >> 16) or member.flag_bits & 1:
                raise NotebookError(f"{name}: {member.filename} is a link, or encrypted")
            with archive.open(member) as file:
                content = file.read(notebook.MAX_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
        if isinstance(error, NotebookError):
            raise
        raise NotebookError(f"{name} is no zip archive that can be read ({str(error)[:80]})") from None
    if len(content) > notebook.MAX_BYTES:
        raise NotebookError(f"{name}: {member.filename} is larger than {notebook.MAX_BYTES:,} bytes")
    return member.filename.rpartition("/")[2], content


def _is_of(target: Path, name: str) -> bool:
    try:
        return read(target)[0] == name
    except NotebookError:
        return False


def _is_litter(member: str) -> bool:
    """What some systems put into an archive beside the files."""
    return any(part.startswith(("__MACOSX", ".")) for part in member.split("/"))
