"""The habits of public student stacks, retyped small: layers, optimisers and loops. See course_habits_of_ops.py."""

import sys

sys.path.append("./python")

import needle as ndl
import needle.init as init
import needle.nn as nn
import numpy as np
import pytest
from needle import Tensor, ops
from needle.backend_selection import BACKEND, array_api

on_arrays = pytest.mark.skipif(BACKEND == "np", reason="these stacks call methods of the course's NDArray")
X = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]], dtype="float32")


def numbers(*shape):
    return np.linspace(-1.0, 2.0, int(np.prod(shape))).reshape(shape).astype("float32")


def close(found, wanted, tol=1e-4):
    found = found.numpy() if hasattr(found, "numpy") else found
    np.testing.assert_allclose(found, wanted, rtol=tol, atol=tol)


# ---- layers --------------------------------------------------------------------------------------------------------


class Normalised(nn.Module):
    """BatchNorm with averages that are replaced, from .data; parameters from tensors, with device and dtype."""

    def __init__(self, dim, eps=1e-5, momentum=0.1, device=None, dtype="float32"):
        super().__init__()
        self.dim, self.eps, self.momentum = dim, eps, momentum
        self.weight = nn.Parameter(init.ones(dim), device=device, dtype=dtype)
        self.bias = nn.Parameter(init.zeros(dim, requires_grad=True), device=device, dtype=dtype)
        self.running_mean = init.zeros(dim, device=device, dtype=dtype)
        self.running_var = init.ones(dim, device=device, dtype=dtype)

    def forward(self, x):
        n, d = x.shape
        if self.training:
            mean = ops.summation(x, axes=0) / n
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean.data
        else:
            mean = self.running_mean
        centred = x - ops.broadcast_to(ops.reshape(mean, (1, d)), x.shape)
        if self.training:
            var = ops.summation(centred * centred, axes=0) / n
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var.data
        else:
            var = self.running_var
        scale = ops.power_scalar(ops.broadcast_to(ops.reshape(var, (1, d)), x.shape) + self.eps, 0.5)
        weight = ops.broadcast_to(ops.reshape(self.weight, (1, d)), x.shape)
        return centred / scale * weight + ops.broadcast_to(ops.reshape(self.bias, (1, d)), x.shape)


class Normalised2d(Normalised):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)

    def forward(self, x):
        s = x.shape
        rows = x.transpose((1, 2)).transpose((2, 3)).reshape((s[0] * s[2] * s[3], s[1]))
        y = super().forward(rows).reshape((s[0], s[2], s[3], s[1]))
        return y.transpose((2, 3)).transpose((1, 2))


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_by_hand(training):
    x = numbers(4, 3)
    theirs, ours = Normalised(3), nn.BatchNorm1d(3)
    theirs(Tensor(x)), ours(Tensor(x))
    if not training:
        theirs.eval(), ours.eval()
    close(theirs(Tensor(x)), ours(Tensor(x)).numpy(), 1e-4)
    close(theirs.running_var, ours.running_var.numpy())
    assert len(theirs.parameters()) == 2


def test_batch_norm_of_images_by_hand():
    x = numbers(2, 3, 4, 4)
    close(Normalised2d(3)(Tensor(x)), nn.BatchNorm2d(3)(Tensor(x)).numpy(), 1e-4)


def test_layer_norm_over_the_last_of_three_axes():
    x = numbers(2, 3, 4)
    mean = ops.broadcast_to(ops.reshape(ops.summation(Tensor(x), axes=-1) / 4, (*x.shape[:-1], 1)), x.shape)
    centred = Tensor(x) - mean
    var = ops.summation(centred * centred, axes=-1) / x.shape[-1]
    var = ops.broadcast_to(ops.reshape(var, (2, 3, 1)), x.shape)
    found = centred / ops.power_scalar(var + 1e-5, 0.5)
    close(found, (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5), 1e-3)


class Convolved(nn.Module):
    """NCHW through two transposes; a bound of NumPy's."""

    def __init__(self, i, o, k, stride=1, bias=True, device=None, dtype="float32"):
        super().__init__()
        self.stride, self.padding, self.out = stride, k // 2, o
        shape = (k, k, i, o)
        self.weight = nn.Parameter(
            init.kaiming_uniform(i * k * k, o * k * k, shape=shape, device=device, dtype=dtype)
        )
        bound = 1.0 / np.sqrt(i * k * k)
        self.bias = (
            nn.Parameter(init.rand(o, low=-bound, high=bound, device=device, dtype=dtype)) if bias else None
        )

    def forward(self, x):
        y = ops.conv(x.transpose((1, 2)).transpose(), self.weight, stride=self.stride, padding=self.padding)
        if self.bias:
            y = y + self.bias.reshape((1, 1, 1, self.out)).broadcast_to(y.shape)
        return y.transpose().transpose((1, 2))


