"""Small pictures of clothes that come with needle_edu: 5,000 of Fashion-MNIST's, 14 by 14 pixels instead of 28 by 28.

They are harder than digits (a shirt looks much like a coat) and still small enough to travel in the package, about
650 KB. Of each of the ten classes there are the first 400 pictures of Fashion-MNIST's training file and the first 100
of its test file; each pixel is the mean of a square of 2 by 2. Licence and copyright stand in
`needle_edu/data/files/README.md`; `make` made them, and makes the same pixels again from the published files.

Reference: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
algorithms", 2017.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from ...backend.errors import DataError
from ..idx import read_idx, write_idx
from .ndarray import NDArrayDataset

FILES = Path(__file__).parents[1] / "files"
CLASSES = (
    "T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
SIDE = 14
PER_CLASS = {"train": 400, "test": 100}
PUBLISHED = {"train": "train", "test": "t10k"}  # what the files of each part are called


def thumbnails(split: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """The thumbnails as two arrays, in the order of the published files, which is random.

    Parameters
    ----------
    split : {"train", "test"}
        4,000 pictures to learn from, or 1,000 others to test with; of each class the same number.

    Returns
    -------
    images : numpy.ndarray, float32 of shape (n, 196)
        Row by row, 0 for black, 1 for white; `images[i].reshape(14, 14)` is a picture.
    labels : numpy.ndarray, int64 of shape (n,)
        0 to 9; `needle_edu.data.datasets.fashion_thumbnails.CLASSES` names them.

    Raises
    ------
    DataError
        If there is no such split.

    Examples
    --------
    >>> images, labels = thumbnails("test")
    >>> images.shape, images.dtype, labels.dtype
    ((1000, 196), dtype('float32'), dtype('int64'))
    >>> CLASSES[labels[0]]
    'ankle boot'
    """
    if split not in PER_CLASS:
        raise DataError(f"thumbnails: split is 'train' or 'test', got {split!r}")
    images, labels = _load(split)
    return images.copy(), labels.copy()


class ThumbnailsDataset(NDArrayDataset):
    """The thumbnails as a data set: item i is (float32 (196,) in [0, 1], label).

    Parameters
    ----------
    split
        As for `thumbnails`.
    transforms : sequence of callables, optional
        Each sees one image of shape (14, 14, 1).

    Examples
    --------
    >>> x, y = ThumbnailsDataset("test")[0]
    >>> x.shape, CLASSES[y]
    ((196,), 'ankle boot')
    """

    def __init__(self, split: str = "train", transforms: Sequence[Callable] | None = None):
        super().__init__(*thumbnails(split), transforms=transforms)

    def apply_transforms(self, x: np.ndarray) -> np.ndarray:
        """One row of 196 pixels, seen by each transform as a picture of shape (14, 14, 1)."""
        return np.ravel(super().apply_transforms(x.reshape(SIDE, SIDE, 1)))


def shrink(images: np.ndarray) -> np.ndarray:
    """Pictures of half the height and width: each pixel is the mean of four, and a half goes to the even number.

    Parameters
    ----------
    images : numpy.ndarray, uint8 of shape (n, 2 h, 2 w)

    Returns
    -------
    numpy.ndarray, uint8 of shape (n, h, w)

    Examples
    --------
    >>> shrink(np.array([[[0, 1, 9, 9], [0, 1, 9, 9]]], dtype="uint8"))
    array([[[0, 9]]], dtype=uint8)
    """
    n, height, width = images.shape
    squares = images.reshape(n, height // 2, 2, width // 2, 2)
    return np.rint(squares.mean(axis=(2, 4))).astype(np.uint8)


def first_of_each(labels: np.ndarray, count: int) -> np.ndarray:
    """The positions of the first `count` examples of every class, in order.

    Examples
    --------
    >>> first_of_each(np.array([1, 0, 1, 1, 0, 0]), 2)
    array([0, 1, 2, 4])
    """
    return np.sort(np.concatenate([np.flatnonzero(labels == label)[:count] for label in np.unique(labels)]))


def make(source: str | os.PathLike, target: str | os.PathLike) -> None:
    """Write the four files of thumbnails into the folder `target`, from Fashion-MNIST's four in `source`.

    Examples
    --------
    >>> make("nowhere", "nowhere")
    Traceback (most recent call last):
    ...
    FileNotFoundError: ...
    """
    for split, count in PER_CLASS.items():
        begin = Path(source) / PUBLISHED[split]
        images = read_idx(f"{begin}-images-idx3-ubyte.gz", ndim=3)
        labels = read_idx(f"{begin}-labels-idx1-ubyte.gz", ndim=1)
        chosen = first_of_each(labels, count)
        write_idx(Path(target) / f"thumbnails-{split}-images-idx3-ubyte.gz", shrink(images[chosen]))
        write_idx(Path(target) / f"thumbnails-{split}-labels-idx1-ubyte.gz", labels[chosen])


@cache
def _load(split: str) -> tuple[np.ndarray, np.ndarray]:
    images = read_idx(FILES / f"thumbnails-{split}-images-idx3-ubyte.gz", ndim=3)
    labels = read_idx(FILES / f"thumbnails-{split}-labels-idx1-ubyte.gz", ndim=1)
    return images.reshape(-1, SIDE * SIDE).astype(np.float32) / np.float32(255), labels.astype(np.int64)
