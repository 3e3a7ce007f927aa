"""The operations: what tensors can do, each with its derivative.

One op is one small class: what it computes, its vector-Jacobian products, the formulas, and inputs to test it
on. The classes stand in the files of this folder (arithmetic, elementwise, reduction, …) and enter the
registry of `needle_edu.autograd`; from there come the functions below, Tensor's methods, the table in
docs/ops.md and the tests. Functions made of several ops are in compositions.py and einstein.py.
"""

import builtins

from needle_edu.autograd import Op, TensorOp, TensorTupleOp, registry
from needle_edu.autograd.tensor import install_method

# In the order of the table in docs/ops.md.
# isort: off
from . import arithmetic, powers, extrema, elementwise, logarithms, trigonometry, rounding  # noqa: F401
from . import activations, smooth, piecewise, shrinking, slopes  # noqa: F401
from . import reduction, statistics, order, softmax, losses, soft_losses, linalg, attention  # noqa: F401
from . import convolution, adjoint_convolution, max_pooling, avg_pooling, normalization, recurrent  # noqa: F401
from . import moving, keyed_dropout  # noqa: F401
from . import shape, padding, arrangement, dilation, folding, interpolation, scan, indexing, tuples, compare  # noqa: F401

# isort: on
from . import compositions, inplace
from .composed import COMPOSED
from .functions import make_function

__all__ = ["Op", "TensorOp", "TensorTupleOp"]

for _name, _slot in registry.ops().items():
    _function = _slot.function = make_function(_slot)
    globals()[_name] = _function
    globals()[_slot.cls.__name__] = _slot.cls
    __all__ += [_name, _slot.cls.__name__]
    if getattr(_slot.cls, "method", False):
        install_method(_name, _function)

for _function in COMPOSED:
    globals()[_function.__name__] = _function
    __all__ += [_function.__name__]
for _function in (*[globals()[_name] for _name in compositions.METHODS], *inplace.METHODS):
    install_method(_function.__name__, _function)

# `from needle_edu.ops import *` leaves Python's own abs, all, any, max, min and round alone; ops.max is there anyway.
_names = tuple(__all__)
__all__ = [name for name in _names if not hasattr(builtins, name)]


def __dir__() -> list[str]:
    return sorted(_names)