@pytest.mark.parametrize("bias", [True, False])
def test_conv_by_hand_draws_and_computes_what_ours_does(bias):
    x = Tensor(numbers(2, 3, 6, 6))
    np.random.seed(3)
    theirs = Convolved(3, 4, 3, stride=2, bias=bias)
    np.random.seed(3)
    ours = nn.Conv(3, 4, 3, stride=2, bias=bias)
    close(theirs(x), ours(x).numpy(), 1e-4)
    theirs(x).sum().backward()
    assert theirs.weight.grad.shape == (3, 3, 3, 4)


class Cell(nn.Module):
    """An RNN cell that asks `if self.bias_ih`, and cells that are kept in a list."""

    def __init__(self, i, h, bias=True, nonlinearity="tanh", device=None, dtype="float32"):
        super().__init__()
        self.h, self.nonlinearity, self.device, self.dtype = h, nonlinearity, device, dtype
        bound = (1 / h) ** 0.5
        place = {"low": -bound, "high": bound, "device": device, "dtype": dtype}
        self.W_ih = nn.Parameter(init.rand(i, h, **place))
        self.W_hh = nn.Parameter(init.rand(h, h, **place))
        self.bias_ih = nn.Parameter(init.rand(h, **place)) if bias else None

    def forward(self, x, h=None):
        n = x.shape[0]
        if h is None:
            h = init.zeros(n, self.h, device=self.device, dtype=self.dtype)
        y = x @ self.W_ih + h @ self.W_hh
        if self.bias_ih:
            y = y + self.bias_ih.reshape((1, self.h)).broadcast_to((n, self.h))
        return ops.tanh(y) if self.nonlinearity == "tanh" else ops.relu(y)


class Recurrent(nn.Module):
    def __init__(self, i, h, layers=1, bias=True):
        super().__init__()
        self.layers, self.h = layers, h
        self.rnn_cells = [Cell(i, h, bias)] + [Cell(h, h, bias) for _ in range(1, layers)]

    def forward(self, X, h0=None):
        steps, n, _ = X.shape
        if not h0:
            h0 = init.zeros(self.layers, n, self.h)
        inputs = ops.split(X, axis=0)
        state = list(ops.split(h0, axis=0))
        made = []
        for t in range(steps):
            h = inputs[t]
            for k in range(self.layers):
                h = state[k] = self.rnn_cells[k](h, state[k])
            made.append(h)
        return ops.stack(made, axis=0), ops.stack(state, axis=0)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
def test_recurrent_layers_by_hand(layers, bias):
    model = Recurrent(3, 4, layers, bias)
    out, h = model(Tensor(numbers(5, 2, 3)))
    assert out.shape == (5, 2, 4) and h.shape == (layers, 2, 4)
    close(out.numpy()[-1], h.numpy()[-1])
    out.sum().backward()
    assert all(p.grad.shape == p.shape for p in model.parameters())
    assert len(model.parameters()) == layers * (3 if bias else 2)


class Attention(nn.Module):
    """Heads by reshape and transpose, batched products, layer norms of rows."""

    def __init__(self, dim, heads, size, device=None, dtype="float32"):
        super().__init__()
        self.heads, self.size = heads, size
        self.norm = nn.LayerNorm1d(dim, device=device, dtype=dtype)
        self.q = nn.Linear(dim, heads * size, bias=False, device=device, dtype=dtype)
        self.k = nn.Linear(dim, heads * size, bias=False, device=device, dtype=dtype)
        self.out = nn.Linear(heads * size, dim, bias=False, device=device, dtype=dtype)
        self.dropout = nn.Dropout(0.0)

    def forward(self, x):
        n, steps, dim = x.shape
        rows = self.norm(x.reshape((n * steps, dim)))
        q = ops.transpose(self.q(rows).reshape((n, steps, self.heads, self.size)), axes=(1, 2))
        k = ops.transpose(self.k(rows).reshape((n, steps, self.heads, self.size)), axes=(1, 2))
        scores = q @ ops.transpose(k) / np.sqrt(self.size)
        largest = Tensor(scores.realize_cached_data().max(axis=3), device=scores.device, requires_grad=False)
        scores = ops.exp(scores - largest.reshape((*scores.shape[:-1], 1)).broadcast_to(scores.shape))
        total = scores.sum(axes=3).reshape((*scores.shape[:-1], 1)).broadcast_to(scores.shape)
        mixed = self.dropout(scores / total) @ k
        mixed = ops.transpose(mixed, axes=(1, 2)).reshape((n, steps, self.heads * self.size))
        return self.out(mixed.reshape((n * steps, self.heads * self.size))).reshape((n, steps, dim)) + x


