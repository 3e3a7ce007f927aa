"""Optimisers: how a gradient becomes a better parameter."""

from .adam import Adam
from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer"]


def __dir__() -> list[str]:
    return sorted(__all__)
