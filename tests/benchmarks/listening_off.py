"""What it costs a small training step that somebody could listen to its events, while nobody does: less than 1 %.

    python -m tests.benchmarks.listening_off

Three things are paid for: each call of a module notes which results it made; each module and each operation asks
whether somebody listens; each result takes a number. What modules do is measured in pairs: some steps as they are,
then as many with a `Module.__call__` that does none of it, by turns. What an operation does is in C, and cannot be
taken out; it is one look into a dictionary and one number from a counter, and these are timed by themselves.
"""

import itertools
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

import needle_edu as ndl
from needle_edu import nn, optim
from needle_edu.autograd import state
from needle_edu.graph.replay import graph_of

PAIRS, STEPS, LOOPS = 150, 100, 1_000_000


def small_step() -> tuple[Callable[[], Any], int]:
    """A step of an MLP on sixteen digits of 8 × 8, and how many results it makes on the way forward."""
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    loss, optimizer = nn.SoftmaxLoss(), optim.SGD(model.parameters(), lr=0.01)
    images = ndl.init.rand(16, 64, requires_grad=False)
    labels = ndl.Tensor(np.arange(16) % 10, requires_grad=False)

    def step() -> None:
        optimizer.reset_grad()
        loss(model(images), labels).backward()
        optimizer.step()

    results = sum(not node.is_leaf for node in graph_of(loss(model(images), labels)).nodes.values())
    return step, results


def forward_alone(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    """`Module.__call__` without what serves those who listen to events."""
    if self._hooks is None:
        return self.forward(*args, **kwargs)
    return self._hooks.around(self, args, kwargs)


def seconds(step: Callable[[], Any]) -> float:
    """How long so many steps take, when Python has got used to the change of a class."""
    for _ in range(STEPS // 4):
        step()
    began = time.perf_counter()
    for _ in range(STEPS):
        step()
    return time.perf_counter() - began


def one_operation() -> float:
    """Seconds for a look into a dictionary and a number from a counter, in loops that run in C."""
    began = time.perf_counter()
    deque(map(vars(state).__getitem__, itertools.repeat("watched", LOOPS)), maxlen=0)
    deque(itertools.islice(itertools.count(), LOOPS), maxlen=0)
    return (time.perf_counter() - began) / LOOPS


def measure() -> None:
    """Print what modules cost in pairs, and what operations cost at most."""
    step, results = small_step()
    usual = nn.Module.__call__
    ways = {"as it is": usual, "without": forward_alone}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(PAIRS):
        for way in sorted(ways, reverse=bool(turn % 2)):  # who comes second finds a warmer machine
            nn.Module.__call__ = ways[way]  # type: ignore[method-assign]
            try:
                times[way].append(seconds(step))
            finally:
                nn.Module.__call__ = usual  # type: ignore[method-assign]
    usual_s, without = (np.array(times[way]) / STEPS for way in ways)
    each = one_operation()
    print(
        f"a step: {np.median(usual_s) * 1e6:.0f} us; modules: {np.median(usual_s / without) - 1:+.2%} in the median of "
        f"{PAIRS} pairs; {results} operations: at most {results * each / np.median(without):+.2%}"
    )


if __name__ == "__main__":
    measure()
