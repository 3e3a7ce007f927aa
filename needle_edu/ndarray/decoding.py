"""The next token of each sequence through a block of a GPT, by one compiled kernel.

What is computed says `needle_edu.models.GPTBlock`; nothing is differentiated. Whoever calls this has seen to it that
all arrays are compact, of one floating-point type and on one device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from needle_edu.backend.storage import new_version

from .base import kernel_failed

if TYPE_CHECKING:
    from .array import NDArray


def gpt_block(
    x: NDArray, keys: NDArray, values: NDArray, weights: Sequence[NDArray], length: int, eps: tuple[float, float]
) -> None:  # fmt: skip
    """Replace x by what the block makes of it, and keep the new keys and values.

    Parameters
    ----------
    x : NDArray of shape (batch, dim)
    keys, values : NDArray of shape (batch, heads, most, dim / heads)
        Of the `length` tokens before, and behind them room for one more.
    weights : sequence of 12 NDArray
        A weight and a bias each: of the first norm, of the maps to queries, keys and values and from what was attended
        to, of the second norm, of the network's two maps.
    eps : (float, float)
        Of the norms.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> def zeros(n):
    ...     return nd.zeros((2, n)), nd.ones(n)
    >>> weights = [*zeros(1)[::-1], *zeros(6), *zeros(2), *zeros(1)[::-1], *zeros(4), nd.zeros((4, 2)), nd.ones(2)]
    >>> x, keys, values = nd.zeros((1, 2)), nd.zeros((1, 1, 3, 2)), nd.zeros((1, 1, 3, 2))
    >>> gpt_block(x, keys, values, weights, 0, (1e-5, 1e-5))      # with maps of zeros only the biases come through
    >>> x.numpy().tolist(), keys.numpy()[0, 0].tolist()
    ([[2.0, 2.0]], [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    """
    layout = x.layout
    n, dim = layout.shape
    _, heads, most, _ = keys.layout.shape
    err = layout.kernels["gpt_block_dense"](
        layout.code, n, x.storage.ptr, keys.storage.ptr, values.storage.ptr,
        *[weight.storage.ptr for weight in weights], dim, weights[8].layout.shape[1], heads, most, length, *eps,
    )  # fmt: skip
    if err:
        kernel_failed("gpt_block", err, x, keys)
    x.storage.version = keys.storage.version = values.storage.version = new_version()
