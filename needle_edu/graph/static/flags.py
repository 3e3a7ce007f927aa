"""What Python decides by, and a program therefore depends on: which tensors want gradients, which modules are training,
which parameters an optimiser has stepped as often as others.

A captured function has decided once. `compile` compares these flags at each call, and captures again where one of
them has changed: after `model.eval()`, or when a part of a model was frozen.
"""

from __future__ import annotations

from typing import Any


class Flags:
    """Attributes of tensors and modules that a function was captured with.

    Examples
    --------
    >>> from needle_edu import nn
    >>> flags, layer = Flags(), nn.ReLU()
    >>> flags.add(layer, "training")
    >>> flags.now()
    (True,)
    >>> _ = layer.eval()
    >>> flags.now()
    (False,)
    """

    def __init__(self) -> None:
        # With the objects themselves: an id is used again otherwise.
        self._places: dict[tuple, tuple[Any, str]] = {}

    def add(self, owner: Any, name: str, same: tuple = ()) -> None:
        """Note that an attribute counts; once for all owners that are the `same`, if they are made anew each time."""
        self._places.setdefault(same or (id(owner), name), (owner, name))

    def join(self, others: Flags) -> None:
        """Note all that others have noted."""
        self._places = {**self._places, **others._places}

    def now(self) -> tuple[bool, ...]:
        """What the attributes are at this moment, in the order in which they were noted."""
        return tuple([getattr(owner, name) for owner, name in self._places.values()])
