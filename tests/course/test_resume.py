"""Nothing is lost: a grading that is killed, stopped or out of space keeps what it has; the same command goes on."""

import contextlib
import csv
import errno
import itertools
import json
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from needle_edu.course import commands
from needle_edu.course.grading import grader, handed_in, processes, records, results, run_question
from needle_edu.course.grading.question_result import Result
from needle_edu.course.limits import Limits

ROOMY = Limits(wall=90, cells=30, call=20, cpu=30)
CLASS = [f"student{number}" for number in range(6)]


def heed_signals() -> None:
    """Who started these tests may have told them to ignore signals, as `nohup` does; a grading would inherit that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def start(toy_source, tmp_path, isolated):
    """Start the real command on what was handed in; what it says goes to out.txt. Nothing outlives the test."""
    started = []

    def run(out: str = "out", *words: str) -> subprocess.Popen:
        command = [
            sys.executable,
            "-m",
            "needle_edu",
            "grade",
            str(toy_source),
            "submissions",
            "--out",
            out,
            *words,
        ]
        with open(tmp_path / f"{out}.txt", "w") as said:
            process = subprocess.Popen(
                [*command, *([] if isolated else ["--unsafe-no-isolation"])],
                cwd=tmp_path,
                stdout=said,
                stderr=said,
                start_new_session=True,
                preexec_fn=heed_signals,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def grade(toy_source, tmp_path, isolated, capsys):
    """Grade in this process; returns the exit status and what was said."""

    def run(out="out", source=toy_source) -> tuple[int, str]:
        place = tmp_path / "submissions"
        status = commands.grade(source, place, tmp_path / out, limits=ROOMY, isolated=isolated)
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run


@pytest.fixture
def full_after(monkeypatch):
    """``with full_after(3)``: the disk takes three students' records and is full then."""

    @contextlib.contextmanager
    def limit(number: int):
        real, count = records.write_whole, itertools.count()

        def write(path, text):
            if path.parent.name == "students" and next(count) >= number:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            real(path, text)

        with monkeypatch.context() as patch:
            patch.setattr(records, "write_whole", write)
            yield

    return limit


def files_of(out: Path) -> dict[str, str]:
    return {str(p.relative_to(out)): p.read_text() for p in sorted(out.rglob("*")) if p.is_file()}


