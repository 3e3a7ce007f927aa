"""How far to go along a direction: the strong Wolfe conditions, and a search for a place that has both.

With φ(t) = loss(x + t d), a place t is good if the loss has fallen in proportion to the way, and the slope has become
flat:

    φ(t) ≤ φ(0) + c₁ t φ'(0)        |φ'(t)| ≤ c₂ |φ'(0)|

First longer and longer steps are tried until one is good, or goes too far; then the good place lies between the last
two, and cubics through both ends, values and slopes, narrow them down.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

C1, C2 = 1e-4, 0.9


class Place(NamedTuple):
    """A place along the direction: how far, the loss there, its slope along the direction, and its gradient."""

    t: float
    loss: float
    slope: float
    gradient: np.ndarray


def strong_wolfe(
    look: Callable[[float], Place], t: float, start: Place, longest: float, most: int, smallest: float = 1e-9
) -> tuple[Place, int]:
    """Return a place that fulfils the strong Wolfe conditions, or the best that was found, and the number of looks.

    Parameters
    ----------
    look : function
        Gives the `Place` at t.
    t : float
        Where to look first.
    start : Place
        The one at t = 0; its slope is negative.
    longest : float
        The largest component of the direction: an interval times it less than `smallest` is not searched further.
    most : int
        About how many looks are allowed.

    References
    ----------
    J. Nocedal, S. Wright, "Numerical optimization", 2nd ed., Springer 2006, algorithms 3.5 and 3.6; with the bounds of
    M. Schmidt's minFunc, as in PyTorch.

    Examples
    --------
    >>> def look(t):                                                     # φ(t) = (t - 3)²
    ...     return Place(t, (t - 3) ** 2, 2 * (t - 3), np.array([2 * (t - 3)]))
    >>> place, looks = strong_wolfe(look, 20.0, look(0.0), 1.0, 25)
    >>> place.t, looks
    (3.0, 2)
    """
    before, here = start, look(t)
    for tried in range(most):
        if _too_high(here, start) or (tried > 1 and here.loss >= before.loss):
            return _narrowed(look, before, here, start, longest, most - tried, smallest, tried + 1)
        if _flat(here, start):
            return here, tried + 1
        if here.slope >= 0:
            return _narrowed(look, before, here, start, longest, most - tried, smallest, tried + 1)
        bounds = here.t + 0.01 * (here.t - before.t), here.t * 10
        before, here = here, look(cubic_minimum(before, here, bounds))
    return (start if start.loss <= here.loss else here), most + 1


def _narrowed(
    look: Callable[[float], Place], one: Place, other: Place, start: Place, longest: float, most: int,
    smallest: float, looks: int,
) -> tuple[Place, int]:  # fmt: skip
    """A good place between two, or after `most` looks the best; and the looks in all."""
    low, high = (one, other) if one.loss <= other.loss else (other, one)
    at_edge = False
    for _ in range(most):
        left, right = min(low.t, high.t), max(low.t, high.t)
        if (right - left) * longest < smallest:
            break
        first, second = (low, high) if low.t < high.t else (high, low)
        t = cubic_minimum(first, second, (left, right))
        margin = 0.1 * (right - left)
        near_edge = min(right - t, t - left) < margin
        if near_edge and (at_edge or t >= right or t <= left):  # no progress: a tenth of the interval inwards
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            near_edge = False
        at_edge = near_edge
        new = look(t)
        looks += 1
        if _too_high(new, start) or new.loss >= low.loss:
            low, high = (low, new) if low.loss <= new.loss else (new, low)
        elif _flat(new, start):
            return new, looks
        else:
            low, high = new, low if new.slope * (high.t - low.t) >= 0 else high
    return low, looks


def _too_high(here: Place, start: Place) -> bool:
    return here.loss > start.loss + C1 * here.t * start.slope


def _flat(here: Place, start: Place) -> bool:
    return abs(here.slope) <= -C2 * start.slope


def cubic_minimum(a: Place, b: Place, bounds: tuple[float, float]) -> float:
    """Where the cubic through two places, a before b, is lowest, within bounds; their middle if it has no minimum.

    Examples
    --------
    >>> none = np.array([])
    >>> cubic_minimum(Place(0.0, 1.0, -2.0, none), Place(3.0, 4.0, 4.0, none), (0.0, 3.0))     # of (t - 1)²
    1.0
    """
    u = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = u**2 - a.slope * b.slope
    if not square >= 0:
        return (bounds[0] + bounds[1]) / 2
    root = math.sqrt(square)
    bottom = b.slope - a.slope + 2 * root
    t = b.t - (b.t - a.t) * ((b.slope + root - u) / bottom) if bottom else math.inf
    return min(max(t, bounds[0]), bounds[1])
