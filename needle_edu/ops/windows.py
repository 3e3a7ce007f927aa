"""Windows: where a convolution or a pooling looks. A window of `kernel` elements slides over an axis in steps of
`stride`; its elements lie `dilation` apart, and it may reach `padding` elements beyond either end:

    window j at kernel position k sees element  j·stride + k·dilation − padding  of the axis.

`unfold` lays all windows out side by side (im2col), which makes a convolution one matrix product; `fold` is its
adjoint (col2im): it adds every element of every window back to where it was seen. Elements beyond the ends are never
touched, so nothing is copied into a padded array. Extents, strides and so on are tuples, one entry for each axis.
"""

from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

from needle_edu.autograd.arrays import ShapeError, xp
from needle_edu.backend.arguments import integer

ALL = slice(None)


class Windows(NamedTuple):
    """Windows over one or several axes.

    Attributes
    ----------
    kernel, stride, dilation : tuple of int
    padding : tuple of (int, int)
        Before the first and behind the last element.

    Examples
    --------
    >>> w = Windows((3,), (2,), (1,), ((1, 1),))
    >>> w.counts((5,))
    (3,)
    >>> w.overlaps((5,))[0]         # kernel position 0: windows 1 and 2 see elements 1 and 3
    ((slice(0, 1, None),), (slice(1, 3, None),), (slice(1, 4, 2),))
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]

    @property
    def reach(self) -> tuple[int, ...]:
        """From the first to the last element of a window, both included."""
        return tuple([(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)])

    def counts(self, extents: tuple[int, ...], ceil: bool = False) -> tuple[int, ...]:
        """How many windows there are; with `ceil`, a last one may reach beyond the end, if it does not begin there."""
        counts = []
        axes = zip(extents, self.reach, self.stride, self.padding, strict=True)
        for extent, reach, stride, (before, after) in axes:
            room = extent + before + after - reach
            count = room // stride + 1
            if ceil and room >= 0 and room % stride and count * stride < extent + before:
                count += 1
            counts.append(count)
        return tuple(counts)

    def covering(self, counts: tuple[int, ...], extents: tuple[int, ...]) -> "Windows":
        """The same windows, with as much padding behind as `counts` of them need."""
        return Windows(self.kernel, self.stride, self.dilation, _behind(self, counts, extents))

    def overlaps(self, extents: tuple[int, ...]) -> tuple[tuple[tuple[slice, ...], ...], ...]:
        """For each kernel position: the position, the windows that see an element there, and those elements."""
        return _overlaps(self, extents)

    def trivial(self) -> bool:
        """Whether each window is one element of its own, in order."""
        return {*self.kernel, *self.stride} == {1} and all(pair == (0, 0) for pair in self.padding)


def _behind(w: Windows, counts: tuple, extents: tuple) -> tuple:
    needed = []
    for count, extent, reach, stride, (before, _) in zip(
        counts, extents, w.reach, w.stride, w.padding, strict=True
    ):
        needed.append((before, max((count - 1) * stride + reach - before - extent, 0)))
    return tuple(needed)


@lru_cache(1024)
def _overlaps(w: Windows, extents: tuple) -> tuple:
    axes = []
    for count, extent, kernel, stride, dilation, (before, _) in zip(
        w.counts(extents), extents, *w, strict=True
    ):
        axis = []
        for k in range(kernel):
            start = k * dilation - before  # what window 0 sees
            first = max(0, -(start // stride))
            last = min(count, (extent - 1 - start) // stride + 1)
            if first < last:
                seen = slice(first * stride + start, (last - 1) * stride + start + 1, stride)
                axis.append((slice(k, k + 1), slice(first, last), seen))
        axes.append(axis)
    return tuple([tuple(zip(*position, strict=True)) for position in product(*axes)])


def unfold(x, w: Windows, order: tuple[int, ...]):
    """Return all windows of x.

    Parameters
    ----------
    x : array of shape (N, C, *extents)
    order : tuple of int
        The axes of the result, in the order in which they shall lie in memory, as numbers of the axes
        (*kernel, N, C, *counts).
    """
    extents = x.shape[2:]
    shape = (*w.kernel, *x.shape[:2], *w.counts(extents))
    whole = not any(before or after for before, after in w.padding)
    make = xp.empty if whole else xp.zeros
    out = make(tuple([shape[axis] for axis in order]), dtype=x.dtype, device=x.device)
    view = xp.permute_dims(out, inverse(order))
    for position, there, here in w.overlaps(extents):
        view[(*position, ALL, ALL, *there)] = x[(ALL, ALL, *here)]
    return out


def fold(columns, w: Windows, out) -> None:
    """Add windows to `out`, the adjoint of `unfold`.

    Parameters
    ----------
    columns : array of shape (*kernel, N, C, *counts)
    out : array of shape (N, C, *extents)
    """
    for position, there, here in w.overlaps(out.shape[2:]):
        seen = (ALL, ALL, *here)
        part = out[seen]
        out[seen] = part + columns[(*position, ALL, ALL, *there)].reshape(part.shape)


def inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    """Return the permutation that undoes `order`.

    Examples
    --------
    >>> inverse((2, 0, 1))
    (1, 2, 0)
    """
    return tuple([order.index(axis) for axis in range(len(order))])


def per_axis(who: str, what: str, value: Any, count: int, low: int) -> tuple[int, ...]:
    """Return a number, or one number for each axis, as a tuple.

    Examples
    --------
    >>> per_axis("conv2d", "stride", 2, 2, 1)
    (2, 2)
    """
    if not isinstance(value, (tuple, list)):
        return (integer(who, what, value, low),) * count
    if len(value) not in (1, count):
        raise ShapeError(f"{who}: {what} is one number or {count}, one for each axis; got {value!r}")
    numbers = tuple([integer(who, what, entry, low) for entry in value])
    return numbers * count if len(numbers) == 1 else numbers


def paddings(
    who: str, value: Any, kernel: tuple, stride: tuple, dilation: tuple
) -> tuple[tuple[int, int], ...]:
    """Return padding as pairs: a number, one for each axis, a pair for each axis, "valid" (none) or "same".

    A pair is (before, behind), and a negative one cuts elements off. "same" keeps the extents; what does not divide by
    two goes behind (an even kernel pads at the right).

    Examples
    --------
    >>> paddings("conv1d", "same", (4,), (1,), (1,))
    ((1, 2),)
    """
    count = len(kernel)
    if value == "valid":
        return ((0, 0),) * count
    if value == "same":
        if set(stride) != {1}:
            raise ShapeError(f"{who}: padding='same' is for stride 1, got stride {stride}; give numbers")
        total = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
        return tuple([(t // 2, t - t // 2) for t in total])
    if isinstance(value, str):
        raise ShapeError(f"{who}: padding is a number, 'same' or 'valid', got {value!r}")
    if (
        isinstance(value, (tuple, list))
        and len(value) == count
        and all(isinstance(pair, (tuple, list)) for pair in value)
    ):
        for pair in value:
            if len(pair) != 2:
                raise ShapeError(f"{who}: padding by pairs is (before, behind) for each axis, got {value!r}")
        return tuple([(integer(who, "padding", p[0]), integer(who, "padding", p[1])) for p in value])
    return tuple([(p, p) for p in per_axis(who, "padding", value, count, 0)])
