"""A pool of pictures that were made before: a judge that sees old ones too does not forget their faults.

A discriminator that only ever sees the latest forgeries can be led in a circle. So half of what it is shown comes from
a pool of earlier ones.

Reference: A. Shrivastava et al., "Learning from simulated and unsupervised images through adversarial training", CVPR
2017, section 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..backend.arguments import whole
from ..backend.errors import DataError, ShapeError
from ..backend.random import generator


class ImagePool:
    """At most `capacity` pictures of one shape.

    Parameters
    ----------
    capacity : int
    shape : tuple of int
        Of one picture.

    Examples
    --------
    >>> pool = ImagePool(2, (1, 1, 1))
    >>> pool.exchange(np.zeros((2, 1, 1, 1))).ravel().tolist(), len(pool)  # not full: they come back, and stay too
    ([0.0, 0.0], 2)
    >>> np.random.seed(0)
    >>> pool.exchange(np.ones((6, 1, 1, 1))).ravel().tolist()
    [1.0, 1.0, 1.0, 1.0, 0.0, 1.0]
    """

    def __init__(self, capacity: int, shape: tuple[int, ...]):
        whole("ImagePool", capacity=capacity)
        self._pictures, self._count = np.zeros((capacity, *shape), np.float32), 0

    def __len__(self) -> int:
        """How many there are now."""
        return self._count

    def exchange(self, pictures: np.ndarray) -> np.ndarray:
        """Give pictures (n, *shape), and get as many: each itself, or, by the toss of a coin, one from the pool.

        The one that is got leaves the pool, and the one that was given takes its place. While the pool is not full
        each comes back, and a copy stays.

        Raises
        ------
        ShapeError
            If the pictures have another shape than was said.
        """
        if np.shape(pictures)[1:] != self._pictures.shape[1:]:
            raise ShapeError(
                f"ImagePool.exchange: got pictures of shape {np.shape(pictures)[1:]}, wanted "
                f"{self._pictures.shape[1:]}"
            )
        given = np.array(pictures, np.float32)
        for k, picture in enumerate(given.copy()):
            if self._count < len(self._pictures):
                self._pictures[self._count] = picture
                self._count += 1
            elif generator().rand() < 0.5:
                place = generator().randint(0, self._count)
                given[k], self._pictures[place] = self._pictures[place], picture
        return given

    def state_dict(self) -> dict[str, Any]:
        """The pictures that are in it."""
        return {"pictures": self._pictures[: self._count].copy()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave.

        Raises
        ------
        DataError
            If there are more pictures than it holds, or of another shape. Nothing is changed then.
        """
        pictures = np.asarray(saved["pictures"], np.float32)
        if pictures.shape[1:] != self._pictures.shape[1:] or len(pictures) > len(self._pictures):
            raise DataError(
                f"ImagePool.load_state_dict: got pictures of shape {pictures.shape}, wanted at most "
                f"{self._pictures.shape}"
            )
        self._count = len(pictures)
        self._pictures[: self._count] = pictures
