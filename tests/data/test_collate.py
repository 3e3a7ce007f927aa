"""collate_fn: who makes a batch of the examples, with what, and what comes out."""

import numpy as np
import pytest

from needle_edu import cpu
from needle_edu.backend.errors import DataError
from needle_edu.data import DataLoader, NDArrayDataset, collate_ndarray, collate_padded

DATA = NDArrayDataset(np.arange(10.0).reshape(5, 2), np.arange(5))


def test_it_gets_the_examples_and_its_answer_is_handed_over():
    got = []

    def collate(examples):
        got.append([int(y) for _, y in examples])
        return {"n": len(examples)}

    assert list(DataLoader(DATA, 2, collate_fn=collate)) == [{"n": 2}, {"n": 2}, {"n": 1}]
    assert got == [[0, 1], [2, 3], [4]]


def test_device_and_dtype_go_to_one_that_has_them():
    def collate(examples, device, dtype):
        return len(examples), device, dtype

    loader = DataLoader(DATA, 4, collate_fn=collate, drop_last=True, device=cpu(), dtype="float64")
    assert list(loader) == [(4, cpu(), "float64")]


@pytest.mark.parametrize("options", [{}, {"collate_fn": collate_ndarray}])
def test_the_usual_way_and_needles_name_are_one(options):
    batches = list(DataLoader(DATA, 3, dtype="float64", **options))
    assert [x.dtype for x, _ in batches] == ["float64"] * 2 and batches[0][1].dtype == np.int64
    np.testing.assert_array_equal(batches[1][0].numpy(), [[6, 7], [8, 9]])
    assert not any(t.requires_grad for batch in batches for t in batch)


def test_refusals():
    with pytest.raises(TypeError, match="collate_fn makes a batch of a list of examples, got 'stack'"):
        DataLoader(DATA, collate_fn="stack")
    with pytest.raises(Exception, match="DataLoader: batches .*float"):
        DataLoader(DATA, dtype="int32")
    with pytest.raises(DataError, match="a batch of no examples"):
        collate_ndarray([])


@pytest.mark.parametrize("collate", [collate_ndarray, collate_padded], ids=lambda collate: collate.__name__)
def test_a_field_without_a_shape_is_refused(collate):
    with pytest.raises(DataError, match="^a field of an example has rows of different lengths"):
        collate([([[1], [2, 3]], 0)])
