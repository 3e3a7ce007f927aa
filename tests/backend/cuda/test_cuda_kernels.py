"""Kernels on the simulator beside NumPy, in every order of threads, in each flavour; the checker finds nothing."""

import os
import subprocess
import sys

import numpy as np
import pytest

from needle_edu.backend.cudasim import CudaError


@pytest.fixture(params=["plain", "check", "profile"])
def run(request, simulator, compiled):
    """A function: the program of a file of kernels/ in each flavour; correct kernels leave a clean report."""
    simulator.clear_report()
    yield lambda name: compiled(name, request.param)
    assert len(simulator.report()) == 0, simulator.report()


@pytest.mark.parametrize(
    ("grid", "block"), [((3, 1, 1), (70, 1, 1)), ((2, 3, 2), (5, 4, 3)), ((1, 1, 1), (1, 1, 1))]
)
def test_indices(run, simulator, order, grid, block):
    out = simulator.empty((*grid[::-1], *block[::-1], 6), np.int32)
    assert run("basics.cu").run_indices(out, *grid, *block) == 0
    bz, by, bx, tz, ty, tx = np.meshgrid(*map(np.arange, (*grid[::-1], *block[::-1])), indexing="ij")
    np.testing.assert_array_equal(out.numpy(), np.stack([tx, ty, tz, bx, by, bz], -1))


@pytest.mark.parametrize("shape", [(1, 1), (16, 32), (37, 50)])
def test_static_shared_memory_and_barrier(run, simulator, order, rng, shape):
    a = rng.standard_normal(shape)
    out = simulator.empty(shape[::-1], np.float64)
    assert run("basics.cu").run_transpose(out, simulator.array(a), *shape) == 0
    np.testing.assert_array_equal(out.numpy(), a.T)


