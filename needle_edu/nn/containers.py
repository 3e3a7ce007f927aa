"""Modules that put other modules together, or only change a shape."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..autograd import Tensor
from ..backend.errors import ShapeError
from .module import Module


class Identity(Module):
    """Gives back what it gets.

    Examples
    --------
    >>> Identity()(Tensor([1.0, 2.0])).numpy()
    array([1., 2.], dtype=float32)
    """

    def forward(self, x: Any) -> Any:
        """Anything."""
        return x


class Flatten(Module):
    """Makes each example one row: (batch, a, b, ...) becomes (batch, a·b·...).

    Examples
    --------
    >>> import needle_edu as ndl
    >>> Flatten()(ndl.init.ones(2, 3, 4)).shape
    (2, 12)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (batch, ...) gives (batch, features)."""
        if not x.shape:
            raise ShapeError("Flatten: got a single number of shape (), wanted (batch, ...)")
        batch, *rest = x.shape
        return x.reshape((batch, math.prod(rest)))


class Sequential(Module):
    """One module after the other, each fed with what the one before gave.

    Parameters
    ----------
    *modules : Module
        Functions of one argument will do as well.

    Raises
    ------
    TypeError
        If one of them cannot be called with an input: a list of modules, or a class instead of a module.

    Examples
    --------
    >>> from needle_edu import nn
    >>> nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    Sequential() · 2,410 parameters
    ├─ modules.0: Linear(64, 32) · 2,080 parameters: weight (64, 32), bias (1, 32)
    ├─ modules.1: ReLU()
    └─ modules.2: Linear(32, 10) · 330 parameters: weight (32, 10), bias (1, 10)
    """

    def __init__(self, *modules: Module, device: Any = None, dtype: Any = None):
        super().__init__()
        for place, module in enumerate(modules):
            _check_part(f"Sequential: part {place}", module)
        self.modules = modules

    def forward(self, x: Any) -> Any:
        """The last module's output; `x` itself if there are no modules."""
        for module in self.modules:
            x = module(x)
        return x


class Residual(Module):
    """fn(x) + x: the module learns what to add, and the gradient has a way past it.

    Parameters
    ----------
    fn : Module or function
        Its output has the shape of its input.

    Examples
    --------
    >>> from needle_edu import nn
    >>> Residual(nn.ReLU())(Tensor([-1.0, 2.0])).numpy()
    array([-1.,  4.], dtype=float32)
    """

    def __init__(self, fn: Callable[[Tensor], Tensor], device: Any = None, dtype: Any = None):
        super().__init__()
        _check_part("Residual: fn", fn)
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        """`x` of the shape that `fn` takes."""
        return self.fn(x) + x


def _check_part(what: str, module: Any) -> None:
    """Refuse what cannot be called with an input."""
    if isinstance(module, type):
        name = module.__name__
        raise TypeError(f"{what} is the class {name}; make a module: {name}()")
    if not callable(module):
        advice = "; unpack it: Sequential(*modules)" if isinstance(module, (list, tuple)) else ""
        raise TypeError(f"{what} is a {type(module).__name__}, wanted a module{advice}")
