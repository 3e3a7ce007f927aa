"""The instructor's archive: a homework with its solutions and hidden tests as one file to grade with.

An installed package carries the students' copies only. `pack` writes the instructor's notebook, and what lies beside it
(`BESIDE`), into a zip file, the same bytes whenever and wherever it is made; `read` gives them back, read with the same
care as a student's archive (`archive`): it may come from anybody.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from functools import partial
from pathlib import Path

from needle_edu.backend.files import whole_file
from needle_edu.course import archive, notebook
from needle_edu.course.notebook import NotebookError

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip file can name
# How the names of the files beside a homework's notebook end, after the homework's name.
ADAPTERS, LIMITS = "_adapters.py", ".toml"
BESIDE = (ADAPTERS, LIMITS)
_PLAIN = re.compile(r"[\w-][\w. -]*\.ipynb")  # it becomes the name of the students' files


def pack(source: Path, target: Path) -> None:
    """Write the notebook `source`, and the files beside it, into the archive `target`, in a folder NAME.

    Raises
    ------
    NotebookError
        If something else is in the place of `target`.
    """
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_STORED) as made:
        for path in (source, *(source.with_name(f"{source.stem}{end}") for end in BESIDE)):
            if path == source or path.exists():
                member = zipfile.ZipInfo(f"{source.stem}/{path.name}", EPOCH)
                member.create_system, member.external_attr = 3, (stat.S_IFREG | 0o644) << 16
                made.writestr(member, notebook.read_bytes(path))
    if target.exists() and not _is_of(target, source.name):
        raise NotebookError(
            f"{target} is there already and is no archive of {source.stem}; choose another name"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(target, "wb") as file:
        file.write(memory.getvalue())


def read(path: Path) -> tuple[str, bytes, dict[str, str]]:
    """Return name and content of the one notebook in an archive, and the texts beside it by how their names end.

    Raises
    ------
    NotebookError
        If it is no zip file, or holds no notebook or several, or one that is not read (`archive.notebook_in`).
    """
    data = notebook.read_bytes(path)
    member, content = archive.notebook_in(data, path.name)
    name = member.rpartition("/")[2]
    if not _PLAIN.fullmatch(name):
        raise NotebookError(
            f"{path.name}: {member!a} is no name for a homework; use letters, digits, - and _"
        )
    stem, beside = member.removesuffix(".ipynb"), {}
    for end in BESIDE:
        found = archive.member_of(data, path.name, partial(_named, stem + end))
        if found is not None:
            beside[end] = text_of(found[1], found[0])
    return name, content, beside


def text_of(data: bytes, name: str) -> str:
    """A file's text.

    Raises
    ------
    NotebookError
        If it is not UTF-8.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise NotebookError(f"{name} is no text in UTF-8") from None


def _named(path: str, members: dict[str, zipfile.ZipInfo]) -> zipfile.ZipInfo | None:
    return members.get(path)


def _is_of(target: Path, name: str) -> bool:
    try:
        return read(target)[0] == name
    except NotebookError:
        return False
