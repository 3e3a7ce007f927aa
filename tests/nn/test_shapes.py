"""Flatten, Unflatten, Reshape, and Bilinear, beside PyTorch and einsum."""

import numpy as np
import pytest

from needle_edu import Tensor, init, nn
from needle_edu.backend.errors import ShapeError


def test_flatten_of_some_axes(rng):
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(2, 3, 4, 5))
    for axes in [(), (0,), (1, 2), (-2,), (2, 2), (0, -1)]:
        ours = nn.Flatten(*axes)(Tensor(x, dtype="float64")).numpy()
        theirs = torch.nn.Flatten(*axes)(torch.tensor(x)).numpy()
        assert ours.shape == theirs.shape
        np.testing.assert_array_equal(ours, theirs)
    assert nn.Flatten()(init.ones(0, 2, 3)).shape == (0, 6)
    assert repr(nn.Flatten(0, 1)) == "Flatten(0, 1)" and repr(nn.Flatten()) == "Flatten()"


def test_unflatten_and_reshape(rng):
    x = rng.normal(size=(4, 6))
    for axis, sizes in [(1, (2, 3)), (-1, (-1, 2)), (0, (2, 2)), (0, (4, 1, -1))]:
        y = nn.Unflatten(axis, sizes)(Tensor(x, dtype="float64"))
        shape = (*sizes, 6) if axis == 0 else (4, *sizes)
        np.testing.assert_array_equal(y.numpy(), x.reshape(shape))
    np.testing.assert_array_equal(nn.Reshape(3, -1)(Tensor(x, dtype="float64")).numpy(), x.reshape(4, 3, 2))
    assert nn.Reshape((1, 3, 2))(init.ones(0, 6)).shape == (0, 1, 3, 2)
    t = Tensor(x, dtype="float64")
    (nn.Unflatten(1, (2, 3))(t) * Tensor(np.arange(24.0).reshape(4, 2, 3), dtype="float64")).sum().backward()
    np.testing.assert_array_equal(t.grad.numpy(), np.arange(24.0).reshape(4, 6))


def test_bilinear_beside_einsum(rng):
    layer = nn.Bilinear(3, 2, 4, dtype="float64")
    x, z = rng.normal(size=(5, 6, 3)), rng.normal(size=(5, 6, 2))
    w, b = layer.weight.numpy(), layer.bias.numpy()
    assert abs(w).max() <= 3**-0.5 and abs(w).max() > 0.3 and w.min() < 0 < w.max()
    y = layer(Tensor(x, dtype="float64"), Tensor(z, dtype="float64"))
    np.testing.assert_allclose(y.numpy(), np.einsum("bsi,kij,bsj->bsk", x, w, z) + b)
    y.sum().backward()
    np.testing.assert_allclose(layer.weight.grad.numpy()[1], np.einsum("bsi,bsj->ij", x, z))
    assert layer.bias.grad.numpy().tolist() == [30.0] * 4
    torch = pytest.importorskip("torch")
    theirs = torch.nn.functional.bilinear(*map(torch.tensor, (x, z, w, b)))
    np.testing.assert_allclose(y.numpy(), theirs.numpy())
    assert nn.Bilinear(3, 2, 4, bias=False).bias is None


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.Flatten(0.5), ShapeError, "Flatten: start_dim is a whole number, got 0.5"),
        (lambda: nn.Flatten(2, 1)(init.ones(2, 3, 4)), ShapeError, "flatten: axis 2 comes after axis 1"),
        (lambda: nn.Unflatten(1, (-1, -1)), ValueError, "Unflatten: one extent may be -1"),
        (lambda: nn.Unflatten(1, (2, 4))(init.ones(2, 6)), ShapeError, r"Unflatten\(1, \(2, 4\)\): 6 elements do not"),
        (lambda: nn.Unflatten(2, (2, 3))(init.ones(2, 6)), ShapeError, "axis 2 is out of range"),
        (lambda: nn.Reshape(4, -1)(init.ones(2, 6)), ShapeError, r"Reshape\(4, -1\): 6 elements do not make"),
        (lambda: nn.Reshape(2.0), ValueError, "Reshape: an extent is a whole number"),
        (lambda: nn.Reshape(1)(Tensor(1.0)), ShapeError, "Reshape: got a single number"),
        (lambda: nn.Bilinear(2, 2, 2)(init.ones(3, 2), init.ones(3, 3)), ShapeError, r"wanted \(\.\.\., 2\) and"),
        (lambda: nn.Bilinear(2, 2, 2)(init.ones(3, 2), init.ones(4, 2)), ShapeError, r"shapes \(3, 2\) and \(4, 2\)"),
        (lambda: nn.Bilinear(2, 0, 2), ValueError, "Bilinear: in2_features"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said(call, error, words):
    with pytest.raises(error, match=words):
        call()
