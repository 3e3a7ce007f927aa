"""In the style of the course's homework 2 tests (init, nn, optim, data), with `import needle as ndl`.

Run through `python -m needle_edu.as_needle -m pytest`, see ../test_as_needle.py. Expected numbers are
computed here with NumPy, from the same seed and the draws in the documented order.
"""

import gzip
import struct
import sys

sys.path.append("./python")

import mugrade
import needle as ndl
import needle.nn as nn
import numpy as np
import pytest

SEED = 42


def close(ours, wanted, rtol=1e-4, atol=1e-4):
    ours = ours.numpy() if hasattr(ours, "numpy") else ours
    np.testing.assert_allclose(ours, wanted, rtol=rtol, atol=atol)


def get_tensor(*shape, entropy=1):
    np.random.seed(np.prod(shape) * len(shape) * entropy)
    return ndl.Tensor(np.random.randint(0, 100, size=shape) / 20, dtype="float32")


def linear_numbers(i, o):
    """What nn.Linear(i, o) must draw: weight rand(i, o), then bias rand(o, 1)."""
    bound_w, bound_b = np.sqrt(2) * np.sqrt(3 / i), np.sqrt(2) * np.sqrt(3 / o)
    weight = np.random.rand(i, o) * 2 * bound_w - bound_w
    bias = (np.random.rand(o, 1) * 2 * bound_b - bound_b).reshape(1, o)
    return weight, bias


def softmax_loss_numbers(z, y):
    shifted = z - z.max(1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    p[np.arange(len(y)), y] -= 1
    return loss, p / len(y)


# ---- initialisation ----------------------------------------------------------------------------


def test_init_draws():
    def check(make, draw):
        np.random.seed(SEED)
        ours = make().numpy()
        np.random.seed(SEED)
        wanted = draw()
        assert ours.dtype == np.float32 and ours.shape == wanted.shape
        close(ours, wanted, atol=1e-6)

    check(lambda: ndl.init.rand(3, 4, low=-1, high=2), lambda: np.random.rand(3, 4) * 3 - 1)
    check(lambda: ndl.init.randn(3, 4, mean=2, std=3), lambda: np.random.randn(3, 4) * 3 + 2)
    a = 1.5 * np.sqrt(6 / 8)
    check(lambda: ndl.init.xavier_uniform(3, 5, gain=1.5), lambda: np.random.rand(3, 5) * 2 * a - a)
    check(
        lambda: ndl.init.xavier_normal(3, 5, gain=0.33), lambda: np.random.randn(3, 5) * 0.33 * np.sqrt(2 / 8)
    )
    b = np.sqrt(2) * np.sqrt(3 / 3)
    check(lambda: ndl.init.kaiming_uniform(3, 5), lambda: np.random.rand(3, 5) * 2 * b - b)
    check(lambda: ndl.init.kaiming_normal(3, 5), lambda: np.random.randn(3, 5) * np.sqrt(2 / 3))
    np.random.seed(SEED)
    bits = ndl.init.randb(50, p=0.3)
    np.random.seed(SEED)
    assert bits.numpy().tolist() == (np.random.rand(50) <= 0.3).tolist()


def test_init_one_hot():
    y = ndl.Tensor(np.array([2, 0, 1]))
    assert ndl.init.one_hot(3, y).numpy().tolist() == np.eye(3)[[2, 0, 1]].tolist()


# ---- nn ----------------------------------------------------------------------------------------


def test_nn_linear():
    for bias in (True, False):
        np.random.seed(SEED)
        layer = nn.Linear(7, 4, bias=bias)
        np.random.seed(SEED)
        weight, b = linear_numbers(7, 4)
        close(layer.weight, weight)
        x = get_tensor(10, 7)
        close(layer(x), x.numpy() @ weight + (b if bias else 0))
        layer(x).sum().backward()
        assert layer.weight.grad.shape == (7, 4)
        close(layer.weight.grad, x.numpy().sum(0)[:, None] + np.zeros((7, 4)))
        if bias:
            assert layer.bias.shape == (1, 4)
            close(layer.bias.grad, np.full((1, 4), 10.0))


def test_nn_small_modules():
    x = get_tensor(2, 2, 3, 4)
    assert nn.Flatten()(x).shape == (2, 24)
    close(nn.Flatten()(x), x.numpy().reshape(2, 24))
    y = get_tensor(3, 4) - 2
    close(nn.ReLU()(y), np.maximum(y.numpy(), 0))
    close(nn.Tanh()(y), np.tanh(y.numpy()))
    close(nn.Sigmoid()(y), 1 / (1 + np.exp(-y.numpy())))
    close(nn.Residual(nn.Tanh())(y), np.tanh(y.numpy()) + y.numpy())
    close(nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Identity())(y), np.tanh(np.maximum(y.numpy(), 0)))


