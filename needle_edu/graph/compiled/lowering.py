"""Lowering: from ops to the kernel calls that they make.

Each op of a program is computed once more, on a device whose kernels compute nothing and write down how they were
called. So the list of calls is what an ordinary run would have called, by construction: fused kernels, plans and
broadcast strides included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from needle_edu.backend import Device, NeedleError, Runtime, Storage
from needle_edu.backend.dtypes import DTYPES
from needle_edu.backend.storage import check_count
from needle_edu.graph.static.array_type import Type
from needle_edu.graph.static.checks import check_program
from needle_edu.graph.static.program import Instruction, Program
from needle_edu.graph.static.unknown import moved
from needle_edu.ndarray import NDArray, array, empty
from needle_edu.ndarray.layout import Layout


class LoweringError(NeedleError):
    """A program cannot be written as kernel calls alone; the sentence says why."""


class Buffer:
    """A block of memory in a list of calls.

    Attributes
    ----------
    kind : str
        "argument" (input or source; `name` says which), "constant" (`numbers` has them), or "temporary".
    """

    __slots__ = ("dtype", "kind", "n", "name", "numbers")

    def __init__(self, dtype: int, n: int):
        self.dtype, self.n = dtype, n
        self.kind, self.name = "temporary", ""
        self.numbers: np.ndarray | None = None

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return DTYPES[self.dtype].itemsize

    @property
    def nbytes(self) -> int:
        """Its size."""
        return self.n * self.itemsize


@dataclass(frozen=True, slots=True)
class Call:
    """A kernel's name, its arguments (buffers in the place of pointers), and the instruction that it belongs to."""

    kernel: str
    arguments: tuple
    of: Instruction


@dataclass
class Lowered:
    """A program as kernel calls.

    Attributes
    ----------
    calls : list of Call
    arguments : dict
        Name → (buffer, layout) of every input and source.
    results : dict
        Name → (buffer, layout) of every value that is returned or written.
    """

    program: Program
    calls: list[Call] = field(default_factory=list)
    arguments: dict[str, tuple[Buffer, Layout]] = field(default_factory=dict)
    results: dict[str, tuple[Buffer, Layout]] = field(default_factory=dict)


class _Recording(Runtime):
    """The runtime whose kernels write down how they are called; plans are those of the device it stands for."""

    native = symbolic = True

    def __init__(self, target: Device):
        self.target = target
        self.null = target.runtime.null
        self.calls: list[Call] = []
        self.of: Any = None
        names = vars(target.kernels)
        self.kernels = SimpleNamespace(**{name: self._kernel(name) for name in names})

    def _kernel(self, name: str) -> Callable[..., int]:
        def written_down(*arguments: Any) -> int:
            named = list(buffers(arguments))
            if named[0].kind != "temporary" and name != "optimizer_steps":
                raise LoweringError(f"{self.of.op.name} writes into memory that is not its own")
            self.calls.append(Call(name, arguments, self.of))
            return 0

        return written_down

    def allocate(self, dtype: int, n: int) -> Storage:
        """Return a storage whose memory is decided on later."""
        check_count(n)
        storage = Storage()
        storage.ptr, storage.version = Buffer(dtype, n), 0
        storage.nbytes = storage.ptr.nbytes
        return storage

    def address(self, storage: Storage) -> int:
        """A number that differs from buffer to buffer."""
        return id(storage.ptr)

    def copy_from_host(self, storage: Storage, source: np.ndarray, offset: int = 0) -> None:
        """Make the buffer a constant."""
        buffer = storage.ptr
        if buffer.numbers is None:
            buffer.kind, buffer.numbers = "constant", np.zeros(buffer.n, DTYPES[buffer.dtype])
        buffer.numbers.view(source.dtype)[offset : offset + source.size] = source.ravel()

    def copy_to_host(self, storage: Storage, target: np.ndarray, offset: int = 0) -> None:
        """Read the numbers of a constant; those of others are not there yet."""
        if storage.ptr.numbers is None:
            raise LoweringError(f"{self.of.op.name} looks at numbers")
        line = storage.ptr.numbers.view(target.dtype)[offset : offset + target.size]
        target[...] = line.reshape(target.shape)

    def lower(self, *facts: Any) -> Any:
        """Return the device's own plan."""
        return self.target.lower(*facts)

    def error_detail(self) -> int:
        """No kernel has run."""
        return 0

    def get_isa(self) -> str:
        """No instruction has run."""
        return self.target.runtime.get_isa()


def buffers(arguments: Any) -> Any:
    """Yield every buffer in the arguments of a call."""
    for one in arguments:
        if type(one) is Buffer:
            yield one
        elif type(one) in (list, tuple):
            yield from buffers(one)


def lower(program: Program) -> Lowered:
    """Return the kernel calls of a program.

    Raises
    ------
    LoweringError
        If an op does more than to call kernels: it looks at numbers, say.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x: (x @ x + 1).exp(), ndl.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    >>> [call.kernel for call in lower(program).calls]
    ['matmul', 'add_scalar_dense', 'exp_dense']
    """
    check_program("lower", program)
    runtime = _Recording(program.device)
    device = Device(f"{program.device.name} being lowered", lambda: runtime)
    found = Lowered(program, runtime.calls)
    values: dict[str, Any] = {}
    for name, type_ in (*program.inputs.items(), *((k, t) for k, (t, _) in program.sources.items())):
        values[name] = argument = _array(type_, device)
        argument.storage.ptr.kind, argument.storage.ptr.name = "argument", name
        found.arguments[name] = argument.storage.ptr, argument.layout
    for name, numbers in program.constants.items():
        values[name] = array(numbers, dtype=numbers.dtype, device=device)
    twins: dict[int, Any] = {}  # of ops, which may hold arrays, and know each other
    for one in program.body:
        runtime.of = one
        twin = moved(one.op, device, twins)
        try:
            values[one.name] = twin.computed([values[name] for name in one.inputs])
        except LoweringError:
            raise
        except (NeedleError, TypeError, ValueError, AttributeError) as error:
            raise LoweringError(f"{one.op.name} is more than kernel calls: {error}") from error
    for name in dict.fromkeys(program.results()):
        result = values[name]
        found.results[name] = result.storage.ptr, result.layout
    return found


def _array(type_: Type, device: Device) -> NDArray:
    return empty(type_.shape, dtype=type_.dtype, device=device)
