"""The cache of keys and values: what attention has computed of earlier tokens does not change, so it is kept.

Without it each new token costs a pass over the whole sequence; with it, one over itself.
"""

from __future__ import annotations

from typing import Any

from .. import init
from ..autograd import Tensor
from ..backend.arguments import whole
from ..backend.errors import ShapeError


class KVCache:
    """Keys and values of every layer, in memory that is asked for once.

    Parameters
    ----------
    layers, batch, heads, max_len, size : int
        Number of layers; sequences; heads; the longest sequence; features of a head.
    device, dtype
        Of the memory.

    Attributes
    ----------
    length : int
        How many tokens every layer has seen.

    Examples
    --------
    >>> from needle_edu import init
    >>> cache = KVCache(1, 2, 3, 10, 4)
    >>> k = v = init.ones(2, 3, 5, 4)
    >>> keys, values = cache.put(0, k, v)
    >>> cache.advance(5)
    >>> keys.shape, cache.length
    ((2, 3, 5, 4), 5)
    """

    def __init__(
        self,
        layers: int,
        batch: int,
        heads: int,
        max_len: int,
        size: int,
        device: Any = None,
        dtype: Any = "float32",
    ):
        whole("KVCache", layers=layers, batch=batch, heads=heads, max_len=max_len, size=size)
        shape = (batch, heads, max_len, size)
        place = {"device": device, "dtype": dtype}
        self._kept = [[init.zeros(*shape, **place).cached_data for _ in range(2)] for _ in range(layers)]
        self.max_len = max_len
        self.length = 0

    def put(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Write the keys and values of new tokens behind those of a layer; returns all of them, without a copy."""
        until = self.length + k.shape[2]
        if until > self.max_len:
            raise ShapeError(
                f"KVCache: room for {self.max_len} tokens, got {self.length} and {k.shape[2]} more"
            )
        whole_of = []
        for memory, new in zip(self._kept[layer], (k, v), strict=True):
            memory[:, :, self.length : until] = new.realize_cached_data()
            whole_of.append(Tensor.make_const(memory[:, :, :until]))
        return whole_of[0], whole_of[1]

    def advance(self, tokens: int) -> None:
        """Count new tokens, once every layer has put what it has of them."""
        self.length += tokens
