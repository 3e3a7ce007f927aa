"""A program as CUDA C++: a function of the host that launches the library's kernels, and kernels of its own.

Elementwise kernels that follow one another become one kernel, in which a thread computes a whole chain for one element:
what lies between two functions is a variable in a register, and never goes to memory. The functions are those that the
library's own kernels have (csrc/cuda/functions.cuh), so the numbers are the same. What follows a matrix product, a bias
and an activation say, is done by the product's own threads with the elements that they have summed (product.cuh).
"""

from __future__ import annotations

from collections.abc import Sequence

from .c_source import CSource
from .c_text import Types, elements, number, pointers_of, remark
from .epilogue import Rows
from .fusion import Fused, Step, pointwise
from .lowering import Buffer, Call, Lowered, LoweringError
from .memory_plan import MemoryPlan, named
from .registers import TYPES

PRODUCT = '#include "product.cuh"\n'
HEAD = """\
#include "functions.cuh"

/* T: the arena of temporaries; A: arguments, then results; K: constants, plans and sizes. */
#define CALL(k, call) if ((e = (call))) return (k) << 16 | (e & 0xFFFF)

"""


class CudaSource(CSource):
    """The text for a GPU; T and A are addresses in its memory."""

    head = HEAD
    signature = (
        'extern "C" __attribute__((visibility("default"))) int run(char *T, void **A, const void **K) {'
    )

    def __init__(self, lowered: Lowered, steps: Sequence[Step | Rows], plan: MemoryPlan, types: Types):
        super().__init__(lowered, steps, plan, types)
        elsewhere = {one for call in lowered.calls for one in pointers_of(call, types)}
        for one in self.on_host:
            if one.kind == "temporary" or one in elsewhere:
                raise LoweringError(f"the host needs a number (%{one.name}) that is computed on the device")

    def fused(self, k: int, step: Fused, blocks: list[str]) -> list[str]:
        """Write a step's calls as a kernel, and return the lines that launch it."""
        if not step.n:
            return []
        outer = list(dict.fromkeys(named(step)))
        written = {call.arguments[2] for call in step.calls}
        parameters = [
            f"{'' if one in written else 'const '}{TYPES[one.dtype]} *p{i}" for i, one in enumerate(outer)
        ]
        body = [
            f"__global__ void fused_{k}(int64_t n, {', '.join(parameters)}) {{",
            "  for (int64_t i = nd::first(); i < n; i += nd::step()) {",
        ]
        body += elements(step, outer, _expression)
        blocks += [*body, "  }", "}", ""]
        pointers = ", ".join(f"({TYPES[one.dtype]} *)({self.pointer(one)})" for one in outer)
        return [
            f"  fused_{k}<<<nd::blocks_for({step.n}), nd::THREADS>>>({step.n}, {pointers});",
            f"  CALL({k}, -(int)cudaGetLastError());",
        ]

    def rows(self, k: int, step: Rows, blocks: list[str]) -> list[str]:
        """Write what follows a product as a function of one of its elements, and return the line that launches both."""
        plan, out, a, b = step.parts[0].arguments  # type: ignore[union-attr]
        body, outer = self._finish(step)
        members = [f"{TYPES[one.dtype]} *p{i};" for i, one in enumerate(outer)]
        type_ = TYPES[out.dtype]
        blocks += [
            f"struct Finish_{k} {{",
            f"  static constexpr bool alone = false; {' '.join(members)}",
            f"  __device__ void operator()({type_} *, {type_} t0, int64_t row, int64_t column) const {{",
            f"    const int64_t i = row * {step.width} + column;",
            *body,
            "  }",
            "};",
            "",
        ]
        pointers = ", ".join(f"({TYPES[one.dtype]} *)({self.pointer(one)})" for one in outer)
        operands = ", ".join(f"({type_} *)({self.pointer(one)})" for one in (out, a, b))
        given = self._argument(plan, self.types["matmul"][0])
        if PRODUCT not in self.head:
            self.head = PRODUCT + self.head
        return [
            f"  {remark(step.calls[0])}",
            f"  CALL({k}, nd::product<{type_}>({given}, {operands}, Finish_{k}{{{pointers}}}));",
        ]

    def _finish(self, step: Rows) -> tuple[list[str], list[Buffer]]:
        """Return what is computed with element t0 of a product as lines of C++, and the arrays p0, p1, … in it."""
        first, *others = step.calls
        values: dict[Buffer, str] = {first.arguments[1]: "t0"}
        lines: list[str] = []
        outer: list[Buffer] = []

        def place(one: Buffer, index: str) -> str:
            if one not in outer:
                outer.append(one)
            return f"p{outer.index(one)}[{index}]"

        for n, call in enumerate(others, 1):
            if pointwise(call):
                _, _, out, *operands = call.arguments
                indices = ["i"] * len(operands)
            else:
                plan, out, *operands = call.arguments
                indices = ["i" if plan.stride[j][0] else "column" for j in range(1, len(operands) + 1)]
            given = [
                (values.get(one) or place(one, index)) if type(one) is Buffer else number(float(one))
                for one, index in zip(operands, indices, strict=True)
            ]
            lines.append(f"    {remark(call)}")
            lines.append(f"    const {TYPES[out.dtype]} t{n} = {_expression(call, given, n)};")
            values[out] = f"t{n}"
        for one, value in values.items():
            first_use, last_use = self.plan.lives.get(one, (0, 1))
            if first_use != last_use or one.kind != "temporary":  # somebody else reads it
                lines.append(f"    {place(one, 'i')} = {value};")
        return lines, outer


def _expression(call: Call, operands: list[str], place: int) -> str:
    """Return a function of csrc/cuda/functions.cuh of these operands; nvcc is told to round every product."""
    name = call.kernel.removesuffix("_dense")
    return f"nd::f::{f'fill<{TYPES[call.arguments[2].dtype]}>' if name == 'fill' else name}({', '.join(operands)})"
