"""Each layer against its closed form in NumPy, its gradients against PyTorch, its draws and its errors."""

import numpy as np
import pytest

from needle_edu import autograd, cpu, init, nn, ops
from needle_edu.autograd import Tensor
from needle_edu.backend import compatibility
from needle_edu.backend.errors import IndexOutOfRange, ShapeError

X = np.random.RandomState(0).randn(6, 5).astype(np.float32)


def tensor(array):
    return Tensor(array, dtype="float32")


def close(ours, wanted, tol=2e-5):
    ours = ours.numpy() if isinstance(ours, Tensor) else ours
    np.testing.assert_allclose(ours, wanted, rtol=tol, atol=tol)


def test_linear_draws_weight_then_bias():
    init.seed(7)
    layer, follower = nn.Linear(5, 3), np.random.rand()
    rng = np.random.RandomState(7)
    bound = np.sqrt(2) * np.sqrt(3 / 5)
    close(layer.weight, rng.rand(5, 3) * 2 * bound - bound)
    bound = np.sqrt(2) * np.sqrt(3 / 3)
    close(layer.bias, (rng.rand(3, 1) * 2 * bound - bound).reshape(1, 3))
    assert follower == rng.rand()
    assert layer.weight.requires_grad and layer.weight.is_leaf() and layer.bias.is_leaf()
    init.seed(7)
    nn.Linear(5, 3, bias=False)
    rng = np.random.RandomState(7)
    rng.rand(5, 3)
    assert np.random.rand() == rng.rand()


def test_linear_on_vectors_batches_and_stacks_of_batches(rng):
    layer = nn.Linear(5, 3)
    w, b = layer.weight.numpy(), layer.bias.numpy()
    for shape in [(6, 5), (2, 6, 5), (1, 5), (0, 5)]:
        x = rng.normal(size=shape)
        close(layer(tensor(x)), x @ w + b)


def test_linear_still_works_after_its_bias_changed_shape():
    layer = nn.Linear(5, 3)
    layer.bias.data = tensor(np.array([1.0, 2.0, 3.0]))
    y = layer(tensor(X))
    close(y, X @ layer.weight.numpy() + [1, 2, 3])
    y.sum().backward()
    assert layer.bias.grad.shape == (3,)


def test_linear_says_what_is_wrong_and_how_to_mend_it():
    with pytest.raises(ShapeError) as error:
        nn.Linear(4, 2)(tensor(np.ones((8, 5))))
    for word in ["Linear(4, 2)", "(8, 5)", "(..., 4)", "in_features=5"]:
        assert word in str(error.value)
    with pytest.raises(ShapeError, match="Flatten"):
        nn.Linear(4, 2)(tensor(np.ones((8, 2, 2))))


def test_float64_layers():
    layer = nn.Linear(5, 3, dtype="float64")
    assert layer(Tensor(X, dtype="float64")).dtype == "float64"


def test_activations_and_containers(rng):
    x = tensor(X)
    close(nn.ReLU()(x), np.maximum(X, 0))
    close(nn.Tanh()(x), np.tanh(X))
    close(nn.Sigmoid()(x), 1 / (1 + np.exp(-X)))
    assert nn.Identity()(x) is x and nn.Sequential()(x) is x
    close(nn.Sequential(nn.ReLU(), nn.Tanh())(x), np.tanh(np.maximum(X, 0)))
    close(nn.Residual(nn.Tanh())(x), np.tanh(X) + X)
    images = rng.normal(size=(2, 3, 4, 5))
    close(nn.Flatten()(tensor(images)), images.reshape(2, 60))
    assert nn.Flatten()(tensor(np.zeros((0, 3, 4)))).shape == (0, 12)
    assert nn.Flatten()(tensor(np.zeros(3))).shape == (3, 1)


def test_dropout_in_training_and_evaluation(monkeypatch):
    monkeypatch.setattr(compatibility, "dropout_draws_each", True)
    layer = nn.Dropout(0.3)
    init.seed(5)
    y, follower = layer(tensor(X)), np.random.rand()
    rng = np.random.RandomState(5)
    keep = rng.rand(6, 5) <= 0.7
    close(y, X * keep / 0.7)
    assert follower == rng.rand()
    y.sum().backward()
    layer.eval()
    init.seed(5)
    x = tensor(X)
    assert layer(x) is x and np.random.rand() == np.random.RandomState(5).rand()
    x = tensor(X)
    layer.train()(x).sum().backward()
    assert set(np.round(x.grad.numpy().ravel(), 4)) <= {0.0, np.float32(np.round(1 / 0.7, 4))}
    with pytest.raises(ValueError, match="1.5"):
        nn.Dropout(1.5)


def test_dropout_keeps_the_mean():
    init.seed(0)
    y = nn.Dropout(0.4)(init.ones(100, 100)).numpy()
    assert abs(y.mean() - 1) < 0.02 and abs((y == 0).mean() - 0.4) < 0.02


