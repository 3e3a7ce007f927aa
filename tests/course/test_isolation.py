"""The sandbox against hostile answers: what it keeps out, for whoever grades, and that nothing is graded without it.

Each attack (`hostile/attacks.py`) tries doors of the machine that grades and prints which of them give way; `hostile/
bait.py` runs it and looks for what it changed. Configurations: an ordinary user; root, if root runs the tests; and, to
see that the attacks are none of straw, no isolation at all, where the same doors must be found open.
``pytest -rA tests/course/test_isolation.py -k table`` prints the table attack × configuration.
"""

import contextlib
import json
import os
import platform
import runpy
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from needle_edu.course.grading import sandbox

HERE = Path(__file__).parent / "hostile"
HOSTILE = runpy.run_path(str(HERE / "attacks.py"))
ATTACKS, ISOLATED, LEAVE, FIND = (HOSTILE[name] for name in ("ATTACKS", "ISOLATED", "LEAVE", "FIND"))
WRONG = runpy.run_path(str(HERE / "answers.py"))["WRONG"]
RIGHT_1 = "\ndef double(x):\n    return x * 2\n"
RIGHT_2 = "def evens(n):\n    return list(range(0, 2 * n, 2))\n"
NOBODY = 61_183  # an id that no sandbox lends
LIMITS = {"wall": 60, "cells": 20, "call": 4, "cpu": 6, "memory": 768 * 2**20}
TROUBLE = sandbox.trouble()


# --- who grades -----------------------------------------------------------------------------------------------


