"""Summing the contributions to an adjoint.

The first contribution may be an array that others hold too. The sum of two is our own, so the third is added to it
in place: no new array, where a weight is used at every step of a recurrent network.
"""

from . import arrays, state
from .registry import slot
from .replaceable import SUM_NODES, students_sum

_ADD = slot("add")


def adder():
    """Return the function of a pass that gives the sum of the adjoint `total` of a value and one more contribution."""
    if len(SUM_NODES.stack) > 1:  # a student's own
        return students_sum
    if state.grad_enabled() or len(_ADD.stack) > 1:  # sums are nodes of a graph, or a student's own
        return lambda x, total, g: total + g
    return _adder_of_arrays()


def _adder_of_arrays():
    """Return the same for the usual pass, whose sums nobody sees: it adds the arrays themselves."""
    array_class, add_into = arrays.Array, arrays.add_into
    sums = set()

    def plus(x, total, g):
        a, b = total.cached_data, g.cached_data
        if (
            a.__class__ is not array_class or b.__class__ is not array_class
        ):  # a tuple, or put off by lazy mode
            return total + g
        if x in sums and add_into(a, b):
            return total
        array = a + b
        if array.__class__ is not array_class:  # NumPy's sum of two arrays of shape () is a number
            return total + g
        sums.add(x)
        return total.make_const(array)

    return plus
