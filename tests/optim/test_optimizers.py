"""SGD and Adam against their formulas and against PyTorch; clipping; what a step must not touch."""

import numpy as np
import pytest

from needle_edu import init, nn, optim
from needle_edu.autograd import Tensor
from needle_edu.autograd.arrays import readable
from needle_edu.backend.errors import DataError, DTypeError, GradientError, ShapeError

SHAPES = [(3, 4), (1, 4), (5,), (1,)]
STEPS = 6


def problem(dtype="float32", seed=0):
    """Parameters, and the gradients they will get at each of STEPS steps."""
    rng = np.random.RandomState(seed)
    start = [rng.randn(*shape).astype(dtype) for shape in SHAPES]
    grads = [[rng.randn(*shape).astype(dtype) for shape in SHAPES] for _ in range(STEPS)]
    return start, grads


def run(make, dtype="float32"):
    start, grads = problem(dtype)
    params = [Tensor(p, dtype=dtype) for p in start]
    optimizer = make(params)
    for step in grads:
        for p, g in zip(params, step, strict=True):
            p.grad = Tensor(g, dtype=dtype)
        optimizer.step()
    assert all(p.dtype == dtype for p in params)
    return params, optimizer


def sgd_formula(lr, momentum, weight_decay):
    start, grads = problem()
    params = [p.astype(float) for p in start]
    us = [np.zeros(p.shape) for p in params]
    for step in grads:
        for k, g in enumerate(step):
            us[k] = momentum * us[k] + (1 - momentum) * (g.astype(float) + weight_decay * params[k])
            params[k] = params[k] - lr * us[k]
    return params


def adam_formula(lr, b1, b2, eps, weight_decay):
    start, grads = problem()
    params = [p.astype(float) for p in start]
    ms, vs = [np.zeros(p.shape) for p in params], [np.zeros(p.shape) for p in params]
    for t, step in enumerate(grads, start=1):
        for k, g in enumerate(step):
            d = g.astype(float) + weight_decay * params[k]
            ms[k] = b1 * ms[k] + (1 - b1) * d
            vs[k] = b2 * vs[k] + (1 - b2) * d**2
            params[k] = params[k] - lr * (ms[k] / (1 - b1**t)) / (np.sqrt(vs[k] / (1 - b2**t)) + eps)
    return params


def close(params, wanted, tol=1e-5):
    for p, q in zip(params, wanted, strict=True):
        np.testing.assert_allclose(p.numpy(), q, rtol=tol, atol=tol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_is_its_formula(momentum, weight_decay, dtype):
    params, _ = run(lambda p: optim.SGD(p, lr=0.2, momentum=momentum, weight_decay=weight_decay), dtype)
    close(params, sgd_formula(0.2, momentum, weight_decay))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("b1", "b2", "eps", "weight_decay"), [(0.9, 0.999, 1e-8, 0.0), (0.5, 0.8, 0.1, 0.3)])
def test_adam_is_its_formula(b1, b2, eps, weight_decay, dtype):
    params, _ = run(lambda p: optim.Adam(p, 0.05, b1, b2, eps, weight_decay), dtype)
    close(params, adam_formula(0.05, b1, b2, eps, weight_decay))


@pytest.mark.parity
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_agrees_with_pytorch(weight_decay):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    start, grads = problem()

    def theirs(make):
        params = [torch.tensor(p, requires_grad=True) for p in start]
        optimizer = make(params)
        for step in grads:
            for p, g in zip(params, step, strict=True):
                p.grad = torch.tensor(g)
            optimizer.step()
        return [p.detach().numpy() for p in params]

    adam, _ = run(lambda p: optim.Adam(p, lr=0.05, weight_decay=weight_decay))
    close(adam, theirs(lambda p: torch.optim.Adam(p, lr=0.05, weight_decay=weight_decay)))
    sgd, _ = run(
        lambda p: optim.SGD(p, lr=0.2, weight_decay=weight_decay)
    )  # momentum is another formula there
    close(sgd, theirs(lambda p: torch.optim.SGD(p, lr=0.2, weight_decay=weight_decay)))


