"""The fused softmax cross-entropy against PyTorch: all options, layouts and types; edges by hand; bad input."""

import numpy as np
import pytest
from autograd_helpers import TOTAL, tensor

from needle_edu import ops
from needle_edu.autograd import Tensor
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend.errors import IndexOutOfRange, NeedleError, ShapeError

W = np.array([0.5, 2.0, 1.0, 0.25, 3.0])
OPTIONS = [
    {}, {"weight": W}, {"label_smoothing": 0.1}, {"weight": W, "label_smoothing": 0.1},
    {"ignore_index": 2}, {"ignore_index": -1, "weight": W, "label_smoothing": 0.3},
]  # fmt: skip


def both(shape, options, reduction, dtype, rng, change=lambda x: x):
    """Our loss and gradient, and PyTorch's, for random logits of a shape, which `change` makes a view of."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    a = rng.normal(0, 3, shape).astype(dtype)
    viewed = change(a)
    axis = 1 if viewed.ndim > 1 else 0
    labels_shape = viewed.shape[:axis] + viewed.shape[axis + 1 :]
    y = rng.integers(0, 5, labels_shape)
    y = np.where(rng.random(labels_shape) < 0.2, options.get("ignore_index", 0), y)
    g = rng.normal(size=labels_shape if reduction == "none" else ()).astype(dtype)
    ours, theirs = Tensor(a, dtype=dtype), torch.tensor(a, requires_grad=True)
    loss = ops.cross_entropy(change(ours), Tensor(y), reduction=reduction, **options)
    loss.backward(Tensor(g.reshape(loss.shape), dtype=dtype))
    wanted_options = dict(options)
    if "weight" in options:
        wanted_options["weight"] = torch.tensor(W.astype(dtype))
    index = {"T": lambda t: t.T, "flip": lambda t: t.flip(0)}.get(getattr(change, "torch", ""), lambda t: t)
    view = index(theirs)
    wanted = torch.nn.functional.cross_entropy(view, torch.tensor(y), reduction=reduction, **wanted_options)
    wanted.backward(torch.tensor(g))
    return loss, ours.grad, wanted.detach().numpy(), theirs.grad.numpy()


def transposed(x):
    return x.T if isinstance(x, np.ndarray) else x.transpose()


def backwards(x):
    return x[::-1]


transposed.torch, backwards.torch = "T", "flip"


@pytest.mark.parity
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equals_pytorch(options, reduction, dtype, rng):
    tolerance = {"rtol": 3e-5, "atol": 3e-6} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-13}
    empty = [(0, 5)] if reduction != "mean" else []  # no examples have no mean: tests/nn/test_layers.py
    for shape in [(7, 5), (1, 5), (5,), (200, 5), (3, 5, 4), (2, 5, 3, 2), *empty]:
        loss, grad, wanted, wanted_grad = both(shape, options, reduction, dtype, rng)
        np.testing.assert_allclose(
            loss.numpy().reshape(wanted.shape), wanted, **tolerance, err_msg=str(shape)
        )
        np.testing.assert_allclose(grad.numpy(), wanted_grad, **tolerance, err_msg=str(shape))
    for shape, change in [((5, 7), transposed), ((7, 5), backwards)]:
        loss, grad, wanted, wanted_grad = both(shape, options, reduction, dtype, rng, change)
        np.testing.assert_allclose(loss.numpy().reshape(wanted.shape), wanted, **tolerance)
        np.testing.assert_allclose(grad.numpy(), wanted_grad, **tolerance)


@pytest.mark.parity
@pytest.mark.parametrize("ignored", [-100, 2, None])
@pytest.mark.parametrize("options", OPTIONS[:4], ids=str)
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_second_derivatives_equal_pytorchs(options, reduction, ignored, rng):
    """Of the squared gradient; an ignored row has none, and `ignore_index=None` ignores nothing."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    a, y = rng.normal(size=(4, 5)), np.array([0, 2, 4, 2])
    x, theirs = tensor(a), torch.tensor(a, requires_grad=True)
    loss = ops.cross_entropy(x, Tensor(y), ignore_index=ignored, reduction=reduction, **options).sum()
    loss.backward(create_graph=True)
    (x.grad * x.grad).sum().backward()
    given = {name: torch.tensor(value) if name == "weight" else value for name, value in options.items()}
    given |= {"ignore_index": -100 if ignored is None else ignored, "reduction": reduction}
    wanted = torch.nn.functional.cross_entropy(theirs, torch.tensor(y), **given).sum()
    (first,) = torch.autograd.grad(wanted, theirs, create_graph=True)
    (second,) = torch.autograd.grad((first * first).sum(), theirs)
    np.testing.assert_allclose(x.grad.numpy(), second.numpy(), rtol=1e-9, atol=1e-12)


