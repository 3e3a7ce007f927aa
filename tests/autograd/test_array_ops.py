"""Array operations: values and gradients against PyTorch in both float types and odd layouts; choices; errors.

The samples of each op class are tested in test_ops.py; here are the functions made of several ops as well.
"""

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import Tensor, no_grad, ops
from needle_edu.autograd import grad_check
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import DTypeError, GradientError, IndexOutOfRange, NeedleError, ShapeError

NAN, INF = float("nan"), float("inf")
A = np.random.default_rng(5).normal(size=(3, 4))
B = np.random.default_rng(6).normal(size=(2, 3, 4))
V = np.random.default_rng(7).normal(size=(4,))
TIES = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
SPECIAL = np.array([[1.0, INF, -INF], [-0.0, NAN, 2.0]])
EMPTY = np.zeros((0, 3))


def square(parts):
    """Make of several results one number that depends on each in its own way."""
    return sum(((k + 1.0) * (part * part).sum() for k, part in enumerate(parts)), 0.0)


def first(result):
    """PyTorch's sort gives positions too."""
    return result if isinstance(result, Tensor) else result[0]


CASES = {
    "var": ([A], lambda t, a: a.var(1), None),
    "var of axes": ([B], lambda t, a: a.var((0, 2), correction=0), None),
    "var of all": ([B], lambda t, a: a.var().sum(), None),
    "std": ([A], lambda t, a: a.std(0), None),
    "std of equals": ([TIES], lambda t, a: a.std(1), None),
    "norm": ([A], lambda t, a: ops.norm(a, 2, 1), lambda t, a: t.linalg.vector_norm(a, 2, 1)),
    "norm of zeros": ([A * 0], lambda t, a: ops.norm(a, 2, 1), lambda t, a: t.linalg.vector_norm(a, 2, 1)),
    "inf norm": ([TIES], lambda t, a: ops.norm(a, INF, 1), lambda t, a: t.linalg.vector_norm(a, INF, 1)),
    "-inf norm": ([TIES], lambda t, a: ops.norm(a, -INF, 1), lambda t, a: t.linalg.vector_norm(a, -INF, 1)),
    "1 norm": ([SPECIAL[:1]], lambda t, a: ops.norm(a, 1, 0), lambda t, a: t.linalg.vector_norm(a, 1, 0)),
    "norm of specials": ([SPECIAL], lambda t, a: ops.norm(a, 2, 1), lambda t, a: t.linalg.vector_norm(a, 2, 1)),
    "norm of nothing": ([EMPTY], lambda t, a: ops.norm(a, 2, 0), lambda t, a: t.linalg.vector_norm(a, 2, 0)),
    "clip": ([A], lambda t, a: a.clip(-0.5, 0.5), None),
    "clip at its bounds": ([TIES], lambda t, a: a.clip(2, 3), None),
    "clip of specials": ([SPECIAL], lambda t, a: a.clip(-1, 1.5), None),
    "clip crossed": ([A], lambda t, a: a.clip(1, -1), None),
    "max of nans": ([np.array([[NAN, 1, NAN], [3.0, INF, 4.0]])], lambda t, a: a.max(), None),
    "min of nans": ([SPECIAL], lambda t, a: a.min(), None),
    "pad": (
        [A], lambda t, a: ops.pad(a, ((1, 2), (0, 3)), 0.5),
        lambda t, a: t.nn.functional.pad(a, (0, 3, 1, 2), value=0.5),
    ),
    "pad nothing": (
        [EMPTY], lambda t, a: ops.pad(a, ((1, 2), (0, 3))),
        lambda t, a: t.nn.functional.pad(a, (0, 3, 1, 2)),
    ),
    "roll": ([B], lambda t, a: t.roll(a, (1, -2), (0, 2)), None),
    "roll flat": ([B], lambda t, a: t.roll(a, 5), None),
    "roll nothing": ([EMPTY], lambda t, a: t.roll(a, 5, 0), None),
    "tril": ([B], lambda t, a: a.tril(1), None),
    "triu": ([B], lambda t, a: a.triu(-1), None),
    "tril of specials": ([SPECIAL], lambda t, a: a.tril(-1), None),
    "unsqueeze": ([A], lambda t, a: a.unsqueeze(-1), None),
    "squeeze": ([A[:, :1]], lambda t, a: a.squeeze(), None),
    "squeeze axis": ([A[:, :1]], lambda t, a: a.squeeze(1), None),
    "swapaxes": ([B], lambda t, a: a.swapaxes(0, -1), None),
    "swapaxes of one": ([V], lambda t, a: a.swapaxes(0, 0), None),
    "moveaxis": ([B], lambda t, a: a.moveaxis(0, -1), None),
    "flatten": ([B], lambda t, a: a.flatten(1), None),
    "flatten a number": ([np.array(3.0)], lambda t, a: a.flatten(), None),
    "cat": ([A, A * 2], lambda t, a, b: t.cat([a, b], 1), None),
    "concatenate": ([A, A * 2], lambda t, a, b: t.concatenate([a, b], -1), None),
    "unbind": ([B], lambda t, a: square(a.unbind(1)), None),
    "chunk": ([B], lambda t, a: square(a.chunk(3, 2)), None),
    "chunk too often": ([V], lambda t, a: square(a.chunk(7)), None),
    "tensor_split": ([B], lambda t, a: square(t.tensor_split(a, 3, 2)), None),
    "tensor_split at": ([B], lambda t, a: square(t.tensor_split(a, (1, 1, 3), 2)), None),
    "tensor_split beyond": ([V], lambda t, a: square(t.tensor_split(a, (2, 9))), None),
    "hsplit": ([A], lambda t, a: square(t.hsplit(a, 2)), None),
    "hsplit a vector": ([V], lambda t, a: square(t.hsplit(a, 2)), None),
    "vsplit": ([A], lambda t, a: square(t.vsplit(a, [1])), None),
    "dsplit": ([B], lambda t, a: square(t.dsplit(a, 2)), None),
    "dot": ([V, V + 1], lambda t, a, b: t.dot(a, b), None),
    "outer": ([V, A[0]], lambda t, a, b: t.outer(a, b), None),
    "cumsum": ([B], lambda t, a: t.cumsum(a, 1), None),
    "cumsum of specials": ([SPECIAL], lambda t, a: t.cumsum(a, 0), None),
    "cumsum of nothing": ([EMPTY], lambda t, a: t.cumsum(a, 0), None),
    "cumsum of a number": ([np.array(3.0)], lambda t, a: t.cumsum(a, 0), None),
    "cumprod": ([B], lambda t, a: t.cumprod(a, 2), None),
    "cumprod with zeros": (
        [np.array([[2.0, 0.0, 3.0, 0.0, 5.0], [0.0, 0.0, 1.0, 2.0, 3.0]])], lambda t, a: t.cumprod(a, 1), None,
    ),
    "cummax": ([B], lambda t, a: t.cummax(a, 1)[0], None),
    "cummax with ties": ([TIES], lambda t, a: t.cummax(a, 1)[0], None),
    "cummax of specials": ([SPECIAL], lambda t, a: t.cummax(a, 1)[0], None),
    "cummin": ([B], lambda t, a: a.cummin(-1)[0], None),
    "cummin with ties": ([TIES], lambda t, a: t.cummin(a, 0)[0], None),
    "cummin of specials": ([SPECIAL], lambda t, a: t.cummin(a, 0)[0], None),
    "cummin of nothing": ([EMPTY], lambda t, a: t.cummin(a, 0)[0], None),
    "cummax of a number": ([np.array(3.0)], lambda t, a: t.cummax(a, 0)[0], None),
    "logcumsumexp": ([B], lambda t, a: t.logcumsumexp(a, 1), None),
    "logcumsumexp of large numbers": ([300 * A], lambda t, a: t.logcumsumexp(a, 0), None),
    "logcumsumexp of nothing": ([EMPTY], lambda t, a: t.logcumsumexp(a, 0), None),
    "logcumsumexp of a number": ([np.array(3.0)], lambda t, a: a.logcumsumexp(0), None),
    "sort": ([B], lambda t, a: first(t.sort(a, 1)), None),
    "sort down": ([B], lambda t, a: first(t.sort(a, 0, descending=True)), None),
    "sort with ties": ([TIES], lambda t, a: t.sort(a, 1) if t is ops else t.sort(a, dim=1, stable=True)[0], None),
    "sort specials": ([SPECIAL], lambda t, a: first(t.sort(a, 1)), None),
    "sort specials down": ([SPECIAL], lambda t, a: first(t.sort(a, 1, descending=True)), None),
    "sort nothing": ([EMPTY], lambda t, a: first(t.sort(a, 0)), None),
    "topk": ([A], lambda t, a: t.topk(a, 2, 1)[0], None),
    "topk smallest": ([B], lambda t, a: t.topk(a, 2, 1, largest=False)[0], None),
    "take": ([A], lambda t, a: ops.take(a, [2, 0, 2], 0), lambda t, a: a[[2, 0, 2]]),
    "take flat": ([A], lambda t, a: ops.take(a, [[5, -1]]), lambda t, a: a.flatten()[t.tensor([[5, -1]])]),
    "take nothing": ([A], lambda t, a: ops.take(a, [], 1), lambda t, a: a[:, []]),
    "take_along_axis": (
        [A], lambda t, a: ops.take_along_axis(a, [[1, 1], [0, 3], [2, 2]], 1),
        lambda t, a: t.take_along_dim(a, t.tensor([[1, 1], [0, 3], [2, 2]]), 1),
    ),
    "embedding": (
        [A], lambda t, w: ops.embedding(Tensor([[0, 2], [2, 2]]), w),
        lambda t, w: t.nn.functional.embedding(t.tensor([[0, 2], [2, 2]]), w),
    ),
    "embedding with padding": (
        [A], lambda t, w: ops.embedding(Tensor([0.0, 2.0, 1.0]), w, padding_idx=-1),
        lambda t, w: t.nn.functional.embedding(t.tensor([0, 2, 1]), w, padding_idx=-1),
    ),
    "einsum: attention": ([B, B], lambda t, a, b: t.einsum("bid,bjd->bij", a, b), None),
    "einsum: bilinear": ([A, V, A], lambda t, a, v, b: t.einsum("ij,j,kj->ik", a, v, b), None),
    "einsum: ellipsis": ([B, A.T], lambda t, a, b: t.einsum("...ij,jk->...ki", a, b), None),
    "einsum: diagonal": ([A[:, :3]], lambda t, a: t.einsum("ii->i", a), None),
    "einsum: all summed": ([B], lambda t, a: t.einsum("abc->", a), None),
    "einsum: implicit": ([B], lambda t, a: t.einsum("cab", a), None),
    "einsum: empty": ([EMPTY, A], lambda t, a, b: t.einsum("ij,jk->ik", a, b), None),
}  # fmt: skip
LAYOUTS = ("compact", "reversed", "gaps", "transposed")


