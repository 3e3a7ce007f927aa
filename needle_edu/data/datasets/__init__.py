"""Ready-made data sets, one small file each."""

from .cifar10 import CIFAR10Dataset, CIFAR100Dataset
from .cola import CoLADataset
from .mnist import MNISTDataset
from .ndarray import NDArrayDataset
from .olivetti import OlivettiDataset
from .optical_digits import DigitsDataset, digits

__all__ = [
    "CIFAR100Dataset",
    "CIFAR10Dataset",
    "CoLADataset",
    "DigitsDataset",
    "MNISTDataset",
    "NDArrayDataset",
    "OlivettiDataset",
    "digits",
]


def __dir__() -> list[str]:
    return sorted(__all__)
