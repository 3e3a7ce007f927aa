"""A convolution of arrays, and its two adjoints, each as one matrix product.

With the windows of x laid out as columns (im2col), y = w·columns. That is linear in x and in w, so the derivatives
are products of the same parts: of the windows with the adjoint of y for w̄, of w with that adjoint, folded back, for x̄.

    forward       y[n, o, j]    = Σ_{c, k} w[o, c, k] · x[n, c, j·stride + k·dilation − padding]
    input         x̄[n, c, ...] += w[o, c, k] · ȳ[n, o, j]         wherever window j sees that element at k
    weight        w̄[o, c, k]    = Σ_{n, j} ȳ[n, o, j] · x[n, c, j·stride + k·dilation − padding]

(Networks call this convolution; mathematics, which would flip the kernel, calls it cross-correlation.) Channels may
lie first, (N, C, *extents) with weights (O, C/groups, *kernel), or last, (N, *extents, C) with weights
(*kernel, C, O) and one group. Either way x is read where it lies: the order of the axes of the columns is chosen so
that rows are copied as runs and the product comes out in the layout of y.

Floats on a device with compiled kernels take those (csrc/cpu/conv.c), which lay out a part of the windows at a time;
what is written here serves all other arrays, and says what the kernels compute.
"""

from functools import lru_cache
from math import prod
from typing import NamedTuple

from needle_edu.autograd.arrays import ShapeError, convolution, xp

from .windows import Windows, fold, inverse, paddings, per_axis, unfold


class Correlation(NamedTuple):
    """What both arrays' shapes and the attributes come to.

    Attributes
    ----------
    windows : Windows
    groups : int
        The channels of x and y are cut into this many parts, each of which sees only its own.
    last : bool
        Whether channels are the last axis.
    x, w, y : tuple of int
        Shapes: of the input, the weights, the result.
    """

    windows: Windows
    groups: int
    last: bool
    x: tuple[int, ...]
    w: tuple[int, ...]
    y: tuple[int, ...]


@lru_cache(4096)
def correlation(
    who: str, x: tuple, w: tuple, stride, padding, dilation, groups: int, last: bool
) -> Correlation:
    """Return what is to be done for shapes `x` and `w`, or say what does not fit."""
    axes = len(w) - 2
    layout = "(N, *extents, C) and (*kernel, C, O)" if last else "(N, C, *extents) and (O, C/groups, *kernel)"
    if len(x) != axes + 2:
        more = "; add a batch axis: x[None]" if len(x) == axes + 1 else ""
        raise ShapeError(f"{who}: wanted shapes {layout}, got {x} and {w}{more}")
    kernel = w[:axes] if last else w[2:]
    if 0 in kernel:
        raise ShapeError(f"{who}: the kernel has no elements, in weights of shape {w}; wanted {layout}")
    channels, extents = (x[-1], x[1:-1]) if last else (x[1], x[2:])
    per_group, outputs = (w[-2], w[-1]) if last else (w[1], w[0])
    if channels != per_group * groups:
        grouped = f" in {groups} groups" if groups > 1 else ""
        raise ShapeError(
            f"{who}: the input has {channels} channels, the weights are for {per_group * groups}{grouped}, in shapes "
            f"{x} and {w}; wanted {layout}"
        )
    if outputs % groups:
        raise ShapeError(
            f"{who}: {outputs} output channels do not divide into {groups} groups, in weights {w}"
        )
    windows = windows_for(who, kernel, stride, padding, dilation)
    counts = windows.counts(extents)
    if min(counts) < 1:
        raise ShapeError(
            f"{who}: a window reaches over {windows.reach} elements, the padded input has only "
            f"{tuple([e + sum(p) for e, p in zip(extents, windows.padding, strict=True)])}; got {x} and {w}"
        )
    y = (x[0], *counts, outputs) if last else (x[0], outputs, *counts)
    return Correlation(windows, groups, last, x, w, y)


def windows_for(who: str, kernel: tuple, stride, padding, dilation) -> Windows:
    """Return the windows that these attributes describe."""
    count = len(kernel)
    stride = per_axis(who, "stride", stride, count, 1)
    dilation = per_axis(who, "dilation", dilation, count, 1)
    return Windows(kernel, stride, dilation, paddings(who, padding, kernel, stride, dilation))


