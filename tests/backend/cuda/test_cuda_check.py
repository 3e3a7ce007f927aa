"""The checker finds the classic mistakes of kernels/bugs.cu, at their lines, in every order of threads; and, where the
mistake is taken out of the same kernel, nothing."""

import contextlib
import gc
import re
from pathlib import Path

import numpy as np
import pytest

from needle_edu.backend.cudasim import CudaError, Finding

BUGS = {  # the kernel: its kind of finding, what the detail says, and the code on the line, or lines
    "missing_barrier": ("race", "the __shared__ variable s of 256 bytes", {"s[t] = a[t];", "out[t] = s[63 - t];"}),
    "barrier_too_early": ("race", "__shared__ variable s", {"s[t] = a[t] + round;", "sum += s[63 - t];"}),
    "lost_updates": ("race", "0 bytes into allocation #", {"else *out += a[threadIdx.x];"}),
    "blocks_race": ("race", "one thread writes and another writes", {"out[fixed ? int(blockIdx.x)"}),
    "no_fence": ("race", "one thread reads and another writes", {"partial[blockIdx.x] =", "sum += partial[i];"}),
    "warp_without_sync": ("race", "__shared__ variable s", {"s[t] = v;", "v += s[t + half];"}),
    "one_too_many": ("out-of-bounds", r"write of 4 bytes, 0 bytes past .* allocation #\d+ of 512", {"out[i] ="}),
    "shared_too_small": ("out-of-bounds", "4 bytes, 0 bytes past the end of the __shared__ variable s", {"+ 1];"}),
    "dynamic_too_small": ("out-of-bounds", "past the end of the dynamic shared memory of 256 bytes", {"d[64] = 1;"}),
    "before_the_beginning": ("out-of-bounds", "4 bytes before allocation #", {"out[t] = a[fixed"}),
    "odd_address": ("misaligned", "8 bytes at an address that is no multiple of 8: 4 bytes into", {"int2"}),
    "half_written": ("uninitialised", r"has written, \d+ bytes into the __shared__ variable s", {"out[t] = s[t];"}),
    "never_written": ("uninitialised", r"has written, \d+ bytes into allocation #\d+", {"= scratch[threadIdx.x];"}),
    "barrier_in_branch": ("barrier-divergence", "wait at different barriers", {"else __sync", "else if (t"}),
    "barrier_after_return": ("barrier-exited", "16 of 64 threads, thread 48 first, have", {"__syncthreads();"}),
    "not_in_mask": ("bad-mask", r"lane \d is not in the mask 0xfffffff0 that it gives", {"__shfl_xor_sync("}),
    "from_nobody": ("bad-mask", r"lane \d+ reads from lane \d+, which takes no part", {"__shfl_down_sync("}),
    "never_come": ("deadlock", r"Thread \d+ waits for the lanes 0xffffffff", {"__syncwarp();"}),
}  # fmt: skip
STOPS = ("out-of-bounds", "misaligned", "deadlock")
THROUGH_POINTER = len(BUGS)


@pytest.fixture
def run(compiled, simulator):
    """A function that runs one kernel of bugs.cu on new arrays and returns the report."""
    a = simulator.array(np.arange(64, dtype=np.int32))

    def run(name, fixed, out=None):
        simulator.clear_report()
        if out is None:
            out = simulator.empty(128, np.int32)
            if name != "never_written":
                out.fill(np.zeros(128, np.int32))
        compiled("bugs.cu", "check").bug(list(BUGS).index(name), out, a, fixed)
        return simulator.report()

    return run


@pytest.mark.parametrize("name", BUGS)
def test_each_mistake_is_found_and_its_repair_is_clean(run, simulator, name, order):
    kind, detail, lines = BUGS[name]
    if kind in STOPS:
        with pytest.raises(CudaError):
            run(name, 0)
    else:
        run(name, 0)
    report = simulator.report()
    assert {finding.kind for finding in report} == {kind}, report
    assert all(finding.kernel == name for finding in report) and len(report[name]) == len(report)
    assert any(re.search(detail, finding.detail) for finding in report), report
    texts = {code(place) for finding in report for place in places(finding)}
    assert all(any(line in text for text in texts) for line in lines), (texts, lines)
    repaired = run(name, 1)
    assert repaired.clean and str(repaired) == "the checker found nothing wrong", repaired


def places(finding: Finding):
    return [place for place in (finding.place, finding.other_place) if place is not None]


def code(place):
    return open(place.file).read().splitlines()[place.line - 1]


