"""The namespace that ops compute with on NumPy's arrays (`NEEDLE_BACKEND=np`).

What is not written here is NumPy's own. Written here are the functions that needle_edu's arrays bring as one kernel
each, one pass over memory instead of three, and NumPy has not: composed from ordinary ones, they are also the
kernels' definitions.
"""

import math
from typing import Any

import numpy as np

from needle_edu.backend import IndexOutOfRange, ShapeError
from needle_edu.backend.activations import activation, activation_backward  # noqa: F401
from needle_edu.backend.reference.dropout import kept
from needle_edu.ndarray.losses import refuse_mean_of_nothing, shapes_of_labels, wrong_label

_erf = np.vectorize(math.erf, otypes=[np.float64])
_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def __getattr__(name: str) -> Any:
    return getattr(np, name)


def array(a, dtype=None, device=None):
    """Return a copy; there is one device only."""
    return np.array(a, dtype=dtype)


def dropout(a, p, key):
    """a / (1 - p), or 0 times a for a share p of the elements, which the key decides"""
    return a * np.where(kept(key, p, a.shape), 0 if p == 1 else 1 / (1 - p), 0).astype(a.dtype)


def relu(a):
    """max(a, 0)"""
    return np.maximum(a, np.zeros_like(a))


def sigmoid(a):
    """1 / (1 + exp(-a)) without overflow: exp only ever sees numbers that are not positive."""
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1 / (1 + e), e / (1 + e))


def erf(a):
    """The error function, which NumPy has not, number by number."""
    return _erf(a).astype(a.dtype)


def gelu(a):
    """a times the part of the standard normal distribution below a; 0 at -inf."""
    cut = np.maximum(a, -40).astype(np.float64)
    return (cut * _erfc(cut * -(0.5**0.5)) / 2).astype(a.dtype)


def gelu_backward(g, x):
    """The vjp of gelu at x."""
    cut = np.clip(x, -40, 40).astype(np.float64)
    density = np.exp(-0.5 * cut * cut) / math.sqrt(2 * math.pi)
    return g * (_erfc(cut * -(0.5**0.5)) / 2 + cut * density).astype(x.dtype)


def silu(a):
    """a sigmoid(a); 0 at -inf."""
    cut = np.maximum(a, -800)
    return cut * sigmoid(cut)


def silu_backward(g, x):
    """The vjp of silu at x."""
    cut = np.clip(x, -800, 800)
    return g * sigmoid(cut) * (1 + cut * sigmoid(-cut))


def prelu(a, b):
    """a where it is positive, else a * b."""
    return np.where(a > 0, a, a * b)


def softplus(a):
    """log(1 + exp(a)) without overflow."""
    return np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))


def sum_squares(a, axis=None, keepdims=False):
    """The sum of the squares."""
    return np.sum(a * a, axis=axis, keepdims=keepdims)


def logsumexp(a, axis=None, keepdims=False):
    """Log of the sum of exponentials; the largest element is taken out first, so that nothing overflows."""
    largest = np.max(a, axis=axis, keepdims=True, initial=-np.inf)
    largest = np.where(np.isfinite(largest), largest, np.zeros_like(largest))
    result = np.log(np.sum(np.exp(a - largest), axis=axis, keepdims=True)) + largest
    return result if keepdims else np.squeeze(result, axis=axis)


def softmax(a, axis=-1):
    """exp(a) / sum of exp(a)"""
    e = np.exp(a - np.max(a, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def log_softmax(a, axis=-1):
    """The logarithm of softmax."""
    z = a - np.max(a, axis=axis, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))


def softmax_backward(g, y, axis=-1):
    """The vjp of softmax, from its result y."""
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


def log_softmax_backward(g, y, axis=-1):
    """The vjp of log_softmax, from its result y."""
    return g - np.exp(y) * np.sum(g, axis=axis, keepdims=True)


def relu_backward(g, x):
    """The vjp of relu at x."""
    return np.where(x > 0, g, g.dtype.type(0))  # not a product: 0 times an infinite g would be nan


def tanh_backward(g, y):
    """The vjp of tanh, from its result y."""
    return g * (1 - y * y)


def sigmoid_backward(g, y):
    """The vjp of sigmoid, from its result y."""
    return g * (y * (1 - y))


def index_add(a, index, value):
    """A copy of `a` with `value` added at ``a[index]``; a place named twice gets both."""
    out = a.copy()
    np.add.at(out, index, value)
    return out


def cross_entropy(a, labels, weight=None, label_smoothing=0.0, ignore_index=None, reduction="mean"):
    """-sum over k of weight_k q_k log(softmax(a)_k) for each example; q is one-hot, smoothed."""
    z, q, divisor, axis = _cross_entropy_parts(a, labels, weight, label_smoothing, ignore_index, reduction)
    log_p = z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))
    losses = -np.sum(np.where(q != 0, q * log_p, 0), axis=axis)
    refuse_mean_of_nothing("cross_entropy", a.shape, losses.size, reduction)
    return losses if reduction == "none" else np.asarray(losses.sum() / divisor, a.dtype)


