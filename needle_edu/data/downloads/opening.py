"""A data set by its name: fetched if need be, and opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from ...backend.arguments import switch
from ...backend.errors import DataError
from ..datasets.cifar10 import CIFAR10Dataset, CIFAR100Dataset
from ..datasets.cola import CoLADataset
from ..datasets.fashion_thumbnails import ThumbnailsDataset
from ..datasets.mnist import MNISTDataset
from ..datasets.olivetti import OlivettiDataset
from ..datasets.optical_digits import DigitsDataset
from ..datasets.sentences import SentencesDataset
from .fetch import download, found
from .registry import EMBEDDED, files_of

_TEXTS = ("tinyshakespeare", "ptb")
_MODELS = {"minilm": "models.minilm()"}


def load(
    name: str,
    train: bool = True,
    transforms: Sequence[Callable] | None = None,
    *,
    folder: str | os.PathLike | None = None,
    progress: bool = True,
) -> Any:
    """Fetch a data set, if it is not here yet, and open it.

    Parameters
    ----------
    name : str
        "mnist", "fashion-mnist", "kmnist", "cifar10", "cifar100", "olivetti" or "cola"; or "digits", "thumbnails" or
        "sentences", which come with needle_edu. The running texts "tinyshakespeare" and "ptb" are for
        `Corpus(download(name))`.
    train : bool
        The examples to learn from, or those to test with. Only the files of these are fetched where they are apart.
    transforms : sequence of callables, optional
        For pictures.
    folder, progress
        As for `download`.

    Returns
    -------
    MNISTDataset, CIFAR10Dataset, CIFAR100Dataset, OlivettiDataset, CoLADataset, DigitsDataset, ThumbnailsDataset
    or SentencesDataset

    Raises
    ------
    DataError
        If there is no such data set, it cannot be fetched, or its files are damaged.

    Examples
    --------
    >>> len(load("thumbnails")), len(load("thumbnails", train=False))
    (4000, 1000)
    >>> load("ptb")
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.DataError: load: 'ptb' is a running text: Corpus(download('ptb')) reads it
    """
    switch("load", train=train)
    if transforms is not None and name in ("cola", "sentences"):
        raise ValueError(f"load: transforms are for pictures; give the loader of {name!r} a collate_fn")
    if name == "sentences":
        return SentencesDataset(train)
    if name in ("digits", "thumbnails"):
        embedded = DigitsDataset if name == "digits" else ThumbnailsDataset
        return embedded("train" if train else "test", transforms=transforms)
    files = files_of("load", name, EMBEDDED)
    if name in _TEXTS:
        raise DataError(f"load: {name!r} is a running text: Corpus(download({name!r})) reads it")
    if name in _MODELS:
        raise DataError(f"load: {name!r} is a model: {_MODELS[name]} reads it")
    if name in ("mnist", "fashion-mnist", "kmnist"):
        part = "train" if train else "t10k"
        place = download(name, folder, progress=progress, only=part)
        images, labels = (found(place, file) for file in files if file.name.startswith(part))
        assert images is not None and labels is not None
        return MNISTDataset(images, labels, transforms)
    place = download(name, folder, progress=progress)
    if name == "olivetti":
        return OlivettiDataset(place / files[0].name, train, transforms)
    unpacked = place / str(files[0].unpacked)
    if name == "cola":
        return CoLADataset(unpacked, train)
    kind = CIFAR10Dataset if name == "cifar10" else CIFAR100Dataset
    return kind(unpacked, train, transforms=transforms)
