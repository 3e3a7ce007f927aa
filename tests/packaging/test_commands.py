"""The two commands of the README and the command line, met by what usually goes wrong on a stranger's machine."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from needle_edu.cli import doctor, lab, main

REPO = Path(__file__).parents[2]
needs_make = pytest.mark.skipif(
    shutil.which("make") is None, reason="MAKE NOT FOUND: install make to run this test"
)


def make(*words, **environment):
    # The tests may themselves run under `make test PYTEST_ARGS=...`, which tells the makes below it.
    told = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PYTEST_ARGS", "LAB_ARGS", "PYTHON", "VENV"}
    outside = {key: value for key, value in os.environ.items() if key not in told}
    return subprocess.run(
        ["make", *words],
        cwd=REPO,
        env={**outside, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@needs_make
def test_an_old_python_is_named(tmp_path):
    fake = tmp_path / "a folder" / "python3.9"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\ncase "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac\n')
    fake.chmod(0o755)
    done = make("lab", f"PYTHON={fake}", f"VENV={tmp_path / 'venv'}")
    assert done.returncode != 0
    assert "Python 3.9.2 is too old; Python 3.11 or newer is needed" in done.stdout
    assert not (tmp_path / "venv").exists()


@needs_make
def test_no_network_on_the_first_run_is_one_sentence(tmp_path):
    done = make(
        "lab", f"PYTHON={sys.executable}", f"VENV={tmp_path / 'venv'}", PIP_NO_INDEX="1", PIP_FIND_LINKS=""
    )
    assert done.returncode != 0
    assert "The first run needs the network" in done.stdout
    assert not (tmp_path / "venv" / ".lab").exists(), "a set-up that failed must not count as done"


@needs_make
def test_an_environment_that_was_moved_is_made_anew(tmp_path):
    """A renamed checkout has an environment whose paths are wrong; one that is not ours is never cleared."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    assert "--clear" not in make("-n", "lab", f"VENV={venv}").stdout
    (venv / ".made").write_text("/where/it/was\n")
    assert f"-m venv --clear {venv}" in make("-n", "lab", f"VENV={venv}").stdout
    (venv / ".made").write_text(f"{REPO}\n")
    assert "-m venv" not in make("-n", "lab", f"VENV={venv}").stdout
    (venv / "bin" / "python").unlink()
    assert f"-m venv --clear {venv}" in make("-n", "lab", f"VENV={venv}").stdout


@needs_make
def test_a_part_of_the_tests_is_only_that():
    assert "ruff check" in make("-n", "test").stdout
    part = make("-n", "test", "PYTEST_ARGS=tests/autograd -k relu").stdout
    assert "tests/autograd -k relu" in part and "ruff" not in part and "nbval" not in part


def stages(*words):
    command = ["sh", "tests/stages.sh", *words]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=300)


def test_stages_run_in_order_and_end_with_a_table():
    done = stages("make it", "12", "first 6 echo a word", "second 0 sleep 1; echo another")
    assert done.returncode == 0
    said = done.stdout.splitlines()
    assert said[:2] == ["a word", "another"] and said[2].startswith("make it: minutes of each stage")
    first, second, total = (line.split() for line in said[3:])
    assert first == ["first", "0.0", "of", "6.0"] and total[0] == "total" and total[2:] == ["of", "12.0"]
    assert " ".join(second).endswith("of 0.0 *** OVER BUDGET ***")


def test_a_stage_that_fails_ends_the_run_with_its_status():
    done = stages("make it", "12", "first 6 exit 3", "second 6 echo never")
    assert done.returncode == 3 and "never" not in done.stdout
    assert "first FAILED (status 3)" in done.stdout and "total" in done.stdout


@needs_make
def test_every_test_is_in_one_stage():
    """Selected by one marker and one folder, each of them once as it is and once negated; tests for a browser lie in
    two folders, which tests/conftest.py sees to. What is run once more on another device is left out."""
    again = ("nbval", "--device")
    lines = [
        line
        for line in make("-n", "test").stdout.splitlines()
        if "-m pytest" in line and not any(word in line for word in again)
    ]
    lines.append(make("-n", "slow").stdout.splitlines()[-1])
    selected = [line.partition("restart=0 ")[2].partition(" ||")[0] for line in lines]
    assert selected == [
        '-m "not browser and not slow" --ignore=tests/course',
        '-m "not slow" tests/course',
        '-m "browser and not slow" tests/browser tests/viz',
        "-m slow tests",
    ]