def ordinary_user() -> list[str]:
    """Words before a command that run it as an ordinary user, if we are root and that can be had.

    The Python that runs the tests, or this checkout, may lie below a folder that is closed to all but root, such as
    root's home: bubblewrap gives the user the same machine, with nothing in that folder but what the tests need. It is
    no sandbox: all else is there, and may be written to.
    """
    if os.geteuid() != 0 or not (shutil.which("bwrap") and shutil.which("setpriv")):
        return []
    words = ["bwrap", "--dev-bind", "/", "/", "--cap-add", "ALL"]
    needed = sorted({Path(p).resolve() for p in (sys.prefix, sys.base_prefix, sandbox.PACKAGE, HERE)})
    closed = {path: folder for path in needed if (folder := closed_folder(path))}
    for folder in sorted(set(closed.values())):
        words += ["--tmpfs", str(folder), "--chmod", "0755", str(folder)]
    for path, folder in closed.items():
        for parent in [p for p in reversed(path.parents) if p.is_relative_to(folder) and p != folder]:
            words += ["--dir", str(parent)]
        words += ["--ro-bind", str(path), str(path)]
    return [*words, "--", "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def closed_folder(path: Path) -> Path | None:
    """The outermost folder on the way to `path` that nobody but its owner may pass."""
    return next((p for p in (*reversed(path.parents), path) if not p.stat().st_mode & 0o001), None)


NO_NAMESPACES = [
    "bwrap",
    "--unshare-user",
    "--disable-userns",
    "--dev-bind",
    "/",
    "/",
    "--cap-drop",
    "ALL",
    "--",
]


@contextlib.contextmanager
def open_folder():
    """A temporary folder that every user may write to."""
    folder = tempfile.mkdtemp(prefix="needle_edu-test-")
    os.chmod(folder, 0o777)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(toy_source, before: list[str], kind: str, answers: dict, verbatim=()) -> dict:
    """Let `bait.py` run answers with the words `before` in front of it; returns its report."""
    with open_folder() as folder:
        toy = shutil.copy(toy_source, folder / "toy.ipynb")
        os.chmod(toy, 0o644)
        calls = system_calls()
        job = {
            "toy": str(toy),
            "folder": str(folder),
            "mark": f"needle-edu-sandbox-{os.getpid()}-{kind}-{bool(before)}",
            "sandbox": kind,
            "limits": LIMITS,
            "answers": answers,
            "verbatim": list(verbatim),
            "try": HOSTILE["TRY"],
            "names": {"clone": calls.pop("clone"), "calls": calls},
        }
        done = subprocess.run(
            [*before, sys.executable, str(HERE / "bait.py")],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            timeout=600,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def system_calls() -> dict[str, int]:
    """The numbers of system calls on this machine, by name."""
    column = {"x86_64": 1, "aarch64": 2}.get(platform.machine())
    if column is None:
        pytest.skip(f"THE SANDBOX IS NOT TESTED: no numbers of system calls for {platform.machine()}")
    return {row.split()[0]: int(row.split()[column]) for row in HOSTILE["NUMBERS"].strip().splitlines()}


def attacks_only() -> dict[str, list[str]]:
    return {name: [textwrap.dedent(source) + RIGHT_1, RIGHT_2] for name, source in ATTACKS.items()}


def all_answers() -> dict[str, list[str]]:
    """Every hostile answer to question 1, with an answer to question 2 that suffers if the first one reached it."""
    answers = attacks_only()
    for name, (_, source) in ISOLATED.items():
        answers[name] = [textwrap.dedent(source) + RIGHT_1, RIGHT_2]
        answers[f"after: {name}"] = answers["other students' leftovers"]
    answers["carry a hidden input over"] = [LEAVE, FIND]
    return answers | {f"wrong: {name}": [source, RIGHT_2] for name, source in WRONG.items()}


VERBATIM = ["carry a hidden input over", *(f"wrong: {name}" for name in WRONG)]
USERS = {"ordinary user": ordinary_user(), **({"root": []} if os.geteuid() == 0 else {})}


@pytest.fixture(scope="module")
def reports(toy_source):
    """``reports(user)``: what came of all attacks in a sandbox, for one of `USERS`; each is run once."""
    kept: dict[str, dict] = {}

    def report_of(user: str) -> dict:
        if TROUBLE:
            pytest.skip(f"THE SANDBOX IS NOT TESTED: {TROUBLE}")
        if user == "ordinary user" and os.geteuid() == 0 and not USERS[user]:
            pytest.skip("THE SANDBOX OF AN ORDINARY USER IS NOT TESTED: needs bwrap and setpriv")
        if user not in kept:
            kept[user] = run(toy_source, USERS[user], "BubblewrapSandbox", all_answers(), VERBATIM)
        return kept[user]

    return report_of


@pytest.fixture(scope="module", params=USERS)
def isolated(request, reports) -> dict:
    """The answers in a sandbox, for one user."""
    report = reports(request.param)
    assert report["trouble"] == "" and report["caution"] == ""
    assert report["user"] == (NOBODY if USERS[request.param] else os.getuid())
    return report["answers"]


@pytest.fixture(scope="module")
def not_isolated(toy_source) -> dict:
    """The report on the attacks that harm nobody, by an ordinary user without isolation."""
    if os.geteuid() == 0 and not ordinary_user():
        pytest.skip("AS ROOT THIS NEEDS bwrap AND setpriv")
    return run(toy_source, ordinary_user(), "ProcessSandbox", attacks_only())


@pytest.mark.parametrize("name", ATTACKS)
def test_every_door_is_shut(isolated, name):
    one = isolated[name]
    assert "shut: " in one["printed"][0], one
    assert "OPEN" not in one["printed"][0]
    assert one["points"] == [2.0, 3.0] and one["changes"] == [], one


@pytest.mark.parametrize("name", ISOLATED)
def test_an_attacker_harms_itself_alone(isolated, name):
    one, honest = isolated[name], ISOLATED[name][0]
    assert one["changes"] == [] and one["judged"] == [True, True], one
    assert honest is None or one["points"][0] == honest, one
    assert one["points"][1] == 3.0, "an attack in q1 must not change q2"
    after = isolated[f"after: {name}"]
    assert after["points"] == [2.0, 3.0] and "OPEN" not in after["printed"][0], after


@pytest.mark.parametrize("name", WRONG)
def test_no_points_for_a_wrong_answer(isolated, name):
    one = isolated[f"wrong: {name}"]
    assert one["points"] == [0, 3.0] and one["judged"] == [True, True] and one["changes"] == [], one


def test_no_hidden_input_reaches_the_next_question(isolated):
    one = isolated["carry a hidden input over"]
    assert one["points"] == [2.0, 3.0] and one["changes"] == [], one
    assert "OPEN" not in one["printed"][1] and "left-behind" not in str(one["printed"]) + str(one["messages"])


def test_without_isolation_the_same_doors_are_open(not_isolated):
    """So the attacks are real; and `caution`, which is said before such a grading, says what they found."""
    open_doors = {name for name, one in not_isolated["answers"].items() if "OPEN" in one["printed"][0]}
    for name in ("read the teacher's files", "read another submission", "read solutions and hidden tests"):
        assert name in open_doors
    for name in ("the network", "a unix socket of the teacher's", "signals to the grader", "tracing"):
        assert name in open_doors
    for name in ("change the teacher's files", "refused system calls", "memory that no limit counts"):
        assert name in open_doors
    assert "the grader's memory and environment" in open_doors
    for word in ("read, change and delete", "end your processes", "network", "leave processes behind"):
        assert word in not_isolated["caution"]


def test_nothing_is_graded_where_no_sandbox_can_be_made(toy_source):
    """In a namespace that forbids others; the reason and what mends it are one sentence."""
    if shutil.which("bwrap") is None or os.geteuid() == 0 and not ordinary_user():
        pytest.skip("NEEDS bwrap (AND setpriv, AS ROOT) TO FORBID NAMESPACES")
    before = [*ordinary_user(), *NO_NAMESPACES]
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("NOT TESTED: even the namespace that forbids others is forbidden here")
    report = run(toy_source, before, "BubblewrapSandbox", all_answers(), VERBATIM)
    assert report["answers"] == {}
    assert "user namespaces are switched off" in report["trouble"] and "sudo sysctl" in report["trouble"]


@pytest.mark.skipif(os.geteuid() != 0, reason="THE SANDBOX OF ROOT IS NOT TESTED: run the tests as root too")
def test_root_was_tried(reports):
    assert {"root", "ordinary user"} == set(USERS) and reports("root")["user"] == 0


def test_table(reports, not_isolated):
    """Prints the table; see the module's docstring. `-` stands for an attack that would do harm without isolation."""
    found = {user: reports(user)["answers"] for user in USERS}
    titles = [*(f"sandbox, {user}" for user in USERS), "no isolation", "no namespaces"]
    print("\n" + f"{'attack':38}" + "".join(f"{title:>24}" for title in titles))
    for name in found["ordinary user"]:
        cells = [told(found[user][name]) for user in USERS]
        bare = not_isolated["answers"].get(name)
        cells += ["-" if bare is None else told(bare), "refused"]
        print(f"{name:38}" + "".join(f"{cell:>24}" for cell in cells))
    assert not any(one["changes"] for answers in found.values() for one in answers.values())


def told(one: dict) -> str:
    """Which way it went: the door, what changed on the machine, and the points of both questions."""
    door = "OPEN" if "OPEN" in str(one["printed"]) else "shut"
    first, second = one["points"]
    return f"{door}, {len(one['changes'])} changes, {first:g}+{second:g}"
