"""Ready-made data sets, one small file each."""

from .cifar10 import CIFAR10Dataset
from .mnist import MNISTDataset
from .ndarray import NDArrayDataset
from .optical_digits import DigitsDataset, digits

__all__ = [
    "CIFAR10Dataset",
    "DigitsDataset",
    "MNISTDataset",
    "NDArrayDataset",
    "digits",
]


def __dir__() -> list[str]:
    return sorted(__all__)
