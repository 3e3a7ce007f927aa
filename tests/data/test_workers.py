"""Worker processes: the same batches, whoever reads them; and every way in which one can fail."""

import os
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


def test_each_epoch_and_each_state_of_the_generator_has_its_own_transforms():
    np.random.seed(0)
    first, second = (DataLoader(pictures(), 4, num_workers=1) for _ in range(2))
    epochs = [contents(first), contents(first), contents(second)]
    np.random.seed(1)
    epochs.append(contents(DataLoader(pictures(), 4, num_workers=1)))
    assert epochs[0] == epochs[2] and epochs[0] != epochs[1] and epochs[0] != epochs[3]
    x = np.array([row for batch, _ in epochs[0] for row in batch])
    assert not np.array_equal(x, PICTURES)


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


def test_a_data_set_that_cannot_be_sent():
    unsendable = NDArrayDataset(PICTURES, transforms=[lambda x: x])
    with pytest.raises(
        WorkerError, match="with 'spawn' the data set goes to the workers as a pickle.*lambda"
    ):
        list(DataLoader(unsendable, 2, num_workers=2, multiprocessing_context="spawn"))
    assert len(list(DataLoader(unsendable, 2, num_workers=2, multiprocessing_context="fork"))) == 12


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
