"""Overrides: a stack of versions in one place, of which the youngest is in force.

An op's slot and a kernel's place in a device's table work alike: the library's own version lies at the bottom, each
override lies on top, and any of them may be taken out again, in any order.
"""

from typing import Any, Protocol

from .scope import Change


class Place(Protocol):
    """Where an override goes: an op's slot, or a kernel's place."""

    stack: "tuple[Override, ...]"

    def use(self, stack: "tuple[Override, ...]") -> None:
        """Put the top of a stack in force: all or nothing, by plain assignments, which no interrupt can cut."""


class Override(Change):
    """One version in a place, in force while no other lies on top of it.

    A context manager, and a handle with `undo()`.

    Attributes
    ----------
    place : Place
        Where it is.
    entry : type or function
        The version itself.
    instance : object or None
        A ready instance of a class that needs no arguments.
    """

    __slots__ = ("entry", "instance", "place")

    def __init__(self, place: Place, entry: Any, instance: Any = None):
        super().__init__()
        self.place, self.entry, self.instance = place, entry, instance

    def take_back(self) -> None:
        """Take this version out again, whatever was put on top of it since."""
        self.place.use(tuple([layer for layer in self.place.stack if layer is not self]))