def laid_out(make, x, layout):
    """A leaf, and a view of it that shows `x` in another layout."""
    if layout == "compact" or not x.ndim:
        leaf = make(x)
        return leaf, leaf
    if layout == "reversed":
        axes = tuple(range(x.ndim))
        leaf = make(np.ascontiguousarray(np.flip(x)))
        return leaf, ops.flip(leaf, axes) if isinstance(leaf, Tensor) else leaf.flip(axes)
    if layout == "gaps":
        leaf = make(np.repeat(x, 2, -1))
        return leaf, leaf[..., ::2]
    order = tuple(range(x.ndim))[::-1]
    leaf = make(np.ascontiguousarray(x.transpose(order)))
    return leaf, leaf.permute(order)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_as_pytorch_s(name, layout, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[parity]'")
    inputs, ours, theirs = CASES[name]
    inputs = [x.astype(dtype) for x in inputs]
    mine = [laid_out(lambda x: Tensor(x, dtype=dtype), x, layout) for x in inputs]
    other = [laid_out(lambda x: torch.tensor(x, requires_grad=True), x, layout) for x in inputs]
    got = ours(ops, *[view for _, view in mine])
    wanted = (theirs or ours)(torch, *[view for _, view in other])
    rtol = 1e-10 if dtype == "float64" else 2e-5
    assert got.dtype == dtype
    if wanted.ndim:
        assert got.shape == tuple(wanted.shape)
    np.testing.assert_allclose(
        got.numpy().reshape(-1), wanted.detach().numpy().reshape(-1), rtol=rtol, atol=rtol * 0.1
    )
    seed = np.random.default_rng(8).normal(size=tuple(wanted.shape)).astype(dtype)
    got.backward(Tensor(seed.reshape(got.shape), dtype=dtype))
    wanted.backward(torch.tensor(seed))
    for (leaf, _), (leaf_there, _) in zip(mine, other, strict=True):
        np.testing.assert_allclose(leaf.grad.numpy(), leaf_there.grad.numpy(), rtol=rtol * 10, atol=rtol)


SMOOTH = [
    name for name, (inputs, *_) in CASES.items()
    if all(np.isfinite(x).all() and x.size for x in inputs)
    and not {"bounds", "equals", "zeros", "norm", "crossed", "padding", "ties"} & {*name.split()}
]  # fmt: skip


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_against_finite_differences(name, order):
    """The second derivative too. Where there is a kink, a difference quotient says nothing."""
    inputs, function, _ = CASES[name]
    assert grad_check(lambda *tensors: function(ops, *tensors), *inputs, order=order)


# -- choices that have to be made somewhere, and are made here: docs/differences.md ------------------------------


def gradient(function, x):
    leaf = tensor(np.array(x, dtype=float))
    function(leaf).backward()
    return leaf.grad.numpy().tolist()


def test_clip_passes_the_gradient_on_its_bounds():
    assert gradient(lambda a: a.clip(0, 1), [-1, 0, 0.5, 1, 2, NAN]) == [0, 1, 1, 1, 0, 0]


def test_nans_share_the_gradient_of_max():
    assert gradient(lambda a: a.max(axes=0), [3, NAN, NAN]) == [0, 0.5, 0.5]
    assert gradient(lambda a: a.min(), [NAN, 1, 2]) == [1, 0, 0]


def test_std_of_a_constant_has_gradient_zero():
    assert gradient(lambda a: a.std(), [2, 2, 2]) == [0, 0, 0]


@pytest.mark.parametrize("correction", [3, 4])
def test_no_degree_of_freedom_is_a_warning(correction):
    with pytest.warns(UserWarning, match=r"^var: .*no degree of freedom .*correction=0"):
        assert tensor([1.0, 2.0, 4.0]).var(correction=correction).item() == INF
    with pytest.warns(UserWarning, match=r"^std: "):
        assert np.isnan(tensor([1.0]).std().item())
    with pytest.warns(UserWarning):
        assert np.isnan(tensor(EMPTY).var(0).numpy()).all()


def test_the_inf_norm_shares_its_gradient_among_ties():
    assert gradient(lambda a: a.norm(INF), [2, -2, 1]) == [0.5, -0.5, 0]


def test_nan_has_no_direction():
    """PyTorch says 0."""
    assert np.isnan(gradient(lambda a: a.norm(1), [1, NAN])[1])


def test_the_0_norm_counts_and_has_gradient_zero():
    assert tensor([0.0, 2.0, -3.0]).norm(0).item() == 2
    assert gradient(lambda a: a.norm(0), [0, 2, -3]) == [0, 0, 0]


def test_one_hot_counts_its_classes():
    assert ops.one_hot([2, 0]).numpy().tolist() == [[0, 0, 1], [1, 0, 0]]
    assert ops.one_hot(Tensor([[1]]), 4).shape == (1, 1, 4)
    assert ops.one_hot([], 3).shape == (0, 3)


def test_sorting_is_stable_in_both_directions():
    x = np.random.default_rng(9).integers(0, 5, (3, 100)).astype(float)
    assert (ops.argsort(tensor(x)).numpy() == np.argsort(x, 1, kind="stable")).all()
    assert (ops.argsort(tensor(x), descending=True).numpy() == np.argsort(-x, 1, kind="stable")).all()
    values, places = ops.topk(tensor(x), 7, 0 - 1)
    assert (np.take_along_axis(x, places.numpy(), 1) == values.numpy()).all()


def test_cumprod_of_several_zeros_has_a_second_derivative():
    x = np.array([[0.0, 2.0, 0.0, 3.0], [2.0, 0.0, 0.0, 1.5]])
    assert grad_check(lambda a: ops.cumprod(a, 1) ** 2, x, order=2)
    torch = pytest.importorskip("torch")
    a, b = tensor(x), torch.tensor(x, requires_grad=True)
    (ops.cumprod(a, 1) * tensor(x + 1, requires_grad=False)).sum().backward(create_graph=True)
    (a.grad * a.grad).sum().backward()
    (g,) = torch.autograd.grad((torch.cumprod(b, 1) * (b.detach() + 1)).sum(), b, create_graph=True)
    np.testing.assert_allclose(a.grad.numpy(), torch.autograd.grad((g * g).sum(), b)[0].numpy())


def test_cumprod_divides_by_nothing():
    """PyTorch's gradient is a quotient: nan at the infinity, 0 where 1e-200 squared is."""
    assert gradient(lambda a: ops.cumprod(a, 0), [2, INF, 3]) == [INF, 8, INF]
    small = gradient(lambda a: ops.cumprod(a, 0), [1e-200, 1e-200, 1.0])
    np.testing.assert_allclose(small, [1, 2e-200, 0])


def test_the_latest_of_equals_is_the_running_extreme():
    values, places = tensor([3.0, 1.0, 3.0, 2.0, NAN, 5.0, NAN]).cummax(0)
    assert places.numpy().tolist() == [0, 0, 2, 2, 4, 4, 6] and values.numpy()[:4].tolist() == [3] * 4
    values, places = tensor([1.0, 1.0, 2.0, -INF, -INF]).cummin(0)
    assert places.numpy().tolist() == [0, 1, 1, 3, 4] and values.numpy().tolist() == [1, 1, 1, -INF, -INF]
    assert gradient(lambda a: a.cummax(0)[0], [1, 3, 3, 2]) == [1, 1, 2, 0]
    assert Tensor([2, 1, 3]).cummin(0)[0].numpy().tolist() == [2, 1, 1]


def test_the_first_factor_of_a_linear_scan_is_not_read():
    assert ops.linear_scan(tensor([INF, 2.0]), tensor([1.0, 1.0])).numpy().tolist() == [1, 3]
    assert gradient(lambda a: ops.linear_scan(a, a), [5, 2, 3]) == [9, 24, 13]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "bool"])
