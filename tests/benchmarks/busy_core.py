"""Kernels on all threads while another program keeps one core busy: `python -m tests.benchmarks.busy_core [seconds]
[--write-table]`.

Whoever shares work out must not wait for a thread that the system does not let run. The measure is the mean time of a
call, which counts the rare long wait, against the mean on one thread under the same load; the promise is at most 1.5.
Both take turns in blocks of a quarter of a second. It takes half a minute; `--write-table` puts it into docs/speed.md.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

import needle_edu as ndl
from needle_edu.backend import get_num_threads, set_num_threads

from . import table

BLOCK = 0.25  # seconds
PROMISE = 1.5  # mean time under load, against one thread


def jobs() -> dict[str, Callable[[], object]]:
    rng = np.random.default_rng(0)
    small, large, vector = (
        [ndl.ndarray.array(rng.random(shape, dtype="f4"), device=ndl.cpu()) for _ in range(2)]
        for shape in ((128, 128), (256, 256), 1_000_000)
    )
    return {
        "matmul 128x128": lambda: small[0] @ small[1],
        "matmul 256x256": lambda: large[0] @ large[1],
        "add 1 M": lambda: vector[0] + vector[1],
    }


@contextlib.contextmanager
def busy_core() -> Iterator[None]:
    """Another process computes for ever, on the last core this one may use."""
    core = max(os.sched_getaffinity(0))
    code = f"import os\nos.sched_setaffinity(0, {{{core}}})\nprint(flush=True)\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline()
        yield
    finally:
        process.kill()
        process.wait()


def calls(job: Callable[[], object], threads: int, block_s: float) -> list[float]:
    """Seconds of each call in one block."""
    set_num_threads(threads)
    job()
    times, end = [], time.perf_counter() + block_s
    while (start := time.perf_counter()) < end:
        job()
        times.append(time.perf_counter() - start)
    return times


def measure(job: Callable[[], object], most: int, rounds: int) -> dict[int, list[float]]:
    times: dict[int, list[float]] = {1: [], most: []}
    for turn in range(rounds):
        for threads in (1, most) if turn % 2 else (most, 1):
            times[threads] += calls(job, threads, BLOCK)
    return times


def entry(name: str, load: str, times: dict[int, list[float]]) -> dict:
    """A row of the table: median and mean in seconds, on one thread and on all."""
    median_and_mean = [
        [float(f"{average(times[threads]):.4g}") for average in (statistics.median, statistics.fmean)]
        for threads in (1, max(times))
    ]
    promise = PROMISE if load == "busy" else None
    return {
        "what": f"{name}, {load}",
        "promise": promise,
        "one": median_and_mean[0],
        "all": median_and_mean[1],
    }


def main(seconds: float, write: bool) -> None:
    most = get_num_threads()
    if most == 1 or not ndl.cpu().native:
        sys.exit("this needs the C kernels and at least two threads")
    all_jobs = jobs()
    rounds = max(2, round(seconds / (2 * len(all_jobs)) / (2 * BLOCK)))
    entries = []
    for load, state in (("idle", contextlib.nullcontext), ("busy", busy_core)):
        for name, job in all_jobs.items():
            with state():
                entries.append(entry(name, load, measure(job, most, rounds)))
    print(table.render([{"machine": table.machine(), "busy": entries}]))
    if write:
        table.keep(table.machine(), "busy", entries)
        table.write_page()


if __name__ == "__main__":
    words = sys.argv[1:]
    numbers = [float(word) for word in words if word != "--write-table"]
    main(numbers[0] if numbers else 30, "--write-table" in words)
