"""An optimiser's memory as arrays with names, for a checkpoint, and back: all of it or nothing.

The names: "lr" is a setting, "groups.1.lr" the same of the second group, "m.0" what is remembered of the first
parameter under the name m.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd import Tensor
from ..autograd.arrays import readable
from ..backend.errors import DataError, ShapeError

if TYPE_CHECKING:
    from .optimizer import Optimizer


def state_dict(optimizer: Optimizer) -> dict[str, np.ndarray]:
    """Name → array of all that `optimizer` remembers."""
    saved: dict[str, np.ndarray] = {}
    for k, group in enumerate(optimizer.param_groups):
        for name in (*optimizer.hyperparameters, *optimizer._options_in_use(group)):
            saved[_prefix(k) + name] = np.asarray(group[name])
    for memory in (*optimizer.memories, *optimizer.extras, *optimizer.counters, *optimizer.numbers):
        for place, array in getattr(optimizer, memory).items():
            saved[f"{memory}.{place}"] = np.array(array)
    return saved


def load_state_dict(optimizer: Optimizer, saved: Mapping[str, Any]) -> None:
    """Give `optimizer` what `state_dict` gave; after an error it is as it was."""
    who = f"{type(optimizer).__name__}.load_state_dict"
    counted = range(len(optimizer.param_groups))
    needed = [_prefix(k) + name for k in counted for name in optimizer.hyperparameters]
    missing = [name for name in needed if name not in saved]
    if missing:
        raise DataError(f"{who}: the saved state is of another kind of optimiser: missing {missing}")
    settings = {
        _prefix(k) + name: (k, name)
        for k in counted
        for name in (*optimizer.hyperparameters, *optimizer.options)
    }
    groups = [{**group, **optimizer.options} for group in optimizer.param_groups]
    memories, scalars = (*optimizer.memories, *optimizer.extras), (*optimizer.counters, *optimizer.numbers)
    state: dict[int, dict[str, Any]] = {}
    for name, value in saved.items():
        memory, _, place = name.partition(".")
        if name in settings:
            k, setting = settings[name]
            groups[k][setting] = _setting(optimizer, who, setting, value)
            continue
        known = memory in memories or memory in scalars
        if not known or not place.isdecimal() or int(place) >= len(optimizer.params):
            raise DataError(f"{who}: {name!r} belongs to no parameter of this optimiser")
        kept = state.setdefault(int(place), {})
        if memory in optimizer.counters:
            kept[memory] = _count(who, name, value)
        elif memory in optimizer.numbers:
            kept[memory] = _number(who, name, value)
        else:
            kept[memory] = _average(who, name, value, optimizer.params[int(place)])
    wanted = [*optimizer.memories, *scalars]
    if any(not set(wanted) <= kept.keys() for kept in state.values()):
        raise DataError(f"{who}: a parameter has only a part of {wanted}")
    for group in groups:
        try:
            optimizer.check_group(group)
        except ValueError as error:
            raise DataError(f"{who}: {error}") from error
    new: dict[str, Any] = {"param_groups": groups, "state": state}
    for memory in (*memories, *scalars):
        if memory in vars(optimizer):  # an optimiser that keeps a dict of its own under this name
            new[memory] = {place: kept[memory] for place, kept in state.items() if memory in kept}
    vars(optimizer).update(new)  # one call: all or nothing


def _prefix(group: int) -> str:
    return f"groups.{group}." if group else ""


def _setting(optimizer: Optimizer, who: str, name: str, value: Any) -> Any:
    """A saved setting as a Python number (an option may be a word) that makes sense."""
    array = readable(value)
    if array.ndim or array.dtype.kind not in ("iufbU" if name in optimizer.options else "iuf"):
        raise DataError(f"{who}: {name} is one number, got {value!r:.60}")
    try:
        optimizer.check_hyperparameter(name, array.item())
    except ValueError as error:
        raise DataError(f"{who}: {error}") from error
    return array.item()


def _count(who: str, name: str, value: Any) -> int:
    """A saved counter as a Python integer."""
    array = readable(value)
    if array.ndim or array.dtype.kind not in "iu" or array < 0:
        raise DataError(f"{who}: {name} is a whole number of at least 0, got {value!r:.60}")
    return int(array)


def _number(who: str, name: str, value: Any) -> float:
    """A saved number as a Python float."""
    array = readable(value)
    if array.ndim or array.dtype.kind not in "iuf" or not np.isfinite(array):
        raise DataError(f"{who}: {name} is one finite number, got {value!r:.60}")
    return float(array)


def _average(who: str, name: str, value: Any, p: Tensor) -> Any:
    """A saved average as an array of the kind that its parameter has."""
    try:
        array = readable(value)
    except ValueError as error:
        raise DataError(f"{who}: {name}: rows of different lengths make no array") from error
    if array.dtype.kind not in "iuf":
        raise DataError(f"{who}: {name} is an array of numbers, got {value!r:.60}")
    if array.shape != p.shape:
        raise ShapeError(f"{who}: {name}: got shape {array.shape}, wanted {p.shape}")
    return Tensor(array, device=p.device, dtype=p.dtype).cached_data