MAKERS = [
    lambda p: optim.SGD(p, lr=0.1),
    lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    lambda p: optim.Adam(p, lr=0.1, weight_decay=0.1),
]


@pytest.mark.parametrize("make", MAKERS)
def test_a_step_leaves_copies_gradients_and_other_parameters_alone(make):
    p, without_grad = Tensor([1.0, 2.0]), Tensor([3.0])
    snapshot, kept = p.data, p.cached_data
    optimizer = make([p, without_grad])
    shared = Tensor([0.5, -0.5])
    for _ in range(2):
        p.grad = shared
        optimizer.step()
        assert p.grad is shared and shared.numpy().tolist() == [0.5, -0.5]
    assert snapshot.numpy().tolist() == [1.0, 2.0] and readable(kept).tolist() == [1.0, 2.0]
    assert p.numpy()[0] != 1.0 and without_grad.numpy().tolist() == [3.0]
    assert p.is_leaf() and p.requires_grad


@pytest.mark.parametrize("make", MAKERS)
def test_gradients_of_any_layout_and_dtype(make):
    """A gradient may be a transposed or broadcast view, or of another float type; the step is the same."""
    start = np.arange(6, dtype=np.float32).reshape(2, 3)
    grad = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]], dtype=np.float32)
    results = []
    for given in (
        Tensor(grad),
        Tensor(grad.T.copy()).transpose(),
        Tensor([[1.0]]).broadcast_to((2, 3)),
        Tensor(grad, dtype="float64"),
    ):
        p = Tensor(start)
        optimizer = make([p])
        for _ in range(2):
            p.grad = given
            optimizer.step()
        assert p.dtype == "float32"
        results.append(p.numpy())
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], rtol=1e-6)
    transposed = Tensor(start.T.copy()).transpose().detach()
    optimizer = make([transposed])
    for _ in range(2):
        transposed.grad = Tensor(grad)
        optimizer.step()
    np.testing.assert_allclose(transposed.numpy(), results[0], rtol=1e-6)


@pytest.mark.parametrize("make", MAKERS)
def test_the_old_graph_cannot_be_differentiated_after_a_step(make):
    """The gradient would mix old activations with new weights; PyTorch refuses too."""
    w = Tensor([2.0])
    loss = (w * w).sum()
    loss.backward()
    make([w]).step()
    with pytest.raises(GradientError, match="overwritten"):
        loss.backward()


def test_reset_grad():
    p = Tensor([1.0])
    p.grad = Tensor([1.0])
    optim.SGD([p]).reset_grad()
    assert p.grad is None


def test_clip_grad_norm():
    params = [Tensor([0.0, 0.0]), Tensor([[0.0]]), Tensor([0.0])]
    first = Tensor([2.0, 3.0])
    params[0].grad, params[1].grad = first, Tensor([[6.0]])
    optimizer = optim.SGD(params)
    assert optimizer.clip_grad_norm(100.0) == pytest.approx(7.0)
    assert params[0].grad is first
    assert optimizer.clip_grad_norm(0.7) == pytest.approx(7.0)
    np.testing.assert_allclose(params[0].grad.numpy(), [0.2, 0.3], rtol=1e-5)
    np.testing.assert_allclose(params[1].grad.numpy(), [[0.6]], rtol=1e-5)
    assert params[2].grad is None and first.numpy().tolist() == [2.0, 3.0]
    assert params[0].grad.op is None


def test_wrong_gradients_and_parameters_are_said():
    p = Tensor([1.0, 2.0])
    p.grad = Tensor([[1.0, 2.0]])
    with pytest.raises(GradientError, match=r"\(2,\).*\(1, 2\)"):
        optim.SGD([p]).step()
    with pytest.raises(TypeError, match="str"):
        optim.Adam(["weight"])
    p.grad = np.ones(2)
    with pytest.raises(GradientError, match="ndarray, wanted a Tensor"):
        optim.SGD([p]).step()


