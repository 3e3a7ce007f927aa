"""Overrides: what a student writes is used by the framework, and can be taken out again."""

import contextlib

import numpy as np
import pytest
from autograd_helpers import tensor

import needle_edu.autograd as autograd
from needle_edu import ops
from needle_edu.autograd import TensorOp, find_topo_sort, override, registry
from needle_edu.autograd.topo import post_order
from needle_edu.backend import GradientError, NeedleError


class Ten(TensorOp):
    """An exp that is always 10: easy to recognise."""

    def compute(self, a):
        return a * 0 + 10

    def gradient(self, out_grad, node):
        return out_grad * 10


class Twenty(Ten):
    def compute(self, a):
        return a * 0 + 20


X = tensor([0.0])


def value():
    return ops.exp(X).item()


def test_a_context_manager():
    with override("exp", Ten):
        assert value() == 10
        assert X.exp().item() == 10
    assert value() == 1


def test_an_undo_handle():
    handle = override("exp", Ten)
    assert value() == 10
    handle.undo()
    assert value() == 1
    handle.undo()
    assert value() == 1


def test_overrides_are_a_stack():
    with override("exp", Ten):
        with override("exp", Twenty):
            assert value() == 20
        assert value() == 10


def test_overrides_may_be_undone_in_any_order():
    first, second = override("exp", Ten), override("exp", Twenty)
    first.undo()
    assert value() == 20
    second.undo()
    assert value() == 1


def test_an_error_in_the_block_takes_it_out_too():
    with pytest.raises(ZeroDivisionError), override("exp", Ten):
        1 / 0
    assert value() == 1


def test_operators_use_the_override():
    class Sum(TensorOp):
        def compute(self, a, b):
            return a + b + 1000

        def gradient(self, out_grad, node):
            return out_grad, out_grad

    class Shift(TensorOp):
        def __init__(self, scalar):
            self.scalar = scalar

        def compute(self, a):
            return a - self.scalar

        def gradient(self, out_grad, node):
            return out_grad

    with override("add", Sum), override("add_scalar", Shift):
        assert (X + X).item() == 1000
        assert (X - X).item() == 1000
        assert (X + 3).item() == -3


def test_a_node_keeps_the_op_it_was_made_with():
    x = tensor([0.0])
    with override("exp", Ten):
        y = ops.exp(x)
    y.backward()
    assert x.grad.item() == 10
    z = ops.exp(x)
    with override("exp", Ten):
        z.backward()
    assert x.grad.item() == 1


def test_vjps_use_the_override():
    class Zero(TensorOp):
        def compute(self, a, b):
            return a * b * 0

    x = tensor([2.0])
    y = x * x
    with override("multiply", Zero):
        y.backward()
    assert x.grad.item() == 0


def test_an_unknown_name_is_an_error():
    with pytest.raises(NeedleError, match="no op or function 'expp'"):
        override("expp", Ten)


@pytest.mark.parametrize("wrong", [lambda a: a, 3, int, Ten()])
def test_something_that_is_no_op_class_is_an_error(wrong):
    with pytest.raises(TypeError, match="exp.*TensorOp"):
        override("exp", wrong)
    with pytest.raises(TypeError, match="function"):
        override("find_topo_sort", 3)
    assert value() == 1


def test_registering_twice_is_an_error():
    with pytest.raises(NeedleError, match="twice"):
        registry.register(ops.Exp)


def test_a_student_s_topological_sort_is_used():
    used = []

    def mine(node_list):
        used.append(len(node_list))
        order = []

        def visit(node):
            if node not in order:
                for x in node.inputs:
                    visit(x)
                order.append(node)

        for node in node_list:
            visit(node)
        return order

    x = tensor([3.0])
    with override("find_topo_sort", mine):
        (x * x + x).backward()
        assert len(find_topo_sort([x])) == 1
    assert used == [1, 1]
    assert x.grad.item() == 7
    find_topo_sort([x])
    assert len(used) == 2


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (lambda nodes: None, "returned None"),
        (lambda nodes: nodes, "a leaf .* is missing"),
        (lambda nodes: post_order(nodes)[::-1], "stands before one of its inputs"),
    ],
)
def test_a_wrong_order_is_an_error_not_a_wrong_gradient(order, message):
    """And nothing of it is left behind: the next pass, with a right order, starts afresh."""
    x = tensor([3.0])
    y = x * x + x
    with override("find_topo_sort", order), pytest.raises(GradientError, match=message):
        y.backward()
    y.backward()
    assert x.grad.item() == 7


