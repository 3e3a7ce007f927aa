"""Memory that two processes see, and how a Python object full of arrays lies in it.

The memory is a file that has no name: it is gone when the last process that has it open ends, however it ends. Either
side may make it larger; the other one looks again when it is told of a size beyond what it has seen.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import struct
import tempfile
from collections.abc import Callable
from multiprocessing import reduction
from typing import Any

ALIGNMENT = 64  # bytes: arrays begin at the start of a cache line
SMALLEST = mmap.PAGESIZE


class Block:
    """Shared memory of some size.

    Examples
    --------
    >>> block = Block()
    >>> size = block.write({"x": [1, 2]})
    >>> block.read(size)
    {'x': [1, 2]}
    """

    def __init__(self) -> None:
        self._descriptor = _nameless_file()
        self._memory: mmap.mmap | None = None
        self._size = 0

    def __reduce__(self) -> tuple:
        return _opened, (reduction.DupFd(self._descriptor),)  # possible while a process is being started

    def __del__(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            os.close(self._descriptor)

    def memory(self, size: int) -> mmap.mmap:
        """At least `size` bytes; the file is made larger if it is too small.

        Raises
        ------
        OSError
            If there is not so much memory.
        """
        if self._memory is None or size > self._size:
            there = os.fstat(self._descriptor).st_size
            if size > there:
                there = max(size + size // 8, SMALLEST)  # a little more: the next batch may be larger
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(
                        self._descriptor, 0, there
                    )  # an error now, not a bus error when writing
                else:
                    os.ftruncate(self._descriptor, there)
            self._memory, self._size = mmap.mmap(self._descriptor, there), there
        return self._memory

    def write(self, thing: Any) -> int:
        """Put any object that can be pickled here, its arrays as they are, and return how many bytes it takes."""
        buffers: list[pickle.PickleBuffer] = []
        text = pickle.dumps(thing, protocol=5, buffer_callback=buffers.append)
        views = [buffer.raw() for buffer in buffers]
        head = struct.pack(f"<{len(views) + 2}Q", len(text), len(views), *(view.nbytes for view in views))
        start = _up(len(head) + len(text))
        size = start + sum(_up(view.nbytes) for view in views)
        memory = self.memory(size)
        memory[: len(head) + len(text)] = head + text
        for view in views:
            memory[start : start + view.nbytes] = view
            start += _up(view.nbytes)
        return size

    def read(self, size: int, own: bool = False) -> Any:
        """The object that was written here. Its arrays lie in the memory itself, and hold until the next `write`;
        with `own=True` they are copies."""
        whole = memoryview(self.memory(size))
        text, count = struct.unpack_from("<2Q", whole)
        lengths = struct.unpack_from(f"<{count}Q", whole, 16)
        place = 16 + 8 * count
        content, place = whole[place : place + text], _up(place + text)
        buffers: list[Any] = []
        make: Callable[[memoryview], Any] = bytearray if own else memoryview
        for length in lengths:
            buffers.append(make(whole[place : place + length]))
            place += _up(length)
        return pickle.loads(content, buffers=buffers)


def _up(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("needle_edu-batch")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _opened(descriptor: Any) -> Block:
    block = Block.__new__(Block)
    block._descriptor, block._memory, block._size = descriptor.detach(), None, 0
    return block
