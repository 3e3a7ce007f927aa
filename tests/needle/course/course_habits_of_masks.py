"""What code for Needle does with a comparison of arrays, which is float32 there: it counts, weighs and subtracts.

The arrays are the course's NDArrays in both backends. Each expression is compared with NumPy's on a float32 mask. See
../test_as_needle.py.
"""

import sys

sys.path.append("./python")

import numpy as np
import pytest
from needle import Tensor, backend_ndarray as nd
from needle.backend_selection import BACKEND

X = np.array([[1.0, -2.0, 0.0], [3.0, 0.0, -1.0]], "float32")

EXPRESSIONS = [
    lambda a, m, k: -m,
    lambda a, m, k: m + k,
    lambda a, m, k: m + m,
    lambda a, m, k: m - k,
    lambda a, m, k: m * m,
    lambda a, m, k: m * a,
    lambda a, m, k: 1 - m,
    lambda a, m, k: m - 1,
    lambda a, m, k: m * 2,
    lambda a, m, k: m * 0.5,
    lambda a, m, k: m / 2,
    lambda a, m, k: m**2,
    lambda a, m, k: m**m,
    lambda a, m, k: (m + k) / (m + 1),
    lambda a, m, k: m @ k.transpose((1, 0)),
    lambda a, m, k: m @ a.transpose((1, 0)),
    lambda a, m, k: m.sum(axis=0),
    lambda a, m, k: m.sum(axis=1, keepdims=True) - k,
    lambda a, m, k: (a == a.max(axis=1, keepdims=True)).sum(axis=1),
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_mask_is_a_float_in_arithmetic(expression):
    a = nd.array(X)
    masks = X > 0, X < 0
    wanted = expression(X, *(mask.astype("float32") for mask in masks))
    got = expression(a, a > 0, a < 0)
    assert got.dtype == "float32"
    np.testing.assert_array_equal(got.numpy(), wanted)


def test_functions_of_masks():
    m = nd.array(X) > 0
    numbers = (X > 0).astype("float32")
    np.testing.assert_array_equal(nd.summation(m, axis=1).numpy(), numbers.sum(1))
    np.testing.assert_array_equal(m.prod(axis=0).numpy(), numbers.prod(0))
    np.testing.assert_array_equal(nd.maximum(m, 0.5).numpy(), np.maximum(numbers, 0.5))
    np.testing.assert_allclose(nd.exp(-m).numpy(), np.exp(-numbers), rtol=1e-6)
    assert m.sum().shape == (1,) and m.sum().item() == m.numpy().sum() == 2
    for total in (m.sum(), nd.sum(m, 0), m.prod()):
        assert total.dtype == "float32"


def test_a_mask_is_still_an_index():
    a = nd.array(X)
    np.testing.assert_array_equal(a[a > 0].numpy(), X[X > 0])
    a[a < 0] = 0
    np.testing.assert_array_equal(a.numpy(), np.maximum(X, 0))


@pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays keep NumPy's rules, on Needle too")
def test_tensors_of_masks():
    a = nd.array(X)
    m, k = Tensor(a > 0), Tensor(a < 0)
    numbers = (X > 0).astype("float32"), (X < 0).astype("float32")
    np.testing.assert_array_equal((-m).numpy(), -numbers[0])
    np.testing.assert_array_equal((m + k).numpy(), numbers[0] + numbers[1])
    np.testing.assert_array_equal((m - k).numpy(), numbers[0] - numbers[1])
    np.testing.assert_array_equal((1 - m).numpy(), 1 - numbers[0])
    np.testing.assert_array_equal(m.sum((0,)).numpy(), numbers[0].sum(0))
    x = Tensor(X)
    ((m - k) * x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.sign(X))
