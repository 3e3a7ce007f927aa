"""The profiler: what it counts is counted by hand here; its times lie one after the other within the run."""

import json
import sys
import weakref

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, nn, ops, optim
from needle_edu.autograd import state
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import NeedleError
from needle_edu.backend.build import builder
from needle_edu.graph import Recorder
from needle_edu.graph.profiler import Machine, Profile, Row, Span, measure_machine
from needle_edu.nn.flops import contribution_flops, flops

pytestmark = pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays cannot be captured")
needs_compiler = pytest.mark.skipif(
    not ndl.cpu().native or builder.find_compiler() is None, reason="NO C COMPILER: programs are not compiled"
)


def network(rng):
    """A step of a small network, and its arguments."""
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    optimizer, loss_of = optim.SGD(model.parameters(), lr=0.1), nn.SoftmaxLoss()

    def step(x, y):
        optimizer.reset_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    x = Tensor(rng.normal(size=(4, 6)), dtype="float32", requires_grad=False)
    return step, x, Tensor([0, 1, 2, 0])


# ---- what is counted ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "op, attrs, inputs, output, counts",
    [
        ("matmul", {}, [(3, 4), (4, 5)], (3, 5), (120, 120)),
        ("conv2d", {}, [(2, 6, 8, 8), (4, 3, 5, 5)], (2, 4, 4, 4), (2 * 128 * 75,) * 2),
        ("add", {}, [(3, 4), (4,)], (3, 4), (0, 12)),
        ("multiply", {}, [(3, 4), (4,)], (3, 4), (12, 12)),
        ("summation", {}, [(3, 4)], (3,), (12,)),
        ("reshape", {}, [(3, 4)], (12,), (0,)),
        ("broadcast_to", {}, [(4,)], (3, 4), (12,)),  # a sum
        ("layer_norm", {}, [(3, 4), (4,), (4,)], (3, 4), (144, 12, 12)),
    ],
)  # fmt: skip
def test_contributions(op, attrs, inputs, output, counts):
    for operand, count in enumerate(counts):
        assert contribution_flops(op, attrs, inputs, output, operand) == count
    seen = [output, *inputs, output]
    assert [flops(f"{op}.vjp{k}", attrs, seen, inputs[k]) for k in range(len(counts))] == list(counts)
    assert flops(f"{op}.vjp", attrs, seen, tuple(inputs)) == sum(
        contribution_flops(op, attrs, inputs, output, k) for k in range(len(inputs))
    )


STATES = [(2, 6), (2, 6)]


@pytest.mark.parametrize(
    "op, attrs, inputs, output, count",
    [
        # The adjoints of a convolution take what it takes: (2, 3, 4, 4) under (5, 3, 2, 2) gives (2, 5, 3, 3).
        ("conv_input_backward", {}, [(2, 5, 3, 3), (5, 3, 2, 2)], (2, 3, 4, 4), 2 * 90 * 12),
        ("conv_weight_backward", {}, [(2, 3, 4, 4), (2, 5, 3, 3)], (5, 3, 2, 2), 2 * 90 * 12),
        ("conv_weight_backward", {"channels_last": True}, [(2, 4, 4, 3), (2, 3, 3, 5)], (2, 2, 3, 5), 2 * 90 * 12),
        # q kᵀ of (7, 4) and (5, 4), then times (5, 2), in each of 3 heads
        ("attention", {}, [(3, 7, 4), (3, 5, 4), (3, 5, 2)], (3, 7, 2), 3 * (2 * 7 * 5 * 4 + 2 * 7 * 5 * 2)),
        # 10 rows of 4 gates of 6: each times (6, 24)
        ("lstm_scan", {}, [(10, 24), (2, 6), (2, 6), (6, 24)], ((10, 6), (2, 6), (2, 6)), 2 * 10 * 6 * 24),
        ("lstm_scan_backward", {}, [(10, 6), *STATES, (10, 24), *STATES, (6, 24)], ((10, 24),), 4 * 10 * 6 * 24),
        ("moments", {}, [(8, 4)], ((4,), (4,)), 32),
    ],
)  # fmt: skip
def test_counts(op, attrs, inputs, output, count):
    assert flops(op, attrs, inputs, output) == count


