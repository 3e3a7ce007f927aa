"""What a test may ask of a value: `close` for numbers, `same` for anything that must be equal exactly.

Both look at plain data only: NumPy arrays, numbers, strings and lists of them, as they came in messages.
They refuse what a careless comparison lets through: a result of the wrong shape that broadcasts, an empty
array (all of nothing is true), a NaN, an array of objects. A refusal is a `Mismatch`: one fixed `status`
that may be shown for a hidden test too, and the numbers for a test whose source is public. A test that looks
at several values says which one it means (`name`), and may know what well-known mistakes give (`hints`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

import numpy as np

from ..backend.naming import a_kind

Number = (bool, int, float, np.generic)


class Mismatch(AssertionError):
    """The answer is not what the test wanted.

    Attributes
    ----------
    status : str
        Which kind of difference, and of which value: fixed words without numbers.
    expected, got, where : str
        For the reader of a visible test; empty where they say nothing.
    hint : str
        The author's, when what came is exactly what a well-known mistake gives; else empty.
    pair : (value, value) or None
        What came and what was wanted.
    asked : (adapter, arguments, reply) or None
        What the answer was asked last, if the test asked it.
    """

    def __init__(self, status: str, expected: str = "", got: str = "", where: str = ""):
        self.status, self.expected, self.got, self.where = status, expected, got, where
        self.hint = ""
        self.pair: tuple | None = None
        self.asked: tuple | None = None
        place = f" at {where}" if where else ""
        numbers = f": expected {expected}, got {got}" if expected or got else ""
        super().__init__(status + place + numbers)


def close(
    got,
    want,
    rtol: float = 1e-4,
    atol: float = 1e-5,
    dtype: str | None = None,
    name: str = "",
    hints: Mapping[str, object] | None = None,
) -> None:
    """Raise `Mismatch` unless `got` has the shape of `want` and every number in it is near.

    Parameters
    ----------
    got : array or number
        What the student's answer returned.
    want : array or number
        What it should be; must be finite and not empty.
    rtol, atol : float
        A number passes if ``|got - want| <= atol + rtol * |want|``.
    dtype : str, optional
        The exact dtype that `got` must have, e.g. ``"float32"``; by default any real number type will do.
    name : str
        Which value this is, where a test looks at several, e.g. ``"the gradient of a"``.
    hints : mapping of str to array or number
        Hint -> the value that the mistake it speaks of gives. The student reads the hint whose value came.

    Examples
    --------
    >>> close(np.array([1.0, 2.0]), [1.0, 2.0])
    >>> close(np.array([1.0, 2.5]), [1.0, 2.0], name="the gradient of a")
    Traceback (most recent call last):
        ...
    needle_edu.course.compare.Mismatch: wrong value of the gradient of a at [1]: expected 2.0, got 2.5
    >>> close(np.zeros((0,)), [1.0])
    Traceback (most recent call last):
        ...
    needle_edu.course.compare.Mismatch: wrong shape: expected (1,), got (0,)
    """
    want = np.asarray(want)
    if want.size == 0 or want.dtype.kind not in "biuf" or not np.isfinite(want).all():
        raise ValueError("a test must expect finite numbers, and at least one")
    _judged(lambda value: _close(got, value, rtol, atol, dtype), got, want, name, hints)


def same(got, want, name: str = "", hints: Mapping[str, object] | None = None) -> None:
    """Raise `Mismatch` unless `got` equals `want` exactly, in type, length and every part.

    Lists and tuples count as equal; True is not 1. `name` and `hints` are as for `close`.

    Examples
    --------
    >>> same([1, 2, 3], [1, 2, 3])
    >>> same([1, 3, 2], [1, 2, 3])
    Traceback (most recent call last):
        ...
    needle_edu.course.compare.Mismatch: wrong value at [1]: expected [1, 2, 3], got [1, 3, 2]
    """
    _judged(lambda value: _same(got, value, ""), got, want, name, hints)


def _judged(compare: Callable, got, want, name: str, hints: Mapping[str, object] | None) -> None:
    """Compare with what is wanted; if that fails, say of what, and look for the mistake that gives what came."""
    try:
        compare(want)
    except Mismatch as error:
        status = f"{error.status} of {name}" if name else error.status
        named = Mismatch(status, error.expected, error.got, error.where)
        named.pair = got, want
        for hint, mistake in (hints or {}).items():
            with contextlib.suppress(Mismatch):
                compare(mistake)
                named.hint = hint
                break
        raise named from None


def _close(got, want, rtol: float, atol: float, dtype: str | None) -> None:
    want = np.asarray(want)
    if type(got) is not np.ndarray and not isinstance(got, Number):
        raise Mismatch("wrong type", "an array of numbers" if want.ndim else "a number", describe(got))
    got = np.asarray(got)
    if got.dtype.kind not in "biuf":
        raise Mismatch("wrong type", "numbers", f"dtype {got.dtype}")
    if got.shape != want.shape:
        raise Mismatch("wrong shape", str(want.shape), str(got.shape))
    if dtype is not None and got.dtype != dtype:
        raise Mismatch("wrong dtype", dtype, str(got.dtype))
    a, b = got.astype(np.float64), want.astype(np.float64)
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(a - b) <= atol + rtol * np.abs(b))  # a comparison with NaN is False, so NaN is wrong
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        status = "wrong value" if np.isfinite(a[place]) else f"wrong value ({np.abs(a[place])})"
        wanted, came = number(b[place]), number(a[place])
        if wanted == came:  # they differ in the digits that were left out
            wanted, came = repr(float(b[place])), repr(float(a[place]))
        raise Mismatch(status, wanted, came, str(list(place)) if place else "")


def _same(got, want, where: str) -> None:
    if isinstance(want, (list, tuple)):
        if type(got) is np.ndarray and got.ndim == 1:
            got = got.tolist()
        if type(got) not in (list, tuple):
            raise Mismatch("wrong type", f"a list of {len(want)}", describe(got), where)
        try:
            for index, (a, b) in enumerate(zip(got, want, strict=False)):
                _same(a, b, f"{where}[{index}]")
            if len(got) != len(want):
                raise Mismatch("wrong length", str(len(want)), str(len(got)), where)
        except Mismatch as error:
            if is_short(want) and is_short(got):  # one number of an order says little: show all of it
                error = Mismatch(error.status, str(list(want)), str(list(got)), error.where)
            raise error from None
    elif type(got) is not type(want):
        raise Mismatch("wrong type", describe(want), describe(got), where)
    elif isinstance(want, np.ndarray):
        if got.dtype != want.dtype or got.shape != want.shape or not (got == want).all():
            raise Mismatch("wrong value", describe(want), describe(got), where)
    elif got != want:
        raise Mismatch("wrong value", describe(want), describe(got), where)


def is_short(values: list | tuple) -> bool:
    """Whether a list is plain and fits into a line."""
    return len(values) <= 12 and all(type(value) in (bool, int, float) for value in values)


def number(value: float) -> str:
    """A number for people: short, but exact enough to see the difference."""
    value = float(value)
    return str(value) if value == round(value, 4) and abs(value) < 1e6 else f"{value:.6g}"


def describe(value, limit: int = 120) -> str:
    """One line that says what a value is, for messages.

    >>> describe(np.zeros((2, 3), "float32"))
    'array of shape (2, 3) and dtype float32'
    """
    if type(value) is np.ndarray:
        if value.size <= 6 and value.ndim <= 1:
            return f"array({np.array2string(value, separator=', ', precision=6)}, {value.dtype})"
        return f"array of shape {value.shape} and dtype {value.dtype}"
    if value is None or type(value) in (bool, int, float, str):
        text = repr(value)
    elif type(value) in (list, tuple):
        text = f"{type(value).__name__} of {len(value)}: " + ", ".join(describe(v, 20) for v in value[:8])
    else:
        text = a_kind(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
