"""Optimisers: how a gradient becomes a better parameter; and schedulers: how far it goes, and when."""

from typing import Any

from ..backend.naming import not_here
from .adam import Adam, AdamW
from .adam_variants import Adamax, NAdam
from .adaptive import Adadelta, Adagrad, RMSprop
from .averages import ASGD, AveragedModel, get_ema_avg_fn
from .combined import ChainedScheduler, SequentialLR
from .cycles import CyclicLR, OneCycleLR
from .lbfgs import LBFGS
from .muon import Muon
from .optimizer import Optimizer
from .plateau import ReduceLROnPlateau
from .radam import RAdam
from .scheduler import LRScheduler
from .schedules import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from .sgd import SGD
from .signs import Lion, Rprop
from .swa import SWALR, update_bn

__all__ = [
    "CyclicLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "StepLR",
    "LRScheduler",
    "ChainedScheduler",
    "SequentialLR",
    "SGD",
    "SWALR",
    "ASGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "AveragedModel",
    "LBFGS",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "get_ema_avg_fn",
    "update_bn",
]

ELSEWHERE = {
    "lr_scheduler": "optim.StepLR: schedulers stand beside the optimisers",
    "swa_utils": "optim.AveragedModel, optim.SWALR, optim.update_bn",
}


def __getattr__(name: str) -> Any:
    raise not_here(__name__, name, __all__, ELSEWHERE)


def __dir__() -> list[str]:
    return sorted(__all__)
