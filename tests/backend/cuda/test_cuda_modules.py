"""A student's ndarray_backend_cuda.cu on the simulator: built unchanged, called, checked, profiled, trained with."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from needle_edu.backend import BuildError, DeviceError, devices, register_device
from needle_edu.backend.cudasim import exercise as exercising, modules, student_engine

SOURCE = Path(__file__).parent / "student" / "ndarray_backend_cuda.cu"
BROKEN = {  # code: what a student might write
    "if (gid < size) out[gid] = op(a[gid], b[gid]);": "if (gid <= size) out[gid] = op(a[gid], b[gid]);",
    "__syncthreads(); // the next round overwrites the tiles": "// the next round overwrites the tiles",
    "OP(Maximum, a > b ? a : b)": "OP(Maximum, a < b ? a : b)",
}


@pytest.fixture(scope="module")
def built(simulator):
    """A function: the module in a flavour."""
    pytest.importorskip("pybind11", reason="pybind11 is not installed: no student's module can be built")
    return lambda flavour, path=SOURCE: modules.load_module(path, flavour)


def outcomes(module):
    return {one.function: one.verdict for one in exercising.exercise(module)}


def test_a_module_is_built_as_it_is_and_every_function_is_right_and_clean(built, simulator):
    module = built("check")
    assert module.__device_name__ == "cuda" and module.__tile_size__ == 4
    simulator.clear_report()
    found = outcomes(module)
    assert len(found) == 23 and set(found.values()) == {"right"}, found
    report = simulator.report()
    assert report.clean, report
    assert report.launches["MatmulKernel"] == 1 and report.launches["EwiseKernel"] == 6


@pytest.mark.slow
def test_a_module_in_another_style(built, simulator):
    """Launches by macros, pointers to device functions, shapes in constant memory; `exit` does not end Python."""
    path = SOURCE.with_name("in_another_style.cu")
    module = built("check", path)
    simulator.clear_report()
    found = outcomes(module)
    assert len(found) == 23 and found.pop("reduce_sum").startswith("wrong: ")
    assert set(found.values()) == {"right"}, found
    text, report = path.read_text().splitlines(), simulator.report()
    lines = {text[one.line - 1] for finding in report for one in (finding.place, finding.other_place) if one}
    assert {finding.kind for finding in report} == {"race"} and lines
    assert all(line.startswith("  s[t] += s[t + ") for line in lines), lines
    with pytest.raises(RuntimeError, match=r"^it called exit\(\), which would have ended Python$"):
        module.end_python(3)


SEEDED = {  # a kind of mistake: code of a correct module, and what a student might write
    "out-of-bounds": ("parallel(a.size, [view", "parallel(a.size + 1, [view"),
    "race": (
        "sum = fmaf(a[threadIdx.y][i], b[i][threadIdx.x], sum);\n    __syncthreads();",
        "sum = fmaf(a[threadIdx.y][i], b[i][threadIdx.x], sum);\n",
    ),
    "uncoalesced": (
        "[p = out->data, value] __device__(size_t i) { p[i] = value; }",
        "[p = out->data, value, n = out->size] __device__(size_t i) { p[i * 37 % n] = value; }",
    ),
}


@pytest.mark.slow
def test_a_third_style_is_clean_and_each_mistake_in_it_is_said_in_its_line(built, simulator, tmp_path):
    """Device lambdas, an enum in a template, shared memory of a launch as a padded matrix, shuffles."""
    path = SOURCE.with_name("lambdas_and_shuffles.cu")
    text, line = path.read_text(), {}
    simulator.clear_report()
    with simulator.settings(order="lockstep"):
        assert set(outcomes(built("check", path)).values()) == {"right"}
    assert simulator.report().clean, simulator.report()

    for kind, (right, wrong) in SEEDED.items():
        assert text.count(right) == 1
        line[kind] = text[: text.index(right)].count("\n") + 1
        text = text.replace(right, wrong)
    broken = tmp_path / SOURCE.name
    broken.write_text(text)
    simulator.clear_report()
    found = outcomes(built("check", broken))
    assert found["ewise_setitem"].startswith("CudaError: cudaErrorIllegalAddress: kernel for_each")
    report = simulator.report()
    assert {finding.kind for finding in report} == {"out-of-bounds", "race"}
    assert [one.place.line for one in report.of("out-of-bounds")] == [line["out-of-bounds"]]
    read = line["race"]  # where the tiles are read; four and three lines above the next round writes them
    for one in report.of("race"):
        assert {one.place.line, one.other_place.line} < {read, read - 4, read - 3}

    simulator.clear_profile()
    outcomes(built("profile", broken))
    said = re.search(
        r"(\d+) \|[^\n]*p\[i \* 37 % n\] = value;[^\n]*\n[^\n]* (\d+)% coalesced",
        simulator.profile().listing(),
    )
    assert said and int(said[1]) == line["uncoalesced"] and int(said[2]) < 20


TRAINING = """
import numpy as np
import needle_edu as ndl
from needle_edu import nn, optim

