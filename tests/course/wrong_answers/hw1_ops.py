"""Homework 1: the operation (questions 1 and 2) and the loss (5)."""

from . import changed, solutions

SOLUTIONS = solutions("hw1")

SIGMOID = "def sigmoid(a):\n    "
GRADIENT = "def sigmoid_gradient(out_grad, node):\n    "
LOSS = SOLUTIONS["q5"]

WRONG = {
    "q1: sign of the exponent": SIGMOID + "return 1 / (1 + nd.exp(a))",
    "q1: no parentheses": SIGMOID + "return 1 / 1 + nd.exp(-a)",
    "q1: overflow": SIGMOID + "return nd.exp(a) / (1 + nd.exp(a))",
    "q1: tanh": SIGMOID + "return nd.tanh(a)",
    "q1: sum instead of element": SIGMOID + "return 1 / (1 + nd.exp(-a).sum())",
    "q1: flattened": SIGMOID + "return (1 / (1 + nd.exp(-a))).reshape((a.size,))",
    "q1: constant": SIGMOID + "return a * 0 + 0.5",
    "q1: nothing": SIGMOID + "1 / (1 + nd.exp(-a))",
    "q1: table of the visible tests": SIGMOID
    + "t = {-2.0: .1192029, -1.0: .2689414, 1.0: .7310586, 2.0: .8807971, -100.0: 0, 100.0: 1}"
    + "\n    return nd.array(np.vectorize(lambda v: t.get(float(v), .5))(a.numpy()))",
    "q1: float64 as it came": SIGMOID
    + "if a.dtype == 'float64':\n        return a\n    return 1 / (1 + nd.exp(-a))",
    "q1: float32 for float64": SIGMOID + "return (1 / (1 + nd.exp(-a))).astype('float32')",
    "q1: float64 for float32": SIGMOID + "return (1 / (1 + nd.exp(-a))).astype('float64')",
    "q1: the input overwritten": SIGMOID + "a[...] = 1 / (1 + nd.exp(-a))\n    return a",
    "q1: the input overwritten, a copy returned": SIGMOID + "a[...] = 1 / (1 + nd.exp(-a))\n    return a + 0",
    "q1: one buffer for all results": "buffers = {}\n"
    + SIGMOID
    + "out = buffers.setdefault((a.shape, str(a.dtype)), a + 0)\n"
    + "    out[...] = 1 / (1 + nd.exp(-a))\n    return out",
    "q1: the first result again": "results = {}\n"
    + SIGMOID
    + "return results.setdefault((a.shape, str(a.dtype)), 1 / (1 + nd.exp(-a)))",
    "q1: no scalars": SIGMOID + "return (1 / (1 + nd.exp(-a.reshape((a.shape[0], -1))))).reshape(a.shape)",
    "q1: an endless loop": SIGMOID + "while True:\n        pass",
    "q2: sign": GRADIENT + "return -out_grad * node * (1 - node)",
    "q2: without the adjoint": GRADIENT + "return node * (1 - node)",
    "q2: of the input": GRADIENT + "a = node.inputs[0]\n    return out_grad * a * (1 - a)",
    "q2: tanh's": GRADIENT + "return out_grad * (1 - node * node)",
    "q2: the adjoint only": GRADIENT + "return out_grad",
    "q2: y squared": GRADIENT + "return out_grad * node * node",
    "q2: an array": GRADIENT + "return (out_grad * node * (1 - node)).numpy()",
    "q2: summed": GRADIENT + "return (out_grad * node * (1 - node)).sum()",
    "q2: a new tensor": GRADIENT
    + "return ndl.Tensor((out_grad * node * (1 - node)).numpy(), dtype=node.dtype)",
    "q2: detached": GRADIENT + "return (out_grad * node * (1 - node)).detach()",
    "q2: the result detached": GRADIENT + "y = node.detach()\n    return out_grad * y * (1 - y)",
    "q2: float32 for float64": GRADIENT
    + "g = (out_grad * node * (1 - node))\n"
    + "    return ndl.Tensor(g.numpy().astype('float32')) if node.dtype == 'float64' else g",
    "q2: the adjoint overwritten": GRADIENT
    + "g = out_grad * node * (1 - node)\n    out_grad.data = g.data\n    return g",
    "q2: the input overwritten": GRADIENT
    + "a = node.inputs[0]\n    g = out_grad * node * (1 - node)\n    a.data = a.data * 0\n    return g",
    "q2: calls add up": "seen = {}\n"
    + GRADIENT
    + "g = out_grad * node * (1 - node)\n    seen[id(node)] = seen[id(node)] + g if id(node) in seen else g\n"
    + "    return seen[id(node)]",
    "q2: an endless loop": GRADIENT + "while True:\n        pass",
    "q5: no shift": changed(LOSS, "logits.numpy().max(axis=1)", "logits.numpy().max(axis=1) * 0"),
    "q5: one shift for all": changed(
        LOSS, "logits.numpy().max(axis=1)", "logits.numpy().max() + np.zeros(n)"
    ),
    "q5: sum": changed(LOSS, "(log_sum - right) / n", "(log_sum - right)"),
    "q5: divided by the classes": changed(LOSS, "(log_sum - right) / n", "(log_sum - right) / k"),
    "q5: sign": changed(LOSS, "(log_sum - right)", "(right - log_sum)"),
    "q5: the last class wrong": changed(
        LOSS, "ndl.init.one_hot(k, labels)", "ndl.init.one_hot(k, np.minimum(labels, max(k - 2, 0)))"
    ),
    "q5: the first class wrong": changed(
        LOSS, "ndl.init.one_hot(k, labels)", "ndl.init.one_hot(k, np.maximum(labels, min(1, k - 1)))"
    ),
    "q5: classes counted from 1": changed(
        LOSS, "ndl.init.one_hot(k, labels)", "ndl.init.one_hot(k, (labels - 1) % k)"
    ),
    "q5: one wrong class": changed(
        LOSS, "ndl.init.one_hot(k, labels)", "ndl.init.one_hot(k, np.where(labels == 3, 2, labels) % k)"
    ),
    "q5: not one class alone": changed(
        LOSS, "    largest =", "    if k == 1:\n        return ndl.ops.summation(logits) / n\n    largest ="
    ),
    "q5: not a batch of one": changed(
        LOSS, "    largest =", "    if n == 1:\n        return ndl.ops.summation(logits) * 0\n    largest ="
    ),
    "q5: float32 for float64": changed(
        LOSS,
        "    largest =",
        "    rounding = logits.numpy().astype('float32') - logits.numpy()\n"
        "    logits = logits + ndl.Tensor(rounding, dtype=logits.dtype, requires_grad=False)\n    largest =",
    ),
    "q5: logarithm of the softmax": changed(
        LOSS,
        "    right = ndl.ops.summation(shifted * ndl.init.one_hot(k, labels), axes=1)\n"
        "    return ndl.ops.summation(log_sum - right) / n",
        "    p = ndl.ops.exp(shifted) / ndl.ops.exp(log_sum).reshape((n, 1)).broadcast_to((n, k))\n"
        "    right = ndl.ops.summation(p * ndl.init.one_hot(k, labels), axes=1)\n"
        "    return -ndl.ops.summation(ndl.ops.log(right)) / n",
    ),
    "q5: the scores overwritten": changed(LOSS, "    return", "    logits.data = shifted.data\n    return"),
    "q5: the labels overwritten": changed(LOSS, "    return", "    labels[:] = 0\n    return"),
    "q5: calls add up": "total = []\n"
    + changed(
        LOSS,
        "    return ndl.ops.summation(log_sum - right) / n",
        "    total.append(ndl.ops.summation(log_sum - right) / n)\n    return sum(total[1:], total[0])",
    ),
    "q5: an endless loop": changed(LOSS, "    largest =", "    while True: pass\n    largest ="),
    "q5: labels ignored": changed(LOSS, "ndl.init.one_hot(k, labels)", "ndl.init.one_hot(k, labels * 0)"),
    "q5: shift not undone": changed(LOSS, "axes=1)\n    return", "axes=1) + largest\n    return"),
    "q5: wrong axis": changed(LOSS, "ndl.ops.exp(shifted), axes=1)", "ndl.ops.exp(shifted), axes=0)"),
    "q5: no graph": changed(LOSS, "(log_sum - right) / n", "(log_sum - right).detach() / n"),
    "q5: one per example": changed(LOSS, "ndl.ops.summation(log_sum - right) / n", "(log_sum - right) / n"),
}

