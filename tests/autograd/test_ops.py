"""Every op of the registry: forward against NumPy and PyTorch, gradients against finite differences in
float64.

A new op is tested as soon as it is registered: its samples are in its class. An op without samples fails
here.
"""

import math

import numpy as np
import pytest
from autograd_helpers import TOTAL, as_function, cases, tensor

from needle_edu import ops
from needle_edu.autograd import Tensor, TensorTuple, grad_check, registry
from needle_edu.autograd.arrays import BACKEND

DIFFERENTIABLE = cases(lambda cls: cls.differentiable)
ALL = cases()


def by_id(found):
    return pytest.mark.parametrize(
        ("cls", "attrs", "inputs"), [c[1:] for c in found], ids=[c[0] for c in found]
    )


def test_every_op_has_samples_and_formulas():
    for name, slot in registry.ops().items():
        cls = slot.cls
        samples = cls.samples(np.random.default_rng(0))
        assert samples, f"{name} has no samples: it would not be tested"
        assert cls.__doc__, f"{name} says nothing about itself"
        assert cls.symbol, f"{name} can't be drawn"
        assert cls.formula.startswith("y"), f"{name} has no formula"
        if cls.differentiable:
            operands = 1 if getattr(cls, "tuple_input", False) or name == "make_tuple" else len(samples[0][1])
            assert len(cls.vjp_formulas) == operands, f"{name} needs a vjp formula for each input"
            for formula, reads in zip(cls.vjp_formulas, cls.vjp_reads or (), strict=False):
                right = formula.partition("=")[2]
                for letter in "ab" if operands == 2 and cls.vjps and name in ("multiply", "matmul") else "":
                    assert (letter in right.replace(r"\bar", "")) == (letter in reads), (name, formula, reads)


@by_id(DIFFERENTIABLE)
def test_gradient(cls, attrs, inputs):
    assert grad_check(as_function(cls, attrs), *inputs)


@by_id(DIFFERENTIABLE)
def test_gradient_of_gradient(cls, attrs, inputs):
    assert grad_check(as_function(cls, attrs), *inputs, order=2)


@by_id(DIFFERENTIABLE)
def test_gradient_as_tuple_fits_the_inputs(cls, attrs, inputs):
    """What a student's own reverse mode is given: one contribution per input, of the input's shape."""
    node = as_function(cls, attrs)(*[tensor(x) for x in inputs])
    grads = node.op.gradient_as_tuple(node.ones_like(), node)
    assert len(grads) == len(node.inputs)
    for g, x in zip(grads, node.inputs, strict=True):
        if isinstance(x, TensorTuple):
            assert [part.shape for part in g] == [part.shape for part in x]
        elif g is not None:
            assert g.shape == x.shape


@by_id(DIFFERENTIABLE)
def test_only_what_requires_grad_gets_a_gradient(cls, attrs, inputs):
    for k, x in enumerate(inputs):
        if x.dtype.kind == "f":
            tensors = [tensor(y, requires_grad=i == k) for i, y in enumerate(inputs)]
            as_function(cls, attrs)(*tensors).backward()
            assert [t.grad is not None for t in tensors] == [
                i == k and not _ignored(cls, k) for i in range(len(inputs))
            ]


def _ignored(cls, k):
    return cls.vjps is not None and not getattr(cls, "tuple_input", False) and cls.vjps[k] is None


@by_id(DIFFERENTIABLE)
def test_vjps_read_only_what_they_declare(cls, attrs, inputs):
    """`vjp_reads` decides whether an overwritten value is an error: spoil the rest, nothing must change."""
    if cls.vjp_reads is None or getattr(cls, "tuple_input", False) or cls.vjps is None:
        pytest.skip("reads everything, or no single vjps")
    for k, vjp in enumerate(cls.vjps):
        if vjp is None:
            continue
        node = as_function(cls, attrs)(*[tensor(x) for x in inputs])
        g = node.ones_like()
        before = vjp(node.op, g, node).numpy()
        for letter, value in zip("abcdefgh", node.inputs, strict=False):
            if letter not in cls.vjp_reads[k]:
                _spoil(value)
        if "y" not in cls.vjp_reads[k]:
            _spoil(node)
        np.testing.assert_array_equal(vjp(node.op, g, node).numpy(), before)


