r"""Algebraic simplification: rules that hold for every number, to the last bit.

That leaves out many rules of school. :math:`x + 0` is not :math:`x` if x is −0; :math:`x \cdot 0` is not 0 if x is inf
or nan; :math:`(a + b) + c` and :math:`a + (b + c)` round differently. Each rule below looks at one instruction, and at
those that made its operands; it returns a value or an instruction to use instead, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from needle_edu.autograd.registry import slot
from needle_edu.graph.static.array_type import Types
from needle_edu.graph.static.program import Instruction, Program

from .rewriting import rewritten


class Known:
    """What a rule may ask: types, the instruction that made a value, constants."""

    def __init__(self, program: Program):
        self.types: dict[str, Types] = program.types()
        self.constants = program.constants
        self.makers: dict[str, Instruction] = {}

    def maker(self, name: str, op: str) -> Instruction | None:
        """Return the instruction that made a value, if it is one of this op."""
        found = self.makers.get(name)
        return found if found is not None and found.op.name == op else None


Rule = Callable[[Instruction, Known], "Instruction | str | None"]
RULES: dict[str, list[Rule]] = {}


def rule(*ops: str) -> Callable[[Rule], Rule]:
    """Enter a rule for instructions of these ops."""

    def enter(function: Rule) -> Rule:
        for op in ops:
            RULES.setdefault(op, []).append(function)
        return function

    return enter


@rule("mul_scalar", "divide_scalar", "power_scalar")
def by_one(one: Instruction, known: Known) -> Instruction | str | None:
    """X · 1 = x / 1 = x ** 1 = x"""
    return one.inputs[0] if getattr(one.op, "scalar", None) == 1 and _as_it_was(one, known) else None


@rule("multiply")
def by_ones(one: Instruction, known: Known) -> Instruction | str | None:
    """X · (1, …, 1) = x"""
    for ones, x in (one.inputs, one.inputs[::-1]):
        numbers = known.constants.get(ones)
        if numbers is not None and np.all(numbers == 1) and known.types[x] == one.type:
            return x
    return None


@rule("negate")
def twice_negated(one: Instruction, known: Known) -> Instruction | str | None:
    """−(−x) = x"""
    inner = known.maker(one.inputs[0], "negate")
    return inner.inputs[0] if inner is not None else None


@rule("relu", "abs")
def twice(one: Instruction, known: Known) -> Instruction | str | None:
    """Relu(relu(x)) = relu(x), ||x|| = |x|"""
    return one.inputs[0] if known.maker(one.inputs[0], one.op.name) is not None else None


@rule("reshape", "broadcast_to", "astype")
def nothing_to_do(one: Instruction, known: Known) -> Instruction | str | None:
    """A value of this shape and dtype is there already"""
    return one.inputs[0] if _as_it_was(one, known) else None


@rule("reshape")
def reshaped_twice(one: Instruction, known: Known) -> Instruction | str | None:
    """The last shape decides"""
    inner = known.maker(one.inputs[0], "reshape")
    return None if inner is None else replace(one, inputs=inner.inputs)


@rule("transpose")
def transposed_twice(one: Instruction, known: Known) -> Instruction | str | None:
    """(xᵀ)ᵀ = x, where both swap the same axes"""
    inner = known.maker(one.inputs[0], "transpose")
    return inner.inputs[0] if inner is not None and inner.attributes == one.attributes else None


@rule("permute")
def permuted_twice(one: Instruction, known: Known) -> Instruction | str | None:
    """One permutation after another is one permutation"""
    inner = known.maker(one.inputs[0], "permute")
    if inner is None:
        return None
    first, second = inner.attributes["axes"], one.attributes["axes"]
    axes = tuple([first[axis] for axis in second])
    if axes == tuple(range(len(axes))):
        return inner.inputs[0]
    return replace(one, op=slot("permute").cls(axes), inputs=inner.inputs)


@rule("tuple_get_item")
def part_of_a_tuple(one: Instruction, known: Known) -> Instruction | str | None:
    """(a, b)[1] = b"""
    inner = known.maker(one.inputs[0], "make_tuple")
    return None if inner is None else inner.inputs[one.attributes["index"]]


def algebra(program: Program) -> Program:
    """Return the program after these rules.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x: (-(-x)).T.T * 1 + 1, ndl.Tensor([[0.0]]))
    >>> from needle_edu.graph.passes import dead_code
    >>> print(dead_code(algebra(program)))
    program lambda(%x: float32[1,1]) on cpu() {
      %5 = add_scalar(%x) {scalar: 1} : float32[1,1]
      return %5
    }
    """
    known = Known(program)

    def step(one: Instruction) -> Instruction | str:
        found: Instruction | str = one
        for simpler in RULES.get(one.op.name, ()):
            assert isinstance(found, Instruction)
            found = simpler(found, known) or found
            if isinstance(found, str):
                return found
        assert isinstance(found, Instruction)
        known.makers[one.name] = found
        return found

    return rewritten(program, step)


def _as_it_was(one: Instruction, known: Known) -> bool:
    return known.types[one.inputs[0]] == one.type