@pytest.mark.parametrize("n", [20, 500])
def test_long_and_short_lines_are_sorted_alike(n, dtype, rng):
    """Nans of both signs are equal, and so are both zeros."""
    x = rng.integers(-300, 300, (4, n)).astype(dtype)
    if x.dtype.kind == "f":
        x[rng.random(x.shape) < 0.2], x[rng.random(x.shape) < 0.2] = NAN, -np.float64(NAN)
        x[rng.random(x.shape) < 0.2], x[rng.random(x.shape) < 0.2] = 0.0, -0.0
        x[rng.random(x.shape) < 0.1], x[rng.random(x.shape) < 0.1] = INF, -INF
    places = np.argsort(x, 1, kind="stable")
    ours = Tensor(x, dtype=dtype, requires_grad=False)
    assert (ops.argsort(ours).numpy() == places).all()
    np.testing.assert_array_equal(ops.sort(ours).numpy(), np.take_along_axis(x, places, 1))
    down = n - 1 - np.argsort(x[:, ::-1], 1, kind="stable")[:, ::-1]
    assert (ops.argsort(ours, descending=True).numpy() == down).all()


def test_logcumsumexp_of_infinities():
    x = tensor([-INF, -INF, 1.0, INF, 2.0])
    assert ops.logcumsumexp(x, 0).numpy().tolist() == [-INF, -INF, 1, INF, INF]


