"""Moving a region of elementwise instructions into another layout."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from needle_edu.graph.static.array_type import Type
from needle_edu.graph.static.program import Instruction, Program

from .regions import Region
from .rewriting import Rename, renamed
from .views import View


def moved(region: Region, view: View) -> Program:
    """Return the program in which a region computes on its operands seen through `view`.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.passes.regions import regions
    >>> program = ndl.graph.capture(lambda x: x.T.exp(), ndl.Tensor([[1.0, 2.0]]))
    >>> print(moved(regions(program)[0], View("permute", (1, 0))))
    program lambda(%x: float32[1,2]) on cpu() {
      %0 = transpose(%x) : float32[2,1]
      %2 = exp(%x) : float32[1,2]
      %1 = permute(%2) {axes: (1, 0)} : float32[2,1]
      return %1
    }
    """
    return _Moving(region, view).program()


class _Moving:
    def __init__(self, region: Region, view: View):
        self.region, self.view, self.uses = region, view, region.uses
        self.back, self.shape = view.undone(region.shape), view.shape(region.shape)
        self.body: list[Instruction] = []
        self.constants = dict(self.uses.program.constants)
        taken = [int(name) for name in self.uses.types if name.isdecimal()]
        self.numbers = itertools.count(max(taken, default=-1) + 1)
        self.inside: Rename = {}  # operands and results of the region, as they are called in the new layout
        self.instead: Rename = {}  # views that are no more

    def program(self) -> Program:
        """Go through the program once."""
        of = self.uses.program
        for one in of.body:
            if one.name in self.region.members:
                self._member(one)
            elif not self._view_behind(one):
                self.body.append(replace(one, inputs=renamed(one.inputs, self.instead)))
        return of.with_(
            body=tuple(self.body),
            constants=self.constants,
            outputs=renamed(of.outputs, self.instead),
            updates=tuple([(self.instead.get(name, name), target) for name, target in of.updates]),
        )

    def _member(self, one: Instruction) -> None:
        """Write down an instruction of the region; and its result as it was, if somebody needs that."""
        given = tuple([self._operand(name, one) for name in one.inputs])
        name = self.inside[one.name] = str(next(self.numbers))
        type_ = Type(self.shape, one.type.dtype)  # type: ignore[union-attr]
        self.body.append(replace(one, name=name, inputs=given, type=type_))
        if self.region.is_needed(one.name, self.view):
            self.body.append(replace(one, op=self.back.op(), inputs=(name,)))

    def _view_behind(self, one: Instruction) -> bool:
        """Write down a view of the region's result, if any is needed; whether `one` was such a view."""
        found = self.uses.view(one.name)
        if found is None or found[0] not in self.region.members:
            return False
        both = found[1].after(self.back)
        if both is None:
            return False
        name = self.inside[found[0]]
        if both.changes(self.shape):
            self.body.append(replace(one, op=both.op(), inputs=(name,)))
        else:
            self.instead[one.name] = name
        return True

    def _operand(self, name: str, of: Instruction) -> str:
        """Return what an operand is called in the new layout; a view of it is written down if it needs one."""
        if name not in self.inside:
            self.inside[name] = self._seen(name, of)
        return self.inside[name]

    def _seen(self, name: str, of: Instruction) -> str:
        shape, before = self.uses.shape(name), self.region.view_before(name)
        if shape != self.region.shape:
            return self._broadcast(name, shape, of)
        if name in self.constants:
            return self._constant(name, self.view.of(self.constants[name]))
        both = None if before is None else self.view.after(before[1])
        if before is None or both is None:
            return self._written(self.instead.get(name, name), self.view, of)
        source = self.instead.get(before[0], before[0])
        return self._written(source, both, of) if both.changes(self.uses.shape(before[0])) else source

    def _broadcast(self, name: str, shape: tuple[int, ...], of: Instruction) -> str:
        """An operand of fewer elements: its axes, with those of one element that it lacks in front, are permuted."""
        source, whole = self.instead.get(name, name), (1,) * (len(self.region.shape) - len(shape)) + shape
        if self.uses.types[name].size == 1:  # type: ignore[union-attr]
            fits = len(shape) <= len(self.shape)
            return source if fits else self._written(source, View("reshape", (1,)), of)
        if name in self.constants:
            return self._constant(name, self.view.of(self.constants[name].reshape(whole)))
        if whole != shape:
            source = self._written(source, View("reshape", whole), of)
        return self._written(source, self.view, of) if self.view.changes(whole) else source

    def _constant(self, name: str, numbers: np.ndarray) -> str:
        new = str(next(self.numbers))
        self.constants[new] = np.ascontiguousarray(numbers)
        return new

    def _written(self, name: str, view: View, of: Instruction) -> str:
        """Write down a view of a value, and return its name."""
        type_ = self._type(name)
        new, seen = str(next(self.numbers)), Type(view.shape(type_.shape), type_.dtype)
        self.body.append(Instruction(new, view.op(), (name,), seen, of.module, of.line))
        return new

    def _type(self, name: str) -> Type:
        known = self.uses.types.get(name) or next(one.type for one in self.body if one.name == name)
        assert isinstance(known, Type)
        return known
