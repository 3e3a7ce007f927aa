"""CIFAR-10: 60,000 small colour pictures of ten kinds of things, read from its published files.

The files are not part of needle_edu. They are published at https://www.cs.toronto.edu/~kriz/cifar.html as the
"python version".

Reference: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...backend.arguments import real, switch
from ..batches import read_batch
from ..dataset import Dataset
from .ndarray import own


class CIFAR10Dataset(Dataset):
    """The 50,000 pictures to learn from, or the 10,000 to test with.

    Parameters
    ----------
    base_folder : path
        The folder `cifar-10-batches-py`, with `data_batch_1` to `data_batch_5` and `test_batch`.
    train : bool
        Whether to read the five files to learn from, or the one to test with.
    p : float
        Kept as an attribute, as in the course; what is drawn is the business of `transforms`.
    transforms : sequence of callables, optional
        Each sees one picture of shape (32, 32, 3), float32 in [0, 1], as `RandomCrop` and `RandomFlipHorizontal` want
        it.

    Attributes
    ----------
    pixels : numpy.ndarray, uint8 of shape (n, 3, 32, 32)
    X : numpy.ndarray, float32 of shape (n, 3, 32, 32), in [0, 1]
        Computed anew when asked for: of 50,000 pictures it takes 614 MB.
    y : numpy.ndarray, int64 of shape (n,)

    Raises
    ------
    DataError
        If a file is damaged or is no such batch. Reading a file runs nothing that is written in it.
    FileNotFoundError
        If a file is missing.

    Examples
    --------
    >>> import pickle, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with open(os.path.join(folder, "test_batch"), "wb") as file:
    ...     pickle.dump({b"data": np.full((2, 3072), 255, "uint8"), b"labels": [3, 5]}, file)
    >>> dataset = CIFAR10Dataset(folder, train=False)
    >>> x, y = dataset[1]
    >>> x.shape, x.dtype, float(x.max()), int(y)
    ((3, 32, 32), dtype('float32'), 1.0, 5)
    """

    many_at_once = True

    def __init__(
        self,
        base_folder: str | os.PathLike,
        train: bool,
        p: float = 0.5,
        transforms: Sequence[Callable] | None = None,
    ):
        super().__init__(transforms)
        switch("CIFAR10Dataset", train=train)
        real("CIFAR10Dataset", 0, 1, p=p)
        self.p = p
        names = [f"data_batch_{k}" for k in range(1, 6)] if train else ["test_batch"]
        pixels, labels = zip(*(read_batch(os.path.join(base_folder, name)) for name in names), strict=True)
        self.pixels = np.concatenate(pixels)
        self.y = np.concatenate(labels)

    @property
    def X(self) -> np.ndarray:  # noqa: N802
        """All pictures, in [0, 1]."""
        return self.pixels / np.float32(255)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: Any) -> tuple[np.ndarray, Any]:
        """One picture, (3, 32, 32), and its label; or, for a slice or an array of indices, (k, 3, 32, 32) and (k,)."""
        pictures, labels = self.pixels[index] / np.float32(255), own(self.y[index])
        if self.transforms and pictures.size:
            last = pictures.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            changed = np.stack([self.apply_transforms(picture) for picture in last])
            pictures = np.ascontiguousarray(changed.transpose(0, 3, 1, 2))
            pictures = pictures if np.ndim(labels) else pictures[0]
        return pictures, labels
