"""CIFAR-10 and CIFAR-100: 60,000 small colour pictures of 10 or 100 kinds of things, read from the published files.

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
        switch(type(self).__name__, train=train)
        real(type(self).__name__, 0, 1, p=p)
        self.p = p
        pixels, labels = zip(*self._batches(base_folder, train), strict=True)
        self.pixels = np.concatenate(pixels)
        self.y = np.concatenate(labels)

    def _batches(self, folder: str | os.PathLike, train: bool) -> list[tuple[np.ndarray, np.ndarray]]:
        names = [f"data_batch_{k}" for k in range(1, 6)] if train else ["test_batch"]
        return [read_batch(os.path.join(folder, name)) for name in names]

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


class CIFAR100Dataset(CIFAR10Dataset):
    """As `CIFAR10Dataset`, with 100 classes, 600 pictures of each; the 100 make 20 groups of 5.

    Parameters
    ----------
    base_folder : path
        The folder `cifar-100-python`, with `train` and `test`.
    train, p, transforms
        As for `CIFAR10Dataset`.
    groups : bool
        Whether labels are the 20 groups ("coarse") and not the 100 classes ("fine").

    Examples
    --------
    >>> import pickle, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> pixels, labels = np.zeros((1, 3072), "uint8"), {b"fine_labels": [99], b"coarse_labels": [19]}
    >>> with open(os.path.join(folder, "test"), "wb") as file:
    ...     pickle.dump({b"data": pixels, **labels}, file)
    >>> CIFAR100Dataset(folder, train=False).y, CIFAR100Dataset(folder, train=False, groups=True).y
    (array([99]), array([19]))
    """

    def __init__(
        self,
        base_folder: str | os.PathLike,
        train: bool,
        p: float = 0.5,
        transforms: Sequence[Callable] | None = None,
        groups: bool = False,
    ):
        switch("CIFAR100Dataset", groups=groups)
        self.groups = groups
        super().__init__(base_folder, train, p, transforms)

    def _batches(self, folder: str | os.PathLike, train: bool) -> list[tuple[np.ndarray, np.ndarray]]:
        entry, classes = ("coarse_labels", 20) if self.groups else ("fine_labels", 100)
        return [read_batch(os.path.join(folder, "train" if train else "test"), entry, classes)]