def test_attention_by_hand():
    model, x = Attention(6, 2, 3), Tensor(numbers(2, 4, 6))
    y = model(x)
    assert y.shape == x.shape and np.isfinite(y.numpy()).all()
    (y * y).sum().backward()
    assert all(np.isfinite(p.grad.numpy()).all() for p in model.parameters())


def test_positions_from_numpys_integers():
    table = nn.Embedding(num_embeddings=8, embedding_dim=4)
    ids = Tensor(np.arange(5, dtype="int32"), device=None).reshape((5, 1)).broadcast_to((5, 2))
    where = ops.transpose(table(ids), axes=(1, 0))
    assert where.shape == (2, 5, 4)
    close(where.numpy()[0], where.numpy()[1])


def test_the_loss_by_one_hot_rows():
    logits, y = Tensor(X), Tensor(np.array([2, 0]))
    rows = init.one_hot(logits.shape[-1], y, device=y.device)
    right = ops.summation(ops.multiply(logits, rows), axes=(-1,))
    found = ops.divide_scalar(ops.summation(ops.logsumexp(logits, axes=(-1,)) - right), logits.shape[0])
    close(np.ravel(found.numpy()), np.ravel(nn.SoftmaxLoss()(logits, y).numpy()))


def test_dropout_by_randb():
    x = Tensor(np.ones((50, 40), "float32"))
    mask = init.randb(*x.shape, p=0.75, device=x.device, dtype=x.dtype)
    y = (x * mask / 0.75).numpy()
    assert set(np.unique(y).round(4)) == {0.0, np.float32(1.3333)} and abs(y.mean() - 1) < 0.1


def test_pools_and_activations_by_keyword():
    x = Tensor(numbers(1, 2, 6, 6))
    group = nn.Sequential(
        nn.Conv(2, 4, 3, 1), nn.MaxPool2d(kernel_size=2, stride=2), nn.BatchNorm2d(4), nn.GELU()
    )
    assert group(x).shape == (1, 4, 3, 3)
    flat = group(x).reshape((1, -1))
    assert nn.Linear(in_features=36, out_features=2, bias=True)(flat).shape == (1, 2)


# ---- optimisers and loops ------------------------------------------------------------------------------------------


class Momentum(ndl.optim.Optimizer):
    """u by the parameter itself, written through .data and .detach()."""

    def __init__(self, params, lr=0.01, momentum=0.0, weight_decay=0.0):
        super().__init__(params)
        self.lr, self.momentum, self.weight_decay, self.u = lr, momentum, weight_decay, {}

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            g = p.grad.detach() + self.weight_decay * p.detach()
            self.u[p] = self.momentum * self.u.get(p, 0) + (1 - self.momentum) * g
            p.data = p.data - self.lr * ndl.Tensor(self.u[p], dtype=p.dtype)


def train(optimizer, steps=5):
    np.random.seed(1)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    opt, losses = optimizer(model.parameters()), []
    for _ in range(steps):
        opt.reset_grad()
        loss = nn.SoftmaxLoss()(model(Tensor(X)), Tensor(np.array([1, 0])))
        loss.backward()
        opt.step()
        losses.append(loss.numpy())
    return np.ravel(losses)


def test_momentum_by_hand_is_ours():
    theirs = train(lambda p: Momentum(p, lr=0.1, momentum=0.9, weight_decay=0.01))
    close(theirs, train(lambda p: ndl.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01)), 1e-4)


