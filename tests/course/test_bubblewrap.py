"""What is mounted in a sandbox, and what a teacher reads where there can be none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from needle_edu.backend.paths import csrc_dir
from needle_edu.cli import doctor
from needle_edu.course.grading import bubblewrap, run_question, sandbox, seccomp
from needle_edu.course.grading.sandbox import BubblewrapSandbox
from needle_edu.course.limits import Limits

TROUBLE = sandbox.trouble()
isolated_only = pytest.mark.skipif(bool(TROUBLE), reason=f"THE SANDBOX IS NOT TESTED: {TROUBLE}")


def mounted(words: list[str]) -> list[str]:
    """The folders and files that a command line mounts from the host."""
    return [words[k + 1] for k, word in enumerate(words) if word.startswith("--ro-bind")]


def in_place(words: list[str], *command: str) -> str:
    """What a command prints in a sandbox with these mounts."""
    done = subprocess.run(
        ["bwrap", *words, "--proc", "/proc", *command], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@isolated_only
def test_only_python_and_the_package_are_mounted():
    prefixes = {Path(p).resolve() for p in (sys.prefix, sys.base_prefix)}
    for name in mounted(bubblewrap.mounts()):
        path = Path(name)
        system = path.is_relative_to("/usr") or name in (*bubblewrap.SYSTEM, *bubblewrap.SYSTEM_FILES)
        python = any(path.parent == prefix for prefix in prefixes)
        library = path in [folder.resolve() for folder in bubblewrap.library_folders()]
        ours = path in (bubblewrap.PACKAGE, csrc_dir().resolve() / "cudasim")
        assert system or python or library or ours, name
    assert not any(word in ("--bind", "--dev-bind") for word in bubblewrap.mounts())


@isolated_only
def test_an_installed_packages_homeworks_are_masked(tmp_path, monkeypatch):
    """In a wheel they lie inside the package: even released ones tell a sandbox more than it needs."""
    package = tmp_path / "site-packages" / "needle_edu"
    (package / "notebooks" / "homework" / "hw1").mkdir(parents=True)
    (package / "notebooks" / "start.ipynb").write_text("{}")
    monkeypatch.setattr(bubblewrap, "PACKAGE", package)
    words = bubblewrap.mounts()
    assert in_place(words, "ls", str(package / "notebooks")).split() == ["homework", "start.ipynb"]
    assert in_place(words, "ls", str(package / "notebooks" / "homework")) == ""
    assert "Read-only" in in_place(words, "touch", str(package / "notebooks" / "homework" / "new"))


@isolated_only
def test_what_is_to_be_hidden_is_masked_wherever_it_lies(toy, tmp_path):
    """Somebody may keep submissions inside the environment, or inside the package."""
    folder, file = bubblewrap.PACKAGE / "data", bubblewrap.PACKAGE / "as_needle.py"
    look = f"""
import os
print(os.listdir({str(folder)!r}))
try:
    print(len(open({str(file)!r}).read()))
except OSError:
    print("shut")
"""
    assert folder.is_dir() and file.is_file()
    for hide in ((), sandbox.hidden(folder, file, tmp_path, tmp_path / "none")):
        limits = Limits(hide=hide)
        result = run_question.run_question(
            toy, toy.questions[0], look, limits=limits, sandbox=BubblewrapSandbox
        )
        listed, read = result.output.splitlines()
        assert (listed == "[]") == (read == "shut") == bool(hide), result.output


def test_hidden_leaves_what_a_sandbox_needs(tmp_path):
    (tmp_path / "in").mkdir()
    assert sandbox.hidden(tmp_path / "in", tmp_path / "none", bubblewrap.PACKAGE.parent, sys.prefix, "/") == (
        str((tmp_path / "in").resolve()),
    )


def test_of_a_prefix_only_pythons_parts_are_mounted(tmp_path, monkeypatch):
    """A Python may be installed into somebody's home, or an environment made of a checkout."""
    for name in ("bin", "lib", ".git", "tests"):
        (tmp_path / "home" / name).mkdir(parents=True)
    (tmp_path / "home" / "secret.txt").write_text("secret")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "home"))
    found = [path for path in bubblewrap.python_folders() if path.is_relative_to(tmp_path)]
    assert sorted(path.name for path in found) == ["bin", "lib"]
    assert str(tmp_path / "home") not in mounted(bubblewrap.mounts())


