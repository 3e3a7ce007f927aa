"""The local Jacobian shown for small operations: derivatives, beside finite differences of the operation itself."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import ops, viz
from needle_edu.autograd.events import value_id
from needle_edu.viz.stepper.jacobian import local_jacobians

SMALL = {
    "add, broadcast": (lambda a, b: a + b, [(2, 3), (1, 3)]),
    "multiply, broadcast": (lambda a, b: a * b, [(2, 2), (2, 1)]),
    "divide": (lambda a, b: a / b, [(3,), (3,)]),
    "matmul": (lambda a, b: a @ b, [(2, 3), (3, 2)]),
    "transpose": (lambda a: ops.transpose(a), [(2, 3)]),
    "sum": (lambda a: a.sum(), [(2, 3)]),
    "sum of rows": (lambda a: ops.summation(a, axes=(1,)), [(3, 3)]),
    "getitem": (lambda a: a[1:, ::-1], [(3, 3)]),
    "tanh": (lambda a: ops.tanh(a), [(2, 2)]),
    "logsumexp": (lambda a: ops.logsumexp(a, axes=(1,)), [(2, 4)]),
    "maximum": (lambda a, b: ops.maximum(a, b), [(5,), (5,)]),
    "reshape": (lambda a: a.reshape((4, 2)), [(2, 4)]),
    "broadcast_to": (lambda a: ops.broadcast_to(a, (3, 3)), [(1, 3)]),
}


@pytest.mark.parametrize("name", SMALL)
def test_it_is_the_matrix_of_finite_differences(rng, name):
    function, shapes = SMALL[name]
    arrays = [rng.uniform(0.5, 2.0, size=shape) for shape in shapes]
    tensors = [ndl.Tensor(a, dtype="float64") for a in arrays]
    y = function(*tensors)
    assert len(y.inputs) == len(tensors) and all(map(lambda x, a: x is a, y.inputs, tensors)), "one operation"
    jacobians = local_jacobians([*tensors, y])
    for k, a in enumerate(arrays):
        columns = []
        for i in range(a.size):
            ends = []
            for sign in (1, -1):
                moved = [b.copy() for b in arrays]
                moved[k].reshape(-1)[i] += sign * 1e-6
                ends.append(function(*(ndl.Tensor(b, dtype="float64") for b in moved)).numpy())
            columns.append((ends[0] - ends[1]).reshape(-1) / 2e-6)
        np.testing.assert_allclose(jacobians[value_id(y), k], np.array(columns).T, atol=1e-8)


def test_every_operand_of_x_times_x_has_its_own():
    x = ndl.Tensor([2.0, 3.0])
    steps = [s for s in viz.step(x * x).steps if s.kind == "vjp"]
    for step in steps:
        np.testing.assert_array_equal(step.jacobian, np.diag([2.0, 3.0]))
        np.testing.assert_array_equal(step.numbers("adjoint") @ step.jacobian, step.numbers("contribution"))


def test_only_small_ones_are_asked_and_nothing_is_changed():
    x, w = ndl.Tensor(np.ones((2, 5))), ndl.Tensor(np.ones((5, 2)))
    loss = (x @ w).sum()
    heard = []
    previous = ndl.autograd.events.set_hook(lambda event, array: heard.append(event.kind))
    try:
        found = local_jacobians([x, w, *loss.inputs, loss])
    finally:
        ndl.autograd.events.set_hook(previous)
    assert set(found) == {(value_id(loss), 0)} and heard == []
    assert x.grad is None and ndl.autograd.state.grad_enabled()


def test_an_operation_of_ones_own_is_asked_once_as_in_every_pass():
    calls = []

    class Twice(ndl.autograd.TensorOp):
        def compute(self, a):
            return a + a

        def gradient(self, out_grad, node):
            calls.append(1)
            return out_grad * 2

    x = ndl.Tensor([1.5, 2.5])
    stepper = viz.step(Twice()(x).sum())
    assert len(calls) == 1
    assert [s.jacobian is None for s in stepper.steps if s.kind == "vjp"] == [False, True]


def test_the_panel_compares_it_with_the_rule():
    x = ndl.Tensor([[1.0, 2.0]])
    w = ndl.Tensor([[3.0], [0.5]])
    pieces = viz.step(ops.tanh(x @ w) * 2).data["pieces"]
    (jacobian, *_) = [text for text in pieces if 'class="jacobian"' in text]
    assert (
        "∂y/∂<i>a</i>, 1 × 2" in jacobian and "as a row, times this matrix gives the contribution" in jacobian
    )
    assert "\t3.0 0.5" in pieces
    assert any("local derivative ∂y/∂<i>a</i> = 2;" in text for text in pieces)


def test_an_infinite_derivative_is_no_surprise():
    with np.errstate(all="ignore"):
        x = ndl.Tensor([0.0, 1.0])
        stepper = viz.step(ops.log(x).sum())
    text = "".join(stepper.data["pieces"])
    assert "NaN wherever zero meets an infinity" in text
