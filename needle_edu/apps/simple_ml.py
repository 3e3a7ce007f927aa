"""The first homeworks' application, small networks on MNIST, and the fourth's, training on CIFAR-10 and text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import nn, ops, optim
from ..autograd import Tensor
from ..data import read_idx
from .models import ConvBN as ConvBN, LanguageModel as LanguageModel, ResNet9 as ResNet9
from .ptb import (
    epoch_general_ptb as epoch_general_ptb,
    evaluate_ptb as evaluate_ptb,
    train_ptb as train_ptb,
)


def parse_mnist(image_filename: str, label_filename: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a pair of MNIST's files.

    Returns
    -------
    tuple of numpy.ndarray
        Images, float32 of shape (n, 784) in [0, 1], and labels, uint8 of shape (n,).

    Examples
    --------
    >>> parse_mnist("nowhere.gz", "nowhere.gz")
    Traceback (most recent call last):
    ...
    FileNotFoundError: ...
    """
    images = read_idx(image_filename, ndim=3)
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255), read_idx(
        label_filename, ndim=1
    )


def softmax_loss(Z: Tensor, y_one_hot: Tensor) -> Tensor:  # noqa: N803
    r"""The mean over examples of :math:`\log \sum_j e^{z_j} - z_y`.

    Parameters
    ----------
    Z : Tensor of shape (batch, classes)
        Logits.
    y_one_hot : Tensor of shape (batch, classes)
        A row per example, 1 at its class.

    Examples
    --------
    >>> softmax_loss(Tensor([[0.0, 0.0]]), Tensor([[1.0, 0.0]])).numpy().round(3).tolist()
    [0.6930000185966492]
    """
    return (ops.logsumexp(Z, axes=(1,)).sum() - (Z * y_one_hot).sum()) / Z.shape[0]


