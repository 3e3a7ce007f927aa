"""Transposed convolutions, and the two adjoints of a convolution: for the input the same, under two names.

convolution.py says how they belong together.
"""

from needle_edu.autograd.arrays import ShapeError
from needle_edu.autograd.op import BinaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.backend.arguments import integer
from needle_edu.ndarray.layout import as_shape

from . import sampling
from .convolution import INPUT, WEIGHT, adjoint, described, frozen, no_bools
from .correlation import Correlation, correlation, input_adjoint, weight_adjoint
from .windows import per_axis

_CONV, _FORWARD = slot("conv"), {1: slot("conv1d"), 2: slot("conv2d")}


class _ConvTranspose(BinaryOp):
    """What transposed convolutions share: `plan` says of which convolution, from y to a, each is the adjoint."""

    axes = 0
    symbol = "∗ᵀ"
    formula = r"y = a \ast^\top b"
    vjp_formulas = (r"\bar{a} = \bar{y} \ast b", r"\bar{b} = \bar{y} \ast a")
    vjp_reads = ("b", "a")
    vjps_on_arrays = True

    def __init__(self, stride=1, padding=0, output_padding=0, groups: int = 1, dilation=1):
        self.stride = per_axis(self.name, "stride", stride, self.axes, 1)
        self.padding = per_axis(self.name, "padding", padding, self.axes, 0)
        self.output_padding = per_axis(self.name, "output_padding", output_padding, self.axes, 0)
        self.groups = integer(self.name, "groups", groups, 1)
        self.dilation = per_axis(self.name, "dilation", dilation, self.axes, 1)
        for more, s, d in zip(self.output_padding, self.stride, self.dilation, strict=True):
            if more >= max(s, d):
                raise ShapeError(
                    f"{self.name}: output_padding is smaller than stride or dilation, got {more} with stride {s} "
                    f"and dilation {d}"
                )

    def plan(self, a: tuple, w: tuple) -> Correlation:
        k = "K, " * (self.axes - 1) + "K"
        if len(a) != self.axes + 2 or len(w) != self.axes + 2 or a[1] != w[0]:
            raise ShapeError(
                f"{self.name}: wanted shapes (N, C, *extents) and (C, O/groups, {k}), got {a} and {w}"
                + ("; add a batch axis: a[None]" if len(a) == self.axes + 1 else "")
            )
        extents, pairs = [], []
        for extent, kernel, s, p, more, d in zip(
            a[2:], w[2:], self.stride, self.padding, self.output_padding, self.dilation, strict=True
        ):
            extents.append((extent - 1) * s - 2 * p + d * (kernel - 1) + more + 1)
            pairs.append((p, p - more))  # the windows end where those of the convolution did
        if min(extents) < 1:
            raise ShapeError(
                f"{self.name}: nothing is left of {a} with padding {self.padding}; use less padding"
            )
        y = (a[0], w[1] * self.groups, *extents)
        return correlation(self.name, y, w, self.stride, tuple(pairs), self.dilation, self.groups, False)

    def compute(self, a, b):
        c = self.plan(a.shape, b.shape)
        no_bools(self.name, a, b)
        return input_adjoint(c, a, b)

    def vjp0(self, g, node):
        a, b = node.inputs
        w = self.plan(a.shape, b.shape).windows
        return _FORWARD[self.axes].cls(w.stride, w.padding, w.dilation, self.groups).of(g, b)

    def vjp1(self, g, node):
        a, b = node.inputs
        return adjoint(WEIGHT, b.shape, self.plan(a.shape, b.shape)).of(g, a)


