"""What layers share in looking at what they are given: an input may be an array."""

from __future__ import annotations

from typing import Any

from ..autograd import Tensor


def as_tensor(x: Any, device: Any = None) -> Tensor:
    """`x` if it is a tensor; an array or a list of numbers becomes one on `device` that requires no gradient.

    Examples
    --------
    >>> as_tensor([1.0, 2.0])
    Tensor([1., 2.], requires_grad=False)
    """
    return x if isinstance(x, Tensor) else Tensor(x, device=device, requires_grad=False)
