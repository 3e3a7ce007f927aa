"""Code as students write it: their own ops, layers, optimisers, data sets, and arrays on the kernel module.

Run through `python -m needle_edu.as_needle -m pytest`, see ../test_as_needle.py. What is written here follows
the skeletons of the course; expected numbers come from NumPy, finite differences, or the library's own layers.
"""

import sys

sys.path.append("./python")

import needle as ndl
import needle.init as init
import needle.nn as nn
import numpy as np
import pytest
from needle import Tensor, TensorTuple, backend_ndarray as nd
from needle.autograd import TensorOp, TensorTupleOp
from needle.backend_selection import BACKEND, NDArray, array_api

# ---- ops: `compute` on arrays, one `gradient` for all inputs ------------------------------------


class EWiseAdd(TensorOp):
    def compute(self, a: NDArray, b: NDArray):
        return a + b

    def gradient(self, out_grad: Tensor, node: Tensor):
        return out_grad, out_grad


class PowerScalar(TensorOp):
    def __init__(self, scalar: int):
        self.scalar = scalar

    def compute(self, a):
        return a**self.scalar

    def gradient(self, out_grad, node):
        (a,) = node.inputs
        return out_grad * self.scalar * ndl.power_scalar(a, self.scalar - 1)


class Transpose(TensorOp):
    def __init__(self, axes=None):
        self.axes = axes

    def compute(self, a):
        order = list(range(len(a.shape)))
        x, y = self.axes or (-1, -2)
        order[x], order[y] = order[y], order[x]
        return a.permute(tuple(order)) if BACKEND == "nd" else a.transpose(order)

    def gradient(self, out_grad, node):
        return ndl.transpose(out_grad, self.axes)


class MatMul(TensorOp):
    def compute(self, a, b):
        return a @ b

    def gradient(self, out_grad, node):
        a, b = node.inputs
        ga, gb = out_grad @ b.transpose(), a.transpose() @ out_grad
        if len(ga.shape) > len(a.shape):
            ga = ga.sum(axes=tuple(range(len(ga.shape) - len(a.shape))))
        if len(gb.shape) > len(b.shape):
            gb = gb.sum(axes=tuple(range(len(gb.shape) - len(b.shape))))
        return ga, gb


class ReLU(TensorOp):
    def compute(self, a):
        return array_api.maximum(a, 0)

    def gradient(self, out_grad, node):
        a = node.inputs[0].realize_cached_data()
        return out_grad * Tensor(a > 0, device=out_grad.device, dtype=out_grad.dtype)


class LogSumExp(TensorOp):
    def __init__(self, axes=None):
        self.axes = axes

    def compute(self, z):
        largest = z.max(axis=self.axes, keepdims=True)
        total = array_api.sum(array_api.exp(z - array_api.broadcast_to(largest, z.shape)), axis=self.axes)
        return array_api.log(total) + largest.reshape(total.shape)

    def gradient(self, out_grad, node):
        z = node.inputs[0]
        shape = [1 if self.axes is None or k in self.axes else n for k, n in enumerate(z.shape)]
        spread = node.reshape(shape).broadcast_to(z.shape)
        return out_grad.reshape(shape).broadcast_to(z.shape) * ndl.exp(z - spread)


class Stack(TensorOp):
    def __init__(self, axis: int):
        self.axis = axis

    def compute(self, args):
        shape = args[0].shape
        if BACKEND == "nd":
            out = array_api.empty((len(args), *shape), device=args[0].device)
        else:
            out = array_api.empty((len(args), *shape))
        whole = tuple(slice(0, n) for n in shape)
        for i, a in enumerate(args):
            out[(slice(i, i + 1), *whole)] = a
        order = list(range(1, len(shape) + 1))
        order.insert(self.axis, 0)
        return out.permute(order).compact() if BACKEND == "nd" else out.transpose(order)

    def gradient(self, out_grad, node):
        return Split(self.axis)(out_grad)


