"""Homework 2: the loss (question 5), SGD (7), Adam (8)."""

from . import changed, solutions

SOLUTIONS = solutions("hw2")
LOSS, SGD, ADAM = (SOLUTIONS[name] for name in ("q5", "q7", "q8"))

TARGETS = "ndl.init.one_hot(k, y, dtype=logits.dtype) * (1 - self.smoothing) + self.smoothing / k"
LOG_SUM = "ndl.ops.logsumexp(logits, axes=1)"
LOSS_LAST = "return (log_sum - (targets * logits).sum(axes=1)).mean()"
SKIP = "            if p.grad is None:\n                continue\n"
DECAYED = "decayed = p.grad.data + self.weight_decay * p.data"
NEW_U = "self.u[p] = self.momentum * self.u.get(p, 0) + (1 - self.momentum) * decayed"
SGD_P = "p.data = p.data - self.lr * self.u[p]"
T = "t = self.t[p] = self.t.get(p, 0) + 1"
D = "d = p.grad.data + self.weight_decay * p.data"
M = "self.m[p] = self.beta1 * self.m.get(p, 0) + (1 - self.beta1) * d"
V = "self.v[p] = self.beta2 * self.v.get(p, 0) + (1 - self.beta2) * d * d"
CORRECTED = "mean, square = self.m[p] / (1 - self.beta1**t), self.v[p] / (1 - self.beta2**t)"
ADAM_P = "p.data = p.data - self.lr * mean / (square**0.5 + self.eps)"

