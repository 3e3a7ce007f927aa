"""Homework 5: attention (question 3) and heads (4)."""

from . import changed, solutions

SOLUTIONS = solutions("hw5")
ATTENTION, HEADS = SOLUTIONS["q3"], SOLUTIONS["q4"]

SCORES = "scores = q @ k.transpose((2, 3)) / q.shape[-1] ** 0.5"
CAUSAL = "seen = seen & (np.arange(keys) <= np.arange(queries)[:, None] + keys - queries)"
REAL = "seen = seen & (np.arange(keys) < np.asarray(lengths)[:, None, None, None])"
HIDDEN = "scores = ndl.ops.where(seen, scores, -np.inf)"
WEIGHTS = "weights = ndl.ops.softmax(scores)"
RESULT = "return weights @ v, weights"
ONES = "ndl.Tensor(seen, dtype=scores.dtype, requires_grad=False)"

SPLIT = "return x.reshape((batch, length, num_head, features // num_head)).transpose((1, 2))"
MERGE = "return x.transpose((1, 2)).reshape((batch, length, num_head * size))"


def scaled(by: str) -> str:
    """Scores divided by something else."""
    return changed(ATTENTION, "q.shape[-1] ** 0.5", by)


WRONG = {
    "q3: not scaled": scaled("1"),
    "q3: divided by d": scaled("q.shape[-1]"),
    "q3: d of all heads": scaled("(q.shape[1] * q.shape[-1]) ** 0.5"),
    "q3: the root of the number of keys": scaled("k.shape[2] ** 0.5"),
    "q3: the root of the number of heads": scaled("q.shape[1] ** 0.5"),
    "q3: the root of a value's size": scaled("v.shape[-1] ** 0.5"),
    "q3: multiplied by the root": changed(ATTENTION, " / q.shape", " * q.shape"),
    "q3: values scaled, not scores": changed(
        ATTENTION, " / q.shape[-1] ** 0.5", "", RESULT, "return weights @ v / q.shape[-1] ** 0.5, weights"
    ),
    "q3: scaled twice": changed(ATTENTION, WEIGHTS, "weights = ndl.ops.softmax(scores / q.shape[-1] ** 0.5)"),
    "q3: softmax over the queries": changed(ATTENTION, WEIGHTS, "weights = ndl.ops.softmax(scores, 2)"),
    "q3: softmax over the heads": changed(ATTENTION, WEIGHTS, "weights = ndl.ops.softmax(scores, 1)"),
    "q3: no softmax": changed(ATTENTION, WEIGHTS, "weights = scores"),
    "q3: weights masked after the softmax": changed(ATTENTION, HIDDEN, "", WEIGHTS, f"{WEIGHTS} * {ONES}"),
    "q3: scores multiplied by the mask": changed(ATTENTION, HIDDEN, f"scores = scores * {ONES}"),
    "q3: hidden scores 0": changed(ATTENTION, HIDDEN, HIDDEN.replace("-np.inf", "0.0")),
    "q3: the additive mask's sign": changed(ATTENTION, HIDDEN, f"scores = scores + 1e9 * (1 - {ONES})"),
    "q3: hidden scores a little smaller": changed(ATTENTION, HIDDEN, f"scores = scores - 10 * (1 - {ONES})"),
    "q3: the mask the other way round": changed(ATTENTION, HIDDEN, HIDDEN.replace("(seen", "(~seen")),
    "q3: never causal": changed(ATTENTION, "if self.causal:", "if False:"),
    "q3: always causal": changed(ATTENTION, "if self.causal:", "if True:"),
    "q3: causal unless asked": changed(ATTENTION, "if self.causal:", "if not self.causal:"),
    "q3: the causal mask transposed": changed(ATTENTION, CAUSAL, CAUSAL.replace("<=", ">=")),
    "q3: not its own key": changed(ATTENTION, CAUSAL, CAUSAL.replace("<=", "<")),
    "q3: one key of the future": changed(
        ATTENTION, CAUSAL, CAUSAL.replace("keys - queries", "keys - queries + 1")
    ),
    "q3: aligned top left": changed(ATTENTION, CAUSAL, CAUSAL.replace(" + keys - queries", "")),
    "q3: aligned the other way": changed(
        ATTENTION, CAUSAL, CAUSAL.replace("keys - queries", "queries - keys")
    ),
    "q3: only its own key and the one before": changed(
        ATTENTION, CAUSAL, f"{CAUSAL} & (np.arange(keys) >= np.arange(queries)[:, None] + keys - queries - 1)"
    ),
    "q3: lengths ignored": changed(ATTENTION, "if lengths is not None:", "if False:"),
    "q3: one key too many": changed(ATTENTION, REAL, REAL.replace("(keys) <", "(keys) <=")),
    "q3: padding on the left": changed(
        ATTENTION, REAL, REAL.replace("(np.arange(keys) <", "(np.arange(keys)[::-1] <")
    ),
    "q3: the first length for all": changed(
        ATTENTION, REAL, REAL.replace("np.asarray(lengths)[:, None, None, None]", "lengths[0]")
    ),
    "q3: the longest for all": changed(
        ATTENTION, REAL, REAL.replace("np.asarray(lengths)[:, None, None, None]", "max(lengths)")
    ),
    "q3: queries hidden, not keys": changed(
        ATTENTION, REAL, REAL.replace("np.arange(keys) <", "np.arange(queries)[:, None] <")
    ),
    "q3: lengths or causal": changed(
        ATTENTION, "if lengths is not None:", "if lengths is not None and not self.causal:"
    ),
    "q3: either mask is enough": changed(
        ATTENTION, REAL, REAL.replace("seen &", "(seen if self.causal else False) |")
    ),
    "q3: queries and keys swapped": changed(
        ATTENTION, "q @ k.transpose((2, 3))", "(k @ q.transpose((2, 3)))[:, :, -q.shape[2]:, :]"
    ),
    "q3: queries with queries": changed(ATTENTION, "q @ k.transpose", "q @ q.transpose"),
    "q3: reshaped, not transposed": changed(
        ATTENTION, "k.transpose((2, 3))", "k.reshape((*k.shape[:2], k.shape[3], k.shape[2]))"
    ),
    "q3: average of the keys": changed(ATTENTION, "weights @ v", "weights @ k"),
    "q3: scores in place of the weights": changed(ATTENTION, RESULT, "return weights @ v, scores"),
    "q3: the averages alone": changed(ATTENTION, RESULT, "return weights @ v"),
    "q3: the other way round": changed(ATTENTION, RESULT, "return weights, weights @ v"),
    "q3: weights of the mean head": changed(
        ATTENTION, RESULT, "return weights @ v, weights.mean(axes=1, keepdims=True)"
    ),
    "q3: scores detached": changed(ATTENTION, WEIGHTS, "weights = ndl.ops.softmax(scores.detach())"),
    "q3: keys detached": changed(ATTENTION, "k.transpose", "k.detach().transpose"),
    "q3: values detached": changed(ATTENTION, RESULT, "return weights @ v.detach(), weights"),
    "q3: float32": changed(ATTENTION, HIDDEN, f"{HIDDEN}.astype('float32')"),
    "q3: the values overwritten": changed(
        ATTENTION, RESULT, "v.data = (v * 1.0001).detach()\n        return weights @ v, weights"
    ),
    "q4: reshape alone": changed(
        HEADS, SPLIT, "return x.reshape((batch, num_head, length, features // num_head))"
    ),
    "q4: every other feature": changed(
        HEADS,
        SPLIT,
        "x = x.reshape((batch, length, features // num_head, num_head))\n"
        "    return x.transpose((1, 3)).transpose((2, 3))",
    ),
    "q4: size and heads swapped": changed(
        HEADS, SPLIT, SPLIT.replace("num_head, features // num_head", "features // num_head, num_head")
    ),
    "q4: not swapped": changed(HEADS, SPLIT, SPLIT.removesuffix(".transpose((1, 2))")),
    "q4: batch and heads swapped": changed(HEADS, SPLIT, SPLIT.replace("(1, 2)", "(0, 2)")),
    "q4: heads and features swapped": changed(HEADS, SPLIT, SPLIT.replace("(1, 2)", "(2, 3)")),
    "q4: the last head first": changed(HEADS, SPLIT, f"{SPLIT}[:, ::-1]"),
    "q4: the last place first": changed(HEADS, SPLIT, f"{SPLIT}[:, :, ::-1]"),
    "q4: two heads always": changed(HEADS, SPLIT, SPLIT.replace("num_head", "2")),
    "q4: merge is reshape alone": changed(HEADS, MERGE, MERGE.replace(".transpose((1, 2))", "")),
    "q4: merge swaps the wrong axes": changed(HEADS, MERGE, MERGE.replace("(1, 2)", "(2, 3)")),
    "q4: merge, features of a kind side by side": changed(
        HEADS, MERGE, MERGE.replace("(1, 2)).reshape", "(1, 2)).transpose((2, 3)).reshape")
    ),
    "q4: merge, heads in the other order": changed(HEADS, MERGE, f"x = x[:, ::-1]\n    {MERGE}"),
    "q4: merge, swapped after the reshape": changed(
        HEADS, MERGE, "return x.reshape((batch, num_head * size, length)).transpose((1, 2))"
    ),
    "q4: merge gives a table": changed(
        HEADS, MERGE, MERGE.replace("(batch, length, num", "(batch * length, num")
    ),
    "q4: the mean of the heads": changed(
        HEADS, MERGE, "y = x.mean(axes=1)\n    return ndl.ops.concat([y] * num_head, axis=2)"
    ),
    "q4: the first sequence alone": changed(
        HEADS,
        SPLIT,
        SPLIT.replace("return x.", "x = x[:1]\n    return x.").replace("(batch, length", "(1, length"),
    ),
    "q4: split has no history": changed(
        HEADS, SPLIT, SPLIT.replace("x.reshape", "ndl.Tensor(x.numpy(), dtype=x.dtype).reshape")
    ),
    "q4: merge has no history": changed(HEADS, MERGE, f"x = x.detach()\n    {MERGE}"),
    "q4: float32": changed(HEADS, MERGE, f"{MERGE}.astype('float32')"),
    "q4: divided by the root of the heads": changed(HEADS, SPLIT, f"{SPLIT} / num_head ** 0.5"),
}

