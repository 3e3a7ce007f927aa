"""Strided arrays over a device: the namespace in which operations on NDArrays live.

An `NDArray` is a storage seen through a layout. The functions here carry the array API's (NumPy's) names, so that code
written once for ``xp = x.__array_namespace__()`` runs on NumPy arrays and on NDArrays; `relu`, `sigmoid`,
`activation`, `logsumexp`, `sum_squares`, `cross_entropy`, `soft_cross_entropy`, `nll_loss`, `gather`, `scatter_add`,
`index_add` and those with `_backward` are ours.
Read array.py first, then layout.py and views.py (what shapes mean), plans.py and base.py (how a kernel is run),
elementwise.py and functions.py; the rest is vocabulary.
"""

from math import e, inf, nan, pi

from needle_edu.backend import set_creators

from . import fused
from .activations import activation, activation_backward
from .arrangement import repeat, roll, tile, tril, triu
from .array import NDArray
from .creation import (
    arange,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from .dropout import dropout
from .dtypes import bool_, float32, float64, int32, int64, result_type
from .functions import (
    abs,
    acos,
    acosh,
    add,
    asin,
    asinh,
    astype,
    atan,
    atan2,
    atanh,
    ceil,
    clip,
    cos,
    cosh,
    divide,
    equal,
    erf,
    exp,
    expm1,
    floor,
    floor_divide,
    fmod,
    gelu,
    gelu_backward,
    greater,
    greater_equal,
    isclose,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    log2,
    log10,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    positive,
    pow,
    power,
    prelu,
    reciprocal,
    relu,
    relu_backward,
    remainder,
    round,
    sigmoid,
    sigmoid_backward,
    sign,
    silu,
    silu_backward,
    sin,
    sinh,
    softplus,
    sqrt,
    square,
    subtract,
    tan,
    tanh,
    tanh_backward,
    trunc,
    where,
)
from .gather_scatter import gather, scatter_add, take
from .indexing import index_add
from .interchange import array, asarray, from_dlpack
from .linalg import matmul
from .lines import argsort, cumargmax, cumargmin, cumprod, cumsum, linear_scan, sort
from .losses import cross_entropy, cross_entropy_backward, nll_loss, nll_loss_backward
from .manipulation import (
    broadcast_arrays,
    broadcast_to,
    concat,
    expand_dims,
    flip,
    matrix_transpose,
    moveaxis,
    pad,
    permute_dims,
    reshape,
    squeeze,
    stack,
    swapaxes,
    transpose,
)
from .needle_names import amax, amin, concatenate, copy, dilate, permute, prod, split, summation
from .positions import (
    broadcast_index,
    broadcast_shapes,
    index_to_position,
    ordinal_to_index,
    position_to_indices,
)
from .random import CREATORS
from .reductions import all, any, argmax, argmin, logsumexp, max, mean, min, sum, sum_squares
from .soft_losses import soft_cross_entropy, soft_cross_entropy_backward
from .softmax import log_softmax, log_softmax_backward, softmax, softmax_backward
from .statistics import std, var

bool = bool_  # the array API's name of the dtype
newaxis = None

set_creators(CREATORS)

__all__ = [
    "NDArray", "abs", "acos", "acosh", "activation", "activation_backward", "add", "all", "amax", "amin", "any",
    "arange", "argmax", "argmin", "argsort", "array", "asarray", "asin", "asinh", "astype", "atan", "atan2", "atanh",
    "bool", "bool_", "broadcast_arrays", "broadcast_index", "broadcast_shapes", "broadcast_to", "ceil", "clip",
    "concat", "concatenate", "copy", "cos", "cosh", "cross_entropy", "cross_entropy_backward", "cumargmax", "cumargmin",
    "cumprod", "cumsum", "dilate", "divide", "dropout", "e", "empty", "empty_like", "equal", "erf", "exp",
    "expand_dims", "expm1", "eye", "flip", "float32", "float64", "floor", "floor_divide", "fmod", "from_dlpack", "full",
    "full_like", "fused", "gather", "gelu", "gelu_backward", "greater", "greater_equal", "index_add",
    "index_to_position", "inf", "int32", "int64", "isclose", "isfinite", "isinf", "isnan", "less", "less_equal",
    "linear_scan", "linspace", "log", "log10", "log1p", "log2", "log_softmax", "log_softmax_backward",
    "logical_and", "logical_not", "logical_or", "logical_xor", "logsumexp", "matmul", "matrix_transpose", "max",
    "maximum", "mean", "min", "minimum", "moveaxis", "multiply", "nan", "negative", "newaxis", "nll_loss",
    "nll_loss_backward", "not_equal", "ones", "ones_like", "ordinal_to_index", "pad", "permute", "permute_dims",
    "pi", "position_to_indices", "positive", "pow", "power", "prelu", "prod", "reciprocal", "relu",
    "relu_backward", "remainder", "repeat", "reshape", "result_type", "roll", "round", "scatter_add", "sigmoid",
    "sigmoid_backward", "sign", "silu", "silu_backward", "sin", "sinh", "soft_cross_entropy",
    "soft_cross_entropy_backward", "softmax", "softmax_backward", "softplus",
    "sort", "split", "sqrt", "square", "squeeze", "stack", "std", "subtract", "sum", "sum_squares", "summation",
    "swapaxes", "take", "tan", "tanh", "tanh_backward", "tile", "transpose", "tril", "triu", "trunc", "var", "where",
    "zeros", "zeros_like",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
