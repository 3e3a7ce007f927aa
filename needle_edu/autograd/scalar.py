"""Reverse mode on single numbers, whole: the engine to begin with.

A `Tensor` holds an array, an op of the registry and a vector-Jacobian product per input. Take the arrays away, and the
product with a Jacobian is the product with a number, the *local derivative*, which is known as soon as the operation
has been done. What is left of an engine then fits one page: the graph, the topological order, and

    adjoint of an input  +=  adjoint of the result  *  d result / d input.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real

from .topo import find_topo_sort


class Scalar:
    """A number that remembers what it was computed from.

    Parameters
    ----------
    value : float
        Any real number; also one of NumPy's.

    Attributes
    ----------
    value : float
    grad : float
        d result / d this number, written by ``result.backward()``; 0.0 before.
    op : str
        The operation that made it; empty for a leaf.
    inputs : tuple of Scalar
        What the operation was applied to.
    derivatives : tuple of float
        For each input, the derivative of this number by it, all others held.

    Raises
    ------
    TypeError
        For what is no real number.

    Examples
    --------
    >>> x, y = Scalar(2.0), Scalar(3.0)
    >>> f = x * y + x.tanh()
    >>> f.backward()
    >>> f.value, x.grad, y.grad  # y + 1 - tanh(x)², and x
    (6.9640275800758165, 3.0706508248531645, 2.0)
    """

    __slots__ = ("derivatives", "grad", "inputs", "op", "value")

    def __init__(self, value: float):
        if not isinstance(value, Real):
            raise TypeError(
                f"Scalar: wanted a real number, got {type(value).__name__}; for arrays there is Tensor"
            )
        self.value: float = float(value)
        self.grad: float = 0.0
        self.op: str = ""
        self.inputs: tuple[Scalar, ...] = ()
        self.derivatives: tuple[float, ...] = ()

    def __repr__(self) -> str:
        return f"Scalar({self.value:g}, grad={self.grad:g})"

    def backward(self) -> None:
        """Write into `grad` of every number that this one was computed from the derivative of this one by it.

        Earlier gradients are overwritten, as those of tensors.
        """
        order = find_topo_sort([self])  # inputs before results
        for number in order:
            number.grad = 0.0
        self.grad = 1.0
        for number in reversed(order):  # when a number's turn comes, all its uses have contributed
            for x, derivative in zip(number.inputs, number.derivatives, strict=True):
                x.grad += number.grad * derivative

    # Each operation: its value, and its derivative by each input.

    def __add__(self, other: Scalar | float) -> Scalar:
        other = _scalar(other, "+")
        return _result("+", self.value + other.value, (self, 1.0), (other, 1.0))

    def __mul__(self, other: Scalar | float) -> Scalar:
        other = _scalar(other, "*")
        return _result("*", self.value * other.value, (self, other.value), (other, self.value))

    def __truediv__(self, other: Scalar | float) -> Scalar:
        other = _scalar(other, "/")
        if other.value == 0:
            raise ZeroDivisionError(f"Scalar /: {self.value:g} / 0")
        y = self.value / other.value
        return _result("/", y, (self, 1 / other.value), (other, -y / other.value))

    def __pow__(self, exponent: float) -> Scalar:
        """A constant power: (xᶜ)′ = c xᶜ⁻¹, which is 0 for c = 0."""
        if not isinstance(exponent, Real):
            raise TypeError(
                f"Scalar **: wanted a number as exponent, got {type(exponent).__name__}; "
                "x**y with both variable is (x.log() * y).exp()"
            )
        x, c = self.value, float(exponent)
        if x < 0 and c != int(c) or x == 0 and c < 0:
            raise ValueError(f"Scalar **: {x:g} ** {c:g} is no real number")
        y = _finite("**", pow, x, c)
        if c == 0:
            slope = 0.0
        else:  # that of a root is vertical at 0
            slope = math.inf if x == 0 and c < 1 else c * _finite("**", pow, x, c - 1)
        return _result("**", y, (self, slope))

    def exp(self) -> Scalar:
        """eˣ, which is its own derivative."""
        y = _finite("exp", math.exp, self.value)
        return _result("exp", y, (self, y))

    def log(self) -> Scalar:
        """The natural logarithm; its derivative is 1/x."""
        if self.value <= 0:
            raise ValueError(f"Scalar.log: wanted a number above 0, got {self.value:g}")
        return _result("log", math.log(self.value), (self, 1 / self.value))

    def tanh(self) -> Scalar:
        """tanh x; its derivative is 1 - tanh² x."""
        y = math.tanh(self.value)
        return _result("tanh", y, (self, 1 - y * y))

    def sigmoid(self) -> Scalar:
        """σ(x) = 1 / (1 + e⁻ˣ); its derivative is σ (1 - σ)."""
        y = 0.5 * (1 + math.tanh(self.value / 2))  # without an overflow
        return _result("sigmoid", y, (self, y * (1 - y)))

    def relu(self) -> Scalar:
        """max(0, x); its derivative is 1 above 0, and 0 elsewhere."""
        return _result("relu", max(self.value, 0.0), (self, float(self.value > 0)))

    # The rest is made of these.

    def __neg__(self) -> Scalar:
        return self * -1.0

    def __sub__(self, other: Scalar | float) -> Scalar:
        return self + -_scalar(other, "-")

    def __rsub__(self, other: float) -> Scalar:
        return _scalar(other, "-") - self

    def __rtruediv__(self, other: float) -> Scalar:
        return _scalar(other, "/") / self

    __radd__, __rmul__ = __add__, __mul__


def _result(op: str, value: float, *inputs: tuple[Scalar, float]) -> Scalar:
    """The one place that makes nodes: a number, and (input, derivative by it) for each input."""
    result = Scalar(value)
    result.op = op
    result.inputs = tuple(x for x, _ in inputs)
    result.derivatives = tuple(derivative for _, derivative in inputs)
    return result


def _finite(op: str, function: Callable[..., float], *numbers: float) -> float:
    """What a function of Python makes of numbers; it raises where floats end, and does not say for whom."""
    try:
        return function(*numbers)
    except OverflowError:
        given = ", ".join(f"{number:g}" for number in numbers)
        raise OverflowError(f"Scalar {op}: the result for {given} is larger than any float") from None


def _scalar(number: Scalar | float, operator: str) -> Scalar:
    if isinstance(number, Scalar):
        return number
    if isinstance(number, Real):
        return Scalar(number)
    raise TypeError(
        f"Scalar {operator}: wanted a Scalar or a number on the other side, got {type(number).__name__}"
    )
