"""All passes in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from needle_edu.backend import NeedleError
from needle_edu.graph.static.checks import check_program
from needle_edu.graph.static.program import Program
from needle_edu.graph.static.validation import GraphError, validate

from .algebra import algebra
from .common_subexpressions import common_subexpressions
from .constant_folding import constant_folding
from .dead_code import dead_code
from .layout import layout

Pass = Callable[[Program], Program]

# Constants first, since rules look at them; what became the same is merged; what nobody needs any more goes; and the
# layout of what is left is chosen.
PASSES: tuple[Pass, ...] = (constant_folding, algebra, common_subexpressions, dead_code, layout)


def optimize(program: Program, passes: Iterable[Pass] = PASSES) -> Program:
    """Return the program after these passes, each checked to have made a program.

    Raises
    ------
    GraphError
        If a pass returns something that is no program; it is named.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x: x * 1 + x.exp() * x.exp(), ndl.Tensor([0.0]))
    >>> [one.op.name for one in optimize(program).body]
    ['exp', 'multiply', 'add']
    """
    check_program("optimize", program)
    inferred: dict[Any, Any] = {}
    for one in passes:
        program = checked(one, program, inferred)
    return program


def checked(one: Pass, program: Program, inferred: dict[Any, Any] | None = None) -> Program:
    """Return what a pass makes of a program, or say that it is none."""
    name = getattr(one, "__name__", repr(one))
    made = one(program)
    if not isinstance(made, Program):
        raise NeedleError(f"{name}: a pass returns a Program, got {type(made).__name__}")
    try:
        return validate(made, inferred)
    except GraphError as error:
        raise GraphError(f"after the pass {name}: {error}") from None