def train(device):
    ndl.seed(0)
    numbers = np.random.RandomState(0)
    model = nn.Sequential(nn.Linear(20, 16, device=device), nn.ReLU(), nn.Linear(16, 4, device=device))
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    x = ndl.Tensor(numbers.randn(24, 20), device=device)
    y = ndl.Tensor(numbers.randint(0, 4, 24), device=device)
    losses = []
    for _ in range(4):
        loss = nn.SoftmaxLoss()(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.reset_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    return losses

np.testing.assert_allclose(train(ndl.cuda()), train(ndl.cpu()), rtol=1e-5)
a = ndl.Tensor(np.arange(12.0).reshape(3, 4), device=ndl.cuda())
for got, wanted in (
    (a.transpose() + 1, np.arange(12.0).reshape(3, 4).T + 1),
    (a - a.sum(1).reshape((3, 1)), np.arange(12.0).reshape(3, 4) - np.array([[6], [22], [38]])),
    (a.max(0), [8, 9, 10, 11]),
    (a.flip((1,)) * 2, np.arange(12.0).reshape(3, 4)[:, ::-1] * 2),
    (-a / 4, -np.arange(12.0).reshape(3, 4) / 4),
):
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-6)
import ndarray_backend_cuda
assert ndl.cuda().Array is ndarray_backend_cuda.Array and repr(a.device) == "cuda()"
from needle_edu.backend_ndarray import ndarray_backend_cuda as named
assert named is ndarray_backend_cuda
print("done")
"""


def cuda(*words):
    command = [sys.executable, "-m", "needle_edu.cli", "cuda", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_network_trains_on_it_under_the_checker(built, tmp_path):
    built("check")
    script = tmp_path / "train.py"
    script.write_text(TRAINING)
    done = cuda("check", SOURCE, "--run", script, "--order", "reverse")
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert said[0] == "done" and said[-1] == "the checker found nothing wrong"
    on_module = next(line for line in said if line.startswith("on the module: "))
    assert {
        "compact",
        "ewise_add",
        "matmul",
        "reduce_sum",
        "reduce_max",
        "scalar_maximum",
        "scalar_mul",
    } <= set(re.findall(r"(\w+) \(\d+\)", on_module))
    on_cpu = next(line for line in said if line.startswith("on the CPU, for it lacks them: "))
    assert "cross_entropy (8)" not in on_cpu and "cross_entropy (4)" in on_cpu and "matmul" not in on_cpu


@pytest.mark.slow
def test_mistakes_are_found_beside_a_correct_module(built, simulator, tmp_path):
    """Two modules of one name and one set of types in one process; what is wrong stands in the broken one's lines."""
    text = SOURCE.read_text()
    for right, wrong in BROKEN.items():
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    broken = tmp_path / SOURCE.name
    broken.write_text(text)
    built("check")
    simulator.clear_report()
    found = outcomes(built("check", broken))
    assert found["scalar_maximum"].startswith("wrong: ") and found["scalar_add"] == "right"
    assert found["ewise_add"].startswith(
        "CudaError: cudaErrorIllegalAddress: kernel EwiseKernel, block (1, 0, 0), thr"
    )
    report = simulator.report()
    assert report["EwiseKernel"].out_of_bounds == 1 and report["MatmulKernel"].races >= 1
    assert report.of("out-of-bounds")[0].place.line == 1 + text[: text.index("gid <= size")].count("\n")
    assert set(outcomes(built("check")).values()) == {"right"}
    done = cuda("check", broken, "--html", tmp_path / "page.html")
    assert (
        done.returncode == 1
        and "      ^ race: " in done.stdout
        and "scalar_maximum     wrong: " in done.stdout
    )
    assert "left[threadIdx.y][threadIdx.x] = row &lt; M" in (tmp_path / "page.html").read_text()