class Split(TensorTupleOp):
    def __init__(self, axis: int):
        self.axis = axis

    def compute(self, a):
        shape = [n for k, n in enumerate(a.shape) if k != self.axis]
        parts = []
        for i in range(a.shape[self.axis]):
            key = tuple(slice(i, i + 1) if k == self.axis else slice(0, n) for k, n in enumerate(a.shape))
            parts.append((a[key].compact() if BACKEND == "nd" else a[key]).reshape(tuple(shape)))
        return tuple(parts)

    def gradient(self, out_grad, node):
        return Stack(self.axis)(out_grad)


def gradient_check(f, *args):
    """Central differences in float64 (np mode) or float32; through `backward`."""
    eps, tol = (1e-4, 1e-5) if BACKEND == "np" else (1e-2, 0.1)
    numerical = [np.zeros(a.shape) for a in args]
    for a, number in zip(args, numerical, strict=True):
        data = a.realize_cached_data()
        for j in range(data.size):
            data.flat[j] += eps
            plus = float(f(*args).numpy().sum())
            data.flat[j] -= 2 * eps
            minus = float(f(*args).numpy().sum())
            data.flat[j] += eps
            number.flat[j] = (plus - minus) / (2 * eps)
    f(*args).sum().backward()
    for a, number in zip(args, numerical, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), number, rtol=tol, atol=tol)


def randn(*shape):
    return Tensor(np.random.randn(*shape))


@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (lambda a, b: EWiseAdd()(a, b), [(3, 4), (3, 4)]),
        (lambda a: PowerScalar(3)(a), [(3, 4)]),
        (lambda a: Transpose((0, 2))(a) ** 2, [(2, 3, 4)]),
        (lambda a: Transpose()(a) ** 2, [(2, 3, 4)]),
        (lambda a, b: MatMul()(a, b), [(2, 3, 4), (4, 2)]),
        (lambda a, b: ReLU()(a * 3 + b), [(3, 3), (3, 3)]),
        (lambda a: LogSumExp((1,))(a) ** 2, [(3, 4)]),
        (lambda a: LogSumExp()(a), [(3, 4)]),
        (lambda a, b: Stack(1)(ndl.make_tuple(a, b)) ** 2, [(2, 3), (2, 3)]),
        (lambda a: (lambda t: t[0] * t[1])(Split(1)(a)), [(3, 2, 2)]),
    ],
)
def test_ops_that_define_gradient(f, shapes):
    np.random.seed(5)
    gradient_check(f, *[randn(*shape) for shape in shapes])


def test_a_students_tuple_op_gives_a_tensor_tuple():
    parts = Split(0)(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert isinstance(parts, TensorTuple) and len(parts) == 2 and parts[1].numpy().tolist() == [3, 4]
    node = Tensor.make_from_op(EWiseAdd(), (parts[0], parts[1]))
    assert type(node.op) is EWiseAdd and node.numpy().tolist() == [4, 6]


# ---- layers and optimisers ----------------------------------------------------------------------


class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True, device=None, dtype="float32"):
        super().__init__()
        place = {"device": device, "dtype": dtype, "requires_grad": True}
        self.weight = nn.Parameter(init.kaiming_uniform(in_features, out_features, **place))
        self.bias = nn.Parameter(init.kaiming_uniform(out_features, 1, **place).transpose()) if bias else None

    def forward(self, X: Tensor) -> Tensor:
        out = X.matmul(self.weight)
        return out + self.bias.broadcast_to(out.shape) if self.bias is not None else out