def test_threads_and_blocks_of_a_race(run):
    finding = run("blocks_race", 0).of("race")[0]
    assert {finding.block, finding.other_block} == {(0, 0, 0), (1, 0, 0)} and finding.count == 64
    finding = run("missing_barrier", 0).of("race")[0]
    t, other = finding.thread[0], finding.other_thread[0]
    assert t + other == 63 or t == other, finding  # reads s[63 - t]
    assert finding.block == finding.other_block == (0, 0, 0)


@pytest.mark.parametrize("which", ["null-pointer", "host-pointer", "use-after-free"])
def test_pointers_that_are_no_arrays(compiled, simulator, which):
    program, a = compiled("bugs.cu", "check"), simulator.array(np.zeros(64, np.int32))
    freed = simulator.array(np.zeros(64, np.int32))
    freed.free()
    out = {"null-pointer": None, "host-pointer": np.zeros(64, np.int32), "use-after-free": freed}[which]
    simulator.clear_report()
    with pytest.raises(CudaError, match="cudaErrorIllegalAddress: kernel through_pointer, block"):
        program.bug(THROUGH_POINTER, out, a, 1)
    report = simulator.report()
    assert [finding.kind for finding in report] == [which] and report.findings[0].thread == (0, 0, 0)
    assert "out[threadIdx.x] = a[threadIdx.x]" in code(report.findings[0].place)
    if which == "host-pointer":
        assert not out.any()  # the access was not made


def test_the_host_reads_the_devices_memory(compiled, simulator):
    simulator.clear_report()
    assert compiled("bugs.cu", "check").host_reads(simulator.array(np.arange(5, dtype=np.int32))) == 3
    (finding,) = simulator.report()
    assert (
        finding.kind == "host-dereference"
        and "12 bytes into allocation" in finding.detail
        and finding.thread is None
    )
    assert "return a[3];" in code(finding.place)


def test_a_launch_that_is_refused(compiled, simulator):
    simulator.clear_report()
    a = simulator.array(np.zeros(64, np.int32))
    with pytest.raises(CudaError, match="at most 1024 are allowed"):
        compiled("bugs.cu", "check").too_many_threads(a, a)
        simulator.raise_for(9)
    (finding,) = simulator.report()
    assert (finding.kind, finding.kernel) == ("invalid-launch", "through_pointer")
    assert "through_pointer<<<1, 2000>>>" in code(finding.place)


def test_reports_count_and_list(run, simulator):
    report = run("missing_barrier", 0)
    assert (
        report.races == len(report) == 1
        and report.out_of_bounds == report.uninitialised == 0
        and not report.clean
    )
    assert len(report["missing_barrier"]) == 1 and report.launches == {"missing_barrier": 1}
    with pytest.raises(KeyError, match="no kernel 'other' was checked; there are missing_barrier"):
        report["other"]
    listing = report.listing().splitlines()
    at = next(i for i, line in enumerate(listing) if line.endswith("| " + code(report.findings[0].place)))
    assert listing[at + 1].startswith("      ^ race: one thread ")
    assert any("the other access, see line" in line for line in listing)
    page = report._repr_html_()
    assert page.count("#b00020") == page.count("<span") == 2 and "<li><b>race</b>: Who comes first" in page
    text = str(report)
    assert "race in missing_barrier, block (0, 0, 0), thread" in text and "put a barrier between them" in text
    with pytest.raises(ValueError, match="no kind of finding 'raze'; there are out-of-bounds, "):
        report.of("raze")
    assert run("missing_barrier", 1).to_html() == "<p>the checker found nothing wrong</p>"
    simulator.clear_report()
    nothing = simulator.report()
    assert not nothing.clean and nothing.to_html().startswith("<p>nothing was checked")


def test_barriers_are_no_accesses_in_the_listing(run):
    listing = run("barrier_in_branch", 0).listing()
    assert "barrier-divergence: the other barrier, see line" in listing and "access" not in listing


def test_a_cell_is_listed_with_its_own_text(simulator):
    simulator.clear_report()
    text = "__global__ void k(int *a) {\n  *a = int(threadIdx.x);\n}\n"
    program = simulator.compile(text + 'extern "C" void run(int *a) { k<<<1, 2>>>(a); }\n', "check", "cell 7")
    program.run(simulator.array(np.zeros(1, np.int32)))
    assert simulator.report().findings[0].place[:2] == ("cell 7", 2)
    assert "    2 |   *a = int(threadIdx.x);\n      ^ race: one thread writes" in simulator.report().listing()


