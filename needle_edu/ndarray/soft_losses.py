"""Cross-entropy with probabilities as targets, and its gradient, one kernel each: no logarithms are written down.

Logits and targets have one shape, (classes,), (N, classes) or (N, classes, d1, …). What the options mean says
`needle_edu.ops.soft_cross_entropy`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from needle_edu.backend import DeviceError, DTypeError, ShapeError
from needle_edu.backend.arguments import real
from needle_edu.backend.dtypes import F64

from .base import allocate, convert, kernel_failed
from .interchange import operand
from .layout import Layout, compact_layout
from .losses import REDUCTIONS, lower_rows, refuse_mean_of_nothing
from .plans import Plan, remember

if TYPE_CHECKING:
    from .array import NDArray


def soft_cross_entropy(
    a: NDArray, targets: NDArray, weight: NDArray | None = None, label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> NDArray:  # fmt: skip
    """Return the cross-entropy between targets and the softmax of logits; its mean or sum has shape (1,).

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.soft_cross_entropy(nd.array([[0.0, 0.0]]), nd.array([[0.3, 0.7]])).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    who = "soft_cross_entropy"
    a, targets, weight = _given(who, a, targets, weight, label_smoothing, reduction)
    weights = None if weight is None else weight.layout
    out_layout, plan = _forward_plan(who, a.layout, targets.layout, weights, reduction)
    out = allocate(out_layout)
    err = a.layout.kernels[who](
        plan, out.storage.ptr, a.storage.ptr, targets.storage.ptr,
        a.device.runtime.null if weight is None else weight.storage.ptr, label_smoothing, REDUCTIONS[reduction],
    )  # fmt: skip
    if err:
        kernel_failed(who, err, a)
    return out


def soft_cross_entropy_backward(
    g: NDArray, a: NDArray, targets: NDArray, weight: NDArray | None = None, label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> NDArray:  # fmt: skip
    """Return the gradient of `soft_cross_entropy` with respect to the logits, times the adjoint `g` of its result.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> q = nd.array([[0.25, 0.75]])
    >>> nd.soft_cross_entropy_backward(nd.ones(1), nd.array([[0.0, 0.0]]), q).numpy()
    array([[ 0.25, -0.25]], dtype=float32)
    """
    who = "soft_cross_entropy_backward"
    a, targets, weight = _given(who, a, targets, weight, label_smoothing, reduction)
    g = convert(operand(who, g, a), a.layout.code)
    weights = None if weight is None else weight.layout
    out_layout, plan = _backward_plan(who, g.layout, a.layout, targets.layout, weights, reduction)
    out = allocate(out_layout)
    err = a.layout.kernels[who](
        plan, out.storage.ptr, g.storage.ptr, a.storage.ptr, targets.storage.ptr,
        a.device.runtime.null if weight is None else weight.storage.ptr, label_smoothing, REDUCTIONS[reduction],
    )  # fmt: skip
    if err:
        kernel_failed(who, err, a)
    return out


def _given(
    who: str, a: NDArray, targets: NDArray, weight: NDArray | None, label_smoothing: float, reduction: str
) -> tuple[NDArray, NDArray, NDArray | None]:
    """The arrays, targets and weights in the logits' dtype; options are checked."""
    a = operand(who, a)
    targets = operand(who, targets, a)
    weight = None if weight is None else operand(who, weight, a)
    real(who, 0, 1, label_smoothing=label_smoothing)
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        raise ShapeError(f"{who}: reduction is 'none', 'mean' or 'sum', got {reduction!r}")
    if a.layout.code <= F64:
        targets = convert(targets, a.layout.code)
    return a, targets, weight


@remember
def _forward_plan(
    who: str, a: Layout, targets: Layout, weight: Layout | None, reduction: str
) -> tuple[Layout, Plan]:
    axis = _check(who, a, targets, weight)
    examples = a.shape[:axis] + a.shape[axis + 1 :]
    refuse_mean_of_nothing(who, a.shape, math.prod(examples), reduction)
    out = compact_layout(examples if reduction == "none" else (1,), a.code, a.device)
    strides = out.strides if reduction == "none" else (0,) * len(examples)
    return out, _lower(who, a, targets, weight, [(out, strides, 0)])


@remember
def _backward_plan(
    who: str, g: Layout, a: Layout, targets: Layout, weight: Layout | None, reduction: str
) -> tuple[Layout, Plan]:
    axis = _check(who, a, targets, weight)
    examples = a.shape[:axis] + a.shape[axis + 1 :]
    wanted = examples if reduction == "none" else (1,)
    if g.shape != wanted and not (g.size == 1 and reduction != "none"):
        raise ShapeError(f"{who}: the adjoint has shape {g.shape}, wanted {wanted}")
    out = compact_layout(a.shape, a.code, a.device)
    strides = g.strides if reduction == "none" else (0,) * len(examples)
    return out, _lower(who, a, targets, weight, [_operand(out, axis), (g, strides, 0)])


def _operand(layout: Layout, axis: int) -> tuple[Layout, tuple[int, ...], int]:
    """A layout, its strides along the examples, and the stride along the classes."""
    strides = layout.strides
    return layout, strides[:axis] + strides[axis + 1 :], strides[axis]


def _lower(who: str, a: Layout, targets: Layout, weight: Layout | None, first: list) -> Plan:
    """The classes come last, whatever their axis; neighbouring axes of examples are merged."""
    axis = 0 if a.ndim == 1 else 1
    examples = a.shape[:axis] + a.shape[axis + 1 :]
    operands = [*first, _operand(a, axis), _operand(targets, axis)]
    if weight is not None:
        operands.append((weight, (0,) * len(examples), 1))
    return lower_rows(who, a, examples, operands)


def _check(who: str, a: Layout, targets: Layout, weight: Layout | None) -> int:
    """The axis of the classes, if everything fits."""
    for other in (targets, weight):
        if other is not None and other.device is not a.device:
            raise DeviceError(
                f"{who}: operands live on {a.device} and {other.device}; move one with .to(device)"
            )
    axis = 0 if a.ndim == 1 else 1
    if not a.ndim or targets.shape != a.shape or not a.shape[axis]:
        raise ShapeError(
            f"{who}: got logits of shape {a.shape} and targets of shape {targets.shape}; wanted both (N, classes) "
            "or (N, classes, d1, …), with at least one class"
        )
    if a.code > F64:
        raise DTypeError(f"{who}: logits are float32 or float64, got {a.dtype}")
    if weight is not None and (weight.shape != (a.shape[axis],) or weight.code != a.code):
        raise ShapeError(
            f"{who}: one weight of {a.dtype} for each of {a.shape[axis]} classes wanted, "
            f"got {weight.dtype} {weight.shape}"
        )
    return axis