@pytest.mark.parametrize(("n", "threads"), [(1000, 256), (5, 1024), (64, 32)])
def test_dynamic_shared_memory(run, simulator, order, rng, n, threads):
    a = rng.integers(-9, 9, n).astype(np.float32)
    blocks = -(-n // threads)
    out = simulator.empty(blocks)
    assert run("basics.cu").run_block_sum(simulator.array(a), out, n, threads) == 0
    padded = np.pad(a, (0, blocks * threads - n)).reshape(blocks, threads)
    np.testing.assert_array_equal(out.numpy(), padded.sum(1) + 0.5)


def test_votes_of_a_block(run, simulator, order):
    out = simulator.empty(3, np.int32)
    for p in (np.arange(70) % 3, np.zeros(70), np.ones(70)):
        assert run("basics.cu").run_votes(simulator.array(p.astype(np.int32)), out, 70) == 0
        assert (
            out.numpy().astype(bool).tolist() == [p.any(), p.all(), p.any()]
            and out.numpy()[0] == (p != 0).sum()
        )


@pytest.mark.parametrize("workers", [1, 3])
def test_atomics(run, simulator, order, rng, workers):
    a = rng.integers(0, 10, 20_000).astype(np.int32)
    counts, total = simulator.array(np.zeros(10, np.int32)), simulator.array(np.zeros(1, np.float32))
    largest = simulator.array(np.full(1, -5, np.int32))
    with simulator.settings(workers=workers):
        assert run("basics.cu").run_histogram(simulator.array(a), counts, total, largest, a.size) == 0
    np.testing.assert_array_equal(counts.numpy(), np.bincount(a, minlength=10))
    assert total.numpy() == a.sum() and largest.numpy() == a.max()


@pytest.mark.parametrize("workers", [1, 3])
def test_a_lock_that_spins(run, simulator, workers):
    counter = simulator.array(np.zeros(1, np.int32))
    with simulator.settings(workers=workers):
        assert run("basics.cu").run_locked(counter, 500) == 0
    assert counter.numpy() == 500


def test_threads_that_wait_for_each_other_all_have_their_turn(run, simulator, order):
    turn, seen = simulator.array(np.zeros(1, np.int32)), simulator.empty(70, np.int32)
    assert run("basics.cu").run_in_turn(turn, seen, 70) == 0
    np.testing.assert_array_equal(seen.numpy(), np.arange(70)[::-1])


def test_functors_device_lambdas_and_deduced_templates(run, simulator, order, rng):
    a = rng.standard_normal(100).astype(np.float32)
    out = simulator.empty(100)
    for kind, wanted in ((0, np.float32(3) * a + 1), (1, np.float32(3) * a * a)):
        assert run("basics.cu").run_map(out, simulator.array(a), 100, 3.0, kind) == 0
        np.testing.assert_array_equal(out.numpy(), wanted)


def test_constant_memory_and_vectors(run, simulator, order, rng):
    a, b, three = (rng.standard_normal(n).astype(np.float32) for n in (200, 200, 3))
    out = simulator.array(np.zeros(200, np.float32))
    assert run("basics.cu").run_filter(out, simulator.array(a), 200, three) == 0
    np.testing.assert_allclose(out.numpy()[1:-1], np.convolve(a, three[::-1], "valid"), rtol=1e-5, atol=1e-5)
    assert run("basics.cu").run_add4(out, simulator.array(a), simulator.array(b), 50) == 0
    np.testing.assert_array_equal(out.numpy(), a + b)


def test_host_side(run, simulator):
    live = simulator.lib.cudasim_live_allocations()
    host, seconds = np.zeros(100, np.float32), np.full(1, -1, np.float32)
    assert run("basics.cu").run_host(host, 100, seconds) == 0
    assert (host == 7).all() and seconds[0] >= 0 and simulator.lib.cudasim_live_allocations() == live


def test_what_kernels_print_appears_in_python(run, capfd):
    assert run("basics.cu").run_hello(2) == 0
    out = sorted(capfd.readouterr().out.splitlines())
    assert out == [f"hello from thread {t} of block {b}" for t in (0, 1) for b in (0, 1)]


# ---- warps ----------------------------------------------------------------------------------------------------------


def test_shuffles(run, simulator, order):
    out = simulator.empty((5, 32), np.int32)
    assert run("warps.cu").run_shuffles(out) == 0
    lane = np.arange(32)
    down = np.where(lane % 8 + 3 < 8, lane + 3, lane)
    wanted = [np.full(32, 5), np.where(lane >= 3, lane - 3, lane), down, lane ^ 1, lane // 16 * 16 + 2]
    np.testing.assert_array_equal(out.numpy(), 10 * np.stack(wanted))


@pytest.mark.parametrize(
    "values", [np.arange(32) % 5, np.full(32, 4), np.zeros(32)], ids=["mixed", "all", "none"]
)
def test_votes_matches_and_sums_of_a_warp(run, simulator, order, values):
    a = values.astype(np.int32)
    out = simulator.empty((6, 32), np.uint32)
    assert run("warps.cu").run_collective(simulator.array(a), out) == 0
    ballot = sum(1 << i for i in range(32) if a[i] > 2)
    same = bool((a == a[0]).all())
    matches = [sum(1 << i for i in range(32) if a[i] == a[j]) for j in range(32)]
    wanted = [ballot, 2 * (a > 2).any() + (a > 2).all(), 0xFFFFFFFF * same, same, a.sum()]
    for row, value in zip(out.numpy(), [*wanted, matches], strict=True):
        np.testing.assert_array_equal(row, value)


def test_a_warp_that_is_divided(run, simulator, order):
    out = simulator.array(np.full(32, -1.0))
    assert run("warps.cu").run_divided(out) == 0
    got, lane = out.numpy(), np.arange(16)
    assert got[0] == lane.sum() and got[31] == -1
    np.testing.assert_array_equal(got[16:31], 16.0 + 0x7FFF0000)


@pytest.mark.parametrize(("n", "threads"), [(1000, 256), (33, 64), (5000, 1024)])
def test_sum_by_shuffles(run, simulator, order, rng, n, threads):
    a = rng.integers(-9, 9, n).astype(np.float32)
    out = simulator.empty(1)
    assert run("warps.cu").run_long_sum(simulator.array(a), out, n, threads) == 0
    assert out.numpy() == a.sum()


@pytest.mark.parametrize("size", [8, 32])
def test_cooperative_groups(run, simulator, order, rng, size):
    a, t = rng.integers(-9, 9, 128).astype(np.float32), np.arange(128)
    sums, facts = simulator.empty(128 // size), simulator.empty(128, np.int32)
    assert run("groups.cu").run_tile_sums(size, simulator.array(a), sums, facts) == 0
    np.testing.assert_array_equal(sums.numpy(), a[::-1].reshape(-1, size).sum(1))
    first = t // size * size
    ballot = [sum(1 << i for i in range(size) if (f + i) % 3 == 0) for f in first]
    votes = 1_000_000 * ((first == 5 // size * size) + 2 * (first + size <= 64))
    np.testing.assert_array_equal(
        facts.numpy(), (np.array(ballot) + votes).astype(np.uint32).astype(np.int32)
    )


def test_cooperative_barriers_of_two_lines_are_two(compiled, simulator):
    simulator.clear_report()
    compiled("groups.cu", "check").run_parted(simulator.empty(64, np.int32))
    (finding,) = simulator.report()
    assert finding.kind == "barrier-divergence" and {finding.place.line, finding.other_place.line} == {32, 34}
    simulator.clear_report()


def test_seeded_orders_differ_and_repeat(simulator):
    program = simulator.compile(
        "__device__ int ticket = 0;\n"
        "__global__ void k(int *out, int reset) {\n"
        "  if (reset) ticket = 0; else out[threadIdx.x] = atomicAdd(&ticket, 1);\n}\n"
        'extern "C" void run(int *out) { k<<<1, 1>>>(out, 1); k<<<1, 256>>>(out, 0); }'
    )
    seen = []
    for order, seed in [("forward", 0), ("reverse", 0), ("seeded", 1), ("seeded", 2), ("seeded", 1)]:
        out = simulator.empty(256, np.int32)
        with simulator.settings(order=order, seed=seed):
            program.run(out)
        seen.append(out.numpy().tolist())
    assert seen[0] == list(range(256)) and seen[1] == list(range(255, -1, -1))
    assert seen[2] == seen[4] and seen[2] not in (seen[0], seen[1], seen[3])


def test_a_forked_child_computes_and_ends(compiled, simulator):
    """The child has neither the helpers nor the timer of its parent."""
    a = simulator.array(np.zeros(1, np.int32))
    program = compiled("basics.cu")
    with simulator.settings(workers=3):
        program.run_locked(a, 300)
        child = os.fork()
        if child == 0:
            try:
                program.run_locked(a, 300)
                with simulator.settings(timeout=0.1), pytest.raises(CudaError, match="time limit"):
                    compiled("faults.cu").run_fault(0, simulator.array(np.zeros(1, np.int32)))
                os._exit(0 if a.numpy() == 600 else 1)
            except BaseException:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert a.numpy() == 300


@pytest.mark.slow
def test_without_assembly(tmp_path):
    """The same kernels where the system switches the stacks, as on processors that there is no assembly for."""
    code = (
        "from needle_edu.backend.cudasim import build; made = build.runtime_library\n"
        "build.runtime_library = lambda: made(('-DCUDASIM_UCONTEXT',))\n"
        "from needle_edu.backend.cudasim import simulator; simulator.runtime_library = build.runtime_library\n"
        "s = simulator.open_simulator(); assert s.ffi.string(s.lib.cudasim_switch_name()) == b'ucontext'\n"
        "import pytest, sys\n"
        "sys.exit(pytest.main(['-q', '-n0', '-p', 'no:cacheprovider', '-m', 'not slow', sys.argv[1]]))"
    )
    done = subprocess.run([sys.executable, "-c", code, __file__], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
