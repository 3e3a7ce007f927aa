"""Splitting a tensor along an axis: `split` and `tensor_split` under NumPy's and PyTorch's other names."""

from needle_edu.autograd.arrays import ShapeError
from needle_edu.autograd.registry import slot
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend.arguments import integer

from .constants import normalize_axes

_SPLIT, _TENSOR_SPLIT = slot("split"), slot("tensor_split")


def unbind(a, axis=0):
    """Return the slices along an axis, which disappears: `split` under PyTorch's name.

    >>> from needle_edu import Tensor, ops
    >>> [part.item() for part in ops.unbind(Tensor([1.0, 2.0]))]
    [1.0, 2.0]
    """
    return _SPLIT.function(a, axis)


def chunk(a, chunks, axis=0):
    """Return at most `chunks` parts along an axis, all of one length but perhaps a shorter last one.

    >>> import needle_edu as ndl
    >>> [part.shape for part in ndl.ops.chunk(ndl.zeros(5), 3)]
    [(2,), (2,), (1,)]
    """
    a = as_tensor(a, "chunk")
    (axis,) = normalize_axes(integer("chunk", "axis", axis), a.ndim, "chunk")
    if integer("chunk", "chunks", chunks) < 1:
        raise ShapeError(f"chunk: wanted a number of parts, at least 1, got {chunks}")
    n = a.shape[axis]
    length = max(-(-n // chunks), 1)
    return _TENSOR_SPLIT.cls(list(range(length, n, length)) if n else chunks, axis).apply(a)


def hsplit(a, sections):
    """Return parts side by side: along axis 1, or along axis 0 of a tensor with one axis. See `vsplit`.

    >>> import needle_edu as ndl
    >>> [part.shape for part in ndl.ops.hsplit(ndl.zeros(2, 4), 2)]
    [(2, 2), (2, 2)]
    """
    a = as_tensor(a, "hsplit")
    return _split_evenly("hsplit", a, sections, 0 if a.ndim == 1 else 1)


def vsplit(a, sections):
    """Return parts one above the other: `sections` equal ones along axis 0, or those that begin at `sections`.

    >>> import needle_edu as ndl
    >>> [part.shape for part in ndl.ops.vsplit(ndl.zeros(4, 2), [1])]
    [(1, 2), (3, 2)]
    """
    return _split_evenly("vsplit", as_tensor(a, "vsplit"), sections, 0, 2)


def dsplit(a, sections):
    """Return parts along axis 2, the depth. See `vsplit`.

    >>> import needle_edu as ndl
    >>> [part.shape for part in ndl.ops.dsplit(ndl.zeros(1, 2, 4), 2)]
    [(1, 2, 2), (1, 2, 2)]
    """
    return _split_evenly("dsplit", as_tensor(a, "dsplit"), sections, 2)


def _split_evenly(name, a, sections, axis, ndim=None):
    ndim = axis + 1 if ndim is None else ndim
    if a.ndim < ndim:
        raise ShapeError(f"{name}: wanted at least {ndim} axes, got shape {a.shape}")
    several = isinstance(sections, (list, tuple))
    if not several and (integer(name, "sections", sections) < 1 or a.shape[axis] % sections):
        raise ShapeError(
            f"{name}: axis {axis} of shape {a.shape} has no {sections} equal parts; tensor_split allows others"
        )
    return _TENSOR_SPLIT.function(a, sections, axis)


FUNCTIONS = (unbind, chunk, hsplit, vsplit, dsplit)
