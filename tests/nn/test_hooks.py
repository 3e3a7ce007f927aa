"""Backward hooks of modules, beside PyTorch; `children`; copies of models."""

import copy

import numpy as np
import pytest

from needle_edu import Tensor, nn, no_grad, ops
from needle_edu.autograd.arrays import GradientError


class TwoByTwo(nn.Module):
    """Two inputs (and a number), two outputs."""

    def forward(self, x, factor, z):
        return x * z * factor, x + z


def shown(grads):
    return tuple(None if g is None else g.numpy().tolist() for g in grads)


@pytest.mark.parametrize("way", [{}, {"create_graph": True}])
def test_all_gradients_of_inputs_and_outputs_beside_pytorch(way):
    torch = pytest.importorskip("torch")

    class Theirs(torch.nn.Module):
        def forward(self, x, factor, z):
            return x * z * factor, x + z

    results = []
    for module, make in ((TwoByTwo(), Tensor), (Theirs(), lambda v: torch.tensor(v, requires_grad=True))):
        seen = []
        module.register_full_backward_pre_hook(lambda m, outs, seen=seen: seen.append(("before", len(outs))))
        module.register_full_backward_pre_hook(lambda m, outs: (outs[0] * 10, outs[1]))

        def after(m, ins, outs, seen=seen):
            seen.append(
                [None if g is None else np.asarray(g.detach().numpy()).tolist() for g in (*ins, *outs)]
            )
            return ins[0] + 1, None, ins[2] * 2

        module.register_full_backward_hook(after)
        x, z = make([1.0, 2.0]), make([3.0, 4.0])
        y, total = module(x, 5, z)
        (y * 2 + total * 3).sum().backward(**way)
        results.append((seen, x.grad.tolist() if make is not Tensor else x.grad.numpy().tolist(),
                        z.grad.tolist() if make is not Tensor else z.grad.numpy().tolist()))  # fmt: skip
    assert results[0] == results[1]
    assert results[0][0][1][1] is None and results[0][1] == [304.0, 404.0]


def test_a_module_whose_input_wants_no_gradient():
    layer, seen = nn.Linear(2, 1), []
    handle = layer.register_full_backward_hook(lambda m, ins, outs: seen.append((m, shown(ins), shown(outs))))
    x = Tensor([[1.0, 2.0]], requires_grad=False)
    (layer(x) * 3).sum().backward()
    assert seen == [(layer, (None,), ([[3.0]],))]
    np.testing.assert_array_equal(layer.weight.grad.numpy(), [[3], [6]])
    with no_grad():
        assert layer(x).op is None and layer(Tensor([[1.0, 2.0]])).op is None
    handle.remove()
    (layer(x) * 3).sum().backward()
    assert len(seen) == 1
    with layer.register_full_backward_hook(lambda m, ins, outs: seen.append(m)):
        y = layer(x)
    y.sum().backward()  # removed is removed, even after `forward`
    assert len(seen) == 1


def test_outputs_that_are_lists_tuples_of_the_graph_or_not_all_used():
    class Splitting(nn.Module):
        def __init__(self, kind):
            super().__init__()
            self.kind = kind

        def forward(self, x):
            parts = ops.split(x, 0)
            return parts if self.kind is None else self.kind(parts.tuple())

    for kind, wanted in ((None, "TensorTuple"), (list, "list"), (tuple, "tuple")):
        module, seen = Splitting(kind), []
        module.register_full_backward_hook(
            lambda m, ins, outs, seen=seen: seen.append((shown(ins), shown(outs)))
        )
        x = Tensor([[1.0], [2.0]])
        out = module(x)
        assert type(out).__name__ == wanted and len(out) == 2
        (out[1] * 4).sum().backward()
        assert seen == [(([[0.0], [4.0]],), ([0.0], [4.0]))]
        assert shown([x.grad]) == ([[0.0], [4.0]],)


def test_a_second_backward_calls_them_again_and_what_was_put_aside_does_not():
    class Aside(nn.Module):
        def forward(self, x):
            self.aside = x * 2
            return x * 3

    module, seen = Aside(), []
    module.register_full_backward_hook(lambda m, ins, outs: seen.append(shown(outs)))
    x = Tensor([1.0])
    y = module(x)
    for _ in range(2):
        y.sum().backward()
    assert seen == [([1.0],)] * 2
    module.aside.sum().backward()
    assert len(seen) == 2 and shown([x.grad]) == ([2.0],)


def test_hooks_see_every_layer_of_a_model_backwards():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    seen = []
    for name, module in model.named_children():
        module.register_full_backward_hook(lambda m, ins, outs, name=name: seen.append(name))
    model(Tensor([[1.0, 2.0]])).sum().backward()
    assert seen == ["modules.2", "modules.1", "modules.0"]
    assert [type(m).__name__ for m in model.children()] == ["Linear", "ReLU", "Linear"]


def test_what_makes_no_sense_is_said():
    layer = nn.ReLU()
    with pytest.raises(TypeError, match="ReLU.register_full_backward_hook: a hook is a function, got str"):
        layer.register_full_backward_hook("no")
    x = Tensor([1.0])
    for wrong in (3, (None,), (x, x)):
        with (
            layer.register_full_backward_hook(lambda m, ins, outs, wrong=wrong: wrong),
            pytest.raises(GradientError, match=r"ReLU.register_full_backward_hook: .* \(a tensor\)"),
        ):
            layer(x).sum().backward()
    with (
        layer.register_full_backward_pre_hook(lambda m, outs: Tensor([1.0, 2.0])),
        pytest.raises(GradientError, match="a hook returns a gradient of its tensor's shape"),
    ):
        layer(x).sum().backward()
    with (
        layer.register_full_backward_pre_hook(lambda m, outs: ()),
        pytest.raises(GradientError, match="ReLU.register_full_backward_pre_hook"),
    ):
        layer(x).sum().backward()


def test_a_copy_of_a_model_has_its_own_parts_and_hooks():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    seen = []
    model.register_forward_hook(lambda m, args, out: seen.append(m))
    twin = copy.deepcopy(model)
    x = Tensor([[1.0, 2.0], [3.0, 5.0]])
    twin.eval()
    np.testing.assert_array_equal(twin(x).numpy(), model.eval()(x).numpy())
    assert seen == [twin, model] and not {map(id, twin.parameters())} & {map(id, model.parameters())}
    model.train()(x)
    assert (twin[1].running_mean.numpy() == 0).all() and (model[1].running_mean.numpy() != 0).any()
    twin._hooks.after.clear()
    model(x)
    assert len(seen) == 4
