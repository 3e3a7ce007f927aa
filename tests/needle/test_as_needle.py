"""`import needle` gives needle_edu: the same module objects, in both backends, from every form of command.

Everything runs in processes of its own, because an alias, once installed, stays.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COURSE = Path(__file__).parent / "course"


def run(*arguments, backend="nd", folder=None, status=0, timeout=300):
    """Run `python *arguments` with needle_edu importable; return what it printed on stdout."""
    environment = {**os.environ, "NEEDLE_BACKEND": backend}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip
    assert done.returncode == status, f"exit status {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def as_needle(*arguments, **options):
    return run("-m", "needle_edu.as_needle", *arguments, **options)


@pytest.mark.parametrize("backend", ["nd", "np"])
def test_course_style_tests_pass(backend, tmp_path):
    """All files in one process: to start one for each took longer than their tests."""
    for file in COURSE.glob("course_*.py"):
        shutil.copy(file, tmp_path / f"test_{file.stem.removeprefix('course_')}.py")
    words = ["-q", "-p", "no:cacheprovider", "-p", "no:nbval"]
    printed = as_needle("--apps", "-m", "pytest", *words, backend=backend, folder=tmp_path)
    assert " passed" in printed and "failed" not in printed


@pytest.mark.parametrize("every", [25, pytest.param(1, marks=pytest.mark.slow)])
def test_the_library_floor_passes_its_tests_on_numpy_too(every):
    """The tests of init, nn, optim and data beside this folder, every 25th or all, with NEEDLE_BACKEND=np."""
    folders = [ROOT / "tests" / name for name in ("init", "nn", "optim", "data")]
    leave_out = ["--deselect", "tests/nn/test_training.py", "-p", "no:cacheprovider"]
    printed = run("-m", "pytest", "-q", f"--every={every}", *folders, *leave_out, backend="np", folder=ROOT)
    assert " passed" in printed and "failed" not in printed


IDENTITIES = """
import sys
import needle, needle_edu
import needle.nn, needle.nn.module, needle.autograd, needle.data.datasets, needle.optim as optim
from needle import backend_ndarray as nd, init
from needle.ops import add
import needle_edu.nn.module
assert needle is needle_edu
pairs = [("needle" + name[len("needle_edu"):], name) for name in list(sys.modules)
         if name == "needle_edu" or name.startswith("needle_edu.")]
for alias, name in pairs:
    if alias in sys.modules:
        assert sys.modules[alias] is sys.modules[name], alias
assert len([a for a, _ in pairs if a in sys.modules]) >= 8
assert needle.nn.module.Module is needle_edu.nn.Module
for module in (needle, needle.nn, needle.nn.module, nd):
    assert module.__spec__.name == module.__name__, module.__spec__
    assert module.__name__.startswith("needle_edu"), module.__name__
    assert type(module.__loader__).__name__ == "SourceFileLoader", module.__loader__
    assert module.__spec__.loader is module.__loader__
import importlib
assert importlib.reload(needle.optim.sgd) is needle_edu.optim.sgd
try:
    import needle.no_such_thing
except ModuleNotFoundError as error:
    assert "needle.no_such_thing" in str(error)
else:
    raise AssertionError("imported a module that does not exist")
