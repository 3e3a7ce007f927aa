"""What was timed, one piece of work after the other, and the same pieces added up."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from needle_edu.autograd import events


@dataclass(frozen=True, slots=True)
class Span:
    """One piece of work: an operation, a contribution to an adjoint, or a call of a compiled program's kernel.

    Attributes
    ----------
    op : str
        Name of the op; ``matmul.vjp0`` is the contribution of a matmul to the adjoint of its first operand,
        ``accumulate`` the sum of two contributions.
    phase : str
        "forward" or "backward"; "program" for a compiled one, which knows no phases.
    began_ns, took_ns : int
        By `time.perf_counter_ns`; nanoseconds.
    flops, nbytes : int
        Floating-point operations, by the count of `nn.summary`; bytes of the arrays read and written, each once.
    module : str
        Path of the nn module, or "".
    line : (str, int) or None
        File and line of the user's code that asked for it; backward, for the op it belongs to.
    thread : int
        0 for the first thread that was heard of.
    """

    op: str
    phase: str
    began_ns: int
    took_ns: int
    flops: int
    nbytes: int
    module: str = ""
    line: tuple[str, int] | None = None
    thread: int = 0

    @property
    def place(self) -> str:
        """The line as text, "train.py:12"; in a notebook "cell:12"."""
        if not self.line:
            return ""
        file, line = self.line
        return f"{'cell' if events.is_cell(file) else os.path.basename(file)}:{line}"


@dataclass(frozen=True, slots=True)
class Row:
    """All spans of one op in one phase, module and line.

    Attributes
    ----------
    op, phase, module, place : str
    calls, took_ns, flops, nbytes : int
        How many spans, and their sums.
    """

    op: str
    phase: str
    module: str
    place: str
    calls: int
    took_ns: int
    flops: int
    nbytes: int

    @property
    def intensity(self) -> float:
        """Arithmetic intensity: operations for each byte moved; 0 where no byte is moved."""
        return self.flops / self.nbytes if self.nbytes else 0.0

    @property
    def gflops(self) -> float:
        """Speed: 10⁹ operations in a second."""
        return self.flops / self.took_ns if self.took_ns else 0.0


def rows_of(spans: Iterable[Span]) -> list[Row]:
    """Return spans added up, in the order in which each kind came first.

    Examples
    --------
    >>> spans = [Span("exp", "forward", k, 100, 10, 80) for k in (0, 200)]
    >>> [(row.op, row.calls, row.took_ns, row.flops, row.intensity) for row in rows_of(spans)]
    [('exp', 2, 200, 20, 0.125)]
    """
    sums: dict[tuple, list[int]] = {}
    for one in spans:
        sums_of_kind = sums.setdefault((one.op, one.phase, one.module, one.place), [0, 0, 0, 0])
        for k, number in enumerate((1, one.took_ns, one.flops, one.nbytes)):
            sums_of_kind[k] += number
    return [Row(*kind, *numbers) for kind, numbers in sums.items()]
