"""A program as a C function: the calls of its kernels, one after the other.

The function takes the arena, the addresses of arguments and results, and a table of what does not change: constants,
plans and small arrays. It returns 0, or which call failed and how.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from needle_edu.backend.optimizer_steps import Numbers

from .fusion import BLOCK, Fused, Step
from .lowering import Buffer, Call, Lowered, buffers
from .memory_plan import MemoryPlan, named

GRAIN = 8192  # elements that are worth another thread, for a chain of kernels

HEAD = """\
#include "needle_kernels.h"

/* T: the arena of temporaries; A: arguments, then results; K: constants, plans and sizes. */
#define CALL(k, call) if ((e = (call))) return (k) << 16 | (e & 0xFFFF)

"""


class CSource:
    """The text, and what its table K has to hold.

    Attributes
    ----------
    text : str
    table : list
        For each place of K: a buffer with constant numbers, or a kernel's argument that is a plan or a list, with the
        C type that the kernel takes.
    results : list of Buffer
        What lies behind the arguments in A.
    on_host : set of Buffer
        Arguments whose numbers the function itself reads: their addresses in A are those of host memory.
    """

    head = HEAD
    signature = "int run(char *T, void **A, const void **K) {"

    def __init__(
        self, lowered: Lowered, steps: Sequence[Step], plan: MemoryPlan, types: dict[str, tuple[str, ...]]
    ):
        self.lowered, self.steps, self.plan, self.types = lowered, steps, plan, types
        self.table: list[tuple[Any, str]] = []
        self._known: dict[int, int] = {}
        arguments = [buffer for buffer, _ in lowered.arguments.values()]
        self._arguments = {id(buffer): k for k, buffer in enumerate(arguments)}
        self.on_host = numbers_read(lowered, types)
        held = {id(one): one for one, _ in lowered.results.values() if one.kind == "temporary"}
        self.results = list(held.values())
        self._arguments |= {key: len(arguments) + k for k, key in enumerate(held)}
        self.text = self._text()

    def _text(self) -> str:
        blocks: list[str] = []
        lines = [
            f"/* {self.lowered.program.name} */",
            self.signature,
            "  int e;",
        ]
        said, k = None, 0
        for step in self.steps:
            if isinstance(step, Fused):
                lines += self.fused(k, step, blocks)
                k += len(step.calls)
                continue
            if step.of is not said:
                said = step.of
                lines.append(f"  {remark(step)}")
            lines += self._call(k, step)
            k += 1
        return self.head + "\n".join([*blocks, *lines, "  return 0;", "}", ""])

    def fused(self, k: int, step: Fused, blocks: list[str]) -> list[str]:
        """Write a step's calls as a function of a range of elements, and return the line that calls it."""
        outer = list(dict.fromkeys(named(step)))
        places = {one: f"(char *)P[{i}]{_from(one)}" for i, one in enumerate(outer)}
        places |= {one: f"t{i}" for i, one in enumerate(step.inner)}
        body = [
            f"static void fused_{k}(void *context, int64_t from, int64_t to) {{",
            "  void **P = context;",
            *[
                f"  char t{i}[{BLOCK * one.itemsize}] __attribute__((aligned(64)));"
                for i, one in enumerate(step.inner)
            ],
            f"  for (int64_t i = from; i < to; i += {BLOCK}) {{",
            f"    const int64_t n = to - i < {BLOCK} ? to - i : {BLOCK};",
        ]
        said = None
        for call in step.calls:
            if call.of is not said:
                said = call.of
                body.append(f"    {remark(call)}")
            types = self.types[call.kernel]
            code, _, *rest = call.arguments
            given = [places[one] if type(one) is Buffer else self._argument(one, type_)
                     for one, type_ in zip(rest, types[2:], strict=True)]  # fmt: skip
            body.append(f"    nd_{call.kernel}({code}, n, {', '.join(given)});")
        blocks += [*body, "  }", "}", ""]
        pointers = ", ".join(f"(void *)({self.pointer(one)})" for one in outer)
        return [
            f"  {{ void *P[] = {{{pointers}}};",
            f"    nd_parallel_for({step.n}, {GRAIN}, fused_{k}, P); }}",
        ]

    def _call(self, k: int, call: Call) -> list[str]:
        types = self.types[call.kernel]
        if call.kernel == "optimizer_steps":
            return self._steps(k, call)
        given = [self._argument(one, type_) for one, type_ in zip(call.arguments, types, strict=True)]
        return [f"  CALL({k}, nd_{call.kernel}({', '.join(given)}));"]

    def _argument(self, one: Any, type_: str) -> str:
        if type(one) is Buffer:
            # A number that is known only when the program runs lies in a buffer of one element.
            return self.pointer(one) if "*" in type_ else f"*(const {type_} *)({self.pointer(one)})"
        if isinstance(one, (list, tuple)) and any(type(part) is Buffer for part in one):
            return f"({type_.replace('*const *', '*[]').replace('* *', '*[]')}){{{', '.join(map(self.pointer, one))}}}"
        if isinstance(one, bool):
            return str(int(one))
        if isinstance(one, int):
            return (
                f"({-(2**63) + 1}LL - 1)"
                if one == -(2**63)
                else f"{one}LL"
                if abs(one) >= 2**31
                else str(one)
            )
        if isinstance(one, float):
            return number(one)
        if not one and not isinstance(one, (list, tuple)):  # NULL
            return "0"
        return f"({type_})K[{self._place(one, type_)}]"

    def _steps(self, k: int, call: Call) -> list[str]:
        code, count, rows = call.arguments
        lines = [f"  {{ nd_step steps[{count}] = {{"]
        for kind, n, out, p, g, memories, numbers in rows:
            told = f"*(const nd_step_numbers *)({self.pointer(numbers)})"
            if isinstance(numbers, Numbers):
                told = f"{{{', '.join(number(float(one)) for one in numbers)}}}"
            pointers = [self.pointer(one) for one in (out, p, g)]
            kept = ", ".join(map(self.pointer, memories)) or "0"
            lines.append(f"      {{{int(kind)}, {n}, {', '.join(pointers)}, {{{kept}}}, {told}}},")
        return [*lines, "    };", f"    CALL({k}, nd_optimizer_steps({code}, {count}, steps)); }}"]

    def pointer(self, one: Any) -> str:
        if type(one) is not Buffer:
            return "0"
        if one.kind == "constant":
            return f"(void *)K[{self._place(one, 'void *')}]"
        place = self._arguments.get(id(one))
        return f"T + {self.plan.offsets[one]}" if place is None else f"A[{place}]"

    def _place(self, one: Any, type_: str) -> int:
        if id(one) not in self._known:
            self._known[id(one)] = len(self.table)
            self.table.append((one, type_))
        return self._known[id(one)]


