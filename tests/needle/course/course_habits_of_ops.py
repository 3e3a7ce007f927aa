"""The habits of public student stacks, retyped small: how their ops call the engine.

Axes as lists, arrays made by hand and filled by slices, masks, gradients out of cached data: nothing here is theirs but
the manner. Run through `python -m needle_edu.as_needle -m pytest`, see ../test_as_needle.py; their layers and loops are
in course_habits_of_layers.py.
"""

import operator
import sys
from functools import reduce

sys.path.append("./python")

import numpy as np
import pytest
from needle import Tensor, TensorTuple, ops
from needle.autograd import TensorOp, TensorTupleOp, Value
from needle.backend_selection import BACKEND, NDArray, array_api

on_arrays = pytest.mark.skipif(BACKEND == "np", reason="these stacks call methods of the course's NDArray")
X = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]], dtype="float32")


def numbers(*shape):
    return np.linspace(-1.0, 2.0, int(np.prod(shape))).reshape(shape).astype("float32")


def close(found, wanted, tol=1e-4):
    found = found.numpy() if hasattr(found, "numpy") else found
    np.testing.assert_allclose(found, wanted, rtol=tol, atol=tol)


def slope(function, x, at):
    """The derivative of the sum of `function` at one place, by differences."""
    up, down = x.astype("float64"), x.astype("float64")
    up[at] += 1e-3
    down[at] -= 1e-3
    dtype = x.dtype
    total = lambda a: float(np.sum(function(Tensor(a.astype(dtype))).numpy().astype("float64")))  # noqa: E731
    return (total(up) - total(down)) / 2e-3


def check_gradient(function, x, tol=2e-2):
    t = Tensor(x)
    function(t).backward()
    for at in np.ndindex(x.shape):
        assert abs(t.grad.numpy()[at] - slope(function, x, at)) < tol * max(1, abs(t.grad.numpy()[at]))


# ---- ops -----------------------------------------------------------------------------------------------------------


class Swap(TensorOp):
    """Axes as a list, or as an array of NumPy's."""

    def __init__(self, axes=None, kind=list):
        self.axes, self.kind = axes, kind

    def compute(self, a):
        order = self.kind(range(len(a.shape)))
        i, j = self.axes or (-1, -2)
        order[i], order[j] = order[j], order[i]
        return a.permute(order)

    def gradient(self, out_grad, node):
        return Swap(self.axes, self.kind)(out_grad)


@on_arrays
@pytest.mark.parametrize("kind", [list, lambda axes: np.arange(0, len(axes))], ids=["list", "arange"])
@pytest.mark.parametrize("axes", [None, (0, 2), (1, 0)])
def test_permute_takes_lists_and_numpys_integers(axes, kind):
    x = numbers(2, 3, 4)
    t = Tensor(x)
    y = Swap(axes, kind)(t)
    close(y, np.swapaxes(x, *(axes or (-1, -2))))
    y.sum().backward()
    close(t.grad, np.ones_like(x))


@on_arrays
def test_a_view_made_of_shape_and_strides_from_an_instance():
    a = Tensor(X).realize_cached_data()
    shape, strides = tuple([a.shape[i] for i in (1, 0)]), tuple([a.strides[i] for i in (1, 0)])
    close(a.make(shape=shape, strides=strides, device=a.device, handle=a._handle, offset=a._offset), X.T)


class SumAxisByAxis(TensorOp):
    def __init__(self, axes=None, keepdims=False):
        self.axes = (axes,) if isinstance(axes, int) else axes
        self.keepdims = keepdims

    def compute(self, a):
        if self.axes is None or len(self.axes) == 1:
            return a.sum(axis=self.axes, keepdims=self.keepdims)
        gone = 0
        for axis in sorted(self.axes):
            a = a.sum(axis=axis - gone, keepdims=self.keepdims)
            gone += not self.keepdims
        return a

    def gradient(self, out_grad, node):
        (a,) = node.inputs
        if self.axes is None:
            return ops.broadcast_to(ops.reshape(out_grad, tuple(1 for _ in a.shape)), a.shape)
        shape = list(out_grad.shape)
        for axis in self.axes:
            shape.insert(axis, 1)
        return ops.broadcast_to(ops.reshape(out_grad, shape), a.shape)


