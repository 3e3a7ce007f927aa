"""The table of `python -m tests.graph.equality` in short, and that it finds what it is there for."""

import dataclasses

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, init, nn, optim
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend.build import builder
from needle_edu.graph import capture
from needle_edu.graph.compiled import PARTS, stages
from needle_edu.graph.static import parse

from . import application_steps, equality
from .random_graphs import STEPS, random_graph

pytestmark = [
    pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays cannot be captured"),
    pytest.mark.skipif(not ndl.cpu().native, reason="no compiled kernels"),
    pytest.mark.shares_memory,
]
SHORT = {name: make for name, make in equality.EXECUTIONS.items() if name not in ("C", equality.CUDA)}
needs_compiler = pytest.mark.skipif(
    builder.find_compiler() is None, reason="NO C COMPILER: programs are not compiled"
)


def compared(seeds, executions=SHORT, compiled=()):
    table = equality.Table(executions)
    for seed in seeds:
        graph = random_graph(seed)
        program = capture(graph.function, *graph.arguments)
        passes = equality.variants(np.random.default_rng([seed, 1]))
        table.compare(
            str(seed),
            program,
            lambda run, graph=graph: graph.outcome(graph.function if run is None else run),
            passes,
            compiled,
        )
    return table


def test_random_graphs():
    """12 graphs, every choice of parts: interpreted, and call by call in poisoned memory."""
    table = compared(range(12))
    assert not table.failed, str(table)
    for called in ("none", "all", *PARTS):
        for execution in ("interpreter", "poisoned calls"):
            if equality.differs(() if called == "none" else (called,), execution) or called == "all":
                cell = table.cells[called, execution]
                assert cell.exact + cell.close == 12 and cell.interpreted == 0


@needs_compiler
def test_random_graphs_as_c():
    table = compared(range(20, 24), equality.EXECUTIONS, ("all",))
    assert not table.failed and table.cells["all", "C"].exact + table.cells["all", "C"].close == 4, str(table)


@pytest.mark.slow
@needs_compiler
@pytest.mark.skipif(not ndl.cuda_sim().enabled(), reason="NO CUDA SIMULATOR: nothing is compiled to CUDA")
def test_random_graphs_as_cuda():
    table = equality.Table()
    for seed in (0, 1):
        equality.on_the_card(table, seed)
    for called in ("none", "all"):
        cell = table.cells[called, equality.CUDA]
        assert not table.failed and cell.exact + cell.close == 2, str(table)


@pytest.mark.slow
def test_more_random_graphs():
    table = equality.of_random_graphs(range(100, 150))
    assert not table.failed, str(table)


@pytest.mark.parametrize("name", ["mlp", "word2vec"])
def test_steps_of_applications(name, monkeypatch, tmp_path):
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path))
    table = equality.Table(SHORT)
    application_steps.add(table, name, {"all": PARTS})
    assert not table.failed, str(table)
    assert table.cells["all", "poisoned calls"].exact == 1


@pytest.mark.slow
def test_the_step_of_every_application(monkeypatch, tmp_path):
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path))
    pytest.importorskip("gymnasium", reason="gymnasium is not installed: DQN")
    table, refused = application_steps.table()
    assert not table.failed, str(table)
    assert not refused


# ---- that it can fail -----------------------------------------------------------------------------------------------


def test_graphs_are_the_same_in_every_run_and_differ_from_seed_to_seed():
    a, b, other = (random_graph(seed) for seed in (3, 3, 4))
    programs = [str(capture(graph.function, *graph.arguments)) for graph in (a, b, other)]
    assert programs[0] == programs[1] != programs[2]
    assert equality.difference(a.outcome(a.function), b.outcome(b.function)) == 0


def test_graphs_use_every_kind_of_step_and_numbers_stay_small():
    used = set()
    for seed in range(40):
        graph = random_graph(seed)
        used |= {one.op.name for one in capture(graph.function, *graph.arguments).body}
        numbers = [one for one in graph.outcome(graph.function) if one is not None]
        assert all(np.isfinite(one).all() and np.abs(one).max() < 1e4 for one in numbers)
        assert any(np.abs(one).max() > 1e-6 for one in numbers[-4:])  # gradients arrive
    assert len(used) > 40, sorted(used)
    assert {
        "matmul",
        "softmax",
        "logsumexp",
        "where",
        "getitem_backward",
        "stack",
        "flip",
        "broadcast_to",
    } <= used
    assert len(STEPS) > 25


def sums_in_another_order(program):
    """A pass that takes 1 % off one product: what a wrong rule would do."""
    k = next((k for k, one in enumerate(program.body) if one.op.name == "multiply"), None)
    if k is None:
        return program
    body = list(program.body)
    body[k] = dataclasses.replace(body[k], inputs=body[k].inputs[:1] * 2)
    return program.with_(body=tuple(body))


def test_a_wrong_pass_is_found(monkeypatch):
    monkeypatch.setattr(equality, "PARTS", ("sums_in_another_order",))
    monkeypatch.setattr(equality, "OF_PROGRAMS", ("sums_in_another_order",))
    monkeypatch.setattr(equality, "program_passes", lambda names: [sums_in_another_order for _ in names])
    graph = random_graph(0)
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    table = equality.Table({"interpreter": equality.interpreted})
    program = capture(lambda x: [x * (x + 1)], x)

    def outcome(run):
        return [one.numpy() for one in (run or (lambda x: [x * (x + 1)]))(x)]

    table.compare("seed 0", program, outcome, equality.variants(np.random.default_rng(0)), ())
    assert table.failed and table.cells["none", "interpreter"].exact == 1
    assert "FAILED seed 0" in str(table.cells["sums_in_another_order", "interpreter"])
    assert graph.seed == 0


