"""Unfold, fold and the shuffles beside PyTorch, as ops and as layers; what is refused."""

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import Tensor, grad_check, init, nn, ops
from needle_edu.backend import ShapeError

WINDOWS = [
    ((2, 3, 5, 6), {"kernel_size": 3}),
    ((1, 2, 5, 6), {"kernel_size": (2, 3), "stride": (2, 1), "padding": (1, 0)}),
    ((2, 1, 7, 6), {"kernel_size": (3, 2), "dilation": (2, 3), "stride": 2, "padding": 2}),
    ((0, 2, 4, 4), {"kernel_size": 2}),
    ((2, 0, 4, 4), {"kernel_size": 2}),
]


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("shape", "how"), WINDOWS)
def test_unfold_and_fold_are_pytorch_s(shape, how, dtype, rng):
    torch = pytest.importorskip("torch")
    x = rng.normal(size=shape).astype(dtype)
    a, b = Tensor(x, dtype=dtype), torch.tensor(x, requires_grad=True)
    y = ops.unfold(a, **how)
    if not a.size:  # PyTorch refuses images without channels
        kernel = np.prod(np.broadcast_to(how["kernel_size"], 2))
        assert y.shape == (shape[0], shape[1] * kernel, 9)
        assert ops.fold(y, shape[2:], **how).shape == shape
        return
    z = torch.nn.functional.unfold(b, **how)
    np.testing.assert_array_equal(y.numpy(), z.detach().numpy())
    back, theirs = ops.fold(y * y, shape[2:], **how), torch.nn.functional.fold(z * z, shape[2:], **how)
    close = {"float32": 1e-5, "float64": 1e-13}[dtype]
    np.testing.assert_allclose(back.numpy(), theirs.detach().numpy(), rtol=close)
    (back * back).sum().backward()
    (theirs * theirs).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=close, atol=close)
    layers = nn.Unfold(**how), nn.Fold(shape[2:], **how)
    np.testing.assert_array_equal(layers[0](a).numpy(), y.numpy())
    np.testing.assert_array_equal(layers[1](y * y).numpy(), back.numpy())
    assert repr(layers[0]) == repr(torch.nn.Unfold(**how)) and repr(layers[1]) == repr(
        torch.nn.Fold(shape[2:], **how)
    )


def test_a_convolution_is_a_product_of_unfolded_images(rng):
    x, w = rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(4, 3, 3, 2))
    columns = ops.unfold(tensor(x), (3, 2), padding=1)
    product = ops.matmul(tensor(w.reshape(4, -1)), columns).reshape((2, 4, 6, 6))
    np.testing.assert_allclose(product.numpy(), ops.conv2d(tensor(x), tensor(w), padding=1).numpy())


@pytest.mark.parametrize(
    ("name", "argument", "shape"),
    [
        ("pixel_shuffle", 2, (2, 8, 3, 2)),
        ("pixel_shuffle", 3, (2, 3, 9, 1, 4)),
        ("pixel_shuffle", 1, (4, 2, 3)),
        ("pixel_unshuffle", 2, (2, 3, 4, 6)),
        ("pixel_unshuffle", 3, (1, 6, 3)),
        ("pixel_unshuffle", 2, (1, 3, 2, 4)),
        ("channel_shuffle", 3, (2, 6, 4)),
        ("channel_shuffle", 2, (2, 6, 4, 3)),
        ("channel_shuffle", 6, (1, 6, 4, 3)),
    ],
)
def test_shuffles_are_pytorch_s(name, argument, shape, rng):
    torch = pytest.importorskip("torch")
    x, layer = rng.normal(size=shape), "".join([word.capitalize() for word in name.split("_")])
    a, b = Tensor(x, dtype="float64"), torch.tensor(x, requires_grad=True)
    y, z = getattr(ops, name)(a, argument), getattr(torch.nn.functional, name)(b, argument)
    np.testing.assert_array_equal(y.numpy(), z.detach().numpy())
    g = rng.normal(size=y.shape)
    (y * Tensor(g, dtype="float64")).sum().backward()
    (z * torch.tensor(g)).sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())
    ours, theirs = getattr(nn, layer)(argument), getattr(torch.nn, layer)(argument)
    np.testing.assert_array_equal(ours(a).numpy(), y.numpy())
    assert repr(ours) == repr(theirs)


