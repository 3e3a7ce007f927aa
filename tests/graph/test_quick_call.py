"""A call of a compiled program in C (csrc/python/program.c) does what `Executable.run` does in Python."""

import gc
import sys
import threading
import weakref
from contextlib import nullcontext

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, nn, ops, optim
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import NeedleError, accelerator, memory
from needle_edu.backend.build import builder
from needle_edu.graph.compiled import quick_call
from needle_edu.graph.compiled.executable import Executable

pytestmark = [
    pytest.mark.skipif(
        BACKEND == "np" or (ndl.zeros(1) is not None and accelerator.module is None),
        reason="np mode, or no compiler: there is no accelerator",
    ),
    pytest.mark.skipif(builder.find_compiler() is None, reason="NO C COMPILER: programs are not compiled"),
    pytest.mark.shares_memory,
]


@pytest.fixture
def in_python(monkeypatch):
    """Count the calls that Python makes."""
    calls = []
    run = Executable.run
    monkeypatch.setattr(Executable, "run", lambda self, arrays: calls.append(self) or run(self, arrays))
    return calls


def training(make, steps=4):
    """Return what a network's compiled steps lose, and its parameters and gradients after them."""
    ndl.seed(3)
    model = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.3), nn.Linear(4, 3))
    optimizer, loss_of = make(model.parameters()), nn.SoftmaxLoss()

    @ndl.compile
    def step(x, y):
        optimizer.reset_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return {"loss": loss, "more": (loss * 2, [x])}

    rng = np.random.default_rng(0)
    found = []
    for _ in range(steps):
        x, y = Tensor(rng.normal(size=(6, 5))), Tensor(rng.integers(0, 3, 6))
        given = step(x, y)
        found += [given["loss"], given["more"][0], given["more"][1][0]]
    found += list(model.parameters()) + [p.grad for p in model.parameters()]
    return [one.numpy() for one in found]


