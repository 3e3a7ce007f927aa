"""Homework 4: flip (question 1), dilate and undilate (2), a convolution forward (3)."""

from . import changed, solutions

SOLUTIONS = solutions("hw4")
FLIP, DILATE, CONV = SOLUTIONS["q1"], SOLUTIONS["q2"], SOLUTIONS["q3"]

MOVE = "offset += (a.shape[axis] - 1) * strides[axis]"
TURN = "strides[axis] = -strides[axis]"
VIEW = "return a.as_strided(a.shape, strides, offset=offset)"
OUT = "out = nd.zeros([n * step for n, step in zip(a.shape, steps)], dtype=a.dtype)"
PUT = "out[tuple(slice(None, None, step) for step in steps)] = a"
TAKE = "return a[tuple(slice(None, None, step) for step in steps)]"
STEPS = "steps = [dilation + 1 if axis in axes else 1 for axis in range(a.ndim)]"
PAD = "a = a.pad(((0, 0), (padding, padding), (padding, padding), (0, 0)))"
PLACES = "down, across = (h - k) // stride + 1, (w - k) // stride + 1"
STRIDES = "strides = (image, row * stride, column * stride, row, column, channel)"
WINDOWS = "windows = a.as_strided((n, down, across, k, k, c), strides)"
MATRIX = "@ b.reshape((k * k * c, o))"
LAST = "return product.reshape((n, down, across, o))"


def of_both(old: str, new: str) -> str:
    """A change to the line that dilate and undilate have alike."""
    assert DILATE.count(old) == 2, old
    return DILATE.replace(old, new)


def of_undilate(old: str, new: str) -> str:
    """A change to that line in undilate alone."""
    before, after = DILATE.split("def undilate")
    return f"{before}def undilate{changed(after, old, new)}"


def loops(term: str) -> str:
    """A convolution as seven loops in NumPy, with another term in the sum."""
    return f"""
def conv(a, b, stride, padding):
    x, w = a.numpy(), b.numpy()
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    k = len(w)
    y = np.zeros((len(x), (x.shape[1] - k) // stride + 1, (x.shape[2] - k) // stride + 1, w.shape[3]), x.dtype)
    for n, i, j, o in np.ndindex(*y.shape):
        for p, q, c in np.ndindex(*w.shape[:3]):
            y[n, i, j, o] += {term}
    return nd.array(y, dtype=y.dtype)
"""


