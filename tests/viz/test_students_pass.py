"""A student's own backward pass in the stepper: told as it runs, with the first step that departs from the engine's."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import viz
from needle_edu.autograd import find_topo_sort


def right(
    output,
    out_grad,
    *,
    order=lambda nodes: nodes[::-1],
    add=lambda a, b: a + b,
    seed=lambda g: g,
    last=lambda g: g,
):
    """The course's answer, with places to go wrong."""
    adjoints = {output: seed(out_grad)}
    for node in order(find_topo_sort([output])):
        node.grad = last(adjoints[node]) if node.op is None else adjoints[node]
        if node.op is not None:
            for x, g in zip(node.inputs, node.op.gradient_as_tuple(node.grad, node), strict=True):
                adjoints[x] = add(adjoints[x], g) if x in adjoints else g


def run(make, **wrong):
    """The stepper of a student's pass over what `make` computes."""
    loss = make()
    with ndl.override("compute_gradient_of_variables", lambda output, g: right(output, g, **wrong)):
        return loss, viz.step(loss)


def fan_out():
    x, w = ndl.Tensor([[1.0, 2.0]]), ndl.Tensor([[3.0], [0.5]])
    x.name, w.name = "x", "w"
    h = x * x
    h.name = "h"
    return ((h @ w) * (h + x).sum()).sum()


def departing(stepper):
    return [(k, step.kind, step.departs) for k, step in enumerate(stepper.steps) if step.departs]


def test_a_right_pass_is_told_with_its_own_numbers_and_departs_nowhere():
    loss, stepper = run(fan_out)
    assert departing(stepper) == []
    (seed,) = [step for step in stepper.steps if step.kind == "seed"]
    assert "your own compute_gradient_of_variables at work: it does what the engine's does." in seed.text
    engine = {step.value: step.numbers("grad") for step in viz.step(loss).steps if step.kind == "grad"}
    students = {step.value: step.numbers("grad") for step in stepper.steps if step.kind == "grad"}
    assert engine.keys() == students.keys() and len(engine) == 2
    for value, numbers in engine.items():
        np.testing.assert_allclose(students[value], numbers, rtol=1e-6)
    kinds = [step.kind for step in stepper.steps]
    assert kinds.count("vjp") == 10 and kinds.count("sum") == 2, "x three times, h twice"
    assert "This is your own" not in viz.step(loss).html


WRONG = {
    "the last contribution only": ({"add": lambda a, b: b}, "sum", "The engine has"),
    "subtracted": ({"add": lambda a, b: a - b}, "sum", "The engine has"),
    "seeded by two": ({"seed": lambda g: g * 2}, None, "The engine has"),
    "passed on too early": ({"order": lambda nodes: [nodes[-1], *nodes[:-1][::-1][1:], nodes[-2]]}, None, ""),
    "negative in the leaves": (
        {"last": lambda g: -g},
        "sum",
        "The engine has [[63. 41.]] here.",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_first_step_that_departs_is_marked(what):
    wrong, kind, text = WRONG[what]
    _, stepper = run(fan_out, **wrong)
    ((number, found, told),) = departing(stepper)
    assert kind in (None, found) and text in told
    (seed,) = [step for step in stepper.steps if step.kind == "seed"]
    assert f"it departs from the engine's at step {number + 1}." in seed.text
    assert "Your pass departs here." in stepper.html


def test_an_adjoint_passed_on_before_it_is_complete_is_said():
    x = ndl.Tensor([2.0])
    h = x * 3
    loss = h * 2 + h.exp()

    def early(output, g):
        adjoints, queue = {output: g}, [output]
        while queue:  # along the links, without a topological order
            node = queue.pop(0)
            node.grad = adjoints[node]
            if node.op is not None:
                for a, part in zip(node.inputs, node.op.gradient_as_tuple(node.grad, node), strict=True):
                    adjoints[a] = adjoints[a] + part if a in adjoints else part
                    queue.insert(0, a)

    with ndl.override("compute_gradient_of_variables", early):
        ((_, _, told),) = departing(viz.step(loss))
    assert told == "This adjoint is passed on when only 1 of 2 contributions are in."


def test_a_pass_that_stops_or_does_nothing_is_shown_as_far_as_it_came():
    x = ndl.Tensor([3.0])
    y = x * x

    def stops(output, g):
        output.op.gradient_as_tuple(g, output)
        raise KeyError("x")

    with ndl.override("compute_gradient_of_variables", stops):
        stepper = viz.step(y)
        assert "Here your function stopped: KeyError: 'x'" in departing(stepper)[0][2]
        assert [step.kind for step in stepper.steps] == ["leaf", "op", "seed", "vjp", "vjp"]
    with ndl.override("compute_gradient_of_variables", lambda output, g: None):
        stepper = viz.step(y)
        assert departing(stepper) == [(2, "seed", "A leaf is left without .grad, which the engine writes.")]
    assert x.grad is None and type(y.op).__name__ == "EWiseMul", "ops and gradients are as before"


def test_ops_asked_for_gradient_alone_are_heard_too():
    x = ndl.Tensor([3.0])
    y = x * 2 + 1

    def by_gradient(output, g):
        node, adjoint = output, g
        while node.op is not None:
            adjoint, node = node.op.gradient(adjoint, node), node.inputs[0]
        node.grad = adjoint

    with ndl.override("compute_gradient_of_variables", by_gradient):
        stepper = viz.step(y)
    assert departing(stepper) == [] and [step.kind for step in stepper.steps][3:] == [
        "seed",
        "vjp",
        "vjp",
        "grad",
    ]
