"""Padding: a frame around a tensor, filled with a number or with elements that the tensor has already.

Along an axis the frame before and the frame behind are

    constant     c c | 1 2 3 4 | c c        reflect      3 2 | 1 2 3 4 | 3 2    mirrored at the first and last element
    replicate    1 1 | 1 2 3 4 | 4 4        circular     3 4 | 1 2 3 4 | 1 2    as if the tensor went round

Where not all is a number, a table says for each place of the result where its element comes from, and the result is the
tensor, indexed by the table. An element may stand in several places, so the vjp adds up the adjoints of all of them, as
that of indexing does. Axes that lie side by side share a table if it is small, else each has its own.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from needle_edu.autograd.arrays import ShapeError, add_at, getitem, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.ndarray.layout import as_shape

from . import sampling
from .constants import plain_number

_GETITEM, _PAD, _PAD_BACKWARD = slot("getitem"), slot("pad"), slot("pad_backward")

MODES = ("constant", "reflect", "replicate", "circular")
_NUMPYS = {"edge": "replicate", "wrap": "circular"}

_SMALL_TABLE = 1 << 14  # places: 128 KB, which stay in the cache from one image to the next
Pairs = tuple[tuple[int, int], ...]


class _Frame(UnaryOp):
    """What pad and its vjp share: the frame, as pairs (before, behind), and what fills it."""

    pad_width: Pairs
    mode: str
    vjp_reads = ("",)

    def _set(self, pad_width, mode) -> None:
        self.pad_width = _pairs(self.name, pad_width)
        self.mode = _NUMPYS.get(mode, mode) if isinstance(mode, str) else mode
        if self.mode not in MODES:
            raise ValueError(f"{self.name}: mode is one of {', '.join(MODES)}, got {mode!r}")

    def _padded(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape with its frame; refuse what has not enough elements to fill it."""
        if len(self.pad_width) != len(shape):
            raise ShapeError(
                f"{self.name}: wanted a pair (before, after) for each of the {len(shape)} axes of shape {shape}, "
                f"got {self.pad_width}"
            )
        for axis, (n, pair) in enumerate(zip(shape, self.pad_width, strict=True)):
            most = {"reflect": max(n - 1, 0), "circular": n}.get(self.mode, max(pair) if n else 0)
            if self.mode != "constant" and max(pair) > most:
                raise ShapeError(
                    f"{self.name}: mode {self.mode!r} finds at most {most} elements along axis {axis} of {shape}, "
                    f"wanted {pair}; pad less, or by mode='constant'"
                )
        return tuple([n + before + behind for n, (before, behind) in zip(shape, self.pad_width, strict=True)])

    def _inside(self, shape: tuple[int, ...]) -> tuple[slice, ...]:
        """Where in the result the tensor of this shape lies."""
        pairs = zip(shape, self.pad_width, strict=True)
        return tuple([slice(before, before + n) for n, (before, _) in pairs])

    def _tables(self, shape: tuple[int, ...]) -> Iterator[tuple[range, np.ndarray]]:
        """Yield (axes, places): the axes as one are the tensor's at these places. The last axes come first."""
        framed = [axis for axis, pair in enumerate(self.pad_width) if any(pair)]
        if not framed:
            return
        together = range(framed[0], framed[-1] + 1)
        padded = self._padded(shape)
        if prod(padded[together.start : together.stop]) <= _SMALL_TABLE:
            groups = [together]
        else:
            groups = [range(axis, axis + 1) for axis in reversed(framed)]
        for axes in groups:
            places = np.zeros(1, np.int64)
            for axis in axes:
                places = np.add.outer(places * shape[axis], self._sources(shape[axis], *self.pad_width[axis]))
            yield axes, places.reshape(-1)

    def _sources(self, n: int, before: int, behind: int) -> np.ndarray:
        """Where the elements along an axis of n come from."""
        places = np.arange(-before, n + behind)
        if self.mode == "reflect":
            return (n - 1) - np.abs(n - 1 - np.abs(places))
        return places % n if self.mode == "circular" else np.clip(places, 0, n - 1)


def _pairs(who: str, pad_width: Any) -> Pairs:
    try:
        pairs = tuple([as_shape(pair, who) for pair in pad_width])
    except TypeError:
        pairs = ((),)
    if any(len(pair) != 2 or min(pair) < 0 for pair in pairs):
        raise ShapeError(f"{who}: wanted pairs (before, after) of numbers from 0 on, got {pad_width!r}")
    return pairs


