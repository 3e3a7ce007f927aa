"""Ready-made data sets, one small file each."""

from ..text import Corpus, Dictionary, batchify, get_batch
from .cifar10 import CIFAR10Dataset, CIFAR100Dataset
from .cola import CoLADataset
from .fashion_thumbnails import ThumbnailsDataset, thumbnails
from .mnist import MNISTDataset
from .ndarray import NDArrayDataset
from .olivetti import OlivettiDataset
from .optical_digits import DigitsDataset, digits
from .sentences import SentencesDataset

__all__ = [
    "CIFAR100Dataset",
    "CIFAR10Dataset",
    "CoLADataset",
    "Corpus",
    "Dictionary",
    "DigitsDataset",
    "MNISTDataset",
    "NDArrayDataset",
    "OlivettiDataset",
    "SentencesDataset",
    "ThumbnailsDataset",
    "batchify",
    "digits",
    "get_batch",
    "thumbnails",
]


def __dir__() -> list[str]:
    return sorted(__all__)
