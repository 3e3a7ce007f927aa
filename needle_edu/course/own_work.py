"""Which notebook a person means who asks `needle-edu check` about a path.

It is the notebook itself; or a homework in the folder; or, if there is none, those one floor below, so that the folder
of the course will do. A homework is known by its name, also as browsers and people change it (``hw1 (1).ipynb``,
``hw1-ada.ipynb``), and one that the course does not have by the test cells in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from needle_edu.course import notebook
from needle_edu.course.notebook import NotebookError


def find(path: Path, known: Sequence[str]) -> list[Path]:
    """Return the homework notebooks at `path`; `known` are the names of the course's homeworks.

    Raises
    ------
    NotebookError
        If there is none; the message says what is there, and how to begin one.
    """
    if path.is_file():
        if path.suffix != ".ipynb":
            raise NotebookError(
                f"{path} is no notebook; one is wanted, such as hw1.ipynb, or the folder it is in"
            )
        return [path]
    begin = "To begin a homework: needle-edu homework start hw1 FOLDER"
    if not path.is_dir():
        raise NotebookError(f"there is no folder or notebook {path}. {begin}")
    for pattern in ("*.ipynb", "*/*.ipynb"):
        found = [file for file in sorted(path.glob(pattern)) if _is_homework(file, path, known)]
        if found:
            return [file for file in found if not _has_better_name(file, found, known)]
    wanted = ", ".join(f"{name}.ipynb" for name in known)
    raise NotebookError(
        f"neither {path} nor a folder in it holds a homework ({wanted}). Give the notebook or its folder. {begin}"
    )


def name_in(file: Path, known: Sequence[str]) -> str | None:
    """The homework of the course that a file's name speaks of.

    >>> [name_in(Path(name), ["hw1"]) for name in ("hw1.ipynb", "hw1 (1).ipynb", "hw10.ipynb", "my.ipynb")]
    ['hw1', 'hw1', None, None]
    """
    return next((name for name in known if re.match(rf"{re.escape(name)}(?![A-Za-z0-9])", file.stem)), None)


def _is_homework(file: Path, folder: Path, known: Sequence[str]) -> bool:
    inside = file.relative_to(folder).parts
    if file.name.endswith(".backup.ipynb") or any(part.startswith(".") for part in inside):
        return False
    if name_in(file, known):
        return True
    try:
        return any(cell.is_tests for cell in notebook.read(file))
    except NotebookError:  # somebody's notebook, but none that can be read, and not called like a homework
        return False


def _has_better_name(file: Path, found: Sequence[Path], known: Sequence[str]) -> bool:
    """Whether the homework is there under its very name too, so that this is another download of it."""
    name = name_in(file, known)
    return name is not None and file.stem != name and file.with_name(f"{name}.ipynb") in found