def table(out: Path) -> dict[str, dict]:
    with open(out / "grades.csv", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def is_alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def until(condition, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came so far"
        time.sleep(0.02)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_again_and_again_the_results_are_those_of_one_run(seed, hand_in, start, tmp_path):
    rng = random.Random(seed)
    for number, name in enumerate(CLASS):
        hand_in(
            name, q2="def evens(n):\n    return [0, 2, 4]" if number % 3 == 0 else "def evens(n): return n"
        )
    assert start("whole").wait(120) == 0
    (tmp_path / "out").mkdir()  # the seed of the tests' random inputs is what a run goes on with
    shutil.copy(tmp_path / "whole" / "grading.json", tmp_path / "out")
    kept: dict[str, int] = {}
    for _ in range(3):
        process, students = start(), tmp_path / "out" / "students"
        wanted = len(kept) + 1
        until(
            lambda n=wanted, s=students, p=process: len(list(s.glob("*.json"))) >= n or p.poll() is not None
        )
        time.sleep(rng.random() * 0.5)
        process.kill()
        process.wait()
        for name, made in kept.items():
            assert (students / name).stat().st_mtime_ns == made, "graded twice"
        kept = {path.name: path.stat().st_mtime_ns for path in students.glob("*.json")}
        for name in kept:
            json.loads((students / name).read_text())
            assert (tmp_path / "out" / "feedback" / name.replace(".json", ".html")).exists()
    assert start().wait(120) == 0
    said = (tmp_path / "out.txt").read_text()
    assert f"{len(kept)} of {len(CLASS)} were graded before" in said
    assert said.count("] student") == len(CLASS) - len(kept)
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_signal_ends_it_at_once_and_what_is_there_is_written(number, hand_in, start, tmp_path):
    """Ctrl-C, `kill`, a closed terminal: the sleeper has no grade, not a 0, and nothing runs on."""
    for name in ("ada", "bob"):
        hand_in(name)
    hand_in("sleeper", q1="import time\ntime.sleep(60)")
    hand_in("eve")
    process = start("out", "--jobs", "1")
    until(lambda: len(list((tmp_path / "out" / "students").glob("*.json"))) == 3)  # ada, bob, eve
    until(lambda: processes.descendants(process.pid))
    family = processes.descendants(process.pid)
    asked = time.monotonic()
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    assert time.monotonic() - asked < 10
    until(lambda: not any(map(is_alive, family)), 5)
    rows = table(tmp_path / "out")
    assert {name: row["total"] for name, row in rows.items()} == {
        "ada": "5",
        "bob": "5",
        "eve": "5",
        "sleeper": "",
    }
    assert "not graded yet" in rows["sleeper"]["notes"]
    assert json.loads((tmp_path / "out" / "results.json").read_text())["sleeper"]["q1"]["points"] is None
    assert "stopped: 3 of 4 are graded and kept" in (tmp_path / "out.txt").read_text()


AT_A_TERMINAL = """
import os, sys
os.open(sys.argv[1], os.O_RDWR)  # the first terminal that the leader of a session opens is the session's
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


@pytest.mark.skipif(
    sys.platform != "linux", reason="another system gives a session its terminal in another way"
)
def test_a_closed_terminal_loses_nothing(toy_source, hand_in, tmp_path, isolated):
    """The real thing: the terminal is gone, so that neither stdout nor stderr can be written any more."""
    hand_in("ada")
    hand_in("sleeper", q1="import time\ntime.sleep(60)")
    master, slave = pty.openpty()
    words = ["-m", "needle_edu", "grade", str(toy_source), "submissions", "--out", "out", "--jobs", "1"]
    words += [] if isolated else ["--unsafe-no-isolation"]
    process = subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, os.ttyname(slave), *words],
        cwd=tmp_path,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=heed_signals,
    )
    os.close(slave)
    try:
        until(lambda: (tmp_path / "out" / "students" / "ada.json").exists())
        os.close(master)
        assert process.wait(30) == 128 + signal.SIGHUP
    finally:
        process.kill()
        process.wait()
    assert {name: row["total"] for name, row in table(tmp_path / "out").items()} == {
        "ada": "5",
        "sleeper": "",
    }


def test_a_reader_who_leaves_stops_no_grading(toy_source, hand_in, tmp_path, isolated):
    """As in `needle-edu grade … | head -1`."""
    for name in CLASS:
        hand_in(name)
    words = ["grade", str(toy_source), "submissions", "--out", "out"]
    process = subprocess.Popen(
        [sys.executable, "-m", "needle_edu", *words, *([] if isolated else ["--unsafe-no-isolation"])],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    process.stdout.close()
    assert process.wait(120) in (0, 141)
    assert [row["total"] for row in table(tmp_path / "out").values()] == ["5"] * len(CLASS)


def test_what_has_changed_is_graded_again_and_nothing_else(hand_in, grade, tmp_path):
    for name in ("ada", "bob"):
        hand_in(name, q1="def double(x): return x")
    assert grade()[0] == 0
    file = tmp_path / "submissions" / "ada" / "toy.ipynb"
    file.write_text(file.read_text().replace("return x", "return x + x"))
    status, said = grade()
    assert status == 0 and "1 of 2 were graded before" in said
    assert "[2/2] ada: 5 of 5 points (once more)" in said and "] bob" not in said
    assert [row["total"] for row in table(tmp_path / "out").values()] == ["5", "3"]
    page = tmp_path / "out" / "feedback" / "ada.html"
    assert "5 of 5 points" in page.read_text()


def test_a_file_that_is_no_notebook_is_judged_once(hand_in, grade, tmp_path):
    (hand_in("ada") / "ada" / "toy.ipynb").write_text('{"cells": [')
    grade()
    assert "1 of 1 were graded before and have not changed" in grade()[1]


def test_a_changed_homework_is_graded_anew(hand_in, grade, toy_source, tmp_path):
    hand_in("ada")
    grade()
    seed = json.loads((tmp_path / "out" / "grading.json").read_text())["seed"]
    changed = tmp_path / "toy.ipynb"
    changed.write_text(
        toy_source.read_text().replace("close(double(np.array([3.0])), [6.0])", "assert not double")
    )
    changed.write_text(toy_source.read_text().replace('"points": 2', '"points": 4'))
    status, said = grade(source=changed)
    assert status == 0 and "all is new" in said and "ada: 7 of 7 points" in said
    assert table(tmp_path / "out")["ada"]["total"] == "7"
    assert json.loads((tmp_path / "out" / "grading.json").read_text())["seed"] != seed


def test_a_kill_while_a_changed_homework_is_graded_mixes_nothing(
    hand_in, grade, toy_source, tmp_path, full_after
):
    """What is left of the earlier run is not taken for a result of the new one."""
    for name in CLASS:
        hand_in(name)
    grade()
    changed = tmp_path / "toy.ipynb"
    changed.write_text(toy_source.read_text().replace('"points": 2', '"points": 4'))
    with full_after(2):
        assert grade(source=changed)[0] == 1
    assert f"2 of {len(CLASS)} were graded before" in grade(source=changed)[1]
    assert {row["total"] for row in table(tmp_path / "out").values()} == {"7"}


def test_results_of_another_homework_are_not_mixed_in(hand_in, grade, toy_source, tmp_path):
    hand_in("ada")
    grade()
    before = files_of(tmp_path / "out")
    other = tmp_path / "other.ipynb"
    shutil.copy(toy_source, other)
    status, said = grade(source=other)
    assert status == 1 and "holds the results of toy; choose another folder for other" in said
    assert files_of(tmp_path / "out") == before


def test_one_that_was_withdrawn_is_left_out(hand_in, grade, tmp_path):
    for name in ("ada", "bob"):
        hand_in(name)
    grade()
    shutil.rmtree(tmp_path / "submissions" / "bob")
    assert grade()[0] == 0
    assert list(table(tmp_path / "out")) == ["ada"]
    assert (tmp_path / "out" / "students" / "bob.json").exists()  # kept, should it come back


def test_a_record_that_is_not_ours_or_broken_is_graded_again(hand_in, grade, tmp_path):
    for name in ("ada", "bob", "eve"):
        hand_in(name)
    grade()
    students = tmp_path / "out" / "students"
    (students / "ada.json").write_text("{")
    (students / "bob.json").write_text("[" * 100_000)
    shutil.copy(students / "eve.json", students / "bob.json")  # another's record is not taken for one's own
    status, said = grade()
    assert status == 0 and "1 of 3 were graded before" in said
    assert [row["total"] for row in table(tmp_path / "out").values()] == ["5", "5", "5"]


# --- the folder is tried first -------------------------------------------------------------------------------


def _file(tmp_path, monkeypatch):
    (tmp_path / "out").write_text("mine")
    return "out", "is a file"


def _below_a_file(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    return "file/out", "cannot write into"


def _not_writable(tmp_path, monkeypatch):
    """As on a read-only disk; file modes would not stop root."""
    real = open

    def refuse(path, *args, **options):
        if "out/." in str(path):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return real(path, *args, **options)

    monkeypatch.setattr("builtins.open", refuse)
    return "out", "Read-only file system"


def _full(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**20))
    return "out", "1,048,576 bytes left"


def _inside(tmp_path, monkeypatch):
    return "submissions/out", "would pass for a student"


def _link_inside(tmp_path, monkeypatch):
    (tmp_path / "out").symlink_to(tmp_path / "submissions")
    return "out", "would pass for a student"


def _around(tmp_path, monkeypatch):
    """Submissions where the feedback pages would go."""
    (tmp_path / "out").mkdir()
    (tmp_path / "submissions").rename(tmp_path / "out" / "students")
    (tmp_path / "submissions").symlink_to(tmp_path / "out" / "students")
    return "out", "among the submissions"


@pytest.mark.parametrize(
    "trouble", [_file, _below_a_file, _not_writable, _full, _inside, _link_inside, _around]
)
def test_a_bad_out_is_noticed_before_anybody_is_graded(trouble, hand_in, grade, tmp_path, monkeypatch):
    hand_in("ada")
    out, says = trouble(tmp_path, monkeypatch)
    monkeypatch.setattr(grader, "run_submission", lambda *args, **options: pytest.fail("graded"))
    status, said = grade(out)
    assert status == 1 and says in said


def test_two_gradings_do_not_write_into_one_folder(hand_in, grade, toy, tmp_path):
    hand_in("ada")
    with records.opened(tmp_path / "out", toy, tmp_path / "submissions", 1, "") as folder:
        folder.begin()
        status, said = grade()
    assert status == 1 and "another grading is writing" in said
    assert grade()[0] == 0


def test_a_disk_that_fills_up_keeps_what_was_written(hand_in, grade, tmp_path, full_after):
    for name in CLASS:
        hand_in(name)
    with full_after(3):
        status, said = grade()
    assert status == 1 and f"3 of {len(CLASS)} are graded and kept there; the same command goes on" in said
    status, said = grade()
    assert status == 0 and f"3 of {len(CLASS)} were graded before" in said
    assert [row["total"] for row in table(tmp_path / "out").values()] == ["5"] * len(CLASS)


# --- what could not be judged --------------------------------------------------------------------------------


@pytest.fixture
def fail_for(monkeypatch):
    """``fail_for(times, how)``: the sandbox of q2 fails that often for answers that say "unlucky"."""

    def set_up(times: int, how: str) -> list:
        calls, real = [], run_question.run_submission

        def run(homework, answers, **options):
            for question in homework.questions:
                if question.name not in answers:
                    continue
                if question.name == "q2" and "unlucky" in answers["q2"][0] and len(calls) < times:
                    calls.append(question.name)
                    if how == "raises":
                        raise RuntimeError("no process left")
                    yield Result(question, (), ("no process left",), judged=False)
                else:
                    yield from real(homework, {question.name: answers[question.name]}, **options)

        monkeypatch.setattr(grader, "run_submission", run)
        return calls

    return set_up


@pytest.mark.parametrize("how", ["raises", "says"])
def test_what_could_not_be_judged_is_tried_once_more(how, hand_in, grade, fail_for, tmp_path):
    calls = fail_for(1, how)
    hand_in("ada", q2="# unlucky\ndef evens(n): return [2 * k for k in range(n)]")
    assert grade()[0] == 0 and calls == ["q2"]
    assert table(tmp_path / "out")["ada"]["total"] == "5"


@pytest.mark.parametrize("how", ["raises", "says"])
def test_not_judged_is_no_zero(how, hand_in, grade, fail_for, tmp_path):
    fail_for(2, how)
    hand_in("ada", q2="# unlucky\ndef evens(n): return [2 * k for k in range(n)]")
    hand_in("bob")
    status, said = grade()
    assert status == 1 and "ada: not judged" in said and "not judged, no points are in the table" in said
    rows = table(tmp_path / "out")
    assert [rows["ada"][key] for key in ("total", "q1", "q2")] == ["", "2", ""]
    assert "q2: " in rows["ada"]["notes"] and "no process left" in rows["ada"]["notes"]
    assert json.loads((tmp_path / "out" / "results.json").read_text())["ada"]["q2"]["points"] is None
    assert "toy: not judged" in (tmp_path / "out" / "feedback" / "ada.html").read_text()
    status, said = grade()  # the next run tries again, and only her
    assert status == 0 and "1 of 2 were graded before" in said and "ada: 5 of 5 points" in said


def test_a_class_of_three_hundred(toy, tmp_path, monkeypatch, capsys, toy_source, isolated):
    """Each is read twice at most and kept once; a line says how far it is."""
    text = json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": "x", "id": "q1"}]})
    (tmp_path / "submissions").mkdir()
    for number in range(300):
        (tmp_path / "submissions" / f"s{number:03}.ipynb").write_text(text)
    read, written = [], []
    real_read, real_write = handed_in.read, records.Folder.write

    def run(homework, answers, **options):
        for question in homework.questions:
            if question.name in answers:
                yield results.without_answer(question, "wrong value")

    monkeypatch.setattr(grader, "try_reference", lambda *args, **options: None)
    monkeypatch.setattr(grader, "run_submission", run)
    monkeypatch.setattr(handed_in, "read", lambda *words: read.append(words) or real_read(*words))
    monkeypatch.setattr(records.Folder, "write", lambda *words: written.append(words) or real_write(*words))
    for _ in range(2):
        assert commands.grade(toy_source, tmp_path / "submissions", tmp_path / "out", isolated=isolated) == 0
    said = capsys.readouterr().out
    assert "[300/300] s" in said and "300 of 300 were graded before" in said
    assert (len(read), len(written), len(table(tmp_path / "out"))) == (600, 300, 300)
