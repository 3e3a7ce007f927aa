"""A model in evaluation mode for a while: each of its modules is put back into the mode in which it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..nn.module import Module


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Within the block the model and all inside it are in evaluation mode.

    A part that somebody has put into another mode than the whole, such as a frozen one, comes back as it was.

    Examples
    --------
    >>> from needle_edu import nn
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5).eval())
    >>> with evaluating(model):
    ...     model.training
    False
    >>> [part.training for part in (model, *model.children())]
    [True, True, False]
    """
    switched = [module for _, module in model.named_modules() if module.training]
    try:
        for module in switched:
            module.training = False
        yield
    finally:
        for module in switched:
            module.training = True
