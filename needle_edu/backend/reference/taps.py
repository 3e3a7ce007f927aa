"""Weighted sums of a few places each, in the NumPy reference; the formula is in backend/taps.py."""

import numpy as np

from .. import taps
from ..dtypes import DTYPES
from ..errors import EDTYPE, EINDEX, EPLAN, OK
from .plan import FLOATS, kernel, last_error

Array = np.ndarray


@kernel
def taps_dense(
    dtype: int, outer: int, out: Array, a: Array, start: Array, place: Array, weight: Array,
    n: int, m: int, inner: int,
) -> int:  # fmt: skip
    """out[o, j, i] = sum over k from start[j] up to start[j+1] of weight[k] * a[o, place[k], i]"""
    if dtype not in FLOATS:
        return EDTYPE
    if min(n, m, inner) < 0:
        return EPLAN
    start = start.view("int64")[: m + 1]
    looked = slice(start[0], start[-1])
    place = place.view("int64")[looked]
    for where in place[(place < 0) | (place >= n)]:
        last_error.detail = int(where)
        return EINDEX
    kind = DTYPES[dtype]
    table = taps.Table(start - start[0], place, weight.view(kind)[looked], n)
    source = a.view(kind)[: outer * n * inner].reshape(outer, n, inner)
    out.view(kind)[: outer * m * inner] = taps.taps(source, 1, table).reshape(-1)
    return OK
