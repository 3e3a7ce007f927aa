"""The language between the grader and the process that runs a student's code.

A message is a length (4 bytes), a header of JSON (at most 64 kB) and raw bytes (at most 64 MB) for the
arrays and long strings in it. It can say None, bool, int, float, str, lists, tuples and dicts of these,
NumPy arrays of a few dtypes, and the NAME of a built-in exception: nothing else. There are no classes, no
code and no pickle, so reading a message runs nothing that its sender chose, and what does not fit exactly
is a `MessageError`.

>>> import numpy as np
>>> decode(encode((1, "two", np.array([3.0], "float32"))))
(1, 'two', array([3.], dtype=float32))
"""

from __future__ import annotations

import builtins
import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_HEADER = 65_536
MAX_PAYLOAD = 64 * 2**20
MAX_DEPTH = 16
MAX_NODES = 20_000
MAX_NDIM = 8
LONG_STRING = 256  # from here on a string travels as raw bytes, not in the header
DTYPES = {name: np.dtype(name) for name in ("bool", "uint8", "int32", "int64", "float32", "float64")}
LENGTH = struct.Struct(">I")


class MessageError(Exception):
    """Bytes that are no message, or a value that no message can carry."""


@dataclass(frozen=True)
class Raised:
    """What came instead of a value: the name of a built-in exception."""

    name: str


def exception_name(error: BaseException) -> str:
    """Return the name of the nearest built-in class of an exception.

    >>> class ShapeError(ValueError): pass
    >>> exception_name(ShapeError("..."))
    'ValueError'
    """
    for cls in type(error).__mro__:
        if cls.__module__ == "builtins" and is_exception_name(cls.__name__):
            return cls.__name__
    return "Exception"


def is_exception_name(name: object) -> bool:
    """Whether `name` is the name of a built-in exception."""
    found = vars(builtins).get(name) if type(name) is str else None
    return isinstance(found, type) and issubclass(found, BaseException)


# --- writing ------------------------------------------------------------------------------------------------


def encode(value: object) -> bytes:
    """Return `value` as one message.

    Raises
    ------
    MessageError
        If it holds anything a message can't carry; the text names the type.
    """
    writer = _Writer()
    tree = writer.tree(value, 0)
    payload = b"".join(writer.chunks)
    header = json.dumps([len(payload), tree], allow_nan=False, separators=(",", ":")).encode()
    if len(header) > MAX_HEADER:
        raise MessageError("too many parts for one message: return long lists of numbers as one array")
    return LENGTH.pack(len(header)) + header + payload


