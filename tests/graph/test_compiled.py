"""Compiled programs: the same numbers as the interpreter, from memory that is shared without harm."""

import threading

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, nn, ops, optim
from needle_edu.autograd import TensorTuple, registry
from needle_edu.autograd.arrays import BACKEND
from needle_edu.autograd.op import UnaryOp
from needle_edu.backend.build import builder
from needle_edu.graph import capture
from needle_edu.graph.compiled import (
    CALL_PASSES,
    PARTS,
    Fused,
    LoweringError,
    build,
    fuse,
    fusion,
    lower,
    plan_memory,
)
from needle_edu.graph.compiled.donation import donations
from needle_edu.graph.compiled.epilogue import Rows, epilogues
from needle_edu.graph.compiled.in_place import in_place
from needle_edu.graph.compiled.linking import compiles_functions
from needle_edu.graph.compiled.recomputed import recomputed
from needle_edu.graph.compiled.relu_slopes import relu_slopes
from needle_edu.graph.compiled.repeated_calls import repeated_calls
from needle_edu.graph.passes import optimize
from needle_edu.graph.static import CaptureError

from . import call_by_call, random_functions
from .networks import Convolutional, Recurrent, step_of

pytestmark = [
    pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays cannot be captured"),
    pytest.mark.skipif(not ndl.cpu().native, reason="no compiled kernels"),
    pytest.mark.shares_memory,
]
needs_compiler = pytest.mark.skipif(
    builder.find_compiler() is None, reason="NO C COMPILER: programs are not compiled"
)

# What is more than kernel calls: these look at numbers, here or in their vjp, to choose a way or to check an index.
LOOKS_AT_NUMBERS = {"max_pool_backward"}


def numbers(results):
    results = [results] if isinstance(results, Tensor) else results
    return [None if one is None else one.numpy() for one in results]


