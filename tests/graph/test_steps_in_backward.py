"""Optimiser steps behind the products that make their gradients: the same bits, and only where nobody could tell."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, nn, ops, optim
from needle_edu.backend.build import builder
from needle_edu.graph import capture
from needle_edu.graph.compiled import PARTS
from needle_edu.graph.compiled.epilogue import Rows, epilogues
from needle_edu.graph.compiled.fusion import fuse
from needle_edu.graph.compiled.lowering import lower
from needle_edu.graph.compiled.steps_in_backward import steps_in_backward

pytestmark = pytest.mark.shares_memory  # programs in C are the processor's
needs_compiler = pytest.mark.skipif(builder.find_compiler() is None, reason="there is no C compiler")
WITHOUT = [name for name in PARTS if name != "steps_in_backward"]
INPUTS, HIDDEN = 260, 300  # the first weight is worth it: 312 kB


def network():
    ndl.seed(0)
    return nn.Sequential(nn.Linear(INPUTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 5))


def training_step(model, optimizer, change=lambda model: None):
    loss_of = nn.SoftmaxLoss()

    def step(x, y):
        optimizer.reset_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        change(model)
        optimizer.step()
        return loss

    return step


def examples():
    rng = np.random.default_rng(0)
    return Tensor(rng.normal(size=(16, INPUTS)), dtype="float32"), Tensor(rng.integers(0, 5, 16))


def joined(step, *arguments):
    """How many products have an optimiser's step in their blocks of rows."""
    steps = epilogues(fuse(steps_in_backward(lower(capture(step, *arguments)))))
    return sum(isinstance(one, Rows) and one.calls[-1].kernel == "optimizer_steps" for one in steps)


OPTIMISERS = {
    "Adam": optim.Adam,
    "AdamW": lambda parameters: optim.AdamW(parameters, weight_decay=0.1),
    "SGD": lambda parameters: optim.SGD(parameters, lr=0.1),
    "momentum": lambda parameters: optim.SGD(parameters, lr=0.1, momentum=0.9),
    "RMSprop": lambda parameters: optim.RMSprop(parameters, lr=0.01, momentum=0.5, centered=True),
}


@needs_compiler
@pytest.mark.parametrize("name", OPTIMISERS)
def test_same_bits_as_eager(name):
    """Parameters, gradients and losses of five steps; the gradient is there afterwards, as always."""
    found = []
    for compiled in (False, True):
        model, given = network(), examples()
        step = training_step(model, OPTIMISERS[name](model.parameters()))
        run = ndl.compile(step) if compiled else step
        losses = [run(*given).numpy() for _ in range(5)]
        found.append([*losses, *[part.numpy() for p in model.parameters() for part in (p, p.grad)]])
        if compiled:
            assert "nd_step step" in run.source
            assert "nd_step step =" not in _source(ndl.compile(step, WITHOUT), given)
    for eager, ours in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, eager)


def _source(run, given):
    run(*given)
    return run.source


def test_the_step_follows_the_product_of_its_own_gradient():
    model = network()
    step = training_step(model, optim.Adam(model.parameters()))
    calls = steps_in_backward(lower(capture(step, *examples()))).calls
    places = [k for k, call in enumerate(calls) if call.kernel == "optimizer_steps"]
    first, rest = (calls[k].arguments[2] for k in places)
    assert [row[1] for row in first] == [INPUTS * HIDDEN] and len(rest) == 3
    assert calls[places[0] - 1].kernel == "matmul" and calls[places[0] - 1].arguments[1] is first[0][4]
    assert joined(step, *examples()) == 1


def clip(model):
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)


def read_weight(model):
    model.seen = model.modules[0].weight.detach().sum()


def share(model):
    weight = model.modules[0].weight
    weight.grad = weight.grad + ops.relu(weight.detach())


@pytest.mark.parametrize("change", [clip, share])
def test_a_gradient_that_is_more_than_a_product_waits(change):
    model = network()
    step = training_step(model, optim.Adam(model.parameters()), change)
    assert joined(step, *examples()) == 0


def test_a_weight_that_is_still_asked_for_waits():
    """The old weight is a factor of a product of the same step, after its gradient's."""
    model = network()
    weight = model.modules[0].weight
    adam = optim.Adam([weight])

    def step(x, y):
        adam.reset_grad()
        nn.SoftmaxLoss()(model(x), y).backward()
        after = (x * 2) @ weight.detach()
        adam.step()
        return after

    assert joined(step, *examples()) == 0


@needs_compiler
def test_a_weight_that_is_tied_to_itself():
    """h = relu(x W) W: the gradient is a sum of two products."""
    w = Tensor(np.random.default_rng(0).normal(size=(300, 300)) / 20, dtype="float32")
    start, x = w.numpy().copy(), Tensor(np.random.default_rng(1).normal(size=(8, 300)), dtype="float32")
    found = []
    for compiled in (False, True):
        w = Tensor(start, dtype="float32")
        adam = optim.Adam([w], lr=0.01)

        def step(x, w=w, adam=adam):
            adam.reset_grad()
            loss = (ops.relu(x @ w) @ w).sum()
            loss.backward()
            adam.step()
            return loss

        run = ndl.compile(step) if compiled else step
        for _ in range(3):
            run(x)
        found.append(w.numpy())
    np.testing.assert_array_equal(found[1], found[0])


@needs_compiler
def test_old_numbers_that_somebody_holds_stay():
    model, given = network(), examples()
    run = ndl.compile(training_step(model, optim.Adam(model.parameters())))
    run(*given)
    weight = model.modules[0].weight
    kept, numbers, gradient = weight.detach(), weight.numpy().copy(), weight.grad
    gradient_numbers = gradient.numpy().copy()
    run(*given)
    np.testing.assert_array_equal(kept.numpy(), numbers)
    np.testing.assert_array_equal(gradient.numpy(), gradient_numbers)
    assert not np.array_equal(weight.numpy(), numbers)
