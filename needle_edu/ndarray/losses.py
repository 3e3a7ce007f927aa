"""Softmax cross-entropy, the negative log-likelihood, and their gradients, one kernel each.

No array of probabilities is written down. Logits (of the likelihood: logarithms of probabilities) have shape
(classes,), (N, classes) or (N, classes, d1, …), as in PyTorch; the labels that shape without the classes. What the
options mean says `needle_edu.ops.cross_entropy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from needle_edu.backend import DeviceError, DTypeError, IndexOutOfRange, ShapeError
from needle_edu.backend.arguments import integer, real
from needle_edu.backend.dtypes import F64
from needle_edu.backend.errors import EINDEX

from .base import allocate, convert, kernel_failed
from .interchange import operand
from .layout import MAX_NDIM, Layout, as_shape, compact_layout
from .plans import Plan, coalesce, remember

if TYPE_CHECKING:
    from .array import NDArray

REDUCTIONS = {"none": 0, "sum": 1, "mean": 2}
_NOTHING = -(2**63)  # no label: nothing is ignored


def cross_entropy(
    a: NDArray, labels: NDArray, weight: NDArray | None = None, label_smoothing: float = 0.0,
    ignore_index: int | None = None, reduction: str = "mean",
) -> NDArray:  # fmt: skip
    """Return the cross-entropy between labels and the softmax of logits; its mean or sum has shape (1,).

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.cross_entropy(nd.array([[0, 0], [0, 0]]), nd.array([0, 1])).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    a, labels = operand("cross_entropy", a), operand("cross_entropy", labels, a)
    weight = None if weight is None else operand("cross_entropy", weight, a)
    _check_options("cross_entropy", label_smoothing, ignore_index, reduction)
    layout, weights = a.layout, None if weight is None else weight.layout
    out_layout, plan = _forward_plan("cross_entropy", layout, labels.layout, weights, reduction)
    given = (a, labels)
    return _run(
        "cross_entropy",
        "cross_entropy",
        layout,
        plan,
        allocate(out_layout),
        given,
        weight,
        ignore_index,
        reduction,
        label_smoothing,
    )


def cross_entropy_backward(
    g: NDArray, a: NDArray, labels: NDArray, weight: NDArray | None = None, label_smoothing: float = 0.0,
    ignore_index: int | None = None, reduction: str = "mean",
) -> NDArray:  # fmt: skip
    """Return the gradient of `cross_entropy` with respect to the logits, times the adjoint `g` of its result.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.cross_entropy_backward(nd.ones(1), nd.array([[0, 0]]), nd.array([1]))
    NDArray([[ 0.5, -0.5]], dtype=float32, device=cpu())
    """
    g, a = operand("cross_entropy_backward", g, a), operand("cross_entropy_backward", a)
    labels = operand("cross_entropy_backward", labels, a)
    weight = None if weight is None else operand("cross_entropy_backward", weight, a)
    _check_options("cross_entropy_backward", label_smoothing, ignore_index, reduction)
    layout, weights = a.layout, None if weight is None else weight.layout
    g = convert(g, layout.code)
    out_layout, plan = _backward_plan(
        "cross_entropy_backward", g.layout, layout, labels.layout, weights, reduction
    )
    given = (g, a, labels)
    return _run(
        "cross_entropy_backward",
        "cross_entropy_backward",
        layout,
        plan,
        allocate(out_layout),
        given,
        weight,
        ignore_index,
        reduction,
        label_smoothing,
    )


def nll_loss(
    a: NDArray, labels: NDArray, weight: NDArray | None = None, ignore_index: int | None = None,
    reduction: str = "mean",
) -> NDArray:  # fmt: skip
    """Return the negative log-likelihood of labels, of logarithms of probabilities; its mean or sum has shape (1,).

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.nll_loss(nd.array([[-0.5, -1.0], [-2.0, -0.25]]), nd.array([0, 1])).numpy()
    array([0.375], dtype=float32)
    """
    a, labels = operand("nll_loss", a), operand("nll_loss", labels, a)
    weight = None if weight is None else operand("nll_loss", weight, a)
    _check_options("nll_loss", 0.0, ignore_index, reduction)
    layout, weights = a.layout, None if weight is None else weight.layout
    out_layout, plan = _forward_plan("nll_loss", layout, labels.layout, weights, reduction)
    given = (a, labels)
    return _run("nll_loss", "nll", layout, plan, allocate(out_layout), given, weight, ignore_index, reduction)


