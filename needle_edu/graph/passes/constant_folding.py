"""Constant folding: what depends on constants alone is computed now, once."""

from __future__ import annotations

from typing import Any

import numpy as np

from needle_edu.autograd.arrays import enter, to_numpy
from needle_edu.graph.static.array_type import Type
from needle_edu.graph.static.program import Instruction, Program

from .rewriting import rewritten

LARGEST = (
    4096  # results of more bytes than this, and than their operands, are cheaper to compute than to keep
)


def constant_folding(program: Program) -> Program:
    """Return the program with constants in the place of instructions that take nothing else.

    They are computed by the program's device, so the numbers are those that a run would have computed.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x: x + ndl.Tensor([2.0]) * 3, ndl.Tensor([0.0]))
    >>> print(constant_folding(program))
    program lambda(%x: float32[1]) on cpu() {
      constant %c0: float32[1] = [2.0]
      constant %0: float32[1] = [6.0]
      %1 = add(%x, %0) : float32[1]
      return %1
    }
    """
    constants = dict(program.constants)

    def step(one: Instruction) -> Instruction | str:
        if (
            not isinstance(one.type, Type)
            or not one.inputs
            or any(name not in constants for name in one.inputs)
        ):
            return one
        operands = [constants[name] for name in one.inputs]
        if one.type.nbytes > max(LARGEST, sum(numbers.nbytes for numbers in operands)):
            return one
        constants[one.name] = computed(one, operands, program.device)
        return one.name

    folded = rewritten(program, step)
    return folded.with_(constants=constants)


def computed(one: Instruction, operands: list[np.ndarray], device: Any) -> np.ndarray:
    """Return what an instruction makes of these numbers on a device."""
    return to_numpy(one.op.computed([enter(numbers, device, numbers.dtype) for numbers in operands]))
