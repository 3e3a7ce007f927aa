"""Places that only a run knows: an op takes its index anew at each run, and refuses what is no place."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, graph, nn, ops, optim
from needle_edu.backend import IndexOutOfRange

A = np.random.RandomState(0).randn(4, 5).astype("float32")
ROWS = np.arange(4)[:, None]


def added(x, i):
    """The definition of scatter_add: place by place."""
    y = x.copy()
    for (row, column), place in np.ndenumerate(i):
        y[row, place] += 2 * x[row, column]
    return y


def written(x, i):
    y = x.copy()
    y[ROWS, i] = 7
    return y


CASES = {
    "gather": (lambda x, i: ops.gather(x, 1, i), lambda x, i: x[ROWS, i]),
    "take_along_axis": (lambda x, i: ops.take_along_axis(x, i, 1), lambda x, i: x[ROWS, i]),
    "take": (lambda x, i: ops.take(x, i, 1), lambda x, i: x[:, i]),
    "scatter_add": (lambda x, i: ops.scatter_add(x, 1, i, x * 2), added),
    "scatter": (lambda x, i: ops.scatter(x, 1, i, 7), written),
    "one_hot": (lambda x, i: ops.one_hot(i, 5), lambda x, i: np.eye(5, dtype="int64")[i]),
    "topk": (lambda x, i: ops.topk(x, 2)[0], lambda x, i: -np.sort(-x, axis=1)[:, :2]),
}


def indices(seed):
    return np.random.RandomState(seed).randint(0, 5, (4, 3))


@pytest.mark.parametrize("name", CASES)
def test_each_run_looks_at_its_own_index(name):
    function, expected = CASES[name]
    program = graph.capture(function, Tensor(A), Tensor(indices(0)))
    for seed in (1, 2):
        x, i = A * seed, indices(seed)
        np.testing.assert_array_equal(program(Tensor(x), Tensor(i)).numpy(), expected(x, i))


def test_all_of_them_compiled():
    every = ndl.compile(lambda x, i: {name: function(x, i) for name, (function, _) in CASES.items()})
    for seed in (1, 2):
        x, i = A * seed, indices(seed)
        for name, found in every(Tensor(x), Tensor(i)).items():
            np.testing.assert_array_equal(found.numpy(), CASES[name][1](x, i), err_msg=name)
    assert every.captures == 1


def test_gradients_go_to_the_places_of_the_run():
    def step(x, i):
        x.grad = None
        for name in ("gather", "take_along_axis", "scatter_add", "topk"):
            (CASES[name][0](x, i) ** 2).sum().backward()
        return x.grad

    compiled = ndl.compile(step)
    for seed in (1, 2):
        given = Tensor(A), Tensor(indices(seed))
        np.testing.assert_array_equal(compiled(*given).numpy(), step(*given).numpy())


REFUSING = {
    "gather": lambda table, i: ops.gather(table, 1, i),
    "scatter_add": lambda table, i: ops.scatter_add(table, 1, i, 1.0),
    "one_hot": lambda _, i: ops.one_hot(i, 5),
    "embedding": lambda table, i: ops.embedding(i, table.T),
}


@pytest.mark.parametrize("place", [-1, 5])
@pytest.mark.parametrize("name", REFUSING)
def test_what_is_no_place_is_refused_by_a_program_too(name, place):
    table, wrong = Tensor(A), Tensor(np.full((4, 1), place))
    with pytest.raises(IndexOutOfRange, match=f"{name}: index {place} is out of range"):
        REFUSING[name](table, wrong)
    with pytest.raises(IndexOutOfRange, match="index 5 is out of range"):
        graph.capture(lambda i: REFUSING[name](table, i), wrong)(wrong)


def test_which_number_comes_last_is_not_known():
    given = Tensor(A), Tensor(indices(0))
    with pytest.raises(graph.static.CaptureError, match=r"scatter: which number comes last .*line \d+\)"):
        graph.capture(lambda x, i: ops.scatter(x, 1, i, x), *given)


def test_gradients_are_cut_in_a_program():
    def made():
        model = nn.Linear(5, 3)
        model.weight.data = Tensor(A[:3].T)
        sgd = optim.SGD(model.parameters(), lr=1.0)

        def step(x):
            sgd.reset_grad()
            (model(x) ** 2).sum().backward()
            nn.utils.clip_grad_value_(model.parameters(), 0.5)
            sgd.step()

        return step, model.weight

    (eager, expected), (step, weight) = made(), made()
    before = weight.numpy().copy()
    eager(Tensor(A))
    ndl.compile(step)(Tensor(A))
    np.testing.assert_array_equal(weight.numpy(), expected.numpy())
    np.testing.assert_allclose(np.abs(before - weight.numpy()).max(), 0.5, rtol=1e-6)