def softmax_regression_epoch(
    X: np.ndarray,  # noqa: N803
    y: np.ndarray,
    theta: np.ndarray,
    lr: float = 0.1,
    batch: int = 100,
) -> None:
    r"""One epoch of gradient descent for softmax regression, in NumPy; `theta` changes in place.

    .. math:: \theta \leftarrow \theta - \tfrac{lr}{m} X^T (\operatorname{softmax}(X\theta) - I_y)

    Parameters
    ----------
    X : numpy.ndarray of shape (n, inputs)
    y : numpy.ndarray of whole numbers, shape (n,)
    theta : numpy.ndarray of shape (inputs, classes)
    lr : float
    batch : int
        Examples per step, taken in the order in which they are.

    Examples
    --------
    >>> theta = np.zeros((1, 2))
    >>> softmax_regression_epoch(np.ones((4, 1)), np.zeros(4, int), theta, lr=1.0, batch=4)
    >>> theta
    array([[ 0.5, -0.5]])
    """
    for start in range(0, len(y), batch):
        x, labels = X[start : start + batch], y[start : start + batch]
        logits = x @ theta
        share = np.exp(logits - logits.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        share[np.arange(len(labels)), labels] -= 1
        theta -= (lr / len(labels) * (x.T @ share)).astype(theta.dtype)


def nn_epoch(
    X: np.ndarray,  # noqa: N803
    y: np.ndarray,
    W1: Tensor,  # noqa: N803
    W2: Tensor,  # noqa: N803
    lr: float = 0.1,
    batch: int = 100,
) -> tuple[Tensor, Tensor]:
    r"""One epoch of gradient descent for :math:`\operatorname{relu}(X W_1) W_2` with the softmax loss.

    Parameters
    ----------
    X : numpy.ndarray of shape (n, inputs)
    y : numpy.ndarray of whole numbers, shape (n,)
    W1, W2 : Tensor of shape (inputs, hidden) and (hidden, classes)
    lr : float
    batch : int
        Examples per step, taken in the order in which they are.

    Returns
    -------
    tuple of Tensor
        The weights after the epoch.

    Examples
    --------
    >>> from needle_edu import init
    >>> weights = init.ones(2, 3, requires_grad=True), init.zeros(3, 2, requires_grad=True)
    >>> W1, W2 = nn_epoch(np.ones((4, 2)), np.zeros(4, int), *weights, lr=1.0)
    >>> W2.numpy()[0].tolist()
    [1.0, -1.0]
    """
    for start in range(0, len(y), batch):
        labels = y[start : start + batch]
        logits = ops.relu(Tensor(X[start : start + batch], requires_grad=False) @ W1) @ W2
        loss = softmax_loss(logits, _one_hot(labels, W2.shape[1]))
        loss.backward()
        W1, W2 = _step(W1, lr), _step(W2, lr)  # noqa: N806
    return W1, W2


def loss_err(h: Tensor, y: np.ndarray) -> tuple[np.ndarray, float]:
    """The softmax loss of logits `h` (batch, classes) for labels `y` (batch,), and the share of wrong answers.

    Examples
    --------
    >>> loss, error = loss_err(Tensor([[0.0, 9.0], [9.0, 0.0]]), np.array([1, 1]))
    >>> float(error)
    0.5
    """
    return softmax_loss(h, _one_hot(y, h.shape[-1])).numpy(), float(np.mean(h.numpy().argmax(axis=1) != y))


def epoch_general_cifar10(
    dataloader: Any, model: nn.Module, loss_fn: Callable = nn.SoftmaxLoss, opt: optim.Optimizer | None = None
) -> tuple[float, float]:
    """Go through the data once, learning if there is an optimiser; seeds NumPy's generator with 4, as the course does.

    Parameters
    ----------
    dataloader : iterable of (x, y)
    model : Module
    loss_fn : a loss, or its class
    opt : Optimizer, optional

    Returns
    -------
    tuple of float
        The share of right answers, and the loss, both means over the examples.

    Examples
    --------
    >>> from needle_edu import data, init
    >>> init.seed(0)
    >>> loader = data.DataLoader(data.NDArrayDataset(*data.xor(8)), 4)
    >>> accuracy, loss = epoch_general_cifar10(loader, nn.Linear(2, 2))
    >>> 0 <= accuracy <= 1
    True
    """
    np.random.seed(4)
    model.train(opt is not None)
    loss_function = loss_fn() if isinstance(loss_fn, type) else loss_fn
    total, right, seen = 0.0, 0, 0
    for x, y in dataloader:
        logits = model(x)
        loss = loss_function(logits, y)
        if opt is not None:
            opt.reset_grad()
            loss.backward()
            opt.step()
        labels = y.numpy()
        total += loss.item() * len(labels)
        right += int((logits.numpy().argmax(axis=1) == labels).sum())
        seen += len(labels)
    return right / seen, total / seen


def train_cifar10(
    model: nn.Module,
    dataloader: Any,
    n_epochs: int = 1,
    optimizer: Callable = optim.Adam,
    lr: float = 0.001,
    weight_decay: float = 0.001,
    loss_fn: Callable = nn.SoftmaxLoss,
) -> tuple[float, float]:
    """Train `model` for `n_epochs`; returns accuracy and loss of the last one, see `epoch_general_cifar10`.

    Examples
    --------
    >>> from needle_edu import data, init
    >>> init.seed(0)
    >>> loader = data.DataLoader(data.NDArrayDataset(*data.xor(8)), 4)
    >>> accuracy, loss = train_cifar10(nn.Linear(2, 2), loader, n_epochs=2)
    >>> loss > 0
    True
    """
    if n_epochs < 1:
        raise ValueError(f"train_cifar10: n_epochs is at least 1, got {n_epochs}")
    np.random.seed(4)
    opt = optimizer(model.parameters(), lr=lr, weight_decay=weight_decay)
    for _ in range(n_epochs):
        learned = epoch_general_cifar10(dataloader, model, loss_fn, opt)
    return learned


def evaluate_cifar10(
    model: nn.Module, dataloader: Any, loss_fn: Callable = nn.SoftmaxLoss
) -> tuple[float, float]:
    """Accuracy and loss of `model` in evaluation, see `epoch_general_cifar10`.

    Examples
    --------
    >>> from needle_edu import data
    >>> loader = data.DataLoader(data.NDArrayDataset(np.eye(2), np.arange(2)), 2)
    >>> accuracy, loss = evaluate_cifar10(nn.Identity(), loader)
    >>> accuracy
    1.0
    """
    np.random.seed(4)
    return epoch_general_cifar10(dataloader, model, loss_fn)


def _step(weight: Tensor, lr: float) -> Tensor:
    """The weights a step further down their gradient, on their device and in their dtype."""
    assert weight.grad is not None
    lower = weight.numpy() - lr * weight.grad.numpy()
    return Tensor(lower, device=weight.device, dtype=weight.dtype)


def _one_hot(labels: np.ndarray, classes: int) -> Tensor:
    rows = np.zeros((len(labels), classes), np.float32)
    rows[np.arange(len(labels)), labels] = 1
    return Tensor(rows, requires_grad=False)