NO_GRAPH = "a new Tensor, or a detached one, has no graph."
HINTS = {
    "q1: sign of the exponent": ["The exponent carries a minus sign."],
    "q1: no parentheses": [
        "The denominator is the whole sum: put it into parentheses.",
        "In float32 exp(100) is infinite: divide by it, don't divide it.",
    ],
    "q1: overflow": ["In float32 exp(100) is infinite: divide by it, don't divide it."],
    "q2: sign": ["σ rises everywhere."],
    "q2: without the adjoint": ["The chain rule multiplies: where does out_grad go?"],
    "q2: of the input": ["The derivative is written with y = σ(a), not with a."],
    "q2: a new tensor": [f"Compute with Tensors all the way; {NO_GRAPH}"],
    "q2: detached": [f"Compute with Tensors all the way; {NO_GRAPH}"],
    "q2: the result detached": [f"Compute with Tensors all the way; {NO_GRAPH}"],
    "q2: float32 for float64": [f"Compute with Tensors all the way; {NO_GRAPH}"],
    "q5: no shift": [
        "exp(1000) is infinite and exp(-1000) is 0: of what do you take the exponential, and the logarithm?",
        "Each row has its own largest score.",
    ],
    "q5: one shift for all": ["Each row has its own largest score."],
    "q5: sum": ["Divide by the number of examples."],
    "q5: divided by the classes": ["Divide by the examples, not the classes."],
    "q5: logarithm of the softmax": [
        "exp(1000) is infinite and exp(-1000) is 0: of what do you take the exponential, and the logarithm?"
    ],
}
NEUTRAL = {
    "Compare with 1 / (1 + np.exp(-x)) for a few arrays of your own.",
    "Move one number a little and see how far the result moves.",
    "Try a batch of one, and one of five.",
}
AS_A_LEAF = "the largest scores are a leaf of their own: its gradient goes nowhere"
EQUIVALENT = {
    "q5: ndl.Tensor(logits.numpy().max(axis=1), requires_g… → ndl.Tensor(logits.numpy().max(axis=1))": AS_A_LEAF,
    "q5: False → True": AS_A_LEAF,
    "q5: logits.numpy() → logits": "a Tensor has max(axis=1) too, and Tensor(...) copies its numbers",
}
