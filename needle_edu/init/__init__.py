"""Initial values: the tensors a model starts from, and the random numbers behind them."""

from .random import generator, seed

__all__ = [
    "generator",
    "seed",
]
