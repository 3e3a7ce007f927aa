"""`mpiexec -n 2 needle-edu train mlp`: the curve of one process; a rank that is killed; going on from there."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from needle_edu import training
from needle_edu.distributed.launching import mpiexec

pytest.importorskip("mpi4py", reason="MPI TESTS NOT RUN: python -m pip install 'needle_edu[mpi]'")
try:
    mpiexec()
except ImportError as error:
    pytest.skip(f"MPI TESTS NOT RUN: {error}", allow_module_level=True)

LIMIT = 600  # seconds: an end to every wait, far beyond what a busy machine needs
# Every step is saved, so that a kill at any moment has a checkpoint just before it.
OFTEN = (
    "import needle_edu.training.loop as loop; loop.SAVE_EVERY = 0.0; "
    "import needle_edu.cli as cli, sys; sys.exit(cli.main())"
)


def started(folder, *more, name="mlp"):
    """A training in two processes; what they say can be read from `stdout`."""
    words = ["-c", OFTEN, "train", name, "--small", "--epochs", "6", "--out", str(folder), *more]
    start = f"import sys, needle_edu.distributed.launching as launch; sys.exit(launch.run_processes(2, {words!r}))"
    environment = os.environ | {"NEEDLE_EDU_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", start],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


def ended(process):
    """What a training has said, and its exit status; nothing of it is left."""
    try:
        said, _ = process.communicate(timeout=LIMIT)
        return said, process.returncode
    finally:
        for how in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):  # the second one ends all processes
            if process.poll() is None:
                process.send_signal(how)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=10)


def history(folder):
    return json.loads((folder / "result.json").read_text())["history"]


def children(number):
    try:
        with open(f"/proc/{number}/task/{number}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def ranks(process):
    """The processes that mpiexec has started, which this process has started."""
    return [rank for mpiexec in children(process.pid) for rank in children(mpiexec)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A training that nobody disturbs."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    said, status = ended(started(folder, "--data", "digits"))
    assert status == 0, said
    return folder, said


def test_the_curve_is_that_of_one_process(whole):
    """The batches of one process, divided by two: losses, accuracies, and who prints."""
    folder, said = whole
    alone = training.run("mlp", data="digits", small=True, epochs=6, progress=False).history
    found = history(folder)
    assert found["ends"] == alone.ends
    np.testing.assert_allclose(found["steps"]["loss"], alone.steps["loss"], rtol=0, atol=2e-4)
    np.testing.assert_allclose(found["test"]["loss"], alone.test["loss"], rtol=0, atol=2e-4)
    assert said.count("epoch 1/6") == said.count("written to ") == 1


def kill_and_resume(whole, folder, chance):
    """Kill a rank at a random moment; returns whether there was still one to kill."""
    process = started(folder, "--data", "digits")
    try:
        while process.poll() is None and not (folder / "checkpoint.safetensors").exists():
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 1.5))
        alive = ranks(process)
        if len(alive) == 2:
            os.kill(chance.choice(alive), signal.SIGKILL)
        killed = len(alive) == 2
    finally:
        said, status = ended(process)
    if status == 0 or "written to" in said:  # all was done before
        return False
    assert killed and "has died (killed, or out of memory)" in said, said
    assert "go on from the last checkpoint" in said and "Traceback" not in said
    said, status = ended(started(folder, "--resume"))
    assert status == 0 and "resumed in epoch" in said, said
    assert history(folder) == history(whole[0])
    return True


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="looks for processes in /proc")
def test_a_killed_rank_is_said_and_the_training_goes_on(whole, tmp_path):
    chance = random.Random(1)
    assert any(kill_and_resume(whole, tmp_path / str(k), chance) for k in range(5)), "it was never killed"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="looks for processes in /proc")
def test_ranks_killed_twenty_times(seed, whole, tmp_path):
    """Five times in each of four tests, for a busy machine has a limit of minutes for each."""
    chance, kills = random.Random(seed), 0
    for k in range(20):
        kills += kill_and_resume(whole, tmp_path / str(k), chance)
        if kills == 5:
            break
    assert kills == 5


@pytest.mark.slow
def test_what_cannot_be_divided_is_refused(tmp_path):
    said, status = ended(started(tmp_path / "run", name="descent"))
    assert status and said.count("train: descent cannot divide its batches among 2 processes") == 1, said
