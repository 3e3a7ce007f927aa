"""In the style of the course's homework 4 tests (convolution, ResNet-9, CIFAR-10), in both backends.

Run through `python -m needle_edu.as_needle --apps -m pytest`, see ../test_as_needle.py. What is checked against
PyTorch is checked against NumPy's sliding windows too, so that nothing goes unseen where PyTorch is not installed.
"""

import pickle
import sys

sys.path.append("./python")

import mugrade
import needle as ndl
import numpy as np
import pytest
from needle import backend_ndarray as nd, nn

try:
    import torch
except ImportError:
    torch = None
with_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")

_DEVICES = [
    ndl.cpu(),
    pytest.param(ndl.cuda(), marks=pytest.mark.skipif(not ndl.cuda().enabled(), reason="No GPU")),
]


every_device = pytest.mark.parametrize("device", _DEVICES, ids=["cpu", "cuda"])


def tensor(*shape, scale=1.0, device=None):
    return ndl.Tensor(np.random.randn(*shape) * scale, device=device, dtype="float32")


def conv_numbers(z, w, stride, padding):
    """The convolution of NHWC images, window by window."""
    z = np.pad(z, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(z, w.shape[:2], axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("nhwcij,ijco->nhwo", windows, w)


def conv_gradient_numbers(z, w, stride, padding, g):
    """Gradients of the sum of g times the convolution, by its definition: each product sends g back both ways."""
    k, p = w.shape[0], padding
    wide = np.pad(z, ((0, 0), (p, p), (p, p), (0, 0)))
    gz, gw = np.zeros_like(wide), np.zeros_like(w)
    down, right = g.shape[1] * stride, g.shape[2] * stride
    for i in range(k):
        for j in range(k):
            window = (slice(None), slice(i, i + down, stride), slice(j, j + right, stride))
            gz[window] += np.einsum("nhwo,co->nhwc", g, w[i, j])
            gw[i, j] = np.einsum("nhwc,nhwo->co", wide[window], g)
    return gz[:, p : gz.shape[1] - p, p : gz.shape[2] - p], gw


def backward_check(f, *args, tol=1e-2, **kwargs):
    """The op's own gradient_as_tuple against finite differences, written through `.flat`, as the course does it."""
    eps = 1e-2 if args[0].dtype == "float32" else 1e-4
    out = f(*args, **kwargs)
    c = np.random.randn(*out.shape)
    for arg, grad in zip(args, out.op.gradient_as_tuple(ndl.Tensor(c, dtype=out.dtype), out), strict=True):
        numerical = np.zeros(arg.shape)
        for j in range(arg.realize_cached_data().size):
            ends = []
            for step in (eps, -2 * eps):
                arg.realize_cached_data().flat[j] += step
                ends.append((f(*args, **kwargs).numpy() * c).sum())
            arg.realize_cached_data().flat[j] += eps
            numerical.flat[j] = (ends[0] - ends[1]) / (2 * eps)
        assert np.linalg.norm(grad.numpy() - numerical) < tol


OP_CONV = [
    ((3, 14, 14, 8), (3, 3, 8, 16), 1, 0),
    ((3, 14, 14, 8), (3, 3, 8, 16), 1, 1),
    ((3, 16, 16, 8), (3, 3, 8, 16), 1, 2),
    ((3, 16, 16, 8), (3, 3, 8, 14), 1, 0),
    ((3, 16, 16, 2), (3, 3, 2, 14), 1, 0),
    ((3, 14, 14, 8), (3, 3, 8, 16), 2, 0),
    ((3, 14, 14, 8), (3, 3, 8, 16), 2, 1),
    ((3, 16, 16, 8), (3, 3, 8, 16), 2, 2),
    ((3, 16, 16, 2), (3, 3, 2, 14), 2, 0),
    ((3, 16, 16, 24), (3, 3, 24, 14), 1, 0),
    ((3, 17, 17, 8), (5, 5, 8, 16), 1, 0),
    ((3, 17, 17, 1), (5, 5, 1, 16), 1, 0),
    ((3, 17, 17, 16), (5, 5, 16, 1), 1, 0),
    ((3, 17, 17, 16), (1, 1, 16, 1), 1, 0),
    ((1, 14, 14, 2), (3, 3, 2, 2), 1, 0),
    ((2, 7, 10, 3), (3, 3, 3, 2), 3, 1),
]


@every_device
@pytest.mark.parametrize(("z_shape", "w_shape", "stride", "padding"), OP_CONV)
def test_op_conv(z_shape, w_shape, stride, padding, device):
    np.random.seed(0)
    Z, W = tensor(*z_shape, device=device), tensor(*w_shape, device=device)
    y = ndl.conv(Z, W, padding=padding, stride=stride)
    z, w = Z.numpy().astype("float64"), W.numpy().astype("float64")
    wanted = conv_numbers(z, w, stride, padding)
    np.testing.assert_allclose(y.numpy(), wanted, rtol=1e-4, atol=1e-4)
    g = np.random.randn(*wanted.shape)
    (y * ndl.Tensor(g, device=device, dtype="float32")).sum().backward()
    gz, gw = conv_gradient_numbers(z, w, stride, padding, g)
    np.testing.assert_allclose(Z.grad.numpy(), gz, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(W.grad.numpy(), gw, rtol=1e-3, atol=1e-3)
    if torch is not None:
        Zt, Wt = (
            torch.tensor(a, requires_grad=True)
            for a in (z.transpose(0, 3, 1, 2).copy(), w.transpose(3, 2, 0, 1).copy())
        )
        out = torch.nn.functional.conv2d(Zt, Wt, padding=padding, stride=stride)
        (out * torch.tensor(g.transpose(0, 3, 1, 2))).sum().backward()
        theirs = [t.detach().numpy() for t in (out, Zt.grad, Wt.grad)]
        np.testing.assert_allclose(y.numpy(), theirs[0].transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(Z.grad.numpy(), theirs[1].transpose(0, 2, 3, 1), rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(W.grad.numpy(), theirs[2].transpose(2, 3, 1, 0), rtol=1e-3, atol=1e-3)


def test_conv_pads_one_as_a_function_and_nothing_as_a_class():
    Z, W = tensor(1, 6, 6, 2), tensor(3, 3, 2, 4)
    assert ndl.conv(Z, W).shape == (1, 6, 6, 4) and ndl.ops.Conv()(Z, W).shape == (1, 4, 4, 4)
    assert ndl.ops.Conv(stride=2, padding=1)(Z, W).shape == (1, 3, 3, 4)


NN_CONV = [
    (4, 8, 16, 3, 1), (32, 8, 16, 3, 2), (32, 16, 8, 3, 1), (14, 1, 1, 3, 1), (14, 8, 8, 5, 2), (9, 3, 4, 1, 1),
]  # fmt: skip


@every_device
@pytest.mark.parametrize(("s", "cin", "cout", "k", "stride"), NN_CONV)
def test_nn_conv(s, cin, cout, k, stride, device):
    np.random.seed(0)
    layer = nn.Conv(cin, cout, k, stride=stride, device=device)
    x = ndl.init.rand(2, cin, s, s, device=device, requires_grad=True)
    y = layer(x)
    z, w = x.numpy().transpose(0, 2, 3, 1), layer.weight.numpy()
    wanted = conv_numbers(z, w, stride, k // 2) + layer.bias.numpy()
    np.testing.assert_allclose(y.numpy(), wanted.transpose(0, 3, 1, 2), rtol=1e-4, atol=1e-4)
    y.sum().backward()
    gz, gw = conv_gradient_numbers(z, w, stride, k // 2, np.ones_like(wanted))
    np.testing.assert_allclose(x.grad.numpy(), gz.transpose(0, 3, 1, 2), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(layer.weight.grad.numpy(), gw, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(layer.bias.grad.numpy(), np.full(cout, wanted.size / cout), rtol=1e-5)


def test_nn_conv_draws():
    np.random.seed(3)
    layer = nn.Conv(4, 5, 3)
    rng, bound = np.random.RandomState(3), np.sqrt(6 / 36)
    np.testing.assert_allclose(
        layer.weight.numpy(), (2 * rng.rand(3, 3, 4, 5) - 1) * bound, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(layer.bias.numpy(), (2 * rng.rand(5) - 1) / 6, rtol=1e-4, atol=1e-6)
    assert nn.Conv(4, 5, 3, bias=False).bias is None and layer.weight.shape == (3, 3, 4, 5)


FLIPS = [
    ((10, 5), (0,)), ((10, 5), (0, 1)), ((2, 3, 3, 8), (1, 2)), ((3, 3, 6, 4), (0, 1)), ((2, 3, 3, 4), (0, 1, 2, 3)),
]  # fmt: skip


@every_device
@pytest.mark.parametrize(("shape", "axes"), FLIPS)
def test_flip(shape, axes, device):
    np.random.seed(0)
    A = tensor(*shape, device=device)
    np.testing.assert_array_equal(ndl.flip(A, axes=axes).numpy(), np.flip(A.numpy(), axes))
    backward_check(ndl.flip, A, axes=axes)


DILATES = [
    ((2, 5), 1, (0,)), ((2, 5), 2, (1,)), ((2, 5), 0, (0, 1)), ((2, 5), 1, (0, 3)), ((2, 3, 3, 4), 2, (0, 1)),
    ((3, 3, 6, 4), 1, (1, 2)), ((2, 3, 3, 4), 1, (0, 1, 2, 3)),
]  # fmt: skip


@every_device
@pytest.mark.parametrize(("shape", "d", "axes"), DILATES)
def test_dilate(shape, d, axes, device):
    np.random.seed(0)
    A = tensor(*shape, device=device)
    wide = np.zeros([n * (d + 1) if k in axes else n for k, n in enumerate(shape)], "float32")
    wide[tuple(slice(None, None, d + 1 if k in axes else 1) for k in range(len(shape)))] = A.numpy()
    np.testing.assert_array_equal(ndl.dilate(A, dilation=d, axes=axes).numpy(), wide)
    np.testing.assert_array_equal(ndl.undilate(ndl.Tensor(wide), axes, d).numpy(), A.numpy())
    backward_check(ndl.dilate, A, dilation=d, axes=axes)


@pytest.mark.parametrize(
    "padding", [((0, 0), (2, 2), (2, 2), (0, 0)), ((0, 0),) * 4, ((1, 0), (0, 2), (3, 1), (0, 0))]
)
def test_pad(padding):
    np.random.seed(0)
    numbers = np.random.randn(2, 8, 9, 3).astype("float32")
    np.testing.assert_array_equal(
        nd.NDArray(numbers, device=nd.cpu()).pad(padding).numpy(), np.pad(numbers, padding)
    )
    np.testing.assert_array_equal(ndl.ops.pad(ndl.Tensor(numbers), padding).numpy(), np.pad(numbers, padding))


@every_device
@pytest.mark.parametrize(
    ("shape", "n", "axis"), [((3, 4), 3, 0), ((3, 4), 5, 2), ((3, 4), 1, 2), ((4, 5, 6), 3, 1)]
)
def test_stack_and_split(shape, n, axis, device):
    np.random.seed(0)
    parts = [tensor(*shape, device=device) for _ in range(n)]
    whole = ndl.stack(parts, axis=axis)
    np.testing.assert_array_equal(whole.numpy(), np.stack([p.numpy() for p in parts], axis))
    g = np.random.randn(*whole.shape).astype("float32")
    (whole * ndl.Tensor(g, device=device)).sum().backward()
    for k, part in enumerate(parts):
        np.testing.assert_array_equal(part.grad.numpy(), np.take(g, k, axis))
    back = ndl.split(whole, axis)
    assert isinstance(back, ndl.TensorTuple) and len(back) == n
    for part, again in zip(parts, back, strict=True):
        np.testing.assert_array_equal(part.numpy(), again.numpy())
    A = ndl.Tensor(g, device=device)
    (ndl.split(A, axis)[0] * 3).sum().backward()
    wanted = np.zeros_like(g)
    np.moveaxis(wanted, axis, 0)[0] = 3
    np.testing.assert_array_equal(A.grad.numpy(), wanted)


@every_device
def test_batchnorm2d(device):
    np.random.seed(0)
    layer, x = nn.BatchNorm2d(3, device=device), tensor(4, 3, 5, 2, scale=3, device=device)
    numbers = x.numpy().astype("float64")
    mean, var = numbers.mean((0, 2, 3), keepdims=True), numbers.var((0, 2, 3), keepdims=True)
    normal = (numbers - mean) / np.sqrt(var + 1e-5)
    y = layer(x)
    np.testing.assert_allclose(y.numpy(), normal, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(layer.running_mean.numpy(), 0.1 * mean.ravel(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.running_var.numpy(), 0.9 + 0.1 * var.ravel(), rtol=1e-4)
    g = np.random.randn(*numbers.shape)
    (y * ndl.Tensor(g, device=device, dtype="float32")).sum().backward()
    g0, g1 = g.mean((0, 2, 3), keepdims=True), (g * normal).mean((0, 2, 3), keepdims=True)
    np.testing.assert_allclose(
        x.grad.numpy(), (g - g0 - normal * g1) / np.sqrt(var + 1e-5), rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(layer.weight.grad.numpy(), (g * normal).sum((0, 2, 3)), rtol=1e-3, atol=1e-3)
    layer.eval()
    eval_mean, eval_var = 0.1 * mean, 0.9 + 0.1 * var
    np.testing.assert_allclose(
        layer(x).numpy(), (numbers - eval_mean) / np.sqrt(eval_var + 1e-5), rtol=1e-3, atol=1e-4
    )


class TorchResNet9(torch.nn.Module if torch else object):
    def __init__(self):
        super().__init__()
        t = torch.nn

        def block(i, o, k, s):
            return t.Sequential(t.Conv2d(i, o, k, s, k // 2), t.BatchNorm2d(o), t.ReLU())

        self.parts = t.ModuleList([
            block(3, 16, 7, 4), block(16, 32, 3, 2), t.Sequential(block(32, 32, 3, 1), block(32, 32, 3, 1)),
            block(32, 64, 3, 2), block(64, 128, 3, 2), t.Sequential(block(128, 128, 3, 1), block(128, 128, 3, 1)),
            t.Sequential(t.Flatten(), t.Linear(128, 128), t.ReLU(), t.Linear(128, 10)),
        ])  # fmt: skip

    def forward(self, x):
        for k, part in enumerate(self.parts):
            x = part(x) + x if k in (2, 5) else part(x)
        return x


@every_device
def test_resnet9(device):
    from apps.models import ResNet9

    np.random.seed(0)
    model = ResNet9(device=device)
    assert np.sum([np.prod(p.shape) for p in model.parameters()]) == 431946
    assert model(tensor(2, 3, 32, 32, device=device)).shape == (2, 10)


@with_torch
def test_a_training_step_of_resnet9_is_pytorchs():
    from apps.models import ResNet9

    np.random.seed(0)
    model, twin = ResNet9(), TorchResNet9()
    with torch.no_grad():
        for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
            numbers = ours.numpy()
            numbers = (
                numbers.transpose(3, 2, 0, 1)
                if numbers.ndim == 4
                else numbers.T
                if numbers.ndim == 2
                else numbers
            )
            theirs.copy_(torch.tensor(np.ascontiguousarray(numbers)).reshape(theirs.shape))
    x, y = np.random.randn(6, 3, 32, 32).astype("float32"), np.arange(6)
    opt = ndl.optim.SGD(model.parameters(), lr=0.02)
    torch_opt, losses, torch_losses = torch.optim.SGD(twin.parameters(), lr=0.02), [], []
    for _ in range(3):
        loss = nn.SoftmaxLoss()(model(ndl.Tensor(x)), ndl.Tensor(y))
        opt.reset_grad()
        loss.backward()
        opt.step()
        torch_loss = torch.nn.functional.cross_entropy(twin(torch.tensor(x)), torch.tensor(y))
        torch_opt.zero_grad()
        torch_loss.backward()
        torch_opt.step()
        losses.append(loss.item())
        torch_losses.append(torch_loss.item())
    np.testing.assert_allclose(losses, torch_losses, rtol=1e-3)
    assert losses[2] < losses[0]


@pytest.mark.parametrize("train", [True, False])
def test_cifar10(train, tmp_path):
    np.random.seed(0)
    for name in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]:
        batch = {b"data": np.random.randint(0, 256, (6, 3072)).astype("uint8"), b"labels": list(range(6))}
        (tmp_path / name).write_bytes(pickle.dumps(batch, 2))
    dataset = ndl.data.CIFAR10Dataset(str(tmp_path), train=train)
    assert len(dataset) == (30 if train else 6)
    example = dataset[np.random.randint(len(dataset))]
    assert isinstance(example, tuple)
    X, y = example
    assert isinstance(X, np.ndarray) and X.shape == (3, 32, 32) and X.min() >= 0 and X.max() <= 1
    loader = ndl.data.DataLoader(
        dataset=dataset, batch_size=4, shuffle=False, collate_fn=ndl.data.collate_ndarray, drop_last=False,
        device=ndl.cpu(), dtype="float32",
    )  # fmt: skip
    X, y = next(iter(loader))
    assert isinstance(X, ndl.Tensor) and isinstance(y, ndl.Tensor)
    assert isinstance(X.cached_data, ndl.NDArray) and X.dtype == "float32" and X.shape == (4, 3, 32, 32)


def test_layers_of_final_projects():
    x = tensor(2, 4, 8, 8)
    assert nn.ConvBN(4, 6, 3, 2)(x).shape == (2, 6, 4, 4)
    assert nn.MaxPool2d(2)(x).shape == (2, 4, 4, 4)
    assert nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1)(x).shape == (2, 3, 16, 16)
    assert ndl.ops.concat([x, x], 1).shape == ndl.ops.cat([x, x], 1).shape == (2, 8, 8, 8)
    np.testing.assert_array_equal(ndl.ops.clip(x, -1, 1).numpy(), np.clip(x.numpy(), -1, 1))


def submit_conv():
    mugrade.submit(ndl.conv(tensor(1, 4, 4, 1), tensor(3, 3, 1, 1)).numpy())
