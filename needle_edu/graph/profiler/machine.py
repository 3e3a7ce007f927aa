"""The two roofs of a machine: how fast it computes, and how fast its memory delivers.

Nothing that does I operations for each byte it moves is faster than min(P, I · B), with P operations and B bytes in a
second. Both are measured, by the best matrix product there is and by a copy of more than a cache holds: what a program
could reach here, not what a data sheet says.

Reference: S. Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance model", 2009.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from needle_edu.backend import NeedleError
from needle_edu.ndarray import array


@dataclass(frozen=True)
class Machine:
    """What a machine can do.

    Attributes
    ----------
    gflops : float
        10⁹ operations in a second, at most.
    gigabytes : float
        10⁹ bytes in a second from memory, at most.

    Examples
    --------
    >>> machine = Machine(gflops=100.0, gigabytes=20.0)
    >>> machine.ridge, machine.roof(1.0), machine.roof(50.0)
    (5.0, 20.0, 100.0)
    """

    gflops: float
    gigabytes: float

    def __post_init__(self) -> None:
        for name in ("gflops", "gigabytes"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
                raise NeedleError(f"Machine: {name} is a number above 0, got {value!r}")

    @property
    def ridge(self) -> float:
        """Operations for each byte at which the roofs meet."""
        return self.gflops / self.gigabytes

    def roof(self, intensity: float) -> float:
        """Return the most GFLOP/s at an intensity."""
        return min(self.gflops, intensity * self.gigabytes)


def measure_machine(seconds: float = 0.5) -> Machine:
    """Measure both roofs of `cpu()`, in float32 and with the threads that are set, in about so many seconds.

    Examples
    --------
    >>> 0 < measure_machine(0.02).gflops
    True
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= 60:
        raise NeedleError(f"measure_machine: seconds is a number from 0 to 60, got {seconds!r}")
    import numpy as np

    n = 384
    a = array(np.ones((n, n), "float32"))
    line = array(np.ones(2**23, "float32"))  # 32 MB, and its copy
    product = _fastest(lambda: a @ a, seconds / 2)
    copy = _fastest(lambda: line * 2, seconds / 2)
    return Machine(2 * n**3 / product / 1e9, 2 * line.nbytes / copy / 1e9)


def _fastest(function: Callable[[], Any], seconds: float) -> float:
    best, end = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best
