"""Where the disk is full, or the compiler fails: one sentence, another folder if there is one, and no half a minute
of compiling at every start."""

import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from needle_edu.backend import BuildError, paths
from needle_edu.backend.build import builder, cache

ROOT = Path(paths.__file__).resolve().parents[2]
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A C file, an empty cache, and a temporary folder of its own."""
    monkeypatch.setenv("NEEDLE_EDU_CACHE", str(tmp_path / "cache"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "answer.c").write_text("int answer(void) { return 42; }\n")
    return tmp_path / "answer.c"


def fill_disks(monkeypatch, *folders):
    """Let the disks of these folders have no room."""

    def disk_usage(path):
        full = any(Path(path).is_relative_to(folder) for folder in folders)
        return Usage(100 << 20, 0, 1000 if full else 100 << 20)

    monkeypatch.setattr("shutil.disk_usage", disk_usage)


def test_a_full_cache_is_replaced_by_the_temporary_folder(source, compiler, tmp_path, monkeypatch):
    fill_disks(monkeypatch, tmp_path / "cache")
    library = builder.shared_library("answer", [source])
    assert library.is_relative_to(tmp_path / "temporary")
    status = library.stat().st_mtime_ns
    assert builder.shared_library("answer", [source]) == library and library.stat().st_mtime_ns == status


def test_a_library_that_is_there_is_used_however_full_the_disk(source, compiler, tmp_path, monkeypatch):
    library = builder.shared_library("answer", [source])
    fill_disks(monkeypatch, tmp_path)
    assert builder.shared_library("answer", [source]) == library


def test_without_room_anywhere_nothing_is_begun(source, compiler, tmp_path, monkeypatch, capfd):
    fill_disks(monkeypatch, tmp_path)
    with pytest.raises(
        BuildError, match=r"the disk is full: compiling needs 4 MB in .*cache.*NEEDLE_EDU_CACHE"
    ):
        builder.shared_library("answer", [source], announce="compiling")
    assert "compiling" not in capfd.readouterr().err


def test_a_small_file_system(source, compiler, tmp_path):
    """The same on a disk that really is small."""
    if os.geteuid():
        pytest.skip("only root may mount a small file system")
    small = tmp_path / "cache"
    small.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", small], capture_output=True, text=True
    )
    if mount.returncode:
        pytest.skip(f"mounting is forbidden here: {mount.stderr.strip()}")
    try:
        library = builder.shared_library("answer", [source])
        assert library.is_relative_to(tmp_path / "temporary")
        assert builder.shared_library("answer", [source], room=1 << 20).is_relative_to(small)
    finally:
        subprocess.run(["umount", small], check=True)


def start(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess:
    """Start Python, ask for the kernels and print why they are absent."""
    code = "from needle_edu.backend import cpu, native; cpu().kernels; print(cpu().native, native.reason)"
    full = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "NEEDLE_EDU_CACHE": str(tmp_path / "cache"),
        "TMPDIR": str(tmp_path),
        **environment,
    }
    return subprocess.run([sys.executable, "-c", code], env=full, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    "says, told",
    [
        ("fatal error: error writing to /tmp/cc.s: No space left on device", "because the disk is full"),
        ("as: x.o: Disk quota exceeded", "because the disk is full"),
        ("internal compiler error: Killed", "internal compiler error"),
    ],
)
def test_what_failed_in_the_compiler_is_not_tried_at_every_start(says, told, tmp_path):
    failing, count = tmp_path / "failing-cc", tmp_path / "count"
    failing.write_text(f'#!/bin/sh\necho run >> {count}\necho "{says}" >&2\nexit 1\n')
    failing.chmod(0o755)
    first = start(tmp_path, CC=str(failing))
    runs = count.read_text().count("run")
    assert runs and first.stderr.count("compiling the C kernels") == 1, first.stderr
    assert told in first.stdout and "it is tried again in 10 minutes, or when" in first.stdout
    second = start(tmp_path, CC=str(failing))
    assert count.read_text().count("run") == runs, "the compiler ran again"
    assert "compiling" not in second.stderr and told in second.stderr
    assert "is tried again after 10" in second.stdout and second.stdout.startswith("False")
    note = Path(second.stdout.split("or when ")[1].split(" is removed")[0])
    note.unlink()
    start(tmp_path, CC=str(failing))
    assert count.read_text().count("run") > runs, "the reader removed the note and nothing happened"
    os.utime(note, (0, 0))
    runs = count.read_text().count("run")
    start(tmp_path, CC=str(failing))
    assert count.read_text().count("run") > runs, "an old failure is not tried again"


def test_another_compiler_is_tried_at_once(tmp_path):
    for name in ("one-cc", "other-cc"):
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\necho "{name} is broken" >&2\nexit 1\n')
        script.chmod(0o755)
        assert f"{name} is broken" in start(tmp_path, CC=str(script)).stdout


def test_the_compilers_own_files_are_put_beside_the_library(source, tmp_path, compiler):
    """/tmp may be small, or full, where the cache is not."""
    looking = tmp_path / "looking-cc"
    looking.write_text(f'#!/bin/sh\necho "$TMPDIR" >> {tmp_path}/seen\nexec {compiler[0]} "$@"\n')
    looking.chmod(0o755)
    builder.shared_library("answer", [source], compiler=[str(looking)])
    places = {Path(line).parent for line in (tmp_path / "seen").read_text().splitlines()}
    assert places == {cache.default_folder()}


@pytest.mark.parametrize("command", ["gcc 'x", '"cc'])
def test_a_cc_that_is_no_command_is_one_sentence(command, tmp_path):
    said = start(tmp_path, CC=command)
    assert said.returncode == 0 and said.stdout.startswith("False $CC is"), said.stderr
    assert len(said.stderr.splitlines()) == 1 and "No closing quotation" in said.stderr
    doctor = subprocess.run(
        [sys.executable, "-m", "needle_edu", "doctor"],
        env={**os.environ, "CC": command, "NEEDLE_EDU_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in doctor.stdout + doctor.stderr and "unset CC or correct it" in doctor.stdout
