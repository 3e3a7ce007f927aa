"""The parts of the compiler, each by a name with which it can be chosen or left out.

A function becomes C in stages. First come the passes over the program, then those over its kernel calls; then calls are
joined, and what is left of the temporaries gets its place in memory. Without all of them the result is a list of
kernel calls with memory of its own for each temporary: the numbers of an ordinary run, by the same kernels. So one can
see what each part is worth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from needle_edu.backend.naming import a_kind
from needle_edu.graph.passes import PASSES, scheduling
from needle_edu.graph.passes.pipeline import Pass
from needle_edu.graph.static.program import Program

from .epilogue import epilogues
from .fusion import fuse
from .in_place import in_place
from .lowering import Lowered, lower
from .memory_plan import MemoryPlan, plan_memory
from .recomputed import recomputed
from .relu_slopes import relu_slopes
from .repeated_calls import repeated_calls
from .steps_in_backward import steps_in_backward

CALL_PASSES = (repeated_calls, relu_slopes, recomputed, in_place, steps_in_backward)
_OF_PROGRAMS: dict[str, Pass] = {one.__name__: one for one in PASSES}
_OF_CALLS = {one.__name__: one for one in CALL_PASSES}
PARTS = (
    *_OF_PROGRAMS,
    "scheduling",
    *_OF_CALLS,
    "fusion",
    "epilogues",
    "registers",
    "memory_planning",
    "donation",
)


@dataclass(frozen=True)
class Stages:
    """What a program has become before its text is written.

    Attributes
    ----------
    lowered : Lowered
        Its kernel calls.
    steps : list
        Those that are joined as one.
    memory : MemoryPlan
        Where temporaries lie.
    """

    lowered: Lowered
    steps: list
    memory: MemoryPlan


def staged(program: Program, parts: Iterable[str] = PARTS) -> Stages:
    """Lower a program, and let the chosen parts that work on kernel calls do their work.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x: ((x @ x).exp() + 1).sum(), ndl.Tensor([[0.0] * 64] * 64))
    >>> for parts in ((), ("memory_planning",), ("in_place", "fusion", "memory_planning")):
    ...     found = staged(program, parts)
    ...     print(len(found.steps), "steps,", found.memory.nbytes, "bytes")
    4 steps, 49152 bytes
    4 steps, 32768 bytes
    3 steps, 16384 bytes
    """
    chosen = set(parts)
    lowered = lower(scheduling(program) if "scheduling" in chosen else program)
    for name, change in _OF_CALLS.items():
        if name in chosen:
            lowered = change(lowered)
    steps: list[Any] = fuse(lowered) if "fusion" in chosen else list(lowered.calls)
    if "epilogues" in chosen:
        steps = epilogues(steps, program.device.runtime.program_language)
    return Stages(lowered, steps, plan_memory(lowered, steps, "memory_planning" in chosen))


def program_passes(parts: Iterable[str]) -> list[Pass]:
    """Return the chosen passes over programs, in their order in `parts`.

    Examples
    --------
    >>> [one.__name__ for one in program_passes(["fusion", "dead_code", "algebra"])]
    ['dead_code', 'algebra']
    """
    return [_OF_PROGRAMS[name] for name in parts if name in _OF_PROGRAMS]


def chosen_parts(who: str, parts: Any) -> tuple[str, ...]:
    """Return the names of parts, all of them for None.

    Raises
    ------
    TypeError, ValueError
        If it is no list of names, or there is no such part.

    Examples
    --------
    >>> chosen_parts("compile", ["fusion", "fission"])
    Traceback (most recent call last):
        ...
    ValueError: compile: there is no part 'fission'; the parts are constant_folding, algebra, common_subexpressions, \
dead_code, layout, scheduling, repeated_calls, relu_slopes, recomputed, in_place, steps_in_backward, fusion, \
epilogues, registers, memory_planning, donation
    """
    if parts is None:
        return PARTS
    if isinstance(parts, str) or not isinstance(parts, (list, tuple)):
        raise TypeError(f"{who}: passes is a list of names, such as {list(PARTS[:2])}; got {a_kind(parts)}")
    for name in parts:
        if name not in PARTS:
            raise ValueError(f"{who}: there is no part {name!r}; the parts are {', '.join(PARTS)}")
    return tuple(parts)
