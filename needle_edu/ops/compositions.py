"""Compositions: functions that are made of ops, and so need no derivative of their own.

What a graph shows are the ops they are made of: `unsqueeze` is a reshape, `swapaxes` a transpose. Other names for the
same things, NumPy's and PyTorch's, stand here too. The compositions of other files, splitting.py, lookup.py and those
imported below, are listed at the end with these.
"""

from needle_edu.autograd.arrays import ShapeError
from needle_edu.autograd.registry import slot
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend.arguments import integer

from . import choosing, dropping, gates, lookup, moving, questions, running, splitting, vectors
from .constants import chosen_axes, normalize_axes

_CONCAT, _CLIP, _GETITEM = slot("concat"), slot("clip"), slot("getitem")


def unsqueeze(a, axis):
    """Return the tensor with a new axis of extent 1 at place `axis` of the result, or at several places.

    >>> from needle_edu import Tensor, ops
    >>> ops.unsqueeze(Tensor([1.0, 2.0]), 1).shape, ops.unsqueeze(Tensor([1.0, 2.0]), (0, -1)).shape
    ((2, 1), (1, 2, 1))
    """
    a = as_tensor(a, "unsqueeze")
    axes = chosen_axes("unsqueeze", axis)
    axes = (axes,) if isinstance(axes, int) else axes or ()
    ndim = a.ndim + len(axes)
    new = normalize_axes(axes, ndim, "unsqueeze")
    extents = iter(a.shape)
    return a.reshape(tuple([1 if k in new else next(extents) for k in range(ndim)]))


def squeeze(a, axis=None):
    """Return the tensor without the given axes, which must have extent 1; by default without all that have.

    >>> import needle_edu as ndl
    >>> ndl.ops.squeeze(ndl.zeros(1, 2, 1)).shape, ndl.ops.squeeze(ndl.zeros(1, 2, 1), -1).shape
    ((2,), (1, 2))
    """
    a = as_tensor(a, "squeeze")
    if axis is None:
        gone = tuple([k for k, n in enumerate(a.shape) if n == 1])
    else:
        gone = normalize_axes(chosen_axes("squeeze", axis), a.ndim, "squeeze")
    if any(a.shape[k] != 1 for k in gone):
        raise ShapeError(f"squeeze: axis {axis} of shape {a.shape} has an extent other than 1")
    return a.reshape(tuple([n for k, n in enumerate(a.shape) if k not in gone]))