WRONG = {
    "q1: nothing": changed(FLIP, VIEW, "return a"),
    "q1: strides turned, the start forgotten": changed(FLIP, f"        {MOVE}\n", ""),
    "q1: the start moved, strides as before": changed(FLIP, f"        {TURN}\n", ""),
    "q1: the start one too far": changed(FLIP, "(a.shape[axis] - 1)", "a.shape[axis]"),
    "q1: the start without strides": changed(FLIP, MOVE, "offset += a.shape[axis] - 1"),
    "q1: the offset thrown away": changed(FLIP, "list(a.strides), a.offset", "list(a.strides), 0"),
    "q1: the offset counted twice": changed(
        FLIP, VIEW, VIEW.replace("offset=offset", "offset=offset + a.offset")
    ),
    "q1: strides of a compact array": changed(
        FLIP, "list(a.strides), a.offset", "[int(np.prod(a.shape[k + 1 :])) for k in range(a.ndim)], a.offset"
    ),
    "q1: all axes": changed(FLIP, "for axis in axes", "for axis in range(a.ndim)"),
    "q1: the first axis alone": changed(FLIP, "for axis in axes", "for axis in axes[:1]"),
    "q1: the last axis named alone": changed(FLIP, "for axis in axes", "for axis in axes[-1:]"),
    "q1: axes counted from the other end": changed(
        FLIP, "for axis in axes:", "for axis in (-1 - k for k in axes):"
    ),
    "q1: axes from the end forgotten": changed(
        FLIP, "for axis in axes:", "for axis in (k for k in axes if k >= 0):"
    ),
    "q1: one axis after the other, each time from the input": changed(
        FLIP,
        "    for axis in axes:\n",
        "    for axis in axes:\n        strides, offset = list(a.strides), a.offset\n",
    ),
    "q1: a transpose": changed(FLIP, VIEW, "return a.permute(tuple(range(a.ndim))[::-1])"),
    "q1: the memory reversed": changed(FLIP, VIEW, "return a.reshape((a.size,))[::-1].reshape(a.shape)"),
    "q1: a NumPy array": changed(FLIP, VIEW, "return np.flip(a.numpy(), axes)"),
    "q1: float32": changed(FLIP, VIEW, "return nd.array(np.flip(a.numpy(), axes))"),
    "q1: the input overwritten": changed(
        FLIP,
        VIEW,
        f"turned = {VIEW[7:]}.compact()\n    a[(slice(None),) * a.ndim] = turned\n    return turned",
    ),
    "q2: one zero too many": of_both("[dilation + 1", "[dilation + 2"),
    "q2: one zero too few": of_both("[dilation + 1", "[max(dilation, 1)"),
    "q2: all axes": of_both(" if axis in axes else 1", ""),
    "q2: the other axes": of_both("if axis in axes", "if axis not in axes"),
    "q2: the first axis alone": of_both("axis in axes", "axis == axes[0]"),
    "q2: the last axis alone": of_both("axis in axes", "axis == axes[-1]"),
    "q2: no zeros after the last": changed(
        DILATE, OUT, OUT.replace("n * step for", "(n - 1) * step + 1 for")
    ),
    "q2: zeros first": changed(DILATE, PUT, "out[tuple(slice(step - 1, None, step) for step in steps)] = a"),
    "q2: undilate takes the last of each": of_undilate(
        TAKE, "return a[tuple(slice(step - 1, None, step) for step in steps)]"
    ),
    "q2: all zeros behind": changed(DILATE, PUT, "out[tuple(slice(n) for n in a.shape)] = a"),
    "q2: undilate takes the beginning": of_undilate(
        TAKE, "return a[tuple(slice(n // step) for n, step in zip(a.shape, steps))]"
    ),
    "q2: repeated, not zeros": changed(
        DILATE, "    return out\n", "    return nd.array(np.kron(a.numpy(), np.ones(steps)), dtype=a.dtype)\n"
    ),
    "q2: ones between": changed(DILATE, OUT, OUT.replace("nd.zeros", "nd.ones")),
    "q2: float32": changed(DILATE, OUT, OUT.replace(", dtype=a.dtype", "")),
    "q2: undilate adds up": of_undilate(
        TAKE,
        "for axis in axes:\n        n = a.shape[axis] // (dilation + 1)\n"
        "        a = a.reshape((*a.shape[:axis], n, dilation + 1, *a.shape[axis + 1:])).sum(axis + 1)\n    return a",
    ),
    "q2: undilate does nothing": of_undilate(TAKE, "return a"),
    "q2: undilate one step too far": of_undilate("[dilation + 1", "[dilation + 2"),
    "q2: the second call adds": "kept = {}\n"
    + changed(
        DILATE,
        "    out = nd.zeros(",
        "    out = kept.setdefault(a.shape, nd.zeros(",
        "dtype=a.dtype)\n",
        "dtype=a.dtype))\n",
    ),
    "q2: the input overwritten": changed(DILATE, PUT, PUT + "\n    a.fill(0)"),
    "q3: padding before alone": changed(CONV, PAD, "a = a.pad(((0, 0), (padding, 0), (padding, 0), (0, 0)))"),
    "q3: all the padding before": changed(
        CONV, PAD, "a = a.pad(((0, 0), (2 * padding, 0), (2 * padding, 0), (0, 0)))"
    ),
    "q3: all the padding behind": changed(
        CONV, PAD, "a = a.pad(((0, 0), (0, 2 * padding), (0, 2 * padding), (0, 0)))"
    ),
    "q3: no padding": changed(CONV, f"    {PAD}\n", ""),
    "q3: padding of the channels too": changed(
        CONV,
        PAD,
        PAD.replace("(0, 0)))", "(padding, padding)))"),
        "k, _, _, o = b.shape",
        "b = b.pad(((0, 0), (0, 0), (padding, padding), (0, 0)))\n    k, _, _, o = b.shape",
        "n, h, w, c = a.shape",
        "a = a * 1.5\n    n, h, w, c = a.shape",
    ),
    "q3: padding of channels and images": changed(
        CONV, PAD, "a = a.pad(((padding, padding), (padding, padding), (0, 0), (0, 0)))"
    ),
    "q3: rows padded alone": changed(CONV, PAD, "a = a.pad(((0, 0), (padding, padding), (0, 0), (0, 0)))"),
    "q3: padding by one, whatever is said": changed(CONV, PAD, PAD.replace("padding", "1")),
    "q3: padded with ones": changed(CONV, PAD, PAD[:-1] + ", 1)"),
    "q3: the kernel turned round": changed(CONV, MATRIX, "@ b.flip((0, 1)).reshape((k * k * c, o))"),
    "q3: the kernel transposed": changed(CONV, MATRIX, "@ b.permute((1, 0, 2, 3)).reshape((k * k * c, o))"),
    "q3: the stride forgotten": changed(CONV, "row * stride, column * stride", "row, column"),
    "q3: the stride in the rows alone": changed(CONV, "column * stride", "column"),
    "q3: the stride inside the windows": changed(
        CONV, STRIDES, "strides = (image, row, column, row * stride, column * stride, channel)"
    ),
    "q3: the stride not in the shape": changed(
        CONV, PLACES, "down, across = h - k + 1, w - k + 1", "row * stride, column * stride", "row, column"
    ),
    "q3: one place too few": changed(CONV, PLACES, "down, across = (h - k) // stride, (w - k) // stride"),
    "q3: rounded up": changed(
        CONV, PLACES, "down, across = -(-(h - k) // stride) + 1, -(-(w - k) // stride) + 1"
    ),
    "q3: square images alone": changed(CONV, PLACES, "down = across = (h - k) // stride + 1"),
    "q3: rows and columns swapped": changed(
        CONV, STRIDES, "strides = (image, column * stride, row * stride, column, row, channel)"
    ),
    "q3: windows turned": changed(
        CONV, STRIDES, "strides = (image, row * stride, column * stride, column, row, channel)"
    ),
    "q3: a view read as a compact array": changed(
        CONV, PAD, f"if padding:\n        {PAD}", "= a.strides", "= h * w * c, w * c, c, 1"
    ),
    "q3: strides of the array before the padding": changed(
        CONV, "= a.strides", "= before", f"    {PAD}\n", f"    before = a.strides\n    {PAD}\n"
    ),
    "q3: the offset forgotten": changed(
        CONV, PAD, f"if padding:\n        {PAD}", "k, k, c), strides)", "k, k, c), strides, offset=0)"
    ),
    "q3: the channels of the weights swapped": changed(
        CONV, "k, _, _, o = b.shape", "b = b.permute((0, 1, 3, 2))\n    k, _, _, o = b.shape"
    ),
    "q3: the weights read the other way": changed(
        CONV, MATRIX, "@ b.permute((0, 1, 3, 2)).reshape((o, k * k * c)).permute((1, 0))"
    ),
    "q3: the first channel alone": changed(
        CONV, "k * k * c))", "k * k * c))[:, : k * k]", MATRIX, "@ b[:, :, 0].reshape((k * k, o))"
    ),
    "q3: the mean over the window": changed(CONV, LAST, LAST[:-1] + ") / (k * k)"),
    "q3: channels first in the result": changed(
        CONV, LAST, "return product.reshape((n, down, across, o)).permute((0, 3, 1, 2))"
    ),
    "q3: the first image alone": changed(
        CONV,
        LAST,
        "product = product.reshape((n, down * across, o))\n"
        "    return nd.array(np.repeat(product.numpy()[:1], n, axis=0), dtype=a.dtype).reshape((n, down, across, o))",
    ),
    "q3: float32": changed(CONV, LAST, LAST + ".astype('float32').astype(b.dtype)"),
    "q3: a matrix": changed(CONV, LAST, "return product"),
    "q3: loops, the kernel turned": loops(
        "x[n, i * stride + p, j * stride + q, c] * w[k - 1 - p, k - 1 - q, c, o]"
    ),
    "q3: loops without the stride": loops("x[n, i + p, j + q, c] * w[p, q, c, o]"),
    "q3: loops, rows for columns": loops("x[n, i * stride + q, j * stride + p, c] * w[p, q, c, o]"),
    "q3: the weights overwritten": changed(CONV, LAST, f"b.fill(0)\n    {LAST}"),
}

