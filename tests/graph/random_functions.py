"""Random functions of tensors, for properties that hold for every program."""

import numpy as np

from needle_edu import Tensor, ops

SHAPES = ((2, 3), (3,), (2, 1), (1,))


def inputs(rng):
    """Three tensors that broadcast with each other."""
    return [Tensor(rng.normal(size=SHAPES[k]), dtype="float32") for k in rng.integers(0, len(SHAPES), 3)]


def function(rng, steps: int = 12):
    """A function of three tensors: `steps` random operations on what was there before, some of it unused or computed
    twice; it returns two results, each a sum."""
    plan = [(int(rng.integers(len(STEPS))), *rng.random(2)) for _ in range(steps)]

    def f(a, b, c):
        values = [a, b, c]
        for kind, first, second in plan:
            x, y = (values[int(share * len(values))] for share in (first, second))
            values.append(STEPS[kind](x, y))
        return values[-1].sum(), values[-2].sum()

    return f


STEPS = (
    lambda x, y: x + y,
    lambda x, y: y * x,
    lambda x, y: x * 1,
    lambda x, y: -x,
    lambda x, y: x.tanh(),
    lambda x, y: ops.relu(x),
    lambda x, y: ops.maximum(x, y),
    lambda x, y: x.reshape((x.size,)).reshape(x.shape),
    lambda x, y: x.T.T if x.ndim == 2 else x**1,
    lambda x, y: x * Tensor(np.ones(x.shape, "float32")),
    lambda x, y: x * (Tensor([2.0]) + 1),
    lambda x, y: ops.sigmoid(x) / 1,
    lambda x, y: ops.logsumexp(x, (-1,), keepdims=True) + x,
    lambda x, y: ops.relu(ops.relu(x)) - y,
    lambda x, y: x.broadcast_to(x.shape) * 0.5,
)


def with_gradients(f):
    """The function and its gradients with respect to all arguments."""

    def both(*arguments):
        first, second = f(*arguments)
        (first + second * 2).backward()
        return first, second, *[x.grad for x in arguments]

    return both
