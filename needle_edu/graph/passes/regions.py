"""Regions of elementwise instructions: where they end, and what the views at their border cost.

A region is a set of elementwise instructions of one shape that take one another's results. Its border are the operands
that come from outside, and the results that somebody outside reads. What a view there costs is counted as the bytes
that are seen through it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from needle_edu.graph.static.array_type import Type
from needle_edu.graph.static.program import Instruction, Program

from .views import View, view_of

# Element i of the result depends on elements i of the operands alone, whatever the shape.
ELEMENTWISE = frozenset([
    "abs", "acos", "acosh", "activation_backward", "add", "add_scalar", "asin", "asinh", "astype", "atan", "atan2",
    "atanh", "ceil", "celu", "clip", "cos", "cosh", "divide", "divide_scalar", "elu", "equal", "erf", "exp", "expm1",
    "floor", "floor_divide", "fmod", "gelu", "gelu_backward", "greater", "greater_equal", "hardshrink", "hardsigmoid",
    "hardswish", "hardtanh", "isfinite", "isinf", "isnan", "leaky_relu", "less", "less_equal", "log", "log10", "log1p",
    "log2", "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor", "logsigmoid", "maximum", "minimum",
    "mish", "mul_scalar", "multiply", "negate", "not_equal", "power", "power_scalar", "reciprocal", "relu", "relu6",
    "relu_backward", "remainder", "round", "selu", "sigmoid", "sigmoid_backward", "sign", "silu", "silu_backward",
    "sin", "sinh", "softplus", "softshrink", "softsign", "sqrt", "square", "tan", "tanh", "tanh_backward", "tanhshrink",
    "threshold", "trunc", "where",
])  # fmt: skip


class Uses:
    """Who makes and who reads the values of a program."""

    def __init__(self, program: Program):
        self.program, self.types = program, program.types()
        self.makers = {one.name: one for one in program.body}
        self.results = set(program.results())
        self.readers: dict[str, list[Instruction]] = {name: [] for name in self.types}
        for one in program.body:
            for name in dict.fromkeys(one.inputs):
                self.readers[name].append(one)

    def view(self, name: str) -> tuple[str, View] | None:
        """Return (operand, view) if a value is a view of another one."""
        one = self.makers.get(name)
        if one is None or len(one.inputs) != 1 or not isinstance(self.types[one.inputs[0]], Type):
            return None
        found = view_of(one, self.shape(one.inputs[0]))
        return None if found is None else (one.inputs[0], found)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of an array."""
        return self.types[name].shape  # type: ignore[union-attr]

    def nbytes(self, name: str) -> int:
        """Return the bytes of an array."""
        return self.types[name].nbytes  # type: ignore[union-attr]


class Region:
    """Elementwise instructions that compute in one layout.

    Attributes
    ----------
    members : tuple of str
        Names of their results, in the program's order.
    shape : tuple of int
        Of each of them.
    """

    def __init__(self, uses: Uses, members: list[str]):
        self.uses, self.members = uses, tuple(members)
        self.shape = uses.shape(members[0])
        self.as_it_is = View("reshape", self.shape)
        self._inside = set(members)
        operands = [name for member in members for name in uses.makers[member].inputs]
        self.operands = [name for name in dict.fromkeys(operands) if name not in self._inside]

    def view_before(self, name: str) -> tuple[str, View] | None:
        """Return (what it is a view of, view) of an operand, unless that is a result of the region itself."""
        found = self.uses.view(name)
        return None if found is None or found[0] in self._inside else found

    def readers(self, member: str) -> Iterator[tuple[Instruction, View | None]]:
        """Yield who reads a result outside of the region, and the view that it is."""
        for one in self.uses.readers[member]:
            if one.name not in self._inside:
                found = self.uses.view(one.name)
                yield one, None if found is None else found[1]

    def suggested(self) -> list[View]:
        """Return the layouts in which some view at the border would be none: as views of the region's shape."""
        found: list[View] = []
        for name in self.operands:
            before = self.view_before(name)
            if before is not None and self.uses.shape(name) == self.shape:
                found.append(before[1].undone(self.uses.shape(before[0])))
        for member in self.members:
            found += [view for _, view in self.readers(member) if view is not None]
        return [view for view in dict.fromkeys(found) if view.changes(self.shape)]

    def cost(self, view: View) -> float:
        """Return the bytes that are seen through views at the border, if the region computes seen through `view`."""
        return sum(self._cost_before(name, view) for name in self.operands) + sum(
            self._cost_behind(member, view) for member in self.members
        )

    def _cost_before(self, name: str, view: View) -> float:
        uses, shape, nbytes = self.uses, self.uses.shape(name), self.uses.nbytes(name)
        moves = view.changes(self.shape)
        if shape != self.shape:  # it is broadcast
            if not moves or uses.types[name].size == 1:  # type: ignore[union-attr]
                return 0
            return math.inf if view.kind == "reshape" else 0 if name in uses.program.constants else nbytes
        if name in uses.program.constants:  # it is moved now, once
            return 0
        before = self.view_before(name)
        alone = all(one.name in self._inside for one in uses.readers[name]) and name not in uses.results
        there = nbytes if before is not None and alone else 0  # that would be gone without the region
        if not moves:
            return there
        both = None if before is None else view.after(before[1])
        if before is None or both is None:
            return there + (nbytes if view.kind == "reshape" else self._read(name))
        return nbytes if both.changes(uses.shape(before[0])) else 0

    def _read(self, name: str) -> int:
        """Return the bytes that are read of an operand: what is broadcast lies in memory once."""
        maker = self.uses.makers.get(name)
        spread = maker is not None and maker.op.name == "broadcast_to"
        return self.uses.nbytes(maker.inputs[0] if spread and maker is not None else name)

    def _cost_behind(self, member: str, view: View) -> float:
        nbytes, found = self.uses.nbytes(member), list(self.readers(member))
        if not view.changes(self.shape):
            return nbytes * sum(1 for _, behind in found if behind is not None)
        back, total = view.undone(self.shape), 0
        for _, behind in found:
            both = None if behind is None else behind.after(back)
            if both is not None:
                total += nbytes if both.changes(view.shape(self.shape)) else 0
            elif behind is not None:
                total += nbytes
        return total + (nbytes if self.is_needed(member, view) else 0)

    def is_needed(self, member: str, view: View) -> bool:
        """Whether somebody outside reads a result in the shape and order that it has now."""
        back = view.undone(self.shape)
        read = any(behind is None or behind.after(back) is None for _, behind in self.readers(member))
        return read or member in self.uses.results


def regions(program: Program) -> list[Region]:
    """Return the regions of a program.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x: (x.exp() + 1).T.tanh(), ndl.Tensor([[1.0, 2.0]]))
    >>> [region.members for region in regions(program)]
    [('0', '1'), ('3',)]
    """
    uses = Uses(program)
    of: dict[str, list[Any]] = {}  # a result → the list of its region
    for one in program.body:
        if one.op.name not in ELEMENTWISE or not isinstance(one.type, Type) or one.type.size < 2:
            continue
        own = [one.name]
        for name in one.inputs:
            other = of.get(name)
            if other is not None and other is not own and uses.shape(name) == one.type.shape:
                other += own
                own = other
        of |= dict.fromkeys(own, own)
    place = {one.name: k for k, one in enumerate(program.body)}
    lists = {id(own): own for own in of.values()}
    return [Region(uses, sorted(own, key=place.__getitem__)) for own in lists.values()]