def test_plain_kernels_write_what_checked_ones_read(compiled, simulator):
    """The plain flavour tells nobody what it writes: an array that has lived through one of its launches is written."""
    a, b, c = (simulator.empty(64, np.int32) for _ in range(3))
    compiled("faults.cu").launch_shape(a, 1, 64, 1, 1)
    simulator.clear_report()
    compiled("bugs.cu", "check").bug(THROUGH_POINTER, b, a, 1)
    assert simulator.report().clean
    d = simulator.empty(64, np.int32)
    compiled("bugs.cu", "check").bug(THROUGH_POINTER, c, d, 1)
    assert simulator.report().uninitialised == 1


def test_a_copy_is_written_where_its_original_is(compiled, simulator):
    half = simulator.empty(64, np.int32)
    simulator.copy(half.pointer, np.zeros(32, np.int32).ctypes.data, 128, 1)
    copy, out = simulator.empty(64, np.int32), simulator.empty(64, np.int32)
    simulator.copy(copy.pointer, half.pointer, 256, 3)
    simulator.clear_report()
    compiled("bugs.cu", "check").bug(THROUGH_POINTER, out, copy, 1)
    (finding,) = simulator.report().of("uninitialised")
    assert finding.count == 32 and "128 bytes into" in finding.detail


def test_what_an_earlier_launch_did_is_no_race_when_places_run_out(simulator):
    """A kernel with more places than the checker has room for: it forgets all, and numbers its moments anew. What is
    written at that very moment must not look as if it were written later."""
    writes = "\n".join(f"  a[{k}] = {k};" for k in range(2100))
    program = simulator.compile(
        f"""
__global__ void fill(int *a) {{
  for (int i = 0; i < 100; i++) __syncthreads();  // many moments
  if (threadIdx.x) return;
{writes}
}}
__global__ void read(int *out, const int *a) {{
  int sum = 0;
  for (int i = 0; i < 2100; i++) sum += a[i];
  out[threadIdx.x] = sum;
}}
extern "C" void run_fill(int *a) {{ fill<<<1, 32>>>(a); }}
extern "C" void run_read(int *out, const int *a) {{ read<<<1, 2>>>(out, a); }}
""",
        "check",
    )
    a, out = simulator.empty(2100, np.int32), simulator.empty(2, np.int32)
    simulator.clear_report()
    program.run_fill(a)
    program.run_read(out, a)
    assert simulator.report().clean, simulator.report()


def test_bytes_of_one_word_are_no_race(simulator):
    """Cells of four bytes: neighbours in an array of bytes are not the same memory."""
    simulator.clear_report()
    program = simulator.compile(
        "__global__ void k(char *a, int shift) { a[threadIdx.x >> shift] = 1; }\n"
        'extern "C" void run(char *a, int shift) { k<<<1, 64>>>(a, shift); }\n',
        "check",
    )
    a = simulator.empty(64, np.int8)
    program.run(a, 0)
    assert simulator.report().clean, simulator.report()
    program.run(a, 1)
    assert simulator.report().races == 1


def test_memory_of_the_checker(simulator):
    """4.75 bytes for each byte that is looked at, besides that byte."""
    program = simulator.compile(
        "__global__ void k(float *a, int n) {\n"
        "  for (int i = int(blockIdx.x * 256 + threadIdx.x); i < n; i += int(gridDim.x) * 256) a[i] = 1;\n}\n"
        'extern "C" void run(float *a, int n) { k<<<8, 256>>>(a, n); }\n',
        "check",
    )
    n = 4 << 20
    before = resident()
    a = simulator.empty(n)
    program.run(a, n)
    grown = resident() - before
    assert grown <= (5 + 1) * 4 * n + (4 << 20), grown / (4 * n)
    a.free()


def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096


VARIABLES = """
__device__ int count, counts[4];
__device__ __align__(16) float wide[4] = {1, 2, 3, 4};
__constant__ float weights[2] = {0.5f, 0.25f};
namespace inner { __device__ double total; }
__global__ void plain(int *out) { count++; out[threadIdx.x] = counts[threadIdx.x % 4]; }
__global__ void atomic(int *out) {
  atomicAdd(&count, 1);
  out[4 * blockIdx.x + threadIdx.x] = int(weights[threadIdx.x % 2] * wide[1] * 4);
}
__global__ void apart(int *out) { counts[threadIdx.x] += int(threadIdx.x); out[threadIdx.x] = counts[threadIdx.x]; }
__global__ void named(int *out) { inner::total = threadIdx.x; out[0] = 0; }
"""


