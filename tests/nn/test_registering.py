"""Buffers and parts by name, lists and dicts of parameters, copies of models, and weights that two layers share."""

import copy

import numpy as np
import pytest

from needle_edu import Tensor, nn, optim
from needle_edu.backend.errors import DataError, ShapeError


class Centred(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", Tensor([1.0, 2.0]))
        self.register_buffer("scratch", Tensor([9.0]), persistent=False)
        self.register_buffer("later", None)
        self.scale = nn.Parameter([1.0])

    def forward(self, x):
        return (x - self.mean) * self.scale


def test_buffers_belong_to_the_state_and_are_not_trained():
    model = nn.Sequential(Centred())
    assert list(model.state_dict()) == ["modules.0.scale", "modules.0.mean"]
    assert [name for name, _ in model.named_buffers()] == ["modules.0.mean", "modules.0.scratch"]
    assert [buffer.numpy().tolist() for buffer in model.buffers()] == [[1, 2], [9]]
    assert [name for name, _ in model.named_parameters()] == ["modules.0.scale"]
    assert not model.modules[0].mean.requires_grad and Centred.buffer_names == ()
    other = nn.Sequential(Centred())
    other.modules[0].mean.data = Tensor([5.0, 6.0])
    model.load_state_dict(other.state_dict())
    assert model.modules[0].mean.numpy().tolist() == [5, 6]
    model.to(dtype="float64")
    assert model.modules[0].mean.dtype == model.modules[0].scratch.dtype == "float64"
    with pytest.raises(DataError, match=r"missing \['modules.0.mean'\], unknown \['modules.0.scratch'\]"):
        model.load_state_dict({"modules.0.scale": np.ones(1), "modules.0.scratch": np.ones(1)})
    with pytest.raises(ShapeError, match=r"modules.0.mean: got shape \(3,\), wanted \(2,\)"):
        model.load_state_dict({"modules.0.scale": np.ones(1), "modules.0.mean": np.ones(3)})


def test_a_buffer_may_come_later_and_change_its_kind():
    model = Centred()
    model.register_buffer("later", Tensor([3.0]))
    model.register_buffer("scratch", Tensor([4.0]))
    assert [name for name, _ in model.saved_buffers()] == ["mean", "later", "scratch"]
    model.register_buffer("mean", Tensor([0.0]), persistent=False)
    assert [name for name, _ in model.saved_buffers()] == ["later", "scratch"]


def test_parts_are_registered_and_found_by_name():
    model = nn.Module()
    model.register_parameter("w", nn.Parameter([1.0]))
    model.register_parameter("bias", None)
    model.add_module("layer", nn.Linear(2, 3))
    model.register_module("none", None)
    assert [name for name, _ in model.named_parameters()] == ["w", "layer.weight", "layer.bias"]
    assert model.get_submodule("layer") is model.layer and model.get_submodule("") is model
    assert model.get_parameter("layer.bias") is model.layer.bias
    assert nn.Sequential(Centred()).get_buffer("modules.0.mean").numpy().tolist() == [1, 2]
    for what, wrong in [("get_submodule", "head"), ("get_parameter", "layer"), ("get_buffer", "w")]:
        with pytest.raises(AttributeError, match=f"Module.{what}: there is no '{wrong}'; there are"):
            getattr(model, what)(wrong)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m: m.register_buffer("a.b", None),
            KeyError,
            "a name is a Python identifier without dots, got 'a.b'",
        ),
        (lambda m: m.register_buffer(3, None), KeyError, "a name is a Python identifier without dots, got 3"),
        (lambda m: m.register_buffer("train", None), KeyError, "has a method or setting 'train' already"),
        (
            lambda m: m.register_buffer("a", [1.0]),
            TypeError,
            "a is a tensor or None, and no Parameter; got one list",
        ),
        (
            lambda m: m.register_buffer("a", nn.Parameter([1.0])),
            TypeError,
            "and no Parameter; got one Parameter",
        ),
        (lambda m: m.register_buffer("a", None, "x"), ValueError, "persistent is True or False, got 'x'"),
        (
            lambda m: m.register_parameter("a", Tensor([1.0])),
            TypeError,
            "a is a Parameter or None, got one Tensor",
        ),
        (
            lambda m: m.register_parameter("training", None),
            KeyError,
            "has a method or setting 'training' already",
        ),
        (
            lambda m: m.add_module("a", abs),
            TypeError,
            "add_module: a is a module or None, got one builtin_function",
        ),
        (lambda m: nn.ParameterList(3), TypeError, "ParameterList: values are several, in a list; got 3"),
        (lambda m: nn.ParameterList(Tensor([1.0])), TypeError, "wanted several parameters, got one Tensor"),
        (lambda m: nn.ParameterList([[1, 2]]), TypeError, "parameters are floating-point numbers, got int64"),
        (lambda m: nn.ParameterDict({"a.b": 1.0}), KeyError, "ParameterDict: a name is text without dots"),
        (lambda m: nn.ModuleDict({"": nn.ReLU()}), KeyError, "ModuleDict: a name is text without dots"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(nn.Module())


def test_lists_and_dicts_of_parameters_are_trained():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.several = nn.ParameterList([np.ones((2,), "float32"), nn.Parameter([2.0])])
            self.named = nn.ParameterDict({"a": Tensor([3.0])})

        def forward(self, x):
            return x * self.several[0].sum() * self.several[1] * self.named["a"]

    model = Model()
    assert list(model.state_dict()) == ["several.values.0", "several.values.1", "named.named.a"]
    model(Tensor([1.0])).sum().backward()
    optim.SGD(model.parameters(), lr=0.5).step()
    assert [p.numpy().tolist() for p in model.parameters()] == [[-2, -2], [-1], [1]]
    model.several[0] = Tensor([7.0])
    assert model.several[0].item() == 7 and [len(p) for p in (model.several, model.several[1:])] == [2, 1]
    assert isinstance(model.several[1:], nn.ParameterList) and isinstance(model.several[0], nn.Parameter)
    kept = model.named["a"]
    assert model.named.pop("a") is kept and "a" not in model.named and len(model.named) == 0
    model.named.update({"b": [1.0], "c": [2.0]})
    del model.named["c"]
    assert list(model.named.keys()) == list(model.named) == ["b"] and len(list(model.named.values())) == 1
    assert [name for name, _ in model.named.items()] == ["b"]


def test_lists_and_dicts_of_modules_give_parts_back():
    first, second = nn.ReLU(), nn.Tanh()
    several, named = nn.ModuleList([first, second]), nn.ModuleDict({"a": first})
    assert several.pop() is second and len(several) == 1
    del several[0]
    assert len(several) == 0
    named.update({"b": second})
    assert named.pop("a") is first and list(named) == ["b"]


def tied():
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Tanh(), nn.Linear(3, 3, bias=False))
    model.modules[2].weight = model.modules[0].weight
    return model


