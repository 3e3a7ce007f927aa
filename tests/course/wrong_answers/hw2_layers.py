"""Homework 2: Linear (question 1) and dropout (4)."""

from . import changed, solutions

SOLUTIONS = solutions("hw2")
LINEAR, DROPOUT = SOLUTIONS["q1"], SOLUTIONS["q4"]

WEIGHT = "self.weight = nn.Parameter(ndl.init.kaiming_uniform(in_features, out_features, dtype=dtype))"
ROW = "row = ndl.init.kaiming_uniform(out_features, 1, dtype=dtype).reshape((1, out_features))"
Y = "y = x @ self.weight"
PLUS_BIAS = "return y if self.bias is None else y + self.bias"
MASK = "mask = ndl.init.randb(*x.shape, p=1 - self.p, dtype=x.dtype)"
KEPT = "return x * mask / (1 - self.p)"
IN_EVALUATION = "        if not self.training:\n            return x\n"

WRONG = {
    "q1: bias forgotten": changed(LINEAR, PLUS_BIAS, "return y"),
    "q1: bias subtracted": changed(LINEAR, "else y + self.bias", "else y - self.bias"),
    "q1: bias twice": changed(LINEAR, "else y + self.bias", "else y + self.bias + self.bias"),
    "q1: bias of the first output for all": changed(LINEAR, "y + self.bias", "y + self.bias[:, :1]"),
    "q1: bias multiplied": changed(LINEAR, PLUS_BIAS, "return y if self.bias is None else y * self.bias"),
    "q1: no bias anyway": changed(LINEAR, "        if bias:", "        if False:"),
    "q1: a bias anyway": changed(LINEAR, "        if bias:", "        if True:"),
    "q1: a bias without axis": changed(LINEAR, ".reshape((1, out_features))", ".reshape((out_features,))"),
    "q1: a column of biases": changed(
        LINEAR, ".reshape((1, out_features))", "", "y + self.bias", "y + self.bias.transpose()"
    ),
    "q1: bias drawn first": changed(
        LINEAR,
        f"        {WEIGHT}\n",
        "",
        "        self.bias = None\n",
        "        self.bias = row = None\n",
        "            self.bias = nn.Parameter(row)",
        f"            self.bias = nn.Parameter(row)\n        {WEIGHT}",
    ),
    "q1: bias begins with zeros": changed(LINEAR, ROW, "row = ndl.init.zeros(1, out_features, dtype=dtype)"),
    "q1: weight begins with zeros": changed(
        LINEAR, WEIGHT, "self.weight = nn.Parameter(ndl.init.zeros(in_features, out_features, dtype=dtype))"
    ),
    "q1: standard normal weight": changed(
        LINEAR, WEIGHT, "self.weight = nn.Parameter(ndl.init.randn(in_features, out_features, dtype=dtype))"
    ),
    "q1: normal, not uniform": changed(LINEAR, WEIGHT, WEIGHT.replace("uniform", "normal")),
    "q1: Xavier's numbers": changed(LINEAR, WEIGHT, WEIGHT.replace("kaiming", "xavier")),
    "q1: fan-in and fan-out swapped": changed(
        LINEAR,
        WEIGHT,
        "self.weight = nn.Parameter(ndl.init.kaiming_uniform(out_features, in_features, dtype=dtype).transpose())",
    ),
    "q1: weight the other way round": changed(
        LINEAR,
        WEIGHT,
        WEIGHT.replace("in_features, out_features", "out_features, in_features"),
        Y,
        "y = x @ self.weight.transpose()",
    ),
    "q1: no Parameter": changed(
        LINEAR,
        WEIGHT,
        "self.weight = ndl.init.kaiming_uniform(in_features, out_features, dtype=dtype, requires_grad=True)",
    ),
    "q1: the bias no Parameter": changed(LINEAR, "self.bias = nn.Parameter(row)", "self.bias = row"),
    "q1: float32 always": changed(LINEAR, WEIGHT, WEIGHT.replace(", dtype=dtype", "")),
    "q1: no history": changed(LINEAR, Y, "y = ndl.Tensor(x.numpy() @ self.weight.numpy(), dtype=x.dtype)"),
    "q1: weight detached": changed(LINEAR, Y, "y = x @ self.weight.detach()"),
    "q1: input detached": changed(LINEAR, Y, "y = x.detach() @ self.weight"),
    "q1: a copy of the weight from the beginning": changed(
        LINEAR,
        "        self.bias = None\n",
        "        self.bias = None\n        self.at_first = self.weight.detach()\n",
        Y,
        "y = x @ self.at_first + (self.weight - self.weight.detach())[:0].sum()",
    ),
    "q1: weight kept from the first call": changed(
        LINEAR, Y, "self.kept = getattr(self, 'kept', self.weight + 0)\n        y = x @ self.kept"
    ),
    "q1: one weight for all layers": "shared = {}\n"
    + changed(
        LINEAR,
        WEIGHT,
        WEIGHT.replace("nn.Parameter(", "shared.setdefault((in_features, out_features, dtype), nn.Parameter(")
        + ")",
    ),
    "q1: a new weight at each call": changed(
        LINEAR,
        Y,
        f"self.weight.data = ndl.init.kaiming_uniform(*self.weight.shape, dtype=x.dtype)\n        {Y}",
    ),
    "q1: forward returns nothing": changed(LINEAR, PLUS_BIAS, "y if self.bias is None else y + self.bias"),
    "q1: ReLU in the layer": changed(LINEAR, Y, "y = ndl.ops.relu(x @ self.weight)"),
    "q1: divided by the inputs": changed(LINEAR, Y, "y = x @ self.weight / x.shape[1]"),
    "q1: no Module": changed(LINEAR, "(nn.Module)", "", "        super().__init__()\n", "")
    + "\n    __call__ = forward\n",
    "q4: not scaled": changed(DROPOUT, KEPT, "return x * mask"),
    "q4: divided by p": changed(DROPOUT, KEPT, "return x * mask / self.p"),
    "q4: multiplied": changed(DROPOUT, KEPT, "return x * mask * (1 - self.p)"),
    "q4: p stays": changed(DROPOUT, "p=1 - self.p", "p=self.p"),
    "q4: p stays, and scaled for it": changed(
        DROPOUT, "p=1 - self.p", "p=self.p", "(1 - self.p)\n", "self.p\n"
    ),
    "q4: active in evaluation": changed(DROPOUT, IN_EVALUATION, ""),
    "q4: scaled in evaluation": changed(
        DROPOUT, "            return x\n", "            return x * (1 - self.p)\n"
    ),
    "q4: the classic form, scaled in evaluation": changed(
        DROPOUT, "            return x\n", "            return x * (1 - self.p)\n", KEPT, "return x * mask"
    ),
    "q4: active in evaluation only": changed(DROPOUT, "if not self.training", "if self.training"),
    "q4: whole columns": changed(DROPOUT, "randb(*x.shape,", "randb(1, *x.shape[1:],"),
    "q4: whole rows": changed(DROPOUT, "randb(*x.shape,", "randb(*x.shape[:-1], 1,"),
    "q4: one mask for ever": changed(
        DROPOUT, MASK, f"if not hasattr(self, 'mask'):\n            self.{MASK}\n        mask = self.mask"
    ),
    "q4: one seed at each call": changed(DROPOUT, MASK, f"ndl.init.seed(0)\n        {MASK}"),
    "q4: a generator of its own": changed(
        DROPOUT,
        MASK,
        "mask = ndl.Tensor(np.random.default_rng().random(x.shape) < 1 - self.p, dtype=x.dtype)",
    ),
    "q4: an exact share": changed(
        DROPOUT,
        MASK,
        "mask = np.arange(x.size) >= round(self.p * x.size)\n"
        "        mask = ndl.Tensor(mask.reshape(x.shape), dtype=x.dtype)",
    ),
    "q4: the gradient without mask": changed(
        DROPOUT, KEPT, "return x + (x * mask / (1 - self.p) - x).detach()"
    ),
    "q4: no history": changed(
        DROPOUT, KEPT, "return ndl.Tensor(x.numpy() * mask.numpy() / (1 - self.p), dtype=x.dtype)"
    ),
    "q4: what is dropped is 1": changed(DROPOUT, KEPT, "return x * mask / (1 - self.p) + (1 - mask)"),
    "q4: a threshold, no chance": changed(DROPOUT, MASK, "mask = (x > self.p).astype(x.dtype)"),
    "q4: float32": changed(DROPOUT, KEPT, "return (x * mask / (1 - self.p)).astype('float32')"),
    "q4: the input overwritten": changed(
        DROPOUT, KEPT, "y = x * mask / (1 - self.p)\n        x.data = y.detach()\n        return y"
    ),
    "q4: nothing": changed(DROPOUT, KEPT, "return x"),
}

