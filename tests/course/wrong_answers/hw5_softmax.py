"""Homework 5: softmax (question 1) and its gradient (2)."""

from . import changed, solutions

SOLUTIONS = solutions("hw5")
SOFTMAX, GRADIENT = SOLUTIONS["q1"], SOLUTIONS["q2"]

MASKED = "    if mask is not None:\n        a = nd.where(mask, a, -nd.inf)\n"
LARGEST = "largest = nd.maximum(a.max(axis=-1, keepdims=True), -1e30)"
POWERS = "e = nd.exp(a - largest)"
SHARES = "return e / nd.maximum(e.sum(axis=-1, keepdims=True), 1)"
PRODUCT = "return node * (out_grad - (out_grad * node).sum(axes=-1, keepdims=True))"


def instead(mask: str) -> str:
    """The solution with other lines for the mask."""
    return changed(SOFTMAX, MASKED, mask)


def gradient(line: str) -> str:
    """A gradient of one line."""
    return changed(GRADIENT, PRODUCT, line)


WRONG = {
    "q1: exponentials alone": changed(SOFTMAX, SHARES, "return e"),
    "q1: exponentials alone, not shifted": changed(SOFTMAX, SHARES, "return e", POWERS, "e = nd.exp(a)"),
    "q1: the largest not subtracted": changed(SOFTMAX, POWERS, "e = nd.exp(a)"),
    "q1: the mean subtracted": changed(SOFTMAX, LARGEST, "largest = a.mean(axis=-1, keepdims=True)"),
    "q1: the smallest subtracted": changed(SOFTMAX, "a.max(", "a.min("),
    "q1: one largest for all rows": changed(SOFTMAX, "a.max(axis=-1, keepdims=True)", "a.max()"),
    "q1: one sum for all rows": changed(SOFTMAX, "e.sum(axis=-1, keepdims=True)", "e.sum()"),
    "q1: along the first axis": SOFTMAX.replace("axis=-1", "axis=0"),
    "q1: along the second axis": SOFTMAX.replace("axis=-1", "axis=min(1, a.ndim - 1)"),
    "q1: the sum without its axis": changed(SOFTMAX, "e.sum(axis=-1, keepdims=True)", "e.sum(axis=-1)"),
    "q1: divided by the largest power": changed(SOFTMAX, "e.sum(", "e.max("),
    "q1: divided by the count": changed(SOFTMAX, SHARES, "return e / a.shape[-1]"),
    "q1: the logarithm": changed(SOFTMAX, SHARES, SHARES.replace("e /", "a - largest - nd.log(") + ")"),
    "q1: powers of two": changed(SOFTMAX, POWERS, "e = nd.exp((a - largest) * float(np.log(2)))"),
    "q1: sigmoids": changed(SOFTMAX, POWERS, "e = 1 / (1 + nd.exp(largest - a))"),
    "q1: mask ignored": instead(""),
    "q1: mask the other way round": instead(MASKED.replace("mask, a, -nd.inf", "mask, -nd.inf, a")),
    "q1: shares masked": changed(
        SOFTMAX, MASKED, "", SHARES, f"{SHARES} * (1 if mask is None else mask.astype(a.dtype))"
    ),
    "q1: scores multiplied by the mask": instead(
        MASKED.replace("nd.where(mask, a, -nd.inf)", "a * mask.astype(a.dtype)")
    ),
    "q1: hidden scores 0": instead(MASKED.replace("-nd.inf", "0.0")),
    "q1: hidden scores +∞": instead(MASKED.replace("-nd.inf", "nd.inf")),
    "q1: hidden scores a little smaller": instead(
        MASKED.replace("nd.where(mask, a, -nd.inf)", "a - 5 * (1 - mask.astype(a.dtype))")
    ),
    "q1: −1e9 added": instead(
        MASKED.replace("nd.where(mask, a, -nd.inf)", "a - 1e9 * (1 - mask.astype(a.dtype))")
    ),
    "q1: hidden scores −1e9": instead(MASKED.replace("-nd.inf", "-1e9")),
    "q1: nothing seen is nan": changed(SOFTMAX, LARGEST, "largest = a.max(axis=-1, keepdims=True)"),
    "q1: nothing seen is 0 / 0": changed(SOFTMAX, SHARES, "return e / e.sum(axis=-1, keepdims=True)"),
    "q1: nothing seen is shared equally": changed(
        SOFTMAX,
        SHARES,
        SHARES.replace("e /", "nd.where(a == a.max(axis=-1, keepdims=True), 1, e) /").replace(
            "e.sum(axis=-1, keepdims=True)",
            "nd.where(a == a.max(axis=-1, keepdims=True), 1, e).sum(axis=-1, keepdims=True)",
        ),
    ),
    "q1: the largest of all, hidden ones too": changed(
        SOFTMAX, MASKED, f"    {LARGEST}\n{MASKED}", f"    {LARGEST}\n    {POWERS}", f"    {POWERS}"
    ),
    "q1: the powers masked": changed(
        SOFTMAX,
        MASKED,
        "",
        POWERS,
        f"{POWERS} * (1 if mask is None else mask.astype(a.dtype))",
        SHARES,
        "return e / nd.maximum(e.sum(axis=-1, keepdims=True), 1e-30)",
    ),
    "q1: a mask of the whole shape wanted": instead(
        "    if mask is not None:\n        a = nd.where(mask.reshape(a.shape), a, -nd.inf)\n"
    ),
    "q1: float32": changed(SOFTMAX, SHARES, f"{SHARES[:7]}({SHARES[7:]}).astype('float32')"),
    "q1: float64": changed(SOFTMAX, SHARES, f"{SHARES[:7]}({SHARES[7:]}).astype('float64')"),
    "q1: the scores overwritten": changed(SOFTMAX, SHARES, f"a[...] = {SHARES[7:]}\n    return a"),
    "q1: the largest taken out of the scores themselves": changed(
        SOFTMAX, POWERS, "a[...] = a - largest\n    e = nd.exp(a)"
    ),
    "q1: one buffer for all results": "kept = {}\n"
    + changed(
        SOFTMAX,
        SHARES,
        f"out = kept.setdefault((a.shape, str(a.dtype)), a + 0)\n    out[...] = {SHARES[7:]}\n    return out",
    ),
    "q1: matrices only": changed(SOFTMAX, LARGEST, f"rows, n = a.shape\n    {LARGEST}"),
    "q1: nothing": changed(SOFTMAX, SHARES, SHARES.removeprefix("return ")),
    "q2: elementwise, as the sigmoid's": gradient("return out_grad * node * (1 - node)"),
    "q2: no sum": gradient("return node * out_grad"),
    "q2: the sum of the adjoints": gradient(PRODUCT.replace("(out_grad * node).sum", "out_grad.sum")),
    "q2: the mean": gradient(PRODUCT.replace(".sum(", ".mean(")),
    "q2: the largest": gradient(PRODUCT.replace(".sum(axes=-1, keepdims=True)", ".max(-1, keepdims=True)")),
    "q2: not multiplied by the shares": gradient(PRODUCT.replace("node * (out_grad - ", "(out_grad - ")),
    "q2: sign": gradient(PRODUCT.replace("return ", "return -")),
    "q2: plus": gradient(PRODUCT.replace("out_grad - ", "out_grad + ")),
    "q2: one sum for all rows": gradient("return node * (out_grad - (out_grad * node).sum())"),
    "q2: along the first axis": gradient(PRODUCT.replace("axes=-1", "axes=0")),
    "q2: along the second axis": gradient(PRODUCT.replace("axes=-1", "axes=min(1, len(node.shape) - 1)")),
    "q2: the sum without its axis": gradient(
        "s = (out_grad * node).sum(axes=-1)\n    return node * (out_grad - s)"
    ),
    "q2: written with the scores": gradient(PRODUCT.replace("node", "a")).replace(
        "    return a *", "    a = node.inputs[0]\n    return a *"
    ),
    "q2: of the log-softmax": gradient("return out_grad - node * out_grad.sum(axes=-1, keepdims=True)"),
    "q2: of the loss": gradient("return node - out_grad"),
    "q2: shares squared": gradient(PRODUCT.replace("node * (out", "node * node * (out")),
    "q2: divided by the count": gradient(f"{PRODUCT} / node.shape[-1]"),
    "q2: exponentials computed anew": gradient(
        "e = ndl.ops.exp(node.inputs[0])\n"
        "    s = (out_grad * e).sum(axes=-1, keepdims=True) / e.sum(axes=-1, keepdims=True)\n"
        "    return e * (out_grad - s)"
    ),
    "q2: scores times zero": gradient(f"{PRODUCT} + 0 * node.inputs[0]"),
    "q2: the Jacobian of the first row for all": gradient(
        "y = node.reshape((-1, node.shape[-1]))[0]\n"
        "    s = (out_grad * y).sum(axes=-1, keepdims=True)\n    return y * (out_grad - s)"
    ),
    "q2: two axes only": gradient(f"rows, n = node.shape\n    {PRODUCT}"),
    "q2: the shares detached": gradient(f"node = node.detach()\n    {PRODUCT}"),
    "q2: the adjoint alone has a history": gradient(
        "y = ndl.Tensor(node.numpy(), dtype=node.dtype, requires_grad=False)\n    "
        + PRODUCT.replace("node", "y")
    ),
    "q2: detached": gradient(f"return ({PRODUCT[7:]}).detach()"),
    "q2: an array": gradient(f"return ({PRODUCT[7:]}).numpy()"),
    "q2: float32": gradient(f"return ({PRODUCT[7:]}).astype('float32')"),
    "q2: the adjoint overwritten": gradient(
        f"g = {PRODUCT[7:]}\n    out_grad.data = g.detach()\n    return g"
    ),
    "q2: the shares overwritten": gradient(f"g = {PRODUCT[7:]}\n    node.data = g.detach()\n    return g"),
    "q2: calls add up": "seen = {}\n"
    + gradient(f"seen[id(node)] = seen.get(id(node), 0) + {PRODUCT[7:]}\n    return seen[id(node)]"),
    "q2: summed over the batch": gradient(
        f"g = {PRODUCT[7:]}\n    return g if len(g.shape) < 2 else g.sum(axes=0, keepdims=True) + g * 0"
    ),
}

