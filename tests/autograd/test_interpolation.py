"""Interpolation beside PyTorch: values, gradients, second derivatives, edges; what is refused."""

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import Tensor, ops
from needle_edu.autograd import grad_check
from needle_edu.backend import DTypeError, NeedleError, ShapeError

SIGNAL = ["nearest", "nearest-exact", "linear", "area"]
IMAGE = ["nearest", "nearest-exact", "bilinear", "bicubic", "area"]
HOW = [
    {"size": 1}, {"size": 7}, {"size": 4}, {"size": 21}, {"scale_factor": 0.7}, {"scale_factor": 1},
    {"scale_factor": 2}, {"scale_factor": 1.5}, {"scale_factor": 2.3},
    {"scale_factor": 1.5, "recompute_scale_factor": True},
    {"scale_factor": 3.0, "align_corners": False}, {"size": 9, "align_corners": True},
    {"scale_factor": 1.7, "align_corners": True},
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 3, 2), (1, 2, 5), (2, 3, 2, 4), (1, 2, 5, 3), (0, 2, 3, 3)])
@pytest.mark.parametrize("how", HOW)
def test_values_and_gradients_are_pytorch_s(how, shape, dtype, rng):
    torch = pytest.importorskip("torch")
    for mode in SIGNAL if len(shape) == 3 else IMAGE:
        if "align_corners" in how and mode not in ("linear", "bilinear", "bicubic"):
            continue
        x = rng.normal(size=shape).astype(dtype)
        a, b = Tensor(x, dtype=dtype), torch.tensor(x, requires_grad=True)
        y = ops.interpolate(a, mode=mode, **how)
        if not shape[0]:
            assert y.shape[0] == 0 and y.ndim == 4
            continue
        z = torch.nn.functional.interpolate(b, mode=mode, **how)
        g = rng.normal(size=z.shape).astype(dtype)
        (y * Tensor(g, dtype=dtype)).sum().backward()
        (z * torch.tensor(g)).sum().backward()
        close = {"rtol": 1e-4, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-12}
        assert (y.dtype, y.shape) == (dtype, tuple(z.shape)), mode
        if mode == "nearest" and shape == (2, 3, 2) and how == {"scale_factor": 2.3}:
            continue  # see test_a_nearest_element_by_a_factor
        np.testing.assert_allclose(y.numpy(), z.detach().numpy(), **close, err_msg=mode)
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **close, err_msg=mode)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize(
    "how",
    [
        {"size": (3, 4)}, {"size": (1, 13)}, {"size": (9, 11)}, {"scale_factor": 0.3}, {"scale_factor": (0.45, 1.7)},
        {"scale_factor": 0.7, "recompute_scale_factor": True}, {"size": (4, 5), "align_corners": True},
        {"size": (1, 20), "align_corners": True},
    ],
)  # fmt: skip
def test_antialiased_values_and_gradients_are_pytorchs(how, mode, dtype, rng):
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(2, 3, 9, 11)).astype(dtype)
    a, b = Tensor(x, dtype=dtype), torch.tensor(x, requires_grad=True)
    y = ops.interpolate(a, mode=mode, antialias=True, **how)
    z = torch.nn.functional.interpolate(b, mode=mode, antialias=True, **how)
    g = rng.normal(size=z.shape).astype(dtype)
    (y * Tensor(g, dtype=dtype)).sum().backward()
    (z * torch.tensor(g)).sum().backward()
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-12}
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), **close)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **close)


def test_antialiasing_takes_the_pattern_out_of_a_smaller_image():
    """Stripes of 0 and 1, two columns wide: every fourth column alone would be all of one kind."""
    stripes = np.tile([0.0, 0.0, 1.0, 1.0], 8)[None, None, None]
    for mode in ("bilinear", "bicubic"):
        inside = [
            ops.interpolate(tensor(stripes), (1, 8), mode=mode, antialias=on).numpy()[0, 0, 0, 2:-2]
            for on in (False, True)
        ]
        np.testing.assert_allclose(inside[1], 0.5, atol=1e-12)
    np.testing.assert_allclose(
        ops.interpolate(tensor(stripes * 0 + 3), (1, 5), mode="bicubic", antialias=True).numpy(), 3
    )


