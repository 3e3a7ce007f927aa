"""Vectors: lengths, angles and distances along one axis, with the small numbers that keep divisions finite.

They are PyTorch's by name, arguments and edges, and they are compositions: their derivatives come from the ops they
are made of.
"""

from needle_edu.autograd.arrays import DTypeError, ShapeError
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend.arguments import integer, real, switch

from .constants import normalize_axes


def normalize(a, p=2.0, axis=1, eps=1e-12):
    """Return the tensor divided by its p-norms along an axis, so that these are 1; a norm counts at least as `eps`.

    Zeros stay zeros, and their gradient is that of a division by eps: 1e12 times the adjoint.

    >>> from needle_edu import Tensor, ops
    >>> ops.normalize(Tensor([[3.0, 4.0], [0.0, 0.0]])).numpy().round(3).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    (a,), axis = _checked("normalize", axis, eps, a)
    return a / _norms("normalize", a, p, axis, True).clip(eps)


def cosine_similarity(a, b, axis=1, eps=1e-8):
    """Return the cosines of the angles between vectors along an axis, which disappears; each norm is at least `eps`.

    >>> from needle_edu import Tensor, ops
    >>> ops.cosine_similarity(Tensor([[1.0, 0.0], [1.0, 1.0]]), Tensor([[0.0, 2.0], [3.0, 3.0]])).numpy().round(4)
    array([0., 1.], dtype=float32)
    """
    (a, b), axis = _checked("cosine_similarity", axis, eps, a, b)
    return (_unit(a, axis, eps) * _unit(b, axis, eps)).sum(axis)


def pairwise_distance(a, b, p=2.0, eps=1e-6, keepdims=False):
    """Return the p-norms of a - b + eps along the last axis, which disappears unless `keepdims`.

    `eps` is added to each difference: the distance of equal vectors is not 0, so it has a gradient.

    >>> from needle_edu import Tensor, ops
    >>> ops.pairwise_distance(Tensor([[0.0, 0.0]]), Tensor([[3.0, 4.0]])).numpy().round(4)
    array([5.], dtype=float32)
    """
    (a, b), axis = _checked("pairwise_distance", -1, eps, a, b)
    switch("pairwise_distance", keepdims=keepdims)
    return _norms("pairwise_distance", a - b + eps, p, axis, keepdims)


def _unit(a, axis, eps):
    return a / a.norm(2.0, axis, True).clip(eps)


def _norms(name, a, p, axis, keepdims):
    if p != float("inf"):
        real(name, 0, p=p)
    return a.norm(p, axis, keepdims)


def _checked(name, axis, eps, *tensors):
    """Return the tensors, of floats that broadcast, and the axis of the result of broadcasting, counted from 0."""
    real(name, 0, eps=eps)
    like = next((t for t in tensors if hasattr(t, "realize_cached_data")), None)
    tensors = tuple([as_tensor(t, name, like) for t in tensors])
    for t in tensors:
        if t.dtype.kind != "f":
            raise DTypeError(
                f"{name}: wanted floating-point numbers, got {t.dtype}; convert with astype('float32')"
            )
    ndim = max(t.ndim for t in tensors)
    if not ndim:
        raise ShapeError(f"{name}: wanted vectors, got a single number of shape ()")
    if len({t.ndim for t in tensors}) > 1 or any(
        m != n and 1 not in (m, n) for m, n in zip(tensors[0].shape, tensors[-1].shape, strict=True)
    ):
        shapes = " and ".join(str(t.shape) for t in tensors)
        raise ShapeError(
            f"{name}: got shapes {shapes}, wanted the same, or extents of 1; reshape one of them"
        )
    return tensors, normalize_axes(integer(name, "axis", axis), ndim, name)[0]


FUNCTIONS = (normalize, cosine_similarity, pairwise_distance)
