"""Programs: what is captured computes what the function computed, to the last bit."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, nn, ops, optim
from needle_edu.autograd import TensorTuple, registry
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import NeedleError
from needle_edu.graph import capture, compiled, passes, static
from needle_edu.graph.passes import optimize
from needle_edu.graph.static import CaptureError, GraphError, parse, validate

from . import random_functions
from .networks import Recurrent, step_of

pytestmark = pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays cannot be captured")

# Read back from text, its backward instruction does not know the forward one, and computes by the composition.
ROUNDS_AFTER_PARSING = {"attention"}


def numbers(results):
    return [None if one is None else one.numpy() for one in results]


def copied(a):
    """An array of NumPy's with the numbers of another array, wherever they lie."""
    return a.numpy() if hasattr(a, "numpy") else np.asarray(a)


def assert_same(found, wanted):
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            a, b = copied(a), copied(b)
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


# ---- every op ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(registry.ops()))
def test_op_and_gradient(name, rng):
    """Each sample of each op, forward and backward: as captured, after all passes, and read back from its text."""
    cls = registry.slot(name).cls
    for attrs, given in cls.samples(np.random.default_rng(7)):
        xs = [Tensor(x, dtype="float64" if np.asarray(x).dtype.kind == "f" else None) for x in given]
        weights: list = []

        def both(*arguments, cls=cls, attrs=attrs, weights=weights):
            operands = (ops.make_tuple(*arguments),) if getattr(cls, "tuple_input", False) else arguments
            y = cls(**attrs)(*operands)
            parts = y.tuple() if isinstance(y, TensorTuple) else (y,)
            total = None
            for k, part in enumerate(parts):
                if part.requires_grad:
                    if len(weights) <= k:
                        weights.append(
                            Tensor(rng.normal(size=part.shape), dtype=part.dtype, requires_grad=False)
                        )
                    term = (part * weights[k]).sum()
                    total = term if total is None else total + term
            if total is not None:
                total.backward()
            return (*parts, *[x.grad for x in arguments])

        both(*xs)
        for x in xs:
            x.grad = None
        program = validate(capture(both, *xs))
        wanted = numbers(both(*xs))
        assert_same(numbers(program(*xs)), wanted)
        assert_same(numbers(optimize(program)(*xs)), wanted)
        again = parse(
            str(program), {name: source for name, (_, source) in program.sources.items()}, program.constants
        )
        assert str(again) == str(program)
        found = again(*xs)
        found = numbers([found] if isinstance(found, Tensor) else found)
        for a, b in zip(found, [one for one in wanted if one is not None], strict=True):
            tolerance = 1e-12 if name in ROUNDS_AFTER_PARSING else 0
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


# ---- training -----------------------------------------------------------------------------------------------------


def recurrent():
    return nn.Sequential(nn.Linear(48, 64), Recurrent())


def norms():
    return nn.Sequential(
        nn.Linear(48, 10), nn.BatchNorm1d(10), nn.ReLU(), nn.Dropout(0.3), nn.LayerNorm(10), nn.Linear(10, 3)
    )


def images():
    return nn.Sequential(
        nn.Unflatten(1, (3, 4, 4)), nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16, 3),
    )  # fmt: skip


def attending():
    return nn.Sequential(
        nn.Unflatten(1, (4, 12)),
        nn.TransformerEncoderLayer(12, 2, 24, dropout=0.2),
        nn.Flatten(),
        nn.Linear(48, 3),
    )


OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "RMSProp": lambda p: optim.RMSprop(p, lr=0.01),
    "Lion": lambda p: optim.Lion(p, lr=0.01),
}


@pytest.mark.parametrize("passes", [False, True], ids=["as captured", "all passes"])
@pytest.mark.parametrize(
    "make, optimizer",
    [(norms, "Adam"), (images, "SGD"), (recurrent, "AdamW"), (attending, "RMSProp"), (norms, "Lion")],
    ids=["norms", "images", "recurrent", "attention", "lion"],
)
def test_training_step(make, optimizer, passes, rng):
    """Six steps of a captured training step: losses, parameters, buffers and the optimiser's memory are the same."""
    batches = [
        (Tensor(rng.normal(size=(3, 48)), dtype="float32"), Tensor(rng.integers(0, 3, 3))) for _ in range(6)
    ]
    loss_of = nn.SoftmaxLoss()

    def trained(captured):
        ndl.init.seed(5)
        model = make()
        chosen = OPTIMIZERS[optimizer](model.parameters())
        schedule = optim.StepLR(chosen, 2, 0.5)

        run = step = step_of(model, chosen, loss_of)
        if captured:
            run = capture(step, *batches[0])
            run = optimize(run) if passes else run
        losses = []
        for batch in batches:
            losses.append(run(*batch))
            schedule.step()
        return [
            *losses,
            *[copied(a) for a in model.state_dict().values()],
            *map(copied, chosen.state_dict().values()),
        ]

    assert_same(trained(True), trained(False))


