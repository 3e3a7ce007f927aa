"""Which pictures an application learns from: those asked for, else the full data set if it is at hand, else digits.

A fresh machine without network has the 1,797 digits that come with needle_edu, so every application runs there. What is
learned from is said in words (`said`), with every result. Pictures that are smaller than a network wants are enlarged
and framed, and grey ones become three equal colours.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Sequence
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
        For the pictures to learn from.

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
        said, name, parts = _asked_for(wanted, transforms)
    else:
        name = next((name for name in usual if not small and at_hand(name)), "digits")
        said, parts = name, _by_name(name, transforms)
        missing = [other for other in usual if other not in EMBEDDED]
        if name in EMBEDDED and missing and not small:
            said = f"{name} (which come with needle_edu; {' and '.join(missing)} are not at hand)"
    if small:
        parts = tuple(
            data.Subset(part, range(min(n, len(part)))) for part, n in zip(parts, SMALL, strict=True)
        )
    own = SHAPES[name]
    shape = own if shape is None else shape
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


def _asked_for(wanted: str, transforms: Sequence[Callable] | None) -> tuple[str, str, Any]:
    """What is said, the name, and the two parts of a data set that somebody named."""
    if wanted in SHAPES:
        return wanted, wanted, _by_name(wanted, transforms)
    if not Path(wanted).is_dir():
        near = difflib.get_close_matches(wanted, SHAPES, 1)
        advice = f"did you mean {near[0]}?" if near else f"the names are {', '.join(SHAPES)}"
        raise DataError(f"train: {wanted!r} is neither a data set of pictures nor a folder; {advice}")
    name, parts = _in_folder(Path(wanted), transforms)
    return f"the files in {wanted}", name, parts


def _by_name(name: str, transforms: Sequence[Callable] | None) -> Any:
    return data.load(name, True, transforms), data.load(name, False)


def _in_folder(folder: Path, transforms: Sequence[Callable] | None) -> tuple[str, Any]:
    """The data set whose published files lie in a folder."""
    for inside, kind, name in (
        ("cifar-10-batches-py", data.CIFAR10Dataset, "cifar10"),
        ("cifar-100-python", data.CIFAR100Dataset, "cifar100"),
    ):
        place = next((p for p in (folder / inside, folder) if (p / _CIFAR[name]).is_file()), None)
        if place is not None:
            return name, (kind(place, True, transforms=transforms), kind(place, False))
    faces = folder / "olivettifaces.mat"
    if faces.is_file():
        return "olivetti", (data.OlivettiDataset(faces, True, transforms), data.OlivettiDataset(faces, False))
    pairs = [[_idx(folder, f"{part}-{rest}") for rest in _IDX] for part in ("train", "t10k")]
    if all(file is not None for pair in pairs for file in pair):
        (images, labels), (test_images, test_labels) = pairs
        assert images and labels and test_images and test_labels
        return "mnist", (
            data.MNISTDataset(images, labels, transforms),
            data.MNISTDataset(test_images, test_labels),
        )
    raise DataError(
        f"train: {folder} holds no data set of pictures: wanted MNIST's four files, the batches of CIFAR-10 or "
        "CIFAR-100, or olivettifaces.mat"
    )


_CIFAR = {"cifar10": "data_batch_1", "cifar100": "fine_label_names.txt"}
_IDX = ("images-idx3-ubyte", "labels-idx1-ubyte")


def _idx(folder: Path, name: str) -> str | None:
    return next(
        (os.fspath(folder / file) for file in (f"{name}.gz", name) if (folder / file).is_file()), None
    )
