"""One optimiser step in two forms, the fused kernel and the formula on NumPy arrays: the same numbers."""

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.ndarray import fused
from needle_edu.optim.steps import adam_step, sgd_step


def draw(dtype, count):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(3, 5)).astype(dtype) for _ in range(count)]


def agree(ours, numpys, dtype):
    assert ours.dtype == numpys.dtype == dtype
    np.testing.assert_allclose(ours.numpy(), numpys, rtol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("momentum", [None, 0.0, 0.9])
def test_sgd(dtype, momentum):
    p, *gradients = draw(dtype, 4)
    u = None if momentum is None else np.zeros_like(p)
    ours, average = nd.asarray(p.copy()), None if u is None else nd.zeros(p.shape, dtype)
    for g in gradients:
        ours = sgd_step(ours, nd.asarray(g), average, 0.1, momentum or 0.0, 0.01)
        p = sgd_step(p, g, u, 0.1, momentum or 0.0, 0.01)
        agree(ours, p, dtype)
        if u is not None:
            agree(average, u, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_adam(dtype):
    p, *gradients = draw(dtype, 4)
    m, v = np.zeros_like(p), np.zeros_like(p)
    ours, our_m, our_v = nd.asarray(p.copy()), nd.zeros(p.shape, dtype), nd.zeros(p.shape, dtype)
    for t, g in enumerate(gradients, start=1):
        ours = adam_step(ours, nd.asarray(g), our_m, our_v, 0.1, 0.9, 0.99, 1e-6, 0.01, t)
        p = adam_step(p, g, m, v, 0.1, 0.9, 0.99, 1e-6, 0.01, t)
        agree(ours, p, dtype), agree(our_m, m, dtype), agree(our_v, v, dtype)


def test_a_step_stamps_the_averages_it_writes():
    """A graph that was made from them must notice."""
    p, g, u, m, v = (nd.asarray(a) for a in draw("float32", 5))
    fused.sgd_step(p, g, u, 0.1, 0.9)
    after_sgd = u.storage.version
    fused.adam_step(p, g, m, v, 0.1, 0.9, 0.99, 1e-6, 0.0, 1)
    assert 0 < after_sgd < m.storage.version == v.storage.version
    assert p.storage.version == g.storage.version == 0