def test_sizes_and_factors_of_each_axis(rng):
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(1, 2, 4, 5))
    for how in ({"size": (3, 9)}, {"scale_factor": (2, 0.5)}):
        z = torch.nn.functional.interpolate(torch.tensor(x), mode="bilinear", **how)
        np.testing.assert_allclose(ops.interpolate(tensor(x), mode="bilinear", **how).numpy(), z.numpy())


@pytest.mark.parametrize(
    "view", [lambda a: a[:, :, ::-1, ::-2], lambda a: a.swapaxes(1, 3), lambda a: a[1:, :1]]
)
def test_views(view, rng):
    x = rng.normal(size=(3, 2, 4, 6))
    for mode in IMAGE:
        copy = ops.interpolate(tensor(view(x).copy()), 5, mode=mode)
        np.testing.assert_array_equal(ops.interpolate(view(tensor(x)), 5, mode=mode).numpy(), copy.numpy())


@pytest.mark.parametrize("mode", IMAGE)
def test_specials_stay_where_they_are_seen(mode):
    torch = pytest.importorskip("torch")
    x = np.arange(36.0).reshape(1, 1, 6, 6)
    x[0, 0, 0, 0], x[0, 0, 5, 2] = np.inf, np.nan
    z = torch.nn.functional.interpolate(torch.tensor(x), size=(9, 13), mode=mode)
    np.testing.assert_allclose(ops.interpolate(tensor(x), (9, 13), mode=mode).numpy(), z.numpy())


def test_a_factor_keeps_its_steps_and_a_size_does_not():
    x = tensor(np.arange(5.0).reshape(1, 1, 5))
    last = [
        ops.interpolate(x, mode="linear", **how).numpy()[0, 0, -1]
        for how in ({"scale_factor": 1.5}, {"scale_factor": 1.5, "recompute_scale_factor": True}, {"size": 7})
    ]
    np.testing.assert_allclose(last, [3.8333333333333335, 4, 4])


def test_nearest_of_float32_is_exact():
    """Element 41 of 82 begins where the second of 2 does; PyTorch's float32 arithmetic takes the first."""
    for dtype in ("float32", "float64"):
        y = ops.interpolate(Tensor([[[0.0, 1.0]]], dtype=dtype), 82)
        assert y.numpy()[0, 0].tolist() == [0] * 41 + [1] * 41


def test_a_nearest_element_by_a_factor():
    """That makes n elements n or 2 n: all of them once or twice. PyTorch the same but for signals' values."""
    for n, factor, wanted in ((2, 2.3, [0, 0, 1, 1]), (3, 1.1, [0, 1, 2]), (3, 1.7, [0, 0, 1, 1, 2])):
        x = tensor(np.arange(n, dtype="float64").reshape(1, 1, 1, n))
        assert ops.interpolate(x, scale_factor=(1, factor)).numpy().reshape(-1).tolist() == wanted
        assert ops.interpolate(x[0], scale_factor=factor).numpy().reshape(-1).tolist() == wanted


def test_second_derivatives(rng):
    for mode in IMAGE:
        assert grad_check(
            lambda a, mode=mode: ops.interpolate(a, (4, 3), mode=mode) ** 3,
            rng.normal(size=(1, 1, 3, 2)),
            order=2,
        )


