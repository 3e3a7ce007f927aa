"""Modes: recording on and off, lazy values, gradients as graph nodes, and the counter of live values."""

import asyncio
import contextlib
import threading

import numpy as np
import pytest
from autograd_helpers import tensor

import needle_edu.autograd as autograd
from needle_edu import ops
from needle_edu.autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled, state


@pytest.fixture
def lazy():
    autograd.LAZY_MODE = True
    yield
    autograd.LAZY_MODE = False


def test_no_grad_as_a_block():
    x = tensor([1.0])
    with no_grad():
        y = x * 2
        assert not is_grad_enabled()
        with enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert y.op is None
    assert (x * 2).requires_grad


def test_no_grad_as_a_decorator():
    x = tensor([1.0])

    @no_grad()
    def with_call():
        return (x * 2).requires_grad

    @no_grad
    def without_call():
        return (x * 2).requires_grad

    assert is_grad_enabled()
    assert (with_call(), without_call()) == (False, False)
    assert with_call.__name__ == "with_call"
    assert is_grad_enabled()


def test_a_block_object_may_be_entered_again():
    block = no_grad()
    with block, block:
        assert not is_grad_enabled()
    assert is_grad_enabled()


def test_set_grad_enabled_in_all_its_forms():
    x = tensor([1.0])
    set_grad_enabled(False)
    assert not (x * 2).requires_grad
    set_grad_enabled(True)
    with set_grad_enabled(False):
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad

    @set_grad_enabled(False)
    def off():
        return is_grad_enabled()

    assert is_grad_enabled()
    assert off() is False


def test_an_error_ends_the_block():
    with pytest.raises(ValueError), no_grad():
        raise ValueError
    assert is_grad_enabled()


def test_leaves_made_under_no_grad_keep_their_wish():
    with no_grad():
        x = tensor([1.0])
    assert x.requires_grad


def test_each_thread_has_its_own_mode():
    x = tensor([1.0])
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
        assert not (x * 2).requires_grad
    assert seen == [True]


def test_a_thread_that_records_again_does_not_wake_the_others():
    x = tensor([1.0])

    def other():
        with no_grad():
            pass

    with no_grad():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert not (x * 2).requires_grad


def test_backward_works_under_no_grad():
    x = tensor([3.0])
    y = x * x
    with no_grad():
        y.backward()
        y.backward(create_graph=True)
        assert x.grad.requires_grad
    assert x.grad.item() == 6


def test_create_graph_default_comes_from_the_module():
    x = tensor([3.0])
    autograd.CREATE_GRAPH = True
    try:
        (x * x).backward()
        assert x.grad.requires_grad
        (x * x).backward(create_graph=False)
        assert not x.grad.requires_grad
    finally:
        autograd.CREATE_GRAPH = False
    (x * x).backward()
    assert not x.grad.requires_grad


def test_lazy_values_wait(lazy):
    assert state.LAZY_MODE is True
    x = tensor([1.0, -2.0])
    y = ops.relu(x * 3) + 1
    assert y.cached_data is None
    assert y.op.name == "add_scalar"
    assert y.numpy().tolist() == [4, 1]
    assert y.inputs[0].cached_data is not None


def test_lazy_values_know_shape_and_dtype(lazy):
    y = tensor([[1.0, 2.0]]) @ tensor([[1.0], [2.0]])
    assert y.cached_data is None
    assert (y.shape, y.dtype) == ((1, 1), "float64")


def test_lazy_gradients(lazy):
    x, w = tensor([[1.0, -2.0]]), tensor([[3.0], [1.0]])
    loss = (ops.relu(x @ w) * 2).sum()
    loss.backward()
    assert w.grad.numpy().tolist() == [[2], [-4]]
    loss.backward(create_graph=True)
    assert x.grad.numpy().tolist() == [[6, 2]]


def test_values_made_lazily_work_after_lazy_mode():
    x = tensor([2.0])
    autograd.LAZY_MODE = True
    y = x * x
    autograd.LAZY_MODE = False
    z = y + 1
    assert z.item() == 5
    z.backward()
    assert x.grad.item() == 4


def test_a_long_lazy_chain_needs_no_recursion(lazy):
    y = tensor([0.0])
    for _ in range(5_000):
        y = y + 1
    assert y.item() == 5_000


def test_lazy_mode_sees_each_value_computed_once(lazy):
    calls = []

    class Counted(autograd.TensorOp):
        def compute(self, a):
            calls.append(1)
            return a * 1.0

    y = Counted()(tensor([1.0]))
    np.testing.assert_array_equal((y + y).numpy(), [2])
    assert len(calls) == 1


