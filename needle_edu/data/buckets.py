"""Batches of sequences of like length, so that little is filled up, in an order that training can live with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.arguments import switch, whole
from ..backend.errors import DataError
from ..backend.random import generator


class BucketBatchSampler:
    """The numbers of the examples of each batch, for `DataLoader(batch_sampler=)`.

    The examples are shuffled and cut into buckets of some batches each; in a bucket they are sorted by length and cut
    into batches, and the batches come in an order drawn anew. Sorted all at once they would hold the same examples in
    each epoch, and the short ones would come first. Draws one `shuffle` of the examples and one of the batches.

    Parameters
    ----------
    lengths : array_like of int, shape (examples,)
    batch_size : int
    shuffle : bool
        False: sorted by length, all of them, equal ones in their order; nothing is drawn. For evaluation.
    bucket_batches : int
        Batches to a bucket: more make lengths more alike, fewer leave more to chance.
    drop_last : bool
        Leave out a last batch that is smaller than the others.

    Examples
    --------
    >>> np.random.seed(0)
    >>> lengths = [9, 1, 8, 2, 7, 3]
    >>> [batch.tolist() for batch in BucketBatchSampler(lengths, 2, shuffle=False)]
    [[1, 3], [5, 4], [2, 0]]
    >>> sorted(np.concatenate(list(BucketBatchSampler(lengths, 2))).tolist())
    [0, 1, 2, 3, 4, 5]
    """

    def __init__(
        self, lengths: Any, batch_size: int, shuffle: bool = True, bucket_batches: int = 50,
        drop_last: bool = False,
    ):  # fmt: skip
        who = "BucketBatchSampler"
        try:
            self.lengths = readable(lengths)
        except ValueError:
            raise DataError(
                f"{who}: lengths are numbers, one for each example, got {lengths!r:.60}"
            ) from None
        if self.lengths.ndim != 1 or (self.lengths.size and self.lengths.dtype.kind not in "iu"):
            raise DataError(
                f"{who}: lengths are whole numbers, one for each example, got {self.lengths.dtype} of shape "
                f"{self.lengths.shape}"
            )
        sizes = whole(who, 1, error=DataError, batch_size=batch_size, bucket_batches=bucket_batches)
        self.batch_size, self.bucket_batches = sizes
        switch(who, shuffle=shuffle, drop_last=drop_last)
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self) -> int:
        full, rest = divmod(len(self.lengths), self.batch_size)
        return full if self.drop_last or not rest else full + 1

    def __iter__(self) -> Iterator[np.ndarray]:
        n = len(self.lengths)
        order = np.arange(n)
        bucket = self.batch_size * self.bucket_batches if self.shuffle else max(n, 1)
        if self.shuffle:
            generator().shuffle(order)
        parts = [order[start : start + bucket] for start in range(0, n, bucket)]
        ordered = [part[np.argsort(self.lengths[part], kind="stable")] for part in parts]
        batches = [
            part[k : k + self.batch_size] for part in ordered for k in range(0, len(part), self.batch_size)
        ]
        if self.drop_last:
            batches = [batch for batch in batches if len(batch) == self.batch_size]
        which = np.arange(len(batches))
        if self.shuffle:
            generator().shuffle(which)
        return iter([batches[k] for k in which])
