"""The tracer: while a function is captured, every op that it applies becomes an instruction.

The engine asks it three things (`needle_edu.autograd.state.tracer`): to apply an op, for the vjps of a node in a
backward pass, and to take a leaf's gradient. Each value of the function has a stand-in, an array without numbers
(unknown.py). A value is known by identity, or by its array: `detach` makes another value of the same array.
"""

from __future__ import annotations

import itertools
import re
from typing import Any, NoReturn

import numpy as np

from needle_edu.autograd import Tensor, TensorTuple, Value, events, no_grad, state
from needle_edu.autograd.unbroadcast import unbroadcast
from needle_edu.autograd.value import fill_node
from needle_edu.backend import NeedleError, default_device, random, storage
from needle_edu.backend.naming import a_kind
from needle_edu.backend.scope import Block as Scope, Run
from needle_edu.ndarray import array
from needle_edu.ndarray.host import host_values

from .array_type import Type, array_types
from .flags import Flags
from .lookups import captured_embedding, captured_lookup, captured_one_hot, counted_from_0
from .optimizing import capture_computed_step, capture_step
from .own_ops import DrawnAttention, DrawnDropout, Key, Moments, OwnUpdate
from .places import DataOf, GradientOf
from .program import Instruction, Program
from .unknown import UNKNOWN, CaptureError, has_unknown, placed, stand_in, where, without_numbers
from .vjp import Vjp


