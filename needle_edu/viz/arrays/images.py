"""`viz.array(a, show="images")` and `show="attention"`: arrays as what they mean.

Images are drawn on one scale, so that they can be compared. Attention is a table for each head: a row for each query, a
column for each key, the darker the more of its look goes there.
"""

from __future__ import annotations

import hashlib
import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from needle_edu.autograd import Value
from needle_edu.backend import NeedleError
from needle_edu.ndarray import NDArray
from needle_edu.viz.charts import picture
from needle_edu.viz.page import PAGE, Shown, scoped_css, write_atomically
from needle_edu.viz.text import number

MAX_IMAGES = 256
MAX_PIXELS = 2_000_000
MAX_CELLS = 4_096  # of all heads together
WIDTH = 84  # of an image in the page, at least


class ArrayImages(Shown):
    """An array shown as images or as attention; shows itself in Jupyter.

    Attributes
    ----------
    shape : tuple of int
        Of the array.
    low, high : float
        The least and the greatest finite number: the ends of the scale.
    html : str
        What a notebook shows: everything is in it.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> numbers, labels = ndl.data.digits("test")
    >>> ndl.viz.array(ndl.Tensor(numbers[:4].reshape(4, 8, 8)), show="images", labels=labels[:4])
    4 images of 8 × 8, from 0 to 1
    """

    def __init__(self, said: str, body: str, shape: tuple[int, ...], low: float, high: float):
        self.said, self.shape, self.low, self.high = said, shape, low, high
        self._body = f'<p>{html.escape(said)}</p><div class="images">{body}</div>'

    @property
    def html(self) -> str:
        """What a notebook shows: everything is in it."""
        scope = "ndl-" + hashlib.sha256(self._body.encode()).hexdigest()[:10]
        css = "\n".join(scoped_css(name, scope) for name in ("drawing/graph.css", "arrays/images.css"))
        return f'<div class="{scope}"><style>{css}</style><div class="array-images">{self._body}</div></div>'

    def save(self, path: str | os.PathLike) -> Path:
        """Write a page of its own (.html), complete or not at all."""
        forms = {".html": lambda: PAGE.format(title="an array in pictures", body=self.html)}
        return write_atomically(path, forms, "ArrayImages.save")

    def __repr__(self) -> str:
        return self.said


def images(given: Any, labels: Sequence[Any] | None = None) -> ArrayImages:
    """Show an array (h, w), (n, h, w), (n, 1 or 3, h, w) or (n, h, w, 1 or 3); `labels` has a word for each image."""
    numbers = _numbers(given)
    stack = _as_stack(numbers)
    count, height, width = stack.shape[:3]
    if count > MAX_IMAGES or stack.size > MAX_PIXELS:
        raise NeedleError(
            f'viz.array(show="images"): {count:,} images of {height} × {width} are too many to show '
            f"(at most {MAX_IMAGES} images, {MAX_PIXELS:,} numbers); show a slice"
        )
    titles = _words("labels", labels, count)
    low, high = _ends(stack)
    grey = (stack - low) / ((high - low) or 1.0)
    shown = []
    for k in range(count):
        pixels = np.broadcast_to(grey[k], (height, width, 3)).copy()
        pixels[~np.isfinite(stack[k]).all(-1)] = (0.82, 0.0, 0.18)  # red
        title = titles[k] if titles else ""
        image = picture(pixels, f"image {k}{title and ': '}{title}", max(WIDTH, width))
        shown.append(f"<figure>{image}<figcaption>{html.escape(title)}</figcaption></figure>")
    said = f"{count} image{'s' * (count != 1)} of {height} × {width}, from {number(low)} to {number(high)}"
    wrong = int((~np.isfinite(stack)).sum())
    return ArrayImages(
        said + (f"; {wrong} not finite, red" if wrong else ""), "".join(shown), numbers.shape, low, high
    )


