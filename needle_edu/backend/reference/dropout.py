"""Dropout in the NumPy reference, and the counter-based random numbers that decide what is dropped.

Philox 4x32-10 (J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) makes four random words of a
counter of four words and a key of two. Nothing is remembered from number to number: csrc/cpu/isa/philox.h says which
counter and word belong to number j of row r, and any device can do the same.
"""

import numpy as np

from ..errors import EDTYPE, OK
from .plan import FLOATS, kernel

Array = np.ndarray
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox(counter: list[Array], key: tuple[int, int]) -> list[Array]:
    """Return the four words for counters: four arrays of uint64 that hold words of 32 bits.

    Examples
    --------
    >>> zeros = [np.zeros(1, np.uint64)] * 4
    >>> [hex(word.item()) for word in philox(zeros, (0, 0))]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for _ in range(10):
        a, b = x0 * np.uint64(0xD2511F53), x2 * np.uint64(0xCD9E8D57)
        x0, x1, x2, x3 = (
            (b >> _HALF) ^ x1 ^ np.uint64(k0),
            b & _LOW,
            (a >> _HALF) ^ x3 ^ np.uint64(k1),
            a & _LOW,
        )
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return [x0, x1, x2, x3]


def numbers(key: int, rows: int, count: int) -> Array:
    """Return the first `count` numbers of the first rows, integers below 2^32, of shape (rows, count)."""
    chunks = -(-count // 64)
    counter = np.arange(chunks * 16, dtype=np.uint64).reshape(1, chunks, 16)
    row = np.arange(rows, dtype=np.uint64).reshape(rows, 1, 1)
    full = np.zeros((rows, chunks, 16), np.uint64)
    words = philox(
        [full + (counter & _LOW), full + (counter >> _HALF), full + (row & _LOW), full + (row >> _HALF)],
        (key & 0xFFFFFFFF, key >> 32 & 0xFFFFFFFF),
    )
    return np.stack(words, axis=2).reshape(rows, chunks * 64)[:, :count]


def kept(key: int, p: float, shape: tuple[int, ...], rows: int = 1) -> Array:
    """Return which elements stay, an array of bools of a shape, filled row by row of numbers."""
    limit = np.uint64(int(p * 2**32 + 0.5))
    size = int(np.prod(shape))
    return (numbers(key, rows, size // rows if rows else 0) >= limit).reshape(shape)


@kernel
def dropout_dense(dtype: int, n: int, out: Array, a: Array, p: float, key: int) -> int:
    """out = a / (1 - p), or 0 times a"""
    if dtype not in FLOATS:
        return EDTYPE
    scale = 0 if p == 1 else 1 / (1 - p)
    out[:n] = a[:n] * np.where(kept(key, p, (n,)), scale, 0).astype(a.dtype)
    return OK
