"""A program as text; `parse` (text.py) reads it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from needle_edu.ndarray import NDArray

from .array_type import Type, type_text

if TYPE_CHECKING:
    from .program import Program

LONGEST = 16  # constants of more elements are not printed


def to_text(program: Program) -> str:
    """Return a program as text; `parse` reads it."""
    inputs = ", ".join(f"%{name}: {type_}" for name, type_ in program.inputs.items())
    lines = [f"program {program.name}({inputs}) on {program.device!r} {{"]
    lines += [f"  source %{name}: {type_}" for name, (type_, _) in program.sources.items()]
    for name, numbers in program.constants.items():
        shown = numbers.ravel().tolist() if numbers.size <= LONGEST else "..."
        lines.append(f"  constant %{name}: {Type(numbers.shape, numbers.dtype.name)} = {shown}")
    for one in program.body:
        given = ", ".join(f"%{name}" for name in one.inputs)
        attributes = ", ".join(f"{name}: {_shown(value)}" for name, value in one.attributes.items())
        extra = f" {{{attributes}}}" if attributes else ""
        lines.append(f"  %{one.name} = {one.op.name}({given}){extra} : {type_text(one.type)}")
    owners = {source.owner: name for name, (_, source) in program.sources.items()}
    for name, target in program.updates:
        lines.append(f"  update %{owners.get(target.owner, '?')}.{target.attribute} = %{name}")
    lines.append(f"  return {', '.join('%' + name for name in program.outputs)}")
    return "\n".join([*lines, "}"])


def _shown(value: Any) -> str:
    if isinstance(value, np.dtype):
        return repr(value.name)
    if isinstance(value, NDArray):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        return f"array({value.tolist() if value.size <= LONGEST else Ellipsis}, {value.dtype.name!r})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value))}{',' * (len(value) == 1)})"
    return repr(value)
