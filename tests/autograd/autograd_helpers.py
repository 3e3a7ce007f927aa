"""What several tests of autograd share."""

import numpy as np

from needle_edu import ops
from needle_edu.autograd import Tensor, registry
from needle_edu.autograd.arrays import BACKEND


def tensor(x, requires_grad=True):
    """A float64 tensor (integers and booleans keep their kind)."""
    x = np.asarray(x)
    return Tensor(x, dtype="float64" if x.dtype.kind == "f" else None, requires_grad=requires_grad)


def as_function(cls, attrs):
    """The op as a function of tensors, also for ops that take a tuple."""

    def function(*tensors):
        if getattr(cls, "tuple_input", False):
            tensors = (ops.make_tuple(*tensors),)
        return cls(**attrs)(*tensors)

    function.__name__ = cls.name
    return function


def cases(only=lambda cls: True):
    """All samples of all ops, as (id, class, attributes, inputs)."""
    found = []
    for name, slot in registry.ops().items():
        if only(slot.cls):
            for k, (attrs, inputs) in enumerate(slot.cls.samples(np.random.default_rng(7))):
                found.append((f"{name}-{k}", slot.cls, attrs, inputs))
    return found


TOTAL = (1,) if BACKEND == "nd" else ()  # the shape of a sum over all axes
