"""Weights by length and direction, and by their largest singular value, and parameters as a vector: as in PyTorch."""

import copy
import pickle

import numpy as np
import pytest

from needle_edu import nn, optim
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import NeedleError
from needle_edu.nn import utils


def twins(rng):
    """A layer of ours and PyTorch's with the same numbers; PyTorch's weight is the transpose."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    ours, theirs = nn.Linear(4, 3, dtype="float64"), torch.nn.Linear(4, 3, dtype=torch.float64)
    w, b = rng.normal(size=(4, 3)), rng.normal(size=3)
    ours.weight.data, ours.bias.data = Tensor(w, dtype="float64"), Tensor(b.reshape(1, 3), dtype="float64")
    theirs.weight.data, theirs.bias.data = torch.tensor(w.T.copy()), torch.tensor(b)
    return torch, ours, theirs


def trained(torch, ours, theirs, rng, steps=4):
    """Both after some steps, each with its output for the same input."""
    x, y = rng.normal(size=(8, 4)), rng.normal(size=(8, 3))
    mine, its = optim.SGD(ours.parameters(), lr=0.1), torch.optim.SGD(theirs.parameters(), lr=0.1)
    for _ in range(steps):
        mine.zero_grad(), its.zero_grad()
        nn.MSELoss()(ours(Tensor(x, dtype="float64")), Tensor(y, dtype="float64")).backward()
        torch.nn.functional.mse_loss(theirs(torch.tensor(x)), torch.tensor(y)).backward()
        mine.step(), its.step()
    return ours(Tensor(x, dtype="float64")).numpy(), theirs(torch.tensor(x)).detach().numpy()


@pytest.mark.parity
@pytest.mark.parametrize(("dim", "theirs_dim"), [(1, 0), (0, 1), (None, None), (-1, 0)])
def test_weight_norm_trains_as_pytorchs(dim, theirs_dim, rng):
    torch, ours, theirs = twins(rng)
    before = ours.weight.numpy().copy()
    assert utils.weight_norm(ours, dim=dim) is ours
    np.testing.assert_allclose(ours.weight.numpy(), before, rtol=1e-12)
    theirs = torch.nn.utils.parametrizations.weight_norm(theirs, dim=theirs_dim)
    got, wanted = trained(torch, ours, theirs, rng)
    np.testing.assert_allclose(got, wanted, rtol=1e-10)


@pytest.mark.parity
def test_spectral_norm_trains_as_pytorchs(rng):
    torch, ours, theirs = twins(rng)
    utils.spectral_norm(ours, dim=1)
    theirs = torch.nn.utils.parametrizations.spectral_norm(theirs)
    for name, buffer in (("_u", "weight_u"), ("_v", "weight_v")):
        vector = getattr(theirs.parametrizations.weight[0], name)
        vector.copy_(torch.tensor(getattr(ours, buffer).numpy()))
    got, wanted = trained(torch, ours, theirs, rng)
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


def test_the_largest_singular_value_becomes_one_and_stays_in_evaluation(rng):
    conv = utils.spectral_norm(nn.Conv2d(2, 3, 3), n_power_iterations=60, dim=3)
    x = Tensor(rng.normal(size=(1, 2, 5, 5)))
    conv(x)
    singular = np.linalg.svd(conv.weight.numpy().reshape(-1, 3), compute_uv=False)
    assert abs(singular[0] - 1) < 1e-3
    conv.eval()
    before = conv.weight_u.numpy().copy()
    conv(x)
    assert np.array_equal(conv.weight_u.numpy(), before)


@pytest.mark.parametrize("how", [utils.weight_norm, utils.spectral_norm])
def test_a_normed_layer_is_saved_whole(how, rng):
    one, other = how(nn.Linear(3, 2)), how(nn.Linear(3, 2))
    x = Tensor(rng.normal(size=(2, 3)))
    other.load_state_dict(one.state_dict())
    one(x).sum().backward()
    others = [other, copy.deepcopy(one), pickle.loads(pickle.dumps(one))]
    for layer in (one, *others):
        layer.load_state_dict(one.state_dict())
        layer.eval()
    for layer in others:
        np.testing.assert_array_equal(one(x).numpy(), layer(x).numpy())


def test_parameters_are_one_vector_and_back():
    model = nn.Linear(3, 2)
    vector = utils.parameters_to_vector(model.parameters())
    wanted = np.concatenate([model.weight.numpy().ravel(), model.bias.numpy().ravel()])
    np.testing.assert_array_equal(vector.numpy(), wanted)
    (vector * vector).sum().backward()
    np.testing.assert_allclose(model.weight.grad.numpy(), 2 * model.weight.numpy(), rtol=1e-6)
    utils.vector_to_parameters(Tensor(np.arange(8.0)), model.parameters())
    assert model.weight.numpy().tolist() == [[0, 1], [2, 3], [4, 5]] and model.bias.numpy().tolist() == [
        [6, 7]
    ]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: utils.weight_norm(nn.ReLU()), "weight_norm: ReLU has no parameter 'weight'; it has none"),
        (lambda: utils.weight_norm(nn.Linear(2, 2), "w"), r"it has \['weight', 'bias'\]"),
        (lambda: utils.weight_norm(nn.Linear(2, 2), dim=2), r"weight of shape \(2, 2\) has no axis 2"),
        (lambda: utils.weight_norm([]), "module is a layer such as"),
        (
            lambda: utils.spectral_norm(nn.Linear(2, 2), n_power_iterations=0),
            "n_power_iterations is a whole number",
        ),
        (lambda: utils.parameters_to_vector(nn.Linear(2, 2)), r"got one Linear; give model.parameters\(\)"),
        (lambda: utils.parameters_to_vector([]), "at least one, got none"),
        (lambda: utils.vector_to_parameters([1.0], [Tensor([1.0])]), "the vector comes first"),
        (
            lambda: utils.vector_to_parameters(Tensor([1.0, 2.0]), [Tensor([1.0])]),
            r"got a vector of shape \(2,\) for parameters of 1 numbers",
        ),
    ],
)
def test_what_makes_no_sense_is_said(call, words):
    with pytest.raises((TypeError, ValueError, NeedleError), match=words):
        call()