@pytest.mark.parametrize("axes", [None, 0, 1, (0, 2), (1, 2)])
def test_sums_axis_by_axis_and_shapes_as_lists(axes):
    x = numbers(2, 3, 4)
    t = Tensor(x)
    y = SumAxisByAxis(axes)(t)
    close(np.ravel(y.numpy()), np.ravel(x.sum(axis=axes)))
    y.backward()
    close(t.grad, np.ones_like(x))


class MaskedReLU(TensorOp):
    """Three ways in which stacks make the mask."""

    def __init__(self, way):
        self.way = way

    def compute(self, a):
        return a * (a > 0) if self.way == "product" else array_api.maximum(a, 0)

    def gradient(self, out_grad, node):
        (a,) = node.inputs
        if self.way == "product":
            return out_grad * Tensor(a.cached_data > 0, device=a.device, dtype=a.dtype)
        if self.way == "data":
            mask = a.realize_cached_data() >= 0
            return Tensor(out_grad.realize_cached_data() * mask, device=a.device)
        return out_grad * Tensor(node.inputs[0].cached_data > 0, device=out_grad.device)


@pytest.mark.parametrize("way", ["product", "data", "bools"])
def test_relu_with_a_mask(way):
    t = Tensor(X)
    y = MaskedReLU(way)(t)
    close(y, np.maximum(X, 0))
    y.backward()
    close(t.grad, (X > 0).astype("float32"))


class PowerWithData(TensorOp):
    """The gradient is a tensor times arrays."""

    def compute(self, a, b):
        return a**b

    def gradient(self, out_grad, node):
        a, b = node.inputs[0].cached_data, node.inputs[1].cached_data
        power = a**b
        return out_grad * (b * a ** (b - 1)), out_grad * (power * array_api.log(a))


def test_a_tensor_times_arrays():
    a, b = Tensor(np.abs(X)), Tensor(np.abs(X[::-1].copy()))
    y = PowerWithData()(a, b)
    y.backward()
    close(a.grad, b.numpy() * a.numpy() ** (b.numpy() - 1), 1e-3)
    close(b.grad, a.numpy() ** b.numpy() * np.log(a.numpy()), 1e-3)


class Quotient(TensorOp):
    """Ops called as classes, in the gradient too."""

    def compute(self, a, b):
        return a / b

    def gradient(self, out_grad, node):
        a, b = node.inputs
        one_over = ops.PowerScalar(-1)(b)
        left = ops.EWiseMul()(out_grad, one_over)
        right = ops.EWiseMul()(ops.Negate()(a), ops.PowerScalar(2)(one_over))
        return left, ops.EWiseMul()(out_grad, right)


def test_ops_called_as_classes():
    a, b = Tensor(X), Tensor(np.abs(X) + 1)
    Quotient()(a, b).backward()
    close(a.grad, 1 / b.numpy())
    close(b.grad, -X / b.numpy() ** 2)


def test_a_number_as_a_tensor_is_broadcast():
    share = Tensor(1 / 4, device=Tensor(X).device)
    y = ops.EWiseMul()(Tensor(X), ops.BroadcastTo(X.shape)(share))
    close(y, X / 4)


class Joined(TensorOp):
    """Stack, with the array made by `way`."""

    def __init__(self, axis, way):
        self.axis, self.way = axis, way

    def compute(self, args):
        assert len(args) == len(list(args))
        shape = list(args[0].shape)
        shape.insert(self.axis, len(args))
        device = args[0].device
        if self.way == "device":
            out = device.full(shape=shape, fill_value=0)
        elif self.way == "empty":
            out = array_api.empty(shape, device=device)
        elif self.way == "full":
            out = array_api.full(shape=tuple(shape), fill_value=0, device=device)
        else:
            out = array_api.array(np.ones(shape=shape), device=device)
        for i, a in enumerate(args):
            place = [slice(None)] * len(shape)
            place[self.axis] = i if self.way in ("empty", "full") else slice(i, i + 1, 1)
            out[tuple(place)] = a
        return out

    def gradient(self, out_grad, node):
        return Parted(self.axis, self.way)(out_grad)


class Parted(TensorTupleOp):
    """Split, by slices or by integers."""

    def __init__(self, axis, way):
        self.axis, self.way = axis, way

    def compute(self, A):
        shape = list(A.shape)
        shape.pop(self.axis)
        parts = []
        for i in range(A.shape[self.axis]):
            place = [slice(0, n, 1) for n in A.shape]
            place[self.axis] = i if self.way in ("empty", "full") else slice(i, i + 1, 1)
            parts.append(A[tuple(place)].compact().reshape(shape if self.way == "empty" else tuple(shape)))
        return tuple(parts)

    def gradient(self, out_grad, node):
        assert isinstance(out_grad, TensorTuple)
        return Joined(self.axis, self.way)(ops.make_tuple(*out_grad))