def test_shared_weights_stay_shared():
    """They are one parameter with one name, and get the gradient of both uses."""
    model = tied()
    assert [name for name, _ in model.named_parameters()] == ["modules.0.weight"]
    weight = model.modules[0].weight
    x = Tensor(np.arange(6.0).reshape(2, 3) / 6)
    model(x).sum().backward()
    one = nn.Sequential(*[nn.Linear(3, 3, bias=False), nn.Tanh(), nn.Linear(3, 3, bias=False)])
    one.modules[0].weight.data, one.modules[2].weight.data = weight.data, weight.data
    one(x).sum().backward()
    both = one.modules[0].weight.grad.numpy() + one.modules[2].weight.grad.numpy()
    np.testing.assert_allclose(weight.grad.numpy(), both, rtol=1e-5)
    model.load_state_dict(tied().state_dict())
    model.to(dtype="float64")
    optim.SGD(model.parameters(), lr=0.1).step()
    assert model.modules[2].weight is model.modules[0].weight is weight


def test_a_deep_copy_is_a_model_of_its_own():
    model = nn.Sequential(tied(), nn.BatchNorm1d(3))
    model.modules[0].modules[0].register_forward_hook(lambda module, args, out: out + 1)
    other = copy.deepcopy(model)
    x = Tensor(np.arange(12.0).reshape(4, 3))
    before = {name: array.copy() for name, array in model.state_dict().items()}
    np.testing.assert_array_equal(model.eval()(x).numpy(), other.eval()(x).numpy())
    other.train()(x).sum().backward()
    optim.SGD(other.parameters(), lr=0.5).step()
    after = model.state_dict()
    assert before.keys() == after.keys() and all(np.array_equal(before[k], after[k]) for k in before)
    assert all(p.grad is None for p in model.parameters()) and not model.training
    changed = other.state_dict()
    assert not np.array_equal(changed["modules.1.running_mean"], before["modules.1.running_mean"])
    inner = other.modules[0].modules
    assert inner[0].weight is inner[2].weight is not model.modules[0].modules[0].weight
