"""Schedulers against PyTorch's over 50 steps; saved, loaded; what makes no sense is said."""

import warnings

import numpy as np
import pytest

from needle_edu import checkpoints, optim
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import DataError

CASES = {
    "StepLR": {"step_size": 7, "gamma": 0.5},
    "MultiStepLR": {"milestones": [30, 3, 11, 11], "gamma": 0.5},
    "ExponentialLR": {"gamma": 0.9},
    "LambdaLR": {"lr_lambda": lambda t: 1 / (1 + t)},
    "MultiplicativeLR": {"lr_lambda": lambda t: 0.9 if t % 2 else 1.01},
    "ConstantLR": {"factor": 0.25, "total_iters": 9},
    "LinearLR": {"start_factor": 0.25, "end_factor": 0.75, "total_iters": 9},
    "PolynomialLR": {"total_iters": 20, "power": 2.0},
    "CosineAnnealingLR": {"T_max": 13, "eta_min": 0.01},
    "CosineAnnealingWarmRestarts": {"T_0": 3, "T_mult": 2, "eta_min": 0.01},
}
EVERY = pytest.mark.parametrize("name", CASES)


def two_groups():
    return optim.SGD([{"params": [Tensor([1.0])]}, {"params": [Tensor([1.0])], "lr": 0.3}], lr=0.1)


def rates(optimizer, scheduler, steps=50):
    found = []
    for _ in range(steps):
        found.append([group["lr"] for group in optimizer.param_groups])
        assert scheduler.get_last_lr() == found[-1]
        optimizer.step()
        scheduler.step()
    return np.array(found)


def theirs(make):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    params = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    optimizer = torch.optim.SGD([{"params": params[:1]}, {"params": params[1:], "lr": 0.3}], lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rates(optimizer, make(torch.optim.lr_scheduler, optimizer))


def same(make, tol=1e-12):
    optimizer = two_groups()
    np.testing.assert_allclose(rates(optimizer, make(optim, optimizer)), theirs(make), rtol=tol, atol=1e-15)


@pytest.mark.parity
@EVERY
def test_fifty_steps_are_pytorchs(name):
    same(lambda module, optimizer: getattr(module, name)(optimizer, **CASES[name]), 1e-10)


@pytest.mark.parity
def test_warm_up_then_cosine_is_pytorchs():
    def make(module, optimizer):
        parts = [
            module.LinearLR(optimizer, start_factor=0.1, total_iters=5),
            module.CosineAnnealingLR(optimizer, T_max=30),
            module.ConstantLR(optimizer, factor=0.01, total_iters=100),
        ]
        return module.SequentialLR(optimizer, parts, milestones=[5, 35])

    same(make)


@pytest.mark.parity
def test_factors_at_once_are_pytorchs():
    def make(module, optimizer):
        parts = [module.LinearLR(optimizer, start_factor=0.1), module.ExponentialLR(optimizer, gamma=0.9)]
        return module.ChainedScheduler([*parts, module.StepLR(optimizer, step_size=10)])

    same(make, 1e-10)


@EVERY
def test_a_loaded_scheduler_goes_on_as_the_saved_one(name, tmp_path):
    optimizer = two_groups()
    scheduler = getattr(optim, name)(optimizer, **CASES[name])
    rates(optimizer, scheduler, 7)
    checkpoints.save(tmp_path / "run.npz", optimizer=optimizer, scheduler=scheduler)
    other = two_groups()
    other.lr = 7.0
    again = getattr(optim, name)(other, **CASES[name])
    checkpoints.load(tmp_path / "run.npz", optimizer=other, scheduler=again)
    assert again.last_epoch == 7
    assert np.array_equal(rates(optimizer, scheduler), rates(other, again))


@EVERY
def test_one_that_has_not_begun_is_saved_and_loaded_too(name):
    first, second = two_groups(), two_groups()
    saved = getattr(optim, name)(first, **CASES[name])
    loaded = getattr(optim, name)(second, **CASES[name])
    loaded.load_state_dict(saved.state_dict())
    assert np.array_equal(rates(first, saved, 5), rates(second, loaded, 5))


def test_restarts_of_one_length_begin_anew_each_time():
    schedule = optim.CosineAnnealingWarmRestarts(two_groups(), T_0=4, T_mult=1, eta_min=0.02)
    found = [schedule.rate(0.1, t) for t in range(13)]
    np.testing.assert_allclose(
        found, [0.02 + 0.04 * (1 + np.cos(np.pi * (t % 4) / 4)) for t in range(13)], atol=1e-12
    )


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_polynomials_of_any_power_from_0_on(power):
    optimizer = two_groups()
    schedule = optim.PolynomialLR(optimizer, total_iters=4, power=power)
    found = [schedule.rate(0.1, t) for t in range(5)]
    np.testing.assert_allclose(found, [0.1 * (1 - t / 4) ** power for t in range(5)], atol=1e-12)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"x": 1}, "wanted last_epoch and base_lrs, got"),
        ({"last_epoch": -1}, "last_epoch is a whole number of at least 0, got -1"),
        ({"last_epoch": 0.5}, "last_epoch is a whole number"),
        ({"base_lrs": [0.1]}, "base_lrs are 2 numbers"),
        ({"base_lrs": [0.1, np.nan]}, "0 <= base_lrs, got nan"),
        ({"base_lrs": ["a", "b"]}, "base_lrs are 2 numbers"),
    ],
)
def test_a_damaged_state_changes_nothing(damage, words):
    scheduler = optim.ExponentialLR(two_groups(), 0.5)
    scheduler.step()
    before = scheduler.state_dict(), scheduler.get_last_lr()
    with pytest.raises(DataError, match=words):
        scheduler.load_state_dict({"last_epoch": 3, "base_lrs": [1.0, 1.0], **damage})
    after = scheduler.state_dict(), scheduler.get_last_lr()
    assert before[1] == after[1] and all(np.array_equal(before[0][k], after[0][k]) for k in before[0])


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("StepLR", {"step_size": 0}, "StepLR: step_size is a whole number of at least 1, got 0"),
        ("StepLR", {"step_size": 2, "gamma": "x"}, "StepLR: gamma is a number with 0 <= gamma, got 'x'"),
        ("MultiStepLR", {"milestones": [0.5]}, "MultiStepLR: milestones is a whole number"),
        ("ExponentialLR", {"gamma": np.nan}, "ExponentialLR: gamma is a number"),
        ("LambdaLR", {"lr_lambda": 3}, "LambdaLR: lr_lambda is a function of t, got 3"),
        ("MultiplicativeLR", {"lr_lambda": 3}, "MultiplicativeLR: lr_lambda is a function of t, got 3"),
        ("ConstantLR", {"factor": 2.0}, "ConstantLR: factor is a number with 0 <= factor <= 1"),
        ("LinearLR", {"start_factor": -1.0}, "LinearLR: start_factor is a number"),
        ("LinearLR", {"total_iters": 0}, "LinearLR: total_iters is a whole number of at least 1"),
        ("PolynomialLR", {"power": -1.0}, "PolynomialLR: power is a number"),
        ("CosineAnnealingLR", {"T_max": 0}, "CosineAnnealingLR: T_max is a whole number"),
        ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 0}, "T_mult is a whole number of at least 1"),
    ],
)
def test_wrong_settings_are_said(name, settings, words):
    optimizer = two_groups()
    with pytest.raises((ValueError, TypeError), match=words):
        getattr(optim, name)(optimizer, **settings)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.3]