def assert_same(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype


@pytest.mark.parametrize("name", list(registry.ops()))
def test_calls_of_every_op(name, rng):
    """The kernel calls of each op and its gradient, one by one, in planned memory."""
    cls = registry.slot(name).cls
    looked = False
    for attrs, given in cls.samples(np.random.default_rng(7)):
        xs = [Tensor(x, dtype="float32" if np.asarray(x).dtype.kind == "f" else None) for x in given]

        def both(*arguments, cls=cls, attrs=attrs):
            operands = (ops.make_tuple(*arguments),) if getattr(cls, "tuple_input", False) else arguments
            y = cls(**attrs)(*operands)
            parts = y.tuple() if isinstance(y, TensorTuple) else (y,)
            total = None
            for part in parts:
                if part.requires_grad:
                    term = (part * part).sum()
                    total = term if total is None else total + term
            if total is not None:
                total.backward()
            return (*parts, *[x.grad for x in arguments if x.grad is not None])

        program = optimize(capture(both, *xs))
        try:
            lowered = lower(program)
        except LoweringError:
            looked = True
            continue
        for change in CALL_PASSES:
            lowered = change(lowered)
        steps = fuse(lowered)
        memory = plan_memory(lowered, steps)
        assert memory.peak() <= memory.nbytes <= memory.unshared
        found = call_by_call.run(program, lowered, steps, memory, *xs)
        for result, wanted in zip(program.outputs, numbers(program(*xs)), strict=True):
            if wanted.size:
                np.testing.assert_array_equal(found[result], wanted)
    assert looked == (name in LOOKS_AT_NUMBERS)


# ---- as C -----------------------------------------------------------------------------------------------------------


@needs_compiler
@pytest.mark.parametrize("seed", range(6))
def test_random_function_as_c(seed):
    rng = np.random.default_rng(seed)
    f = random_functions.with_gradients(random_functions.function(rng, steps=40))
    xs = random_functions.inputs(rng)
    program = optimize(capture(f, *xs))
    run = build(program)
    for _ in range(2):  # the second time, what the first has left in memory
        assert_same(numbers(run(*xs)), numbers(program(*xs)))


@needs_compiler
@pytest.mark.parametrize("make", [Convolutional, Recurrent])
@pytest.mark.parametrize("kind", ["Adam", "SGD"])
def test_training_as_c(make, kind, rng):
    """Steps of a training run, at two batch sizes: losses, parameters, buffers and memories to the last bit."""
    batches = [
        (Tensor(rng.normal(size=(n, 64)), dtype="float32"), Tensor(rng.integers(0, 3, n)))
        for n in (5, 5, 3, 5, 3)
    ]
    loss_of = nn.SoftmaxLoss()

    def trained(compiled):
        ndl.init.seed(5)
        model = make()
        optimizer = (
            optim.Adam(model.parameters()) if kind == "Adam" else optim.SGD(model.parameters(), 0.1, 0.9)
        )
        step = step_of(model, optimizer, loss_of)
        run = ndl.compile(step) if compiled else step
        losses = [run(*batch).numpy() for batch in batches]
        if compiled:
            assert (run.runs_as, run.captures, run.why) == ("C", 2, "")
        kept = [np.asarray(a) for a in model.state_dict().values()]
        return [*losses, *kept, *map(np.asarray, optimizer.state_dict().values())]

    for a, b in zip(trained(True), trained(False), strict=True):
        np.testing.assert_array_equal(a, b)


@needs_compiler
def test_compiled_once_for_each_kind_of_arguments():
    @ndl.compile
    def double(x):
        """Twice x."""
        return x * 2

    assert double.__name__ == "double" and double.__doc__ == "Twice x." and double.captures == 0
    for x in ([1.0], [2.0], [1.0, 2.0], [3.0]):
        assert double(Tensor(x)).numpy().tolist() == [2 * one for one in x]
    assert double.captures == 2
    assert double(Tensor([1.0], dtype="float64")).dtype == "float64" and double.captures == 3
    assert "nd_multiply_scalar_dense" in double.source


def test_not_yet_captured():
    with pytest.raises(CaptureError, match="at its first call; call it once"):
        ndl.compile(lambda x: x).program


class ByTheLargest(UnaryOp):
    """x times 1; its vjp looks at a number, which no program of kernel calls can."""

    def compute(self, a):
        return a * 1

    def vjp0(self, g, node):
        return g * float(node.inputs[0].numpy().max())


def test_falls_back_and_says_why():
    def gradient(x):
        ByTheLargest()(x).sum().backward()
        return x.grad

    run = ndl.compile(gradient)
    assert run(Tensor([1.0, 5.0])).numpy().tolist() == [5, 5]
    assert (run.runs_as, run.source) == ("interpreter", "")
    assert run.why == "ByTheLargest.vjp0 looks at numbers"


def test_an_optimiser_with_a_step_of_its_own(rng):
    x, start = Tensor(rng.normal(size=(6, 4)), dtype="float32"), rng.normal(size=(4, 3))

    def trained(compiled):
        w = Tensor(start, dtype="float32")
        optimizer = optim.Muon([w], lr=0.1)

        def step(x):
            optimizer.reset_grad()
            loss = ((x @ w) ** 2).sum()
            loss.backward()
            optimizer.step()
            return loss

        run = ndl.compile(step) if compiled else step
        losses = [run(x).item() for _ in range(3)]
        if compiled:
            assert (run.runs_as, run.why) == ("C", "")
        return [*losses, w.numpy(), *map(np.asarray, optimizer.state_dict().values())]

    for a, b in zip(trained(True), trained(False), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_schedule_goes_on_in_a_compiled_step_of_muon(rng):
    """Learning rate and momentum are asked at each run."""
    x = Tensor(rng.normal(size=(6, 4)), dtype="float32")

    def trained(compiled):
        w = Tensor(np.arange(12.0).reshape(4, 3) / 10, dtype="float32")
        optimizer = optim.Muon([w], lr=0.1, maximize=True)

        def step(x):
            optimizer.reset_grad()
            (-((x @ w) ** 2).sum()).backward()
            optimizer.step()

        run = ndl.compile(step) if compiled else step
        for k in range(3):
            optimizer.lr, optimizer.momentum = 0.1 / (k + 1), 0.9 - k / 10
            run(x)
        return w.numpy()

    np.testing.assert_array_equal(trained(True), trained(False))


INDICES = {
    "rows": (lambda i, j: i, [1, 0, 1], [0]),
    "a row": (lambda i, j: i, 2, 0),
    "from the end": (lambda i, j: i, [-1, 0, -3], [0]),
    "columns": (lambda i, j: (slice(None), i), [[3, 0], [1, 1]], [0]),
    "behind a slice": (lambda i, j: (slice(0, 2), None, i), [3, 0], [0]),
    "elements": (lambda i, j: (i, j), [0, 2, 2], [1, 3, 3]),
    "elements by broadcasting": (lambda i, j: (i, j), [[0], [2]], [1, 3, 0]),
    "a row of columns": (lambda i, j: (1, i), [0, 2, 2], [0]),
}


@needs_compiler
@pytest.mark.parametrize("name", INDICES)
def test_an_index_from_the_arguments(name, rng):
    """x[i] for whole numbers that only a run knows, and its gradient: as C, with other numbers than those captured."""
    index, first, second = INDICES[name]
    x = Tensor(rng.normal(size=(3, 4)), dtype="float32")
    i, j = (Tensor(np.array(one), dtype="int64") for one in (first, second))

    def f(x, i, j):
        y = x[index(i, j)]
        (y * y * 0.5).sum().backward()
        return y, x.grad

    run = ndl.compile(f)
    run(x, Tensor(np.zeros_like(i.numpy())), Tensor(np.zeros_like(j.numpy())))
    x.grad = None
    assert_same(numbers(run(x, i, j)), numbers(f(x, i, j)))
    assert (run.runs_as, run.captures, run.why) == ("C", 1, "")


@needs_compiler
def test_an_index_out_of_range_in_a_program():
    run = ndl.compile(lambda x, i: x[i])
    x = Tensor([1.0, 2.0, 3.0])
    assert run(x, Tensor([2], dtype="int64")).numpy().tolist() == [3]
    with pytest.raises(ndl.backend.IndexOutOfRange, match="7"):
        run(x, Tensor([7], dtype="int64"))


@needs_compiler
@pytest.mark.parametrize("masked", [False, True])
def test_dropout_within_attention_draws_a_key_at_each_run(masked, rng):
    q, k, v = (Tensor(rng.normal(size=(2, 5, 4)), dtype="float32") for _ in range(3))
    mask = None
    if masked:
        mask = Tensor(
            np.where(np.triu(np.ones((5, 5)), 1) > 0, -np.inf, 0), dtype="float32", requires_grad=False
        )

    def f(q, k, v):
        y = ops.scaled_dot_product_attention(q, k, v, mask, dropout_p=0.4)
        (y * y).sum().backward()
        return y, q.grad, k.grad, v.grad

    run = ndl.compile(f)
    ndl.init.seed(3)
    found = [numbers(run(q, k, v)) for _ in range(2)]
    ndl.init.seed(3)
    wanted = [numbers(f(q, k, v)) for _ in range(2)]
    for a, b in zip(found, wanted, strict=True):
        assert_same(a, b)
    assert not np.array_equal(found[0][0], found[1][0]) and (run.runs_as, run.why) == ("C", "")


# ---- parts ----------------------------------------------------------------------------------------------------------


@needs_compiler
@pytest.mark.parametrize("name", PARTS)
def test_each_part_can_be_left_out(name, rng):
    """Alone, and as the only one that is missing: the same numbers."""
    ndl.init.seed(5)
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2))
    x = Tensor(rng.normal(size=(4, 6)), dtype="float32")

    def f(x):
        loss = (model(x).T.exp().T ** 2).sum() * 1
        loss.backward()
        return loss, *[p.grad for p in model.parameters()]

    for passes in ([name], [one for one in PARTS if one != name]):
        run = ndl.compile(f, passes)
        assert_same(numbers(run(x)), numbers(f(x)))
        assert (run.runs_as, run.passes) == ("C", tuple(passes))