def test_batch_norm_in_training_and_evaluation(rng):
    layer = nn.BatchNorm1d(5, momentum=0.25)
    layer.weight.data, layer.bias.data = tensor(np.arange(1.0, 6.0)), tensor(np.arange(5.0))
    w, b = np.arange(1.0, 6.0), np.arange(5.0)
    mean, var = np.zeros(5), np.ones(5)
    for _ in range(3):
        x = rng.normal(size=(7, 5)) * 3 + 2
        close(layer(tensor(x)), w * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) + b, 1e-4)
        mean, var = 0.75 * mean + 0.25 * x.mean(0), 0.75 * var + 0.25 * x.var(0)  # the biased variance
    close(layer.running_mean, mean)
    close(layer.running_var, var)
    layer.eval()
    close(layer(tensor(X)), w * (X - mean) / np.sqrt(var + 1e-5) + b, 1e-4)
    close(layer.running_mean, mean)
    assert not layer.running_mean.requires_grad and layer.running_mean.op is None
    with pytest.raises(ShapeError, match=r"BatchNorm1d\(5\).*\(6, 4\)"):
        layer(tensor(np.ones((6, 4))))


def test_batch_norm_keeps_the_dtype_of_its_averages_and_no_history():
    layer = nn.BatchNorm1d(5)
    layer(Tensor(X, dtype="float64"))
    assert layer.running_mean.dtype == layer.running_var.dtype == "float32"
    autograd.LAZY_MODE = True
    try:
        layer(tensor(X))
        assert layer.running_mean.is_leaf() and layer.running_var.is_leaf()
    finally:
        autograd.LAZY_MODE = False
    before = layer.state_dict()
    with pytest.raises(ShapeError, match="no examples"):
        layer(tensor(np.zeros((0, 5))))
    np.testing.assert_array_equal(layer.running_mean.numpy(), before["running_mean"])
    assert layer.eval()(tensor(np.zeros((0, 5)))).shape == (0, 5)


def test_layers_take_arrays_and_lists():
    for make in (
        lambda: nn.Linear(5, 5),
        lambda: nn.BatchNorm1d(5),
        lambda: nn.LayerNorm1d(5),
        nn.ReLU,
        nn.Tanh,
    ):
        layer = make()
        close(layer(X), layer(tensor(X)).numpy())
        close(layer(X.tolist()), layer(tensor(X)).numpy())
    assert nn.Dropout(0.5)(X).shape == X.shape
    close(
        nn.SoftmaxLoss()(X, [0, 1, 2, 3, 4, 0]).item(), nn.SoftmaxLoss()(tensor(X), [0, 1, 2, 3, 4, 0]).item()
    )


@pytest.mark.parametrize("wrong", [0, -3, 2.5, "4", None])
def test_a_size_that_is_none_is_said(wrong):
    for make, name in [
        (lambda: nn.Linear(wrong, 2), "Linear: in_features"),
        (lambda: nn.Linear(2, wrong), "Linear: out_features"),
        (lambda: nn.BatchNorm1d(wrong), "BatchNorm1d: dim"),
        (lambda: nn.LayerNorm1d(wrong), "LayerNorm1d: dim"),
    ]:
        with pytest.raises(ValueError, match=name) as error:
            make()
        assert repr(wrong) in str(error.value)
    assert nn.Linear(np.prod((2, 2)), np.int64(3)).weight.shape == (4, 3)


def test_parts_of_sequential_that_are_no_modules_are_said_when_it_is_made():
    for parts, words in [
        ([[nn.ReLU()]], r"part 0 is a list.*Sequential\(\*modules\)"),
        ([nn.Linear(2, 2), nn.ReLU], r"part 1 is the class ReLU; make a module: ReLU\(\)"),
        ([None], "part 0 is a NoneType"),
    ]:
        with pytest.raises(TypeError, match=words):
            nn.Sequential(*parts)
    close(nn.Sequential(nn.ReLU(), lambda x: x * 2)(tensor(X)), np.maximum(X, 0) * 2)
    with pytest.raises(ShapeError, match="Flatten"):
        nn.Flatten()(Tensor(1.0))


def test_layer_norm(rng):
    layer = nn.LayerNorm1d(5, eps=1e-3)
    layer.weight.data, layer.bias.data = tensor(np.arange(1.0, 6.0)), tensor(np.arange(5.0))
    for shape in [(6, 5), (2, 3, 5)]:
        x = rng.normal(size=shape) * 2 + 1
        mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        close(layer(tensor(x)), np.arange(1, 6) * (x - mean) / np.sqrt(var + 1e-3) + np.arange(5), 1e-4)
    with pytest.raises(ShapeError, match=r"LayerNorm1d\(5\).*\(5, 6\)"):
        layer(tensor(np.ones((5, 6))))


