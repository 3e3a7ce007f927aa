"""How long a step takes with N workers: a model of three numbers, from 2 workers to 1,024.

A message of n bytes takes `latency` + n / `bandwidth` seconds (the alpha-beta model; Hockney, 1994). With N workers and
n bytes of gradients, the ways of adding them up take

    ring    2 (N - 1) (latency + n / (N bandwidth))      every link is busy all the time
    tree    2 ⌈log₂ N⌉ (latency + n / bandwidth)          few steps, long messages
    server  2 (latency + (N - 1) n / bandwidth)           all bytes go through one worker's link

Computing comes on top: the same for all if each worker has a batch of its own (weak scaling), an N-th if one batch
is divided (strong scaling). The simulated network keeps time by the same rules, and `fit` finds the numbers of a real
one from a few measurements.

Examples
--------
>>> lan = Cost(latency=50e-6, bandwidth=1.25e9, compute=0.1)  # 10 gigabits a second, 0.1 s for a batch
>>> print(lan.table(100_000_000, workers=(2, 8, 64, 1024)))
workers      ring      tree    server   seconds a step
      2     0.180     0.260     0.260
      8     0.241     0.580     1.220
     64     0.264     1.061    10.180
   1024     0.362     1.701   163.780
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..backend.arguments import real, several, switch, whole
from .all_reduce import ring_all_reduce, star_all_reduce, tree_all_reduce
from .communicator import Communicator

WAYS: dict[str, Callable] = {"ring": ring_all_reduce, "tree": tree_all_reduce, "server": star_all_reduce}
WORKERS = tuple(2**k for k in range(1, 11))


def parts(way: str, workers: int, nbytes: float) -> tuple[float, float]:
    """How many latencies, and how many bytes one after another, a sum over all workers takes.

    Examples
    --------
    >>> parts("ring", 4, 1000), parts("tree", 4, 1000), parts("server", 4, 1000)
    ((6, 1500.0), (4, 4000.0), (2, 6000.0))
    """
    _check("parts", way, workers, nbytes)
    if workers == 1:
        return 0, 0.0
    if way == "ring":
        return 2 * (workers - 1), 2 * (workers - 1) * float(nbytes) / workers
    if way == "tree":
        rounds = 2 * (workers - 1).bit_length()
        return rounds, rounds * float(nbytes)
    return 2, 2 * (workers - 1) * float(nbytes)


def _check(who: str, way: str, workers: int, nbytes: float, strong: bool = False) -> None:
    """Complain about what is no way, no number of workers or of bytes."""
    if not isinstance(way, str) or way not in WAYS:
        raise ValueError(f"{who}: way is one of {', '.join(WAYS)}, got {way!r}")
    whole(who, workers=workers)
    real(who, 0, nbytes=nbytes)
    switch(who, strong=strong)


@dataclass(frozen=True)
class Cost:
    """A network and a training, in three numbers.

    Attributes
    ----------
    latency : float
        Seconds that even an empty message takes.
    bandwidth : float
        Bytes per second.
    compute : float
        Seconds that one worker computes for a whole batch.

    Examples
    --------
    >>> lan = Cost(latency=1e-4, bandwidth=1e8, compute=0.05)
    >>> round(lan.sum("ring", 2, 1_000_000), 6), round(lan.step("ring", 2, 1_000_000), 6)
    (0.0102, 0.0602)
    """

    latency: float
    bandwidth: float
    compute: float = 0.0

    def __post_init__(self) -> None:
        real("Cost", 0, latency=self.latency, bandwidth=self.bandwidth, compute=self.compute)
        if not self.bandwidth:
            raise ValueError("Cost: bandwidth is a number above 0, got 0")

    def sum(self, way: str, workers: int, nbytes: float) -> float:
        """Seconds to add up arrays of `nbytes` bytes over all workers; `way` is "ring", "tree" or "server"."""
        _check("sum", way, workers, nbytes)
        latencies, passed = parts(way, workers, nbytes)
        return latencies * self.latency + passed / self.bandwidth

    def step(self, way: str, workers: int, nbytes: float, strong: bool = False) -> float:
        """Seconds of a step: computing, and then the sum. Strong scaling divides one batch among the workers."""
        _check("step", way, workers, nbytes, strong)
        return self.compute / (workers if strong else 1) + self.sum(way, workers, nbytes)

    def speedup(self, way: str, workers: int, nbytes: float, strong: bool = False) -> float:
        """How many times as many examples a second as one worker."""
        _check("speedup", way, workers, nbytes, strong)
        per_step = 1 if strong else workers
        return per_step * self.compute / self.step(way, workers, nbytes, strong)

    def table(self, nbytes: float, workers: Sequence[int] = WORKERS, strong: bool = False) -> str:
        """Seconds of a step for each way and number of workers, as text."""
        lines = [f"workers{''.join(f'{way:>10}' for way in WAYS)}   seconds a step"]
        for n in several("table", "workers", workers):
            _check("table", "ring", n, nbytes, strong)
            lines.append(f"{n:7}" + "".join(f"{self.step(way, n, nbytes, strong):10.3f}" for way in WAYS))
        return "\n".join(lines)


class Measured(NamedTuple):
    """One measurement: a way, how many workers, bytes, seconds.

    Examples
    --------
    >>> Measured("ring", 2, 8, 1e-5).seconds
    1e-05
    """

    way: str
    workers: int
    nbytes: int
    seconds: float


def measure(
    comm: Communicator,
    sizes: Sequence[int] = (1_000, 30_000, 1_000_000, 4_000_000),
    ways: Sequence[str] = ("ring", "tree"),
    repeats: int = 7,
) -> list[Measured]:
    """Measure sums over all workers: the shortest of several repetitions, of the slowest worker.

    Call it in every worker, as in `launch(cost.measure, 2)[0]`.

    Parameters
    ----------
    comm : Communicator
    sizes : sequence of int
        Bytes of the arrays.
    ways : sequence of {"ring", "tree", "server"}
    repeats : int

    Examples
    --------
    >>> from needle_edu.distributed import SimulatedNetwork
    >>> [m.workers for m in SimulatedNetwork(2).run(measure, (8,))[0]]
    [2, 2]
    """
    if not isinstance(comm, Communicator):
        raise TypeError(f"measure: comm is a Communicator, got {comm!r:.60}")
    (repeats,) = whole("measure", repeats=repeats)
    found = []
    for way in several("measure", "ways", ways):
        for nbytes in several("measure", "sizes", sizes):
            whole("measure", sizes=nbytes)
            _check("measure", way, comm.size, nbytes)
            numbers = np.ones(-(-nbytes // 4), np.float32)
            seconds = min(_once(comm, WAYS[way], numbers) for _ in range(repeats + 1))
            slowest = np.zeros(comm.size)
            slowest[comm.rank] = seconds
            found.append(Measured(way, comm.size, numbers.nbytes, float(comm.all_reduce(slowest).max())))
    return found


def _once(comm: Communicator, function: Callable, numbers: np.ndarray) -> float:
    comm.barrier()
    begun = time.perf_counter()
    function(comm, numbers)
    return time.perf_counter() - begun


def fit(measured: Sequence[Any], compute: float = 0.0) -> Cost:
    """The latency and the bandwidth that explain measurements best.

    Seconds are latencies · α + bytes · 1/β, so α and 1/β are found by least squares, with relative errors: a wrong
    microsecond counts more where all takes ten. What comes out below 0 counts as 0.

    Parameters
    ----------
    measured : sequence of (way, workers, bytes, seconds)
        At least two, of different sizes.
    compute : float
        What the result says of computing.

    Examples
    --------
    >>> true = Cost(latency=2e-5, bandwidth=1e9)
    >>> points = [("ring", n, size, true.sum("ring", n, size)) for n in (2, 4) for size in (1000, 10**6)]
    >>> found = fit(points)
    >>> round(found.latency, 9), round(found.bandwidth)
    (2e-05, 1000000000)
    """
    real("fit", 0, compute=compute)
    points = [_point(point) for point in several("fit", "measured", measured)]
    known = np.array([parts(point.way, point.workers, point.nbytes) for point in points], float).reshape(
        -1, 2
    )
    seconds = np.array([point.seconds for point in points], float)
    if len(points) < 2 or np.linalg.matrix_rank(known) < 2 or not seconds.all():
        raise ValueError("fit: wanted at least two measurements, of different sizes, with seconds above 0")
    alpha, inverse = np.linalg.lstsq(known / seconds[:, None], np.ones(len(points)), rcond=None)[0]
    return Cost(max(float(alpha), 0.0), 1 / max(float(inverse), 1e-15), compute)


def _point(given: Any) -> Measured:
    """One measurement, looked at."""
    if not isinstance(given, (tuple, list)) or len(given) != 4:
        raise ValueError(f"fit: a measurement is (way, workers, bytes, seconds), got {given!r:.60}")
    point = Measured(*given)
    _check("fit", point.way, point.workers, point.nbytes)
    real("fit", 0, seconds=point.seconds)
    return point
