"""Cycles of learning rate and momentum, and the plateau scheduler, against PyTorch's over 50 steps."""

import warnings

import numpy as np
import pytest

from needle_edu import checkpoints, optim
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import DataError

WAVES = [
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 50}),
    (
        "OneCycleLR",
        {"max_lr": 0.5, "epochs": 5, "steps_per_epoch": 11, "anneal_strategy": "linear", "pct_start": 0.2},
    ),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 60, "three_phase": True, "cycle_momentum": False}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 60, "three_phase": True, "base_momentum": 0.5}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 7}),
    (
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 7, "step_size_down": 3, "mode": "triangular2"},
    ),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 7, "mode": "exp_range", "gamma": 0.9}),
]
PLATEAUS = [
    {"patience": 2},
    {"patience": 1, "factor": 0.5, "cooldown": 3, "threshold": 0.1, "threshold_mode": "abs"},
    {"mode": "max", "patience": 0, "min_lr": 0.01, "threshold": 0.05},
    {"patience": 1, "eps": 0.05},
]


def torch_module():
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")


def history(make, optimizer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler, found = make(optimizer), []
        for number in range(50):
            group = optimizer.param_groups[0]
            betas = group.get("betas", (group.get("beta1"), 0))
            found.append((group["lr"], group["momentum"] if "momentum" in group else betas[0]))
            optimizer.step()
            if number < 49:
                scheduler.step()
    return np.array(found)


@pytest.mark.parity
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "settings"), WAVES)
def test_fifty_steps_are_pytorchs(name, settings, kind):
    torch = torch_module()
    p = torch.zeros(1, requires_grad=True)
    extra = {"momentum": 0.7} if kind == "SGD" else {}
    wanted = history(
        lambda o: getattr(torch.optim.lr_scheduler, name)(o, **settings),
        getattr(torch.optim, kind)([p], **extra),
    )
    got = history(
        lambda o: getattr(optim, name)(o, **settings), getattr(optim, kind)([Tensor([0.0])], **extra)
    )
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-15)


@pytest.mark.parity
@pytest.mark.parametrize("settings", PLATEAUS)
def test_plateaus_are_pytorchs(settings, rng):
    torch = torch_module()
    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    ours = optim.SGD([Tensor([0.0])], lr=1.0)
    a = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **settings)
    b = optim.ReduceLROnPlateau(ours, **settings)
    for number in range(50):
        loss = float(np.exp(-number / 10) + 0.1 * rng.normal())
        a.step(loss), b.step(loss)
        assert ours.lr == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-12), number
    assert ours.lr < 1.0


@pytest.mark.parametrize(
    ("mode", "threshold_mode", "better", "not_better"),
    [
        ("max", "rel", 1.15, 1.05),
        ("max", "abs", 1.15, 1.05),
        ("min", "rel", 0.85, 0.95),
        ("min", "abs", 0.85, 0.95),
    ],
)
def test_better_is_more_than_the_threshold_away(mode, threshold_mode, better, not_better):
    schedule = optim.ReduceLROnPlateau(
        optim.SGD([Tensor([1.0])], lr=0.1), mode=mode, threshold=0.1, threshold_mode=threshold_mode
    )
    schedule.step(1.0)
    assert schedule.is_better(better) and not schedule.is_better(not_better)


def test_a_worse_loss_below_zero_counts_as_better():
    """As in PyTorch: the relative threshold takes -0.99995 after -1 for an improvement."""
    scheduler = optim.ReduceLROnPlateau(optim.SGD([Tensor([0.0])]))
    scheduler.step(-1.0)
    assert scheduler.is_better(-0.99995) and not scheduler.is_better(-0.9998)
    assert not optim.ReduceLROnPlateau(scheduler.optimizer).is_better(np.nan)