class _Writer:
    def __init__(self):
        self.chunks: list[bytes] = []
        self.size = self.nodes = 0

    def tree(self, value, depth: int):
        """`value` as JSON: plain scalars as they are, everything else a list that begins with its kind."""
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise MessageError("nested too deeply, or too many parts")
        kind = type(value)  # exact types: a subclass may behave differently from what it looks like
        if value is None or kind is bool:
            return value
        if kind is int:
            if not -(2**63) <= value < 2**63:
                raise MessageError("an int of more than 64 bits")
            return value
        if kind is float:
            return value if math.isfinite(value) else ["float", repr(value)]
        if kind is str:
            return self.text(value)
        if kind is list or kind is tuple:
            return [kind.__name__, *[self.tree(item, depth + 1) for item in value]]
        if kind is dict:
            return ["dict", *[[self.tree(k, depth + 1), self.tree(v, depth + 1)] for k, v in value.items()]]
        if kind is Raised:
            return ["raised", value.name]
        if isinstance(value, np.generic):
            value = np.asarray(value)
            kind = type(value)
        if kind is np.ndarray:
            return self.array(value)
        raise MessageError(f"a value of type {kind.__name__}")

    def text(self, value: str):
        data = value.encode("utf-8", "replace")
        if len(data) < LONG_STRING:
            return data.decode()
        self.add(data)
        return ["text", len(data)]

    def array(self, value: np.ndarray):
        name = value.dtype.name
        if name not in DTYPES or value.ndim > MAX_NDIM:
            raise MessageError(f"an array of dtype {name} with {value.ndim} dimensions")
        if value.size * value.dtype.itemsize > MAX_PAYLOAD:
            raise MessageError("an array of more than 64 MB")
        data = value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes()
        self.add(data)
        return ["array", name, list(value.shape)]

    def add(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > MAX_PAYLOAD:
            raise MessageError("more than 64 MB")
        self.chunks.append(data)


# --- reading ------------------------------------------------------------------------------------------------


def decode(message: bytes) -> Any:
    """Return the value in one message; the opposite of `encode`."""
    stream = memoryview(message)
    position = 0

    def read(count: int) -> bytes:
        nonlocal position
        part = bytes(stream[position : position + count])
        position += count
        if len(part) < count:
            raise MessageError("the message ends too early")
        return part

    value = receive(read)
    if position != len(message):
        raise MessageError("bytes after the end of the message")
    return value


def receive(read: Callable[[int], bytes]) -> Any:
    """Read one message; ``read(count)`` must return exactly `count` bytes, or raise."""
    (length,) = LENGTH.unpack(read(LENGTH.size))
    if length > MAX_HEADER:
        raise MessageError("the header is longer than 64 kB")
    size, tree = _header(read(length))
    return _Reader(read(size)).value_of_all(tree)


def _header(data: bytes) -> tuple[int, object]:
    def refuse(word: str):
        raise ValueError(word)

    try:
        header = json.loads(data.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError):
        raise MessageError("the header is not JSON") from None
    if type(header) is not list or len(header) != 2 or type(header[0]) is not int:
        raise MessageError("the header is not [size, value]")
    if not 0 <= header[0] <= MAX_PAYLOAD:
        raise MessageError("more than 64 MB")
    return header[0], header[1]


class _Reader:
    def __init__(self, payload: bytes):
        self.payload, self.position, self.nodes = payload, 0, 0

    def value_of_all(self, tree):
        value = self.value(tree, 0)
        if self.position != len(self.payload):
            raise MessageError("bytes that belong to nothing")
        return value

    def value(self, tree, depth: int):
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise MessageError("nested too deeply, or too many parts")
        kind = type(tree)
        if kind is int and not -(2**63) <= tree < 2**63:
            raise MessageError("an int of more than 64 bits")
        if kind is float and not math.isfinite(tree):  # JSON's 1e999
            raise MessageError("a float that is too large")
        if kind is str:
            return _plain(tree)
        if kind is not list:
            if tree is None or kind in (bool, int, float):
                return tree
            raise MessageError("an unknown form")
        if not tree or type(tree[0]) is not str:
            raise MessageError("a part without a kind")
        read = self.KINDS.get(tree[0])
        if read is None:
            raise MessageError("a part of unknown kind")
        return read(self, tree[1:], depth)

    def sequence(self, items, depth):
        return [self.value(item, depth + 1) for item in items]

    def dictionary(self, items, depth):
        result = {}
        for item in items:
            if type(item) is not list or len(item) != 2:
                raise MessageError("a dict item that is no pair")
            key = self.value(item[0], depth + 1)
            if type(key) not in (str, int, float, bool, type(None)):
                raise MessageError("a dict key that is no scalar")
            result[key] = self.value(item[1], depth + 1)
        return result

    def special_float(self, items, depth):
        if items not in (["nan"], ["inf"], ["-inf"]):
            raise MessageError("an unknown float")
        return float(items[0])

    def raised(self, items, depth):
        if len(items) != 1 or not is_exception_name(items[0]):
            raise MessageError("an exception that is not built in")
        return Raised(items[0])

    def text(self, items, depth):
        if len(items) != 1 or type(items[0]) is not int:
            raise MessageError("a text without a length")
        try:
            return self.take(items[0]).decode("utf-8")
        except UnicodeDecodeError:
            raise MessageError("a text that is not UTF-8") from None

    def array(self, items, depth):
        if (
            len(items) != 2
            or type(items[0]) is not str
            or items[0] not in DTYPES
            or type(items[1]) is not list
        ):
            raise MessageError("an array without a known dtype and shape")
        dtype, shape = DTYPES[items[0]], items[1]
        if len(shape) > MAX_NDIM or any(type(n) is not int or not 0 <= n <= MAX_PAYLOAD for n in shape):
            raise MessageError("an array of impossible shape")
        data = self.take(math.prod(shape) * dtype.itemsize)
        if dtype.kind == "b" and data.strip(b"\x00\x01"):
            raise MessageError("a bool that is neither True nor False")
        try:
            return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype).reshape(shape)
        except ValueError:  # such as (0, 10**7, 10**7, 10**7): no elements, and still too big for NumPy
            raise MessageError("an array of impossible shape") from None

    def take(self, count: int) -> bytes:
        if not 0 <= count <= len(self.payload) - self.position:
            raise MessageError("a part longer than the message")
        part = self.payload[self.position : self.position + count]
        self.position += count
        return part

    KINDS = {
        "list": sequence,
        "tuple": lambda self, items, depth: tuple(self.sequence(items, depth)),
        "dict": dictionary,
        "float": special_float,
        "raised": raised,
        "text": text,
        "array": array,
    }


def _plain(text: str) -> str:
    if len(text) > LONG_STRING:
        raise MessageError("a long text in the header")
    return text.encode("utf-8", "replace").decode("utf-8")  # JSON can spell half a character
