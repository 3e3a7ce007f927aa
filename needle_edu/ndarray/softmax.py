"""Softmax along one axis, its logarithm, and their vjps: one kernel each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from needle_edu.backend import DeviceError, DTypeError, ShapeError

from .base import allocate, convert, kernel_failed
from .dtypes import floating
from .interchange import operand
from .layout import MAX_NDIM, Layout, compact_layout, normalize_axis
from .plans import Plan, coalesce, remember

if TYPE_CHECKING:
    from .array import NDArray


def softmax(a: NDArray, axis: int = -1) -> NDArray:
    """Return exp(a) divided by its sum along an axis.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.softmax(nd.array([[0, 0], [1e4, 0]]))
    NDArray([[0.5, 0.5],
             [1. , 0. ]], dtype=float32, device=cpu())
    """
    return _forward("softmax", a, axis, 0)


def log_softmax(a: NDArray, axis: int = -1) -> NDArray:
    """Return the logarithm of `softmax`, which is finite where that would be 0.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.log_softmax(nd.array([1e4, 0]))
    NDArray([     0., -10000.], dtype=float32, device=cpu())
    """
    return _forward("log_softmax", a, axis, 1)


def softmax_backward(g: NDArray, y: NDArray, axis: int = -1) -> NDArray:
    """Return the vjp of `softmax` for the adjoint g, from its result y: ``y * (g - sum(g * y))``.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.softmax_backward(nd.array([8, 0]), nd.array([0.5, 0.5]))
    NDArray([ 2., -2.], dtype=float32, device=cpu())
    """
    return _backward("softmax_backward", g, y, axis, 0)


def log_softmax_backward(g: NDArray, y: NDArray, axis: int = -1) -> NDArray:
    """Return the vjp of `log_softmax` for the adjoint g, from its result y: ``g - exp(y) * sum(g)``.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> nd.log_softmax_backward(nd.array([1, 3]), nd.array([0, -nd.inf]))
    NDArray([-3.,  3.], dtype=float32, device=cpu())
    """
    return _backward("log_softmax_backward", g, y, axis, 1)


def _forward(name: str, a: NDArray, axis: int, log: int) -> NDArray:
    a = operand(name, a)
    a = convert(a, floating(a.layout.code))
    layout, plan = _plan(name, axis if type(axis) is int else normalize_axis(axis, a.ndim, name), a.layout)
    out = allocate(layout)
    err = layout.kernels["softmax"](plan, out.storage.ptr, a.storage.ptr, log)
    if err:
        kernel_failed(name, err, a)
    return out


def _backward(name: str, g: NDArray, y: NDArray, axis: int, log: int) -> NDArray:
    g, y = operand(name, g, y), operand(name, y, g)
    axis = axis if type(axis) is int else normalize_axis(axis, g.ndim, name)
    layout, plan = _plan(name, axis, g.layout, y.layout)
    out = allocate(layout)
    err = layout.kernels["softmax_backward"](plan, out.storage.ptr, g.storage.ptr, y.storage.ptr, log)
    if err:
        kernel_failed(name, err, g, y)
    return out


@remember
def _plan(name: str, axis: int, *inputs: Layout) -> tuple[Layout, Plan]:
    """The axis comes last, and neighbouring axes of lines are merged. A dense first input gives the result's layout."""
    a = inputs[0]
    if any(other.device is not a.device for other in inputs):
        places = " and ".join(str(layout.device) for layout in inputs)
        raise DeviceError(f"{name}: operands live on {places}; move one with .to(device)")
    if any(
        other.shape != a.shape or other.code != a.code or other.device is not a.device for other in inputs
    ):
        wanted = " and ".join(f"{layout.dtype} {layout.shape} on {layout.device}" for layout in inputs)
        raise ShapeError(f"{name}: wanted two arrays of one shape, dtype and device, got {wanted}")
    if a.code != floating(a.code):
        raise DTypeError(f"{name}: wanted floating-point numbers, got {a.dtype}")
    axis = normalize_axis(axis, a.ndim, name)
    out = a if a.dense else compact_layout(a.shape, a.code, a.device)
    operands = [out, *inputs]
    lines, strides = coalesce(
        _without(a.shape, axis), tuple(_without(layout.strides, axis) for layout in operands)
    )
    if len(lines) >= MAX_NDIM:
        raise ShapeError(f"{name}: {len(lines)} axes beside the one it goes along; at most {MAX_NDIM - 1}")
    return out, a.device.lower(
        len(lines) + 1,
        (a.code,) * len(operands),
        (*lines, a.shape[axis]),
        tuple(layout.offset for layout in operands),
        tuple((*row, layout.strides[axis]) for row, layout in zip(strides, operands, strict=True)),
    )


def _without(values: tuple, axis: int) -> tuple:
    return values[:axis] + values[axis + 1 :]
