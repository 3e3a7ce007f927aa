"""What passes share: going through a program while values are replaced by others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from needle_edu.graph.static.program import Instruction, Program

Rename = dict[str, str]


def rewritten(program: Program, step: Callable[[Instruction], Instruction | str]) -> Program:
    """Return a program in which each instruction is what `step` makes of it.

    `step` gets the instruction with its operands already replaced. It returns the instruction, or another one of the
    same name, or the name of a value to use in its place.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x: (x * 1) + 2, ndl.Tensor([0.0]))
    >>> print(rewritten(program, lambda one: one.inputs[0] if one.op.name == "mul_scalar" else one))
    program lambda(%x: float32[1]) on cpu() {
      %1 = add_scalar(%x) {scalar: 2} : float32[1]
      return %1
    }
    """
    new: Rename = {}
    body: list[Instruction] = []
    for one in program.body:
        found = step(replace(one, inputs=renamed(one.inputs, new)))
        if isinstance(found, str):
            new[one.name] = found
        else:
            body.append(found)
    return program.with_(
        body=tuple(body),
        outputs=renamed(program.outputs, new),
        updates=tuple([(new.get(name, name), target) for name, target in program.updates]),
    )


def renamed(names: tuple[str, ...], new: Rename) -> tuple[str, ...]:
    """Return names with some replaced."""
    return tuple([new.get(name, name) for name in names])
