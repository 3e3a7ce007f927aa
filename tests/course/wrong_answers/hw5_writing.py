"""Homework 5: the next token (question 9) and the cache (10)."""

from . import changed, solutions

SOLUTIONS = solutions("hw5")
NEXT, CACHE = SOLUTIONS["q9"], SOLUTIONS["q10"]

ORDER = 'order = np.argsort(-scores, kind="stable")'
COLD = "    if temperature == 0:\n        return np.eye(len(scores))[order[0]]\n"
POWERS = "p = np.exp((scores - scores.max()) / temperature)"
BEST_K = "p[order[top_k:]] = 0"
SUM = "p = p / p.sum()"
BEFORE = "before = np.cumsum(p[order]) - p[order]"
BEST_P = "p[order[before >= top_p]] = 0"
RESULT = "return p / p.sum()"
DRAW = "return int((ends <= np.random.rand() * ends[-1]).sum())"

RESET = "self.length, self.k, self.v = 0, None, None"
HEADS = "return x.reshape((*x.shape[:2], self.layer.num_head, self.layer.dim_head)).transpose((1, 2))"
Q = "q = self.heads(layer.q_projection(layer.prenorm_q(x)))"
K = "k = self.heads(layer.k_projection(layer.prenorm_k(x)))"
V = "v = self.heads(layer.v_projection(layer.prenorm_v(x)))"
KEEP_K = "self.k = k if self.k is None else ndl.ops.concat([self.k, k], axis=2)"
KEEP_V = "self.v = v if self.v is None else ndl.ops.concat([self.v, v], axis=2)"
LENGTH = "self.length = self.length + x.shape[1]"
ATTEND = "y = layer.attn(q, self.k, self.v)[0].transpose((1, 2))"
OUT = "return layer.out_projection(y.reshape((*y.shape[:2], layer.num_head * layer.dim_head)))"