def test_many_classes_in_long_rows(rng):
    """A row longer than the kernel's buffer."""
    a, y = rng.normal(0, 4, (3, 2600)), np.array([0, 2599, 1300])
    x = tensor(a)
    loss = ops.cross_entropy(x, Tensor(y))
    loss.backward()
    p = np.exp(a) / np.exp(a).sum(1, keepdims=True)
    assert loss.item() == pytest.approx(-np.log(p[np.arange(3), y]).mean(), rel=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), (p - np.eye(2600)[y]) / 3, rtol=1e-11, atol=1e-15)


def test_the_known_number_of_weights_and_smoothing():
    """Weights (1, 3), smoothing 0.1 and equal logits: the sum of the smoothed losses, over the labels' weight."""
    loss = ops.cross_entropy(
        tensor([[0.0, 0.0]]), Tensor([0]), weight=np.array([1.0, 3.0]), label_smoothing=0.1
    )
    assert loss.item() == pytest.approx(1.1 * np.log(2), rel=1e-12)
    assert round(loss.item(), 4) == 0.7625
    assert loss.shape == TOTAL


def test_extreme_logits():
    """A class may be ruled out; nan and +inf spoil their own row only; large logits keep their digits."""
    inf = np.inf
    a = tensor([[0.0, -inf], [inf, 0.0], [np.nan, 0.0], [-inf, -inf], [1e10, 1e10], [-1e30, 1e30]])
    loss = ops.cross_entropy(a, Tensor([0, 0, 0, 0, 0, 0]), reduction="none")
    np.testing.assert_array_equal(loss.numpy()[:4], [0, np.nan, np.nan, np.nan])
    np.testing.assert_allclose(loss.numpy()[4:], [np.log(2), 2e30])
    loss.backward()
    np.testing.assert_array_equal(np.isfinite(a.grad.numpy()).all(1), [True, False, False, False, True, True])
    np.testing.assert_array_equal(a.grad.numpy()[[0, 4, 5]], [[0, 0], [-0.5, 0.5], [-1, 1]])


def test_ignored_rows_count_for_nothing():
    a = tensor([[np.nan, 1.0], [0.0, 0.0]])
    loss = ops.cross_entropy(a, Tensor([-100, 1]))
    assert loss.item() == pytest.approx(np.log(2))
    loss.backward()
    np.testing.assert_array_equal(a.grad.numpy(), [[0, 0], [0.5, -0.5]])
    assert np.isnan(ops.cross_entropy(a, Tensor([-100, -100])).item())
    assert ops.cross_entropy(a, Tensor([-100, -100]), reduction="sum").item() == 0


def test_labels_of_every_type():
    a = tensor([[1.0, 2.0, 3.0], [0.5, 0.0, 0.0]])
    wanted = ops.cross_entropy(a, Tensor(np.array([2, 1]))).item()
    for dtype in ("int32", "float32", "float64"):
        assert ops.cross_entropy(a, Tensor(np.array([2, 1]), dtype=dtype)).item() == wanted
    assert ops.cross_entropy(a, [2, 1]).item() == wanted
    assert (
        ops.cross_entropy(a[:, :2], Tensor([True, False])).item()
        == ops.cross_entropy(a[:, :2], [1, 0]).item()
    )


@pytest.mark.parametrize("label", [3, -1, 0.5, np.nan, np.inf, 1e30])
def test_a_label_that_is_no_class(label):
    with pytest.raises(IndexOutOfRange, match=r"cross_entropy: labels are whole numbers from 0 to 2, got "):
        ops.cross_entropy(tensor(np.zeros((2, 3))), Tensor([0, label]))


def test_shapes_and_options_that_do_not_fit():
    a = tensor(np.zeros((2, 3)))
    for logits, labels in [
        (a, [0]),
        (a, [[0, 1, 2]] * 2),
        (tensor(1.0), np.array(0)),
        (tensor(np.zeros((2, 0))), [0, 0]),
    ]:
        with pytest.raises(ShapeError, match=r"cross_entropy: got logits of shape .*wanted \(N, classes\)"):
            ops.cross_entropy(logits, Tensor(np.array(labels)))
    with pytest.raises(ShapeError, match="cross_entropy: one weight.* 3 classes"):
        ops.cross_entropy(a, [0, 1], weight=np.ones(2))
    with pytest.raises(NeedleError, match="cross_entropy: reduction is 'none', 'mean' or 'sum', got 'avg'"):
        ops.cross_entropy(a, [0, 1], reduction="avg")
    with pytest.raises(NeedleError, match="cross_entropy: label_smoothing lies between 0 and 1, got 1.5"):
        ops.cross_entropy(a, [0, 1], label_smoothing=1.5)
    if BACKEND == "nd":
        with pytest.raises(NeedleError, match="cross_entropy: logits are float32 or float64, got int64"):
            ops.cross_entropy(Tensor([[1, 2]]), [0])


def test_weights_are_the_op_s_own():
    weight = np.array([1.0, 2.0, 3.0])
    a = tensor([[0.0, 1.0, 2.0]])
    loss = ops.cross_entropy(a, [0], weight=weight, reduction="sum")
    weight[0] = 100
    loss.backward()
    assert a.grad.numpy()[0, 0] == pytest.approx(1 / (1 + np.e + np.e**2) - 1)
