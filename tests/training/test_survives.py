"""A training that is killed at any moment goes on bit for bit; a full disk and a closed folder leave what was there."""

import errno
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time

import pytest

from needle_edu import training
from needle_edu.backend import DataError
from needle_edu.training import loop
from tests.training.toys import Points, Scripted

COMMAND = [sys.executable, "-m", "needle_edu", "train", "resmlp", "--small", "--epochs", "30", "--out"]


def started(folder, *more):
    """`needle-edu train` in a process of its own, which saves after every step if it is asked for more."""
    often = "import needle_edu.training.loop as loop; loop.SAVE_EVERY = 0.0; import needle_edu.cli as c; import sys; "
    command = [sys.executable, "-c", often + "sys.exit(c.main())", *COMMAND[3:], str(folder), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def numbers(folder):
    history = json.loads((folder / "result.json").read_text())["history"]
    return json.dumps(history, sort_keys=True)  # Python writes floats so that they are read back to the bit


@pytest.mark.parametrize("workers", ["0", "2"])
def test_killed_at_any_moment_and_resumed_bit_for_bit(tmp_path, workers):
    chance = random.Random(workers)
    with started(tmp_path / "whole") as process:
        assert process.wait() == 0, process.stderr.read()
    folder, kills = tmp_path / "killed", 0
    more: tuple = ("--workers", workers)
    for _ in range(20):
        with started(folder, *more) as process:
            while process.poll() is None and not (folder / "checkpoint.safetensors").exists():
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.4))
            process.kill()
            kills += process.wait() == -signal.SIGKILL
        more = ("--resume", "--workers", workers)
        if kills == 3 or (folder / "result.json").exists():
            break
    assert kills, "it was never killed"
    with started(folder, *more) as process:
        assert process.wait() == 0, process.stderr.read()
    assert numbers(folder) == numbers(tmp_path / "whole")
    assert [name for name in os.listdir(folder) if name.endswith(".part")] == []


def hears_ctrl_c():
    """A shell that puts tests into the background lets them, and all their children, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_says_how_to_go_on(tmp_path):
    command = [*COMMAND[:-3], "--epochs", "100000", "--out", str(tmp_path / "run")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, preexec_fn=hears_ctrl_c) as process:
        try:
            for line in process.stdout:
                if line.startswith("epoch 2/"):
                    break
            process.send_signal(signal.SIGINT)
            said, errors = process.communicate(timeout=120)
        finally:
            process.kill()
        assert process.returncode == 130, said + errors
    assert "stopping after this step; Ctrl-C once more stops at once" in errors and "Traceback" not in errors
    assert said.endswith(f"to go on:  needle-edu train resmlp --resume --out {tmp_path / 'run'}\n")
    assert " · interrupted\n" in said
    assert json.loads((tmp_path / "run" / "result.json").read_text())["ended"] == "interrupted"


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path):
    """No file may grow beyond what the checkpoint has now, as if the disk were full there."""
    training.run(Points, out=tmp_path, steps=3, progress=False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limits[1]))
    try:
        with pytest.raises(OSError) as error:
            training.run(Points, out=tmp_path, resume=True, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.errno == errno.EFBIG
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert training.run(Points, out=tmp_path, resume=True, progress=False).ended == "finished"


def test_a_folder_that_cannot_be_written_to_is_met_before_the_first_step(tmp_path):
    (tmp_path / "file").write_text("no folder")

    class Untouched(Scripted):
        def step(self, batch):
            raise AssertionError("it should not have come to that")

    with pytest.raises(NotADirectoryError):
        training.run(Untouched, out=tmp_path / "file" / "run", progress=False)
    with pytest.raises(FileExistsError):
        training.run(Untouched, out=tmp_path / "file", progress=False)


def test_a_damaged_checkpoint_is_no_checkpoint(tmp_path):
    training.run(Points, out=tmp_path, steps=3, progress=False)
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="cannot be read as a checkpoint"):
        training.run(Points, out=tmp_path, resume=True, progress=False)


def test_it_saves_now_and_then_within_an_epoch(tmp_path, monkeypatch):
    """And what is saved in the middle is the state after that very step."""
    saved = []
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(loop.Folder, "save", lambda self, parts: saved.append(len(parts["history"])))
    training.run(Scripted, epochs=2, out=tmp_path, progress=False)
    assert saved == [0, 1, 2, 3, 3, 4, 5, 6, 6, 6]


def test_a_folder_without_safetensors_gets_the_other_format(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "needle_edu.training.folder.importlib.util.find_spec",
        lambda name: None if name == "safetensors" else 1,
    )
    training.run(Points, out=tmp_path, steps=3, progress=False)
    assert (tmp_path / "checkpoint.npz").exists()
    monkeypatch.undo()
    training.run(Points, out=tmp_path, resume=True, progress=False)
    assert not (tmp_path / "checkpoint.safetensors").exists()
