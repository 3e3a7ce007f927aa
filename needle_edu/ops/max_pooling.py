"""Max pooling: the largest number of every window.

Padding is never an answer: a maximum looks at elements only. The vjp needs no arithmetic: the adjoint of each window
goes to the place where its maximum was. A *place* is the number of an element among those of its channel of its image,
row · columns + column; −1 stands for a window that sees nothing but padding.
"""

from math import prod
from typing import Any

import numpy as np

from needle_edu.autograd import arrays, state
from needle_edu.autograd.arrays import DTypeError, ShapeError, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.tensor import Tensor
from needle_edu.autograd.value import fill_node
from needle_edu.backend.arguments import switch
from needle_edu.ndarray.layout import as_shape

from . import sampling
from .constants import constant
from .indexing import own_index
from .pooling import Pool, compiled, floating
from .windows import ALL, per_axis

_BACKWARD, _GETITEM = slot("max_pool_backward"), slot("getitem")


class _MaxPool(Pool):
    formula = r"y_j = \max_k a_{j s + k d - p}"
    symbol = "maxpool"
    vjp_formulas = (r"\bar{a}_i = \sum_j \bar{y}_j [i = \operatorname{argmax}_j a]",)
    vjp_reads = ("a",)

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, ceil_mode: bool = False):
        self.dilation = per_axis(self.name, "dilation", dilation, self.axes, 1)
        switch(self.name, ceil_mode=ceil_mode)
        self.ceil_mode = bool(ceil_mode)
        self._set_windows(kernel_size, stride, padding, self.axes)

    def apply(self, a, b=None):
        """Compute the result; where a gradient will be asked for, the kernel notes the places at the same time."""
        x = a.cached_data
        wanted = a.requires_grad and x is not None and not state.watched and state.grad_enabled()
        if not wanted or type(self).compute is not _MaxPool.compute or not compiled(x):
            return super().apply(a)
        floating(self.name, x)
        y, places = self.kernel(x, True)
        node = fill_node(object.__new__(Tensor), self, (a,), y, True)
        node.extra = {"places": places}
        return node

    def compute(self, a):
        floating(self.name, a)
        return self.kernel(a, False)[0] if compiled(a) else self.largest(a)

    def kernel(self, a, places: bool):
        """Return what the compiled kernel makes of an array: maxima and, if wanted, their places."""
        return arrays.pooling.maximum(*self.windows(a.shape), a, places)

    def largest(self, a):
        """Return the maxima, in arrays."""
        w, counts = self.windows(a.shape)
        out = xp.full((*a.shape[:2], *counts), -np.inf, dtype=a.dtype, device=a.device)
        for _, there, here in w.overlaps(a.shape[2:]):
            place = (ALL, ALL, *there)
            out[place] = xp.maximum(out[place], a[(ALL, ALL, *here)])
        return out

    def vjp0(self, g, node):
        (a,) = node.inputs
        places = node.extra.get("places") if node.extra else None
        if places is None:  # in lazy mode, in arrays, and where somebody watches
            places = self.places(a.realize_cached_data())
        return self.backward(places, a.shape).apply(g)

    def backward(self, places, shape):
        """Return the op that brings adjoints to these places of an input of this shape."""
        backward = _BACKWARD.cls(places, shape)
        backward.seen_by, _ = self.windows(shape)
        return backward

    def places(self, a):
        """Return where each maximum is: the first of equals, the last nan."""
        return self.kernel(a, True)[1] if compiled(a) else self.found(a)

    def found(self, a):
        """Return the places, in arrays."""
        w, counts = self.windows(a.shape)
        shape = (*a.shape[:2], *counts)
        best = xp.full(shape, -np.inf, dtype=a.dtype, device=a.device)
        found = xp.full(shape, -1, dtype="int64", device=a.device)
        numbers = xp.arange(prod(a.shape[2:]), dtype="int64", device=a.device).reshape(a.shape[2:])
        for _, there, here in w.overlaps(a.shape[2:]):
            place, seen = (ALL, ALL, *there), (ALL, ALL, *here)
            value, record, earlier = a[seen], best[place], found[place]
            better = xp.logical_or(xp.logical_or(value > record, value != value), earlier < 0)
            best[place] = xp.where(better, value, record)
            found[place] = xp.where(better, numbers[here], earlier)
        return found


@register
class MaxPool1d(_MaxPool):
    """The maximum of each window along the last axis of (N, C, L); attributes as for `max_pool2d`.

    >>> from needle_edu import Tensor, ops
    >>> ops.max_pool1d(Tensor([[[1.0, 3.0, 2.0, 5.0]]]), 2)
    Tensor([[[3., 5.]]], op=max_pool1d)
    """

    name, axes = "max_pool1d", 1
    samples = staticmethod(
        sampling.shaped(
            ({"kernel_size": 2}, (2, 2, 5)), ({"kernel_size": 3, "stride": 2, "padding": 1}, (1, 2, 6))
        )
    )