@register
class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution along one axis; attributes as for `conv_transpose2d`.

    Shapes (N, C, L) and (C, O/groups, K) give (N, O, L').

    >>> from needle_edu import Tensor, ops
    >>> ops.conv_transpose1d(Tensor([[[1.0, 2.0]]]), Tensor([[[5.0, 7.0]]]), stride=2)
    Tensor([[[ 5.,  7., 10., 14.]]], op=conv_transpose1d)
    """

    name, axes = "conv_transpose1d", 1
    samples = staticmethod(
        sampling.shaped(
            ({}, (2, 2, 3), (2, 3, 2)),
            ({"stride": 2, "padding": 1, "output_padding": 1, "groups": 2}, (1, 4, 3), (4, 1, 3)),
        )
    )


@register
class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution: every element of the input spreads the kernel over the result, as in PyTorch.

    Shapes (N, C, H, W) and (C, O/groups, K, L) give (N, O, H', W') with
    H' = (H − 1)·stride − 2·padding + dilation·(K − 1) + output_padding + 1. The attributes are numbers or pairs;
    `padding` is cut off on each side, `output_padding` (smaller than stride or dilation) is added behind. It is the
    adjoint of `conv2d`, not its inverse.

    >>> from needle_edu import Tensor, ops
    >>> ops.conv_transpose2d(Tensor([[[[1.0, 2.0]]]]), Tensor([[[[1.0, 1.0], [1.0, 0.0]]]]))
    Tensor([[[[1., 3., 2.],
              [1., 2., 0.]]]], op=conv_transpose2d)
    """

    name, axes = "conv_transpose2d", 2
    samples = staticmethod(
        sampling.shaped(
            ({}, (2, 2, 2, 3), (2, 3, 2, 2)),
            ({"stride": 2, "padding": (1, 0), "output_padding": 1}, (1, 2, 2, 2), (2, 1, 3, 2)),
            ({"dilation": 2, "groups": 2, "output_padding": 1}, (1, 2, 2, 2), (2, 1, 2, 2)),
        )
    )


class _Adjoint(BinaryOp):
    """What the two adjoints share: the attributes of a convolution, fully written out."""

    def __init__(self, shape, stride=1, padding=0, dilation=1, groups: int = 1, channels_last: bool = False):
        shape = as_shape(shape, self.name)
        if len(shape) not in (3, 4):
            raise ShapeError(f"{self.name}: shape has 3 axes or 4, got {shape}")
        self.shape = shape
        self.stride = per_axis(self.name, "stride", stride, len(shape) - 2, 1)
        self.padding = frozen(padding)
        self.dilation = per_axis(self.name, "dilation", dilation, len(shape) - 2, 1)
        self.groups = integer(self.name, "groups", groups, 1)
        self.channels_last = bool(channels_last)

    @classmethod
    def like(cls, shape: tuple, c: Correlation):
        """Return the op for the convolution `c`."""
        op = cls.__new__(cls)
        op.shape = shape
        op.stride, op.padding, op.dilation, op.groups, op.channels_last = described(c)
        return op

    def _plan(self, x: tuple, w: tuple, y: tuple) -> Correlation:
        c = correlation(
            self.name, x, w, self.stride, self.padding, self.dilation, self.groups, self.channels_last
        )
        if y != c.y:
            raise ShapeError(f"{self.name}: wanted an adjoint of shape {c.y} for {x} and {w}, got {y}")
        return c

    def _forward(self):
        """Return the convolution that this is an adjoint of."""
        if self.channels_last:
            (before, _), *_ = self.padding
            return _CONV.cls(self.stride[0], before)
        return _FORWARD[len(self.shape) - 2].cls(self.stride, self.padding, self.dilation, self.groups)

    def _attributes(self) -> tuple:
        return self.stride, self.padding, self.dilation, self.groups, self.channels_last


@register
class ConvInputBackward(_Adjoint):
    """The vjp of a convolution for its input of the given shape: the adjoint `a` of the result, spread by weights `b`.

    The other attributes are those of the convolution; `padding` is as for `conv2d`.

    >>> from needle_edu import Tensor, ops
    >>> ops.conv_input_backward(Tensor([[[1.0, 0.0, 2.0]]]), Tensor([[[5.0, 7.0]]]), shape=(1, 1, 4))
    Tensor([[[ 5.,  7., 10., 14.]]], op=conv_input_backward)
    """

    name, symbol = "conv_input_backward", "∗ᵀ"
    formula = r"y = a \ast^\top b"
    vjp_formulas = (r"\bar{a} = \bar{y} \ast b", r"\bar{b} = \bar{y} \ast a")
    vjp_reads = ("b", "a")
    samples = staticmethod(
        sampling.shaped(
            ({"shape": (2, 2, 4, 3)}, (2, 3, 3, 2), (3, 2, 2, 2)),
            ({"shape": (1, 4, 6), "stride": 2, "padding": ((1, 0),), "groups": 2}, (1, 2, 3), (2, 2, 2)),
            (
                {"shape": (1, 4, 4, 2), "stride": 2, "padding": ((1, 1), (1, 1)), "channels_last": True},
                (1, 2, 2, 3),
                (3, 3, 2, 3),
            ),
        )
    )

    def compute(self, a, b):
        no_bools(self.name, a, b)
        return input_adjoint(self._plan(self.shape, b.shape, a.shape), a, b)

    def vjp0(self, g, node):
        return self._forward().apply(g, node.inputs[1])

    def vjp1(self, g, node):
        a, b = node.inputs
        return WEIGHT.cls(b.shape, *self._attributes()).apply(g, a)


@register
class ConvWeightBackward(_Adjoint):
    """The vjp of a convolution for its weights of the given shape: the input `a` under the adjoint `b` of the result.

    The other attributes are those of the convolution; `padding` is as for `conv2d`.

    >>> from needle_edu import Tensor, ops
    >>> ops.conv_weight_backward(Tensor([[[1.0, 2.0, 3.0]]]), Tensor([[[1.0, 10.0]]]), shape=(1, 1, 2))
    Tensor([[[21., 32.]]], op=conv_weight_backward)
    """

    name, symbol = "conv_weight_backward", "∗ʷ"
    formula = r"y = a \ast b"
    vjp_formulas = (r"\bar{a} = b \ast^\top \bar{y}", r"\bar{b} = a \ast \bar{y}")
    vjp_reads = ("b", "a")
    samples = staticmethod(
        sampling.shaped(
            ({"shape": (3, 2, 2, 2)}, (2, 2, 4, 3), (2, 3, 3, 2)),
            ({"shape": (2, 2, 2), "stride": 2, "padding": ((1, 0),), "groups": 2}, (1, 4, 6), (1, 2, 3)),
            (
                {"shape": (3, 3, 2, 3), "stride": 2, "padding": ((1, 1), (1, 1)), "channels_last": True},
                (1, 4, 4, 2),
                (1, 2, 2, 3),
            ),
        )
    )

    def compute(self, a, b):
        no_bools(self.name, a, b)
        return weight_adjoint(self._plan(a.shape, self.shape, b.shape), a, b)

    def vjp0(self, g, node):
        a, b = node.inputs
        return INPUT.cls(a.shape, *self._attributes()).apply(b, g)

    def vjp1(self, g, node):
        return self._forward().apply(node.inputs[0], g)
