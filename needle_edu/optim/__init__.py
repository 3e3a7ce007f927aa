"""Optimisers: how a gradient becomes a better parameter."""

from .adam import Adam, AdamW
from .adaptive import Adadelta, Adagrad, RMSprop
from .muon import Muon
from .optimizer import Optimizer
from .radam import RAdam
from .sgd import SGD
from .signs import Lion, Rprop

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "Muon",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
]


def __dir__() -> list[str]:
    return sorted(__all__)
