"""What an op and a gradient keep is their own: nobody's later change of an array reaches it."""

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import Tensor, ops
from needle_edu.autograd.arrays import BACKEND, xp
from needle_edu.backend import DTypeError, GradientError


def array(x):
    """An array of the kind tensors hold."""
    return xp.asarray(np.array(x))


def write(gradient, numbers):
    """Write into the memory of a gradient, behind its back."""
    gradient.realize_cached_data()[...] = numbers


# ---- the caller changes an index, a mask or a number after the forward pass --------------------------------------

INDICES = {
    "a list": (lambda: [0, 1], lambda i: i.__setitem__(slice(None), [2, 2])),
    "a NumPy array": (lambda: np.array([0, 1]), lambda i: i.fill(2)),
    "int32": (lambda: np.array([0, 1], "int32"), lambda i: i.fill(2)),
    "an array of ours": (lambda: array([0, 1]), lambda i: i.fill(2)),
    "a tensor": (lambda: Tensor([0, 1]), lambda i: i.cached_data.fill(2)),
    "a mask": (lambda: np.array([True, True, False]), lambda i: i.fill(True)),
    "a list as a mask": (lambda: [True, True, False], lambda i: i.__setitem__(0, False)),
    "a mask of ours": (lambda: array([True, True, False]), lambda i: i.fill(True)),
    "in a tuple": (lambda: (np.array([0, 1]),), lambda i: i[0].fill(2)),
    "a list of arrays": (lambda: [np.array(0), np.array(1)], lambda i: i[0].fill(2)),
    "the ends of a slice": (
        lambda: slice(np.array(0), np.array(2), np.array(1)),
        lambda i: i.stop.fill(3),
    ),
    "where a slice begins": (lambda: slice(np.array(0), 2), lambda i: i.start.fill(1)),
    "the step of a slice": (lambda: slice(0, 2, np.array(1)), lambda i: i.step.fill(2)),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("kind", INDICES)
def test_a_gradient_does_not_follow_its_index(kind, create_graph):
    make, change = INDICES[kind]
    x, index = tensor([1.0, 2.0, 3.0]), make()
    y = x[index].sum()
    change(index)
    y.backward(create_graph=create_graph)
    assert x.grad.numpy().tolist() == [1, 1, 0]


def test_getitem_backward_keeps_its_index_too():
    x, index = tensor([5.0, 6.0]), np.array([0, 1])
    y = ops.getitem_backward(x, index, (3,)) * tensor([1.0, 10.0, 100.0])
    index[:] = 2
    y.backward()
    assert x.grad.numpy().tolist() == [1, 10]


def test_a_lazy_result_is_computed_with_the_index_it_was_asked_for():
    from needle_edu import autograd

    x, index = tensor([1.0, 2.0, 3.0]), np.array([0, 1])
    autograd.LAZY_MODE = True
    try:
        y = x[index]
        index[:] = 2
        assert y.numpy().tolist() == [1, 2]
    finally:
        autograd.LAZY_MODE = False


@pytest.mark.parametrize("name", ["add_scalar", "mul_scalar", "divide_scalar", "power_scalar"])
def test_a_number_is_kept_not_the_array_it_came_in(name):
    x, c = tensor([2.0]), np.array(3.0)
    y = getattr(ops, name)(x, c)
    expected = getattr(ops, name)(tensor([2.0]), 3.0)
    c[...] = 100
    y.backward()
    z = tensor([2.0])
    getattr(ops, name)(z, 3.0).backward()
    assert y.numpy().tolist() == expected.numpy().tolist()
    assert x.grad.numpy().tolist() == z.grad.numpy().tolist()


@pytest.mark.parametrize("make", [np.array, array], ids=["NumPy", "ours"])
@pytest.mark.parametrize(
    ("name", "compute", "wanted"),
    [
        ("*", lambda x, a: x * a, [1, 2]),
        ("reflected *", lambda x, a: a * x, [1, 2]),
        ("/", lambda x, a: x / a, [1, 0.5]),
        ("where", lambda x, a: ops.where(a > 1, x, 0.0), [0, 1]),
        ("where with a mask of NumPy's", lambda x, a: ops.where(np.array(a.tolist()) > 1, x, 0.0), [0, 1]),
        ("maximum", lambda x, a: ops.maximum(x, a), [1, 1]),
    ],
    ids=lambda x: x if isinstance(x, str) else None,
)
def test_a_constant_that_changes_afterwards_changes_no_gradient(name, compute, wanted, make):
    """The old gradient, or the error that says why there is none: never one with the new numbers."""
    x, a = tensor([5.0, 6.0]), make([1.0, 2.0])
    y = compute(x, a)
    if isinstance(a, np.ndarray):
        a[...] = 50
    else:
        a.fill(50)
    try:
        y.backward()
    except GradientError as error:
        assert "was overwritten" in str(error)
    else:
        assert x.grad.numpy().tolist() == wanted


def test_axes_and_shapes_are_kept_too():
    x, axes, shape = tensor([[1.0, 2.0], [3.0, 4.0]]), [0], [4]
    y = x.sum(axes) * tensor([1.0, 10.0])
    z = x.reshape(shape) * tensor([1.0, 2.0, 3.0, 4.0])
    axes[0], shape[0] = 1, 2
    y.backward()
    assert x.grad.numpy().tolist() == [[1, 10], [1, 10]]
    z.backward()
    assert x.grad.numpy().tolist() == [[1, 2], [3, 4]]


# ---- every .grad owns its memory ----------------------------------------------------------------------------------


GRAPHS = {
    "a sum": lambda a, b: a + b,
    "a sum with itself inside": lambda a, b: a + (b + a),
    "below another op": lambda a, b: (a + b) * 2.0,
    "a view": lambda a, b: a.reshape((3, 2)) + b.T.T.reshape((3, 2)),
    "a transposed view": lambda a, b: a.T + b.reshape((3, 2)),
    "a total": lambda a, b: a.sum() + b[0, :1],
    "stack": lambda a, b: ops.stack([a, b]),
    "a tuple": lambda a, b: ops.make_tuple(a, b)[0] + ops.make_tuple(b, a)[0],
    "flip": lambda a, b: ops.flip(a, (0,)) + b,
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("graph", GRAPHS)
def test_scaling_one_gradient_in_place_changes_no_other(graph, create_graph):
    a, b = tensor(np.ones((2, 3))), tensor(np.ones((2, 3)))
    y = GRAPHS[graph](a, b)
    seed = tensor(np.full(y.shape, 2.0))
    y.backward(seed, create_graph=create_graph)
    before, given = b.grad.numpy(), seed.numpy()
    write(a.grad, a.grad.realize_cached_data() * 10)
    assert b.grad.numpy().tolist() == before.tolist()
    assert seed.numpy().tolist() == given.tolist()
    changed = a.grad.numpy()
    write(b.grad, b.grad.realize_cached_data() * 100)
    assert a.grad.numpy().tolist() == changed.tolist()
    assert seed.numpy().tolist() == given.tolist()


def test_a_retained_gradient_is_its_own_as_well():
    x, b = tensor([1.0]), tensor([1.0])
    h = x * 3
    k = h + b
    h.retain_grad()
    k.retain_grad()
    k.backward()
    write(k.grad, 50)
    write(h.grad, 70)
    assert (x.grad.item(), b.grad.item()) == (3, 1)


def test_gradients_of_a_tuple_are_their_own():
    pair, b = ops.make_tuple(tensor([1.0]), tensor([2.0])).detach(), tensor([1.0])
    pair.requires_grad = True
    (pair[0] + b + pair[1]).backward()
    write(b.grad, 50)
    assert [part.tolist() for part in pair.grad.realize_cached_data()] == [[1], [1]]


def test_a_gradient_is_not_the_array_of_an_input():
    """The product of two numbers has the other number as its gradient; the op may hand out the very tensor."""

    class Product(ops.TensorOp):
        def compute(self, a, b):
            return a * b

        def gradient(self, out_grad, node):
            a, b = node.inputs
            return b, a

    a, b = tensor([2.0]), tensor([3.0])
    Product()(a, b).backward()
    assert (a.grad.item(), b.grad.item()) == (3, 2)
    write(a.grad, 50)
    b.grad.data = tensor([70.0])
    assert (a.item(), b.item()) == (2, 3)


def test_a_copied_gradient_can_be_differentiated():
    """x.grad and z.grad are one array at first: 2 (x + z). Each must lead back to both."""
    x, z = tensor([2.0]), tensor([3.0])
    w = x + z
    (w * w).backward(create_graph=True)
    first, second = x.grad, z.grad
    assert first is not second
    for grad in (first, second):
        grad.backward()
        assert (x.grad.item(), z.grad.item()) == (2, 2)


@pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays have no storages to compare")
def test_where_there_is_one_owner_nothing_is_copied():
    """The engine hands the very array on that the last op computed."""
    from needle_edu import override

    computed = []

    class Double(ops.MulScalar):
        def vjp0(self, g, node):
            result = ops.MulScalar(2.0).apply(g)
            computed.append(id(result.cached_data.storage))
            return result

    x = tensor([1.0, 2.0])
    with override("mul_scalar", Double):
        (x * 2.0).backward()
    assert id(x.grad.cached_data.storage) in computed


def test_an_index_over_borrowed_memory_is_copied():
    memory = np.array([0, 1])
    x = Tensor([1.0, 2.0, 3.0])
    y = x[memoryview(memory)].sum()
    memory[:] = 2
    y.backward()
    assert x.grad.numpy().tolist() == [1, 1, 0]


def test_a_complex_number_is_refused_by_the_operation_that_got_it():
    with pytest.raises(DTypeError, match="add: no tensors of dtype complex128"):
        Tensor([1.0]) + 1j
