"""Program: a static graph in text order, each value computed once and never changed.

A program has inputs, which the caller gives; sources, which it looks up itself at each run, such as a model's
parameters; constants; a body of instructions; and outputs. Every value has a name (``%3``) and a type. After a run,
updates write values into tensors: gradients, or parameters that were trained. This form is called static single
assignment: since no value changes, an instruction may be moved, merged or left out by looking at names alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from needle_edu.autograd.op import Op, attribute_names

from .array_type import Type, Types
from .flags import Flags
from .interpreter import run
from .writing import to_text


class Source(Protocol):
    """Where a program finds an array at each run; `read` returns it. A target of the same owner may write there."""

    owner: Any

    def read(self) -> Any: ...


class Target(Protocol):
    """Where a program leaves a result after each run: an attribute of an owner."""

    owner: Any
    attribute: str

    def write(self, array: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Instruction:
    """One operation.

    Attributes
    ----------
    name : str
        Of the result, without ``%``.
    op : Op
        As it was made, with its attributes.
    inputs : tuple of str
        Names of the operands.
    type : Type, or tuple of Type
        Of the result.
    module : str
        Path of the nn module that was being called, or "". In a backward pass, that of the op it is the vjp of.
    line : (str, int) or None
        File and line of the code that it comes from.
    """

    name: str
    op: Op
    inputs: tuple[str, ...]
    type: Types
    module: str = ""
    line: tuple[str, int] | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """What the op was made with besides its inputs."""
        return attributes(self.op)


@dataclass(frozen=True)
class Program:
    """A static graph.

    Attributes
    ----------
    name : str
    device : Device
        Where it computes.
    inputs, sources, constants : dict
        Name → type of what the caller gives; → (type, `Source`); → NumPy array.
    body : tuple of Instruction
        Each after those whose results it takes.
    outputs : tuple of str
        Names of what is returned.
    updates : tuple of (str, Target)
        What is written where after a run.
    unflatten : callable
        Makes the caller's result of the list of output arrays.
    flags : Flags
        Which tensors wanted gradients, which modules were training.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x: x * x + 1, ndl.Tensor([3.0]))
    >>> len(program.body), program.outputs
    (2, ('1',))
    """

    name: str
    device: Any
    inputs: dict[str, Type]
    sources: dict[str, tuple[Type, Any]] = field(default_factory=dict)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    body: tuple[Instruction, ...] = ()
    outputs: tuple[str, ...] = ()
    updates: tuple[tuple[str, Any], ...] = ()
    unflatten: Callable[[list], Any] = field(default=tuple, compare=False)
    flags: Flags = field(default_factory=Flags, compare=False)

    def with_(self, **changes: Any) -> Program:
        """Return a program that differs in these attributes."""
        return replace(self, **changes)

    def types(self) -> dict[str, Types]:
        """Name → type of every value."""
        found: dict[str, Types] = dict(self.inputs)
        found |= {name: type_ for name, (type_, _) in self.sources.items()}
        found |= {name: Type(array.shape, array.dtype.name) for name, array in self.constants.items()}
        found |= {one.name: one.type for one in self.body}
        return found

    def results(self) -> Iterator[str]:
        """Names that must be there at the end: the outputs, and what is written somewhere."""
        yield from self.outputs
        for name, _ in self.updates:
            yield name

    def uses(self) -> dict[str, int]:
        """How often each value is read, by an instruction or at the end."""
        count = dict.fromkeys(self.types(), 0)
        for one in self.body:
            for name in one.inputs:
                count[name] += 1
        for name in self.results():
            count[name] += 1
        return count

    def __call__(self, *arguments: Any) -> Any:
        """Run the program; see `run`."""
        return run(self, *arguments)

    def __str__(self) -> str:
        return to_text(self)

    def __repr__(self) -> str:
        return f"<Program {self.name}: {len(self.body)} instructions>"


def attributes(op: Op) -> dict[str, Any]:
    """Return what an op was made with: the arguments that its class's constructor kept, but for defaults.

    Examples
    --------
    >>> from needle_edu import ops
    >>> attributes(ops.Summation(axes=(0,)))
    {'axes': (0,)}
    """
    op = getattr(op, "of_op", op)  # those of a vjp are the op's
    cls: Any = type(op)
    kept = {name: getattr(op, name, _ABSENT) for name in attribute_names(cls)}
    given = {name: value for name, value in kept.items() if value is not _ABSENT}
    usual = _defaults(cls)
    return {name: value for name, value in given.items() if not _same(value, usual.get(name, _ABSENT))}


@lru_cache(1024)
def _defaults(cls: Any) -> dict[str, Any]:
    if cls.__init__ is object.__init__:
        return {}
    parameters = inspect.signature(cls.__init__).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}


def _same(value: Any, usual: Any) -> bool:
    return (
        type(value) is type(usual)
        and isinstance(value, (int, float, str, bool, type(None)))
        and value == usual
    )


_ABSENT: Any = object()