def test_views_and_second_derivatives(rng):
    x = rng.normal(size=(4, 6, 2, 3))
    view = tensor(x).permute((3, 2, 0, 1))[:, :, ::-1, ::-2]
    copy = tensor(x.transpose(3, 2, 0, 1)[:, :, ::-1, ::-2].copy())
    np.testing.assert_array_equal(ops.unfold(view, 2).numpy(), ops.unfold(copy, 2).numpy())
    columns = ops.unfold(copy, 2).numpy()
    turned = tensor(columns.T.copy()).permute((2, 1, 0))
    np.testing.assert_array_equal(
        ops.fold(turned, (4, 3), 2).numpy(), ops.fold(tensor(columns), (4, 3), 2).numpy()
    )
    assert grad_check(
        lambda a: ops.fold(ops.unfold(a, 2) ** 2, 3, 2) ** 2, rng.normal(size=(1, 1, 3, 3)), order=2
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ops.unfold(init.ones(3, 4, 4), 2), r"^unfold: wanted a shape \(N, C, H, W\), .*x\[None\]"),
        (lambda: ops.unfold(init.ones(1, 1, 2, 4), 3), r"^unfold: a window reaches over \(3, 3\) elements"),
        (
            lambda: ops.unfold(init.ones(1, 1, 4, 4), 0),
            "^unfold: kernel_size is a whole number of at least 1, got 0",
        ),
        (lambda: nn.Unfold(2, stride=(1, 2, 3)), "^unfold: stride is one number or 2"),
        (lambda: nn.Fold(4, 2, dilation=0), "^fold: dilation is a whole number of at least 1, got 0"),
        (
            lambda: ops.fold(init.ones(1, 4, 8), 4, 2),
            r"^fold: wanted a shape \(N, C · 4, 9\) for images of \(4, 4\)",
        ),
        (lambda: ops.fold(init.ones(1, 3, 9), 4, 2), r"^fold: wanted a shape .* got \(1, 3, 9\)"),
        (lambda: ops.fold(init.ones(4, 9), 4, 2), r"^fold: wanted a shape .* got \(4, 9\)"),
        (lambda: ops.fold(init.ones(1, 4, 9), 1, 2), "^fold: a window reaches over"),
        (
            lambda: ops.pixel_shuffle(init.ones(1, 6, 2, 2), 2),
            "^pixel_shuffle: 6 channels are no multiple of 2²",
        ),
        (lambda: ops.pixel_shuffle(init.ones(4, 4), 2), "^pixel_shuffle: wanted at least 3 axes"),
        (
            lambda: ops.pixel_unshuffle(init.ones(1, 3, 4), 2),
            "^pixel_unshuffle: 3 x 4 pixels make no squares",
        ),
        (lambda: ops.channel_shuffle(init.ones(1, 5, 4), 2), "^channel_shuffle: groups=2 does not divide 5"),
        (lambda: nn.PixelShuffle(0), "^PixelShuffle: upscale_factor is a whole number of at least 1"),
        (lambda: nn.PixelUnshuffle(1.5), "^PixelUnshuffle: downscale_factor is a whole number"),
        (lambda: nn.ChannelShuffle("2"), "^ChannelShuffle: groups is a whole number"),
    ],
)
def test_what_makes_no_sense_is_said(call, words):
    with pytest.raises(ShapeError, match=words):
        call()


def test_shuffles_of_nothing():
    assert ops.pixel_unshuffle(init.ones(0, 3, 4, 6), 2).shape == (0, 12, 2, 3)
    assert ops.pixel_shuffle(init.ones(0, 4, 4, 6), 2).shape == (0, 1, 8, 12)
    assert ops.channel_shuffle(init.ones(2, 4, 0), 2).shape == (2, 4, 0)
