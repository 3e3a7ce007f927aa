"""batch_norm, group_norm and layer_norm: beside PyTorch in all layouts, by kernels and by arithmetic in arrays, with
every statistic of the array it belongs to."""

import numpy as np
import pytest

from needle_edu import ops
from needle_edu.autograd import Tensor
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend.errors import GradientError, ShapeError
from needle_edu.ops import normalization

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[parity]'")
from counterparts import batch_norm, group_norm, layer_norm  # noqa: E402

pytestmark = pytest.mark.parity
own = pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays have no kernels")

CASES = [
    *[("batch", {}, shape) for shape in [(2, 1), (5, 3), (64, 130), (3, 5, 7), (2, 3, 1, 1), (4, 3, 5, 20)]],
    ("batch", {}, (9, 17, 4, 4)),
    *[("group", {"num_groups": 2}, shape) for shape in [(1, 4), (3, 6, 5), (2, 4, 5, 7), (5, 34, 3, 3), (2, 2, 40)]],
    ("group", {"num_groups": 3, "eps": 0.1}, (2, 3, 4, 5)),
    ("group", {"num_groups": 1}, (33, 70)),
    *[("layer", {}, shape) for shape in [(5,), (7, 1), (6, 33), (2, 3, 4), (130, 17)]],
]  # fmt: skip
OURS = {"batch": ops.batch_norm, "group": ops.group_norm, "layer": ops.layer_norm}
THEIRS = {"batch": batch_norm, "group": group_norm, "layer": layer_norm}
LAYOUTS = {
    "compact": lambda x: x,
    "part": lambda x: np.pad(x, [(1, 1)] * x.ndim)[tuple([slice(1, -1)] * x.ndim)],
    "reversed": lambda x: np.flip(x).copy()[tuple([slice(None, None, -1)] * x.ndim)],
    "last": lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, min(1, x.ndim - 1), -1)), -1, min(1, x.ndim - 1)),
}  # fmt: skip


@pytest.fixture(params=["kernels", "arrays"])
def way(request, monkeypatch):
    """Once as it is, once as for arrays that no kernel takes."""
    if request.param == "arrays":
        monkeypatch.setattr(normalization, "normalization", None)


def laid_out(x, layout, requires_grad=True):
    """The tensor in a layout: the same view of the memory, as an operation would return it."""
    x = LAYOUTS[layout](x)
    if layout == "part":
        whole = Tensor(np.pad(x, [(1, 1)] * x.ndim), dtype=x.dtype.name)
        view = whole[tuple([slice(1, -1)] * x.ndim)]
    elif layout == "reversed":
        backwards = tuple([slice(None, None, -1)] * x.ndim)
        view = Tensor(np.ascontiguousarray(x[backwards]), dtype=x.dtype.name)[backwards]
    elif layout == "last" and x.ndim > 1:
        axes = list(range(x.ndim))
        axes.insert(1, axes.pop())
        view = Tensor(np.ascontiguousarray(np.moveaxis(x, 1, -1)), dtype=x.dtype.name).permute(tuple(axes))
    else:
        view = Tensor(x, dtype=x.dtype.name)
    made = view.detach()
    made.requires_grad = requires_grad
    return made


def check(kind, attrs, x, g, weight, bias, layout="compact", tolerance=None, equal_nan=False):
    dtype = x.dtype.name
    ours = laid_out(x, layout), *[Tensor(v, dtype=dtype) for v in (weight, bias)]
    y = OURS[kind](*ours, **attrs)
    y.backward(laid_out(g, layout, False))
    theirs = [
        torch.tensor(np.ascontiguousarray(v), dtype=torch.float64, requires_grad=True)
        for v in (x, weight, bias)
    ]
    wanted = THEIRS[kind](*theirs, **attrs)
    wanted.backward(torch.tensor(np.ascontiguousarray(g), dtype=torch.float64))
    assert y.dtype == dtype
    tolerance = tolerance or {"float32": 2e-5, "float64": 1e-11}[dtype]
    for got, right in [(y, wanted.detach()), *[(a.grad, b.grad) for a, b in zip(ours, theirs, strict=True)]]:
        right = right.numpy()
        scale = 1 + np.abs(right[np.isfinite(right)]).max(initial=0)
        assert got.shape == right.shape and got.dtype == dtype
        np.testing.assert_allclose(got.numpy(), right, tolerance, tolerance * scale, equal_nan=equal_nan)


