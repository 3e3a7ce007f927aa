"""`NEEDLE_EDU_CUDA=sim`: code that asks for `ndl.cuda()`, under the name needle, computes on the simulator."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from needle_edu.backend.paths import csrc_dir

needs_gxx = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not there: nothing to run cuda() on"
)
COURSE = Path(__file__).parent / "course"


def run(code, choice="sim", *words):
    environment = {**os.environ, "NEEDLE_EDU_CUDA": choice}
    command = [sys.executable, *words] if words else [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


CODE = """
import needle_edu
needle_edu.install_as("needle")
import numpy as np
import needle as ndl
from needle import backend_ndarray as nd
from needle.backend_ndarray import ndarray_backend_cuda
assert ndl.cuda().enabled() and ndl.cuda() == nd.cuda() != ndl.cuda_sim() and repr(ndl.cuda()) == "cuda()"
a = nd.array([[1.0, 2.0], [3.0, 4.0]], device=nd.cuda())
assert (a @ a + a * 2).numpy().tolist() == [[9, 14], [21, 30]] and (a * 2).device == nd.cuda()
assert ndarray_backend_cuda.__device_name__ == "cuda" and nd.cuda().Array(3).size == 3
out = ndarray_backend_cuda.Array(4)
ndarray_backend_cuda.scalar_add(a._handle, 1, out)
assert ndarray_backend_cuda.to_numpy(out, (4,), (1,), 0).tolist() == [2, 3, 4, 5]
x = ndl.Tensor([1.0, 2.0], device=ndl.cuda())
(x * x + x).backward()
assert x.grad.numpy().tolist() == [3, 5] and x.grad.device == ndl.cuda()
try:
    a + nd.array([[1.0, 2.0], [3.0, 4.0]], device=nd.cuda_sim())
except RuntimeError as error:
    print(error)
from needle_edu.backend.cudasim import cuda_cell
k = cuda_cell("__global__ void k(float *a, float *b) { a[threadIdx.x] = 7; }")["k"]
k[1, 2](a, None)
assert a.numpy().tolist() == [[7, 7], [3, 4]]
try:
    k[1, 2](a, nd.array([1.0], device=nd.cuda_sim()))
except TypeError as error:
    print(error)
"""


@needs_gxx
def test_cuda_is_the_simulator_and_says_so_once():
    done = run(CODE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "add: operands live on cuda() and cuda_sim(); move one with .to(device)",
        "k: all arrays must live on one device, got cuda() and cuda_sim()",
    ]
    said = [line for line in done.stderr.splitlines() if "compiling" not in line]
    assert said == ["needle_edu: cuda() runs on the simulator (NEEDLE_EDU_CUDA=sim), not on a card"]


@needs_gxx
def test_the_course_s_tests_run_on_it(tmp_path):
    """The homework's tests of arrays, those of the device "cuda": nothing in them is changed."""
    (tmp_path / "test_hw3.py").write_text((COURSE / "course_hw3.py").read_text())
    kernels = "".join(path.read_text() for path in (csrc_dir() / "cuda").glob("*.cu"))
    chosen = "cuda" if "nd_sum(" in kernels else "cuda and not test_reductions"
    pytest_words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, tmp_path / "test_hw3.py")
    done = run("", "sim", "-m", "needle_edu.as_needle", *map(str, pytest_words))
    assert done.returncode == 0 and " skipped" not in done.stdout, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 25


def test_another_word_is_refused_and_without_one_nothing_changes():
    code = "import needle_edu; print(needle_edu.cuda().enabled(), needle_edu.cuda().reason)"
    said = run(code, "yes").stdout
    assert said == "False cuda() is not available: NEEDLE_EDU_CUDA is 'yes'; wanted sim, or nothing\n"
    code = "from needle_edu.backend_ndarray import ndarray_backend_cpu as m; print(m.__device_name__)"
    assert run(code, "").stdout == "cpu\n"
    code = "from needle_edu.backend_ndarray import ndarray_backend_cuda"
    assert "ImportError: cannot import name 'ndarray_backend_cuda'" in run(code, "yes").stderr
