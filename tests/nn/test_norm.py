"""Batch, instance and local response normalisation beside PyTorch: values, gradients, running averages, evaluation."""

import numpy as np
import pytest

from needle_edu import nn
from needle_edu.autograd import Tensor, grad_check
from needle_edu.backend.errors import ShapeError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[parity]'")
pytestmark = pytest.mark.parity

BATCH = [
    ("BatchNorm1d", {}, (6, 5)),
    ("BatchNorm1d", {"affine": False}, (6, 5, 3)),
    ("BatchNorm2d", {}, (4, 5, 3, 2)),
    ("BatchNorm2d", {"momentum": None}, (4, 5, 1, 2)),
    ("BatchNorm2d", {"momentum": 0.7, "eps": 0.1}, (3, 5, 4, 4)),
    ("BatchNorm2d", {"track_running_stats": False}, (3, 5, 2, 2)),
]
INSTANCE = [
    ("InstanceNorm1d", {}, (3, 5, 7)),
    ("InstanceNorm1d", {}, (5, 7)),
    ("InstanceNorm1d", {"affine": True, "track_running_stats": True}, (3, 5, 7)),
    ("InstanceNorm1d", {"affine": True, "track_running_stats": True}, (5, 7)),
    ("InstanceNorm2d", {"affine": True, "eps": 0.1}, (3, 5, 2, 3)),
    ("InstanceNorm2d", {"track_running_stats": True, "momentum": 0.6}, (3, 5, 4, 5)),
    ("InstanceNorm2d", {}, (0, 5, 4, 5)),
]


def close(got, wanted, tolerance=1e-9):
    np.testing.assert_allclose(got.numpy(), wanted.detach().numpy(), tolerance, tolerance)


def compare(ours, theirs, shape, rng):
    """Two batches in training, then one in evaluation: results, all gradients and all averages."""
    for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        numbers = rng.normal(size=own.shape)
        own.data, other.data = Tensor(numbers, dtype="float64"), torch.tensor(numbers)
    for training in (True, True, False):
        x, g = rng.normal(size=(2, *shape)) * 3 + 1
        a, b = Tensor(x, dtype="float64"), torch.tensor(x, requires_grad=True)
        mine, wanted = ours.train(training)(a), theirs.train(training)(b)
        for p in theirs.parameters():
            p.grad = None
        mine.backward(Tensor(g, dtype="float64"))
        wanted.backward(torch.tensor(g))
        close(mine, wanted)
        for own, other in zip([a, *ours.parameters()], [b, *theirs.parameters()], strict=True):
            close(own.grad, other.grad)
        averages = dict(theirs.named_buffers())
        if getattr(ours, "momentum", None) is not None:
            averages.pop("num_batches_tracked", None)
        assert set(averages) == {name for name, _ in ours.named_buffers()}
        for name, average in ours.named_buffers():
            assert average.dtype == ("int64" if name == "num_batches_tracked" else "float64")
            close(average, averages[name])


@pytest.mark.parametrize(("name", "options", "shape"), BATCH)
def test_batch_norm_beside_pytorch(name, options, shape, rng):
    ours = getattr(nn, name)(5, **options, unbiased=True, dtype="float64")
    compare(ours, getattr(torch.nn, name)(5, **options, dtype=torch.float64), shape, rng)


@pytest.mark.parametrize(("name", "options", "shape"), INSTANCE)
def test_instance_norm_beside_pytorch(name, options, shape, rng):
    ours = getattr(nn, name)(5, **options, dtype="float64")
    compare(ours, getattr(torch.nn, name)(5, **options, dtype=torch.float64), shape, rng)


@pytest.mark.parametrize("shape", [(2, 1, 3), (3, 7, 2), (2, 6, 3, 4), (1, 2, 2, 2, 2), (0, 3, 2)])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_local_response_norm_beside_pytorch(size, shape, rng):
    options = {"alpha": 0.3, "beta": 0.6, "k": 1.5}
    if 0 in shape:  # PyTorch refuses to pool nothing
        assert nn.LocalResponseNorm(size)(np.ones(shape)).shape == shape
        return
    compare(nn.LocalResponseNorm(size, **options), torch.nn.LocalResponseNorm(size, **options), shape, rng)


def test_needles_batch_norm_tracks_the_biased_variance(rng):
    x = rng.normal(size=(4, 3))
    layer = nn.BatchNorm1d(3, dtype="float64")
    layer(Tensor(x, dtype="float64"))
    np.testing.assert_allclose(layer.running_var.numpy(), 0.9 + 0.1 * x.var(0), rtol=1e-12)
    np.testing.assert_allclose(layer.running_mean.numpy(), 0.1 * x.mean(0), rtol=1e-12)
    assert [name for name, _ in layer.named_buffers()] == ["running_mean", "running_var"]


def test_one_example_is_its_own_mean():
    layer = nn.BatchNorm1d(2)
    assert layer(Tensor([[5.0, 7.0]])).numpy().tolist() == [[0, 0]]
    np.testing.assert_allclose(layer.running_var.numpy(), [0.9, 0.9], rtol=1e-6)


def test_instance_norm_tracks_the_mean_of_the_samples_unbiased_variances(rng):
    x = rng.normal(size=(4, 3, 6))
    layer = nn.InstanceNorm1d(3, track_running_stats=True, dtype="float64")
    layer(Tensor(x, dtype="float64"))
    np.testing.assert_allclose(layer.running_var.numpy(), 0.9 + 0.1 * x.var(2, ddof=1).mean(0), rtol=1e-12)


