"""What the stepper tells is what happened: of random models the sums, their derivatives, the order, and the numbers.

Random expressions in float64; finite differences are an oracle that knows nothing of the engine. What the engine held
at a step is read by a listener of its own, which copies every array itself.
"""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import graph, viz
from needle_edu.autograd import events
from needle_edu.autograd.arrays import readable
from needle_edu.autograd.topo import post_order
from needle_edu.viz.stepper.narrator import tell

LEAVES = {"a": (2, 3), "b": (2, 3), "c": (1, 3), "w": (3, 3)}


ONE = {
    "tanh": lambda x, number: ndl.tanh(x),
    "exp": lambda x, number: ndl.exp(ndl.tanh(x)),
    "relu": lambda x, number: ndl.relu(x + number),
    "twice": lambda x, number: x * x,
}


def program(rng, length=9):
    """A random program: a list of operations, each with its operands' places among what was computed before."""
    lines, count = [], len(LEAVES)
    for _ in range(length):
        name = str(rng.choice(["add", "mul", "matmul", "tanh", "exp", "scale", "rows", "relu", "twice"]))
        lines.append((name, *(int(k) for k in rng.integers(0, count, size=2)), float(rng.uniform(0.5, 1.5))))
        count += 1
    return lines


def run(lines, leaves):
    """The loss of a program, the sum of all that it computed: every value is used, many of them twice."""
    values = [leaves[name] for name in LEAVES]
    for name, i, j, number in lines:
        x, y = values[i], values[j]
        x = x * 0.5 if x.shape == (3, 3) and name != "matmul" else x
        if name == "matmul":
            new = (x if x.shape != (3, 3) else values[0]) @ leaves["w"]
        elif name in ("add", "mul") and y.shape != (3, 3) and x.shape != (3, 3):
            new = x + y if name == "add" else x * y
        else:
            new = ONE.get(name, lambda x, number: x * number)(x, number)
        values.append(new)
    loss = values[-1].sum()
    for value in values[len(LEAVES) :]:
        loss = loss + (value * 0.1).sum()
    return loss


def model(seed):
    rng = np.random.default_rng(seed)
    arrays = {name: rng.uniform(-1, 1, size=shape) for name, shape in LEAVES.items()}
    lines = program(rng)

    def compute(arrays):
        leaves = {name: ndl.Tensor(array, dtype="float64") for name, array in arrays.items()}
        for name, leaf in leaves.items():
            leaf.name = name
        return run(lines, leaves)

    return arrays, compute


def differences(compute, arrays, name, step=1e-6):
    """The gradient for one leaf, by central differences."""
    gradient = np.zeros_like(arrays[name])
    for place in np.ndindex(gradient.shape):
        ends = []
        for sign in (1, -1):
            moved = {k: a.copy() for k, a in arrays.items()}
            moved[name][place] += sign * step
            ends.append(compute(moved).numpy().item())
        gradient[place] = (ends[0] - ends[1]) / (2 * step)
    return gradient


@pytest.mark.parametrize("seed", range(8))
def test_contributions_add_up_to_the_gradient_which_is_that_of_finite_differences(seed):
    arrays, compute = model(seed)
    stepper = viz.step(compute(arrays))
    arrived, sums, grads = {}, {}, {}
    for step in stepper.steps:
        if step.kind == "vjp":
            arrived.setdefault(step.value, []).append(step.numbers("contribution"))
        elif step.kind == "sum":
            sums[step.value] = step.numbers("sum")
        elif step.kind == "grad":
            grads[stepper.graph.nodes[step.value].label] = (step.value, step.numbers("grad"))
    for value, total in sums.items():
        np.testing.assert_allclose(sum(arrived[value]), total, rtol=1e-12, atol=1e-14)
    for value, parts in arrived.items():
        assert len(parts) == stepper.graph.uses()[value], "every use brings one contribution"
        np.testing.assert_allclose(sum(parts), stepper.graph.nodes[value].grad.array, rtol=1e-12, atol=1e-14)
    assert len(grads) >= 2
    for name, (value, gradient) in grads.items():
        np.testing.assert_allclose(sum(arrived[value]), gradient, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(gradient, differences(compute, arrays, name), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_the_order_is_the_runs_and_a_topological_one(seed):
    arrays, compute = model(seed)
    run_order = []  # what the engine computed, in order, as an independent listener hears it

    def listen(event, array):
        if event.kind == "created" and event.op:
            run_order.append((event.op, event.shape))

    previous = events.set_hook(listen)
    try:
        loss = compute(arrays)
    finally:
        events.set_hook(previous)
    stepper = viz.step(loss)
    place = {step.value: k for k, step in enumerate(stepper.steps) if step.kind in ("leaf", "op")}
    told = [
        (stepper.graph.nodes[s.value].op, stepper.graph.nodes[s.value].shape)
        for s in stepper.steps
        if s.kind == "op"
    ]
    assert told == run_order
    for edge in stepper.graph.edges:
        assert place[edge.source] < place[edge.target], "operands come first"
    complete = {}  # backward: an adjoint is passed on only when all of its contributions are in
    due = {k: n for k, n in stepper.graph.uses().items() if n}
    for step in stepper.steps:
        if step.kind == "seed":
            complete[step.value] = True
        elif step.kind == "vjp":
            assert complete.get(step.origin), step.title
            due[step.value] -= 1
            complete[step.value] = due[step.value] == 0


@pytest.mark.parametrize("seed", range(4))
def test_what_is_shown_is_what_the_engine_held_then(seed):
    arrays, compute = model(seed)
    held = []

    def listen(event, array):
        held.append((event.kind, None if array is None else np.array(readable(array))))

    with graph.Tape() as tape:
        previous = events.set_hook(None)
        events.set_hook(lambda event, array: (listen(event, array), previous(event, array)))
        compute(arrays).backward()
        events.set_hook(previous)
    assert len(held) == len(tape.records)
    _, steps = tell(tape.records)
    for step in steps:
        kind, array = held[step.position]
        assert kind == {"leaf": "computed", "op": "computed", "seed": "seeded", "vjp": "vjp", "sum": "accumulated",
                        "grad": "leaf"}[step.kind]  # fmt: skip
        np.testing.assert_array_equal(step.result.numbers.array, array)


def test_a_trace_of_three_hundred_events_is_less_than_a_megabyte(rng):
    x = ndl.Tensor(rng.normal(size=(4, 8)), requires_grad=False)
    for k in range(14):
        w, b = ndl.Tensor(rng.normal(size=(8, 8))), ndl.Tensor(rng.normal(size=(1, 8)))
        w.name, b.name = f"layers.{k}.weight", f"layers.{k}.bias"
        x = ndl.tanh(x @ w + ndl.broadcast_to(b, (4, 8)))
    loss = (x * x).sum()
    records = graph.record_backward(loss, post_order([loss]))
    assert 300 <= len(records) < 400
    assert len(viz.step(loss).html.encode()) < 1_000_000
