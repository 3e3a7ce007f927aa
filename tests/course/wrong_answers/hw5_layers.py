"""Homework 5: the layer of attention (question 5) and that of a Transformer (6)."""

from . import changed, solutions

SOLUTIONS = solutions("hw5")
LAYER, BLOCK = SOLUTIONS["q5"], SOLUTIONS["q6"]

NORMS = "self.prenorm_q, self.prenorm_k, self.prenorm_v = (LayerNorm1d(q_features) for _ in range(3))"
Q, K, V = (
    f"self.{x}_projection = Linear(q_features, num_head * dim_head, bias=False)" for x in ("q", "k", "v")
)
OUT = "self.out_projection = Linear(num_head * dim_head, q_features, bias=False)"
HEADS = "return x.reshape((*x.shape[:2], self.num_head, self.dim_head)).transpose((1, 2))"
SWAP = "y = y.transpose((1, 2))"
LAST = "return self.out_projection(y.reshape((*y.shape[:2], self.num_head * self.dim_head)))"

FIRST = "x = x + self.dropout1(self.attention(x))"
SECOND = "return self.feed_forward(x) + x"
MADE = "self.attention = AttentionLayer(q_features, num_head, dim_head, causal=causal)"
FRONT = "first = [LayerNorm1d(q_features), Linear(q_features, hidden_size), nn.ReLU(), nn.Dropout(dropout)]"
BACK = "self.feed_forward = nn.Sequential(*first, Linear(hidden_size, q_features), nn.Dropout(dropout))"

