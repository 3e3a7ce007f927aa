"""The steps in C (csrc/python) do what their definitions in Python do: the same numbers, nodes, errors, references."""

import contextlib
import gc
import sys

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu.autograd import registry, topo
from needle_edu.autograd.modes import no_grad
from needle_edu.backend import DTypeError, GradientError, NeedleError, ShapeError, accelerator, memory
from needle_edu.backend_selection import BACKEND

pytestmark = pytest.mark.skipif(
    BACKEND == "np" or (ndl.zeros(1) is not None and accelerator.module is None),
    reason="np mode, or no compiler: there is no accelerator",
)
OF_TUPLES = ("stack", "concat", "tuple_get_item")  # which take a tuple of tensors
NAMES = [
    name
    for name, place in registry.ops().items()
    if name not in OF_TUPLES and hasattr(place.original, "samples")
]


def outcome(name, accumulate=False):
    """Return what an op makes of its samples, used twice: results and gradients, or the error."""
    made = []
    cls = registry.slot(name).original
    for attributes, inputs in cls.samples(np.random.default_rng(0))[:3]:
        leaves = [ndl.Tensor(np.asarray(x)) for x in inputs]
        try:
            op = cls(**attributes)
            y = op(*leaves)
            z = y[0] if isinstance(y, ndl.TensorTuple) else y
            made.append(z.numpy())
            if z.requires_grad:
                (z + z).backward(accumulate=accumulate)
            made += [None if x.grad is None else x.grad.numpy() for x in leaves]
        except NeedleError as error:
            made.append(str(error))
    return made


@pytest.mark.parametrize("name", NAMES)
def test_same_numbers(name):
    quick = outcome(name)
    with accelerator.switched_off():
        usual = outcome(name)
    assert len(quick) == len(usual)
    for a, b in zip(quick, usual, strict=True):
        np.testing.assert_array_equal(a, b)


def facts(y):
    """What a graph is made of, every value by its place in the order."""
    order = topo.find_topo_sort([y])
    place = {value: k for k, value in enumerate(order)}
    return [
        (
            value.op and value.op.name,
            tuple(place[x] for x in value.inputs),
            value.requires_grad,
            value.version,
            value.grad,
            value.extra,
            type(value),
            type(value.cached_data),
            value.cached_data.layout,
            value.cached_data.storage.nbytes,
            value.cached_data.storage.version,
        )
        for value in order
    ]


def graph():
    a = ndl.Tensor([[1.0, 2.0], [3.0, 4.0]])
    b = ndl.Tensor([1.0, -1.0], requires_grad=False)
    c = ndl.Tensor([[1.0], [2.0]])
    h = ndl.relu(a * a + b) @ a.T
    return (h * c - h / 2).exp().sum(axes=0) + b


def test_same_graph():
    quick = facts(graph())
    with accelerator.switched_off():
        assert facts(graph()) == quick


def test_serial_numbers_grow():
    serials = [value._serial for value in topo.run_order([graph()]) if value.op is not None]
    assert serials == sorted(serials)
    assert len(set(serials)) == len(serials)


def test_nothing_is_recorded_where_nothing_is_wanted():
    a, b = ndl.Tensor([1.0]), ndl.Tensor([1.0], requires_grad=False)
    with no_grad():
        assert (a * a).op is None
    assert (b * b).op is None
    assert (a < a).requires_grad is False
    assert (a * ndl.Tensor([2.0], requires_grad=1)).op is not None


@pytest.mark.parametrize("wish", [1, True, np.True_])
def test_a_wish_is_a_wish(wish):
    x = ndl.Tensor([3.0], requires_grad=False)
    x.requires_grad = wish
    (x * x).sum().backward()
    assert x.grad.item() == 6.0


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda a: a @ ndl.ndarray.ones((5, 5)), ShapeError),
        (lambda a: a + ndl.ndarray.ones((5, 5)), ShapeError),
        (lambda a: (a > 0) - (a > 0), DTypeError),
        (lambda a: a * 10**400, DTypeError),
    ],
)
def test_same_errors(call, error):
    a = ndl.ndarray.ones((2, 3))
    with pytest.raises(error) as quick:
        call(a)
    with accelerator.switched_off(), pytest.raises(error) as usual:
        call(a)
    assert str(quick.value) == str(usual.value)


