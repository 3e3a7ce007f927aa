"""Matrix products: every pairing of batches, strides and broadcasting that a plan must tell apart."""

import numpy as np
import pytest

from needle_edu import ndarray as nd

from .oracle import same

SHAPES = [
    ((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)),
    ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((5, 2, 3), (1, 3, 4)),
    ((4, 1, 2, 3), (5, 3, 4)), ((4, 5, 2, 3), (4, 1, 3, 4)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,)),
    ((2, 0), (0, 3)), ((0, 3), (3, 2)), ((2, 3), (3, 0)), ((0, 2, 3), (3, 4)), ((5, 1, 3), (3, 1)),
]  # fmt: skip


@pytest.mark.parametrize("a, b", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
def test_shapes(a, b, dtype, device, rng):
    x, y = (rng.integers(-5, 6, shape).astype(dtype) for shape in (a, b))
    same(nd.asarray(x, device=device) @ nd.asarray(y, device=device), np.matmul(x, y))


VIEWS = {
    "transposed": lambda x: x.swapaxes(-1, -2),
    "batch and rows swapped": lambda x: x.swapaxes(0, 1),
    "batch last": lambda x: np.moveaxis(x, 0, -1),
    "every other": lambda x: x[::2, :, ::-1],
    "rows skipped": lambda x: x[:, ::2],
    "reversed batch": lambda x: x[::-1],
    "one repeated": lambda x: np.broadcast_to(x[:1], x.shape),
}


@pytest.mark.parametrize("left", VIEWS.values(), ids=VIEWS.keys())
@pytest.mark.parametrize("shared", [True, False], ids=["shared right side", "batched right side"])
def test_a_batch_of_any_strides(left, shared, device, rng):
    x = left(rng.integers(-5, 6, (4, 4, 4)).astype("float32"))
    y = rng.integers(-5, 6, (4, 4)).astype("float32")
    y = y[: x.shape[-1]] if shared else np.broadcast_to(y[: x.shape[-1]], (x.shape[0], x.shape[-1], 4))
    a = nd.asarray(x if x.flags.writeable else np.array(x), device=device)
    if not x.flags.writeable:
        a = nd.asarray(np.array(x[:1]), device=device).broadcast_to(x.shape)
    b = nd.asarray(np.array(y if shared else y[0]), device=device)
    same(a @ (b if shared else b.broadcast_to(y.shape)), np.matmul(x, y))


def test_mixed_types_meet(device):
    x, y = np.array([[1, 2], [3, 4]]), np.array([[0.5, 1], [2, 4]], "float32")
    same(nd.asarray(x, device=device) @ nd.asarray(y, device=device), (x @ y).astype("float32"))
