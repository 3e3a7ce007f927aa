"""LeNet-5, with rectifiers and max-pooling in place of the original's sigmoids and means.

Reference: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11), 1998.
"""

from __future__ import annotations

from ... import nn
from ..classifier import Classifier


class LeNet(Classifier):
    """Two convolutions with pooling, three linear layers: 61,706 parameters for grey pictures of 28 by 28.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("lenet", data="digits", epochs=1, progress=False)
    >>> sum(parameter.size for parameter in result.application.model.parameters())
    61706
    """

    name = "lenet"
    summary = "LeNet-5, two convolutions and three linear layers, tells clothes or digits apart"
    epochs, batch_size, lr = 5, 64, 2e-3
    shape = (1, 28, 28)

    def network(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """(batch, 1, 28, 28) gives (batch, classes)."""
        return nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),  # (N, 6, 28, 28)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 6, 14, 14)
            nn.Conv2d(6, 16, 5),  # (N, 16, 10, 10)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 16, 5, 5)
            nn.Flatten(),
            nn.Linear(400, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, classes),
        )
