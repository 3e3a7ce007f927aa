"""Reading CIFAR-10's pickled batches without running what a pickle can ask for.

A pickle is a small program: it may name any function of Python's and call it. CIFAR-10 was published as pickles, and a
file that says it is one may come from anywhere. So the reader below knows only the names that such a file needs, an
array, its dtype and bytes, and even those stand for plain records of ours: the file never calls anything of NumPy's.
What the records say is checked before an array is made of them.

Reference: Python documentation, module `pickle`, section "Restricting globals".
"""

from __future__ import annotations

import math
import os
import pickle
import re
from typing import Any

import numpy as np

from ..backend.errors import DataError
from ..backend.naming import a_kind


def read_batch(
    path: str | os.PathLike, entry: str = "labels", classes: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """Read one of CIFAR-10's or CIFAR-100's files, such as `data_batch_1`, in the "python version".

    Parameters
    ----------
    path : path of the file
    entry : str
        Where in it the labels are: "labels" in CIFAR-10; "fine_labels" or "coarse_labels" in CIFAR-100.
    classes : int
        Labels are below it.

    Returns
    -------
    tuple of numpy.ndarray
        Pixels, uint8 of shape (n, 3, 32, 32), and labels, int64 of shape (n,).

    Raises
    ------
    DataError
        If the file is no such batch, or asks for anything that such a batch does not hold.
    FileNotFoundError
        If there is none.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "data_batch_1")
    >>> with open(path, "wb") as file:
    ...     pickle.dump({b"data": np.zeros((2, 3072), "uint8"), b"labels": [3, 5]}, file, protocol=2)
    >>> pixels, labels = read_batch(path)
    >>> pixels.shape, labels.tolist()
    ((2, 3, 32, 32), [3, 5])
    """
    with open(path, "rb") as file:
        try:
            batch = _Reader(file, encoding="bytes").load()
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        except Exception as error:  # a damaged pickle raises whatever its opcodes run into
            raise DataError(
                f"{path}: no CIFAR-10 batch, or damaged: {type(error).__name__}: {error}"
            ) from None
    if not isinstance(batch, dict):
        raise DataError(f"{path}: wanted a dictionary with b'data' and b'{entry}', got {a_kind(batch)}")
    named = {_text(key): value for key, value in batch.items()}
    if "data" not in named or entry not in named:
        raise DataError(f"{path}: wanted the entries b'data' and b'{entry}', got {sorted(map(repr, batch))}")
    pixels, labels = (_array(path, name, named[name], classes) for name in ("data", entry))
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != 3 * 32 * 32:
        raise DataError(
            f"{path}: data is {pixels.dtype} of shape {pixels.shape}, wanted uint8 of shape (n, 3072)"
        )
    if labels.shape != pixels.shape[:1]:
        raise DataError(f"{path}: {len(pixels)} images, but labels of shape {labels.shape}")
    if labels.dtype.kind not in "iu" or (labels.size and not (labels.min() >= 0 and labels.max() < classes)):
        raise DataError(f"{path}: labels are whole numbers from 0 to {classes - 1}")
    return pixels.reshape(-1, 3, 32, 32), labels.astype(np.int64)


class _Dtype:
    """What the file says of a dtype: a name such as "u1", then its byte order."""

    def __init__(self, name: Any, align: Any = False, copy: Any = False):
        self.name, self.order = _text(name), "|"

    def __setstate__(self, state: Any) -> None:
        self.order = _text(state[1])

    def of_numpy(self) -> np.dtype:
        if not re.fullmatch("[iu][1248]", self.name) or self.order not in ("|", "<", ">", "="):
            raise DataError(f"holds an array of dtype {self.order}{self.name}, wanted whole numbers")
        return np.dtype(self.order + self.name)


class _Array:
    """What the file says of an array: shape, dtype, the order of the axes, the bytes."""

    def __init__(self, shape: Any = (0,), dtype: Any = None, data: Any = b"", columns_first: Any = False):
        self.shape, self.dtype, self.data, self.columns_first = shape, dtype, data, columns_first

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.dtype, self.columns_first, self.data = state

    def of_numpy(self) -> np.ndarray:
        shape, data = self.shape, self.data
        sound = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape) and len(shape) <= 2
        if not sound or not isinstance(self.dtype, _Dtype) or not isinstance(data, (bytes, bytearray)):
            raise DataError("holds a damaged array")
        dtype = self.dtype.of_numpy()
        if math.prod(shape) * dtype.itemsize != len(data):
            raise DataError(f"holds an array of shape {shape} in {len(data)} bytes")
        return np.frombuffer(data, dtype).reshape(shape, order="F" if self.columns_first else "C")


def _reconstruct(subtype: Any, shape: Any, letter: Any) -> _Array:
    return _Array()  # empty until its state comes


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any = "C") -> _Array:
    return _Array(shape, dtype, data, _text(order) == "F")


def _encode(text: Any, encoding: Any) -> bytes:
    """Bytes, as Python 3 writes them into a pickle that Python 2 shall read."""
    if not isinstance(text, str) or _text(encoding) != "latin1":
        raise DataError("holds damaged text")
    return text.encode("latin1")


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Array,
    ("_codecs", "encode"): _encode,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}


class _Reader(pickle.Unpickler):
    """An unpickler to which no name means anything but the five above."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise DataError(f"asks for {module}.{name}, which no CIFAR-10 batch needs; it was not run")
        return _KNOWN[module, name]


def _text(value: Any) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def _array(path: Any, name: str, value: Any, classes: int) -> np.ndarray:
    if isinstance(value, list) and name != "data" and all(type(label) is int for label in value):
        try:
            return np.array(value, np.int64)
        except OverflowError:
            raise DataError(f"{path}: labels are whole numbers from 0 to {classes - 1}") from None
    if not isinstance(value, _Array):
        raise DataError(f"{path}: {name} is {a_kind(value)}, wanted an array of whole numbers")
    try:
        return value.of_numpy()
    except DataError as error:
        raise DataError(f"{path}: {name} {error}") from None
