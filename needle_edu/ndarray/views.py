"""Views: layout in, layout out. Another way to read the same block of memory, which copies nothing.

These are the formulas behind ``a.T``, ``a.reshape(…)``, ``a.broadcast_to(…)``; the methods are in array.py. Each is
pure arithmetic on tuples, and remembered.
"""

from functools import lru_cache
from itertools import pairwise
from math import prod

from needle_edu.backend import ShapeError
from needle_edu.backend.arguments import integer

from .layout import Layout, as_shape, compact_strides, make_layout, normalize_axis


@lru_cache(maxsize=8192)
def permuted(layout: Layout, axes: tuple) -> Layout:
    """Return the layout whose axis k is axis ``axes[k]`` of the given one."""
    order = tuple(normalize_axis(axis, layout.ndim, "permute") for axis in axes)
    if len(order) != layout.ndim or len(set(order)) != layout.ndim:
        raise ShapeError(
            f"permute: axes {tuple(axes)} must name each of the {layout.ndim} axes of shape {layout.shape} once"
        )
    return make_layout(
        tuple(layout.shape[axis] for axis in order),
        tuple(layout.strides[axis] for axis in order),
        layout.offset, layout.code, layout.device,
    )  # fmt: skip


@lru_cache(maxsize=8192)
def transposed(layout: Layout) -> Layout:
    """Return the layout with the order of the axes reversed."""
    return permuted(layout, tuple(range(layout.ndim - 1, -1, -1)))


@lru_cache(maxsize=8192)
def retyped(layout: Layout, code: int) -> Layout:
    """Return the layout with the same shape and strides for another element type."""
    return make_layout(layout.shape, layout.strides, layout.offset, code, layout.device)


@lru_cache(maxsize=8192)
def broadcasted(layout: Layout, shape: tuple) -> Layout:
    """Return the layout expanded to `shape`: an expanded axis has stride 0, all its elements are one."""
    shape = as_shape(shape, "broadcast_to")
    missing = len(shape) - layout.ndim
    fits = (
        missing >= 0
        and min(shape, default=0) >= 0
        and all(have in (1, want) for have, want in zip(layout.shape, shape[missing:], strict=True))
    )
    if not fits:
        raise ShapeError(
            f"broadcast_to: shape {layout.shape} does not broadcast to {shape}; "
            "aligned at the right, each axis must have the wanted extent or be 1"
        )
    expanded = tuple(
        0 if have == 1 else stride for have, stride in zip(layout.shape, layout.strides, strict=True)
    )
    return make_layout(shape, (0,) * missing + expanded, layout.offset, layout.code, layout.device)


@lru_cache(maxsize=8192)
def reshaped(layout: Layout, shape: tuple) -> tuple[Layout | None, tuple]:
    """Return (layout, shape) of the reshaped view; the layout is None where no strides can express it.

    One entry of `shape` may be -1 and is worked out; the second result has it filled in.
    """
    shape = _infer_shape(layout, as_shape(shape, "reshape"))
    if shape == layout.shape:
        return layout, shape
    if layout.compact:
        strides: tuple | None = compact_strides(shape)
    else:
        strides = _reshaped_strides(layout.shape, layout.strides, shape)
    if strides is None:
        return None, shape
    return make_layout(shape, strides, layout.offset, layout.code, layout.device), shape


def _infer_shape(layout: Layout, shape: tuple) -> tuple:
    known = prod(extent for extent in shape if extent != -1)
    full = shape
    if shape.count(-1) == 1 and known and layout.size % known == 0:
        full = tuple(layout.size // known if extent == -1 else extent for extent in shape)
    if min(full, default=0) < 0 or prod(full) != layout.size:
        count = f"{layout.size} element" + "s" * (layout.size != 1)
        raise ShapeError(f"reshape: shape {layout.shape} has {count} and cannot become {shape}")
    return full


def _reshaped_strides(shape: tuple, strides: tuple, wanted: tuple) -> tuple | None:
    """Return strides that read the same elements in the same order as `wanted`; None if there are none.

    Old and new axes are matched in the smallest groups of equal extent. Within a group the old axes must
    follow each other without a gap; then the new ones may be cut from them at will.
    """
    if 0 in shape:
        return compact_strides(wanted)
    old = [(extent, stride) for extent, stride in zip(shape, strides, strict=True) if extent != 1]
    result: list[int] = []
    i = j = 0  # how many old and new axes are matched already
    while i < len(old) and j < len(wanted):
        have, want = old[i][0], wanted[j]
        i_end, j_end = i + 1, j + 1
        while have != want:
            if want < have:
                want *= wanted[j_end]
                j_end += 1
            else:
                have *= old[i_end][0]
                i_end += 1
        for (_, outer), (extent, inner) in pairwise(old[i:i_end]):
            if outer != extent * inner:
                return None
        stride = old[i_end - 1][1]
        group = []
        for extent in reversed(wanted[j:j_end]):
            group.append(stride)
            stride *= extent
        result += reversed(group)
        i, j = i_end, j_end
    result += [result[-1] if result else 1] * (len(wanted) - j)  # only axes of one element are left
    return tuple(result)


def as_strided(layout: Layout, shape: tuple, strides: tuple, offset: int | None, room: int) -> Layout:
    """Return the layout with any shape and strides (in elements) that stay inside a storage of `room` elements."""
    shape, strides = as_shape(shape, "as_strided"), as_shape(strides, "as_strided")
    start = layout.offset if offset is None else integer("as_strided", "offset", offset)
    if len(shape) != len(strides) or min(shape, default=0) < 0:
        raise ShapeError(f"as_strided: shape {shape} and strides {strides} do not describe an array")
    reach = [(extent - 1) * stride for extent, stride in zip(shape, strides, strict=True)]
    lowest = start + sum(step for step in reach if step < 0)
    highest = start + sum(step for step in reach if step > 0)
    if 0 not in shape and not 0 <= lowest <= highest < room:
        raise ShapeError(
            f"as_strided: shape {shape} with strides {strides} from offset {start} touches elements {lowest} to "
            f"{highest}, but the storage has {room}"
        )
    return make_layout(shape, strides, start, layout.code, layout.device)
