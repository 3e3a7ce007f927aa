"""The four proofs of one op: NumPy, finite differences, PyTorch, second derivative. `make gradients` runs all of them
on every backend, test_counterparts.py a short selection."""

import numpy as np
import torch
from autograd_helpers import as_function
from counterparts import DIFFERENCES, NO_ORACLE, NUMPY, PYTORCH, SECOND, pytorch_s
from test_ops import FORWARD, WITH_ATTRIBUTES

from needle_edu import ops
from needle_edu.autograd import Tensor, TensorTuple, grad_check, registry

COLUMNS = (NUMPY, DIFFERENCES, PYTORCH, SECOND)
CLOSE = {"float64": 1e-9, "float32": 5e-4}
NO_SLOPE = "no gradient: the results are whole numbers, or true and false"


def reason(name, column):
    """Why the op has no such proof; None if it ought to have one."""
    if column in (DIFFERENCES, SECOND) and not registry.ops()[name].cls.differentiable:
        return NO_SLOPE
    return NO_ORACLE.get((name, column))


def compare(name) -> dict:
    """Return column -> [comparisons that held, what did not hold]."""
    cls = registry.ops()[name].cls
    samples = cls.samples(np.random.default_rng(7))
    found = {column: [0, []] for column in COLUMNS}

    def prove(column, what, proof, *arguments, **options):
        try:
            proof(*arguments, **options)
            found[column][0] += 1
        except Exception as error:  # counted, named and reported: one wrong op must not hide the others
            found[column][1].append(f"{what}: {type(error).__name__}: {' '.join(str(error).split())[:300]}")

    for dtype in CLOSE:
        for k, case in enumerate(numpy_cases(name)):
            prove(NUMPY, f"{dtype}, case {k}", against_numpy, name, *case, dtype)
    for k, (attrs, inputs) in enumerate(samples):
        if cls.differentiable:
            prove(DIFFERENCES, f"sample {k}", grad_check, as_function(cls, attrs), *inputs)
            prove(SECOND, f"sample {k}", grad_check, as_function(cls, attrs), *inputs, order=2)
        for dtype in CLOSE if pytorch_s(name) else ():
            for layout in ("compact", "reversed"):
                what = f"sample {k}, {dtype}, {layout}"
                prove(PYTORCH, what, against_pytorch, cls, attrs, inputs, dtype, layout)
    return found


def numpy_cases(name):
    """What test_ops.py knows of an op's values: (inputs, attributes, expected result or results)."""
    x, z = WITH_ATTRIBUTES[0][1], FORWARD["add"][0][1]
    tuples = {
        "split": ((x,), (1,), list(x.T)), "stack": (([x, z],), (1,), np.stack([x, z], 1)),
        "concat": (([x, z],), (1,), np.hstack([x, z])), "tensor_split": ((x,), (2, 1), np.array_split(x, 2, 1)),
        "fused_add_scalars": ((x,), (1, -2), [x + 1, x - 2]), "make_tuple": ((x, z), (), [x, z]),
        "tuple_get_item": (([x, z],), (1,), z),
    }  # fmt: skip
    cases = [(inputs, (), expected) for op, (inputs, expected) in FORWARD.items() if op == name]
    cases += [((x,), attributes, expected) for op, x, attributes, expected in WITH_ATTRIBUTES if op == name]
    return [*cases, *([tuples[name]] if name in tuples else [])]


def given(x, dtype):
    """A tensor, or a list of them; only floats take the dtype."""
    if isinstance(x, list):
        return [given(part, dtype) for part in x]
    return Tensor(x, dtype=dtype if np.asarray(x).dtype.kind == "f" else None)


def parts(result):
    """The results as NumPy arrays: one, or those of a tuple."""
    many = result if isinstance(result, (TensorTuple, tuple, list)) else [result]
    return [part if isinstance(part, np.ndarray) else part.detach().numpy() for part in many]


def against_numpy(name, inputs, attributes, expected, dtype):
    result = getattr(ops, name)(*[given(x, dtype) for x in inputs], *attributes)
    close(parts(result), [x.astype(dtype) if x.dtype.kind == "f" else x for x in parts(expected)], dtype)


def against_pytorch(cls, attrs, inputs, dtype, layout):
    """The value, and the gradients for random adjoints: those of all results at once."""
    arrays = [
        np.asarray(x).astype(dtype) if np.asarray(x).dtype.kind == "f" else np.asarray(x) for x in inputs
    ]
    ours = [given(turned(x, layout), dtype) for x in arrays]
    theirs = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
    result = as_function(cls, attrs)(*[turned(t, layout) for t in ours])
    wanted = pytorch_s(cls.name)(*theirs, **attrs)
    close(parts(result), parts(wanted), dtype)
    if not cls.differentiable:
        return
    many = list(result) if isinstance(result, TensorTuple) else [result]
    there = list(wanted) if isinstance(wanted, (tuple, list)) else [wanted]
    rng = np.random.default_rng(8)
    adjoints = [rng.normal(size=tuple(part.shape)).astype(dtype) for part in there]
    terms = [
        (part * Tensor(g.reshape(part.shape), dtype=dtype)).sum()
        for part, g in zip(many, adjoints, strict=True)
    ]
    sum(terms[1:], start=terms[0]).backward()
    leaves = [t for t in theirs if t.requires_grad]
    alive = [(part, torch.tensor(g)) for part, g in zip(there, adjoints, strict=True) if part.requires_grad]
    outputs, seeds = zip(*alive, strict=True) if alive else ((), ())
    grads = iter(
        torch.autograd.grad(outputs, leaves, seeds, allow_unused=True) if alive else [None] * len(leaves)
    )
    for k, (mine, x) in enumerate(zip(ours, arrays, strict=True)):
        expected = next(grads) if x.dtype.kind == "f" else None
        got = np.zeros_like(x) if mine.grad is None else mine.grad.numpy()
        expected = np.zeros_like(x) if expected is None else turned(expected.detach().numpy(), layout)
        close([got], [expected], dtype, f"gradient of input {k}")


def turned(x, layout):
    """All axes backwards: done twice, it is the same numbers, read from the end of memory."""
    return x if layout == "compact" or not x.ndim else x[(slice(None, None, -1),) * x.ndim]


def close(got, wanted, dtype, what="value"):
    """The same number of results, of the same elements."""
    assert len(got) == len(wanted), f"{len(got)} results, not {len(wanted)}"
    for a, b in zip(got, wanted, strict=True):
        assert a.shape == b.shape or b.size == a.size == 1, f"{what}: shape {a.shape}, not {b.shape}"
        assert "f" not in (a.dtype.kind, b.dtype.kind) or a.dtype == b.dtype, (
            f"{what}: {a.dtype}, not {b.dtype}"
        )
        np.testing.assert_allclose(
            a.reshape(b.shape), b, rtol=CLOSE[dtype], atol=CLOSE[dtype] * 0.1, err_msg=what
        )