def operands(rng, kind, shape, dtype, mean=0.0):
    of_weight = shape[-1:] if kind == "layer" else shape[1:2]
    x, g = rng.normal(size=shape) + mean, rng.normal(size=shape)
    return [v.astype(dtype) for v in (x, g, rng.normal(size=of_weight), rng.normal(size=of_weight))]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kind", "attrs", "shape"), CASES)
def test_beside_pytorch(kind, attrs, shape, dtype, way, rng):
    if kind == "layer" and shape[-1] == 1:
        attrs = {"eps": 0.1}
    for layout in LAYOUTS:
        check(kind, attrs, *operands(rng, kind, shape, dtype), layout)


@pytest.mark.parametrize(
    ("kind", "shape"), [("batch", (64, 3, 4, 4)), ("group", (4, 4, 30)), ("layer", (6, 40))]
)
def test_a_mean_far_from_zero(kind, shape, way, rng):
    """The difference to the mean is computed before anything is squared: a mean of 1000 costs what storing it costs."""
    attrs = {"num_groups": 2} if kind == "group" else {}
    check(kind, attrs, *operands(rng, kind, shape, "float32", 1000.0), tolerance=2e-3)
    check(kind, attrs, *operands(rng, kind, shape, "float64", 1000.0), tolerance=1e-9)


def test_several_last_axes(way, rng):
    x, g = rng.normal(size=(2, 5, 3, 4))
    weight, bias = rng.normal(size=(2, 3, 4))
    check("layer", {}, x, g, weight, bias)


def test_group_norm_in_numpy(rng):
    x, w, b = rng.normal(size=(2, 6, 5)), rng.normal(size=6), rng.normal(size=6)
    groups = x.reshape(2, 3, 10)
    z = (groups - groups.mean(2, keepdims=True)) / np.sqrt(groups.var(2, keepdims=True) + 1e-5)
    wanted = z.reshape(x.shape) * w[:, None] + b[:, None]
    got = ops.group_norm(*[Tensor(v, dtype="float64") for v in (x, w, b)], num_groups=3)
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-12)


def test_numbers_that_are_all_alike(way, rng):
    """No variance: z is 0, and eps alone divides; the gradient of the weight is 0."""
    for kind, shape in (("batch", (4, 3)), ("layer", (2, 6)), ("group", (2, 4, 3))):
        x, g, weight, bias = operands(rng, kind, shape, "float64")
        check(kind, {"num_groups": 2} if kind == "group" else {}, x * 0 + 3, g, weight, bias)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_spoil_those_beside_them_alone(special, way, rng):
    x, g, weight, bias = operands(rng, "batch", (5, 3), "float32")
    x[1, 2] = special
    check("batch", {}, x, g, weight, bias, equal_nan=True)
    x, g, weight, bias = operands(rng, "layer", (3, 20), "float32")
    x[1, 2] = special
    check("layer", {}, x, g, weight, bias, equal_nan=True)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("batch", (0, 3)), ("batch", (2, 3, 0)), ("group", (0, 4, 2)), ("group", (2, 4, 0)), ("layer", (0, 3))],
)
def test_empty(kind, shape, way):
    weight = Tensor(np.ones(shape[-1:] if kind == "layer" else shape[1:2]))
    x, bias = Tensor(np.ones(shape)), Tensor(np.ones(weight.shape))
    y = OURS[kind](x, weight, bias, **({"num_groups": 2} if kind == "group" else {}))
    y.backward()
    assert y.shape == x.grad.shape == shape
    assert weight.grad.numpy().tolist() == bias.grad.numpy().tolist() == [0] * weight.size


@own
def test_channels_last_are_computed_where_they_lie(rng):
    x = laid_out(rng.normal(size=(4, 3, 5, 6)), "last")
    y = ops.batch_norm(x, [1.0] * 3, [0.0] * 3)
    assert y.cached_data.layout is x.cached_data.layout and not y.cached_data.layout.compact


@own
def test_kernels_and_arrays_agree_closely(rng, monkeypatch):
    for kind, attrs, shape in CASES:
        x, g, weight, bias = operands(rng, kind, shape, "float32")
        results = []
        for module in (normalization.normalization, None):
            monkeypatch.setattr(normalization, "normalization", module)
            leaves = [Tensor(v) for v in (x, weight, bias)]
            y = OURS[kind](*leaves, **attrs)
            y.backward(Tensor(g))
            results.append([v.numpy() for v in (y, *[leaf.grad for leaf in leaves])])
        monkeypatch.undo()
        for one, other in zip(*results, strict=True):
            np.testing.assert_allclose(one, other, 1e-4, 1e-4 * (1 + np.abs(other).max()))


