"""Choosing elements and putting some elsewhere: by mask, by index, by repetition. PyTorch's names for it.

They are compositions: what a graph shows is the indexing, `where` and reshaping ops they are made of.
"""

import numpy as np

from needle_edu.autograd.arrays import DTypeError, IndexOutOfRange, ShapeError, readable
from needle_edu.autograd.registry import slot
from needle_edu.autograd.state import tracing
from needle_edu.autograd.tensor import Tensor, as_tensor
from needle_edu.backend.arguments import integer

from .constants import constant, normalize_axes
from .lookup import integers, take

_WHERE, _GETITEM_BACKWARD = slot("where"), slot("getitem_backward")


def masked_fill(a, mask, value):
    """Return the tensor with `value` where a mask of bools, which broadcasts, is true.

    >>> from needle_edu import Tensor, ops
    >>> ops.masked_fill(Tensor([1.0, 2.0]), Tensor([True, False]), -9.0)
    Tensor([-9.,  2.], op=where)
    """
    a, mask = as_tensor(a, "masked_fill"), as_tensor(mask, "masked_fill")
    if mask.dtype.kind != "b":
        raise DTypeError(f"masked_fill: wanted a mask of bools, got {mask.dtype}; compare: a > 0")
    return _WHERE.instance.apply(mask, as_tensor(value, "masked_fill", a), a)


def masked_select(a, mask):
    """Return the elements at which a mask of bools, which broadcasts, is true, as a vector.

    >>> from needle_edu import Tensor, ops
    >>> ops.masked_select(Tensor([1.0, 2.0, 3.0]), Tensor([True, False, True])).numpy()
    array([1., 3.], dtype=float32)
    """
    a, mask = as_tensor(a, "masked_select"), as_tensor(mask, "masked_select")
    if mask.dtype.kind != "b":
        raise DTypeError(f"masked_select: wanted a mask of bools, got {mask.dtype}; compare: a > 0")
    try:
        shape = np.broadcast_shapes(a.shape, mask.shape)
    except ValueError:
        raise ShapeError(f"masked_select: shapes {a.shape} and {mask.shape} do not broadcast") from None
    return a.broadcast_to(shape)[mask.broadcast_to(shape)]


def index_select(a, axis, index):
    """Return the slices at a vector of integers along an axis: `take` under PyTorch's name.

    >>> from needle_edu import Tensor, ops
    >>> ops.index_select(Tensor([[1.0, 2.0], [3.0, 4.0]]), 1, [1, 1]).numpy().tolist()
    [[2.0, 2.0], [4.0, 4.0]]
    """
    where = integers("index_select", index)
    if where.ndim > 1:
        raise ShapeError(f"index_select: wanted a vector of integers, got shape {where.shape}")
    return take(a, constant(where).reshape((-1,)), axis)


def narrow(a, axis, start, length):
    """Return `length` slices along an axis, from `start` on: ``a[start : start + length]`` along that axis.

    >>> from needle_edu import Tensor, ops
    >>> ops.narrow(Tensor([1.0, 2.0, 3.0]), 0, 1, 2)
    Tensor([2., 3.], op=getitem)
    """
    a = as_tensor(a, "narrow")
    (axis,) = normalize_axes(integer("narrow", "axis", axis), a.ndim, "narrow")
    n, start, length = (
        a.shape[axis],
        integer("narrow", "start", start),
        integer("narrow", "length", length, 0),
    )
    if not -n <= start <= n or (start % n if start < 0 else start) + length > n:
        raise IndexOutOfRange(
            f"narrow: {length} from {start} on do not fit into axis {axis} of shape {a.shape}"
        )
    start = start + n if start < 0 else start
    return a[(slice(None),) * axis + (slice(start, start + length),)]


def gather(a, axis, index):
    """Return ``y[i, j] = a[i, index[i, j]]`` (for axis 1 of two), of the shape of `index`.

    Along the other axes `index` may be shorter than `a`. `take_along_axis` is NumPy's, with the axis behind.

    >>> from needle_edu import Tensor, ops
    >>> ops.gather(Tensor([[1.0, 2.0], [3.0, 4.0]]), 1, [[1, 0]]).numpy().tolist()
    [[2.0, 1.0]]
    """
    a = as_tensor(a, "gather")
    return a[_along("gather", a, axis, index)[0]]


def scatter_add(a, axis, index, src):
    """Return the tensor with ``src[i, j]`` added at ``[i, index[i, j]]`` (for axis 1 of two): `gather`'s adjoint.

    `src` is a number, or at least as large as `index` along every axis.

    >>> from needle_edu import Tensor, ops
    >>> ops.scatter_add(Tensor([1.0, 1.0]), 0, [0, 0], Tensor([2.0, 3.0])).numpy().tolist()
    [6.0, 1.0]
    """
    a = as_tensor(a, "scatter_add")
    key, where = _along("scatter_add", a, axis, index)
    return a + _GETITEM_BACKWARD.cls(key, a.shape).apply(_source("scatter_add", a, src, where.shape))


