"""The gradient of the gradient of every loss, and of layers made of several ops, against its slope in float64."""

import numpy as np
import pytest

from needle_edu import Tensor, grad_check, nn

SCORES, OTHERS = np.random.default_rng(5).normal(size=(2, 3, 4))
SHARES = np.random.default_rng(6).uniform(0.2, 0.8, (2, 3, 4))
LABELS, SIGNS, WEIGHT = [0, 3, 1], np.array([[1.0, -1, 1, -1]] * 3), [1.0, 2.0, 0.5, 1.5]


def fixed(a):
    return Tensor(np.asarray(a, "float64"), dtype="float64", requires_grad=False)


LOSSES = {
    "MSELoss": ({}, (SCORES, OTHERS), ()),
    "L1Loss": ({}, (SCORES, OTHERS), ()),
    "HuberLoss": ({"delta": 0.7}, (SCORES, OTHERS), ()),
    "SmoothL1Loss": ({"beta": 0.6}, (SCORES, OTHERS), ()),
    "BCELoss": ({"weight": WEIGHT}, SHARES, ()),
    "BCEWithLogitsLoss": ({"pos_weight": WEIGHT}, (SCORES, SHARES[0]), ()),
    "KLDivLoss": ({"reduction": "batchmean"}, (SCORES, SHARES[0]), ()),
    "HingeLoss": ({}, (SCORES,), (SIGNS,)),
    "SoftMarginLoss": ({}, (SCORES,), (SIGNS,)),
    "MultiLabelSoftMarginLoss": ({"weight": WEIGHT}, (SCORES,), (SIGNS > 0,)),
    "MultiMarginLoss": ({"p": 2}, (SCORES,), (LABELS,)),
    "MultiLabelMarginLoss": ({}, (SCORES,), ([[3, 0, -1, 1]] * 3,)),
    "CrossEntropyLoss": ({"weight": WEIGHT, "label_smoothing": 0.1}, (SCORES,), (LABELS,)),
    "NLLLoss": ({"weight": WEIGHT}, (SCORES,), (LABELS,)),
    "PoissonNLLLoss": ({"full": True}, (SCORES, SHARES[0] + 1), ()),
    "GaussianNLLLoss": ({"full": True}, (SCORES, OTHERS, SHARES[0]), ()),
    "MarginRankingLoss": ({"margin": 0.3}, (SCORES[0], OTHERS[0]), (SIGNS[0],)),
    "HingeEmbeddingLoss": ({}, (SCORES,), (SIGNS,)),
    "CosineEmbeddingLoss": ({"margin": -0.5}, (SCORES, OTHERS), (SIGNS[0, :3],)),
    "TripletMarginLoss": ({"margin": 5.0, "swap": True}, (SCORES, OTHERS, SHARES[0]), ()),
    "DistillationLoss": ({}, (SCORES,), (OTHERS, LABELS)),
}  # fmt: skip


def cubed(y):
    return y * y * y + y


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    options, inputs, rest = LOSSES[name]
    loss = getattr(nn, name)(**options)
    rest = [fixed(a) for a in rest]
    assert grad_check(lambda *given: cubed(loss(*given, *rest)), *inputs, order=2)


def test_cross_entropy_of_shares():
    loss = nn.CrossEntropyLoss(weight=fixed(WEIGHT), label_smoothing=0.1)
    assert grad_check(lambda a, q: cubed(loss(a, q)), SCORES, SHARES[0], order=2)


@pytest.mark.parametrize(
    "make, shape",
    [
        (lambda: nn.MultiheadAttention(4, 2, dtype="float64"), (3, 1, 4)),
        (lambda: nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, dtype="float64"), (2, 1, 4)),
        (lambda: nn.ConvTranspose2d(2, 2, 2, stride=2, dtype="float64"), (1, 2, 2, 2)),
        (lambda: nn.AdaptiveMaxPool2d((2, 3), return_indices=True), (1, 2, 3, 4)),
        (lambda: nn.CosineSimilarity(), (3, 4)),
        (lambda: nn.RMSNorm(4, dtype="float64"), (3, 4)),
    ],
)
def test_layers(make, shape):
    layer = make()
    given = {"MultiheadAttention": 3, "CosineSimilarity": 2}.get(type(layer).__name__, 1)

    def function(x):
        y = layer(*[x * (k + 1) + x * x * k for k in range(given)])
        return cubed(y[0] if isinstance(y, tuple) else y)

    assert grad_check(function, np.random.default_rng(7).normal(size=shape), order=2)