@on_arrays
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("way", ["device", "empty", "full", "array"])
def test_stack_and_split_in_four_hands(way, axis):
    a, b = Tensor(X), Tensor(2 * X)
    y = Joined(axis, way)(ops.make_tuple(a, b))
    close(y, np.stack([X, 2 * X], axis))
    parts = Parted(axis, way)(y)
    assert len(parts) == 2
    close(parts[1], 2 * X)
    (parts[0] * parts[1]).sum().backward()
    close(a.grad, 2 * X)
    close(b.grad, X)


class Widened(TensorOp):
    """Dilation, the array made in two ways."""

    def __init__(self, axes, dilation, way):
        self.axes, self.dilation, self.way = axes, dilation, way

    def compute(self, a):
        shape, place = list(a.shape), [slice(None) for _ in a.shape]
        for axis in self.axes:
            if axis >= len(shape):
                continue
            shape[axis] *= self.dilation + 1
            place[axis] = slice(0, shape[axis], self.dilation + 1)
        if self.way == "make":
            out = NDArray.make(shape=tuple(shape), device=a.device)
            out[tuple(slice(0, n, 1) for n in shape)] = 0
        else:
            out = array_api.full(shape, 0, device=a.device)
        out[tuple(place)] = a
        return out.compact()

    def gradient(self, out_grad, node):
        return ops.undilate(out_grad, axes=self.axes, dilation=self.dilation)


@on_arrays
@pytest.mark.parametrize("way", ["make", "full"])
def test_dilation_by_hand(way):
    t = Tensor(X)
    y = Widened((0, 1, 5), 1, way)(t)
    close(y, ops.dilate(Tensor(X), (0, 1), 1).numpy())
    (y * y).sum().backward()
    close(t.grad, 2 * X)


class WindowConv(TensorOp):
    """im2col through NDArray.make."""

    def __init__(self, stride=1, padding=0):
        self.stride, self.padding = stride, padding

    def compute(self, A, B):
        p, s = self.padding, self.stride
        A = A.pad(((0, 0), (p, p), (p, p), (0, 0))).compact()
        (N, H, W, C), (Ns, Hs, Ws, Cs) = A.shape, A.strides
        K, _, _, out = B.shape
        h, w = (H - K) // s + 1, (W - K) // s + 1
        Z = NDArray.make(
            shape=(N, h, w, K, K, C), strides=(Ns, Hs * s, Ws * s, Hs, Ws, Cs), device=A.device, handle=A._handle
        )  # fmt: skip
        inner = reduce(operator.mul, (K, K, C), 1)
        Z = Z.compact().reshape((N * h * w, inner)) @ B.compact().reshape((inner, out))
        return Z.compact().reshape((N, h, w, out))


@on_arrays
@pytest.mark.parametrize("stride, padding", [(1, 0), (2, 1), (1, 2)])
def test_convolution_by_windows(stride, padding):
    x, w = Tensor(numbers(2, 5, 5, 3)), Tensor(numbers(3, 3, 3, 4))
    found = WindowConv(stride, padding)(x, w)
    close(found, ops.conv(x, w, stride=stride, padding=padding).numpy(), 1e-3)


class SoftLog(TensorOp):
    """logsoftmax with positional axes of the array API's functions, and `hasattr` for what there is."""

    def compute(self, Z):
        largest = Z.max(axis=-1, keepdims=True)
        shifted = Z - (largest.broadcast_to(Z.shape) if hasattr(largest, "broadcast_to") else largest)
        total = array_api.sum(array_api.exp(shifted), axis=1, keepdims=True)
        if hasattr(array_api, "summation"):
            total = array_api.summation(array_api.exp(shifted), axis=1, keepdims=True)
        return shifted - array_api.broadcast_to(array_api.log(total), Z.shape)

    def gradient(self, out_grad, node):
        shape = list(node.shape)
        shape[-1] = 1
        total = ops.broadcast_to(ops.reshape(ops.summation(out_grad, axes=-1), tuple(shape)), node.shape)
        return out_grad - ops.exp(node) * total


