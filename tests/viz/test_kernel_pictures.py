"""`viz.kernel`: the addresses shown are those of the kernel, and their cost is what the profiler counted."""

import re
from pathlib import Path

import numpy as np
import pytest

from needle_edu import viz
from needle_edu.backend import BuildError, NeedleError
from needle_edu.backend.cudasim import Report, build, open_simulator
from needle_edu.backend.cudasim.places import Place
from needle_edu.backend.cudasim.report import Facts
from needle_edu.backend.cudasim.trace import Access

COSTS = Path(__file__).parents[1] / "backend/cuda/kernels/costs.cu"
WAYS = """
__global__ void ways(float *a) {
  const int i = threadIdx.x;
  if (i < 20)
    a[i] = 1.0f;
  else
    a[2 * i] = 2.0f;
}
extern "C" void run(float *a) { ways<<<1, 32>>>(a); }
"""
RACE = """
__global__ void back(int *a) {
  __shared__ int s[64];
  s[threadIdx.x] = a[threadIdx.x];
  a[threadIdx.x] = s[63 - threadIdx.x]; // <b>too early</b>
}
extern "C" void run(int *a, int n) { back<<<1, n>>>(a); }
"""


@pytest.fixture(scope="module")
def simulator():
    try:
        build.find_gxx()
    except BuildError as error:
        pytest.skip(str(error))
    return open_simulator()


@pytest.fixture
def square(simulator):
    return [simulator.array(np.arange(64 * 64, dtype=np.float32).reshape(64, 64)) for _ in range(2)]


def profiled(simulator, source, run):
    program = simulator.compile(source, "profile")
    simulator.clear_profile()
    run(program)
    return simulator.profile()


@pytest.mark.parametrize("order", ["forward", "reverse", "lockstep"])
def test_the_first_warp_of_a_transpose(simulator, square, order):
    """Block (0, 0), row 0: the loop reads rows 0, 8, 16, 24 of the matrix, and writes columns of 64 floats a row."""
    with simulator.settings(order=order):
        profile = profiled(simulator, COSTS, lambda program: program.transposes(0, *square, 64))
    accesses = [one for one in profile["naive"].trace if one.kind != "block"]
    assert [one.kind for one in accesses] == ["load", "store"] * 4 and {one.lanes for one in accesses} == {
        tuple(range(32))
    }
    for k, (load, store) in enumerate(zip(accesses[::2], accesses[1::2], strict=True)):
        assert load.addresses == tuple(4 * (8 * k * 64 + lane) for lane in range(32))
        assert store.addresses == tuple(4 * (lane * 64 + 8 * k) for lane in range(32))
        assert (load.memory, store.memory) == (1, 2) and load.bytes == store.bytes == 4
        assert (len(load.sectors), len(store.sectors), load.ideal_sectors) == (4, 32, 4)
    assert profile["naive"].traced == len(profile["naive"].trace)


@pytest.mark.parametrize("which", [0, 1])
def test_bank_conflicts_are_seen_where_they_are_counted(simulator, square, which):
    name = f"tiled_transpose<{which}>"
    profile = profiled(simulator, COSTS, lambda program: program.transposes(1 + which, *square, 64))
    shared = [one for one in profile[name].trace if one.shared]
    stores, loads = ([one for one in shared if one.kind == kind] for kind in ("store", "load"))
    assert [one.wavefronts for one in stores] == [1] * 4
    assert [one.wavefronts for one in loads] == [1 if which else 32] * 4, "padding takes the conflicts away"
    per_warp = sum(one.wavefronts for one in shared)
    assert profile[name].wavefronts == per_warp * profile[name].warps


def test_every_request_of_one_warp_costs_what_the_counters_say(simulator):
    """Kernels of one warp: the trace is all there is."""
    a = simulator.array(np.arange(256, dtype=np.float32))
    kernel = profiled(simulator, WAYS, lambda program: program.run(a))["ways"]
    accesses = [one for one in kernel.trace if one.kind != "block"]
    assert kernel.sectors == sum(len(one.sectors) for one in accesses)
    assert kernel.requests == len(accesses) == 2
    low, high = sorted(accesses, key=lambda one: one.lanes)
    assert low.lanes == tuple(range(20)) and low.addresses == tuple(4 * i for i in range(20))
    assert high.lanes == tuple(range(20, 32)) and high.addresses == tuple(8 * i for i in range(20, 32))
    blocks = {one.lanes for one in kernel.trace if one.kind == "block"}
    assert {tuple(range(32)), tuple(range(20)), tuple(range(20, 32))} <= blocks
    assert "in 4 of them not all lanes take part" in viz.kernel(kernel).still()


