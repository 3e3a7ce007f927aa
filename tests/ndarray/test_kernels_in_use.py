"""How arrays use the kernels: overrides reach every path, layouts share plans, optimiser steps are the formulas."""

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.backend.optimizer_steps import Numbers
from needle_edu.ndarray import fused
from needle_edu.ndarray.layout import make_layout
from needle_edu.ndarray.plans import arithmetic_plan

from .oracle import same


@pytest.mark.parametrize(
    "kernel, compute",
    [
        ("add_dense", lambda a: a + a),
        ("add", lambda a: a + a[0]),
        ("add_scalar_dense", lambda a: a - 1),
        ("exp_dense", lambda a: nd.exp(a)),
        ("less", lambda a: a < a),
        ("sum", lambda a: a.sum(0)),
        ("matmul", lambda a: a @ a.T),
        ("gather", lambda a: a[[0]]),
        ("where", lambda a: nd.where(a > 0, a, a)),
        ("copy", lambda a: a.T.compact()),
    ],
)
def test_an_override_is_called_and_can_be_taken_out(kernel, compute, device):
    a = nd.array([[1, 2], [3, 4]], device=device)
    before = compute(a).numpy()
    original, calls = getattr(device.kernels, kernel), []
    with device.override(kernel, lambda *args: calls.append(kernel) or original(*args)):
        compute(a)
    assert calls == [kernel]
    np.testing.assert_array_equal(compute(a).numpy(), before)
    assert calls == [kernel]


def test_a_kernels_error_code_becomes_an_error(device):
    a = nd.ones((2, 2), device=device)
    with device.override("matmul", lambda *args: 2), pytest.raises(MemoryError, match="matmul"):
        a @ a


def test_plans_of_equal_layouts_are_made_once():
    a, b = nd.zeros((3, 4)), nd.ones((4,))
    assert arithmetic_plan(a.layout, b.layout) is arithmetic_plan(
        nd.ones((3, 4)).layout, nd.zeros((4,)).layout
    )


def test_layouts_that_fell_out_of_the_cache_still_compute():
    a = nd.array([[1, 2], [3, 4]])
    old = a.layout
    make_layout.cache_clear()
    nd.layout.compact_layout.cache_clear()
    b = nd.array([[1, 2], [3, 4]])
    assert b.layout is old  # interned while it lives
    same(a + b, np.array([[2, 4], [6, 8]], "float32"))


def stepped(kind, p, g, *memories, **numbers):
    """The new parameter after one step."""
    [(new, kept)] = fused.optimizer_steps([fused.Step(kind, p, g, memories, Numbers(**numbers))])
    return new, kept


def test_a_gradient_that_is_transposed_or_of_another_type_is_fitted(device):
    p = nd.ones((2, 3), device=device)
    g = nd.array(np.arange(6).reshape(3, 2), device=device).T
    same(stepped("sgd", p, g, rate=1.0)[0], 1 - np.arange(6, dtype="float32").reshape(3, 2).T)


def test_a_transposed_parameter_meets_a_row_major_average(device):
    """Both are without gaps, but not in one order."""
    p, g, u = (np.arange(6, dtype="float32").reshape(2, 3) + k for k in range(3))
    average = nd.array(u, device=device)
    transposed = nd.array(np.ascontiguousarray(p.T), device=device).T
    new, [kept] = stepped(
        "momentum", transposed, nd.array(g, device=device), average, rate=1.0, keep1=0.5, fresh1=0.5
    )
    same(new, p - (0.5 * u + 0.5 * g))
    same(kept, 0.5 * u + 0.5 * g)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_adam_is_its_formula(dtype, device, rng):
    p, g = (rng.normal(size=(4, 3)).astype(dtype) for _ in range(2))
    m, v = np.zeros_like(p), np.zeros_like(p)
    a, b, c, d = (nd.array(x, dtype, device) for x in (p, g, m, v))
    for t in (1, 2, 3):
        correct = {"rate": 0.01 / (1 - 0.9**t), "scale": 1 / (1 - 0.99**t), "eps": 1e-8}
        a, _ = stepped(
            "adam", a, b, c, d, decay=0.1, keep1=0.9, fresh1=0.1, keep2=0.99, fresh2=0.01, **correct
        )
        decayed = g + 0.1 * p
        m, v = 0.9 * m + 0.1 * decayed, 0.99 * v + 0.01 * decayed**2
        p = p - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-8)
    np.testing.assert_allclose(a.numpy(), p, rtol=5e-6, atol=1e-6)
    np.testing.assert_allclose(d.numpy(), v, rtol=5e-6)