def test_averages_have_no_history_and_are_saved(rng):
    x = Tensor(rng.normal(size=(4, 3)))
    layer, other = [nn.BatchNorm1d(3, momentum=None) for _ in range(2)]
    for _ in range(3):
        layer(x)
    assert layer.num_batches_tracked.item() == 3 and layer.running_var.op is None
    other.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(other.running_mean.numpy(), layer.running_mean.numpy())
    assert layer.to(dtype="float64").num_batches_tracked.dtype == "int64"
    np.testing.assert_allclose(layer.running_mean.numpy(), x.numpy().mean(0), rtol=1e-5)


@pytest.mark.parametrize("order", [1, 2])
def test_gradients_by_differences(order, rng):
    layers = [
        (nn.InstanceNorm1d(2, affine=True, dtype="float64"), (2, 2, 4)),
        (nn.LocalResponseNorm(2, 0.5), (1, 3, 2)),
        (nn.BatchNorm1d(2, dtype="float64"), (3, 2)),
    ]
    for layer, shape in layers:
        assert grad_check(layer, rng.normal(size=shape), order=order)


def test_evaluation_alone_is_differentiable_twice(rng):
    layer = nn.BatchNorm1d(2, dtype="float64")
    layer(rng.normal(size=(5, 2)))
    assert grad_check(layer.eval(), rng.normal(size=(3, 2)), order=2)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (lambda: nn.BatchNorm1d(3)(np.ones((2, 4))), ShapeError, r"\(batch, 3\) or \(batch, 3, length\)"),
        (lambda: nn.BatchNorm1d(3)(np.ones((2, 3, 4, 5))), ShapeError, r"got input of shape \(2, 3, 4, 5\)"),
        (lambda: nn.BatchNorm1d(3)(np.ones((0, 3))), ShapeError, "no examples, so no mean"),
        (lambda: nn.BatchNorm1d(3, unbiased=True)(np.ones((1, 3))), ShapeError, "has no unbiased variance"),
        (lambda: nn.BatchNorm1d(3, momentum=2), ValueError, "BatchNorm1d: momentum"),
        (
            lambda: nn.BatchNorm2d(3, affine="no"),
            ValueError,
            "BatchNorm2d: affine is True or False, got 'no'",
        ),
        (lambda: nn.BatchNorm1d(3, unbiased="yes"), ValueError, "BatchNorm1d: unbiased is True or False"),
        (
            lambda: nn.InstanceNorm1d(3)(np.ones((2, 4, 5))),
            ShapeError,
            r"\(batch, 3, length\) or \(3, length\)",
        ),
        (lambda: nn.InstanceNorm2d(3)(np.ones((2, 3, 5))), ShapeError, r"\(batch, 3, height, width\)"),
        (
            lambda: nn.InstanceNorm1d(3)(np.ones((2, 3, 1))),
            ShapeError,
            "1 numbers of a channel have no variance",
        ),
        (lambda: nn.InstanceNorm1d(0), ValueError, "InstanceNorm1d: num_features"),
        (lambda: nn.InstanceNorm1d(3, eps=-1), ValueError, "InstanceNorm1d: eps"),
        (lambda: nn.InstanceNorm1d(3, momentum=None), ValueError, "InstanceNorm1d: momentum"),
        (lambda: nn.InstanceNorm2d(3, affine=2), ValueError, "InstanceNorm2d: affine is True or False"),
        (lambda: nn.InstanceNorm2d(3, dtype="int32"), TypeError, "InstanceNorm2d: parameters are floating"),
        (lambda: nn.LocalResponseNorm(0), ValueError, "LocalResponseNorm: size"),
        (lambda: nn.LocalResponseNorm(2, alpha="a"), ValueError, "LocalResponseNorm: alpha"),
        (
            lambda: nn.LocalResponseNorm(2)(np.ones((2, 3))),
            ShapeError,
            r"wanted \(batch, channels, extents, ...\)",
        ),
    ],
)
def test_bad_input(wrong, error, says):
    with pytest.raises(error, match=says):
        wrong()


@pytest.mark.parametrize("momentum", [0.1, 0.75, None])
@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_running_averages_in_one_call_are_those_of_the_formula(monkeypatch, rng, dtype, unbiased, momentum):
    """Beside running ← (1 - m) · running + m · batch in NumPy, and beside the arrays' own arithmetic."""
    batches = rng.normal(2, 3, size=(4, 5, 3, 2, 2)).astype(dtype)
    layers = [nn.BatchNorm2d(3, momentum=momentum, unbiased=unbiased, dtype=dtype) for _ in range(2)]
    for x in batches:
        layers[0](Tensor(x, dtype=dtype))
    with monkeypatch.context() as patch:
        patch.setattr("needle_edu.nn.norm.followed_in_one", lambda *_: None)
        for x in batches:
            layers[1](Tensor(x, dtype=dtype))
    mean, variance = np.zeros(3), np.ones(3)
    for k, x in enumerate(batches.astype("float64")):
        m = 1 / (k + 1) if momentum is None else momentum
        mean = (1 - m) * mean + m * x.mean((0, 2, 3))
        variance = (1 - m) * variance + m * x.var((0, 2, 3), ddof=int(unbiased))
    close = {"float32": 2e-6, "float64": 1e-13}[dtype]
    for layer in layers:
        assert layer.running_mean.dtype == layer.running_var.dtype == dtype
        np.testing.assert_allclose(layer.running_mean.numpy(), mean, close)
        np.testing.assert_allclose(layer.running_var.numpy(), variance, close)
