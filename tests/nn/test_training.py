"""Training, whole: real digits are learned, points in the plane are separated, no memory is left behind."""

import gc
import resource
import sys
import time

import numpy as np
import pytest

from needle_edu import autograd, init, metrics, nn, optim
from needle_edu.autograd import Tensor, no_grad
from needle_edu.backend import memory
from needle_edu.data import DataLoader, NDArrayDataset, digits, spiral, xor


def train(model, dataset, optimizer, epochs, batch_size):
    loss_function = nn.SoftmaxLoss()
    model.train()
    for _ in range(epochs):
        for x, y in DataLoader(dataset, batch_size, shuffle=True):
            optimizer.reset_grad()
            loss_function(model(x), y).backward()
            optimizer.step()


def evaluate(model, x, y):
    model.eval()
    with no_grad():
        return metrics.accuracy(model(Tensor(x)), y)


def digits_accuracy(seed):
    """The recipe of lecture 1: an MLP with one hidden layer on the digits."""
    init.seed(seed)
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
    train(
        model,
        NDArrayDataset(*digits("train", seed)),
        optim.Adam(model.parameters(), lr=0.005),
        epochs=20,
        batch_size=64,
    )
    return evaluate(model, *digits("test", seed))


def test_an_mlp_reads_digits():
    """At least 97 % of the test images, as the median of ten seeds (another split and other weights each)."""
    start = time.perf_counter()
    scores = [digits_accuracy(seed) for seed in range(10)]
    print(f"test accuracy {sorted(scores)}, {(time.perf_counter() - start) / 10:.2f} s per training")
    assert np.median(scores) >= 0.97 and min(scores) >= 0.95


@pytest.mark.parametrize(("points", "classes"), [(spiral, 3), (xor, 2)])
def test_points_no_line_separates_are_separated(points, classes):
    init.seed(0)
    x, y = points(300)
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, classes))
    train(model, NDArrayDataset(x, y), optim.Adam(model.parameters(), lr=0.01), epochs=40, batch_size=50)
    assert evaluate(model, x, y) > 0.97


def test_training_in_lazy_mode_gives_the_same_numbers():
    def weights():
        init.seed(3)
        model = nn.Sequential(nn.Linear(2, 8), nn.LayerNorm1d(8), nn.Tanh(), nn.Linear(8, 2))
        train(
            model, NDArrayDataset(*xor(32)), optim.SGD(model.parameters(), 0.1, 0.9), epochs=2, batch_size=16
        )
        return model.state_dict()

    eager = weights()
    autograd.LAZY_MODE = True
    try:
        lazy = weights()
    finally:
        autograd.LAZY_MODE = False
    assert all(np.array_equal(eager[name], lazy[name]) for name in eager)


def test_training_is_repeatable_by_seed():
    def weights():
        init.seed(3)
        model = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.2), nn.BatchNorm1d(8), nn.Linear(8, 2))
        train(model, NDArrayDataset(*xor(64)), optim.Adam(model.parameters()), epochs=2, batch_size=16)
        return model.state_dict()

    first, second = weights(), weights()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def peak_memory():
    """The most bytes this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def test_ten_thousand_steps_leave_nothing_behind():
    """Live bytes and Values return to what they were, with no garbage collector; the process stays small."""
    init.seed(0)
    x, y = init.randn(8, 4), Tensor(np.arange(8) % 3)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 3))
    optimizer, loss_function = optim.Adam(model.parameters(), lr=0.001), nn.SoftmaxLoss()

    def steps(count):
        for _ in range(count):
            optimizer.reset_grad()
            loss_function(model(x), y).backward()
            optimizer.clip_grad_norm(1.0)
            optimizer.step()
        optimizer.reset_grad()

    steps(500)
    gc.collect()
    gc.disable()
    try:
        bytes_before, values_before = memory.live_bytes(), autograd.TENSOR_COUNTER
        peak_before = peak_memory()
        steps(10_000)
        assert memory.live_bytes() == bytes_before
        assert autograd.TENSOR_COUNTER - values_before == 0
        assert peak_memory() - peak_before < 4_000_000
    finally:
        gc.enable()
