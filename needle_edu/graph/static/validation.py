"""Is it a program? The rules that every pass may rely on, and must keep."""

from __future__ import annotations

from typing import Any

from needle_edu.backend import NeedleError

from .array_type import Type, Types, array_types, type_text
from .checks import check_program
from .program import Instruction, Program
from .unknown import stand_in, without_numbers


class GraphError(NeedleError):
    """Something is no program; the message names the value and the rule."""


def validate(program: Program, inferred_before: dict[Any, Any] | None = None) -> Program:
    """Return the program, or say which rule it breaks.

    The rules: every value has a name of its own; an operand is defined before its use (so there is no cycle); each
    instruction's type is what its op makes of the operands' types; what is returned or written is defined, and what is
    written fits its place.

    Parameters
    ----------
    program : Program
    inferred_before : dict, optional
        For several programs with the same ops, as after each pass: types that were inferred once are kept here.

    Raises
    ------
    GraphError

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x: x * 2 + 1, ndl.Tensor([0.0]))
    >>> try:
    ...     validate(program.with_(body=program.body[::-1]))
    ... except GraphError as error:
    ...     print(str(error)[:54])
    lambda: %1 = add_scalar(%0): %0 is not defined before;
    """
    check_program("validate", program)
    memory = {} if inferred_before is None else inferred_before
    known: dict[str, Types] = {}
    for name, type_ in (*program.inputs.items(), *((k, t) for k, (t, _) in program.sources.items())):
        _define(program, known, name, type_, "an input")
    for name, numbers in program.constants.items():
        _define(program, known, name, Type(numbers.shape, numbers.dtype.name), "a constant")
    for one in program.body:
        where = f"{program.name}: {described(one)}"
        for name in one.inputs:
            if name not in known:
                raise GraphError(
                    f"{where}: %{name} is not defined before; an operand is an input or the result of an earlier "
                    "instruction"
                )
        operands = [known[name] for name in one.inputs]
        key = id(one.op), *operands
        if key not in memory:
            memory[key] = one.op, infer(one, operands, where)  # with the op, so that its id stays its own
        inferred = memory[key][1]
        if inferred != one.type:
            raise GraphError(
                f"{where}: its type is {type_text(one.type)}, but the op makes {type_text(inferred)} of these operands"
            )
        _define(program, known, one.name, one.type, "an instruction")
    for name in program.outputs:
        if name not in known:
            raise GraphError(f"{program.name}: the output %{name} is not defined")
    for name, target in program.updates:
        if name not in known:
            raise GraphError(f"{program.name}: an update writes %{name}, which is not defined")
        tensor = getattr(target, "tensor", None)
        if tensor is not None and known[name] != array_types(tensor.realize_cached_data()):
            raise GraphError(
                f"{program.name}: an update writes %{name}, {type_text(known[name])}, into the {target.attribute} of a "
                f"tensor of type {type_text(array_types(tensor.realize_cached_data()))}"
            )
    return program


def infer(one: Instruction, operands: list[Types], where: str = "") -> Types:
    """Return the type of an instruction's result, by computing it without numbers.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> one = ndl.graph.capture(lambda x: x.sum(0), ndl.Tensor([[0.0, 0.0]])).body[0]
    >>> print(infer(one, [Type((5, 7), "float32")]))
    float32[7]
    """

    def made(type_: Any) -> Any:
        return stand_in(type_.shape, type_.dtype) if isinstance(type_, Type) else tuple(map(made, type_))

    try:
        return array_types(without_numbers(one.op).computed([made(type_) for type_ in operands]))
    except (NeedleError, TypeError, ValueError) as error:
        shown = ", ".join(map(type_text, operands))
        raise GraphError(f"{where or described(one)}: the op does not take {shown}: {error}") from None


def described(one: Instruction) -> str:
    """Return an instruction without its type."""
    return f"%{one.name} = {one.op.name}({', '.join('%' + name for name in one.inputs)})"


def _define(program: Program, known: dict[str, Types], name: str, type_: Types, what: str) -> None:
    if name in known:
        raise GraphError(
            f"{program.name}: {what} is called %{name}, as another value is; each has a name of its own"
        )
    known[name] = type_
