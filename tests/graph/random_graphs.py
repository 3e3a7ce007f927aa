"""Random graphs from a seed: what is true of every graph is tried on these.

A graph is a plan: a list of operations, each with two places from 0 to 1 that say which of the values so far it takes.
It reads arguments, parameters from outside and constants, computes some things twice and some for nobody, and ends in a
loss; the gradients of all arguments and parameters are wanted, and half of the graphs make a step of gradient descent.
Numbers stay small: what could grow is drawn back by tanh.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from needle_edu import Tensor, ops

SHAPES = ((3, 4), (4, 4), (4,), (3, 1), (2, 3, 4), (1,))


@dataclass
class RandomGraph:
    """A function, what it is called with, and the parameters that it reads and may change."""

    seed: int
    function: Any
    arguments: list
    parameters: list

    def outcome(self, run):
        """Everything that a run gives or leaves behind, as NumPy arrays; afterwards the parameters are as before."""
        for x in (*self.arguments, *self.parameters):
            x.grad = None
        before = [p.data for p in self.parameters]
        try:
            results = run(*self.arguments)
            left = [one for p in self.parameters for one in (p, p.grad)]
            return [None if one is None else one.numpy().copy() for one in (*results, *left)]
        finally:
            for p, data in zip(self.parameters, before, strict=True):
                p.data = data


def random_graph(seed: int, steps: int = 24) -> RandomGraph:
    """The graph of a seed, on the default device: the same in every process."""
    rng = np.random.default_rng(seed)
    dtype = "float64" if rng.random() < 0.25 else "float32"

    def tensor():
        return Tensor(rng.normal(size=SHAPES[rng.integers(len(SHAPES))]), dtype=dtype)

    arguments, parameters = [tensor() for _ in range(3)], [tensor() for _ in range(2)]
    plan = [(STEPS[rng.integers(len(STEPS))], *rng.random(2)) for _ in range(steps)]
    plan += [plan[k] for k in rng.integers(0, steps, 3)]  # once more, perhaps of the same operands
    trains = rng.random() < 0.5

    def function(*given):
        values = [*given, *parameters]
        for make, first, second in plan:
            values.append(make(values[int(first * len(values))], values[int(second * len(values))]))
        loss = sum([(value * value).sum() / value.size for value in values[-3:]])
        loss.backward()
        if trains:
            for p in parameters:
                if p.grad is not None:
                    p.data = p.data - p.grad * 0.1
        return [loss, *values[-3:], *[x.grad for x in given]]

    return RandomGraph(seed, function, arguments, parameters)


def fitting(x, y):
    """Both, in shapes that broadcast: y, or x once more where y does not fit."""
    try:
        np.broadcast_shapes(x.shape, y.shape)
        return x, y
    except ValueError:
        return x, x * 0.5


def product(x, y):
    x = x if x.ndim > 1 else x.reshape((1, x.size))
    y = y if y.ndim == 2 else y.reshape((-1, y.shape[-1]))
    if x.shape[-1] == y.shape[0]:
        return (x @ y).tanh()
    if x.shape[-1] == y.shape[1]:
        return (x @ y.T).tanh()
    return (x @ ops.transpose(x, (-1, -2))).tanh()


def part(x):
    return x[tuple([slice(0, None, 2) if k == x.ndim - 1 else slice(None) for k in range(x.ndim)])]


def turned(x):
    return ops.permute(x, tuple(reversed(range(x.ndim))))


def column(x):
    return x.sum((x.ndim - 1,), keepdims=True)


STEPS = (
    lambda x, y: sum(fitting(x, y)),
    lambda x, y: fitting(x, y)[0] - fitting(x, y)[1],
    lambda x, y: (fitting(x, y)[0] * fitting(x, y)[1]).tanh(),
    lambda x, y: x / (abs(fitting(x, y)[1]) + 1),
    lambda x, y: ops.maximum(*fitting(x, y)),
    lambda x, y: ops.where(x > 0, *fitting(x, x * 0.25)),
    lambda x, y: x.tanh(),
    lambda x, y: x.tanh().exp(),
    lambda x, y: ops.sigmoid(x),
    lambda x, y: ops.relu(ops.relu(x)),
    lambda x, y: ops.gelu(x),
    lambda x, y: (abs(x) + 1).log(),
    lambda x, y: (x * x + 0.5).sqrt(),
    lambda x, y: -x * 1,
    lambda x, y: x * 0.5 + 0.25,
    lambda x, y: ops.sin(x) ** 2,
    product,
    product,
    lambda x, y: x.sum(),
    lambda x, y: x - ops.mean(x, (x.ndim - 1,), keepdims=True),
    lambda x, y: ops.logsumexp(x, (x.ndim - 1,), keepdims=True),
    lambda x, y: ops.softmax(x, -1),
    lambda x, y: column(x).broadcast_to(x.shape) / x.shape[-1],
    lambda x, y: x.reshape((x.size,)).tanh(),
    lambda x, y: x.reshape((x.size,)).reshape(x.shape),
    lambda x, y: x.T.T if x.ndim > 1 else x,
    lambda x, y: x.T if x.ndim > 1 else x / 1,
    lambda x, y: turned(turned(x).tanh()) + x,
    lambda x, y: part(x),
    lambda x, y: ops.flip(x, (0,)),
    lambda x, y: ops.stack([x, x * 2], 0).sum((0,)).tanh(),
    lambda x, y: x * Tensor(np.ones(x.shape), dtype=x.dtype),
    lambda x, y: x * (Tensor(np.full(x.shape[-1:], 0.5), dtype=x.dtype).exp() - 1),
)