def test_links_on_the_way_are_made_inside_too(tmp_path):
    """A home behind a link, as at many universities, and a link to a link."""
    real = tmp_path / "data" / "ada" / "env"
    real.mkdir(parents=True)
    (tmp_path / "home").symlink_to("data")
    (tmp_path / "home" / "env").symlink_to(tmp_path / "home" / "ada" / "env")
    links = dict(bubblewrap.links_on(tmp_path / "home" / "env" / "bin"))
    assert links == {
        tmp_path / "home": "data",
        tmp_path / "data" / "env": str(tmp_path / "home" / "ada" / "env"),
    }
    (tmp_path / "loop").symlink_to("loop")
    assert len(list(bubblewrap.links_on(tmp_path / "loop"))) < 100


@isolated_only
def test_a_sandbox_for_a_package_in_the_temporary_folder(tmp_path):
    """/tmp is every question's own, and empty; but what runs the question may lie there."""
    site = tmp_path / "site with spaces"
    shutil.copytree(bubblewrap.PACKAGE, site / "needle_edu", ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "import needle_edu; from needle_edu.course.grading import sandbox; "
        "print(needle_edu.__file__, sandbox.trouble())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "NEEDLE_EDU_NATIVE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{site}/needle_edu/__init__.py \n", done


# --- what is said where there is no sandbox -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value", "cause", "mend"),
    [
        ("user/max_user_namespaces", "0", "switched off", "sudo sysctl user.max_user_namespaces="),
        (
            "kernel/unprivileged_userns_clone",
            "0",
            "only root",
            "sudo sysctl kernel.unprivileged_userns_clone=1",
        ),
        (
            *("kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor"),
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("", "", "container", "--security-opt seccomp=unconfined"),
    ],
)
def test_the_reason_and_what_mends_it(monkeypatch, setting, value, cause, mend):
    monkeypatch.setattr(bubblewrap, "_setting", lambda name: value if name == setting else "")
    monkeypatch.setattr(bubblewrap, "_in_a_container", lambda: True)
    said = bubblewrap.explain("setting up uid map: Permission denied")
    assert cause in said and mend in said and "uid map: Permission denied" in said and "\n" not in said


def test_what_must_be_installed_is_named(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "sudo apt install bubblewrap" in bubblewrap.missing() == sandbox.trouble()
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(seccomp, "library", lambda: None)
    assert "sudo apt install libseccomp2" in bubblewrap.missing()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "Linux virtual machine" in bubblewrap.missing()
    monkeypatch.setattr(sys, "platform", "win32")
    assert "WSL2" in bubblewrap.missing()


@isolated_only
def test_trouble_is_found_by_trying(monkeypatch):
    """Not by looking at settings: a sandbox that starts and in which no answer can run is none."""
    command = bubblewrap.command
    monkeypatch.setattr(
        bubblewrap, "command", lambda hide, as_root: [*command(hide, as_root=as_root), "--tmpfs", "/dev"]
    )
    assert "no sandbox for students' work can be made here" in sandbox.trouble()
    monkeypatch.setattr(bubblewrap, "command", lambda hide, as_root: ["bwrap", "--no-such-option"])
    assert "no-such-option" in sandbox.trouble()


def test_doctor_says_it(monkeypatch):
    monkeypatch.setattr(sandbox, "trouble", lambda: "no sandbox, because of this; what helps: that")
    line = dict(doctor.findings())["grading"].line("grading")
    assert line.startswith("--") and "refuses" in line and "what helps: that" in line
    monkeypatch.setattr(sandbox, "trouble", lambda: "")
    assert dict(doctor.findings())["grading"].line("grading").startswith("ok")


@pytest.mark.skipif(os.geteuid() == 0, reason="speaks of an ordinary user")
def test_caution_of_an_ordinary_user():
    assert "all your files" in sandbox.ProcessSandbox.caution()
