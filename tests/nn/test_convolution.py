"""Convolutional layers: their draws, their layouts, their values against PyTorch, their errors."""

import numpy as np
import pytest

from needle_edu import init, nn, ops
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import ShapeError


def test_conv_draws_weight_then_bias():
    init.seed(3)
    layer, follower = nn.Conv(2, 4, 3), np.random.rand()
    rng = np.random.RandomState(3)
    bound = np.sqrt(2) * np.sqrt(3 / 18)
    np.testing.assert_allclose(layer.weight.numpy(), rng.rand(3, 3, 2, 4) * 2 * bound - bound, rtol=1e-5)
    bound = 1 / np.sqrt(18)
    np.testing.assert_allclose(layer.bias.numpy(), rng.rand(4) * 2 * bound - bound, rtol=1e-5)
    assert follower == rng.rand()
    assert nn.Conv(2, 4, 3, bias=False).bias is None


def test_conv2d_draws_as_pytorch_does():
    """Kaiming with a = √5, which comes to ±1/√(fan-in), the bias from the same interval."""
    init.seed(3)
    layer = nn.Conv2d(4, 6, (3, 2), groups=2)
    rng, bound = np.random.RandomState(3), 1 / np.sqrt(2 * 3 * 2)
    np.testing.assert_allclose(layer.weight.numpy(), rng.rand(6, 2, 3, 2) * 2 * bound - bound, rtol=1e-5)
    np.testing.assert_allclose(layer.bias.numpy(), rng.rand(6) * 2 * bound - bound, rtol=1e-5)


@pytest.mark.parametrize(("k", "stride"), [(1, 1), (3, 1), (3, 2), (5, 2), (2, 1)])
def test_conv_is_conv2d_in_another_layout(k, stride, rng):
    course, torchs = nn.Conv(3, 4, k, stride), nn.Conv2d(3, 4, k, stride, padding=k // 2)
    torchs.weight.data = ops.permute(course.weight, (3, 2, 0, 1)).detach()
    torchs.bias.data = course.bias.detach()
    x = Tensor(rng.normal(size=(2, 3, 7, 6)), dtype="float32")
    y, z = course(x), torchs(x)
    assert y.shape == z.shape
    np.testing.assert_allclose(y.numpy(), z.numpy(), rtol=1e-4, atol=1e-5)
    (y * y).backward()
    gradients = [x.grad.numpy(), course.weight.grad.numpy().transpose(3, 2, 0, 1), course.bias.grad.numpy()]
    (z * z).backward()
    for got, wanted in zip(gradients, (x.grad, torchs.weight.grad, torchs.bias.grad), strict=True):
        np.testing.assert_allclose(got, wanted.numpy(), rtol=1e-3, atol=1e-3)


@pytest.mark.parity
@pytest.mark.parametrize(
    ("name", "arguments", "named", "shape"),
    [
        ("Conv1d", (3, 4, 3), {"stride": 2, "padding": 1}, (2, 3, 8)),
        ("Conv2d", (4, 6, (3, 2)), {"groups": 2, "dilation": (1, 2)}, (2, 4, 5, 6)),
        ("Conv2d", (3, 4, 3), {"padding": "same", "bias": False}, (2, 3, 5, 6)),
        ("ConvTranspose2d", (4, 6, 3, 2, 1, 1, 2), {}, (2, 4, 5, 6)),
        ("ConvTranspose1d", (3, 4, 4), {"stride": 2, "padding": 1, "bias": False}, (2, 3, 5)),
    ],
)
def test_layers_are_pytorch_s(name, arguments, named, shape, rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[parity]'")
    ours, theirs = getattr(nn, name)(*arguments, **named), getattr(torch.nn, name)(*arguments, **named)
    assert [p.shape for p in ours.parameters()] == [tuple(p.shape) for p in theirs.parameters()]
    with torch.no_grad():
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            other.copy_(torch.tensor(mine.numpy()))
    x = rng.normal(size=shape).astype("float32")
    y, z = ours(Tensor(x)), theirs(torch.tensor(x))
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-4, atol=1e-5)
    (y * y).backward()
    (z * z).sum().backward()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), rtol=1e-3, atol=1e-3)


def test_layers_have_the_dtype_asked_for():
    x = Tensor(np.ones((1, 2, 4, 4)), dtype="float64")
    assert nn.Conv(2, 3, 3, dtype="float64")(x).dtype == "float64"
    assert nn.Conv2d(2, 3, 3, dtype="float64")(x).dtype == "float64"


