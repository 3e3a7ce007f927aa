"""The course's applications: shapes, the order of draws and of layers, learning; found under the course's names."""

import subprocess
import sys

import numpy as np
import pytest

from needle_edu import data, init, nn, optim
from needle_edu.apps.mlp_resnet import MLPResNet, ResidualBlock, epoch, train_mnist


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
