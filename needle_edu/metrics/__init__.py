"""How good a model is, in numbers a person can judge."""

from .classification import accuracy

__all__ = ["accuracy"]
