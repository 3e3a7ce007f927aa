"""Part of `make gpu`: sums between cards by NCCL. With one card, that of one rank; with two, a model on both."""

from __future__ import annotations

import time

import numpy as np

import needle_edu as ndl
from needle_edu import distributed
from needle_edu.distributed.cards import Cards
from needle_edu.distributed.nccl_library import library


def between_cards(device, report) -> None:
    """Say what NCCL does here; what does not hold goes to ``report.wrong``."""
    try:
        found = library()
    except ImportError as error:
        report.say(f"not run: {error}")
        return
    report.say(f"NCCL {'.'.join(map(str, found.version()))} of {found.path}")
    one = Cards(distributed.Alone(), device)
    for dtype in ("float16", "float32", "float64"):
        numbers = (np.arange(100_000) % 11).astype(dtype)
        array = ndl.ndarray.array(numbers, dtype=dtype, device=device) * 2
        one.all_reduce([array])
        one.wait()
        if not np.array_equal(array.numpy(), 2 * numbers):
            report.wrong.append(f"NCCL: the sum of one rank is not its own {dtype} numbers")
    one.close()
    report.say("one rank: sums of float16, float32, float64, after a kernel on the same stream")
    if ndl.backend.cuda.device_count() < 2:
        report.say("there is one card: no sum of two")
        return
    try:
        results = distributed.launch(steps_on_own_card, 2, timeout=60, time_limit=180)
    except ImportError as error:
        report.say(f"two ranks not run: {error}")
        return
    (first, there, seconds), (second, _, _) = results
    (expected, _, _), _ = distributed.SimulatedNetwork(2).run(steps_on_cpu)
    if not there:
        report.wrong.append("NCCL: two cards are there, and the sums went over the hosts")
    if not np.allclose(first, expected, rtol=0, atol=1e-5) or not np.array_equal(first, second):
        report.wrong.append(
            "NCCL: a model on two cards does not take the steps of two workers on the processor"
        )
    report.say(f"two ranks: 20 steps as on the processor; a sum of 64 MB in {seconds * 1e3:.2f} ms")


def steps_on_cpu(comm):
    return steps(comm, ndl.cpu())


def steps_on_own_card(comm):
    from needle_edu.distributed.cards import own_card

    own_card(comm)
    return steps(comm, ndl.cuda())


def steps(comm, device, elements=1 << 24):
    """Twenty steps, whether sums went between cards, and the time of a large sum."""
    from needle_edu.backend import set_default_device

    set_default_device(device)
    try:
        ndl.init.seed(0)
        model = ndl.nn.Sequential(ndl.nn.Linear(64, 256), ndl.nn.ReLU(), ndl.nn.Linear(256, 10))
        both = distributed.DistributedDataParallel(model, communicator=comm)
        sgd = ndl.optim.SGD(both.parameters(), lr=0.01)
        for batch in np.random.RandomState(1).randn(20, 32, 64).astype("float32"):
            sgd.reset_grad()
            (both(ndl.Tensor(batch[comm.rank :: comm.size])) ** 2).mean().backward()
            sgd.step()
        weights = np.concatenate([p.numpy().ravel() for p in both.parameters()])
        cards, best = both._cards, float("inf")
        for _ in range(5 if cards else 0):
            array = ndl.ndarray.zeros(elements, device=device)
            begin = time.perf_counter()
            cards.all_reduce([array])
            cards.wait()
            best = min(best, time.perf_counter() - begin)
        return weights, cards is not None, best
    finally:
        set_default_device(ndl.cpu())
