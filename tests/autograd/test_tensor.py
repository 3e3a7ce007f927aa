"""Tensor: construction, operators, and what it tells about itself."""

import copy

import numpy as np
import pytest
from autograd_helpers import tensor

import needle_edu.autograd as autograd
from needle_edu import ops
from needle_edu.autograd import Op, Tensor, TensorTuple
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import NeedleError

nd_only = pytest.mark.skipif(BACKEND == "np", reason="np mode keeps NumPy's dtypes")
np_only = pytest.mark.skipif(BACKEND == "nd", reason="np mode only")


@nd_only
@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        ([1.0, 2.0], "float32"), (np.ones(2), "float32"), (np.ones(2, "float16"), "float32"),
        (2.5, "float32"),
        (np.ones(2, "uint8"), "int32"), (np.ones(2, "int16"), "int32"), (np.ones(2, "uint32"), "int64"),
        ([1, 2], "int64"), (np.ones(2, "int32"), "int32"), ([True, False], "bool"),
    ],
)  # fmt: skip
def test_dtype_on_entry(data, dtype):
    assert Tensor(data).dtype == dtype
    assert Tensor(data, dtype="float64").dtype == "float64"


@nd_only
@pytest.mark.parametrize("data", [[1 + 2j], ["text"], [object()], np.ones(2, "uint64")])
def test_dtypes_that_do_not_enter(data):
    with pytest.raises(TypeError, match="complex128|str|object|uint64"):
        Tensor(data)


@np_only
def test_np_mode_keeps_dtypes():
    for dtype in ("float64", "uint8", "float32", "int16"):
        assert Tensor(np.ones(2, dtype)).dtype == dtype
    x = Tensor([1.0, 2.0])
    assert type(x.cached_data) is np.ndarray
    assert type((x * x).sum().cached_data) is np.ndarray
    assert (x * x).sum().shape == ()


def test_construction_copies():
    source = np.ones(3, "float32")
    t = Tensor(source)
    u = Tensor(t)
    source[0] = 5
    assert t.numpy().tolist() == [1, 1, 1]
    u.realize_cached_data()[...] = 5
    t.numpy()[0] = 7
    assert t.numpy().tolist() == [1, 1, 1]


def test_a_tensor_of_a_tensor_keeps_its_dtype():
    assert Tensor(tensor([1.0])).dtype == "float64"


OPERATORS = {
    "a+b": lambda a, b: a + b, "a-b": lambda a, b: a - b, "a*b": lambda a, b: a * b,
    "a/b": lambda a, b: a / b,
    "a**b": lambda a, b: a**b, "a<b": lambda a, b: a < b, "a<=b": lambda a, b: a <= b,
    "a>b": lambda a, b: a > b,
    "a>=b": lambda a, b: a >= b,
}  # fmt: skip
A, B = np.array([1.0, 2.5, 3.0]), np.array([2.0, 2.5, 0.5])


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name):
    f = OPERATORS[name]
    np.testing.assert_allclose(f(tensor(A), tensor(B)).numpy(), f(A, B))
    np.testing.assert_allclose(f(tensor(A), 2).numpy(), f(A, 2))
    np.testing.assert_allclose(f(tensor(A), 2.5).numpy(), f(A, 2.5))
    np.testing.assert_allclose(f(2.5, tensor(A)).numpy(), f(2.5, A))
    np.testing.assert_allclose(f(tensor(A), np.float32(2)).numpy(), f(A, 2))
    np.testing.assert_allclose(f(np.float64(2), tensor(A)).numpy(), f(2, A))
    np.testing.assert_allclose(f(tensor(A), B).numpy(), f(A, B))
    np.testing.assert_allclose(f(B, tensor(A)).numpy(), f(B, A))


@pytest.mark.parametrize("name", [name for name in OPERATORS if "<" not in name and ">" not in name])
def test_gradients_of_operators_with_numbers(name):
    f = OPERATORS[name]
    for g in (lambda t: f(t, 2.5), lambda t: f(2.5, t), lambda t: f(t, B), lambda t: f(B, t)):
        assert autograd.grad_check(g, A)


def test_numbers_are_attributes_not_nodes():
    x = tensor([1.0])
    for y, name, scalar in [
        (x + 1.5, "add_scalar", 1.5), (x - 1.5, "add_scalar", -1.5), (x * 2, "mul_scalar", 2),
        (x / 4, "divide_scalar", 4), (x**3, "power_scalar", 3), (np.float32(2) * x, "mul_scalar", 2),
        (x - np.float32(2), "add_scalar", -2), (x - np.uint8(1), "add_scalar", -1),
    ]:  # fmt: skip
        assert (y.op.name, y.op.scalar, y.inputs) == (name, scalar, (x,))
        assert type(y.op.scalar) in (int, float)