print("all the same")
"""


@pytest.mark.parametrize("backend", ["nd", "np"])
def test_modules_are_the_same_objects(backend):
    assert as_needle("-c", IDENTITIES, backend=backend) == "all the same\n"


def test_install_as_by_call():
    printed = run(
        "-c",
        "import needle_edu; print(needle_edu.autograd.CREATE_GRAPH); needle_edu.install_as('needle');"
        "needle_edu.install_as('needle'); needle_edu.install_as('ndl');"
        "import needle, ndl.nn;"
        "print(needle is needle_edu, ndl.nn is needle.nn, needle.autograd.CREATE_GRAPH)",
    )
    assert printed == "False\nTrue True True\n"


def test_it_refuses_to_replace_a_package_that_is_already_imported():
    program = (
        "import json, needle_edu\n"
        "try: needle_edu.install_as('json')\n"
        "except needle_edu.backend.errors.NeedleError as e:\n"
        " print('json' in str(e), 'before importing' in str(e))"
    )
    assert run("-c", program) == "True True\n"


def test_it_wins_over_a_needle_of_the_users_own(tmp_path):
    (tmp_path / "python" / "needle").mkdir(parents=True)
    (tmp_path / "python" / "needle" / "__init__.py").write_text("raise RuntimeError('the wrong needle')\n")
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\nsys.path.append('./python')\nsys.path.insert(0, './python')\n"
        "import needle, needle.nn as nn\nprint(needle.__name__, sys.argv, __name__, sys.path[1:3])\n"
    )
    printed = as_needle(script, "a", "-m", folder=tmp_path)
    assert printed.startswith(f"needle_edu ['{script}', 'a', '-m'] __main__ ['{tmp_path}'")


def test_forms_of_the_command(tmp_path):
    (tmp_path / "task.py").write_text(
        "import sys, helper, needle\nprint(sys.argv[1:], __name__, needle.__name__)\n"
    )
    (tmp_path / "helper.py").write_text("")
    wanted = "['x', '-y'] __main__ needle_edu\n"
    assert as_needle("-m", "task", "x", "-y", folder=tmp_path) == wanted
    assert as_needle("-mtask", "x", "-y", folder=tmp_path) == wanted
    assert as_needle("task.py", "x", "-y", folder=tmp_path) == wanted
    assert as_needle("-c", "import helper, sys; print(sys.argv)", "-q", folder=tmp_path) == "['-c', '-q']\n"
    assert "usage" in as_needle("--help")
    for wrong in ([], ["-m"], ["-c"], ["--unknown"]):
        as_needle(*wrong, status=2)
    as_needle("-c", "raise SystemExit(7)", status=7)
    as_needle("-c", "1/0", status=1)


def test_mugrade_is_a_stand_in_only_where_none_is_installed(tmp_path):
    assert as_needle("-c", "import mugrade; print(mugrade.submit([1]))", folder=tmp_path) == "None\n"
    (tmp_path / "mugrade.py").write_text("def submit(x): return 'sent'\n")
    assert as_needle("-c", "import mugrade; print(mugrade.submit([1]))", folder=tmp_path) == "sent\n"
    run("-c", "import needle_edu; needle_edu.install_as('needle'); import mugrade", folder=COURSE, status=1)


def test_applications_are_offered_only_on_request_and_never_over_the_users_files(tmp_path):
    as_needle("-c", "import simple_ml", folder=tmp_path, status=1)
    (tmp_path / "simple_ml.py").write_text("mine = True\n")
    for option in ([], ["--apps"]):
        assert (
            as_needle(*option, "-c", "import simple_ml; print(simple_ml.mine)", folder=tmp_path) == "True\n"
        )


def test_under_the_name_needle_gradients_are_graph_nodes():
    program = (
        "import {0} as ndl\nx = ndl.Tensor([3.0]); y = x * x * x; y.backward(); g = x.grad\n"
        "print(g.numpy(), g.op is None)"
    )
    assert run("-c", program.format("needle_edu")) == "[27.] True\n"
    assert as_needle("-c", program.format("needle")) == "[27.] False\n"


def test_what_needle_exports():
    names = (
        "Tensor TensorTuple cpu cuda cpu_numpy all_devices default_device init ones zeros zeros_like ones_like "
        "nn optim data autograd ops NDArray array_api BACKEND add add_scalar multiply mul_scalar power "
        "power_scalar divide divide_scalar transpose reshape broadcast_to summation matmul negate log exp "
        "relu tanh logsoftmax logsumexp stack split flip make_tuple tuple_get_item Negate "
        "EWiseAdd AddScalar EWiseMul MulScalar EWisePow PowerScalar "
        "EWiseDiv DivScalar Transpose Reshape BroadcastTo Summation MatMul Log Exp ReLU Tanh "
        "LogSoftmax LogSumExp Stack Split Flip MakeTensorTuple TupleGetItem"
    )
    program = f"import needle; print([n for n in {names.split()!r} if not hasattr(needle, n)])"
    for backend in ("nd", "np"):
        assert as_needle("-c", program, backend=backend) == "[]\n"