def _spoil(value):
    if isinstance(value, TensorTuple):
        value.cached_data = tuple([(part * float("nan")).cached_data for part in value.detach()])
    elif value.dtype.kind == "f":
        value.cached_data = (value.detach() * float("nan")).cached_data


@by_id(cases(lambda cls: not cls.differentiable))
def test_without_gradient(cls, attrs, inputs):
    result = as_function(cls, attrs)(*[tensor(x) for x in inputs])
    assert result.op is None
    assert not result.requires_grad


X = np.array([[0.5, -1.25, 2.0], [3.0, -0.75, 1.5]])
Z = np.array([[1.5, 0.25, -2.0], [3.0, 2.5, 0.5]])
P, PHI = np.abs(X), np.vectorize(math.erfc)(-X / math.sqrt(2)) / 2
Y, LOG_P = np.array([2, 0]), X - np.log(np.exp(X).sum(1, keepdims=True))


def standardised(x, axis, eps=1e-5):
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + eps)


FORWARD = {
    "batch_norm": ((X, Z[0], Z[1]), standardised(X, 0) * Z[0] + Z[1]),
    "layer_norm": ((X, Z[0], Z[1]), standardised(X, 1) * Z[0] + Z[1]),
    "add": ((X, Z), X + Z), "multiply": ((X, Z), X * Z), "divide": ((X, Z), X / Z), "power": ((P, Z), P**Z),
    "maximum": ((X, Z), np.maximum(X, Z)), "minimum": ((X, Z), np.minimum(X, Z)), "negate": ((X,), -X),
    "abs": ((X,), abs(X)), "sign": ((X,), np.sign(X)), "sqrt": ((P,), np.sqrt(P)), "square": ((X,), X**2),
    "reciprocal": ((X,), 1 / X), "exp": ((X,), np.exp(X)), "log": ((P,), np.log(P)), "sin": ((X,), np.sin(X)),
    "cos": ((X,), np.cos(X)), "tanh": ((X,), np.tanh(X)), "sigmoid": ((X,), 1 / (1 + np.exp(-X))),
    "relu": ((X,), np.where(X > 0, X, 0)), "floor": ((X,), np.floor(X)), "ceil": ((X,), np.ceil(X)),
    **{name: ((X / 4,), getattr(np, name)(X / 4)) for name in (
        "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "atanh", "log1p", "expm1",
    )},
    **{name: ((P + 1,), getattr(np, name)(P + 1)) for name in ("acosh", "log2", "log10")},
    **{name: ((X,), getattr(np, name)(X)) for name in ("trunc", "round", "isnan", "isinf", "isfinite")},
    **{name: ((X, Z), getattr(np, name)(X, Z)) for name in ("floor_divide", "remainder", "fmod", "atan2")},
    "equal": ((X, Z), X == Z), "not_equal": ((X, Z), X != Z), "less": ((X, Z), X < Z),
    "less_equal": ((X, Z), X <= Z), "greater": ((X, Z), X > Z), "greater_equal": ((X, Z), X >= Z),
    "logical_and": ((X > 0, Z), (X > 0) & (Z != 0)), "logical_or": ((X > 0, Z > 0), (X > 0) | (Z > 0)),
    "logical_xor": ((X > 0, Z > 0), (X > 0) ^ (Z > 0)), "logical_not": ((X > 0,), X <= 0),
    "where": ((X > 0, X, Z), np.where(X > 0, X, Z)), "matmul": ((X, Z.T), X @ Z.T), "transpose": ((X,), X.T),
    "softmax": ((X,), np.exp(X) / np.exp(X).sum(1, keepdims=True)),
    "logsoftmax": ((X,), X - np.log(np.exp(X).sum(1, keepdims=True))),
    "softmax_backward": ((X, Z), Z * (X - (X * Z).sum(1, keepdims=True))),
    "logsoftmax_backward": ((X, Z), X - np.exp(Z) * X.sum(1, keepdims=True)),
    "relu_backward": ((X, Z), np.where(Z > 0, X, 0)), "tanh_backward": ((X, Z), X * (1 - Z * Z)),
    "sigmoid_backward": ((X, Z), X * Z * (1 - Z)),
    "erf": ((X,), np.vectorize(math.erf)(X)), "gelu": ((X,), X * PHI), "silu": ((X,), X / (1 + np.exp(-X))),
    "gelu_backward": ((Z, X), Z * (PHI + X * np.exp(-X * X / 2) / math.sqrt(2 * math.pi))),
    "silu_backward": ((Z, X), Z * (1 + np.exp(-X) * (1 + X)) / (1 + np.exp(-X)) ** 2),
    "softplus": ((X,), np.log(1 + np.exp(X))), "logaddexp": ((X, Z), np.logaddexp(X, Z)),
    "relu6": ((3 * X,), np.clip(3 * X, 0, 6)), "hardswish": ((X,), X * np.clip(X + 3, 0, 6) / 6),
    "selu": ((X,), 1.0507009873554805 * np.where(X > 0, X, 1.6732632423543772 * np.expm1(X))),
    "hardsigmoid": ((2 * X,), np.clip(2 * X + 3, 0, 6) / 6), "softsign": ((X,), X / (1 + abs(X))),
    "tanhshrink": ((X,), X - np.tanh(X)), "logsigmoid": ((X,), -np.log(1 + np.exp(-X))),
    "mish": ((X,), X * np.tanh(np.log(1 + np.exp(X)))), "prelu": ((X, Z[1]), np.where(X > 0, X, X * Z[1])),
    "linear_scan": ((X, Z), np.array([[1.5, -1.625, -5.25], [3, 0.25, 0.875]])),
    "binary_cross_entropy": ((P / 4, P / 5), -P / 5 * np.log(P / 4) - (1 - P / 5) * np.log(1 - P / 4)),
    "cross_entropy": ((X, Y), np.array(-LOG_P[[0, 1], Y].mean()).reshape(TOTAL)),
    "cross_entropy_backward": ((np.ones(TOTAL), X, Y), (np.exp(LOG_P) - np.eye(3)[Y]) / 2),
    "soft_cross_entropy": ((X, P / 5), np.array(-(P / 5 * LOG_P).sum(1).mean()).reshape(TOTAL)),
    "soft_cross_entropy_backward": (
        (np.ones(TOTAL), X, P / 5), (np.exp(LOG_P) * P.sum(1, keepdims=True) - P) / 10,
    ),
    "nll_loss": ((X, Y), np.array(-X[[0, 1], Y].mean()).reshape(TOTAL)),
}  # fmt: skip
WITH_ATTRIBUTES = [
    ("clone", X, (), X), ("to_device", X, (Tensor(X).device,), X),
    ("add_scalar", X, (1.5,), X + 1.5), ("mul_scalar", X, (1.5,), X * 1.5), ("divide_scalar", X, (4,), X / 4),
    ("power_scalar", X, (3,), X**3), ("astype", X, ("int64",), X.astype("int64")),
    ("leaky_relu", X, (0.3,), np.where(X > 0, X, 0.3 * X)), ("hardtanh", X, (-1, 1), np.clip(X, -1, 1)),
    ("elu", X, (2,), np.where(X > 0, X, 2 * np.expm1(X))),
    ("celu", X, (2,), np.where(X > 0, X, 2 * np.expm1(X / 2))), ("hardshrink", X, (1,), np.where(abs(X) > 1, X, 0)),
    ("huber", X, (1, 0.5), np.where(abs(X) <= 1, X * X / 4, (abs(X) - 0.5) / 2)),
    ("softshrink", X, (1,), X - X.clip(-1, 1)), ("threshold", X, (0.75, 9), np.where(X > 0.75, X, 9)),
    ("summation", X, (0,), X.sum(0)), ("mean", X, (1,), X.mean(1)), ("max", X, (1,), X.max(1)),
    ("min", X, (0,), X.min(0)), ("prod", X, (-1,), X.prod(1)), ("argmax", X, (1,), X.argmax(1)),
    ("logsumexp", X, (1,), np.log(np.exp(X).sum(1))),
    ("permute", X[None], ((2, 0, 1),), X[None].transpose(2, 0, 1)),
    ("reshape", X, ((3, 2),), X.reshape(3, 2)),
    ("broadcast_to", X, ((2, 2, 3),), np.broadcast_to(X, (2, 2, 3))),
    ("transpose", X[None], ((0, 2),), X[None].swapaxes(0, 2)), ("flip", X, ((1,),), X[:, ::-1]),
    ("getitem", X, ((slice(None), 1),), X[:, 1]),
    ("getitem_backward", X[0], (1, (2, 3)), np.array([[0, 0, 0], X[0]])),
    ("dilate", X[:, :2], ((1,), 2), X[:, :2].repeat(3, 1) * [1, 0, 0, 1, 0, 0]),
    ("undilate", X, ((1,), 2), X[:, :1]),
    ("argmin", X, (1,), X.argmin(1)), ("var", X, (1,), X.var(1, ddof=1)), ("std", X, (0, 0), X.std(0)),
    ("norm", X, (3, 1), (abs(X) ** 3).sum(1) ** (1 / 3)), ("clip", X, (-1, 2.5), X.clip(-1, 2.5)),
    ("pad", X, (((1, 0), (0, 2)), 7.5), np.pad(X, ((1, 0), (0, 2)), constant_values=7.5)),
    ("resize", X, ((2, 6),), X.repeat(2, 1)),
    ("resize_backward", X, ((2, 1), "linear"), X.sum(1, keepdims=True)),
    ("adaptive_max_pool", X[None], ((2,),), np.stack([X[:, :2].max(1), X[:, 1:].max(1)], -1)[None]),
    ("nll_loss_backward", np.ones(TOTAL), (Y, (2, 3)), -np.eye(3)[Y] / 2),
    ("pad_backward", X, (((0, 0), (2, 0)), "replicate"), X.sum(1, keepdims=True)),
    ("roll", X, ((1, -1), (0, 1)), np.roll(X, (1, -1), (0, 1))), ("tril", X, (), np.tril(X)),
    ("triu", X, (1,), np.triu(X, 1)), ("cumsum", X, (1,), X.cumsum(1)), ("cumprod", X, (0,), X.cumprod(0)),
    ("cumargmax", X, (1,), np.array([[0, 0, 2], [0, 0, 0]])), ("cumargmin", X, (0,), np.array([[0, 0, 0], [0, 0, 1]])),
    ("sort", X, (1,), np.sort(X, 1)), ("argsort", X, (1, True), np.argsort(-X, 1)),
]  # fmt: skip


