"""Homework 2: layer normalisation (question 2) and batch normalisation (3)."""

from . import changed, solutions

SOLUTIONS = solutions("hw2")
LAYER, BATCH = SOLUTIONS["q2"], SOLUTIONS["q3"]

LAST = "return self.weight * (difference / (variance + self.eps) ** 0.5) + self.bias"
LAYER_VARIANCE = "variance = (difference * difference).mean(axes=1, keepdims=True)"
BATCH_VARIANCE = "variance = ((x - mean) * (x - mean)).mean(axes=0)"
FOLLOW_MEAN = "self.running_mean = ((1 - m) * self.running_mean + m * mean).detach()"
FOLLOW_VAR = "self.running_var = ((1 - m) * self.running_var + m * variance).detach()"
BATCH_LAST = "return self.weight * ((x - mean) / (variance + self.eps) ** 0.5) + self.bias"

WRONG = {
    "q2: the other axis": LAYER.replace("axes=1", "axes=0"),
    "q2: mean and variance of everything": LAYER.replace("axes=1, keepdims=True", ""),
    "q2: unbiased variance": changed(LAYER, LAYER_VARIANCE, "variance = x.var(axes=1, keepdims=True)"),
    "q2: eps beside the root": changed(LAYER, "(variance + self.eps) ** 0.5", "(variance ** 0.5 + self.eps)"),
    "q2: no eps": changed(LAYER, "(variance + self.eps)", "variance"),
    "q2: eps subtracted": changed(LAYER, "variance + self.eps", "variance - self.eps"),
    "q2: eps forgotten, another put there": changed(LAYER, "self.eps = eps", "self.eps = 1e-5"),
    "q2: no root": changed(LAYER, "(variance + self.eps) ** 0.5", "(variance + self.eps)"),
    "q2: no mean": changed(LAYER, "difference = x - x.mean(axes=1, keepdims=True)", "difference = x"),
    "q2: no variance": changed(LAYER, " / (variance + self.eps) ** 0.5", ""),
    "q2: variance from the mean of squares": changed(
        LAYER,
        LAYER_VARIANCE,
        "variance = (x * x).mean(axes=1, keepdims=True) - x.mean(axes=1, keepdims=True) ** 2",
    ),
    "q2: sum of squares": changed(LAYER, LAYER_VARIANCE, LAYER_VARIANCE.replace(".mean(", ".sum(")),
    "q2: mean absolute difference": changed(
        LAYER, LAYER_VARIANCE, "variance = difference.abs().mean(axes=1, keepdims=True) ** 2"
    ),
    "q2: weight forgotten": changed(LAYER, "self.weight * (difference", "(difference"),
    "q2: bias forgotten": changed(LAYER, " + self.bias", ""),
    "q2: bias before the weight": changed(
        LAYER, LAST, "return self.weight * (difference / (variance + self.eps) ** 0.5 + self.bias)"
    ),
    "q2: weight begins with zeros": changed(LAYER, "ndl.init.ones(", "ndl.init.zeros("),
    "q2: weight drawn at random": changed(LAYER, "ndl.init.ones(", "ndl.init.rand("),
    "q2: one weight for all features": changed(
        LAYER, "ndl.init.ones(dim, dtype=dtype)", "ndl.init.ones(1, dtype=dtype)"
    ),
    "q2: no Parameters": changed(
        LAYER,
        "nn.Parameter(ndl.init.ones(dim, dtype=dtype))",
        "ndl.init.ones(dim, dtype=dtype)",
        "nn.Parameter(ndl.init.zeros(dim, dtype=dtype))",
        "ndl.init.zeros(dim, dtype=dtype)",
    ),
    "q2: the mean detached": changed(
        LAYER, "x - x.mean(axes=1, keepdims=True)", "x - x.mean(axes=1, keepdims=True).detach()"
    ),
    "q2: the variance detached": changed(LAYER, LAYER_VARIANCE, LAYER_VARIANCE + ".detach()"),
    "q2: all in NumPy": changed(
        LAYER, "difference = x -", "x = ndl.Tensor(x.numpy(), dtype=x.dtype)\n        difference = x -"
    ),
    "q2: nothing in evaluation": changed(
        LAYER,
        "        difference =",
        "        if not self.training:\n            return x\n        difference =",
    ),
    "q2: the first mean for ever": changed(
        LAYER,
        "difference = x - x.mean(axes=1, keepdims=True)",
        "self.mean = getattr(self, 'mean', x.mean(axes=1, keepdims=True).detach())\n        difference = x - self.mean",
    ),
    "q2: float32 always": LAYER.replace(", dtype=dtype", ""),
    "q3: the other axis": BATCH.replace("mean(axes=0)", "mean(axes=1, keepdims=True)"),
    "q3: layer normalisation": changed(
        BATCH,
        "mean = x.mean(axes=0)",
        "mean = x.mean(axes=1, keepdims=True)",
        BATCH_VARIANCE,
        BATCH_VARIANCE.replace("axes=0", "axes=1, keepdims=True"),
        FOLLOW_MEAN,
        FOLLOW_MEAN.replace("m * mean)", "m * x.mean(axes=0))"),
        FOLLOW_VAR,
        FOLLOW_VAR.replace("m * variance)", "m * x.var(axes=0, correction=0))"),
    ),
    "q3: averages never updated": changed(
        BATCH, f"            {FOLLOW_MEAN}\n            {FOLLOW_VAR}\n", ""
    ),
    "q3: the running mean alone updated": changed(BATCH, f"            {FOLLOW_VAR}\n", ""),
    "q3: the running variance alone updated": changed(BATCH, f"            {FOLLOW_MEAN}\n", ""),
    "q3: averages updated in evaluation": changed(
        BATCH,
        "            mean, variance = self.running_mean, self.running_var",
        "            mean, variance = self.running_mean, self.running_var\n            m = self.momentum\n"
        "            self.running_mean = ((1 - m) * mean + m * x.mean(axes=0)).detach()\n"
        "            self.running_var = ((1 - m) * variance + m * x.var(axes=0, correction=0)).detach()",
    ),
    "q3: the batch's statistics in evaluation too": changed(
        BATCH,
        "mean, variance = self.running_mean, self.running_var",
        "mean, variance = x.mean(axes=0), x.var(axes=0, correction=0)",
    ),
    "q3: the averages in training too": changed(
        BATCH,
        "        return self.weight",
        "        mean, variance = self.running_mean, self.running_var\n        return self.weight",
    ),
    "q3: the averages before the update in training": changed(
        BATCH,
        "            m = self.momentum\n",
        "            m, before = self.momentum, (self.running_mean, self.running_var)\n",
        "        return self.weight",
        "        if self.training:\n            mean, variance = before\n        return self.weight",
    ),
    "q3: momentum the other way round": changed(
        BATCH,
        FOLLOW_MEAN,
        "self.running_mean = (m * self.running_mean + (1 - m) * mean).detach()",
        FOLLOW_VAR,
        "self.running_var = (m * self.running_var + (1 - m) * variance).detach()",
    ),
    "q3: momentum not that of the layer": changed(BATCH, "m = self.momentum", "m = 0.1"),
    "q3: momentum's sign": changed(BATCH, "* self.running_mean + m * mean", "* self.running_mean - m * mean"),
    "q3: the last batch alone remembered": changed(BATCH, "m = self.momentum", "m = 1.0"),
    "q3: running variance begins with zeros": changed(
        BATCH, '"running_var", ndl.init.ones', '"running_var", ndl.init.zeros'
    ),
    "q3: running mean begins with ones": changed(
        BATCH, '"running_mean", ndl.init.zeros', '"running_mean", ndl.init.ones'
    ),
    "q3: the unbiased variance kept": changed(
        BATCH,
        FOLLOW_VAR,
        FOLLOW_VAR.replace("m * variance", "m * variance * (x.shape[0] / (x.shape[0] - 1))"),
    ),
    "q3: the unbiased variance divides": changed(BATCH, BATCH_VARIANCE, "variance = x.var(axes=0)"),
    "q3: the running deviation": changed(
        BATCH, FOLLOW_VAR, FOLLOW_VAR.replace("m * variance", "m * variance ** 0.5")
    ),
    "q3: variance from the mean of squares": changed(
        BATCH, BATCH_VARIANCE, "variance = (x * x).mean(axes=0) - mean * mean"
    ),
    "q3: averages are Parameters": BATCH.replace(
        'self.register_buffer("running_mean", ', "self.running_mean = nn.Parameter("
    ).replace('self.register_buffer("running_var", ', "self.running_var = nn.Parameter("),
    "q3: averages not saved": BATCH.replace(
        'self.register_buffer("running_mean", ', "self.running_mean = ("
    ).replace('self.register_buffer("running_var", ', "self.running_var = ("),
    "q3: averages with a graph": BATCH.replace("m * mean).detach()", "m * mean)").replace(
        "m * variance).detach()", "m * variance)"
    ),
    "q3: the mean detached": changed(BATCH, "mean = x.mean(axes=0)", "mean = x.mean(axes=0).detach()"),
    "q3: the variance detached": changed(BATCH, BATCH_VARIANCE, BATCH_VARIANCE + ".detach()"),
    "q3: eps beside the root": changed(BATCH, "(variance + self.eps) ** 0.5", "(variance ** 0.5 + self.eps)"),
    "q3: no root": changed(BATCH, "(variance + self.eps) ** 0.5", "(variance + self.eps)"),
    "q3: no weight and bias in evaluation": changed(
        BATCH,
        BATCH_LAST,
        "y = (x - mean) / (variance + self.eps) ** 0.5\n"
        "        return self.weight * y + self.bias if self.training else y",
    ),
    "q3: bias before the weight": changed(
        BATCH, BATCH_LAST, "return self.weight * ((x - mean) / (variance + self.eps) ** 0.5 + self.bias)"
    ),
    "q3: training and evaluation swapped": changed(BATCH, "if self.training:", "if not self.training:"),
    "q3: averages shared by all layers": "averages = {}\n"
    + changed(
        BATCH,
        FOLLOW_MEAN,
        "averages['mean'] = "
        + FOLLOW_MEAN[len("self.running_mean = ") :].replace(
            "self.running_mean", "averages.get('mean', self.running_mean)"
        )
        + "\n            self.running_mean = averages['mean']",
    ),
    "q3: weight shared by all layers": "weights = {}\n"
    + changed(
        BATCH,
        "nn.Parameter(ndl.init.ones(dim, dtype=dtype))",
        "weights.setdefault((dim, dtype), nn.Parameter(ndl.init.ones(dim, dtype=dtype)))",
    ),
}