def test_a_training_step_by_hand(rng):
    step, x, y = network(rng)
    found = ndl.profile(step, x, y)
    assert found.result.shape == (1,)
    first, last = 2 * 4 * 6 * 5, 2 * 4 * 5 * 3  # the two products
    of = {(row.op, row.module): row for row in found.rows}
    assert of["matmul", "Sequential.modules.0"].flops == first
    assert of["matmul.vjp1", "Sequential.modules.0"].flops == first
    assert ("matmul.vjp0", "Sequential.modules.0") not in of  # x requires no gradient
    assert (
        of["matmul.vjp0", "Sequential.modules.2"].flops
        == of["matmul.vjp1", "Sequential.modules.2"].flops
        == last
    )
    assert of["relu", "Sequential.modules.1"].nbytes == 2 * 4 * 20
    assert of["matmul", "Sequential.modules.0"].nbytes == 4 * (24 + 30 + 20)
    assert of["matmul.vjp1", "Sequential.modules.0"].nbytes == 4 * (24 + 20 + 30)
    assert of["add.vjp0", "Sequential.modules.0"].nbytes == 0  # handed on as it is
    line = f"test_profiler.py:{step.__code__.co_firstlineno + 2}"
    assert {row.place for row in found.rows} == {line}
    assert {row.phase for row in found.rows} == {"forward", "backward"}
    assert found.flops == sum(row.flops for row in found.rows) == sum(one.flops for one in found.spans)


def test_one_model_in_a_summary_and_in_a_profile():
    """Both count with one table."""
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)
    )
    x = Tensor(np.ones((2, 1, 8, 8)), dtype="float32")
    model.eval()
    assert ndl.profile(model, x).flops == nn.summary(model, x).flops


def test_contributions_that_are_added():
    x = Tensor([1.0, 2.0])
    with ndl.profile() as found:
        (x * x).sum().backward()
    sums = [one for one in found.spans if one.op == "accumulate"]
    assert [(one.flops, one.nbytes, one.phase) for one in sums] == [(2, 24, "backward")]


def test_intensity_and_speed():
    row = Row("matmul", "forward", "", "", 1, 2000, 8000, 400)
    assert (row.intensity, row.gflops) == (20.0, 4.0)
    assert Row("view", "forward", "", "", 1, 0, 0, 0).gflops == 0


# ---- what is timed --------------------------------------------------------------------------------------------------


def test_times_lie_one_after_the_other_within_the_run(rng):
    step, x, y = network(rng)
    found = ndl.profile(step, x, y, runs=3)
    assert found.runs == 3 and len(found.spans) % 3 == 0
    ends = 0
    for one in found.spans:
        assert one.took_ns > 0 and one.began_ns >= ends
        ends = one.began_ns + one.took_ns
    assert ends - found.spans[0].began_ns <= found.wall_ns
    assert found.listening_ns > 0 and found.took_ns + found.listening_ns <= found.wall_ns


def test_what_takes_long_is_said_to(monkeypatch):
    """An op that waits takes at least as long; what waits between ops is not theirs."""
    import time

    exp = ops.Exp.compute

    def slow(self, a):
        time.sleep(0.02)
        return exp(self, a)

    monkeypatch.setattr(ops.Exp, "compute", slow)
    with ndl.profile() as found:
        y = Tensor([1.0]) * 2
        time.sleep(0.02)
        y.exp()
    took = {one.op: one.took_ns for one in found.spans}
    assert took["exp"] >= 20_000_000 and found.wall_ns - found.took_ns >= 20_000_000
    assert found.rows[0].op == "exp"


def test_off_means_off():
    """Nobody listens after the block, also if it ends with an error; a listener from before hears everything."""
    with pytest.raises(ZeroDivisionError), ndl.profile() as found:
        y = Tensor([1.0]) * 2
        raise ZeroDivisionError
    assert state.hook is None and not state.watched and len(found.spans) == 1
    gone = weakref.ref(y)
    del y
    assert gone() is None  # a profile keeps no tensor alive
    with Recorder() as outer, ndl.profile() as inner:
        _ = Tensor([1.0]) * 2
    assert [event.kind for event, _ in outer.records][:4] == ["created", "computed"] * 2
    assert [one.op for one in inner.spans] == ["mul_scalar"]


