"""How good a model is, in numbers a person can judge."""

from .classification import accuracy, confusion_matrix, f1, matthews_corrcoef, precision, recall
from .language import perplexity
from .probabilities import log_loss, roc_auc, roc_curve
from .regression import explained_variance, mean_absolute_error, mean_squared_error, r2

__all__ = [
    "accuracy",
    "confusion_matrix",
    "explained_variance",
    "f1",
    "log_loss",
    "matthews_corrcoef",
    "mean_absolute_error",
    "mean_squared_error",
    "perplexity",
    "precision",
    "r2",
    "recall",
    "roc_auc",
    "roc_curve",
]


def __dir__() -> list[str]:
    return sorted(__all__)
