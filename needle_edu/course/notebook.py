"""Reading a notebook that somebody else wrote.

A notebook is JSON: a list of cells, each with its source and its metadata. This reader is strict and
bounded, because the file may come from anybody: it opens regular files only (never a link, a pipe or a
device), reads at most `MAX_BYTES`, counts the values before it builds them, and every way in which a file can
fail to be a notebook is one clear `NotebookError`.

nbgrader's marks (its metadata, schema 3) say what a cell is for: an answer ("solution"), the tests of a
question ("grade"), or text and set-up that nobody edits ("locked").
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from needle_edu.backend.errors import DataError

MAX_BYTES = 20_000_000  # outputs count too, and honest ones can be long
MAX_CELLS = 20_000
# What a file of MAX_BYTES may unfold to in memory: millions of empty lists would be 500 MB of Python objects.
MAX_VALUES = 2_000_000  # commas count, texts, and lists
MAX_LISTS = 200_000  # and dictionaries
# A JSON string, or what is left of the file behind a quote that nothing closes: no byte is looked at twice.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
CELL_TYPES = ("code", "markdown", "raw")


class NotebookError(DataError):
    """A file that is not a notebook this course can read; the message says why."""


class LimitError(NotebookError):
    """A file that may well be a notebook, but is not read: it is too large, or locked. Somebody has to look."""


@dataclass(frozen=True)
class Cell:
    """One cell of a notebook.

    Attributes
    ----------
    kind : str
        ``"code"``, ``"markdown"`` or ``"raw"``.
    source : str
        Its text; characters that no text file can hold (lone surrogates) are replaced by ``?``.
    id : str
        nbformat's cell id, or ``""``.
    marks : dict
        nbgrader's metadata of the cell; empty when it has none.
    """

    kind: str
    source: str
    id: str = ""
    marks: dict = field(default_factory=dict)

    @property
    def grade_id(self) -> str:
        """The name nbgrader knows the cell by, or ``""``."""
        name = self.marks.get("grade_id", "")
        return name if isinstance(name, str) else ""

    @property
    def is_tests(self) -> bool:
        """Whether the cell holds the tests of a question."""
        return self.marks.get("grade") is True and self.marks.get("solution") is not True

    @property
    def is_answer(self) -> bool:
        """Whether the student writes the answer to a question here."""
        return self.marks.get("solution") is True

    @property
    def is_for_a_person(self) -> bool:
        """Whether the answer is written here and has its points from whoever reads it (nbgrader: manually graded)."""
        return self.is_answer and self.marks.get("grade") is True

    @property
    def is_locked(self) -> bool:
        """Whether nobody should edit the cell."""
        return not self.is_answer and (self.is_tests or self.marks.get("locked") is True)


def read_bytes(path: str | os.PathLike, *, dir_fd: int | None = None, limit: int = MAX_BYTES) -> bytes:
    """Read a regular file of at most `limit` bytes, following no link and waiting for no pipe.

    Parameters
    ----------
    path : path
        The file; with `dir_fd`, its name inside that open folder.
    dir_fd : int, optional
        File descriptor of the folder.
    limit : int
        Largest size in bytes.

    Raises
    ------
    NotebookError
        If the file is missing, is not a regular file, is too large or can't be read.
    """
    name = os.path.basename(os.fspath(path))
    flags = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        fd = os.open(path, flags, dir_fd=dir_fd)
    except FileNotFoundError:
        raise NotebookError(f"{name} is missing") from None
    except OSError as error:  # ELOOP for a link, ENXIO for a socket, EACCES, ...
        raise NotebookError(f"{name} is not a regular file that can be read ({error.strerror})") from None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise NotebookError(f"{name} is not a regular file")
        if status.st_size > limit:
            raise LimitError(f"{name} is larger than {limit:,} bytes; clear its outputs and save it again")
        with open(fd, "rb", closefd=False) as file:
            return file.read(limit)
    except OSError as error:
        raise NotebookError(f"{name} cannot be read ({error.strerror})") from None
    finally:
        os.close(fd)


def parse_json(data: bytes, name: str = "the file") -> dict:
    """Parse a notebook's JSON, with NaN and Infinity as Jupyter writes them into outputs.

    Raises
    ------
    NotebookError
        If it is anything but a JSON object, or has too many values; see `MAX_VALUES`.
    """
    if not data.strip():
        raise NotebookError(f"{name} is empty ({len(data)} bytes): save the notebook and hand it in again")
    _count(data, name)
    try:
        tree = json.loads(data.decode("utf-8-sig"))  # Windows likes to begin with a BOM
    except RecursionError:
        raise NotebookError(f"{name} is not a notebook: its JSON is nested too deeply") from None
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise NotebookError(f"{name} is not JSON, so it is not a notebook ({str(error)[:80]})") from None
    if not isinstance(tree, dict):
        raise NotebookError(f"{name} is JSON, but not a notebook")
    return tree


def _count(data: bytes, name: str) -> None:
    """Refuse JSON whose values would take much more memory than its text; counting builds nothing."""
    # What stands in texts only makes this first count larger, and it is enough for nearly every notebook.
    values, lists = data.count(b'"') // 2 + data.count(b","), data.count(b"[") + data.count(b"{")
    if values + lists <= MAX_VALUES and lists <= MAX_LISTS:
        return
    values = lists = end = 0
    for string in _STRING.finditer(data):
        between = data[end : string.start()]
        end = string.end()
        values += 1 + between.count(b",")
        lists += between.count(b"[") + between.count(b"{")
        if values > MAX_VALUES:
            break
    values += data.count(b",", end)
    lists += data.count(b"[", end) + data.count(b"{", end)
    if values + lists > MAX_VALUES or lists > MAX_LISTS:
        raise LimitError(
            f"{name} holds more than {MAX_VALUES:,} values or {MAX_LISTS:,} lists; "
            "clear its outputs and save it again"
        )


def cells_of(tree: dict, name: str = "the file") -> list[Cell]:
    """Return the cells of a parsed notebook.

    Examples
    --------
    >>> cells_of({"nbformat": 4, "cells": [{"cell_type": "code", "source": ["a = 1\\n", "a"]}]})
    [Cell(kind='code', source='a = 1\\na', id='', marks={})]
    >>> cells_of({"nbformat": 3, "worksheets": []})
    Traceback (most recent call last):
        ...
    needle_edu.course.notebook.NotebookError: the file is a notebook of format 3; save it again in Jupyter
    (format 4)
    """
    version = tree.get("nbformat")
    if version != 4 or isinstance(version, bool):
        if isinstance(version, int) and 0 < version < 4:
            raise NotebookError(
                f"{name} is a notebook of format {version}; save it again in Jupyter (format 4)"
            )
        raise NotebookError(f"{name} is JSON, but not a notebook of format 4")
    cells = tree.get("cells")
    if not isinstance(cells, list):
        raise NotebookError(f"{name} has no list of cells")
    if len(cells) > MAX_CELLS:
        raise LimitError(f"{name} has {len(cells):,} cells; at most {MAX_CELLS:,} are read")
    return [_cell(cell, position, name) for position, cell in enumerate(cells)]


def read(path: str | os.PathLike, *, dir_fd: int | None = None) -> list[Cell]:
    """Return the cells of the notebook at `path`; see `read_bytes` for the limits."""
    name = os.path.basename(os.fspath(path))
    return cells_of(parse_json(read_bytes(path, dir_fd=dir_fd), name), name)


def read_tree(path: Path) -> dict:
    """Return the whole notebook at `path` as JSON, with each cell's source as one string."""
    return tree_of(read_bytes(path), path.name)


