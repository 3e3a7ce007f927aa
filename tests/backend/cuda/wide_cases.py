"""Cases larger than those of tests/backend/kernel_cases.py: more than one tile of a kernel, sums that blocks share."""

import numpy as np
from kernel_cases import CONVOLUTIONS, Case, Operand, numbers

from needle_edu.backend.dtypes import F64


def _operand(
    rng: np.random.Generator, code: int, sizes: dict[int, int], order: tuple[int, ...], ndim: int
) -> Operand:
    """An operand whose dimension d has an extent of sizes[d]; `order` goes from the widest step to the closest."""
    strides, step = [0] * ndim, 1
    for d in reversed(order):
        strides[d], step = step, step * sizes[d]
    return Operand(numbers(rng, step + 4, code, special=False), 4, tuple(strides))


def wide(name: str, rng: np.random.Generator, code: int) -> list[Case]:
    """Return the large cases of a kernel: none for most."""
    if code > F64:
        return []
    if (
        name == "matmul"
    ):  # rows or columns beside each other, which are and are not multiples of 16 bytes long
        orders = [(a, b) for a in ((0, 1, 3), (0, 3, 1)) for b in ((0, 2, 3), (3, 0, 2))]
        return [
            _matmul(rng, code, extents, 2, *order)
            for extents in ((70, 130, 19), (72, 132, 20), (17, 20, 18))
            for order in orders
        ]
    sizes = ((5, 7, 2), (40, 7, 2), (5, 40, 1), (16, 20, 1), (20, 16, 1), (70, 3, 1))
    return [_convolution(name, rng, code, *size) for size in sizes] if name in CONVOLUTIONS else []


def _matmul(
    rng, code: int, extents: tuple[int, int, int], batch: int, a: tuple[int, ...], b: tuple[int, ...]
) -> Case:
    """Matrices of a batch; `a` and `b` say in which order the dimensions (batch, m, n, k) lie."""
    shape = (batch, *extents)
    sizes = dict(enumerate(shape))
    return Case([_operand(rng, code, sizes, order, 4) for order in ((0, 1, 2), a, b)], shape)


def _convolution(name: str, rng, code: int, outputs: int, channels: int, step: int) -> Case:
    """(images, groups, outputs, channels, rows, columns, kernel): 810 windows of 3 by 2, beyond all edges."""
    shape = (9, 2, outputs, channels, 9, 10, 3, 2)
    start, extents = -1, (8 * step + 1, 9 * step + 1)
    sizes = dict(enumerate(shape))
    y = _operand(rng, code, sizes, (0, 4, 5, 1, 2), 8)  # channels last
    w = _operand(rng, code, sizes, (1, 2, 3, 6, 7), 8)
    x = _operand(rng, code, {**sizes, 4: extents[0], 5: extents[1]}, (0, 1, 3, 4, 5), 8)
    down, across = x.strides[4:6]
    x.offset += start * (down + across)
    x.strides = (*x.strides[:4], step * down, step * across, down, across)
    operands = {"conv": [y, x, w], "conv_input_backward": [x, y, w], "conv_weight_backward": [w, x, y]}
    window = (start, step, 1, extents[0], start, step, 1, extents[1])
    return Case(operands[name], shape, extra=(window,))
