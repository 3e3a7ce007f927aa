"""The second homework's application: a residual network of linear layers that learns MNIST's digits."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import nn, optim
from ..data import DataLoader, MNISTDataset


def ResidualBlock(  # noqa: N802
    dim: int, hidden_dim: int, norm: Callable = nn.BatchNorm1d, drop_prob: float = 0.1
) -> nn.Sequential:
    """Two linear layers beside a way past them: (batch, dim) gives (batch, dim).

    Examples
    --------
    >>> from needle_edu import init
    >>> ResidualBlock(6, 3)(init.ones(2, 6)).shape
    (2, 6)
    """
    inside = nn.Sequential(
        nn.Linear(dim, hidden_dim), norm(hidden_dim), nn.ReLU(), nn.Dropout(drop_prob),
        nn.Linear(hidden_dim, dim), norm(dim),
    )  # fmt: skip
    return nn.Sequential(nn.Residual(inside), nn.ReLU())


def MLPResNet(  # noqa: N802
    dim: int,
    hidden_dim: int = 100,
    num_blocks: int = 3,
    num_classes: int = 10,
    norm: Callable = nn.BatchNorm1d,
    drop_prob: float = 0.1,
) -> nn.Sequential:
    """A linear layer, residual blocks half as wide inside, a linear layer: (batch, dim) gives (batch, num_classes).

    Examples
    --------
    >>> from needle_edu import init
    >>> MLPResNet(20, hidden_dim=8, num_blocks=2)(init.ones(5, 20)).shape
    (5, 10)
    """
    return nn.Sequential(  # the weights are drawn in this order
        nn.Linear(dim, hidden_dim),
        nn.ReLU(),
        *[ResidualBlock(hidden_dim, hidden_dim // 2, norm, drop_prob) for _ in range(num_blocks)],
        nn.Linear(hidden_dim, num_classes),
    )


def epoch(dataloader: Any, model: nn.Module, opt: optim.Optimizer | None = None) -> tuple[float, float]:
    """Go through the data once, learning if there is an optimiser; seeds NumPy's generator with 4, as the course does.

    Returns
    -------
    tuple of float
        The share of wrong answers, and the mean over batches of the loss.

    Examples
    --------
    >>> from needle_edu import data, init
    >>> init.seed(0)
    >>> loader = data.DataLoader(data.NDArrayDataset(*data.xor(8)), 4)
    >>> error, loss = epoch(loader, nn.Linear(2, 2))
    >>> 0 <= error <= 1
    True
    """
    np.random.seed(4)
    model.train(opt is not None)
    loss_function, losses, wrong, seen = nn.SoftmaxLoss(), [], 0, 0
    for x, y in dataloader:
        logits = model(x)
        loss = loss_function(logits, y)
        if opt is not None:
            opt.reset_grad()
            loss.backward()
            opt.step()
        losses.append(loss.item())
        wrong += int((logits.numpy().argmax(axis=1) != y.numpy()).sum())
        seen += len(y.numpy())
    return wrong / seen, float(np.mean(losses))


def train_mnist(
    batch_size: int = 100,
    epochs: int = 10,
    optimizer: Callable = optim.Adam,
    lr: float = 0.001,
    weight_decay: float = 0.001,
    hidden_dim: int = 100,
    data_dir: str = "data",
) -> tuple[float, float, float, float]:
    """Train an `MLPResNet` on the four MNIST files in `data_dir`.

    Returns
    -------
    tuple of float
        Error and loss of the last training epoch, then those of the test images.

    Examples
    --------
    >>> train_mnist(data_dir="nowhere")
    Traceback (most recent call last):
    ...
    FileNotFoundError: ...
    """
    np.random.seed(4)

    def digits(part: str) -> MNISTDataset:
        path = os.path.join(data_dir, part)
        return MNISTDataset(f"{path}-images-idx3-ubyte.gz", f"{path}-labels-idx1-ubyte.gz")

    train = DataLoader(digits("train"), batch_size, shuffle=True)
    test = DataLoader(digits("t10k"), batch_size)
    model = MLPResNet(28 * 28, hidden_dim)
    opt = optimizer(model.parameters(), lr=lr, weight_decay=weight_decay)
    learned = (1.0, float("nan"))
    for _ in range(epochs):
        learned = epoch(train, model, opt)
    return (*learned, *epoch(test, model))
