"""Models that train: the course's applications, found by `as_needle --apps` under the course's names."""

from . import mlp_resnet, models, simple_ml

__all__ = ["mlp_resnet", "models", "simple_ml"]


def __dir__() -> list[str]:
    return sorted(__all__)
