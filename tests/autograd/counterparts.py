"""Which function of PyTorch computes what an op of ours computes, and why an op has no such oracle.

One entry per op whose counterpart has another name or other attributes; the others are found by name, in `torch` or
in `torch.nn.functional`, and take our attributes as keywords. Each entry is a function of the inputs and of the
attributes of one of the op's samples. `NO_ORACLE` says for an op and an oracle why there is none.

`make gradients` (tests/gradients.py) prints what is proven and what is not; test_counterparts.py is the short form.
"""

import numpy as np
import torch
from torch.nn import functional as F

from needle_edu.backend.reference.dropout import kept

# The columns of the table.
NUMPY, DIFFERENCES, PYTORCH, SECOND = "NumPy", "finite differences", "PyTorch", "second derivative"

_WINDOWS = "NumPy has no windows; PyTorch's values are the check"
NO_ORACLE = {
    **{(name, NUMPY): _WINDOWS for name in (
        "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "conv_input_backward", "conv_weight_backward",
        "max_pool1d", "max_pool2d", "max_pool_backward", "avg_pool1d", "avg_pool2d", "avg_pool_backward",
        "unfold", "fold",
    )},
    ("activation_backward", NUMPY): "each kind beside PyTorch in test_activations.py",
    **{(f"{name}_norm_backward", NUMPY): "NumPy has no adjoints; PyTorch's are the check" for name in (
        "batch", "group", "layer",
    )},
    **{(f"{kind}_scan{way}", NUMPY): "written out in test_recurrent.py" for kind in ("rnn", "lstm", "gru")
       for way in ("", "_backward")},
    ("group_norm", NUMPY): "written out in test_normalization.py",
    ("attention", NUMPY): "written out in test_attention.py",
    ("keyed_dropout", NUMPY): "its numbers are written out in tests/nn/test_dropout.py",
    ("keyed_dropout", PYTORCH): "PyTorch draws others",
    ("conv", NUMPY): "written out as seven loops in test_convolution.py",
}  # fmt: skip


def _axes(axes):
    return {"dim": tuple(axes) if isinstance(axes, (tuple, list)) else axes}


def over(function):
    """A reduction: our `axes` are PyTorch's `dim`, and none are all."""

    def reduced(a, axes=None, keepdims=False, **attributes):
        axes = tuple(range(a.ndim)) if axes is None else axes
        return function(a, **_axes(axes), keepdim=keepdims, **attributes)

    return reduced


