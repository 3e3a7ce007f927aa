r"""Normalisation: some of a tensor's numbers are given mean 0 and variance 1, then scaled and shifted by weights.

    z = (a − mean) · r,   r = 1/√(variance + eps),   y = weight · z + bias

Batch, group and layer normalisation differ in which numbers share mean and (biased) variance: of a channel, of an
example's group of channels, of an example's last axes. `Split` says that (normalizing.py), all else is written once.

The mean and the variance depend on every number, so the derivative has three parts: with u = ȳ·weight, and M for
the mean over the numbers that are normalised together,

    ā = r · P(u),   P(v) = v − M(v) − z·M(v·z)          (P takes out what a change of mean and scale would undo)
    weight̄ = Σ ȳ·z,   bias̄ = Σ ȳ

All three come from one pass, so they are one op with three results. Its own derivative, for adjoints A, B, C of these,

    ȳ̄ = weight·r·P(A) + B·z + C,   weight̄ = Σ ȳ·r·P(A)
    ā = r·P(B·ȳ − r·(A·M(u·z) + u·M(A·z))) − r²·z·M(A·P(u))

is made of ordinary ops. Floats on a device with compiled kernels take those (csrc/cpu/batch_norm.c, group_norm.c); the
arithmetic here serves all other arrays, and says what the kernels compute.
"""

from math import prod
from typing import Any

from needle_edu.autograd.arrays import ShapeError, getitem, normalization
from needle_edu.autograd.op import TensorOp, TensorTupleOp
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.state import tracing
from needle_edu.backend.arguments import integer, real

from . import sampling
from .normalizing import (
    Split,
    mean_over,
    measured,
    projected,
    split_of_batch,
    split_of_groups,
    split_of_layer,
    total,
)


class _Normalization:
    """What both directions have: the attributes, and the statistics of the array that was measured last."""

    measured: Any = None  # (array, version of its memory, statistics) of the forward pass
    forward: Any = None  # of a backward op: the op of the forward pass
    name: str

    def __init__(self, eps: float = 1e-5):
        real(self.name, 0, eps=eps)
        self.eps = eps

    def split(self, a: tuple, weight: tuple) -> Split:
        """Return which numbers are normalised together, or say what does not fit."""
        raise NotImplementedError

    def kernel(self, a, weight, bias):
        """Return what the compiled kernel makes of a, and the statistics."""
        raise NotImplementedError

    def kernel_backward(self, g, a, weight, statistics):
        """Return the three adjoints from the compiled kernel."""
        raise NotImplementedError

    def statistics(self, a, weight):
        """Return the statistics of `a`: those of the forward pass, if it is the array that was measured there."""
        known = self.measured if self.forward is None else self.forward.measured
        if known is None or known[0] is not a or known[1] != a.storage.version:
            return self.kernel(a, weight, weight)[1]
        return known[2]


class _Forward(_Normalization, TensorOp):
    symbol = "norm"
    formula = r"y = b \odot \frac{a - \mu}{\sqrt{\sigma^2 + \epsilon}} + c"
    vjp_formulas = (
        r"\bar{a} = \frac{1}{\sqrt{\sigma^2 + \epsilon}}\,P(b \odot \bar{y})",
        r"\bar{b} = \sum \bar{y} \odot \frac{a - \mu}{\sqrt{\sigma^2 + \epsilon}}",
        r"\bar{c} = \sum \bar{y}",
    )

    def compute(self, a, weight, bias):
        split = self.split(a.shape, weight.shape)
        if bias.shape != weight.shape:
            raise ShapeError(
                f"{self.name}: weight and bias have one shape, got {weight.shape} and {bias.shape}"
            )
        if normalization is not None and normalization.compiled(a, weight, bias):
            out, statistics = self.kernel(a, weight, bias)
            self.measured = a, a.storage.version, statistics
            return out
        z, _ = measured(a.reshape(split.shape), split, self.eps)
        return (z * weight.reshape(split.column) + bias.reshape(split.column)).reshape(a.shape)

    def gradient(self, out_grad, node):
        a, weight, _ = node.inputs
        backward = self.backward()
        backward.forward = self
        return backward.of(out_grad, a, weight)

    vjp_reads = ("ab", "a", "")
    vjps_on_arrays = True

    def backward(self):
        """Return the op of the three adjoints."""
        return slot(f"{self.name}_backward").cls(**self.attrs)


