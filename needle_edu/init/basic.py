"""Tensors filled with a constant, with ones and zeros, or with random numbers.

Each function takes the shape as separate numbers, `rand(2, 3)`, or as one tuple, and gives a leaf tensor.
Random numbers are drawn in float64 from NumPy's global generator, scaled, and only then rounded to `dtype`, so
that a seed gives the same numbers on every device and in every dtype.
"""

from __future__ import annotations

import math
import numbers
import statistics
import sys
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..autograd.arrays import readable
from ..backend.arguments import real, switch, whole
from ..backend.errors import DTypeError, IndexOutOfRange
from ..backend.random import generator
from ..ndarray.layout import as_extents


def rand(
    *shape: int,
    low: float = 0.0,
    high: float = 1.0,
    device: Any = None,
    dtype: Any = "float32",
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers, uniform in [low, high). Draws `np.random.rand(*shape)`.

    Examples
    --------
    >>> np.random.seed(0)
    >>> rand(2, low=-1, high=1).numpy().round(3).tolist()
    [0.09799999743700027, 0.4300000071525574]
    """
    real("rand", low=low, high=high)
    if low > high:
        raise ValueError(f"rand: low is at most high, got low={low} and high={high}")
    values = generator().rand(*_extents("rand", shape)) * (high - low) + low
    return _tensor("rand", values, device, dtype, requires_grad)


def randn(
    *shape: int,
    mean: float = 0.0,
    std: float = 1.0,
    device: Any = None,
    dtype: Any = "float32",
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers from the normal distribution. Draws `np.random.randn(*shape)`.

    Examples
    --------
    >>> np.random.seed(0)
    >>> randn(2, mean=10.0).numpy().round(2).tolist()
    [11.760000228881836, 10.399999618530273]
    """
    real("randn", mean=mean)
    real("randn", 0, std=std)
    values = generator().randn(*_extents("randn", shape)) * std + mean
    return _tensor("randn", values, device, dtype, requires_grad)


def trunc_normal(
    *shape: int,
    mean: float = 0.0,
    std: float = 1.0,
    low: float = -2.0,
    high: float = 2.0,
    device: Any = None,
    dtype: Any = "float32",
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers from the part of the normal distribution that lies in [low, high].

    Uniform numbers between the shares of the distribution below `low` and below `high`, turned into the numbers that
    have those shares below them. Draws `np.random.rand(*shape)`.

    Examples
    --------
    >>> np.random.seed(0)
    >>> values = trunc_normal(1000, std=2.0, low=-1.0, high=3.0).numpy()
    >>> bool(values.min() >= -1), bool(values.max() <= 3)
    (True, True)
    """
    real("trunc_normal", mean=mean, low=low, high=high)
    real("trunc_normal", 0, std=std)
    if not (std > 0 and low < high):
        raise ValueError(
            f"trunc_normal: wants std > 0 and low < high, got std={std}, low={low} and high={high}"
        )
    normal = statistics.NormalDist(mean, std)
    below, above = normal.cdf(low), normal.cdf(high)
    if not below < above:
        raise ValueError(f"trunc_normal: nothing of the distribution lies between low={low} and high={high}")
    shares = np.asarray(generator().rand(*_extents("trunc_normal", shape))) * (above - below) + below
    inside = np.clip(shares, 2.0**-1022, 1 - 2.0**-53).ravel().tolist()
    values = np.clip([normal.inv_cdf(share) for share in inside], low, high).reshape(shares.shape)
    return _tensor("trunc_normal", values, device, dtype, requires_grad)


def randb(
    *shape: int, p: float = 0.5, device: Any = None, dtype: Any = "bool", requires_grad: bool = False
) -> Tensor:
    """Random bits: True with probability `p`. Draws `np.random.rand(*shape)`.

    Examples
    --------
    >>> randb(3, p=1.0, dtype="float32").numpy()
    array([1., 1., 1.], dtype=float32)
    """
    real("randb", 0, 1, p=p)
    return _tensor("randb", generator().rand(*_extents("randb", shape)) <= p, device, dtype, requires_grad)


def constant(
    *shape: int, c: float = 1.0, device: Any = None, dtype: Any = "float32", requires_grad: bool = False
) -> Tensor:
    """The number `c` everywhere.

    Examples
    --------
    >>> constant(2, c=3.5).numpy()
    array([3.5, 3.5], dtype=float32)
    """
    if not isinstance(c, (numbers.Number, np.generic)) or isinstance(c, complex):
        raise ValueError(f"constant: c is a number, got {c!r}")
    if abs(c) > sys.float_info.max and abs(c) != math.inf:
        raise ValueError("constant: c is too large for a float")
    return _tensor("constant", np.full(_extents("constant", shape), c), device, dtype, requires_grad)


def ones(*shape: int, device: Any = None, dtype: Any = "float32", requires_grad: bool = False) -> Tensor:
    """Ones everywhere.

    Examples
    --------
    >>> ones(2, 1).numpy().tolist()
    [[1.0], [1.0]]
    """
    return _tensor("ones", np.ones(_extents("ones", shape)), device, dtype, requires_grad)


def zeros(*shape: int, device: Any = None, dtype: Any = "float32", requires_grad: bool = False) -> Tensor:
    """Zeros everywhere.

    Examples
    --------
    >>> zeros(2, dtype="int32").numpy()
    array([0, 0], dtype=int32)
    """
    return _tensor("zeros", np.zeros(_extents("zeros", shape)), device, dtype, requires_grad)


def ones_like(array: Any, *, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones, with the shape, dtype and device of `array`, a Tensor or any array.

    Examples
    --------
    >>> ones_like(Tensor([5.0, 6.0])).numpy()
    array([1., 1.], dtype=float32)
    """
    device = _device_of("ones_like", array) if device is None else device
    return ones(*array.shape, device=device, dtype=array.dtype, requires_grad=requires_grad)


def zeros_like(array: Any, *, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros, with the shape, dtype and device of `array`, a Tensor or any array.

    Examples
    --------
    >>> zeros_like(Tensor([5.0, 6.0])).numpy()
    array([0., 0.], dtype=float32)
    """
    device = _device_of("zeros_like", array) if device is None else device
    return zeros(*array.shape, device=device, dtype=array.dtype, requires_grad=requires_grad)


def one_hot(
    n: int, i: Any, device: Any = None, dtype: Any = "float32", requires_grad: bool = False
) -> Tensor:
    """Each number of `i` as a row of `n` zeros with a single one at that place.

    Parameters
    ----------
    n : int
        The length of a row, such as the number of classes.
    i : Tensor or array_like of whole numbers in [0, n), any shape, integer or float

    Returns
    -------
    Tensor of shape `i.shape + (n,)`

    Raises
    ------
    IndexOutOfRange
        If a number is not one of 0, ..., n - 1.

    Examples
    --------
    >>> one_hot(3, np.array([2, 0])).numpy()
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    if device is None and isinstance(i, Tensor):
        device = i.device
    (n,) = whole("one_hot", n=n)
    labels = class_numbers("one_hot", i, n)
    rows = np.zeros((labels.size, n))
    rows[np.arange(labels.size), labels.astype(np.intp).ravel()] = 1
    return _tensor("one_hot", rows.reshape(*labels.shape, n), device, dtype, requires_grad)


def class_numbers(who: str, labels: Any, n: int) -> np.ndarray:
    """The labels as a NumPy array, checked to be whole numbers from 0 to n - 1.

    Raises
    ------
    IndexOutOfRange, DTypeError
        If one is not; the message starts with `who`.

    Examples
    --------
    >>> class_numbers("SoftmaxLoss", [0, 3], 3)
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.IndexOutOfRange: SoftmaxLoss: wants whole numbers from 0 to 2, got 3
    """
    try:
        labels = readable(labels)
    except ValueError as error:  # rows of different lengths
        raise DTypeError(f"{who}: wants whole numbers ({error})") from None
    if labels.dtype.kind not in "biuf":
        raise DTypeError(f"{who}: wants whole numbers, got dtype {labels.dtype}")
    are_whole = labels.dtype.kind != "f" or (np.floor(labels) == labels).all()
    if not are_whole or (labels.size and not (labels.min() >= 0 and labels.max() < n)):
        wrong = labels[~((labels >= 0) & (labels < n) & (np.floor(labels) == labels))]
        raise IndexOutOfRange(f"{who}: wants whole numbers from 0 to {n - 1}, got {wrong[0]}")
    return labels


def _tensor(who: str, values: Any, device: Any, dtype: Any, requires_grad: bool) -> Tensor:
    """`values` (an array, or the single number that a draw of no shape gives) rounded to `dtype`."""
    switch(who, requires_grad=requires_grad)
    try:
        known = dtype is None or np.dtype(dtype).kind in "fiub"
    except TypeError:
        known = False
    if not known:
        raise DTypeError(f"{who}: {dtype!r} is not a dtype of tensors; the usual one is 'float32'")
    return Tensor(np.asarray(values, dtype), device=device, dtype=dtype, requires_grad=requires_grad)


def _extents(who: str, shape: tuple) -> tuple[int, ...]:
    """The shape, given as separate numbers or as one tuple."""
    extents = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    return as_extents(extents, who)


def _device_of(who: str, array: Any) -> Any:
    """Where a tensor or one of our arrays is; None, the default device, for NumPy's."""
    if not hasattr(array, "device") or not hasattr(array, "shape"):
        raise DTypeError(f"{who}: wanted a tensor or an array, got {type(array).__name__}")
    return None if isinstance(array, np.ndarray) else array.device