@needs_compiler
def test_what_a_part_does_is_not_done_without_it():
    x = Tensor(np.ones((64, 64)), dtype="float32")

    def f(x):
        return ((x.T.exp().T @ x) * 2 + 1).sum() + (x @ x).exp().sum() * 0

    def left_out(name):
        run = ndl.compile(f, [one for one in PARTS if one != name])
        run(x)
        return run.serving(x)

    whole = ndl.compile(f)
    whole(x)
    whole = whole.serving(x)
    assert "fused" in whole.source and "fused" not in left_out("fusion").source
    assert any(one.op.name == "transpose" for one in left_out("layout").program.body)
    assert not any(one.op.name == "transpose" for one in whole.program.body)
    assert left_out("memory_planning").memory.nbytes > whole.memory.nbytes
    assert left_out("in_place").memory.nbytes >= whole.memory.nbytes
    if compiles_functions():
        assert "isa/functions.h" in whole.source and "isa/functions.h" not in left_out("registers").source


@pytest.mark.parametrize("passes", ["fusion", 3, {"fusion": 1}])
def test_parts_are_a_list_of_names(passes):
    with pytest.raises(TypeError, match="compile: passes is a list of names, such as"):
        ndl.compile(lambda x: x, passes)


def test_a_part_that_is_not_there():
    with pytest.raises(
        ValueError, match="compile: there is no part 'fission'; the parts are constant_folding"
    ):
        ndl.compile(lambda x: x, ["fission"])