def test_only_the_first_launch_is_kept_and_not_without_end(simulator, square):
    def run(program):
        for _ in range(3):
            program.products(1, square[0], square[0], square[1], 64)

    kernel = profiled(simulator, COSTS, run)["plain_product"]
    assert len(kernel.trace) <= 400 and kernel.launches == 3
    simulator.clear_profile()
    simulator.compile(COSTS, "profile").products(1, square[0], square[0], square[1], 64)
    once = simulator.profile()["plain_product"]
    assert [one.addresses for one in kernel.trace] == [one.addresses for one in once.trace]
    assert kernel.traced == once.traced


@pytest.mark.parametrize(
    ("bytes_", "addresses", "sectors", "wavefronts"),
    [
        (4, range(0, 128, 4), 4, 1),
        (4, [0] * 32, 1, 1),  # all want one word
        (4, range(0, 32 * 128, 128), 32, 32),
        (4, range(0, 32 * 8, 8), 8, 2),
        (8, range(0, 256, 8), 8, 2),  # half-warps
        (16, range(0, 512, 16), 16, 4),  # quarter-warps
        (8, range(28, 28 + 32 * 8, 8), 9, 2),
        (1, range(32), 1, 1),
    ],
)
def test_costs_by_hand(bytes_, addresses, sectors, wavefronts):
    for shared in (False, True):
        one = Access(Place("x", 1), "load", shared, bytes_, tuple(range(32)), 1, tuple(addresses))
        assert len(one.sectors) == sectors
        if bytes_ != 8 or addresses[0] == 0:
            assert one.wavefronts == wavefronts


def test_the_picture_has_every_word_and_its_lanes(simulator, square):
    profile = profiled(simulator, COSTS, lambda program: program.transposes(0, *square, 64))
    view = viz.kernel(profile)
    still = view.still()
    tables = re.findall(r'<div class="request"(.*?)</table>', still, re.S)
    assert len(tables) == 4, "two of each line and kind"
    seen = [table for table in tables if " hidden" not in table]
    assert (
        len(seen) == 1
        and "32 lanes store 4 bytes each, memory 2: 32 sectors of 32 bytes, where 4 would do" in seen[0]
    )
    assert re.findall(r"<tr><th>(\d+)</th>", seen[0]) == [str(256 * k) for k in range(32)]
    assert re.findall(r'<td class="lane"[^>]*>(\d+)</td>', seen[0]) == [str(k) for k in range(32)]
    assert "in[(y + j) * n + x]" in still and '<span class="bad">18</span> of 4' in still
    assert repr(view).startswith("<KernelView of naive: 1 launch, grid (2, 2, 1), block (32, 8, 1)")
    assert view.html == viz.kernel(profiled(simulator, COSTS, lambda p: p.transposes(0, *square, 64))).html


def test_findings_are_shown_with_their_threads_and_lines(simulator):
    program = simulator.compile(RACE, "check")
    simulator.clear_report()
    program.run(simulator.array(np.arange(64, dtype=np.int32)), 64)
    view = viz.kernel(simulator.report())
    still = view.still()
    assert (
        "race in back" in still
        and "the other" in still
        and "&lt;b&gt;too early" in still
        and "<b>too" not in still
    )
    (finding,) = view.report
    assert f"block {finding.block}, thread {finding.thread}" in still
    assert f"thread {finding.other_thread}" in still
    clean, idle = (Report(lambda launches=one: Facts((), 0, launches, {})) for one in ({"back": 1}, {}))
    assert "nothing wrong" in viz.kernel(clean).still()
    assert "nothing was checked" in viz.kernel(idle).still()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: viz.kernel(3), TypeError, r"wanted simulator.profile\(\), .* got int"),
        (lambda: viz.kernel({}), TypeError, "got dict"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_nothing_profiled(simulator):
    simulator.clear_profile()
    with pytest.raises(NeedleError, match="no kernel was profiled; compile with"):
        viz.kernel(simulator.profile())


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_requests_are_gone_through_by_keys(browser, tmp_path, simulator, square, size):
    view = viz.kernel(profiled(simulator, COSTS, lambda program: program.transposes(1, *square, 64)))
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(f"file://{view.save(tmp_path / 'k.html')}")
    seen = page.locator(".request >> visible=true")
    assert seen.count() == 1 and "32 turns, where 1 would do" in seen.text_content()
    page.locator("button.before").focus()
    for _ in range(9):
        page.keyboard.press("Enter")
    assert seen.count() == 1 and "memory 1: 4 sectors of 32 bytes" in seen.text_content()
    page.locator("button.next").press("Enter")
    assert page.locator("select").evaluate("list => list.selectedIndex") == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.close()
