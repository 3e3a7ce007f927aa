"""The instructor's archive: a homework with its solutions and hidden tests as one file to grade with.

An installed package carries the students' copies only. `pack` writes the instructor's notebook into a zip file, the
same bytes whenever and wherever it is made; `read` gives the notebook back, read with the same care as a student's
archive (`archive`): it may come from anybody.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from pathlib import Path

from needle_edu.backend.files import whole_file
from needle_edu.course import archive, notebook
from needle_edu.course.notebook import NotebookError

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip file can name
_PLAIN = re.compile(r"[\w-][\w. -]*\.ipynb")  # it becomes the name of the students' files


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
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_STORED) as made:
        made.writestr(member, notebook.read_bytes(source))
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
        If it is no zip file, or holds no notebook or several, or one that is not read (`archive.notebook_in`).
    """
    member, content = archive.notebook_in(notebook.read_bytes(path), path.name)
    name = member.rpartition("/")[2]
    if not _PLAIN.fullmatch(name):
        raise NotebookError(
            f"{path.name}: {member!a} is no name for a homework; use letters, digits, - and _"
        )
    return name, content


def _is_of(target: Path, name: str) -> bool:
    try:
        return read(target)[0] == name
    except NotebookError:
        return False