class BatchNorm1d(nn.Module):
    def __init__(self, dim, eps=1e-5, momentum=0.1, device=None, dtype="float32"):
        super().__init__()
        self.dim, self.eps, self.momentum = dim, eps, momentum
        self.weight = nn.Parameter(init.ones(dim, device=device, dtype=dtype, requires_grad=True))
        self.bias = nn.Parameter(init.zeros(dim, device=device, dtype=dtype, requires_grad=True))
        self.running_mean = init.zeros(dim, device=device, dtype=dtype)
        self.running_var = init.ones(dim, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        row = lambda t: t.reshape((1, self.dim)).broadcast_to(x.shape)  # noqa: E731
        if self.training:
            mean = ndl.summation(x, axes=(0,)) / x.shape[0]
            var = ndl.summation((x - row(mean)) ** 2, axes=(0,)) / x.shape[0]
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean.data
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var.data
        else:
            mean, var = self.running_mean, self.running_var
        return row(self.weight) * (x - row(mean)) / (row(var) + self.eps) ** 0.5 + row(self.bias)


class SGD(ndl.optim.Optimizer):
    def __init__(self, params, lr=0.01, momentum=0.0, weight_decay=0.0):
        super().__init__(params)
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.u = {}

    def step(self):
        for p in self.params:
            grad = p.grad.data + self.weight_decay * p.data
            self.u[p] = self.momentum * self.u.get(p, 0) + (1 - self.momentum) * grad
            p.data = p.data - self.lr * self.u[p]


class Adam(ndl.optim.Optimizer):
    def __init__(self, params, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
        super().__init__(params)
        self.lr, self.beta1, self.beta2, self.eps, self.weight_decay = lr, beta1, beta2, eps, weight_decay
        self.t, self.m, self.v = 0, {}, {}

    def step(self):
        self.t += 1
        for w in self.params:
            grad = w.grad.detach() + self.weight_decay * w.detach()
            self.m[w] = self.beta1 * self.m.get(w, 0) + (1 - self.beta1) * grad
            self.v[w] = self.beta2 * self.v.get(w, 0) + (1 - self.beta2) * grad**2
            m = self.m[w] / (1 - self.beta1**self.t)
            v = self.v[w] / (1 - self.beta2**self.t)
            w.data = Tensor(w.data - self.lr * m / (v**0.5 + self.eps), dtype=w.dtype)


def learn(linear, batch_norm, make_optimizer):
    """A few steps on one problem: the losses, and the parameters at the end."""
    np.random.seed(42)
    model = nn.Sequential(linear(6, 8), batch_norm(8), nn.ReLU(), linear(8, 3))
    X = Tensor(np.random.randn(48, 6), dtype="float32").cached_data
    y = Tensor(np.random.randint(3, size=48)).cached_data.astype(np.uint8)
    optimizer, losses = make_optimizer(model.parameters()), []
    for X0, y0 in zip(np.array_split(X, 3), np.array_split(y, 3), strict=True):
        optimizer.reset_grad()
        loss = nn.SoftmaxLoss()(model(Tensor(X0, dtype="float32")), Tensor(y0))
        loss.backward()
        optimizer.step()
        losses.append(np.array(loss.cached_data).item())
    model.eval()
    return losses + model(Tensor(X)).numpy().ravel().tolist(), [p.numpy() for p in model.parameters()]


@pytest.mark.parametrize(
    ("mine", "theirs", "settings"),
    [
        (SGD, ndl.optim.SGD, {"lr": 0.1}),
        (SGD, ndl.optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
        (Adam, ndl.optim.Adam, {"lr": 0.01, "weight_decay": 0.01}),
    ],
)
def test_students_layers_and_optimisers_learn_as_the_librarys(mine, theirs, settings):
    ours, params = learn(Linear, BatchNorm1d, lambda p: mine(p, **settings))
    wanted, wanted_params = learn(nn.Linear, nn.BatchNorm1d, lambda p: theirs(p, **settings))
    np.testing.assert_allclose(ours, wanted, rtol=1e-3, atol=1e-3)
    for a, b in zip(params, wanted_params, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


def test_weights_replaced_by_hand():
    w = nn.Parameter(Tensor([1.0, 2.0]))
    (w * w).sum().backward()
    w.cached_data = w.cached_data - 0.1 * w.grad.cached_data
    w.data -= 0.5 * w.grad.data
    np.testing.assert_allclose(w.numpy(), [-0.2, -0.4], rtol=1e-5)


# ---- data ---------------------------------------------------------------------------------------


class Pictures(ndl.data.Dataset):
    def __init__(self, n, transforms=None):
        super().__init__(transforms)
        self.x, self.y = np.random.rand(n, 5, 5, 1).astype("float32"), np.arange(n)

    def __getitem__(self, index) -> object:
        return self.apply_transforms(self.x[index]), self.y[index]

    def __len__(self) -> int:
        return len(self.y)


def test_a_students_dataset_in_the_loader():
    np.random.seed(0)
    pictures = Pictures(7, [ndl.data.RandomFlipHorizontal(1.0)])
    batches = list(ndl.data.DataLoader(pictures, 3, shuffle=True))
    assert [(x.shape, y.shape) for x, y in batches] == [((3, 5, 5, 1), (3,))] * 2 + [((1, 5, 5, 1), (1,))]
    for x, y in batches:
        np.testing.assert_array_equal(x.numpy(), pictures.x[y.numpy()][:, :, ::-1])


# ---- arrays on the kernel module ----------------------------------------------------------------


@pytest.mark.parametrize("device", [nd.cpu(), nd.cpu_numpy()], ids=str)
def test_every_kernel_on_handles(device):
    np.random.seed(0)
    a, b = np.random.randn(3, 4).astype("float32"), np.random.rand(3, 4).astype("float32") + 0.5
    A, B, out = nd.array(a, device=device), nd.array(b, device=device), nd.empty((3, 4), device=device)
    close = lambda wanted: np.testing.assert_allclose(out.numpy(), wanted, rtol=1e-5, atol=1e-6)  # noqa: E731
    for name, f in {
        "add": np.add, "mul": np.multiply, "div": np.divide, "maximum": np.maximum, "eq": np.equal,
        "ge": np.greater_equal,
    }.items():  # fmt: skip
        getattr(device, f"ewise_{name}")(A._handle, B._handle, out._handle)
        close(f(a, b))
        getattr(device, f"scalar_{name}")(A._handle, 0.5, out._handle)
        close(f(a, np.float32(0.5)))
    device.scalar_power(B._handle, 1.5, out._handle)
    close(b**1.5)
    for name, f in {"log": np.log, "exp": np.exp, "tanh": np.tanh}.items():
        getattr(device, f"ewise_{name}")(B._handle, out._handle)
        close(f(b))
    device.compact(A._handle, out._handle, (4, 3), (1, 4), 0)
    close(a.T.reshape(3, 4))
    device.ewise_setitem(B._handle, out._handle, (3, 4), (4, 1), 0)
    close(b)
    device.scalar_setitem(2, 9.0, out._handle, (2,), (4,), 1)
    assert out.numpy()[:, 1].tolist() == [9, 9, b[2, 1]]
    rows = nd.empty((3,), device=device)
    device.reduce_sum(A._handle, rows._handle, 4)
    np.testing.assert_allclose(rows.numpy(), a.sum(1), rtol=1e-5)
    device.reduce_max(A._handle, rows._handle, 4)
    np.testing.assert_allclose(rows.numpy(), a.max(1))
    t, m, n, p = device.__tile_size__, 2, 3, 2
    x, y = np.random.randn(m, n, t, t), np.random.randn(n, p, t, t)
    X, Y, Z = (
        nd.array(x, device=device),
        nd.array(y, device=device),
        nd.NDArray.make((m, p, t, t), device=device),
    )
    device.matmul_tiled(X._handle, Y._handle, Z._handle, m * t, n * t, p * t)
    flat = lambda tiles: tiles.transpose(0, 2, 1, 3).reshape(tiles.shape[0] * t, -1)  # noqa: E731
    np.testing.assert_allclose(flat(Z.numpy()), flat(x) @ flat(y), rtol=1e-4, atol=1e-4)
    assert device.__device_name__


class _ShapeAndSlices(nd.NDArray):
    def __getitem__(self, idxs):
        return self.shape, tuple(
            [
                self.process_slice(s, i) if isinstance(s, slice) else slice(s, s + 1, 1)
                for i, s in enumerate(idxs)
            ]
        )


def test_a_subclass_with_an_index_of_its_own():
    shape, slices = _ShapeAndSlices(np.ones((4, 5, 6)))[1:4:2, 0, -3:]
    assert shape == (4, 5, 6) and slices == (slice(1, 4, 2), slice(0, 1, 1), slice(3, 6, 1))
