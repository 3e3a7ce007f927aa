"""Data: what a network learns from.

`Dataset` and `DataLoader` turn examples into batches, `RandomFlipHorizontal` and `RandomCrop` vary images,
`datasets` holds ready-made data sets, `digits` gives 1,797 real handwritten digits with no download, and
`spiral`, `moons`, `circles`, `xor` give points in the plane that can be drawn.
"""

from . import datasets
from .dataset import Dataset
from .datasets import CIFAR10Dataset, DigitsDataset, MNISTDataset, NDArrayDataset, digits
from .idx import read_idx, write_idx
from .loader import DataLoader, collate_ndarray
from .points import circles, moons, spiral, xor
from .transforms import RandomCrop, RandomFlipHorizontal, Transform

__all__ = [
    "CIFAR10Dataset",
    "DataLoader",
    "Dataset",
    "DigitsDataset",
    "MNISTDataset",
    "NDArrayDataset",
    "RandomCrop",
    "RandomFlipHorizontal",
    "Transform",
    "circles",
    "collate_ndarray",
    "datasets",
    "digits",
    "moons",
    "read_idx",
    "spiral",
    "write_idx",
    "xor",
]


def __dir__() -> list[str]:
    return sorted(__all__)