WRONG = {
    "q5: not normalised": LAYER.replace("self.prenorm_q(q)", "q")
    .replace("self.prenorm_k(k)", "k")
    .replace("self.prenorm_v(v)", "v"),
    "q5: values not normalised": changed(LAYER, "self.prenorm_v(v)", "v"),
    "q5: one normalisation for all": changed(
        LAYER, "self.prenorm_k(k)", "self.prenorm_q(k)", "self.prenorm_v(v)", "self.prenorm_q(v)"
    ),
    "q5: normalisation shared": changed(
        LAYER, NORMS, "self.prenorm_q = self.prenorm_k = self.prenorm_v = LayerNorm1d(q_features)"
    ),
    "q5: normalised after the maps": changed(
        LAYER,
        NORMS,
        NORMS.replace("(q_features)", "(num_head * dim_head)"),
        "self.q_projection(self.prenorm_q(q))",
        "self.prenorm_q(self.q_projection(q))",
        "self.k_projection(self.prenorm_k(k))",
        "self.prenorm_k(self.k_projection(k))",
        "self.v_projection(self.prenorm_v(v))",
        "self.prenorm_v(self.v_projection(v))",
    ),
    "q5: normalised at the end": changed(
        LAYER, LAST, LAST.replace("return ", "return self.prenorm_q(") + ")", "self.prenorm_q(q)", "q"
    ),
    "q5: one map for all three": changed(
        LAYER, "self.k_projection(", "self.q_projection(", "self.v_projection(", "self.q_projection("
    ),
    "q5: keys and values swapped": LAYER.replace("self.k_projection(self.prenorm_k(k))", "@")
    .replace("self.v_projection(self.prenorm_v(v))", "self.k_projection(self.prenorm_k(k))")
    .replace("@", "self.v_projection(self.prenorm_v(v))"),
    "q5: maps with a bias": LAYER.replace(", bias=False", ""),
    "q5: the last map with a bias": changed(LAYER, OUT, OUT.replace(", bias=False", "")),
    "q5: no last map": changed(
        LAYER, LAST, "return y.reshape((*y.shape[:2], self.num_head * self.dim_head))"
    ),
    "q5: maps of one head's size": LAYER.replace(
        "Linear(q_features, num_head * dim_head", "Linear(q_features, dim_head"
    ).replace("Linear(num_head * dim_head", "Linear(dim_head"),
    "q5: drawn k, q, v": changed(LAYER, f"        {Q}\n        {K}\n", f"        {K}\n        {Q}\n"),
    "q5: drawn out first": changed(
        LAYER, f"\n        {OUT}", "", f"        {Q}\n", f"        {OUT}\n        {Q}\n"
    ),
    "q5: drawn as one matrix": changed(
        LAYER,
        f"        {Q}\n        {K}\n        {V}\n",
        "        whole = ndl.init.kaiming_uniform(q_features, 3 * num_head * dim_head)\n"
        "        for k, name in enumerate(('q', 'k', 'v')):\n"
        "            layer = Linear(q_features, num_head * dim_head, bias=False)\n"
        "            layer.weight = nn.Parameter(whole[:, k * num_head * dim_head : (k + 1) * num_head * dim_head])\n"
        "            setattr(self, f'{name}_projection', layer)\n",
    ),
    "q5: a head by reshape alone": changed(
        LAYER, HEADS, "return x.reshape((x.shape[0], self.num_head, x.shape[1], self.dim_head))"
    ),
    "q5: every other feature": changed(
        LAYER,
        HEADS,
        "x = x.reshape((*x.shape[:2], self.dim_head, self.num_head))\n"
        "        return x.transpose((1, 3)).transpose((2, 3))",
        SWAP,
        "y = y.transpose((1, 2)).transpose((2, 3))",
    ),
    "q5: merged by reshape alone": changed(
        LAYER, f"        {SWAP}\n", "", LAST, LAST.replace("*y.shape[:2]", "y.shape[0], y.shape[2]")
    ),
    "q5: merged in the other order": changed(LAYER, SWAP, f"{SWAP}.transpose((2, 3))"),
    "q5: the last head first": changed(LAYER, SWAP, "y = y[:, ::-1].transpose((1, 2))"),
    "q5: one head": changed(
        LAYER, HEADS, "return x.reshape((x.shape[0], 1, x.shape[1], self.num_head * self.dim_head))"
    ),
    "q5: number and size of heads swapped": changed(
        LAYER,
        "self.num_head, self.dim_head = num_head, dim_head",
        "self.num_head, self.dim_head = dim_head, num_head",
    ),
    "q5: never causal": changed(LAYER, "MultiHeadAttention(causal=causal)", "MultiHeadAttention()"),
    "q5: always causal": changed(
        LAYER, "MultiHeadAttention(causal=causal)", "MultiHeadAttention(causal=True)"
    ),
    "q5: causal unless asked": changed(LAYER, "(causal=causal)", "(causal=not causal)"),
    "q5: not causal by default": changed(LAYER, "causal=True)", "causal=False)"),
    "q5: keys that are given ignored": changed(LAYER, "k = q if k is None else k", "k = q"),
    "q5: values that are given ignored": changed(LAYER, "v = q if v is None else v", "v = q"),
    "q5: values are the keys by default": changed(
        LAYER, "v = q if v is None else v", "v = k if v is None else v"
    ),
    "q5: values are the keys": changed(LAYER, "v = q if v is None else v", "v = k"),
    "q5: residual inside": changed(LAYER, LAST, LAST.replace("return ", "return q + ")),
    "q5: the weights too": changed(LAYER, LAST, f"{LAST}, _"),
    "q5: the weights alone": changed(LAYER, "y, _ = self.attn(", "_, y = self.attn("),
    "q5: scaled once more": changed(LAYER, SWAP, "y = y.transpose((1, 2)) / self.dim_head ** 0.5"),
    "q5: queries detached": changed(LAYER, "self.prenorm_q(q)", "self.prenorm_q(q.detach())"),
    "q5: no history": changed(LAYER, SWAP, "y = ndl.Tensor(y.numpy(), dtype=y.dtype).transpose((1, 2))"),
    "q5: no Module": changed(LAYER, "(nn.Module)", "", "        super().__init__()\n", "")
    + "\n    __call__ = forward\n",
    "q6: no residual around attention": changed(BLOCK, FIRST, "x = self.dropout1(self.attention(x))"),
    "q6: no residual around the network": changed(BLOCK, SECOND, "return self.feed_forward(x)"),
    "q6: no residual at all": changed(
        BLOCK, FIRST, "x = self.dropout1(self.attention(x))", SECOND, "return self.feed_forward(x)"
    ),
    "q6: the second sum adds the first x": changed(
        BLOCK, FIRST, "y = x + self.dropout1(self.attention(x))", SECOND, "return x + self.feed_forward(y)"
    ),
    "q6: side by side": changed(
        BLOCK, FIRST, "y = x + self.dropout1(self.attention(x))", SECOND, "return y + self.feed_forward(x)"
    ),
    "q6: the network first": changed(
        BLOCK, FIRST, "x = x + self.feed_forward(x)", SECOND, "return x + self.dropout1(self.attention(x))"
    ),
    "q6: attention from what is normalised": changed(
        BLOCK, FIRST, "x = self.feed_forward[0](x)\n        x = x + self.dropout1(self.attention(x))"
    ),
    "q6: the network's residual from what is normalised": changed(
        BLOCK, SECOND, "x = self.feed_forward[0](x)\n        return x + self.feed_forward[1:](x)"
    ),
    "q6: normalised after the sum": changed(
        BLOCK, SECOND, "return self.feed_forward[0](x + self.feed_forward[1:](x))"
    ),
    "q6: normalised twice": changed(BLOCK, SECOND, "return x + self.feed_forward(self.feed_forward[0](x))"),
    "q6: x twice": changed(BLOCK, SECOND, "return x + x + self.feed_forward(x)"),
    "q6: minus": changed(BLOCK, SECOND, "return x - self.feed_forward(x)"),
    "q6: the mean": changed(BLOCK, SECOND, "return (x + self.feed_forward(x)) / 2"),
    "q6: attention twice": changed(BLOCK, FIRST, f"{FIRST}\n        {FIRST}"),
    "q6: no attention": changed(BLOCK, FIRST, "pass"),
    "q6: no network": changed(BLOCK, SECOND, "return x"),
    "q6: network not normalised": changed(BLOCK, SECOND, "return x + self.feed_forward[1:](x)"),
    "q6: no ReLU": changed(BLOCK, "nn.ReLU()", "nn.Identity()"),
    "q6: GELU": changed(BLOCK, "nn.ReLU()", "nn.GELU()"),
    "q6: ReLU at the end": changed(BLOCK, SECOND, "return ndl.ops.relu(x + self.feed_forward(x))"),
    "q6: ReLU after the second map": changed(
        BLOCK, BACK, BACK.replace("q_features), nn.Dropout", "q_features), nn.ReLU(), nn.Dropout")
    ),
    "q6: four times the features": changed(
        BLOCK, FRONT, FRONT.replace("hidden_size", "4 * q_features")
    ).replace("Linear(hidden_size,", "Linear(4 * q_features,"),
    "q6: maps without bias": changed(
        BLOCK,
        "hidden_size), nn",
        "hidden_size, bias=False), nn",
        "q_features), nn.Dropout(dropout))",
        "q_features, bias=False), nn.Dropout(dropout))",
    ),
    "q6: never causal": changed(BLOCK, MADE, MADE.replace("causal=causal", "causal=False")),
    "q6: always causal": changed(BLOCK, MADE, MADE.replace("causal=causal", "causal=True")),
    "q6: causal not passed on": changed(BLOCK, MADE, MADE.replace(", causal=causal", "")),
    "q6: not causal by default": changed(BLOCK, "causal=True)", "causal=False)"),
    "q6: one head": changed(BLOCK, MADE, MADE.replace("num_head, dim_head", "1, num_head * dim_head")),
    "q6: number and size of heads swapped": changed(
        BLOCK, MADE, MADE.replace("num_head, dim_head", "dim_head, num_head")
    ),
    "q6: no dropout after attention": changed(BLOCK, "self.dropout1(self.attention(x))", "self.attention(x)"),
    "q6: no dropout at the end": changed(BLOCK, BACK, BACK.replace(", nn.Dropout(dropout)", "")),
    "q6: no dropout after ReLU": changed(BLOCK, FRONT, FRONT.replace("nn.Dropout(dropout)", "nn.Identity()")),
    "q6: weights of attention dropped too": changed(
        BLOCK, MADE, MADE.replace("causal=causal", "causal=causal, dropout=dropout")
    ),
    "q6: the sum dropped": changed(BLOCK, FIRST, "x = self.dropout1(x + self.attention(x))"),
    "q6: the input of attention dropped": changed(BLOCK, FIRST, "x = x + self.attention(self.dropout1(x))"),
    "q6: dropout before the first map": changed(
        BLOCK,
        FRONT,
        FRONT.replace(
            "Linear(q_features, hidden_size), nn.ReLU(), nn.Dropout(dropout)",
            "nn.Dropout(dropout), Linear(q_features, hidden_size), nn.ReLU()",
        ),
    ),
    "q6: dropout's own rate": changed(
        BLOCK, "self.dropout1 = nn.Dropout(dropout)", "self.dropout1 = nn.Dropout()"
    ),
    "q6: the probability of staying": BLOCK.replace(
        "Dropout(dropout)", "Dropout(1 - dropout if dropout else 0.0)"
    ),
    "q6: no dropout": BLOCK.replace("Dropout(dropout)", "Dropout(0.0)"),
    "q6: attention's gradient lost": changed(BLOCK, "self.attention(x)", "self.attention(x).detach()"),
    "q6: gradient of x lost": changed(BLOCK, SECOND, "return x.detach() + self.feed_forward(x)"),
    "q6: one network for all layers": "shared = {}\n"
    + changed(
        BLOCK,
        BACK,
        f"{BACK}\n        key = q_features, hidden_size, dropout\n"
        "        self.feed_forward = shared.setdefault(key, self.feed_forward)",
    ),
}