@pytest.mark.parametrize("name", FORWARD)
def test_forward(name):
    inputs, expected = FORWARD[name]
    result = getattr(ops, name)(*[tensor(x) for x in inputs])
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "x", "attributes", "expected"), WITH_ATTRIBUTES, ids=[w[0] for w in WITH_ATTRIBUTES]
)
def test_forward_with_attributes(name, x, attributes, expected):
    result = getattr(ops, name)(tensor(x), *attributes)
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12)


def test_forward_of_tuples():
    parts = ops.split(tensor(X), 1)
    assert isinstance(parts, TensorTuple)
    assert [p.shape for p in parts] == [(2,)] * 3
    np.testing.assert_array_equal(parts[-1].numpy(), X[:, 2])
    np.testing.assert_array_equal(ops.stack(list(parts), 1).numpy(), X)
    np.testing.assert_array_equal(ops.stack(parts, 0).numpy(), X.T)
    np.testing.assert_array_equal(ops.concat([tensor(X), tensor(Z)], 1).numpy(), np.hstack([X, Z]))
    for got, wanted in zip(ops.tensor_split(tensor(X), 2, 1), np.array_split(X, 2, 1), strict=True):
        np.testing.assert_array_equal(got.numpy(), wanted)
    plus, minus = ops.fused_add_scalars(tensor(X), 1, -2)
    np.testing.assert_array_equal(plus.numpy(), X + 1)
    np.testing.assert_array_equal(minus.numpy(), X - 2)
    np.testing.assert_array_equal(ops.tuple_get_item(ops.make_tuple(tensor(X), tensor(Z)), 1).numpy(), Z)