def test_a_long_run_is_cut_off(monkeypatch):
    monkeypatch.setattr(
        Profile,
        "__init__",
        lambda self, make=Profile.__init__: (make(self), setattr(self, "max_events", 2))[0],
    )
    with ndl.profile() as found:
        Tensor([1.0]) * 2 * 3 * 4
    assert len(found.spans) == 2 and "cut off" in repr(found)


# ---- what is shown --------------------------------------------------------------------------------------------------


def test_table(rng):
    step, x, y = network(rng)
    found = ndl.profile(step, x, y)
    head, rule, *lines = found.table("bytes", 2).splitlines()
    assert head.split() == [
        "time",
        "share",
        "calls",
        "op",
        "FLOPs",
        "bytes",
        "FLOP/byte",
        "GFLOP/s",
        "module",
        "line",
    ]
    assert set(rule) == {"─"} and len(lines) == 4
    most = max(found.rows, key=lambda row: row.nbytes)
    assert (
        f"{most.nbytes:,}" in lines[0] and "more rows" in lines[2] and "for the profiler itself" in lines[3]
    )
    times = [row.took_ns for row in found.rows]
    assert times == sorted(times, reverse=True)
    html = found._repr_html_()
    assert html.count("<tr>") == len(found.rows) + 1 and "Sequential.modules.0" in html
    assert [row.op for row in found.sorted_by("order")][:2] == ["matmul", "add"]


def check_trace(told):
    """The trace event format: events with all they must have, and bars that lie beside or within one another."""
    assert set(told) <= {"traceEvents", "displayTimeUnit", "otherData"} and told["displayTimeUnit"] in (
        "ms",
        "ns",
    )
    bars = []
    for event in told["traceEvents"]:
        assert {"name", "ph", "pid", "tid"} <= set(event) and event["ph"] in ("X", "M")
        assert (
            isinstance(event["name"], str) and isinstance(event["pid"], int) and isinstance(event["tid"], int)
        )
        if event["ph"] == "M":
            assert event["name"] in ("process_name", "thread_name") and isinstance(event["args"]["name"], str)
        else:
            assert isinstance(event["ts"], (int, float)) and event["ts"] >= 0 and event["dur"] >= 0
            assert isinstance(event["cat"], str) and isinstance(event["args"], dict)
            bars.append(event)
    around = {}
    for bar in sorted(bars, key=lambda one: (one["tid"], one["ts"], -one["dur"])):
        open_bars = around.setdefault(bar["tid"], [])
        while open_bars and open_bars[-1] <= bar["ts"] + 1e-6:
            open_bars.pop()
        end = bar["ts"] + bar["dur"]
        assert not open_bars or end <= open_bars[-1] + 1e-6, f"{bar['name']} overlaps another bar"
        open_bars.append(end)
    return bars


def test_trace(rng, tmp_path):
    step, x, y = network(rng)
    found = ndl.profile(step, x, y)
    path = found.save_trace(tmp_path / "run.json")
    bars = check_trace(json.loads(path.read_text()))
    modules = [bar["name"] for bar in bars if "FLOPs" not in bar["args"]]
    assert modules[:4] == [
        "Sequential.modules.0",
        "Sequential.modules.1",
        "Sequential.modules.2",
        "SoftmaxLoss",
    ]
    names = [bar["name"] for bar in bars if "FLOPs" in bar["args"]]
    assert names == [one.op for one in found.spans] and len(bars) == len(names) + len(modules)
    total = sum(bar["dur"] for bar in bars if "FLOPs" in bar["args"])
    assert total == pytest.approx(found.took_ns / 1e3)
    assert list(tmp_path.iterdir()) == [path]


def test_the_check_of_traces_finds_what_is_wrong():
    bar = {"name": "a", "ph": "X", "ts": 0.0, "dur": 5.0, "pid": 0, "tid": 0, "cat": "x", "args": {}}
    check_trace({"traceEvents": [bar], "displayTimeUnit": "ns"})
    for wrong in ({"ts": -1.0}, {"ph": "Z"}, {"ts": 3.0}, {"tid": "0"}):
        with pytest.raises(AssertionError):
            check_trace({"traceEvents": [bar, bar | wrong], "displayTimeUnit": "ns"})


# ---- compiled programs ----------------------------------------------------------------------------------------------


