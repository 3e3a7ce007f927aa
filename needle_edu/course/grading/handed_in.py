"""What a class has handed in: the entries of a folder of submissions, a name for each, and the notebook in it.

A submission is a sub-folder, a notebook or a zip archive. Names come from outside: two of them may look alike once
their invisible characters are shown, or be one file where upper and lower case are the same, so each student gets a
name of its own to be shown and a name of its own for files. Files are read in bounded size, and no link is followed.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from needle_edu.course import archive, notebook
from needle_edu.course.archive import NO_STUDENT
from needle_edu.course.feedback import visible
from needle_edu.course.notebook import LimitError, NotebookError

PACKED = (".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")
MAX_FILES = 2000  # of a student's folder, and what is looked through
MAX_DEPTH = 3
WINDOWS = re.compile(r"(con|nul|aux|prn|com\d|lpt\d)\Z", re.IGNORECASE)
LIKE_A_HASH = re.compile(r"-[0-9a-f]{16}\Z", re.IGNORECASE)  # how a name ends that `_hash` has made unique
_one_at_a_time = threading.Lock()  # the memory that one large notebook takes is not needed twice


@dataclass(frozen=True)
class Entry:
    """One submission.

    Attributes
    ----------
    student : str
        The student's name as it is shown: no other in the class has it.
    path : Path
        What was handed in.
    page : str
        A name for the student's files: letters, digits, ``-``, ``_``; unique even where case does not count.
    """

    student: str
    path: Path
    page: str


@dataclass(frozen=True)
class Found:
    """The notebook of a submission: its name and its bytes, not yet looked at."""

    name: str
    data: bytes

    @property
    def digest(self) -> str:
        """What tells whether a submission has changed."""
        return hashlib.sha256(os.fsencode(self.name) + b"\0" + self.data).hexdigest()

    def cells(self) -> list[notebook.Cell]:
        """The notebook's cells.

        Raises
        ------
        NotebookError
            If it is none; see `notebook.parse_json`.
        """
        with _one_at_a_time:
            return notebook.cells_of(notebook.parse_json(self.data, shown(self.name)), shown(self.name))


def entries(folder: Path) -> tuple[list[Entry], list[str]]:
    """The submissions in a folder, sorted by name; and the names of files that are none, to be said.

    What Jupyter, git and zip leave behind (`NO_STUDENT`) and hidden files are passed over.
    """
    names, others = [], []
    with os.scandir(folder) as found:
        for entry in found:
            if entry.name in NO_STUDENT:
                continue
            if entry.is_symlink() or entry.is_dir(follow_symlinks=False) or _is_work(entry.name):
                names.append(entry.name)
            elif not entry.name.startswith("."):
                others.append(shown(entry.name))
    names.sort()
    students = _unique(names, lambda name: _student(name, shown(_stem(folder, name))), shown)
    files = _unique(students, file_name_for, file_name_for, key=str.casefold)
    made = [
        Entry(student, folder / name, page)
        for name, student, page in zip(names, students, files, strict=True)
    ]
    return made, sorted(others)


def _is_work(name: str) -> bool:
    lower = name.lower()
    return not name.startswith(".") and (
        (lower.endswith((".ipynb", ".zip")) and not lower.endswith(".backup.ipynb")) or lower.endswith(PACKED)
    )


def _stem(folder: Path, name: str) -> str:
    stem, dot, _ = name.rpartition(".")
    return stem if dot and _is_work(name) and not (folder / name).is_dir() else name


def _student(name: str, text: str) -> str:
    """The text to show for a name; one that ends as a hash does gets its own, so that nobody can choose another's."""
    return f"{text}-{_hash(name)}" if LIKE_A_HASH.search(text) else text


def shown(name: str) -> str:
    """A file's name as text that shows all its characters, even those that are not UTF-8."""
    return visible(unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "backslashreplace")))


def _unique(
    names: list[str], short: Callable[[str], str], long: Callable[[str], str], key: Callable[[str], str] = str
) -> list[str]:
    """For each name its `short` form, or its `long` one where that is taken, or that with a hash of the name."""
    made = [short(name) for name in names]
    for other in (long, lambda name: f"{long(name)}-{_hash(name)}"):
        count = Counter(key(name) for name in made)
        made = [new if count[key(new)] == 1 else other(name) for name, new in zip(names, made, strict=True)]
    return made


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def file_name_for(student: str) -> str:
    """A file name for a student: letters, digits, ``-`` and ``_``, and a hash where that lost something.

    A name that ends as such a hash does gets one too, so that nobody can choose another's.

    >>> file_name_for("ada")
    'ada'
    >>> file_name_for("../ada").startswith("ada-")
    True
    """
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", student).strip("-")[:60]
    if plain == student and not WINDOWS.match(plain) and not LIKE_A_HASH.search(plain):
        return plain
    return f"{plain or 'student'}-{_hash(student)}"


# --- reading one ---------------------------------------------------------------------------------------------


def read(entry: Entry, file_name: str) -> Found:
    """Find and read the notebook of a submission: `file_name`, or the only one there.

    Raises
    ------
    NotebookError
        If there is none: the student's matter. `LimitError` if what is there is not read: somebody must look.
    """
    lower = entry.path.name.lower()
    if entry.path.is_symlink():
        raise LimitError("the submission is a link, and links are not followed")
    if entry.path.is_dir():
        name, data = _in_folder(entry.path, file_name)
    elif lower.endswith(PACKED):
        raise LimitError(
            f"{shown(entry.path.name)} was not read; unpack it: a folder, a notebook or a zip is wanted"
        )
    else:
        name, data = _unpacked(entry.path.name, notebook.read_bytes(entry.path), file_name)
    return Found(name, data)


def _in_folder(folder: Path, file_name: str) -> tuple[str, bytes]:
    """The notebook in a folder, or in the only archive there; neither may be, or lie behind, a link."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise LimitError(f"the submission is not a folder that can be read ({error.strerror})") from None
    try:
        files = list(_files(fd))
        try:
            path = archive.choose(files, file_name, "the folder")
        except NotebookError:
            zips = [name for name in files if name.lower().endswith(".zip")]
            if len(zips) != 1 or any(name.endswith(".ipynb") for name in files):
                raise
            path = zips[0]
        *inner, name = path.split("/")
        for part in inner:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
            os.close(fd)
            fd = below
        return _unpacked(path, notebook.read_bytes(name, dir_fd=fd), file_name)
    except OSError as error:
        raise LimitError(f"the submission cannot be read ({error.strerror})") from None
    finally:
        os.close(fd)


def _files(fd: int) -> Iterator[str]:
    """The paths of a folder's files (and of what only looks like one), from the top down to `MAX_DEPTH`."""
    seen = 0
    for folder, folders, files, _ in os.fwalk(".", follow_symlinks=False, dir_fd=fd):
        inside = folder.removeprefix(".").lstrip("/")
        # A folder called like a notebook is named too, so that what is wrong with it can be said.
        for name in files + [name for name in folders if name.endswith(".ipynb")]:
            yield f"{inside}/{name}" if inside else name
        seen += len(files) + len(folders)
        if seen > MAX_FILES:  # such as a virtual environment; what lies nearer to the top has been seen
            return
        deep = inside.count("/") + bool(inside) >= MAX_DEPTH
        folders[:] = (
            [] if deep else sorted(n for n in folders if n not in NO_STUDENT and not n.startswith("."))
        )


def _unpacked(name: str, data: bytes, file_name: str) -> tuple[str, bytes]:
    return (
        archive.notebook_in(data, shown(name), file_name) if name.lower().endswith(".zip") else (name, data)
    )