def test_subtraction_is_addition_of_the_negative():
    a, b = tensor([1.0]), tensor([2.0])
    y = a - b
    assert y.op.name == "add"
    assert y.inputs[0] is a
    assert y.inputs[1].op.name == "negate"


def test_equality_is_identity():
    a, b = tensor([1.0]), tensor([1.0])
    assert a == a
    assert a != b
    assert len({a, b, a}) == 2
    assert ops.equal(a, b).numpy().tolist() == [True]


def test_matmul_and_methods():
    x = tensor(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal((x @ x.T).numpy(), x.numpy() @ x.numpy().T)
    np.testing.assert_array_equal(x.matmul(x.transpose()).numpy(), (x @ x.numpy().T).numpy())
    np.testing.assert_array_equal((np.ones((1, 2)) @ x).numpy(), [[3, 5, 7]])
    assert x.sum(0).shape == (3,)
    assert x.sum(axes=(0,)).shape == (3,)
    assert x.reshape((3, 2)).shape == x.reshape(3, 2).shape == (3, 2)
    assert x.reshape(-1).shape == (6,)
    assert x.broadcast_to((4, 2, 3)).shape == (4, 2, 3)
    assert x.exp().op.name == "exp"
    assert x.max(1).numpy().tolist() == [2, 5]


def test_indexing_iteration_and_length():
    x = tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x[0].numpy().tolist() == [1, 2]
    assert x[:, 1].numpy().tolist() == [2, 4]
    assert x[x > 2.5].numpy().tolist() == [3, 4]
    assert x[np.array([1, 0]), 0].numpy().tolist() == [3, 1]
    assert [row.numpy().tolist() for row in x] == [[1, 2], [3, 4]]
    assert len(x) == 2
    (x[0] * x[1]).backward()
    assert x.grad.numpy().tolist() == [[3, 4], [1, 2]]


def test_numbers_out():
    assert tensor([2.5]).item() == 2.5
    assert float(tensor([[2.5]])) == 2.5
    assert int(tensor(3.0)) == 3
    assert bool(tensor([0.0])) is False
    with pytest.raises(ValueError, match=r"\(2,\)"):
        tensor([1.0, 2.0]).item()
    with pytest.raises(ValueError, match="neither true nor false"):
        bool(tensor([1.0, 2.0]))
    loss = (tensor([1.0, 2.0]) * 0.5).sum()
    assert f"{loss:.2f}" == "1.50"
    assert f"{loss}" == str(loss)


def test_a_number_with_a_fraction_meets_integers_as_a_float():
    """It is not cut to the integers' dtype, by an operator or by a function."""
    i = Tensor([1, 2, 3])
    for result, expected in [
        (2.5 / i, [2.5, 1.25, 2.5 / 3]), (2.5**i, [2.5, 6.25, 15.625]), (i >= 1.5, [False, True, True]),
        (i < 1.5, [True, False, False]), (ops.equal(i, 1.5), [False] * 3), (ops.add(i, 0.5), [1.5, 2.5, 3.5]),
        (ops.maximum(i, 1.5), [1.5, 2, 3]), (ops.add(Tensor([True, False]), 1), [2, 1]),
    ]:  # fmt: skip
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-6)
    assert ops.add(i, 1).dtype == "int64"
    assert ops.add(Tensor([1.5]), 1).dtype == ops.add(Tensor([1.5]), 0.1).dtype == Tensor([1.5]).dtype


def test_an_array_keeps_its_digits_beside_a_float64_tensor():
    x = tensor([1.0])
    for result in (x * np.array([0.1]), ops.multiply(x, [0.1]), np.array([0.1]) * x, x * np.float64(0.1)):
        assert result.item() == 0.1


@pytest.mark.parametrize("other", [None, "a"])
def test_what_is_no_number_is_no_operand(other):
    with pytest.raises(TypeError, match=f"got {type(other).__name__}"):
        tensor([1.0]) + other


def test_rows_of_different_lengths_are_named():
    with pytest.raises(ValueError, match="Tensor: rows of different lengths"):
        Tensor([[1.0, 2.0], [3.0]])


