"""Ctrl-C at the wrong moment: wherever it falls, nothing stays switched on, and the next gradient is right."""

import contextlib

import numpy as np
import pytest
from autograd_helpers import tensor
from interrupts import at_every_place

import needle_edu as ndl
from needle_edu import nn, ops, optim, viz
from needle_edu.autograd import (
    TensorOp,
    enable_grad,
    events,
    no_grad,
    override,
    registry,
    set_grad_enabled,
    state,
)
from needle_edu.backend import cpu

# An interrupt that falls into a destructor or a generator that is being closed is lost, as everywhere in Python.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def nothing_left_for_the_next_test():
    yield
    registry.restore()
    cpu().restore()
    state.set_hook(None)
    del state.thread.blocks[:]


class Ten(TensorOp):
    """An exp that is always 10."""

    def compute(self, a):
        return a * 0 + 10

    def gradient(self, out_grad, node):
        return out_grad * 10


def clean():
    """Nothing is left of what was going on: no mode, no override, no listener, no adjoint."""
    assert state.grad_enabled() and not state.threads_without_grad
    assert not state.thread.blocks and state.thread.enabled
    assert state.hook is None and not events.quiet.on and not state.watched
    assert str(state.module_path) == "" and not nn.module._calling.modules
    assert all(len(place.stack) == 1 for place in registry._slots.values() if place.stack)
    assert all(len(place.stack) == 1 for place in cpu().overridden.values())
    x = tensor([0.5, 2.0])
    (x * x + ops.exp(x)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.array([0.5, 2.0]) + np.exp([0.5, 2.0]))


def graph():
    """A parameter that is used twice, and a loss; what backward gives is known."""
    x = tensor([1.0, -2.0])
    h = x * x + x
    h.retain_grad()
    return x, (h * h).sum()


def right(x, loss):
    clean()
    loss.backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * (x.numpy() ** 2 + x.numpy()) * (2 * x.numpy() + 1))


def backward(x, loss):
    loss.backward()


def differentiable(x, loss):
    loss.backward(create_graph=True)


def accumulated(x, loss):
    x.grad = None
    loss.backward(accumulate=True)


def by_a_student(x, loss):
    with override("compute_gradient_of_variables", ndl.autograd.engine.propagate):
        loss.backward()


def listening(x, loss):
    with viz.record():
        loss.backward()


def stepping(x, loss):
    ndl.graph.record_backward(loss, ndl.autograd.find_topo_sort([loss]))


@pytest.mark.parametrize(
    "act",
    [backward, differentiable, accumulated, by_a_student, pytest.param(listening, marks=pytest.mark.slow)],
    ids=lambda f: f.__name__,
)
def test_backward_interrupted_anywhere(act):
    assert at_every_place(graph, act, right) > 300


@pytest.mark.slow
def test_stepping_puts_every_gradient_back_wherever_it_is_interrupted():
    def prepare():
        x, loss = graph()
        x.grad = tensor([7.0, 7.0])
        return x, loss, x.grad

    def step(x, loss, grad):
        stepping(x, loss)

    def check(x, loss, grad):
        assert x.grad is grad
        right(x, loss)

    at_every_place(prepare, step, check)


@no_grad()
def decorated():
    return tensor([1.0]) * 2


@set_grad_enabled(False)
def switched():
    return tensor([1.0]) * 2


@no_grad()
def generated():
    yield tensor([1.0]) * 2
    yield tensor([1.0]) * 3


def blocks():
    x = tensor([1.0])
    with no_grad():
        x * 2
        with enable_grad():
            x * 2
        x * 2


def switches():
    with set_grad_enabled(False), set_grad_enabled(True):
        tensor([1.0]) * 2


def reused():
    block = no_grad()
    with block, block:
        pass


def after_an_error():
    with contextlib.suppress(ZeroDivisionError), no_grad():
        1 / 0


def overrides():
    x = tensor([0.0])
    with override("exp", Ten):
        ops.exp(x)
        with override("exp", Ten) as inner:
            ops.exp(x)
        inner.undo()


def named():
    change = override("exp", Ten)
    with change:
        ops.exp(tensor([0.0]))
    with change as again:  # nothing is in force any more, and nothing is put back twice
        pass
    assert again is change


def undone():
    older = override("exp", Ten)
    try:
        younger = override("exp", Ten)
        try:
            ops.exp(tensor([0.0]))
        finally:
            younger.undo()
    finally:
        older.undo()
    younger.undo()


