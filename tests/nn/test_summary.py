"""summary: shapes, parameters, FLOPs and bytes of each layer, counted by hand; the model is left as it was."""

import numpy as np
import pytest

from needle_edu import Tensor, autograd, init, nn
from needle_edu.autograd import events, registry
from needle_edu.nn.flops import MOVES, VIEWS, flops


def test_every_name_is_an_op():
    assert set(registry.ops()) >= MOVES > VIEWS


@pytest.mark.parametrize(
    ("op", "attrs", "inputs", "output", "count"),
    [
        ("matmul", {}, [(3, 4), (4, 5)], (3, 5), 2 * 3 * 4 * 5),
        ("matmul", {}, [(2, 3, 4), (2, 4, 5)], (2, 3, 5), 2 * 2 * 3 * 4 * 5),
        ("matmul", {}, [(4,), (4,)], (), 8),
        ("conv", {}, [(2, 8, 8, 3), (5, 5, 3, 7)], (2, 4, 4, 7), 2 * (2 * 4 * 4 * 7) * (5 * 5 * 3)),
        ("conv2d", {}, [(2, 6, 8, 8), (4, 3, 5, 5)], (2, 4, 4, 4), 2 * (2 * 4 * 4 * 4) * (3 * 5 * 5)),
        ("conv1d", {}, [(2, 6, 8), (4, 6, 5)], (2, 4, 4), 2 * (2 * 4 * 4) * (6 * 5)),
        ("conv_transpose2d", {}, [(2, 6, 4, 4), (6, 3, 2, 2)], (2, 3, 8, 8), 2 * (2 * 6 * 4 * 4) * (3 * 2 * 2)),
        ("max_pool2d", {"kernel_size": (2, 3)}, [(1, 1, 4, 6)], (1, 1, 2, 2), 4 * 6),
        ("avg_pool1d", {"kernel_size": 3}, [(1, 1, 6)], (1, 1, 2), 6),
        ("avg_pool2d", {"kernel_size": 3}, [(1, 1, 6, 6)], (1, 1, 2, 2), 36),
        ("batch_norm", {}, [(4, 3, 2), (3,), (3,)], (4, 3, 2), 7 * 24),
        ("summation", {"axes": 1}, [(3, 4)], (3,), 12),
        ("add", {}, [(3, 4), (4,)], (3, 4), 12),
        ("reshape", {"shape": (12,)}, [(3, 4)], (12,), 0),
    ],
)  # fmt: skip
def test_counts(op, attrs, inputs, output, count):
    assert flops(op, attrs, inputs, output) == count


def test_a_convolutional_network_by_hand():
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6 * 14 * 14, 10)
    )
    model[0].bias.requires_grad_(False)
    told = nn.summary(model, (2, 1, 28, 28))
    assert [row.shape for row in told.rows] == [
        "(2, 10)", "(2, 6, 28, 28)", "(2, 6, 28, 28)", "(2, 6, 14, 14)", "(2, 1176)", "(2, 10)",
    ]  # fmt: skip
    assert [row.parameters for row in told.rows] == [0, 156, 0, 0, 0, 11_770]
    pixels = 2 * 6 * 28 * 28
    assert [row.flops for row in told.rows] == [
        0, 2 * pixels * 25 + pixels, pixels, pixels, 0, 2 * 2 * 1176 * 10 + 20,
    ]  # fmt: skip
    assert [row.nbytes for row in told.rows] == [0, 8 * pixels, 4 * pixels, pixels, 0, 160]
    assert (told.parameters, told.trainable, told.parameter_bytes) == (11_926, 11_920, 47_704)
    assert told.flops == sum(row.flops for row in told.rows)


class Shared(nn.Module):
    """One layer called twice, one never; two inputs, two outputs, an op of its own."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(3, 3, bias=False))
        self.again = self.inner
        self.never = nn.ReLU()
        self.tied = self.also = self.inner.modules[0].weight

    def forward(self, x, z):
        y = self.inner(self.again(x))
        return y * z, [y]


def test_modules_that_are_called_twice_or_never():
    told = nn.summary(Shared(), (2, 3), Tensor(np.ones((2, 3))))
    assert [(row.path, row.depth, row.shape, row.parameters, row.flops) for row in told.rows] == [
        ("", 0, "(2, 3), (2, 3)", 9, 6),  # the tied weight stands here first
        ("inner", 1, "(2, 3)", 0, 0),
        ("inner.modules.0", 2, "(2, 3)", 0, 72),
        ("never", 1, "", 0, 0),
    ]
    assert told.parameters == 9 and told.flops == 78
    assert "never: ReLU()" in repr(told) and "not called" in repr(told)


def test_embeddings_take_their_indices():
    told = nn.summary(nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 2)), [[0, 1], [4, 4]])
    assert [row.shape for row in told.rows] == ["(2, 2, 2)", "(2, 2, 3)", "(2, 2, 2)"]


def test_the_model_and_the_world_are_left_as_they_were():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    model[2].eval()
    before = model.state_dict()
    heard = []
    listener = heard.append
    previous = events.set_hook(lambda event, array: listener(event))
    lazy = autograd.LAZY_MODE
    try:
        autograd.LAZY_MODE = True
        init.seed(1)
        follower = np.random.RandomState(1).rand()
        told = nn.summary(model, (4, 3))
        assert np.random.rand() == follower and autograd.LAZY_MODE is True and heard == []
        Tensor([1.0]) + 1
        assert heard
    finally:
        autograd.LAZY_MODE = lazy
        events.set_hook(previous)
    assert [m.training for _, m in model.named_modules()] == [True, True, True, False, True]
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert not model[0]._hooks.before and not model[0]._hooks.after
    assert told.rows[1].shape == "(4, 4)" and told.rows == nn.summary(model, (4, 3)).rows
    with pytest.raises(ValueError, match=r"Linear\(3, 4\): got input of shape \(4, 5\)"):
        nn.summary(model, (4, 5))
    assert [m.training for _, m in model.named_modules()] == [True, True, True, False, True]
    assert not model[0]._hooks.before and nn.summary(model, (4, 3)).flops == told.flops


def test_it_prints_the_same_each_time_and_as_a_table_of_html():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    told = nn.summary(model, (2, 3))
    assert repr(told) == repr(nn.summary(model, (2, 3)))
    html = told._repr_html_()
    assert html.count("<tr>") == 5 and html.count("<th") == 5
    for text in ("modules.0: Linear(3, 4)", "(2, 4)", ">16<", ">56<", "16 parameters to train"):
        assert text in html, text


def test_parameters_decide_the_dtype_of_zeros():
    told = nn.summary(nn.Linear(3, 4, dtype="float64"), (2, 3))
    assert told.nbytes == 2 * 2 * 4 * 8 and told.parameter_bytes == 16 * 8


def test_what_makes_no_sense_is_said():
    with pytest.raises(TypeError, match="summary: wanted a module, got function"):
        nn.summary(lambda x: x, (2,))
    with pytest.raises(TypeError, match="summary: wanted what the model is called with"):
        nn.summary(nn.ReLU())
