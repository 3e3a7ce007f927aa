"""What may stand in an answer in C or CUDA, what its launch is told by, and what tests make of a report."""

import copy

import numpy as np
import pytest

from needle_edu.course import source_cells
from needle_edu.course.compare import Mismatch
from needle_edu.course.kernels import clean, cost, launching, translation_unit
from needle_edu.course.kernels.rules import NotAllowed, allowed_functions, tokens_of

from .wrong_answers import hw3_ways_in, solutions

SOLUTIONS = solutions("hw3")


def unit_of(source: str, question: str = "") -> translation_unit.Unit:
    cell, model = source_cells.read(source), source_cells.read(SOLUTIONS.get(question, ""))
    assert cell is not None
    return translation_unit.unit_of(cell, translation_unit.unit_of(model) if model else None)


@pytest.mark.parametrize("way", hw3_ways_in.REFUSED)
def test_a_way_in_is_refused_before_any_compiler_sees_it(way):
    with pytest.raises(NotAllowed):
        unit_of(hw3_ways_in.REFUSED[way], way[:2])


@pytest.mark.parametrize("way", hw3_ways_in.CAUGHT)
def test_the_others_are_no_matter_of_words(way):
    """They are refused by what they do (test_hw3): the rules must not be what catches them."""
    unit_of(hw3_ways_in.CAUGHT[way], way[:2])


@pytest.mark.parametrize(
    "body",
    [
        "int i = 0, j = n, *p = 0; p = p; i = j;",
        "for (int i = 0, j = n - 1; i < j; i++, j--) { const float keep = a[i]; a[i] = a[j], a[j] = keep; }",
        "float acc[2][3] = {{0, 0, 0}, {0, 0, 0}}; acc[1][2] += a[0]; a[0] = acc[1][2];",
        "const float x = (float)n / 2.5e-3f, y = float(n); a[0] = static_cast<float>(x) * -y;",
        "unsigned long long big = 1ull << 40; a[0] = big > 0x7fu ? 1.f : .5f;",
        "float *q = &a[n - 1]; const float *const r = a + 1; *q = *r; (*q)++; if (n) (*q)--;",
        "float4 v = make_float4(1, 2, 3, 4); *reinterpret_cast<float4 *>(&a[0]) = v; a[0] = v.x + v.w;",
        "do { n -= 1; } while (n > 0 && !(n & 1)); switch (n) { case 0: break; default: return; }",
        "float &first = a[0]; first = fmaxf(first, -INFINITY); a[n & 1] = n ^ 3;",
        "enum { A, B = 2, C }; a[A] = B + C; /* comments may say #include, \"what\" they like */",
        "volatile float x = a[0]; bool more = true; while (more) more = x > 0 ? false : false;",
    ],
)  # fmt: skip
def test_what_people_write_is_allowed(body):
    (function,) = allowed_functions(f"void f(float *a, int n) {{ {body} }}", "c", "f")
    assert function.types == ("float *", "int") and function.parameters == ("a", "n")


@pytest.mark.parametrize(
    "text",
    [
        "const int TILE = 4 * 4;\n__device__ __forceinline__ float twice(float x) { return 2 * x; }\n"
        "__global__ void k(float *a) { __shared__ float t[TILE][TILE + 1]; t[0][0] = twice(a[0]); float *row = t[0];\n"
        "__syncthreads(); a[0] = row[0]; }",
        "__global__ void k(int *a) { extern __shared__ float all[]; all[threadIdx.x] = 0; float *p = all; p[0] = 1;\n"
        "int s = a[blockIdx.y * gridDim.x + blockIdx.x]; s += __shfl_down_sync(0xffffffff, s, 1);\n"
        "atomicAdd(&a[0], s); }",
        "constexpr float EPS = 1e-6f;\n__global__ void k(const float *__restrict__ a, float *b) { b[0] = a[0] + EPS; }",
    ],
)
def test_what_people_write_in_cuda_is_allowed(text):
    assert [function.name for function in allowed_functions(text, "cuda", "cell") if function.is_kernel] == [
        "k"
    ]


def test_refusals_name_the_line_and_the_word():
    with pytest.raises(NotAllowed, match=r"^printf: no function of this answer") as caught:
        allowed_functions("void f(int *a) {\n  a[0] = 1;\n\n  printf(a);\n}", "c", "f")
    assert caught.value.lineno == 4
    with pytest.raises(NotAllowed) as caught:
        unit_of("%%c f\nvoid f(int *a) {\n  exit(0);\n}")
    assert caught.value._render_traceback_()[0].startswith("f:3: exit: no function of this answer")
    assert [token.line for token in tokens_of("a /* \n\n */ b")] == [1, 3]


def test_an_instructors_functions_are_asked_for():
    with pytest.raises(NotAllowed, match=r"the tests run setitem_kernel\(.*there is no setitem_kernel"):
        unit_of(SOLUTIONS["q8"].replace("setitem_kernel", "set_kernel"), "q8")
    with pytest.raises(NotAllowed, match="this answer has float \\*, const float \\*, int, float"):
        unit_of(SOLUTIONS["q9"].replace("int largest", "float largest"), "q9")


# --- reports ---------------------------------------------------------------------------------------------------


def report() -> dict:
    runs = {name: {"error": "", "arrays": [np.array([1, np.nan], "float32")]} for name in launching.RUNS}
    return copy.deepcopy({"findings": [], "counters": {"requests": 8, "coalescing": 0.5}, **runs})


def test_a_clean_report_gives_the_arrays():
    (array,) = clean(report())
    assert array[0] == 1


def spoil(change) -> str:
    found = report()
    change(found)
    with pytest.raises(Mismatch) as caught:
        clean(found)
    return caught.value.status


def test_what_is_not_clean():
    assert spoil(lambda r: r["findings"].append(["race", "f:3: race"])) == "found race"
    assert spoil(lambda r: r["findings"].append(["<b>", "f"])) == "found something"
    assert spoil(lambda r: r["check"].update(error="cudaErrorLaunchTimeout")) == "time limit"
    assert spoil(lambda r: r["plain"].update(error="cudaErrorAssert")) == "the plain run ended early"
    assert spoil(lambda r: r["profile"].update(error="crashed (SIGILL): …")) == "found out-of-bounds"
    other = [np.array([1 + 1e-7, np.nan], "float32")]
    assert spoil(lambda r: r["check"].update(arrays=other)) == "another result in the check run"
    assert spoil(lambda r: r["profile"].update(arrays=other)) == "another result in the profile run"
    far = [np.array([1.1, np.nan], "float32")]
    assert (
        spoil(lambda r: r["reverse"].update(arrays=far))
        == "another result when the threads run in another order"
    )
    near = report()
    near["reverse"]["arrays"] = other  # sums in another order
    clean(near)


@pytest.mark.parametrize("missing", ["findings", "check", "plain", "reverse", "profile"])
def test_a_report_with_something_missing_passes_nothing(missing):
    found = report()
    del found[missing]
    with pytest.raises((KeyError, Mismatch)):
        clean(found)


def test_costs_have_bounds_on_both_sides():
    cost(report(), "requests", least=8, most=8)
    for bounds, status in (({"least": 9}, "too few requests"), ({"most": 7}, "too many requests")):
        with pytest.raises(Mismatch) as caught:
            cost(report(), "requests", **bounds)
        assert caught.value.status == status
    for value in (np.nan, "8", None, True):
        found = report()
        found["counters"]["requests"] = value
        with pytest.raises(Mismatch, match="wrong type of requests"):
            cost(found, "requests", most=10)
