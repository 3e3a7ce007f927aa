"""In-place computation: a result takes the memory of an operand that nobody needs any more.

Kernels that compute element by element read element i of their operands before they write element i of the result, so
the two may lie in one place. Without that, a temporary and what is computed from it are alive together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .call_tools import last_places, with_buffers, writers
from .fusion import POINTWISE, pointwise
from .lowering import Buffer, Call, Lowered

PLANNED = frozenset(name.removesuffix("_dense") for name in POINTWISE)


def in_place(lowered: Lowered) -> Lowered:
    """Return the program in which elementwise kernels write over an operand where this is its last use.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.compiled import fuse, plan_memory
    >>> from needle_edu.graph.compiled.lowering import lower
    >>> f = lambda x: ((x @ x).exp() + 1).sum()
    >>> lowered = lower(ndl.graph.capture(f, ndl.Tensor([[0.0] * 32] * 32)))
    >>> [plan_memory(one, one.calls).nbytes for one in (lowered, in_place(lowered))]
    [8192, 4096]
    """
    last, wrote = last_places(lowered), writers(lowered)
    results = {buffer for buffer, _ in lowered.results.values()}
    new: dict[Buffer, Buffer] = {}

    def now(one: Buffer) -> Buffer:
        while one in new:
            one = new[one]
        return one

    for place, call in enumerate(lowered.calls):
        out = _output(call)
        if out is None or wrote[out][0] != place or out.kind != "temporary":
            continue
        for operand in _same_place(call):
            fits = operand.kind == "temporary" and (operand.dtype, operand.n) == (out.dtype, out.n)
            if fits and operand is not out and last[operand] == place and now(operand) is not now(out):
                if out in results:
                    new[now(operand)] = out
                else:
                    new[out] = now(operand)
                break
    resolved = {one: now(one) for one in new}
    return replace(lowered, calls=[with_buffers(call, resolved) for call in lowered.calls])


def _output(call: Call) -> Buffer | None:
    """Return what an elementwise call writes; None for other calls."""
    if pointwise(call):
        return call.arguments[2]
    return call.arguments[1] if call.kernel in PLANNED else None


def _same_place(call: Call) -> list[Buffer]:
    """Return the operands whose elements lie as those of the result do, in buffers that no other operand shares."""
    if pointwise(call):
        return [one for one in call.arguments[3:] if type(one) is Buffer]
    plan, out, *operands = call.arguments
    found = [
        one
        for k, one in enumerate(operands, 1)
        if type(one) is Buffer and _lies(plan, k) == _lies(plan, 0) and out.n == plan.size
    ]
    return [one for one in found if sum(1 for other in operands if other is one) == 1]


def _lies(plan: Any, operand: int) -> tuple:
    """Return where an operand's elements lie."""
    return (plan.dtype[operand], plan.offset[operand], *list(plan.stride[operand])[: plan.ndim])