def test_saved_and_loaded(tmp_path):
    first = optim.ReduceLROnPlateau(optim.SGD([Tensor([0.0])], lr=1.0), patience=2)
    for _ in range(3):
        first.step(Tensor([1.0]))
    second = optim.ReduceLROnPlateau(optim.SGD([Tensor([0.0])], lr=1.0), patience=2)
    checkpoints.save(tmp_path / "run.npz", plateau=first)
    checkpoints.load(tmp_path / "run.npz", plateau=second)
    for scheduler in (first, second):
        scheduler.step(1.0)
        assert scheduler.get_last_lr() == [pytest.approx(0.1)]
    before = second.state_dict()
    for damage, words in [
        ({"best": "x"}, "best is one number"),
        ({"last_epoch": -1}, "last_epoch is a whole number of at least 0, got -1"),
        ({"x": 1}, "wanted .'best'"),
    ]:
        with pytest.raises(DataError, match=words):
            second.load_state_dict({**first.state_dict(), "num_bad_epochs": 9, **damage})
    assert before == second.state_dict()


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("OneCycleLR", {"max_lr": 1.0}, "give total_steps, or epochs and steps_per_epoch"),
        ("OneCycleLR", {"max_lr": -1.0, "total_steps": 5}, "max_lr is a number with 0 <= max_lr, got -1.0"),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": 0}, "total_steps is a whole number of at least 1"),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": 5, "pct_start": 2.0}, "0 <= pct_start <= 1"),
        (
            "OneCycleLR",
            {"max_lr": 1.0, "total_steps": 5, "anneal_strategy": "x"},
            "'cos' or 'linear', got 'x'",
        ),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "mode": "x"}, "mode is 'triangular', .* got 'x'"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 0}, "step_size_up is a whole number"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "max_momentum": 1.0}, "0 <= max_momentum < 1"),
        ("ReduceLROnPlateau", {"factor": 1.0}, "0 <= factor < 1, got 1.0"),
        ("ReduceLROnPlateau", {"mode": "x"}, "mode is 'min' or 'max', got 'x'"),
        ("ReduceLROnPlateau", {"threshold_mode": "x"}, "threshold_mode is 'rel' or 'abs', got 'x'"),
        ("ReduceLROnPlateau", {"patience": 0.5}, "patience is a whole number"),
    ],
)
def test_wrong_settings_are_said(name, settings, words):
    with pytest.raises(ValueError, match=f"{name}: .*{words}"):
        getattr(optim, name)(optim.SGD([Tensor([1.0])]), **settings)
    with pytest.raises(TypeError, match=f"{name}: optimizer is an optimiser, got one str"):
        good = {"OneCycleLR": {"max_lr": 1.0, "total_steps": 5}, "CyclicLR": {"base_lr": 0.1, "max_lr": 1.0}}
        getattr(optim, name)("Adam", **good.get(name, {}))


@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_a_step_after_the_last_one_leaves_the_rate(strategy):
    """Loops call `scheduler.step()` after each of the total_steps steps; PyTorch's line then falls below zero."""
    torch = pytest.importorskip("torch")
    ours = optim.SGD([Tensor([1.0])], momentum=0.9)
    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], momentum=0.9)
    arguments = {"max_lr": 1.0, "total_steps": 10, "anneal_strategy": strategy}
    scheduler = optim.OneCycleLR(ours, **arguments)
    twin = torch.optim.lr_scheduler.OneCycleLR(theirs, **arguments)
    for _ in range(10):
        np.testing.assert_allclose(ours.lr, theirs.param_groups[0]["lr"], rtol=1e-6)
        ours.step(), scheduler.step(), theirs.step(), twin.step()
    assert ours.lr == scheduler.rate(0.0, 9) > 0 and scheduler.momentum(10) == 0.95


def test_what_cannot_be_cycled_is_said():
    with pytest.raises(ValueError, match="CyclicLR: Adadelta has no momentum; give cycle_momentum=False"):
        optim.CyclicLR(optim.Adadelta([Tensor([1.0])]), 0.1, 1.0)
    scheduler = optim.OneCycleLR(optim.SGD([Tensor([1.0])]), 1.0, total_steps=2)
    scheduler.step()
    scheduler.step()
    with pytest.raises(ValueError, match="OneCycleLR: made for 2 steps, got t = 3"):
        scheduler.step()
    for name, lists in (
        ("OneCycleLR", {"max_lr": [1.0], "total_steps": 5}),
        ("ReduceLROnPlateau", {"min_lr": [0.1]}),
        ("LambdaLR", {"lr_lambda": [abs]}),
    ):
        with pytest.raises((TypeError, ValueError), match=f"{name}: {next(iter(lists))} is a .*, got \\["):
            getattr(optim, name)(scheduler.optimizer, **lists)
    with pytest.raises(TypeError, match="ReduceLROnPlateau: metrics is one number, got 'x'"):
        optim.ReduceLROnPlateau(scheduler.optimizer).step("x")