HINTS = {
    "q5: not normalised": ["First each of the three is normalised."],
    "q5: one head": ["There are two heads: where are they split?"],
    "q5: never causal": ["Causal is what one gets unasked."],
    "q5: always causal": ["A causal layer was not asked for."],
    "q5: causal unless asked": ["A causal layer was not asked for.", "Causal is what one gets unasked."],
    "q5: not causal by default": ["Causal is what one gets unasked."],
    "q5: no history": ["Where did its history end? Compute with Tensors all the way."],
    "q6: no residual around attention": ["Where is x itself?", "What attention finds is added to x."],
    "q6: no residual around the network": ["Where is x itself?", "What the network finds is added to x."],
    "q6: no residual at all": ["Where is x itself?"],
    "q6: the second sum adds the first x": ["The second sum adds to the first one."],
    "q6: side by side": ["The network gets what attention has made of x."],
    "q6: the network first": ["Attention comes first."],
    "q6: x twice": ["x is added once."],
    "q6: never causal": ["Causal is what one gets unasked."],
    "q6: not causal by default": ["Causal is what one gets unasked."],
}
NEUTRAL = {
    "Follow the shapes through the layer, and one head through its numbers.",
    "Which of the three are given, and where does each go?",
    "Go through the modules one by one: what does each get?",
    "Is it right without dropout? Then: how many numbers are drawn, and where?",
    "Does every branch let the gradient through?",
}
EQUIVALENT: dict[str, str] = {}
