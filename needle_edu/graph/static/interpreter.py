"""Running a program instruction by instruction, with the device's kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from needle_edu.autograd import Tensor
from needle_edu.autograd.arrays import enter

from .array_type import Type, array_types
from .checks import check_program
from .structure import flatten
from .unknown import CaptureError

if TYPE_CHECKING:
    from .program import Program


def run(program: Program, *arguments: Any) -> Any:
    """Compute a program, write its updates, and return its outputs.

    An array is forgotten after its last use, so what an ordinary run would keep for `backward` does not pile up.

    Parameters
    ----------
    program : Program
    *arguments : Tensor, array or number, or what the captured function took
        Of the types of the program's inputs.

    Returns
    -------
    What the captured function returned: tensors without a history.

    Raises
    ------
    CaptureError
        If the arguments are not of the types the program was captured with.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x: x * 2 + 1, ndl.Tensor([0.0]))
    >>> run(program, ndl.Tensor([3.0]))
    Tensor([7.], requires_grad=False)
    """
    check_program("run", program)
    values = arguments_of(program, arguments)
    for name, (type_, source) in program.sources.items():
        values[name] = source.read()
        check_type(program, name, type_, values[name])
    for name, numbers in program.constants.items():
        values[name] = enter(numbers, program.device, numbers.dtype)
    last = last_uses(program)
    for place, one in enumerate(program.body):
        values[one.name] = one.op.computed([values[name] for name in one.inputs])
        for name in last.get(place, ()):
            del values[name]
    for name, target in program.updates:
        target.write(values[name])
    return program.unflatten([Tensor.make_const(values[name]) for name in program.outputs])


def arguments_of(program: Program, arguments: tuple) -> dict[str, Any]:
    """Return name → array of what the caller gave."""
    leaves, _ = flatten(arguments)
    if len(leaves) != len(program.inputs):
        raise CaptureError(f"{program.name}: takes {len(program.inputs)} tensors, got {len(leaves)}")
    values = {}
    for (name, type_), leaf in zip(program.inputs.items(), leaves, strict=True):
        array = leaf.realize_cached_data() if isinstance(leaf, Tensor) else enter(leaf, program.device)
        check_type(program, name, type_, array)
        values[name] = array
    return values


def check_type(program: Program, name: str, type_: Type, array: Any) -> None:
    """Raise unless an array is of the type that the program was captured with."""
    found = array_types(array)
    if found != type_ or array.device is not program.device:
        raise CaptureError(
            f"{program.name}: %{name} is {type_} on {program.device!r}, got {found} on {array.device!r}; capture the "
            "function again for other shapes, dtypes and devices"
        )


def last_uses(program: Program) -> dict[int, list[str]]:
    """Return for each instruction, by its place, the values that nobody reads after it."""
    at: dict[str, int] = {}
    for place, one in enumerate(program.body):
        at[one.name] = place  # a result that nobody reads goes at once
        for name in one.inputs:
            at[name] = place
    for name in program.results():
        at.pop(name, None)
    freed: dict[int, list[str]] = {}
    for name, place in at.items():
        freed.setdefault(place, []).append(name)
    return freed
