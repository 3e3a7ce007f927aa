"""A contribution to an adjoint has the shape and dtype of the input it belongs to; here it gets them, or an
error.

An input that was broadcast stands for many elements of the result: element 0 of a bias is added to row 0, row
1, row 2, … Its gradient is the sum over all of them. Since that holds for every op alike, the engine does it
once for all, and ops need not care.
"""

from functools import lru_cache

from .arrays import Array, GradientError, xp
from .registry import slot
from .value import Value

_SUMMATION, _RESHAPE, _ASTYPE = slot("summation"), slot("reshape"), slot("astype")


def unbroadcast(g, x, node):
    """Return the contribution `g` for the input `x` of `node` in the shape and dtype of `x`.

    Where `x` was broadcast, `g` comes with the shape of the result and is summed over the broadcast
    dimensions. Leading dimensions of extent 1, which broadcasting adds without a change, may be more or fewer:
    a `g` of shape (1, 3) serves an `x` of shape (3,).

    Raises
    ------
    GradientError
        If the op returned no gradient, or one of another kind or shape.
    """
    if not isinstance(g, Value):
        fix = "is a `return` missing?" if g is None else "compute it with tensors, not with arrays"
        raise _refused(x, node, f"is {_kind(g)}; wanted a Tensor ({fix})")
    data, wanted = g.realize_cached_data(), x.realize_cached_data()
    if isinstance(wanted, tuple) or isinstance(data, tuple):
        if type(data) is not type(wanted) or len(data) != len(wanted):
            raise _refused(x, node, f"is {_kind(g)}; wanted {_kind(x)}")
        return g
    got, shape = data.shape, wanted.shape
    if got != shape:
        if _core(got) == _core(shape):
            g = _RESHAPE.cls(shape).apply(g) if g.requires_grad else g.make_const(xp.reshape(data, shape))
        elif broadcast_axes(shape, got) is None or got != node.realize_cached_data().shape:
            raise _refused(x, node, f"has shape {got}, wanted {shape}")
        else:
            g = sum_to(g, shape)
    if data.dtype is not wanted.dtype and data.dtype != wanted.dtype and wanted.dtype.kind == "f":
        g = _ASTYPE.cls(wanted.dtype).apply(g)
    return g


def _core(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without its leading ones: (1, 1, 3, 1) -> (3, 1)."""
    start = next((axis for axis, extent in enumerate(shape) if extent != 1), len(shape))
    return shape[start:]


def _refused(x, node, what: str) -> GradientError:
    return GradientError(f"{node.op.name}: the gradient for {describe(x, node)} {what}")


def sum_to(g, shape: tuple[int, ...]):
    """Return `g`, a tensor or an array, summed over the dimensions along which `shape` was broadcast to its shape."""
    got = g.shape
    if got == shape:
        return g
    axes = broadcast_axes(shape, got)
    if g.__class__ is not Array and g.requires_grad:
        return _RESHAPE.cls(shape).apply(_SUMMATION.cls(axes).apply(g))
    data = xp.sum(
        g if g.__class__ is Array else g.realize_cached_data(), axis=axes, keepdims=len(got) == len(shape)
    )
    if data.shape != shape or not shape:  # over all axes our sum has shape (1,), NumPy's is a number
        data = xp.reshape(xp.asarray(data), shape)
    return data if g.__class__ is Array else g.make_const(data)


@lru_cache(1024)
def broadcast_axes(shape: tuple[int, ...], result: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the axes of `result` along which an array of `shape` was broadcast; None if it does not
    broadcast.

    Examples
    --------
    >>> broadcast_axes((3, 1), (2, 3, 4))
    (0, 2)
    """
    lead = len(result) - len(shape)
    if lead < 0:
        return None
    axes = list(range(lead))
    for axis, (small, large) in enumerate(zip(shape, result[lead:], strict=True), start=lead):
        if small != large:
            if small != 1:
                return None
            axes.append(axis)
    return tuple(axes)


def describe(x, node) -> str:
    """Name a value in a message: its label if it has one, else its place among the inputs."""
    label = x.extra.get("name") if x.extra else None
    if x is node:
        return f"the result {label!r}" if label else f"the result (shape {shape_of(x)})"
    place = f"input {[i is x for i in node.inputs].index(True)}"
    return f"{place} {label!r}" if label else f"{place} (shape {shape_of(x)})"


def _kind(g) -> str:
    """Say in a few words what somebody returned."""
    if not isinstance(g, Value):
        return repr(g) if g is None or isinstance(g, (int, float)) else f"of type {type(g).__name__}"
    data = g.realize_cached_data()
    return f"a TensorTuple of {len(data)}" if isinstance(data, tuple) else f"a Tensor of shape {data.shape}"


def shape_of(x):
    data = x.realize_cached_data()
    return tuple([part.shape for part in data]) if isinstance(data, tuple) else data.shape
