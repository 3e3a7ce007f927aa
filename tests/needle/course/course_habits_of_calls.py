"""The words and shapes that public student stacks use when they call the engine, retyped small.

Needle's own names of parameters (`new_shape`, `new_axes`), gradients that keep the leading ones of a padded shape: on
Needle's own arrays all this passes the course's checks. See ../test_as_needle.py; more habits are in the files beside.
"""

import sys

sys.path.append("./python")

import numpy as np
import pytest
from needle import Tensor
from needle.autograd import TensorOp
from needle.backend_selection import BACKEND, array_api

on_arrays = pytest.mark.skipif(BACKEND == "np", reason="these stacks call methods of the course's NDArray")


def numbers(*shape):
    return np.linspace(-1.0, 2.0, int(np.prod(shape))).reshape(shape).astype("float32")


@on_arrays
def test_methods_of_arrays_take_needles_names():
    x = numbers(2, 3)
    a = array_api.array(x)
    np.testing.assert_array_equal(a.reshape(new_shape=(3, -1)).numpy(), x.reshape(3, 2))
    np.testing.assert_array_equal(a.compact().reshape(new_shape=[6]).numpy(), x.ravel())
    np.testing.assert_array_equal(a.permute(new_axes=(1, 0)).numpy(), x.T)
    wide = a.broadcast_to(new_shape=(4, 2, 3))
    np.testing.assert_array_equal(wide.numpy(), np.broadcast_to(x, (4, 2, 3)))
    assert wide.strides == (0, 3, 1)
    top = a.max(axis=(1,), keepdims=True)
    assert array_api.squeeze(top, axes=(1,)).shape == top.squeeze(axes=1).shape == (2,)


class Clipped(TensorOp):
    """NumPy's names, as the first homeworks write them: a copy, and a mask as an index."""

    def compute(self, a):
        out = array_api.copy(a)
        out[a < 0] = 0
        return out

    def gradient(self, out_grad, node):
        return out_grad * Tensor(node.inputs[0].realize_cached_data() > 0)


def test_numpys_names_that_the_first_homeworks_use():
    x = numbers(3, 4)
    a = Tensor(x).realize_cached_data()
    for function, wanted in ((array_api.amax, np.amax), (array_api.amin, np.amin)):
        np.testing.assert_array_equal(np.asarray(function(a, axis=1)), wanted(x, axis=1))
        np.testing.assert_array_equal(np.asarray(function(a, (0, 1), keepdims=True)), [[wanted(x)]])
    t = Tensor(x)
    y = Clipped()(t)
    y.sum().backward()
    np.testing.assert_array_equal(y.numpy(), np.maximum(x, 0))
    np.testing.assert_array_equal(t.grad.numpy(), x > 0)
    np.testing.assert_array_equal(t.numpy(), x)


def test_parts_by_numpys_split():
    """Cut into one part for each row, and squeezed, where others slice by hand."""
    x = numbers(3, 4)
    a = Tensor(x).realize_cached_data()
    for axis in (0, 1):
        parts = array_api.split(a, x.shape[axis], axis=axis)
        parts = [np.asarray(array_api.squeeze(part, axis)) for part in parts]
        np.testing.assert_array_equal(parts, np.moveaxis(x, axis, 0))


class Widen(TensorOp):
    """A broadcast whose gradient has the input's shape with ones in front, up to the result's dimensions."""

    def __init__(self, shape):
        self.shape = shape

    def compute(self, a):
        return array_api.broadcast_to(a, self.shape)

    def gradient(self, out_grad, node):
        shape = node.inputs[0].shape
        padded = (1,) * (len(self.shape) - len(shape)) + shape
        axes = tuple([i for i, extent in enumerate(padded) if extent == 1 and self.shape[i] > 1])
        return out_grad.sum(axes).reshape(padded)


class Narrow(TensorOp):
    """A gradient with fewer leading ones than its input has."""

    def compute(self, a):
        return a * 1

    def gradient(self, out_grad, node):
        return out_grad.sum((0,))


@pytest.mark.parametrize(
    "shape, wide", [((3,), (4, 3)), ((1,), (2, 3, 4)), ((3, 1), (2, 3, 4)), ((3, 4), (3, 4))]
)
def test_a_gradient_may_keep_the_ones_that_broadcasting_put_in_front(shape, wide):
    x, c = Tensor(numbers(*shape)), numbers(*wide)
    y = Widen(wide)(x) * Tensor(c)
    y.sum().backward()
    axes = tuple(range(len(wide) - len(shape))) + tuple(
        [i + len(wide) - len(shape) for i, extent in enumerate(shape) if extent == 1]
    )
    assert x.grad.shape == shape
    np.testing.assert_allclose(x.grad.numpy(), c.sum(axes).reshape(shape), rtol=1e-5)


def test_such_a_gradient_can_be_differentiated_again():
    x = Tensor(numbers(3))
    y = Widen((4, 3))(x)
    (y * y * y).sum().backward()
    g = x.grad
    g.sum().backward()
    np.testing.assert_allclose(g.numpy(), 12 * numbers(3) ** 2, rtol=1e-5)
    np.testing.assert_allclose(x.grad.numpy(), 24 * numbers(3), rtol=1e-5)


def test_a_gradient_may_lack_the_leading_one_of_its_input():
    x = Tensor(numbers(1, 3))
    Narrow()(x).backward(Tensor(numbers(1, 3)))
    assert x.grad.shape == (1, 3)
    np.testing.assert_allclose(x.grad.numpy(), numbers(1, 3))


class Turned(TensorOp):
    """A gradient of the right size along the wrong axis."""

    def compute(self, a):
        return a * 1

    def gradient(self, out_grad, node):
        return out_grad.reshape((3, 1))


def test_ones_elsewhere_are_a_mistake():
    with pytest.raises(
        Exception, match=r"Turned: the gradient for input 0 .* has shape \(3, 1\), wanted \(3,\)"
    ):
        Turned()(Tensor(numbers(3))).sum().backward()