def cross_entropy_backward(
    g, a, labels, weight=None, label_smoothing=0.0, ignore_index=None, reduction="mean"
):
    """The vjp of cross_entropy: softmax minus q."""
    z, q, divisor, axis = _cross_entropy_parts(a, labels, weight, label_smoothing, ignore_index, reduction)
    p = np.exp(z) / np.sum(np.exp(z), axis=axis, keepdims=True)
    g = np.expand_dims(g, axis) if reduction == "none" else np.reshape(g, ()) / divisor
    used = np.any(q != 0, axis=axis, keepdims=True)
    return np.where(used, g * (p * np.sum(q, axis=axis, keepdims=True) - q), 0).astype(a.dtype)


def soft_cross_entropy(a, q, weight=None, label_smoothing=0.0, reduction="mean"):
    """-sum over k of weight_k q_k log(softmax(a)_k) for each example; q is given, and smoothed."""
    z, q, axis = _soft_parts("soft_cross_entropy", a, q, weight, label_smoothing)
    losses = np.sum(q * (np.log(np.sum(np.exp(z), axis=axis, keepdims=True)) - z), axis=axis)
    refuse_mean_of_nothing("soft_cross_entropy", a.shape, losses.size, reduction)
    divisor = losses.size if reduction == "mean" else 1
    return losses if reduction == "none" else np.asarray(losses.sum() / divisor, a.dtype)


def soft_cross_entropy_backward(g, a, q, weight=None, label_smoothing=0.0, reduction="mean"):
    """The vjp of soft_cross_entropy to the logits: softmax times the sum of q, minus q."""
    z, q, axis = _soft_parts("soft_cross_entropy_backward", a, q, weight, label_smoothing)
    p = np.exp(z) / np.sum(np.exp(z), axis=axis, keepdims=True)
    divisor = a.size // a.shape[axis] if reduction == "mean" else 1
    g = np.expand_dims(g, axis) if reduction == "none" else np.reshape(g, ()) / divisor
    return (g * (p * np.sum(q, axis=axis, keepdims=True) - q)).astype(a.dtype)


def _soft_parts(who, a, q, weight, label_smoothing):
    """z = a - max(a), the weighted, smoothed q, and the axis of the classes."""
    axis = 0 if a.ndim == 1 else 1
    if not a.ndim or q.shape != a.shape or not a.shape[axis]:
        raise ShapeError(
            f"{who}: got logits of shape {a.shape} and targets of shape {q.shape}; wanted both (N, classes) or "
            "(N, classes, d1, …), with at least one class"
        )
    classes = a.shape[axis]
    if weight is not None and weight.shape != (classes,):
        raise ShapeError(f"{who}: one weight for each of {classes} classes wanted, got {weight.shape}")
    q = q * (1 - label_smoothing) + label_smoothing / classes
    q = q if weight is None else q * np.reshape(weight, [classes if d == axis else 1 for d in range(a.ndim)])
    return a - np.max(a, axis=axis, keepdims=True), q.astype(a.dtype), axis


def nll_loss(a, labels, weight=None, ignore_index=None, reduction="mean"):
    """-weight[label] a[label] for each example."""
    q, divisor, axis = _one_hot("nll_loss", a.shape, a.dtype, labels, weight, 0.0, ignore_index, reduction)
    losses = -np.sum(np.where(q != 0, a, 0) * q, axis=axis)
    refuse_mean_of_nothing("nll_loss", a.shape, losses.size, reduction)
    return losses if reduction == "none" else np.asarray(losses.sum() / divisor, a.dtype)


