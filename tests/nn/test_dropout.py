"""Dropout and its kin: what is drawn, what stays, what p = 1 does, and the mean and variance that are kept."""

import numpy as np
import pytest

from needle_edu import Tensor, init, nn, ops
from needle_edu.backend import compatibility
from needle_edu.backend.errors import DTypeError, ShapeError


def drawn(seed, *shape):
    return np.random.RandomState(seed).rand(*shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("make", "shape", "drawn_shape"),
    [
        (nn.Dropout, (3, 4), (3, 4)),
        (nn.Dropout, (), ()),
        (nn.Dropout, (0, 2), (0, 2)),
        (nn.Dropout1d, (2, 3, 4), (2, 3, 1)),
        (nn.Dropout2d, (2, 3, 4, 5), (2, 3, 1, 1)),
    ],
)
def test_draws_and_values_and_gradients(make, shape, drawn_shape, dtype, rng, monkeypatch):
    """What the course's numbers depend on; whole channels are drawn like that in any case."""
    monkeypatch.setattr(compatibility, "dropout_draws_each", make is nn.Dropout)
    layer, x = make(0.3), Tensor(rng.normal(size=shape), dtype=dtype)
    init.seed(4)
    y, follower = layer(x), np.random.rand()
    state = np.random.RandomState(4)
    keep = np.asarray(state.rand(*drawn_shape)) <= 0.7
    assert follower == state.rand() and y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), x.numpy() * keep / 0.7, rtol=1e-6)
    adjoint = rng.normal(size=shape)
    (y * Tensor(adjoint, dtype=dtype)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), adjoint * keep / 0.7, rtol=1e-6)
    assert layer.eval()(x) is x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 4), (), (0, 2), (5, 7, 11)])
def test_dropout_draws_a_key_and_makes_the_rest_of_it(shape, dtype, rng):
    layer, x = nn.Dropout(0.3), Tensor(rng.normal(size=shape), dtype=dtype)
    init.seed(4)
    y, follower = layer(x), np.random.rand()
    state = np.random.RandomState(4)
    key = state.randint(0, 2**63 - 1, dtype=np.int64).item()
    assert follower == state.rand() and y.dtype == dtype
    keep = philox_numbers(key, x.size) >= round(0.3 * 2**32)
    np.testing.assert_allclose(y.numpy(), x.numpy() * keep.reshape(shape) / 0.7, rtol=1e-6)
    adjoint = rng.normal(size=shape)
    (y * Tensor(adjoint, dtype=dtype)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), adjoint * keep.reshape(shape) / 0.7, rtol=1e-6)
    assert layer.eval()(x) is x


def philox_numbers(key, count):
    """Philox 4x32-10 once more, one number after the other, in Python's integers."""
    found = []
    for j in range(count):
        counter = j // 64 * 16 + j % 16
        x, k = [counter % 2**32, counter >> 32, 0, 0], [key % 2**32, key >> 32]
        for _ in range(10):
            a, b = x[0] * 0xD2511F53, x[2] * 0xCD9E8D57
            x = [(b >> 32) ^ x[1] ^ k[0], b % 2**32, (a >> 32) ^ x[3] ^ k[1], a % 2**32]
            k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
        found.append(x[j // 16 % 4])
    return np.array(found)


def test_the_share_that_is_dropped_and_that_no_two_calls_drop_the_same():
    init.seed(0)
    x = init.ones(1000, 1000)
    first, second = (nn.Dropout(0.2)(x).numpy() == 0 for _ in range(2))
    assert abs(first.mean() - 0.2) < 0.002 and abs((first & second).mean() - 0.04) < 0.001
    neighbours = (first[:, 1:] & first[:, :-1]).mean(), (first[1:] & first[:-1]).mean()
    assert max(abs(share - 0.04) for share in neighbours) < 0.001


@pytest.mark.parametrize("layer", [nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout])
def test_p_of_zero_and_one_draw_nothing(layer):
    shape = (1, 2, 1, 1)[: 3 if layer is nn.Dropout1d else 4]
    x = Tensor(np.array([2.0, np.inf]).reshape(shape))
    init.seed(4)
    assert layer(0)(x) is x
    y = layer(1)(x)
    np.testing.assert_array_equal(y.numpy().ravel(), [0, np.nan])  # infinity times 0, as in PyTorch
    assert np.random.rand() == drawn(4)
    y.sum().backward()
    assert x.grad.numpy().ravel().tolist() == [0, 0]


def test_alpha_dropout_keeps_mean_and_variance():
    init.seed(0)
    x = init.randn(400, 400)
    for p in (0.1, 0.5, 0.8):
        y = nn.AlphaDropout(p)(x).numpy()
        assert abs(y.mean()) < 0.02 and abs(y.std() - 1) < 0.02, (p, y.mean(), y.std())
    init.seed(1)
    y = nn.AlphaDropout(0.5)(Tensor([0.0, 1.0, -1.0, 5.0, 2.0, 1.0], dtype="float64")).numpy()
    keep = drawn(1, 6) <= 0.5
    low = -1.7580993408473766  # PyTorch's constant
    a = (0.5 * (1 + 0.5 * low**2)) ** -0.5
    x = np.array([0.0, 1.0, -1.0, 5.0, 2.0, 1.0])
    np.testing.assert_allclose(y, np.where(keep, x, low) * a - a * 0.5 * low)
    assert keep.any() and not keep.all()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.Dropout1d(1.5), ValueError, "Dropout1d: p is a number with 0 <= p <= 1, got 1.5"),
        (lambda: nn.AlphaDropout("a"), ValueError, "AlphaDropout: p is a number"),
        (lambda: nn.Dropout2d()(Tensor([[1.0]])), ShapeError, r"dropout2d: got shape \(1, 1\), wanted \(batch, chan"),
        (lambda: nn.Dropout1d()(init.ones(2, 2, 2, 2)), ShapeError, r"dropout1d: .* wanted \(batch, channels, len"),
        (lambda: nn.Dropout()(Tensor([1, 2])), DTypeError, "dropout: wanted floating-point numbers, got int64"),
        (lambda: ops.dropout(Tensor([1.0]), -0.1), ValueError, "dropout: p is a number with 0 <= p <= 1, got -0.1"),
        (lambda: ops.alpha_dropout([1.0], 0.5, "no"), ValueError, "alpha_dropout: training is True or False, got 'no'"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()
