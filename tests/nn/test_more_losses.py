"""Losses of margins, of comparisons and of likelihoods against PyTorch: values, gradients, edges; bad input."""

import numpy as np
import pytest

from needle_edu import nn
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import IndexOutOfRange, NeedleError, ShapeError

REDUCTIONS = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


def with_pytorch(name, options, inputs, rng, dtype, constant=()):
    """Floats in `inputs` get gradients, but for the places in `constant`; whole numbers are class numbers."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    weight = options.get("weight")
    options = {k: v for k, v in options.items() if k != "weight"}
    more = (
        [{}, {}]
        if weight is None
        else [{"weight": Tensor(weight, dtype=dtype)}, {"weight": torch.tensor(np.asarray(weight, dtype))}]
    )
    learns = [k not in constant and x.dtype.kind == "f" for k, x in enumerate(inputs)]
    cast = [x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs]
    ours = [Tensor(x, dtype=x.dtype.name, requires_grad=want) for x, want in zip(cast, learns, strict=True)]
    theirs = [torch.tensor(x, requires_grad=want) for x, want in zip(cast, learns, strict=True)]
    got = getattr(nn, name)(**options, **more[0])(*ours)
    wanted = getattr(torch.nn, name)(**options, **more[1])(*theirs)
    g = rng.normal(size=wanted.shape)
    got.backward(Tensor(g.reshape(got.shape), dtype=dtype))
    wanted.backward(torch.tensor(g, dtype=wanted.dtype))
    tolerance = {"rtol": 3e-5, "atol": 3e-6} if dtype == "float32" else {"rtol": 1e-8, "atol": 1e-12}
    np.testing.assert_allclose(got.numpy().reshape(wanted.shape), wanted.detach().numpy(), **tolerance)
    for a, b, want in zip(ours, theirs, learns, strict=True):
        if want:
            np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **tolerance)


W = [0.5, 2.0, 1.0, 0.25, 3.0]


def signs(rng, shape):
    return np.where(rng.random(shape) < 0.5, -1.0, 1.0)


@pytest.mark.parity
@DTYPES
@REDUCTIONS
class TestAgainstPyTorch:
    def test_soft_margins(self, reduction, dtype, rng):
        x = rng.normal(0, 3, (4, 5))
        with_pytorch("SoftMarginLoss", {"reduction": reduction}, [x, signs(rng, (4, 5))], rng, dtype, [1])
        for weight in (None, W):
            options = {"reduction": reduction, "weight": weight}
            with_pytorch("MultiLabelSoftMarginLoss", options, [x, rng.uniform(size=(4, 5))], rng, dtype, [1])

    @pytest.mark.parametrize(
        "options", [{}, {"p": 2, "margin": 0.3}, {"weight": W}, {"weight": W, "p": 2}], ids=str
    )
    def test_multi_margin(self, options, reduction, dtype, rng):
        options = options | {"reduction": reduction}
        x, y = rng.normal(size=(4, 5)), rng.integers(0, 5, 4)
        x[0] = [1, 0, 1, 2, 3]  # a lead of exactly the margin: no gradient there
        y[0] = 3
        with_pytorch("MultiMarginLoss", options, [x, y], rng, dtype)
        with_pytorch("MultiMarginLoss", options, [x[1], y[1]], rng, dtype)

    def test_multi_label_margin(self, reduction, dtype, rng):
        x = rng.normal(size=(5, 4))
        x[0] = [0, 1, 2, 0]
        target = np.array([[1, -1, 2, 0], [3, 0, -1, -1], [-1, 0, 1, 2], [0, 1, 2, 3], [2, 2, -1, 0]])
        with_pytorch("MultiLabelMarginLoss", {"reduction": reduction}, [x, target], rng, dtype)
        with_pytorch("MultiLabelMarginLoss", {"reduction": reduction}, [x[1], target[1]], rng, dtype)

    def test_ranking(self, reduction, dtype, rng):
        for margin in (0.0, 0.5):
            a, b, t = rng.normal(size=6), rng.normal(size=6), signs(rng, 6)
            a[0], b[0], t[0] = margin, 0.0, 1.0  # just kept: the gradient is still that of the slope
            options = {"margin": margin, "reduction": reduction}
            with_pytorch("MarginRankingLoss", options, [a, b, t], rng, dtype, [2])
            x = np.abs(rng.normal(size=6))
            x[1], t[1] = margin, -1.0
            with_pytorch("HingeEmbeddingLoss", options, [x, t], rng, dtype, [1])

    def test_cosines(self, reduction, dtype, rng):
        a, b, t = rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), signs(rng, 6)
        a[0] = 0
        for margin in (0.0, 0.3, -0.5):
            options = {"margin": margin, "reduction": reduction}
            with_pytorch("CosineEmbeddingLoss", options, [a, b, t], rng, dtype, [2])
        with_pytorch("CosineEmbeddingLoss", options, [a[1], b[1], t[1]], rng, dtype, [2])

    @pytest.mark.parametrize("options", [{}, {"p": 1.0, "swap": True}, {"margin": 2.5, "eps": 0.1}], ids=str)
    def test_triplets(self, options, reduction, dtype, rng):
        three = [rng.normal(size=(6, 4)) for _ in range(3)]
        with_pytorch("TripletMarginLoss", options | {"reduction": reduction}, three, rng, dtype)
        options = {k: v for k, v in options.items() if k not in ("p", "eps")} | {"reduction": reduction}
        options["distance_function"] = lambda a, b: ((a - b) ** 2).sum(-1)
        with_pytorch("TripletMarginWithDistanceLoss", options, three, rng, dtype)

    @pytest.mark.parametrize("options", [{}, {"full": True}, {"log_input": False, "eps": 0.01}], ids=str)
    def test_poisson(self, options, reduction, dtype, rng):
        x, t = rng.uniform(0, 2, (4, 5)), rng.integers(0, 5, (4, 5)).astype(float)
        with_pytorch("PoissonNLLLoss", options | {"reduction": reduction}, [x, t], rng, dtype, [1])

    @pytest.mark.parametrize("options", [{}, {"full": True, "eps": 0.5}], ids=str)
    @pytest.mark.parametrize("shape", [(4, 5), (4, 1), (4,)])
    def test_gaussian(self, options, shape, reduction, dtype, rng):
        x, t, var = rng.normal(size=(4, 5)), rng.normal(size=(4, 5)), rng.uniform(0.1, 2, shape)
        with_pytorch("GaussianNLLLoss", options | {"reduction": reduction}, [x, t, var], rng, dtype, [1])


def test_a_soft_margin_does_not_overflow():
    x = Tensor([1e4, -1e4])
    loss = nn.SoftMarginLoss("none")(x, Tensor([-1.0, 1.0]))
    loss.backward()
    assert loss.numpy().tolist() == [1e4, 1e4] and x.grad.numpy().tolist() == [1, -1]


def test_one_variance_for_all():
    loss = nn.GaussianNLLLoss(reduction="sum")(Tensor([1.0, 2.0]), Tensor([0.0, 0.0]), 2.0)
    assert loss.item() == pytest.approx(np.log(2) + 5 / 4, rel=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: nn.SoftMarginLoss()(x, Tensor([1.0])),
            ShapeError,
            r"SoftMarginLoss: got an input of shape \(2,\)",
        ),
        (lambda x: nn.MultiMarginLoss(p=3), NeedleError, "MultiMarginLoss: p is 1 or 2, got 3"),
        (
            lambda x: nn.MultiMarginLoss(margin="x"),
            ValueError,
            "MultiMarginLoss: margin is a finite number, got 'x'",
        ),
        (
            lambda x: nn.MultiMarginLoss()(x, [0, 1]),
            ShapeError,
            r"MultiMarginLoss: got scores of shape \(2,\)",
        ),
        (lambda x: nn.MultiMarginLoss()(x, np.array(2)), IndexOutOfRange, "MultiMarginLoss, labels: .*got 2"),
        (
            lambda x: nn.MultiMarginLoss(weight=[1.0])(x, np.array(1)),
            ShapeError,
            r"MultiMarginLoss: got a weight of shape \(1,\) for 2 classes, wanted \(2,\)",
        ),
        (
            lambda x: nn.MultiLabelMarginLoss()(x, [0]),
            ShapeError,
            "MultiLabelMarginLoss: .*fill the lists up with -1",
        ),
        (
            lambda x: nn.MultiLabelMarginLoss()(x, [5, 0]),
            IndexOutOfRange,
            "MultiLabelMarginLoss, classes: .*got 5",
        ),
        (
            lambda x: nn.MultiLabelSoftMarginLoss()(Tensor(1.0), Tensor(1.0)),
            ShapeError,
            r"MultiLabelSoftMarginLoss: got scores of shape \(\), wanted \(N, classes\)",
        ),
        (
            lambda x: nn.MarginRankingLoss(margin=None),
            ValueError,
            "MarginRankingLoss: margin is a finite number",
        ),
        (
            lambda x: nn.MarginRankingLoss()(x, x, Tensor([0.0, 1.0])),
            NeedleError,
            r"MarginRankingLoss: targets are 1 and -1, got 0.0; for labels 0 and 1: 2 \* y - 1",
        ),
        (
            lambda x: nn.HingeEmbeddingLoss()(x, x),
            NeedleError,
            "HingeEmbeddingLoss: targets are 1 and -1, got 2.0",
        ),
        (
            lambda x: nn.CosineEmbeddingLoss(margin=2),
            ValueError,
            "CosineEmbeddingLoss: margin is a number with -1 <= margin <= 1",
        ),
        (
            lambda x: nn.CosineEmbeddingLoss()(x, x, [1.0]),
            ShapeError,
            r"CosineEmbeddingLoss: .*targets of shape \(1,\)",
        ),
        (
            lambda x: nn.CosineEmbeddingLoss()(x, x, np.array(0.5)),
            NeedleError,
            "CosineEmbeddingLoss: targets are 1 and -1",
        ),
        (
            lambda x: nn.TripletMarginLoss(margin=-1),
            ValueError,
            "TripletMarginLoss: margin is a number with 0 <= margin",
        ),
        (lambda x: nn.TripletMarginLoss(p=-1), ValueError, "TripletMarginLoss: p is a number with 0 <= p"),
        (
            lambda x: nn.TripletMarginLoss()(x, x, [1.0]),
            ShapeError,
            r"TripletMarginLoss: got shapes .*\(1,\), wanted the same",
        ),
        (
            lambda x: nn.TripletMarginWithDistanceLoss(distance_function=2),
            TypeError,
            "TripletMarginWithDistanceLoss: distance_function is a function of two tensors, got 2",
        ),
        (lambda x: nn.PoissonNLLLoss(eps=-1), ValueError, "PoissonNLLLoss: eps is a number with 0 <= eps"),
        (lambda x: nn.PoissonNLLLoss(full="x"), ValueError, "PoissonNLLLoss: full is True or False, got 'x'"),
        (lambda x: nn.GaussianNLLLoss(reduction="x"), NeedleError, "GaussianNLLLoss: reduction is 'mean'"),
        (
            lambda x: nn.GaussianNLLLoss()(x, x, [1.0, 1.0, 1.0]),
            ShapeError,
            r"GaussianNLLLoss: .*variances of shape \(3,\)",
        ),
        (
            lambda x: nn.GaussianNLLLoss()(x, x, x),
            NeedleError,
            r"GaussianNLLLoss: a variance is negative.*var.exp\(\)",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(Tensor([-1.0, 2.0]))