@pytest.mark.parametrize("kind", ["int64", "uint8", "float32"])
def test_softmax_loss(kind):
    y = np.array([0, 4, 2, 2, 1, 3])
    p = np.exp(X) / np.exp(X).sum(1, keepdims=True)
    logits = tensor(X)
    loss = nn.SoftmaxLoss()(logits, Tensor(y.astype(kind)))
    assert loss.size == 1
    close(loss.item(), -np.log(p[np.arange(6), y]).mean())
    loss.backward()
    close(logits.grad, (p - np.eye(5)[y]) / 6)


def test_softmax_loss_does_not_overflow():
    logits = tensor(np.array([[1e10, 0.0], [-1e10, 0.0]]))
    loss = nn.SoftmaxLoss()(logits, Tensor(np.array([0, 1])))
    assert loss.item() == 0
    loss.backward()
    assert np.all(np.isfinite(logits.grad.numpy()))


def test_softmax_loss_keeps_its_digits_when_logits_are_large():
    """A difference of 1 between logits of 10,000: float32 holds logsumexp to 0.001 only."""
    logits = tensor(np.array([[10_000.0, 10_001.0]] * 64))
    loss = nn.SoftmaxLoss()(logits, Tensor(np.zeros(64, dtype=int)))
    assert loss.item() == pytest.approx(np.log1p(np.e), rel=1e-6)


def test_softmax_loss_with_a_class_ruled_out():
    logits = tensor(np.array([[-np.inf, 1.0, 2.0], [0.5, -np.inf, -np.inf]]))
    loss = nn.SoftmaxLoss()(logits, Tensor(np.array([1, 0])))
    close(loss.item(), np.log1p(np.e) / 2)
    loss.backward()
    p = np.exp(1) / (np.exp(1) + np.exp(2))
    close(logits.grad, np.array([[0, p - 1, 1 - p], [0, 0, 0]]) / 2)
    assert nn.SoftmaxLoss()(logits, Tensor(np.array([0, 0]))).item() == np.inf


def test_softmax_loss_has_the_logits_dtype():
    for dtype in ("float32", "float64"):
        assert nn.SoftmaxLoss()(Tensor(X, dtype=dtype), np.zeros(6, dtype=int)).dtype == dtype


def test_softmax_loss_errors():
    for logits, y in [((6, 5), (5,)), ((6, 5), (6, 1)), ((5,), (5,)), ((0, 5), (0,))]:
        with pytest.raises(ShapeError, match="SoftmaxLoss.*batch, classes"):
            nn.SoftmaxLoss()(tensor(np.ones(logits)), Tensor(np.zeros(y, dtype=int)))
    for label in (5, -1):
        with pytest.raises(IndexOutOfRange, match="0 to 4"):
            nn.SoftmaxLoss()(tensor(X), Tensor(np.full(6, label)))


@pytest.mark.parity
def test_a_network_of_everything_has_pytorchs_gradients():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    init.seed(1)
    ours = nn.Sequential(
        nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Residual(nn.Sequential(nn.Linear(8, 8), nn.Tanh())),
        nn.LayerNorm1d(8), nn.Sigmoid(), nn.Linear(8, 4),
    )  # fmt: skip
    batch_norm, layer_norm = torch.nn.BatchNorm1d(8), torch.nn.LayerNorm(8)
    inner = torch.nn.Linear(8, 8)
    layers = [torch.nn.Linear(5, 8), batch_norm, inner, layer_norm, torch.nn.Linear(8, 4)]
    theirs = [p for layer in layers for p in (layer.weight, layer.bias)]
    for p, q in zip(ours.parameters(), theirs, strict=True):
        a = torch.from_numpy(p.numpy().reshape(-1) if q.ndim == 1 else p.numpy().T.copy())
        q.data.copy_(a)
    y = np.array([0, 3, 2, 2, 1, 3])
    a, b = tensor(X), torch.tensor(X, requires_grad=True)
    loss = nn.SoftmaxLoss()(ours(a), Tensor(y))
    hidden = torch.relu(batch_norm(layers[0](b)))
    hidden = torch.sigmoid(layer_norm(torch.tanh(inner(hidden)) + hidden))
    wanted = torch.nn.functional.cross_entropy(layers[4](hidden), torch.from_numpy(y))
    loss.backward()
    wanted.backward()
    close(loss.item(), wanted.item())
    close(a.grad, b.grad.numpy(), 1e-4)
    for p, q in zip(ours.parameters(), theirs, strict=True):
        grad = q.grad.numpy()
        close(p.grad.numpy(), grad.T if grad.ndim == 2 else grad.reshape(p.shape), 1e-4)


