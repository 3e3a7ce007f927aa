"""Writing fast: the scores behind one token more, on bare arrays, a block of a GPT in one kernel call.

A token is so little arithmetic that the hundred small operations of the modules, each with a tensor around its result,
take several times as long as the numbers themselves. The modules stay what defines them: this way is taken only where
they are the library's own, untouched, where nobody looks inside, and no op or kernel has been replaced. Then nothing
can tell the two ways apart but the time, and the last digit.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from .. import ndarray as nd
from ..autograd import state
from ..autograd.registry import something_is_overridden
from ..backend.dtypes import DTYPES, F64
from ..backend_selection import BACKEND
from ..ndarray.decoding import gpt_block
from ..ndarray.normalization import group_norm
from ..nn.dropout import Dropout
from ..nn.embedding import Embedding
from ..nn.group_norm import LayerNorm
from ..nn.hooks import is_hooked
from ..nn.linear import Linear
from .cache import KVCache

_CLASSES: dict[str, type] = {}
_METHODS: list[tuple[type, str, Any]] = []  # as the library has them
_NAMES: set[str] = set()  # of these methods: an object may have one of its own


def stands_for(cls: type, *methods: str) -> None:
    """Say that what these methods of a class do now, besides its `forward`, a `Decoder` does in their stead."""
    _CLASSES[cls.__name__] = cls
    names = ("__call__", "forward", *methods)
    _METHODS.extend((cls, name, getattr(cls, name)) for name in names)
    _NAMES.update(names)


for _cls in (Dropout, Embedding, LayerNorm, Linear):
    stands_for(_cls)


class Decoder:
    """Reads one token of each sequence after the other, and says what the model thinks of the next.

    Parameters
    ----------
    model : GPT
        As it would be in evaluation.
    cache : KVCache
        Of what stands before the tokens; it then holds them, too.
    alone : bool
        Whether nobody else has a turn between one token and the next: one look at the modules is enough then.
    """

    def __init__(self, model: Any, cache: KVCache, alone: bool = False):
        self.model, self.cache, self.alone = model, cache, alone
        self._arrays: tuple | None = None

    def scores(self, tokens: np.ndarray) -> np.ndarray | None:
        """The scores behind tokens of shape (batch, 1), of shape (batch, vocabulary); None: ask the modules."""
        model, cache = self.model, self.cache
        if tokens.shape[1] != 1:
            return None
        if self._arrays is None or not self.alone:
            self._arrays = _arrays(model, len(tokens), cache) if _may_serve(model) else None
            if self._arrays is None:
                return None
        table, positions, blocks, last = self._arrays
        x = table[tokens[:, 0]] + positions[cache.length]
        for block, (keys, values), weights in zip(model.blocks, cache._kept, blocks, strict=True):
            gpt_block(x, keys, values, weights, cache.length, (block.ln_1.eps, block.ln_2.eps))
        cache.advance(1)
        y, _ = group_norm(x, last[0], last[1], 1, 1, model.ln_f.eps)
        return (y @ table.T).numpy()


def _may_serve(model: Any) -> bool:
    """Whether nobody looks at what the modules do, and nobody has changed it."""
    if BACKEND != "nd" or state.watched or something_is_overridden():
        return False
    if any(getattr(cls, name) is not method for cls, name, method in _METHODS):
        return False
    if not _are_the_librarys("GPT", model) or not _are_the_librarys("GPTBlock", *model.blocks):
        return False
    dropping = [(model, model.drop), *[(block, block.dropout) for block in model.blocks]]
    return (
        _are_the_librarys("Embedding", model.wte, model.wpe)
        and _are_the_librarys(
            "LayerNorm", model.ln_f, *[part for b in model.blocks for part in (b.ln_1, b.ln_2)]
        )
        and all(
            _are_the_librarys("Linear", b.attn_qkv, b.attn_proj, b.mlp_fc, b.mlp_proj) for b in model.blocks
        )
        and _are_the_librarys("Dropout", *[dropout for _, dropout in dropping])
        and model.wte.max_norm is None
        and (
            model.training
            or not any((whole.training or part.training) and part.p for whole, part in dropping)
        )
    )


def _are_the_librarys(name: str, *modules: Any) -> bool:
    """Whether these modules are of the library's class of this name, and nothing has been hung on to them."""
    cls = _CLASSES[name]
    return all(
        type(module) is cls and not is_hooked(module) and _NAMES.isdisjoint(vars(module))
        for module in modules
    )


def _arrays(model: Any, batch: int, cache: KVCache) -> tuple | None:
    """Return both tables, the weights of each block and of the last norm, if the kernel can read all as they lie."""
    table, positions = model.wte.weight.cached_data, model.wpe.weight.cached_data
    (vocabulary, dim), code, device = table.shape, table.layout.code, table.layout.device
    if code > F64 or not device.native or device.has_overrides():
        return None
    kept = (batch, model.heads, cache.max_len, dim // model.heads)
    wanted: list[tuple[Any, tuple]] = [(table, (vocabulary, dim)), (positions, (model.max_len, dim))]
    wanted += [(memory, kept) for pair in cache._kept for memory in pair]
    blocks = []
    for block in model.blocks:
        shapes = _shapes(dim, block.mlp_fc.weight.shape[1])
        blocks.append(_weights(block, shapes, code, device))
        wanted += zip(blocks[-1], shapes, strict=True)
    last = _pair(model.ln_f, (dim,), (dim,), code, device)
    wanted += [(array, (dim,)) for array in last]
    alike = all(block.heads == model.heads for block in model.blocks) and len(cache._kept) == len(blocks)
    fits = alike and all(
        own.compact and own.shape == shape and own.code == code and own.device is device
        for own, shape in [(array.layout, shape) for array, shape in wanted]
    )
    return (table, positions, blocks, last) if fits else None


def _shapes(dim: int, hidden: int) -> list[tuple[int, ...]]:
    """The shapes of a block's weights and biases, in the kernel's order."""
    norm, outputs = [(dim,), (dim,)], [(dim, 3 * dim), (1, 3 * dim), (dim, dim), (1, dim)]
    return [*norm, *outputs, *norm, (dim, hidden), (1, hidden), (hidden, dim), (1, dim)]


def _weights(block: Any, shapes: list, code: int, device: Any) -> list:
    parts = (block.ln_1, block.attn_qkv, block.attn_proj, block.ln_2, block.mlp_fc, block.mlp_proj)
    found: list = []
    for part in parts:
        found += _pair(part, shapes[len(found)], shapes[len(found) + 1], code, device)
    return found


def _pair(part: Any, of_weight: tuple, of_bias: tuple, code: int, device: Any) -> list:
    """A module's weight and bias; of those that it has not, what changes nothing."""
    weight, bias = part.weight, part.bias
    return [
        _constant(1, of_weight, code, device) if weight is None else weight.cached_data,
        _constant(0, of_bias, code, device) if bias is None else bias.cached_data,
    ]


@lru_cache(64)
def _constant(value: int, shape: tuple, code: int, device: Any) -> nd.NDArray:
    return nd.full(shape, value, dtype=DTYPES[code], device=device)
