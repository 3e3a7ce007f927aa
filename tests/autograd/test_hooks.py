"""Hooks on tensors: when they are called, what they see, what they may change; beside PyTorch."""

import pytest

from needle_edu import Tensor, no_grad, ops
from needle_edu.autograd import events, hooks
from needle_edu.autograd.arrays import GradientError


def numbers(t):
    return None if t is None else t.numpy().tolist()


@pytest.fixture(params=["bare arrays", "watched", "create_graph"])
def way(request):
    """The three walks of the engine give hooks the same."""
    if request.param == "watched":
        previous = events.set_hook(lambda event, array: None)
        yield {}
        events.set_hook(previous)
    else:
        yield {"create_graph": True} if request.param == "create_graph" else {}


def test_a_hook_sees_the_whole_gradient_once(way):
    """y is used twice: the hook is called with the sum of both contributions, as in PyTorch."""
    torch = pytest.importorskip("torch")
    seen = []
    x = Tensor([1.0, 2.0])
    y = x * 3
    x.register_hook(lambda g: seen.append(("x", numbers(g))))
    y.register_hook(lambda g: seen.append(("y", numbers(g))))
    (y * y + y).sum().backward(**way)
    theirs = []
    s = torch.tensor([1.0, 2.0], requires_grad=True)
    t = s * 3
    s.register_hook(lambda g: theirs.append(("x", g.tolist())))
    t.register_hook(lambda g: theirs.append(("y", g.tolist())))
    (t * t + t).sum().backward()
    assert seen == theirs == [("y", [7.0, 13.0]), ("x", [21.0, 39.0])]
    assert numbers(x.grad) == s.grad.tolist()


def test_hooks_change_the_gradient_one_after_the_other(way):
    x = Tensor([1.0, 2.0])
    y = x * 3
    y.retain_grad()
    first = y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: -g)
    y.sum().backward(**way)
    assert numbers(y.grad) == [11, 11]  # as after the hooks
    assert numbers(x.grad) == [-33, -33]
    first.remove()
    y.sum().backward(**way)
    assert numbers(x.grad) == [-6, -6]


def test_a_leaf_gets_what_its_hooks_return_and_adds_that(way):
    x = Tensor([1.0])
    with x.register_hook(lambda g: g * 2):
        (x * 3).sum().backward(**way)
        (x * 5).sum().backward(accumulate=True, **way)
    assert numbers(x.grad) == [16]
    (x * 5).sum().backward(**way)
    assert numbers(x.grad) == [5]


def test_what_a_hook_keeps_is_its_own(way):
    """Scaling `.grad` in place must not change what a hook has put aside, nor the other way round."""
    kept, other = [], Tensor([5.0, 5.0], requires_grad=False)
    x, z = Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    x.register_hook(kept.append)
    z.register_hook(lambda g: other)
    (x + z).sum().backward(**way)
    with no_grad():
        x.grad.mul_(100)
        z.grad.mul_(100)
    assert numbers(kept[0]) == [1, 1] and numbers(other) == [5, 5] and numbers(z.grad) == [500, 500]
    assert not z.grad.requires_grad or way


def test_a_hook_can_be_differentiated():
    x = Tensor([2.0], dtype="float64")
    y = x * x
    y.register_hook(lambda g: g * x)
    y.sum().backward(create_graph=True)  # 2 x · x
    assert numbers(x.grad) == [8]
    x.grad.sum().backward()
    assert numbers(x.grad) == [8]  # 4 x


def test_what_a_hook_returns_is_brought_to_the_dtype(way):
    x = Tensor([1.0], dtype="float32")
    x.register_hook(lambda g: Tensor(g.numpy() * 2, dtype="float64", requires_grad=False))
    x.sum().backward(**way)
    assert x.grad.dtype == "float32" and numbers(x.grad) == [2]


def test_hooks_on_parts_of_a_tuple(way):
    x = Tensor([[1.0], [2.0]])
    a, b = ops.split(x, 0)
    b.register_hook(lambda g: g * 7)
    (a + b).sum().backward(**way)
    assert numbers(x.grad) == [[1], [7]]


def test_what_makes_no_sense_is_said(way):
    x = Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match="register_hook: a hook is a function, got int"):
        x.register_hook(3)
    with pytest.raises(GradientError, match="register_hook: this tensor requires no gradient"):
        x.detach().register_hook(print)
    for wrong, words in [(3.0, "got float"), (Tensor([1.0]), r"got shape \(1,\)")]:
        with x.register_hook(lambda g, wrong=wrong: wrong), pytest.raises(GradientError, match=words):
            x.sum().backward(**way)
    x.sum().backward(**way)
    assert numbers(x.grad) == [1, 1]


def test_hooks_of_leaves_see_the_gradient_that_was_written(way):
    """After each pass that reaches the leaf, with what was accumulated; as in PyTorch."""
    torch = pytest.importorskip("torch")
    seen, theirs = [], []
    x, s = Tensor([1.0, 2.0]), torch.tensor([1.0, 2.0], requires_grad=True)
    handle = x.register_post_accumulate_grad_hook(lambda leaf: seen.append(numbers(leaf.grad)))
    s.register_post_accumulate_grad_hook(lambda leaf: theirs.append(leaf.grad.tolist()))
    for _ in range(2):
        (x * x + x).sum().backward(accumulate=True, **way)
        (s * s + s).sum().backward()
    assert seen == theirs == [[3.0, 5.0], [6.0, 10.0]]
    handle.remove()
    x.sum().backward(**way)
    assert len(seen) == 2
    with pytest.raises(GradientError, match="register_post_accumulate_grad_hook: this tensor is no leaf"):
        (x * 2).register_post_accumulate_grad_hook(print)


def test_what_is_to_be_called_after_a_pass_is_called_once_and_not_after_an_error(way):
    calls = []
    x = Tensor([1.0])
    x.register_hook(lambda g: hooks.call_after_pass(lambda: calls.append(numbers(x.grad))))
    (x * 3).sum().backward(**way)
    assert calls == [[3.0]]
    fails = x.register_post_accumulate_grad_hook(lambda leaf: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        x.sum().backward(**way)
    fails.remove()
    assert calls == [[3.0]]
    with pytest.raises(GradientError, match="no backward pass is running"):
        hooks.call_after_pass(print)