def test_params_that_are_not_several_tensors_are_said():
    """Iterating over one tensor gives its rows: new tensors, and training them would change nothing."""
    for make in (optim.SGD, optim.Adam):
        with pytest.raises(TypeError, match=r"got one Parameter; give a list"):
            make(nn.Parameter([1.0, 2.0]))
        with pytest.raises(TypeError, match=rf"got one Linear; give {make.__name__}\(model.parameters\(\)\)"):
            make(nn.Linear(2, 2))
        with pytest.raises(TypeError, match="got one NoneType"):
            make(None)
        assert len(make(p for p in nn.Linear(2, 2).parameters()).params) == 2


@pytest.mark.parametrize("make", MAKERS)
def test_nothing_to_train_is_said(make):
    """An iterator that was used up already is the usual reason. A group that is empty may be filled later."""
    used = iter([Tensor([1.0])])
    list(used)
    for nothing in ([], (), used):
        with pytest.raises(
            ValueError, match=r"^(SGD|Adam): params is empty; give model.parameters\(\), anew"
        ):
            make(nothing)
    assert make([{"params": []}]).params == []


def test_a_parameter_named_twice_is_trained_once():
    p, q = Tensor([1.0]), Tensor([1.0])
    p.grad = q.grad = Tensor([1.0])
    optim.SGD([p, q, p], lr=0.25).step()
    assert p.numpy() == q.numpy() == [0.75]


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
def test_whole_numbers_are_not_trained(make):
    p = Tensor([1, 2])
    p.grad = Tensor([1.0, 1.0])
    with pytest.raises(DTypeError, match="int64"):
        make([p], lr=0.1).step()


@pytest.mark.parametrize(
    ("name", "wrong"), [("beta1", 1.0), ("beta2", 1.0), ("beta1", -0.1), ("beta2", np.nan)]
)
def test_adam_refuses_averages_that_never_begin(name, wrong):
    with pytest.raises(ValueError, match=f"{name}.*{wrong}"):
        optim.Adam([Tensor([1.0])], **{name: wrong})


def test_repr_shows_the_settings():
    params = nn.Linear(4, 3).parameters()
    assert repr(optim.SGD(params, lr=0.5)) == "SGD(lr=0.5, momentum=0.0, weight_decay=0.0) · 15 parameters"
    assert (
        "beta1=0.9" in repr(optim.Adam(params))
        and repr(optim.Optimizer(params)) == "Optimizer() · 15 parameters"
    )


def test_state_dict_round_trip_and_errors():
    params, optimizer = run(lambda p: optim.Adam(p, lr=0.05))
    saved = optimizer.state_dict()
    assert saved["t.0"] == STEPS and saved["m.0"].shape == (3, 4) and len(saved) == 5 + 3 * len(SHAPES)
    fresh = optim.Adam([Tensor(p.numpy()) for p in params])
    fresh.load_state_dict(saved)
    assert set(fresh.t.values()) == {STEPS} and fresh.lr == 0.05
    for p, q in zip(params, fresh.params, strict=True):
        p.grad = q.grad = Tensor(np.ones(p.shape))
    optimizer.step()
    fresh.step()
    close(fresh.params, [p.numpy() for p in params], tol=0)
    saved["m.0"][:] = 7  # the state handed out was a copy
    assert not np.any(readable(optimizer.m[0]) == 7)
    with pytest.raises(DataError, match="another kind"):
        optim.SGD(params).load_state_dict(saved)
    with pytest.raises(DataError, match="'m.3'"):
        optim.Adam(params[:3]).load_state_dict(saved)
    with pytest.raises(ShapeError, match=r"m.0.*\(3, 4\).*\(5,\)"):
        optim.Adam(params[::-1][1:] + [init.zeros(1, 4, requires_grad=True)]).load_state_dict(saved)


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, lambda p, lr: optim.SGD(p, lr, momentum=0.9)])
def test_a_parameter_whose_first_gradient_comes_late_moves_like_the_others(make):
    """A network may use a layer only after a while. With one count of steps for all, Adam would start it 2.5 times
    too fast at step 1001: the correction of its averages for having begun at zero would be gone."""
    early, late, alone = Tensor([1.0]), Tensor([1.0]), Tensor([1.0])
    both, reference = make([early, late], lr=0.01), make([alone], lr=0.01)
    for step in range(1005):
        early.grad = Tensor([1.0])
        if step >= 1000:
            late.grad = alone.grad = Tensor([1.0])
            reference.step()
        both.step()
        assert late.item() == alone.item()
    assert late.item() < 1.0
    again = make([Tensor([1.0]), Tensor([1.0])], lr=0.01)
    again.load_state_dict(both.state_dict())
    early.grad = again.params[0].grad = late.grad = again.params[1].grad = Tensor([0.5])
    again.params[1].data = late.data
    both.step(), again.step()
    assert again.params[1].item() == late.item()


