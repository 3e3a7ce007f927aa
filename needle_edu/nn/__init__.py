"""The layers a network is built from, and `Module`, of which all are made."""

from . import utils
from .activations import ReLU, Sigmoid, Tanh
from .containers import Flatten, Identity, Residual, Sequential
from .dropout import Dropout
from .linear import Linear
from .loss import SoftmaxLoss
from .module import Module
from .norm import BatchNorm1d, LayerNorm1d
from .parameter import Parameter

__all__ = [
    "BatchNorm1d",
    "Dropout",
    "Flatten",
    "Identity",
    "LayerNorm1d",
    "Linear",
    "Module",
    "Parameter",
    "ReLU",
    "Residual",
    "Sequential",
    "Sigmoid",
    "SoftmaxLoss",
    "Tanh",
    "utils",
]


def __dir__() -> list[str]:
    return sorted(__all__)
