"""Arrays as NumPy's `.npz`: a zip archive with one `.npy` file per array, each with a checksum (CRC-32)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

import numpy as np


def encode(arrays: dict[str, np.ndarray]) -> Iterable[bytes | memoryview]:
    """The bytes of the archive.

    Examples
    --------
    >>> content = b"".join(encode({"model/bias": np.arange(3)}))
    >>> content[:2], decode(content)
    (b'PK', {'model/bias': array([0, 1, 2])})
    """
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return [written.getbuffer()]


def decode(content: bytes) -> dict[str, np.ndarray]:
    """All arrays of an archive by name; a damaged one raises an error of whatever kind."""
    file = io.BytesIO(content)
    if not zipfile.is_zipfile(file):
        raise ValueError("no zip archive, or one cut short")
    file.seek(0)
    with np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
