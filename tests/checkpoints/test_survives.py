"""A training that is killed at any moment goes on from its checkpoint bit for bit; a failed save leaves the old one."""

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

from needle_edu import checkpoints, nn

pytest.importorskip("safetensors.numpy")

TRAIN = """
import json, os, sys
import numpy as np
from needle_edu import checkpoints, data, init, nn, optim

folder, workers, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
path = os.path.join(folder, name)
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(40, 6, 6, 1)).astype("f4"), rng.integers(0, 3, 40)

init.seed(0)
model = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))
optimizer = optim.Adam(model.parameters(), lr=0.01)
scheduler = optim.CosineAnnealingLR(optimizer, T_max=30)
flipped = data.NDArrayDataset(X, Y, transforms=[data.RandomFlipHorizontal(), data.RandomCrop(1)])
loader = data.DataLoader(flipped, 8, shuffle=True, num_workers=workers)
progress = {"epoch": 0, "step": 0}
parts = dict(model=model, optimizer=optimizer, scheduler=scheduler, loader=loader, progress=progress,
             random=checkpoints.RandomNumbers())
if os.path.exists(path):
    checkpoints.load(path, **parts)
print("ready", flush=True)
while progress["epoch"] < 6:
    for x, y in loader:
        loss = nn.SoftmaxLoss()(model(x), y)
        optimizer.reset_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        progress["step"] += 1
        with open(os.path.join(folder, "losses"), "a") as file:
            file.write(json.dumps([progress["step"], float(loss.numpy().item()).hex()]) + "\\n")
        checkpoints.save(path, **parts)
    progress["epoch"] += 1
print("done", flush=True)
"""


def run(folder, workers, name, steps, delay=0.0):
    """One run, killed some time after it has written so many losses in all; whether it came to its end."""
    losses = folder / "losses"
    command = [sys.executable, "-c", TRAIN, str(folder), str(workers), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        while process.poll() is None and steps is not None:
            if losses.exists() and losses.read_bytes().count(b"\n") >= steps:
                time.sleep(delay)
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
        return process.stdout.read() == "done\n"


@pytest.mark.parametrize(
    ("workers", "name"), [(0, "run.safetensors"), (2, "run.safetensors"), (0, "run.npz")]
)
def test_killed_at_any_moment_and_resumed_bit_for_bit(tmp_path, workers, name):
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    assert run(tmp_path / "whole", workers, name, None)
    wanted = dict(map(json.loads, (tmp_path / "whole" / "losses").read_text().splitlines()))
    assert sorted(wanted) == list(range(1, 31))
    chance = random.Random(workers)
    ended = [run(tmp_path / "killed", workers, name, n, chance.uniform(0, 0.01)) for n in (1, 9, 17)]
    assert not ended[0], "it was not killed"
    assert run(tmp_path / "killed", workers, name, None)
    lines = (tmp_path / "killed" / "losses").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert {step for step, _ in found} == set(wanted)
    assert [pair for pair in found if wanted[pair[0]] != pair[1]] == []
    states = []
    for folder in ("whole", "killed"):
        model = nn.Sequential(
            nn.Flatten(), nn.Linear(36, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3)
        )
        checkpoints.load(tmp_path / folder / name, model=model)
        states.append(model.state_dict())
    assert all((states[0][key] == states[1][key]).all() for key in states[0])
    assert [p.name for p in (tmp_path / "killed").iterdir() if p.name.endswith(".part")] == []


@pytest.mark.parametrize("name", ["run.safetensors", "run.npz"])
def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, name):
    """No file may grow beyond 20,000 bytes here, as if the disk were full there."""
    path, small, large = tmp_path / name, nn.Linear(2, 2), nn.Linear(200, 200)
    checkpoints.save(path, model=small)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError) as error:
            checkpoints.save(path, model=large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.errno == errno.EFBIG
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == [name]
    checkpoints.load(path, model=small)


def test_no_permission_leaves_the_old_checkpoint(tmp_path):
    path, model = tmp_path / "run.safetensors", nn.Linear(2, 2)
    checkpoints.save(path, model=model)
    before = path.read_bytes()
    tmp_path.chmod(0o555)
    child = os.fork()
    if child == 0:  # root may write everywhere: somebody else tries
        status = 1
        try:
            os.chdir(tmp_path)
            if os.getuid() == 0:
                os.setuid(65534)
            checkpoints.save("run.safetensors", model=model)
        except PermissionError:
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    tmp_path.chmod(0o755)
    assert os.waitstatus_to_exitcode(status) == 0
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["run.safetensors"]


def test_a_process_killed_while_it_writes_leaves_the_old_checkpoint(tmp_path):
    """The moment between the two files: the new one is there, but has not taken the old one's name."""
    path, model = tmp_path / "run.safetensors", nn.Linear(2, 2)
    checkpoints.save(path, model=model)
    before = path.read_bytes()
    child = os.fork()
    if child == 0:
        os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
        checkpoints.save(path, model=nn.Linear(2, 2))
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 2
    checkpoints.load(path, model=model)
    checkpoints.save(path, model=model)
    assert [p.name for p in tmp_path.iterdir()] == ["run.safetensors"]
