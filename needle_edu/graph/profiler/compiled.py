"""Profiling a compiled program: its C function once more, which also writes down when each kernel call ended.

The text is that of the program, with a line that reads the clock after each step. It is compiled apart, so the program
that is not profiled knows nothing of it. Reading the clock takes some 25 ns on most machines.
"""

from __future__ import annotations

import time
from typing import Any

from needle_edu.graph.compiled.c_source import CSource
from needle_edu.graph.compiled.call_tools import pairs, written
from needle_edu.graph.compiled.epilogue import Rows
from needle_edu.graph.compiled.executable import Executable
from needle_edu.graph.compiled.fusion import Fused, Step
from needle_edu.graph.compiled.lowering import Buffer, Call, buffers
from needle_edu.graph.compiled.memory_plan import named
from needle_edu.graph.static.array_type import Type, Types
from needle_edu.graph.static.program import Instruction, Program
from needle_edu.nn.flops import flops

from .report import Report
from .spans import Span

CLOCK = """\
#include <time.h>

/* Nanoseconds, by the clock that Python's perf_counter_ns reads. */
static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}
"""


class TimedSource(CSource):
    """The text of a program that notes in its table K when it began, and when each step ended."""

    def __init__(self, lowered: Any, steps: Any, *more: Any):
        self.ticks = [0] * (len(steps) + 1)  # cffi makes an array of it, as of every list in the table
        self._ticked = 0
        super().__init__(lowered, steps, *more)

    def _text(self) -> str:
        begin = (
            f"  int e;\n  int64_t *ticks = {self._argument(self.ticks, 'int64_t *')};\n  ticks[0] = now();"
        )
        head, rest = super()._text().split("\n\n", 1)
        return f"{head}\n{CLOCK}\n{rest.replace('  int e;', begin, 1)}"

    def fused(self, k: int, step: Fused, blocks: list[str]) -> list[str]:
        return [*super().fused(k, step, blocks), self._tick()]

    def rows(self, k: int, step: Rows, blocks: list[str]) -> list[str]:
        return [*super().rows(k, step, blocks), self._tick()]

    def _call(self, k: int, call: Call) -> list[str]:
        return [*super()._call(k, call), self._tick()]

    def _tick(self) -> str:
        self._ticked += 1
        return f"  ticks[{self._ticked}] = now();"


class TimedExecutable(Executable):
    """A compiled program that knows afterwards when each step of its latest call began and ended."""

    writer = TimedSource

    def times(self) -> list[int]:
        """Return when the latest call began, and when each of its steps ended."""
        ticks = self._kept[
            next(k for k, (one, _) in enumerate(self.written.table) if one is self.written.ticks)
        ]
        return list(ticks)


class KernelProfile(Report):
    """The steps of a compiled program, timed in C; `profile` makes it.

    Attributes
    ----------
    source : str
        The C text that was timed.
    result
        What the last run returned.
    """

    def __init__(self, program: Program, runs: int, arguments: tuple):
        timed = TimedExecutable(program)
        self.source = timed.source
        self.runs = runs
        self.spans = []
        facts = [_facts(program, step, last) for step, last in _with_last(timed.steps)]
        began = time.perf_counter_ns()
        for _ in range(runs):
            self.result = timed(*arguments)
            ticks = timed.times()
            for k, (op, counted, nbytes, one) in enumerate(facts):
                took = ticks[k + 1] - ticks[k]
                self.spans.append(Span(op, "program", ticks[k], took, counted, nbytes, one.module, one.line))
        self.wall_ns = time.perf_counter_ns() - began


def _with_last(steps: list[Step | Rows]) -> list[tuple[Step | Rows, set[str]]]:
    """Return each step with the instructions whose last kernel call is in it: there their operations are counted."""
    last = {call.of.name: k for k, step in enumerate(steps) for call in calls_of(step)}
    return [(step, {name for name, place in last.items() if place == k}) for k, step in enumerate(steps)]


def _facts(program: Program, step: Step | Rows, last: set[str]) -> tuple[str, int, int, Instruction]:
    """Return what a step is called, its operations and bytes, and an instruction that it belongs to."""
    calls = calls_of(step)
    instructions = list({call.of.name: call.of for call in calls}.values())
    types = program.types()
    counted = sum(
        flops(one.op.name, one.op.attrs, [_shape(types[name]) for name in one.inputs], _shape(one.type))
        for one in instructions
        if one.name in last
    )
    return " + ".join([one.op.name for one in instructions]), counted, _moved(step), instructions[-1]


def _moved(step: Step | Rows) -> int:
    """Return how many bytes a step reads from memory, and writes; what it makes itself it finds in the cache."""
    outer = set(named(step))
    read: set[Buffer] = set()
    made: set[Buffer] = set()
    for call in calls_of(step):
        given = call.arguments if call.kernel == "optimizer_steps" else [one for _, one in pairs(call)]
        read |= set(buffers(given)) - made
        made |= set(written(call))
    return sum(one.nbytes for one in outer & read) + sum(one.nbytes for one in outer & made)


def calls_of(step: Step | Rows) -> tuple[Call, ...]:
    """Return the kernel calls of a step."""
    return step.calls if isinstance(step, Fused | Rows) else (step,)


def _shape(types: Types) -> Any:
    return types.shape if isinstance(types, Type) else tuple([_shape(one) for one in types])
