"""How good a model is, in numbers a person can judge."""

from .classification import accuracy

__all__ = ["accuracy"]


def __dir__() -> list[str]:
    return sorted(__all__)