def test_capturing_leaves_no_trace(rng):
    """Data, gradients, the optimiser's memory and the random generator are where they were, after an error too."""
    model = norms()
    optimizer = optim.Adam(model.parameters())
    x, y = Tensor(rng.normal(size=(3, 48)), dtype="float32"), Tensor([0, 1, 2])
    for p in model.parameters():
        p.grad = Tensor(np.ones(p.shape), dtype="float32")
    before = [copied(a) for a in model.state_dict().values()], [p.grad for p in model.parameters()]
    drawn = np.random.get_state()[2]

    def step(x, y, fail):
        loss = nn.SoftmaxLoss()(model(x), y)
        loss.backward()
        optimizer.step()
        if fail:
            raise RuntimeError("in the middle")
        return loss

    capture(lambda x, y: step(x, y, False), x, y)
    with pytest.raises(RuntimeError, match="in the middle"):
        capture(lambda x, y: step(x, y, True), x, y)
    assert_same([copied(a) for a in model.state_dict().values()], before[0])
    assert all(p.grad is grad for p, grad in zip(model.parameters(), before[1], strict=True))
    assert optimizer.state == {}
    assert np.random.get_state()[2] == drawn
    assert (Tensor([1.0]) * 2).item() == 2  # the engine computes again


def test_a_step_writes_over_nothing_that_others_hold():
    w = Tensor([1.0, 2.0])
    optimizer = optim.Adam([w])

    def step(x):
        optimizer.reset_grad()
        (x * w).sum().backward()
        optimizer.step()

    program = capture(step, Tensor([1.0, 1.0]))
    held = w.data
    program(Tensor([1.0, 1.0]))
    assert held.numpy().tolist() == [1, 2] and w.numpy()[0] < 1


# ---- random programs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_random_function(seed):
    rng = np.random.default_rng(seed)
    f = random_functions.with_gradients(random_functions.function(rng))
    xs = random_functions.inputs(rng)
    program = validate(capture(f, *xs))
    wanted = numbers(f(*xs))
    assert_same(numbers(program(*xs)), wanted)
    assert_same(numbers(optimize(program)(*xs)), wanted)


# ---- arguments, results, sources -----------------------------------------------------------------------------------


def test_nested_arguments_and_results():
    program = capture(
        lambda pair, more: {"sum": pair[0] + more["b"], "rest": [pair[1], None]}, (1.0, [2.0]), {"b": 3.0}
    )
    assert list(program.inputs) == ["pair_0", "pair_1", "more"]
    found = program((10.0, [20.0]), {"b": 5.0})
    assert found["sum"].item() == 15 and found["rest"][0][0].item() == 20 and found["rest"][1] is None


def test_sources_are_looked_up_and_constants_are_not():
    w, scale = Tensor([2.0]), [3.0]
    program = capture(lambda x: x * w * Tensor(scale), Tensor([1.0]))
    assert list(program.sources) == ["w"] and len(program.constants) == 1
    w.data, scale[0] = Tensor([5.0]), 100.0
    assert program(Tensor([1.0])).item() == 15


def test_a_value_is_known_by_its_array():
    def f(x):
        y = x * 2
        return y.detach() + y.data

    assert [one.op.name for one in capture(f, Tensor([1.0])).body] == ["mul_scalar", "add"]


def test_nothing_is_computed_while_capturing():
    calls = []

    def count(*arguments):
        calls.append(arguments)
        return 0

    with ndl.cpu().override("exp_dense", count):
        capture(lambda x: x.exp(), Tensor(np.zeros(10)))
    assert not calls


# ---- what cannot be captured ---------------------------------------------------------------------------------------


def line_of(function):
    return f"test_programs.py, line {function.__code__.co_firstlineno}"


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda x: x * x.sum().item(), "reads numbers of a tensor that is being captured"),
        (lambda x: x if x.sum() > 0 else -x, "reads numbers of a tensor that is being captured"),
        (lambda x: Tensor(x.numpy()), "reads numbers of a tensor that is being captured"),
        (lambda x: x + ndl.init.rand(2), "draws random numbers"),
        (lambda x: Tensor.make_const(x.realize_cached_data() * 2) + 1, "by something that is no op"),
        (lambda x: x[x > 0], "reads numbers of a tensor that is being captured"),
        (lambda x: x[[x.sum().astype("int64"), 0]], "a list of tensors as an index"),
        (lambda x: capture(lambda y: y, x), "one after the other"),
    ],
)
def test_refused(function, message):
    with pytest.raises(CaptureError, match=message):
        capture(function, Tensor([1.0, 2.0]))
    assert (Tensor([1.0]) * 2).item() == 2


def test_refusal_names_the_line():
    def f(x):
        y = x * 2
        return y.exp() * y.sum().item()

    with pytest.raises(CaptureError, match=rf"test_programs.py, line {f.__code__.co_firstlineno + 2}\)"):
        capture(f, Tensor([1.0]))


