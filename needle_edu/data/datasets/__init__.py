"""Ready-made data sets, one small file each."""

from .digits import DigitsDataset, digits
from .mnist import MNISTDataset
from .ndarray import NDArrayDataset

__all__ = [
    "DigitsDataset",
    "MNISTDataset",
    "NDArrayDataset",
    "digits",
]