class _Backward(_Normalization, TensorTupleOp):
    symbol = "normᵀ"
    formula = r"y = \left(\frac{P(c \odot a)}{\sqrt{\sigma^2 + \epsilon}}, \sum a \odot z, \sum a\right)"
    vjp_formulas = (
        r"\bar{a} = c \odot r\,P(\bar{y}_0) + \bar{y}_1 \odot z + \bar{y}_2",
        r"\bar{b} = r\,P(\bar{y}_1 a - r(\bar{y}_0\,\overline{uz} + u\,\overline{\bar{y}_0 z}))"
        r" - r^2 z\,\overline{\bar{y}_0 P(u)}",
        r"\bar{c} = \sum a \odot r\,P(\bar{y}_0)",
    )
    vjp_reads = ("bc", "abc", "ab")

    def compute(self, g, a, weight):
        split = self.split(a.shape, weight.shape)
        if g.shape != a.shape:
            raise ShapeError(f"{self.name}: wanted an adjoint of shape {a.shape}, got {g.shape}")
        if normalization is not None and normalization.compiled(a, weight, g):
            return self.kernel_backward(g, a, weight, self.statistics(a, weight))
        z, r = measured(a.reshape(split.shape), split, self.eps)
        g, spread = g.reshape(split.shape), split.spread()
        x_bar = r * projected(g * weight.reshape(split.column), z, split.axes)
        to_weight, to_bias = total(g * z, spread), total(g, spread)
        return x_bar.reshape(a.shape), to_weight.reshape(weight.shape), to_bias.reshape(weight.shape)

    def gradient(self, out_grad, node):
        g, a, weight = node.inputs
        split = self.split(a.shape, weight.shape)
        axes = split.axes
        of_a, of_weight, of_bias = out_grad.tuple()
        of_a, given = of_a.reshape(split.shape), g.reshape(split.shape)
        of_weight, of_bias = of_weight.reshape(split.column), of_bias.reshape(split.column)
        w = weight.reshape(split.column)
        z, r = measured(a.reshape(split.shape), split, self.eps)
        u = given * w
        passed = r * projected(of_a, z, axes)
        g_bar = w * passed + of_weight * z + of_bias
        inner = of_weight * given - r * (of_a * mean_over(u * z, axes) + u * mean_over(of_a * z, axes))
        a_bar = r * projected(inner, z, axes) - r * r * z * mean_over(of_a * projected(u, z, axes), axes)
        w_bar = total(given * passed, split.spread())
        return g_bar.reshape(a.shape), a_bar.reshape(a.shape), w_bar.reshape(weight.shape)


class _OfBatch(_Normalization):
    def split(self, a, weight):
        return split_of_batch(self.name, a, weight)

    def kernel(self, a, weight, bias):
        return normalization.batch_norm(a, weight, bias, self.eps)

    def kernel_backward(self, g, a, weight, statistics):
        return normalization.batch_norm_backward(g, a, weight, statistics)


class _OfGroups(_Normalization):
    def __init__(self, num_groups: int, eps: float = 1e-5):
        super().__init__(eps)
        self.num_groups = integer(self.name, "num_groups", num_groups, 1)

    def split(self, a, weight):
        return split_of_groups(self.name, a, weight, self.num_groups)

    def kernel(self, a, weight, bias):
        return normalization.group_norm(a, weight, bias, self.num_groups, prod(a.shape[2:]), self.eps)

    def kernel_backward(self, g, a, weight, statistics):
        inner = prod(a.shape[2:])
        return normalization.group_norm_backward(g, a, weight, statistics, self.num_groups, inner)


class _OfLayer(_Normalization):
    def split(self, a, weight):
        return split_of_layer(self.name, a, weight)

    def kernel(self, a, weight, bias):
        return normalization.group_norm(a, weight, bias, 1, 1, self.eps)

    def kernel_backward(self, g, a, weight, statistics):
        return normalization.group_norm_backward(g, a, weight, statistics, 1, 1)


def moments(op, x, axes: tuple[int, ...]) -> tuple:
    """Return the means over `axes` and the biased variances, lines of numbers: those that the op has measured of `x`.

    An op that has measured nothing, such as a student's own, has them measured here. While a function is captured,
    they are tensors.
    """
    if (tracer := tracing()) is not None:
        return tracer.moments(op, x, axes)
    a = x.realize_cached_data()
    known = getattr(op, "measured", None)
    if known is not None and known[0] is a and known[1] == a.storage.version:
        return getitem(known[2], 0), getitem(known[2], 1)
    mean = mean_over(a, axes)
    variance = mean_over((a - mean) * (a - mean), axes)
    return mean.reshape((mean.size,)), variance.reshape((variance.size,))


def followed_in_one(op, x, mean, variance, momentum: float, factor: float) -> tuple | None:
    """Return both running averages, mean and variance, after the batch `x` that `op` has measured: one kernel call.

    None where that is not the usual case: then each average is an expression of arrays, as in `nn.norm.followed`.
    """
    known = getattr(op, "measured", None)
    if known is None or tracing() is not None:
        return None
    a, mean, variance = [tensor.realize_cached_data() for tensor in (x, mean, variance)]
    if known[0] is not a or known[1] != a.storage.version:
        return None
    if (
        mean.shape != variance.shape
        or mean.size != known[2].shape[1]
        or not normalization.compiled(mean, variance)
    ):
        return None
    if mean.device is not a.device:
        return None
    return normalization.running_averages(mean, variance, known[2], momentum, factor)


