"""Upsampling layers beside PyTorch's; what is refused."""

import numpy as np
import pytest

from needle_edu import Tensor, init, nn
from needle_edu.backend.errors import ShapeError

LAYERS = [
    ("Upsample", {"scale_factor": 2}), ("Upsample", {"size": (5, 3), "mode": "bicubic"}),
    ("Upsample", {"scale_factor": (1.5, 2.5), "mode": "bilinear"}),
    ("Upsample", {"scale_factor": 1.4, "mode": "bilinear", "recompute_scale_factor": True}),
    ("Upsample", {"scale_factor": 2, "mode": "bilinear", "align_corners": True}),
    ("UpsamplingNearest2d", {"size": 7}), ("UpsamplingNearest2d", {"scale_factor": 3}),
    ("UpsamplingBilinear2d", {"size": (7, 9)}), ("UpsamplingBilinear2d", {"scale_factor": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "named"), LAYERS)
def test_layers_are_pytorch_s(name, named, rng):
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(2, 3, 4, 5))
    a, b = Tensor(x, dtype="float64"), torch.tensor(x, requires_grad=True)
    y, z = getattr(nn, name)(**named)(a), getattr(torch.nn, name)(**named)(b)
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-12)
    (y * y).sum().backward()
    (z * z).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12)


def test_layers_say_what_they_are():
    assert repr(nn.Upsample(scale_factor=2)) == "Upsample(scale_factor=2, mode='nearest')"
    assert repr(nn.UpsamplingBilinear2d(size=(2, 3))) == "UpsamplingBilinear2d(size=(2, 3), mode='bilinear')"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.Upsample(), ValueError, "^Upsample: wanted size or scale_factor, got none"),
        (
            lambda: nn.UpsamplingNearest2d(2, 2),
            ValueError,
            "^UpsamplingNearest2d: wanted size or .* got both",
        ),
        (
            lambda: nn.Upsample(2, mode="linear")(init.ones(1, 1, 2, 2)),
            ValueError,
            "^interpolate: mode is one of",
        ),
        (
            lambda: nn.UpsamplingBilinear2d(2)(init.ones(1, 2, 2)),
            ValueError,
            "^interpolate: mode is .* got 'bilinear'",
        ),
        (lambda: nn.Upsample(2)(init.ones(2, 2)), ShapeError, r"^interpolate: wanted a shape \(N, C, L\)"),
    ],
)
def test_what_makes_no_sense_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()