def test_nn_parameters_are_found_everywhere():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(2, 3)
            self.parts = {"x": nn.Linear(3, 3), "more": [nn.Parameter(np.zeros(5)), (nn.BatchNorm1d(4),)]}

    shapes = [p.shape for p in Model().parameters()]
    assert shapes == [(2, 3), (1, 3), (3, 3), (1, 3), (5,), (4,), (4,)]
    model = Model()
    model.eval()
    assert not model.parts["more"][1][0].training
    model.train()
    assert model.parts["more"][1][0].training
    assert len(model._children()) == 3


def test_nn_softmax_loss():
    logits, y = get_tensor(5, 10), np.random.randint(10, size=5)
    for labels in (ndl.Tensor(y), ndl.Tensor(y.astype("float32")), ndl.Tensor(y.astype("uint8"))):
        loss = nn.SoftmaxLoss()(logits, labels)
        loss.backward()
        wanted, grad = softmax_loss_numbers(logits.numpy(), y)
        close(loss, wanted)
        close(logits.grad, grad)


def batch_norm_numbers(x, eps=1e-5):
    return (x - x.mean(0)) / np.sqrt(x.var(0) + eps)


def test_nn_batchnorm():
    layer = nn.BatchNorm1d(4)
    mean, var = np.zeros(4), np.ones(4)
    for k in range(1, 4):
        x = get_tensor(8, 4, entropy=k)
        close(layer(x), batch_norm_numbers(x.numpy()), atol=1e-3)
        mean, var = 0.9 * mean + 0.1 * x.numpy().mean(0), 0.9 * var + 0.1 * x.numpy().var(0)
    close(layer.running_mean, mean)
    close(layer.running_var, var)
    assert layer.running_mean.shape == (4,)
    layer.eval()
    x = get_tensor(3, 4)
    close(layer(x), (x.numpy() - mean) / np.sqrt(var + 1e-5))
    close(layer.running_mean, mean)


def test_nn_batchnorm_backward():
    x = get_tensor(5, 3)
    (nn.BatchNorm1d(3)(x) ** 4).sum().backward()
    wanted = np.zeros((5, 3))
    base = x.numpy().astype("float64")
    for place in np.ndindex(5, 3):
        plus, minus = base.copy(), base.copy()
        plus[place] += 1e-5
        minus[place] -= 1e-5
        f = lambda v: (batch_norm_numbers(v) ** 4).sum()  # noqa: E731
        wanted[place] = (f(plus) - f(minus)) / 2e-5
    close(x.grad, wanted, rtol=1e-2, atol=1e-2)


def test_nn_layernorm():
    x = get_tensor(6, 5)
    v = x.numpy()
    wanted = (v - v.mean(1, keepdims=True)) / np.sqrt(v.var(1, keepdims=True) + 1e-5)
    close(nn.LayerNorm1d(5)(x), wanted, atol=1e-3)


def test_nn_dropout():
    x = get_tensor(2, 3)
    np.random.seed(0)
    layer = nn.Dropout(0.45)
    y = layer(x)
    np.random.seed(0)
    mask = np.random.rand(2, 3) <= 0.55
    close(y, x.numpy() * mask / 0.55)
    y.sum().backward()
    close(x.grad, mask / 0.55)
    layer.eval()
    close(layer(x), x.numpy())


# ---- optim -------------------------------------------------------------------------------------


def learn(make_optimizer, make_model, epochs=3):
    """The course's `learn_model_1d`: a small classification problem, 50 features, batches of 16."""
    np.random.seed(SEED)
    model = make_model()
    X = get_tensor(64, 8).cached_data
    y = (
        get_tensor(64).cached_data.astype(np.uint8)
        if ndl.BACKEND == "np"
        else get_tensor(64).numpy().astype("uint8")
    )
    y = np.asarray(y) % 4
    X = np.array(X)
    loss_func = nn.SoftmaxLoss()
    opt = make_optimizer(model.parameters())
    for _ in range(epochs):
        for start in range(0, 64, 16):
            opt.reset_grad()
            loss = loss_func(model(ndl.Tensor(X[start : start + 16])), ndl.Tensor(y[start : start + 16]))
            loss.backward()
            before = model.parameters()[0].grad.numpy()
            opt.step()
            np.testing.assert_array_equal(before, model.parameters()[0].grad.detach().cached_data)
    return model, X, y, loss.numpy().item()


