"""The pass on bare arrays gives the very numbers that the walk of engine.py gives, and is taken only unnoticed."""

import numpy as np
import pytest
from autograd_helpers import tensor

import needle_edu as ndl
from needle_edu.autograd import array_pass, events, override, registry
from needle_edu.autograd.arrays import Array
from needle_edu.autograd.modes import no_grad
from needle_edu.backend_selection import BACKEND

pytestmark = pytest.mark.skipif(BACKEND == "np", reason="np mode has no bare NDArrays")

KERNELS = {
    "attention"
}  # on arrays the compiled backward pass answers, on tensors the formulas: they add up otherwise
ON_ARRAYS = [name for name, place in registry.ops().items() if place.original.vjps_on_arrays]


def gradients(cls, attributes, inputs, weight, dtype):
    """Return what backward leaves in each input, after the op was applied to them twice."""
    leaves = [
        ndl.Tensor(np.asarray(x), dtype=dtype if np.asarray(x).dtype.kind == "f" else None) for x in inputs
    ]
    op = cls(**attributes)
    y = op(*leaves) + op(*leaves)
    y.backward(ndl.Tensor(weight(y.shape), dtype=dtype))
    return [None if leaf.grad is None else leaf.grad.numpy() for leaf in leaves]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ON_ARRAYS)
def test_both_walks_give_the_same_bits(name, dtype, rng, monkeypatch):
    cls = registry.slot(name).original
    for attributes, inputs in cls.samples(rng):
        g = np.random.default_rng(1).normal(size=1000)

        def weight(shape, g=g):
            return g[: int(np.prod(shape))].reshape(shape)

        quick = gradients(cls, attributes, inputs, weight, dtype)
        with monkeypatch.context() as patch:
            patch.setattr(array_pass, "serves", lambda output, out_grad: False)
            usual = gradients(cls, attributes, inputs, weight, dtype)
        for a, b in zip(quick, usual, strict=True):
            if name in KERNELS and a is not None:
                np.testing.assert_allclose(a, b, rtol=1e-5 if dtype == "float32" else 1e-12, atol=1e-6)
            else:
                np.testing.assert_array_equal(a, b)
            assert a is None or a.dtype == b.dtype


class Spy(ndl.TensorOp):
    """Twice its input; keeps the kinds of things its vjp was called with."""

    vjps_on_arrays = True
    seen: list = []  # noqa: RUF012

    def compute(self, a):
        return a * 2

    def vjp0(self, g, node):
        Spy.seen.append({type(g), type(node.inputs[0])})
        return g * 2


def kinds(act):
    """Return what a vjp sees in a pass over a small graph."""
    x = tensor([1.0, -2.0])
    Spy.seen.clear()
    act(Spy()(x * x).sum())
    np.testing.assert_array_equal(x.grad.numpy(), 4 * x.numpy())
    (seen,) = Spy.seen
    return seen


def test_arrays_are_taken_when_nobody_can_tell():
    assert kinds(lambda y: y.backward()) == {Array}


def test_a_graph_of_gradients_is_made_of_tensors():
    assert kinds(lambda y: y.backward(create_graph=True)) == {ndl.Tensor}


def test_a_listener_is_told_of_tensors():
    def act(y):
        previous = events.set_hook(lambda event, array: None)
        try:
            y.backward()
        finally:
            events.set_hook(previous)

    assert kinds(act) == {ndl.Tensor}


@pytest.mark.parametrize("name", ["multiply", "find_topo_sort", "sum_node_list"])
def test_what_students_replace_is_used(name):
    place = registry.slot(name)
    same = place.function if place.cls is None else type("Same", (place.cls,), {})

    def act(y):
        with override(name, same):
            y.backward()

    assert kinds(act) == {ndl.Tensor}
    assert kinds(lambda y: y.backward()) == {Array}  # and no longer than that


def test_other_vjps_of_a_derived_op_get_tensors():
    class Derived(Spy):
        def vjp0(self, g, node):
            assert type(g) is type(node.inputs[0]) is ndl.Tensor
            return g * 2

    assert not Derived.vjps_on_arrays
    x = tensor([1.0, 2.0])
    Derived()(x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 2.0])


def test_of_applies_to_tensors_and_computes_on_arrays():
    x = tensor([1.0, -2.0])
    relu = registry.slot("relu").instance
    assert relu.of(x).op is relu
    assert type(relu.of(x.cached_data)) is Array


def test_a_sum_of_three_contributions_leaves_other_arrays_alone():
    x, y = tensor([1.0, 2.0]), tensor([3.0, 4.0])
    with no_grad():
        seed = ndl.Tensor([1.0, 10.0])
    (x + y + x + x).backward(seed)  # add hands one and the same array on, again and again
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 30.0])
    np.testing.assert_array_equal(y.grad.numpy(), [1.0, 10.0])
    np.testing.assert_array_equal(seed.numpy(), [1.0, 10.0])


@pytest.mark.parametrize("used", [(0,), (1,), (0, 1)])
def test_a_part_that_nobody_used_has_an_adjoint_of_zeros(used):
    x = tensor([[1.0, 2.0], [3.0, 4.0]])
    parts = ndl.ops.split(x, 0)
    sum([parts[k] for k in used], start=ndl.Tensor([0.0, 0.0])).backward(ndl.Tensor([1.0, 10.0]))
    wanted = [[1.0, 10.0] if k in used else [0.0, 0.0] for k in (0, 1)]
    np.testing.assert_array_equal(x.grad.numpy(), wanted)
