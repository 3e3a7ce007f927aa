"""A program as a C function: the calls of its kernels, one after the other.

The function takes the arena, the addresses of arguments and results, and a table of what does not change: constants,
plans and small arrays. It returns 0, or which call failed and how.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .c_text import Types, elements, number, numbers_read, place_from, remark, slots_of, step_text
from .epilogue import Rows
from .fusion import BLOCK, Fused, Step
from .lowering import Buffer, Call, Lowered
from .memory_plan import MemoryPlan, named
from .registers import TYPES, expressions, in_registers

GRAIN = 8192  # elements that are worth another thread, for a chain of kernels

HEAD = """\
#include "needle_kernels.h"

/* T: the arena of temporaries; A: arguments, then results; K: constants, plans and sizes. */
#define CALL(k, call) if ((e = (call))) return (k) << 16 | (e & 0xFFFF)

"""
# A loop of functions is compiled for one instruction set, and refuses to run while another one is in use.
FUNCTIONS = """\
#include <string.h>
#include "isa/functions.h"

"""
ROWS = """\
/* A plan for the rows from .. to - 1 alone. */
static nd_plan rows_of(const nd_plan *p, int64_t from, int64_t to) {
  nd_plan part = *p;
  part.size = p->size / p->shape[0] * (to - from);
  part.shape[0] = to - from;
  for (int k = 0; k < 3; k++) part.offset[k] += from * p->stride[k][0];
  return part;
}

