"""Parameter groups, the settings of every optimiser, and their memory: saved, loaded, refused."""

import numpy as np
import pytest

from needle_edu import checkpoints, nn, optim
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import DataError, DTypeError

MAKERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0, nesterov=True),
    "Adam": lambda p: optim.Adam(p, betas=(0.5, 0.9)),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1),
    "AMSGrad": lambda p: optim.Adam(p, amsgrad=True, maximize=True),
    "NAdam": lambda p: optim.NAdam(p, lr=0.1, momentum_decay=0.1),
    "Adamax": lambda p: optim.Adamax(p, lr=0.1),
    "ASGD": lambda p: optim.ASGD(p, lr=0.1, t0=1),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, momentum=0.5, centered=True),
    "Adadelta": lambda p: optim.Adadelta(p, rho=0.5),
    "RAdam": lambda p: optim.RAdam(p, lr=0.1, decoupled_weight_decay=True, weight_decay=0.1),
    "Rprop": lambda p: optim.Rprop(p, lr=0.1, etas=(0.2, 1.7)),
    "Lion": lambda p: optim.Lion(p, lr=0.1),
    "Muon": lambda p: optim.Muon(p, nesterov=False, adjust_lr_fn="match_rms_adamw"),
}
EVERY = pytest.mark.parametrize("name", MAKERS)


KINDS = {"AMSGrad": optim.Adam}


def kind_of(name):
    return KINDS.get(name) or getattr(optim, name)


def params():
    return [Tensor(np.arange(6.0).reshape(2, 3)), Tensor([[1.0], [2.0]])]


