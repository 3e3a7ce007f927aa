"""Breakpoints and causes: where a walk stops, and which step made a number zero, huge or NaN."""

import math

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import viz


def logarithm():
    """NaN in w.grad: log(0) is -inf, its derivative inf, and inf · 0 is NaN."""
    x, w = ndl.Tensor([1.0, 0.0, 2.0], requires_grad=False), ndl.Tensor([0.5, -1.0, 3.0])
    h = w * x
    y = ndl.log(h)
    return (y * 2).sum(), w


def titles(stepper, numbers):
    return [stepper.steps[k].title for k in numbers]


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"):
        yield


def test_an_operation_stops_forward_and_backward():
    x, w = ndl.Tensor([1.0, -2.0]), ndl.Tensor([3.0, 4.0])
    stepper = viz.step((ndl.relu(x * w) * w).sum(), stop_at="multiply")
    assert titles(stepper, stepper.stops) == [
        "v1 = x × w",
        "v3 = v2 × w",
        "v3 → v2",
        "v3 → w",
        "v1 → x",
        "v1 → w",
    ]
    assert viz.step(ndl.relu(x).sum()).stops == []


def test_a_tensor_stops_wherever_it_is_told_of():
    x, w = ndl.Tensor([1.0, -2.0]), ndl.Tensor([3.0, 4.0])
    loss = (x * w).sum() + (w * 2).sum()
    by_tensor, by_name = viz.step(loss, stop_at=w), viz.step(loss, stop_at=["w"])
    assert by_tensor.stops == by_name.stops
    kinds = [by_name.steps[k].kind for k in by_name.stops]
    assert kinds == ["leaf", "vjp", "sum", "vjp", "sum", "grad"]


def test_nan_stops_where_it_appears_and_not_where_it_is_passed_on():
    loss, _ = logarithm()
    stepper = viz.step(loss, stop_at="nan")
    assert titles(stepper, stepper.stops) == ["v2 = log(v1)", "v2 → v1"], (
        "-inf, and inf; not the NaN of inf · 0"
    )
    numbers = [stepper.steps[k].result.numbers.array[1] for k in stepper.stops]
    assert numbers == [-math.inf, -math.inf], "log(0), and 2 / -0"


@pytest.mark.parametrize(
    ("bound", "inside"),
    [("norm > 4", lambda n: n > 4), ("norm<0.5", lambda n: n < 0.5), ("norm > 1e1", lambda n: n > 10)],
)
def test_a_norm_stops_at_gradients_beyond_it(rng, bound, inside):
    x, w = ndl.Tensor(rng.normal(size=(3, 4))), ndl.Tensor(rng.normal(size=(4, 2)))
    stepper = viz.step(((x @ w) * 0.1 + (x @ w) ** 3).sum(), stop_at=bound)
    backward = {
        k: np.linalg.norm(s.result.numbers.array)
        for k, s in enumerate(stepper.steps)
        if s.phase == "backward"
    }
    assert stepper.stops == [k for k, norm in backward.items() if inside(norm)]
    assert 0 < len(stepper.stops) < len(backward)


def test_what_is_no_breakpoint_is_refused_with_advice():
    x = ndl.Tensor([1.0])
    loss = ndl.relu(x).sum()
    with pytest.raises(
        ValueError, match=r"stop_at='rellu' is no operation and no tensor.*near it: relu.*norm > 10"
    ):
        viz.step(loss, stop_at="rellu")
    with pytest.raises(TypeError, match=r"stop_at is the name of an operation.*got int"):
        viz.step(loss, stop_at=3)
    with pytest.raises(TypeError, match="got float"):
        viz.step(loss, stop_at=["relu", 2.0])
    with pytest.raises(ValueError, match="no part of this graph"):
        viz.step(loss, stop_at=ndl.Tensor([1.0]))


def test_a_recorded_run_and_a_widget_stop_too():
    x = ndl.Tensor([1.0])
    with viz.record() as tape:
        (x * 2).sum().backward()
    stepper = tape.step(stop_at="summation")
    assert stepper.steps[stepper.stops[0]].kind == "op" and stepper.data["index"] == stepper.stops[0] > 0
    pytest.importorskip("anywidget", reason="pip install anywidget")
    loss = (x * 2).sum()
    assert viz.step(loss, live=True, stop_at="summation").index == 2


# ---- causes -------------------------------------------------------------------------------------------------------


def cause_of(stepper, label):
    k = max(k for k, s in enumerate(stepper.steps) if stepper.graph.nodes[s.value].label == label)
    cause = stepper.causes.of(k)
    return cause, stepper.steps[cause.made]


def test_nan_is_followed_to_the_operation_that_made_it():
    loss, w = logarithm()
    w.name = "w"
    stepper = viz.step(loss)
    cause, made = cause_of(stepper, "w")
    assert cause.kind == "nan" and titles(stepper, cause.chain) == ["w.grad is written", "v1 → w", "v2 → v1"]
    assert cause.text == (
        "The adjoint and the operands are finite, but log makes infinities of them: at [1], adjoint = 2, v1 = 0 gives "
        "-inf."
    ), made.title