def learn_numbers(update, epochs=3):
    """The same for one linear layer, in NumPy; `update(k, p, g)` returns the new parameter number k."""
    np.random.seed(SEED)
    w, b = linear_numbers(8, 4)
    X = get_tensor(64, 8).numpy().astype("float64")
    y = get_tensor(64).numpy().astype("uint8") % 4
    for _ in range(epochs):
        for start in range(0, 64, 16):
            x = X[start : start + 16]
            loss, delta = softmax_loss_numbers(x @ w + b, y[start : start + 16])
            gw, gb = x.T @ delta, delta.sum(0, keepdims=True)
            w, b = update(0, w, gw), update(1, b, gb)
    return w, b, loss


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_optim_sgd(momentum, weight_decay):
    u = {}

    def update(k, p, g):
        u[k] = momentum * u.get(k, 0) + (1 - momentum) * (g + weight_decay * p)
        return p - 0.1 * u[k]

    model, _, _, loss = learn(
        lambda params: ndl.optim.SGD(params, lr=0.1, momentum=momentum, weight_decay=weight_decay),
        lambda: nn.Sequential(nn.Linear(8, 4)),
    )
    w, b, wanted = learn_numbers(update)
    close(loss, wanted)
    close(model.modules[0].weight, w)
    close(model.modules[0].bias, b)
    assert model.modules[0].weight.dtype == "float32"


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_optim_adam(weight_decay):
    m, v, t = {}, {}, {0: 0, 1: 0}

    def update(k, p, g):
        t[k] += 1
        g = g + weight_decay * p
        m[k] = 0.9 * m.get(k, 0) + 0.1 * g
        v[k] = 0.999 * v.get(k, 0) + 0.001 * g**2
        return p - 0.01 * (m[k] / (1 - 0.9 ** t[k])) / (np.sqrt(v[k] / (1 - 0.999 ** t[k])) + 1e-8)

    model, _, _, loss = learn(
        lambda params: ndl.optim.Adam(params, lr=0.01, weight_decay=weight_decay),
        lambda: nn.Sequential(nn.Linear(8, 4)),
    )
    w, b, wanted = learn_numbers(update)
    close(loss, wanted)
    close(model.modules[0].weight, w, atol=1e-3)
    close(model.modules[0].bias, b, atol=1e-3)


def test_optim_with_batchnorm_and_dropout():
    _, _, _, loss = learn(
        lambda params: ndl.optim.Adam(params, lr=0.01),
        lambda: nn.Sequential(
            nn.Linear(8, 30), nn.ReLU(), nn.Dropout(0.1), nn.Residual(nn.Linear(30, 30)), nn.BatchNorm1d(30),
            nn.LayerNorm1d(30), nn.Linear(30, 4),
        ),
        epochs=20,
    )  # fmt: skip
    assert loss < 1.0


def test_training_leaves_no_values_behind():
    counts = []
    for _ in range(2):
        model, _, _, _ = learn(
            lambda params: ndl.optim.SGD(params, lr=0.01), lambda: nn.Linear(8, 4), epochs=1
        )
        del model  # its parameters and their gradients form cycles: garbage does not count
        counts.append(ndl.autograd.TENSOR_COUNTER)
    assert counts[0] == counts[1]


# ---- data --------------------------------------------------------------------------------------


@pytest.fixture
def mnist(tmp_path):
    rng = np.random.RandomState(0)
    images, labels = (
        rng.randint(0, 256, (12, 28, 28)).astype(np.uint8),
        rng.randint(0, 10, 12).astype(np.uint8),
    )
    with gzip.open(tmp_path / "images.gz", "wb") as f:
        f.write(struct.pack(">4I", 2051, 12, 28, 28) + images.tobytes())
    with gzip.open(tmp_path / "labels.gz", "wb") as f:
        f.write(struct.pack(">2I", 2049, 12) + labels.tobytes())
    return str(tmp_path / "images.gz"), str(tmp_path / "labels.gz"), images, labels


