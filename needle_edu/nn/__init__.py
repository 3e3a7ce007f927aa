"""The layers a network is built from, and `Module`, of which all are made."""

from .activations import ReLU, Sigmoid, Tanh
from .containers import Flatten, Identity, ModuleDict, ModuleList, Residual, Sequential
from .dropout import Dropout
from .group_norm import GroupNorm, LayerNorm
from .linear import Linear
from .loss import SoftmaxLoss
from .module import Module
from .norm import BatchNorm1d, LayerNorm1d
from .parameter import Parameter

__all__ = [
    "BatchNorm1d",
    "Dropout",
    "Flatten",
    "GroupNorm",
    "Identity",
    "LayerNorm",
    "LayerNorm1d",
    "Linear",
    "Module",
    "ModuleDict",
    "ModuleList",
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
