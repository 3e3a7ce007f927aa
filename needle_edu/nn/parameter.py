"""Parameter: a tensor that training may change.

It is an ordinary tensor; its class is the mark by which a module finds what belongs to it.
"""

from ..autograd import Tensor


class Parameter(Tensor):
    """A tensor that a module lists among its parameters; constructed like a `Tensor`.

    Examples
    --------
    >>> weight = Parameter([[1.0, 2.0]])
    >>> weight.shape, weight.requires_grad
    ((1, 2), True)
    """

    __slots__ = ()