def nll_loss_backward(
    g: NDArray, labels: NDArray, shape: tuple[int, ...], weight: NDArray | None = None,
    ignore_index: int | None = None, reduction: str = "mean",
) -> NDArray:  # fmt: skip
    """Return the gradient of `nll_loss` of an array of this shape, times the adjoint `g` of its result.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.nll_loss_backward(nd.ones(1), nd.array([1]), (1, 3))
    NDArray([[ 0., -1.,  0.]], dtype=float32, device=cpu())
    """
    g = operand("nll_loss_backward", g)
    labels = operand("nll_loss_backward", labels, g)
    weight = None if weight is None else operand("nll_loss_backward", weight, g)
    _check_options("nll_loss_backward", 0.0, ignore_index, reduction)
    of_a = compact_layout(as_shape(shape, "nll_loss_backward"), g.layout.code, g.layout.device)
    weights = None if weight is None else weight.layout
    out, plan = _backward_plan("nll_loss_backward", g.layout, of_a, labels.layout, weights, reduction, False)
    given = (g, labels)
    return _run(
        "nll_loss_backward", "nll_backward", of_a, plan, allocate(out), given, weight, ignore_index, reduction
    )


def _run(
    who: str, kernel: str, a: Layout, plan: Plan, out: NDArray, given: tuple[NDArray, ...], weight: NDArray | None,
    ignore_index: int | None, reduction: str, *smoothing: float,
) -> NDArray:  # fmt: skip
    """Call a kernel of these; `a` is the layout of the logits, and labels are the last of what is given."""
    err = a.kernels[kernel](
        plan, out.storage.ptr, *[one.storage.ptr for one in given],
        a.device.runtime.null if weight is None else weight.storage.ptr,
        *smoothing, _NOTHING if ignore_index is None else ignore_index, REDUCTIONS[reduction],
    )  # fmt: skip
    if err:
        _failed(who, err, a, given[-1], ignore_index)
    return out


@remember
def _forward_plan(
    who: str, a: Layout, labels: Layout, weight: Layout | None, reduction: str
) -> tuple[Layout, Plan]:
    _check(who, a, labels, weight)
    refuse_mean_of_nothing(who, a.shape, labels.size, reduction)
    out = compact_layout(labels.shape if reduction == "none" else (1,), a.code, a.device)
    strides = out.strides if reduction == "none" else (0,) * labels.ndim
    return out, _lower(who, a, labels, weight, [(out, strides, 0)])


@remember
def _backward_plan(
    who: str,
    g: Layout,
    a: Layout,
    labels: Layout,
    weight: Layout | None,
    reduction: str,
    reads_a: bool = True,
) -> tuple[Layout, Plan]:
    _check(who, a, labels, weight)
    wanted = labels.shape if reduction == "none" else (1,)
    if g.shape != wanted and not (g.size == 1 and reduction != "none"):
        raise ShapeError(f"{who}: the adjoint has shape {g.shape}, wanted {wanted}")
    axis = _class_axis(a)
    out = compact_layout(a.shape, a.code, a.device)
    g_strides = g.strides if reduction == "none" else (0,) * labels.ndim
    first = [(out, _without(out.strides, axis), out.strides[axis]), (g, g_strides, 0)]
    return out, _lower(who, a, labels, weight, first, reads_a)


def _lower(
    who: str, a: Layout, labels: Layout, weight: Layout | None, first: list, reads_a: bool = True
) -> Plan:
    """The classes come last, whatever their axis; neighbouring axes of examples are merged. Operand: (layout, strides
    along the examples, stride along the classes); `a` is none where only its shape counts."""
    axis = _class_axis(a)
    operands = list(first)
    if reads_a:
        operands.append((a, _without(a.strides, axis), a.strides[axis]))
    operands.append((labels, labels.strides, 0))
    if weight is not None:
        operands.append((weight, (0,) * labels.ndim, 1))
    return lower_rows(who, a, labels.shape, operands)


