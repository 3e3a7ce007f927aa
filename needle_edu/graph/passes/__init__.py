"""Passes: from a program to another one that computes the same with less.

Each pass is a function of a program that returns a program; it changes neither the program that it is given nor its
results, not by a single bit (but for `layout`, after which a sum may add in another order). `optimize` runs them one
after the other, `explain` shows what each one did:

>>> import needle_edu as ndl
>>> def f(x):
...     unused = x.exp()
...     return (x * 2 + (x * 2)) * 1
>>> print(explain(ndl.graph.capture(f, ndl.Tensor([1.0]))))
pass                    instructions         bytes
                              5                 20
constant_folding              5                 20
algebra                       4     -1          16
common_subexpressions         3     -1          12
dead_code                     2     -1           8
layout                        2                  8
"""

from .algebra import algebra
from .common_subexpressions import common_subexpressions
from .constant_folding import constant_folding
from .dead_code import dead_code
from .explain import Explanation, explain
from .layout import layout
from .pipeline import PASSES, optimize
from .scheduling import peak_bytes, scheduling

__all__ = [
    "PASSES",
    "Explanation",
    "algebra",
    "common_subexpressions",
    "constant_folding",
    "dead_code",
    "explain",
    "layout",
    "optimize",
    "peak_bytes",
    "scheduling",
]


def __dir__() -> list[str]:
    return sorted(__all__)