def test_logsoftmax_by_hand():
    close(SoftLog()(Tensor(X)), X - np.log(np.exp(X).sum(1, keepdims=True)))
    check_gradient(lambda t: SoftLog()(t) * Tensor(numbers(2, 3)), X)


class SumLogs(TensorOp):
    def __init__(self, axes=None):
        self.axes = axes

    def compute(self, Z):
        shape = tuple([1 if not self.axes or i in self.axes else n for i, n in enumerate(Z.shape)])
        largest = array_api.max(Z, self.axes)
        lifted = array_api.broadcast_to(array_api.reshape(largest, shape), Z.shape)
        return array_api.log(array_api.sum(array_api.exp(Z - lifted), self.axes)) + largest

    def gradient(self, out_grad, node):
        (Z,) = node.inputs
        shape = tuple([1 if not self.axes or i in self.axes else n for i, n in enumerate(Z.shape)])
        largest = Tensor(
            array_api.reshape(array_api.max(Z.realize_cached_data(), self.axes), shape), dtype="float32"
        )
        scores = ops.exp(Z - ops.broadcast_to(largest, Z.shape))
        total = ops.reshape(ops.summation(scores, self.axes), shape)
        probabilities = scores / ops.broadcast_to(total, Z.shape)
        return ops.broadcast_to(ops.reshape(out_grad, shape), Z.shape) * probabilities


@pytest.mark.parametrize("axes", [None, (0,), (1,), (0, 1)])
def test_logsumexp_by_hand(axes):
    close(np.ravel(SumLogs(axes)(Tensor(X)).numpy()), np.ravel(np.log(np.exp(X).sum(axes))))
    check_gradient(SumLogs(axes), X)


class Capped(TensorOp):
    """An op with a call of its own, through make_from_op."""

    def __call__(self, *args):
        return Tensor.make_from_op(self, args)

    def compute(self, a):
        return array_api.maximum(a, 0)

    def gradient(self, out_grad, node):
        return out_grad * Tensor(node.inputs[0].realize_cached_data() > 0, device=out_grad.device)


def test_make_from_op_by_hand():
    t = Tensor(X)
    y = Capped()(t)
    assert isinstance(y, Value) and y.op is not None
    y.backward()
    close(t.grad, (X > 0) * 1.0)


# ---- three more manners ----------------------------------------------------------------------------------------------


class TotalOfPowers(TensorOp):
    """logsumexp whose gradient divides a Tensor by an array and multiplies it with one; axes as an int or a tuple."""

    def __init__(self, axes=None):
        self.axes = (axes,) if isinstance(axes, int) else axes

    def parts(self, z):
        most = z.max(self.axes, keepdims=True)
        powers = array_api.exp(z - most.broadcast_to(z.shape))
        return most, powers, powers.sum(self.axes)

    def compute(self, z):
        most, _, total = self.parts(z)
        total = array_api.log(total)
        return total + most.reshape(total.shape)

    def gradient(self, out_grad, node):
        z = node.inputs[0].realize_cached_data()
        _, powers, total = self.parts(z)
        axes = self.axes if self.axes is not None else range(len(z.shape))
        shape = [1 if i in axes else n for i, n in enumerate(z.shape)]
        return ops.reshape(out_grad / total, shape).broadcast_to(z.shape) * powers


@on_arrays
@pytest.mark.parametrize("axes", [None, 1, (0,), (0, 1)])
def test_a_gradient_of_arrays_and_tensors(axes):
    x, wide = Tensor(X), X.astype("float64")
    y = TotalOfPowers(axes)(x)
    over = (axes,) if isinstance(axes, int) else axes
    total = np.exp(wide).sum(over, keepdims=True)
    close(y.numpy().reshape(-1), np.log(total).reshape(-1))
    y.sum().backward()
    close(x.grad, np.exp(wide) / total)


class Rows(TensorTupleOp):
    """A list, not a tuple, of rows; each by an integer that keeps its axis, made compact and summed over it."""

    def compute(self, a):
        return [a[(i, slice(0, a.shape[1], 1))].compact().sum(0) for i in range(a.shape[0])]

    def gradient(self, out_grad, node):
        return ops.stack(out_grad, 0)


@on_arrays
def test_rows_come_as_a_list():
    x = Tensor(X)
    first, second = Rows()(x)
    close(first, X[0])
    (first * 2 + second).sum().backward()
    close(x.grad, [[2, 2, 2], [1, 1, 1]])