def numbers_read(lowered: Lowered, types: dict[str, tuple[str, ...]]) -> set[Buffer]:
    """Return the buffers that stand where a kernel takes a number, not an address."""
    found: set[Buffer] = set()
    for call in lowered.calls:
        if call.kernel == "optimizer_steps":
            found |= {row[-1] for row in call.arguments[2] if type(row[-1]) is Buffer}
        else:
            pairs = zip(call.arguments, types[call.kernel], strict=True)
            found |= {one for one, type_ in pairs if type(one) is Buffer and "*" not in type_}
    return found


def pointers_of(call: Call, types: dict[str, tuple[str, ...]]) -> set[Buffer]:
    """Return the buffers whose addresses a call is given."""
    if call.kernel == "optimizer_steps":
        return set(buffers([row[:-1] for row in call.arguments[2]]))
    pairs = zip(call.arguments, types[call.kernel], strict=True)
    return set(buffers([one for one, type_ in pairs if "*" in type_]))


def remark(call: Call) -> str:
    """Return a comment that says which instruction a call belongs to."""
    given = ", ".join(f"%{name}" for name in call.of.inputs)
    return f"/* %{call.of.name} = {call.of.op.name}({given if len(given) < 80 else '...'}) */"


def _from(one: Buffer) -> str:
    return f" + i * {one.itemsize}" if one.itemsize > 1 else " + i"


def number(value: float) -> str:
    if value != value:
        return '__builtin_nan("")'
    if value in (float("inf"), float("-inf")):
        return f"{'-' if value < 0 else ''}__builtin_inf()"
    return value.hex()
