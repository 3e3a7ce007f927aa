"""MNIST: 70,000 handwritten digits, 28 by 28 grey pixels each, read from its published IDX files.

The files are not part of needle_edu. They are published at https://ossci-datasets.s3.amazonaws.com/mnist/ ;
any data set in the same format, such as Fashion-MNIST, works too.

Reference: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86(11), 1998.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...backend.errors import DataError
from ..dataset import Dataset
from ..idx import read_idx
from .ndarray import own


class MNISTDataset(Dataset):
    """Images and labels from a pair of IDX files, gzipped or plain.

    Parameters
    ----------
    image_filename, label_filename : path
        For example `train-images-idx3-ubyte.gz` and `train-labels-idx1-ubyte.gz`.
    transforms : sequence of callables, optional
        Each sees one image of shape (28, 28, 1), float32 in [0, 1]. What the last one returns is flattened.

    Attributes
    ----------
    images : numpy.ndarray, float32 of shape (n, 784), in [0, 1]
    labels : numpy.ndarray, uint8 of shape (n,)

    Raises
    ------
    DataError
        If a file is damaged or of another kind, or the two do not belong together.
    FileNotFoundError
        If a file is missing.

    Examples
    --------
    >>> import os, tempfile
    >>> from needle_edu.data import write_idx
    >>> folder = tempfile.mkdtemp()
    >>> images, labels = os.path.join(folder, "images.gz"), os.path.join(folder, "labels.gz")
    >>> write_idx(images, np.full((2, 28, 28), 255, dtype="uint8"))
    >>> write_idx(labels, np.array([3, 4], dtype="uint8"))
    >>> ds = MNISTDataset(images, labels)
    >>> x, y = ds[1]
    >>> x.shape, x.dtype, float(x.max()), int(y)
    ((784,), dtype('float32'), 1.0, 4)
    >>> ds[0:2][0].shape
    (2, 784)
    """

    many_at_once = True

    def __init__(
        self,
        image_filename: str | os.PathLike,
        label_filename: str | os.PathLike,
        transforms: Sequence[Callable] | None = None,
    ):
        super().__init__(transforms)
        images = read_idx(image_filename, ndim=3)
        self.labels = read_idx(label_filename, ndim=1)
        if len(images) != len(self.labels):
            raise DataError(
                f"{image_filename} holds {len(images)} images but {label_filename} holds "
                f"{len(self.labels)} labels: expected one label per image"
            )
        self.image_shape = (*images.shape[1:], 1)
        self.images = images.reshape(len(images), math.prod(images.shape[1:])).astype(np.float32)
        self.images /= 255

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Any) -> tuple[np.ndarray, Any]:
        """One example, (784,) and a label; or, for a slice or an array of indices, (k, 784) and (k,)."""
        images, labels = own(self.images[index]), own(self.labels[index])
        if self.transforms and images.size:
            pictures = images.reshape(-1, *self.image_shape)
            changed = np.stack([np.ravel(self.apply_transforms(p)) for p in pictures])
            images = changed.reshape(*images.shape[:-1], -1)
        return images, labels