def test_value_computed_outside():
    w = Tensor([1.0]) * 2
    with pytest.raises(CaptureError, match="was computed outside the function, by mul_scalar"):
        capture(lambda x: x * w, Tensor([1.0]))
    fixed = w.detach()
    assert capture(lambda x: x * fixed, Tensor([1.0]))(Tensor([3.0])).item() == 6


def test_two_devices():
    w = Tensor([1.0], device=ndl.cpu_numpy())
    with pytest.raises(CaptureError, match=r"some tensors are on \w+\(\), others on cpu_numpy\(\)"):
        capture(lambda x: x * w, Tensor([1.0]))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((), "takes 1 tensors, got 0"),
        ((Tensor([1.0]),), r"%x is float32\[2\] on \w+\(\), got float32\[1\]"),
        ((Tensor([1.0, 2.0], dtype="float64"),), r"got float64\[2\]"),
        ((Tensor([1.0, 2.0], device=ndl.cpu_numpy()),), r"on cpu_numpy\(\)"),
    ],
)
def test_other_arguments(arguments, message):
    program = capture(lambda x: x * 2, Tensor([1.0, 2.0]))
    with pytest.raises(CaptureError, match=message):
        program(*arguments)


def test_parameter_of_another_shape():
    w = Tensor([1.0])
    program = capture(lambda x: x * w, Tensor([1.0]))
    w.data = Tensor([1.0, 2.0])
    with pytest.raises(CaptureError, match=r"%w is float32\[1\]"):
        program(Tensor([1.0]))


# ---- validation -----------------------------------------------------------------------------------------------------


def broken(change):
    program = capture(lambda x: x * 2 + 1, Tensor([1.0, 2.0]))
    return change(program, *program.body)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda p, a, b: p.with_(body=(b, a)), "%0 is not defined before"),
        (lambda p, a, b: p.with_(body=(a, replaced(b, inputs=("1",)))), "%1 is not defined before"),
        (
            lambda p, a, b: p.with_(body=(a, replaced(b, name="0"))),
            "an instruction is called %0, as another value is",
        ),
        (lambda p, a, b: p.with_(outputs=("7",)), "the output %7 is not defined"),
        (lambda p, a, b: p.with_(body=(replaced(a, inputs=("x", "x")), b)), "the op does not take"),
        (
            lambda p, a, b: p.with_(inputs={"x": p.inputs["x"]._replace(shape=(3,))}),
            r"the op makes float32\[3\]",
        ),
        (lambda p, a, b: p.with_(updates=(("9", None),)), "an update writes %9"),
    ],
)
def test_no_program(change, message):
    with pytest.raises(GraphError, match=message):
        validate(broken(change))


def replaced(one, **changes):
    import dataclasses

    return dataclasses.replace(one, **changes)


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "program f(%x: float32[1]) on cpu() {\n  %0 = nothing(%x) : float32[1]\n}",
            "there is no op 'nothing'",
        ),
        ("program f(%x: float16[1]) on cpu() {\n}", "is no type"),
        ("program f() on mars() {\n}", "no device 'mars'"),
        ("program f() on cpu() {\n  hello\n}", "line 2: 'hello' is no line of a program"),
        ("program f() on cpu() {\n  source %w: float32[1]\n}", "no tensor is given for the source %w"),
        (
            "program f() on cpu() {\n  constant %c: float32[99] = ...\n}",
            "the text does not hold the constant %c",
        ),
        ("program f(%x: float32[1]) on cpu() {\n  %0 = sum(%x) {axes: open('x')} : float32[1]\n}", "line 2"),
        ("program f(%x: float32[1]) on cpu() {\n  return %y\n}", "the output %y is not defined"),
    ],
)
def test_no_text(text, message):
    with pytest.raises(NeedleError, match=message):
        parse(text)


# ---- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [static.run, static.validate, passes.optimize, passes.explain, compiled.lower, compiled.build],
    ids=lambda function: function.__name__,
)
def test_what_is_no_program(function):
    with pytest.raises(TypeError, match=f"^{function.__name__}: wanted a Program, .* got an int"):
        function(3)


@pytest.mark.parametrize("function", [capture, ndl.compile])
def test_what_is_no_function(function):
    with pytest.raises(TypeError, match="wanted a function of tensors, got an int"):
        function(3)


def test_other_arguments_and_results():
    with pytest.raises(CaptureError, match="the function returns a str; wanted tensors"):
        capture(lambda x: "a", Tensor([1.0]))
    with pytest.raises(CaptureError, match="an argument is a tensor, array or number"):
        capture(lambda x: x, object())
    with pytest.raises(TypeError, match="parse: wanted the text of a program, got an int"):
        parse(3)
    with pytest.raises(GraphError, match="a program begins with a line such as"):
        parse("")
    explained = passes.explain(capture(lambda x: x, Tensor([1.0])))
    with pytest.raises(ValueError, match="no pass 'fusion' was run; there are constant_folding, algebra"):
        explained.diff("fusion")
