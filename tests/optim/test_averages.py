"""Averages of a model's parameters: the mean and the exponential one against PyTorch; what they refuse and keep."""

import numpy as np
import pytest

from needle_edu import nn, optim
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import ShapeError


def values(steps=6):
    rng = np.random.default_rng(5)
    return [rng.normal(size=(2, 3)).astype("float32") for _ in range(steps)]


@pytest.mark.parity
@pytest.mark.parametrize("decay", [None, 0.9, 0.0])
def test_averages_are_pytorchs(decay):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    swa = torch.optim.swa_utils
    ours, theirs = nn.Linear(2, 3, bias=False), torch.nn.Linear(3, 2, bias=False)
    average = optim.AveragedModel(ours, decay if decay is None else optim.get_ema_avg_fn(decay))
    wanted = swa.AveragedModel(theirs, avg_fn=decay if decay is None else swa.get_ema_avg_fn(decay))
    for count, value in enumerate(values(), start=1):
        ours.weight.data = Tensor(value)
        theirs.weight.data = torch.tensor(value)
        average.update_parameters(ours), wanted.update_parameters(theirs)
        got = average.module.weight.numpy()
        np.testing.assert_allclose(got, wanted.module.weight.detach().numpy(), rtol=1e-5, atol=1e-6)
        assert average.n_averaged.item() == count
        assert np.array_equal(ours.weight.numpy(), value)


def norm_with(mean):
    model = nn.BatchNorm1d(2)
    model.running_mean.data = Tensor(np.full(2, mean, "float32"))
    return model


@pytest.mark.parametrize(("use_buffers", "wanted"), [(False, 3.0), (True, 2.0)])
def test_buffers_are_taken_over_or_averaged(use_buffers, wanted):
    average = optim.AveragedModel(norm_with(0.0), use_buffers=use_buffers)
    for mean in (1.0, 2.0, 3.0):
        average.update_parameters(norm_with(mean))
    assert average.module.running_mean.numpy().tolist() == [wanted] * 2


def test_an_average_goes_on_after_loading():
    model, steps = nn.Linear(2, 3, bias=False), values()
    first = optim.AveragedModel(model)
    second = optim.AveragedModel(nn.Linear(2, 3, bias=False))
    for k, value in enumerate(steps):
        if k == 3:
            second.load_state_dict(first.state_dict())
        model.weight.data = Tensor(value)
        first.update_parameters(model)
        if k >= 3:
            second.update_parameters(model)
    assert np.array_equal(first.module.weight.numpy(), second.module.weight.numpy())
    np.testing.assert_allclose(first.module.weight.numpy(), np.mean(steps, axis=0), rtol=1e-5, atol=1e-6)


def test_the_copy_shares_nothing_and_ties_stay_tied():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model.modules[1].weight = model.modules[0].weight
    average = optim.AveragedModel(model)
    assert average.module.modules[0].weight is average.module.modules[1].weight
    assert average.module.modules[0].weight is not model.modules[0].weight
    average.update_parameters(model)
    model.modules[0].weight.data = Tensor(np.zeros((2, 2), "float32"))
    assert average.module.modules[0].weight.numpy().any()


def test_bad_input():
    with pytest.raises(TypeError, match="AveragedModel: model is a module, got one list"):
        optim.AveragedModel([])
    with pytest.raises(TypeError, match=r"avg_fn is a function of \(average, new, count\), got 0.9"):
        optim.AveragedModel(nn.ReLU(), 0.9)
    with pytest.raises(ValueError, match="AveragedModel: use_buffers is True or False, got 'x'"):
        optim.AveragedModel(nn.ReLU(), None, "x")
    with pytest.raises(ValueError, match="get_ema_avg_fn: decay is a number with 0 <= decay <= 1, got 1.5"):
        optim.get_ema_avg_fn(1.5)
    average = optim.AveragedModel(nn.Linear(2, 3))
    before = average.state_dict()
    with pytest.raises(
        ShapeError, match=r"update_parameters: the model has other parameters: \['bias', 'weight'\]"
    ):
        average.update_parameters(nn.Linear(2, 4))
    after = average.state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parity
@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 5])
def test_the_rate_of_averaging_is_pytorchs(strategy, epochs):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    ours, theirs = (
        optim.SGD([Tensor([1.0])], lr=0.8),
        torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.8),
    )
    mine = optim.SWALR(ours, 0.05, epochs, strategy)
    wanted = torch.optim.swa_utils.SWALR(theirs, 0.05, epochs, strategy)
    for _ in range(8):
        ours.step(), theirs.step()
        mine.step(), wanted.step()
        np.testing.assert_allclose(mine.get_last_lr(), wanted.get_last_lr(), rtol=1e-6)


@pytest.mark.parity
def test_running_averages_for_new_weights_are_pytorchs(rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    batches = [rng.normal(size=(size, 3)).astype("float32") for size in (4, 6, 5)]
    ours, theirs = nn.BatchNorm1d(3, unbiased=True, momentum=0.3), torch.nn.BatchNorm1d(3, momentum=0.3)
    ours.running_mean.data = Tensor([5.0, 5.0, 5.0])
    model = nn.Sequential(ours, nn.Dropout(0.0))
    model.eval()
    optim.update_bn([(Tensor(batch), None) for batch in batches], model)
    torch.optim.swa_utils.update_bn([torch.tensor(batch) for batch in batches], theirs)
    np.testing.assert_allclose(ours.running_mean.numpy(), theirs.running_mean.numpy(), rtol=1e-5)
    np.testing.assert_allclose(ours.running_var.numpy(), theirs.running_var.numpy(), rtol=1e-5)
    assert ours.momentum == 0.3 and not ours.training and not model.modules[1].training


def test_what_swa_cannot_use_is_said():
    sgd = optim.SGD([Tensor([1.0])])
    for call, words in (
        (lambda: optim.SWALR(sgd, -1.0), "SWALR: swa_lr is a number with 0 <= swa_lr"),
        (lambda: optim.SWALR(sgd, 0.1, 1.5), "anneal_epochs is a whole number"),
        (lambda: optim.SWALR(sgd, 0.1, 5, "cosine"), "anneal_strategy is 'cos' or 'linear', got 'cosine'"),
        (lambda: optim.update_bn(nn.ReLU(), []), r"the loader comes first: update_bn\(loader, model\)"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            call()