def test_what_does_not_go_together_is_said():
    first, second = two_groups(), two_groups()
    a, b = optim.ExponentialLR(first, 0.5), optim.ExponentialLR(second, 0.5)
    with pytest.raises(TypeError, match="StepLR: optimizer is an optimiser, got one str"):
        optim.StepLR("Adam", 3)
    with pytest.raises(TypeError, match="StepLR: Optimizer has no lr to schedule"):
        optim.StepLR(optim.Optimizer([Tensor([1.0])]), 3)
    with pytest.raises(ValueError, match="ChainedScheduler: the schedulers are of different optimisers"):
        optim.ChainedScheduler([a, b])
    with pytest.raises(ValueError, match="ChainedScheduler: wants at least one scheduler, got none"):
        optim.ChainedScheduler([])
    with pytest.raises(TypeError, match="ChainedScheduler: combines schedules of time, got one int"):
        optim.ChainedScheduler([3])
    with pytest.raises(ValueError, match="2 schedulers want 1 milestones in rising order"):
        optim.SequentialLR(first, [a, a], milestones=[])


def test_every_scheduler_is_tested():
    """Here, in test_waves.py or in test_averages.py; a scheduler that is new must come to one of them."""
    others = {
        "LRScheduler",
        "SequentialLR",
        "ChainedScheduler",
        "ReduceLROnPlateau",
        "CyclicLR",
        "OneCycleLR",
        "SWALR",
    }
    known = {
        name for name in optim.__all__ if name.endswith("LR") or "Scheduler" in name or "Restarts" in name
    }
    assert known | {"ReduceLROnPlateau"} == {*CASES, *others}


def test_of_two_schedulers_the_last_one_stands():
    """Chained they multiply; stepped side by side they do not, other than PyTorch's."""
    optimizer = optim.SGD([Tensor([1.0])], lr=1.0)
    pair = optim.ExponentialLR(optimizer, 0.5), optim.ExponentialLR(optimizer, 0.25)
    for scheduler in pair:
        scheduler.step()
    assert optimizer.lr == 0.25
    optim.ChainedScheduler(pair).step()
    assert optimizer.lr == 0.125
