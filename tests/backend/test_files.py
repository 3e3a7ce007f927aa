"""A file is written whole or not at all, and is readable by whom the user's umask says."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from needle_edu.backend import paths
from needle_edu.backend.files import whole_file

ROOT = Path(paths.__file__).resolve().parents[2]


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), whole_file(path) as file:
        file.write("half")
        _ = 1 / 0
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_until_the_end_the_old_file_is_there(tmp_path):
    path = tmp_path / "result"
    path.write_bytes(b"before")
    with whole_file(path, "wb") as file:
        file.write(b"after")
        file.flush()
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_umask_decides_who_may_read(tmp_path, umask):
    """A temporary file made with mkstemp would be for its owner alone, and the result too."""
    before = os.umask(umask)
    try:
        with whole_file(tmp_path / "result") as file:
            file.write("for all")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "result").stat().st_mode) == 0o666 & ~umask


def writer(path: Path) -> subprocess.Popen:
    """A process that has begun to write a file, and waits."""
    code = f"""
from needle_edu.backend.files import whole_file
with whole_file({str(path)!r}) as file:
    file.write("half")
    file.flush()
    print("begun", flush=True)
    input()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "begun\n"
    return process


def test_what_a_killed_process_left_goes_with_the_next_save(tmp_path):
    path = tmp_path / "result"
    dead = writer(path)
    dead.send_signal(signal.SIGKILL)
    dead.communicate(timeout=60)
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(".part")
    # A process number is given out again; the same in every container that starts afresh.
    left.rename(tmp_path / f".result.{os.getpid()}-1.part")
    strangers = [
        ".other.1-1.part",
        ".result.draft.part",
        ".result.part",
        "result.1-1.part",
        ".result.1-1.part.bak",
    ]
    for name in strangers:
        (tmp_path / name).write_text("")
    with whole_file(path) as file:
        file.write("whole")
    assert path.read_text() == "whole"
    assert sorted(item.name for item in tmp_path.iterdir()) == sorted([*strangers, "result"])


def test_a_file_that_somebody_is_writing_is_no_leftover(tmp_path):
    path = tmp_path / "result"
    other = writer(path)
    with whole_file(path) as file:
        file.write("ours")
    assert path.read_text() == "ours" and len(list(tmp_path.iterdir())) == 2
    other.communicate("\n", timeout=60)
    assert other.returncode == 0 and path.read_text() == "half" and len(list(tmp_path.iterdir())) == 1


def test_a_link_among_the_leftovers_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".result.1-1.part").symlink_to(tmp_path / "mine")
    os.mkfifo(tmp_path / ".result.2-2.part")
    with whole_file(tmp_path / "result") as file:
        file.write("whole")
    assert (tmp_path / "mine").read_text() == "mine" and (tmp_path / ".result.1-1.part").is_symlink()


def refused(path: Path, what: str) -> None:
    before = os.lstat(path)
    for target in (path, path.parent / "link"):
        with pytest.raises(OSError, match=f"is {what} and no file"), whole_file(target) as file:
            file.write("in its place")
    after = os.lstat(path)
    assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)
    assert (path.parent / "link").is_symlink()


def test_a_pipe_or_socket_is_not_replaced(tmp_path, monkeypatch):
    for name, what in (("p", "a pipe"), ("s", "a socket")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "link").symlink_to(name)
        if name == "p":
            os.mkfifo(folder / name)
            refused(folder / name, what)
        else:
            with socket.socket(socket.AF_UNIX) as server:
                monkeypatch.chdir(folder)  # a socket's whole path would be too long
                server.bind(name)
                refused(folder / name, what)


def test_a_device_is_not_replaced(tmp_path):
    """As root a rename would put a file in the place of /dev/null, for everybody."""
    device = tmp_path / "null"
    (tmp_path / "link").symlink_to("null")
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root may make a device to try it with")
    refused(device, "a device")


def test_a_link_to_a_file_is_replaced_and_the_file_is_not(tmp_path):
    """Following a link would let whoever made it choose which file is overwritten."""
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "result").symlink_to("theirs")
    with whole_file(tmp_path / "result") as file:
        file.write("ours")
    assert (tmp_path / "theirs").read_text() == "theirs" and not (tmp_path / "result").is_symlink()
