"""Arrays as safetensors: the length of a header in eight bytes, the header in JSON, then all numbers.

The format is the one in which weights are exchanged, so PyTorch and others read such a checkpoint too. It knows no
words, no order of its entries (the library sorts them, wide numbers first) and no checksum. So the header's
`__metadata__`, which is for text of the writer's own, holds all three: `order` lists the names as they were saved,
`words` the few settings that are words, and `sha256` is the digest of everything. A file without them is not ours.

Reference: Hugging Face, "Safetensors", section "Format".
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..backend.errors import DataError
from ..backend.extras import needed

ENDING = ".safetensors"
FORMAT = "needle_edu checkpoint 1"
LONGEST_HEADER = 100_000_000  # the library's own limit


def encode(arrays: dict[str, np.ndarray]) -> Iterable[bytes | memoryview]:
    """The bytes of the file.

    Raises
    ------
    DataError
        If an array has a dtype that the format lacks, such as longdouble.

    Examples
    --------
    >>> content = b"".join(encode({"model/bias": np.arange(3.0), "optimizer/kind": np.array("fast")}))
    >>> decode(content)
    {'model/bias': array([0., 1., 2.]), 'optimizer/kind': array('fast', dtype='<U4')}
    """
    library = _library()
    words = {name: str(array) for name, array in arrays.items() if array.dtype.kind == "U"}
    numbers = {name: _plain(name, array) for name, array in arrays.items() if name not in words}
    metadata = {
        "format": FORMAT,
        "order": json.dumps(list(arrays)),
        "words": json.dumps(words),
    }
    metadata["sha256"] = _digest(metadata, numbers)
    return [library.save(numbers, metadata)]


def looks_like(content: bytes) -> bool:
    """Whether a file begins as a safetensors file does: a header of possible length that is a JSON object.

    Examples
    --------
    >>> looks_like(struct.pack("<Q", 2) + b"{}"), looks_like(b"PK and more")
    (True, False)
    """
    return len(content) > 8 and content[8:9] == b"{" and 2 <= _header_length(content) <= LONGEST_HEADER


def decode(content: bytes) -> dict[str, np.ndarray]:
    """All arrays by name, in the order in which they were saved; a damaged file raises an error of whatever kind."""
    library = _library()
    if len(content) < 8 + _header_length(content):
        raise ValueError(f"cut short: {len(content)} bytes, the header alone has {_header_length(content)}")
    header = json.loads(content[8 : 8 + _header_length(content)])
    metadata = header.get("__metadata__", {})
    if metadata.get("format") != FORMAT:
        raise ValueError(
            f"safetensors of another writer: its metadata say format {metadata.get('format')!r}, wanted {FORMAT!r}; "
            "models.load_pretrained reads the weights of public models"
        )
    try:
        found = library.load(content)
    except KeyError as error:
        raise ValueError(f"it holds numbers of the type {error}, which NumPy lacks") from None
    order, words = json.loads(metadata["order"]), json.loads(metadata["words"])
    if sorted(order) != sorted([*found, *words]):
        raise ValueError("its list of names is not that of its arrays")
    if _digest(metadata, {name: found[name] for name in order if name in found}) != metadata.get("sha256"):
        raise ValueError("its bytes changed since it was written: the SHA-256 digest is another")
    return {name: np.array(words[name] if name in words else found[name]) for name in order}


def _library() -> Any:
    return needed("a .safetensors checkpoint", "safetensors.numpy", "train", "a .npz one needs nothing")


def _header_length(content: bytes) -> int:
    return struct.unpack("<Q", content[:8])[0]


def _plain(name: str, array: np.ndarray) -> np.ndarray:
    """The array as the library wants it: it takes the bytes as they lie in memory, strides or not."""
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise DataError(f"checkpoints.save: {name}: safetensors holds no {array.dtype}, at most 64 bits")
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


def _digest(metadata: dict[str, str], numbers: dict[str, np.ndarray]) -> str:
    """SHA-256 of the names in order, the words, and every array's name, dtype, shape and bytes."""
    digest = hashlib.sha256("\n".join(metadata[key] for key in ("format", "order", "words")).encode())
    for name, array in numbers.items():
        digest.update(f"\n{name} {array.dtype.name} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data if array.size else b"")
    return digest.hexdigest()