def test_a_memory_plan_that_forgets_too_early_is_found(monkeypatch):
    """Buffers that live one step less than they should: nonsense is read, and the table says so."""
    plan_memory = stages.plan_memory

    def too_early(lowered, steps, shared):
        plan = plan_memory(lowered, steps, shared)
        lives = {one: (first, max(first, last - 1)) for one, (first, last) in plan.lives.items()}
        return dataclasses.replace(plan, lives=lives)

    monkeypatch.setattr(stages, "plan_memory", too_early)
    with np.errstate(all="ignore"):
        table = compared(range(3), {"poisoned calls": equality.poisoned})
    assert table.failed


def test_a_difference_is_measured():
    a = np.array([1.0, 2.0])
    assert equality.difference([a, None], [a, None]) == 0
    assert equality.difference([a], [a + [0, 2e-6]]) == pytest.approx(1e-6, rel=1e-3)
    assert equality.difference([a], [None]) == equality.difference([a], [a.astype("float32")]) == np.inf
    assert equality.difference([a], [a * np.nan]) == np.inf
    assert equality.difference([a * np.nan], [a * np.nan]) == 0
    table = equality.Table({})
    assert table.failed  # nothing was compared


def test_what_is_not_there_yet_is_said_loudly():
    table = compared([0], {"interpreter": equality.interpreted, "nowhere": None})
    rows = {called for called, _ in table.cells}
    assert str(table).count(equality.NOT_YET) == len(rows) > len(equality.OF_PROGRAMS)


# ---- what the table and declared graphs have found -----------------------------------------------------------------


def trained(change, rng, compiled, steps=3):
    """Parameters after some steps, each of which changes its gradients by `change(model, optimizer)`."""
    init.seed(5)
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2))
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    x = Tensor(np.random.default_rng(1).normal(size=(4, 6)), dtype="float32")

    def step(x):
        optimizer.reset_grad()
        loss = (model(x) ** 2).sum() * 3
        loss.backward()
        norm = change(model, optimizer)
        optimizer.step()
        return [loss] if norm is None else [loss, norm]

    run = capture(step, x) if compiled else step
    given = [run(x) for _ in range(steps)]
    told = [np.asarray(one.numpy() if isinstance(one, Tensor) else one) for one in given[-1]]
    return [*told, *[p.numpy() for p in model.parameters()]]


@pytest.mark.parametrize("norm_type", [2, 3, np.inf])
@pytest.mark.parametrize("max_norm", [0.5, 1e3])
def test_clipped_gradients_are_captured(norm_type, max_norm, rng):
    """By one factor, if they are too long: as in an eager run, and the length is told."""

    def change(model, optimizer):
        return nn.utils.clip_grad_norm_(model.parameters(), max_norm, norm_type)

    for a, b in zip(trained(change, rng, True), trained(change, rng, False), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)


def test_the_optimisers_own_clipping_is_captured(rng):
    def change(model, optimizer):
        return optimizer.clip_grad_norm(0.5)

    for a, b in zip(trained(change, rng, True), trained(change, rng, False), strict=True):
        np.testing.assert_allclose(np.ravel(a), np.ravel(b), rtol=1e-6, atol=1e-8)


def test_a_step_reads_back_with_its_own_sources(rng):
    """What a program looks up is what its text writes into: the same training again, the optimiser's memory too."""
    init.seed(5)
    model = nn.Linear(3, 2)
    optimizer = optim.Adam(model.parameters(), lr=0.1)

    def step(x):
        optimizer.reset_grad()
        loss = (model(x) ** 2).sum()
        loss.backward()
        optimizer.step()
        return loss

    x = Tensor(rng.normal(size=(4, 3)), dtype="float32")
    program = capture(step, x)
    again = parse(
        str(program), {name: source for name, (_, source) in program.sources.items()}, program.constants
    )
    assert str(again) == str(program)
    losses = [again(x).item() for _ in range(3)]
    init.seed(5)
    fresh = nn.Linear(3, 2)
    optimizer = optim.Adam(fresh.parameters(), lr=0.1)
    model = fresh
    assert losses == [step(x).item() for _ in range(3)]
    assert losses[0] > losses[1] > losses[2]


@pytest.mark.parametrize("take", [lambda w: w.detach(), lambda w: w.data, lambda w: w.detach().detach()])
def test_a_detached_parameter_is_looked_up_at_each_run(take):
    """A running average of weights, say: what `detach` gives is no constant."""
    w, average = Tensor([2.0]), Tensor([10.0], requires_grad=False)

    def step(x):
        y = x * take(w)
        average.data = take(average) * 0.5 + y
        return y

    program = capture(step, Tensor([1.0]))
    assert len(program.sources) == 2 and not program.constants
    found = []
    for value in (2.0, 5.0):
        w.data = Tensor([value])
        found += [program(Tensor([3.0])).item(), average.item()]
    assert found == [6, 11, 15, 20.5]
