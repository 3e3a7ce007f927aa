"""Reverse mode: the semantics of `backward`, one by one."""

import sys
import threading

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import ops
from needle_edu.autograd import (
    Tensor,
    TensorOp,
    compute_gradient_of_variables,
    enable_grad,
    find_topo_sort,
    grad_check,
    no_grad,
    sum_node_list,
)
from needle_edu.autograd.arrays import BACKEND, Array, readable
from needle_edu.autograd.events import set_hook, value_id
from needle_edu.backend import GradientError, NeedleError


def test_a_value_used_twice_gets_both_contributions():
    x = tensor([2.0, 3.0])
    (x * x + x).backward()
    assert x.grad.numpy().tolist() == [5, 7]


def test_the_same_tensor_three_times():
    x = tensor([2.0])
    (x + x + x).backward()
    assert x.grad.item() == 3


def test_many_uses_are_added_in_place_and_disturb_nobody():
    """From the third contribution on the sum is its own array; the contributions belong to others."""
    x = tensor([1.0, 2.0])
    parts = [x * k for k in range(1, 6)]
    total = x
    for part in parts:
        part.retain_grad()
        total = total + part
    seed = tensor([1.0, 10.0], requires_grad=False)
    sums = []

    def listen(event, array):
        if event.kind == "accumulated" and event.value == value_id(x):
            sums.append((array, array.copy()))

    previous = set_hook(listen)
    try:
        total.backward(seed)
    finally:
        set_hook(previous)
    np.testing.assert_array_equal(x.grad.numpy(), [16, 160])
    assert [readable(copy)[0] for _, copy in sums] == [5, 9, 12, 14, 15, 16]
    assert sums[0][0] is not sums[1][0]
    assert all(array is sums[1][0] for array, _ in sums[2:])
    for t in (*(part.grad for part in parts), seed):
        np.testing.assert_array_equal(t.numpy(), [1, 10])


def test_many_uses_in_a_graph_of_gradients_are_not_added_in_place():
    x = tensor([1.0, 2.0])
    (x * x * x + x * x + x * x * x * x).sum().backward(create_graph=True)
    first = x.grad
    np.testing.assert_allclose(first.numpy(), [9, 48])  # 3x^2 + 2x + 4x^3
    first.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [20, 62])  # 6x + 2 + 12x^2
    np.testing.assert_allclose(first.numpy(), [9, 48])


def test_a_diamond():
    x = tensor(0.7)
    a, b = ops.exp(x), ops.sin(x)
    (a * b + a / b).backward()
    e, s, c = np.exp(0.7), np.sin(0.7), np.cos(0.7)
    assert x.grad.item() == pytest.approx(e * s + e * c + (e * s - e * c) / s**2)


def test_seed_is_ones_of_any_shape():
    x = tensor([[1.0, 2.0], [3.0, 4.0]])
    (x * 3).backward()
    assert x.grad.numpy().tolist() == [[3, 3], [3, 3]]


def test_out_grad_weights_the_result():
    x = tensor([1.0, 2.0])
    (x * x).backward(Tensor([1.0, -1.0], dtype="float64"))
    assert x.grad.numpy().tolist() == [2, -4]


def test_out_grad_of_another_shape_is_refused():
    x = tensor([1.0, 2.0])
    with pytest.raises(GradientError, match=r"\(2,\).*\(3,\)"):
        (x * x).backward(Tensor([1.0, 1.0, 1.0]))


def test_the_seed_becomes_no_gradient_itself():
    """A leaf's `.grad` has the leaf's dtype, wants no gradient, and is not the caller's tensor."""
    x = tensor([1.0, 2.0])
    seed = Tensor(np.array([1.0, 2.0]), dtype="float32", requires_grad=True)
    x.backward(seed)
    y = x * 1
    y.retain_grad()
    assert x.grad is not seed
    assert (x.grad.requires_grad, x.grad.dtype) == (False, "float64")
    y.backward(seed)
    assert (y.grad.requires_grad, y.grad.dtype) == (False, "float64")
    with pytest.raises(GradientError, match=r"ndarray; write Tensor"):
        x.backward(np.ones(2))


@pytest.mark.parametrize(("wrong", "named"), [((3,), r"\(3,\)"), ((2, 2), r"\(2, 2\)"), (None, "ndarray")])
def test_accumulating_onto_something_else_is_an_error(wrong, named):
    x = tensor([1.0, 2.0])
    x.grad = np.ones(2) if wrong is None else tensor(np.ones(wrong))
    with pytest.raises(GradientError, match=rf"accumulate.*\(2,\).*{named}"):
        x.backward(accumulate=True)


