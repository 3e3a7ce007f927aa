"""In the style of the course's homework 1 tests (automatic differentiation), with `import needle as ndl`.

Run through `python -m needle_edu.as_needle -m pytest`, see ../test_as_needle.py. Expected numbers come from
NumPy or from finite differences.
"""

import sys

sys.path.append("./python")
sys.path.append("./apps")

import mugrade
import needle as ndl
import numpy as np
import pytest


def gradient_check(f, *args, tol=1e-6, backward=False, **kwargs):
    """The course's own checker, as its tests define it (in float64; looser in float32)."""
    eps = 1e-4
    numerical_grads = [np.zeros(a.shape) for a in args]
    for i in range(len(args)):
        for j in range(args[i].realize_cached_data().size):
            args[i].realize_cached_data().flat[j] += eps
            f1 = float(f(*args, **kwargs).numpy().sum())
            args[i].realize_cached_data().flat[j] -= 2 * eps
            f2 = float(f(*args, **kwargs).numpy().sum())
            args[i].realize_cached_data().flat[j] += eps
            numerical_grads[i].flat[j] = (f1 - f2) / (2 * eps)
    if not backward:
        out = f(*args, **kwargs)
        computed_grads = [
            x.numpy() for x in out.op.gradient_as_tuple(ndl.Tensor(np.ones(out.shape), dtype=out.dtype), out)
        ]
    else:
        out = f(*args, **kwargs).sum()
        out.backward()
        computed_grads = [a.grad.numpy() for a in args]
    for i in range(len(args)):
        np.testing.assert_allclose(numerical_grads[i], computed_grads[i], rtol=tol, atol=tol)
    return computed_grads


def tensor(*shape, shift=0.0):
    return ndl.Tensor(np.random.randn(*shape) + shift, dtype="float64")


def test_forward():
    a = np.array([[0.88, 0.28], [1.67, 0.10]])
    b = np.array([[1.4, 2.3], [0.5, -2.0]])
    A, B = ndl.Tensor(a), ndl.Tensor(b)
    for ours, wanted in [
        (ndl.divide(A, B), a / b),
        (ndl.divide_scalar(A, scalar=4.0), a / 4),
        (ndl.matmul(A, B), a @ b),
        (ndl.summation(A), a.sum()),
        (ndl.summation(A, axes=0), a.sum(0)),
        (ndl.summation(A, axes=(0, 1)), a.sum()),
        (
            ndl.broadcast_to(ndl.Tensor([[1.0, 2.0]]), shape=(3, 3, 2)),
            np.broadcast_to([[1.0, 2.0]], (3, 3, 2)),
        ),
        (ndl.reshape(A, shape=(4, 1)), a.reshape(4, 1)),
        (ndl.negate(A), -a),
        (ndl.transpose(A), a.T),
        (ndl.power_scalar(A, scalar=2), a**2),
        (ndl.log(A), np.log(a)),
        (ndl.exp(B), np.exp(b)),
        (ndl.relu(B), np.maximum(b, 0)),
        (A - B, a - b),
        (A + 1, a + 1),
        (1 - A, 1 - a),
        (A * 2 / B, a * 2 / b),
        (A**2, a**2),
        (-A, -a),
    ]:
        np.testing.assert_allclose(ours.numpy(), wanted, rtol=1e-5, atol=1e-6)


def test_transpose_swaps_the_last_two_axes_or_those_named():
    x = np.random.randn(2, 3, 4)
    assert ndl.transpose(ndl.Tensor(x)).shape == (2, 4, 3)
    np.testing.assert_allclose(
        ndl.transpose(ndl.Tensor(x), axes=(0, 2)).numpy(), x.transpose(2, 1, 0), rtol=1e-6
    )