def swapaxes(a, axis1, axis2):
    """Return the tensor with two axes swapped: ``transpose(a, (axis1, axis2))``.

    >>> import needle_edu as ndl
    >>> ndl.ops.swapaxes(ndl.zeros(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    a = as_tensor(a, "swapaxes")
    first, second = [
        normalize_axes(integer("swapaxes", "axis", axis), a.ndim, "swapaxes")[0] for axis in (axis1, axis2)
    ]
    return a if first == second else a.transpose((first, second))


def moveaxis(a, source, destination):
    """Return the tensor with one axis moved to another place; the others keep their order.

    >>> import needle_edu as ndl
    >>> ndl.ops.moveaxis(ndl.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    a = as_tensor(a, "moveaxis")
    axes = list(range(a.ndim))
    axis = axes.pop(normalize_axes(integer("moveaxis", "source", source), a.ndim, "moveaxis")[0])
    axes.insert(normalize_axes(integer("moveaxis", "destination", destination), a.ndim, "moveaxis")[0], axis)
    return a.permute(tuple(axes))


def flatten(a, start_axis=0, end_axis=-1):
    """Return the tensor with the axes from `start_axis` to `end_axis` made one.

    >>> import needle_edu as ndl
    >>> ndl.ops.flatten(ndl.zeros(2, 3, 4), 1).shape
    (2, 12)
    """
    a = as_tensor(a, "flatten")
    if not a.ndim:
        return a.reshape((1,))
    first, last = [
        normalize_axes(integer("flatten", "axis", axis), a.ndim, "flatten")[0]
        for axis in (start_axis, end_axis)
    ]
    if first > last:
        raise ShapeError(f"flatten: axis {start_axis} comes after axis {end_axis} in shape {a.shape}")
    size = 1
    for n in a.shape[first : last + 1]:
        size *= n
    return a.reshape((*a.shape[:first], size, *a.shape[last + 1 :]))


def concatenate(args, axis=0):
    """Return the tensors joined along an existing axis: `concat` under NumPy's name.

    >>> from needle_edu import Tensor, ops
    >>> ops.concatenate([Tensor([1.0]), Tensor([2.0, 3.0])])
    Tensor([1., 2., 3.], op=concat)
    """
    return _CONCAT.function(args, axis)


def cat(args, axis=0):
    """Return the tensors joined along an existing axis: `concat` under PyTorch's name.

    >>> from needle_edu import Tensor, ops
    >>> ops.cat([Tensor([1.0]), Tensor([2.0, 3.0])])
    Tensor([1., 2., 3.], op=concat)
    """
    return _CONCAT.function(args, axis)


def clamp(a, min=None, max=None):
    """Return the elements kept between two bounds: `clip` under PyTorch's name.

    >>> from needle_edu import Tensor, ops
    >>> ops.clamp(Tensor([-1.0, 2.0]), min=0.0)
    Tensor([0., 2.], op=clip)
    """
    return _CLIP.function(a, min, max)


def get_item(a, index):
    """Return ``a[index]``: `getitem` under the name that some Needles give it.

    >>> from needle_edu import Tensor, ops
    >>> ops.get_item(Tensor([1.0, 2.0]), slice(1, 2))
    Tensor([2.], op=getitem)
    """
    return _GETITEM.function(a, index)


def dot(a, b):
    """Return the inner product of two vectors, as one number (shape ()).

    >>> from needle_edu import Tensor, ops
    >>> ops.dot(Tensor([1.0, 2.0]), Tensor([10.0, 1.0])).item()
    12.0
    """
    a, b = as_tensor(a, "dot"), as_tensor(b, "dot")
    if a.ndim != 1 or a.shape != b.shape:
        raise ShapeError(
            f"dot: wanted two vectors of one length, got shapes {a.shape} and {b.shape}; matmul takes matrices"
        )
    return a @ b


def outer(a, b):
    """Return the outer product of two vectors: every product ``a[i] * b[j]``, shape (m, n).

    >>> from needle_edu import Tensor, ops
    >>> ops.outer(Tensor([1.0, 2.0]), Tensor([3.0, 4.0])).numpy().tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    a, b = as_tensor(a, "outer"), as_tensor(b, "outer")
    if a.ndim != 1 or b.ndim != 1:
        raise ShapeError(f"outer: wanted two vectors, got shapes {a.shape} and {b.shape}")
    return a.reshape((-1, 1)) * b.reshape((1, -1))


def rsqrt(a):
    """Return one over the square root.

    >>> from needle_edu import Tensor, ops
    >>> ops.rsqrt(Tensor([4.0]))
    Tensor([0.5], op=reciprocal)
    """
    return as_tensor(a, "rsqrt").sqrt().reciprocal()


def frac(a):
    """Return what `trunc` cuts off, with the sign of a: ``a - trunc(a)``.

    >>> from needle_edu import Tensor, ops
    >>> ops.frac(Tensor([1.5, -1.5])).numpy().tolist()
    [0.5, -0.5]
    """
    a = as_tensor(a, "frac")
    return a - a.trunc()


def view(a, *extents):
    """Return the same elements in another shape: `reshape` under PyTorch's name. It copies where it must.

    >>> import needle_edu as ndl
    >>> ndl.ops.view(ndl.zeros(2, 3), -1).shape
    (6,)
    """
    return as_tensor(a, "view").reshape(*extents)


def expand(a, *extents):
    """Return the tensor broadcast to a shape in which -1 keeps an extent: PyTorch's. No data is copied.

    >>> import needle_edu as ndl
    >>> ndl.ops.expand(ndl.zeros(2, 1), 3, -1, 4).shape
    (3, 2, 4)
    """
    a = as_tensor(a, "expand")
    wanted = extents[0] if len(extents) == 1 and hasattr(extents[0], "__iter__") else extents
    shape = [integer("expand", "extent", n, -1) for n in wanted]
    new = len(shape) - a.ndim
    if new < 0 or -1 in shape[:new]:
        raise ShapeError(
            f"expand: {tuple(shape)} is no shape for a tensor of shape {a.shape}; wanted an extent for each axis, -1 "
            "only for those that are there"
        )
    return a.broadcast_to(tuple([a.shape[k - new] if n == -1 else n for k, n in enumerate(shape)]))


FUNCTIONS = (
    unsqueeze, squeeze, swapaxes, moveaxis, flatten, concatenate, cat, clamp, get_item,
    *splitting.FUNCTIONS, dot, outer, *lookup.FUNCTIONS, *vectors.FUNCTIONS, *gates.FUNCTIONS, *dropping.FUNCTIONS,
    *running.FUNCTIONS, rsqrt, frac, view, expand, *moving.FUNCTIONS, *choosing.FUNCTIONS, *questions.FUNCTIONS,
)  # fmt: skip
METHODS = (
    "unsqueeze",
    "squeeze",
    "swapaxes",
    "moveaxis",
    "flatten",
    "unbind",
    "chunk",
    "dot",
    "take",
    "topk",
    "cummax",
    "cummin",
    "logcumsumexp",
    "rsqrt",
    "frac",
    "view",
    "expand",
    "to",
    "contiguous",
    *choosing.METHODS,
    *questions.METHODS,
)
