"""Sequences of different lengths: filled up to one batch, and batches of those of like length."""

from functools import partial

import numpy as np
import pytest

from needle_edu import nn
from needle_edu.backend.errors import DataError
from needle_edu.data import BucketBatchSampler, DataLoader, collate_padded

ROWS = [([5, 3, 8], 1), ([7], 0), ([2, 2], 1), ([], 0), ([9, 9, 9, 9], 1)]


def test_each_row_is_its_sequence_and_then_padding():
    x, y, lengths = collate_padded(ROWS, padding_value=-1)
    assert x.numpy().tolist() == [[5, 3, 8, -1], [7, -1, -1, -1], [2, 2, -1, -1], [-1] * 4, [9] * 4]
    assert y.numpy().tolist() == [1, 0, 1, 0, 1] and lengths.numpy().tolist() == [3, 1, 2, 0, 4]
    assert x.dtype == y.dtype == lengths.dtype == "int64" and not x.requires_grad


def test_sequences_of_vectors_and_two_of_them():
    rng = np.random.default_rng(0)
    first, second = [rng.standard_normal((n, 2)) for n in (2, 3)], [np.arange(n) for n in (4, 1)]
    x, z, lengths = collate_padded(list(zip(first, second, strict=True)), dtype="float64")
    assert x.shape == (2, 3, 2) and x.dtype == "float64" and lengths.numpy().tolist() == [2, 3]
    np.testing.assert_array_equal(x.numpy()[0], [*first[0], [0, 0]])
    assert z.numpy().tolist() == [[0, 1, 2, 3], [0, 0, 0, 0]]


def test_a_loader_gives_what_recurrent_layers_pack():
    loader = DataLoader(ROWS[:3], 2, collate_fn=partial(collate_padded, padding_value=9))
    (x, _, lengths), (last, _, _) = loader
    assert x.numpy().tolist() == [[5, 3, 8], [7, 9, 9]] and last.numpy().tolist() == [[2, 2]]
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths.numpy(), batch_first=True)
    assert packed.data.numpy().tolist() == [5, 7, 3, 8]


@pytest.mark.parametrize(
    "batch, options, message",
    [
        ([], {}, "wanted examples with one number of fields"),
        ([([1], 2), ([1],)], {}, r"one number of fields, got \[2, 1\]"),
        ([3, 4], {}, "wanted a sequence in the first field of each example"),
        ([np.ones((2, 3)), np.ones((2, 4))], {}, "field 0: sequences differ in length alone, got shapes"),
        ([([1], 2), ([1], [2])], {}, "field 1: sequences differ in length alone"),
        ([["a"], ["b", "c"]], {}, "field 0: wanted numbers, got <U1"),
        ([[1], [1, 2]], {"padding_value": 0.5}, "field 0: int64 cannot hold the padding_value 0.5"),
        ([[1], [1, 2]], {"padding_value": 1e30}, r"field 0: int64 cannot hold the padding_value 1e\+30"),
    ],
)
def test_what_does_not_fit_together(batch, options, message):
    with pytest.raises(DataError, match=f"^collate_padded: .*{message}"):
        collate_padded(batch, **options)


def test_every_example_comes_once_and_lengths_are_alike(rng):
    np.random.seed(3)
    lengths = rng.integers(1, 100, 205)
    sampler = BucketBatchSampler(lengths, 8, bucket_batches=5)
    batches = list(sampler)
    assert len(batches) == len(sampler) == 26
    assert sorted(np.concatenate(batches).tolist()) == list(range(205))
    filled = sum(len(b) * lengths[b].max() for b in batches) / lengths.sum()
    alone = sum(len(b) * lengths[b].max() for b in np.array_split(np.arange(205), 26)) / lengths.sum()
    assert filled < 1.3 < 1.6 < alone


def test_what_is_in_a_batch_and_their_order_change():
    np.random.seed(3)
    lengths = np.arange(205)  # all different: sorted as a whole they would give the same batches for ever

    def epoch(bucket_batches):
        return [b.tolist() for b in BucketBatchSampler(lengths, 8, bucket_batches=bucket_batches)]

    assert {*map(frozenset, epoch(5))} != {*map(frozenset, epoch(5))}
    one = epoch(100)
    assert {*map(frozenset, one)} == {*map(frozenset, epoch(100))}
    assert one != sorted(one) and one != epoch(100)


def test_a_seed_gives_the_same_batches(rng):
    lengths, found = rng.integers(1, 30, 50), []
    for _ in range(2):
        np.random.seed(7)
        found.append([batch.tolist() for batch in BucketBatchSampler(lengths, 4, bucket_batches=3)])
    assert found[0] == found[1]


def test_sorted_where_nothing_is_shuffled():
    np.random.seed(1)
    before = np.random.get_state()[2]
    batches = [b.tolist() for b in BucketBatchSampler([5, 1, 5, 0, 2], 2, shuffle=False)]
    assert batches == [[3, 1], [4, 0], [2]] and np.random.get_state()[2] == before
    left = BucketBatchSampler([5, 1, 5, 0, 2], 2, shuffle=False, drop_last=True)
    assert [b.tolist() for b in left] == [[3, 1], [4, 0]] and len(left) == 2
    assert list(BucketBatchSampler([], 2)) == [] and len(BucketBatchSampler([], 2)) == 0


def test_a_loader_of_buckets():
    sampler = BucketBatchSampler([len(x) for x, _ in ROWS], 2, shuffle=False)
    loader = DataLoader(ROWS, batch_sampler=sampler, collate_fn=collate_padded)
    assert [x.shape for x, _, _ in loader] == [(2, 1), (2, 3), (1, 4)]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([1.5], 2), "lengths are whole numbers, one for each example, got float64"),
        (([[1, 2]], 2), "lengths are whole numbers, one for each example, got int64 of shape"),
        (([[1], [1, 2]], 2), "lengths are numbers, one for each example"),
        (([1], 0), "batch_size is a whole number of at least 1, got 0"),
        (([1], 1, True, 0), "bucket_batches is a whole number of at least 1, got 0"),
    ],
)
def test_wrong_samplers(arguments, message):
    with pytest.raises(DataError, match=f"^BucketBatchSampler: {message}"):
        BucketBatchSampler(*arguments)
    with pytest.raises(ValueError, match="BucketBatchSampler: shuffle is True or False, got 'no'"):
        BucketBatchSampler([1], 1, shuffle="no")