"""
OTHER_SET = "  if (strcmp(nd_get_isa(), ND_ISA_NAME)) return -1;"


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
        self,
        lowered: Lowered,
        steps: Sequence[Step | Rows],
        plan: MemoryPlan,
        types: Types,
        registers: bool = False,
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
        self.registers, self.uses_functions, self.uses_rows = registers, False, False
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
            if isinstance(step, Rows):
                lines += self.rows(k, step, blocks)
                k += len(step.calls)
                continue
            if isinstance(step, Fused):
                lines += self.fused(k, step, blocks)
                k += len(step.calls)
                continue
            if step.of is not said:
                said = step.of
                lines.append(f"  {remark(step)}")
            lines += self._call(k, step)
            k += 1
        if self.uses_functions:
            lines.insert(3, OTHER_SET)
        head = self.head + (FUNCTIONS if self.uses_functions else "") + (ROWS if self.uses_rows else "")
        return head + "\n".join([*blocks, *lines, "  return 0;", "}", ""])

    def fused(self, k: int, step: Fused, blocks: list[str]) -> list[str]:
        """Write a step's calls as a function of a range of elements, and return the line that calls it."""
        if not step.n:
            return []
        pointers = ", ".join(f"(void *)({self.pointer(one)})" for one in self._chain(k, step, blocks))
        return [
            f"  {{ void *P[] = {{{pointers}}};",
            f"    nd_parallel_for({step.n}, {GRAIN}, fused_{k}, P); }}",
        ]

    def _chain(self, k: int, step: Fused, blocks: list[str]) -> list[Buffer]:
        """Write a chain as the function fused_k, and return the buffers whose addresses it is given."""
        outer = list(dict.fromkeys(named(step)))
        loop = self._in_registers if self.registers and in_registers(step) else self._by_blocks
        head = f"static void fused_{k}(void *context, int64_t from, int64_t to) {{"
        blocks += [head, "  void **P = context;", *loop(step, outer), "  }", "}", ""]
        return outer

    def rows(self, k: int, step: Rows, blocks: list[str]) -> list[str]:
        """Write a product and its epilogue as a function of a range of rows, and return the line that calls it."""
        given: dict[str, str] = {}  # what `run` has to give, and what the function calls it

        def name(text: str) -> str:
            return given.setdefault(text, f"P[{len(given)}]")

        body, at = [], k
        for part in step.parts:
            if isinstance(part, Fused):
                outer = self._chain(at, part, blocks)
                addresses = ", ".join([name(f"(void *)({self.pointer(one)})") for one in outer])
                body.append(
                    f"    {{ void *Q[] = {{{addresses}}}; fused_{at}(Q, i * {step.width}, next * {step.width}); }}"
                )
                at += len(part.calls)
                continue
            if part.kernel == "optimizer_steps":
                body += self._step_of_rows(part, step.width, name)
                at += 1
                continue
            plan, *rest = part.arguments
            types = self.types[part.kernel]
            operands = ", ".join(
                [
                    name(f"(void *)({self.pointer(one)})")
                    if type(one) is Buffer
                    else self._argument(one, type_)
                    for one, type_ in zip(rest, types[1:], strict=True)
                ]
            )
            body.append(f"    {remark(part)}")
            body.append(f"    part = rows_of({name(f'(void *){self._argument(plan, types[0])}')}, i, next);")
            body.append(f"    if (!*wrong) *wrong = nd_{part.kernel}(&part, {operands});")
            at += 1
        self.uses_rows = True
        blocks += [
            f"static void rows_{k}(void *context, int64_t from, int64_t to) {{",
            "  void **P = context;",
            f"  int *wrong = {name('&wrong')};",
            "  nd_plan part;",
            "  for (int64_t i = from, next; i < to; i = next) {",
            f"    next = to - i < {2 * step.block} ? to : i + {step.block};",
            *body,
            "  }",
            "}",
            "",
        ]
        return [
            f"  {{ int wrong = 0; void *P[] = {{{', '.join(given)}}};",
            f"    nd_parallel_for({step.rows}, {step.block}, rows_{k}, P);",
            f"    CALL({k}, wrong); }}",
        ]

    def _in_registers(self, step: Fused, outer: list[Buffer]) -> list[str]:
        """Write a chain as one loop over elements."""
        self.uses_functions = True
        written = {call.arguments[2] for call in step.calls}
        lines = [
            f"  {'' if one in written else 'const '}{TYPES[one.dtype]} *p{i} = P[{i}];"
            for i, one in enumerate(outer)
        ]
        body = elements(step, outer, expressions(step))
        hidden = [f"z{k}" for k in range(len(step.calls)) if any(f"z{k})" in line for line in body)]
        lines += [f"  const uint64_t {one} = hidden_zero();" for one in hidden]
        return [*lines, "  ND_INDEPENDENT_UNROLL(2) for (int64_t i = from; i < to; i++) {", *body]

    def _by_blocks(self, step: Fused, outer: list[Buffer]) -> list[str]:
        """Write a chain as kernel calls, block by block."""
        places = {one: f"(char *)P[{i}]{place_from(one)}" for i, one in enumerate(outer)}
        slots, count = slots_of(step)
        places |= {one: f"t[{slot}]" for one, slot in slots.items()}
        lines = [
            f"  char t[{count}][{8 * BLOCK}] __attribute__((aligned(64)));",
            f"  for (int64_t i = from; i < to; i += {BLOCK}) {{",
            f"    const int64_t n = to - i < {BLOCK} ? to - i : {BLOCK};",
        ]
        said = None
        for call in step.calls:
            if call.of is not said:
                said = call.of
                lines.append(f"    {remark(call)}")
            types = self.types[call.kernel]
            code, _, *rest = call.arguments
            given = [places[one] if type(one) is Buffer else self._argument(one, type_)
                     for one, type_ in zip(rest, types[2:], strict=True)]  # fmt: skip
            lines.append(f"    nd_{call.kernel}({code}, n, {', '.join(given)});")
        return lines if count else lines[1:]

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
        return [
            f"  {{ nd_step steps[{count}] = {{",
            *[f"      {step_text(row, str(row[1]), self.pointer, self.pointer)}," for row in rows],
            "    };",
            f"    CALL({k}, nd_optimizer_steps({code}, {count}, steps)); }}",
        ]

    def _step_of_rows(self, call: Call, width: int, name: Callable[[str], str]) -> list[str]:
        """Write an optimiser's step of the rows i .. next - 1 of one parameter."""
        code, _, [row] = call.arguments

        def whole(one: Any) -> str:
            return name(f"(void *)({self.pointer(one)})")

        def part(one: Any) -> str:
            return f"({TYPES[one.dtype]} *){whole(one)} + i * {width}"

        return [
            f"    {remark(call)}",
            f"    {{ nd_step step = {step_text(row, f'(next - i) * {width}', part, whole)};",
            f"      if (!*wrong) *wrong = nd_optimizer_steps({code}, 1, &step); }}",
        ]

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
