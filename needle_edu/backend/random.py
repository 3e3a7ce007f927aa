"""The one door to randomness.

Everything random in needle_edu (initial weights, dropout masks, shuffled batches, data transforms) draws from
NumPy's GLOBAL generator, so that `np.random.seed(0)` makes a whole experiment repeatable, and so that numbers
published for Needle come out the same here. Nothing else in the library calls `np.random` directly: it asks
`generator()`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arguments import integer


def generator(seed: int | None = None) -> Any:
    """The source of random numbers: NumPy's global generator, or a private one for a given seed.

    Parameters
    ----------
    seed : int, optional
        None (the default) gives the global generator that `seed()` and `np.random.seed` set. A number gives
        a fresh generator that starts at that seed and leaves the global one untouched, for data that must be
        the same in every run whatever was drawn before.

    Returns
    -------
    object with the methods of `numpy.random.RandomState` (`rand`, `randn`, `randint`, `shuffle`, ...).

    Examples
    --------
    >>> seed(0)
    >>> first = generator().rand()
    >>> bool(first == generator(0).rand())
    True
    """
    return np.random if seed is None else np.random.RandomState(seed)


def seed(number: int) -> None:
    """Start the global generator at `number`; the same as `np.random.seed(number)`.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> ndl.init.seed(3)
    >>> float(generator().rand()) == float(np.random.RandomState(3).rand())
    True
    """
    integer("seed", "number", number, 0, ValueError)
    np.random.seed(number)
