"""Homework 6: shapes without numbers (question 1)."""

from . import changed, solutions

SHAPE = solutions("hw6")["q1"]

INNER = "if inner != other:"
BROADCAST = "return np.broadcast_shapes(*shapes)"
AXES = 'axes = [axis % len(shape) for axis in attributes["axes"]]'
SUM = "return tuple(1 if axis in axes else n for axis, n in enumerate(shape) if kept or axis not in axes)"
FITS = "if count % known or (-1 not in wanted and count != known):"
RESHAPED = "return tuple(count // known if n == -1 else n for n in wanted)"
STRETCHED = "if np.broadcast_shapes(shape, wanted) != wanted:"
BODY = SHAPE[SHAPE.index("    ### BEGIN") : SHAPE.index("    ### END")]


def all_of(body: str) -> str:
    """Another body."""
    return SHAPE.replace(BODY, body)


NUMPY_ZEROS = """    arrays = [np.zeros(shape) for shape in shapes]
    if op == "matmul":
        return (arrays[0] @ arrays[1]).shape
    if len(arrays) == 2:
        return (arrays[0] + arrays[1]).shape
    if op == "summation":
        axes = attributes.get("axes")
        return (1,) if axes is None else arrays[0].sum(axes, keepdims=attributes.get("keepdims", False)).shape
    if op == "transpose":
        return arrays[0].swapaxes(*attributes.get("axes", (-2, -1))).shape
    if op == "reshape":
        return arrays[0].reshape(attributes["shape"]).shape
    if op == "broadcast_to":
        return np.broadcast_to(arrays[0], attributes["shape"]).shape
    return shapes[0]
"""

