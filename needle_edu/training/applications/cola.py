"""One layer of a Transformer judges sentences: is this right English?

Each word looks at all others, wherever they stand, and takes from them what it needs. So the network can see that two
words disagree though half a sentence stands between them: `kimcnn`, which sees five words at a time, cannot. Attention
knows of no order; so each place has a vector of its own, which is added to the word's.

Of CoLA's sentences, 70 in 100 are right, and who says "right" every time has that accuracy. The Matthews correlation,
by which judgments on CoLA are measured, gives 0 for it.

References: A. Vaswani et al., "Attention is all you need", 2017. A. Warstadt, A. Singh, S. R. Bowman, "Neural network
acceptability judgments", 2018.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import metrics, nn
from ...autograd import Tensor
from ...nn.inputs import as_tensor
from ..sentences import PADDING, SentenceJudge


class SentenceTransformer(nn.Module):
    """Numbers of words (batch, length) give (batch, 2): a table, places, one layer, the mean over the words, a map.

    Examples
    --------
    >>> SentenceTransformer(words=10, length=7, size=8, heads=2, dropout=0.1)(np.ones((5, 7), np.int64)).shape
    (5, 2)
    """

    def __init__(self, words: int, length: int, size: int, heads: int, dropout: float):
        super().__init__()
        self.embedding = nn.Embedding(words, size, padding_idx=PADDING)
        self.positions = nn.LearnedPositions(length, size)
        self.layer = nn.TransformerEncoderLayer(size, heads, 4 * size, dropout, batch_first=True)
        self.output = nn.Linear(size, 2)

    def forward(self, numbers: Any) -> Tensor:
        """Zeros only fill a sentence up: nobody looks at them, and the mean leaves them out."""
        numbers = as_tensor(numbers, self.embedding.weight.device)
        padding = numbers.numpy() == PADDING
        x = self.layer(self.positions(self.embedding(numbers)), src_key_padding_mask=padding)
        shares = ~padding / np.maximum((~padding).sum(axis=1, keepdims=True), 1)
        return self.output((x * Tensor(shares[..., None], device=x.device, dtype=x.dtype)).sum(1))


class CoLA(SentenceJudge):
    """Sentences, right or wrong.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("cola", small=True, epochs=1, progress=False)
    >>> result.application.data, sorted(result.metrics)
    ('sentences, made up by a small grammar', ['accuracy', 'loss', 'matthews'])
    """

    name = "cola"
    summary = "one layer of a Transformer tells right sentences from wrong ones"
    epochs, batch_size, lr = 12, 128, 3e-3
    size, heads, dropout = 64, 8, 0.1

    def network(self, words: int, length: int) -> SentenceTransformer:
        """64 numbers a word, 8 heads."""
        size, heads = (8, 2) if self.settings.small else (self.size, self.heads)
        return SentenceTransformer(words, length, size, heads, self.dropout)

    def evaluate(self) -> dict[str, float]:
        """Loss, accuracy and Matthews correlation on fresh sentences."""
        logits, labels = self._judged(self.fresh[0]), self.fresh[1]
        loss = self.loss(logits, Tensor(labels, device=logits.device, requires_grad=False)).item()
        accuracy, matthews = metrics.accuracy(logits, labels), metrics.matthews_corrcoef(logits, labels)
        return {"loss": loss, "accuracy": accuracy, "matthews": matthews}
