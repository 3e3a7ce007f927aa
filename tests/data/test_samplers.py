"""Samplers: which examples, in which order, and what is drawn for it."""

import numpy as np
import pytest

from needle_edu.backend.errors import DataError, IndexOutOfRange
from needle_edu.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    NDArrayDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    WeightedRandomSampler,
    random_split,
)

X, Y = np.arange(20, dtype=np.float32).reshape(10, 2), np.arange(10)
DATASET = NDArrayDataset(X, Y)


def labels(loader):
    return [y.numpy().tolist() for _, y in loader]


def test_a_loader_with_a_sampler():
    assert labels(DataLoader(DATASET, 2, sampler=[5, 5, 1])) == [[5, 5], [1]]
    assert labels(DataLoader(DATASET, 2, sampler=[5, 5, 1], drop_last=True)) == [[5, 5]]
    assert labels(DataLoader(DATASET, batch_sampler=[[1], [2, 3, 4]])) == [[1], [2, 3, 4]]
    assert labels(DataLoader(DATASET, batch_sampler=BatchSampler(SequentialSampler(DATASET), 4, True))) == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
    ]
    assert len(DataLoader(DATASET, 2, sampler=[5, 5, 1])) == 2
    assert len(DataLoader(DATASET, batch_sampler=[[1], [2, 3, 4]])) == 2


def test_a_random_sampler_is_what_shuffle_does():
    np.random.seed(1)
    a = labels(DataLoader(DATASET, 3, shuffle=True))
    np.random.seed(1)
    assert labels(DataLoader(DATASET, 3, sampler=RandomSampler(DATASET))) == a
    np.random.seed(1)
    order = np.arange(10)
    np.random.shuffle(order)
    assert sum(a, []) == order.tolist()


def test_more_and_fewer_samples_than_examples():
    assert sorted(RandomSampler(range(4), num_samples=8)) == [0, 0, 1, 1, 2, 2, 3, 3]
    fewer = list(RandomSampler(range(100), num_samples=7))
    assert len(set(fewer)) == 7
    again = list(RandomSampler(range(5), replacement=True, num_samples=200))
    assert set(again) == set(range(5)) and len(again) == 200
    assert list(RandomSampler([])) == [] and len(RandomSampler(range(4), True)) == 4


def test_weights():
    np.random.seed(0)
    drawn = list(WeightedRandomSampler([0, 1, 3, 0, 4], 4000))
    shares = np.bincount(drawn, minlength=5) / 4000
    np.testing.assert_allclose(shares, [0, 0.125, 0.375, 0, 0.5], atol=0.03)
    assert sorted(WeightedRandomSampler([1, 2, 0, 5], 3, replacement=False)) == [0, 1, 3]
    np.random.seed(3)
    wanted = np.random.choice(3, 5, p=np.array([1, 2, 1]) / 4).tolist()
    np.random.seed(3)
    assert list(WeightedRandomSampler([1, 2, 1], 5)) == wanted


def test_subset_random():
    sampler = SubsetRandomSampler([3, 7, 9, 1])
    assert sorted(sampler) == [1, 3, 7, 9] and len(sampler) == 4
    assert any(list(sampler) != list(sampler) for _ in range(5))


def test_somebodys_own_sampler():
    class Twice(Sampler):
        def __len__(self):
            return 4

        def __iter__(self):
            return iter([0, 0, 1, 1])

    assert labels(DataLoader(DATASET, 3, sampler=Twice())) == [[0, 0, 1], [1]]
    with pytest.raises(NotImplementedError, match="Sampler must define indices"):
        list(Sampler())
    with pytest.raises(NotImplementedError, match="Sampler must define __len__"):
        len(Sampler())


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (
            lambda: DataLoader(DATASET, sampler=5),
            TypeError,
            "sampler has a length and gives numbers, got an int",
        ),
        (lambda: DataLoader(DATASET, sampler=iter([1])), TypeError, "sampler has a length"),
        (
            lambda: DataLoader(DATASET, sampler=[1], shuffle=True),
            ValueError,
            "shuffle=True and a sampler both",
        ),
        (lambda: DataLoader(DATASET, 2, batch_sampler=[[1]]), ValueError, "a batch_sampler says all"),
        (lambda: list(DataLoader(DATASET, sampler=[1.5])), DataError, r"gives whole numbers.*\[1.5\]"),
        (lambda: list(DataLoader(DATASET, batch_sampler=[3, 4])), TypeError, "not iterable"),
        (lambda: list(DataLoader(DATASET, sampler=[3, 10])), IndexError, "10"),
        (lambda: BatchSampler([1], 0), DataError, "batch_size"),
        (lambda: BatchSampler(5, 1), TypeError, "got an int"),
        (lambda: RandomSampler([1], "yes"), ValueError, "replacement"),
        (lambda: RandomSampler([1], num_samples=0), DataError, "num_samples"),
        (lambda: list(RandomSampler([], num_samples=1)), DataError, "1 samples of no examples"),
        (lambda: WeightedRandomSampler([[1]], 1), DataError, r"shape \(n,\), got \(1, 1\)"),
        (lambda: WeightedRandomSampler([1, -1], 1), DataError, "at least 0, and not all 0"),
        (lambda: WeightedRandomSampler([0, 0], 1), DataError, "not all 0"),
        (lambda: WeightedRandomSampler([1, np.nan], 1), DataError, "finite"),
        (lambda: WeightedRandomSampler([1, 0], 2, replacement=False), DataError, "only 1 weights above 0"),
        (lambda: SubsetRandomSampler(["a"]), DataError, "whole numbers"),
        (lambda: Subset(DATASET, [3, 10]), IndexOutOfRange, "example 10 of a data set of 10"),
        (lambda: ConcatDataset(), DataError, "at least one"),
        (lambda: ConcatDataset(5, 6), TypeError, "got an int"),
        (lambda: ConcatDataset("ab", "c")[3], IndexOutOfRange, "example 3 of 3"),
        (lambda: ConcatDataset("ab", "c")[-4], IndexOutOfRange, "example -4 of 3"),
        (lambda: random_split(DATASET, [3, 4]), DataError, "add up to 7, but there are 10"),
        (lambda: random_split(DATASET, [0.5, 0.4]), DataError, "shares add up to 1"),
        (lambda: random_split(DATASET, [11, -1]), DataError, "at least 0"),
        (lambda: random_split(DATASET, []), DataError, "sizes or shares"),
    ],
)
def test_what_makes_no_sense_is_said(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_subset():
    some = Subset(DATASET, [7, -1, 2])
    assert [int(y) for _, y in some] == [7, 9, 2] and len(some) == 3 and some.indices.tolist() == [7, 9, 2]
    assert labels(DataLoader(some, 2)) == [[7, 9], [2]]
    assert Subset(some, [2, 0])[0][1] == 2
    words = Subset(["a", "b", "c"], [2, 0])
    assert [words[0], words[1], words[-1]] == ["c", "a", "a"]


def test_concat():
    both = ConcatDataset(DATASET, NDArrayDataset(X[:0], Y[:0]), Subset(DATASET, [3]))
    assert len(both) == 11 and [int(both[i][1]) for i in (0, 9, 10, -1, -11)] == [0, 9, 3, 3, 0]
    assert labels(DataLoader(both, 4))[-1] == [8, 9, 3]
    assert len(ConcatDataset([["a"], ["b"]])) == 2


def test_random_split():
    parts = random_split(DATASET, [7, 3], seed=2)
    assert [len(part) for part in parts] == [7, 3]
    numbers = [[int(y) for _, y in part] for part in parts]
    assert sorted(sum(numbers, [])) == list(range(10)) and sum(numbers, []) != list(range(10))
    assert [[int(y) for _, y in part] for part in random_split(DATASET, [7, 3], seed=2)] == numbers
    assert [[int(y) for _, y in part] for part in random_split(DATASET, [7, 3], seed=3)] != numbers
    assert [len(part) for part in random_split(DATASET, [1 / 3, 1 / 3, 1 / 3])] == [4, 3, 3]
    assert [len(part) for part in random_split(range(7), [0.5, 0.5])] == [4, 3]
    np.random.seed(0)
    (whole,) = random_split(range(5), [5])
    np.random.seed(0)
    assert whole.indices.tolist() == np.random.permutation(5).tolist()
