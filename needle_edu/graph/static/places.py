"""Where programs find and leave arrays: a tensor's data, and its gradient."""

from __future__ import annotations

from typing import Any

from needle_edu.autograd import Tensor


class DataOf:
    """A tensor's array: looked up at each run, or replaced after it.

    Examples
    --------
    >>> w = Tensor([1.0])
    >>> DataOf(w).write(Tensor([2.0]).cached_data)
    >>> w
    Tensor([2.])
    """

    attribute = "data"

    def __init__(self, tensor: Tensor):
        self.tensor = tensor
        self.owner: Any = id(tensor)

    def read(self) -> Any:
        """Return the array."""
        return self.tensor.realize_cached_data()

    def write(self, array: Any) -> None:
        """Let the tensor hold this array from now on."""
        self.tensor.replace_data(array)


class GradientOf:
    """A tensor's gradient, written after a run.

    Examples
    --------
    >>> w = Tensor([1.0])
    >>> GradientOf(w).write(Tensor([2.0]).cached_data)
    >>> w.grad
    Tensor([2.], requires_grad=False)
    """

    attribute = "grad"

    def __init__(self, tensor: Tensor):
        self.tensor = tensor
        self.owner: Any = id(tensor)

    def write(self, array: Any) -> None:
        """Let the tensor have this gradient."""
        self.tensor.grad = Tensor.make_const(array)
