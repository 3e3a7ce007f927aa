"""Dropout with random numbers that are not kept: each is a function of a key and its place.

What to forget is drawn by a counter-based generator (Philox, csrc/cpu/isa/philox.h): whoever knows the key knows which
elements are dropped, so the backward pass draws them again and no mask is stored. `ops.dropout` takes a key from the
global generator, one number however large the tensor is.
"""

from needle_edu.autograd.arrays import xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register
from needle_edu.backend.arguments import integer, real

from . import sampling


@register
class KeyedDropout(UnaryOp):
    """Dropout whose choice belongs to a key: the same elements for the same key and number of elements.

    >>> from needle_edu import init, ops
    >>> ops.keyed_dropout(init.ones(8), p=0.5, key=1).numpy().tolist()
    [2.0, 2.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0]
    """

    name, symbol = "keyed_dropout", "drop"
    formula = r"y = a \odot m / (1 - p),\ m_i = [u_i \ge p]"
    vjp_formulas = (r"\bar{a} = \bar{y} \odot m / (1 - p)",)
    vjp_reads = ("",)
    vjps_on_arrays = True
    samples = staticmethod(
        sampling.shaped(
            ({"p": 0.5, "key": 1}, (3, 4)),
            ({"p": 0.2, "key": 2**62 + 5}, (2, 3, 20)),
            ({"p": 0.9, "key": 0}, (5,)),
        )
    )

    def __init__(self, p, key):
        real(self.name, 0, 1, p=p)
        self.p, self.key = p, integer(self.name, "key", key, 0)

    def compute(self, a):
        return xp.dropout(a, self.p, self.key)

    def vjp0(self, g, node):
        return self.of(g)
