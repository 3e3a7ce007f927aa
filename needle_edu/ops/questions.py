"""Questions to a tensor, whose answers have no gradient: whether, where, how often, which.

The answers are bools and integers (`unique` gives elements); they jump, so they are constants in every graph.
"""

import numpy as np

from needle_edu.autograd.arrays import DTypeError, ShapeError, readable, xp
from needle_edu.autograd.tensor import Tensor, as_tensor
from needle_edu.backend.arguments import integer, real, switch

from .constants import chosen_axes, constant


def any(a, axis=None, keepdims=False):
    """Return whether some element along the axes (all by default) is true, that is not 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.any(Tensor([[0.0, 2.0], [0.0, 0.0]]), axis=1)
    Tensor([ True, False], requires_grad=False)
    """
    a = as_tensor(a, "any").realize_cached_data()
    return constant(xp.any(a, axis=chosen_axes("any", axis), keepdims=keepdims))


def all(a, axis=None, keepdims=False):
    """Return whether every element along the axes (all by default) is true, that is not 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.all(Tensor([[1.0, 2.0], [0.0, 1.0]]), axis=1)
    Tensor([ True, False], requires_grad=False)
    """
    a = as_tensor(a, "all").realize_cached_data()
    return constant(xp.all(a, axis=chosen_axes("all", axis), keepdims=keepdims))


def isclose(a, b, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Return whether ``|a - b| <= atol + rtol * |b|``, element by element; equal infinities are close.

    >>> from needle_edu import Tensor, ops
    >>> ops.isclose(Tensor([1.0, 2.0]), Tensor([1.000001, 3.0]))
    Tensor([ True, False], requires_grad=False)
    """
    real("isclose", 0, rtol=rtol, atol=atol)
    switch("isclose", equal_nan=equal_nan)
    like = next((t for t in (a, b) if isinstance(t, Tensor)), None)
    x, y = (as_tensor(t, "isclose", like).realize_cached_data() for t in (a, b))
    near = xp.isclose(x, y, rtol=rtol, atol=atol)
    if equal_nan:
        near = xp.logical_or(near, xp.logical_and(xp.isnan(x), xp.isnan(y)))
    return constant(near)


def allclose(a, b, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Return whether all elements are close, as `isclose` has it: a Python bool.

    >>> from needle_edu import Tensor, ops
    >>> ops.allclose(Tensor([1.0, 2.0]), Tensor([1.0, 2.000001]))
    True
    """
    return bool(readable(isclose(a, b, rtol, atol, equal_nan)).all())


def nonzero(a):
    """Return the positions of the elements that are not 0: one row of integers for each, one column for each axis.

    >>> from needle_edu import Tensor, ops
    >>> ops.nonzero(Tensor([[0.0, 5.0], [6.0, 0.0]])).numpy().tolist()
    [[0, 1], [1, 0]]
    """
    a = as_tensor(a, "nonzero")
    return _answer(np.argwhere(readable(a)), a)


def bincount(a, weights=None, minlength=0):
    """Return how often each integer from 0 on is in a vector, or the sum of its `weights`; at least `minlength` long.

    >>> from needle_edu import Tensor, ops
    >>> ops.bincount(Tensor([0, 2, 2]), minlength=4).numpy().tolist()
    [1, 0, 2, 0]
    """
    a = as_tensor(a, "bincount")
    found = readable(a)
    if found.ndim != 1 or found.dtype.kind not in "iub":
        raise DTypeError(f"bincount: wanted a vector of integers, got {found.dtype} of shape {found.shape}")
    if found.size and found.min() < 0:
        raise DTypeError(f"bincount: wanted integers of at least 0, got {found.min()}")
    if weights is not None:
        weights = readable(as_tensor(weights, "bincount"))
        if weights.shape != found.shape:
            raise ShapeError(f"bincount: {found.size} integers with weights of shape {weights.shape}")
    counts = np.bincount(found.astype(np.int64), weights, integer("bincount", "minlength", minlength, 0))
    kind = "int64" if weights is None else weights.dtype if weights.dtype.kind == "f" else "float64"
    return _answer(counts.astype(kind), a)


def unique(a, return_inverse=False, return_counts=False):
    """Return the elements without repetition, in order; if asked for, also where each one is in them, and how often.

    >>> from needle_edu import Tensor, ops
    >>> values, counts = ops.unique(Tensor([3, 1, 3]), return_counts=True)
    >>> values.numpy().tolist(), counts.numpy().tolist()
    ([1, 3], [1, 2])
    """
    switch("unique", return_inverse=return_inverse, return_counts=return_counts)
    a = as_tensor(a, "unique")
    found = readable(a)
    values, inverse, counts = np.unique(found, return_inverse=True, return_counts=True, equal_nan=False)
    answers = [_answer(values, a)]
    answers += [_answer(inverse.reshape(found.shape), a)] if return_inverse else []
    answers += [_answer(counts, a)] if return_counts else []
    return answers[0] if len(answers) == 1 else tuple(answers)


def _answer(array, a):
    """An array of NumPy as a constant beside the tensor `a`."""
    return Tensor(array, device=a.device, dtype=array.dtype.name, requires_grad=False)


FUNCTIONS = (any, all, isclose, allclose, nonzero, bincount, unique)
METHODS = tuple([function.__name__ for function in FUNCTIONS])
