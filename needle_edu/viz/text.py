"""Numbers, arrays and labels as short texts, as the cards of a drawing and the tables of the stepper show them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from needle_edu.autograd.arrays import readable
from needle_edu.graph import Snapshot
from needle_edu.graph.build import visible

CARD_CHARS = 22
ATTRIBUTE_CHARS = 40


def number(x: Any) -> str:
    """Write one number with at most four significant digits.

    Examples
    --------
    >>> number(3.14159), number(2.0), number(-1e-7), number(True), number(12345)
    ('3.142', '2', '-1e-07', 'True', '12345')
    """
    if isinstance(x, (bool, np.bool_)):
        return str(bool(x))
    if isinstance(x, (int, np.integer)) or (math.isfinite(x) and x == int(x) and abs(x) < 1e6):
        return str(int(x))
    return f"{x:.4g}"


def aligned(array: np.ndarray) -> list[list[str]]:
    """Rows of text for a 0-, 1- or 2-dimensional array, all with the same number of decimals.

    Examples
    --------
    >>> aligned(np.array([[1.0, -0.25], [10.0, 3.0]]))
    [['1.00', '-0.25'], ['10.00', '3.00']]
    """
    table = np.atleast_2d(array)
    if table.dtype.kind not in "fc":
        return [[number(x) for x in row] for row in table.tolist()]
    finite = table[np.isfinite(table)].astype(np.float64)
    largest = float(np.abs(finite).max()) if finite.size else 0.0
    if finite.size and np.all(finite == np.round(finite)) and largest < 1e6:
        decimals = 0
    elif 1e-3 <= largest < 1e6:
        decimals = min(6, max(0, 3 - math.floor(math.log10(largest))))
        while decimals > 1 and np.all(np.round(finite, decimals - 1) == np.round(finite, 6)):
            decimals -= 1
    else:
        return [[number(x) for x in row] for row in table.tolist()]
    return [[_fixed(x, decimals) for x in row] for row in table.tolist()]


def _fixed(x: float, decimals: int) -> str:
    """`x` with `decimals` decimals, unless that would hide all of its digits."""
    if not math.isfinite(x) or (x != 0 and abs(x) < 0.5 * 10.0**-decimals):
        return f"{x:.1g}"
    return f"{x + 0.0:.{decimals}f}"  # adding 0.0 turns -0.0 into 0.0


def shape_text(shape: tuple) -> str:
    """How the shape of an array is written.

    Examples
    --------
    >>> shape_text((2, 3)), shape_text((4,)), shape_text(())
    ('(2, 3)', '(4,)', '()')
    """
    return str(tuple(shape))


def shorten(text: str, limit: int) -> str:
    """Cut a long label in its middle.

    Examples
    --------
    >>> shorten("encoder.layers.11.attention.weight", 20)
    'encoder.l…ion.weight'
    """
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"


def attribute_texts(attrs: Mapping[str, Any]) -> dict[str, str]:
    """What an operation was made with, as short texts; an attribute that is None says nothing and is left out.

    Examples
    --------
    >>> attribute_texts({"axes": None, "index": np.array([2, 0])})
    {'index': '[2, 0]'}
    """
    texts = {}
    for name, value in attrs.items():
        if value is not None:
            array = hasattr(value, "dtype") and hasattr(value, "shape")
            texts[name] = shorten(visible(str(readable(value).tolist() if array else value)), ATTRIBUTE_CHARS)
    return texts


def card_text(snap: Snapshot | None) -> str:
    """One short line for a node of a drawn graph.

    Examples
    --------
    >>> from needle_edu.graph import take_snapshot
    >>> card_text(take_snapshot(np.array([1.5, 2.0]))), card_text(take_snapshot(np.arange(100.0)))
    ('[1.5, 2]', '0 … 99')
    """
    if snap is None:
        return ""
    if snap.parts:
        text = "(" + ", ".join(card_text(part) or "–" for part in snap.parts) + ")"
        return text if len(text) <= CARD_CHARS else f"{len(snap.parts)} arrays"
    if snap.size == 0:
        return "empty"
    if snap.array is not None:
        if snap.size == 1:
            return number(snap.array.item())
        if snap.size <= CARD_CHARS // 3:  # each number takes a sign, a comma and a space at least
            text = _nested(snap.array.tolist())
            if len(text) <= CARD_CHARS:
                return text
    if snap.low == snap.high:
        return f"all {number(snap.low)}"
    return f"{number(snap.low)} … {number(snap.high)}"


def _nested(numbers: Any) -> str:
    """A number, or lists of numbers in brackets, each number shortened."""
    if not isinstance(numbers, list):
        return number(numbers)
    return "[" + ", ".join(map(_nested, numbers)) + "]"