class AloneAdam:
    """An optimiser with no base of ours; averages by parameter, `w.data -=`."""

    def __init__(self, params, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
        self.params, self.lr, self.b1, self.b2, self.eps = params, lr, beta1, beta2, eps
        self.weight_decay, self.t, self.m, self.v = weight_decay, 0, {}, {}

    def reset_grad(self):
        for p in self.params:
            p.grad = None

    def step(self):
        self.t += 1
        for w in self.params:
            g = w.grad.data + self.weight_decay * w.data if self.weight_decay > 0 else w.grad.data
            for kept in (self.m, self.v):
                if w not in kept:
                    kept[w] = ndl.init.zeros(*w.shape, device=w.device, dtype=w.dtype)
            self.m[w] = self.b1 * self.m[w].detach() + (1 - self.b1) * g
            self.v[w] = self.b2 * self.v[w].detach() + (1 - self.b2) * (g**2)
            m, v = (self.m[w] / (1 - self.b1**self.t)).detach(), (self.v[w] / (1 - self.b2**self.t)).detach()
            w.data -= self.lr * m / (v**0.5 + self.eps)


@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_adam_by_hand_is_ours(decay):
    ours = train(lambda p: ndl.optim.Adam(p, weight_decay=decay))
    close(train(lambda p: AloneAdam(p, weight_decay=decay)), ours, 1e-4)


class NoInit(nn.Module):
    """A module that never calls its base's __init__."""

    def __init__(self, i, o):
        self.model = nn.Sequential(nn.Conv(i, o, 3), nn.BatchNorm2d(dim=o), nn.ReLU())

    def forward(self, x):
        return self.model(x)


def test_modules_without_init_and_bias_added_in_place():
    model = nn.Sequential(NoInit(3, 4), nn.Residual(nn.Sequential(NoInit(4, 4), NoInit(4, 4))), nn.Flatten())
    y = ops.reshape(model(Tensor(numbers(2, 3, 4, 4))), shape=(-1, 4))
    bias = nn.Parameter(init.rand(4))
    y += bias.broadcast_to(y.shape)
    y.sum().backward()
    assert bias.grad.shape == (4,) and len(model.parameters()) == 12
    model.eval()
    assert not any(part.training for part in model._children())


def test_a_loop_counts_its_hits():
    data = ndl.data.NDArrayDataset(numbers(10, 3), np.array([0, 1] * 5))
    loader = ndl.data.DataLoader(dataset=data, batch_size=4, shuffle=True)
    model = nn.Linear(3, 2)
    device = model.parameters()[0].device
    losses, hits, seen = [], 0, 0
    for _, batch in enumerate(loader):
        x, y = batch
        x, y = ndl.Tensor(x, device=device), ndl.Tensor(y, device=device)
        if x == None:  # noqa: E711
            break
        out = model(x)
        loss = nn.SoftmaxLoss()(out, y)
        losses.append(loss.numpy())
        hits += np.sum(np.argmax(out.numpy(), axis=1) == y.data.numpy())
        seen += x.shape[0]
        f"loss: {loss}"
    assert seen == 10 and 0 <= hits / seen <= 1 and np.isfinite(np.mean(losses))


def test_a_loader_of_ones_own():
    data = ndl.data.NDArrayDataset(numbers(7, 3), np.arange(7))
    order = np.array_split(np.arange(len(data)), range(3, len(data), 3))
    shapes = []
    for places in order:
        items = [data[i] for i in places]
        batch = tuple(Tensor([items[j][i] for j in range(len(places))]) for i in range(len(items[0])))
        shapes.append(tuple(part.shape for part in batch))
    assert shapes == [((3, 3), (3,)), ((3, 3), (3,)), ((1, 3), (1,))]


def test_parameters_are_found_by_hand():
    def unpack(value):
        if isinstance(value, nn.Parameter):
            return [value]
        if isinstance(value, nn.Module):
            return value.parameters()
        if isinstance(value, dict):
            return [p for part in value.values() for p in unpack(part)]
        return [p for part in value for p in unpack(part)] if isinstance(value, (list, tuple)) else []

    model = nn.Sequential(nn.Linear(2, 3), nn.Residual(nn.Linear(3, 3)))
    assert [p.shape for p in unpack(model.__dict__)] == [p.shape for p in model.parameters()]


@on_arrays
def test_arrays_are_looped_over_and_made_of_lists():
    flat = Tensor(X).realize_cached_data().reshape((6,))
    made = array_api.array([0 if float(x.numpy().item()) < 0 else 1 for x in flat]).reshape(X.shape)
    close(made, (X > 0) * 1.0)


def test_shapes_from_numpys_product():
    out = Tensor(numbers(4, 2, 3))
    assert out.reshape((np.prod(out.shape[:-1]), out.shape[-1])).shape == (8, 3)
    assert init.zeros_like(out).shape == out.shape
