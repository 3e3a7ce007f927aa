"""`simple_ml`: each function against the formula in NumPy, and where the course's programs look for it."""

import subprocess
import sys

import numpy as np
import pytest

from needle_edu import Tensor, data, nn, optim
from needle_edu.apps import simple_ml
from needle_edu.data import write_idx


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_parse_mnist(tmp_path, rng):
    images, labels = rng.integers(0, 256, (5, 28, 28), dtype="uint8"), rng.integers(0, 10, 5, dtype="uint8")
    write_idx(tmp_path / "i.gz", images)
    write_idx(tmp_path / "l.gz", labels)
    X, y = simple_ml.parse_mnist(str(tmp_path / "i.gz"), str(tmp_path / "l.gz"))
    assert X.dtype == np.float32 and y.dtype == np.uint8
    np.testing.assert_allclose(X, images.reshape(5, 784) / 255, rtol=1e-6)
    np.testing.assert_array_equal(y, labels)


def test_softmax_loss_and_its_gradient(rng):
    z, y = rng.normal(size=(6, 4)) * 3, rng.integers(0, 4, 6)
    Z, hot = Tensor(z, dtype="float64"), np.eye(4)[y]
    loss = simple_ml.softmax_loss(Z, Tensor(hot, dtype="float64"))
    np.testing.assert_allclose(loss.numpy().item(), -np.log(softmax(z)[np.arange(6), y]).mean(), rtol=1e-6)
    loss.backward()
    np.testing.assert_allclose(Z.grad.numpy(), (softmax(z) - hot) / 6, rtol=1e-5, atol=1e-7)
    got, error = simple_ml.loss_err(Tensor(z), y)
    np.testing.assert_allclose(got.item(), loss.numpy().item(), rtol=1e-5)
    assert error == np.mean(z.argmax(1) != y)


def test_softmax_regression_epoch(rng):
    X, y = rng.normal(size=(10, 3)).astype("float32"), rng.integers(0, 4, 10)
    theta = rng.normal(size=(3, 4)).astype("float32")
    wanted = theta.astype("float64")
    for s in (slice(0, 4), slice(4, 8), slice(8, 10)):
        wanted -= 0.3 / len(y[s]) * X[s].T @ (softmax(X[s] @ wanted) - np.eye(4)[y[s]])
    simple_ml.softmax_regression_epoch(X, y, theta, lr=0.3, batch=4)
    np.testing.assert_allclose(theta, wanted, rtol=1e-4, atol=1e-6)


def test_nn_epoch(rng):
    X, y = rng.normal(size=(10, 3)).astype("float32"), rng.integers(0, 4, 10)
    W1, W2 = (rng.normal(size=shape).astype("float32") for shape in ((3, 5), (5, 4)))
    got = simple_ml.nn_epoch(X, y, Tensor(W1), Tensor(W2), lr=0.2, batch=4)
    for s in (slice(0, 4), slice(4, 8), slice(8, 10)):
        h = np.maximum(X[s] @ W1, 0)
        g = (softmax(h @ W2) - np.eye(4)[y[s]]) / len(y[s])
        W1, W2 = W1 - 0.2 * X[s].T @ ((g @ W2.T) * (h > 0)), W2 - 0.2 * h.T @ g
    for ours, wanted in zip(got, (W1, W2), strict=True):
        np.testing.assert_allclose(ours.numpy(), wanted, rtol=1e-4, atol=1e-6)
        assert ours.requires_grad and ours.dtype == "float32"


def test_cifar10_epochs(rng):
    x = rng.normal(size=(10, 6)).astype("float32")
    y = x[:, :3].argmax(axis=1)
    loader = data.DataLoader(data.NDArrayDataset(x, y), 4)
    model = nn.Sequential(nn.Linear(6, 3), nn.Dropout(0.5))
    logits = model.modules[0](Tensor(x)).numpy()
    for loss_fn in (nn.SoftmaxLoss, nn.SoftmaxLoss()):
        accuracy, loss = simple_ml.evaluate_cifar10(model, loader, loss_fn)
        np.testing.assert_allclose(loss, -np.log(softmax(logits)[np.arange(10), y]).mean(), rtol=1e-5)
        assert accuracy == np.mean(logits.argmax(1) == y) and not model.training
    np.testing.assert_array_equal(model.modules[0](Tensor(x)).numpy(), logits)
    _, trained = simple_ml.train_cifar10(model, loader, 40, optim.Adam, lr=0.05, weight_decay=0.0)
    assert model.training and simple_ml.evaluate_cifar10(model, loader)[1] < loss / 2 and trained < loss
    with pytest.raises(ValueError, match="n_epochs is at least 1, got 0"):
        simple_ml.train_cifar10(model, loader, 0)


SCRIPT = """
import sys
sys.path.append('./python')
import numpy as np
import needle as ndl
from {where}models import ResNet9
from {where}simple_ml import train_cifar10, evaluate_cifar10

np.random.seed(0)
x, y = np.random.randn(8, 3, 32, 32), np.arange(8) % 4
loader = ndl.data.DataLoader(ndl.data.NDArrayDataset(x, y), batch_size=4, shuffle=True)
model = ResNet9(device=ndl.cpu(), dtype="float32")
first = train_cifar10(model, loader, n_epochs=1, optimizer=ndl.optim.Adam, lr=0.001, weight_decay=0.001)
last = train_cifar10(model, loader, n_epochs=5, optimizer=ndl.optim.Adam, lr=0.001, weight_decay=0.001)
print(last[1] < first[1] / 2, evaluate_cifar10(model, loader)[0] >= 0)
"""


@pytest.mark.parametrize("backend", ["nd", "np"])
@pytest.mark.parametrize("where", ["apps.", ""])
def test_a_courses_script_trains_resnet9(where, backend, tmp_path, monkeypatch):
    monkeypatch.setenv("NEEDLE_BACKEND", backend)
    (tmp_path / "train.py").write_text(SCRIPT.format(where=where))
    command = [sys.executable, "-m", "needle_edu.as_needle", "--apps", str(tmp_path / "train.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout == "True True\n", done.stderr


def test_a_file_of_the_users_own_comes_first(tmp_path):
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "models.py").write_text("class ResNet9: mine = True\n")
    (tmp_path / "train.py").write_text(
        "from apps.models import ResNet9; from apps.simple_ml import train_cifar10; import models\n"
        "print(ResNet9.mine, train_cifar10.__module__, models.__name__)"
    )
    command = [sys.executable, "-m", "needle_edu.as_needle", "--apps", str(tmp_path / "train.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout == "True needle_edu.apps.simple_ml needle_edu.apps.models\n", done.stderr
