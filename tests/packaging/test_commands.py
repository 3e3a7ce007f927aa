"""The two commands of the README and the command line, met by what usually goes wrong on a stranger's machine."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from needle_edu.cli import build_parser, doctor, lab, main

REPO = Path(__file__).parents[2]
needs_make = pytest.mark.skipif(
    shutil.which("make") is None, reason="MAKE NOT FOUND: install make to run this test"
)


def make(*words, **environment):
    return subprocess.run(
        ["make", *words],
        cwd=REPO,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@needs_make
def test_an_old_python_is_named(tmp_path):
    fake = tmp_path / "python3.9"
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


def test_every_command_has_help():
    for action in build_parser()._subparsers._group_actions:
        assert all(choice.help for choice in action._choices_actions)


def test_doctor_reports_every_check_and_breaks_never(monkeypatch):
    def _broken():
        raise ValueError("boom")

    assert {f.state for f in doctor.findings()} <= {doctor.OK, doctor.ABSENT}
    monkeypatch.setattr(doctor, "CHECKS", (_broken,))
    (only,) = doctor.findings()
    assert only.state == doctor.BAD and "boom" in only.found


def test_doctor_names_the_mend_for_a_missing_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    compiler = next(f for f in doctor.findings() if f.topic == "compiler")
    assert compiler.state == doctor.ABSENT and "apt install gcc" in compiler.mend


def test_lab_passes_options_on_and_serves_the_course(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = lab.course_folder()
    assert folder == tmp_path / lab.COURSE_FOLDER and (folder / "start.ipynb").exists()
    command = lab.lab_command(folder, ["--no-browser", "--port=8890"])
    assert command[-2:] == ["--no-browser", "--port=8890"]
    assert f"--ServerApp.root_dir={folder}" in command


def test_lab_inside_the_checkout_serves_the_checkout(monkeypatch):
    monkeypatch.chdir(REPO)
    assert lab.course_folder() == REPO / "notebooks"


def test_lab_without_jupyter_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda name: None)
    assert lab.open_lab([]) == 1
    assert "needle_edu[lab]" in capsys.readouterr().err


def test_notebooks_are_clean_sources():
    """Notebooks carry no outputs, have stable ids, and name no machine's paths."""
    for file in sorted((REPO / "notebooks").rglob("*.ipynb")):
        if "my-" in file.as_posix() or ".ipynb_checkpoints" in file.as_posix():
            continue
        notebook = json.loads(file.read_text())
        ids = [cell["id"] for cell in notebook["cells"]]
        assert len(ids) == len(set(ids)), file
        assert all(not cell.get("outputs") for cell in notebook["cells"]), (
            f"{file}: clear the outputs before committing"
        )
        assert notebook["metadata"]["kernelspec"]["name"] == "python3"
