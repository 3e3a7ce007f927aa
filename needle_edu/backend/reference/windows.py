"""Which elements of an axis windows see, for convolution and pooling in the NumPy reference."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Axis = Sequence[int]


def positions(
    kernel: Sequence[int], counts: Sequence[int], axes: Sequence[Axis]
) -> Iterator[tuple[Any, Any, Any]]:
    """Yield each kernel position at which windows see something, these windows, and the elements that they see.

    An axis is (start, step, dilation, extent): window j sees at position k the element j*step + k*dilation + start.
    """
    for position in np.ndindex(*kernel):
        windows, seen = [], []
        for at, count, (start, step, dilation, extent) in zip(position, counts, axes, strict=True):
            inside = [i for i in range(count) if 0 <= i * step + at * dilation + start < extent]
            if inside:
                begin = inside[0] * step + at * dilation + start
                windows.append(slice(inside[0], inside[-1] + 1))
                seen.append(slice(begin, begin + (len(inside) - 1) * step + 1, step))
        if len(seen) == len(axes):
            yield position, tuple(windows), tuple(seen)
