"""Memory planning: temporaries that are not alive at the same time share memory.

A temporary is alive from the first step that names it to the last. All of them lie in one block, the arena; each is put
at the lowest place where nothing that is alive with it lies, the largest ones first. (The best plan is as hard to find
as bin packing. This one is found at once, and never needs more than twice the bytes that are alive together for
buffers of one size.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .epilogue import Rows
from .fusion import Fused, Step
from .lowering import Buffer, Lowered, buffers

ALIGNMENT = 64  # bytes: a cache line


@dataclass(frozen=True)
class MemoryPlan:
    """Where each temporary lies.

    Attributes
    ----------
    offsets : dict
        Buffer → its first byte in the arena.
    lives : dict
        Buffer → (first, last) step that names it.
    nbytes : int
        Size of the arena.
    unshared : int
        Bytes if nothing were shared.
    """

    offsets: dict[Buffer, int]
    lives: dict[Buffer, tuple[int, int]]
    nbytes: int
    unshared: int

    def peak(self) -> int:
        """Return the most bytes that are alive together: no plan needs less.

        Examples
        --------
        >>> import needle_edu as ndl
        >>> from needle_edu.graph.compiled.lowering import lower
        >>> f = lambda x: ((x + 1).exp() + 2).exp().exp()
        >>> lowered = lower(ndl.graph.capture(f, ndl.Tensor([0.0] * 1000)))
        >>> found = plan_memory(lowered, lowered.calls)                  # nothing is fused
        >>> found.unshared, found.nbytes, found.peak()
        (16128, 8064, 8064)
        """
        ends = [(first, rounded(buffer.nbytes)) for buffer, (first, _) in self.lives.items()]
        ends += [(last + 1, -rounded(buffer.nbytes)) for buffer, (_, last) in self.lives.items()]
        alive = most = 0
        for _, nbytes in sorted(ends):  # at one call, what ends is taken away first
            alive += nbytes
            most = max(most, alive)
        return most


def plan_memory(lowered: Lowered, steps: Sequence[Step | Rows], shared: bool = True) -> MemoryPlan:
    """Return a place for each temporary that is not a result (results have memory of their own), nor inside a step.

    With `shared` False each has memory of its own.
    """
    kept = {buffer for buffer, _ in lowered.results.values()}
    lives: dict[Buffer, tuple[int, int]] = {}
    for place, step in enumerate(steps):
        for buffer in named(step):
            if buffer.kind == "temporary" and buffer not in kept:
                lives[buffer] = lives.get(buffer, (place, place))[0], place
    offsets: dict[Buffer, int] = {}
    placed: list[Buffer] = []
    for buffer in sorted(lives, key=lambda one: (-one.nbytes, lives[one])):
        first, last = lives[buffer]
        others = sorted(
            (offsets[one], offsets[one] + rounded(one.nbytes))
            for one in placed
            if not shared or (lives[one][0] <= last and first <= lives[one][1])
        )
        at = 0
        for start, end in others:
            if at + rounded(buffer.nbytes) <= start:
                break
            at = max(at, end)
        offsets[buffer] = at
        placed.append(buffer)
    ends = [offsets[buffer] + rounded(buffer.nbytes) for buffer in offsets]
    return MemoryPlan(offsets, lives, max(ends, default=0), sum(rounded(buffer.nbytes) for buffer in lives))


def named(step: Step | Rows) -> list[Buffer]:
    """Return the buffers that a step reads or writes, but for those of a block that it keeps for itself."""
    if isinstance(step, Rows):
        return [one for part in step.parts for one in named(part)]
    if isinstance(step, Fused):
        return [one for call in step.calls for one in buffers(call.arguments) if one not in step.inner]
    return list(buffers(step.arguments))


def rounded(nbytes: int) -> int:
    """Return a size rounded up to whole cache lines.

    Examples
    --------
    >>> rounded(1), rounded(64), rounded(65)
    (64, 64, 128)
    """
    return -(-nbytes // ALIGNMENT) * ALIGNMENT
