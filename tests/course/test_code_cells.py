"""The magics ``%%cuda`` and ``%%c`` in a notebook: what a cell defines, and where its mistakes are shown."""

import shutil

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from needle_edu.course import code_cells
from needle_edu.course.source_answers import DoesNotCompile

needs_gxx = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not there: CUDA cells cannot run")


@pytest.fixture
def shell():
    """A notebook in which `%load_ext needle_edu` has been run."""
    shell = InteractiveShell(colors="nocolor")
    shell.extension_manager.load_extension("needle_edu")
    code_cells._noted = False
    return shell


def run(shell, cell):
    """Run a cell as Jupyter does; an error is raised."""
    shell.run_cell(cell).raise_error()
    return shell.user_ns


@needs_gxx
def test_a_kernel_is_a_variable_and_prints_below_the_cell_that_launches_it(shell, capsys):
    run(shell, '%%cuda\n__global__ void hello(int n) { printf("hello %d\\n", n); }')
    assert capsys.readouterr().out == ""
    assert repr(shell.user_ns["hello"]) == "<CUDA kernel hello(int n)>"
    run(shell, "hello[1, 1](7)")
    assert capsys.readouterr().out == "hello 7\n"


@needs_gxx
def test_blocks_watch_the_kernels_of_cells(shell):
    run(shell, "import needle_edu as ndl\nimport numpy as np")
    run(shell, "%%cuda\n\n__global__ void all(int *a) { a[0] = threadIdx.x; }")
    run(shell, "a = ndl.ndarray.zeros(1, dtype='int32', device=ndl.cuda_sim())")
    run(shell, "with ndl.cuda_check() as report:\n    all[1, 32](a)")
    report = shell.user_ns["report"]
    assert report.races == 1 and [one.place.line for one in report] == [3], "lines are the cell's"
    html = report._repr_html_()
    assert "__global__ void all(int *a)" in html and "race" in html
    run(shell, "with ndl.cuda_profile() as profile:\n    all[1, 32](a)")
    assert shell.user_ns["profile"]["all"].sectors == 1
    assert "all.cu" not in repr(shell.user_ns["profile"])


@needs_gxx
def test_options_of_the_line(shell, capsys):
    run(shell, "%%cuda --check --order reverse\n__global__ void all(int *a) { a[0] = threadIdx.x; }")
    run(shell, "import needle_edu as ndl\na = ndl.ndarray.zeros(1, dtype='int32', device=ndl.cuda_sim())")
    capsys.readouterr()
    run(shell, "all[1, 32](a)")
    assert shell.user_ns["a"].numpy()[0] == 0
    assert "      ^ race: one thread writes and another writes" in capsys.readouterr().out
    run(shell, "%%cuda --profile\n__global__ void one(int *a) { a[0] = 1; }")
    run(shell, "one[1, 1](a)")
    assert "      ^ 1 requests, 1 sectors, 100% coalesced" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["--chek", "--check --profile", "--order up", "--seed x", '--order "'])
def test_a_line_that_is_not_understood(shell, line, capsys):
    with pytest.raises(code_cells.UsageError, match="^%%cuda: "):
        run(shell, f"%%cuda {line}\n__global__ void k() {{}}")
    shown = capsys.readouterr().out
    assert shown.startswith("%%cuda: ") and "Traceback" not in shown


@pytest.mark.parametrize(
    "cell, line",
    [
        ("%%c\n\nint f(int n) {\n  return m;\n}", 4),
        ("%%c f\n\nint f(int n) {\n  return m;\n}", 4),  # an answer
        pytest.param("%%cuda\n\n__global__ void f(int *n) {\n  *n = m;\n}", 4, marks=needs_gxx),
        pytest.param("%%cuda\n__global__ void f(int *n) {\n  f<<<1>>;\n}", 3, marks=needs_gxx),
    ],
)
def test_the_compiler_s_words_have_the_lines_of_the_cell(shell, cell, line, capsys):
    with pytest.raises(DoesNotCompile) as raised:
        run(shell, cell)
    assert raised.value.lineno == line
    assert f":{line}:" in str(raised.value) and "command:" not in str(raised.value)
    assert "f" not in shell.user_ns
    shown = capsys.readouterr().out
    assert shown.strip() == str(raised.value), (
        "the compiler's words alone, and no way through IPython's files"
    )


def test_functions_in_c(shell, capsys):
    run(shell, "import numpy as np\nx = np.arange(4, dtype='float32')")
    run(
        shell,
        "%%c -O3 -funroll-loops\n#include <stdint.h>\nstatic int two(void) { return 2; }\n"
        "double scale(float *a, int64_t n) {\n  for (int64_t i = 0; i < n; i++) a[i] *= two();\n  return 0.5;\n}\n",
    )
    said = capsys.readouterr().out
    assert "segmentation fault" in said and said.count("\n") == 1
    scale = shell.user_ns["scale"]
    assert "two" not in shell.user_ns
    assert repr(scale) == "<C function double scale(float *a, int64_t n)>"
    x = shell.user_ns["x"]
    assert scale(x, 3) == 0.5 and x.tolist() == [0, 2, 4, 3]
    run(shell, "%%c\nint one(void) { return 1; }")
    assert capsys.readouterr().out == "", "said once"
    assert shell.user_ns["one"]() == 1


def test_c_takes_our_arrays_and_refuses_what_does_not_fit(shell):
    from needle_edu import Tensor, ndarray as nd

    f = run(shell, "%%c\nvoid f(float *a, int n) { for (int i = 0; i < n; i++) a[i] += 1; }")["f"]
    a = nd.array([1.0, 2.0, 3.0, 4.0])
    f(a[1:], 2)
    f(Tensor(a), 0)
    assert a.numpy().tolist() == [1, 3, 4, 4]
    for arguments, error, text in (
        ((np.zeros(2), 2), TypeError, "argument 1 points to float32 elements, got an array of float64"),
        ((a[::2], 2), ValueError, "argument 1 takes a compact array"),
        ((np.zeros((3, 2), "f").T, 2), ValueError, "argument 1 takes a compact array"),
        ((a, a), TypeError, "argument 2 is a number (int), got an array"),
        ((a, 1.5), TypeError, "f: "),
        ((a, 2**40), TypeError, "f: "),
        ((a,), TypeError, "takes 2 arguments, got 1"),
    ):
        with pytest.raises(error) as raised:
            f(*arguments)
        assert str(raised.value).startswith("f: ") and text in str(raised.value)


def test_a_text_without_functions(shell):
    with pytest.raises(ValueError, match="^c_cell: the text defines no function"):
        run(shell, "%%c\nint x;")


def test_with_a_name_the_cell_is_an_answer(shell):
    answer = run(shell, "%%c add\nint add(int a, int b) { return a + b; }")["add"]
    assert answer.function("int add(int, int);")(2, 3) == 5


@needs_gxx
def test_what_nvcc_would_refuse_is_said_below_the_cell(shell, capsys):
    run(shell, "%%cuda\nfloat f(float x) { return x; }\n__global__ void k(float *a) { a[0] = f(a[0]); }")
    said = "k.cu:3: nvcc refuses this: f() is a function of the host; write __device__ before it\n"
    assert capsys.readouterr().out == said