WRONG = {
    "q1: always the first operand's": all_of("    return shapes[0]\n"),
    "q1: the outer extents disappear": changed(SHAPE, "return rows, columns", "return inner, other"),
    "q1: matmul the other way round": changed(SHAPE, "return rows, columns", "return columns, rows"),
    "q1: any matrices fit": changed(SHAPE, INNER, "if False:"),
    "q1: the outer extents compared": changed(SHAPE, INNER, "if rows != columns:"),
    "q1: an error without shapes": changed(
        SHAPE,
        'ValueError(f"matmul: {shapes[0]} and {shapes[1]} do not fit")',
        'ValueError("shapes do not fit")',
    ),
    "q1: one shape in the error": changed(SHAPE, "{shapes[0]} and {shapes[1]} do", "{shapes[0]} does"),
    "q1: an assertion": changed(
        SHAPE,
        f'{INNER}\n            raise ValueError(f"matmul: {{shapes[0]}} and {{shapes[1]}} do not fit")',
        "assert inner == other",
    ),
    "q1: a TypeError": changed(SHAPE, 'raise ValueError(f"matmul', 'raise TypeError(f"matmul'),
    "q1: no broadcasting": changed(SHAPE, BROADCAST, "return shapes[0]"),
    "q1: the longer shape": changed(SHAPE, BROADCAST, "return max(shapes, key=len)"),
    "q1: broadcast from the left": changed(
        SHAPE,
        BROADCAST,
        "a, b = (tuple(shape) + (1,) * (max(map(len, shapes)) - len(shape)) for shape in shapes)\n"
        "        return np.broadcast_shapes(a, b)",
    ),
    "q1: the larger extent, whatever they are": changed(
        SHAPE,
        BROADCAST,
        "n = max(map(len, shapes))\n        a, b = ((1,) * (n - len(shape)) + shape for shape in shapes)\n"
        "        return tuple(map(max, a, b))",
    ),
    "q1: transpose turns all axes": changed(SHAPE, "return tuple(swapped)", "return shape[::-1]"),
    "q1: transpose swaps the first two": changed(SHAPE, '"axes", (-2, -1)', '"axes", (0, 1)'),
    "q1: transpose forgets its axes": changed(SHAPE, 'attributes.get("axes", (-2, -1))', "-2, -1"),
    "q1: transpose wants axes": changed(SHAPE, 'attributes.get("axes", (-2, -1))', 'attributes["axes"]'),
    "q1: one extent overwritten": changed(
        SHAPE,
        "swapped[i], swapped[j] = shape[j], shape[i]",
        "swapped[i] = swapped[j]\n        swapped[j] = swapped[i]",
    ),
    "q1: keepdims ignored": changed(SHAPE, "if kept or axis not in axes", "if axis not in axes"),
    "q1: keepdims always": changed(SHAPE, " if kept or axis not in axes", ""),
    "q1: keepdims by default": changed(SHAPE, '"keepdims", False', '"keepdims", True'),
    "q1: the axes that stay": changed(
        SHAPE, "if kept or axis not in axes", "if kept or axis in axes"
    ).replace("1 if axis in axes else n", "n if axis in axes or not kept else 1"),
    "q1: negative axes not found": changed(SHAPE, AXES, 'axes = attributes["axes"]'),
    "q1: the first of the axes alone": changed(SHAPE, AXES, AXES.replace('["axes"]]', '["axes"][:1]]')),
    "q1: the sum of all has no axis": changed(SHAPE, "return (1,)", "return ()"),
    "q1: the sum of all keeps its axes": changed(SHAPE, "return (1,)", "return (1,) * len(shape)"),
    "q1: no axes is as all axes": changed(
        SHAPE, 'if "axes" not in attributes:', 'if not attributes.get("axes"):'
    ),
    "q1: −1 left as it is": changed(SHAPE, RESHAPED, "return wanted"),
    "q1: reshape unchecked": changed(SHAPE, FITS, "if False:"),
    "q1: reshape checks without −1 alone": changed(SHAPE, FITS, "if -1 not in wanted and count != known:"),
    "q1: reshape checks remainders alone": changed(SHAPE, FITS, "if count % known:"),
    "q1: −1 counts as a factor": changed(SHAPE, "n for n in wanted if n != -1", "n for n in wanted").replace(
        "count % known or", "-1 not in wanted and count % known or"
    ),
    "q1: reshape of the operand": changed(SHAPE, RESHAPED, "return shape"),
    "q1: broadcast_to unchecked": changed(SHAPE, STRETCHED, "if False:"),
    "q1: broadcast_to in both directions": changed(
        SHAPE, STRETCHED, "if not np.broadcast_shapes(shape, wanted):"
    ),
    "q1: broadcast_to checks the count of axes": changed(SHAPE, STRETCHED, "if len(shape) > len(wanted):"),
    "q1: computed with zeros": all_of(NUMPY_ZEROS),
    "q1: a list": changed(SHAPE, "return tuple(swapped)", "return swapped"),
    "q1: elementwise ops by name": changed(
        SHAPE, "    return shape\n", '    if op in ("exp", "relu", "tanh", "negate"):\n        return shape\n'
    ),
    "q1: two operands by name": changed(SHAPE, "if len(shapes) == 2:", 'if op in ("add", "multiply"):'),
}

HINTS: dict[str, list[str]] = {
    "q1: the outer extents disappear": ["The inner extents disappear; the outer ones stay."],
    "q1: matmul the other way round": ["The rows are the first one's, the columns the second one's."],
    "q1: keepdims ignored": ["keepdims: the axis stays, as 1."],
    "q1: keepdims always": ["Without keepdims the axis disappears."],
    "q1: keepdims by default": ["Without keepdims the axis disappears."],
    "q1: the axes that stay": ["These are the axes that go, not those that stay."],
    "q1: negative axes not found": ["An axis may be counted from the end."],
    "q1: the sum of all has no axis": ["Without axes the framework gives one number in a shape of one axis."],
}
NEUTRAL: set[str] = set()
EQUIVALENT: dict[str, str] = {}
