"""LBFGS against PyTorch's in float64, where the closure is called as often; the ends of a search; bad input."""

import numpy as np
import pytest

from needle_edu import nn, optim
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import DataError, NeedleError

START = np.array([-1.2, 1.0, 0.3, -0.7])
OPTIONS = [
    {}, {"lr": 0.3}, {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "history_size": 2, "max_iter": 5},
    {"line_search_fn": "strong_wolfe", "lr": 20.0}, {"line_search_fn": "strong_wolfe", "lr": 0.01},
    {"max_iter": 3}, {"max_iter": 7, "max_eval": 4, "line_search_fn": "strong_wolfe"},
]  # fmt: skip


def rosenbrock(x, y):
    """Two valleys that bend; x and y are tensors of two numbers each."""
    return (100 * (y - x * x) ** 2 + (1 - x) ** 2).sum()


def bowl(x, y):
    return ((x - 3) ** 2 * 5 + (y + 1) ** 2 + (x - 3) ** 4 * 0.1 + x * y).sum()


def wave(x, y):
    """Not convex: slopes change their sign along the way."""
    return ((x * 3).sin() + (y * 2).cos() + 0.05 * (x * x + y * y)).sum()


def training(library, loss_of, options, steps):
    """The loss, the parameters and the number of calls after each step."""
    if library is optim:
        x, y = Tensor(START[:2], dtype="float64"), Tensor(START[2:], dtype="float64")
    else:
        import torch

        x, y = (torch.tensor(part, requires_grad=True) for part in (START[:2], START[2:]))
    optimizer = library.LBFGS([x, y], **options)
    calls, seen = [0], []

    def closure():
        calls[0] += 1
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        return loss

    for _ in range(steps):
        loss = optimizer.step(closure).item()
        numbers = [p.detach().numpy().copy() for p in (x, y)]
        seen.append((loss, np.concatenate(numbers), calls[0]))
    return seen


@pytest.mark.parity
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("loss_of", [rosenbrock, bowl, wave])
def test_equals_pytorch(loss_of, options):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    if loss_of is not bowl and "line_search_fn" not in options:
        options = {
            **options,
            "lr": 1e-3,
        }  # without a search it leaves the valley, and rounding decides where to
    ours, theirs = (training(library, loss_of, options, 4) for library in (optim, torch.optim))
    for (loss, numbers, calls), (their_loss, their_numbers, their_calls) in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(loss, their_loss, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(numbers, their_numbers, rtol=1e-5, atol=1e-5)
        assert calls == their_calls


def test_finds_the_bottom_of_the_valley():
    _, numbers, calls = training(optim, rosenbrock, {"line_search_fn": "strong_wolfe"}, 4)[-1]
    np.testing.assert_allclose(numbers, 1, atol=1e-4)
    assert calls < 100  # gradient descent needs tens of thousands


def test_maximize_climbs_as_the_negative_descends():
    options = {"line_search_fn": "strong_wolfe"}
    down = training(optim, bowl, options, 2)
    up = training(optim, lambda x, y: -bowl(x, y), options | {"maximize": True}, 2)
    for (loss, numbers, calls), (other, others, their_calls) in zip(down, up, strict=True):
        assert (loss, calls) == (-other, their_calls)
        np.testing.assert_array_equal(numbers, others)


def test_a_line_search_never_makes_the_loss_larger():
    losses = [
        loss for loss, _, _ in training(optim, wave, {"line_search_fn": "strong_wolfe", "max_iter": 1}, 15)
    ]
    assert all(new <= old for old, new in zip(losses, losses[1:], strict=False))


def test_goes_on_from_a_saved_state(rng):
    def made(seed):
        model = nn.Linear(3, 2, dtype="float64")
        model.weight.data = Tensor(np.arange(6.0).reshape(3, 2) / 7, dtype="float64")
        return model, optim.LBFGS(model.parameters(), max_iter=2, history_size=3)

    x, y = Tensor(rng.normal(size=(8, 3)), dtype="float64"), Tensor(rng.normal(size=(8, 2)), dtype="float64")

    def step(model, optimizer):
        def closure():
            optimizer.zero_grad()
            loss = nn.MSELoss()(model(x), y)
            loss.backward()
            return loss

        optimizer.step(closure)

    model, optimizer = made(0)
    for _ in range(3):
        step(model, optimizer)
    other, second = made(1)
    other.load_state_dict(model.state_dict())
    second.load_state_dict(optimizer.state_dict())
    for one, its in ((model, optimizer), (other, second)):
        step(one, its)
    np.testing.assert_array_equal(model.weight.numpy(), other.weight.numpy())
    broken = optimizer.state_dict() | {"last.d": np.zeros(3)}
    with pytest.raises(DataError, match=r"LBFGS.load_state_dict: got .*'last.d'.* another shape"):
        second.load_state_dict(broken)
    with pytest.raises(DataError, match="another kind of optimiser"):
        second.load_state_dict(optim.SGD(model.parameters()).state_dict())


def test_a_parameter_without_a_gradient_stays():
    w, idle = Tensor([1.0]), Tensor([5.0])
    optimizer = optim.LBFGS([w, idle])

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert abs(w.item()) < 1e-3 and idle.item() == 5


def made(**settings):
    return optim.LBFGS([Tensor([1.0])], **settings)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: made().step(), "LBFGS.step: closure is a function that computes the loss anew, got None"),
        (lambda: made().step(Tensor([1.0])), "LBFGS.step: closure is a function"),
        (lambda: made().step(lambda: None), "the closure returns the loss, one number, got None"),
        (lambda: made().step(lambda: Tensor([1.0, 2.0])), r"one number, got a tensor of shape \(2,\)"),
        (lambda: made(line_search_fn="armijo"), "line_search_fn is None or 'strong_wolfe', got 'armijo'"),
        (lambda: made(max_iter=0), "max_iter is a whole number of at least 1, got 0"),
        (lambda: made(history_size=1.5), "history_size is a whole number"),
        (lambda: made(lr=-1.0), "LBFGS: lr is a number with 0 <= lr, got -1.0"),
        (
            lambda: optim.LBFGS([{"params": [Tensor([1.0])]}, {"params": [Tensor([1.0])]}]),
            "got 2 groups, wanted one",
        ),
        (
            lambda: optim.LBFGS([Tensor([1.0]), Tensor([1.0], dtype="float64")]),
            r"float32.*float64.*wanted one dtype",
        ),
    ],
)
def test_what_makes_no_sense_is_said(call, words):
    with pytest.raises((TypeError, ValueError, NeedleError), match=words):
        call()