HINTS = {
    "q1: bias forgotten": ["Where is the bias?"],
    "q1: no bias anyway": ["Only attributes that are an nn.Parameter are found."],
    "q1: bias drawn first": ["The weight is drawn before the bias."],
    "q1: fan-in and fan-out swapped": ["kaiming_uniform wants the number of inputs first."],
    "q1: the bias no Parameter": ["Only attributes that are an nn.Parameter are found."],
    "q4: not scaled": ["Divide by the probability of staying."],
    "q4: divided by p": ["That is divided by p."],
    "q4: p stays": ["p is the probability of being dropped, not of staying."],
    "q4: p stays, and scaled for it": [
        "That is divided by p.",
        "p is the probability of being dropped, not of staying.",
    ],
    "q4: scaled in evaluation": ["Nothing is scaled: training has seen to that."],
    "q4: the classic form, scaled in evaluation": [
        "Divide by the probability of staying.",
        "Nothing is scaled: training has seen to that.",
    ],
}
NEUTRAL = {
    "The weight is (in_features, out_features), the bias (1, out_features).",
    "By what must the others be divided, for the mean to stay?",
    "For each number two things may come out. Which?",
    "Where y is c times x, the gradient is c times out_grad.",
}
AS_BOOL = "True and False times x have the dtype of x"
EQUIVALENT = {
    "q4: ndl.init.randb(*x.shape, p=1 - self.p, dtype=x.dt… → ndl.init.randb(*x.shape, p=1 - self.p)": AS_BOOL,
}