def attention(given: Any, labels: Any = None) -> ArrayImages:
    """Show weights (…, queries, keys); `labels` are the words of both, or a pair: those of queries, those of keys."""
    weights = _numbers(given)
    if weights.ndim < 2 or 0 in weights.shape:
        raise NeedleError(
            f'viz.array(show="attention"): wanted weights of shape (…, queries, keys), got shape {weights.shape}'
        )
    rows, columns = weights.shape[-2:]
    if weights.size > MAX_CELLS:
        raise NeedleError(
            f'viz.array(show="attention"): {weights.size:,} weights are too many to show (at most {MAX_CELLS:,}); '
            "show a slice"
        )
    queries, keys = _queries_and_keys(labels, rows, columns)
    low, high = _ends(weights)
    heads, places = weights.reshape(-1, rows, columns), np.ndindex(weights.shape[:-2])
    tables = [_table(head, at, queries, keys, high) for head, at in zip(heads, places, strict=True)]
    said = (
        f"attention of {rows} queries to {columns} keys, {len(heads)} head{'s' * (len(heads) != 1)}, "
        f"from {number(low)} to {number(high)}"
    )
    return ArrayImages(said, "".join(tables), weights.shape, low, high)


def _table(head: np.ndarray, index: tuple, queries: list[str], keys: list[str], high: float) -> str:
    caption = f"<caption>[{', '.join(map(str, index))}, :, :]</caption>" if index else ""
    top = "".join(f'<th scope="col"><span>{html.escape(key)}</span></th>' for key in keys)
    rows = [f"<thead><tr><td></td>{top}</tr></thead>"]
    for query, line in zip(queries, head, strict=True):
        cells = []
        for key, weight in zip(keys, line.tolist(), strict=True):
            said = html.escape(f"{query} → {key}: {number(weight)}")
            cells.append(f'<td tabindex="0"{_shade(weight, high)} title="{said}" aria-label="{said}"></td>')
        rows.append(f'<tr><th scope="row">{html.escape(query)}</th>{"".join(cells)}</tr>')
    return f"<table>{caption}{''.join(rows)}</table>"


def _shade(weight: float, high: float) -> str:
    if not np.isfinite(weight):
        return ' class="bad"'
    return f' style="--w:{round(100 * max(weight, 0.0) / (high if high > 0 else 1.0))}%"'


def _numbers(given: Any) -> np.ndarray:
    array = given.realize_cached_data() if isinstance(given, Value) else given
    if not isinstance(array, NDArray):
        raise TypeError(
            f"viz.array: wanted an array or a tensor of needle_edu, got {type(given).__name__}; "
            "ndl.ndarray.array(x) makes one"
        )
    return np.asarray(array.numpy(), np.float64)


def _as_stack(numbers: np.ndarray) -> np.ndarray:
    """Images as (n, h, w, 1 or 3)."""
    shape = numbers.shape
    if numbers.ndim == 2:
        stack = numbers[None, :, :, None]
    elif numbers.ndim == 3:
        stack = numbers[..., None]
    elif numbers.ndim == 4 and shape[1] in (1, 3):
        stack = np.moveaxis(numbers, 1, -1)
    elif numbers.ndim == 4 and shape[3] in (1, 3):
        stack = numbers
    else:
        stack = numbers[:0]
    if stack.size == 0:
        raise NeedleError(
            f'viz.array(show="images"): no images in shape {shape}; wanted (h, w), (n, h, w), and for colours '
            "(n, 3, h, w) or (n, h, w, 3); one coloured image is x[None]"
        )
    return stack


def _ends(numbers: np.ndarray) -> tuple[float, float]:
    finite = numbers[np.isfinite(numbers)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _queries_and_keys(labels: Any, rows: int, columns: int) -> tuple[list[str], list[str]]:
    if labels is None:
        return [str(k) for k in range(rows)], [str(k) for k in range(columns)]
    if isinstance(labels, tuple) and len(labels) == 2 and not isinstance(labels[0], str):
        return _words("labels[0]", labels[0], rows), _words("labels[1]", labels[1], columns)
    return _words("labels", labels, rows), _words("labels", labels, columns)


def _words(name: str, labels: Any, count: int) -> list[str]:
    if labels is None:
        return []
    try:
        words = [str(word) for word in labels]
    except TypeError:
        raise TypeError(
            f"viz.array: {name} must be a sequence of words, got {type(labels).__name__}"
        ) from None
    if len(words) != count:
        raise NeedleError(f"viz.array: {name} has {len(words)} words for {count} places")
    return words