def test_other_devices_are_interpreted():
    run = ndl.compile(lambda x: x * 2)
    assert run(Tensor([1.0], device=ndl.cpu_numpy())).item() == 2
    assert run.runs_as == "interpreter" and "not for cpu_numpy()" in run.why


def test_without_a_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("NEEDLE_EDU_CACHE", str(tmp_path))
    monkeypatch.setenv("CC", "no-such-compiler")
    run = ndl.compile(lambda x: x * 2)
    assert run(Tensor([1.0])).item() == 2
    assert run.runs_as == "interpreter" and "'no-such-compiler'" in run.why


@needs_compiler
def test_a_students_kernel_is_not_bypassed():
    run = ndl.compile(lambda x: x.exp())
    x = Tensor([1.0, 2.0])
    run(x)
    calls = []

    def mine(code, n, out, a):
        calls.append(n)
        return own(code, n, out, a)

    own = ndl.cpu().kernels.exp_dense
    with ndl.cpu().override("exp_dense", mine):
        run(x)
    assert calls == [2]


@needs_compiler
def test_errors_of_a_kernel_name_the_op():
    table = Tensor(np.zeros((3, 2)), dtype="float32")
    run = ndl.compile(lambda i: ops.embedding(i, table))
    assert run(Tensor([0, 2])).shape == (2, 2)
    with pytest.raises(ndl.backend.IndexOutOfRange, match="5"):
        run(Tensor([0, 5]))
    assert run(Tensor([2, 2])).shape == (2, 2)


@needs_compiler
def test_results_have_memory_of_their_own():
    run = ndl.compile(lambda x: (x * 2, (x * 2).T, x))
    x = Tensor([[1.0, 2.0]])
    first = run(x)
    second = run(Tensor([[5.0, 6.0]]))
    assert [one.numpy().tolist() for one in first] == [[[2, 4]], [[2], [4]], [[1, 2]]]
    assert [one.numpy().tolist() for one in second] == [[[10, 12]], [[10], [12]], [[5, 6]]]
    assert run(Tensor([[1.0], [2.0], [3.0]]).T[:, :2])[0].numpy().tolist() == [
        [2, 4]
    ]  # an argument with strides


