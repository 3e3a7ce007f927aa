"""The losses against PyTorch: values and gradients, all reductions and options; bad input."""

import numpy as np
import pytest

from needle_edu import nn
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import IndexOutOfRange, NeedleError, ShapeError


def with_pytorch(name, options, x, target, rng, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    tensors = ("weight", "pos_weight")
    ours = getattr(nn, name)(**{k: Tensor(v, dtype=dtype) if k in tensors else v for k, v in options.items()})
    theirs = getattr(torch.nn, name)(
        **{k: torch.tensor(np.asarray(v, dtype)) if k in tensors else v for k, v in options.items()}
    )
    kind = dtype if target.dtype.kind == "f" else "int64"
    a, b = Tensor(x, dtype=dtype), torch.tensor(x.astype(dtype), requires_grad=True)
    got = ours(a, Tensor(target, dtype=kind, requires_grad=False))
    wanted = theirs(b, torch.tensor(target.astype(kind)))
    g = rng.normal(size=wanted.shape)
    got.backward(Tensor(g.reshape(got.shape), dtype=dtype))
    wanted.backward(torch.tensor(g, dtype=b.dtype))
    tolerance = {"rtol": 3e-5, "atol": 2e-6} if dtype == "float32" else {"rtol": 1e-10, "atol": 1e-13}
    np.testing.assert_allclose(got.numpy().reshape(wanted.shape), wanted.detach().numpy(), **tolerance)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **tolerance)


def softmax(x, axis=1):
    e = np.exp(x)
    return e / e.sum(axis, keepdims=True)


W = [0.5, 2.0, 1.0, 0.25, 3.0]
NUMBERS = [
    ("MSELoss", {}), ("L1Loss", {}), ("HuberLoss", {"delta": 0.7}), ("SmoothL1Loss", {"beta": 0.7}),
    ("SmoothL1Loss", {"beta": 0.0}), ("SmoothL1Loss", {}),
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
class TestAgainstPyTorch:
    @pytest.mark.parametrize(("name", "options"), NUMBERS, ids=str)
    def test_errors_of_numbers(self, name, options, reduction, dtype, rng):
        x, target = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
        target[0, :3] = x[0, :3] + [0, 0.7, -0.7]  # equal, and where the square ends
        with_pytorch(name, options | {"reduction": reduction}, x, target, rng, dtype)

    @pytest.mark.parametrize("options", [{}, {"weight": W}], ids=str)
    def test_bce(self, options, reduction, dtype, rng):
        x, target = rng.uniform(0.01, 0.99, (4, 5)), rng.uniform(size=(4, 5))
        target[0] = [0, 1, 0, 1, 1]
        with_pytorch("BCELoss", options | {"reduction": reduction}, x, target, rng, dtype)
        options = options | {"reduction": reduction}
        with_pytorch("BCEWithLogitsLoss", options, rng.normal(0, 5, (4, 5)), target, rng, dtype)
        with_pytorch(
            "BCEWithLogitsLoss", options | {"pos_weight": W}, rng.normal(0, 5, (4, 5)), target, rng, dtype
        )

    @pytest.mark.parametrize("log_target", [False, True])
    def test_kl_div(self, log_target, reduction, dtype, rng):
        x, target = np.log(softmax(rng.normal(size=(4, 5)))), softmax(rng.normal(size=(4, 5)))
        if not log_target:
            target[0, 0] = 0
        target = np.log(target) if log_target else target
        for how in {reduction, "batchmean"}:
            with_pytorch("KLDivLoss", {"reduction": how, "log_target": log_target}, x, target, rng, dtype)

    @pytest.mark.parametrize("options", [{}, {"weight": W}, {"ignore_index": 1, "weight": W}], ids=str)
    def test_nll(self, options, reduction, dtype, rng):
        for shape, y in [((4, 5), (4,)), ((2, 5, 3), (2, 3)), ((5,), ())]:
            x, labels = np.log(softmax(rng.normal(size=shape), int(len(shape) > 1))), rng.integers(0, 5, y)
            labels = np.where(labels == 1, 2, labels) if y == () else labels
            with_pytorch("NLLLoss", options | {"reduction": reduction}, x, labels, rng, dtype)

    @pytest.mark.parametrize("options", [{}, {"weight": W, "label_smoothing": 0.1}], ids=str)
    def test_cross_entropy(self, options, reduction, dtype, rng):
        """Class numbers, and probabilities, whose mean divides by their number whatever the weights."""
        for shape, y in [((4, 5), (4,)), ((2, 5, 3), (2, 3)), ((5,), ())]:
            x, given = rng.normal(0, 3, shape), options | {"reduction": reduction}
            with_pytorch("CrossEntropyLoss", given, x, rng.integers(0, 5, y), rng, dtype)
            target = softmax(rng.normal(size=shape), int(len(shape) > 1))
            with_pytorch("CrossEntropyLoss", given, x, target, rng, dtype)


def test_temperature_divides_the_logits():
    x, y = Tensor([[2.0, 4.0]]), Tensor([0])
    hot = nn.CrossEntropyLoss(temperature=2.0)(x, y).item()
    assert hot == pytest.approx(np.log1p(np.e), rel=1e-6)


def test_a_certain_and_wrong_probability():
    """The loss is 100, its gradient 1e12."""
    p = Tensor([0.0, 1.0], dtype="float64")
    loss = nn.BCELoss(reduction="none")(p, Tensor([1.0, 0.0]))
    np.testing.assert_array_equal(loss.numpy(), [100, 100])
    loss.backward()
    np.testing.assert_allclose(p.grad.numpy(), [-1e12, 1e12])


def test_scores_of_any_size_do_not_overflow():
    x = Tensor([1e4, -1e4])
    loss = nn.BCEWithLogitsLoss(reduction="none")(x, Tensor([0.0, 1.0]))
    loss.backward()
    np.testing.assert_array_equal(loss.numpy(), [1e4, 1e4])
    np.testing.assert_array_equal(x.grad.numpy(), [1, -1])


def test_hinge():
    x = Tensor([2.0, 0.5, 1.0])
    loss = nn.HingeLoss("sum")(x, Tensor([1.0, 1.0, -1.0]))
    assert loss.item() == 2.5
    loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0, -1, 1])


