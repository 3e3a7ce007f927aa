"""Ops that only programs have: what in an ordinary run is done beside the graph.

Dropout draws a key from the global generator, batch normalisation averages what it has measured, and an optimiser
makes all its steps in one kernel call. A program needs these as instructions. Each computes by the same code as the
ordinary run.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from needle_edu.autograd import Tensor
from needle_edu.autograd.array_pass import ArrayNode
from needle_edu.autograd.arrays import add_at, enter, getitem, optimizer_steps, to_numpy, xp
from needle_edu.autograd.op import TensorOp, TensorTupleOp
from needle_edu.backend import NeedleError
from needle_edu.backend.optimizer_steps import Numbers
from needle_edu.ndarray.dropout import by_key
from needle_edu.ops.attention import Attention
from needle_edu.ops.dropping import draw_key
from needle_edu.ops.normalization import moments

from .unknown import UNKNOWN


def symbolic(array: Any) -> bool:
    """Whether an array's kernels are only written down (needle_edu/graph/compiled/lowering.py)."""
    return getattr(array.device.runtime, "symbolic", False)


class DrawnDropout(TensorOp):
    """Dropout by a key that is drawn at each run: `keyed_dropout` whose key is an operand."""

    name, symbol = "drawn_dropout", "drop"

    def __init__(self, p: float):
        self.p = p

    def compute(self, a: Any, key: Any) -> Any:
        if a.device is UNKNOWN:
            return a * 1
        return by_key(a, self.p, key.storage.ptr if symbolic(key) else int(to_numpy(key)[0]))

    def vjp0(self, g: Any, node: Any) -> Any:
        return self.apply(g, node.inputs[1])


class DrawnAttention(Attention):
    """Attention whose dropout has a key that is drawn at each run: the last operand."""

    name, symbol = "drawn_attention", "softmax(abᵀ)c"

    def __init__(self, scale: float | None = None, diagonal: int | None = None, dropout_p: float = 0.0):
        super().__init__(scale, diagonal, dropout_p)

    def compute(self, q: Any, k: Any, v: Any, *others: Any) -> Any:
        *mask, key = others
        self.key = 0 if q.device is UNKNOWN else key.storage.ptr if symbolic(key) else int(to_numpy(key)[0])
        return super().compute(q, k, v, *mask)

    def gradient(self, g: Any, node: Any) -> Any:
        *operands, key = node.inputs
        if not isinstance(key, Tensor):
            self.key = key.storage.ptr if symbolic(key) else int(to_numpy(key)[0])
        without = ArrayNode()
        without.inputs = tuple(operands)
        return (*super().gradient(g, without), None)


class Lookup(TensorOp):
    """What an index names, in which "%1", "%2", … stand for operands; what is out of range is the kernel's error."""

    name, symbol = "lookup", "[ ]"

    def __init__(self, index: Any = "%1"):
        self.index = index

    def compute(self, a: Any, *named: Any) -> Any:
        return getitem(a, filled(self.index, named))

    def vjp0(self, g: Any, node: Any) -> Any:
        return LookupBackward(node.inputs[0].shape, self.index).apply(g, *node.inputs[1:])

    vjp1 = None  # whole numbers have no derivative


class LookupBackward(TensorOp):
    """Zeros of a shape, with each element of the adjoint added to the one that it was looked up from."""

    name, symbol = "lookup_backward", "[ ]′"

    def __init__(self, shape: tuple[int, ...], index: Any = "%1"):
        self.shape, self.index = shape, index

    def compute(self, g: Any, *named: Any) -> Any:
        return add_at(xp.zeros(self.shape, dtype=g.dtype, device=g.device), filled(self.index, named), g)

    def vjp0(self, g: Any, node: Any) -> Any:
        return Lookup(self.index).apply(g, *node.inputs[1:])

    vjp1 = None


