"""Common-subexpression elimination: what was computed before is not computed again."""

from __future__ import annotations

from typing import Any

from needle_edu.graph.static.program import Instruction, Program

from .rewriting import rewritten

COMMUTATIVE = {"add", "multiply", "maximum", "minimum"}


def common_subexpressions(program: Program) -> Program:
    """Return the program in which the same op on the same operands stands once; equal constants, too.

    Ops are functions: the same op with the same attributes and operands gives the same numbers. For a sum or a product
    the order of the two operands does not matter.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x, y: (x * y).exp() + (y * x).exp(), ndl.Tensor([0.0]), ndl.Tensor([0.0]))
    >>> print(common_subexpressions(program))
    program lambda(%x: float32[1], %y: float32[1]) on cpu() {
      %0 = multiply(%x, %y) : float32[1]
      %1 = exp(%0) : float32[1]
      %4 = add(%1, %1) : float32[1]
      return %4
    }
    """
    known: dict[Any, str] = {}
    same_constant: dict[Any, str] = {}
    first = {
        name: same_constant.setdefault((numbers.dtype.name, numbers.shape, numbers.tobytes()), name)
        for name, numbers in program.constants.items()
    }

    def step(one: Instruction) -> Instruction | str:
        inputs = tuple([first.get(name, name) for name in one.inputs])
        key = signature(one, inputs)
        if key is not None:
            if key in known:
                return known[key]
            known[key] = one.name
        return one

    return rewritten(program, step)


def signature(one: Instruction, inputs: tuple[str, ...]) -> Any:
    """Return what is equal for two instructions exactly if they compute the same; None: it cannot be told."""
    if one.op.name in COMMUTATIVE:
        inputs = tuple(sorted(inputs))
    key = (type(one.op), one.op.name, _frozen(one.attributes), inputs)
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _frozen(value: Any) -> Any:
    """Return an attribute as something that can be a key: 1 and 1.0 and True differ, and so do 0.0 and -0.0."""
    if isinstance(value, dict):
        return tuple(sorted((name, _frozen(one)) for name, one in value.items()))
    if isinstance(value, (tuple, list)):
        return (type(value), *map(_frozen, value))
    if isinstance(value, slice):
        return slice, value.start, value.stop, value.step
    return type(value), repr(value) if isinstance(value, float) else value
