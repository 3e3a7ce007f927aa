"""Kim's network for sentences: a convolution slides over the words, and the best match anywhere in the sentence counts.

Each word becomes a vector. Filters as wide as three, four and five words look for phrases, wherever they stand: the
maximum over all places says whether a phrase occurs. So the network judges what can be seen in five words; of two words
that stand farther apart it cannot know that they belong together. The picture shows it.

Reference: Y. Kim, "Convolutional neural networks for sentence classification", EMNLP 2014.
"""

from __future__ import annotations

from typing import Any

from ... import nn, ops
from ...autograd import Tensor
from ..sentences import PADDING, SentenceJudge

WIDTHS = (3, 4, 5)


class SentenceNet(nn.Module):
    """Numbers of words (batch, length) give (batch, 2).

    Examples
    --------
    >>> import numpy as np
    >>> SentenceNet(words=10, size=4, filters=3)(np.zeros((5, 7), np.int64)).shape
    (5, 2)
    """

    def __init__(self, words: int, size: int, filters: int):
        super().__init__()
        self.embedding = nn.Embedding(words, size, padding_idx=PADDING)
        self.convolutions = nn.ModuleList([nn.Conv1d(size, filters, width) for width in WIDTHS])
        self.dropout = nn.Dropout(0.5)
        self.output = nn.Linear(len(WIDTHS) * filters, 2)

    def forward(self, numbers: Any) -> Tensor:
        """The length is at least that of the widest filter."""
        vectors = ops.permute(self.embedding(numbers), (0, 2, 1))  # (batch, size, length)
        found = [ops.max(ops.relu(layer(vectors)), axes=(2,)) for layer in self.convolutions]
        return self.output(self.dropout(ops.concatenate(found, 1)))


class KimCNN(SentenceJudge):
    """Sentences, right or wrong.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("kimcnn", small=True, epochs=2, progress=False)
    >>> result.application.data
    'sentences, made up by a small grammar'
    """

    name = "kimcnn"
    summary = "Kim's convolutional network tells right sentences from wrong ones"
    size, filters, shortest = 64, 64, max(WIDTHS)

    def network(self, words: int, length: int) -> SentenceNet:
        """64 numbers a word, 64 filters of each width."""
        size, filters = (8, 8) if self.settings.small else (self.size, self.filters)
        return SentenceNet(words, size, filters)
