"""`checkpoint`: the same gradients as without it, bit for bit; fewer values kept; the same random numbers twice."""

import random

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, nn, ops
from needle_edu.autograd import checkpoint, events, no_grad
from needle_edu.autograd.arrays import GradientError


def network(rng, dtype="float32", depth=6):
    ndl.init.seed(int(rng.integers(1000)))
    layers = [
        nn.Sequential(nn.Linear(5, 5, dtype=dtype), nn.Tanh(), nn.Linear(5, 5, dtype=dtype))
        for _ in range(depth)
    ]
    return nn.ModuleList(layers)


def run(layers, x, through):
    for layer in layers:
        x = through(layer, x)
    return x


def plainly(fn, *inputs):
    return fn(*inputs)


@pytest.fixture(params=["bare arrays", "watched", "create_graph", "own"])
def way(request):
    """The walks of the engine that meet the node; "own": the pass of a student."""
    if request.param == "watched":
        previous = events.set_hook(lambda event, array: None)
        yield {}
        events.set_hook(previous)
    elif request.param == "own":

        def students(output, out_grad):
            adjoints = {output: out_grad}
            for node in reversed(ndl.autograd.find_topo_sort([output])):
                if node not in adjoints:
                    continue
                node.grad = adjoints[node]
                grads = node.op.gradient_as_tuple(adjoints[node], node) if node.op else ()
                for x, g in zip(node.inputs, grads, strict=bool(node.op)):
                    if g is not None:
                        adjoints[x] = adjoints[x] + g if x in adjoints else g

        with ndl.override("compute_gradient_of_variables", students):
            yield {}
    else:
        yield {"create_graph": True} if request.param == "create_graph" else {}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_those_without_it_bit_for_bit(way, rng, dtype):
    layers = network(rng, dtype)
    data = rng.standard_normal((3, 5)).astype(dtype)
    grads = []
    for through in (plainly, checkpoint):
        x = Tensor(data)
        y = run(layers, x, through)
        y.sum().backward(**way)
        grads.append([y.numpy(), x.grad.numpy(), *(p.grad.numpy() for p in layers.parameters())])
    for a, b in zip(*grads, strict=True):
        assert a.dtype == b.dtype and np.array_equal(a, b)


def test_gradients_beside_pytorchs(rng):
    torch = pytest.importorskip("torch")
    from torch.utils.checkpoint import checkpoint as theirs

    data, weights = rng.standard_normal((4, 3)), rng.standard_normal((3, 3))
    x, w = Tensor(data, dtype="float64"), Tensor(weights, dtype="float64")
    s, t = (torch.tensor(a, requires_grad=True) for a in (data, weights))
    checkpoint(lambda x: ops.tanh(x @ w) * x, x).sum().backward()
    theirs(lambda s: torch.tanh(s @ t) * s, s, use_reentrant=False).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), s.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(w.grad.numpy(), t.grad.numpy(), rtol=1e-12)


def test_second_and_third_derivatives():
    """The derivatives of x⁵ at 2, through two checkpoints, one inside the other."""
    x = Tensor([2.0])
    inner = lambda x: x * x  # noqa: E731
    y = checkpoint(lambda x: checkpoint(inner, x) * checkpoint(inner, x) * x, x)
    found = []
    for _ in range(3):
        y.backward(create_graph=True)
        y = x.grad
        found.append(y.item())
    assert found == [80.0, 160.0, 240.0]


def test_finite_differences(rng):
    w = Tensor(rng.standard_normal((3, 2)), dtype="float64")
    assert ndl.grad_check(lambda x: checkpoint(lambda x: ops.sin(x @ w), x), rng.standard_normal((2, 3)))


def test_every_way_to_use_a_tensor():
    """Twice as an argument, as an argument and by name, not at all, needing no gradient, and the result itself."""
    x, z, unused = Tensor([3.0]), Tensor([5.0], requires_grad=False), Tensor([np.nan])
    y = checkpoint(lambda a, b, c, u: a * b * x * c, x, x, z, unused)
    y.backward()
    assert (y.item(), x.grad.item(), unused.grad.item(), z.grad) == (135, 135, 0, None)
    checkpoint(lambda x: x, x).backward()
    assert x.grad.item() == 1
    assert not checkpoint(lambda z: z * 2, z).requires_grad


def test_a_value_with_a_history_that_the_function_uses_by_name():
    """h = 2x is no argument, and depends on one; s = 4w on another leaf. The derivative of x h s = 8 x² w at 3, 5."""
    x, w = Tensor([3.0]), Tensor([5.0])
    h, s = x * 2, w * 4
    checkpoint(lambda a: a * h * s, x).backward()
    assert (x.grad.item(), w.grad.item()) == (240, 72)


def test_gradients_accumulate_and_hooks_see_the_whole_once():
    x, seen = Tensor([3.0]), []
    x.register_hook(lambda g: seen.append(g.item()))
    for _ in range(2):
        (checkpoint(lambda a: a * a, x) + x).backward(accumulate=True)
    assert x.grad.item() == 14 and seen == [7, 7]