UNTURNED = "The kernel is not turned round here: w[0, 0] meets the upper left element."
STRIDE = "Each place is a stride further than the one before."
HINTS = {
    "q1: nothing": ["Nothing is turned round."],
    "q1: the first axis alone": ["Every axis that is named."],
    "q1: the last axis named alone": ["Each of the axes."],
    "q1: axes counted from the other end": ["Which axis is that? Along axis 0 the rows change places."],
    "q1: one axis after the other, each time from the input": ["Each of the axes."],
    "q1: a transpose": ["Nothing is turned round."],
    "q2: one zero too few": ["dilation is the number of zeros, not the distance."],
    "q2: zeros first": ["First the element, then its zeros."],
    "q3: all the padding before": ["Zeros before AND behind: the frame is on all four sides."],
    "q3: the kernel turned round": [UNTURNED],
    "q3: the stride forgotten": [STRIDE],
    "q3: rows and columns swapped": ["Rows and columns have changed places."],
    "q3: loops, the kernel turned": [UNTURNED],
    "q3: loops without the stride": [STRIDE],
}
NEUTRAL = {
    "Which elements does the result read first, and which last?",
    "Write down where element k of an axis comes to lie.",
    "If it fails here alone: which strides and which offset has this array?",
    "n elements become n (d + 1), on the axes that are named.",
    "n (d + 1) elements become n, on the axes that are named.",
    "It is (N, H', W', O): how many places has a kernel of 2 in a row of 3?",
    "It is (N, H', W', O), with H' by the formula above: the frame is on all four sides.",
    "It is (N, H', W', O), with H' by the formula above, rounded down.",
    "It is (N, H', W', O): the last axis has the channels that go out.",
    "Do a small case by hand: how many places are there, and what does the second one cover?",
}
EQUIVALENT: dict[str, str] = {}
