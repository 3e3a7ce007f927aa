"""Every op, its gradients and a whole training on a device whose memory NumPy cannot see: the same bits as on `cpu()`.

The kernels are the same ones. So a difference comes from an array that was looked into past the device, or from memory
that was read before anybody wrote to it, which is full of nan there.
"""

from contextlib import contextmanager

import numpy as np
import pytest
from autograd_helpers import as_function, cases, tensor
from hidden_device import hidden

from needle_edu import data, init, nn, optim
from needle_edu.autograd import Tensor, TensorTuple
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import cpu, default_device, set_default_device

ALL = cases()
pytestmark = pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays have no device")


@contextmanager
def computing_on(device):
    before = default_device()
    set_default_device(device)
    try:
        yield
    finally:
        set_default_device(before)


def numbers(value) -> list[np.ndarray]:
    return [part.numpy() for part in (value if isinstance(value, TensorTuple) else [value])]


def forward_and_gradients(device, cls, attrs, inputs) -> list[np.ndarray]:
    with computing_on(device):
        np.random.seed(1)
        tensors = [tensor(x) for x in inputs]
        result = as_function(cls, attrs)(*tensors)
        found = numbers(result)
        if cls.differentiable:
            result.backward()
            found += [part for t in tensors if t.grad is not None for part in numbers(t.grad)]
        assert all(t.device is device for t in tensors if isinstance(t, Tensor))
        return found


@pytest.mark.parametrize(("cls", "attrs", "inputs"), [c[1:] for c in ALL], ids=[c[0] for c in ALL])
def test_an_op_and_its_gradients_give_the_same_bits(cls, attrs, inputs):
    there, here = (forward_and_gradients(device, cls, attrs, inputs) for device in (hidden, cpu()))
    assert len(there) == len(here) > 0
    for a, b in zip(there, here, strict=True):
        np.testing.assert_array_equal(a, b)


def train(device) -> list[float]:
    with computing_on(device):
        init.seed(3)
        x = np.random.randn(48, 6).astype("float32")
        loader = data.DataLoader(data.NDArrayDataset(x, np.arange(48) % 3), 16, shuffle=True)
        model = nn.Sequential(
            *(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2)),
            *(nn.Residual(nn.Sequential(nn.Linear(8, 8), nn.LayerNorm1d(8), nn.Tanh())), nn.Linear(8, 3)),
        )
        optimizer, loss_of = optim.Adam(model.parameters(), lr=0.01, weight_decay=0.001), nn.SoftmaxLoss()
        losses = []
        for _ in range(3):
            for images, labels in loader:
                optimizer.reset_grad()
                loss = loss_of(model(images), labels)
                loss.backward()
                optimizer.clip_grad_norm(1.0)
                optimizer.step()
                losses.append(loss.item())
                optimizer.load_state_dict(optimizer.state_dict())
        assert {p.device for p in model.parameters()} == {device}
        model.eval()
        return [*losses, float(model(Tensor(x)).sum().item())]


def test_a_training_gives_the_same_losses():
    there = train(hidden)
    assert there == train(cpu()) and len(there) == 10 and np.isfinite(there).all()