HINTS = {
    "q1: exponentials alone, not shifted": [
        "These are exponentials: divide by their sum.",
        "exp(1000) is infinite: subtract the largest score of the row first.",
    ],
    "q1: the largest not subtracted": ["exp(1000) is infinite: subtract the largest score of the row first."],
    "q1: one largest for all rows": ["Each row has a largest score of its own."],
    "q1: one sum for all rows": ["Each row has a sum of its own."],
    "q1: along the first axis": ["Along the last axis: which one disappears in the sum?"],
    "q1: the logarithm": ["That is the logarithm."],
    "q1: mask the other way round": ["True is what counts."],
    "q1: shares masked": ["What is hidden does not count in the sum: mask the scores, not the shares."],
    "q1: scores multiplied by the mask": ["A hidden score is not 0: e⁰ is 1."],
    "q1: hidden scores 0": ["A hidden score is not 0: e⁰ is 1."],
    "q1: −1e9 added": ["Nothing is seen in the first row: it gets nothing."],
    "q1: hidden scores −1e9": ["Nothing is seen in the first row: it gets nothing."],
    "q1: nothing seen is shared equally": ["Nothing is seen in the first row: it gets nothing."],
    "q2: elementwise, as the sigmoid's": [
        "That is the diagonal of the Jacobian alone: the sum goes along the row."
    ],
    "q2: no sum": ["The others fall when the first score rises: where is the sum?"],
    "q2: the sum of the adjoints": ["In the sum each adjoint is multiplied by its share."],
    "q2: not multiplied by the shares": ["Multiply by the shares."],
    "q2: along the first axis": ["That is the diagonal of the Jacobian alone: the sum goes along the row."],
    "q2: written with the scores": ["Write it with the shares; the scores may be infinite."],
    "q2: scores times zero": ["Write it with the shares; the scores may be infinite."],
    "q2: the shares detached": [
        "Compute with Tensors all the way; a new Tensor, or a detached one, has no graph."
    ],
    "q2: the adjoint alone has a history": [
        "Compute with Tensors all the way; a new Tensor, or a detached one, has no graph."
    ],
    "q2: detached": ["Compute with Tensors all the way; a new Tensor, or a detached one, has no graph."],
}
NEUTRAL = {
    "Compute one row by hand, with and without its mask.",
    "The rows are far from one another: what is subtracted from each?",
    "What is hidden may be larger than all that counts, and even infinite or nan.",
    "−∞ − (−∞) is nan, and so is 0 / 0.",
    "Move one score a little: which shares move?",
}
EQUIVALENT = {"q1: 1e+30 → 2e+30": "either is less than −∞ is far below, and no score comes near"}
