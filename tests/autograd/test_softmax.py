"""softmax and logsoftmax beside PyTorch: rows of many lengths, layouts and extremes, by kernels and in arrays."""

import importlib

import numpy as np
import pytest

from needle_edu import ops
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import ShapeError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[parity]'")
pytestmark = pytest.mark.parity
module = importlib.import_module("needle_edu.ops.softmax")

OURS = {"softmax": ops.softmax, "logsoftmax": ops.logsoftmax}
THEIRS = {"softmax": torch.softmax, "logsoftmax": torch.log_softmax}


@pytest.fixture(params=["kernels", "arrays"])
def way(request, monkeypatch):
    """Once as it is, once as for arrays that no kernel takes."""
    if request.param == "arrays":
        monkeypatch.setattr(module, "softmax", None)


def check(name, x, g, axis=-1, view=lambda t: t):
    dtype = x.dtype.name
    a = Tensor(x, dtype=dtype)
    y = OURS[name](view(a), axis=axis)
    y.backward(view(Tensor(g, dtype=dtype, requires_grad=False)))
    b = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    wanted = THEIRS[name](view(b), axis)
    wanted.backward(view(torch.tensor(g, dtype=torch.float64)))
    tolerance = 2e-6 if dtype == "float32" else 1e-13
    for got, right in ((y.numpy(), wanted.detach().numpy()), (a.grad.numpy(), b.grad.numpy())):
        assert got.dtype == dtype and got.shape == right.shape
        finite = np.where(np.isfinite(right), right, 0)
        np.testing.assert_allclose(got, right, tolerance, tolerance * (1 + np.abs(finite).max(initial=0)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize(
    "shape", [(1,), (5,), (7, 1), (70, 2), (130, 10), (67, 45), (3, 511), (2, 513), (2, 2500), (2, 3, 4)]
)
def test_beside_pytorch(name, shape, dtype, way, rng):
    x, g = [(3 * rng.normal(size=shape)).astype(dtype) for _ in range(2)]
    check(name, x, g)
    check(name, x, g, axis=0)


@pytest.mark.parametrize("name", OURS)
def test_views(name, way, rng):
    x, g = rng.normal(size=(2, 6, 5))
    check(name, x, g, view=lambda t: t.T)
    check(name, x, g, view=lambda t: t[1:5, 2:])


@pytest.mark.parametrize("name", OURS)
def test_extremes(name, way):
    inf, nan = np.inf, np.nan
    x = np.array(
        [[0, -inf, 1], [1e30, 0, -1e30], [5, 5, 5], [-1e4, -1e4, -1e4], [inf, 0, 0], [-inf] * 3, [nan, 0, 1]]
    )
    with np.errstate(all="ignore"):
        for dtype in ("float32", "float64"):
            y = OURS[name](Tensor(x, dtype=dtype)).numpy()
            wanted = THEIRS[name](torch.tensor(x), -1).numpy()
            np.testing.assert_allclose(y, wanted.astype(dtype), rtol=1e-6)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_empty(name, shape, way):
    if shape[-1]:
        a = Tensor(np.ones(shape))
        OURS[name](a).backward()
        assert a.grad.shape == shape


@pytest.mark.parametrize("name", ["softmax_backward", "logsoftmax_backward"])
def test_bad_input(name):
    with pytest.raises(
        ShapeError, match=rf"{name}: the adjoint and the result have one shape, got \(2,\) and \(3,\)"
    ):
        getattr(ops, name)(np.ones(2), np.ones(3))
    with pytest.raises(ShapeError, match=f"{name}: axis 1 is out of range"):
        getattr(ops, name)(np.ones(2), np.ones(2), axis=1)
