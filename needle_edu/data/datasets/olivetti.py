"""The Olivetti faces: ten pictures of each of forty people, 64 by 64 grey pixels, read from the published file.

The file is not part of needle_edu; `needle_edu.data.download("olivetti")` fetches it. The pictures were taken between
April 1992 and April 1994 at AT&T Laboratories Cambridge.

Reference: F. Samaria, A. Harter, "Parameterisation of a stochastic model for human face identification", 1994.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np

from ...backend.arguments import switch
from ...backend.errors import DataError
from ..matlab import read_matlab
from .ndarray import NDArrayDataset

PEOPLE, PICTURES, TO_LEARN_FROM = 40, 10, 8


class OlivettiDataset(NDArrayDataset):
    """Item i is (float32 (4096,) in [0, 1], the number of the person, 0 to 39).

    The set has no split of its own: here the first eight pictures of each person are to learn from, the last two to
    test with.

    Parameters
    ----------
    path : path
        Of `olivettifaces.mat`.
    train : bool
        320 pictures, or 80.
    transforms : sequence of callables, optional
        Each sees one picture of shape (64, 64, 1).

    Raises
    ------
    DataError
        If the file is damaged or another one.

    Examples
    --------
    >>> OlivettiDataset(__file__, train=True)
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.DataError: ...: no MATLAB file of version 5: it does not begin as one; download it again
    """

    def __init__(self, path: str | os.PathLike, train: bool, transforms: Sequence[Callable] | None = None):
        switch("OlivettiDataset", train=train)
        faces = read_matlab(path, "faces")
        if faces.shape != (64 * 64, PEOPLE * PICTURES) or faces.dtype != np.uint8:
            raise DataError(
                f"{path}: faces are {faces.dtype} of shape {faces.shape}, wanted uint8 (4096, 400)"
            )
        pictures = (
            faces.T.reshape(-1, 64, 64).transpose(0, 2, 1).reshape(-1, 64 * 64)
        )  # columns lie first there
        chosen = (np.arange(PEOPLE * PICTURES) % PICTURES < TO_LEARN_FROM) == bool(train)
        people = np.arange(PEOPLE * PICTURES) // PICTURES
        images = pictures[chosen].astype(np.float32) / np.float32(255)
        super().__init__(images, people[chosen], transforms=transforms)

    def apply_transforms(self, x: np.ndarray) -> np.ndarray:
        """One row of 4,096 pixels, seen by each transform as a picture of shape (64, 64, 1)."""
        return np.ravel(super().apply_transforms(x.reshape(64, 64, 1)))
