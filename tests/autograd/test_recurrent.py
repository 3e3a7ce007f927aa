"""Recurrent networks as one op: beside their steps in NumPy, for lengths of all kinds, on every path to the result.

Compiled kernels, arrays step by step and tensors step by step (the derivative of the derivative) have to agree; the
layers are compared with PyTorch in tests/nn/test_recurrent.py.
"""

import numpy as np
import pytest

from needle_edu import Tensor, grad_check, ops
from needle_edu.autograd.arrays import BACKEND, recurrence
from needle_edu.autograd.pulled_back import pulled_back, stand_ins
from needle_edu.backend.errors import GradientError, NeedleError, ShapeError

KINDS = {"rnn": (1, 1), "lstm": (4, 2), "gru": (3, 1)}  # gates, parts of a state
SIZES = [(3, 3, 3, 3), (4, 2, 2, 1), (1,), (2,), (5, 0, 0), (0, 0), (1, 1, 1, 1, 1, 1, 1)]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(kind, x, state, w, bias, nonlinearity="tanh"):
    s = state[0] @ w
    if kind == "rnn":
        return [np.tanh(x + s) if nonlinearity == "tanh" else np.maximum(x + s, 0)]
    if kind == "lstm":
        i, f, g, o = np.split(x + s, 4, axis=1)
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        return [sigmoid(o) * np.tanh(c), c]
    (xr, xz, xn), (sr, sz, sn) = np.split(x, 3, axis=1), np.split(s + bias, 3, axis=1)
    z, n = sigmoid(xz + sz), np.tanh(xn + sigmoid(xr + sr) * sn)
    return [(1 - z) * n + z * state[0]]


def by_sequences(kind, x, state, w, bias, sizes, reverse, **options):
    """Each sequence by itself: pick its rows, go through them, put the outputs back."""
    starts = np.cumsum([0, *sizes])
    y, ends = np.zeros((len(x), w.shape[0])), [part.copy() for part in state]
    for k in range(sizes[0]):
        rows = [starts[t] + k for t, size in enumerate(sizes) if k < size]
        now = [part[k : k + 1] for part in state]
        for row in rows[::-1] if reverse else rows:
            now = step(kind, x[row : row + 1], now, w, bias, **options)
            y[row] = now[0][0]
        for end, part in zip(ends, now, strict=True):
            end[k] = part[0]
    return [y, *ends]


def given(kind, sizes, hidden, rng):
    gates, parts = KINDS[kind]
    shapes = [(sum(sizes), gates * hidden), *[(sizes[0], hidden)] * parts, (hidden, gates * hidden)]
    return [rng.normal(size=shape) for shape in shapes + [(gates * hidden,)] * (kind == "gru")]


def parted(kind, inputs):
    x, *rest = inputs
    parts = KINDS[kind][1]
    return x, rest[:parts], rest[parts], rest[parts + 1] if kind == "gru" else None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("hidden", [1, 3, 37])
@pytest.mark.parametrize("dtype, tol", [("float64", 1e-10), ("float32", 2e-4)])
def test_each_sequence_by_itself(kind, sizes, reverse, hidden, dtype, tol, rng):
    inputs = given(kind, sizes, hidden, rng)
    x, state, w, bias = parted(kind, inputs)
    w /= hidden**0.5
    wanted = by_sequences(kind, x, state, w, bias, sizes, reverse)
    got = getattr(ops, f"{kind}_scan")(*[Tensor(a, dtype=dtype) for a in inputs], sizes, reverse)
    assert [part.dtype for part in got] == [dtype] * len(wanted)
    for ours, right in zip(got, wanted, strict=True):
        np.testing.assert_allclose(ours.numpy(), right, rtol=tol, atol=tol)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("hidden", [2, 17])
