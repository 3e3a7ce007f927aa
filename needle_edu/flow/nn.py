"""Layers of declared networks. Inputs that are not given become variables, named after the layer and the input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from needle_edu import ops

from .functions import flatten_layer as flatten_layer
from .symbol import Symbol, Variable, applied

_layers: Counter[str] = Counter()


def softmax(x: Symbol) -> Symbol:
    """Declare softmax along the last axis."""
    return applied("softmax", lambda a: ops.softmax(a, -1), x)


def relu(x: Symbol) -> Symbol:
    """Declare max(x, 0)."""
    return applied("relu", ops.relu, x)


def linear(
    data: Symbol, weight: Symbol | None = None, bias: Symbol | None = None, num_hidden: int | None = None,
    no_bias: bool = True, name: str | None = None,
) -> Symbol:  # fmt: skip
    """Declare data · weightᵀ + bias; the weight is (num_hidden, features)."""
    name = name or _named("linear")
    weight = _given_or_new(weight, f"{name}_weight")
    bias = None if no_bias else _given_or_new(bias, f"{name}_bias")
    made = applied(name, lambda x, w, *b: x @ w.T + b[0] if b else x @ w.T, *_given(data, weight, bias))
    made.shapes = lambda shape: _wanted({weight: (num_hidden, shape[-1]), bias: (num_hidden,)})
    return made


def conv2d(
    data: Symbol, weight: Symbol | None = None, bias: Symbol | None = None, strides: Sequence[int] = (1, 1, 1, 1),
    padding: str = "VALID", data_format: str = "NCHW", num_filter: int | None = None,
    ksize: Sequence[int] = (1, 1, 1, 1), no_bias: bool = True, name: str | None = None,
) -> Symbol:  # fmt: skip
    """Declare a convolution of (batch, channels, rows, columns); the weight is (num_filter, channels, rows, columns).

    Raises
    ------
    ValueError
        For another padding than "VALID" and "SAME", or another format than "NCHW".
    """
    _checked("conv2d", padding, data_format)
    name = name or _named("conv2d")
    weight = _given_or_new(weight, f"{name}_weight")
    bias = None if no_bias else _given_or_new(bias, f"{name}_bias")
    steps = tuple(strides[1:3])

    def compute(x: Any, w: Any, *b: Any) -> Any:
        around = _around(x.shape[2:], w.shape[2:], steps) if padding == "SAME" else ((0, 0), (0, 0))
        x = ops.pad(x, ((0, 0), (0, 0), *around))
        y = ops.conv2d(x, w, stride=steps)
        return y + b[0].reshape((1, -1, 1, 1)) if b else y

    made = applied(name, compute, *_given(data, weight, bias))
    made.shapes = lambda shape: _wanted({weight: (num_filter, shape[1], *ksize[1:3]), bias: (num_filter,)})
    return made


def max_pool(
    data: Symbol, ksize: Sequence[int] = (1, 2, 2, 1), strides: Sequence[int] = (1, 2, 2, 1),
    padding: str = "VALID", data_format: str = "NCHW",
) -> Symbol:  # fmt: skip
    """Declare the largest number of each window; padding never wins."""
    return _pooled("max_pool", data, ksize, strides, padding, data_format)


def avg_pool(
    data: Symbol, ksize: Sequence[int] = (1, 2, 2, 1), strides: Sequence[int] = (1, 2, 2, 1),
    padding: str = "SAME", data_format: str = "NCHW",
) -> Symbol:  # fmt: skip
    """Declare the mean of each window, of the numbers that are no padding."""
    return _pooled("avg_pool", data, ksize, strides, padding, data_format)


def _pooled(name: str, data: Symbol, ksize: Any, strides: Any, padding: str, data_format: str) -> Symbol:
    _checked(name, padding, data_format)
    window, steps = tuple(ksize[1:3]), tuple(strides[1:3])

    def compute(x: Any) -> Any:
        around = _around(x.shape[2:], window, steps) if padding == "SAME" else ((0, 0), (0, 0))
        widths = ((0, 0), (0, 0), *around)
        if name == "max_pool":
            return ops.max_pool2d(ops.pad(x, widths, float("-inf")), window, steps)
        total = ops.avg_pool2d(ops.pad(x, widths), window, steps)
        if not any(map(any, around)):
            return total
        return total / ops.avg_pool2d(ops.pad((x * 0 + 1).detach(), widths), window, steps)

    return applied(name, compute, data)


def batch_normalization(
    data: Symbol, gamma: Symbol | None = None, beta: Symbol | None = None, name: str | None = None
) -> Symbol:
    """Declare each channel normalised over the batch, then scaled by gamma and shifted by beta."""
    name = name or _named("batch_normalization")
    gamma, beta = _given_or_new(gamma, f"{name}_gamma"), _given_or_new(beta, f"{name}_beta")
    made = applied(name, ops.batch_norm, data, gamma, beta)
    made.shapes = lambda shape: _wanted({gamma: (shape[1],), beta: (shape[1],)})
    return made


def mean_sparse_softmax_cross_entropy_with_logits(logits: Symbol, label: Symbol) -> Symbol:
    """Declare the mean over a batch of -log softmax(logits) at the labels; labels may be floats."""
    return applied("cross_entropy", lambda z, y: ops.cross_entropy(z, y), logits, label)


def _named(layer: str) -> str:
    _layers[layer] += 1
    return f"{layer}{_layers[layer] - 1}"


def _given_or_new(symbol: Symbol | None, name: str) -> Symbol:
    return Variable(name=name) if symbol is None else symbol


def _given(data: Symbol, weight: Symbol, bias: Symbol | None) -> list[Symbol]:
    return [data, weight] if bias is None else [data, weight, bias]


def _wanted(shapes: dict[Any, tuple]) -> dict[Variable, tuple[int, ...]]:
    return {one: shape for one, shape in shapes.items() if isinstance(one, Variable)}


def _checked(name: str, padding: str, data_format: str) -> None:
    if padding not in ("VALID", "SAME") or data_format != "NCHW":
        raise ValueError(
            f"{name}: padding is 'VALID' or 'SAME' and data_format 'NCHW', got {padding!r} and {data_format!r}"
        )


def _around(extents: Sequence[int], window: Sequence[int], steps: Sequence[int]) -> list[tuple[int, int]]:
    """Return the padding by which ceil(extent / step) windows fit; if it is odd, there is one more behind."""
    found = []
    for n, k, step in zip(extents, window, steps, strict=True):
        missing = max((-(-n // step) - 1) * step + k - n, 0)
        found.append((missing // 2, missing - missing // 2))
    return found