def nll_loss_backward(g, labels, shape, weight=None, ignore_index=None, reduction="mean"):
    """The vjp of nll_loss of an array of this shape."""
    q, divisor, axis = _one_hot(
        "nll_loss_backward", shape, g.dtype, labels, weight, 0.0, ignore_index, reduction
    )
    g = np.expand_dims(g, axis) if reduction == "none" else np.reshape(g, ()) / divisor
    return np.where(q != 0, -g * q, 0).astype(q.dtype)


def _cross_entropy_parts(a, labels, weight, label_smoothing, ignore_index, reduction):
    """z = a - max(a), the weighted q, what to divide by, and the axis of the classes."""
    q, divisor, axis = _one_hot(
        "cross_entropy", a.shape, a.dtype, labels, weight, label_smoothing, ignore_index, reduction
    )
    return a - np.max(a, axis=axis, keepdims=True), q, divisor, axis


def _one_hot(who, shape, dtype, labels, weight, label_smoothing, ignore_index, reduction):
    """The weighted, smoothed q, what to divide by, and the axis of the classes."""
    axis = 0 if len(shape) == 1 else 1
    if not shape or labels.shape != shape[:axis] + shape[axis + 1 :] or not shape[axis]:
        raise ShapeError(f"{who}: {shapes_of_labels(who, shape, labels.shape)}")
    classes = shape[axis]
    if weight is not None and weight.shape != (classes,):
        raise ShapeError(f"{who}: one weight for each of {classes} classes wanted, got {weight.shape}")
    ignored = np.expand_dims(labels == ignore_index, axis)
    y = np.expand_dims(labels, axis)
    if not np.all(ignored | ((y >= 0) & (y < classes) & (np.floor(y) == y))):
        raise IndexOutOfRange(f"{who}: {wrong_label(labels, classes, ignore_index)}")
    along = [classes if d == axis else 1 for d in range(len(shape))]
    of_class = np.ones(along, dtype) if weight is None else np.reshape(weight, along)
    right = (y == np.reshape(np.arange(classes), along)) & ~ignored
    q = np.where(ignored, 0, (1 - label_smoothing) * right + label_smoothing / classes) * of_class
    divisor = (right * of_class).sum() if reduction == "mean" else 1
    return q.astype(dtype), divisor, axis


def argsort(a, axis=-1, descending=False, most=None):
    """The first `most` positions that sort `a`; equal elements keep their order in both directions."""
    order = np.argsort(np.flip(a, axis) if descending else a, axis=axis, kind="stable")
    if descending:
        order = np.flip(a.shape[axis] - 1 - order, axis)
    return order if most is None else np.take(order, np.arange(most), axis)


def sort(a, axis=-1, descending=False):
    """The elements of `a` in order."""
    return np.take_along_axis(a, argsort(a, axis, descending), axis)


def linear_scan(a, b, axis=-1):
    """out[k] = a[k] out[k-1] + b[k] along an axis."""
    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    out = b.astype(np.float64)
    for k in range(1, len(out)):
        out[k] += a[k] * out[k - 1]
    return np.ascontiguousarray(np.moveaxis(out, 0, axis)).astype(b.dtype)


def cumargmax(a, axis=-1):
    """Where the largest element so far is, the latest of equals; nan is the largest."""
    return _running_place(np.greater_equal, a, axis)


def cumargmin(a, axis=-1):
    """Where the smallest element so far is, the latest of equals; nan is the smallest."""
    return _running_place(np.less_equal, a, axis)


def _running_place(better, a, axis):
    a = np.moveaxis(a, axis, 0)
    out = np.zeros(a.shape, np.int64)
    best = a[:1].copy()
    for k in range(len(a)):
        taken = better(a[k : k + 1], best) | (a[k : k + 1] != a[k : k + 1])
        best = np.where(taken, a[k : k + 1], best)
        out[k : k + 1] = np.where(taken, k, out[k - 1 : k] if k else 0)
    return np.ascontiguousarray(np.moveaxis(out, 0, axis))