def test_mnist_dataset(mnist):
    image_file, label_file, images, labels = mnist
    dataset = ndl.data.MNISTDataset(image_file, label_file)
    assert len(dataset) == 12
    norms = [np.linalg.norm(dataset[i][0]) for i in (0, 3, 11)]
    close(np.array(norms), [np.linalg.norm(images[i] / 255) for i in (0, 3, 11)])
    assert [int(dataset[i][1]) for i in (0, 3, 11)] == labels[[0, 3, 11]].tolist()
    np.random.seed(0)
    flipped = ndl.data.MNISTDataset(
        image_file, label_file, transforms=[ndl.data.RandomFlipHorizontal(), ndl.data.RandomCrop(5)]
    )
    x, _ = flipped[4]
    np.random.seed(0)
    picture = images[4] / 255
    picture = picture[:, ::-1] if np.random.rand() < 0.5 else picture
    dy, dx = np.random.randint(-5, 6, size=2)
    close(x, np.pad(picture, 5)[5 + dy : 33 + dy, 5 + dx : 33 + dx].ravel())


@pytest.mark.parametrize("batch_size", [1, 5, 12, 100])
def test_dataloader_mnist(mnist, batch_size):
    dataset = ndl.data.MNISTDataset(mnist[0], mnist[1])
    loader = ndl.data.DataLoader(dataset=dataset, batch_size=batch_size, shuffle=False)
    for i, (x, y) in enumerate(loader):
        truth_x, truth_y = dataset[i * batch_size : (i + 1) * batch_size]
        close(x, truth_x)
        close(y, truth_y)
        assert not x.requires_grad
    assert i == (12 - 1) // batch_size
    shuffled = ndl.data.DataLoader(dataset=dataset, batch_size=batch_size, shuffle=True)
    np.random.seed(1)
    ys = np.concatenate([y.numpy() for _, y in shuffled])
    np.random.seed(1)
    order = np.arange(12)
    np.random.shuffle(order)
    assert ys.tolist() == mnist[3][order].tolist()


def test_dataloader_ndarray():
    for batch_size in (1, 10, 100):
        np.random.seed(0)
        dataset = ndl.data.NDArrayDataset(np.random.rand(100, 10, 10))
        for i, batch in enumerate(ndl.data.DataLoader(dataset=dataset, batch_size=batch_size, shuffle=False)):
            truth = dataset[i * batch_size : (i + 1) * batch_size][0].reshape(batch_size, 10, 10)
            close(batch[0], truth)
    np.random.seed(0)
    loader = iter(
        ndl.data.DataLoader(dataset=ndl.data.NDArrayDataset(np.arange(100)), batch_size=1, shuffle=True)
    )
    elements = np.array([next(loader)[0].numpy().item() for _ in range(100)])
    np.testing.assert_allclose(elements[:8], [26, 86, 2, 55, 75, 93, 16, 73])
    with pytest.raises(StopIteration):
        next(loader)


def test_datasets_live_in_data_datasets():
    from needle.data.datasets import MNISTDataset, NDArrayDataset

    assert MNISTDataset is ndl.data.MNISTDataset and NDArrayDataset is ndl.data.NDArrayDataset
    mugrade.submit(None)


def test_mlp_resnet_trains(mnist):
    """The homework's MLPResNet, on a made-up problem."""

    def block(dim, hidden, norm=nn.BatchNorm1d, drop=0.1):
        path = nn.Sequential(
            nn.Linear(dim, hidden),
            norm(hidden),
            nn.ReLU(),
            nn.Dropout(drop),
            nn.Linear(hidden, dim),
            norm(dim),
        )
        return nn.Sequential(nn.Residual(path), nn.ReLU())

    np.random.seed(1)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 20), nn.ReLU(), block(20, 10), block(20, 10), nn.Linear(20, 10)
    )
    dataset = ndl.data.MNISTDataset(mnist[0], mnist[1])
    loader = ndl.data.DataLoader(dataset=dataset, batch_size=6, shuffle=True)
    opt, loss_func = ndl.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.001), nn.SoftmaxLoss()
    losses = []
    for _ in range(15):
        model.train()
        for x, y in loader:
            opt.reset_grad()
            loss = loss_func(model(x), y)
            loss.backward()
            opt.step()
            losses.append(loss.numpy().item())
    model.eval()
    errors = sum((model(x).numpy().argmax(1) != y.numpy()).sum() for x, y in loader)
    assert np.mean(losses[-4:]) < 0.5 * np.mean(losses[:4]) and errors <= 2
