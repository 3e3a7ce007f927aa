"""What the learner calls a tensor: the names of the variables that hold it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from types import FrameType
from typing import Any

from needle_edu.autograd import Value
from needle_edu.autograd.events import value_id


def variable_names(frame: FrameType | None) -> list[tuple[Any, str]]:
    """Tensors that the learner's variables hold, with the variables' names.

    A drawing that says `W` and `loss` is easier to read than one that says `x2` and `v7`. Looks at local variables,
    then global ones: tensors, lists and dicts of tensors, and modules, whose parameters are called as in
    `named_parameters`. Names that begin with an underscore (IPython's history) are left out.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> def f():
    ...     w, rest = ndl.Tensor([1.0]), [ndl.Tensor([2.0])]
    ...     return variable_names(sys._getframe())
    >>> [name for _, name in f()][:1], "rest[0]" in [name for _, name in f()]
    (['w'], True)
    """
    if frame is None:
        return []
    found: list[tuple[Any, str]] = []
    module_class = getattr(sys.modules.get("needle_edu.nn"), "Module", ())
    spaces: list[Mapping[str, Any]] = [dict(frame.f_locals)]
    if frame.f_globals is not frame.f_locals:
        spaces.append(dict(frame.f_globals))
    late: list[tuple[Any, str]] = []  # a plain variable names a tensor better than its place in a list
    for space in spaces:
        for name, thing in space.items():
            if name.startswith("_"):
                continue
            if isinstance(thing, Value):
                found.append((thing, name))
            elif isinstance(thing, (list, tuple)) and len(thing) <= 100:
                late += [(x, f"{name}[{i}]") for i, x in enumerate(thing) if isinstance(x, Value)]
            elif isinstance(thing, dict) and len(thing) <= 100:
                late += [(x, str(key)) for key, x in thing.items() if isinstance(x, Value)]
            elif module_class and isinstance(thing, module_class):
                late += [(x, f"{name}.{path}") for path, x in thing.named_parameters()]
    return found + late


def names_by_id(names: Iterable[tuple[Any, str]], values: Iterable[Value]) -> dict[int, str]:
    """The names of `values`, by value id, from pairs of a value and its name; the first of two names wins."""
    wanted = {id(value) for value in values}
    return {value_id(value): name for value, name in reversed(list(names)) if id(value) in wanted}
