"""Models for the drawings: small enough to be quick, real enough to have modules in modules and loops."""

import numpy as np

import needle_edu as ndl
from needle_edu import nn


def data(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return ndl.Tensor(rng.normal(size=shape).astype("float32"), requires_grad=False)


def mlp():
    return nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def loss_of(model, *shape):
    classes = ndl.Tensor(np.arange(shape[0]) % 3, requires_grad=False)
    return nn.SoftmaxLoss()(model(data(*shape)), classes)


class Reader(nn.Module):
    """One cell, called once for every time step."""

    def __init__(self):
        super().__init__()
        self.cell = nn.RNNCell(3, 4)

    def forward(self, steps):
        h = None
        for x in steps:
            h = self.cell(x, h)
        return h


def recurrent(steps):
    model = Reader()
    return model, model([data(2, 3, seed=k) for k in range(steps)]).sum()


def transformer(layers=1):
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0), layers)
    return model, model(data(4, 2, 8)).sum()