def lower_rows(who: str, a: Layout, examples: tuple[int, ...], operands: list) -> Plan:
    """The plan of a kernel over rows of classes: (layout, strides along the examples, stride along the classes) of each
    operand; `a` says how many classes there are."""
    merged, strides = coalesce(examples, tuple(row for _, row, _ in operands))
    if len(merged) >= MAX_NDIM:
        raise ShapeError(f"{who}: {len(merged)} axes beside the classes; at most {MAX_NDIM - 1}")
    return a.device.lower(
        len(merged) + 1,
        tuple(layout.code for layout, _, _ in operands),
        (*merged, a.shape[_class_axis(a)]),
        tuple(layout.offset for layout, _, _ in operands),
        tuple((*row, last) for row, (_, _, last) in zip(strides, operands, strict=True)),
    )


def _class_axis(a: Layout) -> int:
    return 0 if a.ndim == 1 else 1


def _without(values: tuple, axis: int) -> tuple:
    return values[:axis] + values[axis + 1 :]


def _check(who: str, a: Layout, labels: Layout, weight: Layout | None) -> None:
    for other in (labels, weight):
        if other is not None and other.device is not a.device:
            raise DeviceError(
                f"{who}: operands live on {a.device} and {other.device}; move one with .to(device)"
            )
    if not a.ndim or labels.shape != _without(a.shape, _class_axis(a)) or not a.shape[_class_axis(a)]:
        raise ShapeError(f"{who}: {shapes_of_labels(who, a.shape, labels.shape)}")
    if a.code > F64:
        raise DTypeError(f"{who}: {_scores(who)} are float32 or float64, got {a.dtype}")
    if weight is not None and (weight.shape != (a.shape[_class_axis(a)],) or weight.code != a.code):
        raise ShapeError(
            f"{who}: one weight of {a.dtype} for each of {a.shape[_class_axis(a)]} classes wanted, "
            f"got {weight.dtype} {weight.shape}"
        )


def refuse_mean_of_nothing(who: str, shape: tuple[int, ...], examples: int, reduction: str) -> None:
    """Raise ShapeError if a mean is wanted and there are no examples: as for `mean`, there is none."""
    if reduction == "mean" and not examples:
        raise ShapeError(
            f"{who}: no examples in an input of shape {shape}, so there is no mean; leave out empty batches"
        )


def _check_options(operation: str, label_smoothing: float, ignore_index: int | None, reduction: str) -> None:
    if type(label_smoothing) is not float or not 0 <= label_smoothing <= 1:
        real(operation, 0, 1, label_smoothing=label_smoothing)
    if ignore_index is not None and type(ignore_index) is not int:
        integer(operation, "ignore_index", ignore_index)
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        raise ShapeError(f"{operation}: reduction is 'none', 'mean' or 'sum', got {reduction!r}")


def _failed(operation: str, err: int, a: Layout, labels: NDArray, ignore_index: int | None) -> NoReturn:
    if err == EINDEX:
        classes = a.shape[_class_axis(a)]
        raise IndexOutOfRange(f"{operation}: {wrong_label(labels.numpy(), classes, ignore_index)}")
    kernel_failed(operation, err, labels)


def _scores(who: str) -> str:
    return "logits" if who.startswith("cross") else "logarithms"


def shapes_of_labels(who: str, shape: tuple[int, ...], labels: tuple[int, ...]) -> str:
    """What is wrong with the shapes of a classifier's scores and labels.

    Examples
    --------
    >>> print(shapes_of_labels("cross_entropy", (2, 3), (1,)).partition(";")[0])
    got logits of shape (2, 3) and labels of shape (1,)
    """
    return (
        f"got {_scores(who)} of shape {shape} and labels of shape {labels}; wanted "
        "(N, classes) and (N,), or (N, classes, d1, …) and (N, d1, …), with at least one class"
    )


def wrong_label(labels: np.ndarray, classes: int, ignore_index: int | None) -> str:
    """Return what an error says of the first label that is no class.

    Examples
    --------
    >>> wrong_label(np.array([0, 3]), 3, None)
    'labels are whole numbers from 0 to 2, got 3'
    """
    wrong = labels[
        ~((labels >= 0) & (labels < classes) & (np.floor(labels) == labels) | (labels == ignore_index))
    ]
    return f"labels are whole numbers from 0 to {classes - 1}, got {wrong.flat[0]}"