def test_the_counter_counts_live_values():
    before = autograd.TENSOR_COUNTER
    x = tensor([1.0])
    y = x * 2 + 1
    assert before + 3 == autograd.TENSOR_COUNTER
    del y
    assert before + 1 == autograd.TENSOR_COUNTER


def test_the_counter_may_be_assigned():
    autograd.TENSOR_COUNTER = 0
    x = [tensor([1.0]) for _ in range(5)]
    assert autograd.TENSOR_COUNTER == 5
    del x
    assert autograd.TENSOR_COUNTER == 0


def test_a_decorated_generator_runs_in_its_mode_and_its_caller_in_another():
    @no_grad()
    def doubled(x):
        seen = []
        while x is not None:
            try:
                x = yield (x * 2).requires_grad
            except KeyError:
                seen.append("told")
                x = tensor([1.0])
        return [*seen, is_grad_enabled()]

    x = tensor([1.0])
    steps = doubled(x)
    assert next(steps) is False
    assert (x * 2).requires_grad
    assert steps.send(x) is False
    assert steps.throw(KeyError()) is False
    with pytest.raises(StopIteration) as end:
        steps.send(None)
    assert end.value.value == ["told", False]
    assert is_grad_enabled()
    left = doubled(x)
    next(left)
    left.close()
    assert is_grad_enabled()


def test_a_decorated_coroutine_runs_in_its_mode_and_others_in_theirs():
    x = tensor([1.0])

    @no_grad()
    async def quiet():
        await asyncio.sleep(0)
        first = (x * 2).requires_grad
        await asyncio.sleep(0)
        return first, (x * 2).requires_grad

    async def loud():
        seen = []
        for _ in range(3):
            await asyncio.sleep(0)
            seen.append((x * 2).requires_grad)
        return seen

    async def both():
        return await asyncio.gather(quiet(), loud())

    assert asyncio.run(both()) == [(False, False), [True, True, True]]


@pytest.mark.parametrize("wrong", [False, type("Model", (), {})])
def test_what_a_mode_cannot_decorate_is_an_error(wrong):
    with pytest.raises(TypeError, match="decorates a function"):
        no_grad()(wrong)
    with pytest.raises(TypeError, match="decorates a function"):
        no_grad(wrong)


# -- entered and left in unusual ways ---------------------------------------------------------------------------


def test_blocks_entered_by_hand_or_by_an_exit_stack():
    block = no_grad()
    assert hasattr(block, "__exit__") and is_grad_enabled()
    block.__enter__()
    assert not is_grad_enabled()
    block.__enter__()
    block.__exit__(None, None, None)
    assert not is_grad_enabled()
    block.__exit__(None, None, None)
    assert is_grad_enabled()
    with contextlib.ExitStack() as stack:
        stack.enter_context(block)
        stack.enter_context(enable_grad())
        assert is_grad_enabled()
        stack.enter_context(set_grad_enabled(False))
        assert not is_grad_enabled()
    assert is_grad_enabled()


def test_blocks_of_generators_may_end_in_any_order():
    """Each ends its own block; with settings saved and put back, the second would leave recording off for ever."""

    def quiet():
        with no_grad():
            yield

    first, second = quiet(), quiet()
    next(first), next(second)
    assert not is_grad_enabled()
    first.close()
    assert not is_grad_enabled()
    second.close()
    assert is_grad_enabled()


def test_a_setting_made_within_a_block_ends_with_it():
    with no_grad():
        set_grad_enabled(True)
        assert is_grad_enabled()
    assert is_grad_enabled()
    set_grad_enabled(False)
    with enable_grad():
        assert is_grad_enabled()
    assert not is_grad_enabled()
    set_grad_enabled(True)
    assert is_grad_enabled()


def test_one_block_serves_many_threads():
    block, seen = no_grad(), []

    def work():
        for _ in range(200):
            with block:
                seen.append(is_grad_enabled())
            seen.append(not is_grad_enabled())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 1600 and not any(seen) and is_grad_enabled()


def test_a_thread_that_ended_with_recording_off_does_not_hand_that_on():
    """The system gives a thread's number to the next one."""
    seen = []
    for work in (lambda: set_grad_enabled(False), lambda: seen.append(is_grad_enabled())):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    state.threads_without_grad.clear()
    assert seen == [True] and is_grad_enabled()
