"""Measures for numbers that were predicted.

With targets :math:`y`, their mean :math:`\\bar y` and predictions :math:`\\hat y`, the coefficient of determination is

    R² = 1 - Σ (y - ŷ)² / Σ (y - ȳ)²:   1 is perfect, 0 is as good as saying the mean each time, below 0 is worse.

`explained_variance` takes the errors' own mean away first: a prediction that is off by the same amount everywhere
explains all of it. Predictions come first and targets second. All is computed in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.errors import DTypeError, ShapeError


def mean_squared_error(predictions: Any, targets: Any) -> float:
    """The mean of (prediction - target)².

    Parameters
    ----------
    predictions, targets : Tensor or array_like of the same shape

    Raises
    ------
    ShapeError
        If the shapes differ, or there are no numbers.
    DTypeError
        If they are no numbers.

    Examples
    --------
    >>> mean_squared_error([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    found, wanted = _pair("mean_squared_error", predictions, targets)
    return float(((found - wanted) ** 2).mean())


def mean_absolute_error(predictions: Any, targets: Any) -> float:
    """The mean of |prediction - target|.

    Parameters and errors are those of `mean_squared_error`.

    Examples
    --------
    >>> mean_absolute_error([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    found, wanted = _pair("mean_absolute_error", predictions, targets)
    return float(np.abs(found - wanted).mean())


def r2(predictions: Any, targets: Any) -> float:
    """The coefficient of determination; of several columns, their mean. Equal targets: 1 if met exactly, else 0.

    Parameters
    ----------
    predictions, targets : Tensor or array_like of the same shape, (n,) or (n, k)

    Raises
    ------
    ShapeError
        If the shapes differ, or there are less than two rows.
    DTypeError
        If they are no numbers.

    Examples
    --------
    >>> r2([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
    0.5
    """
    found, wanted = _columns("r2", predictions, targets)
    return _share(((wanted - found) ** 2).sum(axis=0), ((wanted - wanted.mean(axis=0)) ** 2).sum(axis=0))


def explained_variance(predictions: Any, targets: Any) -> float:
    """1 - Var(target - prediction) / Var(target); of several columns, their mean.

    Parameters and errors are those of `r2`.

    Examples
    --------
    >>> explained_variance([2.0, 3.0, 4.0], [1.0, 2.0, 3.0])
    1.0
    """
    found, wanted = _columns("explained_variance", predictions, targets)
    return _share((wanted - found).var(axis=0), wanted.var(axis=0))


def _share(left: np.ndarray, whole: np.ndarray) -> float:
    """1 - left / whole of each column, on average; where there is nothing to explain, 1 if nothing is left, else 0."""
    shares = np.where(left > 0, 0.0, 1.0)
    np.subtract(
        1, np.divide(left, whole, where=whole > 0, out=np.ones_like(left)), where=whole > 0, out=shares
    )
    return float(np.where(np.isnan(left) | np.isnan(whole), np.nan, shares).mean())


def _pair(who: str, predictions: Any, targets: Any) -> tuple[np.ndarray, np.ndarray]:
    found, wanted = readable(predictions), readable(targets)
    if found.shape != wanted.shape or not found.size:
        raise ShapeError(
            f"{who}: got predictions of shape {found.shape} and targets of shape {wanted.shape}, wanted the same, and "
            "at least one number"
        )
    for array in (found, wanted):
        if array.dtype.kind not in "biuf":
            raise DTypeError(f"{who}: got dtype {array.dtype}, wanted numbers")
    return found.astype(float), wanted.astype(float)


def _columns(who: str, predictions: Any, targets: Any) -> tuple[np.ndarray, np.ndarray]:
    found, wanted = _pair(who, predictions, targets)
    if found.ndim not in (1, 2) or len(found) < 2:
        raise ShapeError(f"{who}: wants at least two rows, of shape (n,) or (n, k), got {found.shape}")
    return found.reshape(len(found), -1), wanted.reshape(len(found), -1)