HINTS = {
    "q3: not scaled": ["Divide the scores by the root of d."],
    "q3: divided by d": ["By the root of d, not by d."],
    "q3: d of all heads": ["d is the size of one head, not of all together."],
    "q3: the root of the number of heads": ["Divide the scores by the root of d."],
    "q3: the root of a value's size": ["Divide the scores by the root of d."],
    "q3: values scaled, not scores": ["Divide the scores by the root of d."],
    "q3: scaled twice": ["By the root of d, not by d."],
    "q3: softmax over the queries": ["Softmax goes along the keys: each query has weights that add up to 1."],
    "q3: softmax over the heads": ["Softmax goes along the keys: each query has weights that add up to 1."],
    "q3: weights masked after the softmax": ["Mask the scores, not the weights: they are to add up to 1."],
    "q3: never causal": ["Does causal do anything?"],
    "q3: causal unless asked": ["Does causal do anything?"],
    "q3: the causal mask transposed": ["A query sees what comes before it, not what comes after."],
    "q3: aligned top left": ["The last query sees all keys: the mask begins at the other corner."],
    "q3: lengths ignored": ["Do the lengths do anything?"],
    "q3: one key too many": ["So many keys are real, and not one more."],
    "q3: padding on the left": ["The real keys come first."],
    "q3: the first length for all": ["Each sequence has a length of its own."],
    "q3: the longest for all": ["Each sequence has a length of its own."],
    "q3: queries hidden, not keys": ["Do the lengths do anything?"],
    "q3: scores detached": ["Where did its history end? Compute with Tensors all the way."],
    "q3: keys detached": ["Where did its history end? Compute with Tensors all the way."],
    "q3: values detached": ["Where did its history end? Compute with Tensors all the way."],
    "q4: reshape alone": ["reshape alone moves no number past another one: a head has all places."],
    "q4: every other feature": ["A head's features stand beside one another."],
    "q4: merge is reshape alone": ["Swap places and heads first."],
    "q4: split has no history": ["Where did its history end? Compute with Tensors all the way."],
    "q4: merge has no history": ["Where did its history end? Compute with Tensors all the way."],
}
NEUTRAL = {
    "Compute one query by hand.",
    "Keys and values that are hidden hold large numbers here.",
    "Follow one number: which place, which head, which feature?",
}
EQUIVALENT = {"q3: -2 → 2": "there are four axes: the last two are those from the third on"}
