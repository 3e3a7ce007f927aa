"""Kernels against NumPy and PyTorch: matrix products, elementwise, reductions, on the shapes of training."""

import numpy as np
import pytest

from .duel import AFTER_BLAS

SQUARE = [256, 512, 1024, 2048]
TRAINING = {  # name: (shape a, transposed a, shape b, transposed b)
    "forward 128x784 @ 784x400": ((128, 784), False, (784, 400), False),
    "dW 784x128 @ 128x400 (a transposed)": ((128, 784), True, (128, 400), False),
    "dX 128x400 @ 400x784 (b transposed)": ((128, 400), False, (784, 400), True),
    "LM head 640x100 @ 100x10000": ((640, 100), False, (100, 10000), False),
}


def three(arena, *arrays):
    """The same float32 arrays for needle_edu, NumPy and PyTorch."""
    torch, ndl = arena
    return [ndl.ndarray.asarray(a) for a in arrays], arrays, [torch.from_numpy(a) for a in arrays]


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("n", SQUARE)
def test_matmul_square(arena, fight, n):
    (a, b), (x, y), (p, q) = three(arena, normal(n, n), normal(n, n))
    fight(
        f"matmul {n}x{n}",
        {"needle_edu": lambda: a @ b, "NumPy": lambda: x @ y, "PyTorch": lambda: p @ q},
        limit=1.0,
        **AFTER_BLAS,
    )


@pytest.mark.parametrize("name", TRAINING)
def test_matmul_training(arena, fight, name):
    shape_a, ta, shape_b, tb = TRAINING[name]
    (a, b), (x, y), (p, q) = three(arena, normal(*shape_a), normal(*shape_b))
    if ta:
        a, x, p = a.permute((1, 0)), x.T, p.T
    if tb:
        b, y, q = b.permute((1, 0)), y.T, q.T
    contenders = {"needle_edu": lambda: a @ b, "NumPy": lambda: x @ y, "PyTorch": lambda: p @ q}
    fight(name, contenders, limit=1.0, **AFTER_BLAS)


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "broadcast"])
def test_add(arena, fight, layout):
    second = normal(1000) if layout == "broadcast" else normal(1000, 1000)
    (a, b), (x, y), (p, q) = three(arena, normal(1000, 1000), second)
    if layout == "transposed":
        a, x, p = a.permute((1, 0)), x.T, p.T
    fight(
        f"add 1 M, {layout}",
        {"needle_edu": lambda: a + b, "NumPy": lambda: x + y, "PyTorch": lambda: p + q},
        limit=0.9 if layout == "contiguous" else 1.0,
    )


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "broadcast"])
def test_exp(arena, fight, layout):
    torch, ndl = arena
    base = normal(1000) if layout == "broadcast" else normal(1000, 1000)
    (a,), (x,), (p,) = three(arena, base)
    if layout == "transposed":
        a, x, p = a.permute((1, 0)), x.T, p.T
    if layout == "broadcast":
        a, x, p = a.broadcast_to((1000, 1000)), np.broadcast_to(x, (1000, 1000)), p.expand(1000, 1000)
    exp = ndl.ndarray.exp
    fight(
        f"exp 1 M, {layout}",
        {"needle_edu": lambda: exp(a), "NumPy": lambda: np.exp(x), "PyTorch": lambda: torch.exp(p)},
        limit=0.6,
    )


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "broadcast"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_sum(arena, fight, layout, axis):
    torch, _ = arena
    base = normal(1000) if layout == "broadcast" else normal(1000, 1000)
    (a,), (x,), (p,) = three(arena, base)
    if layout == "transposed":
        a, x, p = a.permute((1, 0)), x.T, p.T
    if layout == "broadcast":
        a, x, p = a.broadcast_to((1000, 1000)), np.broadcast_to(x, (1000, 1000)), p.expand(1000, 1000)
    contenders = {
        "needle_edu": lambda: a.sum(axis=axis),
        "NumPy": lambda: x.sum(axis=axis),
        "PyTorch": (lambda: p.sum()) if axis is None else (lambda: p.sum(axis)),
    }
    what = f"sum 1 M, {'full' if axis is None else f'axis {axis}'}, {layout}"
    fight(what, contenders, limit=0.9 if axis is None and layout == "contiguous" else 1.0)
