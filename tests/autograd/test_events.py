"""The event stream: exactly what is told, in which order; and that nothing is kept."""

import gc
import weakref

import numpy as np
import pytest
from autograd_helpers import tensor

import needle_edu.autograd as autograd
from needle_edu import ops
from needle_edu.autograd import events, no_grad, state, value_id


@pytest.fixture
def told():
    """Everything that is told during a test, as (event, copy of the array)."""
    heard = []

    def listen(event, array):
        heard.append((event, None if array is None else np.array(array)))

    previous = events.set_hook(listen)
    yield heard
    events.set_hook(previous)


def short(heard):
    return [(e.kind, e.value, e.node, e.operand) for e, _ in heard]


def test_the_whole_story_of_x_times_x(told):
    x = tensor([3.0, 4.0])
    y = x * x
    y.backward()
    vx, vy = value_id(x), value_id(y)
    assert short(told) == [
        ("created", vx, None, None),
        ("computed", vx, None, None),
        ("created", vy, None, None),
        ("computed", vy, None, None),
        ("seeded", vy, None, None),
        ("vjp", vx, vy, 0),
        ("accumulated", vx, vy, 0),
        ("vjp", vx, vy, 1),
        ("accumulated", vx, vy, 1),
        ("leaf", vx, None, None),
    ]
    arrays = [None if a is None else a.tolist() for _, a in told]
    assert arrays == [None, [3, 4], None, [9, 16], [1, 1], [3, 4], [3, 4], [3, 4], [6, 8], [6, 8]]
    created = told[2][0]
    assert created.op == "multiply"
    assert created.inputs == (vx, vx)
    assert created.requires_grad
    assert (created.shape, created.dtype, created.nbytes) == ((2,), "float64", 16)
    assert created.source[0] == __file__
    serials = [e.serial for e, _ in told]
    assert serials == list(range(serials[0], serials[0] + len(serials)))
    times = [e.time_ns for e, _ in told]
    assert times == sorted(times)


def test_shared_nodes_and_operand_order(told):
    a, b = tensor([1.0]), tensor([2.0])
    s = a + b
    y = b / s
    y.backward()
    va, vb, vs, vy = map(value_id, (a, b, s, y))
    assert short(told)[8:] == [
        ("seeded", vy, None, None),
        ("vjp", vb, vy, 0),
        ("accumulated", vb, vy, 0),
        ("vjp", vs, vy, 1),
        ("accumulated", vs, vy, 1),
        ("vjp", va, vs, 0),
        ("accumulated", va, vs, 0),
        ("vjp", vb, vs, 1),
        ("accumulated", vb, vs, 1),
        ("leaf", va, None, None),
        ("leaf", vb, None, None),
    ]


def test_contributions_come_in_the_shape_of_the_input(told):
    a, b = tensor(np.ones((2, 3))), tensor([1.0, 2.0, 3.0])
    (a * b).backward()
    contribution = [a for e, a in told if e.kind == "vjp" and e.operand == 1]
    assert contribution[0].tolist() == [2, 2, 2]


def test_constants_get_no_backward_events(told):
    a, c = tensor([1.0]), tensor([2.0], requires_grad=False)
    (a * c).backward()
    assert not [e for e, _ in told if e.kind in ("vjp", "accumulated", "leaf") and e.value == value_id(c)]


def test_a_gradient_graph_is_told(told):
    x = tensor([3.0])
    (x * x).backward(create_graph=True)
    inside = [e.op for e, _ in told if e.kind == "created"]
    assert inside[:2] == [None, "multiply"]
    assert inside.count("multiply") == 3


def test_ops_under_no_grad_are_told(told):
    with no_grad():
        x = tensor([3.0])
        y = ops.exp(x)
    event = [e for e, _ in told if e.kind == "created" and e.value == value_id(y)][0]
    assert (event.op, event.requires_grad) == ("exp", False)


def test_attributes_labels_and_modules_are_told(told):
    x = tensor(np.ones((2, 2)))
    x.name = "input"
    state.module_path.names += ["Sequential", "0"]
    y = x.sum((0,))
    del state.module_path.names[:]
    first, second = [e for e, _ in told if e.kind == "created"]
    assert first.name == "input"
    assert (second.op, second.attrs, second.module) == ("summation", {"axes": (0,)}, "Sequential.0")
    assert y.name is None


def test_freed_when_the_last_reference_goes(told):
    x = tensor([1.0, 2.0])
    y = x * 2
    number = value_id(y)
    del y
    assert [(e.kind, e.value, e.nbytes) for e, _ in told][-1] == ("freed", number, 16)


def test_replay_tells_a_finished_graph():
    x = tensor([1.0])
    y = ops.exp(x * x)
    heard = []
    previous = events.set_hook(lambda event, array: heard.append((event.kind, event.op)))
    events.replay(y)
    events.set_hook(previous)
    assert heard == [
        ("created", None), ("computed", None), ("created", "multiply"), ("computed", "multiply"),
        ("created", "exp"), ("computed", "exp"),
    ]  # fmt: skip


def test_backward_alone_introduces_the_graph_first():
    """Whoever starts to listen late still hears of every value before it is used."""
    x = tensor([1.0])
    y = ops.exp(x * x)
    known = set()

    def listen(event, array):
        if event.kind == "created":
            assert set(event.inputs) <= known
            known.add(event.value)
        elif event.kind != "freed":
            assert event.value in known

    previous = events.set_hook(listen)
    y.backward()
    events.set_hook(previous)
    assert len(known) == 3


def test_lazy_values_are_computed_later(told):
    x = tensor([2.0])
    autograd.LAZY_MODE = True
    try:
        y = x * x
        assert [e.kind for e, _ in told][-1] == "created"
        y.numpy()
        assert [(e.kind, e.value) for e, _ in told][-1] == ("computed", value_id(y))
    finally:
        autograd.LAZY_MODE = False


def test_events_keep_no_values_alive(told):
    gc.disable()
    try:
        x = tensor([2.0])
        y = x * x
        y.backward()
        watch = weakref.ref(y)
        del y
        assert watch() is None
    finally:
        gc.enable()


def test_numbers_are_never_used_twice():
    seen = set()
    for _ in range(100):
        number = value_id(tensor([1.0]))
        assert number not in seen
        seen.add(number)


def test_set_hook_returns_the_previous_listener():
    def one(event, array):
        pass

    assert events.set_hook(one) is None
    assert events.set_hook(None) is one


def test_a_student_s_op_is_told_under_the_slot_s_name(told):
    class MyMul(autograd.TensorOp):
        def compute(self, a, b):
            return a * b

        def gradient(self, out_grad, node):
            a, b = node.inputs
            return out_grad * b, out_grad * a

    x = tensor([2.0])
    with autograd.override("multiply", MyMul):
        y = x * x
    assert [e.op for e, _ in told if e.kind == "created"] == [None, "multiply"]
    y.backward()
    assert [e.kind for e, _ in told].count("vjp") == 2
    assert y.op.symbol == "×"
