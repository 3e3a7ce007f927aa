"""Small helpers for writing vjps: constants, and expanding a gradient back over reduced axes."""

from functools import lru_cache
from operator import index

from needle_edu.autograd.arrays import DTypeError, ShapeError, xp
from needle_edu.autograd.tensor import Tensor
from needle_edu.autograd.value import Value
from needle_edu.backend.naming import a_kind
from needle_edu.ndarray import layout


def constant(array) -> Tensor:
    """Return an array as a tensor that requires no gradient (shared, not copied)."""
    return Tensor.make_const(array)


def plain_number(operation: str, scalar):
    """Return a number that an op keeps as an attribute: nobody can change it afterwards.

    Examples
    --------
    >>> plain_number("add_scalar", True)
    True
    >>> plain_number("add_scalar", "a")
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.DTypeError: add_scalar: wanted a number, got str
    """
    if isinstance(scalar, (int, float)):
        return scalar
    if isinstance(scalar, Value):
        raise DTypeError(
            f"{operation}: wanted a number, got {a_kind(scalar)}; for two tensors use + - * / **"
        )
    if not hasattr(scalar, "dtype"):
        raise DTypeError(f"{operation}: wanted a number, got {type(scalar).__name__}")
    return scalar.item() if scalar.size == 1 else scalar.copy()


def any_of(condition) -> bool:
    """Whether some element of an array of bools is true.

    Asked before what only such elements need. While a program is compiled (`needle_edu.graph.compiled`) no number is
    known, and the answer is True: what is done then must give the other elements the numbers they would have without.
    """
    return not numbers_are_known(condition) or bool(xp.any(condition))


def numbers_are_known(array) -> bool:
    """Whether an array has numbers; while a program is compiled, none has."""
    return not getattr(getattr(getattr(array, "device", None), "runtime", None), "symbolic", False)


def nonzero(a: Tensor) -> Tensor:
    """Return `a` with zeros replaced by ones."""
    zeros = a.realize_cached_data() == 0
    return a + constant(xp.astype(zeros, a.dtype)) if any_of(zeros) else a


def chosen_axes(operation: str, axes, axis=None):
    """Return axes as an op keeps them: None, an int, or a tuple of ints. `axis` is NumPy's name for the same.

    Examples
    --------
    >>> chosen_axes("sum", [0, 2]), chosen_axes("sum", None, 1)
    ((0, 2), 1)
    >>> chosen_axes("sum", "rows")
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.ShapeError: sum: axes are None, an integer or several integers, got 'rows'
    """
    if axis is not None:
        if axes is not None:
            raise ShapeError(f"{operation}: axes and axis are two names for the same; got {axes} and {axis}")
        axes = axis
    if axes is None or type(axes) is int:
        return axes
    try:
        several = hasattr(axes, "__iter__") and not isinstance(axes, (bytes, dict, set))
        return tuple([index(one) for one in axes]) if several else index(axes)
    except TypeError:
        raise ShapeError(
            f"{operation}: axes are None, an integer or several integers, got {axes!r}"
        ) from None


normalize_axes = lru_cache(1024, typed=True)(
    layout.normalize_axes
)  # the arrays' own, remembered for the vjps


@lru_cache(1024)
def kept_shape(axes, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return `shape` with extent 1 on the reduced axes.

    Examples
    --------
    >>> kept_shape(1, (2, 3, 4))
    (2, 1, 4)
    """
    reduced = normalize_axes(axes, len(shape), "reduction")
    return tuple([1 if axis in reduced else n for axis, n in enumerate(shape)])


def expand(t, axes, shape: tuple[int, ...]):
    """Return the result `t` of a reduction over `axes`, a tensor or an array, expanded back to the `shape` it had."""
    if axes is None and shape:  # one number broadcasts to everything
        return t.broadcast_to(shape)
    return t.reshape(kept_shape(axes, shape)).broadcast_to(shape)
