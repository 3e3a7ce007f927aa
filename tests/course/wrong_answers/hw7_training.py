"""Homework 7: the training step (question 6) and the model of its time (7)."""

from . import changed, solutions

SOLUTIONS = solutions("hw7")
STEP, SECONDS = SOLUTIONS["q6"], SOLUTIONS["q7"]

MEAN = "mean = all_reduce(np.concatenate(own)) / comm.size"
BACK = "p.grad = ndl.Tensor(mean[: p.size].reshape(p.shape))"
FULL = "if buckets[-1] and filled + 4 * parameter.size > bucket_bytes:"
OWN = 'own = [np.zeros(p.size, "float32") if p.grad is None else p.grad.numpy().reshape(-1) for p in bucket]'


def step(*words: str) -> str:
    """The solution of question 6 with parts of it replaced."""
    return changed(STEP, *words)


def seconds(*words: str) -> str:
    """The solution of question 7 with parts of it replaced."""
    return changed(SECONDS, *words)


WRONG = {
    "q6: the sum": step(" / comm.size", ""),
    "q6: divided twice": step(BACK, BACK.replace("(p.shape)", "(p.shape) / comm.size")),
    "q6: not reset": step("    optimizer.reset_grad()\n", ""),
    "q6: reset after going backward": step(
        "    optimizer.reset_grad()\n    loss.backward()\n",
        "    loss.backward()\n    optimizer.reset_grad()\n",
    ),
    "q6: no backward": step("    loss.backward()\n", ""),
    "q6: no step": step("    optimizer.step()\n", ""),
    "q6: a step for each bucket": step(
        "            mean = mean[p.size :]\n    optimizer",
        "            mean = mean[p.size :]\n        optimizer",
    ),
    "q6: two steps": step("    optimizer.step()\n", "    optimizer.step()\n    optimizer.step()\n"),
    "q6: nobody else asked": step(MEAN, "mean = np.concatenate(own)"),
    "q6: one all-reduce for each parameter": step(
        OWN,
        "pass",
        MEAN,
        "pass",
        "mean[: p.size].reshape(p.shape)",
        "all_reduce((np.zeros(p.shape, 'float32') if p.grad is None else p.grad.numpy()).reshape(-1))"
        ".reshape(p.shape) / comm.size",
        "            mean = mean[p.size :]\n",
        "",
    ),
    "q6: one bucket": step(FULL, "if False:"),
    "q6: from the first parameter": step("in reversed(parameters)", "in parameters"),
    "q6: limit in numbers": STEP.replace("4 * parameter.size", "parameter.size"),
    "q6: eight bytes": STEP.replace("4 * parameter.size", "8 * parameter.size"),
    "q6: one byte too strict": step("> bucket_bytes", ">= bucket_bytes"),
    "q6: closed when it is too full": step(FULL, "if buckets[-1] and filled > bucket_bytes:"),
    "q6: an empty bucket": step("if buckets[-1] and filled", "if filled"),
    "q6: never emptied": step("            filled = 0\n", ""),
    "q6: None left out": step(
        OWN,
        "bucket = [p for p in bucket if p.grad is not None]\n"
        "        own = [p.grad.numpy().reshape(-1) for p in bucket]",
        MEAN,
        "mean = all_reduce(np.concatenate(own)) / comm.size if own else None",
    ),
    "q6: None is not expected": step(OWN, "own = [p.grad.numpy().reshape(-1) for p in bucket]"),
    "q6: pieces in another order": step("        for p in bucket:", "        for p in reversed(bucket):"),
    "q6: always the first piece": step("            mean = mean[p.size :]\n", ""),
    "q6: float64": step("np.concatenate(own)", "np.concatenate(own).astype('float64')"),
    "q6: an array as gradient": step(BACK, "p.grad = mean[: p.size].reshape(p.shape)"),
    "q6: one axis": step(".reshape(p.shape)", ""),
    "q6: the weights averaged, not the gradients": step(
        OWN,
        "pass",
        MEAN,
        "pass",
        BACK,
        "pass",
        "            mean = mean[p.size :]\n",
        "",
        "    optimizer.step()\n",
        "    optimizer.step()\n    for bucket in buckets:\n"
        "        mean = all_reduce(np.concatenate([p.numpy().reshape(-1) for p in bucket])) / comm.size\n"
        "        for p in bucket:\n"
        "            p.data = ndl.Tensor(mean[: p.size].reshape(p.shape))\n            mean = mean[p.size :]\n",
    ),
    "q6: the first worker's gradients": step(
        MEAN, "own = [np.concatenate(own)]\n        mean = all_reduce(own[0] * (comm.rank == 0))"
    ),
    "q7: blocks rounded down": seconds("math.ceil(batch / workers)", "batch // workers"),
    "q7: not rounded": seconds("math.ceil(batch / workers)", "batch / workers"),
    "q7: all examples": seconds("math.ceil(batch / workers)", "batch"),
    "q7: no computing": seconds("computing + steps", "steps"),
    "q7: computing and sending at once": seconds(
        "computing + steps * (latency + piece / bandwidth)",
        "max(computing, steps * (latency + piece / bandwidth))",
    ),
    "q7: the way there alone": SECONDS.replace("2 * math.ceil(", "math.ceil(").replace(
        "2 * (workers", "(workers"
    ),
    "q7: the tree not there and back": seconds("2 * math.ceil(", "math.ceil("),
    "q7: depth rounded down": seconds("math.ceil(math.log2(workers))", "math.floor(math.log2(workers))"),
    "q7: depth not rounded": seconds("math.ceil(math.log2(workers))", "math.log2(workers)"),
    "q7: natural logarithm": seconds("math.log2(workers)", "math.log(workers)"),
    "q7: N steps": seconds("(workers - 1)", "workers"),
    "q7: a ring of whole arrays": seconds('if way == "ring"', 'if way == "cut"'),
    "q7: a star of chunks": seconds('if way == "ring"', 'if way != "tree"'),
    "q7: all of chunks": seconds(
        'piece = nbytes / workers if way == "ring" else nbytes', "piece = nbytes / workers"
    ),
    "q7: chunks of whole bytes": seconds("piece = nbytes / workers", "piece = nbytes // workers"),
    "q7: latency once": seconds(
        "steps * (latency + piece / bandwidth)", "latency + steps * piece / bandwidth"
    ),
    "q7: bandwidth is seconds per byte": seconds("piece / bandwidth", "piece * bandwidth"),
    "q7: without latency": seconds("latency + ", ""),
    "q7: without bandwidth": seconds(" + piece / bandwidth", ""),
    "q7: bits": seconds("piece / bandwidth", "8 * piece / bandwidth"),
    "q7: the tree is a star": seconds('way == "tree"', 'way == "trees"'),
    "q7: the star is a tree": seconds('way == "tree"', 'way != "ring"'),
    "q7: one worker sends too": seconds("(workers - 1)", "max(workers - 1, 1)"),
}

