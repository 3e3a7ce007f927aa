"""Padding: a frame around a tensor, filled with a number or with elements that the tensor has already.

The frame is filled axis by axis. Its part before and its part behind an axis are copies of parts of the tensor:

    constant     c c | 1 2 3 4 | c c        reflect      3 2 | 1 2 3 4 | 3 2    mirrored at the first and last element
    replicate    1 1 | 1 2 3 4 | 4 4        circular     3 4 | 1 2 3 4 | 1 2    as if the tensor went round

The later axes copy the corners along. An element that was copied has a part in several places of the result, so the vjp
adds their adjoints to its own: the same copies backwards, the last axis first.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

from needle_edu.autograd.arrays import ShapeError, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.ndarray.layout import as_shape

from . import sampling
from .constants import plain_number

_GETITEM, _PAD, _PAD_BACKWARD = slot("getitem"), slot("pad"), slot("pad_backward")

MODES = ("constant", "reflect", "replicate", "circular")
_NUMPYS = {"edge": "replicate", "wrap": "circular"}

_IN_CACHE = 1 << 18  # elements of a block: a megabyte of float32
Pairs = tuple[tuple[int, int], ...]
Part = tuple[slice, ...]


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

    def _inside(self, shape: tuple[int, ...]) -> Part:
        """Where in the result the tensor of this shape lies."""
        pairs = zip(shape, self.pad_width, strict=True)
        return tuple([slice(before, before + n) for n, (before, _) in pairs])

    def _copies(self, shape: tuple[int, ...]) -> Iterator[tuple[int, Part, Part]]:
        """Yield (axis, part of the frame, where its elements come from), in the places of the result."""
        inside = self._inside(shape)
        for axis, (n, (before, behind)) in enumerate(zip(shape, self.pad_width, strict=True)):
            end = before + n
            if self.mode == "reflect":
                last = end - 2 - behind
                sources = slice(2 * before, before, -1), slice(end - 2, None if last < 0 else last, -1)
            elif self.mode == "circular":
                sources = slice(n, n + before), slice(before, before + behind)
            else:
                sources = slice(before, before + 1), slice(end - 1, end)
            for frame, source in zip((slice(0, before), slice(end, end + behind)), sources, strict=True):
                if frame.stop > frame.start:  # the axes in front of this one have their frames already
                    front, rear = (slice(None),) * axis, inside[axis + 1 :]
                    yield axis, (*front, frame, *rear), (*front, source, *rear)


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
        else:
            out = xp.empty(shape, dtype=a.dtype, device=a.device)
        inside, copies = self._inside(a.shape), list(self._copies(a.shape)) if self.mode != "constant" else []
        for some in self._blocks(shape) if copies else [()]:
            part, given = (out[some], a[some]) if some else (out, a)
            part[inside] = given
            for _, frame, source in copies:
                part[frame] = xp.broadcast_to(part[source], part[frame].shape)
        return out

    def _blocks(self, shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
        """Yield parts of the result, cut across the first axis if that has no frame.

        A frame is copied from what was written before: it should still be in the cache.
        """
        if not shape or self.pad_width[0] != (0, 0):
            yield ()
            return
        step = max(1, _IN_CACHE * shape[0] // max(1, prod(shape)))
        for start in range(0, shape[0], step):
            yield (slice(start, min(start + step, shape[0])),)

    def vjp0(self, g, node):
        if self.mode == "constant":
            return _GETITEM.cls(self._inside(node.inputs[0].shape)).apply(g)
        return _PAD_BACKWARD.cls(self.pad_width, self.mode).apply(g)


@register
class PadBackward(_Frame):
    """The vjp of pad: the tensor without its frame, whose parts are added to where they would have been copied from.

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
        out = a.copy()
        for axis, frame, source in reversed(list(self._copies(shape))):
            part = out[frame]
            if self.mode == "replicate":
                part = xp.sum(part, axis=axis, keepdims=True)
            out[source] = out[source] + part
        return out[self._inside(shape)].copy()

    def vjp0(self, g, node):
        return _PAD.cls(self.pad_width, mode=self.mode).apply(g)
