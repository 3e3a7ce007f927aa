"""All-reduce of 4 MB between two processes, beside MPI's own.

    python -m tests.benchmarks.all_reduce [megabytes]

MPI's own two ways are timed too: from one array into another, and in place. All take turns in a random order that is
the same for both ranks; a barrier before each. Times are those of rank 0, in milliseconds; ratios are of medians.
"""

import random
import sys
import time

import numpy as np

from needle_edu import distributed

TURNS = 150
PAIRS = {"into a new array": "MPI, into another array", "in place": "MPI, in place"}


def measure(comm, megabytes):
    """What a turn of each way took in this rank: name → seconds."""
    from mpi4py import MPI

    world, turn = MPI.COMM_WORLD, random.Random(0)
    given = np.random.default_rng(comm.rank).standard_normal(int(megabytes * 2**18)).astype("float32")
    other, own = np.empty_like(given), given.copy()
    ways = {
        "MPI, into another array": lambda: world.Allreduce(given, other),
        "MPI, in place": lambda: world.Allreduce(MPI.IN_PLACE, own),
        "into a new array": lambda: comm.all_reduce(given),
        "in place": lambda: comm.all_reduce(own, out=own),
    }
    took = {name: [] for name in ways}
    for _ in range(TURNS):
        for name in turn.sample(list(ways), len(ways)):
            own[...] = given
            world.Barrier()
            begun = time.perf_counter()
            ways[name]()
            took[name].append(time.perf_counter() - begun)
    return took


def main():
    """Print the table."""
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    took = distributed.launch(measure, 2, megabytes, time_limit=120)[0]
    for name, times in took.items():
        ratio = f"  {np.median(times) / np.median(took[PAIRS[name]]):.2f} of MPI's" if name in PAIRS else ""
        print(f"{name:24} {np.median(times) * 1e3:.2f}, least {min(times) * 1e3:.2f}{ratio}")


if __name__ == "__main__":
    main()
