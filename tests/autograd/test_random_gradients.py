"""Random graphs of smooth ops: what backpropagation says of them is the slope, that of the slope included.

The single ops have their own tests; here values are used twice, broadcast, sliced and summed in any order, so that what
`backward` adds up must reach the right place in the right shape. Everything random is drawn as plain data: the draws
that Hypothesis prints for a counterexample can be copied into FOUND.
"""

import numpy as np
import pytest
from autograd_helpers import tensor
from hypothesis import given, settings, strategies as st

from needle_edu import grad_check, ops

UNARY = ("tanh", "sigmoid", "sin", "cos", "softmax", "logsoftmax")
BINARY = ("add", "multiply", "maximum_of_far", "divide_by_large")
KINDS = (
    "unary",
    "binary",
    "binary",
    "sum",
    "mean",
    "permute",
    "reshape",
    "broadcast",
    "pick",
    "flip",
    "join",
    "matmul",
)


class Graph:
    """Steps that extend a pool of tensors; drawn once, on the first inputs, then a function of any inputs."""

    __name__ = "a random graph"  # for grad_check's message

    def __init__(self, draw):
        self.draw, self.steps = draw, []
        rng = np.random.default_rng(self.draw(st.integers(0, 2**16)))
        shapes = [tuple(self.draw(st.lists(st.integers(1, 3), max_size=2))) for _ in range(2)]
        self.inputs = [rng.uniform(-1, 1, shape) for shape in shapes]
        pool = [tensor(x) for x in self.inputs]
        for _ in range(self.draw(st.integers(1, 6))):
            k = self.draw(st.integers(0, len(pool) - 1))
            step = getattr(self, self.choose(KINDS))(k, pool)
            self.steps.append(step)
            pool.append(step(pool))

    def __call__(self, *inputs):
        pool = list(inputs)
        for step in self.steps:
            pool.append(step(pool))
        return ops.make_tuple(*pool[len(inputs) :])

    def choose(self, items):
        return self.draw(st.sampled_from(items))

    def unary(self, k, pool):
        name = self.choose(UNARY if pool[k].shape else UNARY[:4])
        return lambda pool: getattr(ops, name)(pool[k])

    def binary(self, k, pool):
        shape = pool[k].shape
        fits = [j for j, b in enumerate(pool) if _fit(shape, b.shape)]
        j, name = self.choose(fits), self.choose(BINARY)
        functions = {
            "add": lambda a, b: a + b,
            "multiply": lambda a, b: a * b,
            "maximum_of_far": lambda a, b: ops.maximum(ops.tanh(a), ops.tanh(b) + 3.0),  # no tie near by
            "divide_by_large": lambda a, b: a / (ops.tanh(b) - 3.0),
        }
        return lambda pool: ops.tanh(functions[name](pool[k], pool[j]))  # stays small

    def sum(self, k, pool):
        axis = self.choose([None, *range(-len(pool[k].shape), len(pool[k].shape))])
        return lambda pool: ops.summation(pool[k], axis)

    def mean(self, k, pool):
        axis = self.choose([None, *range(len(pool[k].shape))])
        return lambda pool: ops.mean(pool[k], axis)

    def permute(self, k, pool):
        axes = tuple(self.draw(st.permutations(range(len(pool[k].shape)))))
        return lambda pool: ops.permute(pool[k], axes)

    def reshape(self, k, pool):
        shape = self.choose([pool[k].shape[::-1], (pool[k].size,)])
        return lambda pool: ops.reshape(pool[k], shape)

    def broadcast(self, k, pool):
        shape = tuple(2 if n == 1 else n for n in pool[k].shape)
        shape = (2, *shape) if len(shape) < 2 else shape
        return lambda pool: ops.broadcast_to(pool[k], shape)

    def pick(self, k, pool):
        """A slice, or some of the first axis, one of them twice."""
        if not pool[k].shape:
            return lambda pool: pool[k] * 1.0
        n = pool[k].shape[0]
        key = self.choose([slice(None, None, -1), slice(1, None), 0, [n - 1, 0, n - 1], slice(None, None, 2)])
        key = 0 if key == slice(1, None) and n == 1 else key
        return lambda pool: pool[k][key]

    def flip(self, k, pool):
        return lambda pool: ops.flip(pool[k], tuple(range(len(pool[k].shape))))

    def join(self, k, pool):
        if len(pool[k].shape) > 2:
            return lambda pool: ops.split(pool[k], 0)[0]
        axis = self.draw(st.integers(0, len(pool[k].shape)))
        return lambda pool: ops.stack([pool[k], ops.sin(pool[k]), pool[k]], axis)

    def matmul(self, k, pool):
        if len(pool[k].shape) < 2:
            return lambda pool: pool[k] * pool[k]
        return lambda pool: ops.tanh(pool[k] @ ops.transpose(pool[k]))


def _fit(a, b):
    """Whether the shapes broadcast to one of at most three dimensions."""
    try:
        return len(np.broadcast_shapes(a, b)) < 4
    except ValueError:
        return False


@settings(max_examples=100)
@given(data=st.data())
def test_random_graphs(data):
    graph = Graph(data.draw)
    grad_check(graph, *graph.inputs, order=data.draw(st.sampled_from([1, 1, 2])))


# The draws, in order, as Hypothesis prints them: a graph by hand, then counterexamples of former runs.
FOUND: dict[str, list] = {
    "a sum of something used three times": [
        7,
        [2],
        [],
        3,
        0,
        "binary",
        0,
        "multiply",
        0,
        "join",
        0,
        3,
        "sum",
        -1,
        2,
    ],
}


@pytest.mark.parametrize("name", FOUND)
def test_graphs_that_were_found(name):
    draws = iter(FOUND[name])
    graph = Graph(lambda strategy: next(draws))
    grad_check(graph, *graph.inputs, order=next(draws))
    assert next(draws, "no draw") == "no draw", "the graphs have changed: not all of these draws are read"
