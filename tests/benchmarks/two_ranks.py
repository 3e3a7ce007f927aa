"""LeNet in two processes of one thread each, beside one process of one thread.

    python -m tests.benchmarks.two_ranks

A step of Adam on 128 images: alone, or on 64 in each of two processes that add up their gradients. The median step, by
turns, three times.
"""

import statistics
import time

import numpy as np

from needle_edu.distributed import launch

STEPS = 60


def seconds(comm):
    """What the median step takes in this rank."""
    import needle_edu as ndl
    from needle_edu.distributed import DistributedDataParallel
    from tests import twins

    rng, share = np.random.default_rng(0), slice(comm.rank, None, comm.size)
    x = twins.constant(ndl, rng.standard_normal((128, *twins.IMAGES["LeNet"]), dtype=np.float32)[share])
    y = twins.constant(ndl, rng.integers(0, 10, 128)[share])
    step = twins.classifier_step(ndl, DistributedDataParallel(twins.lenet(ndl)))
    took = []
    for _ in range(STEPS):
        begun = time.perf_counter()
        step(x, y)
        took.append(time.perf_counter() - begun)
    return statistics.median(took[5:])


def main():
    """Print how many times as fast two are as one."""
    for _ in range(3):
        one, two = (launch(seconds, n, time_limit=120, threads=1)[0] for n in (1, 2))
        print(f"one {one * 1e3:.2f} ms a step, two {two * 1e3:.2f}: {one / two:.2f} times as fast")


if __name__ == "__main__":
    main()
