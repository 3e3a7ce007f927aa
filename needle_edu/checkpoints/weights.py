"""Weights that somebody else has saved as safetensors: one file, or several with an index that says what is where.

A file begins with the length of its header in eight bytes; the header, in JSON, says each array's dtype, shape and
place; the numbers follow. Nothing in it is code. An array is read when it is asked for. NumPy has no bfloat16: its 16
bits are the upper half of a float32, and become one; a float16 does too.

Reference: Hugging Face, "Safetensors", section "Format".
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..backend.errors import DataError

INDEX = ".index.json"
LONGEST_HEADER = 100_000_000  # bytes; the format's own limit
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U8": "u1", "U16": "<u2", "U32": "<u4", "BOOL": "?",
}  # fmt: skip


class _Entry(NamedTuple):
    file: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


class Weights:
    """The arrays of `model.safetensors`, or of the files that `model.safetensors.index.json` names.

    Parameters
    ----------
    path : path
        Of a .safetensors file, or of an index beside the files it names.

    Raises
    ------
    DataError
        If it is no such file, or a damaged one.
    FileNotFoundError
        If there is none, or one that the index names is not there.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    >>> _ = path.write_bytes(struct.pack("<Q", len(header)) + header + np.float32([1, 2]).tobytes())
    >>> weights = Weights(path)
    >>> list(weights), weights.shape("w"), weights["w"]
    (['w'], (2,), array([1., 2.], dtype=float32))
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        if self.path.name.endswith(INDEX):
            self._entries = _of_index(self.path)
        else:
            self._entries = _of_file(self.path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array, which is not read."""
        return self._entries[name].shape

    def __getitem__(self, name: str) -> np.ndarray:
        entry = self._entries[name]
        with open(entry.file, "rb") as file:
            file.seek(entry.start)
            content = file.read(entry.stop - entry.start)
        array = np.frombuffer(content, DTYPES[entry.dtype]).reshape(entry.shape)
        if entry.dtype == "BF16":
            return (array.astype(np.uint32) << 16).view(np.float32)
        return array.astype(np.float32) if entry.dtype == "F16" else array.copy()


def _of_file(path: Path) -> dict[str, _Entry]:
    size = path.stat().st_size
    with open(path, "rb") as file:
        beginning = file.read(8)
        length = struct.unpack("<Q", beginning)[0] if len(beginning) == 8 else 0
        if not 2 <= length <= min(LONGEST_HEADER, size - 8):
            raise DataError(f"{path}: is no safetensors file, or one cut short: it has {size} bytes")
        content = file.read(length)
    header = _json(path, content)
    header.pop("__metadata__", None)
    return {name: _entry(path, name, fields, 8 + length, size) for name, fields in header.items()}


def _entry(path: Path, name: str, fields: Any, begin: int, size: int) -> _Entry:
    """An entry of the header, which must say a place within the file of as many bytes as its shape has."""
    try:
        dtype, shape, (start, stop) = fields["dtype"], tuple(fields["shape"]), fields["data_offsets"]
        whole = all(type(n) is int and n >= 0 for n in (*shape, start, stop))
    except (TypeError, KeyError, ValueError):
        raise DataError(f"{path}: {name}: its entry in the header is damaged: {fields!r:.80}") from None
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise DataError(f"{path}: {name}: its numbers are {dtype!r}, known are {', '.join(DTYPES)}")
    if (
        not whole
        or stop - start != math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize
        or begin + stop > size
    ):
        raise DataError(
            f"{path}: {name}: {dtype} of shape {shape} does not lie in the bytes {start} to {stop} of "
            f"{size - begin}: damaged, or cut short"
        )
    return _Entry(path, dtype, shape, begin + start, begin + stop)


def _of_index(path: Path) -> dict[str, _Entry]:
    places = _json(path, path.read_bytes()).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(file, str) for file in places.values()):
        raise DataError(f"{path}: an index has a weight_map from names to files")
    found: dict[str, _Entry] = {}
    for file in sorted(set(places.values())):
        if Path(file).name != file or file in ("", ".", "..") or "\0" in file:
            raise DataError(f"{path}: names the file {file!r}; all files lie beside the index")
        if not (path.parent / file).is_file():
            raise FileNotFoundError(f"{path}: names the file {file!r}, which is not beside it")
        entries = _of_file(path.parent / file)
        wanted = [name for name, where in places.items() if where == file]
        missing = [name for name in wanted if name not in entries]
        if missing:
            raise DataError(f"{path}: {file} has no {missing[0]!r}, which the index says it has")
        found.update({name: entries[name] for name in wanted})
    return found


def _json(path: Path, content: bytes) -> dict[str, Any]:
    try:
        read = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is damaged: no JSON where there should be ({error})") from None
    if not isinstance(read, dict):
        raise DataError(f"{path}: is damaged: found a JSON {type(read).__name__}, expected an object")
    return read


def read_json(path: str | os.PathLike) -> dict[str, Any]:
    """The object in a JSON file, or a DataError that names the file."""
    return _json(Path(path), Path(path).read_bytes())