def test_a_nan_that_was_given_is_followed_to_its_leaf():
    x, w = ndl.Tensor([1.0, math.nan], requires_grad=False), ndl.Tensor([2.0, 3.0])
    cause, made = cause_of(viz.step((x * w).sum()), "w")
    assert (cause.kind, made.title, cause.text) == ("nan", "x enters", "x was given so.")


def test_a_zero_is_followed_to_the_relu_that_let_nothing_through():
    x, w = ndl.Tensor([[1.0, 2.0]], requires_grad=False), ndl.Tensor([[-1.0], [-2.0]])
    h = ndl.relu(x @ w)
    cause, made = cause_of(viz.step((h * 3).sum()), "w")
    assert cause.kind == "zero" and made.title == "h → v1"
    assert cause.text.endswith("no element of v1 is positive: relu lets nothing through.")


def test_a_zero_may_come_from_an_operand_from_saturation_or_from_cancelling():
    x, w = ndl.Tensor([0.0, 0.0], requires_grad=False), ndl.Tensor([2.0, 3.0])
    cause, made = cause_of(viz.step((x * w).sum()), "w")
    assert cause.kind == "zero" and made.title == "x enters"
    far = ndl.Tensor([50.0])
    cause, made = cause_of(viz.step(ndl.tanh(far)), "far")
    assert "tanh is saturated" in cause.text and made.kind == "vjp"
    a = ndl.Tensor([1.0, 2.0])
    cause, made = cause_of(viz.step((a - a).sum()), "a")
    assert cause.text == "The contributions are not zero: they cancel one another." and made.kind == "sum"


def test_contributions_that_cancel_are_to_blame_and_not_one_that_is_zero():
    a, zero = ndl.Tensor([1.0, 2.0]), ndl.Tensor([0.0, 0.0], requires_grad=False)
    cause, made = cause_of(viz.step((a * zero + a - a).sum()), "a")
    assert cause.text == "The contributions are not zero: they cancel one another." and made.kind == "sum"


def test_a_second_backward_pass_begins_anew():
    x = ndl.Tensor([3.0])
    with viz.record() as tape:
        y = x * x
        y.backward()
        y.backward()
    stepper = tape.step()
    sums = [k for k, step in enumerate(stepper.steps) if step.kind == "sum"]
    assert [len(stepper.causes.sources[k]) for k in sums] == [1, 2, 1, 2]


def test_what_is_huge_is_followed_to_the_step_that_multiplied_most():
    x, w = ndl.Tensor([2.0]), ndl.Tensor([1e6], requires_grad=False)
    y = x * 3
    z = y * w
    cause, made = cause_of(viz.step((z * 5).sum()), "x")
    assert cause.kind == "huge" and made.title == "z → y"
    assert cause.text.startswith("multiply takes the largest number from 5 to 5e+06, times 1e+06: no step")


def test_what_is_tiny_is_followed_to_the_step_that_multiplied_least():
    x = ndl.Tensor([0.5])
    y = x * 1e-5
    z = y * 1e-6
    cause, made = cause_of(viz.step((z * 0.5).sum()), "x")
    assert cause.kind == "tiny" and made.title == "z → y"
    assert cause.text == (
        "mul_scalar takes the largest number from 0.5 to 5e-07, times 1e-06: no step on the way shrinks it more."
    )


def test_finite_contributions_whose_sum_overflows():
    x = ndl.Tensor([1.0], dtype="float32")
    cause, made = cause_of(viz.step((x * 3e38).sum() + (x * 3e38).sum()), "x")
    assert cause.kind == "inf" and made.kind == "sum"
    assert cause.text == "Every contribution is finite, but their sum holds infinities."


def test_sources_are_those_of_the_mathematics(rng):
    """A step's numbers are a function of its sources alone: checked by their kinds, for every step of a run."""
    x, w = ndl.Tensor(rng.normal(size=(2, 3))), ndl.Tensor(rng.normal(size=(3, 3)))
    h = ndl.tanh(x @ w)
    stepper = viz.step((h * h + h).sum())
    for k, step in enumerate(stepper.steps):
        found = [stepper.steps[s] for s in stepper.causes.sources[k]]
        assert all(s < k for s in stepper.causes.sources[k])
        if step.kind == "sum":
            np.testing.assert_allclose(
                step.numbers("sum"), sum(s.numbers("contribution") for s in found), rtol=1e-6
            )
        elif step.kind == "vjp":
            np.testing.assert_array_equal(found[0].result.numbers.array, step.numbers("adjoint"))
            assert found[0].value == step.origin
        elif step.kind == "grad":
            np.testing.assert_array_equal(found[0].result.numbers.array, step.numbers("grad"))
        elif step.kind == "op":
            assert [s.value for s in found] == list(dict.fromkeys(stepper.graph.inputs(step.value)))
