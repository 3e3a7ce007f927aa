"""Views in a program: instructions that change no number, only where each is found.

A permutation of axes or another shape is a function on shapes, and two of one kind are one. A kernel pays for a view
where it cannot walk straight through memory; a reshape of what was permuted is a copy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from needle_edu.autograd.op import Op
from needle_edu.autograd.registry import slot
from needle_edu.graph.static.program import Instruction


@dataclass(frozen=True)
class View:
    """A permutation of axes, or another shape.

    Attributes
    ----------
    kind : str
        "permute" or "reshape", as the op is called.
    numbers : tuple of int
        Which axis of the operand each axis of the result is; or the shape.
    """

    kind: str
    numbers: tuple[int, ...]

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape that an operand of this shape gets.

        Examples
        --------
        >>> View("permute", (0, 3, 1, 2)).shape((8, 32, 32, 3))
        (8, 3, 32, 32)
        """
        return tuple([shape[axis] for axis in self.numbers]) if self.kind == "permute" else self.numbers

    def after(self, first: View) -> View | None:
        """Return the one view that does what `first` and then this one do; None if there is none.

        Examples
        --------
        >>> View("permute", (1, 2, 0)).after(View("permute", (1, 2, 0)))
        View(kind='permute', numbers=(2, 0, 1))
        """
        if self.kind != first.kind:
            return None
        return View(self.kind, self.shape(first.numbers) if self.kind == "permute" else self.numbers)

    def undone(self, shape: tuple[int, ...]) -> View:
        """Return the view that takes this one back, where an operand of `shape` came first."""
        if self.kind == "reshape":
            return View("reshape", shape)
        return View("permute", tuple([self.numbers.index(axis) for axis in range(len(shape))]))

    def changes(self, shape: tuple[int, ...]) -> bool:
        """Whether an operand of this shape is another one afterwards."""
        return self.numbers != (shape if self.kind == "reshape" else tuple(range(len(shape))))

    def of(self, numbers: np.ndarray) -> np.ndarray:
        """Return an array seen so."""
        return numbers.reshape(self.numbers) if self.kind == "reshape" else numbers.transpose(self.numbers)

    def op(self) -> Op:
        """Return the op."""
        return slot(self.kind).cls(self.numbers)


def view_of(one: Instruction, shape: tuple[int, ...]) -> View | None:
    """Return the view that an instruction is, of an operand of this shape; None if it computes something.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x: x.T.exp(), ndl.Tensor([[1.0, 2.0]]))
    >>> [view_of(one, (1, 2)) for one in program.body]
    [View(kind='permute', numbers=(1, 0)), None]
    """
    if one.op.name == "reshape":
        return View("reshape", one.type.shape)  # type: ignore[union-attr]
    axes = list(range(len(shape)))
    if one.op.name == "permute":
        return View("permute", tuple([axes[axis] for axis in one.attributes["axes"]]))
    if one.op.name == "transpose":
        a, b = one.attributes.get("axes") or (-2, -1)
        axes[a], axes[b] = axes[b], axes[a]
        return View("permute", tuple(axes))
    return None