def channels_first(a, last: bool):
    """Return a view of (N, C, *extents)."""
    return xp.permute_dims(a, (0, a.ndim - 1, *range(1, a.ndim - 1))) if last else a


def compiled(a, b) -> bool:
    """Return whether a kernel computes with these two arrays."""
    return convolution is not None and convolution.compiled(a, b)


def forward(c: Correlation, x, w):
    """Return y."""
    if compiled(x, w):
        return convolution.forward(c, x, w)
    kernel = prod(c.windows.kernel)
    if c.last:
        return (_rows(c, x) @ w.reshape((kernel * c.w[-2], c.w[-1]))).reshape(c.y)
    inner = c.w[1] * kernel
    columns = _columns(c, x, (*_axes(c, "NCKJ"),)).reshape((c.x[0], c.groups, inner, prod(c.y[2:])))
    return (w.reshape((c.groups, c.w[0] // c.groups, inner)) @ columns).reshape(c.y)


def weight_adjoint(c: Correlation, x, g):
    """Return w̄ for the adjoint g of y."""
    if compiled(x, g):
        return convolution.weight_adjoint(c, x, g)
    kernel = prod(c.windows.kernel)
    if c.last:
        return (_rows(c, x).T @ g.reshape((prod(c.y[:-1]), c.y[-1]))).reshape(c.w)
    points = c.y[0] * prod(c.y[2:])
    columns = _columns(c, x, _axes(c, "CKNJ")).reshape((c.groups, c.w[1] * kernel, points))
    g = xp.permute_dims(g, (1, 0, *range(2, g.ndim))).reshape((c.groups, c.w[0] // c.groups, points))
    return (g @ xp.permute_dims(columns, (0, 2, 1))).reshape(c.w)


def input_adjoint(c: Correlation, g, w):
    """Return x̄ for the adjoint g of y."""
    if compiled(g, w):
        return convolution.input_adjoint(c, g, w)
    kernel, counts = prod(c.windows.kernel), c.y[1:-1] if c.last else c.y[2:]
    if c.last:
        inner = kernel * c.w[-2]
        columns = g.reshape((prod(c.y[:-1]), c.y[-1])) @ w.reshape((inner, c.w[-1])).T
        columns = columns.reshape((c.y[0], *counts, *c.windows.kernel, c.x[-1]))
        order = _axes(c, "NJKC")
    else:
        inner, outputs = c.w[1] * kernel, c.w[0] // c.groups
        w = xp.permute_dims(w.reshape((c.groups, outputs, inner)), (0, 2, 1))
        columns = w @ g.reshape((c.y[0], c.groups, outputs, prod(counts)))
        columns = columns.reshape((c.y[0], c.x[1], *c.windows.kernel, *counts))
        order = _axes(c, "NCKJ")
    if c.windows.trivial():
        return columns.reshape(c.x)
    out = xp.zeros(c.x, dtype=columns.dtype, device=columns.device)
    fold(xp.permute_dims(columns, inverse(order)), c.windows, channels_first(out, c.last))
    return out


def _rows(c: Correlation, x):
    """Return the windows of a channels-last x as rows: (N·counts, kernel·C)."""
    columns = _columns(c, x, _axes(c, "NJKC"))
    return columns.reshape((prod(c.y[:-1]), prod(c.windows.kernel) * c.w[-2]))


def _columns(c: Correlation, x, order: tuple[int, ...]):
    """Return the windows of x with their axes in this order, as many elements in any shape."""
    x = channels_first(x, c.last)
    if c.windows.trivial():  # every element is a window of its own: only the order may change
        ones = (1,) * len(c.windows.kernel)
        return xp.permute_dims(x.reshape((*ones, *x.shape)), order)
    return unfold(x, c.windows, order)


def _axes(c: Correlation, order: str) -> tuple[int, ...]:
    """Return the numbers of the axes (*kernel, N, C, *counts) in an order given by the letters K, N, C, J."""
    k = len(c.windows.kernel)
    numbers = {"K": range(k), "N": (k,), "C": (k + 1,), "J": range(k + 2, 2 * k + 2)}
    return tuple([axis for letter in order for axis in numbers[letter]])
