"""Convolutions: a small kernel slides over an image, and every place is answered by one weighted sum.

Three ops belong together. A convolution is linear in its input and in its weights; the vjp for one of them is linear
in the adjoint and in the other. So each of the three ops has the two others as its vjps, and all derivatives exist:

    conv2d(a, b)                 conv_input_backward(g, b)               conv_weight_backward(a, g)

Here are the convolutions, in adjoint_convolution.py the two others and `conv_transpose2d`, which is
`conv_input_backward` under the name it has as a layer of its own. The arithmetic is in correlation.py.
"""

from typing import Any

from needle_edu.autograd.arrays import DTypeError, ShapeError
from needle_edu.autograd.op import BinaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.backend.arguments import integer

from . import sampling
from .correlation import Correlation, correlation, forward
from .windows import per_axis

INPUT, WEIGHT = slot("conv_input_backward"), slot("conv_weight_backward")
_FORMULAS = (r"\bar{a} = \bar{y} \ast^\top b", r"\bar{b} = a \ast \bar{y}")


def frozen(value: Any) -> Any:
    """Return lists as tuples, so that what they say can be remembered."""
    if isinstance(value, (tuple, list)):
        return tuple([frozen(entry) for entry in value])
    return repr(value) if isinstance(value, (dict, set)) else value  # text that is no padding


def no_bools(who: str, a, b) -> None:
    if a.dtype == "bool" or b.dtype == "bool":
        raise DTypeError(
            f"{who}: wanted numbers, got {a.dtype} and {b.dtype}; convert with astype('float32')"
        )


class _Convolution(BinaryOp):
    """What all convolutions share: `plan` says what is to be done for two shapes."""

    symbol = "∗"
    formula = r"y = a \ast b"
    vjp_formulas = _FORMULAS
    vjp_reads = ("b", "a")
    vjps_on_arrays = True

    def plan(self, x: tuple, w: tuple) -> Correlation:
        raise NotImplementedError

    def compute(self, a, b):
        c = self.plan(a.shape, b.shape)
        no_bools(self.name, a, b)
        return forward(c, a, b)

    def vjp0(self, g, node):
        a, b = node.inputs
        return adjoint(INPUT, a.shape, self.plan(a.shape, b.shape)).of(g, b)

    def vjp1(self, g, node):
        a, b = node.inputs
        return adjoint(WEIGHT, b.shape, self.plan(a.shape, b.shape)).of(a, g)


def described(c: Correlation) -> tuple:
    """Return stride, padding, dilation, groups, channels_last."""
    return c.windows.stride, c.windows.padding, c.windows.dilation, c.groups, c.last


def adjoint(place: Any, shape: tuple, c: Correlation) -> Any:
    """Return the op in this slot for a convolution that has been checked: its own attributes need no second look."""
    cls = place.cls
    return cls.like(shape, c) if cls is place.original else cls(shape, *described(c))


@register
class Conv(_Convolution):
    """Convolution of the course: channels last, a square kernel, the same padding on all sides.

    Shapes (N, H, W, C) and (K, K, C, O) give (N, H', W', O) with H' = (H + 2·padding − K) // stride + 1. Other shapes
    raise a ShapeError. The function pads by 1 unless told otherwise, the class by 0.

    >>> from needle_edu import Tensor, ops
    >>> ops.conv(Tensor([[[[1.0], [2.0]], [[3.0], [4.0]]]]), Tensor([[[[10.0]]]]), padding=0).shape
    (1, 2, 2, 1)
    """

    name = "conv"
    function_defaults = {"padding": 1}
    samples = staticmethod(
        sampling.shaped(
            ({}, (2, 4, 3, 2), (2, 2, 2, 3)),
            ({"padding": 1}, (1, 3, 3, 2), (3, 3, 2, 2)),
            ({"stride": 2, "padding": 1}, (2, 5, 4, 1), (3, 3, 1, 2)),
            ({"stride": 1}, (2, 2, 2, 3), (1, 1, 3, 2)),
        )
    )

    def __init__(self, stride: int = 1, padding: int = 0):
        self.stride = integer(self.name, "stride", stride, 1)
        self.padding = integer(self.name, "padding", padding, 0)

    def plan(self, x, w):
        if len(w) != 4 or len(x) != 4 or w[0] != w[1]:
            raise ShapeError(f"conv: wanted shapes (N, H, W, C) and (K, K, C, O), got {x} and {w}")
        return correlation(self.name, x, w, self.stride, self.padding, 1, 1, True)


class _ConvNd(_Convolution):
    axes = 0

    def __init__(self, stride=1, padding=0, dilation=1, groups: int = 1):
        self.stride = per_axis(self.name, "stride", stride, self.axes, 1)
        self.padding = frozen(padding)
        self.dilation = per_axis(self.name, "dilation", dilation, self.axes, 1)
        self.groups = integer(self.name, "groups", groups, 1)

    def plan(self, x, w):
        if len(w) != self.axes + 2:
            raise ShapeError(
                f"{self.name}: wanted weights of shape (O, C/groups, {'K, ' * (self.axes - 1)}K), got {w}"
            )
        return correlation(self.name, x, w, self.stride, self.padding, self.dilation, self.groups, False)


@register
class Conv1d(_ConvNd):
    """Convolution along one axis.

    Shapes (N, C, L) and (O, C/groups, K) give (N, O, L'); the attributes are those of `conv2d`.

    >>> from needle_edu import Tensor, ops
    >>> ops.conv1d(Tensor([[[1.0, 2.0, 4.0]]]), Tensor([[[-1.0, 1.0]]]))
    Tensor([[[1., 2.]]], op=conv1d)
    """

    name, axes = "conv1d", 1
    samples = staticmethod(
        sampling.shaped(
            ({}, (2, 2, 5), (3, 2, 2)),
            ({"stride": 2, "padding": 1, "dilation": 2}, (1, 2, 7), (2, 2, 3)),
            ({"padding": "same", "groups": 2}, (2, 4, 4), (2, 2, 4)),
        )
    )


@register
class Conv2d(_ConvNd):
    """Convolution, channels first, as in PyTorch.

    Shapes (N, C, H, W) and (O, C/groups, K, L) give (N, O, H', W'). `stride`, `padding` and `dilation` are numbers or
    pairs (down, across); padding may also be "valid" (none), "same" (H' = H; stride 1 only) or a pair (before, behind)
    for each axis. What does not fit raises a ShapeError.

    >>> from needle_edu import Tensor, ops
    >>> image, corner = Tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), Tensor([[[[1.0, 1.0], [1.0, 0.0]]]])
    >>> ops.conv2d(image, corner, padding="same")
    Tensor([[[[6., 6.],
              [7., 4.]]]], op=conv2d)
    """

    name, axes = "conv2d", 2
    samples = staticmethod(
        sampling.shaped(
            ({}, (2, 2, 4, 3), (3, 2, 2, 2)),
            ({"stride": (2, 1), "padding": (1, 0)}, (1, 2, 5, 4), (2, 2, 3, 2)),
            ({"dilation": (1, 2), "groups": 2, "padding": 1}, (2, 4, 3, 4), (2, 2, 2, 2)),
            ({"padding": "same"}, (1, 1, 3, 3), (2, 1, 2, 3)),
            ({}, (2, 3, 2, 2), (2, 3, 1, 1)),
        )
    )