@pytest.mark.shares_memory
@needs_compiler
def test_kernel_calls_of_a_program(rng, tmp_path):
    """Timed or not, the same numbers; each instruction's operations are counted once; the clock is only in the copy."""
    step, x, y = network(rng)
    run = ndl.compile(lambda x, y: (x @ y.T).tanh() * 2 + 1)
    a, b = (Tensor(rng.normal(size=(40, 30)), dtype="float32") for _ in range(2))
    wanted = run(a, b).numpy()
    found = ndl.profile(run, a, b, runs=3)
    np.testing.assert_array_equal(found.result.numpy(), wanted)
    assert "now()" in found.source and "now()" not in run.source
    assert [row.op for row in found.sorted_by("order")] == ["matmul", "tanh + mul_scalar + add_scalar"]
    product, chain = found.sorted_by("order")
    assert (product.calls, product.flops) == (3, 3 * 2 * 40 * 40 * 30)
    # What lies between fused kernels stays in the cache: one array is read, one is written.
    assert (chain.flops, chain.nbytes) == (3 * 3 * 1600, 3 * 2 * 4 * 1600)
    ends = 0
    for one in found.spans:
        assert one.took_ns >= 0 and one.began_ns >= ends
        ends = one.began_ns + one.took_ns
    assert found.took_ns <= found.wall_ns and found.spans[0].phase == "program"
    check_trace(json.loads(found.save_trace(tmp_path / "run.json").read_text()))


@pytest.mark.shares_memory
@needs_compiler
def test_a_compiled_step_knows_modules_backward_too(rng):
    step, x, y = network(rng)
    run = ndl.compile(step)
    run(x, y)
    found = ndl.profile(run, x, y)
    modules = [row.module for row in found.rows if row.op == "matmul"]
    assert set(modules) == {"Sequential.modules.0", "Sequential.modules.2"}
    forward = 2 * 4 * (6 * 5 + 5 * 3)
    assert sum(row.flops for row in found.rows if row.op == "matmul") == 2 * forward + 2 * 4 * 5 * 3
    assert {row.place for row in found.rows if row.op == "matmul"} <= {
        f"test_profiler.py:{step.__code__.co_firstlineno + k}" for k in (2, 3)
    }
    again = ndl.profile(run.program, x, y)
    assert again.flops == found.flops
    run(x[:2].detach(), y[:2].detach())  # another program, for other shapes
    assert ndl.profile(run, x, y).flops == found.flops


# ---- bad input ------------------------------------------------------------------------------------------------------


def test_wrong_arguments(rng):
    x = Tensor([1.0])
    with pytest.raises(TypeError, match="profile: wanted a function of tensors, got an int"):
        ndl.profile(3)
    with pytest.raises((TypeError, ValueError), match="profile: runs"):
        ndl.profile(lambda x: x, x, runs=0)
    found = ndl.profile(lambda x: x * 2, x)
    with pytest.raises(ValueError, match="rows are sorted by time, flops, .*; got 'size'"):
        found.table("size")
    with pytest.raises(TypeError, match="save_trace: wanted the path of a file, got an int"):
        found.save_trace(3)
    with pytest.raises(NeedleError, match="gflops is a number above 0, got -1"):
        Machine(-1, 2.0)
    with pytest.raises(NeedleError, match="seconds is a number from 0 to 60, got '1'"):
        measure_machine("1")


@pytest.mark.shares_memory
def test_a_program_that_is_not_compiled(monkeypatch, tmp_path):
    monkeypatch.setenv("NEEDLE_EDU_CACHE", str(tmp_path))
    monkeypatch.setenv("CC", "no-such-compiler")
    run = ndl.compile(lambda x: x * 2)
    with pytest.raises(NeedleError, match="profile: lambda is not compiled .*profile the function itself"):
        ndl.profile(run, Tensor([1.0]))


def test_span_without_a_line():
    assert Span("exp", "forward", 0, 1, 1, 1).place == ""
    assert Span("exp", "forward", 0, 1, 1, 1, line=(f"{sys.prefix}/a.py", 3)).place == "a.py:3"
    assert Span("exp", "forward", 0, 1, 1, 1, line=("/tmp/ipykernel_12/345.py", 3)).place == "cell:3"
