"""Handing out the course's notebooks: a copy in the reader's own folder, renewed when the course is.

The reader runs and edits the copy, so the sources stay as they are and `git pull` goes through. A small record in the
folder, `.handed-out.json`, keeps a digest of each file as it was handed out. By it the next run can tell a notebook
that the reader has changed (a cell's text: it is kept, and named) from one that was only run (outputs: it is renewed,
and the one with the outputs is set aside in `earlier/`). Nothing a reader has written or computed is ever deleted.

Homework is left out: its sources carry the solutions; `needle-edu homework start` writes a student's copy.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from needle_edu.backend.files import whole_file

RECORD = ".handed-out.json"
EARLIER = "earlier"


@dataclass
class Handout:
    """What was done, by the names of the files in the folder."""

    written: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def lines(self, folder: Path) -> Iterator[str]:
        """What the reader should know, a sentence a line."""
        done = {"new": self.written, "renewed": self.renewed, "removed": self.removed}
        counts = ", ".join(f"{len(names)} {word}" for word, names in done.items() if names)
        yield f"the course is in {folder}" + (f" ({counts})." if counts else ".")
        if self.set_aside:
            yield f"the copies that you had run are set aside, with their outputs: {', '.join(self.set_aside)}"
        if self.kept:
            yield (
                f"kept as you have changed it: {', '.join(self.kept)}. To get the course's new edition, rename yours "
                "and run this again."
            )


def hand_out(source: Path, folder: Path) -> Handout:
    """Bring the copy of `source` in `folder` up to date, keeping all that is the reader's.

    Parameters
    ----------
    source : Path
        The course's notebooks.
    folder : Path
        The reader's copy; made if it is not there.

    Raises
    ------
    OSError
        If the folder cannot be written to. What was copied until then stays; the next run goes on from there.
    """
    record, done = _read_record(folder), Handout()
    places = set()
    for file in _files(source):
        place = file.relative_to(source).as_posix()
        places.add(place)
        _bring(file.read_bytes(), folder, place, record, done)
    for place in record.keys() - places:
        _withdraw(folder, place, record, done)
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
    if text != _read_text(folder / RECORD):
        with whole_file(folder / RECORD, encoding="utf-8") as copy:
            copy.write(text)
    return done


def is_course(folder: Path) -> bool:
    """Whether `folder` is a reader's copy."""
    return (folder / RECORD).is_file()


def bring_home(notebooks: Path, folder: Path) -> list[str]:
    """Move what a reader once wrote as `my-…` in a checkout's own `notebooks` to `folder`, where it is served now.

    A homework that was started at the top of the checkout is linked to instead: there, it is in nobody's way. Returns
    a sentence for each.
    """
    said = []
    for work in sorted(notebooks.glob("my-*")):
        folder.mkdir(parents=True, exist_ok=True)
        target = _free(folder / work.name)
        shutil.move(work, target)
        said.append(f"your work in {work} is now in {target}")
    for work in sorted(notebooks.parent.glob("my-*")):
        target = folder / work.name
        if any(work.glob("hw*.ipynb")) and not target.exists() and not target.is_symlink():
            folder.mkdir(parents=True, exist_ok=True)
            target.symlink_to(Path("..") / work.name)
            said.append(f"your work in {work} is linked to as {target}")
    return said


def _files(source: Path) -> Iterator[Path]:
    for file in sorted(source.rglob("*")):
        parts = file.relative_to(source).parts
        if file.is_file() and parts[0] != "homework" and ".ipynb_checkpoints" not in parts:
            yield file


def _bring(new: bytes, folder: Path, place: str, record: dict[str, list[str]], done: Handout) -> None:
    """Write one file of the course, or leave the reader's."""
    target = folder / place
    text, given = _text_digest(new, place), record.get(place, ["", ""])
    old = target.read_bytes() if target.exists() else None
    if old is None:
        done.written.append(place)
    elif old != new:
        old_text, untouched = _text_digest(old, place), _digest(old) == given[1]
        if old_text == text and not untouched:  # this very edition, with the reader's outputs
            record[place] = [text, _digest(new)]
            return
        if old_text not in (
            text,
            given[0],
        ):  # changed; named at each run until the reader has the new edition
            done.kept += [place] if given[0] != text else []
            return
        if not untouched:
            done.set_aside.append(_set_aside(folder, place))
        done.renewed.append(place)
    if old != new:
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target, "wb") as copy:  # on a full disk nothing is better than half a notebook
            copy.write(new)
    record[place] = [text, _digest(new)]


def _withdraw(folder: Path, place: str, record: dict[str, list[str]], done: Handout) -> None:
    """Take away a file that the course has no more, unless the reader has changed it."""
    target, given = folder / place, record.pop(place)
    if not target.is_file():
        return
    old = target.read_bytes()
    if _digest(old) == given[1]:
        target.unlink()
    elif _text_digest(old, place) == given[0]:
        done.set_aside.append(_set_aside(folder, place))
    else:
        return
    done.removed.append(place)


def _set_aside(folder: Path, place: str) -> str:
    """Move a file to `earlier/`, never over another; return its new name in the folder."""
    target = folder / EARLIER / place
    target.parent.mkdir(parents=True, exist_ok=True)
    target = _free(target)
    (folder / place).rename(target)
    return target.relative_to(folder).as_posix()


def _free(path: Path) -> Path:
    """`path`, or with a number if there is something of this name."""
    count, free = 1, path
    while free.exists() or free.is_symlink():
        count += 1
        free = path.with_name(f"{path.stem}-{count}{path.suffix}")
    return free


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _text_digest(data: bytes, place: str) -> str:
    """A digest of what people write in a notebook: the cells' kinds and texts, and not what running them leaves."""
    if not place.endswith(".ipynb"):
        return _digest(data)
    try:
        cells = json.loads(data)["cells"]
        parts = [[c["cell_type"], "".join(c["source"]), c.get("attachments")] for c in cells]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # a file like others
        return _digest(data)
    return _digest(json.dumps(parts, sort_keys=True).encode())


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _read_record(folder: Path) -> dict[str, list[str]]:
    """What was handed out, by name; without a readable record nothing counts as handed out, so all is kept."""
    try:
        told = json.loads(_read_text(folder / RECORD) or "{}")
        record = {str(place): [str(text), str(data)] for place, (text, data) in told.items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return {place: given for place, given in record.items() if _is_inside(place)}


def _is_inside(place: str) -> bool:
    path = PurePosixPath(place)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts
