"""A loader's place in an epoch: saved, and taken up again."""

import numpy as np
import pytest

from needle_edu import checkpoints
from needle_edu.backend.errors import DataError
from needle_edu.data import DataLoader, NDArrayDataset, RandomFlipHorizontal

X, Y = np.arange(20, dtype=np.float32).reshape(10, 2), np.arange(10)
DATASET = NDArrayDataset(X, Y)


def loader(**options):
    return DataLoader(DATASET, 3, shuffle=True, **options)


@pytest.mark.parametrize("name", ["run.npz"])
@pytest.mark.parametrize("options", [{}, {"seed": 3}, {"num_workers": 2}])
@pytest.mark.parametrize("taken", [0, 1, 3, 4])
def test_the_next_loop_goes_on_with_the_next_batch(tmp_path, taken, options, name):
    first = loader(**options)
    batches = iter(first)
    for _ in range(taken):
        next(batches)
    checkpoints.save(tmp_path / name, loader=first, random=checkpoints.RandomNumbers())
    rest = [y.numpy().tolist() for _, y in iter(lambda: next(batches, None), None)]
    next_epoch = [y.numpy().tolist() for _, y in first]
    np.random.seed(99)
    second = loader(**options)
    checkpoints.load(tmp_path / name, loader=second, random=checkpoints.RandomNumbers())
    assert [y.numpy().tolist() for _, y in second] == rest and len(rest) == 4 - taken
    assert [y.numpy().tolist() for _, y in second] == next_epoch


def test_before_the_first_epoch_and_between_two():
    first, second = loader(), loader()
    second.load_state_dict(first.state_dict())
    assert len(list(second)) == 4
    list(first)
    second.load_state_dict(first.state_dict())
    assert len(list(second)) == 4
    fresh = loader()
    fresh.load_state_dict(first.state_dict())
    assert next(iter(fresh))[1].shape == (3,)


def test_next_without_iter_goes_on_too():
    first, second = loader(), loader()
    next(first)
    second.load_state_dict(first.state_dict())
    assert next(second)[1].numpy().tolist() == next(first)[1].numpy().tolist()


def test_a_loop_begun_anew_forgets_the_rest():
    first = loader()
    next(first)
    first.load_state_dict(first.state_dict())
    assert len(list(first)) == 3 and len(list(first)) == 4


def test_a_seed_says_everything():
    flipped = NDArrayDataset(np.arange(80.0).reshape(10, 2, 4, 1), Y, transforms=[RandomFlipHorizontal(0.5)])
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    made = DataLoader(flipped, 3, shuffle=True, seed=5)
    epochs = [[(x.numpy().tolist(), y.numpy().tolist()) for x, y in made] for _ in range(2)]
    assert (np.random.get_state()[1] == before).all()
    np.random.seed(1)
    again = DataLoader(flipped, 3, shuffle=True, seed=5)
    assert [[(x.numpy().tolist(), y.numpy().tolist()) for x, y in again] for _ in range(2)] == epochs
    other = DataLoader(flipped, 3, shuffle=True, seed=6)
    assert [(x.numpy().tolist(), y.numpy().tolist()) for x, y in other] != epochs[0]
    orders = [sum((y for _, y in epoch), []) for epoch in epochs]
    assert orders[0] != orders[1] and sorted(orders[0]) == list(range(10))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"x": 1}, "wanted epoch, order, ends, base, position"),
        ({"position": 5}, "do not fit together"),
        ({"position": -2}, "do not fit together"),
        ({"position": 1.5}, "position is a whole number"),
        ({"ends": np.array([3, 6, 9])}, "do not fit together"),
        ({"ends": np.array([6, 3, 9, 10])}, "do not fit together"),
        ({"order": np.arange(1, 11)}, "saved with example 10, but this data set has 10 examples"),
        ({"order": np.arange(10.0)}, "order is whole numbers"),
        ({"epoch": -2}, "do not fit together"),
    ],
)
def test_a_state_that_is_none(damage, words):
    made = loader()
    next(made)
    state = made.state_dict()
    with pytest.raises(DataError, match=words):
        made.load_state_dict({**state, **damage})
    assert len(list(iter(lambda: next(made, None), None))) == 3, "the loader is as it was"