def test_backward_overwrites_and_may_be_repeated():
    x = tensor([1.0, 2.0])
    y = x * x
    y.backward()
    y.backward()
    assert x.grad.numpy().tolist() == [2, 4]


def test_accumulate_adds():
    x = tensor([1.0, 2.0])
    (x * x).backward(accumulate=True)
    (x * 3).backward(accumulate=True)
    assert x.grad.numpy().tolist() == [5, 7]


def test_other_leaves_are_left_alone():
    x, z = tensor([1.0]), tensor([5.0])
    (z * 2).backward()
    (x * 3).backward()
    assert z.grad.item() == 2


def test_grad_is_none_before_backward():
    assert tensor([1.0]).grad is None


def test_interior_gradients_only_when_retained():
    x = tensor([3.0])
    y, z = x * x, x * 2
    y.retain_grad()
    (y * z).backward()
    assert y.grad.item() == 6
    assert z.grad is None


def test_the_output_s_own_gradient_when_retained():
    x = tensor([3.0])
    y = x * x
    y.retain_grad()
    y.backward()
    assert y.grad.item() == 1


def test_gradients_are_constants_by_default():
    x = tensor([3.0])
    (x * x * x).backward()
    assert x.grad.op is None
    assert not x.grad.requires_grad


def test_second_derivative():
    x = tensor([3.0])
    (x**3).backward(create_graph=True)
    first = x.grad
    assert first.item() == 27
    first.backward(create_graph=True)
    second = x.grad
    assert second.item() == 18
    second.backward()
    assert x.grad.item() == 6


def test_mixed_second_derivative():
    a, b = tensor([2.0]), tensor([3.0])
    (a * a * b).backward(create_graph=True)
    a.grad.backward()
    assert b.grad.item() == 4  # d/db (2ab)
    assert a.grad.item() == 6


def test_integer_tensors_are_differentiated_exactly():
    x = Tensor([6])
    (x * x * x).backward(create_graph=True)
    assert x.grad.numpy().tolist() == [108]
    assert x.grad.dtype == "int64"
    x.grad.backward()
    assert x.grad.numpy().tolist() == [36]


def test_a_large_integer_keeps_every_digit():
    big = 2**53 + 1
    x = Tensor([big])
    (x * x).backward()
    assert x.grad.numpy().tolist() == [2 * big]


def test_results_without_grad_are_detached():
    a = tensor([1.0], requires_grad=False)
    b = a * 2 + a
    assert b.op is None
    assert b.inputs == ()
    assert not b.requires_grad


@pytest.mark.shares_memory
def test_detach_shares_data_and_forgets_history():
    x = tensor([1.0, 2.0])
    y = (x * 2).detach()
    assert y.op is None
    assert not y.requires_grad
    (x * y).backward()
    assert x.grad.numpy().tolist() == [2, 4]
    assert np.shares_memory(np.asarray(x.detach()), np.asarray(x))


def test_requires_grad_switches():
    x = tensor([1.0], requires_grad=False)
    assert x.requires_grad_() is x
    y = x * 2
    y.backward()
    assert x.grad.item() == 2
    x.requires_grad_(False)
    assert not (x * 2).requires_grad
    with pytest.raises(NeedleError, match="leaf"):
        y.requires_grad_(False)


def test_backward_without_grad_is_an_error():
    with pytest.raises(GradientError, match="requires no gradient"):
        tensor([1.0], requires_grad=False).backward()
    with no_grad():
        y = tensor([1.0]) * 2
    with pytest.raises(GradientError, match="no_grad"):
        y.backward()


def test_data_setter_checks_dtype_only():
    x = tensor([[1.0, 2.0]])
    x.data = Tensor([5.0, 6.0], dtype="float64")
    assert x.shape == (2,)
    (x * 2).backward()
    assert x.grad.numpy().tolist() == [2, 2]
    with pytest.raises(TypeError, match="float64.*float32"):
        x.data = Tensor([1.0], dtype="float32")
    with pytest.raises(NeedleError, match="Tensor"):
        x.data = np.ones(2)


def test_two_leaves_never_share_a_gradient_object():
    a, b = tensor([1.0]), tensor([2.0])
    (a + b).backward()
    assert a.grad is not b.grad
    a.grad.data = a.grad.data * 10
    assert b.grad.item() == 1


