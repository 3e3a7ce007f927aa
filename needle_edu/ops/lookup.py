"""Looking up: elements and rows chosen by integers, and integers written as rows of zeros and ones.

They are compositions too: what a graph shows is the indexing op, whose vjp adds up what rows chosen twice receive.
"""

from needle_edu.autograd.arrays import DTypeError, IndexOutOfRange, ShapeError, xp
from needle_edu.autograd.registry import slot
from needle_edu.autograd.state import tracing
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend.arguments import integer, switch

from .constants import constant, normalize_axes
from .order import along

_WHERE, _ARGSORT = slot("where"), slot("argsort")


def take(a, indices, axis=None):
    """Return the slices at integer `indices` along an axis; with axis None, elements of the flattened tensor.

    >>> from needle_edu import Tensor, ops
    >>> ops.take(Tensor([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0], axis=1).numpy().tolist()
    [[2.0, 2.0, 1.0], [4.0, 4.0, 3.0]]
    """
    a, where = as_tensor(a, "take"), integers("take", indices)
    if axis is None:
        a, axis = a.reshape((-1,)), 0
    (axis,) = normalize_axes(integer("take", "axis", axis), a.ndim, "take")
    try:
        return a[(slice(None),) * axis + (where,)]
    except IndexOutOfRange as error:
        raise IndexOutOfRange(f"take: {str(error).removeprefix('getitem: ')}") from None


def take_along_axis(a, indices, axis=-1):
    """Return ``y[i, j] = a[i, indices[i, j]]`` (for axis 1 of two): elements chosen in each row by itself.

    `indices` has as many axes as `a`; its extents are those of `a`, or 1, except along `axis`. PyTorch's gather.

    >>> from needle_edu import Tensor, ops
    >>> ops.take_along_axis(Tensor([[1.0, 2.0], [3.0, 4.0]]), [[1], [0]], axis=1).numpy().tolist()
    [[2.0], [3.0]]
    """
    a, where = as_tensor(a, "take_along_axis"), integers("take_along_axis", indices)
    (axis,) = normalize_axes(integer("take_along_axis", "axis", axis), a.ndim, "take_along_axis")
    if where.ndim != a.ndim or any(n not in (1, a.shape[k]) for k, n in enumerate(where.shape) if k != axis):
        raise ShapeError(
            f"take_along_axis: indices of shape {where.shape} do not fit a tensor of shape {a.shape}; wanted as "
            f"many axes, with the same extents (or 1) except along axis {axis}"
        )
    return a[along(where, axis, a.shape)]


def topk(a, k, axis=-1, largest=True):
    """Return the k largest (or smallest) elements along an axis, in order, and their positions (int64).

    Of equal elements the first come first; nan is the largest number.

    >>> from needle_edu import Tensor, ops
    >>> values, places = ops.topk(Tensor([3.0, 1.0, 4.0]), 2)
    >>> values.numpy().tolist(), places.numpy().tolist()
    ([4.0, 3.0], [2, 0])
    """
    a = as_tensor(a, "topk")
    switch("topk", largest=largest)
    (axis,) = normalize_axes(integer("topk", "axis", axis), a.ndim, "topk")
    if not 0 <= integer("topk", "k", k) <= a.shape[axis]:
        raise ShapeError(f"topk: k is {k}, but axis {axis} of shape {a.shape} has {a.shape[axis]} elements")
    places = _ARGSORT.cls(axis, largest, k).apply(a)
    return take_along_axis(a, places, axis), places


def embedding(index, weight, padding_idx=None):
    """Return the rows of `weight` (n, d) that `index` names: shape ``index.shape + (d,)``.

    `index` holds integers from 0 on, or floats that are whole numbers, as the course's data has them. The row
    `padding_idx` gets no gradient.

    >>> from needle_edu import Tensor, ops
    >>> ops.embedding(Tensor([1, 1, 0]), Tensor([[1.0, 2.0], [3.0, 4.0]])).numpy().tolist()
    [[3.0, 4.0], [3.0, 4.0], [1.0, 2.0]]
    """
    weight = as_tensor(weight, "embedding")
    index = as_tensor(index, "embedding")
    if weight.ndim != 2:
        raise ShapeError(f"embedding: wanted a weight of shape (rows, columns), got {weight.shape}")
    if index.dtype.kind == "f":
        whole = index.realize_cached_data()
        if tracing() is None and not bool(xp.all(xp.floor(whole) == whole)):
            raise DTypeError("embedding: wanted whole numbers as index, got floats with a fraction")
        index = index.astype("int64")
    if (tracer := tracing()) is not None:
        return tracer.embedding(index, weight, padding_idx)
    where = integers("embedding", index)
    rows = weight.shape[0]
    _check_range("embedding", where, rows)
    picked = weight[where]
    if padding_idx is None:
        return picked
    padding = integer("embedding", "padding_idx", padding_idx)
    if not -rows <= padding < rows:
        raise IndexOutOfRange(f"embedding: padding_idx {padding} is out of range for {rows} rows")
    is_padding = constant(xp.reshape(where == padding % rows, (*where.shape, 1)))
    return _WHERE.instance.apply(is_padding, picked.detach(), picked)


def one_hot(index, num_classes=-1):
    """Return int64 rows that are 1 at the place `index` names and 0 elsewhere, ``index.shape + (num_classes,)``.

    By default there are as many classes as the largest index asks for. `init.one_hot` gives floats.

    >>> from needle_edu import Tensor, ops
    >>> ops.one_hot(Tensor([2, 0])).numpy().tolist()
    [[0, 0, 1], [1, 0, 0]]
    """
    where = integers("one_hot", index)
    n = integer("one_hot", "num_classes", num_classes)
    if (tracer := tracing()) is not None and n >= 0 and not tracer.knows_numbers(where):
        return tracer.one_hot(where, n)
    if n == -1:
        if not where.size:
            raise ShapeError("one_hot: no index to count the classes by; give num_classes")
        n = int(xp.max(where)) + 1
    _check_range("one_hot", where, n)
    classes = xp.arange(n, device=where.device)
    return constant(xp.astype(xp.reshape(where, (*where.shape, 1)) == classes, "int64"))


def _check_range(name, where, n):
    if where.size and (int(xp.min(where)) < 0 or int(xp.max(where)) >= n):
        wrong = int(xp.min(where)) if int(xp.min(where)) < 0 else int(xp.max(where))
        raise IndexOutOfRange(f"{name}: index {wrong} is out of range for {n} {_THINGS[name]}")


_THINGS = {"embedding": "rows", "one_hot": "classes"}


def integers(name, index):
    """Return an argument that holds integers as an array."""
    if isinstance(index, (list, tuple)) and not len(index):
        array = xp.zeros((0,), dtype="int64")
    else:
        array = as_tensor(index, name).realize_cached_data()
    if array.dtype.kind not in "iu":
        raise DTypeError(f"{name}: wanted integers as index, got {array.dtype}; convert with astype('int64')")
    return array


FUNCTIONS = (take, take_along_axis, topk, embedding, one_hot)