HALF = np.full((2,), 0.5, dtype=np.float32)


@pytest.mark.parametrize(
    ("make", "damage", "words"),
    [
        (optim.SGD, {"lr": np.asarray("x")}, "lr is one number"),
        (optim.SGD, {"lr": [0.1, 0.2]}, "lr is one number"),
        (optim.SGD, {"lr": np.nan}, "0 <= lr, got nan"),
        (optim.SGD, {"momentum": 1.5}, "momentum < 1, got 1.5"),
        (optim.Adam, {"beta1": -0.5}, "0 <= beta1 < 1"),
        (optim.Adam, {"t.0": np.nan}, "t.0 is a whole number"),
        (optim.Adam, {"t.0": -1}, "t.0 is a whole number"),
        (optim.Adam, {"t.0": None}, "t.0 is a whole number"),
        (optim.Adam, {"m.0": np.array(["a", "b"])}, "m.0 is an array of numbers"),
        (optim.Adam, {"m.0": [[1.0], [1.0, 2.0]]}, "m.0: rows of different lengths"),
        (optim.Adam, {"v.1": HALF}, "only a part"),
        (optim.Adam, {"lr": 0.5, "w.0": HALF}, "'w.0' belongs to no parameter"),
    ],
)
def test_a_state_that_makes_no_sense_changes_nothing(make, damage, words):
    params = [Tensor([1.0, 2.0]), Tensor([3.0, 4.0])]
    params[0].grad = Tensor([1.0, 1.0])
    optimizer = make(params, lr=0.25)
    optimizer.step()
    before = optimizer.state_dict()
    good = {name: array + 1 if "." in name else array / 2 for name, array in before.items()}
    with pytest.raises(DataError, match=words):
        optimizer.load_state_dict({**good, **damage})
    after = optimizer.state_dict()
    assert before.keys() == after.keys() and all(np.array_equal(before[k], after[k]) for k in before)
    optimizer.load_state_dict(good)
    assert optimizer.lr == 0.125


@pytest.mark.parametrize("wrong", ["x", None, np.nan, np.inf, -0.1, True, [0.1]])
@pytest.mark.parametrize(
    ("make", "name"),
    [(optim.SGD, name) for name in ("lr", "momentum", "weight_decay")]
    + [(optim.Adam, name) for name in ("lr", "beta1", "beta2", "eps", "weight_decay")],
)
def test_settings_that_make_no_sense_are_said(make, name, wrong):
    with pytest.raises(ValueError, match=f"{make.__name__}: {name} is a number with 0 <= {name}"):
        make([Tensor([1.0])], **{name: wrong})
    with pytest.raises(ValueError, match="clip_grad_norm: max_norm"):
        make([Tensor([1.0])]).clip_grad_norm(wrong)