OPTIMIZERS = {
    "Adam": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.01),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "plain": lambda p: optim.SGD(p, lr=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_same_training(name, in_python):
    quick = training(OPTIMIZERS[name])
    assert len(in_python) == 1  # the first call, which compiles
    with accelerator.switched_off():
        usual = training(OPTIMIZERS[name])
    assert len(in_python) == 1 + 4
    for a, b in zip(quick, usual, strict=True):
        np.testing.assert_array_equal(a, b)


def gradient(x):
    ((x * x).tanh() + x).sum().backward()
    return x.grad


def test_results_and_facts():
    """The same numbers, layouts, versions and kinds of tensors."""
    for function in (
        gradient,
        lambda x: x.T,
        lambda x: (x, x + 1, None, {"a": x.reshape(6)}),
        lambda x: [x.sum()],
    ):
        run, x = ndl.compile(function), Tensor(np.arange(6.0).reshape(2, 3))
        run(x)
        quick = run(x)
        with accelerator.switched_off():
            usual = run(x)
        assert type(quick) is type(usual)
        for a, b in zip(leaves(quick), leaves(usual), strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
            assert a.cached_data.layout is b.cached_data.layout
            assert (type(a), a.op, a.inputs, a.requires_grad, a.grad) == (Tensor, None, (), False, None)
            shared = [one.cached_data.storage is x.cached_data.storage for one in (a, b)]
            assert shared[0] == shared[1]


def leaves(result):
    return [one for one in ndl.graph.static.structure.flatten(result)[0] if one is not None]


def test_a_parameter_that_somebody_holds_is_not_overwritten():
    w, x = Tensor([1.0, 2.0]), Tensor([2.0, 2.0])

    @ndl.compile
    def step(x):
        w.data = w * x

    def address():
        return w.cached_data.storage.ptr

    step(x), step(x)
    kept = w.cached_data
    step(x)
    np.testing.assert_array_equal(kept.numpy(), [4.0, 8.0])
    np.testing.assert_array_equal(w.numpy(), [8.0, 16.0])
    assert address() != kept.storage.ptr
    del kept
    view, version = w.cached_data[:1], w.version
    step(x)
    assert address() != view.storage.ptr
    np.testing.assert_array_equal(view.numpy(), [8.0])
    assert w.version > version
    del view
    before, version = address(), w.cached_data.storage.version
    step(x)  # alone: written over, and told
    assert address() == before
    assert w.cached_data.storage.version > version
    numbers = np.array([5.0, 5.0], np.float32)
    w.data = Tensor.make_const(ndl.ndarray.from_dlpack(numbers))  # the same memory
    step(x)
    np.testing.assert_array_equal(numbers, [5.0, 5.0])
    np.testing.assert_array_equal(w.numpy(), [10.0, 10.0])


def test_what_is_unusual_is_left_to_python(in_python):
    run, x = ndl.compile(gradient), Tensor([[1.0, 2.0], [3.0, 4.0]])
    run(x), run(x)
    assert len(in_python) == 1
    for other, calls in (
        (Tensor(np.ones((3, 1), "float32")), 1),
        (Tensor.make_const(x.cached_data.T, True), 3),
    ):
        before = len(in_python)
        for _ in range(3):
            np.testing.assert_array_equal(run(other).numpy(), gradient(other).numpy())
        assert len(in_python) == before + calls  # of the latest kind, if rows lie one behind the other, none
    with pytest.raises(TypeError):
        run()
    assert run.captures == 3
    run(x)
    before = len(in_python)
    with ndl.cpu().override("tanh_dense", lambda *args: 7), pytest.raises(NeedleError, match="tanh"):
        run(x)
    assert len(in_python) == before  # interpreted, with the student's kernel
    run(x)
    assert len(in_python) == before


def test_arguments_of_other_kinds():
    run = ndl.compile(lambda x, y: x + y)
    x, p = Tensor([1.0]), nn.Parameter([2.0])
    for _ in range(3):
        assert run(x, p).item() == 3.0
        assert run(x, x).item() == 2.0
        assert run(x, np.array([4.0], np.float32)).item() == 5.0


def test_an_error_of_a_kernel_names_the_op(in_python):
    table = Tensor(np.eye(3, dtype=np.float32))
    run = ndl.compile(lambda i: ops.embedding(i, table))
    good, bad = Tensor([0, 2]), Tensor([0, 7])
    run(good), run(good)
    assert len(in_python) == 1
    with pytest.raises(NeedleError) as quick:
        run(bad)
    with accelerator.switched_off(), pytest.raises(NeedleError) as usual:
        run(bad)
    assert str(quick.value) == str(usual.value)
    np.testing.assert_array_equal(run(good).numpy(), [[1, 0, 0], [0, 0, 1]])  # nothing is locked


def test_another_instruction_set(in_python):
    run, x = ndl.compile(gradient), Tensor(np.linspace(-1, 1, 40, dtype=np.float32))
    first = run(x).numpy()
    runtime = ndl.cpu().runtime
    isa = runtime.get_isa()
    try:
        runtime.set_isa("base")
        np.testing.assert_allclose(run(x).numpy(), first, rtol=1e-5, atol=1e-6)
        assert len(in_python) == 1
    finally:
        runtime.set_isa(isa)
    np.testing.assert_array_equal(run(x).numpy(), first)


def test_an_error_of_a_source_arrives():
    """An optimiser that fails when its formula is asked for."""
    w = Tensor(np.ones((3, 2), np.float32))
    adam = optim.Adam([w])

    @ndl.compile
    def step(x):
        adam.reset_grad()
        (x @ w).sum().backward()
        adam.step()

    x = Tensor(np.ones((4, 3), np.float32))
    step(x), step(x)
    before = w.numpy().copy()

    def broken(*_):
        raise RuntimeError("mine")

    adam.formula = broken
    with pytest.raises(RuntimeError, match="mine"):
        step(x)
    np.testing.assert_array_equal(w.numpy(), before)
    del adam.formula
    step(x)
    assert (w.numpy() != before).all()


def test_references_are_given_back():
    run, x = ndl.compile(gradient), Tensor([[1.0, 2.0], [3.0, 4.0]])
    watched = [None, True, False, x, x.cached_data, x.cached_data.layout, Tensor, ()]

    def counts():
        x.grad = None
        gc.collect()
        return [sys.getrefcount(one) for one in watched]

    for _ in range(30):
        run(x)
    before, held = counts(), memory.live_bytes()
    for _ in range(200):
        run(x)
    for thing, a, b in zip(watched, before, counts(), strict=True):
        assert abs(a - b) < 20, thing
    assert memory.live_bytes() == held


def test_threads_share_a_program():
    run = ndl.compile(lambda x: ((x @ x).tanh() @ x).sum())
    rng = np.random.default_rng(1)
    xs = [Tensor(rng.normal(size=(150, 150)) / 12) for _ in range(3)]
    wanted = [run(x).item() for x in xs]
    wrong = []

    def work(x, number):
        for _ in range(30):
            if run(x).item() != number:
                wrong.append(x)

    workers = [threading.Thread(target=work, args=pair, daemon=True) for pair in zip(xs, wanted, strict=True)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)
    assert not any(one.is_alive() for one in workers)
    assert not wrong


def test_without_the_accelerator_nothing_is_quick():
    with accelerator.switched_off():
        assert quick_call.in_c_run(None, ()) is NotImplemented
        run = ndl.compile(lambda x: x + 1)
        assert run(Tensor([1.0])).item() == run(Tensor([1.0])).item() == 2.0
        assert next(iter(run.programs.values())).in_c is None


@pytest.mark.parametrize("accelerated", [True, False])
def test_a_compiled_step_that_its_own_model_holds_is_collected(accelerated):
    """The model holds the step, the step its program, and that the model's parameters."""

    def made():
        model = ndl.nn.Linear(3, 2)
        optimizer = ndl.optim.Adam(model.parameters())

        def step(x):
            optimizer.reset_grad()
            loss = model(x).sum()
            loss.backward()
            optimizer.step()
            return loss

        model.step = ndl.compile(step)
        for _ in range(2):
            model.step(ndl.ones(2, 3))
        return [
            weakref.ref(one) for one in (model, model.step, model.step.serving(ndl.ones(2, 3)), model.weight)
        ]

    with nullcontext() if accelerated else accelerator.switched_off():
        found = made()
        gc.collect()
    assert [one() for one in found] == [None] * 4
