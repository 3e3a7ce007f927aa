"""What the property tests draw: small arrays of any type, views of them, and index keys."""

import numpy as np
from hypothesis import strategies as st

from .oracle import DTYPES

extents = st.integers(0, 4)
shapes = st.lists(extents, min_size=0, max_size=3).map(tuple)


@st.composite
def arrays(draw, shape=None, dtypes=DTYPES):
    """A NumPy array of small integers (so that sums and products are exact), sometimes with nan and infinities."""
    shape = draw(shapes) if shape is None else shape
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    values = rng.integers(-4, 5, shape).astype(dtype)
    if dtype.kind == "f" and values.size and draw(st.integers(0, 5)) == 0:
        values.flat[rng.integers(values.size)] = draw(st.sampled_from([np.nan, np.inf, -np.inf, -0.0]))
    return values


@st.composite
def slices(draw, extent):
    bound = st.none() | st.integers(-extent - 2, extent + 2)
    step = draw(st.none() | st.sampled_from([1, 2, 3, -1, -2, -3]))
    return slice(draw(bound), draw(bound), step)


@st.composite
def basic_keys(draw, shape):
    """Integers, slices, None and one Ellipsis."""
    items = []
    for extent in shape[: draw(st.integers(0, len(shape)))]:
        items.append(
            draw(st.integers(-extent, extent - 1)) if extent and draw(st.booleans()) else draw(slices(extent))
        )
    if draw(st.integers(0, 2)) == 0:
        items.insert(draw(st.integers(0, len(items))), None)
    if len(items) == len(shape) or draw(st.booleans()):
        items.append(Ellipsis)  # what follows it is covered by keys that end earlier
    return tuple(items)


@st.composite
def keys(draw, shape):
    """Any key: basic items mixed with integer arrays, lists and masks, in any order around an Ellipsis."""
    count = draw(st.integers(0, len(shape)))
    front = draw(st.integers(0, count))
    axes = [*range(front), *range(len(shape) - (count - front), len(shape))]
    common = draw(st.sampled_from([(), (2,), (3,), (2, 1), (1, 3), (2, 3), (0,)]))
    items, position = [], 0
    while position < len(axes):
        axis = axes[position]
        extent = shape[axis]
        kind = draw(st.sampled_from(["integer", "slice", "array", "array", "mask"]))
        if kind == "integer" and extent:
            items.append(draw(st.integers(-extent, extent - 1)))
        elif kind == "array" and (extent or 0 in common):
            rng = np.random.default_rng(draw(st.integers(0, 2**16)))
            some = draw(st.sampled_from([common, common[-1:], ()])) if 0 not in common else common
            dtype = draw(st.sampled_from(["int64", "int32"]))
            index = rng.integers(-extent, extent, some).astype(dtype) if extent else np.zeros(some, dtype)
            items.append(index.tolist() if some and draw(st.booleans()) and index.size else index)
        elif kind == "mask":
            together = (
                axes[position + 1 : position + 2] == [axis + 1] and axis != front - 1 and draw(st.booleans())
            )
            covered = shape[axis : axis + 1 + together]
            rng = np.random.default_rng(draw(st.integers(0, 2**16)))
            items.append(rng.integers(0, 2, covered).astype(bool))
            position += together
        else:
            items.append(draw(slices(extent)))
        position += 1
        if len(items) and position == front and count < len(shape):
            items.append(Ellipsis)
    if front == 0 and count < len(shape):
        items.insert(0, Ellipsis)
    if draw(st.integers(0, 3)) == 0:
        items.insert(draw(st.integers(0, len(items))), None)
    return tuple(items)
