"""How many floating-point operations an op takes: the usual count, by which layers are compared.

A multiplication followed by an addition counts as two. Products and convolutions are counted exactly, windows by what
they look at; attention and recurrences by the products in them; normalisation takes seven operations for each element
(two sums, the difference to the mean and its square, a quotient, weight and bias); every other op takes one for each
element that it reads or writes, whichever is more: an exp counts as much as a sum. What only moves numbers, or gives
them another shape, takes none.

Backward, each contribution of a product or a convolution to one of its two operands is a product as large as the one
forward. That is why a training step takes about three times what a prediction does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

# Their results take no memory of their own.
VIEWS = {
    "transpose", "permute", "reshape", "broadcast_to", "make_tuple", "tuple_get_item", "split", "tensor_split",
}  # fmt: skip
MOVES = VIEWS | {
    "stack", "concat", "flip", "pad", "roll", "tril", "triu", "dilate", "undilate", "getitem", "getitem_backward",
    "astype", "where",
}  # fmt: skip

# Backward, they give the adjoint to an operand as it is.
HANDED_ON = {"add", "add_scalar", "clone"}


def flops(op: str, attrs: Mapping[str, Any], inputs: Sequence[Any], output: Any) -> int:
    """Return the count for an op by name, with its attributes and the shapes of its inputs and of its output.

    An op with several results has a tuple of shapes as its output. The vjp of an op as an op of its own is called as
    programs call it, ``max.vjp0``: its inputs are the adjoint, the op's inputs and its result.

    Examples
    --------
    >>> flops("matmul", {}, [(8, 64), (64, 10)], (8, 10))
    10240
    >>> flops("relu", {}, [(8, 10)], (8, 10)), flops("reshape", {}, [(8, 10)], (80,))
    (80, 0)
    """
    size = size_of(output)
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
    if op in _ADJOINTS:
        adjoint, weight = (inputs[0], inputs[1]) if op == "conv_input_backward" else (inputs[1], output)
        return 2 * math.prod(adjoint) * math.prod(weight[:-1] if attrs.get("channels_last") else weight[1:])
    if op == "attention":  # (..., queries, d), (..., keys, d), (..., keys, d')
        q, k, v = inputs[:3]
        return 2 * math.prod(q[:-1]) * k[-2] * (q[-1] + v[-1])
    if op in _SCANS:  # (rows, gates · hidden), states, ...
        return 2 * math.prod(inputs[0]) * inputs[1][-1]
    if op in _NORMS:
        return 7 * size
    if op in _POOLS:
        kernel = attrs["kernel_size"]
        return size * (kernel ** _POOLS[op] if isinstance(kernel, int) else math.prod(kernel))
    if found := re.fullmatch(r"(\w+)\.vjp(\d*)", op):
        _, *operands, result = inputs
        places = [int(found[2])] if found[2] else range(len(operands))
        return sum(contribution_flops(found[1], attrs, operands, result, place) for place in places)
    forward = op.removesuffix("_backward")  # all contributions at once
    if forward in _NORMS:
        return 14 * math.prod(inputs[0])
    if forward in _SCANS:
        return 2 * flops(forward, attrs, inputs[-_SCANS[forward] :], output)
    return max([size, *map(size_of, inputs)])


def size_of(shape: Any) -> int:
    """Return the number of elements of a shape, or of a tuple of shapes together.

    Examples
    --------
    >>> size_of((2, 3)), size_of(((2, 3), (4,)))
    (6, 10)
    """
    if shape and isinstance(shape[0], tuple):
        return sum(map(size_of, shape))
    return math.prod(shape)


def contribution_flops(
    op: str, attrs: Mapping[str, Any], inputs: Sequence[Any], output: Any, operand: int
) -> int:
    """Return the count for an op's contribution to the adjoint of one of its operands.

    Examples
    --------
    >>> [contribution_flops("matmul", {}, [(8, 64), (64, 10)], (8, 10), operand) for operand in (0, 1)]
    [10240, 10240]
    >>> [contribution_flops("add", {}, [(8, 10), (10,)], (8, 10), operand) for operand in (0, 1)]
    [0, 80]

    The adjoint is handed on as it is to an operand of its own shape; the bias's is summed over the batch.
    """
    if op in _AS_FORWARD:
        return flops(op, attrs, inputs, output)
    if op in _SCANS:  # to the input's and the weight's, both as large as forward
        return 2 * flops(op, attrs, inputs, output) if operand == 0 else math.prod(inputs[operand])
    if op in _NORMS:
        return (12 if operand == 0 else 1) * size_of(output)  # two sums over each group; bias and weight one
    if op in MOVES - {"broadcast_to"} or (op in HANDED_ON and inputs[operand] == output):
        return 0
    return max(size_of(output), size_of(inputs[operand]))


_ADJOINTS = {"conv_input_backward", "conv_weight_backward"}
_NORMS = {"batch_norm", "group_norm", "layer_norm"}
_SCANS = {"rnn_scan": 3, "lstm_scan": 4, "gru_scan": 4}  # number of operands
_POOLS = {"max_pool1d": 1, "avg_pool1d": 1, "max_pool2d": 2, "avg_pool2d": 2}  # number of axes of a window
_AS_FORWARD = {
    "matmul", "attention", "conv", "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", *_ADJOINTS,
}  # fmt: skip
