"""Checkpoints: a model, and whatever else training needs to go on, in one file.

The file holds one plain array per name, such as `model/layer.weight`, and nothing in it is code (no pickle): a
checkpoint from a stranger is only numbers. Its name says the format: `run.safetensors` is one that other frameworks
read as well, and needs the package safetensors; any other name, such as `run.npz`, gives NumPy's zip archive, which
needs nothing. Reading looks at the content instead.

Saving writes a second file and then puts it in place of the first in one move: a crash, a full disk or a power cut in
between leaves the old checkpoint whole. What a training needs to go on bit for bit as if nothing had happened:

    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "loader": loader,
             "random": checkpoints.RandomNumbers(), "progress": {"epoch": epoch, "step": step}}
    checkpoints.save("run.safetensors", **parts)
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.errors import DataError
from ..backend.files import whole_file
from . import archive, tensors
from .parts import RandomNumbers, as_part

__all__ = ["RandomNumbers", "load", "save"]


def save(path: str | os.PathLike, /, **parts: Any) -> None:
    """Write the state of every part to the file `path`.

    Parameters
    ----------
    path : path
        `.safetensors` at its end gives that format, any other name NumPy's `.npz`.
    **parts : objects with a `state_dict()`, or dicts of numbers
        Modules, optimisers, schedulers, loaders, `RandomNumbers()`, each under a name that `load` must be given again.

    Raises
    ------
    TypeError
        If a part has no `state_dict()`.
    DataError
        If a state holds something else than numbers and words. Nothing is written then.
    ImportError
        If the package safetensors is needed and not installed.
    OSError
        If the disk is full or the folder may not be written to. The old checkpoint is still there then.

    Examples
    --------
    >>> import os, tempfile
    >>> from needle_edu import nn, optim
    >>> path = os.path.join(tempfile.mkdtemp(), "run.npz")
    >>> model = nn.Linear(2, 1)
    >>> save(path, model=model, optimizer=optim.SGD(model.parameters()), progress={"epoch": 3})
    >>> other, progress = nn.Linear(2, 1), {}
    >>> load(path, model=other, progress=progress)
    >>> bool((other.weight.numpy() == model.weight.numpy()).all()), progress
    (True, {'epoch': 3})
    """
    arrays: dict[str, np.ndarray] = {}
    for part, thing in parts.items():
        state = as_part("checkpoints.save", part, thing, "state_dict").state_dict()
        for name, value in state.items():
            array = arrays[f"{part}/{name}"] = readable(value)
            if array.dtype.kind not in "biufU" or (array.dtype.kind == "U" and array.ndim):
                raise DataError(
                    f"checkpoints.save: {part}: {name} is no number and no array of numbers: {value!r:.60}"
                )
    form = tensors if os.fspath(path).endswith(tensors.ENDING) else archive
    pieces = form.encode(arrays)
    with whole_file(path, "wb") as file:
        for piece in pieces:
            file.write(piece)


def load(path: str | os.PathLike, /, **parts: Any) -> None:
    """Give every part the state that `save` wrote under its name. All parts, or, after an error, none.

    Parameters
    ----------
    path : path
        Of either format, whatever its name.
    **parts : objects with `state_dict()` and `load_state_dict(state)`, or dicts
        Not all that was saved need be loaded: `load(path, model=model)` takes the model alone. A dict gets the saved
        numbers as entries.

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
    ImportError
        If the package safetensors is needed and not installed.

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
    parts = {
        part: as_part("checkpoints.load", part, thing, "load_state_dict") for part, thing in parts.items()
    }
    arrays = arrays_of(path)
    found = sorted({name.partition("/")[0] for name in arrays})
    states: dict[str, dict[str, np.ndarray]] = {part: {} for part in parts}
    for name, array in arrays.items():
        part, _, rest = name.partition("/")
        if part in states:
            states[part][rest] = array
    before = {part: parts[part].state_dict() for part in parts}
    for part in parts:
        if part not in found and before[part]:
            raise DataError(f"{path}: found the parts {found}, expected one named {part!r}")
    try:
        _give(parts, states)
    except BaseException:  # an interrupt, for instance
        _give(parts, before)
        raise


def _give(parts: dict[str, Any], states: dict[str, dict[str, np.ndarray]]) -> None:
    for part, thing in parts.items():
        thing.load_state_dict(states[part])


def arrays_of(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """All arrays of a checkpoint by name."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        return (tensors if tensors.looks_like(content) else archive).decode(content)
    except ImportError:
        raise
    except Exception as error:  # damaged bytes make the readers of zip and npy raise almost anything
        raise DataError(
            f"{path}: found a file that cannot be read as a checkpoint ({error}), expected one written by "
            "checkpoints.save"
        ) from error


def __dir__() -> list[str]:
    return sorted(__all__)
