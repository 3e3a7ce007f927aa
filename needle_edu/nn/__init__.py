"""The layers a network is built from, and `Module`, of which all are made."""

from .activations import ReLU, Sigmoid, Tanh
from .containers import Flatten, Identity, Residual, Sequential
from .convolution import Conv, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from .dropout import Dropout
from .linear import Linear
from .loss import SoftmaxLoss
from .module import Module
from .norm import BatchNorm1d, BatchNorm2d, LayerNorm1d
from .parameter import Parameter
from .pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d

__all__ = [
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "Dropout",
    "Flatten",
    "Identity",
    "LayerNorm1d",
    "Linear",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "Parameter",
    "ReLU",
    "Residual",
    "Sequential",
    "Sigmoid",
    "SoftmaxLoss",
    "Tanh",
]


def __dir__() -> list[str]:
    return sorted(__all__)