def scatter(a, axis, index, src):
    """Return the tensor with ``src[i, j]`` written to ``[i, index[i, j]]`` (for axis 1 of two).

    `src` is a number, or at least as large as `index` along every axis. What is written twice is what came last; only
    that has a gradient.

    >>> from needle_edu import Tensor, ops
    >>> ops.scatter(Tensor([1.0, 1.0, 1.0]), 0, [2, 0], Tensor([7.0, 8.0])).numpy().tolist()
    [8.0, 1.0, 7.0]
    """
    a = as_tensor(a, "scatter")
    key, where = _along("scatter", a, axis, index)
    if (tracer := tracing()) is not None and not tracer.knows_numbers(where):
        if as_tensor(src, "scatter", a).ndim:
            tracer.refuse(
                "scatter: which number comes last to a place, only the numbers of the index say; use scatter_add"
            )
        written = _GETITEM_BACKWARD.cls(key, a.shape).apply(Tensor(np.ones(where.shape)))
        return masked_fill(a, written > 0, src)
    src = _source("scatter", a, src, where.shape)
    if not where.size or not a.size:
        return a + 0
    last = np.full(a.shape, -1)  # which element of src each place takes; of several, NumPy keeps the last
    last[key] = np.arange(where.size).reshape(where.shape)
    taken = src.reshape((-1,))[np.maximum(last, 0)]
    return _WHERE.instance.apply(Tensor(last >= 0, device=a.device, requires_grad=False), taken, a)


def _along(name, a, axis, index):
    """The index, in arrays of NumPy, that names for each place of `index` the element so far along an axis; and it."""
    where = integers(name, index)
    (axis,) = normalize_axes(integer(name, "axis", axis), a.ndim, name)
    if where.ndim != a.ndim or any(n > a.shape[k] for k, n in enumerate(where.shape) if k != axis):
        raise ShapeError(
            f"{name}: an index of shape {where.shape} does not fit a tensor of shape {a.shape}; wanted as many axes, "
            f"none longer but axis {axis}"
        )
    n = a.shape[axis]
    steps: tuple[np.ndarray, ...] = np.indices(where.shape, sparse=True)
    if (tracer := tracing()) is not None and not tracer.knows_numbers(where):
        where = tracer.from_0(where, n)
        return tuple([where if k == axis else step for k, step in enumerate(steps)]), where
    where = readable(constant(where))
    wrong = where[(where < 0) | (where >= n)]
    if wrong.size:
        raise IndexOutOfRange(f"{name}: index {wrong.flat[0]} is out of range for axis {axis} of extent {n}")
    return tuple([where if k == axis else step for k, step in enumerate(steps)]), where


def _source(name, a, src, shape):
    """What is written: a number everywhere, or the part of a tensor that an index of this shape names."""
    src = as_tensor(src, name, a)
    if src.dtype != a.dtype:
        src = src.astype(a.dtype)
    if not src.ndim:
        return src.broadcast_to(shape)
    if src.ndim != len(shape) or any(m < n for m, n in zip(src.shape, shape, strict=True)):
        raise ShapeError(
            f"{name}: a source of shape {src.shape} is too small for an index of shape {shape}; wanted as many axes, "
            "none shorter"
        )
    return src if src.shape == shape else src[tuple([slice(n) for n in shape])]


def tile(a, reps):
    """Return copies side by side, `reps` of them along each axis; missing axes are put in front.

    >>> from needle_edu import Tensor, ops
    >>> ops.tile(Tensor([1.0, 2.0]), (2, 2)).numpy().tolist()
    [[1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0]]
    """
    a = as_tensor(a, "tile")
    reps = [integer("tile", "reps", n, 0) for n in (reps if isinstance(reps, (tuple, list)) else (reps,))]
    reps = [1] * (a.ndim - len(reps)) + reps
    shape = (1,) * (len(reps) - a.ndim) + a.shape
    apart = a.reshape(tuple([n for extent in shape for n in (1, extent)]))
    pairs = list(zip(reps, shape, strict=True))
    full = apart.broadcast_to(tuple([n for pair in pairs for n in pair]))
    return full.reshape(tuple([count * extent for count, extent in pairs]))


def repeat(a, *reps):
    """Return copies side by side, as many along each axis as said: PyTorch's. NumPy's is `repeat_interleave`.

    >>> from needle_edu import Tensor, ops
    >>> ops.repeat(Tensor([1.0, 2.0]), 2).numpy().tolist()
    [1.0, 2.0, 1.0, 2.0]
    """
    a = as_tensor(a, "repeat")
    reps = reps[0] if len(reps) == 1 and hasattr(reps[0], "__iter__") else reps
    if len(tuple(reps)) < a.ndim:
        raise ShapeError(f"repeat: wanted a number for each axis of shape {a.shape}, got {tuple(reps)}")
    return tile(a, tuple(reps))


def repeat_interleave(a, repeats, axis=None):
    """Return every slice along an axis `repeats` times, one after the other; with axis None, every element.

    `repeats` is a number, or one for each slice. NumPy calls this repeat.

    >>> from needle_edu import Tensor, ops
    >>> ops.repeat_interleave(Tensor([1.0, 2.0]), [2, 1]).numpy().tolist()
    [1.0, 1.0, 2.0]
    """
    a = as_tensor(a, "repeat_interleave")
    if axis is None:
        a, axis = a.reshape((-1,)), 0
    (axis,) = normalize_axes(integer("repeat_interleave", "axis", axis), a.ndim, "repeat_interleave")
    counts = readable(constant(integers("repeat_interleave", repeats)))
    if counts.ndim > 1 or counts.size not in (1, a.shape[axis]) or (counts < 0).any():
        raise ShapeError(
            f"repeat_interleave: repeats are one number, or {a.shape[axis]}, of at least 0; got {repeats!r:.60}"
        )
    return take(a, np.repeat(np.arange(a.shape[axis]), counts), axis)


FUNCTIONS = (
    masked_fill, masked_select, index_select, narrow, gather, scatter_add, scatter, tile, repeat, repeat_interleave,
)  # fmt: skip
METHODS = tuple([function.__name__ for function in FUNCTIONS])