def test_variables_of_the_device_are_watched(simulator):
    from needle_edu.backend.cudasim import cuda_cell, cuda_check

    kernels = cuda_cell(VARIABLES, "variables.cu")
    out = simulator.array(np.zeros(8, np.int32))
    with cuda_check() as report:
        kernels["plain"][1, 8](out)
        kernels["named"][2, 1](out)
    kinds = {(one.kernel, one.kind, one.place.line) for one in report}
    assert ("plain", "race", 6) in kinds and ("named", "race", 12) in kinds
    assert any(
        one.detail.endswith("0 bytes into the variable count of 4 bytes; nothing orders them")
        for one in report
    )
    assert any("0 bytes into the variable total of 8 bytes" in one.detail for one in report["named"])
    with cuda_check() as report:
        kernels["atomic"][2, 4](out)
        kernels["apart"][1, 4](out)
        kernels["apart"][1, 4](out)  # another launch: ordered
    assert report.clean, report
    assert out.numpy()[:4].tolist() == [0, 2, 4, 6]


GAPS = """
__constant__ float weights[3];
__device__ int before = 7, filled[2] = {1, 2};
__device__ __align__(16) char cleared[5];
__device__ __constant__ int both[2] = {3, 4};
static const int table[4] = {1, 2, 3, 4};
__global__ void past(float *a, int i) { a[0] = weights[i]; }
__global__ void writes(int *a, int i) { filled[i] = a[0]; }
__global__ void wide(float4 *a, int i) { a[0] = *reinterpret_cast<const float4 *>(&weights[i]); }
__global__ void small(char *a, int i) { a[0] = cleared[i]; }
__global__ void twice(int *a, int i) { a[0] = both[i] + table[i]; }
"""


@pytest.mark.parametrize(
    ("kernel", "i", "detail"),
    [
        ("past", 2, None),
        ("past", 3, "a read of 4 bytes, 0 bytes past the end of the variable weights of 12 bytes"),
        ("past", 18, "a read of 4 bytes, 60 bytes past the end of the variable weights of 12 bytes"),
        ("writes", 1, None),
        ("writes", 2, "a write of 4 bytes, 0 bytes past the end of the variable filled of 8 bytes"),
        ("wide", 0, "a read of 16 bytes, 0 bytes into the variable weights of 12 bytes"),
        ("small", 4, None),
        ("small", 5, "a read of 1 bytes, 0 bytes past the end of the variable cleared of 5 bytes"),
        ("twice", 1, None),
        ("twice", 2, "a read of 4 bytes, 0 bytes past the end of the variable both of 8 bytes"),
    ],
)
def test_past_the_end_of_a_variable_of_the_device(simulator, kernel, i, detail):
    from needle_edu.backend.cudasim import cuda_cell, cuda_check

    run = cuda_cell(GAPS, "gaps.cu")[kernel]
    out = simulator.array(np.zeros(16, {"writes": "i4", "twice": "i4", "small": "i1"}.get(kernel, "f4")))
    if detail is None:
        with cuda_check() as report:
            run[1, 1](out, i)
        assert report.clean, report
        return
    with cuda_check() as report, contextlib.suppress(CudaError):
        run[1, 1](out, i)
    (finding,) = report
    assert (finding.kind, finding.detail) == ("out-of-bounds", detail)
    assert finding.place.line == 1 + GAPS[: GAPS.index(f"void {kernel}(")].count("\n")


def test_a_library_stays_where_findings_point(simulator):
    """Another one in its place would be taken for it, and its variables for the host's memory."""
    program = simulator.compile(
        '__global__ void gone(int *a) { *a = 1; }\nextern "C" void run(int *a) { gone<<<1, 1>>>(a); }'
    )
    path = str(program.library)
    program.run(simulator.empty(1, np.int32))
    del program
    gc.collect()
    assert path in Path("/proc/self/maps").read_text()


def test_a_line_of_a_template_is_one_finding(simulator):
    from needle_edu.backend.cudasim import cuda_cell, cuda_check

    text = """
template <class T> __global__ void all(T *a) { a[0] = T(threadIdx.x); }
extern "C" void once(int *a) { all<<<1, 32>>>(a); }
extern "C" void twice(int *a, float *b) { all<<<1, 32>>>(a); all<<<1, 32>>>(b); }
"""
    functions = cuda_cell(text)
    a, b = simulator.array(np.zeros(1, np.int32)), simulator.array(np.zeros(1, np.float32))
    with cuda_check() as one:
        functions["once"](a)
    with cuda_check() as two:
        functions["twice"](a, b)
    assert one.races == two.races == 1
    assert two.findings[0].count == 2 * one.findings[0].count
