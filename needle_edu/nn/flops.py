"""How many floating-point operations an op takes: the usual count, by which layers are compared.

A multiplication followed by an addition counts as two. Products and convolutions are counted exactly, windows by what
they look at; normalisation takes seven operations for each element (two sums, the difference to the mean and its
square, a quotient, weight and bias); every other op takes one for each element that it reads or writes, whichever is
more: an exp counts as much as a sum. What only moves numbers, or gives them another shape, takes none.
"""

from __future__ import annotations

import math
from typing import Any

# Their results take no memory of their own.
VIEWS = {
    "transpose", "permute", "reshape", "broadcast_to", "make_tuple", "tuple_get_item", "split", "tensor_split",
}  # fmt: skip
MOVES = VIEWS | {
    "stack", "concat", "flip", "pad", "roll", "tril", "triu", "dilate", "undilate", "getitem", "getitem_backward",
    "astype", "where",
}  # fmt: skip

Shape = tuple[int, ...]


def flops(op: str, attrs: dict[str, Any], inputs: list[Shape], output: Shape) -> int:
    """Return the count for an op by name, with its attributes and the shapes of its inputs and of its output.

    Examples
    --------
    >>> flops("matmul", {}, [(8, 64), (64, 10)], (8, 10))
    10240
    >>> flops("relu", {}, [(8, 10)], (8, 10)), flops("reshape", {}, [(8, 10)], (80,))
    (80, 0)
    """
    size = math.prod(output)
    if op in MOVES:
        return 0
    if op == "matmul":
        return 2 * size * (inputs[0][-1] if inputs[0] else 1)
    if op == "conv":  # weight (k, k, in, out)
        return 2 * size * math.prod(inputs[1][:-1])
    if op in ("conv1d", "conv2d"):  # weight (out, in / groups, k, ...)
        return 2 * size * math.prod(inputs[1][1:])
    if op in ("conv_transpose1d", "conv_transpose2d"):  # weight (in, out / groups, k, ...)
        return 2 * math.prod(inputs[0]) * math.prod(inputs[1][1:])
    if op in ("batch_norm", "group_norm", "layer_norm"):
        return 7 * size
    if op in _POOLS:
        kernel = attrs["kernel_size"]
        return size * (kernel ** _POOLS[op] if isinstance(kernel, int) else math.prod(kernel))
    return max([size, *[math.prod(shape) for shape in inputs]])


_POOLS = {"max_pool1d": 1, "avg_pool1d": 1, "max_pool2d": 2, "avg_pool2d": 2}  # number of axes of a window