class Tracer(Scope):
    """Writes down what happens in its block."""

    def __init__(self, called: dict[int, str]) -> None:
        self.called = called  # what the caller's variables call a tensor, by id
        self.thread = state.thread.number
        self.start = storage.new_version()  # leaves made from now on have this version or a later one
        self.device: Any = None
        self.inputs: dict[str, Type] = {}
        self.sources: dict[str, tuple[Type, Any]] = {}
        self.constants: dict[str, np.ndarray] = {}
        self.body: list[Instruction] = []
        self.numbers = itertools.count()  # of results; none is used twice, not even of one taken out again
        self.names: dict[int, str] = {}  # of values, by id
        self.arrays: dict[int, str] = {}  # of arrays, by id
        self.stand_ins: dict[str, Any] = {}
        self.kept: list[Any] = []  # what `names` and `arrays` know stays alive: an id is used again otherwise
        self.leaves: dict[str, Tensor] = {}  # the tensors looked up, by name
        self.before: dict[
            int, tuple[Tensor, Any, Any]
        ] = {}  # tensors, with the data and gradient they came with
        self.in_backward = False
        self.modules: dict[
            str, str
        ] = {}  # which module made a result, by name; its backward pass belongs to it
        self.module = ""
        self.flags = Flags()
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

    def input(self, example: Tensor, label: str) -> Tensor:
        """Return a tensor in the place of an argument."""
        array = example.realize_cached_data()
        self._compute_on(array.device)
        name = _free(label, self.inputs)
        self.inputs[name] = array_types(array)  # type: ignore[assignment]
        value = Tensor.make_const(stand_in(array.shape, array.dtype), example.requires_grad)
        self._know(value, name, value.cached_data)
        return value

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

    def vjps(self, node: Any) -> Any:
        """Return the vjps of a node, one function for each operand; they write down what they do."""
        op = node.op
        if op.vjps is None and op.gradient_is_a_kernel:
            return lambda g: [
                lambda op, g, node, gx=gx: gx for gx in self._opaque(op, None, g, self._seen(node))
            ]
        if op.vjps is None:
            found = self._contribution(op, None, node)
            return lambda g: [lambda op, g, node, gx=gx: gx for gx in found(g)]
        made = [
            None if vjp is None else (lambda op, g, node, k=k: self._contribution(op, k, node)(g))
            for k, vjp in enumerate(op.vjps)
        ]
        return lambda g: made

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

    def source(self, label: str, source: Any, shape: tuple, dtype: Any) -> Tensor:
        """Return a tensor in the place of an array that each run looks up."""
        name = _free(label, {**self.inputs, **self.sources})
        value = Tensor.make_const(stand_in(shape, dtype), False)
        self.sources[name] = array_types(value.cached_data), source  # type: ignore[assignment]
        self._know(value, name, value.cached_data)
        return value

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

    # ---- the backward pass --------------------------------------------------------------------------------------

    def _contribution(self, op: Any, operand: int | None, node: Any) -> Any:
        """Return a function of the adjoint g: the contribution to an operand (None: to all), written down.

        If the vjp asks for numbers, what it has written so far is taken out again, and it becomes one instruction.
        """
        seen = self._seen(node)
        inputs = seen.inputs

        def contribution(g: Any) -> Any:
            mark = len(self.body), dict(self.constants)
            self.in_backward, self.module = True, self.modules.get(self.name_of(node), "")
            try:
                if operand is None:
                    every = op.gradient_as_tuple(g, seen)
                    return [None if one is None else self._written(one) for one in every]
                x = inputs[operand]
                return self._written(unbroadcast(op.vjps[operand](op, g, seen), x, seen))
            except NeedleError:
                del self.body[mark[0] :]
                self.constants = mark[1]
                return self._opaque(op, operand, g, seen)
            finally:
                self.in_backward, self.module = False, ""

        return contribution

    def _seen(self, node: Any) -> Any:
        """Return a node as its vjp sees it: no operand has numbers."""
        inputs = tuple([self._symbol(x) for x in node.inputs])
        seen = fill_node(object.__new__(type(node)), node.op, inputs, node.cached_data, True)
        self._know(seen, self.name_of(node), node.cached_data)
        return seen

    def _opaque(self, op: Any, operand: int | None, g: Any, seen: Any) -> Any:
        vjp = Vjp(op, operand)
        result = self.apply(vjp, (g, *seen.inputs, seen))
        return result if operand is not None else list(result.tuple())

    def _written(self, contribution: Any) -> Any:
        """Return a contribution as a value with a name that requires a gradient: so its sums are written down, too."""
        name = self.name_of(contribution)
        if contribution.requires_grad:
            return contribution
        value = type(contribution).make_const(contribution.realize_cached_data(), True)
        self._know(value, name, value.cached_data)
        return value

    def _symbol(self, x: Any) -> Any:
        """Return a value without numbers in the place of an operand."""
        name = self.name_of(x)
        data = self.stand_ins[name]
        if x.cached_data is data:
            return x
        value = type(x).make_const(data, x.requires_grad)
        self._know(value, name, data)
        return value

    # ---- names --------------------------------------------------------------------------------------------------

    def name_of(self, value: Any) -> str:
        """Return the name of a value; one that was never heard of is a source or a constant."""
        known = self.names.get(id(value))
        if known is not None and (value.op is not None or self._unchanged(value, known)):
            return known
        data = value.realize_cached_data()
        name = self.arrays.get(id(data))
        if name is None:
            name = self._leaf(value, data)
        elif value.op is None and id(value) not in self.before:
            self.before[id(value)] = value, data, value.grad
        self._know(value, name, data)
        return name

    def _unchanged(self, value: Any, name: str) -> bool:
        return self.arrays.get(id(value.cached_data)) == name

    def _name_of_array(self, array: Any) -> str:
        name = self.arrays.get(id(array))
        return name if name is not None else self.name_of(Tensor.make_const(array))

    def _leaf(self, value: Any, data: Any) -> str:
        """Return a name for a leaf that the function did not compute."""
        if isinstance(data, tuple):
            raise CaptureError(f"capture: a tuple of tensors comes from outside the function{where()}")
        if data.layout.device is UNKNOWN:
            if data.storage.ptr.unknown:
                raise CaptureError(
                    "capture: an array was computed from the arguments by something that is no op, so the program "
                    f"could not compute it again; use ops on tensors{where()}"
                )
            return self._constant(data)
        if value.version >= self.start:
            return self._constant(data)
        if value.op is not None and value.requires_grad:
            raise CaptureError(
                f"capture: a tensor that was computed outside the function, by {value.op.name}, takes part in it; "
                f"compute it inside, or give detach() of it{where()}"
            )
        return self._source(value, data)

    def _constant(self, data: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = numbers = np.array(host_values(data))
        stand_in = (
            data if data.layout.device is UNKNOWN else array(numbers, dtype=numbers.dtype, device=UNKNOWN)
        )
        self._name(data, name, stand_in)
        return name

    def _source(self, value: Any, data: Any) -> str:
        self._compute_on(data.device)
        called = value.name or self.called.get(id(value)) or f"p{len(self.sources)}"
        name = _free(re.sub(r"[^\w.]", "_", called), {**self.inputs, **self.sources})
        self.sources[name] = array_types(data), DataOf(value)  # type: ignore[assignment]
        self.flags.add(value, "requires_grad")
        self.before.setdefault(id(value), (value, data, value.grad))
        self._name(data, name, stand_in(data.shape, data.dtype))
        return name

    def _name(self, data: Any, name: str, stand_in: Any) -> None:
        self.arrays[id(data)] = self.arrays[id(stand_in)] = name
        self.stand_ins[name] = stand_in
        self.kept += [data, stand_in]

    def _know(self, value: Any, name: str, data: Any) -> None:
        self.names[id(value)] = name
        self.kept.append(value)
        if name not in self.stand_ins:
            self._name(data, name, data)

    def _instruction(self, op: Any, inputs: tuple[str, ...], node: Any) -> None:
        name = str(next(self.numbers))
        data = node.cached_data
        module = self.modules[name] = self.module or str(state.module_path)
        self.body.append(Instruction(name, op, inputs, array_types(data), module, events.users_line()))
        self.names[id(node)], self.stand_ins[name] = name, data
        self.arrays.setdefault(id(data), name)  # an op may return its operand as it is
        self.kept += [node, data]

    def _compute_on(self, device: Any) -> None:
        if self.device is None:
            self.device = device
        if device is not self.device:
            raise CaptureError(
                f"capture: some tensors are on {self.device!r}, others on {device!r}; move them with .to()"
            )


def _free(wanted: str, taken: Any) -> str:
    name, k = wanted, 1
    while name in taken:
        k += 1
        name = f"{wanted}_{k}"
    return name
