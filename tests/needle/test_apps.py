"""The course's applications: shapes, the order of draws and of layers, learning; found under the course's names."""

import subprocess
import sys

import numpy as np
import pytest

from needle_edu import Tensor, data, init, nn, optim
from needle_edu.apps.mlp_resnet import MLPResNet, ResidualBlock, epoch, train_mnist
from needle_edu.apps.models import ResNet9


def test_mlp_resnet_is_the_courses():
    init.seed(1)
    model = MLPResNet(12, 6, num_blocks=2, num_classes=4)
    shapes = [p.shape for p in model.parameters() if p.shape[0] != 1 and p.ndim == 2]
    assert shapes == [(12, 6), (6, 3), (3, 6), (6, 3), (3, 6), (6, 4)]
    bound = np.sqrt(6 / 12)
    first = np.random.RandomState(1).rand(12, 6) * 2 * bound - bound
    np.testing.assert_allclose(model.modules[0].weight.numpy(), first, rtol=1e-6)
    assert model(init.ones(5, 12)).shape == (5, 4)
    inside = ResidualBlock(6, 3, norm=nn.LayerNorm1d, drop_prob=0.3).modules[0].fn.modules
    kinds = ["Linear", "LayerNorm1d", "ReLU", "Dropout", "Linear", "LayerNorm1d"]
    assert [type(m).__name__ for m in inside] == kinds and inside[3].p == 0.3


def test_epochs_learn_and_evaluation_changes_nothing():
    init.seed(0)
    loader = data.DataLoader(data.NDArrayDataset(*data.xor(64)), 16, shuffle=True)
    model = MLPResNet(2, 16, num_blocks=1, num_classes=2)
    opt = optim.Adam(model.parameters(), lr=0.01)
    first = epoch(loader, model, opt)
    for _ in range(30):
        last = epoch(loader, model, opt)
    assert last[1] < first[1] / 2 and model.training
    before = model.state_dict()
    error, loss = epoch(loader, model)
    assert error < 0.1 and loss < first[1] and not model.training
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())


def test_missing_files_are_said():
    with pytest.raises(FileNotFoundError, match="train-images"):
        train_mnist(data_dir="nowhere")


def test_as_needle_finds_it_on_request(tmp_path):
    program = "from mlp_resnet import *; import needle; print(MLPResNet(4, 4)(needle.init.ones(2, 4)).shape)"
    command = [sys.executable, "-m", "needle_edu.as_needle", "--apps", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.stdout == "(2, 10)\n", done.stderr


def test_resnet9_is_the_courses():
    model, follower = init.seed(2) or ResNet9(), np.random.rand()
    assert sum(p.size for p in model.parameters()) == 431_946 and model(init.ones(2, 3, 32, 32)).shape == (
        2,
        10,
    )
    rng = np.random.RandomState(2)  # the layers' draws, in the order of the layers
    for i, o, k in [
        (3, 16, 7),
        (16, 32, 3),
        *[(32, 32, 3)] * 2,
        (32, 64, 3),
        (64, 128, 3),
        *[(128, 128, 3)] * 2,
    ]:
        weight, bias = rng.rand(k, k, i, o), rng.rand(o)
    np.testing.assert_allclose(
        model.model[5].fn[1].conv.bias.numpy(), (2 * bias - 1) / np.sqrt(128 * 9), rtol=1e-4, atol=1e-7
    )
    bound = np.sqrt(6 / (128 * 9))
    np.testing.assert_allclose(
        model.model[5].fn[1].conv.weight.numpy(), (2 * weight - 1) * bound, rtol=1e-4, atol=1e-7
    )
    rng.rand(128, 128), rng.rand(128), rng.rand(128, 10), rng.rand(10)
    assert follower == rng.rand()


def test_conv_bn_is_conv_then_batch_norm_then_relu(rng):
    block, x = nn.ConvBN(2, 3, 3, 2), Tensor(rng.normal(size=(4, 2, 5, 5)))
    y = block.conv(x).numpy()
    mean, var = y.mean((0, 2, 3), keepdims=True), y.var((0, 2, 3), keepdims=True)
    np.testing.assert_allclose(block(x).numpy(), np.maximum((y - mean) / np.sqrt(var + 1e-5), 0), atol=1e-5)


def test_resnet9_learns_four_pictures(rng):
    model = ResNet9()
    x, y = Tensor(rng.normal(size=(4, 3, 32, 32))), Tensor(np.arange(4))
    opt, losses = optim.Adam(model.parameters(), lr=0.001), []
    for _ in range(8):
        loss = nn.SoftmaxLoss()(model(x), y)
        opt.reset_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3
