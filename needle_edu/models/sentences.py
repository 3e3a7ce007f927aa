"""Sentences as vectors: two that mean nearly the same point nearly the same way, whatever words they use.

    vector = v / |v|,   v = mean of BERT's vectors over the tokens of the sentence

So a product of two vectors is the cosine of the angle between them, and a search by meaning is one product:

    vectors = encoder.encode(sentences)
    likeness = vectors @ encoder.encode(["How do plants live?"])[0]
    best = likeness.argsort()[::-1][:3]

References: N. Reimers, I. Gurevych, "Sentence-BERT: sentence embeddings using Siamese BERT-networks", EMNLP 2019.
W. Wang et al., "MiniLM: deep self-attention distillation for task-agnostic compression of pre-trained Transformers",
NeurIPS 2020.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor, no_grad
from ..backend.arguments import several, whole
from ..backend.errors import DataError
from ..backend.extras import needed
from ..data.downloads import download
from ..nn.module import Module
from .bert import Bert
from .evaluating import evaluating
from .pretrained import FILE, load_pretrained

MINILM = {
    "model_type": "bert", "vocab_size": 30522, "hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12,
    "intermediate_size": 1536, "max_position_embeddings": 512, "type_vocab_size": 2, "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
}  # fmt: skip


class SentenceEncoder(Module):
    """A BERT and its tokenizer: texts in, vectors of length 1 out.

    Parameters
    ----------
    model : Bert
    tokenizer : object with `encode_batch(texts)`
        A `tokenizers.Tokenizer`, or anything else that gives for each text an object whose `ids` are its tokens.

    Examples
    --------
    >>> class Letters:
    ...     def encode_batch(self, texts):
    ...         return [type("Encoding", (), {"ids": [1, *(ord(c) % 20 for c in text)]}) for text in texts]
    >>> encoder = SentenceEncoder(Bert(tokens=20, max_len=16, layers=2, heads=2, dim=8), Letters())
    >>> vectors = encoder.encode(["to be", "or not", "to be"])
    >>> vectors.shape, (vectors @ vectors[0]).round(4).tolist()[::2]
    ((3, 8), [1.0, 1.0])
    """

    def __init__(self, model: Bert, tokenizer: Any):
        super().__init__()
        if not isinstance(model, Bert):
            raise TypeError(f"SentenceEncoder: model is a Bert, got {type(model).__name__}")
        if not hasattr(tokenizer, "encode_batch"):
            raise TypeError(f"SentenceEncoder: a tokenizer has encode_batch(texts), got {tokenizer!r:.60}")
        self.model, self.tokenizer = model, tokenizer

    def forward(self, tokens: Tensor, attention_mask: Any = None) -> Tensor:
        """`tokens` (batch, length), 1 where they count and 0 where they fill up, give unit vectors (batch, dim)."""
        x = self.model(tokens, attention_mask)
        if attention_mask is None:
            mean = x.mean(1)
        else:
            counts = Tensor(attention_mask, device=x.device, requires_grad=False).astype(x.dtype)
            counts = counts.reshape((*counts.shape, 1))
            mean = (x * counts).sum(1) / ops.clip(counts.sum(1), 1.0)  # a text of no tokens gives 0
        return mean / ((mean * mean).sum(1, keepdims=True) ** 0.5 + 1e-12)

    def encode(self, texts: list[str], batch_size: int = 32) -> np.ndarray:
        """The vectors of texts, of shape (number of texts, dim), in the order of the texts.

        Texts of like length are computed together, so that little is filled up; no graph is kept. A text in which the
        tokenizer finds no token gives zeros, which are like nothing.
        """
        texts = several("SentenceEncoder.encode", "texts", texts)
        whole("SentenceEncoder.encode", batch_size=batch_size)
        wrong = [text for text in texts if not isinstance(text, str)]
        if wrong:
            raise TypeError(f"SentenceEncoder.encode: texts are strings, got {wrong[0]!r:.60}")
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        if len(rows) != len(texts):
            raise DataError(
                f"SentenceEncoder.encode: the tokenizer made {len(rows)} rows of {len(texts)} texts"
            )
        table = self.model.words.weight
        vectors = np.zeros((len(rows), table.shape[1]), table.dtype)
        order = np.argsort([len(row) for row in rows], kind="stable")
        with evaluating(self), no_grad():
            for start in range(0, len(rows), batch_size):
                chosen = order[start : start + batch_size]
                vectors[chosen] = self(*_batch([rows[k] for k in chosen], table.device)).numpy()
        return vectors


def _batch(rows: list[list[int]], device: Any) -> tuple[Tensor, Tensor | None]:
    """Tokens filled up with 0 to one length, and a mask if anything was filled up."""
    longest = max(1, *map(len, rows))
    tokens, counts = np.zeros((2, len(rows), longest), np.int64)
    for k, row in enumerate(rows):
        tokens[k, : len(row)], counts[k, : len(row)] = row, 1
    mask = None if counts.all() else Tensor(counts, device=device, requires_grad=False)
    return Tensor(tokens, device=device, requires_grad=False), mask


def minilm(
    folder: str | os.PathLike | None = None, *, max_len: int = 256, device: Any = None
) -> SentenceEncoder:
    """MiniLM (all-MiniLM-L6-v2): 22.7 million weights that turn an English sentence into a vector of 384 numbers.

    `needle-edu data minilm` fetches the files, 91 MB, and so does this call where they are not here yet;
    `data.downloads.at_hand("minilm")` says whether they are.

    Parameters
    ----------
    folder : path, optional
        A folder with model.safetensors and tokenizer.json of one's own.
    max_len : int
        Tokens beyond are cut off; at most 512.
    device : device, optional
        Of the parameters.

    Raises
    ------
    ImportError
        If the package tokenizers is needed and not installed.
    DataError
        If the files cannot be fetched, or are others.
    FileNotFoundError
        If the folder lacks one.

    Examples
    --------
    >>> from needle_edu import data
    >>> if data.downloads.at_hand("minilm"):  # doctest: +SKIP
    ...     print(minilm().encode(["A sentence."]).shape)
    (1, 384)
    """
    whole("minilm", max_len=max_len)
    if max_len > 512:
        raise ValueError(f"minilm: max_len is at most 512, got {max_len}")
    tokenizers = needed("minilm", "tokenizers", "text")
    place = download("minilm") / "all-MiniLM-L6-v2" if folder is None else Path(folder)
    path = place / "tokenizer.json"
    content = path.read_text(encoding="utf-8")
    try:
        tokenizer = tokenizers.Tokenizer.from_str(content)
    except Exception as error:  # the library raises plain Exceptions
        raise DataError(f"minilm: {path} is no tokenizer: {error}") from None
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_len)
    encoder = SentenceEncoder(load_pretrained(place / FILE, MINILM, device=device), tokenizer)
    encoder.eval()
    return encoder
