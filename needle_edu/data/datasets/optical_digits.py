"""Real handwritten digits that come with needle_edu: 1,797 images of 8 by 8 pixels.

They are small enough to travel in the package (about 50 KB), so the first lecture trains a network on
handwriting with no download, and real enough that a wrong gradient shows at once. Source, licence and
attribution stand in `needle_edu/data/files/README.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from ...backend.arguments import real, whole
from ...backend.errors import DataError
from ...backend.random import generator
from ..idx import read_idx
from .ndarray import NDArrayDataset

FILES = Path(__file__).parents[1] / "files"
LARGEST_PIXEL = 16  # each pixel counts the dark points in a 4 by 4 square of the scanned bitmap


def digits(split: str = "train", seed: int = 0, test_fraction: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """The UCI optical digits as two arrays.

    The split into training and test images is random but *stratified*: each of the ten digits has the same
    share of the test set as of the whole. It depends on `seed` alone, never on what was drawn before.

    Parameters
    ----------
    split : {"train", "test", "all"}
        "all" keeps the order of the published file.
    seed : int
        Another seed gives another split.
    test_fraction : float
        The share of each digit that goes to the test set, 0.2 by default (1,438 images remain to train on).

    Returns
    -------
    images : numpy.ndarray, float32 of shape (n, 64)
        Row by row, 0 for paper, 1 for ink; `images[i].reshape(8, 8)` is a picture.
    labels : numpy.ndarray, int64 of shape (n,), 0 to 9

    Examples
    --------
    >>> images, labels = digits("train")
    >>> images.shape, images.dtype, labels.dtype
    ((1438, 64), dtype('float32'), dtype('int64'))
    >>> digits("test")[0].shape
    (359, 64)
    """
    images, labels = _load()
    if split == "all":
        return images.copy(), labels.copy()
    if split not in ("train", "test"):
        raise DataError(f"digits: split is 'train', 'test' or 'all', got {split!r}")
    real("digits", 0, below=1, error=DataError, test_fraction=test_fraction)
    whole("digits", 0, error=DataError, seed=seed)
    if not test_fraction:
        raise DataError("digits: test_fraction lies between 0 and 1, got 0")
    chosen = _stratified(labels, test_fraction, seed)[split]
    return images[chosen], labels[chosen]


class DigitsDataset(NDArrayDataset):
    """The digits as a data set: item i is (float32 (64,) in [0, 1], label).

    Parameters
    ----------
    split, seed
        As for `digits`.
    transforms : sequence of callables, optional
        Each sees one image of shape (8, 8, 1).

    Examples
    --------
    >>> x, y = DigitsDataset("test")[0]
    >>> x.shape, int(y) in range(10)
    ((64,), True)
    """

    def __init__(self, split: str = "train", seed: int = 0, transforms: Sequence[Callable] | None = None):
        super().__init__(*digits(split, seed), transforms=transforms)

    def apply_transforms(self, x: np.ndarray) -> np.ndarray:
        """One row of 64 pixels, seen by each transform as a picture of shape (8, 8, 1)."""
        return np.ravel(super().apply_transforms(x.reshape(8, 8, 1)))


@cache
def _load() -> tuple[np.ndarray, np.ndarray]:
    """All images and labels, in the order of the published file."""
    images = read_idx(FILES / "digits-images-idx3-ubyte.gz", ndim=3)
    labels = read_idx(FILES / "digits-labels-idx1-ubyte.gz", ndim=1)
    return images.reshape(-1, 64).astype(np.float32) / np.float32(LARGEST_PIXEL), labels.astype(np.int64)


def _stratified(labels: np.ndarray, test_fraction: float, seed: int) -> dict[str, np.ndarray]:
    """Shuffled positions of the training and the test examples, each class split in the same proportion."""
    rng = generator(seed)
    train, test = [], []
    for label in np.unique(labels):
        places = rng.permutation(np.flatnonzero(labels == label))
        cut = round(len(places) * test_fraction)
        test.append(places[:cut])
        train.append(places[cut:])
    return {"train": rng.permutation(np.concatenate(train)), "test": rng.permutation(np.concatenate(test))}