@pytest.mark.shares_memory
def test_a_leaf_can_be_copied_but_not_a_history():
    x = tensor([1.0, 2.0])
    x.name = "x"
    (x * x).sum().backward()
    autograd.value_id(x)
    for again, shared in ((copy.copy(x), True), (copy.deepcopy(x), False)):
        assert np.shares_memory(np.asarray(again), np.asarray(x)) is shared
        assert (again.name, again.requires_grad, again.grad.numpy().tolist()) == ("x", True, [2, 4])
        assert autograd.value_id(again) != autograd.value_id(x)
    with pytest.raises(NeedleError, match=r"detach\(\)"):
        copy.deepcopy(x * 2)


@pytest.mark.shares_memory
def test_arrays_out():
    x = tensor([1.0, 2.0])
    np.testing.assert_array_equal(np.asarray(x), [1, 2])
    assert np.asarray(x, dtype="int32").dtype == "int32"


def test_facts():
    x = tensor(np.ones((2, 3)))
    assert (x.shape, x.dtype, x.ndim, x.size) == ((2, 3), np.dtype("float64"), 2, 6)
    assert str(x.device).endswith(")")
    assert x.is_leaf()
    assert not (x * 2).is_leaf()
    assert x.num_outputs == 1
    assert x.name is None
    x.name = "weight"
    assert x.name == "weight"


def test_repr():
    x = Tensor(np.array([1.0, 2.0], "float32"))
    assert repr(x) == "Tensor([1., 2.])"
    assert repr(x * 2) == "Tensor([2., 4.], op=mul_scalar)"
    assert repr(x.detach()) == "Tensor([1., 2.], requires_grad=False)"
    assert "float64" in repr(tensor([1.0]))


def test_needle_s_constructors():
    x = Tensor.make_const(tensor([1.0]))
    assert (x.requires_grad, x.op, x.inputs) == (False, None, ())
    y = Tensor.make_from_op(ops.EWiseAdd(), [tensor([1.0]), tensor([2.0])])
    assert y.item() == 3
    assert y.op.name == "add"
    assert Tensor.make_const(x.cached_data, requires_grad=True).requires_grad


def test_an_op_of_the_bare_kind_may_call_make_from_op():
    """Whose `make_from_op` it calls says what it returns; called as it is, it says what to derive from."""

    class Doubled(Op):
        def __call__(self, *inputs):
            return Tensor.make_from_op(self, inputs)

        def compute(self, a):
            return a + a

        def gradient(self, out_grad, node):
            return out_grad * 2

    class Both(Op):
        def __call__(self, a):
            return TensorTuple.make_from_op(self, [a])

        def compute(self, a):
            return a + a, a * a

    class Bare(Op):
        def compute(self, a):
            return a + a

    x = Tensor([3.0])
    y = Doubled()(x)
    y.backward()
    assert (y.item(), x.grad.item(), type(y)) == (6.0, 2.0, Tensor)
    assert [part.item() for part in Both()(x)] == [6.0, 9.0]
    with pytest.raises(
        NotImplementedError, match=r"^Bare: .* derive from TensorOp \(one tensor\) or TensorTupleOp"
    ):
        Bare()(x)
    with pytest.raises(NeedleError, match="compute returned a tuple; wanted one array"):
        Tensor.make_from_op(Both(), [x])


def test_parts_of_a_tuple():
    parts = ops.split(tensor([[1.0], [2.0], [3.0]]), 0)
    assert [part.item() for part in parts[1:]] == [2, 3]
    assert parts[-1].item() == 3
    with pytest.raises(IndexError, match="index 3 .*3 tensors"):
        parts[3]
    with pytest.raises(TypeError, match="stack: wanted a list"):
        ops.stack(tensor([1.0, 2.0]), 0)


def test_tuples():
    x = tensor([[1.0, 2.0], [3.0, 4.0]])
    parts = ops.split(x, 0)
    assert isinstance(parts, TensorTuple)
    assert (len(parts), parts.num_outputs) == (2, 2)
    assert [p.numpy().tolist() for p in parts.tuple()] == [[1, 2], [3, 4]]
    total = parts + parts
    (total[0] * parts[1]).backward()
    assert x.grad.numpy().tolist() == [[6, 8], [2, 4]]
    assert parts.detach().op is None
    assert "TensorTuple" in repr(parts)
    parts.backward()
    assert x.grad.numpy().tolist() == [[1, 1], [1, 1]]
    with pytest.raises(IndexError):
        parts[2]
