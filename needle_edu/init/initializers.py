"""Initial weights whose scale keeps signals alive through many layers.

A layer sums `fan_in` inputs, so its output's variance is fan_in times the weights' variance (times the
input's). If that product is far from 1, signals grow or shrink exponentially with depth. Xavier's rule
chooses the variance so that forward signals and backward gradients both keep their size; Kaiming's allows for
a ReLU that sets half of the signals to zero.

References: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks",
AISTATS 2010. K. He et al., "Delving deep into rectifiers", ICCV 2015.
"""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Tensor
from ..backend.arguments import floating, real, whole
from ..ndarray.layout import as_extents
from .basic import rand, randn

GAINS = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d", "sigmoid"), 1.0),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), 1.0),
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    r"""The factor by which weights must be larger because of what follows the layer, as PyTorch has it.

    1 for "linear", "sigmoid" and the like, 5/3 for "tanh", :math:`\sqrt 2` for "relu", 3/4 for "selu", and
    :math:`\sqrt{2 / (1 + s^2)}` for "leaky_relu" of slope s = `param`, 0.01 if not given.

    Examples
    --------
    >>> calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if param is not None:
        real("calculate_gain", param=param)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in GAINS:
        raise ValueError(
            f"calculate_gain: nonlinearity is one of {sorted([*GAINS, 'leaky_relu'])}, got {nonlinearity!r:.60}"
        )
    return GAINS[nonlinearity]


def xavier_uniform(fan_in: int, fan_out: int, gain: float = 1.0, **kwargs: Any) -> Tensor:
    r"""Weights of shape (fan_in, fan_out), uniform in ±a.

    .. math:: a = gain \sqrt{6 / (fan_{in} + fan_{out})}

    Further keywords (`device`, `dtype`, `requires_grad`) go to `rand`.

    Examples
    --------
    >>> bool(abs(xavier_uniform(100, 50).numpy()).max() <= math.sqrt(6 / 150))
    True
    """
    _check("xavier_uniform", fan_in, fan_out, kwargs)
    real("xavier_uniform", 0, gain=gain)
    a = gain * math.sqrt(6 / (fan_in + fan_out))
    return rand(fan_in, fan_out, low=-a, high=a, **kwargs)


def xavier_normal(fan_in: int, fan_out: int, gain: float = 1.0, **kwargs: Any) -> Tensor:
    r"""Weights of shape (fan_in, fan_out), normal with standard deviation σ.

    .. math:: \sigma = gain \sqrt{2 / (fan_{in} + fan_{out})}

    Examples
    --------
    >>> weights = xavier_normal(300, 300).numpy()
    >>> weights.shape, math.isclose(weights.std(), math.sqrt(2 / 600), rel_tol=0.02)
    ((300, 300), True)
    """
    _check("xavier_normal", fan_in, fan_out, kwargs)
    real("xavier_normal", 0, gain=gain)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    return randn(fan_in, fan_out, std=std, **kwargs)


def kaiming_uniform(
    fan_in: int,
    fan_out: int,
    shape: tuple[int, ...] | None = None,
    nonlinearity: str = "relu",
    **kwargs: Any,
) -> Tensor:
    r"""Weights uniform in ±bound with :math:`bound = \sqrt{2} \sqrt{3 / fan_{in}}`.

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of one unit.
    shape : tuple of int, optional
        The shape wanted, (fan_in, fan_out) if not given; convolutions have four dimensions.
    nonlinearity : "relu"
        What follows the layer; the factor :math:`\sqrt{2}` is ReLU's.
    **kwargs
        `device`, `dtype`, `requires_grad`, as for `rand`.

    Examples
    --------
    >>> weights = kaiming_uniform(100, 50).numpy()
    >>> weights.shape, bool(abs(weights).max() <= math.sqrt(2) * math.sqrt(3 / 100))
    ((100, 50), True)
    """
    _check("kaiming_uniform", fan_in, fan_out, kwargs)
    bound = _gain(nonlinearity) * math.sqrt(3 / fan_in)
    return rand(*_shape("kaiming_uniform", shape, fan_in, fan_out), low=-bound, high=bound, **kwargs)


def kaiming_normal(
    fan_in: int,
    fan_out: int,
    shape: tuple[int, ...] | None = None,
    nonlinearity: str = "relu",
    **kwargs: Any,
) -> Tensor:
    r"""Weights normal with :math:`\sigma = \sqrt{2} / \sqrt{fan_{in}}`.

    The parameters are those of `kaiming_uniform`.

    Examples
    --------
    >>> weights = kaiming_normal(300, 300).numpy()
    >>> weights.shape, math.isclose(weights.std(), math.sqrt(2 / 300), rel_tol=0.02)
    ((300, 300), True)
    """
    _check("kaiming_normal", fan_in, fan_out, kwargs)
    std = _gain(nonlinearity) / math.sqrt(fan_in)
    return randn(*_shape("kaiming_normal", shape, fan_in, fan_out), std=std, **kwargs)


def _check(who: str, fan_in: Any, fan_out: Any, keywords: dict[str, Any]) -> None:
    """Refuse fans that are none, and dtypes that would cut every weight to a whole number."""
    whole(who, fan_in=fan_in, fan_out=fan_out)
    floating(who, "weights", keywords.get("dtype", "float32"))


def _shape(who: str, shape: Any, fan_in: int, fan_out: int) -> tuple[int, ...]:
    return (fan_in, fan_out) if shape is None else as_extents(shape, who)


def _gain(nonlinearity: str) -> float:
    if nonlinearity != "relu":
        raise ValueError(f"kaiming: knows the nonlinearity 'relu' only, got {nonlinearity!r}")
    return math.sqrt(2)