# -- in place ------------------------------------------------------------------------------------------------


def test_in_place_forms_write_into_the_tensor():
    x = tensor([1.0, -2.0, 3.0], requires_grad=False)
    view = x[:2].detach()
    with no_grad():
        assert x.add_(1) is x
        assert x.numpy().tolist() == [2, -1, 4]
        assert x.sub_(tensor([1.0, 0.0, 1.0])).numpy().tolist() == [1, -1, 3]
        assert x.mul_(2).div_(4).numpy().tolist() == [0.5, -0.5, 1.5]
        assert view.numpy().tolist() == [0.5, -0.5]
        assert x.clip_(0, 1).numpy().tolist() == [0.5, 0, 1]
        assert x.copy_(tensor([7.0])).numpy().tolist() == [7, 7, 7]
        assert x.fill_(3).zero_().numpy().tolist() == [0, 0, 0]
        assert x.add_(x + 1).numpy().tolist() == [1, 1, 1]


@pytest.mark.parametrize("leaf", [True, False])
def test_in_place_on_what_requires_a_gradient_is_refused(leaf):
    x = tensor([1.0]) if leaf else tensor([1.0]) * 1
    other = tensor([1.0], requires_grad=False)
    for call in (
        lambda: x.add_(1), lambda: x.sub_(1), lambda: x.mul_(2), lambda: x.div_(2), lambda: x.clip_(0, 0),
        lambda: x.copy_(3), lambda: x.fill_(3), lambda: x.zero_(), lambda: other.add_(x),
    ):  # fmt: skip
        with pytest.raises(GradientError, match=r"^\w+_: .*no_grad"):
            call()
    assert (x.item(), other.item()) == (1, 1)


@pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays do not count their writes")
def test_a_graph_notices_that_a_number_it_needs_is_gone():
    x = tensor([2.0])
    y = x * x
    with no_grad():
        x.add_(1)
    with pytest.raises(GradientError, match="overwritten"):
        y.backward()


# -- errors --------------------------------------------------------------------------------------------------

T = tensor(A)
WRONG = {
    "var: wanted floats, got int64": (DTypeError, lambda: Tensor([1, 2]).var()),
    "norm: wanted floats, got bool": (DTypeError, lambda: Tensor([True]).norm()),
    "norm: wanted a number, got str": (DTypeError, lambda: T.norm("fro")),
    "clip: wanted a bound": (DTypeError, lambda: T.clip()),
    r"pad: wanted a pair .* each of the 2 axes of shape \(3, 4\)": (ShapeError, lambda: T.pad(((1, 1),))),
    r"pad: wanted pairs .* got \(\(1, -1\), \(0, 0\)\)": (ShapeError, lambda: T.pad(((1, -1), (0, 0)))),
    "pad: wanted pairs .* got 3": (ShapeError, lambda: T.pad(3)),
    "roll: wanted 2 shift": (ShapeError, lambda: T.roll(1, (0, 1))),
    r"tril: wanted matrices, at least 2 axes, got shape \(4,\)": (ShapeError, lambda: tensor(V).tril()),
    "triu: .*diagonal": (NeedleError, lambda: T.triu(0.5)),
    "tensor_split: wanted a number of parts": (ShapeError, lambda: ops.tensor_split(T, 0)),
    "tensor_split: wanted places from 0 on in ascending": (ShapeError, lambda: ops.tensor_split(T, [2, 1])),
    "tensor_split: .*axis": (NeedleError, lambda: ops.tensor_split(T, 2, 5)),
    r"squeeze: axis 0 of shape \(3, 4\)": (ShapeError, lambda: T.squeeze(0)),
    "unsqueeze: .*axis": (NeedleError, lambda: T.unsqueeze(9)),
    "swapaxes: .*axis": (NeedleError, lambda: T.swapaxes(0, 2)),
    "moveaxis: .*axis": (NeedleError, lambda: T.moveaxis(0, 2)),
    "flatten: axis 1 comes after axis 0": (ShapeError, lambda: T.flatten(1, 0)),
    "chunk: wanted a number of parts": (ShapeError, lambda: T.chunk(0)),
    "hsplit: axis 1 .* no 3 equal parts": (ShapeError, lambda: ops.hsplit(T, 3)),
    "vsplit: wanted at least 2 axes": (ShapeError, lambda: ops.vsplit(tensor(V), 2)),
    "dsplit: wanted at least 3 axes": (ShapeError, lambda: ops.dsplit(T, 2)),
    r"dot: wanted two vectors of one length, got shapes \(4,\) and \(3, 4\)": (
        ShapeError, lambda: ops.dot(tensor(V), T),
    ),
    "outer: wanted two vectors": (ShapeError, lambda: ops.outer(T, T)),
    "topk: k is 5, but axis 1": (ShapeError, lambda: T.topk(5)),
    "sort: .*axis": (NeedleError, lambda: T.sort(2)),
    "argsort: .*axis": (NeedleError, lambda: T.argsort("rows")),
    "cumsum: .*axis": (NeedleError, lambda: T.cumsum(2)),
    "cummax: .*axis": (NeedleError, lambda: T.cummax(2)),
    "cummin: axis is a whole number, got 0.5": (NeedleError, lambda: T.cummin(0.5)),
    "logcumsumexp: wanted floating-point numbers, got int64": (DTypeError, lambda: Tensor([1]).logcumsumexp(0)),
    r"linear_scan: wanted one shape with at least one axis, got \(3, 4\) and \(4,\)": (
        ShapeError, lambda: ops.linear_scan(T, tensor(V)),
    ),
    r"linear_scan: wanted one shape .* got \(\) and \(\)": (
        ShapeError, lambda: ops.linear_scan(tensor(1.0), tensor(1.0)),
    ),
    "linear_scan: wanted two tensors of one float type": (
        DTypeError, lambda: ops.linear_scan(Tensor([1, 2]), Tensor([1, 2])),
    ),
    "linear_scan: .*axis": (NeedleError, lambda: ops.linear_scan(T, T, 2)),
    "cumprod: .*axis": (NeedleError, lambda: T.cumprod(None)),
    "take: wanted integers as index, got float": (DTypeError, lambda: T.take([0.5])),
    r"take_along_axis: indices of shape \(2,\)": (ShapeError, lambda: ops.take_along_axis(T, [0, 1], 1)),
    "embedding: index 3 is out of range for 3 rows": (IndexOutOfRange, lambda: ops.embedding([3], T)),
    "embedding: index -1 is out of range": (IndexOutOfRange, lambda: ops.embedding([-1], T)),
    "embedding: wanted whole numbers": (DTypeError, lambda: ops.embedding([0.5], T)),
    r"embedding: wanted a weight of shape \(rows, columns\), got \(4,\)": (
        ShapeError, lambda: ops.embedding([0], tensor(V)),
    ),
    "embedding: padding_idx 3 is out of range": (IndexOutOfRange, lambda: ops.embedding([0], T, 3)),
    "one_hot: index 2 is out of range for 2 classes": (IndexOutOfRange, lambda: ops.one_hot([2], 2)),
    "one_hot: no index to count": (ShapeError, lambda: ops.one_hot([])),
    "einsum: the letter 'j' has extent 4 before, but 3 in operand 1": (
        ShapeError, lambda: ops.einsum("ij,jk->ik", T, T),
    ),
    "einsum: the letter 'k' of the result": (ShapeError, lambda: ops.einsum("ij->ik", T)),
    "einsum: the letter 'i' stands twice in the result": (ShapeError, lambda: ops.einsum("ij->ii", T)),
    "einsum: the letter 'i' has extent 3 before, but 4": (ShapeError, lambda: ops.einsum("ii", T)),
    "einsum: operand 0 has 2 axes": (ShapeError, lambda: ops.einsum("i", T)),
    r"einsum: '\?' in": (ShapeError, lambda: ops.einsum("i?", T)),
    "einsum: 2 groups of letters in 'i,j' for 1 operands": (ShapeError, lambda: ops.einsum("i,j", T)),
    "einsum: wanted letters": (TypeError, lambda: ops.einsum(T, "ij")),
    r"add_: a result of shape \(3, 4\) does not fit": (ShapeError, lambda: Tensor(V, requires_grad=False).add_(A)),
    "div_: a result of dtype float": (DTypeError, lambda: Tensor([1], requires_grad=False).div_(2)),
    "fill_: wanted one number": (ShapeError, lambda: Tensor([1.0], requires_grad=False).fill_(V)),
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_what_is_said_of_a_wrong_call(message):
    error, call = WRONG[message]
    with pytest.raises(error, match=f"^{message}"):
        call()
