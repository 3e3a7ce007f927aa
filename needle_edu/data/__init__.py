"""Data: what a network learns from.

`Dataset` and `DataLoader` turn examples into batches, samplers decide their order, `random_split` and `Subset` take
parts, `RandomFlipHorizontal` and `RandomCrop` vary images, `Corpus` reads running text, `datasets` holds ready-made
data sets, `digits` and `thumbnails` give real handwritten digits and pictures of clothes with no download, `load` opens
any by name and fetches the larger ones, and `halves`, `diagonal`, `stripes`, `xor`, `circles`, `moons`, `spiral` give
points in the plane.
"""

from typing import Any

from ..backend.naming import not_here
from . import datasets
from .buckets import BucketBatchSampler
from .collate import collate_ndarray, collate_padded
from .dataset import Dataset
from .datasets import (
    CIFAR10Dataset,
    CIFAR100Dataset,
    CoLADataset,
    DigitsDataset,
    MNISTDataset,
    NDArrayDataset,
    OlivettiDataset,
    SentencesDataset,
    ThumbnailsDataset,
    digits,
    thumbnails,
)
from .downloads import NAMES, download, load
from .idx import read_idx, write_idx
from .loader import DataLoader
from .points import circles, diagonal, halves, moons, spiral, stripes, xor
from .samplers import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from .subsets import ConcatDataset, Subset, random_split
from .text import Corpus, Dictionary, batchify, get_batch
from .tokens import BPETokenizer, CharTokenizer
from .transforms import (
    Compose,
    Normalize,
    RandomCrop,
    RandomFlipHorizontal,
    RandomFlipVertical,
    ToFloat,
    Transform,
)

__all__ = [
    "BPETokenizer",
    "BatchSampler",
    "BucketBatchSampler",
    "CIFAR100Dataset",
    "CIFAR10Dataset",
    "CharTokenizer",
    "CoLADataset",
    "Compose",
    "ConcatDataset",
    "Corpus",
    "DataLoader",
    "Dataset",
    "Dictionary",
    "DigitsDataset",
    "MNISTDataset",
    "NAMES",
    "NDArrayDataset",
    "Normalize",
    "OlivettiDataset",
    "RandomCrop",
    "RandomFlipHorizontal",
    "RandomFlipVertical",
    "RandomSampler",
    "Sampler",
    "SentencesDataset",
    "SequentialSampler",
    "Subset",
    "SubsetRandomSampler",
    "ThumbnailsDataset",
    "ToFloat",
    "Transform",
    "WeightedRandomSampler",
    "batchify",
    "circles",
    "collate_ndarray",
    "collate_padded",
    "datasets",
    "diagonal",
    "digits",
    "download",
    "get_batch",
    "halves",
    "load",
    "moons",
    "random_split",
    "read_idx",
    "spiral",
    "stripes",
    "thumbnails",
    "write_idx",
    "xor",
]

ELSEWHERE = {
    "TensorDataset": "data.NDArrayDataset(x, y)",
}


def __getattr__(name: str) -> Any:
    raise not_here(__name__, name, __all__, ELSEWHERE)


def __dir__() -> list[str]:
    return sorted(__all__)
