"""Random graphs for a homework about compilers, what they compute, and whether a pass has kept it.

A graph is plain data here, so that it travels to where a student's pass runs, and back:

>>> graph = made_of({"x": (2,)}, ["a = mul_scalar x scalar=2.0", "b = add a x"], outputs=["b"])
>>> graph["body"]
[['a', 'mul_scalar', ['x'], {'scalar': 2.0}, (2,)], ['b', 'add', ['a', 'x'], {}, (2,)]]
>>> import numpy as np
>>> values_of(graph, {"x": np.array([1.0, 10.0])})["b"]
array([ 3., 30.])

It has the parts of a `needle_edu.graph.static.Program` under their names; an instruction is its name, op, operands,
attributes and shape. What it computes is said here once more, by NumPy in float64: who judges a pass must not run the
code that the pass was written for.
"""

from .drawing import random_graph
from .judging import keeps_its_meaning
from .meaning import COMMUTATIVE, ELEMENTWISE, bits, ends_of, made_of, numbers_for, values_of

__all__ = [
    "COMMUTATIVE", "ELEMENTWISE", "bits", "ends_of", "keeps_its_meaning", "made_of", "numbers_for", "random_graph",
    "values_of",
]  # fmt: skip
