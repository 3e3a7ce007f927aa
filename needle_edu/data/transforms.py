"""Random changes to training images, so that the network never sees the same picture twice.

A transform is a callable from image to image. Images are NumPy arrays of shape (height, width, channels).
Each transform documents how many random numbers it draws: published results depend on that order.
"""

from __future__ import annotations

import numpy as np

from ..backend.arguments import real, whole
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
