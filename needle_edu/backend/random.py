"""The one door to randomness.

Everything random in needle_edu (initial weights, dropout masks, shuffled batches, data transforms) draws from
NumPy's GLOBAL generator, so that `np.random.seed(0)` makes a whole experiment repeatable, and so that numbers
published for Needle come out the same here. Nothing else in the library calls `np.random` directly: it asks
`generator()`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from .arguments import integer
from .errors import DataError
from .naming import with_article


class _Here(threading.local):
    """Where this thread draws from: the global generators, or, within `apart`, two of its own."""

    # NumPy's and Python's; None: the global ones, in modules that load slowly.
    own: tuple[Any, Any] = (None, None)

    @property
    def numpy(self) -> Any:
        """An object with the methods of `numpy.random.RandomState`."""
        return self.own[0] or np.random

    @property
    def python(self) -> Any:
        """An object with the methods of `random.Random`."""
        import random as python_random

        return self.own[1] or python_random


_here = _Here()


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
    if seed is not None:
        return np.random.RandomState(seed)
    if _refusal is not None:
        _refusal()
    return _here.numpy


_refusal: Callable[[], None] | None = None


def refuse(refusal: Callable[[], None] | None) -> None:
    """Call this function, which may raise, whenever somebody asks for the global generator; None: draw freely again."""
    global _refusal
    _refusal = refusal


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
    generator().seed(number)


@contextmanager
def seeded(*numbers: int) -> Iterator[None]:
    """Within the block both global generators start at these numbers; afterwards they are where they were.

    For what must come out the same in whatever process it happens, such as the batches of a loader with workers.

    Examples
    --------
    >>> seed(0)
    >>> with seeded(7, 2):
    ...     first = generator().rand()
    >>> bool(generator().rand() == np.random.RandomState(0).rand())
    True
    >>> with seeded(7, 2):
    ...     bool(generator().rand() == first)
    True
    """
    before, python_before = generator().get_state(), _here.python.getstate()
    try:
        start_at(*numbers)
        yield
    finally:
        generator().set_state(before)
        _here.python.setstate(python_before)


@contextmanager
def apart() -> Iterator[None]:
    """Within the block this thread draws from generators of its own, which begin where the present ones are.

    So what one thread draws changes nothing for the others, and a training in a thread has the same numbers whatever is
    drawn beside it. What calls `np.random` itself, and not `generator()`, draws from the global one as ever.

    Examples
    --------
    >>> seed(0)
    >>> with apart():
    ...     first = generator().rand()
    >>> bool(generator().rand() == first)
    True
    """
    before = _here.own
    import random as python_random

    own, python_own = np.random.RandomState(), python_random.Random()
    own.set_state(generator().get_state())
    python_own.setstate(_here.python.getstate())
    _here.own = own, python_own
    try:
        yield
    finally:
        _here.own = before


def start_at(*numbers: int) -> None:
    """Start both global generators, NumPy's and that of Python's `random`, at some whole numbers below 2^64."""
    words = [part for number in numbers for part in (number & 0xFFFFFFFF, number >> 32)]
    generator().seed(words)
    _here.python.seed(",".join(map(str, words)))


def fingerprint(*numbers: int) -> int:
    """A number of 63 bits that depends on where NumPy's global generator is, and on `numbers`. Nothing is drawn.

    Examples
    --------
    >>> seed(0)
    >>> first = fingerprint(1)
    >>> first == fingerprint(1), first == fingerprint(2)
    (True, False)
    """
    state = global_state()
    return digest(*numbers, *state["key"].tolist(), int(state["position"]))


def digest(*numbers: int) -> int:
    """A number of 63 bits made of whole numbers: the first bytes of a SHA-256.

    Examples
    --------
    >>> digest(1, 2) == digest(1, 2), digest(1, 2) == digest(12)
    (True, False)
    """
    import hashlib

    content = hashlib.sha256(",".join(map(str, numbers)).encode()).digest()
    return int.from_bytes(content[:8], "little") >> 1


def global_state() -> dict[str, np.ndarray]:
    """Where NumPy's global generator is, and Python's own (`random`), as arrays with names.

    Raises
    ------
    DataError
        If NumPy's global generator was replaced by one of another kind (`np.random.set_bit_generator`).

    Examples
    --------
    >>> seed(3)
    >>> state = global_state()
    >>> first = generator().rand()
    >>> set_global_state("the example", state)
    >>> bool(generator().rand() == first)
    True
    """
    kind, key, position, has_gauss, gauss = generator().get_state()
    if kind != "MT19937":
        raise DataError(
            f"RandomNumbers: NumPy's global generator is {with_article(kind)} now, and only an MT19937 can be saved"
        )
    _, words, left_over = _here.python.getstate()
    return {
        "key": np.array(key),
        "position": np.asarray(position),
        "gauss": np.asarray(float(gauss) if has_gauss else np.nan),
        "python": np.array(words, np.uint32),
        "python_gauss": np.asarray(np.nan if left_over is None else left_over),
    }


def set_global_state(who: str, saved: Mapping[str, Any]) -> None:
    """Put both generators where `global_state` found them. Both, or, after an error, neither.

    Raises
    ------
    DataError
        If `saved` is no such state.
    """
    wanted = {"key": (624,), "position": (), "gauss": (), "python": (625,), "python_gauss": ()}
    if set(saved) != set(wanted):
        raise DataError(f"{who}: wanted {', '.join(wanted)}, got {sorted(saved)}")
    state = {name: np.asarray(value) for name, value in saved.items()}
    for name, shape in wanted.items():
        kinds = "f" if name.endswith("gauss") else "iu"
        if state[name].shape != shape or state[name].dtype.kind not in kinds:
            raise DataError(
                f"{who}: {name} has shape {shape} and kind {kinds!r}, got {state[name].shape} {state[name].dtype}"
            )
    for name, values, most in (
        ("position", state["position"], 624),
        ("key", state["key"], 2**32 - 1),
        ("python", state["python"], 2**32 - 1),
        ("python", state["python"][-1], 624),
    ):
        if not (values.min() >= 0 and values.max() <= most):
            raise DataError(f"{who}: {name} holds whole numbers from 0 to {most}")
    gauss, python_gauss = (
        None if np.isnan(state[name]) else float(state[name]) for name in ("gauss", "python_gauss")
    )
    words = tuple(map(int, state["python"]))
    generator().set_state(
        (
            "MT19937",
            state["key"].astype(np.uint32),
            int(state["position"]),
            int(gauss is not None),
            gauss or 0.0,
        )
    )
    _here.python.setstate((3, words, python_gauss))
