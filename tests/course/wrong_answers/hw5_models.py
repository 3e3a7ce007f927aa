"""Homework 5: positions (question 7) and the GPT (8)."""

from . import changed, solutions

SOLUTIONS = solutions("hw5")
POSITIONS, GPT = SOLUTIONS["q7"], SOLUTIONS["q8"]

ANGLE = "angle = np.arange(max_len)[:, None] * 10000.0 ** (-2 * (feature // 2) / dim)"
TABLE = "self.table = np.where(feature % 2 == 0, np.sin(angle), np.cos(angle))"
ROWS = "rows = self.table[start : start + x.shape[-2]]"
ADDED = "return x + ndl.Tensor(rows, dtype=x.dtype)"

X = "x = self.positions(self.embedding(tokens), start)"
SCORES = "return self.output(self.norm(self.layers(x)))"
MADE = "layers = [TransformerLayer(dim, num_head, dim // num_head, 4 * dim) for _ in range(num_layers)]"

WRONG = {
    "q7: sines in the first half": changed(
        POSITIONS,
        TABLE,
        "self.table = np.concatenate([np.sin(angle[:, ::2]), np.cos(angle[:, 1::2])], axis=1)",
    ),
    "q7: cosines first": changed(POSITIONS, "feature % 2 == 0", "feature % 2 == 1"),
    "q7: sines only": changed(POSITIONS, TABLE, "self.table = np.sin(angle)"),
    "q7: no pairs": changed(POSITIONS, "-2 * (feature // 2)", "-feature"),
    "q7: half the exponent": changed(POSITIONS, "-2 * (feature // 2)", "-(feature // 2)"),
    "q7: twice the exponent": changed(POSITIONS, "-2 * (feature // 2)", "-4 * (feature // 2)"),
    "q7: ever faster": changed(POSITIONS, "(-2 *", "(2 *"),
    "q7: base 1000": changed(POSITIONS, "10000.0", "1000.0"),
    "q7: degrees": changed(POSITIONS, TABLE, f"angle = np.radians(angle)\n        {TABLE}"),
    "q7: whole turns": changed(POSITIONS, TABLE, f"angle = 2 * np.pi * angle\n        {TABLE}"),
    "q7: divided by the longest sequence": changed(
        POSITIONS, "np.arange(max_len)[:, None]", "np.arange(max_len)[:, None] / max_len"
    ),
    "q7: counted from 1": changed(POSITIONS, "np.arange(max_len)", "np.arange(1, max_len + 1)"),
    "q7: counted backwards": changed(POSITIONS, "np.arange(max_len)", "np.arange(max_len)[::-1]"),
    "q7: start ignored": changed(POSITIONS, ROWS, "rows = self.table[: x.shape[-2]]"),
    "q7: start one too far": changed(
        POSITIONS,
        ROWS,
        "rows = np.roll(self.table, -1, 0)[start : start + x.shape[-2]] if start else self.table[: x.shape[-2]]",
    ),
    "q7: start counts backwards": changed(
        POSITIONS, ROWS, "rows = self.table[np.arange(x.shape[-2]) - start]"
    ),
    "q7: all from start on": changed(POSITIONS, ROWS, "rows = self.table[start:]"),
    "q7: it counts by itself": changed(
        POSITIONS,
        ROWS,
        "self.seen = getattr(self, 'seen', 0)\n        rows = self.table[self.seen : self.seen + x.shape[-2]]\n"
        "        self.seen += x.shape[-2]",
    ),
    "q7: the mark of the sequence's number": changed(
        POSITIONS,
        ROWS,
        "rows = self.table[start : start + x.shape[0]].reshape((-1, *[1] * (len(x.shape) - 2), x.shape[-1]))",
    ),
    "q7: three axes wanted": changed(POSITIONS, ROWS, ROWS.replace("x.shape[-2]", "x.shape[1]")),
    "q7: multiplied": changed(POSITIONS, ADDED, ADDED.replace("x + ", "x * ")),
    "q7: the marks alone": changed(
        POSITIONS,
        ADDED,
        "return ndl.Tensor(np.broadcast_to(rows, x.shape), dtype=x.dtype, requires_grad=False)",
    ),
    "q7: subtracted": changed(POSITIONS, ADDED, ADDED.replace("x + ", "x - ")),
    "q7: x scaled": changed(POSITIONS, ADDED, ADDED.replace("x + ", "x * x.shape[-1] ** 0.5 + ")),
    "q7: behind the features": changed(
        POSITIONS,
        ADDED,
        "rows = ndl.Tensor(np.broadcast_to(rows, x.shape), dtype=x.dtype, requires_grad=False)\n"
        "        return ndl.ops.concat([x, rows], axis=-1)",
    ),
    "q7: learned": changed(
        POSITIONS,
        TABLE,
        f"{TABLE}\n        self.rows = nn.Parameter(ndl.Tensor(self.table))",
        ADDED,
        "return x + self.rows[start : start + x.shape[-2]].astype(x.dtype)",
    ),
    "q7: float32": changed(POSITIONS, TABLE, f"{TABLE}.astype('float32')"),
    "q7: an even number of features wanted": changed(
        POSITIONS,
        TABLE,
        "self.table = np.stack([np.sin(angle[:, ::2]), np.cos(angle[:, 1::2])], -1).reshape(max_len, dim)",
    ),
    "q7: x detached": changed(POSITIONS, ADDED, ADDED.replace("x + ", "x.detach() + ")),
    "q7: x changed": changed(
        POSITIONS, ADDED, f"y = {ADDED[7:]}\n        x.data = y.detach()\n        return y"
    ),
    "q7: the table changed": changed(POSITIONS, ADDED, f"rows *= 1.01\n        {ADDED}"),
    "q8: no positions": changed(GPT, X, "x = self.embedding(tokens)"),
    "q8: no layers": changed(GPT, "self.layers(x)", "x"),
    "q8: no last normalisation": changed(GPT, SCORES, "return self.output(self.layers(x))"),
    "q8: normalised before the layers": changed(GPT, SCORES, "return self.output(self.layers(self.norm(x)))"),
    "q8: normalised before and after": changed(
        GPT, SCORES, "return self.output(self.norm(self.layers(self.norm(x))))"
    ),
    "q8: no map to the tokens": changed(GPT, SCORES, "return self.norm(self.layers(x))"),
    "q8: the table turned round in place of the map": changed(
        GPT, SCORES, "return self.norm(self.layers(x)) @ self.embedding.weight.transpose()"
    ),
    "q8: softmax at the end": changed(GPT, SCORES, f"return ndl.ops.softmax({SCORES[7:]})"),
    "q8: position not advanced": changed(GPT, X, "x = self.positions(self.embedding(tokens))"),
    "q8: position one too far": changed(GPT, X, X.replace("start)", "start + bool(start))")),
    "q8: positions at the end": changed(
        GPT,
        X,
        "x = self.embedding(tokens)",
        SCORES,
        "return self.output(self.norm(self.positions(self.layers(x), start)))",
    ),
    "q8: positions twice": changed(GPT, X, f"{X}\n        x = self.positions(x, start)"),
    "q8: positions of the learned kind": changed(
        GPT, "self.positions = SinusoidalPositions", "self.positions = nn.LearnedPositions"
    ),
    "q8: not causal": changed(GPT, MADE, MADE.replace("4 * dim)", "4 * dim, causal=False)")),
    "q8: one layer, several times": changed(
        GPT, MADE, "layers = [TransformerLayer(dim, num_head, dim // num_head, 4 * dim)] * num_layers"
    ),
    "q8: one layer always": changed(GPT, MADE, MADE.replace("range(num_layers)", "range(1)")),
    "q8: one layer too many": changed(GPT, MADE, MADE.replace("range(num_layers)", "range(num_layers + 1)")),
    "q8: layers in a list": changed(
        GPT, "self.layers = nn.Sequential(*layers)", "self.layers = lambda x: nn.Sequential(*layers)(x)"
    ),
    "q8: layers backwards": changed(GPT, "self.layers(x)", "nn.Sequential(*[*self.layers][::-1])(x)"),
    "q8: heads as wide as the model": changed(GPT, MADE, MADE.replace("dim // num_head", "dim")),
    "q8: one head": changed(GPT, MADE, MADE.replace("num_head, dim // num_head", "1, dim")),
    "q8: two heads always": changed(GPT, MADE, MADE.replace("num_head, dim // num_head", "2, dim // 2")),
    "q8: number and size of heads swapped": changed(
        GPT, MADE, MADE.replace("num_head, dim // num_head", "dim // num_head, num_head")
    ),
    "q8: maps to twice the features": changed(GPT, MADE, MADE.replace("4 * dim", "2 * dim")),
    "q8: the last map without bias": changed(GPT, "Linear(dim, tokens)", "Linear(dim, tokens, bias=False)"),
    "q8: the last map to the features": changed(GPT, "Linear(dim, tokens)", "Linear(dim, dim)"),
    "q8: the last place alone": changed(GPT, SCORES, f"{SCORES}[:, -1]"),
    "q8: batch and places swapped": changed(
        GPT, "self.layers(x)", "self.layers(x.transpose((0, 1))).transpose((0, 1))"
    ),
    "q8: fewer positions": changed(GPT, "(max_len, dim)", "(min(max_len, 32), dim)"),
    "q8: tokens as one-hot of the batch": changed(GPT, X, X.replace("(tokens)", "(tokens[:1])")),
    "q8: the mean of the places": changed(
        GPT,
        SCORES,
        "x = self.layers(x)\n        return self.output(self.norm(x + x.mean(axes=1, keepdims=True)))",
    ),
    "q8: embedding detached": changed(
        GPT, X, X.replace("self.embedding(tokens)", "self.embedding(tokens).detach()")
    ),
    "q8: layers detached": changed(GPT, "self.layers(x)", "self.layers(x).detach()"),
    "q8: in no_grad": changed(
        GPT,
        SCORES,
        "with ndl.no_grad():\n            x = self.layers(x)\n        return self.output(self.norm(x))",
    ),
}