WRONG = {
    "q9: temperature multiplied": changed(NEXT, "/ temperature)", "* temperature)"),
    "q9: temperature ignored": changed(NEXT, "/ temperature)", "/ 1)"),
    "q9: temperature of the probabilities": changed(
        NEXT, POWERS, "p = np.exp(scores - scores.max()) / temperature"
    ),
    "q9: temperature after top-p": changed(
        NEXT, "/ temperature)", "/ 1)", RESULT, "p = p ** (1 / temperature) * (p > 0)\n    return p / p.sum()"
    ),
    "q9: temperature 0 divides": changed(NEXT, COLD, ""),
    "q9: temperature 0 is a small one": changed(NEXT, COLD, "    temperature = temperature or 1e-9\n"),
    "q9: temperature 0 takes the last of the best": changed(
        NEXT, "order[0]]", "len(scores) - 1 - np.argmax(scores[::-1])]"
    ),
    "q9: temperature 0 changes nothing": changed(NEXT, COLD, "    temperature = temperature or 1.0\n"),
    "q9: the largest not subtracted": changed(NEXT, "(scores - scores.max())", "scores"),
    "q9: the mean subtracted": changed(NEXT, "scores.max()", "scores.mean()"),
    "q9: not divided by their sum": changed(
        NEXT, RESULT, "return p", SUM, "p = p / np.exp((scores - scores.max()) / temperature).sum()"
    ),
    "q9: scores float32": changed(NEXT, 'scores.astype("float64")', 'scores.astype("float32")'),
    "q9: the k worst": changed(NEXT, BEST_K, "p[order[: len(p) - top_k]] = 0"),
    "q9: the first k": changed(NEXT, BEST_K, "p[top_k:] = 0"),
    "q9: one more than k": changed(NEXT, BEST_K, BEST_K.replace("top_k:", "top_k + 1 :")),
    "q9: one fewer than k": changed(NEXT, BEST_K, BEST_K.replace("top_k:", "max(top_k - 1, 1) :")),
    "q9: k ignored": changed(NEXT, BEST_K, "pass"),
    "q9: all that are as good as the k-th": changed(
        NEXT, BEST_K, "p[scores < np.sort(scores)[::-1][min(top_k, len(scores)) - 1]] = 0"
    ),
    "q9: scores of the others 0": changed(NEXT, BEST_K, "p[order[top_k:]] = 1"),
    "q9: the crossing token dropped": changed(
        NEXT,
        BEFORE,
        "before = np.cumsum(p[order])",
        BEST_P,
        "before[0] = 0\n        p[order[before >= top_p]] = 0",
    ),
    "q9: one token beyond the crossing one": changed(
        NEXT, BEFORE, "before = np.cumsum(p[order]) - p[order] - np.append(0, p[order][:-1])"
    ),
    "q9: cumulated in the order of the tokens": changed(
        NEXT, BEFORE, "before = np.cumsum(p) - p", BEST_P, "p[before >= top_p] = 0"
    ),
    "q9: the least likely first": changed(
        NEXT, BEFORE, "order = order[::-1]\n        before = np.cumsum(p[order]) - p[order]"
    ),
    "q9: tokens above p": changed(NEXT, BEST_P, "p[p < min(top_p, p.max())] = 0"),
    "q9: p of the best token's probability": changed(NEXT, BEST_P, "p[p < top_p * p.max()] = 0"),
    "q9: p ignored": changed(NEXT, BEST_P, "pass"),
    "q9: top-p of all, not of what top-k left": changed(
        NEXT, POWERS, f"{POWERS}\n    whole = p / p.sum()", BEFORE, BEFORE.replace("p[order]", "whole[order]")
    ),
    "q9: top-p before top-k": changed(
        NEXT,
        f"    if top_k is not None:\n        {BEST_K}\n",
        "",
        RESULT,
        f"if top_k is not None:\n        {BEST_K}\n    {RESULT}",
    ),
    "q9: not divided again": changed(NEXT, RESULT, "return p"),
    "q9: not divided after top-k": changed(
        NEXT, f"    {SUM}\n", "    p = p / np.exp((scores - scores.max()) / temperature).sum()\n"
    ),
    "q9: the scores changed": changed(
        NEXT,
        'scores = scores.astype("float64")',
        'scores -= scores.max()\n    scores = scores.astype("float64")',
    ),
    "q9: sorted": changed(NEXT, RESULT, "return np.sort(p / p.sum())[::-1]"),
    "q9: the best always": changed(NEXT, DRAW, "return int(np.argmax(p))"),
    "q9: any token": changed(NEXT, DRAW, "return int(np.random.randint(len(p)))"),
    "q9: tokens from 1": changed(NEXT, DRAW, f"{DRAW} + 1"),
    "q9: from the other end": changed(
        NEXT, DRAW, "return len(p) - 1 - int((np.cumsum(p[::-1]) <= np.random.rand()).sum())"
    ),
    "q9: a generator of its own": changed(NEXT, "np.random.rand()", "np.random.default_rng().random()"),
    "q9: one seed for all": changed(NEXT, DRAW, f"np.random.seed(0)\n    {DRAW}"),
    "q9: two numbers": changed(NEXT, DRAW, f"np.random.rand()\n    {DRAW}"),
    "q9: a number for each token": changed(
        NEXT, DRAW, "return int(np.argmax(p / -np.log(np.random.rand(len(p)))))"
    ),
    "q9: NumPy's integer": changed(NEXT, DRAW, DRAW.replace("int(", "(")),
    "q9: the probability, not the token": changed(NEXT, DRAW, f"return float(p[{DRAW[7:]}])"),
    "q9: the piece before": changed(
        NEXT, DRAW, "return max(int((ends <= np.random.rand() * ends[-1]).sum()) - 1, 0)"
    ),
    "q9: pieces not cumulated": changed(NEXT, "ends = np.cumsum(p)", "ends = p"),
    "q10: nothing kept": changed(CACHE, KEEP_K, "self.k = k", KEEP_V, "self.v = v"),
    "q10: keys kept alone": changed(CACHE, KEEP_V, "self.v = v"),
    "q10: values kept alone": changed(CACHE, KEEP_K, "self.k = k"),
    "q10: new ones in front": changed(
        CACHE,
        KEEP_K,
        KEEP_K.replace("[self.k, k]", "[k, self.k]"),
        KEEP_V,
        KEEP_V.replace("[self.v, v]", "[v, self.v]"),
    ),
    "q10: new values in front": changed(CACHE, KEEP_V, KEEP_V.replace("[self.v, v]", "[v, self.v]")),
    "q10: behind one another as heads": CACHE.replace("axis=2", "axis=1"),
    "q10: behind one another as sequences": CACHE.replace("axis=2", "axis=0"),
    "q10: values in place of keys": changed(CACHE, KEEP_V, KEEP_V.replace("[self.v, v]", "[self.v, k]")),
    "q10: the last two places": changed(
        CACHE, LENGTH, f"{LENGTH}\n        self.k, self.v = self.k[:, :, -2:], self.v[:, :, -2:]"
    ),
    "q10: computed again": changed(
        CACHE,
        KEEP_K,
        "self.x = x if self.k is None else ndl.ops.concat([self.x, x], axis=1)\n"
        "        self.k = self.heads(layer.k_projection(layer.prenorm_k(self.x)))",
        f"\n        {K}",
        "",
    ),
    "q10: queries kept too": changed(
        CACHE,
        KEEP_K,
        f"self.q = q if self.k is None else ndl.ops.concat([self.q, q], axis=2)\n        q = self.q\n        {KEEP_K}",
    ),
    "q10: what is new is kept twice": changed(
        CACHE,
        KEEP_K,
        f"{KEEP_K}\n        self.k = ndl.ops.concat([self.k, k], axis=2)",
        KEEP_V,
        f"{KEEP_V}\n        self.v = ndl.ops.concat([self.v, v], axis=2)",
    ),
    "q10: the mask aligned top left": changed(
        CACHE,
        ATTEND,
        "y = ndl.ops.scaled_dot_product_attention(q, self.k, self.v, is_causal=True).transpose((1, 2))",
    ),
    "q10: no mask": changed(
        CACHE, ATTEND, "y = ndl.ops.scaled_dot_product_attention(q, self.k, self.v).transpose((1, 2))"
    ),
    "q10: the new ones see one another alone": changed(
        CACHE, ATTEND, ATTEND.replace("self.k, self.v", "k, v")
    ),
    "q10: kept for the next step only": changed(CACHE, ATTEND, f"{ATTEND}\n        self.k, self.v = k, v"),
    "q10: keys not normalised": changed(CACHE, K, K.replace("layer.prenorm_k(x)", "x")),
    "q10: values not normalised": changed(CACHE, V, V.replace("layer.prenorm_v(x)", "x")),
    "q10: keys normalised as queries": changed(CACHE, K, K.replace("prenorm_k", "prenorm_q")),
    "q10: values mapped as keys": changed(CACHE, V, V.replace("v_projection", "k_projection")),
    "q10: a head by reshape alone": changed(
        CACHE, HEADS, "return x.reshape((x.shape[0], self.layer.num_head, x.shape[1], self.layer.dim_head))"
    ),
    "q10: heads merged by reshape alone": changed(
        CACHE,
        ATTEND,
        ATTEND.replace(".transpose((1, 2))", ""),
        OUT,
        OUT.replace("*y.shape[:2]", "y.shape[0], x.shape[1]"),
    ),
    "q10: no map at the end": changed(CACHE, OUT, OUT.replace("layer.out_projection(", "(")),
    "q10: residual inside": changed(CACHE, OUT, OUT.replace("return ", "return x + ")),
    "q10: the first result alone": changed(
        CACHE,
        OUT,
        "self.y = getattr(self, 'y', None)\n"
        "        y = y.reshape((*y.shape[:2], layer.num_head * layer.dim_head))\n"
        "        self.y = layer.out_projection(y) if self.y is None or self.y.shape != x.shape else self.y\n"
        "        return self.y",
    ),
    "q10: length not advanced": changed(CACHE, LENGTH, "pass"),
    "q10: length counts pieces": changed(CACHE, LENGTH, "self.length = self.length + 1"),
    "q10: length of the piece": changed(CACHE, LENGTH, "self.length = x.shape[1]"),
    "q10: length counts sequences": changed(
        CACHE, LENGTH, "self.length = self.length + x.shape[0] * x.shape[1]"
    ),
    "q10: reset forgets the length alone": changed(
        CACHE,
        RESET,
        "self.length = 0\n        self.k, self.v = getattr(self, 'k', None), getattr(self, 'v', None)",
    ),
    "q10: reset keeps the length": changed(
        CACHE, RESET, "self.length, self.k, self.v = getattr(self, 'length', 0), None, None"
    ),
    "q10: reset keeps the values": changed(
        CACHE, RESET, "self.length, self.k, self.v = 0, None, getattr(self, 'v', None)"
    ),
    "q10: one cache for all": changed(
        CACHE,
        KEEP_K,
        KEEP_K.replace("self.k", "CachedAttention.k"),
        KEEP_V,
        KEEP_V.replace("self.v", "CachedAttention.v"),
        RESET,
        "self.length, CachedAttention.k, CachedAttention.v = 0, None, None",
        ATTEND,
        ATTEND.replace("self.k, self.v", "CachedAttention.k, CachedAttention.v"),
    ),
    "q10: a cache at the layer": changed(
        CACHE,
        KEEP_K,
        KEEP_K.replace("self.k", "layer.kept_k"),
        KEEP_V,
        KEEP_V.replace("self.v", "layer.kept_v"),
        RESET,
        "self.length, self.layer.kept_k, self.layer.kept_v = 0, None, None",
        ATTEND,
        ATTEND.replace("self.k, self.v", "layer.kept_k, layer.kept_v"),
    ),
    "q10: keys kept as Parameters": changed(
        CACHE, LENGTH, f"{LENGTH}\n        self.k = nn.Parameter(self.k)"
    ),
    "q10: float32": changed(
        CACHE, KEEP_K, f"{KEEP_K}\n        self.k = self.k.astype('float32').astype(x.dtype)"
    ),
    "q10: x changed": changed(CACHE, OUT, "x.data = (x * 0).detach()\n        " + OUT),
    "q10: the weights too": changed(CACHE, OUT, f"{OUT}, self.k"),
}