HINTS = {
    "q2: the other axis": ["Each example by itself: which axis is that?"],
    "q2: unbiased variance": ["The variance divides by d, not by d - 1."],
    "q2: eps beside the root": ["It is the root of a sum, not a sum with a root."],
    "q2: no eps": ["That is 0 / 0: where is eps?"],
    "q2: eps subtracted": ["That is 0 / 0: where is eps?"],
    "q2: no root": ["Divide by the root of the variance."],
    "q2: bias before the weight": ["The bias comes last: it is not multiplied."],
    "q2: no Parameters": ["Only attributes that are an nn.Parameter are found."],
    "q3: the other axis": ["Each feature over the batch: which axis is that?"],
    "q3: layer normalisation": ["Each feature over the batch: which axis is that?"],
    "q3: the batch's statistics in evaluation too": [
        "In evaluation the batch does not count, only the averages."
    ],
    "q3: the averages before the update in training": [
        "In training the batch's own mean and variance count."
    ],
    "q3: momentum the other way round": ["Which of the two gets the small share m?"],
    "q3: running variance begins with zeros": ["It begins with 1."],
    "q3: the unbiased variance kept": ["The variance divides by n, not by n - 1."],
    "q3: the unbiased variance divides": ["The variance divides by n, not by n - 1."],
    "q3: averages are Parameters": ["A Parameter is trained; a buffer, from register_buffer, is only kept."],
    "q3: averages not saved": ["A Parameter is trained; a buffer, from register_buffer, is only kept."],
    "q3: averages with a graph": ["Detach the averages, and only them."],
    "q3: eps beside the root": ["It is the root of a sum, not a sum with a root."],
    "q3: training and evaluation swapped": [
        "In training the batch's own mean and variance count.",
        "In evaluation the batch does not count, only the averages.",
    ],
}
NEUTRAL = {
    "What happens to the digits of x² when x is about 4,000?",
    "Mean and variance depend on x too: the gradient goes through both.",
    "Go through three batches by hand: what are the averages after each?",
    "In training mean and variance depend on x too, in evaluation they are constants.",
}
EQUIVALENT: dict[str, str] = {}
