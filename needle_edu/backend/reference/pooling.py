"""Pooling of the NumPy reference: one step for each position of the kernel, for all windows at once."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..dtypes import DTYPES, I32
from ..errors import EDTYPE, EPLAN, OK
from .plan import FLOATS, Plan, kernel, operand
from .windows import positions

Array = np.ndarray


@kernel
def max_pool(plan: Plan, out: Array, places: Array | None, x: Array, window: Any) -> int:
    """The largest element of each window, nan above all, and where it is in its image"""
    if error := _error(plan, 2, 0, window) or _error_of_places(plan, 1, places):
        return error
    y = operand(plan, 0, out)
    found = operand(plan, 1, places) if places is not None else np.empty(plan.shape, "int32")
    y[...], found[...] = -np.inf, -1
    image = _image(plan, 2, x, window)
    numbers = np.arange(window[3] * window[8], dtype="int32").reshape(window[3], window[8])
    for there, here in _positions(plan, window):
        best, value, place = y[:, :, *there], image[:, :, *here], found[:, :, *there]
        better = (value > best) | np.isnan(value) | (place < 0)
        np.copyto(best, value, where=better)
        np.copyto(place, numbers[here], where=better)
    return OK


@kernel
def max_pool_backward(plan: Plan, out: Array, g: Array, places: Array, window: Any) -> int:
    """Zeros, to which each element of g is added at its place"""
    if error := _error(plan, 0, 1, window) or _error_of_places(plan, 2, places):
        return error
    image, adjoint, place = _image(plan, 0, out, window), operand(plan, 1, g), operand(plan, 2, places)
    image[...] = 0
    numbers = np.arange(window[3] * window[8]).reshape(window[3], window[8])
    for there, here in _positions(plan, window):
        image[:, :, *here] += np.where(place[:, :, *there] == numbers[here], adjoint[:, :, *there], 0)
    return OK


def _error(plan: Plan, x: int, y: int, window: Any) -> int:
    if plan.ndim != 4 or window[3] * window[8] > 2**31 - 1:
        return EPLAN
    return OK if plan.dtypes[x] in FLOATS and plan.dtypes[x] == plan.dtypes[y] else EDTYPE


def _error_of_places(plan: Plan, k: int, places: Array | None) -> int:
    return OK if places is None or plan.dtypes[k] == I32 else EDTYPE


def _image(plan: Plan, k: int, memory: Array, window: Any) -> Array:
    """x itself: (images, channels, extent, extent)."""
    dtype = DTYPES[plan.dtypes[k]]
    shape = (*plan.shape[:2], window[3], window[8])
    if 0 in shape:
        return np.empty(shape, dtype)
    strides = [s * dtype.itemsize for s in plan.strides[k][:4]]
    return np.ndarray(shape, dtype, memory, plan.offsets[k] * dtype.itemsize, strides)


def _positions(plan: Plan, window: Any) -> Iterator[tuple[Any, Any]]:
    """Yield for each kernel position the windows that see something there, and what they see."""
    for _, there, here in positions((window[4], window[9]), plan.shape[2:4], (window[:4], window[5:9])):
        yield there, here


@kernel
def adaptive_max_pool(plan: Plan, out: Array, places: Array | None, x: Array, rows: int, columns: int) -> int:
    """The largest element of windows that together cover a plane, nan above all, and where it is"""
    if error := _error_of_adaptive(plan, 2, 0, rows, columns) or _error_of_places(plan, 1, places):
        return error
    y, image = operand(plan, 0, out), _image(plan, 2, x, _all_of(rows, columns))
    found = operand(plan, 1, places) if places is not None else np.empty(plan.shape, "int32")
    for i, down in enumerate(_covering(rows, plan.shape[2])):
        for j, across in enumerate(_covering(columns, plan.shape[3])):
            height, width = down.stop - down.start, across.stop - across.start
            seen = image[:, :, down, across].reshape(*plan.shape[:2], height * width)
            ranks = np.where(np.isnan(seen), np.arange(seen.shape[-1]), -1)
            best = np.where(ranks.max(-1) < 0, np.argmax(seen, -1), ranks.argmax(-1))
            y[:, :, i, j] = np.take_along_axis(seen, best[..., None], -1)[..., 0]
            row, column = np.divmod(best, width)
            found[:, :, i, j] = (down.start + row) * columns + across.start + column
    return OK


@kernel
def adaptive_max_pool_backward(
    plan: Plan, out: Array, g: Array, places: Array, rows: int, columns: int
) -> int:
    """Zeros, to which each element of g is added at its place, if that is one of the plane's"""
    if error := _error_of_adaptive(plan, 0, 1, rows, columns) or _error_of_places(plan, 2, places):
        return error
    image, adjoint, place = (
        _image(plan, 0, out, _all_of(rows, columns)),
        operand(plan, 1, g),
        operand(plan, 2, places),
    )
    image[...] = 0
    for n, c, i, j in np.ndindex(*plan.shape):
        if 0 <= place[n, c, i, j] < rows * columns:
            image[n, c, place[n, c, i, j] // columns, place[n, c, i, j] % columns] += adjoint[n, c, i, j]
    return OK


def _error_of_adaptive(plan: Plan, x: int, y: int, rows: int, columns: int) -> int:
    if min(rows, columns) < 1:
        return EPLAN
    return _error(plan, x, y, _all_of(rows, columns))


def _all_of(rows: int, columns: int) -> tuple[int, ...]:
    """A window description that says how large a plane is."""
    return (0, 1, 1, rows, 1, 0, 1, 1, columns, 1)


def _covering(extent: int, windows: int) -> list[slice]:
    return [slice(j * extent // windows, -(-(j + 1) * extent // windows)) for j in range(windows)]


@kernel
def avg_pool(plan: Plan, out: Array, x: Array, window: Any, divide: int) -> int:
    """The mean of each window"""
    if error := _error(plan, 1, 0, window) or _error_of_means(window, divide):
        return error
    y, image = operand(plan, 0, out), _image(plan, 1, x, window)
    y[...] = 0
    for there, here in _positions(plan, window):
        y[:, :, *there] += image[:, :, *here]
    y /= _divisors(plan, window, divide, y.dtype)
    return OK


@kernel
def avg_pool_backward(plan: Plan, out: Array, g: Array, window: Any, divide: int) -> int:
    """Zeros, to which each element of g is added in equal shares"""
    if error := _error(plan, 0, 1, window) or _error_of_means(window, divide):
        return error
    image, adjoint = _image(plan, 0, out, window), operand(plan, 1, g)
    shares = adjoint / _divisors(plan, window, divide, adjoint.dtype)
    image[...] = 0
    for there, here in _positions(plan, window):
        image[:, :, *here] += shares[:, :, *there]
    return OK


def _error_of_means(window: Any, divide: int) -> int:
    return OK if divide >= -1 and window[2] == window[7] == 1 else EPLAN


def _divisors(plan: Plan, window: Any, divide: int, dtype: Any) -> Array:
    """By what each window's sum is divided: (rows, columns)."""
    if divide > 0:
        return np.full((1, 1), divide, dtype)
    along = []
    for count, (start, step, _, extent, reach) in zip(plan.shape[2:4], (window[:5], window[5:]), strict=True):
        first = np.arange(count) * step + start
        last = np.minimum(first + reach, extent + (-start if divide == 0 else 0))
        along.append((last - (first if divide == 0 else np.maximum(first, 0))).astype(dtype))
    return along[0][:, None] * along[1]
