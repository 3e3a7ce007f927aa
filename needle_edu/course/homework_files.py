"""The files of a homework: its notebook, and what may lie beside it in the same folder.

Of the homework ``hw1`` these are ``hw1.ipynb``, and, where it has them, ``hw1_adapters.py`` (how tests put an answer to
work, see `needle_edu.course.adapters`) and ``hw1.toml`` (what an answer may use, see `needle_edu.course.limits`). A new
homework is a new folder; nothing else has to know of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from needle_edu.course import instructor, notebook
from needle_edu.course.instructor import ADAPTERS, BESIDE, LIMITS
from needle_edu.course.notebook import NotebookError


def homework_folder() -> Path:
    """Where the homeworks are: in the checkout, or inside the installed package."""
    from needle_edu.backend import paths

    return paths.notebooks_dir() / "homework"


def names() -> list[str]:
    """The homeworks of the course, e.g. ``["hw1"]``."""
    folder = homework_folder()
    return (
        sorted(p.name for p in folder.iterdir() if (p / f"{p.name}.ipynb").is_file())
        if folder.is_dir()
        else []
    )


def source_of(homework: str | Path) -> Path:
    """The file a homework is read from: by its name, or the path of a notebook, its folder or an archive."""
    path = Path(homework)
    if str(homework) in names():
        return homework_folder() / str(homework) / f"{homework}.ipynb"
    if path.suffix in (".ipynb", ".zip"):
        return path
    if path.is_dir():
        found = [p for p in path.glob("*.ipynb") if not p.name.endswith(".backup.ipynb")]
        found = [p for p in found if p.stem == path.resolve().name] or found
        if len(found) != 1:
            raise NotebookError(f"{path} holds {len(found)} notebooks; a homework's folder holds one")
        return found[0]
    raise NotebookError(f"there is no homework {str(homework)!r}; there are: {', '.join(names()) or 'none'}")


class Source(NamedTuple):
    """A homework as its files say it.

    Attributes
    ----------
    file_name : str
        The notebook's.
    tree : dict
        The notebook, see `notebook.tree_of`.
    beside : dict of str to str
        The texts of the other files, by how their names end: `ADAPTERS`, `LIMITS`.
    """

    file_name: str
    tree: dict
    beside: dict[str, str]


def read_source(path: Path) -> Source:
    """Read what `source_of` found, with the files beside it; an archive is read without unpacking it."""
    if path.suffix == ".zip":
        name, content, beside = instructor.read(path)
        return Source(name, notebook.tree_of(content, name), beside)
    return Source(path.name, notebook.read_tree(path), _beside(path.parent, path.stem))


def files_for_check(homework: str) -> dict[str, str]:
    """The files of a homework as `check` finds them from inside a notebook: the course's, or those beside it.

    Raises
    ------
    NotebookError
        If there are none.
    """
    here = homework_folder() / homework if homework in names() else Path.cwd()
    found = _beside(here, homework)
    if not found and homework not in names():
        raise NotebookError(
            f"check: of the homework {homework!r} there is no file {homework}{ADAPTERS} or {homework}{LIMITS} in "
            f"{here}; put beside the notebook what `needle-edu homework start` has written beside it"
        )
    return found


def _beside(folder: Path, homework: str) -> dict[str, str]:
    found = {}
    for end in BESIDE:
        path = folder / f"{homework}{end}"
        if path.exists() or path.is_symlink():
            found[end] = instructor.text_of(notebook.read_bytes(path), path.name)
    return found
