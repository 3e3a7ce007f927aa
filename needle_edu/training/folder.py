"""The folder of a training: its checkpoint, its curves, its result. Each file is written whole or not at all."""

from __future__ import annotations

import importlib.util
import os
from functools import partial
from pathlib import Path
from typing import Any

from .. import checkpoints
from ..backend.errors import DataError
from . import curves
from .result import Result

RUNS = Path("runs")  # where `needle-edu train` puts folders that nobody has named
ENDINGS = (".safetensors", ".npz")


class Folder:
    """A folder with at most one training in it.

    Attributes
    ----------
    checkpoint : Path
        Of the training that is there; where one would go, if there is none. It is `checkpoint.safetensors` where the
        package safetensors is installed, else `checkpoint.npz`.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        names = [self.path / f"checkpoint{ending}" for ending in ENDINGS]
        usual = names[0] if importlib.util.find_spec("safetensors") else names[1]
        self.checkpoint = next((name for name in names if name.is_file()), usual)

    def begin(self, resume: bool) -> None:
        """See whether a training may begin here. The folder is made with the first checkpoint.

        Raises
        ------
        DataError
            If there is a training already and it shall not be resumed, or there is none that could be.
        """
        if self.checkpoint.is_file() and not resume:
            raise DataError(
                f"train: {self.path} holds a training already; --resume (resume=True) goes on with it, "
                "and another --out (out=) begins anew elsewhere"
            )
        if resume and not self.checkpoint.is_file():
            raise DataError(
                f"train: {self.path} holds no checkpoint to resume; leave out --resume (resume=True)"
            )

    def settings(self) -> dict[str, Any]:
        """With which settings the training here was begun, and of which application."""
        saved: dict[str, Any] = {}
        checkpoints.load(self.checkpoint, settings=saved)
        return saved

    def save(self, parts: dict[str, Any]) -> None:
        """Write the checkpoint.

        Raises
        ------
        OSError
            If the folder cannot be made or written to, or the disk is full. The last checkpoint is still there then.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        checkpoints.save(self.checkpoint, **parts)

    def load(self, parts: dict[str, Any]) -> None:
        """Give every part what the checkpoint has of it."""
        checkpoints.load(self.checkpoint, **parts)

    def write(self, result: Result) -> None:
        """Write `result.json`, and, where matplotlib is installed, `curves.png` and the application's `picture.png`."""
        result.write(self.path / "result.json")
        if curves.can_draw() and len(result.history):
            app, history = result.application, result.history
            paint = partial(curves.draw, history=history, title=app.name)
            curves.write(self.path / "curves.png", paint, curves.size(history))
            curves.write(self.path / "picture.png", partial(app.picture, history=history), (8, 6))


def fresh(name: str) -> Path:
    """A folder for a new training of an application that is not there yet: runs/mlp, runs/mlp-2, …

    Examples
    --------
    >>> fresh("nothing of this name").as_posix()
    'runs/nothing of this name'
    """
    path, count = RUNS / name, 1
    while path.exists():
        count += 1
        path = RUNS / f"{name}-{count}"
    return path


def latest(name: str) -> Path:
    """The folder of those that `fresh` has named with the newest checkpoint; the first name if there is none."""
    folders = [RUNS / name]
    folders += [path for path in RUNS.glob(f"{name}-*") if path.name.removeprefix(f"{name}-").isdecimal()]
    with_checkpoint = [folder for folder in map(Folder, folders) if folder.checkpoint.is_file()]
    newest = max(
        with_checkpoint, key=lambda folder: folder.checkpoint.stat().st_mtime, default=Folder(folders[0])
    )
    return newest.path
