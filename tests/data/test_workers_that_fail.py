"""Worker processes that fail: an exception, a death, Ctrl-C, a parent that is killed; nothing of them stays."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from needle_edu.backend.errors import WorkerError
from needle_edu.data import DataLoader, Dataset, NDArrayDataset

METHODS = ["fork", "spawn"]
NUMBERS = np.arange(23)


class Failing(Dataset):
    """Example 5 fails in the way that was asked for."""

    def __init__(self, how):
        super().__init__()
        self.how = how

    def __len__(self):
        return 8

    def __getitem__(self, i):
        if i == 5:
            if self.how == "raise":
                raise KeyError("5.png")
            if self.how == "raise what cannot travel":
                raise Unpicklable(3, 4)
            if self.how == "exit":
                os._exit(7)
            if self.how == "hang":
                time.sleep(600)
            os.kill(os.getpid(), signal.SIGKILL)
        return np.float32(i)


class Unpicklable(Exception):
    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(("method", "batch_size"), [("fork", 1), ("fork", 3), ("spawn", 3)])
def test_an_exception_names_the_example_and_where_it_was_raised(method, batch_size):
    loader = DataLoader(Failing("raise"), batch_size, num_workers=2, multiprocessing_context=method)
    for _ in range(2):  # the next epoch starts anew
        seen = []
        with pytest.raises(KeyError, match=r"5\.png") as error:
            for (x,) in loader:
                seen += x.numpy().tolist()
        assert seen == list(range(5 // batch_size * batch_size))
        notes = "\n".join(error.value.__notes__)
        assert "reading example 5 of a Failing" in notes and "in worker" in notes and "__getitem__" in notes
    assert loader._pool._crew == []


def test_an_exception_that_cannot_travel():
    with pytest.raises(WorkerError, match="(?s)Unpicklable: 3 and 4.*reading example 5 of a Failing"):
        list(DataLoader(Failing("raise what cannot travel"), 2, num_workers=1))


@pytest.mark.parametrize(
    ("method", "how", "words"),
    [
        ("fork", "kill", "signal 9, SIGKILL"),
        ("fork", "exit", "exit status 7"),
        ("spawn", "kill", "signal 9, SIGKILL"),
    ],
)
def test_the_death_of_a_worker_names_the_example(method, how, words):
    loader = DataLoader(Failing(how), 2, num_workers=2, multiprocessing_context=method)
    seen = []
    with pytest.raises(WorkerError, match=rf"worker 0 died \({words}\) while reading example 5 of a Failing"):
        for (x,) in loader:
            seen += x.numpy().tolist()
    assert seen == [0, 1, 2, 3]


def test_the_death_of_a_worker_that_reads_many_at_once():
    class Deadly(NDArrayDataset):
        many_at_once = True

        def __getitem__(self, index):
            os._exit(3)

    with pytest.raises(WorkerError, match=r"while reading batch 0 \(examples 0, 1, 2, 3\) of a Deadly"):
        list(DataLoader(Deadly(NUMBERS), 4, num_workers=1))


def test_a_worker_killed_from_outside_while_it_waits():
    loader = DataLoader(NDArrayDataset(NUMBERS), 2, num_workers=1, prefetch_factor=1)
    next(loader)
    time.sleep(0.1)
    os.kill(loader._pool._crew[0].process.pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match=r"signal 9, SIGKILL\) before it began with batch|while reading"):
        list(iter(lambda: next(loader), None))


def test_a_loop_that_is_left_ends_its_workers():
    loader = DataLoader(Failing("hang"), 2, num_workers=2, persistent_workers=True)
    for _ in loader:
        break
    pids = [worker.process.pid for worker in loader._pool._crew]
    start = time.monotonic()
    next(iter(loader))
    assert not any(map(alive, pids)) and time.monotonic() - start < 30
    pids = [worker.process.pid for worker in loader._pool._crew]
    del loader
    assert not any(map(alive, pids))


PROGRAM = """
import os, signal, sys, time
import numpy as np
from needle_edu.data import DataLoader, Dataset

class Slow(Dataset):
    def __len__(self):
        return 1000
    def __getitem__(self, i):
        if i >= 4:
            time.sleep(600)
        return np.float32(i), os.getpid()

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    loader = DataLoader(Slow(), 1, num_workers=2, multiprocessing_context=sys.argv[1])
    try:
        for x, pid in loader:
            print(pid.numpy().item(), flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize(
    ("method", "how"),
    [
        *[("fork", how) for how in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)],
        ("spawn", signal.SIGKILL),
        ("spawn", signal.SIGINT),
    ],
)
def test_workers_die_with_their_parent_and_ctrl_c_ends_the_loop(tmp_path, method, how):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, str(tmp_path / "program.py"), method]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        pids = {int(process.stdout.readline()) for _ in range(4)}
        assert len(pids) == 2 and all(map(alive, pids))
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does: everybody gets it
        else:
            process.send_signal(how)
        try:
            said, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert said == ("interrupted\n" if how == signal.SIGINT else "") and errors == ""
    deadline = time.monotonic() + 30
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, pids))


def test_a_script_without_the_guard_is_told(tmp_path):
    """With spawn each worker runs the script once more; Python refuses to let it start workers of its own."""
    lines = PROGRAM.replace('if __name__ == "__main__":', "if True:")
    (tmp_path / "program.py").write_text(lines)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py"), "spawn"], capture_output=True, text=True, timeout=120
    )
    assert "WorkerError: DataLoader: worker" in done.stderr and "does the script begin with" in done.stderr
