"""A program as a C function: the calls of its kernels, one after the other.

The function takes the arena, the addresses of arguments and results, and a table of what does not change: constants,
plans and small arrays. It returns 0, or which call failed and how.
"""

from __future__ import annotations

from typing import Any

from needle_edu.backend.optimizer_steps import Numbers

from .lowering import Buffer, Call, Lowered
from .memory_plan import MemoryPlan

HEAD = """\
#include "needle_kernels.h"

/* T: the arena of temporaries; A: arguments, then results; K: constants, plans and sizes. */
#define CALL(k, call) if ((e = (call))) return (k) << 8 | e

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
    """

    def __init__(self, lowered: Lowered, plan: MemoryPlan, types: dict[str, tuple[str, ...]]):
        self.lowered, self.plan, self.types = lowered, plan, types
        self.table: list[tuple[Any, str]] = []
        self._known: dict[int, int] = {}
        arguments = [buffer for buffer, _ in lowered.arguments.values()]
        self._arguments = {id(buffer): k for k, buffer in enumerate(arguments)}
        held = {id(one): one for one, _ in lowered.results.values() if one.kind == "temporary"}
        self.results = list(held.values())
        self._arguments |= {key: len(arguments) + k for k, key in enumerate(held)}
        self.text = self._text()

    def _text(self) -> str:
        program = self.lowered.program
        lines = [f"/* {program.name} */", "int run(char *T, void **A, const void **K) {", "  int e;"]
        said = None
        for k, call in enumerate(self.lowered.calls):
            if call.of is not said:
                said = call.of
                given = ", ".join(f"%{name}" for name in said.inputs)
                lines.append(f"  /* %{said.name} = {said.op.name}({given}) */")
            lines += self._call(k, call)
        return HEAD + "\n".join([*lines, "  return 0;", "}", ""])

    def _call(self, k: int, call: Call) -> list[str]:
        types = self.types[call.kernel]
        if call.kernel == "optimizer_steps":
            return self._steps(k, call)
        given = [self._argument(one, type_) for one, type_ in zip(call.arguments, types, strict=True)]
        return [f"  CALL({k}, nd_{call.kernel}({', '.join(given)}));"]

    def _argument(self, one: Any, type_: str) -> str:
        if type(one) is Buffer:
            # A number that is known only when the program runs lies in a buffer of one element.
            return self._pointer(one) if "*" in type_ else f"*(const {type_} *)({self._pointer(one)})"
        if isinstance(one, (list, tuple)) and any(type(part) is Buffer for part in one):
            return f"({type_.replace('*const *', '*[]').replace('* *', '*[]')}){{{', '.join(map(self._pointer, one))}}}"
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
            return _number(one)
        if not one and not isinstance(one, (list, tuple)):  # NULL
            return "0"
        return f"({type_})K[{self._place(one, type_)}]"

    def _steps(self, k: int, call: Call) -> list[str]:
        code, count, rows = call.arguments
        lines = [f"  {{ nd_step steps[{count}] = {{"]
        for kind, n, out, p, g, memories, numbers in rows:
            told = f"*(const nd_step_numbers *)({self._pointer(numbers)})"
            if isinstance(numbers, Numbers):
                told = f"{{{', '.join(_number(float(one)) for one in numbers)}}}"
            pointers = [self._pointer(one) for one in (out, p, g)]
            kept = ", ".join(map(self._pointer, memories)) or "0"
            lines.append(f"      {{{int(kind)}, {n}, {', '.join(pointers)}, {{{kept}}}, {told}}},")
        return [*lines, "    };", f"    CALL({k}, nd_optimizer_steps({code}, {count}, steps)); }}"]

    def _pointer(self, one: Any) -> str:
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


def _number(value: float) -> str:
    if value != value:
        return '__builtin_nan("")'
    if value in (float("inf"), float("-inf")):
        return f"{'-' if value < 0 else ''}__builtin_inf()"
    return value.hex()