@pytest.mark.parametrize("dtype, tol", [("float64", 1e-10), ("float32", 2e-3)])
def test_the_kernels_gradient_is_that_of_the_steps(kind, sizes, reverse, hidden, dtype, tol, rng):
    """What is computed at once beside what the graph of ordinary ops gives, for adjoints of all results."""
    inputs = given(kind, sizes, hidden, rng)
    inputs[1 + KINDS[kind][1]] /= hidden**0.5
    tensors = [Tensor(a, dtype=dtype) for a in inputs]
    results = getattr(ops, f"{kind}_scan")(*tensors, sizes, reverse)
    leaves = stand_ins([Tensor(a, dtype=dtype) for a in inputs])
    outputs = results.op.unrolled(leaves)
    adjoints = [rng.normal(size=part.shape) for part in outputs]
    wanted = pulled_back(outputs, [Tensor(g, dtype=dtype) for g in adjoints], leaves)
    sum((part * Tensor(g, dtype=dtype)).sum() for part, g in zip(results, adjoints, strict=True)).backward()
    for ours, right in zip(tensors, wanted, strict=True):
        np.testing.assert_allclose(ours.grad.numpy(), right.numpy(), rtol=tol, atol=tol)


@pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays have no compiled kernels")
def test_floats_take_the_kernel(monkeypatch, rng):
    called = []
    for name in ("forward", "backward"):
        original = getattr(recurrence, name)
        monkeypatch.setattr(recurrence, name, lambda *a, f=original, n=name: called.append(n) or f(*a))
    tensors = [Tensor(a) for a in given("lstm", (2, 1), 3, rng)]
    ops.lstm_scan(*tensors, sizes=(2, 1))[0].sum().backward()
    native = tensors[0].device.runtime.native
    assert called == (["forward", "backward"] if native else [])


