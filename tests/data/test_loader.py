"""DataLoader: order, batch sizes, what comes out, and the edges."""

import numpy as np
import pytest

from needle_edu import init
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import DataError
from needle_edu.data import DataLoader, Dataset, NDArrayDataset, RandomFlipHorizontal

X = np.arange(20, dtype=np.float32).reshape(10, 2)
Y = np.arange(10)
DATASET = NDArrayDataset(X, Y)


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(1, [1] * 10), (3, [3, 3, 3, 1]), (5, [5, 5]), (10, [10]), (99, [10])]
)
def test_batches_cover_everything_in_order_and_keep_the_rest(batch_size, sizes):
    loader = DataLoader(DATASET, batch_size)
    batches = list(loader)
    assert len(loader) == len(sizes) and [len(y) for _, y in batches] == sizes
    np.testing.assert_array_equal(np.concatenate([x.numpy() for x, _ in batches]), X)
    np.testing.assert_array_equal(np.concatenate([y.numpy() for _, y in batches]), Y)


def test_batches_are_tuples_of_tensors_without_gradient():
    batch = next(iter(DataLoader(DATASET, 4)))
    assert type(batch) is tuple and all(isinstance(t, Tensor) and not t.requires_grad for t in batch)
    assert batch[0].dtype == "float32" and batch[1].dtype.kind == "i"
    (only,) = next(iter(DataLoader(NDArrayDataset(X), 4)))
    assert only.shape == (4, 2)


def test_changing_a_batch_does_not_change_the_data_set():
    x, _ = next(iter(DataLoader(DATASET, 10)))
    x.realize_cached_data()[0] = 77
    assert X[0].tolist() == [0, 1]


def test_shuffling_draws_one_shuffle_at_each_iter():
    loader = DataLoader(DATASET, 3, shuffle=True)
    init.seed(2)
    epochs = [np.concatenate([y.numpy() for _, y in loader]).tolist() for _ in range(3)]
    follower = np.random.rand()
    rng = np.random.RandomState(2)
    for epoch in epochs:
        order = np.arange(10)
        rng.shuffle(order)
        assert epoch == order.tolist()
    assert follower == rng.rand() and epochs[0] != epochs[1]


def test_nothing_is_drawn_without_shuffling():
    init.seed(2)
    list(DataLoader(DATASET, 3))
    assert np.random.rand() == np.random.RandomState(2).rand()


def test_iter_of_a_loader_is_the_loader_and_starts_again():
    loader = DataLoader(DATASET, 4)
    assert iter(loader) is loader
    next(loader)
    next(loader)
    assert [len(y) for _, y in loader] == [4, 4, 2]
    with pytest.raises(StopIteration):
        next(loader)
    with pytest.raises(StopIteration):
        next(loader)
    assert len(list(loader)) == 3
    fresh = DataLoader(DATASET, 4)
    assert next(fresh)[1].numpy().tolist() == [0, 1, 2, 3]


def test_drop_last():
    loader = DataLoader(DATASET, 4, drop_last=True)
    assert len(loader) == 2 and [len(y) for _, y in loader] == [4, 4]


def test_an_empty_data_set_gives_no_batches():
    loader = DataLoader(NDArrayDataset(np.zeros((0, 2))), 4, shuffle=True)
    assert len(loader) == 0 and list(loader) == []


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, None, "3"])
def test_a_batch_size_that_is_none_is_said(batch_size):
    with pytest.raises(DataError, match="batch_size"):
        DataLoader(DATASET, batch_size)


def test_any_object_with_length_and_items_will_do():
    class Plain:
        def __len__(self):
            return 5

        def __getitem__(self, i):
            return np.full((2,), i, dtype=np.float32), i

    (x, y) = list(DataLoader(Plain(), 3))[1]
    assert x.numpy().tolist() == [[3, 3], [4, 4]] and y.numpy().tolist() == [3, 4]
    ((only,),) = list(DataLoader([1.5, 2.5], 2))
    assert only.numpy().tolist() == [1.5, 2.5]


