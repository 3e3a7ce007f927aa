"""A fair fight in one process: contenders take turns in short blocks, and every figure is a median of blocks.

Why not time each contender alone? Shared machines drift. And the idle workers of one thread pool keep spinning and
take a core from the next library, OpenBLAS's for some 150 ms after its last product: a 512 x 512 product of ours takes
3.4 ms when it begins 50 ms after NumPy's, 1.5 ms after 200 ms or when NumPy has not run. So: (1) a block calls one
contender repeatedly for about `block_s` seconds and notes the best call-rate of its four parts; (2) contenders
alternate, in rotating order, with a pause between blocks that outlasts the spinning: short where nobody calls OpenBLAS,
so that there is time for more rounds; (3) a ratio is the median over rounds of (ours in this round) / (theirs in this
round).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

PARTS = 4
AFTER_BLAS = {"pause_s": 0.25, "rounds": 31}  # for contenders that multiply matrices


@dataclass
class Outcome:
    """Seconds per call of each contender, one number per round; or bytes, as `unit` says."""

    name: str
    limit: float | None
    rounds: dict[str, list[float]] = field(default_factory=dict)
    unit: str = "s"

    def seconds(self, who: str) -> float:
        return statistics.median(self.rounds[who])

    def ratio(self, who: str) -> float:
        """Ours divided by theirs: below 1 means needle_edu is faster."""
        pairs = zip(self.rounds["needle_edu"], self.rounds[who], strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)

    def kept(self) -> str:
        """Was the promise kept, against the faster of the others, in this run? "yes" or "no"."""
        assert self.limit is not None
        return (
            "yes"
            if all(self.ratio(who) <= self.limit for who in self.rounds if who != "needle_edu")
            else "no"
        )


def calls_per_block(call: Callable[[], object], block_s: float) -> int:
    """How many calls fill a block, one for each part at least; the calls made here also warm the contender up."""
    for _ in range(3):
        call()
    start = time.perf_counter()
    call()
    once = max(time.perf_counter() - start, 1e-7)
    return max(PARTS, int(block_s / once))


def duel(
    name: str,
    contenders: dict[str, Callable[[], object]],
    *,
    limit: float | None = None,
    rounds: int = 45,
    block_s: float = 0.04,
    pause_s: float = 0.05,
) -> Outcome:
    """Let the contenders take turns; `limit` is the ratio the project promises (None: no promise)."""
    counts = {who: calls_per_block(call, block_s) for who, call in contenders.items()}
    outcome = Outcome(name, limit, {who: [] for who in contenders})
    order = list(contenders)
    for turn in range(rounds):
        for who in order[turn % len(order) :] + order[: turn % len(order)]:
            time.sleep(pause_s)
            outcome.rounds[who].append(_block(contenders[who], counts[who]))
    return outcome


def _block(call: Callable[[], object], count: int) -> float:
    """Seconds per call: the best of the parts of the block, after one call that wakes the workers."""
    call()
    each = count // PARTS
    best = float("inf")
    for _ in range(PARTS):
        start = time.perf_counter()
        for _ in range(each):
            call()
        best = min(best, (time.perf_counter() - start) / each)
    return best
