"""What language models have in common: they write, one token after the other, each drawn from the scores they give.

A model says what its last block gives for tokens (`hidden`), what scores that makes (`scores`), and of what its cache
keeps keys and values (`cache_shape`); how tokens are drawn stands in sampling.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor, no_grad
from ..autograd.arrays import readable
from ..backend.arguments import integer, switch, whole
from ..backend.errors import DTypeError, IndexOutOfRange, ShapeError
from ..backend.random import generator
from ..nn.module import Module
from . import sampling
from .cache import KVCache
from .evaluating import evaluating


class Writer(Module):
    """A language model, of `tokens` tokens and sequences of `max_len` at most, that can go on with a text."""

    tokens: int
    max_len: int

    def hidden(self, tokens: Tensor, cache: KVCache | None = None) -> Tensor:
        """What the last block gives, normalised, for each of the tokens (batch, length) behind those in the cache."""
        raise NotImplementedError

    def scores(self, x: Tensor) -> Tensor:
        """The scores of the next token, of shape (..., vocabulary), that rows of `hidden` make."""
        raise NotImplementedError

    def cache_shape(self) -> tuple[int, int, int]:
        """Layers, heads and features of a head, of which a cache keeps keys and values."""
        raise NotImplementedError

    def decoder(self, cache: KVCache, alone: bool) -> Any:
        """What gives the scores behind one token more in less time, or None; `alone`: nobody has a turn in between."""
        return None

    def new_cache(self, batch: int = 1, max_len: int | None = None) -> KVCache:
        """An empty cache for `batch` sequences of `max_len` tokens, by default as many as the model takes."""
        first = self.parameters()[0]
        layers, heads, size = self.cache_shape()
        room = self.max_len if max_len is None else max_len
        return KVCache(layers, batch, heads, room, size, first.device, first.dtype)

    def _place(self, tokens: Tensor, cache: KVCache | None) -> tuple[int, int]:
        """Where in the sequence these tokens begin, and how many they are."""
        who = type(self).__name__
        if tokens.ndim != 2:
            raise ShapeError(f"{who}: wanted tokens of shape (batch, length), got {tokens.shape}")
        start, length = 0 if cache is None else cache.length, tokens.shape[1]
        if start + length > self.max_len:
            raise ShapeError(f"{who}: at most {self.max_len} tokens, got a sequence of {start + length}")
        return start, length

    def generate(
        self, tokens: Any, count: int, *, temperature: float = 1.0, top_k: int | None = None,
        top_p: float | None = None, seed: int | None = None, use_cache: bool = True,
        on_token: Callable[[np.ndarray], object] | None = None,
    ) -> np.ndarray:  # fmt: skip
        """Return the tokens and `count` more, drawn one after the other.

        Parameters
        ----------
        tokens : array of int, of shape (length,) or (batch, length)
            What to go on from; one at least.
        count : int
        temperature : float
            Scores are divided by it; 0 takes the best token each time.
        top_k, top_p : optional
            Draw among the k best tokens; among the fewest that have this share of the probability.
        seed : int, optional
            Of the drawing; by default the global generator goes on.
        use_cache : bool
            Keep keys and values; otherwise each token costs a pass over all before it, with the same scores.
        on_token : callable, optional
            Called with each step's new tokens, of shape (batch,): to show text while it is written.

        Returns
        -------
        numpy.ndarray of int64
            A sequence longer than `max_len` is forgotten from the left, half of it at a time.
        """
        given = self._given(tokens)
        who = f"{type(self).__name__}.generate"
        (count,) = whole(who, 0, count=count)
        if on_token is not None and not callable(on_token):
            raise TypeError(f"{who}: on_token is called with the new tokens, got {on_token!r:.60}")
        rows = np.atleast_2d(given)
        room, alone = rows.shape[1] + count, on_token is None
        steps = self._steps(rows, room, temperature, top_k, top_p, seed, use_cache, alone)
        parts = [rows]
        for _, new in zip(range(count), steps, strict=False):
            parts.append(new[:, None])
            if on_token is not None:
                on_token(new)
        made = np.concatenate(parts, axis=1)
        return made[0] if given.ndim == 1 else made

    def stream(
        self, tokens: Any, *, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None,
        seed: int | None = None, use_cache: bool = True,
    ) -> Iterator[np.ndarray]:  # fmt: skip
        """Yield one token after the other for ever, each of shape (batch,); arguments as for `generate`."""
        rows = np.atleast_2d(self._given(tokens))
        return self._steps(rows, self.max_len, temperature, top_k, top_p, seed, use_cache, alone=False)

    def _steps(
        self, rows: np.ndarray, room: int, temperature: float, top_k: int | None, top_p: float | None,
        seed: int | None, use_cache: bool, alone: bool,
    ) -> Iterator[np.ndarray]:  # fmt: skip
        """The arguments looked at now, the tokens when they are wanted; `room` is for how many the cache is made."""
        who = f"{type(self).__name__}.generate"
        sampling.check(who, temperature, top_k, top_p)
        switch(who, use_cache=use_cache)
        if seed is not None and integer(who, "seed", seed, 0, ValueError) >= 2**32:
            raise ValueError(f"{who}: seed is a whole number below 2**32, got {seed}")
        source = generator(seed)
        draw = partial(sampling.draw, generator=source, temperature=temperature, top_k=top_k, top_p=top_p)
        return self._drawn(rows, min(room, self.max_len), draw, use_cache, alone)

    def _drawn(
        self, rows: np.ndarray, room: int, draw: Callable, use_cache: bool, alone: bool
    ) -> Iterator[np.ndarray]:
        rows = rows[:, -self.max_len :]
        decoder, cache, new = None, None, rows
        while True:
            if rows.shape[1] > self.max_len:  # there is no position left: forget the older half
                rows = rows[:, -(self.max_len + 1) // 2 :]
                cache = None
            if cache is None:
                cache, new = self.new_cache(len(rows), room) if use_cache else None, rows
                decoder = None if cache is None else self.decoder(cache, alone)
            scores = decoder.scores(new) if decoder is not None else None
            token = draw(self._last_scores(new, cache) if scores is None else scores)
            yield token
            new = token[:, None]
            rows = np.concatenate([rows, new], axis=1)

    def _last_scores(self, tokens: np.ndarray, cache: KVCache | None) -> np.ndarray:
        """The scores behind the last token, of shape (batch, vocabulary), without a graph and without dropout."""
        device = self.parameters()[0].device
        with evaluating(self) if self.training else nullcontext(), no_grad():
            x = self.hidden(Tensor(tokens, device=device, requires_grad=False), cache)
            return self.scores(ops.getitem(x, (slice(None), -1))).numpy()

    def _given(self, tokens: Any) -> np.ndarray:
        """Tokens that somebody gave, as whole numbers of the vocabulary."""
        who = f"{type(self).__name__}.generate"
        try:
            found = readable(tokens)
        except ValueError as error:
            raise ShapeError(f"{who}: rows of tokens have different lengths ({error})") from None
        if found.ndim not in (1, 2) or not found.size:
            raise ShapeError(
                f"{who}: wanted tokens of shape (length,) or (batch, length), one at least, got {found.shape}"
            )
        if found.dtype.kind not in "iu" and not (
            found.dtype.kind == "f" and np.isfinite(found).all() and (found == np.floor(found)).all()
        ):
            raise DTypeError(f"{who}: tokens are whole numbers, got {found.dtype}")
        if not 0 <= found.min() <= found.max() < self.tokens:
            wrong = found.min() if found.min() < 0 else found.max()
            raise IndexOutOfRange(
                f"{who}: token {int(wrong)} is out of range for a vocabulary of {self.tokens}"
            )
        return found.astype(np.int64)