IMAGES, T = np.ones((1, 2, 3, 4)), tensor(np.ones(3))
WRONG = {
    r"^interpolate: wanted a shape \(N, C, L\) or .* got \(3,\)": (
        ShapeError, lambda x: ops.interpolate(x[0, 0, :, 0], 2),
    ),
    "^interpolate: wanted size or scale_factor, got none": (ValueError, lambda x: ops.interpolate(x)),
    "^interpolate: wanted size or scale_factor, got both": (ValueError, lambda x: ops.interpolate(x, 2, 2)),
    "^interpolate: mode is one of .*bilinear.* for 4 axes, got 'linear'": (
        ValueError, lambda x: ops.interpolate(x, 2, mode="linear"),
    ),
    "^interpolate: mode is one of nearest, .* for 3 axes, got 'cubic'": (
        ValueError, lambda x: ops.interpolate(x[0], 2, mode="cubic"),
    ),
    "^interpolate: align_corners is for linear and cubic modes, got mode='area'": (
        ValueError, lambda x: ops.interpolate(x, 2, mode="area", align_corners=False),
    ),
    "^interpolate: antialias is for bilinear and bicubic, got mode='area'": (
        ValueError, lambda x: ops.interpolate(x, 2, mode="area", antialias=True),
    ),
    "^interpolate: antialias is True or False, got 'yes'": (
        ValueError, lambda x: ops.interpolate(x, 2, mode="bilinear", antialias="yes"),
    ),
    "^resize: antialias is for linear and cubic": (ValueError, lambda x: ops.resize(x, 2, antialias=True)),
    "^interpolate: recompute_scale_factor is for scale_factor": (
        ValueError, lambda x: ops.interpolate(x, 2, recompute_scale_factor=True),
    ),
    "^interpolate: size is one number or 2": (ShapeError, lambda x: ops.interpolate(x, (2, 2, 2))),
    "^interpolate: size is a whole number of at least 1, got 0": (ShapeError, lambda x: ops.interpolate(x, 0)),
    "^interpolate: size is a whole number of at least 1, got 2.5": (ShapeError, lambda x: ops.interpolate(x, 2.5)),
    "^interpolate: scale_factor is above 0, got -1": (ValueError, lambda x: ops.interpolate(x, scale_factor=-1)),
    "^interpolate: scale_factor is above 0, got nan": (
        ValueError, lambda x: ops.interpolate(x, scale_factor=float("nan")),
    ),
    r"^interpolate: scale_factor=0.3 makes \(3, 4\) \(0, 1\)": (
        ShapeError, lambda x: ops.interpolate(x, scale_factor=0.3),
    ),
    "^interpolate: wanted a number, got str": (DTypeError, lambda x: ops.interpolate(x, scale_factor="2")),
    "^resize: wanted floating-point numbers, got int64": (DTypeError, lambda x: ops.interpolate(x.astype("int64"), 2)),
    r"^resize: no axis is empty, got \(1, 2, 0, 4\)": (ShapeError, lambda x: ops.interpolate(x[:, :, :0], 2)),
    "^resize: mode is one of nearest, .* got 'lanczos'": (ValueError, lambda x: ops.resize(x, 2, "lanczos")),
    "^resize: align_corners is for linear and cubic": (ValueError, lambda x: ops.resize(x, 2, align_corners=True)),
    "^resize: steps are 1 numbers above 0": (ShapeError, lambda x: ops.resize(x, 2, steps=(1, 2))),
    r"^resize: wanted at least 2 axes, got shape \(3,\)": (ShapeError, lambda x: ops.resize(T, (2, 2))),
    "^resize_backward: no axis is empty": (ShapeError, lambda x: ops.resize_backward(T, 0)),
    r"^resize_backward: wanted at least 2 axes": (ShapeError, lambda x: ops.resize_backward(T, (2, 2))),
}  # fmt: skip


@pytest.mark.parametrize("words", WRONG)
def test_what_makes_no_sense_is_said(words):
    error, call = WRONG[words]
    with pytest.raises(error, match=words) as caught:
        call(tensor(IMAGES))
    assert isinstance(caught.value, (NeedleError, ValueError))
