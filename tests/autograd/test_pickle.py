"""Values travel to other processes by value: what is a leaf arrives as it was, a graph does not travel."""

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import Tensor, nn, ops, optim
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import NeedleError


def again(thing):
    return pickle.loads(pickle.dumps(thing))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "bool"])
def test_a_leaf_arrives_as_it_was(dtype, protocol):
    x = Tensor(np.array([[1, 0], [2, 3]]), dtype=dtype, requires_grad=dtype == "float64")
    x.name = "x"
    y = pickle.loads(pickle.dumps(x, protocol))
    assert type(y) is Tensor and (y.dtype, y.device, y.name) == (x.dtype, x.device, "x")
    assert (y.requires_grad, y.grad, y.op, y.inputs) == (x.requires_grad, None, None, ())
    np.testing.assert_array_equal(y.numpy(), x.numpy())
    y.realize_cached_data()[...] = 0
    assert x.numpy().any()


def test_its_gradient_comes_along():
    x = tensor([1.0, 2.0])
    (x * x).backward()
    assert again(x).grad.numpy().tolist() == [2, 4]


def test_a_gradient_that_is_a_graph_arrives_as_numbers():
    x = tensor([1.0, 2.0])
    (x * x).backward(create_graph=True)
    for y in (again(x), copy.deepcopy(x)):
        assert y.grad.numpy().tolist() == [2, 4] and y.grad.op is None
    assert copy.copy(x).grad is x.grad


def test_what_arrives_can_be_trained():
    """It is as new: nothing counts as overwritten, however often the sender has written."""
    x = tensor([1.0, 2.0])
    for _ in range(3):
        x.data = x.data * 1.0
    y = again(x)
    (y * y).backward()
    assert y.grad.numpy().tolist() == [2, 4]
    pair = again(ops.make_tuple(x, x).detach())
    assert [part.numpy().tolist() for part in pair] == [[1, 2], [1, 2]]


def test_a_history_does_not_travel_and_says_so():
    x = tensor([1.0])
    for y in (x * 2, ops.make_tuple(x, x)):
        for send in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(NeedleError, match="only a leaf.*the graph behind this result of .*detach"):
                send(y)


class Labelled(Tensor):
    """A user's own class, with an attribute of its own."""


def test_a_user_s_class_keeps_its_attributes():
    x = Labelled([1.0])
    x.unit = "m"
    for y in (again(x), copy.copy(x), copy.deepcopy(x)):
        assert type(y) is Labelled and y.unit == "m" and y.numpy().tolist() == [1]


def test_a_model_with_its_optimiser():
    """They arrive together: the optimiser goes on training the very parameters of the model, from where it was."""

    def step(model, optimiser):
        model(Tensor(np.ones((2, 3), "float32"))).sum().backward()
        optimiser.step()
        return [p.numpy().tolist() for p in model.parameters()]

    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    optimiser = optim.Adam(model.parameters())
    step(model, optimiser)
    other, others_optimiser = again((model, optimiser))
    assert all(isinstance(p, nn.Parameter) for p in other.parameters())
    assert [id(p) for p in others_optimiser.params] == [id(p) for p in other.parameters()]
    assert step(other, others_optimiser) == step(model, optimiser)


SCRIPT = """
import multiprocessing
import numpy as np
from needle_edu import Tensor, nn

def work(job):
    model, x = job
    y = model(x)
    return y.detach(), model.weight

if __name__ == "__main__":
    model, x = nn.Linear(3, 2), Tensor(np.ones((4, 3), "float32"))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        y, weight = pool.map(work, [(model, x)])[0]
    assert y.numpy().tolist() == model(x).numpy().tolist()
    assert isinstance(weight, nn.Parameter) and weight.numpy().tolist() == model.weight.numpy().tolist()
    print("both ways")
"""


def test_to_a_worker_process_and_back(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    run = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, env=dict(os.environ)
    )
    assert (run.returncode, run.stdout) == (0, "both ways\n"), run.stderr[-3000:]


@pytest.mark.skipif(BACKEND == "np", reason="both ways are tried already")
@pytest.mark.parametrize(("sender", "receiver"), [("nd", "np"), ("np", "nd")])
def test_from_one_kind_of_arrays_to_the_other(sender, receiver, tmp_path):
    path = tmp_path / "tensor.pickle"
    head = "import pickle, sys; from needle_edu import Tensor, NDArray; "
    codes = {
        sender: head + "pickle.dump(Tensor([1.0, 2.0]), open(sys.argv[1], 'wb'))",
        receiver: head
        + "x = pickle.load(open(sys.argv[1], 'rb')); assert isinstance(x.cached_data, NDArray); "
        "(x * x).backward(); assert x.grad.numpy().tolist() == [2, 4]",
    }
    for backend, code in codes.items():
        environment = {**os.environ, "NEEDLE_BACKEND": backend}
        run = subprocess.run(
            [sys.executable, "-c", code, str(path)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert run.returncode == 0, run.stderr[-3000:]
