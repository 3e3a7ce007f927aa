"""`hidden`: a device like any other, but that NumPy cannot see its memory. A graphics card without the card.

Its kernels are those of `cpu()`. The ``ptr`` of its storages is an object that only these kernels and the two copies
can open: who takes it for memory gets an error, where on a graphics card the process might end. New memory is filled
with bytes that are no numbers, so that a result shows it if somebody reads before he writes.
"""

from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from needle_edu.backend import Runtime, Storage, cpu, register_device


class Sealed:
    """Where memory lies, for those who are let in."""

    __slots__ = ("_ptr",)

    def __init__(self, ptr: Any):
        self._ptr = ptr


class HiddenRuntime(Runtime):
    """The runtime of `cpu()` behind closed doors: no host view, nothing adopted, only copies, which it counts."""

    def __init__(self) -> None:
        self.inner = cpu().runtime
        self.native, self.null = self.inner.native, self.inner.null
        own = {name: opening(kernel) for name, kernel in vars(self.inner.kernels).items()}
        self.kernels = SimpleNamespace(**own)
        self.copied: deque[tuple[str, int]] = deque(maxlen=100)  # the last ones: (to or from host, elements)

    def allocate(self, dtype: int, n: int) -> Storage:
        block = self.inner.allocate(dtype, n)
        self.inner.copy_from_host(block, np.full(block.nbytes, 0xFF, "uint8"))  # nan, or -1
        block.ptr = Sealed(block.ptr)
        return block

    def address(self, storage: Storage) -> int:
        return self.inner.address(opened(storage))

    def copy_from_host(self, storage: Storage, source: np.ndarray, offset: int = 0) -> None:
        self.copied.append(("from host", source.size))
        self.inner.copy_from_host(opened(storage), source, offset)

    def copy_to_host(self, storage: Storage, target: np.ndarray, offset: int = 0) -> None:
        self.copied.append(("to host", target.size))
        self.inner.copy_to_host(opened(storage), target, offset)

    def lower(self, *facts: Any) -> Any:
        return self.inner.lower(*facts)

    def error_detail(self) -> int:
        return self.inner.error_detail()

    def get_isa(self) -> str:
        return self.inner.get_isa()


def opening(kernel: Callable[..., int]) -> Callable[..., int]:
    """Return the kernel as this device has it: for pointers of its own, and no others."""

    def opened_for(*arguments: Any) -> int:
        inside = [
            one for row in arguments if type(row) is list for one in row[0]
        ]  # rows of operands: see `nd_step`
        assert any(type(one) is Sealed for one in (*arguments, *inside)), "an operand of another device"
        return kernel(*map(unsealed, arguments))

    return opened_for


def unsealed(argument: Any) -> Any:
    """Return an argument with every pointer in it opened."""
    if type(argument) in (list, tuple):
        return type(argument)(map(unsealed, argument))
    return argument._ptr if type(argument) is Sealed else argument


def opened(storage: Storage) -> Storage:
    """Return the storage as `cpu()` knows it."""
    block = Storage()
    block.ptr, block.nbytes = storage.ptr._ptr, storage.nbytes
    return block


hidden = register_device("hidden", HiddenRuntime)