HINTS: dict[str, list[str]] = {
    "q6: not reset": [
        "It still has the gradient of an earlier use: reset the gradients first.",
    ],
    "q6: nobody else asked": [
        "5 + 2 + 8 numbers have 60 bytes; then 4 alone, since 4 + 12 are too many.",
    ],
    "q6: one all-reduce for each parameter": [
        "5 + 2 + 8 numbers have 60 bytes; then 4 alone, since 4 + 12 are too many.",
    ],
    "q6: one bucket": [
        "5 + 2 + 8 numbers have 60 bytes; then 4 alone, since 4 + 12 are too many.",
    ],
    "q6: from the first parameter": [
        "5 + 2 + 8 numbers have 60 bytes; then 4 alone, since 4 + 12 are too many.",
    ],
    "q6: limit in numbers": [
        "5 + 2 + 8 numbers have 60 bytes; then 4 alone, since 4 + 12 are too many.",
    ],
    "q6: eight bytes": [
        "5 + 2 + 8 numbers have 60 bytes; then 4 alone, since 4 + 12 are too many.",
    ],
    "q6: one byte too strict": [
        "5 + 2 + 8 numbers have 60 bytes; then 4 alone, since 4 + 12 are too many.",
    ],
    "q6: closed when it is too full": [
        "5 + 2 + 8 numbers have 60 bytes; then 4 alone, since 4 + 12 are too many.",
    ],
    "q6: None left out": [
        "`parameter.grad` must be a Tensor, of the unused one, too.",
        "5 + 2 + 8 numbers have 60 bytes; then 4 alone, since 4 + 12 are too many.",
    ],
    "q6: None is not expected": [
        "A parameter that the loss does not depend on has `grad` None.",
    ],
    "q6: the weights averaged, not the gradients": [
        "Afterwards every `grad` is the mean of the gradients of all workers.",
    ],
    "q7: not rounded": [
        "Somebody has 3 of the 10 examples.",
    ],
    "q7: no computing": [
        "Computing comes to it.",
    ],
    "q7: computing and sending at once": [
        "Computing comes to it.",
    ],
    "q7: the way there alone": [
        "There and back: twice.",
    ],
    "q7: the tree not there and back": [
        "There and back: twice.",
    ],
}
NEUTRAL = {
    "Reset, backward, mean, step, in this order: which one is missing?",
    "The piece of each parameter, in its place; and the optimiser steps once, after the last bucket.",
    "Reset the gradients before going backward, and step once, after the last bucket.",
    "Count the bytes by hand; a bucket may be full to the last one.",
    "Which messages go one after the other, and how many bytes has each?",
    "How many messages go one after the other with 4, 5, 8 and 9 workers?",
}
EQUIVALENT = {
    "q6: p.grad.numpy() → p.grad": "`np.concatenate` reads Tensors, too",
    "q6: 1 → 2 (3)": "`reshape` takes any negative number for -1",
}
