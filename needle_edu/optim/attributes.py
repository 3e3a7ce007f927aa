"""How `optimizer.lr` and `optimizer.m` find what they name: settings in the groups, memories with the parameters.

Both are descriptors: objects in a class that decide what reading an attribute of its instances gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .optimizer import Optimizer


class Setting:
    """A number that every group has. Read: the first group's. Written: every group's.

    Examples
    --------
    >>> from needle_edu import Tensor, optim
    >>> optimizer = optim.SGD([{"params": [Tensor([1.0])]}, {"params": [Tensor([1.0])]}], lr=0.1)
    >>> optimizer.lr = 0.2
    >>> [group["lr"] for group in optimizer.param_groups]
    [0.2, 0.2]
    """

    def __init__(self, name: str):
        self.name = name

    def __get__(self, optimizer: Optimizer | None, kind: type | None = None) -> Any:
        if optimizer is None:
            return self
        groups = vars(optimizer).get("param_groups")
        if not groups or self.name not in groups[0]:
            raise AttributeError(f"{type(optimizer).__name__} has no setting {self.name!r}")
        return groups[0][self.name]

    def __set__(self, optimizer: Optimizer, value: Any) -> None:
        groups = vars(optimizer).get("param_groups")
        if groups is None:
            who = type(optimizer).__name__
            raise AttributeError(f"{who}: call super().__init__(params) before setting {self.name!r}")
        for group in groups:
            group[self.name] = value


class Memory:
    """What is remembered of the parameters under one name, by their positions; an attribute of that name hides it."""

    def __init__(self, name: str):
        self.name = name

    def __get__(self, optimizer: Optimizer | None, kind: type | None = None) -> Any:
        if optimizer is None:
            return self
        return {place: kept[self.name] for place, kept in optimizer.state.items() if self.name in kept}