def kernels():
    device = cpu()
    with (
        device.override("add_dense", device.kernels.add_dense),
        device.override("add_dense", lambda *args: 0),
    ):
        pass


def kernels_undone():
    device = cpu()
    older = device.override("add_dense", device.kernels.add_dense)
    try:
        device.override("add_dense", lambda *args: 0).undo()
    finally:
        older.undo()


def switched_by_hand():
    change = set_grad_enabled(False)
    try:
        tensor([1.0]) * 2
    finally:
        change.undo()
    with set_grad_enabled(False) as change:
        pass
    change.undo()


def switched_for_a_function():
    @set_grad_enabled(False)
    def double(x):
        return x * 2

    double(tensor([1.0]))


def recorded():
    x = tensor([1.0])
    with viz.record() as tape:
        x * 2
    tape.graph()


def drawn():
    x = tensor([1.0])
    ndl.graph.graph_of(x * 2)


class Twice(nn.Module):
    def __init__(self):
        self.layer = nn.ReLU()

    def forward(self, x):
        return self.layer(self.layer(x))


def modules():
    model, x = Twice(), tensor([1.0])
    with viz.record():
        model(x)


def gradients():
    ndl.grad_check(ops.exp, [0.5])


@pytest.mark.parametrize(
    "act",
    [
        *(
            decorated,
            switched,
            lambda: list(generated()),
            blocks,
            switches,
            reused,
            after_an_error,
            overrides,
        ),
        *(named, undone, kernels, kernels_undone, switched_by_hand, switched_for_a_function),
        *(recorded, drawn, *(pytest.param(act, marks=pytest.mark.slow) for act in (modules, gradients))),
    ],
    ids=lambda f: f.__name__,
)
def test_a_block_interrupted_anywhere(act):
    assert at_every_place(tuple, act, clean) > 100


def test_settings_are_the_old_or_the_new_ones():
    before = ndl.backend.get_isa(), ndl.backend.get_num_threads()

    def settings():
        ndl.backend.set_default_device(ndl.cpu_numpy())
        ndl.backend.set_default_device(cpu())
        ndl.autograd.CREATE_GRAPH = True
        ndl.autograd.CREATE_GRAPH = False
        ndl.backend.set_num_threads(1)
        ndl.backend.set_isa(ndl.backend.available_isas()[0])

    def check():
        try:
            assert ndl.default_device() in (cpu(), ndl.cpu_numpy())
            assert ndl.autograd.CREATE_GRAPH in (True, False)
            assert (
                ndl.backend.get_isa() in ndl.backend.available_isas() and ndl.backend.get_num_threads() >= 1
            )
        finally:
            ndl.backend.set_default_device(cpu())
            ndl.autograd.CREATE_GRAPH = False
            ndl.backend.set_isa(before[0])
            ndl.backend.set_num_threads(before[1])
        clean()

    at_every_place(tuple, settings, check)


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, 0.1, momentum=0.9), lambda p: optim.Adam(p, 0.1)])
def test_a_step_changes_a_parameter_whole_or_not_at_all(make):
    """And what the optimiser remembers can be saved, loaded and used on."""

    def prepare():
        params = [tensor([1.0, 2.0]), tensor([3.0])]
        for p in params:
            p.grad = tensor(np.ones(p.shape))
        return params, make(params)

    whole, optimizer = prepare()
    optimizer.step()
    new = [p.numpy() for p in whole]

    def step(params, optimizer):
        optimizer.step()

    def check(params, optimizer):
        clean()
        for p, old, after in zip(params, ([1.0, 2.0], [3.0]), new, strict=True):
            assert np.array_equal(p.numpy(), old) or np.array_equal(p.numpy(), after)
        make(params).load_state_dict(optimizer.state_dict())
        optimizer.step()
        assert all(np.isfinite(p.numpy()).all() for p in params)

    assert at_every_place(prepare, step, check) > 100


def test_loading_is_all_or_nothing():
    other = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    wanted = other.state_dict()

    def prepare():
        model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        return model, model.state_dict()

    def load(model, before):
        model.load_state_dict(wanted)

    def check(model, before):
        now = model.state_dict()
        same = [all(np.array_equal(now[name], state[name]) for name in now) for state in (before, wanted)]
        assert any(same)

    assert at_every_place(prepare, load, check) > 100
