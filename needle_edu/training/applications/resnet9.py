"""ResNet-9 on CIFAR-10's pictures: the fourth homework's network, with pictures that are shifted and mirrored."""

from __future__ import annotations

from ... import data, nn
from ...apps.models import ResNet9
from ...backend.errors import DataError
from ..classifier import Classifier


class CIFARNet(Classifier):
    """`needle_edu.apps.models.ResNet9` for ten classes; where CIFAR-10 is not at hand, digits four times as large.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("resnet9", small=True, steps=2, progress=False)
    >>> result.application.data, result.history.test
    ('digits', {})
    """

    name = "resnet9"
    summary = "a residual network of convolutions tells the ten kinds of things of CIFAR-10 apart"
    usual = ("cifar10",)
    shape = (3, 32, 32)
    transforms = (data.RandomCrop(4), data.RandomFlipHorizontal())

    def network(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """(batch, 3, 32, 32) gives (batch, 10).

        Raises
        ------
        DataError
            If there are more classes.
        """
        if classes > 10:
            raise DataError(
                f"train: resnet9 tells 10 classes apart, got pictures of {classes}; name other data"
            )
        return ResNet9()
