"""Memory: no cycles, nothing kept longer than needed. The garbage collector is off in these tests."""

import contextlib
import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import ops
from needle_edu.autograd import TensorOp, Value
from needle_edu.backend import memory


@pytest.fixture(autouse=True)
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def live():
    return sum(issubclass(type(thing), Value) for thing in gc.get_objects())


def step(x, w):
    hidden = ops.tanh(x @ w) * (x @ w)
    loss = ops.logsoftmax(hidden + hidden).sum() + sum(ops.split(hidden, 0), start=hidden.sum(0)).sum()
    loss.backward()


def test_a_step_leaves_only_the_gradients():
    x, w = tensor(np.ones((2, 3)), requires_grad=False), tensor(np.ones((3, 2)))
    step(x, w)
    before = live()
    bytes_before = memory.live_bytes()
    for _ in range(50):
        step(x, w)
    assert live() == before
    assert memory.live_bytes() == bytes_before


def test_dropping_the_loss_frees_the_graph():
    x = tensor([1.0])
    inner = x * x
    watch = weakref.ref(inner)
    loss = inner + 1
    del inner
    assert watch() is not None
    loss.backward()
    del loss
    assert watch() is None


def test_a_long_graph_is_freed_without_recursion():
    y = tensor([1.0])
    before = live()
    for _ in range(100_000):
        y = y + 1.0
    del y
    assert live() == before - 1


def test_second_derivatives_are_freed_when_grad_is_dropped():
    x = tensor([2.0])
    before = live()
    (x * x * x).backward(create_graph=True)
    x.grad = None
    assert live() == before


def test_adjoints_go_as_soon_as_they_are_used():
    """While the first op of a chain gets its adjoint, those of the later ops are gone already."""
    seen = []

    class Look(TensorOp):
        def compute(self, a):
            return a * 1.0

        def vjp0(self, g, node):
            seen.append(live())
            return g * 1.0

    def adjoints_alive(length):
        seen.clear()
        y = Look()(tensor([1.0]))
        for _ in range(length):
            y = ops.exp(y)
        values = live()
        y.backward()
        return seen[0] - values

    assert adjoints_alive(40) == adjoints_alive(4)


def test_an_error_in_backward_leaks_nothing():
    class Broken(TensorOp):
        def compute(self, a):
            return a * 1.0

        def vjp0(self, g, node):
            raise ValueError("broken")

    x = tensor([1.0])

    def attempt():
        with contextlib.suppress(ValueError):
            (Broken()(x * 2) + x).backward()

    attempt()
    before = live()
    for _ in range(20):
        attempt()
    assert live() == before


def resident():
    """Memory of this process in bytes; 0 where the system does not say."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * 4096 if statm.exists() else 0


def test_ten_thousand_steps():
    x, w = tensor(np.ones((2, 3)), requires_grad=False), tensor(np.ones((3, 2)))
    for _ in range(500):
        step(x, w)
    before, bytes_before, resident_before = live(), memory.live_bytes(), resident()
    for _ in range(10_000):
        step(x, w)
    assert live() == before
    assert memory.live_bytes() == bytes_before
    assert resident() - resident_before < 4 * 2**20
