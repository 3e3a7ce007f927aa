"""Initial values: the tensors a model starts from, and the random numbers behind them."""

from ..backend.random import generator, seed
from .basic import constant, one_hot, ones, ones_like, rand, randb, randn, trunc_normal, zeros, zeros_like
from .initializers import calculate_gain, kaiming_normal, kaiming_uniform, xavier_normal, xavier_uniform

uniform, normal = rand, randn  # the names that some Needles give them

__all__ = [
    "calculate_gain",
    "constant",
    "generator",
    "kaiming_normal",
    "kaiming_uniform",
    "normal",
    "one_hot",
    "ones",
    "ones_like",
    "rand",
    "randb",
    "randn",
    "seed",
    "trunc_normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
    "zeros_like",
]


def __dir__() -> list[str]:
    return sorted(__all__)