def test_every_op_has_a_forward_test():
    tested = {*FORWARD, *[w[0] for w in WITH_ATTRIBUTES]}
    tested |= {"activation_backward"}  # each kind: test_activations.py
    tested |= {"make_tuple", "tuple_get_item", "split", "stack", "concat", "fused_add_scalars"}
    # test_convolution.py, test_pooling.py
    tested |= {"conv", "conv1d", "conv2d", "conv_input_backward", "conv_weight_backward"}
    tested |= {"conv_transpose1d", "conv_transpose2d"}
    tested |= {"max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d", "avg_pool_backward"}
    tested |= {"max_pool_backward"}
    tested |= {"tensor_split", "unfold", "fold"}  # test_array_ops.py, test_folding.py
    tested |= {"attention", "keyed_dropout"}  # test_attention.py, tests/nn/test_dropout.py
    # test_normalization.py
    tested |= {"group_norm", "batch_norm_backward", "group_norm_backward", "layer_norm_backward"}
    tested |= {
        f"{kind}_scan{way}" for kind in ("rnn", "lstm", "gru") for way in ("", "_backward")
    }  # test_recurrent.py
    assert tested == set(registry.ops())


def test_total_reductions_have_the_backend_s_shape():
    for name in ("summation", "mean", "max", "min", "prod", "logsumexp"):
        assert getattr(ops, name)(tensor(X)).shape == TOTAL, name
    assert ops.summation(tensor(X)).item() == pytest.approx(X.sum())


