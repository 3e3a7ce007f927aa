"""What a compiled function depends on besides its arguments, and functions that call one another."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, graph, nn, optim
from needle_edu.graph.static import CaptureError

X = np.random.RandomState(0).randn(6, 4).astype("float32")
Y = np.arange(6) % 3


def training(wrap, events):
    """Losses, answers and weights of a model that steps and answers by turns; events[k] changes it after turn k."""
    ndl.seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3))
    adam, loss_of = optim.Adam(model.parameters(), lr=0.01), nn.SoftmaxLoss()

    def step(x, y):
        adam.reset_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        adam.step()
        return loss

    step, answer = wrap(step), wrap(lambda x: model(x))
    found = []
    for event in events:
        model.train()
        found.append(step(Tensor(X), Tensor(Y)).numpy().copy())
        model.eval()
        found.append(answer(Tensor(X)).numpy().copy())
        found += [parameter.numpy().copy() for parameter in model.parameters()]
        event(model)
    return found, step, answer


def frozen(model):
    model[0].requires_grad_(False)
    for parameter in model[0].parameters():
        parameter.grad = None


def test_frozen_parameters_and_modules_that_only_answer():
    events = [
        lambda model: None,
        frozen,
        lambda model: None,
        lambda model: model.requires_grad_(True),
        lambda model: None,
    ]
    expected, *_ = training(lambda function: function, events)
    found, step, answer = training(ndl.compile, events)
    for ours, eager in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, eager)
    # Also for the steps of parameters that have made fewer of them: Adam's formula counts.
    assert (step.captures, answer.captures) == (4, 2)


def test_a_function_that_switches_modes_itself_is_not_captured_for_ever():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    learn = ndl.compile(lambda x: model.train()(x))
    answer = ndl.compile(lambda x: model.eval()(x))
    for _ in range(4):
        mean = model[1].running_mean.numpy().copy()
        learn(Tensor(X))
        moved = model[1].running_mean.numpy().copy()
        assert not np.array_equal(mean, moved)
        scale, shift = model[1].weight.numpy(), model[1].bias.numpy()
        h = X @ model[0].weight.numpy() + model[0].bias.numpy()
        expected = (h - moved) / np.sqrt(model[1].running_var.numpy() + model[1].eps) * scale + shift
        np.testing.assert_allclose(answer(Tensor(X)).numpy(), expected, rtol=1e-4, atol=1e-5)
    assert learn.captures <= 2 and answer.captures <= 2


def test_compiled_functions_call_one_another_and_themselves():
    @ndl.compile
    def doubled(x, times=1):
        return doubled(x * 2, times - 1) if times > 1 else x * 2

    outer = ndl.compile(lambda x: doubled(x) + doubled.function(x, 3))
    assert outer(Tensor([1.0, -2.0])).numpy().tolist() == [10.0, -20.0]
    assert (outer.captures, doubled.captures) == (1, 0)


def test_threads_wait_for_the_capture():
    begin = threading.Barrier(4)

    @ndl.compile
    def f(x):
        return (x @ x).sum(axis=0)

    def call(k):
        begin.wait(60)
        return f(Tensor(np.full((2, 2), float(k), "float32"))).numpy().tolist()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call, range(4))) == [[4.0 * k * k] * 2 for k in range(4)]
    assert f.captures == 1


OUTSIDE = Tensor(X, requires_grad=False)
WRITES = {
    "add_": lambda x: x.add_(1),
    "setitem": lambda x: x.__setitem__(0, 1.0),
    "copy_": lambda x: OUTSIDE.copy_(x),
    "fill_": lambda x: OUTSIDE.fill_(0),
    "setitem of unknown numbers": lambda x: Tensor(np.zeros((6, 4), "float32")).detach().__setitem__(0, x[0]),
}


@pytest.mark.parametrize("name", WRITES)
def test_writing_into_a_tensor_is_refused(name):
    with pytest.raises(CaptureError, match=rf"{name.split()[0]}: the function writes into .*line \d+\)"):
        graph.capture(WRITES[name], Tensor(X, requires_grad=False))
    np.testing.assert_array_equal(OUTSIDE.numpy(), X)


def test_a_mask_may_be_made():
    def masked(x):
        mask = Tensor(np.ones((6, 4), "float32"), requires_grad=False)
        mask[2:] = 0
        return x * mask

    expected = np.concatenate([X[:2], X[2:] * 0])
    for run in (graph.capture(masked, Tensor(X)), ndl.compile(masked)):
        np.testing.assert_array_equal(run(Tensor(X)).numpy(), expected)
