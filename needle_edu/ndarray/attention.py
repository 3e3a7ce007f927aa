"""Attention by the compiled kernel, which never holds all its scores: a block of queries meets the keys block by block.

What is computed says `needle_edu.ops.attention`, whose arithmetic in arrays is the readable form of this; shapes have
been checked there. Beside the result comes, for each query, the logarithm of the sum over its keys (lse), from which
the backward pass computes the weights again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from needle_edu.backend.dtypes import F64

from .base import allocate, kernel_failed
from .layout import MAX_NDIM, MAX_SIZE, Layout, compact_layout, make_layout
from .plans import Plan, broadcast_shape, coalesce, remember
from .views import broadcasted

if TYPE_CHECKING:
    from .array import NDArray

EVERYTHING = MAX_SIZE  # the diagonal below which every key lies


def compiled(q: NDArray, *others: NDArray) -> bool:
    """Return whether there is a kernel: floats of one type on a device with compiled kernels, at most 4 batch axes."""
    layout = q.layout
    code, device = layout.code, layout.device
    for other in others:
        if other.layout.code != code or other.layout.device is not device or other.layout.ndim > 6:
            return False
    return code <= F64 and layout.ndim <= 6 and device.runtime.native


def attention(
    q: NDArray, k: NDArray, v: NDArray, mask: NDArray | None, scale: float, diagonal: int | None, drop: float = 0.0,
    key: int = 0,
) -> tuple[NDArray, NDArray]:  # fmt: skip
    """Return the result, of shape (..., L, D), and lse, of shape (..., L). A share `drop` of the weights is dropped.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> y, lse = attention(nd.array([[0.0]]), nd.ones((2, 1)), nd.array([[1.0], [3.0]]), None, 1.0, None)
    >>> y.numpy().tolist(), lse.numpy().round(4).tolist()
    ([[2.0]], [0.6930999755859375])
    """
    masked = None if mask is None else mask.layout
    out_layout, lse_layout, plan = _forward(q.layout, k.layout, v.layout, masked)
    out, lse = allocate(out_layout), allocate(lse_layout)
    err = out_layout.kernels["attention"](
        plan, out.storage.ptr, lse.storage.ptr, q.storage.ptr, k.storage.ptr, v.storage.ptr,
        _pointer(mask, q), scale, EVERYTHING if diagonal is None else diagonal, drop, key,
    )  # fmt: skip
    if err:
        kernel_failed("attention", err, q, k, v)
    return out, lse


def attention_backward(
    g: NDArray, q: NDArray, k: NDArray, v: NDArray, mask: NDArray | None, out: NDArray, lse: NDArray, scale: float,
    diagonal: int | None, drop: float = 0.0, key: int = 0,
) -> tuple[NDArray, NDArray, NDArray]:  # fmt: skip
    """Return the adjoints of q, k and v, each with all batch axes, for the adjoint g of the result."""
    masked = None if mask is None else mask.layout
    *layouts, plan = _backward(g.layout, q.layout, k.layout, v.layout, masked, out.layout, lse.layout)
    to_q, to_k, to_v = grads = [allocate(layout) for layout in layouts]
    err = q.layout.kernels["attention_backward"](
        plan, *[grad.storage.ptr for grad in grads], g.storage.ptr, out.storage.ptr, lse.storage.ptr, q.storage.ptr,
        k.storage.ptr, v.storage.ptr, _pointer(mask, q), scale, EVERYTHING if diagonal is None else diagonal, drop, key,
    )  # fmt: skip
    if err:
        kernel_failed("attention_backward", err, g, q, k, v)
    return to_q, to_k, to_v


def _pointer(mask: NDArray | None, q: NDArray) -> Any:
    return q.layout.device.runtime.null if mask is None else mask.storage.ptr


@remember
def _forward(q: Layout, k: Layout, v: Layout, mask: Layout | None) -> tuple[Layout, Layout, Plan]:
    batch, queries, values = _batch(q, k, v, mask), q.shape[-2], v.shape[-1]
    out = _in_order_of(q, (*batch, queries, values))
    lse = compact_layout((*batch, queries), q.code, q.device)
    rows = [(out, "ld"), (lse, "l"), (q, "le"), (k, "se"), (v, "sd")]
    return out, lse, _lower(batch, q, k, v, rows + ([] if mask is None else [(mask, "ls")]))


@remember
def _backward(
    g: Layout, q: Layout, k: Layout, v: Layout, mask: Layout | None, out: Layout, lse: Layout
) -> tuple:
    batch = _batch(q, k, v, mask)
    results = [_in_order_of(x, (*batch, *x.shape[-2:])) for x in (q, k, v)]
    to_q, to_k, to_v = results
    rows = [(to_q, "le"), (to_k, "se"), (to_v, "sd"), (g, "ld"), (out, "ld"), (lse, "l")]
    rows += [(q, "le"), (k, "se"), (v, "sd")]
    return (*results, _lower(batch, q, k, v, rows + ([] if mask is None else [(mask, "ls")])))


def _batch(q: Layout, k: Layout, v: Layout, mask: Layout | None) -> tuple[int, ...]:
    shapes = [layout.shape[:-2] for layout in (q, k, v, mask) if layout is not None]
    batch = broadcast_shape(*shapes)
    assert batch is not None, shapes  # the op has checked it
    return batch


def _in_order_of(like: Layout, shape: tuple[int, ...]) -> Layout:
    """Return a dense layout whose axes have the order those of `like` have in memory: heads inside rows, say."""
    if len(shape) != like.ndim or any(stride <= 0 for stride in like.strides):
        return compact_layout(shape, like.code, like.device)
    order = sorted(range(len(shape)), key=lambda axis: -like.strides[axis])
    strides, step = [0] * len(shape), 1
    for axis in reversed(order):
        strides[axis] = step
        step *= max(shape[axis], 1)
    return make_layout(shape, tuple(strides), 0, like.code, like.device)


def _lower(
    batch: tuple[int, ...], q: Layout, k: Layout, v: Layout, operands: list[tuple[Layout, str]]
) -> Plan:
    """Lower the space (batch..., l, s, e, d); the letters say along which of the last four an operand lies."""
    extents = {"l": q.shape[-2], "s": k.shape[-2], "e": q.shape[-1], "d": v.shape[-1]}
    strides = []
    for layout, letters in operands:
        whole = broadcasted(layout, (*batch, *[extents[letter] for letter in letters]))
        last = dict(zip(letters, whole.strides[len(batch) :], strict=True))
        strides.append((whole.strides[: len(batch)], tuple([last.get(letter, 0) for letter in "lsed"])))
    merged, outer = coalesce(batch, tuple([first for first, _ in strides]))
    assert len(merged) + 4 <= MAX_NDIM
    return q.device.lower(
        len(merged) + 4,
        (q.code,) * len(operands),
        (*merged, *extents.values()),
        tuple([layout.offset for layout, _ in operands]),
        tuple([(*first, *last) for first, (_, last) in zip(outer, strides, strict=True)]),
    )