@needs_compiler
def test_in_several_threads():
    run = ndl.compile(lambda x: ((x * 2).exp() + 1).sum())
    wanted = {n: run(Tensor(np.full(1000, n / 10))).item() for n in range(8)}
    found = {}

    def work(n):
        for _ in range(50):
            found.setdefault(n, set()).add(run(Tensor(np.full(1000, n / 10))).item())

    threads = [threading.Thread(target=work, args=(n,)) for n in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: {value} for n, value in wanted.items()}


def test_memory_plan_of_a_network():
    """Temporaries of a deep network's step share memory, and no plan could do with much less."""
    model = nn.Sequential(*[layer for _ in range(6) for layer in (nn.Linear(64, 64), nn.ReLU())])

    def step(x):
        loss = model(x).sum()
        loss.backward()
        return loss

    lowered = lower(optimize(capture(step, Tensor(np.ones((256, 64))))))
    memory = plan_memory(lowered, fuse(lowered))
    assert memory.nbytes < 0.7 * memory.unshared
    assert memory.nbytes <= 1.1 * memory.peak()


def rectified(x, w, v):
    """The gradients of a network of two layers; v keeps the rectifier's result for the backward pass."""
    h = x @ w
    (h.relu() @ v).sum().backward()
    return w.grad, v.grad, x.grad


def slopes(function, *xs):
    """Return what each relu_backward looks at, and what relu had and made."""
    lowered = relu_slopes(lower(capture(function, *xs)))
    forward = next(call for call in lowered.calls if call.kernel == "relu_dense")
    backward = next(call for call in lowered.calls if call.kernel.startswith("relu_backward"))
    return backward.arguments[-1], forward.arguments[3], forward.arguments[2]


def test_the_slope_of_a_rectifier_needs_its_result_alone():
    rng = np.random.default_rng(0)
    xs = [Tensor(rng.normal(size=(6, 6)).astype("f")) for _ in range(3)]
    seen, had, made = slopes(rectified, *xs)
    assert seen is made is not had
    before, after = [
        plan_memory(one, one.calls).nbytes
        for lowered in [lower(capture(rectified, *xs))]
        for one in (in_place(lowered), in_place(relu_slopes(lowered)))
    ]
    assert after < before
    run = ndl.compile(rectified)
    for first in (xs[0], Tensor(np.full((6, 6), np.nan, "f")), Tensor(np.zeros((6, 6), "f"))):
        wanted = numbers(rectified(first, *xs[1:]))
        assert_same(numbers(run(first, *xs[1:])), wanted)


def test_a_result_that_would_only_be_kept_for_the_slope_is_not():
    """x is there to the end anyway, since it is an argument: then relu(x) need not be."""

    def of_an_argument(x):
        x.relu().sum().backward()
        return x.grad

    seen, had, _ = slopes(of_an_argument, Tensor(np.ones((4, 4), "f")))
    assert seen is had


def residual(norm, *layers):
    """The gradient of x + relu(norm(c)), with enough behind it that the backward pass is far away."""

    def step(x):
        y = x + norm(x * x).relu()
        for layer in layers:
            y = layer(y)
        y.sum().backward()
        return x.grad, norm.weight.grad, norm.bias.grad

    return step


def test_what_only_a_slope_would_keep_is_computed_again():
    x = Tensor(np.random.default_rng(0).normal(size=(8, 4, 32, 32)).astype("f"))
    layers = [Tensor.tanh, Tensor.exp, Tensor.sigmoid, Tensor.tanh]
    step = residual(nn.BatchNorm2d(4), *layers)
    lowered = relu_slopes(lower(optimize(capture(step, x))))
    again = recomputed(lowered)

    def norms(one):
        return [call.kernel for call in one.calls].count("batch_norm_dense")

    assert (norms(lowered), norms(again)) == (1, 2)
    outputs = [call.arguments[2] for call in again.calls if call.kernel == "batch_norm_dense"]
    assert outputs[0] is not outputs[1]
    before, after = [plan_memory(one, one.calls).nbytes for one in map(in_place, (lowered, again))]
    assert after < before
    wanted = numbers(residual(nn.BatchNorm2d(4), *layers)(x))
    assert_same(numbers(ndl.compile(residual(nn.BatchNorm2d(4), *layers))(x)), wanted)