WRONG = {
    "q5: smoothing ignored": changed(LOSS, TARGETS, "ndl.init.one_hot(k, y, dtype=logits.dtype)"),
    "q5: the others share it": changed(
        LOSS,
        TARGETS,
        "ndl.init.one_hot(k, y, dtype=logits.dtype) * (1 - self.smoothing - self.smoothing / max(k - 1, 1))"
        " + self.smoothing / max(k - 1, 1)",
    ),
    "q5: added on top": changed(
        LOSS, " * (1 - self.smoothing) + self.smoothing / k", " + self.smoothing / k"
    ),
    "q5: the right class alone smoothed": changed(LOSS, " + self.smoothing / k", ""),
    "q5: smoothing the other way round": changed(
        LOSS,
        TARGETS,
        "ndl.init.one_hot(k, y, dtype=logits.dtype) * self.smoothing + (1 - self.smoothing) / k",
    ),
    "q5: not divided by the classes": changed(LOSS, "self.smoothing / k", "self.smoothing"),
    "q5: divided by the examples, not the classes": changed(LOSS, "self.smoothing / k", "self.smoothing / n"),
    "q5: always a tenth": changed(LOSS, "self.smoothing / k", "0.1 / k", "(1 - self.smoothing)", "0.9"),
    "q5: sum": changed(LOSS, LOSS_LAST, LOSS_LAST.replace("mean", "sum")),
    "q5: divided by the scores": changed(LOSS, LOSS_LAST, LOSS_LAST.replace(".mean()", ".sum() / (n * k)")),
    "q5: divided by the class count": changed(LOSS, LOSS_LAST, LOSS_LAST.replace(".mean()", ".sum() / k")),
    "q5: sign": changed(LOSS, LOSS_LAST, "return ((targets * logits).sum(axes=1) - log_sum).mean()"),
    "q5: one per example": changed(LOSS, LOSS_LAST, LOSS_LAST.replace(".mean()", "")),
    "q5: overflow": changed(LOSS, LOG_SUM, "ndl.ops.log(ndl.ops.exp(logits).sum(axes=1))"),
    "q5: wrong axis": changed(LOSS, LOG_SUM, "ndl.ops.logsumexp(logits, axes=0)"),
    "q5: log-sum-exp of everything": changed(LOSS, LOG_SUM, "ndl.ops.logsumexp(logits)"),
    "q5: without log-sum-exp": changed(
        LOSS, LOSS_LAST, "return ((targets * logits).sum(axes=1) * -1).mean()"
    ),
    "q5: the largest score": changed(LOSS, LOG_SUM, "logits.max(axis=1)"),
    "q5: the first class always": changed(LOSS, "one_hot(k, y,", "one_hot(k, y * 0,"),
    "q5: classes from 1": changed(LOSS, "one_hot(k, y,", "one_hot(k, (y.numpy() - 1) % k,"),
    "q5: the last class left out": changed(
        LOSS, "one_hot(k, y,", "one_hot(k, np.minimum(y.numpy(), max(k - 2, 0)),"
    ),
    "q5: squares": changed(
        LOSS,
        LOSS_LAST,
        "return ((ndl.ops.exp(logits - log_sum.reshape((n, 1))) - targets) ** 2).sum(axes=1).mean()",
    ),
    "q5: no graph": changed(LOSS, LOSS_LAST, f"{LOSS_LAST}.detach()"),
    "q5: half the graph": changed(LOSS, "(targets * logits)", "(targets * logits.detach())"),
    "q5: float32": changed(
        LOSS, "        targets =", "        logits = logits.astype('float32')\n        targets ="
    ),
    "q5: a number": changed(LOSS, LOSS_LAST, f"{LOSS_LAST}.item()"),
    "q5: calls add up": changed(
        LOSS,
        LOSS_LAST,
        "self.total = getattr(self, 'total', 0) + "
        + LOSS_LAST.removeprefix("return ")
        + "\n        return self.total",
    ),
    "q5: the scores overwritten": changed(
        LOSS,
        LOSS_LAST,
        "loss = "
        + LOSS_LAST.removeprefix("return ")
        + "\n        logits.data = logits.data * 0\n        return loss",
    ),
    "q7: uphill": changed(SGD, SGD_P, "p.data = p.data + self.lr * self.u[p]"),
    "q7: no lr": changed(SGD, SGD_P, "p.data = p.data - self.u[p]"),
    "q7: PyTorch's momentum": changed(SGD, "(1 - self.momentum) * decayed", "decayed"),
    "q7: momentum and its rest swapped": changed(
        SGD, NEW_U, "self.u[p] = (1 - self.momentum) * self.u.get(p, 0) + self.momentum * decayed"
    ),
    "q7: momentum's sign": changed(SGD, "self.momentum * self.u", "-self.momentum * self.u"),
    "q7: no momentum": changed(SGD, NEW_U, "self.u[p] = decayed"),
    "q7: u begins with the gradient": changed(SGD, "self.u.get(p, 0)", "self.u.get(p, decayed)"),
    "q7: u forgotten": changed(SGD, "self.u.get(p, 0)", "0"),
    "q7: Nesterov's": changed(
        SGD, SGD_P, "p.data = p.data - self.lr * (self.momentum * self.u[p] + (1 - self.momentum) * decayed)"
    ),
    "q7: lr in u": changed(SGD, "* decayed", "* decayed * self.lr", SGD_P, "p.data = p.data - self.u[p]"),
    "q7: one u for all parameters": changed(
        SGD,
        NEW_U,
        "self.u[p] = self.momentum * self.u.get('the last', 0 * p.data) + (1 - self.momentum) * decayed\n"
        "            self.u['the last'] = self.u[p] if self.u[p].shape == (2,) else 0",
    ),
    "q7: u by shape": SGD.replace("self.u[p]", "self.u[p.shape]").replace(
        "self.u.get(p, 0)", "self.u.get(p.shape, 0)"
    ),
    "q7: u kept for all optimisers": "memory = {}\n"
    + changed(
        SGD,
        NEW_U,
        NEW_U.replace("self.u.get(p, 0)", "memory.get(p.shape, 0)")
        + "\n            memory[p.shape] = self.u[p]",
    ),
    "q7: no decay": changed(SGD, DECAYED, "decayed = p.grad.data"),
    "q7: decay's sign": changed(SGD, DECAYED, "decayed = p.grad.data - self.weight_decay * p.data"),
    "q7: decay beside the momentum": changed(
        SGD, DECAYED, "decayed = p.grad.data", SGD_P, SGD_P + " - self.lr * self.weight_decay * p.data"
    ),
    "q7: decay without lr": changed(
        SGD, DECAYED, "decayed = p.grad.data", SGD_P, SGD_P + " - self.weight_decay * p.data"
    ),
    "q7: decay of the gradient": changed(SGD, DECAYED, "decayed = (1 - self.weight_decay) * p.grad.data"),
    "q7: decay by the sign": changed(
        SGD, DECAYED, "decayed = p.grad.data + self.weight_decay * p.data.sign()"
    ),
    "q7: decay without a gradient": changed(
        SGD, SKIP, "            if p.grad is None:\n                p.grad = ndl.init.zeros_like(p)\n"
    ),
    "q7: None not skipped": changed(SGD, SKIP, ""),
    "q7: stops at None": changed(SGD, "                continue", "                return"),
    "q7: lr of the beginning": changed(
        SGD,
        SGD_P,
        "self.first = getattr(self, 'first', self.lr)\n            p.data = p.data - self.first * self.u[p]",
    ),
    "q7: the gradient changed": changed(
        SGD,
        DECAYED,
        "decayed = p.grad = p.grad.data + self.weight_decay * p.data",
    ),
    "q7: the gradient reset": changed(SGD, SGD_P, f"{SGD_P}\n            p.grad = None"),
    "q7: a graph": changed(SGD, SGD_P, "p.op, p.inputs = (p * 1).op, [p * 1]\n            " + SGD_P),
    "q7: a new tensor": changed(SGD, SGD_P, "p = p - self.lr * self.u[p]"),
    "q7: float32": changed(
        SGD,
        SGD_P,
        "p.data = ndl.Tensor((p.data - self.lr * self.u[p]).numpy().astype('float32'), dtype=p.dtype)",
    ),
    "q7: the first parameter alone": changed(SGD, SGD_P, f"{SGD_P}\n            break"),
    "q7: normalised gradients": changed(
        SGD, DECAYED, f"{DECAYED}\n            decayed = decayed / ((decayed * decayed).sum() ** 0.5 + 1e-8)"
    ),
    "q8: no correction": changed(ADAM, CORRECTED, "mean, square = self.m[p], self.v[p]"),
    "q8: m alone corrected": changed(
        ADAM, CORRECTED, CORRECTED.replace("self.v[p] / (1 - self.beta2**t)", "self.v[p]")
    ),
    "q8: v alone corrected": changed(
        ADAM, CORRECTED, CORRECTED.replace("self.m[p] / (1 - self.beta1**t)", "self.m[p]")
    ),
    "q8: the correction of the first step for ever": changed(ADAM, CORRECTED, CORRECTED.replace("**t", "")),
    "q8: t from 0": changed(ADAM, T, "t = self.t[p] = self.t.get(p, -1) + 1"),
    "q8: t from 2": changed(ADAM, T, "t = self.t[p] = self.t.get(p, 1) + 1"),
    "q8: one t for all": changed(ADAM, T, "t = self.t['all'] = self.t.get('all', 0) + 1"),
    "q8: t counts steps, not the parameter's": changed(
        ADAM,
        "        for p in self.params:",
        "        self.t['all'] = self.t.get('all', 0) + 1\n        for p in self.params:",
        T,
        "t = self.t['all']",
    ),
    "q8: t by shape": changed(ADAM, T, "t = self.t[p.shape] = self.t.get(p.shape, 0) + 1"),
    "q8: corrected averages kept": changed(
        ADAM, ADAM_P, f"self.m[p], self.v[p] = mean, square\n            {ADAM_P}"
    ),
    "q8: eps in the root": changed(ADAM, "(square**0.5 + self.eps)", "(square + self.eps) ** 0.5"),
    "q8: no eps": changed(ADAM, "(square**0.5 + self.eps)", "square**0.5"),
    "q8: eps before the correction": changed(
        ADAM,
        CORRECTED,
        CORRECTED.replace("self.v[p] / (1", "(self.v[p] + self.eps) / (1"),
        "(square**0.5 + self.eps)",
        "square**0.5",
    ),
    "q8: no root": changed(ADAM, "square**0.5", "square"),
    "q8: absolute values": changed(ADAM, V, V.replace("d * d", "abs(d)"), "square**0.5", "square"),
    "q8: v of the averages": changed(ADAM, V, V.replace("d * d", "self.m[p] * self.m[p]")),
    "q8: betas swapped": changed(
        ADAM,
        M,
        M.replace("beta1", "beta2"),
        V,
        V.replace("beta2", "beta1"),
        CORRECTED,
        CORRECTED.replace("beta1", "b").replace("beta2", "beta1").replace("self.b**", "self.beta2**"),
    ),
    "q8: beta and its rest swapped": changed(
        ADAM, M, "self.m[p] = (1 - self.beta1) * self.m.get(p, 0) + self.beta1 * d"
    ),
    "q8: betas of its own": changed(
        ADAM, M, M.replace("self.beta1", "0.9"), CORRECTED, CORRECTED.replace("self.beta1", "0.9")
    ),
    "q8: uphill": changed(ADAM, ADAM_P, ADAM_P.replace("data - ", "data + ")),
    "q8: no lr": changed(ADAM, "self.lr * mean", "mean"),
    "q8: decay apart, as AdamW": changed(
        ADAM, D, "d = p.grad.data", ADAM_P, ADAM_P + " - self.lr * self.weight_decay * p.data"
    ),
    "q8: decay's sign": changed(ADAM, D, "d = p.grad.data - self.weight_decay * p.data"),
    "q8: no decay": changed(ADAM, D, "d = p.grad.data"),
    "q8: decay in m alone": changed(ADAM, V, V.replace("d * d", "p.grad.data * p.grad.data")),
    "q8: m forgotten": changed(ADAM, "self.m.get(p, 0)", "0"),
    "q8: v forgotten": changed(ADAM, "self.v.get(p, 0)", "0"),
    "q8: v begins with ones": changed(ADAM, "self.v.get(p, 0)", "self.v.get(p, 1)"),
    "q8: averages by shape": ADAM.replace("self.m[p]", "self.m[p.shape]").replace(
        "self.m.get(p,", "self.m.get(p.shape,"
    ),
    "q8: None not skipped": changed(ADAM, "            if p.grad is None:\n                continue\n", ""),
    "q8: None is zero": changed(
        ADAM, "                continue", "                p.grad = ndl.init.zeros_like(p)"
    ),
    "q8: stops at None": changed(ADAM, "                continue", "                return"),
    "q8: the largest v": changed(
        ADAM,
        ADAM_P,
        "self.top = getattr(self, 'top', {})\n"
        f"            square = self.top[p] = ndl.ops.maximum(square, self.top.get(p, square))\n            {ADAM_P}",
    ),
    "q8: lr of the beginning": changed(
        ADAM,
        ADAM_P,
        "self.first = getattr(self, 'first', self.lr)\n            "
        + ADAM_P.replace("self.lr", "self.first"),
    ),
    "q8: the gradient changed": changed(ADAM, ADAM_P, f"{ADAM_P}\n            p.grad = d"),
    "q8: SGD": changed(ADAM, ADAM_P, "p.data = p.data - self.lr * mean"),
    "q8: the sign": changed(ADAM, ADAM_P, "p.data = p.data - self.lr * d.sign()"),
}
HINTS = {
    "q5: smoothing ignored": ["Does smoothing do anything?"],
    "q5: the others share it": ["Every class gets its share, the right one too."],
    "q5: sum": ["Divide by the number of examples."],
    "q5: divided by the class count": ["Divide by the examples, not by the classes."],
    "q5: overflow": ["exp(1000) is infinite: ndl.ops.logsumexp knows what to do."],
    "q7: uphill": ["That is uphill."],
    "q7: no lr": ["How far?"],
    "q7: PyTorch's momentum": ["The gradient counts 1 - m, in the first step too."],
    "q7: momentum and its rest swapped": ["Is it m, or 1 - m?"],
    "q7: no momentum": ["The gradient counts 1 - m, in the first step too."],
    "q7: u begins with the gradient": ["The gradient counts 1 - m, in the first step too."],
    "q7: one u for all parameters": ["u is to be kept for the next step."],
    "q7: u forgotten": ["u is to be kept for the next step."],
    "q7: decay's sign": ["It pulls towards zero, from either side."],
    "q7: decay beside the momentum": ["Decay belongs to the gradient: momentum averages both."],
    "q7: decay without lr": ["It is multiplied by lr as well."],
    "q7: None not skipped": ["A gradient may be None: that parameter has its holiday."],
    "q7: a graph": ["Compute with p.data and p.grad.data."],
    "q8: no correction": ["Both averages are corrected."],
    "q8: m alone corrected": ["v is corrected too."],
    "q8: v alone corrected": ["m is corrected too."],
    "q8: uphill": ["That is uphill."],
    "q8: None not skipped": ["A gradient may be None: that parameter has its holiday."],
}
NEUTRAL = {
    "Compute a batch of two by hand: the targets first.",
    "Which u belongs to which parameter?",
    "u has no lr in it: a new lr holds at once.",
    "Which m, v and t belong to which parameter?",
}
EQUIVALENT: dict[str, str] = {}