@register
class Pad(_Frame):
    """The tensor in a frame: ``pad_width[k] = (before, after)`` elements are added around axis k.

    There is one pair for each axis, as in NumPy; two numbers from 0 on. The mode says what fills the frame: `constant`
    a number, `reflect` the elements mirrored at the first and last one (which are not repeated), `replicate` the first
    and last element (NumPy's `edge`), `circular` the elements of the other end (NumPy's `wrap`). No element is taken
    twice along an axis: `reflect` adds at most n - 1 on each side, `circular` n.

    >>> from needle_edu import Tensor, ops
    >>> ops.pad(Tensor([[1.0, 2.0]]), [(0, 1), (1, 0)], constant_value=7)
    Tensor([[7., 1., 2.],
            [7., 7., 7.]], op=pad)
    >>> ops.pad(Tensor([1.0, 2.0, 3.0]), [(2, 1)], mode="reflect")
    Tensor([3., 2., 1., 2., 3., 2.], op=pad)
    """

    name = symbol = "pad"
    method = True
    formula = r"y = \operatorname{pad}(a)"
    vjp_formulas = (r"\bar{a} = \text{the part of } \bar{y} \text{ inside, and what was copied from it}",)
    samples = staticmethod(
        sampling.shaped(
            ({"pad_width": ((1, 2), (0, 3))}, (2, 3)),
            ({"pad_width": ((2, 0),), "constant_value": -1.5}, (3,)),
            ({"pad_width": ()}, ()),
            ({"pad_width": ((1, 2), (0, 0), (3, 1)), "mode": "reflect"}, (3, 1, 4)),
            ({"pad_width": ((0, 2), (3, 1)), "mode": "replicate"}, (1, 3)),
            ({"pad_width": ((2, 1), (1, 3)), "mode": "circular"}, (2, 3)),
        )
    )

    def __init__(self, pad_width, constant_value=0.0, mode: str = "constant"):
        if isinstance(constant_value, str):
            raise ValueError(f"pad: write mode={constant_value!r}; the second attribute is constant_value")
        self.constant_value = plain_number(self.name, constant_value)
        self._set(pad_width, mode)
        if self.mode != "constant" and self.constant_value != 0:
            raise ValueError(f"pad: constant_value={constant_value} is for mode='constant', got {mode!r}")

    def compute(self, a):
        shape = self._padded(a.shape)
        if self.mode == "constant":
            out = xp.full(shape, self.constant_value, dtype=a.dtype, device=a.device)
            out[self._inside(a.shape)] = a
            return out
        out = a
        for axes, places in self._tables(a.shape):
            front, rear = out.shape[: axes.start], out.shape[axes.stop :]
            as_one = xp.reshape(out, (*front, prod(out.shape[axes.start : axes.stop]), *rear))
            out = getitem(as_one, (*(slice(None),) * axes.start, places))
        return a.copy() if out is a else xp.reshape(out, shape)

    def vjp0(self, g, node):
        if self.mode == "constant":
            return _GETITEM.cls(self._inside(node.inputs[0].shape)).apply(g)
        return _PAD_BACKWARD.cls(self.pad_width, self.mode).apply(g)


@register
class PadBackward(_Frame):
    """The vjp of pad: the tensor without its frame, whose elements are added to where they would have come from.

    >>> from needle_edu import Tensor, ops
    >>> ops.pad_backward(Tensor([1.0, 1.0, 1.0, 1.0, 1.0, 1.0]), [(2, 1)], mode="reflect")
    Tensor([1., 3., 2.], op=pad_backward)
    """

    name, symbol = "pad_backward", "pad′"
    formula = r"y = \operatorname{pad}^\top(a)"
    vjp_formulas = (r"\bar{a} = \operatorname{pad}(\bar{y})",)
    samples = staticmethod(
        sampling.shaped(
            ({"pad_width": ((1, 2), (0, 0), (3, 1)), "mode": "reflect"}, (6, 1, 8)),
            ({"pad_width": ((0, 2), (3, 1)), "mode": "replicate"}, (3, 7)),
            ({"pad_width": ((2, 1), (1, 3)), "mode": "circular"}, (5, 7)),
            ({"pad_width": ((1, 2), (0, 3))}, (5, 6)),
        )
    )

    def __init__(self, pad_width, mode: str = "constant"):
        self._set(pad_width, mode)

    def compute(self, a):
        widths = [sum(pair) for pair in self.pad_width]
        if len(widths) != a.ndim or any(n < width for n, width in zip(a.shape, widths, strict=True)):
            raise ShapeError(f"pad_backward: shape {a.shape} has no frame of {self.pad_width}")
        shape = tuple([n - width for n, width in zip(a.shape, widths, strict=True)])
        self._padded(shape)
        if self.mode == "constant":
            return a[self._inside(shape)].copy()
        out = a
        for axes, places in reversed(list(self._tables(shape))):
            front, rear = out.shape[: axes.start], out.shape[axes.stop :]
            as_one = xp.reshape(out, (*front, places.size, *rear))
            out = xp.zeros(
                (*front, prod(shape[axes.start : axes.stop]), *rear), dtype=a.dtype, device=a.device
            )
            add_at(out, (*(slice(None),) * axes.start, places), as_one)
        return a.copy() if out is a else xp.reshape(out, shape)

    def vjp0(self, g, node):
        return _PAD.cls(self.pad_width, mode=self.mode).apply(g)