@pytest.mark.parametrize(
    ("use", "shape"), [(Tensor.relu, (2, 4, 4, 4)), (lambda b: b.relu() * b, (8, 4, 32, 32))]
)
def test_what_is_small_or_kept_is_not_computed_again(use, shape):
    norm = nn.BatchNorm2d(4)

    def step(x):
        use(norm(x * 2)).exp().tanh().exp().tanh().sum().backward()
        return x.grad

    lowered = relu_slopes(lower(optimize(capture(step, Tensor(np.ones(shape, "f"))))))
    assert any(call.kernel.startswith("relu_backward") for call in lowered.calls)
    assert len(recomputed(lowered).calls) == len(lowered.calls)


# ---- fusion ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(fusion.POINTWISE))
def test_pointwise_kernels_may_be_called_for_a_part(name, rng):
    """A kernel that fusion calls block by block computes the same for parts of arrays as for all of them."""
    runtime, n = ndl.cpu().runtime, 5000
    kernel, wanted = (
        getattr(runtime.kernels, name),
        runtime.ffi.typeof(getattr(runtime.lib, f"nd_{name}")).args,
    )
    types = [one.cname for one in wanted[2:]]
    of_bools = name.startswith("logical_")
    inputs = [(rng.random(n) * 3 - 1) for one in types[1:] if one == "void *"]
    inputs = [one > 0 if of_bools else one.astype("float32") for one in inputs]
    number = [0.5] if "double" in types else []
    asks = name.startswith(("equal", "not_equal", "less", "greater", "logical"))

    def call(out, start, stop):
        pointers = [runtime.adopt(one[start:stop].view(np.uint8)).ptr for one in (out, *inputs)]
        assert kernel(4 if of_bools else 0, stop - start, *pointers, *number) == 0

    whole, parts = (np.zeros(n, "bool" if asks else "float32") for _ in range(2))
    call(whole, 0, n)
    for start in range(0, n, 1777):
        call(parts, start, min(start + 1777, n))
    np.testing.assert_array_equal(whole.view(np.uint8), parts.view(np.uint8))


def test_neighbours_are_fused_and_others_are_not():
    def f(x, y):
        return ((x * 2 + y).tanh() + 1).sum() + (y[:1] * 3).exp()

    lowered = lower(optimize(capture(f, Tensor(np.ones(6)), Tensor(np.ones(6)))))
    shape = [len(step.calls) if isinstance(step, Fused) else step.kernel for step in fuse(lowered)]
    assert shape[:2] == [4, "sum"]
    first = fuse(lowered)[0]
    assert len(first.inner) == 3 and first.n == 6


@needs_compiler
@pytest.mark.parametrize("n", [1, 2047, 2048, 2049, 100_000])
def test_a_fused_chain_as_c(n, rng):
    def f(x, y):
        h = (x * 2 + y).tanh() * x
        return (h.abs() + 1).sqrt() / 3, h

    run = ndl.compile(f)
    xs = [Tensor(rng.normal(size=n), dtype="float32") for _ in range(2)]
    assert_same(numbers(run(*xs)), numbers(f(*xs)))
    assert "static void fused_0" in run.source
    assert not compiles_functions() or "tanh_f32(" in run.source


@needs_compiler
def test_functions_in_registers_compute_as_kernels_do(rng):
    """Each function in a loop of its own, behind a product, whose rounding no fused multiply-add may leave out."""
    x, y = (rng.normal(size=3000) * 3).astype("float32"), rng.normal(size=3000).astype("float32")
    x[:6] = np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-42
    unary = [
        "exp",
        "log",
        "tanh",
        "sigmoid",
        "relu",
        "abs",
        "sign",
        "sqrt",
        "square",
        "floor",
        "ceil",
        "round",
        "trunc",
    ]
    made = [getattr(ops, name) for name in unary] + [
        lambda t: t + 0.7, lambda t: 0.3 - t, lambda t: t / 3, lambda t: 2 / t, lambda t: t**0.5, lambda t: t**2,
        lambda t: -t, ops.silu, ops.gelu, ops.erf, lambda t: ops.maximum(t, t * 2 - 1),
    ]  # fmt: skip

    def f(x, y):
        return tuple([one(x * y * 1.7) * y + x for one in made])

    for dtype in ("float32", "float64"):
        if dtype == "float64":
            made = [ops.exp, ops.log, ops.sigmoid, ops.abs, ops.relu, lambda t: t**2, lambda t: t / 3]
        xs = [Tensor(one, dtype=dtype) for one in (x, y)]
        run = ndl.compile(f)
        assert_same(numbers(run(*xs)), numbers(f(*xs)))
        assert not compiles_functions() or "rounded_f" in run.source


