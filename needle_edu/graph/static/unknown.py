"""Arrays that have a shape but, as yet, no numbers: what a function is captured with.

They live on a device of their own. Its kernels are those of the NumPy reference where all numbers are known (a constant
that the function makes, and what is computed of constants), and do nothing where some are not. So an op computes the
shape and dtype of its result by the very code that computes the result, and no second set of rules can be wrong. Who
asks for a number that is not known gets a `CaptureError`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from needle_edu.autograd import Tensor, events
from needle_edu.autograd.op import Op
from needle_edu.backend import Device, NeedleError, Runtime, Storage
from needle_edu.backend.dtypes import DTYPES
from needle_edu.backend.reference import ReferenceRuntime
from needle_edu.backend.storage import check_count
from needle_edu.ndarray import NDArray, array, empty


class CaptureError(NeedleError):
    """A function does something that its captured program could not repeat."""


class Block:
    """The memory of such an array: numbers, once they are known; `unknown` once it holds some that are not."""

    __slots__ = ("_numbers", "dtype", "n", "unknown")

    def __init__(self, dtype: int, n: int):
        self.dtype, self.n, self.unknown = dtype, n, False
        self._numbers: np.ndarray | None = None  # no memory is taken before something is written

    def numbers(self) -> np.ndarray:
        """The memory itself."""
        if self._numbers is None:
            self._numbers = np.zeros(self.n, DTYPES[self.dtype])
        return self._numbers

    def forget(self) -> None:
        """What is here is not known any more."""
        self._numbers, self.unknown = None, True

    @property
    def empty(self) -> bool:
        """Whether nothing was written yet."""
        return self._numbers is None and not self.unknown


class UnknownRuntime(Runtime):
    """The runtime of that device."""

    native = True  # so that ops call the kernels that they call on a device with compiled ones

    def __init__(self) -> None:
        self.inner = ReferenceRuntime()
        self.kernels = SimpleNamespace(
            **{name: where_known(kernel) for name, kernel in vars(self.inner.kernels).items()}
        )

    def allocate(self, dtype: int, n: int) -> Storage:
        """Return a storage of `n` elements, not initialised, that takes no memory."""
        check_count(n)
        storage = Storage()
        storage.ptr, storage.version = Block(dtype, n), 0
        storage.nbytes = n * DTYPES[dtype].itemsize
        return storage

    def address(self, storage: Storage) -> int:
        """There is no memory; a number that differs from block to block."""
        return id(storage.ptr)

    def copy_from_host(self, storage: Storage, source: np.ndarray, offset: int = 0) -> None:
        """Write numbers that are known."""
        if not storage.ptr.unknown:
            storage.ptr.numbers().view(source.dtype)[offset : offset + source.size] = source.ravel()

    def copy_to_host(self, storage: Storage, target: np.ndarray, offset: int = 0) -> None:
        """Read numbers, if they are known."""
        if storage.ptr.unknown and target.size:
            raise CaptureError(
                "this reads numbers of a tensor that is being captured, where only shapes are known: no .item(), "
                f".numpy(), print or `if` on values; compute with ops (ops.where instead of `if`){where()}"
            )
        line = storage.ptr.numbers().view(target.dtype)[offset : offset + target.size]
        target[...] = line.reshape(target.shape)

    def lower(self, *facts: Any) -> Any:
        """Return the plan of the NumPy reference."""
        return self.inner.lower(*facts)

    def error_detail(self) -> int:
        """Return the offending index of a kernel whose numbers were known."""
        return self.inner.error_detail()

    def get_isa(self) -> str:
        """No instructions are needed."""
        return "unknown"


def where_known(kernel: Callable[..., int]) -> Callable[..., int]:
    """Return the kernel, to be called only where every operand is known."""

    def computed(*arguments: Any) -> int:
        blocks = list(_blocks(arguments))
        if not any(block.unknown for block in blocks):
            return kernel(*_opened(arguments))
        blocks[0].forget()  # the output
        for block in blocks:
            if block.empty:  # another output
                block.forget()
        return 0

    return computed


def _blocks(arguments: Any) -> Any:
    for one in arguments:
        if type(one) is Block:
            yield one
        elif type(one) in (list, tuple):
            yield from _blocks(one)


def _opened(argument: Any) -> Any:
    if type(argument) in (list, tuple):
        return type(argument)(map(_opened, argument))
    return argument.numbers() if type(argument) is Block else argument


def where() -> str:
    """Return the line of the user's code, for a message."""
    line = events.users_line()
    if line is None:
        return ""
    return f" ({'in a cell' if events.is_cell(line[0]) else line[0]}, line {line[1]})"


def placed(error: CaptureError, who: str) -> CaptureError:
    """Return an error that says who met it and in which line, once."""
    text = str(error)
    return error if text.endswith(")") and ", line " in text else CaptureError(f"{who}: {text}{where()}")


UNKNOWN = Device("unknown", UnknownRuntime)  # no device of the user's: `all_devices` does not list it


def has_unknown(attribute: Any) -> bool:
    """Return whether an attribute of an op holds numbers that are not known."""
    if isinstance(attribute, (tuple, list)):
        return any(map(has_unknown, attribute))
    array = attribute.cached_data if isinstance(attribute, Tensor) else attribute
    return isinstance(array, NDArray) and array.layout.device is UNKNOWN and array.storage.ptr.unknown


def without_numbers(op: Any) -> Any:
    """Return a copy of an op that computes on this device; what `compute` keeps in it does not stay in the op itself.

    Examples
    --------
    >>> from needle_edu import ops
    >>> without_numbers(ops.Summation(0)).compute(stand_in((2, 3), "float32")).shape
    (3,)
    """
    return moved(op, UNKNOWN, {})


def moved(op: Any, device: Device, twins: dict[int, Any]) -> Any:
    """Return a copy of an op whose arrays are on a device, and that knows the copies of the ops it knows.

    Parameters
    ----------
    twins : dict
        The copies made so far, by the id of the op; the new one is entered.
    """
    twin = twins[id(op)] = copy.copy(op)
    for name, value in vars(op).items():
        held = value.cached_data if isinstance(value, Tensor) else value
        if isinstance(held, NDArray) and held.layout.device is not device:
            there = array(held.numpy(), dtype=held.dtype, device=device)
            setattr(twin, name, Tensor.make_const(there) if isinstance(value, Tensor) else there)
        elif isinstance(value, Op):
            setattr(twin, name, twins[id(value)] if id(value) in twins else moved(value, device, twins))
        elif name in ("kept", "measured"):  # of another run
            setattr(twin, name, None)
    return twin


def stand_in(shape: tuple, dtype: Any) -> Any:
    """Return an array of this shape and dtype whose numbers are not known."""
    made = empty(shape, dtype=dtype, device=UNKNOWN)
    made.storage.ptr.forget()
    return made
