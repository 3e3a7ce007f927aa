"""Reading an array of whole numbers from a MATLAB file of version 5, as the Olivetti faces were published.

Such a file is a header of 128 bytes and then elements: a type, a length, the bytes, up to a multiple of 8. An element
may be other elements, compressed (zlib), or a matrix: its flags, its shape, its name, its numbers, column by column.

Reference: The MathWorks, "MAT-File Format", chapter 1, version 5.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Iterator

import numpy as np

from ..backend.errors import DataError

MATRIX, COMPRESSED = 14, 15
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}


def read_matlab(path: str | os.PathLike, name: str) -> np.ndarray:
    """The array that a MATLAB file holds under a name.

    Raises
    ------
    DataError
        If the file is no MATLAB file of version 5, is damaged, or holds no such array of real numbers.
    FileNotFoundError
        If there is none.
    """
    with open(path, "rb") as file:
        content = file.read()
    if len(content) < 128 or content[126:128] not in (b"IM", b"MI"):
        raise DataError(f"{path}: no MATLAB file of version 5: it does not begin as one; download it again")
    order = "<" if content[126:128] == b"IM" else ">"
    names = []
    try:
        for kind, element in _elements(memoryview(content)[128:], order):
            if kind == COMPRESSED:
                ((kind, element),) = _elements(memoryview(zlib.decompress(element)), order)
            if kind == MATRIX:
                found, array = _matrix(element, order)
                if found == name and array is not None:
                    return array
                names.append(found)
    except (ValueError, KeyError, IndexError, struct.error, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: damaged or cut short ({error}); download it again") from error
    raise DataError(f"{path}: holds {names}, wanted an array of real numbers named {name!r}")


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    place = 0
    while place < len(content):
        kind, length = struct.unpack_from(order + "II", content, place)
        if kind >> 16:  # a small one: type and length share four bytes, four bytes of data follow
            kind, length, start, place = kind & 0xFFFF, kind >> 16, place + 4, place + 8
        else:
            start = place + 8
            place = start + length + (-length % 8 if kind != COMPRESSED else 0)
        if start + length > len(content):
            raise ValueError(f"an element of {length} bytes where {len(content) - start} are left")
        yield kind, content[start : start + length]


def _matrix(content: memoryview, order: str) -> tuple[str, np.ndarray | None]:
    parts = list(_elements(content, order))
    flags = struct.unpack_from(order + "I", parts[0][1])[0]
    shape = struct.unpack(f"{order}{len(parts[1][1]) // 4}i", parts[1][1])
    name = bytes(parts[2][1]).decode("ascii")
    if flags & 0xFF not in CLASSES or flags & 0x0800:  # cells, structures, text; complex numbers
        return name, None
    kind, numbers = parts[3]
    flat = np.frombuffer(numbers, order + TYPES[kind])
    if min(shape) < 0 or math.prod(shape) != flat.size:
        raise ValueError(f"{name} has shape {shape} and {flat.size} numbers")
    return name, flat.reshape(shape, order="F").astype(CLASSES[flags & 0xFF])