@needs_compiler
def test_products_are_rounded_before_a_sum_that_could_tell(rng):
    """A product by 2 needs no guard, unless a sum could bring back what has overflowed."""
    x = rng.normal(size=3000).astype("float32")
    x[:6] = 3e38, -3e38, 1e-45, np.inf, np.nan, 1.7e38
    x = Tensor(x)

    def f(x):
        h = x * 4 + 1  # two readers of x, one of the product
        return (
            (x * 2 + 1).tanh() * x + 0.5, x * -2 - 3e38, 2e38 - x * 2, x * 2 + x, x * 3 + 1, 7 - x * 8, h * 2,
            h * 2 + 1e31,
        )  # fmt: skip

    run = ndl.compile(f)
    assert_same(numbers(run(x)), numbers(f(x)))


@needs_compiler
def test_gradients_in_registers(rng):
    xs = [Tensor(rng.normal(size=500), dtype="float32") for _ in range(2)]

    def f(x, y):
        h = x.tanh()
        z = ops.sigmoid(h * y) * h * h + ops.silu(y * 0.3)  # a function, its slope and h h in one chain
        (z * z).sum().backward()
        return z, x.grad, y.grad

    assert_same(numbers(ndl.compile(f)(*xs)), numbers(f(*xs)))


@needs_compiler
def test_another_instruction_set(rng):
    runtime = ndl.cpu().runtime
    now, x = runtime.get_isa(), Tensor(rng.normal(size=1000), dtype="float32")
    run = ndl.compile(lambda x: ((x * 2 + 1).tanh() * x).exp())
    try:
        for isa in reversed(runtime.available_isas()):
            runtime.set_isa(isa)
            assert_same(numbers(run(x)), numbers(run.function(x)))
    finally:
        runtime.set_isa(now)


# ---- passes over kernel calls ----------------------------------------------------------------------------------------


def test_a_call_is_made_once():
    def f(x):
        (ops.max_pool2d(x * 2, 2) ** 2).sum().backward()
        return x.grad

    lowered = lower(capture(f, Tensor(np.ones((1, 1, 4, 4)))))
    changed = repeated_calls(lowered)
    assert len(changed.calls) < len(lowered.calls)
    assert [call.kernel for call in changed.calls].count("max_pool") == 1
    assert not any(
        one.kernel == "max_pool" and one.arguments[2] == ndl.cpu().runtime.null for one in changed.calls
    )


@needs_compiler
@pytest.mark.parametrize("shape", [(300, 40, 256), (1025, 9, 70), (4099, 3, 17)])
def test_a_product_and_what_follows_it_go_by_rows(shape, rng):
    """Blocks of rows, of which the last may be larger: bits of the whole product, whatever the rest of the rows."""
    m, k, n = shape
    x, w, b = (Tensor(rng.normal(size=size), dtype="float32") for size in ((m, k), (k, n), n))

    def f(x, w, b):
        h = x @ w + b.broadcast_to((m, n))
        return ops.relu(h) * 2, h

    run = ndl.compile(f)
    assert_same(numbers(run(x, w, b)), numbers(f(x, w, b)))
    assert "rows_0" in run.source and "fused_2(Q" in run.source
    steps = fuse(lower(run.program))
    assert [type(step) for step in epilogues(steps)] == [Rows] and len(steps) > 1
    small = fuse(lower(capture(f, x, w, b)))
    assert epilogues(small[1:]) == small[1:]


