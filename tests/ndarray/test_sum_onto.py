"""A sum over what was broadcast: NumPy's, for every way in which a shape can be broadcast; else None."""

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.ndarray.reductions import sum_onto

WAYS = [
    ((4, 2), (1, 2)), ((4, 2), (2,)), ((4, 2), (4, 1)), ((4, 2), (1, 1)), ((4, 2), ()), ((3,), ()), ((3,), (1,)),
    ((2, 3, 4), (3, 1)), ((2, 3, 4), (2, 1, 4)), ((2, 3, 4), (1, 3, 1)), ((300, 70), (70,)), ((5, 1, 2), (1, 1, 2)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("whole", "shape"), WAYS)
def test_numpys_sum(whole, shape, dtype):
    numbers = np.random.default_rng(0).normal(size=whole[::-1])
    lead = len(whole) - len(shape)
    axes = tuple(k for k in range(len(whole)) if k < lead or (shape[k - lead] == 1 and whole[k] != 1))
    wanted = numbers.T.astype(dtype).astype("float64").sum(axis=axes, keepdims=True).reshape(shape)
    for g in (
        nd.array(numbers.T, dtype=dtype),
        nd.array(numbers, dtype=dtype).T,
    ):  # rows, and columns, contiguous
        got = sum_onto(g, nd.zeros(shape, dtype=dtype))
        assert got.shape == shape
        assert got.dtype == dtype
        np.testing.assert_allclose(got.numpy(), wanted, rtol=0, atol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize(
    ("whole", "shape", "dtypes"),
    [
        ((4, 2), (4, 2), ("float32", "float32")),  # nothing was broadcast
        ((1, 2), (2,), ("float32", "float32")),  # nor here
        ((4, 2), (3, 2), ("float32", "float32")),
        ((4, 2), (2, 1), ("float32", "float32")),
        ((2,), (1, 2), ("float32", "float32")),
        ((4, 2), (1, 2), ("float32", "float64")),
        ((4, 2), (1, 2), ("int64", "int64")),
        ((0, 2), (1, 2), ("float32", "float32")),
    ],
)
def test_what_is_not_such_a_sum(whole, shape, dtypes):
    assert sum_onto(nd.zeros(whole, dtype=dtypes[0]), nd.zeros(shape, dtype=dtypes[1])) is None
