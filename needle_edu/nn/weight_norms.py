"""Weights that are computed anew before each call: by length and direction, or divided by their largest stretch.

The parameter `weight` gives way to others, and before each `forward` a hook makes the tensor `weight` of them. The
optimiser sees the new parameters only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor, no_grad
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
    if dim is not None:
        dim = integer("weight_norm", "dim", dim, -len(weight.shape))
        if dim >= len(weight.shape):
            raise ShapeError(f"weight_norm: {name} of shape {weight.shape} has no axis {dim}")
        dim %= len(weight.shape)
    axes = tuple([axis for axis in range(len(weight.shape)) if axis != dim])

    def length(v: Tensor) -> Tensor:
        return ops.sqrt(ops.summation(v * v, axes, keepdims=True)) if axes else ops.abs(v)

    delattr(module, name)
    setattr(
        module,
        f"{name}_g",
        Parameter(length(weight.detach()).numpy(), device=weight.device, dtype=weight.dtype),
    )
    setattr(module, f"{name}_v", weight)

    def renew(module: Any, args: Any) -> None:
        g, v = getattr(module, f"{name}_g"), getattr(module, f"{name}_v")
        setattr(module, name, v * (g / length(v)))

    module.register_forward_pre_hook(renew)
    renew(module, ())
    return module


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
    order = (dim, *[axis for axis in range(len(weight.shape)) if axis != dim])

    def matrix(w: Tensor) -> Tensor:
        return ops.permute(w, order).reshape((w.shape[dim], w.size // w.shape[dim]))

    def step(w: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        u = w @ v
        u = u / max(float(np.linalg.norm(u)), eps)
        v = w.T @ u
        return u, v / max(float(np.linalg.norm(v)), eps)

    delattr(module, name)
    setattr(module, f"{name}_orig", weight)
    w = matrix(weight.detach()).numpy()
    u, v = step(w, w.sum(0))  # the sum of the rows: seldom at right angles to what is sought
    for _ in range(15):
        u, v = step(w, v)
    for which, vector in (("u", u), ("v", v)):
        module.register_buffer(f"{name}_{which}", Tensor(vector, device=weight.device, dtype=weight.dtype))

    def renew(module: Any, args: Any) -> None:
        w, vectors = getattr(module, f"{name}_orig"), [getattr(module, f"{name}_{which}") for which in "uv"]
        if module.training:
            with no_grad():
                now, (u, v) = matrix(w.detach()).numpy(), [vector.numpy() for vector in vectors]
                for _ in range(rounds):
                    u, v = step(now, v)
                for vector, new in zip(vectors, (u, v), strict=True):
                    vector.replace_data(Tensor(new, device=w.device, dtype=w.dtype).cached_data)
        u, v = vectors
        sigma = ((matrix(w) @ v.reshape((v.size, 1))).reshape((u.size,)) * u).sum()
        setattr(module, name, w / sigma)

    module.register_forward_pre_hook(renew)
    renew(module, ())
    return module


def _taken(who: str, module: Any, name: str) -> Parameter:
    """The parameter of this name."""
    if not isinstance(module, Module):
        raise TypeError(f"{who}: module is a layer such as nn.Linear(3, 2), got one {type(module).__name__}")
    weight = getattr(module, name, None)
    if not isinstance(weight, Parameter):
        own = [known for known, part in vars(module).items() if isinstance(part, Parameter)]
        raise TypeError(f"{who}: {type(module).__name__} has no parameter {name!r}; it has {own or 'none'}")
    return weight