@needs_make
def test_clean_keeps_what_students_wrote(tmp_path):
    shutil.copy(REPO / "Makefile", tmp_path)
    checkpoint = Path("my-hw1", ".ipynb_checkpoints", "hw1-checkpoint.ipynb")
    mine = [tmp_path / folder / checkpoint for folder in (lab.COURSE_FOLDER, "notebooks", ".")]
    other = tmp_path / "notebooks" / "lectures" / ".ipynb_checkpoints" / "1-checkpoint.ipynb"
    built, compiled = tmp_path / "build" / "x", tmp_path / "__pycache__" / "conftest.pyc"
    for file in (
        *mine,
        other,
        built,
        compiled,
        tmp_path / "needle_edu" / "x.py",
        tmp_path / "tests" / "x.py",
    ):
        file.parent.mkdir(parents=True)
        file.write_text("")
    done = subprocess.run(["make", "clean"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(file.exists() for file in mine) and not any(map(Path.exists, (other, built, compiled)))


@needs_make
def test_make_alone_prints_help():
    assert "make lab" in make().stdout


def test_wrong_words_are_answered(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["homework", "begin", "hw1"])
    assert ended.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


def test_unknown_homework_is_one_sentence(capsys, tmp_path):
    assert main(["homework", "start", "hw99", str(tmp_path / "x")]) == 1
    said = capsys.readouterr()
    assert "hw99" in said.err + said.out and "hw1" in said.err + said.out
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "words",
    [
        "",
        "lab",
        "data",
        "doctor",
        "notebooks",
        "homework",
        "homework list",
        "homework start",
        "check",
        "grade",
    ],
)
def test_every_command_explains_itself_and_does_nothing(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main([*words.split(), "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: needle-edu {words}".rstrip())
    assert re.search(r"\n\n[A-Z].+\.\n\n", said, re.DOTALL), "a sentence says what it does"
    assert list(tmp_path.iterdir()) == []


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 2
    assert "homework start hw1 my-hw1" in capsys.readouterr().err


def test_a_class_cannot_be_graded_none_at_a_time(capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(["grade", "hw1", str(tmp_path), "--out", str(tmp_path / "out"), "--jobs", "0"])
    assert ended.value.code == 2
    assert "wanted a whole number of at least 1, got '0'" in capsys.readouterr().err


def test_a_terminal_that_knows_only_ascii(tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "needle_edu"]
    subprocess.run([*command, "homework", "start", "hw1", "mine"], cwd=tmp_path, check=True, env=environment)
    done = subprocess.run(
        [*command, "check", "mine"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1 and "0 of 5 questions pass" in done.stdout, done.stderr


def test_a_reader_that_has_seen_enough_is_no_error():
    """`needle-edu doctor | head -1`"""
    done = subprocess.Popen(
        [sys.executable, "-m", "needle_edu", "doctor"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    done.stdout.close()
    assert "Error" not in done.stderr.read() and done.wait() == 141


def test_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    assert main(["notebooks", str(tmp_path / "file")]) == 1
    assert "cannot write the notebooks into" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    (tmp_path / lab.COURSE_FOLDER).write_text("")
    assert main(["lab", "--no-browser"]) == 1
    assert "Choose a folder of your own" in capsys.readouterr().err


def test_doctor_reports_every_check_and_breaks_never(monkeypatch, capsys):
    def _broken():
        raise ValueError("boom")

    assert {finding.state for _, finding in doctor.findings()} <= {doctor.OK, doctor.ABSENT}
    monkeypatch.setattr(doctor, "CHECKS", {"a thing": _broken})
    assert doctor.main() == 1
    assert capsys.readouterr().out == "!!  a thing        ValueError: boom\n"


def test_the_report_in_a_notebook_ends_without_a_status(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "CHECKS", {"a thing": lambda: doctor.Finding(doctor.OK, "here")})
    assert doctor.report() is None
    assert capsys.readouterr().out == "ok  a thing        here\n"


def test_doctor_names_the_mend_for_a_missing_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    compiler = dict(doctor.findings())["compiler"]
    assert compiler.state == doctor.ABSENT and "apt install gcc" in compiler.mend
    monkeypatch.setenv("CC", "no-such-cc -O2")
    compiler = dict(doctor.findings())["compiler"]
    assert "no-such-cc" in compiler.found and "unset CC" in compiler.mend


def test_doctor_says_why_cuda_cannot_compute_on_a_card_that_is_there(monkeypatch):
    from needle_edu.backend import cuda
    from needle_edu.backend.nvidia import cards, nvcc

    monkeypatch.delenv("NEEDLE_EDU_CUDA", raising=False)
    monkeypatch.setattr(cards, "driver", lambda: cards.Driver(13000, (cards.Card("GTX 1080", 61),)))
    monkeypatch.setattr(nvcc, "find_nvcc", lambda: nvcc.Compiler("/opt/nvcc", (13, 0)))
    for reason, state in (("cuda() is not available: too old", doctor.ABSENT), ("", doctor.OK)):
        monkeypatch.setattr(cuda(), "reason", reason)
        gpu = doctor.CHECKS["GPU"]()
        assert (gpu.state, gpu.mend) == (state, reason) and gpu.found.startswith("GTX 1080")
    assert doctor.CHECKS["CUDA toolkit"]().found == "nvcc 13.0, /opt/nvcc"
    monkeypatch.setattr(nvcc, "find_nvcc", lambda: nvcc.Compiler("/opt/nvcc", (0, 0)))
    assert doctor.CHECKS["CUDA toolkit"]().state == doctor.ABSENT
    monkeypatch.setattr(cards, "driver", lambda: cards.Driver(0, ()))
    assert "cuda_sim() runs the same kernels" in doctor.CHECKS["GPU"]().found


def test_doctor_tries_every_instruction_set_and_puts_it_back(monkeypatch):
    from needle_edu import backend

    if not backend.cpu().native:
        pytest.skip("the NumPy reference has no instruction sets")
    tried = []
    monkeypatch.setattr(doctor, "_multiply", lambda: tried.append(backend.get_isa()))
    before = backend.get_isa()
    assert doctor.CHECKS["instructions"]().state == doctor.OK
    assert tuple(tried) == backend.available_isas() and backend.get_isa() == before


def test_doctor_without_a_folder_to_write_to(monkeypatch):
    from needle_edu.backend import paths

    def nowhere():
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(paths, "cache_dir", nowhere)
    finding = doctor.CHECKS["cache"]()
    assert finding.state == doctor.ABSENT and "NEEDLE_EDU_CACHE" in finding.mend


def test_a_program_that_fails_or_is_missing_is_no_finding(tmp_path):
    failing = tmp_path / "tool"
    failing.write_text("#!/bin/sh\necho an error; exit 9\n")
    failing.chmod(0o755)
    assert doctor._first_line([str(failing)]) == ""
    assert doctor._first_line([str(tmp_path / "absent")]) == ""


def test_lab_passes_options_on(tmp_path):
    command = lab.lab_command(tmp_path, ["--no-browser", "--port=8890"])
    assert command[-2:] == ["--no-browser", "--port=8890"]
    assert f"--ServerApp.root_dir={tmp_path}" in command


def test_lab_inside_the_checkout_serves_a_copy_that_git_ignores(monkeypatch):
    monkeypatch.chdir(REPO / "tests")
    assert lab.course_folder() == REPO / lab.COURSE_FOLDER


def test_the_command_is_found_from_inside_lab(tmp_path, monkeypatch):
    """`make lab` activates no environment; yet `needle-edu check my-hw1` works in a cell and in a terminal there."""
    seen = {}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")
    monkeypatch.setattr(os, "execv", lambda program, words: seen.update(os.environ, words=words) or 0)
    assert lab.open_lab(["--version"]) == 0
    assert seen["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/usr/bin"]
    assert seen["words"][-1] == "--version"


def test_jupyter_gets_a_home_where_there_is_none(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NEEDLE_EDU_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    lab.give_jupyter_a_home()
    assert os.environ["HOME"] == str(tmp_path) and capsys.readouterr().err == ""
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    lab.give_jupyter_a_home()
    assert os.environ["HOME"] == str(tmp_path / "cache" / "home") and Path(os.environ["HOME"]).is_dir()
    assert "nowhere cannot be written to" in capsys.readouterr().err


def test_lab_without_jupyter_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda name: None)
    assert lab.open_lab([]) == 1
    assert "needle_edu[lab]" in capsys.readouterr().err


def test_notebooks_are_clean_sources():
    """Notebooks have stable ids, and no outputs but for lectures, which keep those of one run (test_lectures.py)."""
    for file in sorted((REPO / "notebooks").rglob("*.ipynb")):
        if "my-" in file.as_posix() or ".ipynb_checkpoints" in file.as_posix():
            continue
        notebook = json.loads(file.read_text())
        ids = [cell["id"] for cell in notebook["cells"]]
        assert len(ids) == len(set(ids)), file
        assert file.parent.name == "lectures" or all(not cell.get("outputs") for cell in notebook["cells"]), (
            f"{file}: clear the outputs before committing"
        )
        assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_no_folder_of_tests_hides_a_library():
    """pytest imports a folder with an `__init__.py` under its bare name: `packaging` would hide the library that
    Jupyter needs, and whether nbgrader's tests run would depend on the order."""
    names = [file.parent.name for file in (REPO / "tests").glob("*/__init__.py")]
    code = "import sys, importlib.util as u; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, *names], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