@register
class MaxPool2d(_MaxPool):
    """The maximum of each window of an image.

    A shape (N, C, H, W) gives (N, C, H', W'). `kernel_size`, `stride` (by default the kernel size), `padding` (at most
    half a window) and `dilation` are numbers or pairs. Equal elements: the first gets the gradient. nan is a maximum.

    >>> from needle_edu import Tensor, ops
    >>> ops.max_pool2d(Tensor([[[[1.0, 2.0], [4.0, 3.0]]]]), 2)
    Tensor([[[[4.]]]], op=max_pool2d)
    """

    name, axes = "max_pool2d", 2
    samples = staticmethod(
        sampling.shaped(
            ({"kernel_size": 2}, (2, 2, 4, 5)),
            ({"kernel_size": (3, 2), "stride": (1, 2), "padding": 1, "ceil_mode": True}, (1, 2, 4, 4)),
            ({"kernel_size": 2, "stride": 1, "dilation": 2}, (1, 1, 4, 3)),
        )
    )


_PLACES = (np.array([[[0, 2, -1, 2]], [[1, 1, 3, 0]]]), np.array([[[[5, 0], [5, 3]]]]))


@register
class MaxPoolBackward(UnaryOp):
    """The vjp of a maximum over windows: zeros of a shape (N, C, *extents), with each adjoint added at its place.

    A place is the number of an element in its channel of its image, −1 for none; there is one for each adjoint.

    >>> from needle_edu import Tensor, ops
    >>> ops.max_pool_backward(Tensor([[[1.0, 4.0]]]), [[[2, 2]]], shape=(1, 1, 3))
    Tensor([[[0., 0., 5.]]], op=max_pool_backward)
    """

    name, symbol = "max_pool_backward", "maxpool′"
    formula = r"y_i = \sum_j a_j [i = \text{place}_j]"
    vjp_formulas = (r"\bar{a}_j = \bar{y}_{\text{place}_j}",)
    vjp_reads = ("",)
    seen_by: Any = None  # the windows whose places these are, if that is known: then there is a kernel,
    in_planes = False  # and another if they are known to be places of the planes

    def __init__(self, places, shape):
        self.shape = as_shape(shape, self.name)
        if len(self.shape) not in (3, 4) or min(self.shape) < 0:
            raise ShapeError(f"{self.name}: shape is (N, C, L) or (N, C, H, W), got {self.shape}")
        # Not copied where nobody writes to it unseen: the forward pass noted them for this one purpose.
        self.places = arrays.kept(places) if isinstance(places, arrays.Array) else own_index(places)

    @staticmethod
    def samples(rng):
        return [
            ({"places": places, "shape": shape}, (rng.normal(size=places.shape),))
            for places, shape in zip(_PLACES, ((2, 1, 4), (1, 1, 2, 3)), strict=True)
        ]

    def compute(self, a):
        floating(self.name, a)
        places = self._places(a)
        known = self.seen_by is not None or self.in_planes
        if known and compiled(a) and places.dtype == "int32":
            return arrays.pooling.maximum_adjoint(self.seen_by, a, places, self.shape)
        flat, nowhere = _among_all(places, self.shape)
        if nowhere is not None:
            a = xp.where(nowhere, xp.zeros_like(a), a)
        out = xp.zeros((prod(self.shape),), dtype=a.dtype, device=a.device)
        return arrays.add_at(out, flat, a.reshape((-1,))).reshape(self.shape)

    def vjp0(self, g, node):
        places = self._places(node.inputs[0].realize_cached_data())
        flat, nowhere = _among_all(places, self.shape)
        seen = _GETITEM.cls(flat).apply(g.reshape((prod(self.shape),))).reshape(places.shape)
        return seen if nowhere is None else seen * constant(xp.astype(xp.logical_not(nowhere), g.dtype))

    def _places(self, a):
        """Return the places as an array beside the adjoint `a`, or say what does not fit."""
        places = self.places
        if not isinstance(places, arrays.Array):
            places = arrays.enter(places, a.device, operation=self.name)
        if places.dtype.kind != "i":
            raise DTypeError(f"{self.name}: places are integers, got {places.dtype}")
        if places.shape != a.shape or a.shape[:2] != self.shape[:2] or len(a.shape) != len(self.shape):
            raise ShapeError(
                f"{self.name}: wanted one place for each adjoint, for an input of shape {self.shape}; got adjoints "
                f"of shape {a.shape} and places of shape {places.shape}"
            )
        return places


def _among_all(places: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return places as positions in a flattened array of `shape`, in one line, and which are none (None: all are)."""
    images = shape[0] * shape[1]
    first = xp.arange(images, dtype="int64", device=places.device) * prod(shape[2:])
    nowhere = places < 0
    if xp.any(nowhere):
        places = xp.where(nowhere, xp.zeros_like(places), places)
    else:
        nowhere = None
    line = xp.astype(places.reshape((images, prod(places.shape[2:]))), "int64")
    return (line + first.reshape((images, 1))).reshape((-1,)), nowhere
