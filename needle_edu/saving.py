"""`save(thing, path)` and `load(path)`: what training wants to keep, in one file, under the names PyTorch has for it.

A thing is a tensor, an array, a number, a text, or a dict, list or tuple of things; a module or an optimiser stands for
its `state_dict()`. The file is a checkpoint's `.npz` archive: plain arrays, and a text in JSON that says how they hang
together. Nothing in it is code, so that a file from a stranger can be loaded. To load into a model and check the shapes
in one go, see `needle_edu.checkpoints`.
"""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from .autograd import Tensor
from .autograd.arrays import readable
from .backend.errors import DataError
from .backend.files import whole_file
from .backend.naming import a_kind
from .checkpoints import arrays_of

__all__ = ["load", "save"]

_STRUCTURE = "structure"


def save(thing: Any, path: str | os.PathLike) -> None:
    """Write a thing to the file `path`, whole or not at all.

    Parameters
    ----------
    thing : Tensor, array, number, text, None, or a dict, list or tuple of such; a module or an optimiser
    path : path

    Raises
    ------
    DataError
        If there is something else in it. Nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> from needle_edu import nn
    >>> path, model = os.path.join(tempfile.mkdtemp(), "run.npz"), nn.Linear(2, 1)
    >>> save({"model": model.state_dict(), "epoch": 3}, path)
    >>> load(path)["epoch"]
    3
    >>> model.load_state_dict(load(path)["model"])
    Mismatch(missing_keys=[], unexpected_keys=[])
    """
    if isinstance(thing, (str, os.PathLike)) and not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"save: the thing comes first, then the path; got {thing!r:.60} and {a_kind(path)}")
    arrays: dict[str, Any] = {}
    arrays[_STRUCTURE] = np.array(json.dumps(_described(thing, arrays, "it")))
    with whole_file(path, "wb") as file:
        np.savez(file, **arrays)


def load(path: str | os.PathLike) -> Any:
    """Return what `save` wrote: tensors as tensors, all other arrays as NumPy's.

    Raises
    ------
    DataError
        If the file is damaged or was not written by `save`.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "x.npz")
    >>> save([Tensor([1.0, 2.0]), "two"], path)
    >>> load(path)
    [Tensor([1., 2.]), 'two']
    """
    arrays = arrays_of(path)
    try:
        if _STRUCTURE not in arrays:
            raise KeyError("it has no structure; what checkpoints.save wrote is read by checkpoints.load")
        return _built(json.loads(arrays[_STRUCTURE].item()), arrays)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path}: found a file that load cannot read ({error}), expected one of save's"
        ) from error


def _described(thing: Any, arrays: dict[str, np.ndarray], place: str) -> Any:
    """The thing as JSON has it, its arrays put aside; `place` is where it stands, for errors."""
    if thing is None or isinstance(thing, (bool, int, float, str)) and not isinstance(thing, np.generic):
        return thing
    if isinstance(thing, dict):
        pairs = [(key, value, f"{place}[{key!r}]") for key, value in thing.items()]
        return {
            "dict": [[_described(key, arrays, at), _described(value, arrays, at)] for key, value, at in pairs]
        }
    if isinstance(thing, (list, tuple)):
        kind = "list" if isinstance(thing, list) else "tuple"
        return {kind: [_described(part, arrays, f"{place}[{k}]") for k, part in enumerate(thing)]}
    if not isinstance(thing, type) and hasattr(thing, "state_dict"):
        return _described(thing.state_dict(), arrays, place)
    if isinstance(thing, (Tensor, np.ndarray, np.generic)) or hasattr(thing, "__array_namespace__"):
        array = readable(thing)
        if array.dtype.kind in "biufU":
            name = f"array{len(arrays)}"
            arrays[name] = array
            return (
                {"tensor": name, "grad": thing.requires_grad}
                if isinstance(thing, Tensor)
                else {"array": name}
            )
    raise DataError(
        f"save: {place} is {a_kind(thing)}; wanted tensors, arrays, numbers, texts, and dicts, lists and "
        "tuples of them, or a module or an optimiser"
    )


def _built(text: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The thing again."""
    if not isinstance(text, dict):
        return text
    if "dict" in text:
        return {_built(key, arrays): _built(value, arrays) for key, value in text["dict"]}
    if "list" in text:
        return [_built(part, arrays) for part in text["list"]]
    if "tuple" in text:
        return tuple([_built(part, arrays) for part in text["tuple"]])
    if "tensor" in text:
        array = arrays[text["tensor"]]
        return Tensor(array, dtype=array.dtype.name, requires_grad=bool(text["grad"]))
    return arrays[text["array"]]


def __dir__() -> list[str]:
    return sorted(__all__)
