"""Weights that are computed anew before each call: by length and direction, or divided by their largest stretch.

The parameter `weight` gives way to others, and before each `forward` a hook makes the tensor `weight` of them. The
optimiser sees the new parameters only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import integer, whole
from ..backend.errors import ShapeError
from .module import Module
from .parameter import Parameter


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    r"""Split a weight into length and direction, :math:`w = g\,v / \|v\|`, each trained on its own.

    There is one length for each index along the axis `dim`, with None one in all. In `Linear`, whose weight is
    (in, out), an output's length is ``dim=1``; in convolutions the outputs are the last axis.

    Parameters
    ----------
    module : Module
        Its parameter `name` becomes the parameters `name`\\_g and `name`\\_v.
    name : str
    dim : int or None

    Returns
    -------
    Module
        The module itself.

    References
    ----------
    T. Salimans, D. Kingma, "Weight normalization", NeurIPS 2016.

    Examples
    --------
    >>> from needle_edu import nn
    >>> layer = weight_norm(nn.Linear(3, 2), dim=1)
    >>> [(name, p.shape) for name, p in layer.named_parameters()]
    [('bias', (1, 2)), ('weight_g', (1, 2)), ('weight_v', (3, 2))]
    >>> layer.weight_g.data = Tensor([[2.0, 5.0]])
    >>> _ = layer(Tensor([[1.0, 0.0, 0.0]]))
    >>> ops.norm(layer.weight, axis=0).numpy().round(3).tolist()
    [2.0, 5.0]
    """
    weight = _taken("weight_norm", module, name)
    dim = None if dim is None else _axis("weight_norm", name, weight, dim)
    length = _Length(tuple([axis for axis in range(len(weight.shape)) if axis != dim]))
    delattr(module, name)
    g = length(weight.detach()).numpy()
    setattr(module, f"{name}_g", Parameter(g, device=weight.device, dtype=weight.dtype))
    setattr(module, f"{name}_v", weight)
    return _renewed(module, _ByLength(name, length))


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int = 0
) -> Module:
    r"""Divide a weight by its largest singular value: the layer then stretches no difference of inputs.

    The weight is read as a matrix with the axis `dim` as its rows. The singular vectors u and v are buffers, and follow
    the weight by `n_power_iterations` rounds of the power iteration before each call in training; in evaluation they
    stay. The gradient takes them as constants. Discriminators of GANs train more evenly with it.

    References
    ----------
    T. Miyato et al., "Spectral normalization for generative adversarial networks", ICLR 2018.

    Examples
    --------
    >>> from needle_edu import nn
    >>> layer = spectral_norm(nn.Linear(2, 2, bias=False), n_power_iterations=20)
    >>> layer.weight_orig.data = Tensor([[4.0, 0.0], [0.0, 2.0]])
    >>> layer(Tensor([[1.0, 1.0]])).numpy().round(3).tolist()
    [[1.0, 0.5]]
    """
    weight = _taken("spectral_norm", module, name)
    (rounds,) = whole("spectral_norm", 1, n_power_iterations=n_power_iterations)
    dim = _axis("spectral_norm", name, weight, dim)
    renew = _ByStretch(name, (dim, *[axis for axis in range(len(weight.shape)) if axis != dim]), rounds, eps)
    delattr(module, name)
    setattr(module, f"{name}_orig", weight)
    w = renew.matrix(weight.detach()).numpy()
    u, v = renew.round(w, w.sum(0))  # the sum of the rows: seldom at right angles to what is sought
    for _ in range(15):
        u, v = renew.round(w, v)
    for which, vector in (("u", u), ("v", v)):
        module.register_buffer(f"{name}_{which}", Tensor(vector, device=weight.device, dtype=weight.dtype))
    return _renewed(module, renew)


class _Length:
    """The length of a weight along some axes, which stay with extent 1."""

    def __init__(self, axes: tuple[int, ...]):
        self.axes = axes

    def __call__(self, v: Tensor) -> Tensor:
        return ops.sqrt(ops.summation(v * v, self.axes, keepdims=True)) if self.axes else ops.abs(v)


class _ByLength:
    """The hook that makes a weight of length and direction."""

    def __init__(self, name: str, length: _Length):
        self.name, self.length = name, length

    def __call__(self, module: Any, args: Any) -> None:
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        setattr(module, self.name, v * (g / self.length(v)))


class _ByStretch:
    """The hook that divides a weight by its largest singular value."""

    def __init__(self, name: str, order: tuple[int, ...], rounds: int, eps: float):
        self.name, self.order, self.rounds, self.eps = name, order, rounds, eps

    def matrix(self, w: Tensor) -> Tensor:
        """The weight as a matrix, the axis that counts as its rows."""
        rows = w.shape[self.order[0]]
        return ops.permute(w, self.order).reshape((rows, w.size // rows))

    def round(self, w: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One round of the power iteration."""
        u = w @ v
        u = u / max(float(np.linalg.norm(u)), self.eps)
        v = w.T @ u
        return u, v / max(float(np.linalg.norm(v)), self.eps)

    def __call__(self, module: Any, args: Any) -> None:
        name = self.name
        w, vectors = getattr(module, f"{name}_orig"), [getattr(module, f"{name}_{which}") for which in "uv"]
        if module.training:
            now, (u, v) = self.matrix(w.detach()).numpy(), [vector.numpy() for vector in vectors]
            for _ in range(self.rounds):
                u, v = self.round(now, v)
            for vector, new in zip(vectors, (u, v), strict=True):
                vector.replace_data(Tensor(new, device=w.device, dtype=w.dtype).cached_data)
        u, v = vectors
        sigma = ((self.matrix(w) @ v.reshape((v.size, 1))).reshape((u.size,)) * u).sum()
        setattr(module, name, w / sigma)


class _Rest:
    """The hook after a call: the weight keeps its numbers and forgets its history, so that the layer can be copied."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self, module: Any, args: Any, out: Any) -> None:
        setattr(module, self.name, getattr(module, self.name).detach())


def _renewed(module: Module, renew: _ByLength | _ByStretch) -> Module:
    """The module, with the hooks that make its weight anew; and with that weight, to be looked at."""
    rest = _Rest(renew.name)
    module.register_forward_pre_hook(renew)
    module.register_forward_hook(rest)
    renew(module, ())
    rest(module, (), None)
    return module


def _axis(who: str, name: str, weight: Tensor, dim: int) -> int:
    """An axis of the weight, counted from the front."""
    dim, count = integer(who, "dim", dim, -len(weight.shape)), len(weight.shape)
    if dim >= count:
        raise ShapeError(f"{who}: {name} of shape {weight.shape} has no axis {dim}")
    return dim % count


def _taken(who: str, module: Any, name: str) -> Parameter:
    """The parameter of this name."""
    if not isinstance(module, Module):
        raise TypeError(f"{who}: module is a layer such as nn.Linear(3, 2), got one {type(module).__name__}")
    weight = getattr(module, name, None)
    if not isinstance(weight, Parameter):
        own = [known for known, part in vars(module).items() if isinstance(part, Parameter)]
        raise TypeError(f"{who}: {type(module).__name__} has no parameter {name!r}; it has {own or 'none'}")
    return weight
