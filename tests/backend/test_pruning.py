"""Compiled programs in the cache: few enough, the oldest use first, with several processes at it."""

import os
import subprocess
import sys

import pytest

from needle_edu.backend.build import builder, cache, pruning


def made(folder, name, nbytes=10, used=0.0, checksum=True):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(b"x" * nbytes)
    os.utime(path, (used, used))
    if checksum:
        note = path.with_name(f"{name}.checksum")
        note.touch()
        os.utime(note, (used, used))
        os.utime(path, (0, 0))
        path.with_suffix(".lock").touch()
    return path


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_oldest_use_goes_first_with_all_that_belongs_to_it(tmp_path):
    for k in range(5):
        made(tmp_path, f"program-{k}.so", used=[30, 10, 50, 20, 40][k])
    made(tmp_path, "other-1.so", used=1)
    assert pruning.prune(tmp_path, "program-*.so", most_files=2) == [
        "program-1.so",
        "program-3.so",
        "program-0.so",
    ]
    assert left(tmp_path) == sorted(
        name + end
        for name in ("program-2", "program-4", "other-1")
        for end in (".so", ".so.checksum", ".lock")
    )


def test_bytes_are_counted_too(tmp_path):
    for k in range(4):
        made(tmp_path, f"program-{k}.so", nbytes=100, used=k)
    assert pruning.prune(tmp_path, "program-*.so", most_bytes=250) == ["program-0.so", "program-1.so"]
    assert pruning.prune(tmp_path, "program-*.so", most_bytes=250) == []


def test_what_was_used_just_now_stays(tmp_path):
    for k in range(3):
        made(tmp_path, f"program-{k}.so", used=k)
    pruning.mark_used(tmp_path / "program-0.so")
    assert pruning.prune(tmp_path, "program-*.so", most_files=0) == ["program-1.so", "program-2.so"]
    assert (tmp_path / "program-0.so").exists() and (tmp_path / "program-0.so").stat().st_mtime == 0


def test_a_folder_of_its_own_goes_with_the_file(tmp_path):
    for k in range(3):
        made(tmp_path / str(k), "program.cu.cpp", used=k, checksum=False)
        made(tmp_path / str(k), "functions.cuh", checksum=False)
    pruning.prune(tmp_path, "*/program.cu.cpp", most_files=1, with_folder=True)
    assert left(tmp_path) == ["2"]


def test_nothing_there(tmp_path):
    assert pruning.prune(tmp_path / "absent", "program-*") == []
    pruning.mark_used(tmp_path / "absent.so")


@pytest.mark.skipif(builder.find_compiler() is None, reason="NO C COMPILER: programs are not compiled")
def test_a_program_that_was_pruned_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("NEEDLE_EDU_CACHE", str(tmp_path))
    monkeypatch.setattr(pruning, "_next_look", 0.0)

    def program(k):
        text = cache.kept_text(f"int f(void) {{ return {k}; }}\n", "program", ".c")
        return pruning.program_used(builder.shared_library("program", [text], flags=("-fPIC",)))

    old = program(1)
    for path in tmp_path.rglob("program-*"):
        os.utime(path, (1, 1))
    monkeypatch.setattr(pruning, "_next_look", 0.0)
    monkeypatch.setattr(pruning, "MOST_FILES", 1)
    new = program(2)
    assert new.exists() and not old.exists()
    assert len(list(tmp_path.rglob("program-*.c"))) == len(list(tmp_path.rglob("program-*.o"))) == 1
    assert program(1) == old and old.exists()


WORK = """
import sys, time
from pathlib import Path
from needle_edu.backend.build import pruning
folder, me = Path(sys.argv[1]), sys.argv[2]
for k in range(150):
    path = folder / f"program-{k % 7}-{me}.so"
    path.write_bytes(b"x")
    pruning.mark_used(path)
    pruning.prune(folder, "program-*.so", most_files=3)
    assert path.exists()
"""


def test_two_processes_prune_at_once(tmp_path):
    """Neither meets an error, nor removes what the other has just made; what is old goes, once."""
    for k in range(200):
        made(tmp_path, f"program-old-{k}.so", used=k, checksum=k % 2 == 0)
    both = [
        subprocess.Popen([sys.executable, "-c", WORK, str(tmp_path), me], stderr=subprocess.PIPE, text=True)
        for me in "ab"
    ]
    try:
        said = [one.communicate(timeout=120)[1] for one in both]
    finally:
        for one in both:
            one.kill()
            one.wait()
    assert [one.returncode for one in both] == [0, 0], said
    assert not list(tmp_path.glob("program-old-*"))
    assert len(list(tmp_path.glob("program-*.so"))) == 14


def test_an_object_file_that_another_build_removes_meanwhile(tmp_path):
    """A link to nothing is listed, and is not there when it is looked at."""
    (tmp_path / "gone.o").symlink_to(tmp_path / "nowhere")
    old, fresh = made(tmp_path, "old.o", checksum=False), tmp_path / "fresh.o"
    fresh.touch()
    builder._forget_old(tmp_path)
    assert fresh.exists() and not old.exists()