def test_one_op_for_two_tensors_keeps_their_statistics_apart(rng):
    """An op remembers what it measured; another tensor's gradient must not use that."""
    op = normalization.BatchNorm()
    a, b = rng.normal(size=(6, 3)), 10 * rng.normal(size=(6, 3)) + 5
    w, g = Tensor(rng.normal(size=3), dtype="float64"), Tensor(rng.normal(size=(6, 3)), dtype="float64")
    together = [Tensor(v, dtype="float64") for v in (a, b)]
    first, second = [op(x, w, w) for x in together]
    for x, y in zip(together, (first, second), strict=True):
        y.backward(g)
        alone = Tensor(x.numpy(), dtype="float64")
        normalization.BatchNorm()(alone, w, w).backward(g)
        np.testing.assert_allclose(x.grad.numpy(), alone.grad.numpy(), rtol=1e-12)


@own
def test_an_input_that_was_overwritten_is_refused(rng):
    x = Tensor(rng.normal(size=(4, 3)))
    y = ops.batch_norm(x * 1, Tensor(np.ones(3)), Tensor(np.zeros(3)))
    y.inputs[0].cached_data[0] = 7.0
    with pytest.raises(GradientError, match="batch_norm: .*overwritten after the forward pass"):
        y.backward()


def test_only_some_require_a_gradient(rng):
    for needed in range(3):
        leaves = [
            Tensor(v, requires_grad=k == needed)
            for k, v in enumerate((rng.normal(size=(4, 3)), np.ones(3), np.ones(3)))
        ]
        ops.batch_norm(*leaves).sum().backward()
        assert [leaf.grad is not None for leaf in leaves] == [k == needed for k in range(3)]


def test_whole_numbers_become_floats():
    y = ops.layer_norm(Tensor([[1, 3]]), Tensor([1.0, 1.0]), Tensor([0.0, 0.0]))
    np.testing.assert_allclose(y.numpy(), [[-1, 1]], rtol=1e-4)
    assert y.dtype.kind == "f"


ONES = {n: np.ones(n) for n in (2, 3)}


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (
            lambda: ops.batch_norm(ONES[3], ONES[3], ONES[3]),
            ShapeError,
            r"batch_norm: wanted shapes \(N, C, \*extents\) and \(C,\), got \(3,\)",
        ),
        (
            lambda: ops.batch_norm(np.ones((4, 3)), ONES[2], ONES[2]),
            ShapeError,
            r"batch_norm: .*got \(4, 3\) and \(2,\)",
        ),
        (
            lambda: ops.batch_norm(np.ones((4, 3)), ONES[3], ONES[2]),
            ShapeError,
            r"batch_norm: weight and bias have one shape, got \(3,\) and \(2,\)",
        ),
        (
            lambda: ops.batch_norm(np.ones((4, 3)), ONES[3], ONES[3], eps=-1),
            ValueError,
            "batch_norm: eps is a number",
        ),
        (
            lambda: ops.group_norm(np.ones((4, 3)), ONES[3], ONES[3], num_groups=2),
            ShapeError,
            "group_norm: 3 channels do not make 2 equal groups",
        ),
        (
            lambda: ops.group_norm(np.ones((4, 3)), ONES[3], ONES[3], num_groups=0),
            ShapeError,
            "group_norm: num_groups",
        ),
        (
            lambda: ops.group_norm(np.ones(3), ONES[3], ONES[3], num_groups=1),
            ShapeError,
            "group_norm: wanted shapes",
        ),
        (
            lambda: ops.layer_norm(np.ones((4, 3)), ONES[2], ONES[2]),
            ShapeError,
            r"layer_norm: the last axes have the weight's shape; got \(4, 3\) and \(2,\)",
        ),
        (
            lambda: ops.layer_norm(np.ones((4, 3)), np.ones(()), np.ones(())),
            ShapeError,
            r"layer_norm: .*wanted \(..., D\)",
        ),
        (
            lambda: ops.layer_norm_backward(ONES[3], np.ones((4, 3)), ONES[3]),
            ShapeError,
            r"layer_norm_backward: wanted an adjoint of shape \(4, 3\), got \(3,\)",
        ),
    ],
)
def test_bad_input(wrong, error, says):
    with pytest.raises(error, match=says):
        wrong()
