"""Values and gradients against PyTorch, an independent implementation: first and second derivatives."""

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import ops

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[parity]'")
pytestmark = pytest.mark.parity


def uniform(seed, low, high, *shape):
    return np.random.default_rng(seed).uniform(low, high, shape)


A, B, C = uniform(11, 0.5, 2.0, 2, 3), uniform(12, -2.0, 2.0, 2, 3), uniform(13, -1.0, 1.0, 3)
M, V = uniform(14, -2.0, 2.0, 2, 3, 4), uniform(15, -2.0, 2.0, 4)
ZEROS = np.array([[1.0, 0.0, 3.0], [0.0, 0.0, 2.0]])
TIES = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
MASK = B > 0

CASES = {
    "a+b*c": ((A, B, C), lambda a, b, c: a + b * c, lambda a, b, c: a + b * c),
    "a/b": ((B, A), lambda a, b: a / b, lambda a, b: a / b),
    "1/a-a": ((A,), lambda a: 1 / a - a, lambda a: 1 / a - a),
    "a**b": ((A, B), lambda a, b: a**b, lambda a, b: a**b),
    "a**3": ((B,), lambda a: a**3, lambda a: a**3),
    "exp(log)": ((A,), lambda a: ops.exp(a.log() * 0.5), lambda a: torch.exp(a.log() * 0.5)),
    "tanh": ((B,), ops.tanh, torch.tanh),
    "sigmoid": ((B,), ops.sigmoid, torch.sigmoid),
    "relu(a)*a": ((B,), lambda a: ops.relu(a) * a, lambda a: torch.relu(a) * a),
    "sqrt": ((A,), ops.sqrt, torch.sqrt),
    "sin*cos": ((B,), lambda a: a.sin() * a.cos(), lambda a: a.sin() * a.cos()),
    "maximum": ((B, TIES), ops.maximum, torch.maximum),
    "maximum of equals": ((TIES, TIES[::-1].copy()), ops.maximum, torch.maximum),
    "minimum of equals": ((TIES, TIES[::-1].copy()), ops.minimum, torch.minimum),
    "max with ties": ((TIES,), lambda a: ops.max(a, 1), lambda a: torch.amax(a, 1)),
    "min with ties": ((TIES,), lambda a: ops.min(a, 0), lambda a: torch.amin(a, 0)),
    "prod with zeros": ((ZEROS,), lambda a: ops.prod(a, 1), lambda a: torch.prod(a, 1)),
    "mean": ((M,), lambda a: ops.mean(a, (0, 2)) ** 2, lambda a: a.mean((0, 2)) ** 2),
    "sum": ((M,), lambda a: ops.summation(a, 1) ** 2, lambda a: a.sum(1) ** 2),
    "matmul": ((B, M), lambda a, b: (a @ b) ** 2, lambda a, b: (a @ b) ** 2),
    "matmul with a vector": ((M, V), lambda a, b: (a @ b) ** 2, lambda a, b: (a @ b) ** 2),
    "logsumexp": ((B,), lambda a: ops.logsumexp(a, 1), lambda a: torch.logsumexp(a, 1)),
    "logsoftmax": ((B,), ops.logsoftmax, lambda a: torch.log_softmax(a, -1)),
    "softmax": ((B,), lambda a: ops.softmax(a, 0), lambda a: torch.softmax(a, 0)),
    "where": (
        (B, A),
        lambda a, b: ops.where(tensor(MASK), a * a, b),
        lambda a, b: torch.where(torch.tensor(MASK), a * a, b),
    ),
    "transpose": ((M,), lambda a: ops.transpose(a) ** 2, lambda a: a.transpose(-1, -2) ** 2),
    "permute": ((M,), lambda a: ops.permute(a, (2, 0, 1)) ** 2, lambda a: a.permute(2, 0, 1) ** 2),
    "stack": ((A, B), lambda a, b: ops.stack([a, b], 1) ** 2, lambda a, b: torch.stack([a, b], 1) ** 2),
    "concat": ((A, B), lambda a, b: ops.concat([a, b], 1) ** 2, lambda a, b: torch.cat([a, b], 1) ** 2),
    "split": (
        (M,),
        lambda a: (lambda parts: parts[0] * parts[2])(ops.split(a, 1)),
        lambda a: (lambda parts: parts[0] * parts[2])(a.unbind(1)),
    ),
    "flip": ((M,), lambda a: ops.flip(a, (0, 2)) ** 2, lambda a: a.flip((0, 2)) ** 2),
    "getitem": ((M,), lambda a: a[:, [0, 2, 0]] ** 2, lambda a: a[:, [0, 2, 0]] ** 2),
    "broadcast_to": ((C,), lambda a: a.broadcast_to((2, 3)) ** 2, lambda a: a.expand(2, 3) ** 2),
}


def ours(function, inputs, weight):
    tensors = [tensor(x) for x in inputs]
    result = function(*tensors)
    result.backward(tensor(weight, requires_grad=False), create_graph=True)
    first = [t.grad for t in tensors]
    penalty = sum(
        [(g * g).sum() + (t * 0).sum() for g, t in zip(first, tensors, strict=True)], start=tensor(0.0)
    )
    penalty.backward()
    return result.numpy(), [g.numpy() for g in first], [t.grad.numpy() for t in tensors]


def theirs(function, inputs, weight):
    tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
    result = function(*tensors)
    first = torch.autograd.grad(result, tensors, torch.tensor(weight), create_graph=True)
    penalty = sum((g * g).sum() + (t * 0).sum() for g, t in zip(first, tensors, strict=True))
    second = torch.autograd.grad(penalty, tensors)
    return result.detach().numpy(), [g.detach().numpy() for g in first], [g.numpy() for g in second]


@pytest.mark.parametrize("name", CASES)
def test_against_pytorch(name):
    inputs, our_function, their_function = CASES[name]
    shape = their_function(*[torch.tensor(x) for x in inputs]).shape
    weight = np.random.default_rng(5).uniform(0.5, 1.5, tuple(shape))
    value, first, second = ours(our_function, inputs, weight)
    expected_value, expected_first, expected_second = theirs(their_function, inputs, weight)
    np.testing.assert_allclose(value, expected_value, rtol=1e-10, atol=1e-12)
    for k in range(len(inputs)):
        np.testing.assert_allclose(first[k], expected_first[k], rtol=1e-9, atol=1e-11, err_msg=f"input {k}")
        np.testing.assert_allclose(second[k], expected_second[k], rtol=1e-8, atol=1e-10, err_msg=f"2nd, {k}")
