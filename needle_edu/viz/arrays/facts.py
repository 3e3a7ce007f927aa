"""What a picture of strided arrays shows, as data: which place in memory each element is, and who shares memory.

An element's address is ``offset + i·strides[0] + j·strides[1] + …``, counted in elements from where the storage begins.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from needle_edu.autograd import Value
from needle_edu.backend import NeedleError
from needle_edu.ndarray import NDArray

MAX_ELEMENTS = 512  # of one array, and of one storage: more would be no picture


@dataclass(frozen=True, slots=True)
class Strided:
    """One array: its name, its layout, its elements' values and addresses, and which of the storages it looks into.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> a = nd.arange(6).reshape((2, 3))
    >>> strided, memory = look([("a", a), ("b", a.T)])
    >>> strided[1].addresses.tolist(), strided[1].memory is strided[0].memory
    ([[0, 3], [1, 4], [2, 5]], True)
    """

    name: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    dtype: str
    values: np.ndarray
    addresses: np.ndarray
    memory: Memory

    @property
    def formula(self) -> str:
        """The address of an element, written out."""
        letters = "ijklmnop"[: len(self.shape)]
        terms = [f"{stride}·{letter}" for stride, letter in zip(self.strides, letters, strict=True)]
        sum_ = " + ".join([str(self.offset), *terms]).replace("+ -", "− ")
        return f"[{', '.join(letters)}] is at {sum_}"

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie in memory one after the other, in the order of their indices."""
        flat = self.addresses.ravel()
        return bool((np.diff(flat) == 1).all())


@dataclass(frozen=True, slots=True)
class Memory:
    """One storage: all the numbers in it, whoever looks at them."""

    number: int
    values: np.ndarray


def look(arrays: list[tuple[str, Any]]) -> tuple[list[Strided], list[Memory]]:
    """Describe named arrays (or tensors), and the storages they look into, each once.

    Raises
    ------
    TypeError
        Something that is no array of needle_edu.
    NeedleError
        An array, or the storage it looks into, of more than `MAX_ELEMENTS` elements.
    """
    memories: dict[int, Memory] = {}
    found = []
    for name, given in arrays:
        array = given.realize_cached_data() if isinstance(given, Value) else given
        if not isinstance(array, NDArray):
            raise TypeError(
                f"viz.array: wanted arrays or tensors of needle_edu, got {type(given).__name__}; "
                "ndl.ndarray.array(x) makes one"
            )
        room = array.storage.nbytes // array.dtype.itemsize
        if max(array.size, room) > MAX_ELEMENTS:
            what = f"{name} has {array.size:,} elements in a memory of {room:,}"
            raise NeedleError(
                f"viz.array: {what}, too many to show (at most {MAX_ELEMENTS}); show a small example"
            )
        key = id(array.storage)
        if key not in memories:
            memories[key] = Memory(len(memories), array.as_strided((room,), (1,), 0).numpy().copy())
        strides = tuple(int(stride) for stride in array.strides)
        addresses = np.full(array.shape, array.offset, dtype=np.int64)
        for axis, stride in enumerate(strides):
            column = [-1 if k == axis else 1 for k in range(array.ndim)]
            addresses += stride * np.arange(array.shape[axis]).reshape(column)
        found.append(
            Strided(
                name, tuple(array.shape), strides, int(array.offset), str(array.dtype),
                array.numpy().copy(), addresses, memories[key],
            )
        )  # fmt: skip
    return found, list(memories.values())


def names_of(things: tuple[Any, ...], frame: FrameType | None) -> list[str]:
    """What the caller's variables call these things; else "array 1", "array 2", …"""
    spaces = [dict(frame.f_locals), dict(frame.f_globals)] if frame is not None else []
    names = []
    for k, thing in enumerate(things):
        held = (
            name for space in spaces for name, value in space.items() if value is thing and name[0] != "_"
        )
        names.append(next(held, f"array {k + 1}"))
    return names


def callers_frame() -> FrameType | None:
    """The frame of whoever called the function that asks."""
    return sys._getframe(2)