def test_a_topological_sort_takes_a_list():
    with pytest.raises(TypeError, match=r"find_topo_sort\(\[y\]\)"):
        find_topo_sort(tensor([1.0, 2.0]))


def test_a_sum_without_a_return_is_named():
    x = tensor([3.0])
    with (
        override("sum_node_list", lambda nodes: None),
        pytest.raises(GradientError, match="sum_node_list returned None"),
    ):
        (x * x).backward()


def test_a_student_s_sum_is_used():
    calls = []

    def mine(node_list):
        calls.append(len(node_list))
        total = node_list[0]
        for node in node_list[1:]:
            total = total + node
        return total

    x = tensor([3.0])
    with override("sum_node_list", mine):
        (x * x).backward()
    assert calls == [2]
    assert x.grad.item() == 6


def course_reverse_mode(output, out_grad):
    """The course's algorithm, as a student would write it."""
    grads = {output: [out_grad]}
    for node in reversed(find_topo_sort([output])):
        if node not in grads:
            continue
        node.grad = autograd.sum_node_list(grads[node])
        if node.op is None:
            continue
        for x, contribution in zip(node.inputs, node.op.gradient_as_tuple(node.grad, node), strict=True):
            if contribution is not None:
                grads.setdefault(x, []).append(contribution)


def test_a_student_s_reverse_mode_is_used():
    x, w = tensor([[1.0, 2.0]]), tensor([[3.0], [4.0]])

    def loss():
        return (ops.relu(x @ w) * (x @ w) + x.sum()).sum()

    loss().backward()
    expected = x.grad.numpy(), w.grad.numpy()
    with override("compute_gradient_of_variables", course_reverse_mode):
        y = loss()
        y.backward()
        np.testing.assert_allclose(x.grad.numpy(), expected[0])
        np.testing.assert_allclose(w.grad.numpy(), expected[1])
        assert all(node.grad is None for node in find_topo_sort([y]) if node.op is not None)
        y.backward(accumulate=True)
        np.testing.assert_allclose(w.grad.numpy(), 2 * expected[1])
        x.grad = None
        (x * x).backward(create_graph=True)
        x.grad.backward()
        assert x.grad.numpy().tolist() == [[2, 2]]


def test_a_broken_reverse_mode_leaves_gradients_as_they_were():
    def broken(output, out_grad):
        output.grad = out_grad
        raise RuntimeError("not yet")

    x = tensor([1.0])
    y = x * 2
    y.backward()
    with override("compute_gradient_of_variables", broken), pytest.raises(RuntimeError, match="not yet"):
        y.backward()
    assert x.grad.item() == 2
    assert y.grad is None


def test_the_registry_lists_ops_and_originals():
    listed = registry.ops()
    assert listed["exp"].cls is ops.Exp
    assert "find_topo_sort" not in listed
    with override("exp", Ten):
        assert listed["exp"].cls is Ten
        assert listed["exp"].original is ops.Exp
        assert listed["exp"].cls.formula == ops.Exp.formula
    assert isinstance(listed["exp"].instance, ops.Exp)
    assert listed["reshape"].instance is None


# -- ways back ------------------------------------------------------------------------------------------------


def test_a_cell_that_was_run_twice_can_be_undone():
    """Its second run loses the first handle; `restore` needs none."""
    for _ in range(2):
        handle = override("exp", Ten)
    handle.undo()
    assert value() == 10
    registry.restore("exp")
    assert value() == 1
    handle.undo()
    assert value() == 1


def test_restore_without_a_name_takes_everything_out():
    override("exp", Ten)
    override("find_topo_sort", lambda nodes: 1 / 0)
    with override("exp", Twenty):
        registry.restore()
        assert value() == 1
    assert value() == 1
    x = tensor([3.0])
    (x * x).backward()
    assert x.grad.item() == 6
    with pytest.raises(NeedleError, match="restore: there is no op or function 'expp'"):
        registry.restore("expp")


def test_an_op_that_cannot_be_made_is_not_put_in():
    class Broken(Ten):
        def __init__(self):
            raise RuntimeError("not yet")

    with pytest.raises(RuntimeError, match="not yet"):
        override("exp", Broken)
    assert value() == 1


def test_a_handle_is_for_with_for_exit_stacks_and_for_undo():
    with contextlib.ExitStack() as stack:
        stack.enter_context(override("exp", Ten)), stack.enter_context(override("exp", Twenty))
        assert value() == 20
    assert value() == 1
    handle = override("exp", Ten)
    with handle as inner, override("exp", Twenty):
        inner.undo()
        assert value() == 20
    assert value() == 1
    with handle:  # over and done with
        assert value() == 1
    assert value() == 1
