"""The second homework's network: linear layers with ways past them, normalised, and thinned while they learn."""

from __future__ import annotations

import math

from ... import nn
from ...apps.mlp_resnet import MLPResNet
from ..classifier import Classifier


class ResidualMLP(Classifier):
    """`needle_edu.apps.mlp_resnet.MLPResNet`, three residual blocks of width 100.

    Examples
    --------
    >>> from needle_edu import training
    >>> training.run("resmlp", data="digits", progress=False).metrics["accuracy"] > 0.9
    True
    """

    name = "resmlp"
    summary = "a residual network of linear layers (homework 2) tells clothes or digits apart"

    def network(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """(batch, *shape) gives (batch, classes)."""
        wide, blocks = (20, 1) if self.settings.small else (100, 3)
        return nn.Sequential(nn.Flatten(), MLPResNet(math.prod(shape), wide, blocks, classes))
