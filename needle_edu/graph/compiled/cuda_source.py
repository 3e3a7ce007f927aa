"""A program as CUDA C++: a function of the host that launches the library's kernels, and kernels of its own.

Elementwise kernels that follow one another become one kernel, in which a thread computes a whole chain for one element:
what lies between two functions is a variable in a register, and never goes to memory. The functions are those that the
library's own kernels have (csrc/cuda/functions.cuh), so the numbers are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from .c_source import CSource
from .c_text import Types, elements, pointers_of
from .epilogue import Rows
from .fusion import Fused, Step
from .lowering import Call, Lowered, LoweringError
from .memory_plan import MemoryPlan, named
from .registers import TYPES

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


def _expression(call: Call, operands: list[str], zero: str) -> str:
    """Return a function of csrc/cuda/functions.cuh of these operands; nvcc is told to round every product."""
    name = call.kernel.removesuffix("_dense")
    return f"nd::f::{f'fill<{TYPES[call.arguments[2].dtype]}>' if name == 'fill' else name}({', '.join(operands)})"