def train(optimizer, ps, steps, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        for p in ps:
            p.grad = Tensor(rng.normal(size=p.shape))
        optimizer.step()


@EVERY
def test_a_loaded_optimiser_goes_on_as_the_saved_one(name, tmp_path):
    first = params()
    optimizer = MAKERS[name](first)
    train(optimizer, first, 3)
    second = [Tensor(p.numpy()) for p in first]
    other = kind_of(name)(second)
    checkpoints.save(tmp_path / "run.npz", optimizer=optimizer)
    checkpoints.load(tmp_path / "run.npz", optimizer=other)
    assert repr(other) == repr(optimizer)
    train(optimizer, first, 3, seed=1)
    train(other, second, 3, seed=1)
    for p, q in zip(first, second, strict=True):
        assert np.array_equal(p.numpy(), q.numpy())


@EVERY
def test_a_damaged_state_changes_nothing(name):
    ps = params()
    optimizer = MAKERS[name](ps)
    train(optimizer, ps, 2)
    before = optimizer.state_dict()
    memory = optimizer.memories[0] if optimizer.memories else "u"
    for damage, words in [
        ({"lr": -1.0}, "0 <= lr"),
        ({f"{memory}.7": np.ones((2, 3))}, "belongs to no parameter"),
        ({f"{memory}.1": np.array([["a"], ["b"]])}, "array of numbers"),
        ({"groups.1.lr": 0.1}, "belongs to no parameter"),
        *(({f"{number}.1": np.nan}, "one finite number") for number in optimizer.numbers),
        *(({f"{count}.1": -1}, "a whole number of at least 0") for count in optimizer.counters),
        ({"maximize": "x"}, "maximize is True or False"),
    ]:
        with pytest.raises(DataError, match=words):
            optimizer.load_state_dict({"lr": 0.7, **before, **damage})
    after = optimizer.state_dict()
    assert before.keys() == after.keys() and all(np.array_equal(before[k], after[k]) for k in before)


@EVERY
def test_a_step_leaves_copies_and_gradients_alone_and_takes_any_layout(name):
    wide = np.arange(6.0, dtype="float32").reshape(2, 3)
    rng = np.random.default_rng(1)
    grads = [rng.normal(size=(2, 3)).astype("float32") for _ in range(3)]
    plain, turned = Tensor(wide), Tensor(wide.T.copy()).transpose().detach()
    kept = plain.data
    first, second = MAKERS[name]([plain]), MAKERS[name]([turned])
    for g in grads:
        plain.grad = Tensor(g)
        turned.grad = Tensor(g[:, ::-1].copy(), dtype="float64")[:, ::-1]
        first.step(), second.step()
        assert np.array_equal(plain.grad.numpy(), g)
    assert np.array_equal(kept.numpy(), wide) and not np.array_equal(plain.numpy(), wide)
    assert turned.dtype == "float32"
    np.testing.assert_allclose(plain.numpy(), turned.numpy(), rtol=1e-5, atol=1e-5)


@EVERY
@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_empty_parameters(name, shape):
    p = Tensor(np.zeros(shape))
    p.grad = Tensor(np.zeros(shape))
    MAKERS[name]([p]).step()
    assert p.shape == shape


@EVERY
def test_whole_numbers_are_not_trained(name):
    p = Tensor([[1, 2]])
    p.grad = Tensor([[1.0, 1.0]])
    with pytest.raises(
        DTypeError, match=f"{kind_of(name).__name__}.step: parameters are float32 or float64, got int64"
    ):
        MAKERS[name]([p]).step()


@EVERY
@pytest.mark.parametrize("wrong", ["x", None, np.nan, np.inf, -0.1, True, [0.1]])
def test_settings_that_make_no_sense_are_said(name, wrong):
    kind = kind_of(name)
    name = kind.__name__
    pairs = {pair[0]: key for key, pair in kind.pairs.items()} | {
        pair[1]: key for key, pair in kind.pairs.items()
    }
    for setting in kind.hyperparameters:
        with pytest.raises(ValueError, match=f"{name}: {setting} is a"):
            kind([{"params": params(), setting: wrong}])
        if setting in pairs and name != "Adam":
            with pytest.raises(ValueError, match=f"{name}: {pairs[setting]} is a pair of numbers"):
                kind(params(), **{pairs[setting]: 0.5})
    for option, default in kind.options.items():
        if isinstance(default, bool) and wrong is not True:
            with pytest.raises(ValueError, match=f"{name}: {option} is True or False"):
                kind([{"params": params(), option: wrong}])


def test_groups_have_settings_of_their_own():
    w, b, c = Tensor([1.0]), Tensor([1.0]), Tensor([1.0])
    optimizer = optim.SGD([{"params": [w], "weight_decay": 0.5}, {"params": b, "lr": 1.0}], lr=0.5)
    optimizer.add_param_group({"params": [c], "lr": 0.0})
    for p in (w, b, c):
        p.grad = Tensor([0.25])
    optimizer.step()
    assert [w.item(), b.item(), c.item()] == [1 - 0.5 * 0.75, 0.75, 1.0]
    assert optimizer.lr == 0.5 and [g["lr"] for g in optimizer.param_groups] == [0.5, 1.0, 0.0]
    assert repr(optimizer).endswith("3 parameters in 3 groups")
    optimizer.lr = 0.25
    assert [g["lr"] for g in optimizer.param_groups] == [0.25] * 3
    optimizer.param_groups[1]["lr"] = 0.5
    saved = optimizer.state_dict()
    assert saved["lr"] == 0.25 and saved["groups.1.lr"] == 0.5 and "groups.0.lr" not in saved
    other = optim.SGD([{"params": [Tensor([1.0])]} for _ in range(3)])
    other.load_state_dict(saved)
    assert [(g["lr"], g["weight_decay"]) for g in other.param_groups] == [
        (0.25, 0.5),
        (0.5, 0.0),
        (0.25, 0.0),
    ]
    with pytest.raises(DataError, match="another kind of optimiser: missing .'groups.1.lr'"):
        other.load_state_dict(optim.SGD([w]).state_dict())


@pytest.mark.parametrize(
    ("groups", "error", "words"),
    [
        ([{"lr": 1.0}], TypeError, r"SGD: a group is a dict \{'params'"),
        ([{"params": 3}], TypeError, "SGD: params must be several tensors, got one int"),
        ([{"params": ["w"]}], TypeError, "SGD: params must be tensors, got str"),
        ([{"params": [], "rl": 1.0}], TypeError, "there is no setting 'rl'; the settings are .*'lr'"),
        ([{"params": [], "lr": -1.0}], ValueError, "SGD: lr is a number with 0 <= lr, got -1.0"),
        ([{"params": [], "dampening": 2.0}], ValueError, "dampening is a number with 0 <= dampening <= 1"),
        ([{"params": [], "nesterov": True}], ValueError, "nesterov wants momentum > 0 and dampening=0"),
        (
            [{"params": [], "nesterov": True, "momentum": 0.5}],
            ValueError,
            "got momentum=0.5 and dampening=None",
        ),
    ],
)
def test_wrong_groups_are_said(groups, error, words):
    with pytest.raises(error, match=words):
        optim.SGD(groups)


def test_a_parameter_is_in_one_group_only():
    w = Tensor([1.0])
    with pytest.raises(ValueError, match="a parameter is in two groups"):
        optim.SGD([{"params": [w]}, {"params": [w]}])
    optimizer = optim.SGD([w])
    with pytest.raises(ValueError, match="a parameter is in two groups"):
        optimizer.add_param_group({"params": [w]})
    assert optimizer.params == [w] and len(optimizer.param_groups) == 1


def test_settings_that_make_no_sense_together_are_said():
    with pytest.raises(ValueError, match=r"Rprop: step_sizes are \(shortest, longest\), got \(2, 1\)"):
        optim.Rprop([Tensor([1.0])], step_sizes=(2, 1))
    with pytest.raises(ValueError, match=r"Rprop: eta_plus is a number with 1 <= eta_plus, got 0.5"):
        optim.Rprop([Tensor([1.0])], etas=(0.5, 0.5))
    with pytest.raises(ValueError, match=r"Muon: trains matrices only, got a parameter of shape \(3,\)"):
        optim.Muon([Tensor([1.0, 2.0, 3.0])])
    with pytest.raises(
        ValueError, match="Muon: adjust_lr_fn is None, 'original' or 'match_rms_adamw', got 'x'"
    ):
        optim.Muon(params(), adjust_lr_fn="x")
    optimizer = optim.SGD(params(), momentum=0.9, dampening=0, nesterov=True)
    with pytest.raises(DataError, match="nesterov wants momentum"):
        optimizer.load_state_dict({**optimizer.state_dict(), "momentum": 0.0})


def test_an_optimiser_of_ones_own_may_say_one_formula():
    class Halving(optim.Optimizer):
        hyperparameters = ("lr",)
        counters = ("t",)

        def update(self, p, g, state, s):
            state["t"] = state.get("t", 0) + 1
            return p - s["lr"] / 2 ** state["t"] * g

    w = Tensor([1.0])
    optimizer = Halving([w], lr=1.0)
    for _ in range(2):
        w.grad = Tensor([1.0])
        optimizer.step()
    assert w.item() == 0.25 and optimizer.t == {0: 2} and optimizer.state_dict()["t.0"] == 2
    optimizer.zero_grad()
    assert w.grad is None
    with pytest.raises(NotImplementedError, match=r"Optimizer must define step\(self\), or update"):
        w.grad = Tensor([1.0])
        optim.Optimizer([w]).step()

    class Early(optim.Optimizer):
        def __init__(self, params):
            self.lr = 0.1

    with pytest.raises(AttributeError, match=r"Early: call super\(\).__init__\(params\) before setting 'lr'"):
        Early([w])


def test_gradients_of_several_batches_add_up_to_one_step(rng):
    """`backward(accumulate=True)` adds to `grad` until it is reset."""
    x, y = rng.normal(size=(8, 3)).astype("float32"), rng.normal(size=(8, 1)).astype("float32")
    whole, parts = nn.Linear(3, 1), nn.Linear(3, 1)
    parts.load_state_dict(whole.state_dict())
    for model, batches in ((whole, [slice(0, 8)]), (parts, [slice(0, 4), slice(4, 8)])):
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for batch in batches:
            error = model(Tensor(x[batch])) - Tensor(y[batch])
            loss = (error * error).sum() / error.shape[0]
            (loss / len(batches)).backward(accumulate=True)
        optimizer.step()
    np.testing.assert_allclose(whole.weight.numpy(), parts.weight.numpy(), rtol=1e-5, atol=1e-6)
