"""Plans: what a kernel needs to know about where its operands' elements lie.

A plan is an iteration space and, per operand, an offset and a stride for each of its axes. Each function here takes
layouts and gives a plan in the device's own form (for C, a filled `nd_plan` struct), worked out once per combination
of layouts and remembered. Before a plan is lowered, axes of one element are dropped and neighbours that every operand
allows are merged: adding two compact (64, 3, 32, 32) arrays is one loop over 196,608 elements. A plan of None means
"not as they are" (different element types, shapes or devices): the caller finds out what to convert, or complains.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from needle_edu.backend import ShapeError
from needle_edu.backend.dtypes import BOOL, F64, I64

from .layout import MAX_NDIM, Layout, compact_layout, normalize_axes
from .views import broadcasted, retyped

Plan = Any  # whatever device.lower returns
remember = lru_cache(maxsize=8192)


def coalesce(shape: tuple, strides: tuple[tuple, ...]) -> tuple[tuple, tuple[tuple, ...]]:
    """Drop axes of one element and merge neighbouring axes that all operands walk without a gap.

    Examples
    --------
    >>> coalesce((2, 3, 4), ((12, 4, 1), (12, 4, 1)))
    ((24,), ((1,), (1,)))
    >>> coalesce((2, 1, 4), ((4, 4, 1), (1, 0, 2)))
    ((2, 4), ((4, 1), (1, 2)))
    """
    merged: list[list] = []  # from the innermost axis outwards: [extent, stride of operand 0, stride of 1, …]
    for axis in range(len(shape) - 1, -1, -1):
        extent = shape[axis]
        if extent == 1:
            continue
        here = [operand[axis] for operand in strides]
        if merged:
            inner = merged[-1]
            if all(outer == stride * inner[0] for outer, stride in zip(here, inner[1:], strict=True)):
                inner[0] *= extent
                continue
        merged.append([extent, *here])
    merged.reverse()
    columns = tuple(zip(*merged, strict=True)) if merged else ((),) * (len(strides) + 1)
    return columns[0], columns[1:]


def lower(shape: tuple, *operands: tuple[Layout, tuple]) -> Plan:
    """Lower an iteration space; each operand is (layout, its strides along `shape`), the output first."""
    layouts = [layout for layout, _ in operands]
    shape, strides = coalesce(shape, tuple(strides for _, strides in operands))
    if len(shape) > MAX_NDIM:
        raise ShapeError(f"an operation over {len(shape)} dimensions; kernels take at most {MAX_NDIM}")
    device = layouts[0].device
    codes = tuple(layout.code for layout in layouts)
    return device.lower(len(shape), codes, shape, tuple(layout.offset for layout in layouts), strides)


def broadcast_shape(*shapes: tuple) -> tuple | None:
    """Return the shape that `shapes` broadcast to, or None.

    Examples
    --------
    >>> broadcast_shape((4, 1), (3,)), broadcast_shape((4,), (3,))
    ((4, 3), None)
    """
    ndim = max(len(shape) for shape in shapes)
    result = [1] * ndim
    for shape in shapes:
        for axis, extent in enumerate(shape, start=ndim - len(shape)):
            if extent != 1:
                if result[axis] not in (1, extent):
                    return None
                result[axis] = extent
    return tuple(result)


def _elementwise(out_code: int, *operands: Layout) -> tuple[Any, Plan]:
    """Plan an elementwise function. A transposed operand gives a transposed result, as in NumPy: then both are walked
    straight through. A row-major operand of the full shape, or none without gaps, gives a row-major result.
    """
    shape = broadcast_shape(*(layout.shape for layout in operands))
    if shape is None:
        return None, None
    whole = [layout for layout in operands if layout.dense and layout.shape == shape]
    if not whole or any(layout.compact for layout in whole):
        out = compact_layout(shape, out_code, operands[0].device)
    else:
        out = retyped(whole[0], out_code)
    views = [broadcasted(layout, shape) for layout in operands]
    return out, lower(shape, (out, out.strides), *((view, view.strides) for view in views))


# ---- two operands: (layout of the result, plan) ---------------------------------------------------------------


def _binary(accepts: tuple[int, int], gives_bool: bool, a: Layout, b: Layout) -> tuple[Any, Plan]:
    if a.code != b.code or a.device is not b.device or not accepts[0] <= a.code <= accepts[1]:
        return None, None
    return _elementwise(BOOL if gives_bool else a.code, a, b)


arithmetic_plan = remember(partial(_binary, (0, I64), False))
division_plan = remember(partial(_binary, (0, F64), False))
extremum_plan = remember(partial(_binary, (0, BOOL), False))
comparison_plan = remember(partial(_binary, (0, BOOL), True))
logical_plan = remember(partial(_binary, (BOOL, BOOL), True))


@remember
def where_plan(condition: Layout, a: Layout, b: Layout) -> tuple[Any, Plan]:
    """Plan ``out = condition ? a : b`` for a bool condition and a, b of one type."""
    same = condition.code == BOOL and a.code == b.code and condition.device is a.device is b.device
    return _elementwise(a.code, condition, a, b) if same else (None, None)


# ---- one operand ----------------------------------------------------------------------------------------------


@remember
def map_plan(a: Layout, out_code: int) -> tuple[Layout, Plan]:
    """Plan an elementwise function of one array, or of one array and a number."""
    return _elementwise(out_code, a)


@remember
def copy_plan(out: Layout, a: Layout) -> Plan:
    """Plan writing `a`, broadcast to the shape of `out`, into `out`; None if it does not broadcast.

    Element types may differ.
    """
    if broadcast_shape(a.shape, out.shape) != out.shape:
        return None
    view = broadcasted(a, out.shape)
    return lower(out.shape, (out, out.strides), (view, view.strides))


@remember
def fill_plan(out: Layout) -> Plan:
    """Plan writing one number everywhere."""
    check_writable(out)
    return lower(out.shape, (out, out.strides))


def check_writable(out: Layout) -> None:
    """Raise for a broadcast view: one element in memory stands for many, and all would change with it."""
    if out.expanded:
        raise ShapeError(
            f"assignment: this array of shape {out.shape} is a broadcast view, its elements share memory; "
            "write into a copy()"
        )


# ---- reductions and matrix products ---------------------------------------------------------------------------


def reduce_plan(
    name: str, result: Callable[[int], int], a: Layout, axis: int | tuple | None, keepdims: bool
) -> tuple[Layout, Plan]:
    """Plan a reduction: the result has stride 0 along the reduced axes, so its elements are hit again and again.

    Over all axes at once (None) the result has shape (1,). `result` gives its element type. Each reduction keeps
    a memoised form with its own name.
    """
    axes = normalize_axes(axis, a.ndim, name)
    out_code = result(a.code)
    kept = tuple(1 if axis in axes else extent for axis, extent in enumerate(a.shape))
    full = compact_layout(kept, out_code, a.device)
    strides = tuple(0 if axis in axes else stride for axis, stride in enumerate(full.strides))
    plan = lower(a.shape, (full, strides), (a, a.strides))
    if keepdims:
        return full, plan
    shape = (1,) if axis is None else tuple(extent for axis, extent in enumerate(a.shape) if axis not in axes)
    return compact_layout(shape, out_code, a.device), plan


@remember
def onto_plan(g: Layout, x: Layout) -> tuple[Layout, Plan] | None:
    """Plan a sum of `g` over the axes along which `x` was broadcast to its shape; None if there is no such axis."""
    shape = (1,) * (g.ndim - x.ndim) + x.shape
    if len(shape) != g.ndim or g.code != x.code or g.code > F64 or g.device is not x.device or not g.size:
        return None
    axes = tuple(axis for axis, extent in enumerate(shape) if extent != g.shape[axis])
    if not axes or any(shape[axis] != 1 for axis in axes):
        return None
    return compact_layout(x.shape, g.code, g.device), reduce_plan("sum", lambda code: code, g, axes, True)[1]


@remember
def matmul_plan(a: Layout, b: Layout) -> tuple[Any, Plan]:
    """Plan ``out[..., i, j] = sum over k of a[..., i, k] * b[..., k, j]``; the space is (batch…, i, j, k).

    Transposed and broadcast operands are only strides. A batch that shares one `b` is folded into the rows.
    """
    if a.code != b.code or a.device is not b.device or a.code > I64 or not a.ndim or not b.ndim:
        return None, None
    m, k = a.shape[-2:] if a.ndim > 1 else (1, a.shape[0])
    n = b.shape[-1] if b.ndim > 1 else 1
    batch = broadcast_shape(a.shape[:-2], b.shape[:-2])
    if (b.shape[-2] if b.ndim > 1 else b.shape[0]) != k or batch is None:
        return None, None
    out_shape = batch + a.shape[-2:-1] + (b.shape[-1:] if b.ndim > 1 else ())
    out = compact_layout(out_shape, a.code, a.device)

    rows, inner = a.strides[-2:] if a.ndim > 1 else (0, a.strides[0])
    depth, columns = b.strides[-2:] if b.ndim > 1 else (b.strides[0], 0)
    a_batch = _batch_strides(a, batch)
    b_batch = _batch_strides(b, batch)
    out_batch = compact_layout((*batch, m, n), a.code, a.device).strides[:-2]

    batch, (out_batch, a_batch, b_batch) = coalesce(batch, (out_batch, a_batch, b_batch))
    if len(batch) == 1 and b_batch == (0,) and (m == 1 or a_batch[0] == m * rows):
        m, rows, batch = batch[0] * m, (a_batch[0] if m == 1 else rows), ()
        out_batch = a_batch = b_batch = ()
    if len(batch) + 3 > MAX_NDIM:
        raise ShapeError(
            f"matmul: {len(batch)} batch dimensions that cannot be merged; at most {MAX_NDIM - 3}"
        )
    return out, a.device.lower(
        len(batch) + 3, (a.code,) * 3, (*batch, m, n, k), (0, a.offset, b.offset),
        ((*out_batch, n, 1, 0), (*a_batch, rows, 0, inner), (*b_batch, 0, columns, depth)),
    )  # fmt: skip


def _batch_strides(layout: Layout, batch: tuple) -> tuple:
    own = layout.shape[:-2]
    missing = len(batch) - len(own)
    return (0,) * missing + tuple(
        0 if extent == 1 else stride for extent, stride in zip(own, layout.strides, strict=False)
    )


# ---- gather and scatter -----------------------------------------------------------------------------------------


def _gathered(view: Layout, index: Layout, position: int, along: tuple) -> tuple[tuple, tuple, tuple]:
    """Return (shape, strides of the view, strides of the index) over what is gathered.

    The axes of `index` are inserted before axis `position` of `view`, whose strides there are `along`.
    """
    shape = view.shape[:position] + index.shape + view.shape[position:]
    view_strides = view.strides[:position] + along + view.strides[position:]
    index_strides = (0,) * position + index.strides + (0,) * (view.ndim - position)
    return shape, view_strides, index_strides


@remember
def gather_plan(view: Layout, index: Layout, position: int, along: tuple) -> tuple[Layout, Plan]:
    """Plan ``out = view[index]``."""
    shape, view_strides, index_strides = _gathered(view, index, position, along)
    out = compact_layout(shape, view.code, view.device)
    return out, lower(shape, (out, out.strides), (view, view_strides), (index, index_strides))


@remember
def scatter_plan(
    view: Layout, index: Layout, position: int, along: tuple, value: Layout
) -> tuple[tuple, Plan]:
    """Plan ``view[index] = value``; returns the shape that the value must broadcast to, and the plan or None."""
    shape, view_strides, index_strides = _gathered(view, index, position, along)
    if broadcast_shape(value.shape, shape) != shape:
        return shape, None
    value = broadcasted(value, shape)
    return shape, lower(shape, (view, view_strides), (value, value.strides), (index, index_strides))
