"""Pictures for declared graphs, as tinyflow's programs ask for them: arrays, and batches of arrays.

Taken is what is at hand; nothing is downloaded. Without the full data set these are the digits that come with
needle_edu, enlarged to its shape, and `said` says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from needle_edu import data
from needle_edu.backend.arguments import switch, whole
from needle_edu.backend.random import generator
from needle_edu.data.downloads import at_hand


class Part:
    """Pictures and their labels.

    Attributes
    ----------
    images : numpy.ndarray of float32
        From 0 to 1.
    labels : numpy.ndarray of float32
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray):
        self.images, self.labels = images, labels
        self._order, self._place = np.arange(len(images)), len(images)

    def next_batch(self, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the next pictures and labels, in an order that is drawn anew when fewer are left.

        Examples
        --------
        >>> from needle_edu.flow.datasets import get_mnist
        >>> [part.shape for part in get_mnist(flatten=True).train.next_batch(5)]
        [(5, 784), (5,)]
        """
        whole("next_batch", batch_size=batch_size)
        if batch_size > len(self.images):
            raise ValueError(
                f"next_batch: there are {len(self.images)} pictures, got batch_size {batch_size}"
            )
        if self._place + batch_size > len(self.images):
            self._order, self._place = generator().permutation(len(self.images)), 0
        self._place += batch_size
        chosen = self._order[self._place - batch_size : self._place]
        return self.images[chosen], self.labels[chosen]


class Pictures:
    """Pictures to learn from (`train`) and to test with (`test`); `said` is what they are, in words."""

    def __init__(self, said: str, train: Part, test: Part):
        self.said, self.train, self.test = said, train, test

    def __repr__(self) -> str:
        return (
            f"<{self.said}: {len(self.train.images):,} to learn from, {len(self.test.images):,} to test with>"
        )


def get_mnist(flatten: bool = False, onehot: bool = False) -> Pictures:
    """Return MNIST, Fashion-MNIST or the digits: the first that is at hand.

    Parameters
    ----------
    flatten : bool
        (n, 784) instead of (n, 1, 28, 28).
    onehot : bool
        Labels (n, 10) instead of (n,).

    Examples
    --------
    >>> mnist = get_mnist(onehot=True)
    >>> mnist.test.images.shape[1:], mnist.test.labels.shape[1:]
    ((1, 28, 28), (10,))
    """
    return _found("get_mnist", ("mnist", "fashion-mnist"), (1, 28, 28), flatten, onehot)


def get_cifar10(flatten: bool = False, onehot: bool = False) -> Pictures:
    """Return CIFAR-10, or the digits in three equal colours; (n, 3, 32, 32), else as `get_mnist`.

    Examples
    --------
    >>> get_cifar10().train.images.shape[1:]
    (3, 32, 32)
    """
    return _found("get_cifar10", ("cifar10",), (3, 32, 32), flatten, onehot)


def _found(who: str, names: tuple[str, ...], shape: tuple[int, ...], flatten: bool, onehot: bool) -> Pictures:
    switch(who, flatten=flatten, onehot=onehot)
    name = next((name for name in names if at_hand(name)), "digits")
    said = f"digits, enlarged (not at hand: {', '.join(names)})" if name == "digits" else name
    parts = []
    own = (1, 8, 8) if name == "digits" else shape
    for train in (True, False):
        images, labels = (np.asarray(one) for one in data.load(name, train)[:])
        images = _enlarged(images.reshape(-1, *own), shape).astype("float32")
        images = images.reshape(len(images), -1) if flatten else images
        parts.append(
            Part(
                images,
                np.eye(10, dtype="float32")[labels.astype(int)] if onehot else labels.astype("float32"),
            )
        )
    return Pictures(said, *parts)


def _enlarged(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Pictures (n, c, h, w) as (n, *shape): each pixel a square, black around them, colours equal."""
    times = min(shape[1] // images.shape[2], shape[2] // images.shape[3])
    images = images.repeat(times, 2).repeat(times, 3)
    missing: list[Any] = [wanted - had for wanted, had in zip(shape[1:], images.shape[2:], strict=True)]
    images = np.pad(images, ((0, 0), (0, 0), *[(m // 2, m - m // 2) for m in missing]))
    return np.broadcast_to(images, (len(images), *shape)).copy()
