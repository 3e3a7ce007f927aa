"""The tracer: while a function is captured, every op that it applies becomes an instruction.

The engine asks it three things (`needle_edu.autograd.state.tracer`): to apply an op, for the vjps of a node in a
backward pass, and to take a leaf's gradient. Each value of the function has a name (names.py) and a stand-in, an array
without numbers (unknown.py); the vjps are written down by backward.py.
"""

from __future__ import annotations

import itertools
from typing import Any, NoReturn

from needle_edu.autograd import Tensor, TensorTuple, Value, events, no_grad, state
from needle_edu.backend import NeedleError, default_device, random
from needle_edu.backend.naming import a_kind
from needle_edu.backend.scope import Block as Scope, Run

from .array_type import array_types
from .backward import BackwardPass
from .lookups import captured_embedding, captured_lookup, captured_one_hot, counted_from_0
from .optimizing import capture_computed_step, capture_step
from .own_ops import DrawnAttention, DrawnDropout, Key, Moments, OwnUpdate
from .places import DataOf, GradientOf
from .program import Instruction, Program
from .unknown import CaptureError, has_unknown, placed, where, without_numbers


class Tracer(BackwardPass, Scope):
    """Writes down what happens in its block."""

    def __init__(self, called: dict[int, str]) -> None:
        super().__init__(called)
        self.thread = state.thread.number
        self.numbers = itertools.count()  # of results; none is used twice, not even of one taken out again
        self.computing = False  # in the middle of an op, whose own ops are not the function's
        self.writes: list[tuple[Value, Any]] = []  # what else is written where

    def begin(self, run: Run) -> None:
        """Let the engine ask."""
        if state.tracer is not None:
            raise CaptureError("capture: a function is being captured already; capture one after the other")
        state.set_tracer(self)
        random.refuse(self._refuse_draw)

    def end(self, run: Run) -> None:
        """Put every tensor back as it was."""
        if state.tracer is not self:
            return
        state.set_tracer(None)
        random.refuse(None)
        self.written = [(tensor, tensor.cached_data, tensor.grad) for tensor, _, _ in self.before.values()]
        for tensor, data, grad in self.before.values():
            tensor.cached_data, tensor.grad = data, grad

    def here(self) -> bool:
        """Whether this thread is the one that captures."""
        return state.thread.number == self.thread and not self.computing

    # ---- what the function begins and ends with -----------------------------------------------------------------

    def output(self, value: Any) -> str:
        """Return the name of what the function returned."""
        if not isinstance(value, Value):
            try:
                value = Tensor(value)
            except NeedleError:
                raise CaptureError(
                    f"capture: the function returns {a_kind(value)}; wanted tensors, or tuples, lists and dicts of them"
                ) from None
        if isinstance(value, TensorTuple):
            raise CaptureError("capture: the function returns a TensorTuple; return its parts, tuple(t)")
        return self.name_of(value)

    def program(self, name: str, outputs: list[str], unflatten: Any) -> Program:
        """Return what was written down."""
        updates: list[tuple[str, Any]] = []
        for (tensor, data, grad), (_, new_data, new_grad) in zip(
            self.before.values(), self.written, strict=True
        ):
            if new_data is not data:
                updates.append((self._name_of_array(new_data), DataOf(tensor)))
            if new_grad is not grad and new_grad is not None:
                updates.append((self.name_of(new_grad), GradientOf(tensor)))
        updates += [(self.name_of(value), target) for value, target in self.writes]
        return Program(
            name, self.device or default_device(), self.inputs, self.sources, self.constants, tuple(self.body),
            tuple(outputs), tuple(updates), unflatten, self.flags,
        )  # fmt: skip

    # ---- what the engine asks -----------------------------------------------------------------------------------

    def apply(self, op: Any, inputs: tuple) -> Any:
        """Write an op down, and return its result without numbers."""
        if op.name == "to_device" and op.device is self.device:
            return inputs[0]
        names = tuple([self.name_of(x) for x in inputs])
        if op.name in ("getitem", "getitem_backward") and has_unknown(op.index):
            return captured_lookup(op, inputs[0], self.arrays)
        if any(map(has_unknown, vars(op).values())):
            raise CaptureError(
                f"{op.name}: an array that was computed from the arguments is an attribute of this op (an index, say), "
                f"which the program could not compute again{where()}"
            )
        self.computing = True
        try:
            data = without_numbers(op).computed([self.stand_ins[name] for name in names])
        except CaptureError as error:
            raise placed(error, op.name) from None
        finally:
            self.computing = False
        node = op._result(inputs, data, keep=True)
        node.requires_grad |= self.in_backward
        self._instruction(op, names, node)
        return node

    def _instruction(self, op: Any, inputs: tuple[str, ...], node: Any) -> None:
        name = str(next(self.numbers))
        data = node.cached_data
        module = self.modules[name] = self.module or str(state.module_path)
        self.body.append(Instruction(name, op, inputs, array_types(data), module, events.users_line()))
        self.names[id(node)], self.stand_ins[name] = name, data
        self.arrays.setdefault(id(data), name)  # an op may return its operand as it is
        self.kept += [node, data]

    def write_leaf(self, leaf: Any, g: Any, accumulate: bool) -> None:
        """Note that a leaf's gradient is `g`."""
        if accumulate and leaf.grad is not None:
            g = leaf.grad + g
        self.name_of(leaf)
        leaf.grad = g

    def replaced(self, value: Any) -> None:
        """Note that a tensor is about to hold another array."""
        self.looked_up(value)

    def looked_up(self, value: Any) -> None:
        """Note that a tensor's array is taken, by `detach` say: each run takes the one that is there then."""
        if value.op is None:
            self.name_of(value)

    def dropout(self, a: Any, p: float) -> Any:
        """Return `a` with numbers dropped by a key that each run draws."""
        self.name_of(a)  # the device is known now
        return DrawnDropout(p).apply(a, self.source("key", Key(self.device), (1,), "int64"))

    def attention(self, op: Any, operands: tuple) -> Any:
        """Return attention, with numbers dropped by a key that each run draws."""
        drawn = DrawnAttention(op.scale, op.diagonal, op.dropout_p)
        drawn.mask_learns = op.mask_learns
        for one in operands:
            self.name_of(one)  # the device is known now
        return drawn.apply(*operands, self.source("key", Key(self.device), (1,), "int64"))

    def knows_numbers(self, array: Any) -> bool:
        """Whether the numbers of an index are known now; else each run has others."""
        return not has_unknown(array)

    def called_module(self, module: Any) -> None:
        """Note that the function calls a module, which may decide by whether it is training."""
        self.flags.add(module, "training")

    def in_place(self, who: str, tensor: Any, *others: Any) -> None:
        """Refuse to write into a tensor. A mask may be made: elements of a new tensor set to numbers that are known."""
        new = tensor.op is None and tensor.version >= self.start and id(tensor.cached_data) not in self.arrays
        if who != "setitem" or not new or any(map(has_unknown, (tensor, *others))):
            self.refuse(
                f"{who}: the function writes into the memory of a tensor, which a program does not; compute a new "
                "tensor (for a parameter or a buffer: p.data = p.data + ...)"
            )

    def refuse(self, sentence: str) -> NoReturn:
        """Raise: the program could not do this."""
        raise CaptureError(f"{sentence}{where()}")

    def from_0(self, index: Any, n: int) -> Any:
        """Return an index, -1 of which is out of range for n elements, as n is, and not the last one."""
        return counted_from_0(Tensor.make_const(index), n).cached_data

    def one_hot(self, index: Any, n: int) -> Tensor:
        """Return rows that are 1 at the place an index names."""
        return captured_one_hot(Tensor.make_const(index), n)

    def embedding(self, index: Tensor, table: Tensor, padding: int | None) -> Tensor:
        """Return the rows of a table that `index` names, by an op that takes the index as an operand."""
        return captured_embedding(index, table, padding)

    def moments(self, op: Any, x: Any, axes: tuple[int, ...]) -> tuple:
        """Return what a normalisation has measured, as tensors."""
        measured = Moments(axes)
        measured.measured_by = op
        return measured.apply(x).tuple()

    def optimizer_step(self, optimizer: Any, members: list, group: dict) -> None:
        """Write down an optimiser's step."""
        with no_grad():
            capture_step(self, optimizer, members, group)

    def own_update(self, optimizer: Any, members: list, group: dict) -> None:
        """Write down the step of an optimiser that computes it itself, parameter by parameter."""
        with no_grad():
            for place, p in members:
                if hasattr(optimizer, "stepped"):
                    capture_computed_step(self, optimizer, place, p, group)
                    continue
                step = OwnUpdate(optimizer, place, group)
                p.data = self.apply(step, (p.detach(), p.grad))

    def write(self, target: Any, value: Tensor) -> None:
        """Let each run write a value there."""
        self.writes.append((value, target))

    def _refuse_draw(self) -> None:
        if self.here():
            raise placed(
                CaptureError(
                    "the function draws random numbers, which every run of the program would repeat; draw them outside "
                    "and give them as an argument (ops.dropout and nn.Dropout draw anew at each run)"
                ),
                "capture",
            )
