"""Which pictures an application learns from: those asked for, else the full data set if it is at hand, else digits.

A fresh machine without network has the 1,797 digits that come with needle_edu, so every application runs there. What is
learned from is said in words (`said`), with every result. Pictures that are smaller than a network wants are enlarged
and framed, and grey ones become three equal colours.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import data
from ..backend.errors import DataError, ShapeError
from ..data.downloads import EMBEDDED, at_hand

MNIST_LIKE = ("mnist", "fashion-mnist", "kmnist")
SHAPES = {
    "digits": (1, 8, 8),
    "thumbnails": (1, 14, 14),
    **dict.fromkeys(MNIST_LIKE, (1, 28, 28)),
    "olivetti": (1, 64, 64),
    **dict.fromkeys(("cifar10", "cifar100"), (3, 32, 32)),
}
IDX = ("images-idx3-ubyte", "labels-idx1-ubyte")
CLASSES = {"olivetti": 40, "cifar100": 100}
SMALL = 256, 128  # examples of a trial run, to learn from and to test with


class Pictures(NamedTuple):
    """Pictures to learn from and to test with; items are (pixels, label), the pixels of the shape (C, H, W)."""

    said: str
    train: data.Dataset
    test: data.Dataset
    shape: tuple[int, int, int]
    classes: int


def find_pictures(
    wanted: str | None,
    usual: Sequence[str],
    *,
    small: bool = False,
    shape: tuple[int, int, int] | None = None,
    transforms: Sequence[Callable] | None = None,
) -> Pictures:
    """Open a data set of pictures.

    Parameters
    ----------
    wanted : str or None
        A name, which may be downloaded; or a folder with the published files; or None.
    usual : sequence of str
        The data sets that are looked for if none is wanted: the first that is at hand is taken, and else the digits.
        Nothing is downloaded then.
    small : bool
        The first 256 pictures to learn from and 128 to test with; the digits, if none is wanted.
    shape : (channels, height, width), optional
        What the network wants; the data set's own if not given.
    transforms : sequence of callables, optional
        For the pictures to learn from, if they have the shape that the network wants: digits that were enlarged to be
        stand-ins are not mirrored.

    Raises
    ------
    DataError
        If there is no such data set, or the folder holds none.
    ShapeError
        If pictures are larger than `shape`.

    Examples
    --------
    >>> found = find_pictures("digits", (), shape=(3, 32, 32))
    >>> found.shape, found.classes, found.train[0][0].shape, found.said
    ((3, 32, 32), 10, (3, 32, 32), 'digits')
    """
    if wanted is not None:
        said, name, opened = _asked_for(wanted)
    else:
        name = next((name for name in usual if not small and at_hand(name)), "digits")
        said, opened = name, partial(data.load, name)
        missing = [other for other in usual if other not in EMBEDDED]
        if name in EMBEDDED and missing and not small:
            said = f"{name} (which come with needle_edu; not at hand: {', '.join(missing)})"
    own = SHAPES[name]
    shape = own if shape is None else shape
    parts = [opened(True, transforms if shape == own else None), opened(False)]
    if small:
        parts = [data.Subset(part, range(min(n, len(part)))) for part, n in zip(parts, SMALL, strict=True)]
    train, test = (_Shaped(part, own, shape) for part in parts)
    return Pictures(said, train, test, shape, CLASSES.get(name, 10))


def fitted(pictures: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Pictures (..., c, h, w) as (..., *shape): each pixel a square as large as fits, black around it, colours equal.

    Examples
    --------
    >>> fitted(np.array([[[1, 2]]]), (1, 2, 4))[0]
    array([[1, 1, 2, 2],
           [1, 1, 2, 2]])
    >>> fitted(np.array([[[5]]]), (2, 1, 3)).tolist()
    [[[0, 5, 0]], [[0, 5, 0]]]
    """
    if pictures.shape[-3:] == shape:
        return pictures
    (c, h, w), (channels, height, width) = pictures.shape[-3:], shape
    times = min(height // h, width // w)
    if not times or c not in (1, channels):
        raise ShapeError(
            f"train: pictures of shape {(c, h, w)} do not fit a network for {shape}; name other data"
        )
    pictures = pictures.repeat(times, -2).repeat(times, -1)
    above, left = (height - times * h) // 2, (width - times * w) // 2
    frame = ((0, 0),) * (pictures.ndim - 2) + (
        (above, height - times * h - above),
        (left, width - times * w - left),
    )
    return np.pad(pictures, frame).repeat(channels // c, -3)


def tiled(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Many pictures as one, row by row, a white line between them: what `imshow` draws, much faster than one each.

    Parameters
    ----------
    pictures : numpy.ndarray of shape (n, C, H, W), from 0 to 1
        C is 1 or 3; n is a multiple of `columns`.

    Returns
    -------
    numpy.ndarray of shape (height, width, 3)

    Examples
    --------
    >>> tiled(np.zeros((4, 1, 2, 3)), columns=2)[..., 0]
    array([[0., 0., 0., 1., 0., 0., 0.],
           [0., 0., 0., 1., 0., 0., 0.],
           [1., 1., 1., 1., 1., 1., 1.],
           [0., 0., 0., 1., 0., 0., 0.],
           [0., 0., 0., 1., 0., 0., 0.]])
    """
    _, channels, height, width = pictures.shape
    framed = np.pad(pictures, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=1.0)
    grid = framed.reshape(-1, columns, channels, height + 1, width + 1).transpose(0, 3, 1, 4, 2)
    image = grid.reshape(grid.shape[0] * (height + 1), columns * (width + 1), channels)
    return np.clip(image[:-1, :-1], 0, 1).repeat(3 // channels, axis=2)


class _Shaped(data.Dataset):
    """A data set of pictures that are rows or (C, H, W), in the shape that a network wants."""

    many_at_once = True

    def __init__(self, dataset: data.Dataset, own: tuple[int, int, int], wanted: tuple[int, int, int]):
        super().__init__()
        self.dataset, self.own, self.wanted = dataset, own, wanted
        fitted(np.zeros(own, np.float32), wanted)  # or say now that they do not fit

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: Any) -> tuple[np.ndarray, Any]:
        """One picture and its label, or several."""
        pixels, labels = self.dataset[index]
        many = np.shape(labels)
        return fitted(np.reshape(pixels, (*many, *self.own)), self.wanted), labels


def _asked_for(wanted: str) -> tuple[str, str, Callable]:
    """What is said of a data set that somebody named, its name, and what opens a part of it."""
    if wanted in SHAPES:
        return wanted, wanted, partial(data.load, wanted)
    if not Path(wanted).is_dir():
        near = difflib.get_close_matches(wanted, SHAPES, 1)
        advice = f"did you mean {near[0]}?" if near else f"the names are {', '.join(SHAPES)}"
        raise DataError(f"train: {wanted!r} is neither a data set of pictures nor a folder; {advice}")
    return f"the files in {wanted}", *_in_folder(Path(wanted))


def _in_folder(folder: Path) -> tuple[str, Callable]:
    """The data set whose published files lie in a folder: its name, and what opens a part of it."""
    for name, inside, file, kind in (
        ("cifar10", "cifar-10-batches-py", "test_batch", data.CIFAR10Dataset),
        ("cifar100", "cifar-100-python", "test", data.CIFAR100Dataset),
    ):
        place = next((place for place in (folder / inside, folder) if (place / file).is_file()), None)
        if place is not None:
            return name, partial(_batches, kind, place)
    faces = folder / "olivettifaces.mat"
    if faces.is_file():
        return "olivetti", partial(data.OlivettiDataset, faces)
    if all(_idx(folder, part, what) for part in ("train", "t10k") for what in IDX):
        return "mnist", partial(_pair, folder)
    raise DataError(
        f"train: {folder} holds no data set of pictures: wanted MNIST's four files, the batches of CIFAR-10 or "
        "CIFAR-100, or olivettifaces.mat"
    )


def _batches(
    kind: Callable, folder: Path, train: bool, transforms: Sequence[Callable] | None = None
) -> data.Dataset:
    return kind(folder, train, transforms=transforms)


def _pair(folder: Path, train: bool, transforms: Sequence[Callable] | None = None) -> data.Dataset:
    images, labels = (str(_idx(folder, "train" if train else "t10k", what)) for what in IDX)
    return data.MNISTDataset(images, labels, transforms)


def _idx(folder: Path, part: str, what: str) -> Path | None:
    """One of MNIST's files, packed or not."""
    return next((file for end in (".gz", "") if (file := folder / f"{part}-{what}{end}").is_file()), None)