def prod(a, axes=None, keepdims=False):
    axes = range(a.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
    for axis in sorted((axis % a.ndim for axis in axes), reverse=True):
        a = torch.prod(a, axis, keepdim=keepdims)
    return a


def places(shape, index):
    """Where the picked elements lie among all of them: NumPy knows."""
    return torch.tensor(np.ascontiguousarray(np.arange(int(np.prod(shape))).reshape(shape)[index]))


def getitem_backward(g, index, shape):
    into = torch.zeros(int(np.prod(shape)), dtype=g.dtype)
    return into.index_add(0, places(shape, index).flatten(), g.flatten()).reshape(shape)


def dilated(a, axes, dilation):
    for axis in (axis for axis in axes if axis < a.ndim):
        zeros = torch.zeros_like(a).unsqueeze(axis + 1)
        a = torch.cat([a.unsqueeze(axis + 1), *[zeros] * dilation], axis + 1).flatten(axis, axis + 1)
    return a


def undilated(a, axes, dilation):
    for axis in (axis for axis in axes if axis < a.ndim):
        a = a.index_select(axis, torch.arange(0, a.shape[axis], dilation + 1))
    return a


def pulled_back(function, g, x):
    """What PyTorch's own backward makes of the adjoint `g` for the input `x` of `function`."""
    x = x if x.requires_grad else x.requires_grad_()
    return torch.autograd.grad(function(x), x, g, create_graph=True)[0]


def correlated(x, w, stride=1, padding=0, dilation=1, groups=1, channels_last=False):
    """A convolution whose padding may differ on the two sides and whose channels may come last."""
    if channels_last:
        x, w = x.movedim(-1, 1), w.movedim((-1, -2), (0, 1))
    if isinstance(padding, tuple) and isinstance(padding[0], tuple):
        x, padding = F.pad(x, [n for pair in reversed(padding) for n in pair]), 0
    y = (F.conv1d if w.ndim == 3 else F.conv2d)(x, w, None, stride, padding, dilation, groups)
    return y.movedim(1, -1) if channels_last else y


def conv_input_backward(g, w, shape, **attributes):
    return pulled_back(lambda x: correlated(x, w, **attributes), g, torch.zeros(shape, dtype=g.dtype))


def conv_weight_backward(x, g, shape, **attributes):
    return pulled_back(lambda w: correlated(x, w, **attributes), g, torch.zeros(shape, dtype=g.dtype))


def max_pool_backward(g, places, shape):
    """What `scatter_add` does in the flattened extents; a place below 0 is the element that is cut off again."""
    places, size = torch.as_tensor(places).to(torch.int64).flatten(2), int(np.prod(shape[2:]))
    places = torch.where(places < 0, size, places)
    zeros = torch.zeros((*shape[:2], size + 1), dtype=g.dtype)
    return zeros.scatter_add(2, places, g.flatten(2))[..., :size].reshape(shape)


def avg_pool_backward(g, shape, **attributes):
    pool = F.avg_pool1d if len(shape) == 3 else F.avg_pool2d
    return pulled_back(lambda x: pool(x, **attributes), g, torch.zeros(shape, dtype=g.dtype))


def cross_entropy(a, labels, weight=None, **attributes):
    weight = None if weight is None else torch.tensor(weight).to(a)
    return F.cross_entropy(a, labels, weight, **attributes)


def cross_entropy_backward(g, a, labels, **attributes):
    out = g if attributes.get("reduction") == "none" else g.reshape(())
    return pulled_back(lambda x: cross_entropy(x, labels, **attributes), out, a)


def soft_cross_entropy_backward(g, a, q, **attributes):
    out = g if attributes.get("reduction") == "none" else g.reshape(())
    return pulled_back(lambda x: cross_entropy(x, q, **attributes), out, a)


def nll_loss(a, labels, weight=None, **attributes):
    weight = None if weight is None else torch.tensor(weight).to(a)
    return F.nll_loss(a, labels, weight, **attributes)


def nll_loss_backward(g, labels, shape, **attributes):
    out = g if attributes.get("reduction") == "none" else g.reshape(())
    return pulled_back(lambda x: nll_loss(x, labels, **attributes), out, torch.zeros(shape).to(g))


def adaptive_max_pool(a, output_size):
    pool = F.adaptive_max_pool1d if a.ndim == 3 else F.adaptive_max_pool2d
    return pool(a, output_size)


def hardsigmoid(a):
    """PyTorch's own multiplies its gradient with a 1/6 of single precision."""
    return F.relu6(a + 3) / 6


KINDS = {
    "hardsigmoid": hardsigmoid,
    "huber": lambda a, s, t: huber(a, s, t),
    "leaky_relu": lambda a, s: F.leaky_relu(a, s), "hardtanh": F.hardtanh, "hardshrink": F.hardshrink,
    "elu": lambda a, s, t, u: torch.ops.aten.elu(a, s / u, u, t), "gelu_tanh": lambda a: F.gelu(a, approximate="tanh"),
    "softplus": lambda a, s: F.softplus(a, s, threshold=1e9),
}  # fmt: skip


def huber(a, delta=1.0, factor=1.0):
    return F.huber_loss(a, torch.zeros_like(a), reduction="none", delta=delta) * factor


def activation_backward(g, a, kind, **numbers):
    function = KINDS.get(kind) or getattr(F, kind)
    return pulled_back(lambda x: function(x, *numbers.values()), g, a)


def padded(a, pad_width, constant_value=0.0, mode="constant"):
    """By indices, one axis after the other: PyTorch's `pad` knows its other modes for the last axes only."""
    if mode == "constant":
        return F.pad(a, [n for pair in reversed(pad_width) for n in pair], value=constant_value)
    for axis, (before, behind) in enumerate(pad_width):
        line = F.pad(torch.arange(a.shape[axis], dtype=torch.float64)[None], (before, behind), mode=mode)[0]
        a = a.index_select(axis, line.long())
    return a


def pad_backward(g, pad_width, mode="constant"):
    shape = [n - sum(pair) for n, pair in zip(g.shape, pad_width, strict=True)]
    return pulled_back(lambda a: padded(a, pad_width, mode=mode), g, torch.zeros(shape, dtype=g.dtype))


def batch_norm(a, weight, bias, eps=1e-5):
    return F.batch_norm(a, None, None, weight, bias, True, eps=eps)


def attention(q, k, v, mask=None, scale=None, diagonal=None, dropout_p=0.0, key=0):
    if dropout_p:  # PyTorch would draw others: its softmax, our draws
        weights = torch.softmax(q @ k.mT * (q.shape[-1] ** -0.5 if scale is None else scale), -1)
        stay = kept(key, dropout_p, tuple(weights.shape), weights[..., 0].numel())
        return weights * torch.from_numpy(stay / (1 - dropout_p)).to(weights.dtype) @ v
    if diagonal is not None:
        seen = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril(diagonal)
        mask = torch.zeros(seen.shape, dtype=q.dtype).masked_fill(~seen, -torch.inf) + (
            0 if mask is None else mask
        )
    return F.scaled_dot_product_attention(q, k, v, mask, scale=scale)


def group_norm(a, weight, bias, num_groups, eps=1e-5):
    return F.group_norm(a, num_groups, weight, bias, eps)


def layer_norm(a, weight, bias, eps=1e-5):
    return F.layer_norm(a, weight.shape, weight, bias, eps)


def adjoints(norm):
    """All that PyTorch's own backward makes of the adjoint of a normalisation: of its input, weight and bias."""

    def pulled(g, a, weight, **attributes):
        a, weight, bias = [x if x.requires_grad else x.requires_grad_() for x in (a, weight, weight * 0)]
        return torch.autograd.grad(
            norm(a, weight, bias, **attributes), (a, weight, bias), g, create_graph=True
        )

    return pulled


def resized(a, size, mode="nearest", align_corners=False, steps=None, antialias=False):
    """PyTorch interpolates images (N, C, H, W), and by a factor only to the size that it gives."""
    at, row = a.ndim - len(size), (1,) * (2 - len(size))
    attributes = {"mode": {"linear": "bilinear", "cubic": "bicubic"}.get(mode, mode)}
    if mode in ("linear", "cubic"):
        attributes |= {"align_corners": align_corners, "antialias": antialias}
    if steps is None:
        attributes["size"] = (*row, *size)
    else:
        attributes["scale_factor"] = (*row, *[1 / step for step in steps])
    out = F.interpolate(a.reshape(1, -1, *row, *a.shape[at:]), **attributes)
    return out.reshape(*a.shape[:at], *size)


def resize_backward(g, size, **attributes):
    shape = (*g.shape[: g.ndim - len(size)], *size)
    return pulled_back(
        lambda a: resized(a, g.shape[g.ndim - len(size) :], **attributes), g, torch.zeros(shape).to(g)
    )


def linear_scan(a, b, axis=-1):
    """One step after the other."""
    lines = list(zip(a.unbind(axis), b.unbind(axis), strict=True))
    found = [lines[0][1]]
    for factor, term in lines[1:]:
        found.append(factor * found[-1] + term)
    return torch.stack(found, axis)


def scanned(step, states):
    """A recurrent network step by step, for sequences of several lengths; `step` goes from states to states."""

    def scan(x, *given, sizes, reverse=False, **options):
        now, rest = list(given[:states]), given[states:]
        moments, outputs = list(torch.split(x, sizes)), [None] * len(sizes)
        for t in reversed(range(len(sizes))) if reverse else range(len(sizes)):
            rows = sizes[t]
            new = step(moments[t], *[part[:rows] for part in now], *rest, **options)
            now = [torch.cat([part, old[rows:]]) for part, old in zip(new, now, strict=True)]
            outputs[t] = new[0]
        return (torch.cat(outputs), *now)

    return scan


def rnn_step(x, h, w, nonlinearity="tanh"):
    return (getattr(torch, nonlinearity)(x + h @ w),)


def lstm_step(x, h, c, w):
    i, f, g, o = (x + h @ w).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def gru_step(x, h, w, bias):
    (xr, xz, xn), (sr, sz, sn) = x.chunk(3, 1), (h @ w + bias).chunk(3, 1)
    r, z = torch.sigmoid(xr + sr), torch.sigmoid(xz + sz)
    return ((1 - z) * torch.tanh(xn + r * sn) + z * h,)


SCANS = {"rnn": scanned(rnn_step, 1), "lstm": scanned(lstm_step, 2), "gru": scanned(gru_step, 1)}


def scan_backward(kind, results):
    def pulled(*given, **options):
        inputs = [x if x.requires_grad else x.requires_grad_() for x in given[results:]]
        return torch.autograd.grad(
            SCANS[kind](*inputs, **options), inputs, given[:results], create_graph=True
        )

    return pulled


PYTORCHS = {
    # arithmetic and comparison
    "add_scalar": lambda a, scalar: a + scalar, "mul_scalar": lambda a, scalar: a * scalar,
    "divide_scalar": lambda a, scalar: a / scalar, "power": torch.pow, "power_scalar": lambda a, scalar: a**scalar,
    "negate": torch.neg, "equal": torch.eq, "astype": lambda a, dtype: a.to(getattr(torch, dtype)),
    "fused_add_scalars": lambda a, c0, c1: (a + c0, a + c1),
    "floor_divide": lambda a, b: torch.div(a, b, rounding_mode="floor"),  # torch.floor_divide has no gradient
    "to_device": lambda a, device: a.clone(),  # where PyTorch is, there is one device
    # activations and their vjps
    "leaky_relu": lambda a, slope: F.leaky_relu(a, slope), "activation_backward": activation_backward,
    # PyTorch has no channels in a vector
    "prelu": lambda a, b: F.prelu(a[None], b)[0] if a.ndim == 1 else F.prelu(a, b),
    "hardsigmoid": hardsigmoid, "huber": huber, "hardtanh": lambda a, low, high: F.hardtanh(a, low, high),
    "relu_backward": lambda g, y: g * (y > 0),
    "tanh_backward": lambda g, y: g * (1 - y * y), "sigmoid_backward": lambda g, y: g * y * (1 - y),
    "gelu_backward": lambda g, a: pulled_back(F.gelu, g, a),
    "silu_backward": lambda g, a: pulled_back(F.silu, g, a),
    # reductions, order, softmax, losses
    "summation": over(torch.sum), "mean": over(torch.mean), "max": over(torch.amax), "min": over(torch.amin),
    "prod": prod, "var": over(torch.var), "std": over(torch.std), "logsumexp": over(torch.logsumexp),
    "norm": over(lambda a, dim, keepdim, p=2: torch.linalg.vector_norm(a, p, dim, keepdim)),
    "sort": lambda a, axis=-1, descending=False: torch.sort(a, dim=axis, descending=descending, stable=True)[0],
    "argsort": lambda a, axis=-1, descending=False, most=None: torch.argsort(
        a, dim=axis, descending=descending, stable=True
    ).narrow(axis if a.ndim else 0, 0, most or a.shape[axis]) if a.ndim else torch.argsort(a),
    "cumargmax": lambda a, axis: torch.cummax(a, axis)[1], "cumargmin": lambda a, axis: torch.cummin(a, axis)[1],
    "linear_scan": linear_scan,
    "argmax": lambda a, axis=None, keepdims=False: torch.argmax(a, axis, keepdim=keepdims),
    "argmin": lambda a, axis=None, keepdims=False: torch.argmin(a, axis, keepdim=keepdims),
    "softmax": lambda a, axis=-1: torch.softmax(a, axis),
    "logsoftmax": lambda a, axis=-1: torch.log_softmax(a, axis),
    "softmax_backward": lambda g, y, axis=-1: y * (g - (g * y).sum(axis, keepdim=True)),
    "logsoftmax_backward": lambda g, y, axis=-1: g - y.exp() * g.sum(axis, keepdim=True),
    "cross_entropy": cross_entropy,
    "cross_entropy_backward": cross_entropy_backward,
    "soft_cross_entropy": cross_entropy, "soft_cross_entropy_backward": soft_cross_entropy_backward,
    "nll_loss": nll_loss, "nll_loss_backward": nll_loss_backward, "adaptive_max_pool": adaptive_max_pool,
    "binary_cross_entropy": lambda p, t: F.binary_cross_entropy(*torch.broadcast_tensors(p, t), reduction="none"),
    # normalisation
    "batch_norm": batch_norm, "batch_norm_backward": adjoints(batch_norm),
    "attention": attention,
    "group_norm": group_norm, "group_norm_backward": adjoints(group_norm),
    "layer_norm": layer_norm, "layer_norm_backward": adjoints(layer_norm),
    # recurrent networks
    **{f"{kind}_scan": scan for kind, scan in SCANS.items()}, "rnn_scan_backward": scan_backward("rnn", 2),
    "lstm_scan_backward": scan_backward("lstm", 3), "gru_scan_backward": scan_backward("gru", 2),
    # convolutions and pooling
    "conv": lambda x, w, stride=1, padding=0: correlated(x, w, stride, padding, channels_last=True),
    "conv_input_backward": conv_input_backward, "conv_weight_backward": conv_weight_backward,
    "avg_pool_backward": avg_pool_backward, "max_pool_backward": max_pool_backward,
    # arrangement
    "transpose": lambda a, axes=(-2, -1): a.transpose(*axes), "permute": lambda a, axes: a.permute(axes),
    "broadcast_to": lambda a, shape: a.expand(shape), "flip": lambda a, axes: a.flip(axes), "pad": padded,
    "pad_backward": pad_backward, "resize": resized, "resize_backward": resize_backward,
    "unfold": F.unfold, "fold": F.fold,
    "roll": lambda a, shifts, axes=None: torch.roll(a, shifts, axes), "dilate": dilated, "undilate": undilated,
    "stack": lambda *parts, axis: torch.stack(parts, axis), "concat": lambda *parts, axis: torch.cat(parts, axis),
    "split": lambda a, axis: a.unbind(axis), "make_tuple": lambda *parts: parts,
    "tuple_get_item": lambda *parts, index: parts[index],
    "tensor_split": lambda a, sections, axis=0: torch.tensor_split(a, sections, axis),
    "getitem": lambda a, index: a.flatten()[places(a.shape, index)], "getitem_backward": getitem_backward,
}  # fmt: skip


def pytorch_s(name):
    """The function of PyTorch for the op `name`, or None."""
    return PYTORCHS.get(name) or getattr(torch, name, None) or getattr(F, name, None)