@pytest.mark.parametrize("kind", KINDS)
def test_operands_that_lie_otherwise_in_memory(kind, rng):
    inputs = given(kind, (3, 3, 1), 4, rng)
    plain = getattr(ops, f"{kind}_scan")(*[Tensor(a, dtype="float64") for a in inputs], (3, 3, 1))
    turned = []
    for a in inputs:
        back = ops.flip(Tensor(a[::-1].copy(), dtype="float64"), 0)
        turned.append(ops.transpose(Tensor(a.T.copy(), dtype="float64")) if a.ndim == 2 else back)
    for ours, right in zip(getattr(ops, f"{kind}_scan")(*turned, (3, 3, 1)), plain, strict=True):
        np.testing.assert_allclose(ours.numpy(), right.numpy(), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_backward_pass_may_be_repeated_and_runs_on_what_is_used(kind, rng):
    """Twice the same graph, and adjoints of one result alone."""
    tensors = [Tensor(a, dtype="float64") for a in given(kind, (2, 2, 1), 3, rng)]
    results = getattr(ops, f"{kind}_scan")(*tensors, (2, 2, 1))
    loss = (results[1] ** 2).sum()
    loss.backward()
    first = [t.grad.numpy() for t in tensors]
    loss.backward()
    for t, g in zip(tensors, first, strict=True):
        np.testing.assert_array_equal(t.grad.numpy(), g)
    assert grad_check(
        lambda *a: getattr(ops, f"{kind}_scan")(*a, (2, 2, 1))[1], *[t.numpy() for t in tensors]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_third_derivatives(kind, rng):
    x = rng.normal(size=(3, KINDS[kind][0]))
    others = [Tensor(a, dtype="float64") for a in given(kind, (1, 1, 1), 1, rng)[1:]]

    def second(values):
        t = Tensor(values, dtype="float64")
        getattr(ops, f"{kind}_scan")(t, *others, (1, 1, 1))[0].sum().backward(create_graph=True)
        (t.grad**2).sum().backward(create_graph=True)
        return t

    t = second(x)
    (t.grad**2).sum().backward()
    got, eps = t.grad.numpy(), 1e-5
    for i in np.ndindex(*x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[i] += sign * eps
            ends.append((second(moved).grad.numpy() ** 2).sum())
        np.testing.assert_allclose(got[i], (ends[0] - ends[1]) / (2 * eps), rtol=1e-4, atol=1e-7)


def test_the_same_tensor_in_two_places(rng):
    """h and c are one tensor: its gradient is the sum, in the first derivative and in the second."""
    x, h, _, w = given("lstm", (2, 2), 2, rng)
    assert grad_check(lambda x, h, w: ops.lstm_scan(x, h, h, w, (2, 2))[0], x, h, w, order=2)


def test_an_overwritten_input_is_an_error(rng):
    tensors = [Tensor(a, dtype="float64") for a in given("rnn", (2, 2), 2, rng)]
    loss = ops.rnn_scan(*tensors, sizes=(2, 2))[0].sum()
    tensors[2].data = tensors[2].data * 2
    with pytest.raises(GradientError, match="rnn_scan: .* was overwritten after the forward pass"):
        loss.backward()


@pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays do not say when somebody writes to them")
def test_what_was_kept_is_not_used_for_numbers_that_were_overwritten(rng):
    """The backward op computed once more, as a replayed graph does, after somebody wrote into the input."""
    node = ops.rnn_scan(*[Tensor(a, dtype="float64") for a in given("rnn", (2, 2), 3, rng)], (2, 2))
    arrays = [x.realize_cached_data() for x in node.inputs]
    arrays[0][...] = arrays[0] * 2 + 1
    adjoints = [Tensor(rng.normal(size=(n, 3)), dtype="float64").realize_cached_data() for n in (4, 2)]
    again, fresh = ops.RNNScanBackward((2, 2)), ops.RNNScanBackward((2, 2))
    again.kept = node.op.kept
    for ours, right in zip(again.compute(*adjoints, *arrays), fresh.compute(*adjoints, *arrays), strict=True):
        np.testing.assert_array_equal(ours.numpy(), right.numpy())


def test_edges_of_float32():
    """Saturated gates, and a nan that stays with its sequence."""
    x = np.array([[1e30] * 4, [-1e30] * 4, [np.nan] * 4, [np.inf] * 4], "float32")
    zeros = np.zeros((4, 1), "float32")
    y, _, c = ops.lstm_scan(x, zeros, zeros, np.zeros((1, 4), "float32"), sizes=(4,))
    np.testing.assert_allclose(y.numpy()[:, 0], [np.tanh(1), 0, np.nan, np.tanh(1)], rtol=1e-6, atol=1e-30)
    y, _ = ops.rnn_scan(
        np.array([[np.nan], [-np.inf]], "float32"), zeros[:2], [[0.0]], (2,), nonlinearity="relu"
    )
    np.testing.assert_array_equal(y.numpy(), [[np.nan], [0]])


class TestBadInput:
    def test_shapes(self, rng):
        x, h, w = given("rnn", (2, 1), 3, rng)
        with pytest.raises(
            ShapeError, match=r"rnn_scan: for 3 rows of 2 sequences wanted x .* got shapes \(2, 3\)"
        ):
            ops.rnn_scan(x[:2], h, w, (2, 1))
        with pytest.raises(ShapeError, match=r"rnn_scan: .*states \(sequences, hidden\); got shapes"):
            ops.rnn_scan(x, h[:1], w, (2, 1))
        with pytest.raises(ShapeError, match=r"lstm_scan: .*weight \(hidden, 4 · hidden\)"):
            ops.lstm_scan(x, h, h, w, (2, 1))
        x, h, w, bias = given("gru", (2, 1), 3, rng)
        with pytest.raises(ShapeError, match=r"gru_scan: .*bias \(3 · hidden,\); got"):
            ops.gru_scan(x, h, w, bias[:3], (2, 1))
        y = np.zeros((3, 3))
        with pytest.raises(
            ShapeError, match=r"gru_scan_backward: wanted an adjoint of shape \(3, 3\), got \(2, 3\)"
        ):
            ops.gru_scan_backward(y[:2], h, x, h, w, bias, (2, 1))

    def test_options(self, rng):
        inputs = given("rnn", (2, 1), 3, rng)
        for sizes in ((1, 2), ()):
            with pytest.raises(ShapeError, match="rnn_scan: sizes are the rows of each moment"):
                ops.rnn_scan(*inputs, sizes)
        with pytest.raises(NeedleError, match="rnn_scan: nonlinearity is 'tanh' or 'relu', got 'sigmoid'"):
            ops.rnn_scan(*inputs, (2, 1), nonlinearity="sigmoid")
        with pytest.raises(ValueError, match="rnn_scan: reverse is True or False, got 'no'"):
            ops.rnn_scan(*inputs, (2, 1), reverse="no")