def tree_of(data: bytes, name: str) -> dict:
    """Return the notebook in `data` as JSON, with each cell's source as one string, and metadata everywhere."""
    tree = parse_json(data, name)
    cells = cells_of(tree, name)
    _metadata(tree, name)
    for position, (cell, parsed) in enumerate(zip(tree["cells"], cells, strict=True)):
        cell["source"] = parsed.source
        marks = _metadata(cell, f"{name}: cell {position}").get("nbgrader", {})
        if not isinstance(marks, dict):
            raise NotebookError(f"{name}: cell {position}: nbgrader's marks are no JSON object")
    return tree


def _metadata(holder: dict, name: str) -> dict:
    metadata = holder.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        raise NotebookError(f"{name}: the metadata are no JSON object")
    return metadata


def _cell(cell, position: int, name: str) -> Cell:
    if not isinstance(cell, dict) or cell.get("cell_type") not in CELL_TYPES:
        raise NotebookError(f"{name}: cell {position} is not a cell")
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise NotebookError(f"{name}: cell {position} has no text")
    metadata = cell.get("metadata", {})
    marks = metadata.get("nbgrader", {}) if isinstance(metadata, dict) else {}
    identity = cell.get("id", "")
    return Cell(
        kind=cell["cell_type"],
        source=source.encode("utf-8", "replace").decode("utf-8"),
        id=identity if isinstance(identity, str) else "",
        marks=marks if isinstance(marks, dict) else {},
    )
