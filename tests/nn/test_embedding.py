"""Embedding: rows of a table, beside PyTorch and beside a product with one-hot rows; weights that two layers share."""

import copy

import numpy as np
import pytest

from needle_edu import Tensor, init, nn, ops, optim
from needle_edu.backend.errors import DeviceError, DTypeError, IndexOutOfRange


def filled(layer, table):
    layer.weight.data = Tensor(table, dtype=layer.weight.dtype)
    return layer


def test_it_draws_one_normal_table():
    init.seed(3)
    layer, follower = nn.Embedding(4, 2), np.random.rand()
    state = np.random.RandomState(3)
    np.testing.assert_allclose(layer.weight.numpy(), state.randn(4, 2), rtol=1e-6)
    assert follower == state.rand() and layer.weight.requires_grad and layer.weight.dtype == "float32"
    init.seed(3)
    padded = nn.Embedding(4, 2, padding_idx=-3).weight.numpy()
    assert padded[1].tolist() == [0, 0]
    np.testing.assert_array_equal(padded[[0, 2, 3]], layer.weight.numpy()[[0, 2, 3]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 2), (5,), (), (0,), (2, 0, 3)])
def test_it_is_a_product_with_one_hot_rows(dtype, shape, rng):
    """Float indices as the course's data has them, (seq, batch); repeated rows get the sum of their adjoints."""
    table, index = rng.normal(size=(4, 3)), rng.integers(0, 4, size=shape)
    layer = filled(nn.Embedding(4, 3, dtype=dtype), table)
    adjoint = rng.normal(size=(*shape, 3))
    y = layer(Tensor(index.astype("float32"), requires_grad=False))
    assert y.shape == (*shape, 3) and y.dtype == dtype
    np.testing.assert_array_equal(layer(Tensor(index)).numpy(), y.numpy())
    one_hot = np.eye(4)[index]
    np.testing.assert_allclose(y.numpy(), one_hot @ table, rtol=1e-6)
    (y * Tensor(adjoint, dtype=dtype)).sum().backward()
    wanted = one_hot.reshape(-1, 4).T @ adjoint.reshape(-1, 3)
    np.testing.assert_allclose(layer.weight.grad.numpy(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("padding_idx", [None, 2, -1])
@pytest.mark.parametrize("max_norm", [None, (1.0, 2.0), (0.5, 1.0), (0.7, float("inf"))])
def test_three_steps_beside_pytorch(padding_idx, max_norm, rng):
    torch = pytest.importorskip("torch")
    table = rng.normal(size=(6, 3)) * 2
    options = {"padding_idx": padding_idx}
    if max_norm is not None:
        options |= dict(zip(("max_norm", "norm_type"), max_norm, strict=True))
    ours = filled(nn.Embedding(6, 3, dtype="float64", **options), table)
    theirs = torch.nn.Embedding(6, 3, dtype=torch.float64, **options)
    theirs.weight.data[...] = torch.tensor(table)
    index, adjoint = np.array([[0, 2], [2, 5]]), rng.normal(size=(2, 2, 3))
    ours_step = optim.SGD(ours.parameters(), lr=0.5)
    theirs_step = torch.optim.SGD(theirs.parameters(), lr=0.5)
    for _ in range(3):
        y = ours(index)
        theirs_step.zero_grad()
        z = theirs(torch.tensor(index))
        np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-6)
        (y * Tensor(adjoint, dtype="float64")).sum().backward()
        (z * torch.tensor(adjoint)).sum().backward()
        np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-6)
        ours_step.step()
        theirs_step.step()
    np.testing.assert_allclose(ours.weight.numpy(), theirs.weight.detach().numpy(), rtol=1e-6)


def test_second_derivatives_through_a_look_up(rng):
    layer = filled(nn.Embedding(3, 2, dtype="float64"), rng.normal(size=(3, 2)))
    (layer([1, 1, 0]) ** 3).sum().backward(create_graph=True)
    layer.weight.grad.sum().backward()
    wanted = 6 * np.array([[1], [2], [0]]) * layer.weight.numpy()
    np.testing.assert_allclose(layer.weight.grad.numpy(), wanted)


class Tied(nn.Module):
    """A model whose last layer reads the table that its first one looks up in."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.weight = self.embedding.weight

    def forward(self, x):
        return self.embedding(x) @ self.weight.T


def test_tied_weights_are_one_parameter_everywhere():
    model = Tied()
    assert list(model.state_dict()) == ["embedding.weight"] and len(model.parameters()) == 1
    model([0, 1]).sum().backward()
    both = model.weight.grad.numpy()
    one = model.embedding.weight.numpy()
    wanted = np.broadcast_to(one[:2].sum(0), (5, 3)).copy()
    wanted[:2] += one.sum(0)
    np.testing.assert_allclose(both, wanted, rtol=1e-5)
    twin = copy.deepcopy(model)
    assert twin.weight is twin.embedding.weight and twin.weight is not model.weight
    other = Tied()
    assert other.load_state_dict(model.state_dict()) == ([], [])
    assert other.weight is other.embedding.weight
    np.testing.assert_array_equal(other.weight.numpy(), model.weight.numpy())


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.Embedding(0, 2), ValueError, "Embedding: num_embeddings is a whole number of at least 1, got 0"),
        (lambda: nn.Embedding(2, 2.5), ValueError, "Embedding: embedding_dim is a whole number"),
        (lambda: nn.Embedding(2, 2, 0), DeviceError, "third argument is a device .* write padding_idx=0"),
        (lambda: nn.Embedding(2, 2, dtype="int64"), DTypeError, "Embedding: parameters are floating-point"),
        (lambda: nn.Embedding(2, 2, padding_idx=2), IndexOutOfRange, "padding_idx 2 is out of range for 2 rows"),
        (lambda: nn.Embedding(2, 2, padding_idx=0.5), ValueError, "Embedding: padding_idx is a whole number"),
        (lambda: nn.Embedding(2, 2, max_norm=-1), ValueError, "Embedding: max_norm is a number with 0 <= max_norm"),
        (lambda: nn.Embedding(2, 2, norm_type="2"), ValueError, "Embedding: norm_type is a number"),
        (lambda: nn.Embedding(2, 2)([2]), IndexOutOfRange, "embedding: index 2 is out of range for 2 rows"),
        (lambda: nn.Embedding(2, 2)([-1]), IndexOutOfRange, "embedding: index -1 is out of range for 2 rows"),
        (lambda: nn.Embedding(2, 2, max_norm=1.0)([-1]), IndexOutOfRange, "embedding: index -1 is out of range"),
        (lambda: nn.Embedding(2, 2)(Tensor([0.5])), DTypeError, "embedding: wanted whole numbers as index"),
        (lambda: nn.Embedding(2, 2)(Tensor([True])), DTypeError, "embedding: wanted integers as index, got bool"),
        (lambda: nn.Embedding(2, 2)(Tensor([np.nan])), DTypeError, "embedding: wanted whole numbers as index"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_repr():
    assert repr(nn.Embedding(3, 2, padding_idx=-1, max_norm=1.5)).startswith(
        "Embedding(3, 2, padding_idx=2, max_norm=1.5)"
    )
    assert ops.embedding is not None