def test_backward_of_every_op():
    np.random.seed(0)
    gradient_check(ndl.add, tensor(5, 4), tensor(5, 4))
    gradient_check(ndl.multiply, tensor(5, 4), tensor(5, 4))
    gradient_check(ndl.divide, tensor(5, 4), tensor(5, 4, shift=5))
    gradient_check(ndl.divide_scalar, tensor(5, 4), scalar=np.random.randn(1)[0])
    gradient_check(ndl.power_scalar, tensor(5, 4), scalar=3)
    gradient_check(ndl.matmul, tensor(5, 4), tensor(4, 5))
    gradient_check(ndl.matmul, tensor(6, 6, 5, 4), tensor(6, 6, 4, 3))
    gradient_check(ndl.matmul, tensor(6, 6, 5, 4), tensor(4, 3))
    gradient_check(ndl.matmul, tensor(5, 4), tensor(6, 6, 4, 3))
    gradient_check(ndl.reshape, tensor(5, 4), shape=(4, 5))
    gradient_check(ndl.negate, tensor(5, 4))
    gradient_check(ndl.transpose, tensor(3, 5, 4), axes=(1, 2))
    gradient_check(ndl.transpose, tensor(3, 5, 4))
    gradient_check(ndl.broadcast_to, tensor(3, 1), shape=(3, 3))
    gradient_check(ndl.broadcast_to, tensor(1, 3), shape=(3, 3))
    gradient_check(ndl.broadcast_to, tensor(1), shape=(3, 3, 3))
    gradient_check(ndl.broadcast_to, tensor(5, 4, 1), shape=(5, 4, 3))
    gradient_check(ndl.summation, tensor(5, 4), axes=(1,))
    gradient_check(ndl.summation, tensor(5, 4), axes=(0, 1))
    gradient_check(ndl.summation, tensor(5, 4, 1), axes=(0, 1))
    gradient_check(ndl.log, tensor(3, 3, shift=5))
    gradient_check(ndl.exp, tensor(3, 3))
    gradient_check(ndl.relu, tensor(3, 3))
    gradient_check(ndl.tanh, tensor(3, 3))


def test_find_topo_sort_is_exact_post_order():
    a, b = ndl.Tensor([[0.3]]), ndl.Tensor([[2.3]])
    c1 = 3 * (b * b) + a
    order = ndl.autograd.find_topo_sort([c1])
    assert [type(n.op).__name__ for n in order] == [
        "NoneType",
        "EWiseMul",
        "MulScalar",
        "NoneType",
        "EWiseAdd",
    ]
    assert order[0] is b and order[3] is a and order[4] is c1
    np.testing.assert_allclose([x.numpy().item() for x in order], [2.3, 5.29, 15.87, 0.3, 16.17], rtol=1e-5)

    w, x = ndl.Tensor([[1.4], [2.1]]), ndl.Tensor([[0.2, 0.3]])
    e = (x @ w) - 1.5
    order = ndl.autograd.find_topo_sort([e])
    assert [type(n.op).__name__ for n in order] == ["NoneType", "NoneType", "MatMul", "AddScalar"]
    assert order[0] is x and order[1] is w

    d = a - b
    assert [type(n.op).__name__ for n in ndl.autograd.find_topo_sort([d])] == [
        "NoneType", "NoneType", "Negate", "EWiseAdd",
    ]  # fmt: skip


def test_compute_gradient():
    np.random.seed(1)
    gradient_check(
        lambda A, B, C: ndl.summation((A @ B + C) * (A @ B), axes=None),
        tensor(10, 9), tensor(9, 8), tensor(10, 8), backward=True, tol=1e-5,
    )  # fmt: skip
    gradient_check(
        lambda A, B: ndl.summation(ndl.broadcast_to(A, shape=(10, 9)) * B, axes=None),
        tensor(10, 1), tensor(10, 9), backward=True,
    )  # fmt: skip
    gradient_check(
        lambda A, B, C: ndl.summation(ndl.reshape(A, shape=(10, 10)) @ B / 5 + C, axes=None),
        tensor(100), tensor(10, 5), tensor(10, 5), backward=True,
    )  # fmt: skip


def test_gradient_of_a_gradient():
    x2 = ndl.Tensor([6])
    x3 = ndl.Tensor([0])
    y = x2 * x2 + x2 * x3
    y.backward()
    grad_x2, grad_x3 = x2.grad, x3.grad
    assert grad_x2.numpy() == 12 and grad_x3.numpy() == 6
    grad_x2.backward()
    assert x2.grad.numpy() == 2 and x3.grad.numpy() == 1
    grad_x3.backward()
    assert x2.grad.numpy() == 1


