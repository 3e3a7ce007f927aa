"""Random changes to training images, so that the network never sees the same picture twice.

A transform is a callable from image to image. Images are NumPy arrays of shape (height, width, channels).
Each transform documents how many random numbers it draws: published results depend on that order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backend.arguments import real, whole
from ..backend.errors import ShapeError
from ..backend.random import generator


class Transform:
    """The base of every transform: define `__call__(x) -> x`.

    Examples
    --------
    >>> class Negative(Transform):
    ...     def __call__(self, x):
    ...         return 1 - x
    >>> Negative()(np.zeros((1, 2, 1))).ravel()
    array([1., 1.])
    """

    def __call__(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, x)")


class RandomFlipHorizontal(Transform):
    """Mirror the image left to right with probability `p`.

    Draws one `rand()` per image, flipped or not.

    Parameters
    ----------
    p : float
        Probability of a flip, 0.5 by default.

    Examples
    --------
    >>> row = np.arange(3).reshape(1, 3, 1)
    >>> RandomFlipHorizontal(p=1.0)(row).ravel().tolist()
    [2, 1, 0]
    """

    def __init__(self, p: float = 0.5):
        real("RandomFlipHorizontal", 0, 1, p=p)
        self.p = p

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """`x` of shape (height, width, channels) or (height, width), mirrored or as it came."""
        return x[:, ::-1] if generator().rand() < self.p else x


class RandomFlipVertical(Transform):
    """Turn the image upside down, as in a mirror below it, with probability `p`.

    Draws one `rand()` per image, flipped or not.

    Examples
    --------
    >>> column = np.arange(3).reshape(3, 1, 1)
    >>> RandomFlipVertical(p=1.0)(column).ravel().tolist()
    [2, 1, 0]
    """

    def __init__(self, p: float = 0.5):
        real("RandomFlipVertical", 0, 1, p=p)
        self.p = p

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """`x` of shape (height, width, channels) or (height, width), upside down or as it came."""
        return x[::-1] if generator().rand() < self.p else x


class RandomCrop(Transform):
    """Surround the image with `padding` zeros and cut the original size out again, at a random place.

    Draws one `randint(-padding, padding + 1, size=2)`: the row shift, then the column shift. A shift of
    (1, 0) moves the window one row down, that is, the picture one row up.

    Parameters
    ----------
    padding : int
        Zeros on each side, 3 by default.

    Examples
    --------
    >>> np.random.seed(0)
    >>> RandomCrop(padding=1)(np.ones((2, 2, 1)))[:, :, 0]      # shifted by (-1, 0)
    array([[0., 0.],
           [1., 1.]])
    """

    def __init__(self, padding: int = 3):
        (self.padding,) = whole("RandomCrop", 0, padding=padding)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """`x` of shape (height, width, channels) or (height, width), shifted; the same shape."""
        p = self.padding
        down, right = generator().randint(low=-p, high=p + 1, size=2)
        height, width = x.shape[:2]
        padded = np.pad(x, ((p, p), (p, p)) + ((0, 0),) * (x.ndim - 2))
        return padded[p + down : p + down + height, p + right : p + right + width]


class ToFloat(Transform):
    """Pixels 0 to 255 as float32 numbers 0 to 1. Images of floating-point numbers stay as they are.

    Draws nothing.

    Examples
    --------
    >>> ToFloat()(np.array([[0, 51, 255]], "uint8"))
    array([[0. , 0.2, 1. ]], dtype=float32)
    """

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """`x` of any shape; the same shape."""
        return x if x.dtype.kind == "f" else x.astype(np.float32) / np.float32(255)


class Normalize(Transform):
    """Subtract a mean and divide by a standard deviation, one of each per channel.

    Over the images to learn from, each channel has mean 0 and standard deviation 1 afterwards. Draws nothing.

    Parameters
    ----------
    mean, std : float, or sequence of float with one per channel

    Examples
    --------
    >>> Normalize([0.5, 0.0], [0.5, 2.0])(np.ones((1, 1, 2), "float32"))
    array([[[1. , 0.5]]], dtype=float32)
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]):
        self.mean, self.std = (np.asarray(value, np.float32) for value in (mean, std))
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values.ndim > 1 or not values.size:
                raise ShapeError(
                    f"Normalize: {name} is a number or one per channel, got shape {values.shape}"
                )
            if not np.isfinite(values).all():
                raise ValueError(f"Normalize: {name} is finite, got {values.tolist()}")
        if not (self.std > 0).all():
            raise ValueError(f"Normalize: std is above 0, got {self.std.tolist()}")

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """`x` of floating-point numbers, of shape (height, width, channels); the same shape."""
        channels = x.shape[-1] if x.ndim else 0
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values.ndim and len(values) not in (1, channels):
                raise ShapeError(
                    f"Normalize: {len(values)} numbers in {name}, but an image of shape {x.shape}"
                )
        return ((x - self.mean) / self.std).astype(x.dtype if x.dtype.kind == "f" else np.float32)


class Compose(Transform):
    """Several transforms, one after another, as one.

    Examples
    --------
    >>> row = np.array([[0, 51, 255]], "uint8")
    >>> Compose([ToFloat(), RandomFlipHorizontal(p=1.0)])(row)
    array([[1. , 0.2, 0. ]], dtype=float32)
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]):
        if callable(transforms):
            raise TypeError("Compose: transforms is a list, such as [RandomCrop()]; got one alone")
        self.transforms = list(transforms)
        for transform in self.transforms:
            if not callable(transform) or isinstance(transform, type):
                raise TypeError(f"Compose: transforms are callables, such as RandomCrop(); got {transform!r}")

    def __call__(self, x: Any) -> Any:
        """`x` passed through every transform in order."""
        for transform in self.transforms:
            x = transform(x)
        return x
