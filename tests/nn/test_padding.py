"""Padding layers and padded convolutions beside PyTorch's; what is refused."""

import numpy as np
import pytest

from needle_edu import Tensor, init, nn
from needle_edu.backend.errors import DTypeError, ShapeError

LAYERS = [
    ("ConstantPad1d", (2, -1.5)), ("ConstantPad1d", ((0, 3), 7)), ("ConstantPad2d", ((1, 2, 3, 0), 0.25)),
    ("ZeroPad1d", (1,)), ("ZeroPad1d", ((2, 0),)), ("ZeroPad2d", ((1, 0, 2, 4),)), ("ZeroPad2d", (3,)),
    ("ReflectionPad1d", ((3, 1),)), ("ReflectionPad2d", ((1, 3, 2, 0),)), ("ReflectionPad2d", (2,)),
    ("ReplicationPad1d", ((3, 9),)), ("ReplicationPad2d", ((1, 6, 2, 0),)), ("ReplicationPad2d", (2,)),
    ("CircularPad1d", ((3, 1),)), ("CircularPad2d", ((1, 4, 2, 0),)), ("CircularPad2d", (2,)),
]  # fmt: skip


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (3, 4, 5)])
@pytest.mark.parametrize(("name", "arguments"), LAYERS)
def test_layers_are_pytorch_s(name, arguments, shape, rng):
    torch = pytest.importorskip("torch")
    x = rng.normal(size=shape[-3:] if name.endswith("1d") else shape)
    ours, theirs = getattr(nn, name)(*arguments), getattr(torch.nn, name)(*arguments)
    a, b = Tensor(x, dtype="float64"), torch.tensor(x, requires_grad=True)
    y, z = ours(a), theirs(b)
    np.testing.assert_array_equal(y.numpy(), z.detach().numpy())
    (y * y).sum().backward()
    (z * z).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-14)
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    ("name", "shape", "named"),
    [
        ("Conv1d", (2, 2, 7), {"kernel_size": 4, "padding": "same"}),
        ("Conv1d", (2, 2, 7), {"kernel_size": 3, "padding": 2, "stride": 2, "dilation": 2}),
        ("Conv2d", (2, 2, 5, 6), {"kernel_size": (3, 2), "padding": (2, 1), "groups": 2}),
        ("Conv2d", (2, 2, 5, 6), {"kernel_size": 3, "padding": "valid", "bias": False}),
    ],
)
def test_convolutions_pad_by_elements_as_pytorch_does(name, shape, named, mode, rng):
    torch = pytest.importorskip("torch")
    ours = getattr(nn, name)(2, 4, **named, padding_mode=mode, dtype="float64")
    theirs = getattr(torch.nn, name)(2, 4, **named, padding_mode=mode, dtype=torch.float64)
    theirs.load_state_dict({key: torch.tensor(a) for key, a in ours.state_dict().items()})
    x = rng.normal(size=shape)
    a, b = Tensor(x, dtype="float64"), torch.tensor(x, requires_grad=True)
    y, z = ours(a), theirs(b)
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-12, atol=1e-14)
    (y * y).sum().backward()
    (z * z).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-12, atol=1e-12)
    assert f"padding_mode='{mode}'" in repr(ours)


def test_padding_with_zeros_is_not_shown():
    assert "padding_mode" not in repr(nn.Conv2d(1, 1, 3, padding=1))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.ZeroPad2d((1, 2)), ShapeError, r"^ZeroPad2d: padding is one number or 4, .* got \(1, 2\)"),
        (lambda: nn.ReflectionPad1d(0.5), ShapeError, "^ReflectionPad1d: padding is a whole number"),
        (lambda: nn.CircularPad1d((1, -1)), ShapeError, "^CircularPad1d: padding is .*0"),
        (lambda: nn.ConstantPad1d(1, "a"), DTypeError, "^ConstantPad1d: wanted a number, got str"),
        (lambda: nn.ZeroPad2d(1)([1.0]), ShapeError, r"^ZeroPad2d\(\(1, 1, 1, 1\)\): wanted at least 2 axes, got"),
        (lambda: nn.ReflectionPad1d(3)(init.ones(1, 2, 3)), ShapeError, "^pad: mode 'reflect' finds at most 2"),
        (lambda: nn.Conv2d(1, 1, 3, padding_mode="mirror"), ValueError, "^Conv2d: padding_mode is one of zeros, ref"),
        (lambda: nn.Conv1d(1, 1, 3, padding_mode="constant"), ValueError, "^Conv1d: padding_mode is one of zeros"),
        (
            lambda: nn.Conv1d(1, 1, 9, padding=4, padding_mode="reflect")(init.ones(1, 1, 4)),
            ShapeError, "^pad: mode 'reflect' finds at most 3 .* axis 2",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()