def test_a_subclass_with_one_example_in_mind_is_asked_one_by_one():
    class Signed(NDArrayDataset):
        def __getitem__(self, i):
            x, y = super().__getitem__(i)
            return (-x if y % 2 else x), y  # would fail on an array of labels

    ((x, _),) = list(DataLoader(Signed(X, Y), 10))
    np.testing.assert_array_equal(x.numpy(), X * np.where(Y % 2, -1, 1)[:, None])

    class Bare(Dataset):  # no super().__init__()
        def __init__(self):
            self.n = 3

        def __len__(self):
            return self.n

        def __getitem__(self, i):
            return self.apply_transforms(np.float32(i))

    assert [t.numpy().tolist() for (t,) in DataLoader(Bare(), 2)] == [[0, 1], [2]]


def test_transforms_are_drawn_image_by_image_in_batch_order():
    images = np.random.RandomState(0).rand(6, 2, 3, 1).astype(np.float32)
    loader = DataLoader(NDArrayDataset(images, transforms=[RandomFlipHorizontal(0.5)]), 6)
    init.seed(9)
    ((batch,),) = list(loader)
    rng = np.random.RandomState(9)
    for ours, image in zip(batch.numpy(), images, strict=True):
        np.testing.assert_array_equal(ours, image[:, ::-1] if rng.rand() < 0.5 else image)


def test_an_error_says_which_example_it_came_from_and_the_next_epoch_starts_anew():
    class Damaged(Dataset):
        def __len__(self):
            return 5

        def __getitem__(self, i):
            if i == 3:
                raise OSError("3.png is damaged")
            return np.float32(i)

    loader = DataLoader(Damaged(), 2)
    for _ in range(2):
        seen = []
        with pytest.raises(OSError, match="damaged") as error:
            for (x,) in loader:
                seen.append(x.numpy().tolist())
        assert seen == [[0, 1]] and "example 3 of a Damaged" in error.value.__notes__[0]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_example_that_stops_does_not_end_the_epoch_in_silence(workers):
    class Ended(Dataset):
        def __len__(self):
            return 5

        def __getitem__(self, i):
            return next(iter([] if i == 3 else [np.float32(i)]))

    with pytest.raises(DataError, match="example 3 of an Ended raised StopIteration"):
        list(DataLoader(Ended(), 2, num_workers=workers))


@pytest.mark.parametrize(
    ("examples", "words"),
    [
        ([np.ones(3), np.ones(2)], r"field 0 has shape \(3,\) in one example and \(2,\) in another"),
        ((np.ones((5, 3)), np.ones(5)), r"NDArrayDataset\(x, y\)"),
        ([(1, 2), (1, 2, 3)], r"numbers of fields: \[2, 3\]"),
        ([(1.0, "cat"), (2.0, "dog")], "field 1 .* no number .*'cat'"),
        ([{"x": 1}], "field 0 .* no number"),
        ([None], "field 0 .* None"),
    ],
)
def test_examples_that_make_no_batch_are_said(examples, words):
    with pytest.raises(DataError, match=words):
        list(DataLoader(examples, 2))


@pytest.mark.parametrize("wrong", [5, (i for i in range(3)), None])
def test_what_is_no_data_set_is_said(wrong):
    with pytest.raises(TypeError, match=f"{type(wrong).__name__}.*NDArrayDataset"):
        DataLoader(wrong, 2)


def test_transforms_that_are_no_list_or_forget_to_return():
    with pytest.raises(TypeError, match=r"transforms is a list"):
        NDArrayDataset(X, transforms=RandomFlipHorizontal())
    with pytest.raises(DataError, match="return"):
        NDArrayDataset(X, transforms=[lambda x: None])[0]
    assert NDArrayDataset(X, transforms=[lambda x: x])[0:0][0].shape == (0, 2)


def test_rows_of_different_lengths_are_said():
    with pytest.raises(DataError, match="different lengths"):
        NDArrayDataset([[1, 2], [3]])


def test_repr():
    assert repr(DataLoader(DATASET, 3, shuffle=True)) == (
        "DataLoader(NDArrayDataset(10 examples), batch_size=3, shuffle=True)"
    )
    assert repr(DataLoader([1, 2], 3)) == "DataLoader(list, batch_size=3, shuffle=False)"
    assert repr(Dataset()) == "Dataset()"


def test_an_unfinished_data_set_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="Mine must define __len__"):
        len(type("Mine", (Dataset,), {})())
    with pytest.raises(NotImplementedError, match="Mine must define __getitem__"):
        type("Mine", (Dataset,), {})()[0]