X = np.ones((1, 4, 5, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.Conv(3, 2, 3)(X), r"Conv\(3, 2, 3\): got input of shape \(1, 4, 5, 3\), .*permute"),
        (lambda: nn.Conv(3, 2, 3)(X[0]), "add a batch axis"),
        (lambda: nn.Conv(3, 2, (3, 5)), r"Conv: kernel_size is one number.*use Conv2d"),
        (lambda: nn.Conv(0, 2, 3), "Conv: in_channels is a whole number of at least 1, got 0"),
        (lambda: nn.Conv(3, 2, 3, stride=0), "Conv: stride is a whole number of at least 1, got 0"),
        (lambda: nn.Conv2d(3, 2, 3)(X), r"Conv2d\(3, 2, .*wanted \(N, 3, H, W\)"),
        (lambda: nn.Conv1d(3, 2, 3)(X), r"Conv1d\(3, 2, .*wanted \(N, 3, L\)"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "groups=2 does not divide in_channels=3"),
        (lambda: nn.Conv2d(3, 4, (3, 3, 3)), "Conv2d: kernel_size is one number or 2"),
        (lambda: nn.Conv2d(3, 4, 3, bias="no"), "Conv2d: bias is True or False"),
        (lambda: nn.Conv2d(4, 2, 9)(X), r"conv2d: a window reaches over \(9, 9\)"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises((ShapeError, ValueError), match=message):
        call()


@pytest.mark.parametrize(
    ("layer", "op"),
    [
        (nn.MaxPool2d(2), lambda x: ops.max_pool2d(x, 2)),
        (nn.MaxPool2d(3, 2, 1, ceil_mode=True), lambda x: ops.max_pool2d(x, 3, 2, 1, ceil_mode=True)),
        (nn.AvgPool2d(3, stride=1, padding=1), lambda x: ops.avg_pool2d(x, 3, 1, 1)),
        (
            nn.AvgPool2d(3, 1, 1, count_include_pad=False),
            lambda x: ops.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
        ),
    ],
)
def test_pooling_layers_are_the_ops(layer, op, rng):
    x = Tensor(rng.normal(size=(2, 3, 6, 5)))
    np.testing.assert_array_equal(layer(x).numpy(), op(x).numpy())
    assert layer.parameters() == []


def test_pooling_layers_say_what_makes_no_sense_when_they_are_made():
    assert repr(nn.MaxPool1d(2)) == "MaxPool1d(kernel_size=(2,), stride=(2,), padding=(0,), dilation=(1,))"
    with pytest.raises(ShapeError, match="max_pool2d: padding is at most half"):
        nn.MaxPool2d(2, padding=2)
    with pytest.raises(ShapeError, match="avg_pool1d: kernel_size is a whole number"):
        nn.AvgPool1d(0)
    with pytest.raises(TypeError, match="colour"):
        nn.MaxPool2d(2, colour=3)


def test_batch_norm_of_images_is_batch_norm_of_pixels(rng):
    """And so in evaluation; both averages follow the biased variance."""
    x = rng.normal(size=(4, 3, 2, 5)).astype("float32")
    images, rows = nn.BatchNorm2d(3), nn.BatchNorm1d(3)
    a, b = Tensor(x), Tensor(x.transpose(0, 2, 3, 1).reshape(-1, 3))
    for mode in ("train", "train", "eval"):
        getattr(images, mode)(), getattr(rows, mode)()
        y, z = images(a), rows(b)
        np.testing.assert_allclose(
            y.numpy().transpose(0, 2, 3, 1).reshape(-1, 3), z.numpy(), rtol=1e-4, atol=1e-5
        )
        (y * y * y).backward(), (z * z * z).backward()
        got, wanted = a.grad.numpy().transpose(0, 2, 3, 1).reshape(-1, 3), b.grad.numpy()
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(images.weight.grad.numpy(), rows.weight.grad.numpy(), rtol=1e-4, atol=1e-4)
    biased = x.transpose(1, 0, 2, 3).reshape(3, -1).var(1)
    np.testing.assert_allclose(images.running_var.numpy(), 0.81 + 0.19 * biased, rtol=1e-5)
    np.testing.assert_allclose(images.running_mean.numpy(), rows.running_mean.numpy(), rtol=1e-5)


def test_batch_norm_of_images_refuses_other_shapes():
    for shape in [(2, 3), (2, 4, 2, 2), (3, 2, 2)]:
        with pytest.raises(
            ShapeError, match=r"BatchNorm2d\(3\): got input of shape .*\(batch, 3, height, width\)"
        ):
            nn.BatchNorm2d(3)(np.ones(shape))
    with pytest.raises(ShapeError, match=r"BatchNorm2d\(3\): no examples"):
        nn.BatchNorm2d(3)(np.ones((0, 3, 2, 2)))
