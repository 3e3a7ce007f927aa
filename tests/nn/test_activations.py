"""The layers of activations are PyTorch's; those with a memory (PReLU, RReLU) do what they say."""

import numpy as np
import pytest

from needle_edu import init, nn
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import ShapeError

LAYERS = {
    "GELU": {"approximate": "tanh"}, "SiLU": {}, "Softplus": {"beta": 2.0, "threshold": 1.5},
    "LeakyReLU": {"negative_slope": 0.2},
    "ELU": {"alpha": 0.5}, "CELU": {"alpha": 0.5}, "SELU": {}, "Hardtanh": {"min_val": -0.5, "max_val": 2.0},
    "ReLU6": {}, "Hardsigmoid": {}, "Hardswish": {}, "Hardshrink": {"lambd": 1.5}, "Softshrink": {"lambd": 1.5},
    "Threshold": {"threshold": 0.5, "value": -3.0}, "Softsign": {}, "Tanhshrink": {}, "LogSigmoid": {}, "Mish": {},
    "GLU": {"dim": 0}, "PReLU": {"num_parameters": 5, "init": 0.3}, "Softmax": {"dim": 0}, "LogSoftmax": {"dim": 1},
    "Softmin": {"dim": -1}, "ReLU": {}, "Tanh": {}, "Sigmoid": {},
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parity
def test_activation_layers_are_pytorchs(name, rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    x = rng.normal(0, 3, (4, 5)).astype("float32")
    wanted = getattr(torch.nn, name)(**LAYERS[name])(torch.tensor(x)).detach().numpy()
    got = getattr(nn, name)(**LAYERS[name])(Tensor(x)).numpy()
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parity
def test_defaults_are_pytorchs(rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    x = rng.normal(0, 3, (4, 6)).astype("float32")
    for name in LAYERS:
        if name not in ("Threshold", "Softmax", "LogSoftmax", "Softmin"):  # theirs wants a dim
            wanted = getattr(torch.nn, name)()(torch.tensor(x)).detach().numpy()
            got = getattr(nn, name)()(Tensor(x)).numpy()
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parity
def test_softmax2d(rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    for shape in [(2, 3, 4, 5), (3, 4, 5)]:
        x = rng.normal(0, 3, shape).astype("float32")
        wanted = torch.nn.Softmax2d()(torch.tensor(x)).numpy()
        np.testing.assert_allclose(nn.Softmax2d()(Tensor(x)).numpy(), wanted, rtol=1e-5)
    with pytest.raises(ShapeError, match=r"Softmax2d: wanted \(batch, channels, height, width\).*\(2, 3\)"):
        nn.Softmax2d()(Tensor([[1.0, 2.0, 3.0]] * 2))


def test_prelu_learns_its_slopes():
    layer = nn.PReLU(2, 0.5, dtype="float64")
    assert [p.shape for p in layer.parameters()] == [(2,)] and layer.weight.dtype == "float64"
    layer(Tensor([[-1.0, 2.0], [-4.0, -8.0]], dtype="float64")).sum().backward()
    assert layer.weight.grad.numpy().tolist() == [-5, -8]


def test_rrelu_draws_only_while_it_trains():
    layer, x = nn.RReLU(0.25, 0.75), Tensor([-1.0, 2.0])
    init.seed(0)
    first, second = layer(x).numpy(), layer(x).numpy()
    assert first[0] != second[0] and -0.75 <= min(first[0], second[0]) <= max(first[0], second[0]) <= -0.25
    assert layer.eval()(x).numpy().tolist() == [-0.5, 2]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.PReLU(0), "PReLU: num_parameters is a whole number of at least 1, got 0"),
        (lambda: nn.PReLU(init="a"), "PReLU: init is a finite number, got 'a'"),
        (lambda: nn.RReLU(1, 0), "RReLU: lower is not above upper, got lower=1, upper=0"),
        (lambda: nn.RReLU("a"), "RReLU: lower is a finite number, got 'a'"),
    ],
)
def test_bad_options(make, message):
    with pytest.raises(ValueError, match=message):
        make()
