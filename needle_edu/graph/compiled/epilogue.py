"""Epilogues: what follows a matrix product element by element is done to each block of rows while that is in the cache.

A layer is y = f(x W + b). Computed one after the other, the product, the sum and f each walk through all of a large y,
which comes from memory every time. Here a block of rows is multiplied, then b is added to it, then f applied, and only
then comes the next block. A row of a product is summed in the same order whichever rows are computed with it, so the
numbers are the same to the last bit. In the backward pass an optimiser's step may follow (steps_in_backward.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .call_tools import written
from .fusion import Fused, Step, count, pointwise
from .in_place import PLANNED
from .lowering import Buffer, Call, buffers

LEAST_BYTES = 1 << 18  # of a product: a smaller one stays in the cache anyway
BLOCK_BYTES = 1 << 16  # of a block of rows, which should leave room for the operands


@dataclass(frozen=True, slots=True)
class Rows:
    """A matrix product and what is done to its rows, block by block.

    Attributes
    ----------
    parts : tuple of Call or Fused
        The product first; then sums with one row for all rows, chains of elementwise kernels, an optimiser's step.
    rows, width : int
        The product's shape.
    block : int
        Rows of a block; at least 2, since a product of one row has a kernel of its own.
    """

    parts: tuple[Call | Fused, ...]
    rows: int
    width: int
    block: int

    @property
    def calls(self) -> tuple[Call, ...]:
        """All kernel calls, in order."""
        return tuple(
            [call for part in self.parts for call in (part.calls if isinstance(part, Fused) else (part,))]
        )


def epilogues(steps: Sequence[Step], language: str = "C") -> list[Step | Rows]:
    """Return the steps of a program, with each large product and what may follow it at once as one.

    In CUDA that is each product: what follows it is computed by the thread that has an element in a register.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.compiled import fuse, lower
    >>> def f(x, w, b):
    ...     return ndl.ops.relu(x @ w + b.broadcast_to((512, 256))).sum()
    >>> x, w, b = ndl.Tensor([[0.0] * 8] * 512), ndl.Tensor([[0.0] * 256] * 8), ndl.Tensor([0.0] * 256)
    >>> steps = fuse(lower(ndl.graph.capture(f, x, w, b)))
    >>> [[part.kernel for part in step.calls] if isinstance(step, Rows) else step.kernel for step in epilogues(steps)]
    [['matmul', 'add', 'relu_dense'], 'sum']
    """
    found: list[Step | Rows] = []
    place = 0
    while place < len(steps):
        step = steps[place]
        place += 1
        shape = product_shape(step, LEAST_BYTES if language == "C" else 0)
        if shape is None:
            found.append(step)
            continue
        assert isinstance(step, Call)
        parts: list[Call | Fused] = [step]
        made, factors = {step.arguments[1]}, set(step.arguments[2:4])
        while place < len(steps) and _follows(steps[place], shape, made, language):
            following = steps[place]
            if factors.intersection(_written(following)):  # other rows still need them
                break
            if isinstance(following, Call) and pointwise(following):
                following = Fused((following,), (), count(following))
            parts.append(following)
            made |= _written(following)
            place += 1
        rows, width, itemsize = shape
        block = max(BLOCK_BYTES // (width * itemsize), 32)
        found.append(Rows(tuple(parts), rows, width, block) if len(parts) > 1 else step)
    return found


def product_shape(step: Step, least: int) -> tuple[int, int, int] | None:
    """Return rows, columns and bytes of an element of a large matrix product whose rows lie one behind the other."""
    if not isinstance(step, Call) or step.kernel != "matmul":
        return None
    plan, out = step.arguments[:2]
    if plan.ndim != 3 or plan.offset[0]:
        return None
    rows, width = plan.shape[0], plan.shape[1]
    lies_in_rows = list(plan.stride[0])[:2] == [width, 1] and out.n == rows * width and width > 1
    return (rows, width, out.itemsize) if lies_in_rows and out.nbytes >= least else None


def _follows(step: Step, shape: tuple[int, int, int], made: set[Buffer], language: str) -> bool:
    """Whether a step works element by element, row by row, on what the steps before it in the block have made."""
    calls = step.calls if isinstance(step, Fused) else (step,)
    if not made.intersection(buffers([call.arguments for call in calls])):
        return False
    if isinstance(step, Fused) or pointwise(step):
        return count(calls[0]) == shape[0] * shape[1]
    if step.kernel == "optimizer_steps":
        return language == "C" and [row[1] for row in step.arguments[2]] == [shape[0] * shape[1]]
    return step.kernel in PLANNED and _adds_a_row(step.arguments[0], shape)


def _written(step: Step) -> set[Buffer]:
    """Return the buffers that a step writes to."""
    calls = step.calls if isinstance(step, Fused) else (step,)
    return {one for call in calls for one in written(call)}


def _adds_a_row(plan: Any, shape: tuple[int, int, int]) -> bool:
    """Whether a plan of two operands is one of a matrix and a row that serves all its rows, or of two matrices."""
    rows, width, _ = shape
    if plan.ndim != 2 or (plan.shape[0], plan.shape[1]) != (rows, width):
        return False
    strides = [tuple(plan.stride[k])[:2] for k in range(3)]
    return strides[0] == (width, 1) and plan.offset[0] == 0 and all(
        one in ((width, 1), (0, 1)) for one in strides[1:]
    )  # fmt: skip