def test_broadcasting_is_summed():
    a, b = tensor(np.ones((2, 1, 3))), tensor(np.full((4, 1), 2.0))
    (a * b).backward()
    assert a.grad.numpy().tolist() == [[[8, 8, 8]], [[8, 8, 8]]]
    assert b.grad.numpy().tolist() == [[6]] * 4


def test_a_gradient_that_is_not_needed_is_not_computed():
    class Picky(TensorOp):
        def compute(self, a, b):
            return a * b

        def vjp0(self, g, node):
            return g * node.inputs[1]

        def vjp1(self, g, node):
            raise AssertionError("asked for a gradient nobody wants")

    a, b = tensor([2.0]), tensor([3.0], requires_grad=False)
    Picky()(a, b).backward()
    assert a.grad.item() == 3


# -- topological order ---------------------------------------------------------------------------------------


def textbook_post_order(node, order):
    if node not in order:
        for x in node.inputs:
            textbook_post_order(x, order)
        order.append(node)


def test_order_is_the_recursive_post_order():
    """Against the textbook definition, on random graphs with shared nodes and repeated operands."""
    rng = np.random.default_rng(3)
    for _ in range(30):
        nodes = [tensor([1.0]) for _ in range(3)]
        for _ in range(12):
            i, j = rng.integers(0, len(nodes), 2)
            nodes.append(nodes[i] * nodes[j] if rng.random() < 0.7 else nodes[i] + 1.0)

        roots = [nodes[-1], nodes[-3]]
        expected = []
        for root in roots:
            textbook_post_order(root, expected)
        assert [id(n) for n in find_topo_sort(roots)] == [id(n) for n in expected]


def test_order_of_a_course_example():
    a, b = Tensor([0.88]), Tensor([1.25])
    topo = [n.item() for n in find_topo_sort([(a * b) * (a + 3.0) + b])]
    assert topo == pytest.approx([0.88, 1.25, 1.1, 3.88, 4.268, 5.518], rel=1e-5)


def test_a_chain_of_100_000_ops():
    x = tensor([1.0])
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.backward()
    assert y.item() == 100_001
    assert x.grad.item() == 1
    assert len(find_topo_sort([y])) == 100_001


# -- ops written the course's way ----------------------------------------------------------------------------


class CourseMul(TensorOp):
    def compute(self, a, b):
        return a * b

    def gradient(self, out_grad, node):
        lhs, rhs = node.inputs
        return out_grad * rhs, out_grad * lhs


class CourseExp(TensorOp):
    def compute(self, a):
        return ops.exp(Tensor(a)).cached_data

    def gradient(self, out_grad, node):
        return out_grad * node  # a single tensor, no tuple


def test_ops_with_only_a_gradient_work():
    a, b = tensor([2.0]), tensor([5.0])
    CourseMul()(a, b).backward()
    assert (a.grad.item(), b.grad.item()) == (5, 2)
    assert grad_check(CourseMul(), [1.0, 2.0], [[3.0], [4.0]])  # also with broadcasting
    assert grad_check(CourseMul(), [1.0, 2.0], [3.0, 4.0], order=2)
    y = CourseExp()(a)
    assert y.op.gradient_as_tuple(y.ones_like(), y)[0].item() == pytest.approx(np.exp(2))


def test_gradient_is_derived_from_vjps():
    a, b = tensor([2.0]), tensor([5.0])
    y = a * b
    g = tensor([1.0], requires_grad=False)
    assert [t.item() for t in y.op.gradient(g, y)] == [5, 2]
    z = ops.exp(a)
    assert z.op.gradient(g, z).item() == pytest.approx(np.exp(2))


def test_a_subclass_that_overrides_gradient_is_obeyed():
    class Wrong(ops.EWiseMul):
        def gradient(self, out_grad, node):
            return out_grad * 0, out_grad * 0

    a = tensor([2.0])
    Wrong()(a, a).backward()
    assert a.grad.item() == 0


def test_needle_s_engine_functions():
    a, b = tensor([2.0]), tensor([5.0])
    y = a * b
    compute_gradient_of_variables(y, tensor([1.0], requires_grad=False))
    assert (a.grad.item(), b.grad.item()) == (5, 2)
    assert sum_node_list([a, b, b]).item() == 12


