"""From an index to a position in memory, and back: what strides mean, as functions.

An array's element (i, j, …) lies at position ``offset + i·strides[0] + j·strides[1] + …`` of its storage. Kernels do
this walk in C; these functions do one step of it, for those who want to see it or to write it themselves.
"""

from collections.abc import Sequence
from math import inf, prod

from needle_edu.backend import ShapeError
from needle_edu.backend.arguments import integer, several

from .plans import broadcast_shape


def index_to_position(index: Sequence[int], strides: Sequence[int], offset: int = 0) -> int:
    """Return where an element lies: offset + Σ index[k] · strides[k].

    Parameters
    ----------
    index, strides : sequence of int
        One number for each axis; strides in elements, as `NDArray.strides` has them.
    offset : int
        Position of the first element.

    Raises
    ------
    ShapeError
        If index and strides have not the same length.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> a = nd.arange(12).reshape((3, 4))[1:, ::2]
    >>> a.strides, a.offset
    ((4, 2), 4)
    >>> nd.index_to_position((1, 1), a.strides, a.offset)
    10
    """
    who = "index_to_position"
    index, strides = _integers(who, "index", index), _integers(who, "strides", strides)
    if len(index) != len(strides):
        raise ShapeError(
            f"index_to_position: wanted one number for each axis, got index {index} for strides {strides}"
        )
    return integer(who, "offset", offset) + sum(i * stride for i, stride in zip(index, strides, strict=True))


def ordinal_to_index(ordinal: int, shape: Sequence[int]) -> tuple[int, ...]:
    """Return the index of the element that comes at this place when all are read row by row (the first is 0).

    Raises
    ------
    IndexError
        If there are not that many elements.

    Examples
    --------
    >>> [ordinal_to_index(k, (2, 3)) for k in range(6)]
    [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    """
    shape = _integers("ordinal_to_index", "shape", shape, 0)
    rest = integer("ordinal_to_index", "ordinal", ordinal)
    if not 0 <= rest < prod(shape):
        raise IndexError(
            f"ordinal_to_index: {rest} is not below {prod(shape)}, the number of elements of {shape}"
        )
    index: list[int] = []
    for extent in reversed(shape):  # the last axis turns fastest, like the digits of a number
        rest, digit = divmod(rest, extent)
        index.insert(0, digit)
    return tuple(index)


def position_to_indices(
    position: int, shape: Sequence[int], strides: Sequence[int], offset: int = 0
) -> list[tuple[int, ...]]:
    """Return the indices of all elements that lie at a position: none, one, or many if the array is broadcast.

    Every element is looked at, so this is for small arrays.

    Examples
    --------
    >>> position_to_indices(4, (2, 3), (3, 1))
    [(1, 1)]
    >>> position_to_indices(1, (2, 3), (0, 1))  # one row, broadcast to two
    [(0, 1), (1, 1)]
    """
    who = "position_to_indices"
    shape, strides = _integers(who, "shape", shape, 0), _integers(who, "strides", strides)
    if len(shape) != len(strides):
        raise ShapeError(f"{who}: wanted a stride for each axis, got shape {shape} and strides {strides}")
    position, offset = integer(who, "position", position), integer(who, "offset", offset)
    every = [ordinal_to_index(k, shape) for k in range(prod(shape))]
    return [index for index in every if index_to_position(index, strides, offset) == position]


def broadcast_index(index: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """Return which element of an array of this shape stands at an index of what it was broadcast to.

    Axes that were added in front are left out, and along an axis of one element there is only index 0.

    Raises
    ------
    ShapeError
        If the index has fewer axes than the shape.

    Examples
    --------
    >>> broadcast_index((1, 2, 3), (3, 1))  # of (2, 3, 4), from (3, 1)
    (2, 0)
    """
    who = "broadcast_index"
    index, shape = _integers(who, "index", index), _integers(who, "shape", shape, 0)
    if len(index) < len(shape):
        raise ShapeError(f"broadcast_index: an index {index} has fewer axes than the shape {shape}")
    own = index[len(index) - len(shape) :]
    return tuple(0 if extent == 1 else i for i, extent in zip(own, shape, strict=True))


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """Return the shape that arrays of these shapes broadcast to; of none, ().

    Shapes stand below one another, their last axes in line. On each axis all extents are equal, or 1.

    Raises
    ------
    ShapeError
        If two extents on one axis differ and neither is 1.

    Examples
    --------
    >>> broadcast_shapes((4, 1), (3,))
    (4, 3)
    """
    who = "broadcast_shapes"
    given = [_integers(who, "shape", shape, 0) for shape in shapes]
    shape = broadcast_shape(*given, ())
    if shape is None:
        raise ShapeError(
            f"{who}: shapes {' and '.join(map(str, given))} do not broadcast; from the last axis on, extents must be "
            "equal, or 1"
        )
    return shape


def _integers(who: str, what: str, numbers: Sequence[int], low: float = -inf) -> tuple[int, ...]:
    return tuple(
        integer(who, f"each number of {what}", number, low) for number in several(who, what, numbers)
    )
