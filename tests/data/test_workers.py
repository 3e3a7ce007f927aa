"""Worker processes: the same batches, whoever reads them; and every way in which one can fail."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from needle_edu.backend.errors import WorkerError
from needle_edu.data import DataLoader, Dataset, NDArrayDataset, RandomCrop, RandomFlipHorizontal

METHODS = ["fork", "spawn"]
PICTURES = np.random.RandomState(0).rand(23, 4, 4, 1).astype("f4")
NUMBERS = np.arange(23)


def pictures():
    return NDArrayDataset(PICTURES, NUMBERS, transforms=[RandomFlipHorizontal(), RandomCrop(1)])


def contents(loader):
    return [tuple(field.numpy().tolist() for field in batch) for batch in loader]


class Waiting(Dataset):
    """Reading takes longer for some: a fast worker must not overtake a slow one."""

    def __len__(self):
        return 12

    def __getitem__(self, i):
        time.sleep(0.02 * (i % 3 == 0))
        return np.float32(i), os.getpid()


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


@pytest.mark.parametrize("method", METHODS)
def test_the_same_batches_for_any_number_of_workers(method):
    np.random.seed(0)
    one = DataLoader(pictures(), 4, shuffle=True, num_workers=1, multiprocessing_context="fork")
    wanted = [contents(one), contents(one)]
    after = np.random.rand()
    assert wanted[0] != wanted[1]
    crews = [(1, 1, True), (2, 2, True), (3, 1, False)]
    for workers, prefetch, persistent in crews if method == "fork" else crews[1:2]:
        np.random.seed(0)
        loader = DataLoader(
            pictures(),
            4,
            shuffle=True,
            num_workers=workers,
            prefetch_factor=prefetch,
            persistent_workers=persistent,
            multiprocessing_context=method,
        )
        assert [contents(loader), contents(loader)] == wanted
        assert np.random.rand() == after
        loader.close()


def test_with_a_seed_no_workers_give_the_same_too():
    loaders = [DataLoader(pictures(), 4, shuffle=True, num_workers=n, seed=8) for n in (0, 1, 2)]
    for _ in range(2):
        first, second, third = map(contents, loaders)
        assert first == second == third


def test_without_transforms_training_is_the_same_with_and_without_workers():
    """The workers take nothing from the global generator, so what is drawn beside them stays."""
    found = []
    for workers in (0, 2):
        np.random.seed(3)
        loader = DataLoader(NDArrayDataset(PICTURES, NUMBERS), 4, shuffle=True, num_workers=workers)
        found.append([(x.numpy().tolist(), np.random.rand()) for x, _ in loader])
    assert found[0] == found[1]


def test_batches_come_in_order_and_from_all_workers():
    batches = contents(DataLoader(Waiting(), 1, num_workers=3))
    assert [x for (x,), _ in batches] == list(range(12))
    pids = [pid for _, (pid,) in batches]
    assert len(set(pids)) == 3 and os.getpid() not in pids
    assert pids[0] == pids[3] == pids[6]


def test_batches_of_changing_size_and_with_nothing_in_them():
    class Growing(Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, i):
            return np.full(10 ** (i if i < 5 else 0), i, "f4"), np.zeros((0, 2)), i % 2 == 0

    batches = list(DataLoader(Growing(), 1, num_workers=2, prefetch_factor=1))
    assert [x.shape for x, _, _ in batches] == [(1, 10**i) for i in (0, 1, 2, 3, 4, 0)]
    assert all((x.numpy() == k).all() and e.shape == (1, 0, 2) for k, (x, e, _) in enumerate(batches))
    assert [b.numpy().tolist() for _, _, b in batches] == [[True], [False]] * 3
    assert list(DataLoader(NDArrayDataset(np.zeros((0, 2))), 2, num_workers=2)) == []


def test_a_batch_is_the_callers_own():
    """The memory it came through is used again; it is not."""
    batches = list(DataLoader(NDArrayDataset(NUMBERS.astype("f4")), 1, num_workers=1, prefetch_factor=1))
    assert [x.numpy().item() for (x,) in batches] == list(range(23))
    listed = list(DataLoader(PICTURES, 2, num_workers=2, prefetch_factor=1, collate_fn=list))
    np.testing.assert_array_equal(np.concatenate(listed), PICTURES)
    listed[0][0][:] = 1  # writable, and nobody else's


def test_a_collate_fn_gets_examples_of_any_kind():
    data = [("a", {"x": np.ones(3)}), ("b", {"x": np.zeros(2)}), ("c", None)]
    loader = DataLoader(data, 2, num_workers=2, collate_fn=lambda examples, device, dtype: (examples, dtype))
    (first, dtype), (second, _) = loader
    assert [word for word, _ in first] == ["a", "b"] and second == [("c", None)] and dtype is None
    assert first[0][1]["x"].tolist() == [1, 1, 1]


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
    loader = DataLoader(pictures(), 2, num_workers=1, prefetch_factor=1)
    next(loader)
    time.sleep(0.1)
    os.kill(loader._pool._crew[0].process.pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match=r"signal 9, SIGKILL\) before it began with batch|while reading"):
        list(iter(lambda: next(loader), None))


def test_a_data_set_that_cannot_be_sent():
    unsendable = NDArrayDataset(PICTURES, transforms=[lambda x: x])
    with pytest.raises(
        WorkerError, match="with 'spawn' the data set goes to the workers as a pickle.*lambda"
    ):
        list(DataLoader(unsendable, 2, num_workers=2, multiprocessing_context="spawn"))
    assert len(list(DataLoader(unsendable, 2, num_workers=2, multiprocessing_context="fork"))) == 12


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


def test_workers_that_stay_and_workers_that_go():
    loader = DataLoader(Waiting(), 3, num_workers=2, persistent_workers=True)
    first, second = ({pid for _, pids in contents(loader) for pid in pids} for _ in range(2))
    assert first == second and all(map(alive, first))
    loader.close()
    assert not any(map(alive, first))
    assert {pid for _, pids in contents(loader) for pid in pids}.isdisjoint(first)
    loader.close()
    loader = DataLoader(Waiting(), 3, num_workers=2)
    first = {pid for _, pids in contents(loader) for pid in pids}
    assert not any(map(alive, first))


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


PROGRAM = """
import os, sys, time
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
        said, errors = process.communicate(timeout=60)
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


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"num_workers": -1}, ValueError, "num_workers is a whole number of at least 0, got -1"),
        ({"num_workers": 1.5}, ValueError, "num_workers"),
        ({"num_workers": 1, "prefetch_factor": 0}, ValueError, "prefetch_factor is .* at least 1, got 0"),
        ({"num_workers": 1, "persistent_workers": "no"}, ValueError, "persistent_workers"),
        (
            {"num_workers": 1, "multiprocessing_context": "thread"},
            ValueError,
            "one of fork, spawn, forkserver",
        ),
        ({"multiprocessing_context": "fork"}, ValueError, "for num_workers of at least 1, got 0"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": "a"}, ValueError, "seed"),
    ],
)
def test_options_that_make_no_sense(options, error, words):
    with pytest.raises(error, match=words):
        DataLoader(pictures(), 2, **options)
