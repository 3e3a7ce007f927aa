"""Copies, devices and dtypes: the numbers are the same, the gradient finds its way back."""

import hidden_device  # noqa: F401  (registers it)
import numpy as np
import pytest

from needle_edu import Tensor, cpu, ops
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend.devices import device_named
from needle_edu.backend.errors import DeviceError, DTypeError

X = np.array([[1.0, -2.0, 3.0], [0.5, np.inf, -0.0]], "float32")


def test_a_clone_has_memory_of_its_own():
    x = Tensor(X)
    y = x.T.clone()
    assert y.shape == (3, 2) and np.array_equal(np.signbit(y.numpy()), np.signbit(X.T))
    copy = x.detach().clone()
    x.cached_data[0] = 7.0
    assert np.array_equal(copy.numpy(), X) and not np.array_equal(x.numpy(), X)
    x = Tensor(X)
    y = x.T.clone()
    (y * Tensor(X.T)).backward()
    np.testing.assert_array_equal(x.grad.numpy(), X)


def test_contiguous_copies_only_what_is_not():
    x = Tensor(X)
    assert x.contiguous() is x
    for other in (x.T, x[:, ::-1], x[:, 1:], x[:1].broadcast_to((2, 3))):
        y = other.contiguous()
        assert y is not other and y.contiguous() is y
        np.testing.assert_array_equal(y.numpy(), other.numpy())


def test_to_a_dtype():
    x = Tensor(X[:, :1], dtype="float32")
    y = x.to("float64")
    assert y.dtype == x.to(dtype="float64").dtype == x.to(y).dtype == x.to(np.float64).dtype == "float64"
    assert x.to("float32") is x and x.to() is x
    (y * 3).sum().backward()
    assert x.grad.dtype == "float32" and x.grad.numpy().tolist() == [[3], [3]]
    assert Tensor([1.7]).to("int64").numpy().tolist() == [1]
    assert Tensor([1, 0]).to("bool").numpy().tolist() == [True, False]


@pytest.mark.skipif(BACKEND == "np", reason="NumPy has one device")
def test_to_a_device_and_back():
    hidden = device_named("hidden")
    x = Tensor(X, device=cpu())
    y = x.to(hidden, "float64")
    assert y.device == hidden and y.dtype == "float64" and x.to(y).device == hidden
    z = (y * y).to(cpu())
    assert z.device == cpu()
    np.testing.assert_array_equal(z.numpy(), X.astype(float) ** 2)
    z.backward(create_graph=True)
    assert x.grad.device == cpu() and x.grad.dtype == "float32"
    np.testing.assert_array_equal(x.grad.numpy(), 2 * X)
    x.grad.backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full_like(X, 2))


def test_bad_input():
    x = Tensor(X)
    with pytest.raises(DTypeError, match="to: wanted a device, a dtype or a tensor, got 'cuda:0'"):
        x.to("cuda:0")
    with pytest.raises(DeviceError, match=r"to_device: device is a Device such as cpu\(\), got 'cpu'"):
        ops.to_device(x, "cpu")
    with pytest.raises(DeviceError, match=r"to: wanted a device such as cpu\(\), got 3"):
        x.to(device=3)