def test_threads_may_share_a_parameter():
    """Each backward pass is one thread's own, however often the threads take turns."""
    w = tensor([1.0, 1.0])
    wrong = []

    def work():
        for _ in range(100):
            y = w
            for _ in range(30):
                y = y + w
            y.backward()
            if w.grad.numpy().tolist() != [31, 31]:
                wrong.append(w.grad.numpy())

    threads = [threading.Thread(target=work) for _ in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong


def test_a_gradient_may_call_backward_itself():
    """Checkpointing: the forward pass of a part is run again when its gradient is needed."""
    w = tensor([2.0, 3.0])

    def part(a):
        return a * w * w

    class Checkpoint(TensorOp):
        def compute(self, a):
            with no_grad():
                return part(Tensor.make_const(a)).cached_data

        def gradient(self, out_grad, node):
            with enable_grad():
                again = node.inputs[0].detach().requires_grad_()
                result = part(again)
            before = w.grad
            result.backward(out_grad)
            w.grad = before
            return again.grad

    x = tensor([1.0, 2.0])
    y = x * w
    (Checkpoint()(y) * w).sum().backward()  # x w^4, less what the checkpoint does not see of w
    np.testing.assert_allclose(x.grad.numpy(), [16, 81])
    np.testing.assert_allclose(w.grad.numpy(), [2 * 8, 2 * 2 * 27])


# -- errors --------------------------------------------------------------------------------------------------


def test_a_gradient_of_the_wrong_shape_is_named():
    class Sloppy(TensorOp):
        def compute(self, a):
            return a * 1.0

        def vjp0(self, g, node):
            return g.sum().reshape((1,))

    with pytest.raises(GradientError, match=r"Sloppy.*input 0.*\(1,\).*\(2, 3\)"):
        Sloppy()(tensor(np.ones((2, 3)))).backward()


def test_a_gradient_is_not_silently_summed():
    """Only a contribution of the result's shape is summed; any other shape is a mistake in the op."""

    class Sloppy(TensorOp):
        def compute(self, a):
            return a * 1.0

        def vjp0(self, g, node):
            return g.reshape((1, 3)).broadcast_to((2, 3))

    with pytest.raises(GradientError, match=r"\(2, 3\).*\(3,\)"):
        Sloppy()(tensor([1.0, 2.0, 3.0])).backward()


@pytest.mark.parametrize("wrong", [None, 3.0, np.ones(3)])
def test_a_gradient_that_is_no_tensor_is_named(wrong):
    class ByVjp(TensorOp):
        def compute(self, a):
            return a * 1.0

        def vjp0(self, g, node):
            return wrong

    class ByGradient(TensorOp):
        def compute(self, a):
            return a * 1.0

        def gradient(self, out_grad, node):
            return wrong

    for op in (ByVjp(), ByGradient()):
        with pytest.raises(GradientError, match=f"{op.name}.*input 0"):
            op(tensor([1.0, 2.0, 3.0])).backward()


def test_a_tuple_in_the_place_of_a_tensor_is_named():
    class Pair(ops.Exp):
        def vjp0(self, g, node):
            return ops.make_tuple(g, g)

    class One(ops.Stack):
        def vjp0(self, g, node):
            return g

    a = tensor([1.0, 2.0])
    with pytest.raises(GradientError, match=r"exp.*TensorTuple of 2.*Tensor of shape \(2,\)"):
        Pair()(a).backward()
    with pytest.raises(GradientError, match=r"stack.*Tensor of shape \(2, 2\).*TensorTuple of 2"):
        One(0)(ops.make_tuple(a, a)).backward()


def test_too_few_gradients_are_named():
    class One(TensorOp):
        def compute(self, a, b):
            return a * b

        def gradient(self, out_grad, node):
            return (out_grad,)

    with pytest.raises(GradientError, match=r"One.*1 value.*2 input"):
        One()(tensor([1.0]), tensor([2.0])).backward()


def test_an_op_without_gradient_says_so():
    class Forward(TensorOp):
        def compute(self, a):
            return a * 1.0

    with pytest.raises(GradientError, match="Forward.*no gradient"):
        Forward()(tensor([1.0])).backward()


@pytest.mark.parametrize(
    ("returned", "message"), [(None, "None.*return"), ("tuple", "tuple"), ("tensor", "Tensor")]
)
def test_a_wrong_result_of_compute_is_named(returned, message):
    class Bad(TensorOp):
        def compute(self, a):
            return {"tuple": (a, a), "tensor": Tensor([1.0])}.get(returned)

    class BadFast(ops.Exp):
        name = "Bad"

        def compute(self, a):
            return Bad.compute(self, a)

    for op in (Bad(), BadFast()):
        with pytest.raises(NeedleError, match=f"Bad.*{message}"):
            op(tensor([1.0]))


def test_an_op_wants_tensors():
    with pytest.raises(TypeError, match=r"add.*float.*Tensor\(x\)"):
        ops.EWiseAdd()(tensor([1.0]), 3.0)
    with pytest.raises(TypeError, match=r"add: takes 2 tensor\(s\), got 1"):
        ops.EWiseAdd()(tensor([1.0]))
    with pytest.raises(TypeError, match=r"exp: takes 1 tensor\(s\), got 2"):
        ops.Exp()(tensor([1.0]), tensor([1.0]))


def test_an_error_in_backward_leaves_no_adjoints_behind():
    class Broken(TensorOp):
        def compute(self, a):
            return a * 1.0

        def vjp0(self, g, node):
            raise ValueError("broken")

    x = tensor([1.0])
    y = Broken()(x * 2) + x * 3
    with pytest.raises(ValueError, match="broken"):
        y.backward()
    (x * 3).backward()
    assert x.grad.item() == 3


# -- values overwritten after the forward pass ---------------------------------------------------------------

needs_storage = pytest.mark.skipif(BACKEND == "np", reason="NumPy arrays do not count their writes")


@needs_storage
def test_an_overwritten_input_is_an_error_that_names_it():
    x, w = tensor([1.0, 2.0]), tensor([3.0, 4.0])
    w.name = "weight"
    y = x * w
    w.cached_data[0] = 7.0
    with pytest.raises(GradientError, match="multiply.*'weight'.*overwritten"):
        y.backward()


@needs_storage
def test_an_overwritten_result_is_an_error():
    x = tensor([1.0, 2.0])
    y = ops.exp(x)
    y.cached_data[0] = 7.0
    with pytest.raises(GradientError, match="exp.*result"):
        y.backward()


@needs_storage
def test_what_the_gradient_does_not_need_may_be_overwritten():
    x, w = tensor([1.0, 2.0]), tensor([3.0, 4.0])
    y = x + w
    w.cached_data[0] = 7.0
    y.cached_data[0] = 7.0
    y.backward()
    assert x.grad.numpy().tolist() == [1, 1]


@needs_storage
def test_the_value_of_an_operand_without_gradient_counts_too():
    x, w = tensor([1.0, 2.0]), tensor([3.0, 4.0], requires_grad=False)
    y = x * w
    w.cached_data[:] = 0.0
    with pytest.raises(GradientError, match="multiply.*input 1"):
        y.backward()


@needs_storage
def test_writing_before_the_forward_pass_is_fine():
    x, w = tensor([1.0, 2.0]), tensor([3.0, 4.0])
    w.cached_data[0] = 7.0
    (x * w).backward()
    assert x.grad.numpy().tolist() == [7, 4]


@needs_storage
def test_a_write_through_a_view_counts():
    x, w = tensor([1.0, 2.0]), tensor([[3.0], [4.0]])
    y = x * w.reshape((2,))
    w.cached_data[0, 0] = 7.0
    with pytest.raises(GradientError, match="overwritten"):
        y.backward()


def test_replacing_data_after_the_forward_pass_counts():
    x, w = tensor([1.0]), tensor([3.0])
    y = x * w
    w.data = tensor([4.0])
    with pytest.raises(GradientError, match="overwritten"):
        y.backward()
    (x * w).backward()
    assert x.grad.item() == 4


def test_replacing_a_result_counts():
    x = tensor([1.0])
    y = ops.exp(x)
    z = y * 1.0
    y.data = tensor([4.0])
    with pytest.raises(GradientError, match="exp.*overwritten"):
        z.backward()


# -- sums of contributions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("uses", [2, 3, 5])
def test_contributions_are_summed_whatever_shape_they_have(uses):
    """Also where they have shape (): NumPy's sum of two such arrays is a number, and no array."""
    x = tensor(np.array(2.0))
    y = x * 1.0
    for k in range(1, uses):
        y = y + x * (k + 1.0)
    y.backward()
    assert isinstance(x.grad.cached_data, Array)
    assert x.grad.numpy().shape == () and x.grad.item() == uses * (uses + 1) / 2


def test_a_contribution_that_is_summed_is_not_changed_by_it():
    """The second is added to the first in a new array, since others may hold the first one."""
    x, kept = tensor([1.0, 2.0]), []

    class Keeps(TensorOp):
        def compute(self, a):
            return a + 0

        def gradient(self, out_grad, node):
            kept.append(out_grad)
            return out_grad

    ((x * 2 + x * 3 + Keeps()(x)) * 1.0).sum().backward()
    assert x.grad.numpy().tolist() == [6, 6] and kept[0].numpy().tolist() == [1, 1]
