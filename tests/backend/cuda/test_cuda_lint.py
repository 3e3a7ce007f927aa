"""What g++ takes and nvcc refuses is named: each line below is held against both compilers, and so is the correct code
beside it."""

import re
import shutil
import subprocess

import pytest

from needle_edu.backend.cudasim import lint
from needle_edu.backend.paths import csrc_dir

NVCC = shutil.which("nvcc")
BEGIN = """
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <limits>
#include <type_traits>
#include <typeinfo>
#include <vector>
float helper(float x) { return x + 1; }
constexpr float twice(float x) { return 2 * x; }
__device__ float on_device(float x) { return x; }
__host__ __device__ float anywhere(float x) { return x; }
int table[4] = {1, 2, 3, 4};
const int sizes[2] = {3, 4};
static int counter = 3;
const int number = 5;
constexpr int fixed = 7;
__constant__ float weights[4];
__device__ int seen = 0;
namespace inner { int hidden = 3; }
__global__ void right(float *a) { a[0] = 1; }
"""
WRONG = {  # a line that nvcc refuses: its rule; the number says in which of its passes it finds that
    "__global__ int w1(float *a) { return 0; }": ("kernel-returns", 1),
    "float w2() { return on_device(1); }": ("device-function", 1),
    "__global__ void w3(float *a, ...) { }": ("ellipsis", 1),
    "struct W4 { __global__ static void w4(float *a) { } };": ("member-kernel", 1),
    "void w5() { right(nullptr); }": ("bare-call", 1),
    "__global__ void w6(float *a) { a[0] = std::max(a[1], a[2]); }": ("host-library", 2),
    "__global__ void w7(float *a) { if (a[0] > 1) throw 1; }": ("exceptions", 2),
    "__global__ void w8(float *a) { try { a[0] = 1; } catch (...) { } }": ("exceptions", 2),
    "__global__ void w9(float *a) { a[0] = std::numeric_limits<float>::max(); }": ("host-library", 2),
    "__global__ void w10(float *a) { a[0] = twice(a[1]); }": ("host-function", 2),
    "__global__ void w11(float *a) { a[0] = typeid(a).name()[0]; }": ("run-time types", 2),
    "__global__ void w12(float *a) { a[0] = helper(a[1]); }": ("host-function", 3),
    "__device__ float w13(float a) { return a + table[0]; }": ("host-variable", 3),
    "__global__ void w14(float *a) { a[0] = counter + 1; }": ("host-variable", 3),
    "__global__ void w15(float *a, int i) { a[0] = sizes[i]; }": ("host-variable", 3),
    "__global__ void w16(float *a) { a[0] = inner::hidden; }": ("host-variable", 3),
    "__global__ void w17(float *a) { std::cout << a[0]; }": ("host-library", 3),
    "__global__ void w18(float *a) { exit(1); }": ("host-function", 3),
    "__global__ void w19(float *a) { a[0] = float(rand()); }": ("host-function", 3),
    "__global__ void w20(float *a) { fprintf(stderr, \"x\"); }": ("host-function", 3),
    "__global__ void w21(float *a) { std::vector<float> v(3); a[0] = v[0]; }": ("host-library", 3),
    "__global__ void w22(float *a) { cudaDeviceSynchronize(); }": ("host-function", 3),
    "__global__ void w23(float *a) { std::swap(a[0], a[1]); }": ("host-library", 3),
    "__global__ void w24(float *a) { __shared__ float s[100][128]; s[threadIdx.x][0] = 1; a[0] = s[1][0]; }":
        ("shared-size", 4),
}  # fmt: skip
NAMES = """
__global__ void n1(float *a) { extern __shared__ float s[]; a[0] = s[0]; }
__global__ void n2(double *a) { extern __shared__ double s[]; a[0] = s[0]; }
"""
FINE = """
template <class T> __device__ T larger(T a, T b) { return a > b ? a : b; }
struct Scale { float by; __device__ float operator()(float x) const { return x * by; } };
template <class Op> __global__ void apply(float *a, Op op) { a[threadIdx.x] = op(a[threadIdx.x]); }
__global__ void f1(float *a, int counter) {
  int table[2] = {1, 2};
  a[0] = table[counter] + number + fixed + weights[0];
}
__global__ void f2(float *a) { atomicAdd(&seen, 1); a[0] = anywhere(on_device(a[1])) + larger(1.0f, a[2]); }
__global__ void f3(float *a) { a[0] = std::sqrt(a[1]) + std::pow(a[1], 2.0f) + std::abs(a[2]) + fmaxf(a[0], 1); }
__global__ void f4(float *a) {
  printf("%f\\n", a[0]);
  assert(a[0] > 0);
  memcpy(a, a + 4, 8);
  static int n = 0;
  a[1] = ++n;
}
__global__ void f5(float *a) { auto helper = [](float x) { return x; }; a[0] = helper(a[1]); }
__global__ void f6(float *a) { __shared__ float s[12288]; s[threadIdx.x] = 1; a[0] = s[1]; }
template <class T> __global__ void f7(T *a) { if (std::is_same<T, float>::value) a[0] = std::forward<T>(a[1]); }
// helper(std::max) in a comment, and "throw exit()" in a text
float host(std::vector<float> &v) { std::sort(v.begin(), v.end()); return helper(v[0]) + anywhere(v[1]) + table[1]; }
void launches(float *a) {
  right<<<1, 1>>>(a);
  apply<<<1, 32>>>(a, Scale{2});
  apply<<<1, 32>>>(a, [=] __device__ (float x) { return x; });
}
__global__ __launch_bounds__(128) void f8(float *a) { extern __shared__ float again[]; a[0] = again[0]; }
__global__ void f9(float *a) { extern __shared__ float again[]; a[0] = again[1]; }
"""
NOTES = {
    "__global__ void t1(float *a) { long double x = a[0]; a[0] = float(x); }": "long-double",
    "__global__ void t2(float *a) { __shared__ dim3 d; d.x = 1; a[0] = float(d.x); }": "shared-constructor",
    "__global__ void t3(float &a) { a = 1; }": "reference",
}


