"""Keeping gradients short: one huge gradient, of one odd batch, can undo an hour of training.

Gradients are replaced, not scaled in place: somebody else may hold them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from .. import ops
from ..autograd import Tensor, no_grad, state
from ..backend.arguments import real, several, switch
from ..backend.errors import GradientError
from . import packing as rnn
from .vectors import parameters_to_vector, vector_to_parameters
from .weight_norms import spectral_norm, weight_norm

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "parameters_to_vector",
    "rnn",
    "spectral_norm",
    "vector_to_parameters",
    "weight_norm",
]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    r"""Shorten all gradients by one factor, so that together they are at most `max_norm` long.

    The factor is :math:`max\_norm / (norm + 10^{-6})`, if that is less than 1: gradients of exactly `max_norm` are
    still scaled, as in PyTorch.

    Parameters
    ----------
    parameters : Tensor, or iterable of Tensor
        Those without a gradient do not count.
    max_norm : float
    norm_type : float
        2 for the Euclidean length; `math.inf` for the largest absolute value.
    error_if_nonfinite : bool
        Raise if the length is infinite or nan. Otherwise an infinite gradient becomes nan. A captured function
        (`needle_edu.graph.capture`) knows no length, and never raises.

    Returns
    -------
    Tensor of shape ()
        The length before.

    Raises
    ------
    GradientError
        If `error_if_nonfinite` finds such a length.

    Examples
    --------
    >>> w = Tensor([3.0, 4.0])
    >>> (w * w / 2).sum().backward()
    >>> clip_grad_norm_([w], 1.0).item()
    5.0
    >>> w.grad.numpy().round(3).tolist()
    [0.6000000238418579, 0.800000011920929]
    """
    real("clip_grad_norm_", 0, max_norm=max_norm)
    switch("clip_grad_norm_", error_if_nonfinite=error_if_nonfinite)
    if norm_type != math.inf:
        real("clip_grad_norm_", 0, norm_type=norm_type)
        if norm_type == 0:
            raise ValueError("clip_grad_norm_: norm_type is greater than 0, got 0")
    found = _with_gradient("clip_grad_norm_", parameters)
    if state.tracing() is not None:
        return _clipped_by_ops(found, max_norm, norm_type)
    sizes = [np.abs(p.grad.numpy().astype(np.float64)) for p in found]
    if norm_type == math.inf:
        norm = float(np.max([size.max() for size in sizes if size.size], initial=0.0))
    else:
        norm = float(sum((size**norm_type).sum() for size in sizes) ** (1 / norm_type))
    if error_if_nonfinite and not math.isfinite(norm):
        raise GradientError(
            f"clip_grad_norm_: the gradients together are {norm} long, wanted a finite length"
        )
    factor = max_norm / (norm + 1e-6)
    if not factor >= 1:
        for p in found:
            p.grad = p.grad.detach() * factor
    return Tensor(np.asarray(norm), dtype="float32" if not found else found[0].dtype, requires_grad=False)


def _clipped_by_ops(found: list, max_norm: float, norm_type: float) -> Tensor:
    """`clip_grad_norm_` while a function is captured, and no length is known: the same, as ops.

    A factor of at least 1 becomes 1, which changes no number.
    """
    with no_grad():
        dtype = "float32" if not found else found[0].dtype
        sizes = [abs(p.grad.detach()).astype("float64") for p in found]
        if not sizes:
            return Tensor(np.zeros(()), dtype=dtype, requires_grad=False)
        if norm_type == math.inf:
            norm = ops.max(ops.stack([ops.max(size) for size in sizes], 0))
        else:
            powers = [size * size if norm_type == 2 else size**norm_type for size in sizes]
            total = sum([power.sum() for power in powers[1:]], powers[0].sum())
            norm = total.sqrt() if norm_type == 2 else total ** (1 / norm_type)
        factor = max_norm / (norm + 1e-6)
        factor = ops.where(factor >= 1, factor * 0 + 1, factor).reshape(())
        for p in found:
            p.grad = p.grad.detach() * factor.astype(p.grad.dtype)
        return norm.reshape(()).astype(dtype)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Cut every number of every gradient to at most `clip_value`, up and down.

    Parameters
    ----------
    parameters : Tensor, or iterable of Tensor
    clip_value : float

    Examples
    --------
    >>> w = Tensor([3.0, -4.0, 0.5])
    >>> (w * w / 2).sum().backward()
    >>> clip_grad_value_([w], 1.0)
    >>> w.grad.numpy().tolist()
    [1.0, -1.0, 0.5]
    """
    real("clip_grad_value_", 0, clip_value=clip_value)
    for p in _with_gradient("clip_grad_value_", parameters):
        p.grad = ops.clip(p.grad.detach(), -clip_value, clip_value)


def _with_gradient(who: str, parameters: Tensor | Iterable[Tensor]) -> list:
    """The parameters that have a gradient, each once."""
    if hasattr(parameters, "parameters"):
        raise TypeError(f"{who}: parameters are tensors; give model.parameters()")
    found = (
        [parameters]
        if isinstance(parameters, Tensor)
        else list(dict.fromkeys(several(who, "parameters", parameters)))
    )
    for p in found:
        if not isinstance(p, Tensor):
            raise TypeError(f"{who}: parameters are tensors, got one {type(p).__name__}")
    return [p for p in found if p.grad is not None]


def __dir__() -> list[str]:
    return sorted(__all__)