def test_distillation(rng):
    """Against its formula; a student that agrees with its teacher has nothing to learn from it."""
    s, t, y = rng.normal(size=(4, 5)), rng.normal(size=(4, 5)), np.array([0, 3, 4, 1])
    student, teacher = Tensor(s, dtype="float64"), Tensor(t, dtype="float64")
    p, q = softmax(t / 3), softmax(s / 3)
    wanted = 0.25 * 9 * (p * np.log(p / q)).sum() / 4 - 0.75 * np.log(softmax(s)[np.arange(4), y]).mean()
    loss = nn.DistillationLoss(temperature=3.0, alpha=0.25)(student, teacher, Tensor(y))
    assert loss.item() == pytest.approx(wanted, rel=1e-12)
    loss.backward()
    assert teacher.grad is None
    one_hot = np.eye(5)[y]
    np.testing.assert_allclose(
        student.grad.numpy(), (0.25 * 3 * (q - p) + 0.75 * (softmax(s) - one_hot)) / 4, rtol=1e-10
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: nn.MSELoss()(x, Tensor([1.0])),
            ShapeError,
            r"MSELoss: got an input of shape \(2,\).*\(1,\)",
        ),
        (
            lambda x: nn.MSELoss("avg"),
            NeedleError,
            "MSELoss: reduction is 'mean', 'sum' or 'none', got 'avg'",
        ),
        (lambda x: nn.HuberLoss(delta=0), NeedleError, "HuberLoss: delta is a number above 0, got 0"),
        (lambda x: nn.SmoothL1Loss(beta=-1), NeedleError, "SmoothL1Loss: beta is a number of at least 0"),
        (lambda x: nn.BCELoss()(x, x), NeedleError, "BCELoss: wants probabilities.*BCEWithLogitsLoss"),
        (lambda x: nn.CrossEntropyLoss(temperature=0), NeedleError, "CrossEntropyLoss: temperature"),
        (lambda x: nn.CrossEntropyLoss(reduction="x"), NeedleError, "CrossEntropyLoss: reduction"),
        (lambda x: nn.NLLLoss()(x, [0, 1]), ShapeError, r"NLLLoss: got logarithms of shape \(2,\)"),
        (lambda x: nn.NLLLoss()(x, np.array(2)), IndexOutOfRange, "NLLLoss, labels: .* 0 to 1, got 2"),
        (lambda x: nn.DistillationLoss(alpha=2), NeedleError, "DistillationLoss: .*alpha=2"),
        (
            lambda x: nn.DistillationLoss()(x, Tensor([1.0]), [0]),
            ShapeError,
            r"DistillationLoss: .*\(2,\).*\(1,\)",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(Tensor([-1.0, 2.0]))


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2)])
def test_nll_of_an_ignored_example_is_nothing(shape):
    """Without class weights, too; and whatever the logarithms of its classes are."""
    x = np.log(np.full(shape, 0.25))
    x[1] = -np.inf
    labels = np.zeros((shape[0], *shape[2:]), dtype="int64")
    labels[1] = -100
    for reduction, wanted in [("mean", np.log(4)), ("sum", np.log(4) * (labels == 0).sum())]:
        a = Tensor(x, dtype="float64")
        loss = nn.NLLLoss(reduction=reduction)(a, Tensor(labels))
        loss.backward()
        assert loss.item() == pytest.approx(wanted)
        assert not a.grad.numpy()[1].any() and a.grad.numpy()[0, 0].all()


def test_the_divergence_from_nothing_has_a_finite_slope():
    """t ln t has slope -inf at 0; what is given is the slope of the rest, -t x: such a class stays out."""
    x, t = np.log([0.25, 0.75]), Tensor([0.0, 1.0], dtype="float64")
    nn.KLDivLoss(reduction="sum")(Tensor(x, dtype="float64"), t).backward()
    np.testing.assert_allclose(t.grad.numpy(), [-x[0], 1 - x[1]])
