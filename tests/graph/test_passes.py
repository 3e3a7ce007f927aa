"""Passes: the same results with less."""

import weakref

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, ops
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import NeedleError
from needle_edu.graph import capture, passes
from needle_edu.graph.passes import peak_bytes, scheduling
from needle_edu.graph.static import GraphError, validate

from . import random_functions

pytestmark = pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays cannot be captured")


def body(function, one, *examples):
    """What is left of a function after a pass, and after what nobody reads is gone."""
    examples = examples or (Tensor([[1.0, 2.0]]),)
    program = capture(function, *examples)
    after = passes.dead_code(passes.optimize(program, [one]))
    wanted, found = program(*examples), after(*examples)
    np.testing.assert_array_equal(found.numpy(), wanted.numpy())
    return [step.op.name for step in after.body]


@pytest.mark.parametrize(
    "function, left",
    [
        (lambda x: x * 1, []),
        (lambda x: x / 1, []),
        (lambda x: x**1, []),
        (lambda x: x * 2, ["mul_scalar"]),
        (lambda x: x + 0, ["add_scalar"]),  # -0 + 0 is 0
        (lambda x: x * 0, ["mul_scalar"]),  # inf * 0 is nan
        (lambda x: ops.negate(-x), []),
        (lambda x: -x, ["negate"]),
        (lambda x: x * Tensor([[1.0, 1.0]]), []),
        (lambda x: x * Tensor([[1.0, 2.0]]), ["multiply"]),
        (
            lambda x: x.sum((1,), keepdims=True) * Tensor([[1.0, 1.0]]),
            ["summation", "multiply"],
        ),  # it broadcasts
        (lambda x: ops.relu(ops.relu(x)), ["relu"]),
        (lambda x: x.T.T, []),
        (lambda x: x.T, ["transpose"]),
        (lambda x: x.reshape((2,)).reshape((2, 1)), ["reshape"]),
        (lambda x: x.reshape((1, 2)), []),
        (lambda x: x.broadcast_to((1, 2)), []),
        (lambda x: x.broadcast_to((3, 2)), ["broadcast_to"]),
        (lambda x: ops.permute(ops.permute(x, (1, 0)), (1, 0)), []),
        (lambda x: x.astype("float32"), []),
        (lambda x: ops.make_tuple(x * 2, x * 3)[1], ["mul_scalar"]),
    ],
)
def test_algebra(function, left):
    assert body(function, passes.algebra) == left


def test_two_permutations_are_one():
    x = Tensor(np.arange(24.0).reshape(2, 3, 4))
    found = body(lambda x: ops.permute(ops.permute(x, (1, 0, 2)), (0, 2, 1)), passes.algebra, x)
    assert found == ["permute"]


@pytest.mark.parametrize(
    "function, left",
    [
        (lambda x: x.exp() + x.exp(), ["exp", "add"]),
        (
            lambda x: (x * 2) + (x * 2.0),
            ["mul_scalar", "mul_scalar", "add"],
        ),  # 2 and 2.0 need not be the same
        (lambda x: x.sum(0).sum() + x.sum((0,)).sum(), ["summation"] * 4 + ["add"]),
        (lambda x: x @ x.T + x @ x.T, ["transpose", "matmul", "add"]),
        (
            lambda x: x.T @ x @ x.T + x.T @ (x @ x.T),
            ["transpose", "matmul", "matmul", "matmul", "matmul", "add"],
        ),
        (lambda x: (x + x.exp()) * (x.exp() + x), ["exp", "add", "multiply"]),
        (lambda x: (x - x.exp()) * (x.exp() - x), ["exp", "negate", "add", "negate", "add", "multiply"]),
        (lambda x: x * Tensor([3.0]) + x * Tensor([3.0]), ["multiply", "add"]),
        (lambda x: x * Tensor([0.0]) + x * Tensor([-0.0]), ["multiply", "multiply", "add"]),
    ],
)
def test_common_subexpressions(function, left):
    assert body(function, passes.common_subexpressions) == left


def test_dropout_is_drawn_twice(rng):
    """Two dropouts of one tensor are not one: each has a key of its own."""
    program = capture(lambda x: ops.dropout(x, 0.5) + ops.dropout(x, 0.5), Tensor(np.ones(64)))
    assert len(passes.common_subexpressions(program).body) == 3


def test_constants_are_folded_by_the_device_itself():
    numbers = np.linspace(-2, 2, 7).astype("float32")
    program = passes.optimize(capture(lambda x: x * Tensor(numbers).tanh().exp(), Tensor(np.ones(7))))
    [made] = program.constants.values()
    assert [one.op.name for one in program.body] == ["multiply"]
    np.testing.assert_array_equal(made, Tensor(numbers).tanh().exp().numpy())