def _backward_samples(forward):
    """The samples of an op's backward: an adjoint first, and no bias."""
    return lambda rng: [
        (attrs, (rng.normal(size=a.shape), a, weight)) for attrs, (a, weight, _) in forward(rng)
    ]


_BATCHES = sampling.shaped(
    ({}, (4, 3), (3,), (3,)), ({"eps": 0.1}, (2, 2, 2, 3), (2,), (2,)), ({}, (3, 2, 2), (2,), (2,))
)
_GROUPS = sampling.shaped(
    ({"num_groups": 2}, (2, 4, 3), (4,), (4,)),
    ({"num_groups": 1, "eps": 0.1}, (2, 3), (3,), (3,)),
    ({"num_groups": 2}, (2, 2, 2, 2), (2,), (2,)),
)
_LAYERS = sampling.shaped(
    ({}, (2, 4), (4,), (4,)), ({"eps": 0.1}, (2, 2, 3), (2, 3), (2, 3)), ({}, (5,), (5,), (5,))
)


@register
class BatchNorm(_OfBatch, _Forward):
    """Normalise each channel over the batch, then scale and shift: what `nn.BatchNorm2d` does in training.

    The tensor has shape (N, C, *extents), weight and bias have (C,). Mean and biased variance are taken over all axes
    but that of the channels. Other shapes raise a ShapeError.

    >>> from needle_edu import Tensor, ops
    >>> ops.batch_norm(Tensor([[1.0], [3.0]]), Tensor([10.0]), Tensor([5.0])).numpy().round(2).tolist()
    [[-5.0], [15.0]]
    """

    name = "batch_norm"
    samples = staticmethod(_BATCHES)


@register
class BatchNormBackward(_OfBatch, _Backward):
    """The vjps of batch_norm for the tensor, the weight and the bias, from one pass, as a tuple.

    >>> from needle_edu import Tensor, ops
    >>> parts = ops.batch_norm_backward(Tensor([[1.0], [0.0]]), Tensor([[1.0], [3.0]]), Tensor([1.0]))
    >>> [part.numpy().round(2).tolist() for part in parts]
    [[[0.0], [-0.0]], [-1.0], [1.0]]
    """

    name = "batch_norm_backward"
    samples = staticmethod(_backward_samples(_BATCHES))


@register
class GroupNorm(_OfGroups, _Forward):
    """Normalise each example's groups of channels, then scale and shift each channel.

    The tensor has shape (N, C, *extents), weight and bias have (C,); C / num_groups channels make a group, a whole
    number. With a group for each channel this is instance normalisation. Other shapes raise a ShapeError.

    >>> from needle_edu import Tensor, ops
    >>> ops.group_norm(Tensor([[1.0, 3.0, 5.0, 5.0]]), [1.0] * 4, [0.0] * 4, num_groups=2).numpy().round(2).tolist()
    [[-1.0, 1.0, 0.0, 0.0]]
    """

    name = "group_norm"
    samples = staticmethod(_GROUPS)


@register
class GroupNormBackward(_OfGroups, _Backward):
    """The vjps of group_norm for the tensor, the weight and the bias, from one pass, as a tuple.

    >>> from needle_edu import Tensor, ops
    >>> parts = ops.group_norm_backward(Tensor([[1.0, 0.0]]), Tensor([[1.0, 3.0]]), Tensor([1.0, 1.0]), num_groups=1)
    >>> [part.numpy().round(2).tolist() for part in parts][1:]
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    name = "group_norm_backward"
    samples = staticmethod(_backward_samples(_GROUPS))


@register
class LayerNorm(_OfLayer, _Forward):
    """Normalise each example over its last axes, then scale and shift each place.

    Weight and bias have the shape of these last axes, one or several. Other shapes raise a ShapeError.

    >>> from needle_edu import Tensor, ops
    >>> ops.layer_norm(Tensor([[1.0, 3.0], [10.0, 50.0]]), [1.0, 1.0], [0.0, 5.0]).numpy().round(2).tolist()
    [[-1.0, 6.0], [-1.0, 6.0]]
    """

    name = "layer_norm"
    samples = staticmethod(_LAYERS)


@register
class LayerNormBackward(_OfLayer, _Backward):
    """The vjps of layer_norm for the tensor, the weight and the bias, from one pass, as a tuple.

    >>> from needle_edu import Tensor, ops
    >>> parts = ops.layer_norm_backward(Tensor([[1.0, 0.0]]), Tensor([[1.0, 3.0]]), Tensor([1.0, 1.0]))
    >>> [part.numpy().round(2).tolist() for part in parts][1:]
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    name = "layer_norm_backward"
    samples = staticmethod(_backward_samples(_LAYERS))
