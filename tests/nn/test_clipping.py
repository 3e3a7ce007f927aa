"""Clipping gradients: PyTorch's numbers, also where they are odd."""

import math

import numpy as np
import pytest

from needle_edu import nn
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import GradientError
from needle_edu.nn.utils import clip_grad_norm_, clip_grad_value_

GRADS = [[[3.0, -4.0]], [12.0]]


def with_gradients(grads):
    params = [Tensor(np.zeros(np.shape(g))) for g in grads]
    for p, g in zip(params, grads, strict=True):
        p.grad = Tensor(g)
    return [*params, Tensor([1.0])]  # and one without


@pytest.mark.parity
@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, math.inf])
@pytest.mark.parametrize("max_norm", [0.0, 5.0, 12.0, 13.0, 100.0])
@pytest.mark.parametrize("grads", [GRADS, [[math.inf, 1.0]], [[0.0, 0.0]], [[math.nan]]])
def test_norms_are_pytorchs(grads, max_norm, norm_type):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    theirs = [torch.zeros(np.shape(g), requires_grad=True) for g in grads]
    for p, g in zip(theirs, grads, strict=True):
        p.grad = torch.tensor(g)
    ours = with_gradients(grads)
    held = ours[0].grad
    wanted = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    got = clip_grad_norm_(ours, max_norm, norm_type)
    assert got.shape == () and not got.requires_grad
    np.testing.assert_allclose(got.item(), wanted.item(), rtol=1e-6)
    for p, q in zip(ours, theirs, strict=False):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-6)
    assert np.array_equal(held.numpy(), np.float32(grads[0]), equal_nan=True)


def test_at_the_limit_gradients_are_still_scaled():
    p = Tensor([0.0], dtype="float64")
    p.grad = Tensor([1.0], dtype="float64")
    clip_grad_norm_(p, 1.0)
    assert p.grad.item() == 1 / (1 + 1e-6)


def test_values():
    params = with_gradients(GRADS)
    held = params[0].grad
    clip_grad_value_(params, 3.5)
    assert params[0].grad.numpy().tolist() == [[3.0, -3.5]] and params[1].grad.numpy().tolist() == [3.5]
    assert held.numpy().tolist() == GRADS[0] and params[2].grad is None


def test_what_makes_no_sense_is_said():
    for clip in (clip_grad_norm_, clip_grad_value_):
        with pytest.raises(
            TypeError, match=f"{clip.__name__}: parameters are tensors; give model.parameters"
        ):
            clip(nn.Linear(2, 2), 1.0)
        with pytest.raises(TypeError, match="parameters are tensors, got one int"):
            clip([3], 1.0)
        with pytest.raises(ValueError, match=f"{clip.__name__}: .* is a number with 0 <= "):
            clip([], -1.0)
    with pytest.raises(ValueError, match="norm_type is greater than 0"):
        clip_grad_norm_([], 1.0, 0)
    with pytest.raises(GradientError, match="together are inf long, wanted a finite length"):
        clip_grad_norm_(with_gradients([[math.inf]]), 1.0, error_if_nonfinite=True)