def test_gradients_that_share_an_adjoint_have_memory_of_their_own():
    x, w = Tensor([1.0, 2.0]), Tensor([1.0, 1.0])
    checkpoint(lambda x: x + w, x).sum().backward()
    x.grad.data = x.grad * 100
    assert w.grad.numpy().tolist() == [1, 1]


def test_dropout_has_the_same_mask_twice_and_the_generators_are_where_they_would_be(rng):
    drop, noise = nn.Dropout(0.5), nn.Linear(4, 4)
    x = Tensor(np.ones((50, 4), "float32"))

    def layer(x):
        return drop(noise(x)) * random.random()

    results = []
    for through in (plainly, checkpoint):
        ndl.init.seed(3)
        random.seed(3)
        y = through(layer, x)
        np.random.rand()  # somebody else draws before backward comes
        y.sum().backward()
        results.append(
            (y.numpy(), x.grad.numpy(), noise.weight.grad.numpy(), np.random.rand(), random.random())
        )
    for a, b in zip(*results, strict=True):
        assert np.array_equal(a, b)


def test_only_one_part_at_a_time_is_kept():
    """Values alive after the forward pass, and their most during backward: a few for each part, not all of them."""

    def most_alive(through):
        x, layers = Tensor([1.0]), 20
        alive = most = 0

        def listen(event, array):
            nonlocal alive, most
            alive += {"created": 1, "freed": -1}.get(event.kind, 0)
            most = max(most, alive)

        def part(x):
            for _ in range(10):
                x = ops.sin(x)
            return x

        previous = events.set_hook(listen)
        y = run([part] * layers, x, through)
        after_forward = alive
        y.backward()
        events.set_hook(previous)
        return after_forward, most

    assert most_alive(plainly) == (201, 201)
    assert most_alive(checkpoint) == (21, 21 + 10), "what is computed again: one part at a time"


def test_nothing_is_recorded_under_no_grad():
    x, calls = Tensor([1.0]), []
    with no_grad():
        y = checkpoint(lambda x: (calls.append(1), x * 2)[1], x)
    assert not y.requires_grad and y.op is None and calls == [1]


def test_it_runs_twice_and_only_when_backward_reaches_it():
    x, calls = Tensor([2.0]), []
    y = checkpoint(lambda x: (calls.append(1), x * x)[1], x)
    assert calls == [1]
    y.backward()
    assert calls == [1, 1] and x.grad.item() == 4


def test_lazy_mode():
    x = Tensor([2.0])
    ndl.autograd.LAZY_MODE = True
    try:
        y = checkpoint(lambda x: x * x * x, x)
        y.backward()
    finally:
        ndl.autograd.LAZY_MODE = False
    assert x.grad.item() == 12


def test_it_is_one_box_in_the_picture():
    x = Tensor([2.0])
    y = checkpoint(lambda x: ops.exp(ops.sin(x)), x)
    assert [node.op for node in ndl.viz.draw(y).graph.nodes.values()] == [None, "checkpoint"]
    ndl.viz.step(y)


def test_what_is_overwritten_in_between_is_said():
    x, w = Tensor([2.0]), Tensor([3.0])
    y = checkpoint(lambda x: x * w, x)
    w.data = Tensor([4.0])
    with pytest.raises(GradientError, match=r"checkpoint: input 1 \(shape \(1,\)\) was overwritten"):
        y.backward()


def test_another_result_the_second_time_is_said_and_leaves_the_generators_alone():
    x = Tensor([1.0, 2.0])
    results = iter([x * 2, (x * 2)[:1]])
    y = checkpoint(lambda x: next(results), x)
    ndl.init.seed(5)
    with pytest.raises(GradientError, match=r"result of shape \(2,\), and of shape \(1,\) when backward"):
        y.backward()
    assert np.random.rand() == np.random.RandomState(5).rand()


def test_a_result_without_a_history_the_second_time_is_said():
    x = Tensor([1.0])
    results = iter([x * 2, Tensor([2.0], requires_grad=False)])
    y = checkpoint(lambda x: next(results), x)
    with pytest.raises(GradientError, match="it must do the same both times"):
        y.backward()


def test_the_node_has_the_arguments_and_the_weights_as_inputs_and_nothing_else():
    w, constant, below = Tensor([1.0]), Tensor([1.0], requires_grad=False), Tensor([1.0])
    x = below * 2
    y = checkpoint(lambda a, b: a * w * constant + b * w, x, x)
    assert y.inputs == (x, w)


def test_bad_input():
    x = Tensor([1.0])
    with pytest.raises(TypeError, match=r"wanted a function and then its arguments, got Tensor first"):
        checkpoint(x, x)
    with pytest.raises(TypeError, match=r"wanted tensors as arguments, got float; put other settings into"):
        checkpoint(lambda x, s: x * s, x, 2.0)
    with pytest.raises(TypeError, match="returns one Tensor, got tuple"):
        checkpoint(lambda x: (x, x), x)