HINTS = {
    "q7: sines in the first half": ["Sine and cosine take turns: feature 0 is a sine, feature 1 a cosine."],
    "q7: cosines first": ["The even features are the sines."],
    "q7: no pairs": ["A pair has one speed: feature 1 turns as fast as feature 0."],
    "q7: counted from 1": ["The first position is number 0."],
    "q7: start ignored": ["The second piece goes on where the first one ended."],
    "q7: multiplied": ["Added, not multiplied."],
    "q7: the marks alone": ["Where is x?"],
    "q7: learned": ["An optimiser would change them."],
    "q7: x detached": ["Where did its history end?"],
    "q8: no positions": ["Where are the positions?"],
    "q8: no layers": ["Where are the layers?", "Where did the history end?"],
    "q8: no last normalisation": ["Where did the history end?"],
    "q8: no map to the tokens": ["Where did the history end?"],
    "q8: the table turned round in place of the map": ["Where did the history end?"],
    "q8: positions of the learned kind": ["Which modules belong to it, and which of them have parameters?"],
    "q8: embedding detached": ["Where did the history end?"],
    "q8: layers detached": ["Where did the history end?"],
    "q8: in no_grad": ["Where did the history end?"],
}
NEUTRAL = {
    "Compute the mark of position 2 in three features by hand.",
    "Which size has each part, and what is the position of the first token?",
    "What does it have to know to find the right digit?",
}
EQUIVALENT = {
    "q7: ndl.Tensor(rows, dtype=x.dtype) → rows": "an array beside a Tensor becomes one of its dtype"
}