@pytest.mark.slow
def test_the_profile_names_lines_that_are_not_coalesced(built, tmp_path):
    built("profile")
    done = cuda("profile", SOURCE)
    assert done.returncode == 0 and re.search(
        r"next = a\[gid \* reduce_size \+ i\];\n +\^ .* 16% coalesced", done.stdout
    )
    done = cuda("build", SOURCE, "--out", tmp_path / "here")
    assert done.returncode == 0 and "here/ndarray_backend_cuda.so: import ndarray_backend_cuda" in done.stdout
    code = "import ndarray_backend_cuda as m; a = m.Array(3); m.fill(a, 2); print(m.to_numpy(a, [3], [1], 0))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path / "here")
    assert done.stdout == "[2. 2. 2.]\n", done.stderr


class Fake:
    """A module in NumPy with some of the functions, one of them wrong and one that fails."""

    Array = staticmethod(lambda n: SimpleNamespace(a=np.zeros(n, "f")))
    ewise_eq = staticmethod(lambda a, b, out: np.not_equal(a.a, b.a, out=out.a, casting="unsafe"))

    @staticmethod
    def from_numpy(a, out):
        out.a[:] = a.ravel()

    @staticmethod
    def to_numpy(a, shape, strides, offset):
        return a.a.reshape(shape)

    @staticmethod
    def fill(out, value):
        out.a[:] = value

    @staticmethod
    def scalar_add(a, s, out):
        out.a[:] = a.a + s

    @staticmethod
    def matmul(a, b, out, m, n, p):
        raise ZeroDivisionError("no\nproduct")


def test_what_is_absent_wrong_or_fails_is_named(simulator):
    found = outcomes(Fake)
    assert found["fill"] == found["scalar_add"] == "right"
    assert found["reduce_sum"] == "absent"
    assert found["ewise_eq"].startswith("wrong: 301 of 301 elements, first number 0: ")
    assert found["matmul"] == "ZeroDivisionError: no product"


def test_what_is_no_module(simulator, tmp_path, monkeypatch):
    path = tmp_path / "a.cu"
    path.write_text("__global__ void k() {}  // PYBIND11_MODULE(a, m)\n")
    with pytest.raises(
        BuildError, match=r"^build_module: .*a\.cu defines no module; wanted PYBIND11_MODULE\("
    ):
        modules.build_module(path)
    with pytest.raises(BuildError, match=r"^build_module: .* cannot be read: No such file"):
        modules.build_module(tmp_path / "none.cu")
    with pytest.raises(ValueError, match="^build_module: no flavour 'fast'"):
        modules.build_module(path, "fast")
    with pytest.raises(DeviceError, match="^use_module: .* has no to_numpy"):
        student_engine.use_module(SimpleNamespace(__name__="m", Array=1, from_numpy=1))
    monkeypatch.setitem(sys.modules, "pybind11", None)
    path.write_text("PYBIND11_MODULE(a, m) {}\n")
    with pytest.raises(
        BuildError, match=r"needs the package pybind11: python -m pip install 'needle_edu\[modules\]'"
    ):
        modules.build_module(path)


def test_a_device_in_use_keeps_its_runtime(monkeypatch):
    monkeypatch.setattr(devices, "_devices", dict(devices._devices))  # the others need not meet this one
    device = register_device("student_test", lambda: pytest.fail("not opened"), "not there")
    assert not device.enabled()
    device.run_on(lambda: SimpleNamespace(native=True))
    assert device.enabled() and device.native
    with pytest.raises(DeviceError, match=r"^run_on: student_test\(\) is in use already"):
        device.run_on(lambda: None)


def test_lint_on_the_command_line(tmp_path):
    path = tmp_path / "a.cu"
    path.write_text("float f(float x) { return x; }\n__global__ void k(float *a) { *a = f(*a); }\n")
    done = cuda("lint", path)
    assert done.returncode == 1 and done.stdout.startswith(
        "a.cu:2: nvcc refuses this: f() is a function of the host"
    )
    done = cuda("lint", SOURCE)
    assert (done.returncode, done.stdout) == (0, f"{SOURCE.name}: nothing that nvcc is known to refuse\n")
    assert cuda("lint", tmp_path / "none.cu").returncode == 2


def test_words_of_the_command(tmp_path):
    done = cuda("check", tmp_path / "none.cu")
    assert done.returncode == 2 and done.stderr.endswith("none.cu: No such file or directory\n")
    assert cuda("check").returncode == 2 and "FILE.cu" in cuda("check").stderr