@needs_compiler
@pytest.mark.parametrize("turned", [False, True])
def test_a_factor_of_a_product_is_not_written_over_while_rows_are_left(turned, rng):
    """h + w h may be written where h lies, but only when all rows of w h are there."""
    x, w = (Tensor(rng.normal(size=(300, 300)), dtype="float32") for _ in range(2))

    def f(x, w):
        h = x * 2
        return ops.relu(h + (h @ h if turned else w @ h))

    assert_same(numbers(ndl.compile(f)(x, w)), numbers(f(x, w)))


@needs_compiler
def test_a_parameter_is_not_written_over_while_a_product_reads_it(rng):
    """max(w, x w) row by row: the rows of w that are left need all of the old w."""
    x, start = Tensor(rng.normal(size=(300, 300)) / 20, dtype="float32"), rng.normal(size=(300, 300))

    def trained(compiled):
        w = Tensor(start, dtype="float32")

        def step(x):
            h = x @ w  # which is needed again, so the new w has no memory but that of the old one
            w.data = ops.maximum(w, h)
            return h.sum()

        run = ndl.compile(step) if compiled else step
        for _ in range(2):
            run(x)
        return w.numpy()

    np.testing.assert_array_equal(trained(True), trained(False))


def test_in_place_where_nobody_needs_the_operand(rng):
    x = Tensor(rng.normal(size=(64, 64)), dtype="float32")

    def f(x):
        h = x @ x
        a = h.exp()  # h is needed below
        return (a + h).tanh().sum(), a

    lowered = lower(capture(f, x))
    changed = in_place(lowered)
    assert plan_memory(changed, changed.calls).nbytes < plan_memory(lowered, lowered.calls).nbytes
    found = call_by_call.run(capture(f, x), changed, changed.calls, plan_memory(changed, changed.calls), x)
    for name, wanted in zip(lowered.program.outputs, numbers(f(x)), strict=True):
        np.testing.assert_array_equal(found[name], wanted)


# ---- donation --------------------------------------------------------------------------------------------------------


def address(tensor):
    return ndl.cpu().runtime.address(tensor.cached_data.storage)


@needs_compiler
@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
def test_a_parameter_is_written_over_where_nobody_holds_it(make):
    w = Tensor([[1.0, 2.0], [3.0, 4.0]])
    optimizer = make([w], lr=0.1)

    def step(x):
        optimizer.reset_grad()
        loss = ((x @ w) ** 2).sum()
        loss.backward()
        optimizer.step()
        return loss

    run, x = ndl.compile(step), Tensor([[1.0, 2.0]])
    run(x)
    place, before = address(w), w.numpy().copy()
    run(x)
    assert address(w) == place and not np.array_equal(w.numpy(), before)
    kept, numbers_kept = w.detach(), w.numpy().copy()
    run(x)
    assert address(w) != place
    np.testing.assert_array_equal(kept.numpy(), numbers_kept)
    old_gradient = w.grad
    values = old_gradient.numpy().copy()
    run(x)
    np.testing.assert_array_equal(old_gradient.numpy(), values)


def test_a_parameter_that_is_read_later_is_not_written_over():
    w = Tensor([1.0, 2.0])
    w.name = "w"

    def step(x):
        old = w.detach()
        w.data = w - x * 0.1
        return old * w

    assert donations(lower(capture(step, Tensor([1.0, 1.0])))) == []


@needs_compiler
def test_the_old_gradient_is_gone_before_the_new_one_is_made():
    w = Tensor(np.ones((300, 300)), dtype="float32")

    def step(x):
        w.grad = None
        ((x @ w) ** 2).sum().backward()

    run, x = ndl.compile(step), Tensor(np.ones((1, 300)), dtype="float32")
    live = []
    for _ in range(4):
        run(x)
        live.append(address(w.grad))
    assert len(set(live[1:])) == 1  # the pool gives the same block again