def nvcc(text, folder):
    """Lines with errors, and everything that nvcc says."""
    (folder / "a.cu").write_text(text)
    command = [NVCC, "-std=c++17", "-arch=sm_75", "--extended-lambda", "-c", "a.cu", "-o", "a.o"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    return (
        {int(line) for line in re.findall(r"^a\.cu\((\d+)\): error", done.stderr, re.M)},
        done.returncode,
        done.stderr,
    )


def everything():
    return BEGIN + "\n".join(WRONG) + NAMES + FINE + "\n".join(NOTES) + "\n"


def test_every_rule_names_its_line_and_nothing_else():
    text = everything()
    lines = text.splitlines()
    wanted = {(lines.index(line) + 1, rule) for line, (rule, _) in WRONG.items()}
    wanted |= {(lines.index(line) + 1, rule) for line, rule in NOTES.items()}
    wanted.add((lines.index(NAMES.strip().splitlines()[1]) + 1, "shared-names"))
    remarks = lint(text, "a.cu")
    assert {(one.line, one.rule) for one in remarks} == wanted
    assert {one.rule for one in remarks if one.note} == set(NOTES.values())
    assert all(
        str(one).startswith(f"a.cu:{one.line}: nvcc {'takes' if one.note else 'refuses'} this: ")
        for one in remarks
    )


ASSERT = "__global__ void k(float *a) { assert(a[0] > 0); }\n"


def test_assert_wants_its_header(simulator):
    simulator.compile(ASSERT, "plain", "assert.cu")
    assert [(one.line, one.rule) for one in lint("#include <cstdio>\n" + ASSERT)] == [(2, "assert")]
    assert lint("#include <cassert>\n" + ASSERT) == [] == lint('#include "mine.h"\n' + ASSERT)


def test_gxx_takes_all_of_it(simulator):
    simulator.compile(everything(), "plain", "lint.cu")


needs_nvcc = pytest.mark.skipif(
    NVCC is None, reason="nvcc is not on PATH: nobody has held the lint against CUDA itself"
)


@needs_nvcc
@pytest.mark.parametrize("which", [1, 2, 3, 4])
def test_nvcc_refuses_each_of_them(tmp_path, which):
    """It stops after a pass that finds something, so each pass gets its own."""
    wrong = [line for line, (_, number) in WRONG.items() if number == which]
    text = BEGIN + "\n".join(wrong) + (NAMES if which == 1 else "\n")
    found, code, said = nvcc(text, tmp_path)
    lines = text.splitlines()
    if which == 4:  # the assembler names functions and no lines
        assert code and "uses too much shared data" in said
    else:
        wanted = {lines.index(line) + 1 for line in wrong}
        assert found == wanted | ({len(lines)} if which == 1 else set()), said


@needs_nvcc
def test_nvcc_knows_no_assert_of_itself(tmp_path):
    assert nvcc("#include <cstdio>\n" + ASSERT, tmp_path)[0] == {2}


@needs_nvcc
def test_nvcc_takes_the_rest(tmp_path):
    found, code, said = nvcc(BEGIN + FINE + "\n".join(NOTES) + "\n", tmp_path)
    assert (found, code) == (set(), 0), said
    assert "'long double' is treated as 'double'" in said


def test_our_own_kernels_have_no_remarks():
    files = [
        *csrc_dir().glob("cuda/**/*.cu*"),
        *(csrc_dir().parent / "tests" / "backend" / "cuda").glob("*/*.cu"),
    ]
    assert len(files) > 5
    assert [str(one) for file in files for one in lint(file.read_text(), file.name)] == []
