"""Every optimiser against PyTorch's, step by step; Lion, which PyTorch does not have, against its formula."""

import numpy as np
import pytest

from needle_edu import optim
from needle_edu.autograd import Tensor
from needle_edu.autograd.arrays import readable

pytestmark = pytest.mark.parity
STEPS = 50
SHAPES = [(3, 4), (5, 2), (1, 1)]

CASES = [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0, "nesterov": True, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "betas": (0.8, 0.95), "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "betas": (0.8, 0.95), "eps": 0.01, "weight_decay": 0.3}),
    ("Adam", {"lr": 0.1, "betas": (0.5, 0.9), "amsgrad": True}),
    ("AdamW", {"lr": 0.1, "betas": (0.5, 0.9), "amsgrad": True}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 0.01, "weight_decay": 0.1, "momentum_decay": 0.1}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.05, "betas": (0.8, 0.9), "eps": 0.01, "weight_decay": 0.1}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.1, "lambd": 0.05, "alpha": 0.5, "t0": 5, "weight_decay": 0.1}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.2, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
    ("RMSprop", {}),
    ("RMSprop", {"alpha": 0.8, "weight_decay": 0.1, "momentum": 0.7}),
    ("RMSprop", {"alpha": 0.8, "momentum": 0.7, "centered": True, "eps": 0.01}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 0.01, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.05}),
    ("RAdam", {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": (0.6, 1.5), "step_sizes": (0.01, 0.3)}),
    ("Muon", {"lr": 0.05}),
    ("Muon", {"lr": 0.05, "nesterov": False, "momentum": 0.5, "adjust_lr_fn": "match_rms_adamw"}),
]


@pytest.fixture(autouse=True)
def doubles():
    """PyTorch keeps numbers, such as the step size of ASGD, in its default dtype; we in 64 bits."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def problem(dtype):
    rng = np.random.default_rng(3)
    start = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
    return start, [[rng.normal(size=shape).astype(dtype) for shape in SHAPES] for _ in range(STEPS)]


def ours(make, dtype):
    """The parameters after each step; the last parameter gets its gradient in every other step only."""
    start, grads = problem(dtype)
    params = [Tensor(p, dtype=dtype) for p in start]
    optimizer, history = make(params), []
    for number, step in enumerate(grads):
        for p, g in zip(params, step, strict=True):
            p.grad = Tensor(g, dtype=dtype)
        params[-1].grad = params[-1].grad if number % 2 else None
        optimizer.step()
        history.append([p.numpy() for p in params])
    assert all(p.dtype == dtype for p in params)
    return history


def theirs(torch, make, dtype):
    start, grads = problem(dtype)
    params = [torch.tensor(p, requires_grad=True) for p in start]
    optimizer, history = make(params), []
    for number, step in enumerate(grads):
        for p, g in zip(params, step, strict=True):
            p.grad = torch.tensor(g)
        params[-1].grad = params[-1].grad if number % 2 else None
        optimizer.step()
        history.append([p.detach().numpy().copy() for p in params])
    return history


def same(history, wanted, dtype):
    tol = {"float32": 2e-4, "float64": 1e-10}[dtype]
    for number, (step, expected) in enumerate(zip(history, wanted, strict=True)):
        for p, q in zip(step, expected, strict=True):
            np.testing.assert_allclose(p, q, rtol=tol, atol=tol, err_msg=f"step {number}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_fifty_steps_are_pytorchs(name, settings, dtype, monkeypatch):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    if name == "Muon":  # it rounds to 16 bits inside; all the rest is the same
        monkeypatch.setattr(torch.Tensor, "bfloat16", lambda tensor: tensor.clone())
    wanted = theirs(torch, lambda p: getattr(torch.optim, name)(p, **settings), dtype)
    same(ours(lambda p: getattr(optim, name)(p, **settings), dtype), wanted, dtype)


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES} - {"Muon"}))
def test_climbing_is_pytorchs(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    settings = {"lr": 0.02} | ({"dampening": 0, "momentum": 0.5} if name == "SGD" else {})
    settings |= {"weight_decay": 0.1} if name != "Rprop" else {}
    wanted = theirs(torch, lambda p: getattr(torch.optim, name)(p, maximize=True, **settings), "float32")
    same(ours(lambda p: getattr(optim, name)(p, maximize=True, **settings), "float32"), wanted, "float32")


def test_the_average_of_asgd_is_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    start, grads = problem("float64")
    p, q = Tensor(start[0], dtype="float64"), torch.tensor(start[0], requires_grad=True)
    first, second = optim.ASGD([p], lr=0.1, t0=3), torch.optim.ASGD([q], lr=0.1, t0=3)
    for step in grads:
        p.grad, q.grad = Tensor(step[0], dtype="float64"), torch.tensor(step[0])
        first.step(), second.step()
        np.testing.assert_allclose(
            readable(first.ax[0]), second.state[q]["ax"].numpy(), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("name", ["Lion", "Muon"])
def test_climbing_is_descending_with_the_other_sign(name):
    g = np.array([[1.0, -2.0], [0.5, 3.0]])
    ends = []
    for sign, maximize in [(1, False), (-1, True)]:
        p = Tensor(np.ones((2, 2)))
        p.grad = Tensor(sign * g)
        getattr(optim, name)([p], lr=0.1, maximize=maximize).step()
        ends.append(p.numpy())
    assert np.array_equal(*ends) and (ends[0] != 1).any()


def test_every_optimiser_is_tested():
    """Against PyTorch, LBFGS in test_lbfgs.py; Lion, which is not there, against its formula."""
    ours = {
        name
        for name in optim.__all__
        if isinstance(getattr(optim, name), type) and issubclass(getattr(optim, name), optim.Optimizer)
    }
    assert ours == {"Optimizer", "Lion", "LBFGS", *(name for name, _ in CASES)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_groups_are_pytorchs(dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")

    def make(kind):
        return lambda p: kind([{"params": p[:1]}, {"params": p[1:], "lr": 0.02, "betas": (0.5, 0.9)}], lr=0.1)

    same(ours(make(optim.Adam), dtype), theirs(torch, make(torch.optim.Adam), dtype), dtype)


def test_muon_is_pytorchs_but_for_its_16_bits():
    """Of 3·I with lr 1 PyTorch makes -1.125, the nearest that its 8 bits of precision come to; we make -1.11."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    theirs = torch.zeros(2, 2, requires_grad=True)
    theirs.grad = 3 * torch.eye(2)
    torch.optim.Muon([theirs], lr=1.0).step()
    p = Tensor(np.zeros((2, 2)), dtype="float64")
    p.grad = Tensor(3 * np.eye(2), dtype="float64")
    optim.Muon([p], lr=1.0).step()
    sigma = np.sqrt(0.5)
    for _ in range(5):
        sigma = 3.4445 * sigma - 4.7750 * sigma**3 + 2.0315 * sigma**5
    np.testing.assert_allclose(p.numpy(), -sigma * np.eye(2), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(theirs.detach().numpy(), p.numpy(), rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lion_is_its_formula(dtype):
    lr, b1, b2, weight_decay = 0.01, 0.8, 0.95, 0.3
    start, grads = problem(dtype)
    params, averages, wanted = [p.astype(float) for p in start], [0.0] * len(start), []
    for number, step in enumerate(grads):
        for k, g in enumerate(step):
            if k == len(step) - 1 and number % 2 == 0:
                continue
            direction = np.where(b1 * averages[k] + (1 - b1) * g > 0, 1.0, -1.0)
            params[k] = params[k] - lr * weight_decay * params[k] - lr * direction
            averages[k] = b2 * averages[k] + (1 - b2) * g
        wanted.append(list(params))
    same(ours(lambda p: optim.Lion(p, lr, (b1, b2), weight_decay), dtype), wanted, dtype)
