"""The IDX file format, in which MNIST and its descendants are published.

An IDX file is four magic bytes (0, 0, a type code, the number of dimensions), then one big-endian 32-bit
extent per dimension, then the elements, big-endian, row by row. It is usually gzipped. The format carries its
own shape, so a file that was cut short, mistaken for another or damaged can be recognised before training on
nonsense: every check here says which file, what was found and what was expected.

Reference: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section "File formats".
"""

from __future__ import annotations

import errno
import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from ..backend.errors import DataError

TYPE_CODES: dict[int, np.dtype] = {
    0x08: np.dtype("uint8"),
    0x09: np.dtype("int8"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}

MOST_DIMENSIONS = 64  # of a NumPy array

# What people have instead of an IDX file, by its first bytes.
OTHER_FILES = {
    b"<": "a web page",
    b"PK": "a zip archive",
    b"version https://git-lfs": "a Git LFS pointer",
    b"\x1f\x8b": "gzipped twice",
}


def read_idx(path: str | os.PathLike, ndim: int | None = None) -> np.ndarray:
    """Read an IDX file, gzipped or plain.

    Parameters
    ----------
    path : path of the file
    ndim : int, optional
        The number of dimensions wanted: 3 for images, 1 for labels.

    Returns
    -------
    numpy.ndarray of the shape and element type that the file's header states.

    Raises
    ------
    DataError
        If the file is not IDX, is damaged, holds fewer or more elements than its header states, or does not
        have `ndim` dimensions.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "labels.gz")
    >>> write_idx(path, np.array([5, 0, 4], dtype="uint8"))
    >>> read_idx(path, ndim=1)
    array([5, 0, 4], dtype=uint8)
    """
    raw = _read_bytes(path)
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in TYPE_CODES:
        kind = next((f" ({name})" for start, name in OTHER_FILES.items() if raw.startswith(start)), "")
        raise DataError(
            f"{path}: not an IDX file: found the first bytes {raw[:4].hex(' ') or '(none)'}{kind}, expected "
            "00 00, a type code such as 08 (uint8), and the number of dimensions; download the file again"
        )
    dtype, dimensions = TYPE_CODES[raw[2]], raw[3]
    if ndim is not None and dimensions != ndim:
        raise DataError(
            f"{path}: found an IDX file of {dimensions} dimensions, expected {ndim}; "
            "were the image and the label file swapped?"
        )
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise DataError(
            f"{path}: found an IDX file of {dimensions} dimensions, expected 1 to {MOST_DIMENSIONS}; "
            "download the file again"
        )
    start = 4 + 4 * dimensions
    if len(raw) < start:
        raise DataError(
            f"{path}: truncated: found {len(raw)} bytes, expected a header of {start}; download the file again"
        )
    shape = struct.unpack(f">{dimensions}I", raw[4:start])
    found, expected = len(raw) - start, math.prod(shape) * dtype.itemsize
    if found != expected:
        what = "truncated" if found < expected else "too long"
        raise DataError(
            f"{path}: {what}: found {found} bytes of data, expected {expected} for {dtype} of shape {shape}; "
            "download the file again"
        )
    try:
        array = np.frombuffer(raw, dtype, offset=start).reshape(shape)
    except ValueError as error:  # nothing in it, yet too large: (0, 2**32 - 1, 2**32 - 1)
        raise DataError(f"{path}: found the shape {shape}, which no array can have ({error})") from error
    return array.astype(dtype.newbyteorder("="))


def write_idx(path: str | os.PathLike, array: np.ndarray) -> None:
    """Write `array` as an IDX file; gzipped if the name ends in `.gz`. The inverse of `read_idx`.

    Raises
    ------
    DataError
        If the format has no such dtype (it has uint8, int8, int16, int32, float32 and float64) or shape.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "labels")
    >>> write_idx(path, np.array([5, 0, 4], dtype="uint8"))
    >>> Path(path).read_bytes().hex(" ")
    '00 00 08 01 00 00 00 03 05 00 04'
    """
    array = np.asarray(array)
    codes = {dtype.newbyteorder("="): code for code, dtype in TYPE_CODES.items()}
    if array.dtype not in codes:
        names = ", ".join(str(dtype) for dtype in codes)
        raise DataError(f"{path}: IDX cannot hold {array.dtype}, only {names}")
    if not array.ndim or max(array.shape) >= 2**32:
        raise DataError(
            f"{path}: IDX holds arrays of 1 to {MOST_DIMENSIONS} dimensions, each less than 2**32; got {array.shape}"
        )
    code = codes[array.dtype]
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    raw = header + array.astype(TYPE_CODES[code]).tobytes()
    if Path(path).suffix == ".gz":
        raw = gzip.compress(raw, compresslevel=9, mtime=0)
    Path(path).write_bytes(raw)


def _read_bytes(path: str | os.PathLike) -> bytes:
    """The contents of a file, unpacked if they start like gzip, whatever the file is called."""
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(errno.ENOENT, _missing(Path(path)), str(path)) from None
    if raw[:2] != b"\x1f\x8b":
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}: damaged gzip file: found {len(raw)} bytes that do not unpack ({error}), expected a "
            "complete IDX file; download the file again"
        ) from error


def _missing(path: Path) -> str:
    """What to say, and to advise, when there is no file at `path`."""
    nearby = path.with_suffix("") if path.suffix == ".gz" else path.with_name(path.name + ".gz")
    if nearby.exists():
        return f"no such file, but {nearby.name} is there; give that name"
    folder = path.absolute().parent
    return f"no such file; download it into {folder}, or correct the path" + (
        "" if folder.exists() else " (that folder does not exist either)"
    )