def test_every_layer_takes_device_and_dtype():
    place = {"device": cpu(), "dtype": "float64"}
    model = nn.Sequential(
        nn.Flatten(**place), nn.Linear(5, 4, **place), nn.BatchNorm1d(4, **place), nn.ReLU(**place),
        nn.Dropout(0.1, **place), nn.Residual(nn.Identity(**place), **place), nn.LayerNorm1d(4, **place),
        nn.Tanh(**place), nn.Sigmoid(**place), **place,
    )  # fmt: skip
    assert {p.dtype.name for p in model.parameters()} == {"float64"} and model.modules[4].p == 0.1
    loss = nn.SoftmaxLoss(**place)(model(Tensor(X, **place)), [0] * 6)
    assert loss.dtype == "float64"


def test_where_with_a_number_keeps_the_dtype_and_the_digits_of_its_tensor():
    """The number takes the dtype of the numbers beside it, not of the mask: 0.1 stays 0.1 in float64."""
    for dtype in ("float32", "float64"):
        picked = ops.where(Tensor(np.array([True, False])), Tensor([1.0, 2.0], dtype=dtype), 0.1)
        assert picked.dtype == dtype and picked.numpy()[1] == np.dtype(dtype).type(0.1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Dropout("half"), "Dropout: p is a number with 0 <= p <= 1, got 'half'"),
        (lambda: nn.Dropout(2), "0 <= p <= 1, got 2"),
        (lambda: nn.Dropout(np.nan), "0 <= p <= 1, got nan"),
        (lambda: nn.Linear(True, 2), "in_features is a whole number"),
        (lambda: nn.Linear(2, 2, bias="no"), "Linear: bias is True or False, got 'no'"),
        (
            lambda: nn.Linear(2, 2, dtype="int32"),
            "Linear: parameters are floating-point numbers, got dtype int32",
        ),
        (lambda: nn.Linear(2, 2, dtype="floot"), "there is no dtype 'floot'"),
        (lambda: nn.BatchNorm1d(2, eps="x"), "BatchNorm1d: eps"),
        (lambda: nn.BatchNorm1d(2, eps=-1.0), "0 <= eps, got -1.0"),
        (lambda: nn.BatchNorm1d(2, momentum=1.5), "0 <= momentum <= 1, got 1.5"),
        (lambda: nn.BatchNorm1d(2, dtype="bool"), "BatchNorm1d: parameters are floating-point"),
        (lambda: nn.LayerNorm1d(2, eps=None), "LayerNorm1d: eps"),
        (lambda: nn.LayerNorm1d(2, dtype="int64"), "LayerNorm1d: parameters are floating-point"),
    ],
)
def test_arguments_that_make_no_sense_are_said_when_the_layer_is_made(make, words):
    with pytest.raises((ValueError, TypeError), match=words):
        make()


def test_what_residual_cannot_call_is_said():
    with pytest.raises(TypeError, match=r"Residual: fn is the class ReLU; make a module: ReLU\(\)"):
        nn.Residual(nn.ReLU)
    with pytest.raises(TypeError, match="Residual: fn is a NoneType"):
        nn.Residual(None)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: nn.MSELoss()(Tensor(np.zeros((0, 3))), Tensor(np.zeros((0, 3)))), "no elements"),
        (lambda: nn.CrossEntropyLoss()(Tensor(np.zeros((0, 3))), Tensor(np.zeros(0))), "no examples"),
        (lambda: nn.CrossEntropyLoss()(Tensor(np.zeros((0, 3))), Tensor(np.zeros((0, 3)))), "no examples"),
        (lambda: nn.CrossEntropyLoss()(Tensor(np.zeros((2, 3, 0))), Tensor(np.zeros((2, 0)))), "no examples"),
        (lambda: nn.NLLLoss()(Tensor(np.zeros((0, 3))), Tensor(np.zeros(0))), "no examples"),
        (
            lambda: nn.KLDivLoss("batchmean")(Tensor(np.zeros((0, 3))), Tensor(np.zeros((0, 3)))),
            "no elements",
        ),
        (lambda: nn.MSELoss()(Tensor(np.zeros((4, 3))), Tensor(np.zeros(3))), "reshape one of them"),
        (lambda: nn.BatchNorm1d(4)(Tensor(np.zeros((0, 4)))), "no examples, so no mean"),
        (lambda: nn.InstanceNorm1d(4, momentum=None), "momentum is a number"),
        (lambda: nn.ZeroPad2d((-1, 2, 0, 0)), "padding is a whole number of at least 0"),
    ],
)
def test_what_pytorch_takes_and_we_refuse_is_said(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call()


def test_no_examples_have_a_sum_and_no_losses():
    logits, labels = Tensor(np.zeros((0, 3))), Tensor(np.zeros(0))
    assert nn.CrossEntropyLoss(reduction="sum")(logits, labels).item() == 0
    assert nn.CrossEntropyLoss(reduction="none")(logits, labels).shape == (0,)