@pytest.mark.parametrize("name, numpy", [
    ("relu", lambda x: np.maximum(x, 0)), ("sigmoid", lambda x: 1 / (1 + np.exp(-x.astype("float64")))),
])  # fmt: skip
def test_activations(name, numpy, device, rng):
    x = rng.normal(size=(5, 7)).astype("float32")
    np.testing.assert_allclose(getattr(nd, name)(nd.array(x, device=device)).numpy(), numpy(x), rtol=1e-6)


def test_backward_kernels(device, rng):
    g, x = (rng.normal(size=(4, 6)).astype("float32") for _ in range(2))
    a, b = nd.array(g, device=device), nd.array(x, device=device)
    for b_view, x_view, a_view, g_view in ((b, x, a, g), (b.T, x.T, a.T, g.T)):
        same(nd.relu_backward(a_view, b_view), g_view * (x_view > 0), rtol=1e-6)
        same(nd.tanh_backward(a_view, b_view), g_view * (1 - x_view * x_view), rtol=1e-5)
        same(nd.sigmoid_backward(a_view, b_view), g_view * x_view * (1 - x_view), rtol=1e-5)


def test_logsumexp_and_clip(device, rng):
    x = rng.normal(size=(3, 4)).astype("float32")
    a = nd.array(x, device=device)
    same(nd.logsumexp(a, axis=1), np.log(np.exp(x).sum(1)), rtol=1e-6)
    same(nd.logsumexp(a + 1e10), np.array([1e10], "float32"))
    same(nd.isfinite(nd.array([1, np.inf, np.nan], device=device)), np.array([True, False, False]))
    same(nd.clip(a, -0.5, 0.5), np.clip(x, np.float32(-0.5), np.float32(0.5)))


def test_isclose_on_both_sides_of_its_bound(device):
    """|a - b| <= atol + rtol |b|, as in NumPy: beside a small number only a smaller distance is close."""
    x = np.array([1.0, 0.005, 0.001, 0.0, -2.0, -0.001, np.inf, -np.inf, np.nan])
    a = nd.array(x, dtype="float64", device=device)
    for distance in (0.0, 9e-9, 1e-7, 1e-5, 1.0):
        same(nd.isclose(a, a + distance), np.isclose(x, x + distance), distance)
        same(nd.isclose(a + distance, a), np.isclose(x + distance, x), distance)
    expected = [1, 0, 0, 0, 1, 0, 1, 1, 0]
    assert nd.isclose(a, a + 1e-7).numpy().tolist() == expected


@pytest.mark.parametrize("shape", [(64, 64), (3, 64, 64), (200, 33)])
def test_products_of_real_size_in_every_orientation(shape, device, rng):
    x = rng.normal(size=shape).astype("float32")
    a = nd.array(x, device=device)
    expected = x.astype("float64") @ np.swapaxes(x, -1, -2)
    np.testing.assert_allclose((a @ a.mT).numpy(), expected, rtol=1e-4, atol=1e-4)
    other = np.swapaxes(x, -1, -2).astype("float64") @ x
    np.testing.assert_allclose((a.mT @ a).numpy(), other, rtol=1e-4, atol=1e-4)
    reverse = a[..., ::-1, :]
    np.testing.assert_allclose((reverse @ a.mT).numpy(), expected[..., ::-1, :], rtol=1e-4, atol=1e-4)