def filled(index: Any, named: tuple) -> Any:
    """Return an index with arrays in the places that "%1", "%2", … hold.

    Examples
    --------
    >>> filled((slice(None), "%1"), ([0, 2],))
    (slice(None, None, None), [0, 2])
    """
    if isinstance(index, tuple):
        return tuple([filled(part, named) for part in index])
    return named[int(index[1:]) - 1] if isinstance(index, str) else index


class Moments(TensorTupleOp):
    """The means and biased variances that a normalisation has measured, as lines of float64."""

    name, symbol = "moments", "μ, σ²"
    differentiable = False

    def __init__(self, axes: tuple[int, ...]):
        self.axes, self.measured_by = axes, None

    def compute(self, a: Any) -> Any:
        found = moments(self.measured_by, Tensor.make_const(a), self.axes)
        return tuple([xp.astype(one, "float64") for one in found])


class OptimizerSteps(TensorTupleOp):
    """One step of several parameters: the formula's numbers, then of each parameter itself, gradient and memories.

    The result has of each parameter the new one, and its memories.
    """

    name, symbol = "optimizer_steps", "step"
    differentiable = False

    def __init__(self, kind: str, memories: int):
        self.kind, self.memories = kind, memories

    def compute(self, numbers: Any, *arrays: Any) -> Any:
        width = 2 + self.memories
        rows = [arrays[k : k + width] for k in range(0, len(arrays), width)]
        if numbers.device is UNKNOWN:
            return tuple([one * 1 for p, _, *memories in rows for one in (p, *memories)])
        told = numbers.storage.ptr if symbolic(numbers) else Numbers(*to_numpy(numbers).tolist())
        # The averages are written over: their own tensors take them back afterwards.
        done = optimizer_steps([(self.kind, p, g, memories, told, False) for p, g, *memories in rows])
        return tuple([one for new, memories in done for one in (new, *memories)])


class OwnUpdate(TensorOp):
    """A parameter's step by an optimiser that computes it in Python, and remembers what it wants to."""

    name, symbol = "own_update", "step"
    differentiable = False

    def __init__(self, optimizer: Any, place: int, group: dict):
        self._of = optimizer, place, group

    def compute(self, p: Any, g: Any) -> Any:
        if p.device is UNKNOWN:
            return p * 1
        optimizer, place, group = self._of
        if symbolic(p):
            raise NeedleError(
                f"{type(optimizer).__name__} computes its steps in Python (it defines `update`)"
            )
        state = dict(optimizer.state.get(place, ()))
        new = optimizer.update(p, -g if group["maximize"] else g, state, group)
        optimizer.state[place] = state
        return new


class ComputedStep(TensorTupleOp):
    """A parameter's step by an optimiser that computes it with arrays alone (`Optimizer.stepped`).

    Operands: parameter, gradient, the numbers that the formula is told, memories. The result has the new parameter, and
    its memories.
    """

    name, symbol = "computed_step", "step"
    differentiable = False

    def __init__(self, optimizer: Any, group: dict, told: tuple[str, ...]):
        self._of = optimizer, group, told

    def compute(self, p: Any, g: Any, numbers: Any, *memories: Any) -> Any:
        if p.device is UNKNOWN:
            return tuple([one * 1 for one in (p, *memories)])
        optimizer, group, told = self._of
        state = dict(zip(optimizer.memories, memories, strict=True))
        n = {name: numbers[k : k + 1] for k, name in enumerate(told)}
        new = optimizer.stepped(p, -g if group["maximize"] else g, state, n, group)
        return (new, *[state[name] for name in optimizer.memories])


class Key:
    """A source: a fresh key for dropout, drawn from the global generator."""

    owner: Any = None

    def __init__(self, device: Any):
        self.device = device

    def numbers(self) -> np.ndarray:
        """Draw one."""
        return np.array([draw_key()], np.int64)

    def read(self) -> Any:
        """Draw one, for the device."""
        return enter(self.numbers(), self.device)


OWN_OPS: dict[str, Any] = {
    cls.name: cls for cls in (DrawnDropout, DrawnAttention, Lookup, LookupBackward, Moments, OptimizerSteps)
}
