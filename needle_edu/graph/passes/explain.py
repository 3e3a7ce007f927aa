"""What each pass did, in numbers and line by line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from needle_edu.graph.static.array_type import Type
from needle_edu.graph.static.checks import check_program
from needle_edu.graph.static.program import Program

from .pipeline import PASSES, Pass, checked


@dataclass(frozen=True)
class Explanation:
    """A program after each pass.

    Attributes
    ----------
    names : tuple of str
        Of the passes.
    programs : tuple of Program
        The first one, and what each pass made of it.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> found = explain(ndl.graph.capture(lambda x: x * 1 + 1, ndl.Tensor([0.0])))
    >>> print(found.diff("dead_code"))
    <BLANKLINE>
    >>> print(found.diff("algebra"))
     program lambda(%x: float32[1]) on cpu() {
    -  %0 = mul_scalar(%x) {scalar: 1} : float32[1]
    -  %1 = add_scalar(%0) {scalar: 1} : float32[1]
    +  %1 = add_scalar(%x) {scalar: 1} : float32[1]
       return %1
     }
    """

    names: tuple[str, ...]
    programs: tuple[Program, ...]

    def diff(self, name: str) -> str:
        """Return what a pass took away (-) and put in (+), with the lines around."""
        if name not in self.names:
            raise ValueError(f"diff: no pass {name!r} was run; there are {', '.join(self.names)}")
        place = self.names.index(name)
        before, after = (str(program).splitlines() for program in self.programs[place : place + 2])
        lines = difflib.unified_diff(before, after, n=2, lineterm="")
        return "\n".join([line for line in lines if not line.startswith(("---", "+++", "@@"))])

    def __str__(self) -> str:
        rows = [f"{'pass':<22}{'instructions':>14}{'bytes':>14}"]
        last = None
        for name, program in zip(("", *self.names), self.programs, strict=True):
            count = len(program.body)
            change = f"{count - last:+d}" if last not in (None, count) else ""
            rows.append(f"{name:<22}{count:>9}{change:>7}{bytes_made(program):>12,}")
            last = count
        return "\n".join(row.rstrip() for row in rows)

    __repr__ = __str__


def explain(program: Program, passes: Iterable[Pass] = PASSES) -> Explanation:
    """Run passes over a program, and keep what each one made.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> found = explain(ndl.graph.capture(lambda x: x * 1 + 1, ndl.Tensor([0.0])))
    >>> [len(program.body) for program in found.programs]
    [2, 2, 1, 1, 1, 1]
    """
    check_program("explain", program)
    passes = tuple(passes)
    programs = [program]
    for one in passes:
        programs.append(checked(one, programs[-1]))
    return Explanation(tuple([getattr(one, "__name__", repr(one)) for one in passes]), tuple(programs))


def bytes_made(program: Program) -> int:
    """Return the bytes of all results of instructions."""
    total = 0
    for one in program.body:
        total += sum(part.nbytes for part in ((one.type,) if isinstance(one.type, Type) else one.type))
    return total
