"""Hooks, applying, moving, freezing, partial loading, and the containers that are lists and dicts of modules."""

import numpy as np
import pytest

from needle_edu import Tensor, cpu, nn, optim
from needle_edu.backend.errors import DataError, DeviceError, DTypeError, ShapeError


def test_forward_hooks_see_and_change_what_passes():
    layer, seen = nn.Identity(), []
    layer.register_forward_pre_hook(lambda module, args: seen.append(("before", module, args[0].item())))
    double = layer.register_forward_pre_hook(lambda module, args: args[0] * 2)
    layer.register_forward_hook(lambda module, args, out: seen.append(("after", module, out.item())))
    more = layer.register_forward_hook(lambda module, args, out: out + 1)
    assert layer(Tensor([3.0])).item() == 7
    assert seen == [("before", layer, 3.0), ("after", layer, 6.0)]
    double.remove()
    more.remove()
    more.remove()
    assert layer(Tensor([3.0])).item() == 3
    assert layer.parameters() == [] and list(layer.named_modules()) == [("", layer)]
    with pytest.raises(TypeError, match=r"Identity.register_forward_hook: a hook is a function, got int"):
        layer.register_forward_hook(3)


def test_a_hook_is_of_one_module_and_no_part_of_it():
    one, other = nn.ReLU(), nn.ReLU()
    one.register_forward_hook(nn.Linear(1, 1))
    assert other(Tensor([-1.0])).item() == 0 and one.parameters() == []


def test_apply_goes_children_first_in_order_each_once():
    a, b = nn.Linear(1, 1), nn.ReLU()
    model, seen = nn.Sequential(a, nn.Sequential(b, a)), []
    model.me = model
    assert model.apply(seen.append) is model
    assert [id(m) for m in seen] == [id(m) for m in (a, b, model.modules[1], model)]


def test_to_changes_dtype_of_the_same_objects_and_their_gradients():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    model(Tensor(np.ones((4, 2)))).sum().backward()
    weight, mean = model.modules[0].weight, model.modules[1].running_mean
    gradient, before = weight.grad.numpy(), weight.numpy()
    assert model.to(cpu(), "float64") is model
    assert model.modules[0].weight is weight and model.modules[1].running_mean is mean
    assert weight.dtype == mean.dtype == weight.grad.dtype == "float64"
    np.testing.assert_array_equal(weight.numpy(), before)
    np.testing.assert_array_equal(weight.grad.numpy(), gradient)
    assert model(Tensor(np.ones((4, 2)), device=cpu(), dtype="float64")).dtype == "float64"
    assert weight.is_leaf() and weight.requires_grad
    with pytest.raises(
        DTypeError, match=r"Sequential.to: parameters are floating-point numbers, got dtype int32"
    ):
        model.to(dtype="int32")
    with pytest.raises(DeviceError, match=r"Sequential.to: device is a Device such as cpu\(\), got 'cpu'"):
        model.to("cpu")


def test_a_frozen_part_stays_as_it_is():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    assert model.modules[0].requires_grad_(False) is model.modules[0]
    before = model.state_dict()
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    model(Tensor([[1.0, 2.0]])).sum().backward()
    optimizer.step()
    after = model.state_dict()
    same = [np.array_equal(before[name], after[name]) for name in before]
    assert same == [True, True, False, False]
    assert all(p.requires_grad for p in model.requires_grad_().parameters())


def test_buffers_have_names_and_train_takes_a_mode():
    model = nn.Sequential(nn.BatchNorm1d(3))
    assert [name for name, _ in model.named_buffers()] == ["modules.0.running_mean", "modules.0.running_var"]
    assert not model.train(False).modules[0].training and model.train().modules[0].training


def test_loading_what_fits():
    source, model = nn.Linear(2, 3), nn.Linear(2, 3)
    part = {"weight": source.weight.numpy(), "other": np.zeros(1)}
    bias = model.bias.numpy()
    with pytest.raises(DataError, match=r"missing \['bias'\], unknown \['other'\]"):
        model.load_state_dict(part)
    mismatch = model.load_state_dict(part, strict=False)
    assert mismatch == (["bias"], ["other"]) and mismatch.missing_keys == ["bias"]
    np.testing.assert_array_equal(model.weight.numpy(), source.weight.numpy())
    np.testing.assert_array_equal(model.bias.numpy(), bias)
    assert model.load_state_dict(source.state_dict()) == ([], [])


def test_every_entry_of_a_wrong_shape_is_named():
    with pytest.raises(ShapeError) as error:
        nn.Linear(2, 3).load_state_dict(nn.Linear(4, 5).state_dict())
    assert "weight: got shape (4, 5), wanted (2, 3); bias: got shape (1, 5), wanted (1, 3)" in str(
        error.value
    )
    with pytest.raises(ShapeError, match="weight"):
        nn.Linear(2, 3).load_state_dict({"weight": np.zeros((1, 1))}, strict=False)


def test_sequential_is_indexed_sliced_and_grown():
    a, b, c = nn.ReLU(), nn.Tanh(), nn.Sigmoid()
    model = nn.Sequential(a, b)
    assert model.append(c) is model and len(model) == 3 and list(model) == [a, b, c]
    assert model[-1] is c and isinstance(model[1:], nn.Sequential) and list(model[1:]) == [b, c]
    assert nn.Sequential()
    with pytest.raises(TypeError, match=r"Sequential: part 3 is the class ReLU; make a module: ReLU\(\)"):
        model.append(nn.ReLU)


def test_module_list():
    layers = nn.ModuleList([nn.Linear(1, 2)])
    layers.append(nn.Linear(2, 3)).extend([nn.ReLU()])
    layers.insert(0, nn.Tanh())
    assert [type(m).__name__ for m in layers] == ["Tanh", "Linear", "Linear", "ReLU"] and len(layers) == 4
    layers[0] = nn.Sigmoid()
    assert isinstance(layers[0], nn.Sigmoid) and isinstance(layers[1:3], nn.ModuleList)
    assert [name for name, _ in layers.named_parameters()] == [
        f"modules.{k}.{part}" for k in (1, 2) for part in ("weight", "bias")
    ]
    for change in (
        lambda: layers.append(3),
        lambda: layers.insert(1, None),
        lambda: layers.extend([nn.ReLU]),
    ):
        with pytest.raises(TypeError, match="ModuleList: part"):
            change()


def test_module_dict():
    parts = nn.ModuleDict({"a": nn.Linear(1, 2), "b": nn.ReLU()})
    parts["c"] = nn.Linear(2, 1)
    del parts["b"]
    assert list(parts) == list(parts.keys()) == ["a", "c"] and "b" not in parts and len(parts) == 2
    assert [type(m).__name__ for m in parts.values()] == ["Linear", "Linear"]
    assert dict(parts.items())["a"] is parts["a"] and len(parts.parameters()) == 4
    with pytest.raises(KeyError, match="a name is text without dots, got 'a.b'"):
        parts["a.b"] = nn.ReLU()
    with pytest.raises(TypeError, match="ModuleDict: part 'x' is an int"):
        parts["x"] = 3
