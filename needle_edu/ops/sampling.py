"""Inputs on which every op is tested: each op class says with one of these where it is defined and smooth.

A sampler takes a NumPy random generator and returns a list of ``(attributes, inputs)``: the keyword arguments
the op class is made with, and float64 arrays. Intervals keep away from kinks and poles, where a difference
quotient says nothing.
"""

import numpy as np

SHAPES = ((3,), (2, 3), ())
PAIRS = (((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2,)))


def unary(low: float = -2.0, high: float = 2.0, **attrs):
    """Return a sampler for an op of one tensor with values in [low, high), none close to 0."""
    return lambda rng: [(attrs, (away_from_zero(rng, shape, low, high),)) for shape in SHAPES]


def binary(low: float = -2.0, high: float = 2.0):
    """Return a sampler for an op of two tensors: equal shapes, and several ways to broadcast."""
    return lambda rng: [
        ({}, (away_from_zero(rng, a, low, high), away_from_zero(rng, b, low, high))) for a, b in PAIRS
    ]


def shaped(*cases):
    """Return a sampler from ``(attributes, shape, …)``: one normal random array for each shape."""
    return lambda rng: [
        (attrs, tuple([rng.normal(size=shape) for shape in shapes])) for attrs, *shapes in cases
    ]


def away_from_zero(rng, shape, low: float, high: float) -> np.ndarray:
    """Return uniform numbers in [low, high) of magnitude at least 0.1."""
    x = rng.uniform(low, high, size=shape)
    return np.where(np.abs(x) < 0.1, x + 0.2, x)