def test_a_kernel_that_fails_is_called_once():
    calls = []
    a = ndl.ndarray.ones(3)

    def broken(*args):
        calls.append(args)
        return 1

    with a.device.override("add_dense", broken), pytest.raises(NeedleError, match="add"):
        a + a
    assert len(calls) == 1


def test_an_error_of_a_students_kernel_or_op_arrives():
    def broken(*args):
        raise RuntimeError("mine")

    class Broken(ndl.TensorOp):
        vjps_on_arrays = True

        def compute(self, a):
            return a * 1

        def vjp0(self, g, node):
            raise RuntimeError("mine too")

    a = ndl.ndarray.ones(3)
    with a.device.override("multiply_dense", broken), pytest.raises(RuntimeError, match="mine"):
        a * a
    with pytest.raises(RuntimeError, match="mine too"):
        Broken()(ndl.Tensor([1.0])).sum().backward()


def test_numbers_and_ones():
    a = ndl.ndarray.array([[1.0, -2.0, 3.0], [4.0, 5.0, 6.0]])
    whole, transposed = ndl.ndarray.ones_like(a), ndl.ndarray.ones_like(a.T)
    assert (whole.strides, transposed.strides, transposed.shape) == ((3, 1), (2, 1), (3, 2))
    np.testing.assert_array_equal(transposed.numpy(), np.ones((3, 2)))
    for call in (lambda x: x * 2, lambda x: x - 0.5, lambda x: 2 / x, lambda x: x**2, lambda x: x.T + 1):
        np.testing.assert_array_equal(call(a).numpy(), call(a.numpy()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_many_contributions(dtype):
    """The third contribution is added in place, to an array that nobody else has."""
    x = ndl.Tensor([1.0, 2.0], dtype=dtype)
    ways = [x * k for k in range(1, 6)] + [x.reshape(2), x.broadcast_to((3, 2)).sum(axes=0)]
    total = ways[0]
    for y in ways[1:]:
        total = total + y
    total.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [19.0, 19.0])
    assert x.grad.dtype == dtype


def test_an_overwritten_value_is_found():
    x = ndl.Tensor([2.0])
    y = x * x
    x.cached_data[...] = 5
    with pytest.raises(GradientError, match="overwritten"):
        y.backward()


def test_gradients_have_memory_of_their_own():
    a, b = ndl.Tensor([1.0, 2.0]), ndl.Tensor([3.0, 4.0])
    (a + b).backward()
    assert a.grad.cached_data.storage is not b.grad.cached_data.storage
    seed = ndl.Tensor([1.0, 1.0])
    (a + b).backward(seed)
    assert a.grad.cached_data.storage is not seed.cached_data.storage


def test_references_are_given_back():
    """A reference too many would keep arrays for ever, one too few would crash: counts stay as they are."""
    a = ndl.Tensor([[1.0, 2.0], [3.0, 4.0]])
    layout = a.cached_data.layout
    watched = [None, True, False, layout, layout.kernels["add_dense"], ndl.Tensor, type(a.cached_data), a, ()]

    def counts():
        gc.collect()
        return [sys.getrefcount(thing) for thing in watched]

    def work():
        for _ in range(30):
            graph().backward()
            (ndl.relu(a * a) @ a).sum().backward()
            with contextlib.suppress(ShapeError):
                a @ ndl.Tensor([1.0, 2.0, 3.0])
        a.grad = None

    work()
    before, held = counts(), memory.live_bytes()
    work()
    after = counts()
    assert memory.live_bytes() == held
    for thing, x, y in zip(watched, before, after, strict=True):
        assert abs(x - y) < 15, thing


def test_a_chain_of_ten_thousand_is_walked_and_freed():
    x = ndl.Tensor([1.0])
    y = x
    for _ in range(10_000):
        y = y + x
    y.backward()
    assert x.grad.item() == 10_001