# -- choices that have to be made somewhere, and are made here -----------------------------------------------


def gradient(function, *inputs):
    tensors = [tensor(np.array(x, dtype=float)) for x in inputs]
    function(*tensors).backward()
    return [t.grad.numpy().tolist() for t in tensors]


def test_equal_elements_share_the_gradient_of_max():
    assert gradient(lambda a: ops.max(a, 0), [3, 1, 3]) == [[0.5, 0, 0.5]]
    assert gradient(lambda a: ops.min(a), [1, 1, 1, 7]) == [[1 / 3, 1 / 3, 1 / 3, 0]]


def test_equal_elements_share_the_gradient_of_maximum():
    assert gradient(ops.maximum, [1, 2, 3], [3, 2, 1]) == [[0, 0.5, 1], [1, 0.5, 0]]
    assert gradient(ops.minimum, [1, 2, 3], [3, 2, 1]) == [[1, 0.5, 0], [0, 0.5, 1]]


@pytest.mark.parametrize("op", [ops.maximum, ops.minimum])
def test_a_nan_gets_the_gradient_of_an_extremum(op):
    """As in `max` over several: the nan is the value. Two nans share it."""
    nan = np.nan
    assert gradient(op, [1.0, nan, nan, nan], [nan, 1.0, np.inf, nan]) == [[0, 1, 1, 0.5], [1, 0, 0, 0.5]]


def test_kinks_have_gradient_zero():
    assert gradient(ops.relu, [-1, 0, 2]) == [[0, 0, 1]]
    assert gradient(ops.abs, [-1, 0, 2]) == [[-1, 0, 1]]
    assert gradient(ops.sign, [-1, 0, 2]) == [[0, 0, 0]]