HINTS = {
    "q9: temperature multiplied": ["Divided by T, not multiplied."],
    "q9: temperature ignored": ["The scores are divided, not the probabilities: does T do anything?"],
    "q9: temperature of the probabilities": [
        "The scores are divided, not the probabilities: does T do anything?"
    ],
    "q9: not divided by their sum": ["What stays is divided by its sum."],
    "q9: the k worst": ["The k best ones, not the k worst."],
    "q9: the first k": ["The best ones, not the first ones."],
    "q9: one more than k": ["That is one more than k."],
    "q9: the crossing token dropped": ["The one that crosses the line stays."],
    "q9: cumulated in the order of the tokens": ["The best ones first."],
    "q9: tokens above p": ["The one that crosses the line stays."],
    "q9: p of the best token's probability": ["The one that crosses the line stays."],
    "q9: not divided again": ["What stays is divided by its sum."],
    "q9: the best always": ["That is always token 0: draw."],
    "q9: tokens from 1": ["Tokens are counted from 0."],
    "q9: pieces not cumulated": ["That is always token 0: draw."],
    "q10: nothing kept": ["It sees only itself: what is kept of the places before?"],
    "q10: computed again": ["That computes the old keys again: keep them."],
    "q10: the mask aligned top left": [
        "It sees only place 0: a mask that begins at the other corner does that."
    ],
    "q10: the new ones see one another alone": ["It sees only itself: what is kept of the places before?"],
    "q10: the first result alone": [
        "It sees only place 0: a mask that begins at the other corner does that."
    ],
    "q10: length of the piece": ["That is the length of the piece."],
}
NEUTRAL = {
    "In which order are the knobs turned?",
    "How many numbers are drawn for a token, and from where?",
    "Follow the shapes: what is kept, and which axis grows?",
    "Is everything right without reset()? Then: is everything forgotten, length too?",
    "Subtract the largest score; and T = 0 is a case of its own.",
}
EQUIVALENT = {
    "q9: ends <= np.random.rand() * ends[-1] → ends < np.random.rand() * ends[-1]": "equal with probability 2^-53",
    "q9: np.random.rand() * ends[-1] → np.random.rand() / ends[-1]": "the last piece ends at 1, but for rounding",
}
