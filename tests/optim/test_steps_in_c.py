"""The usual step in C (csrc/python/steps.c) does what together.py does, and leaves to it what is not usual."""

import sys

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import optim
from needle_edu.autograd import Tensor
from needle_edu.backend import accelerator, storage
from needle_edu.backend_selection import BACKEND
from needle_edu.optim import together

pytestmark = pytest.mark.skipif(
    BACKEND == "np"
    or ndl.default_device() != ndl.cpu()
    or (ndl.zeros(1) is not None and accelerator.module is None),
    reason="np mode, another device, or no compiler: there is no accelerator",
)
MAKERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    "Adam": lambda p: optim.Adam(p, lr=0.1),
    "AMSGrad": lambda p: optim.Adam(p, lr=0.1, amsgrad=True, maximize=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1),
    "RAdam": lambda p: optim.RAdam(p, lr=0.1),
    "NAdam": lambda p: optim.NAdam(p, lr=0.1),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.1, momentum=0.5, centered=True),
    "Lion": lambda p: optim.Lion(p, lr=0.1),
}
SHAPES = [(3, 5), (1, 67), (), (130,)]


@pytest.fixture
def answers(monkeypatch):
    """What C answered: True for a step that it made, None for one that it left to Python."""
    given = []

    def noted(*args):
        given.append(accelerator.module.optimizer_steps(*args))
        return given[-1]

    monkeypatch.setattr(together, "in_c_steps", noted)
    return given


def draw(shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def parameters(dtype="float32"):
    return [Tensor(draw(shape, dtype, k), dtype=dtype) for k, shape in enumerate(SHAPES)]


def give_gradients(params, seed):
    for k, p in enumerate(params):
        p.grad = Tensor(draw(p.shape, p.dtype, 100 * seed + k), dtype=p.dtype)


def trained(make, params, steps=12):
    optimizer = make(params)
    for seed in range(steps):
        give_gradients(params, seed)
        optimizer.step()
    return [p.numpy() for p in params], optimizer.state_dict()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MAKERS)
def test_the_same_bits(name, dtype, answers):
    """Parameters and all that is remembered, after twelve steps; all but the first step are made in C."""
    quick, state = trained(MAKERS[name], parameters(dtype))
    assert answers == [True] * 11
    with accelerator.switched_off():
        usual, usual_state = trained(MAKERS[name], parameters(dtype))
    assert len(answers) == 11
    for a, b in zip(quick, usual, strict=True):
        np.testing.assert_array_equal(a, b)
    assert state.keys() == usual_state.keys()
    for key, array in state.items():
        np.testing.assert_array_equal(array, usual_state[key], err_msg=key)


def second_step(change, make=MAKERS["Adam"]):
    """Two steps; before the second, `change(params, optimizer)` makes it an unusual one."""
    params = parameters()
    optimizer = make(params)
    give_gradients(params, 0)
    optimizer.step()
    give_gradients(params, 1)
    kept = change(params, optimizer)
    optimizer.step()
    return [p.numpy() for p in params], kept


def transposed_gradient(params, optimizer):
    params[0].grad = Tensor(draw((5, 3))).transpose()


def other_dtype(params, optimizer):
    params[1].grad = Tensor(draw((1, 67), "float64"), dtype="float64")


def no_gradient_once(params, optimizer):
    params[2].grad = None
    optimizer.step()
    give_gradients(params, 2)


def another_kernel(params, optimizer):
    device = ndl.cpu()
    own = device.kernels.optimizer_steps
    calls = []

    def mine(*args):
        calls.append(len(args[2]))
        return own(*args)

    with device.override("optimizer_steps", mine):
        optimizer.step()
    return calls


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (transposed_gradient, [None]),
        (other_dtype, [None]),
        (no_gradient_once, [True, None]),
        (another_kernel, [None, True]),
    ],
)
def test_what_is_unusual_is_left_to_python(change, expected, answers):
    quick, kept = second_step(change)
    assert answers == expected
    if kept is not None:
        assert kept == [len(SHAPES)]  # the other kernel was called, once, with all parameters
    with accelerator.switched_off():
        usual, _ = second_step(change)
    for a, b in zip(quick, usual, strict=True):
        np.testing.assert_array_equal(a, b)


def test_who_holds_the_old_array_keeps_it(answers):
    """An array that is held elsewhere is not written over; one that is not, is."""
    params = parameters()
    optimizer = MAKERS["Adam"](params)
    give_gradients(params, 0)
    optimizer.step()
    held, view = params[0].cached_data, params[1].cached_data[:1]
    before = held.numpy(), view.numpy()
    places = [id(p.cached_data.storage) for p in params]
    give_gradients(params, 1)
    optimizer.step()
    assert answers == [True]
    np.testing.assert_array_equal(held.numpy(), before[0])
    np.testing.assert_array_equal(view.numpy(), before[1])
    assert params[0].cached_data is not held
    assert id(params[1].cached_data.storage) != places[1]
    assert [id(p.cached_data.storage) for p in params[2:]] == places[2:]


def test_what_is_written_over_gets_a_new_version(answers):
    params = parameters()
    optimizer = MAKERS["Adam"](params)
    give_gradients(params, 0)
    optimizer.step()
    loss = (params[0] * params[0]).sum()
    before = storage.latest_version
    give_gradients(params, 1)
    optimizer.step()
    assert answers == [True]
    written = [params[1].cached_data, optimizer.state[0]["m"], optimizer.state[0]["v"]]
    assert all(array.storage.version > before for array in written)
    assert all(p.version > before for p in params)
    with pytest.raises(ndl.backend.GradientError):
        loss.backward()


def test_nothing_is_leaked(answers):
    """References to arrays and states are as many after a step as before."""
    params = parameters()
    optimizer = MAKERS["Adam"](params)
    give_gradients(params, 0)
    optimizer.step()
    watched = [
        params[0],
        params[0].grad,
        params[0].grad.cached_data,
        optimizer.state[0],
        optimizer.state[0]["m"],
    ]
    optimizer.step()
    before = [sys.getrefcount(x) for x in watched]
    for _ in range(5):
        optimizer.step()
    assert answers == [True] * 6
    assert [sys.getrefcount(x) for x in watched] == before


def test_wrong_arguments_are_left_to_python_or_said():
    steps = accelerator.module.optimizer_steps
    with pytest.raises(TypeError, match="takes 7 arguments"):
        steps([])
    numbers = (0.0,) * 11
    tensor = Tensor([1.0])
    assert steps([], {}, {}, {}, 0, (), numbers) is None
    assert steps([(0, tensor)], {0: {}}, {}, {}, 0, (), numbers) is None  # no gradient
    assert steps([(0, 1)], {0: {}}, {}, {}, 0, (), numbers) is None
    tensor.grad = Tensor([1.0])
    assert steps([(0, tensor)], {}, {}, {}, 0, (), numbers) is None  # never stepped
    assert steps([(0, tensor)], {0: {}}, {}, {}, 0, ("m",), numbers) is None
    assert steps([(0, tensor)], {0: {}}, {}, {}, 0, (), numbers[1:]) is None
    with pytest.raises(ndl.backend.NeedleError, match="optimizer_steps"):
        steps([(0, tensor)], {0: {}}, {}, {}, 99, (), numbers)  # no such formula
    assert tensor.numpy().tolist() == [1.0]