def test_large_constants_are_not_made():
    program = capture(lambda x: x * Tensor([3.0]).broadcast_to((5000,)), Tensor(np.ones(5000)))
    assert len(passes.constant_folding(program).body) == 2


def test_transposes_of_other_axes_stay():
    x = Tensor(np.arange(8.0).reshape(2, 2, 2))
    assert body(lambda x: x.transpose((0, 1)).transpose((1, 2)), passes.algebra, x) == ["transpose"] * 2


def test_an_array_is_forgotten_after_its_last_use(monkeypatch):
    """A run keeps two arrays of a long chain, not all."""
    program = capture(lambda x: x * 2 * 3 * 4 * 5 * 6, Tensor(np.zeros(100)))
    alive: list = []
    most = 0
    for one in program.body:
        compute = one.op.compute

        def watched(a, compute=compute):
            nonlocal most
            out = compute(a)
            alive.append(weakref.ref(out))
            most = max(most, sum(ref() is not None for ref in alive))
            return out

        monkeypatch.setattr(one.op, "compute", watched)
    program(Tensor(np.zeros(100)))
    assert most == 2


def test_what_is_written_is_live():
    w = Tensor([1.0])

    def f(x):
        w.data = w.data + x
        return x

    program = passes.dead_code(capture(f, Tensor([1.0])))
    assert [one.op.name for one in program.body] == ["add"]


@pytest.mark.parametrize("seed", range(40))
def test_passes_in_any_order_change_no_bit(seed):
    rng = np.random.default_rng(1000 + seed)
    f = random_functions.with_gradients(random_functions.function(rng))
    xs = random_functions.inputs(rng)
    program = capture(f, *xs)
    wanted = [one.numpy() for one in program(*xs) if one is not None]
    order = [passes.PASSES[k] for k in rng.integers(0, len(passes.PASSES), 6)]
    after = passes.optimize(program, order)
    assert len(after.body) <= len(program.body)
    found = [one.numpy() for one in after(*xs) if one is not None]
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_pass_that_makes_no_program_is_named():
    program = capture(lambda x: x * 2 + 1, Tensor([1.0]))

    def backwards(program):
        return program.with_(body=program.body[::-1])

    with pytest.raises(GraphError, match="after the pass backwards: .* %0 is not defined before"):
        passes.optimize(program, [backwards])
    with pytest.raises(NeedleError, match="a pass returns a Program, got NoneType"):
        passes.optimize(program, [lambda program: None])


def test_training_step_shrinks():
    """A two-layer network's step: the transposes, ones and gradients that nobody needs are gone."""
    w = [Tensor(np.ones((4, 4)), dtype="float32") for _ in range(2)]
    b = Tensor(np.ones(4), dtype="float32")

    def step(x):
        loss = (ops.relu(x @ w[0] + b * x) @ w[1]).sum()
        loss.backward()
        for p in w:
            p.data = p.data - p.grad * 0.1
            p.grad = None
        return loss

    program = capture(step, Tensor(np.ones((2, 4)), requires_grad=False))
    assert not any(".vjp" in one.op.name for one in program.body)  # all of the backward pass is ops
    explanation = passes.explain(program)
    assert len(explanation.programs[-1].body) < len(program.body)
    assert "dead_code" in str(explanation)
    assert any("-  %" in explanation.diff(name) for name in explanation.names)
    assert ndl.graph.passes is passes


# ---- scheduling ------------------------------------------------------------------------------------------------------


def test_scheduling_lowers_the_peak_and_changes_no_number(rng):
    x = Tensor(rng.normal(size=50), dtype="float32")

    def f(x):
        large = [x.reshape((50, 1)) * x * k for k in (2.0, 3.0, 4.0)]
        return [one.sum() for one in large]

    program = capture(f, x)
    changed = scheduling(program)
    assert peak_bytes(changed) < 0.6 * peak_bytes(program)
    assert sorted(one.name for one in changed.body) == sorted(one.name for one in program.body)
    for a, b in zip(validate(changed)(x), program(x), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_good_order_stays():
    program = capture(lambda x: (x * 2 + 1).exp().sum(), Tensor([1.0, 2.0]))
    assert scheduling(program) is program


@pytest.mark.parametrize("seed", range(4))
def test_scheduling_of_random_functions(seed):
    rng = np.random.default_rng(seed)
    f = random_functions.with_gradients(random_functions.function(rng, steps=30))
    xs = random_functions.inputs(rng)
    program = capture(f, *xs)
    changed = validate(scheduling(program))
    assert peak_bytes(changed) <= peak_bytes(program)
    for a, b in zip(changed(*xs), program(*xs), strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a.numpy(), b.numpy())
