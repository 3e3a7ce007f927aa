"""Checkpoints: a model, and whatever else training needs to go on, in one file.

The file is NumPy's `.npz`: a zip archive with one plain array per name, such as `model/layer.weight`. Nothing
in it is code (no pickle), so a checkpoint from a stranger is only numbers. Saving writes a second file and
then puts it in place of the first in one move: a crash in between leaves the old checkpoint whole.
"""

from __future__ import annotations

import os
import zipfile
from typing import Any

import numpy as np

from .autograd.arrays import readable
from .backend.errors import DataError
from .backend.files import whole_file

__all__ = ["load", "save"]


def save(path: str | os.PathLike, /, **parts: Any) -> None:
    """Write the state of every part to the file `path`.

    Parameters
    ----------
    path : path
        The name is taken as it is; `.npz` is usual.
    **parts : objects with a `state_dict()`
        Modules and optimisers, each under a name that `load` must be given again.

    Raises
    ------
    TypeError
        If a part has no `state_dict()`.
    DataError
        If a state holds something else than numbers. Nothing is written then.

    Examples
    --------
    >>> import os, tempfile
    >>> from needle_edu import nn, optim
    >>> path = os.path.join(tempfile.mkdtemp(), "run.npz")
    >>> model = nn.Linear(2, 1)
    >>> save(path, model=model, optimizer=optim.SGD(model.parameters()))
    >>> other = nn.Linear(2, 1)
    >>> load(path, model=other)
    >>> bool((other.weight.numpy() == model.weight.numpy()).all())
    True
    """
    arrays: dict[str, Any] = {}
    for part, thing in parts.items():
        if isinstance(thing, type) or not hasattr(thing, "state_dict"):
            raise TypeError(
                f"checkpoints.save: {part} is a {type(thing).__name__}, wanted a module or an optimiser"
            )
        for name, value in thing.state_dict().items():
            array = arrays[f"{part}/{name}"] = readable(value)
            if array.dtype.hasobject:
                raise DataError(
                    f"checkpoints.save: {part}: {name} is no number and no array of numbers: {value!r:.60}"
                )
    with whole_file(path, "wb") as file:
        np.savez(file, **arrays)


def load(path: str | os.PathLike, /, **parts: Any) -> None:
    """Give every part the state that `save` wrote under its name. All parts, or, after an error, none.

    Parameters
    ----------
    path : path
    **parts : objects with `state_dict()` and `load_state_dict(state)`
        Not all that was saved need be loaded: `load(path, model=model)` takes the model alone.

    Raises
    ------
    DataError
        If the file is no checkpoint, is damaged, or has no such part.
    ShapeError, DTypeError
        If it is of a model of other sizes.
    FileNotFoundError
        If there is no such file.
    TypeError
        If a part has no `load_state_dict()`.

    Examples
    --------
    >>> import tempfile
    >>> from needle_edu import nn
    >>> path = os.path.join(tempfile.mkdtemp(), "run.npz")
    >>> save(path, model=nn.Linear(2, 1))
    >>> load(path, model=nn.Linear(5, 1))
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.ShapeError: Linear.load_state_dict: weight: got shape (2, 1), wanted (5, 1)
    """
    for part, thing in parts.items():
        if isinstance(thing, type) or not hasattr(thing, "load_state_dict"):
            raise TypeError(
                f"checkpoints.load: {part} is a {type(thing).__name__}, wanted a module or an optimiser"
            )
    arrays = archive(path)
    found = sorted({name.partition("/")[0] for name in arrays})
    states: dict[str, dict[str, np.ndarray]] = {part: {} for part in parts}
    for name, array in arrays.items():
        part, _, rest = name.partition("/")
        if part in states:
            states[part][rest] = array
    for part in parts:
        if part not in found and parts[part].state_dict():
            raise DataError(f"{path}: found the parts {found}, expected one named {part!r}")
    before = {part: parts[part].state_dict() for part in parts}
    try:
        _give(parts, states)
    except BaseException:  # an interrupt, for instance
        _give(parts, before)
        raise


def _give(parts: dict[str, Any], states: dict[str, dict[str, np.ndarray]]) -> None:
    for part, thing in parts.items():
        thing.load_state_dict(states[part])


def archive(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """All arrays of an `.npz` file by name."""
    with open(path, "rb") as file:
        try:
            if not zipfile.is_zipfile(file):
                raise ValueError("no zip archive, or one cut short")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except OSError:
            raise
        except Exception as error:  # damaged bytes make the readers of zip and npy raise almost anything
            raise DataError(
                f"{path}: found a file that cannot be read as a checkpoint ({error}), expected an .npz archive "
                "of plain arrays written by checkpoints.save"
            ) from error


def __dir__() -> list[str]:
    return sorted(__all__)