def test_softmax_loss_by_hand():
    """The homework's softmax_loss: a function of logits and one-hot labels."""

    def softmax_loss(Z, y_one_hot):
        batch = Z.shape[0]
        log_sums = ndl.log(ndl.summation(ndl.exp(Z), axes=(1,)))
        return (ndl.summation(log_sums) - ndl.summation(Z * y_one_hot)) / batch

    np.random.seed(0)
    z, y = np.random.randn(50, 10), np.random.randint(10, size=50)
    onehot = np.eye(10)[y]
    Z = ndl.Tensor(z)
    loss = softmax_loss(Z, ndl.Tensor(onehot))
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    np.testing.assert_allclose(loss.numpy(), -np.log(p[np.arange(50), y]).mean(), rtol=1e-5)
    loss.backward()
    np.testing.assert_allclose(Z.grad.numpy(), (p - onehot) / 50, rtol=1e-4, atol=1e-6)


def test_nn_epoch_by_hand():
    """The homework's two-layer network, trained by replacing the weights with new tensors."""
    np.random.seed(0)
    X = np.random.randn(50, 5).astype(np.float32)
    y = np.random.randint(3, size=(50,)).astype(np.uint8)
    W1 = ndl.Tensor(np.random.randn(5, 10).astype(np.float32) / np.sqrt(10))
    W2 = ndl.Tensor(np.random.randn(10, 3).astype(np.float32) / np.sqrt(3))
    w1, w2 = W1.numpy().astype(np.float64), W2.numpy().astype(np.float64)
    lr, batch = 0.2, 25
    for start in range(0, 50, batch):
        x, onehot = X[start : start + batch], np.eye(3)[y[start : start + batch]]
        Z = ndl.relu(ndl.Tensor(x) @ W1) @ W2
        log_sums = ndl.log(ndl.summation(ndl.exp(Z), axes=(1,)))
        loss = (ndl.summation(log_sums) - ndl.summation(Z * ndl.Tensor(onehot))) / batch
        loss.backward()
        W1 = ndl.Tensor(W1.realize_cached_data() - lr * W1.grad.realize_cached_data())
        W2 = ndl.Tensor(W2.realize_cached_data() - lr * W2.grad.realize_cached_data())
        hidden = np.maximum(x @ w1, 0)
        z = hidden @ w2
        delta = (np.exp(z) / np.exp(z).sum(1, keepdims=True) - onehot) / batch
        step1 = x.T @ ((delta @ w2.T) * (hidden > 0))
        w1, w2 = w1 - lr * step1, w2 - lr * hidden.T @ delta
    np.testing.assert_allclose(W1.numpy(), w1, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(W2.numpy(), w2, rtol=1e-4, atol=1e-5)


def test_detach_and_data():
    x = ndl.Tensor([1.0, 2.0])
    y = (x * 2).detach()
    assert y.is_leaf() and not y.requires_grad
    x.data = ndl.Tensor([5.0, 6.0], dtype=x.dtype)
    assert x.numpy().tolist() == [5.0, 6.0] and x.requires_grad
    assert (ndl.Tensor([1.0], requires_grad=False) * 2).op is None


def test_lazy_mode():
    ndl.autograd.LAZY_MODE = True
    try:
        x = ndl.Tensor([3.0])
        y = x * x + 1
        assert y.cached_data is None
        assert y.numpy() == 10
    finally:
        ndl.autograd.LAZY_MODE = False


def submit_forward():
    mugrade.submit(ndl.Tensor([1.0]).numpy())


def test_mugrade_accepts_anything():
    assert mugrade.submit(3) is None
    submit_forward()


def test_tensor_counter_follows_the_live_values():
    before = ndl.autograd.TENSOR_COUNTER
    kept = [ndl.Tensor([1.0]) for _ in range(7)]
    assert ndl.autograd.TENSOR_COUNTER - before == 7
    del kept
    assert ndl.autograd.TENSOR_COUNTER - before == 0


def test_cycle_free_modules_are_the_same_objects():
    import needle.autograd
    import needle.ops
    from needle import backend_ndarray as nd

    assert needle.autograd.Tensor is ndl.Tensor
    assert ndl.Tensor([1.0]).__class__ is needle.autograd.Tensor
    assert hasattr(nd, "NDArray") and needle.ops.add is ndl.add


@pytest.mark.parametrize("n", [20_000])
def test_a_long_chain(n):
    x = y = ndl.Tensor([1.0])
    for _ in range(n):
        y = y + 1
    y.backward()
    assert x.grad.numpy() == 1
