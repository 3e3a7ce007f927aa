"""`a._handle`: the memory under an array, under the name that the course's framework gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from needle_edu.backend import Device, Storage

if TYPE_CHECKING:
    from .array import NDArray


class Handle:
    """A storage with its element type and device: what `NDArray.make` and a device's kernel module take."""

    __slots__ = ("storage", "code", "device", "size")

    def __init__(self, storage: Storage, code: int, device: Device, size: int):
        self.storage, self.code, self.device, self.size = storage, code, device, size

    def ptr(self) -> int:
        """Return the address of the first element; views of one array have the same."""
        return self.device.address(self.storage)


def handle_of(a: NDArray) -> Handle:
    """Return the memory under an array."""
    layout = a.layout
    return Handle(a.storage, layout.code, layout.device, a.storage.nbytes // layout.dtype.itemsize)
