"""What the text of a program is made of: remarks, numbers, chains as expressions, steps, and what a call is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from needle_edu.backend.optimizer_steps import Numbers

from .fusion import Fused
from .lowering import Buffer, Call, Lowered, buffers
from .registers import TYPES

Types = dict[str, tuple[str, ...]]  # of kernels' arguments, by their names


def elements(
    step: Fused, outer: list[Buffer], expression_of: Callable[[Call, list[str], int], str]
) -> list[str]:
    """Return a chain as C for element i; p0, p1, … are the arrays that others see, too."""
    values, lines, said = {one: f"p{i}[i]" for i, one in enumerate(outer)}, [], None
    last = {call.arguments[2]: place for place, call in enumerate(step.calls)}  # that writes a buffer
    for place, call in enumerate(step.calls):
        if call.of is not said:
            said = call.of
            lines.append(f"    {remark(call)}")
        _, _, out, *operands = call.arguments
        given = [values[one] if type(one) is Buffer else number(float(one)) for one in operands]
        lines.append(f"    const {TYPES[out.dtype]} t{place} = {expression_of(call, given, place)};")
        values[out] = f"t{place}"
        if out in outer and last[out] == place:
            lines.append(f"    p{outer.index(out)}[i] = t{place};")
    return lines


def slots_of(step: Fused) -> tuple[dict[Buffer, int], int]:
    """Return a block of memory for each temporary of a step; after its last use another one has it."""
    last = {
        one: place for place, call in enumerate(step.calls) for one in call.arguments if type(one) is Buffer
    }
    slots: dict[Buffer, int] = {}
    free: list[int] = []
    count = 0
    for place, call in enumerate(step.calls):
        out = call.arguments[2]
        if out in step.inner and out not in slots:
            if not free:
                free, count = [count], count + 1
            slots[out] = free.pop()
        free += [slots[one] for one in set(call.arguments[2:]) if one in slots and last[one] == place]
    return slots, count


def numbers_read(lowered: Lowered, types: Types) -> set[Buffer]:
    """Return the buffers that stand where a kernel takes a number, not an address."""
    found: set[Buffer] = set()
    for call in lowered.calls:
        if call.kernel == "optimizer_steps":
            found |= {row[-1] for row in call.arguments[2] if type(row[-1]) is Buffer}
        else:
            pairs = zip(call.arguments, types[call.kernel], strict=True)
            found |= {one for one, type_ in pairs if type(one) is Buffer and "*" not in type_}
    return found


def pointers_of(call: Call, types: Types) -> set[Buffer]:
    """Return the buffers whose addresses a call is given."""
    if call.kernel == "optimizer_steps":
        return set(buffers([row[:-1] for row in call.arguments[2]]))
    pairs = zip(call.arguments, types[call.kernel], strict=True)
    return set(buffers([one for one, type_ in pairs if "*" in type_]))


def remark(call: Call) -> str:
    """Return a comment that says which instruction a call belongs to."""
    given = ", ".join(f"%{name}" for name in call.of.inputs)
    return f"/* %{call.of.name} = {call.of.op.name}({given if len(given) < 80 else '...'}) */"


def step_text(
    row: Sequence[Any], n: str, address: Callable[[Any], str], address_of_numbers: Callable[[Any], str]
) -> str:
    """Return n elements of a parameter's row of an optimiser's call as a struct nd_step."""
    kind, _, out, p, g, memories, numbers = row
    if isinstance(numbers, Numbers):
        told = f"{{{', '.join(number(float(one)) for one in numbers)}}}"
    else:
        told = f"*(const nd_step_numbers *)({address_of_numbers(numbers)})"
    pointers = [address(one) for one in (out, p, g)]
    kept = ", ".join(map(address, memories)) or "0"
    return f"{{{int(kind)}, {n}, {', '.join(pointers)}, {{{kept}}}, {told}}}"


def place_from(one: Buffer) -> str:
    return f" + i * {one.itemsize}" if one.itemsize > 1 else " + i"


def number(value: float) -> str:
    if value != value:
        return '__builtin_nan("")'
    if value in (float("inf"), float("-inf")):
        return f"{'-' if value < 0 else ''}__builtin_inf()"
    return value.hex()