def test_powers_of_zero():
    assert gradient(lambda a: a**0, [0, 2]) == [[0, 0]]
    assert gradient(lambda a: a**1, [0, 2]) == [[1, 1]]
    assert gradient(lambda a: a**2, [0, 2]) == [[0, 4]]
    assert gradient(ops.power, [0.0, 1.0], [2.0, 2.0]) == [[0, 2], [0, 0]]
    assert gradient(ops.power, [0.0, 2.0], [0.0, 0.0]) == [[0, 0], [0, np.log(2)]]
    assert gradient(ops.power, [0.0, np.inf, np.nan], [0.0, 0.0, 0.0])[0] == [
        0,
        0,
        0,
    ]  # a^0 is 1 whatever a is
    assert gradient(ops.power, [0.0, -0.0], [-2.0, -np.inf])[1] == [
        -np.inf,
        -np.inf,
    ]  # 0^b comes down from infinity


def test_a_product_with_zeros():
    assert gradient(lambda a: ops.prod(a), [2, 0, 5]) == [[0, 10, 0]]
    assert gradient(lambda a: ops.prod(a), [2, 0, 0]) == [[0, 0, 0]]


def test_an_index_picked_twice_gets_both_contributions():
    assert gradient(lambda a: a[np.array([0, 2, 0])], [1, 2, 3]) == [[2, 0, 1]]


def test_condition_has_no_gradient():
    condition = Tensor([True, False])
    b, c = tensor([1.0, 2.0]), tensor([3.0, 4.0])
    ops.where(condition, b, c).backward()
    assert condition.grad is None
    assert b.grad.numpy().tolist() == [1, 0]
    assert c.grad.numpy().tolist() == [0, 1]


@pytest.mark.parametrize("name", ["logsumexp", "logsoftmax", "softmax"])
def test_no_overflow(name):
    x = Tensor(np.array([[1e10, 1e10, 0.0], [-1e10, 0.0, 5.0]]), dtype="float32")
    y = getattr(ops, name)(x, *((1,) if name == "logsumexp" else ()))
    y.backward()
    assert np.isfinite(y.numpy()).all()
    assert np.isfinite(x.grad.numpy()).all()


def test_softmax_of_1e10():
    x = tensor([[1e10, 1e10, 1e9]])
    np.testing.assert_allclose(ops.softmax(x).numpy(), [[0.5, 0.5, 0.0]])
    np.testing.assert_allclose(ops.logsumexp(x, 1).numpy(), [1e10 + np.log(2)])


def test_float32_stays_float32():
    x = Tensor(X[:, :2], dtype="float32")
    for name in ("exp", "relu", "tanh", "sigmoid", "square", "softmax"):
        y = getattr(ops, name)(x)
        assert y.dtype == "float32", name
        y.backward()
        assert x.grad.dtype == "float32", name


@pytest.mark.skipif(BACKEND == "np", reason="NumPy's own promotion rules hold in np mode")
def test_gradients_have_the_dtype_of_their_inputs():
    a, b = Tensor([1.0, 2.0], dtype="float32"), Tensor([3.0, 4.0], dtype="float64")
    (a * b).backward()
    assert (a.grad.dtype, b.grad.dtype) == ("float32", "float64")


def test_dilate_ignores_axes_that_are_not_there():
    assert ops.dilate(tensor(X), (1, 7), 1).shape == (2, 6)


def test_functions_take_numbers_lists_and_arrays():
    x = tensor([1.0, 2.0])
    np.testing.assert_array_equal(ops.add(x, 1).numpy(), [2, 3])
    np.testing.assert_array_equal(ops.maximum(1.5, x).numpy(), [1.5, 2])
    np.testing.assert_array_equal(ops.multiply(x, np.array([2.0, 3.0])).numpy(), [2, 6])
    np.testing.assert_array_equal(ops.relu([-1.0, 1.0]).numpy(), [0, 1])


def test_functions_know_their_parameters():
    import inspect

    assert str(inspect.signature(ops.summation)) == "(a, axes=None, keepdims=False, axis=None)"
    assert str(inspect.signature(ops.dilate)) == "(a, axes, dilation)"
    with pytest.raises(TypeError, match="add"):
        ops.add(tensor(X))
