"""Module: how the parts of a model are found, named, switched, printed, saved and loaded."""

import contextlib

import numpy as np
import pytest

from needle_edu import checkpoints, init, nn, optim
from needle_edu.autograd import Tensor, state
from needle_edu.backend.errors import DataError, DTypeError, ShapeError


class Branching(nn.Module):
    """Parts as attributes, in a dict, a list and a tuple; one parameter used twice; itself as a part."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.parts = {"b": nn.BatchNorm1d(3), "list": [nn.Parameter([1.0]), (nn.Dropout(0.5), nn.ReLU())]}
        self.again = self.first
        self.tied = self.first.weight
        self.number = 5
        self.own = nn.Parameter([[2.0]], dtype="float32")
        self.me = self
        self.constant = Tensor([3.0])

    def forward(self, x):
        return self.parts["b"](self.first(x))


NAMES = ["first.weight", "first.bias", "parts.b.weight", "parts.b.bias", "parts.list.0", "own"]


def test_parameters_are_named_by_their_path_in_attribute_order_once_each():
    model = Branching()
    named = list(model.named_parameters())
    assert [name for name, _ in named] == NAMES
    assert all(a is b for a, (_, b) in zip(model.parameters(), named, strict=True))
    for name, parameter in named[:2]:
        assert parameter is getattr(model.first, name.split(".")[1])


def test_modules_are_named_parents_first():
    model = Branching()
    assert [name for name, _ in model.named_modules()] == [
        "",
        "first",
        "parts.b",
        "parts.list.1.0",
        "parts.list.1.1",
    ]
    assert [type(m).__name__ for m in model._children()] == ["Linear", "BatchNorm1d", "Dropout", "ReLU"]


def test_train_and_eval_reach_every_module():
    model = Branching()
    assert model.eval() is model
    assert not any(module.training for _, module in model.named_modules())
    assert model.train() is model
    assert all(module.training for _, module in model.named_modules())


def test_a_module_without_init_still_works():
    class Bare(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)

        def forward(self, x):
            return self.layer(x)

    model = Bare()
    assert model.training and len(model.parameters()) == 2 and not model.eval().training


def test_forward_must_be_defined():
    with pytest.raises(NotImplementedError, match="Nothing must define forward"):
        type("Nothing", (nn.Module,), {})()(1)


def test_repr_is_a_tree_with_shapes_and_counts():
    model = nn.Sequential(
        nn.Residual(nn.Linear(4, 4)), nn.LayerNorm1d(4), nn.Linear(4, 250, bias=False), nn.Dropout(0.1)
    )
    assert repr(model) == "\n".join([
        "Sequential() · 1,028 parameters",
        "├─ modules.0: Residual() · 20 parameters",
        "│  └─ fn: Linear(4, 4) · 20 parameters: weight (4, 4), bias (1, 4)",
        "├─ modules.1: LayerNorm1d(4) · 8 parameters: weight (4,), bias (4,)",
        "├─ modules.2: Linear(4, 250, bias=False) · 1,000 parameters: weight (4, 250)",
        "└─ modules.3: Dropout(0.1)",
    ])  # fmt: skip
    assert "Branching" in repr(Branching())  # and it ends, although the module holds itself


def test_state_dict_has_parameters_and_running_averages_as_copies():
    model = Branching()
    saved = model.state_dict()
    assert list(saved) == [*NAMES, "parts.b.running_mean", "parts.b.running_var"]
    saved["own"][:] = 99
    assert model.own.numpy().tolist() == [[2.0]]


def test_load_state_dict_takes_everything_over():
    init.seed(0)
    source, target = Branching(), Branching()
    source(init.randn(6, 2))
    target.load_state_dict(source.state_dict())
    for name, array in target.state_dict().items():
        np.testing.assert_array_equal(array, source.state_dict()[name])
    assert abs(target.parts["b"].running_mean.numpy()).min() > 0
    assert (
        target.tied is target.first.weight
        and isinstance(target.own, nn.Parameter)
        and target.own.requires_grad
    )
    x = init.randn(4, 2)
    np.testing.assert_array_equal(target.eval()(x).numpy(), source.eval()(x).numpy())


@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        (lambda s: s.pop("own"), DataError, ["missing ['own']", "unknown nothing"]),
        (lambda s: s.update(other=np.zeros(1)), DataError, ["unknown ['other']"]),
        (lambda s: s.update(own=np.zeros((2, 1), "float32")), ShapeError, ["own", "(2, 1)", "(1, 1)"]),
        (lambda s: s.update(own=np.zeros((1, 1))), DTypeError, ["own", "float64", "float32"]),
        (lambda s: s.update(own=[[1.0], [1.0, 2.0]]), DataError, ["own", "different lengths"]),
        (lambda s: s.update(own="x"), ShapeError, ["own", "()", "(1, 1)"]),
        (lambda s: s.update(own=[["x"]]), DTypeError, ["own", "float32"]),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(damage, error, words):
    model, state_of_another = Branching(), Branching().state_dict()
    before = model.state_dict()
    damage(state_of_another)
    with pytest.raises(error) as raised:
        model.load_state_dict(state_of_another)
    for word in ["Branching.load_state_dict", *words]:
        assert word in str(raised.value)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_two_tensors_of_one_name_are_refused_not_lost():
    model = nn.Module()
    model.parts = {"a.b": nn.Linear(1, 1), "a": {"b": nn.Linear(1, 1)}}
    with pytest.raises(DataError, match=r"'parts.a.b.bias'.*without dots"):
        model.state_dict()


def train_a_little(model, optimizer, steps):
    for _ in range(steps):
        optimizer.reset_grad()
        loss = (model(init.randn(5, 2)) ** 2).sum()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize(
    "make", [lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lambda p: optim.Adam(p, lr=0.1)]
)
def test_training_goes_on_from_a_checkpoint_as_if_never_interrupted(tmp_path, make):
    init.seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    optimizer = make(model.parameters())
    train_a_little(model, optimizer, 3)
    checkpoints.save(tmp_path / "run.npz", model=model, optimizer=optimizer)
    init.seed(1)
    train_a_little(model, optimizer, 3)

    resumed = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    second = make(resumed.parameters())
    second.lr = 123
    checkpoints.load(tmp_path / "run.npz", model=resumed, optimizer=second)
    assert second.lr == optimizer.lr
    init.seed(1)
    train_a_little(resumed, second, 3)
    for name, array in resumed.state_dict().items():
        np.testing.assert_array_equal(array, model.state_dict()[name])


def test_a_failed_save_leaves_the_old_checkpoint(tmp_path):
    model = nn.Linear(2, 2)
    path = tmp_path / "run.npz"
    checkpoints.save(path, model=model)
    before = path.read_bytes()

    class Interrupted:
        def state_dict(self):
            class Array:
                def __array__(self, *args, **kwargs):
                    raise KeyboardInterrupt

            return {"x": Array()}

    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(path, model=model, other=Interrupted())
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["run.npz"]


def test_a_bad_checkpoint_is_said_and_changes_nothing(tmp_path):
    model = nn.Linear(2, 2)
    path = tmp_path / "run.npz"
    checkpoints.save(path, model=model, other=nn.Linear(1, 1))
    fresh = nn.Linear(2, 2)
    before = fresh.state_dict()
    with pytest.raises(
        DataError, match=r"run.npz: found the parts \['model', 'other'\], expected one named 'optimizer'"
    ):
        checkpoints.load(path, model=fresh, optimizer=optim.SGD(fresh.parameters()))
    with pytest.raises(ShapeError):
        checkpoints.load(path, model=fresh, other=nn.Linear(1, 2))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="run.npz"):
        checkpoints.load(path, model=fresh)
    path.write_bytes(b"not a zip")
    with pytest.raises(DataError, match="run.npz"):
        checkpoints.load(path, model=fresh)
    np.save(path.open("wb"), np.zeros(3))
    with pytest.raises(DataError, match="no zip archive"):
        checkpoints.load(path, model=fresh)
    np.savez(path.open("wb"), **{"model/x": np.array([{}], dtype=object)})
    with pytest.raises(DataError, match="run.npz"):
        checkpoints.load(path, model=fresh)
    for name, array in fresh.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(FileNotFoundError):
        checkpoints.load(tmp_path / "nowhere.npz", model=fresh)


def test_events_know_the_module_they_belong_to():
    model = nn.Sequential(nn.Residual(nn.Linear(2, 2)), nn.ReLU())
    seen = []
    previous = state.set_hook(lambda event, array: seen.append((event.op, event.module)))
    try:
        model(init.ones(1, 2))
    finally:
        state.set_hook(previous)
    assert ("matmul", "Sequential.modules.0.fn") in seen and ("relu", "Sequential.modules.1") in seen
    assert str(state.module_path) == ""


def test_the_module_path_is_left_even_after_an_error():
    previous = state.set_hook(lambda event, array: None)
    try:
        with pytest.raises(ShapeError):
            nn.Sequential(nn.Linear(3, 3))(init.ones(1, 2))
    finally:
        state.set_hook(previous)
    assert str(state.module_path) == ""


def test_what_cannot_be_saved_is_said_and_leaves_no_file(tmp_path):
    path = tmp_path / "run.npz"
    model = nn.Linear(2, 2)
    for wrong in (3, nn.Linear, model.parameters()):
        with pytest.raises(
            TypeError, match=f"model is an? {type(wrong).__name__}, wanted a module or an optimiser"
        ):
            checkpoints.save(path, model=wrong)
    with pytest.raises(DataError, match="optimizer: lr is no number"):
        optimizer = optim.SGD(model.parameters())
        optimizer.lr = lambda step: 0.1
        checkpoints.save(path, optimizer=optimizer)
    assert not path.exists()


def test_parts_of_any_name_and_parts_without_state(tmp_path):
    path, model, other = tmp_path / "run.npz", nn.Linear(2, 2), nn.Linear(2, 2)
    checkpoints.save(path, path=model, file=nn.ReLU())
    checkpoints.load(path, path=other, file=nn.ReLU())
    np.testing.assert_array_equal(other.weight.numpy(), model.weight.numpy())


def test_a_flipped_bit_anywhere_is_an_error_of_data_or_harmless(tmp_path):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    path = tmp_path / "run.npz"
    checkpoints.save(path, model=model)
    whole, before, rng = path.read_bytes(), model.state_dict(), np.random.RandomState(0)
    places = [*rng.randint(len(whole), size=150), len(whole) - 60, 2801 % len(whole)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.randint(8)
        path.write_bytes(damaged)
        with contextlib.suppress(DataError, ShapeError, DTypeError):
            checkpoints.load(path, model=model)
        for name, array in model.state_dict().items():
            np.testing.assert_array_equal(array, before[name], err_msg=f"byte {place} flipped")


def test_a_checkpoint_whose_last_part_makes_no_sense_changes_no_part(tmp_path):
    path = tmp_path / "run.npz"
    source, model = nn.Linear(2, 2), nn.Linear(2, 2)
    optimizer = optim.Adam(model.parameters())
    before = {**model.state_dict(), **optimizer.state_dict()}
    for damage in ({"lr": "x"}, {"lr": np.nan}, {"t.0": -1}):
        arrays = {f"model/{name}": array for name, array in source.state_dict().items()}
        arrays |= {f"optimizer/{name}": array for name, array in {**optimizer.state_dict(), **damage}.items()}
        with path.open("wb") as file:
            np.savez(file, **arrays)
        with pytest.raises(DataError, match=f"Adam.load_state_dict: .*{next(iter(damage))}"):
            checkpoints.load(path, model=model, optimizer=optimizer)
        after = {**model.state_dict(), **optimizer.state_dict()}
        assert all(np.array_equal(before[name], after[name]) for name in before)
    for wrong in (3, nn.Linear):
        with pytest.raises(TypeError, match=f"checkpoints.load: model is an? {type(wrong).__name__}"):
            checkpoints.load(path, model=wrong)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.LeakyReLU(0.2), "LeakyReLU(negative_slope=0.2)"),
        (nn.LeakyReLU(), "LeakyReLU()"),
        (nn.Softmax(1), "Softmax(dim=1)"),
        (nn.Threshold(0.1, 2.0), "Threshold(0.1, 2.0)"),
        (nn.HuberLoss("sum", 2.0), "HuberLoss(reduction='sum', delta=2.0)"),
    ],
)
def test_a_layer_prints_what_was_chosen_when_it_was_made(layer, text):
    assert repr(layer) == text


def test_a_module_of_ones_own_prints_what_it_keeps_of_its_arguments():
    class Net(nn.Module):
        def __init__(self, inputs, hidden, depth=2, activation=nn.ReLU):
            super().__init__()
            self.hidden, self.depth, self.activation = hidden, depth, activation()

    assert repr(Net(9, 3, 4)).splitlines()[0] == "Net(hidden=3, depth=4)"
