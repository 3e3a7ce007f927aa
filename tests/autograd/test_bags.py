"""Bags of embeddings beside PyTorch's, and beside one bag after the other."""

import numpy as np
import pytest

from needle_edu import Tensor, grad_check, nn, ops
from needle_edu.backend.errors import DTypeError, IndexOutOfRange, ShapeError

TOKENS = [3, 0, 0, 2, 5, 1, 1, 4]
MATRIX = [[3, 0, 2], [1, 1, 1], [0, 0, 4]]
FORMS = {  # index, offsets, and options
    "matrix": (MATRIX, None, {}),
    "floats": (np.array(MATRIX, "float32"), None, {}),
    "one token each": ([[3], [1]], None, {}),
    "no bag": (np.zeros((0, 3)), None, {}),
    "offsets": (TOKENS, [0, 3, 4], {}),
    "an empty bag, first, inside and last": (TOKENS, [0, 0, 3, 3, 8], {}),
    "offsets with the end": (TOKENS, [0, 3, 4, 8], {"include_last_offset": True}),
    "tokens behind the end": (TOKENS, [0, 3, 4], {"include_last_offset": True}),
    "no token": ([], [0, 0], {}),
    "padding": (MATRIX, None, {"padding_idx": 0}),
    "padding from behind, alone in a bag": (TOKENS, [0, 1, 3, 5], {"padding_idx": -6}),
    "nothing but padding": ([[1, 1], [1, 1]], None, {"padding_idx": 1}),
}
# PyTorch takes no floats and no empty matrix; where the last offset is not the end, its fast path (the sum in float32)
# ends there, and all others take the rest into the last bag.
NOT_PYTORCHS = ("floats", "no bag", "tokens behind the end")
MODES = ("sum", "mean", "max")


def plainly(w, index, offsets, mode, include_last_offset=False, padding_idx=None, factors=None):
    """One bag after the other."""
    index = np.asarray(index).astype(int)
    if offsets is None:
        rows, scales = list(index), None if factors is None else list(factors)
    else:
        bounds = [*offsets, *([] if include_last_offset else [len(index)])]
        cuts = list(zip(bounds, bounds[1:], strict=False))
        rows = [index[a:b] for a, b in cuts]
        scales = None if factors is None else [factors[a:b] for a, b in cuts]
    made = []
    for k, row in enumerate(rows):
        kept = np.array([i != (None if padding_idx is None else padding_idx % len(w)) for i in row], bool)
        picked = w[row[kept]] if len(row) else w[:0]
        if scales is not None:
            picked = picked * np.asarray(scales[k])[kept][:, None]
        if not len(picked):
            made.append(np.zeros(w.shape[1]))
        else:
            made.append({"sum": picked.sum(0), "mean": picked.mean(0), "max": picked.max(0)}[mode])
    return np.array(made).reshape(len(rows), w.shape[1])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", FORMS)
def test_values_and_derivatives(form, mode, rng):
    index, offsets, options = FORMS[form]
    w = rng.standard_normal((6, 2))
    made = ops.embedding_bag(index, Tensor(w, dtype="float64"), offsets, mode=mode, **options)
    np.testing.assert_allclose(made.numpy(), plainly(w, index, offsets, mode, **options), rtol=1e-12)
    assert made.dtype == "float64"
    if made.size:
        assert grad_check(lambda w: ops.embedding_bag(index, w, offsets, mode=mode, **options) ** 2, w)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", [form for form in FORMS if form not in NOT_PYTORCHS])
def test_pytorch_agrees(form, mode, dtype, rng):
    torch = pytest.importorskip("torch", reason="compares with PyTorch; pip install torch==2.13.0")
    index, offsets, options = FORMS[form]
    w = rng.standard_normal((6, 2)).astype(dtype)
    theirs = torch.tensor(w, requires_grad=True)
    given = torch.tensor(index, dtype=torch.int64)
    places = None if offsets is None else torch.tensor(offsets)
    wanted = torch.nn.functional.embedding_bag(given, theirs, places, mode=mode, **options)
    ours = Tensor(w, dtype=dtype)
    made = ops.embedding_bag(index, ours, offsets, mode=mode, **options)
    np.testing.assert_allclose(made.numpy(), wanted.detach().numpy(), rtol=1e-6)
    g = rng.standard_normal(made.shape).astype(dtype)
    made.backward(Tensor(g, dtype=dtype))
    wanted.backward(torch.tensor(g))
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "form", ["matrix", "offsets", "padding", "an empty bag, first, inside and last", "no token"]
)
def test_weights_of_the_samples(form, rng):
    index, offsets, options = FORMS[form]
    w, factors = rng.standard_normal((6, 2)), rng.standard_normal(np.shape(index))

    def bag(w, factors):
        return ops.embedding_bag(index, w, offsets, mode="sum", per_sample_weights=factors, **options)

    made = bag(Tensor(w, dtype="float64"), Tensor(factors, dtype="float64"))
    np.testing.assert_allclose(
        made.numpy(), plainly(w, index, offsets, "sum", factors=factors, **options), rtol=1e-12
    )
    if np.size(index):
        assert grad_check(lambda w, f: bag(w, f) ** 2, w, factors)


@pytest.mark.parametrize("mode", MODES)
def test_a_bag_of_nothing_but_padding_is_zero_and_hides_a_nan(mode):
    w = Tensor([[np.nan, np.inf], [1.0, 2.0]])
    made = ops.embedding_bag([[0, 0], [1, 0]], w, mode=mode, padding_idx=0)
    assert made.numpy().tolist() == [[0.0, 0.0], [1.0, 2.0]]
    made.sum().backward()
    assert w.grad.numpy().tolist() == [[0.0, 0.0], [1.0, 1.0]]


def test_tables_that_are_views(rng):
    w = rng.standard_normal((4, 12))
    for view in (lambda a: a.transpose()[::2], lambda a: a.transpose()[::-1]):
        given = view(w)
        np.testing.assert_array_equal(
            ops.embedding_bag(MATRIX, view(Tensor(w, dtype="float64")), mode="max").numpy(),
            plainly(given, MATRIX, None, "max"),
        )


@pytest.mark.parametrize("mode", MODES)
def test_the_layer(mode, rng):
    layer = nn.EmbeddingBag(6, 2, mode=mode, padding_idx=0, dtype="float64")
    assert layer.weight.numpy()[0].tolist() == [0, 0] and repr(layer).startswith(
        "EmbeddingBag(6, 2, padding_idx=0"
    )
    w = rng.standard_normal((6, 2))
    layer.weight.data = Tensor(w, dtype="float64")
    np.testing.assert_allclose(
        layer(MATRIX).numpy(), plainly(w, MATRIX, None, mode, padding_idx=0), rtol=1e-12
    )
    np.testing.assert_allclose(
        layer(TOKENS, [0, 3, 4]).numpy(), plainly(w, TOKENS, [0, 3, 4], mode, padding_idx=0), rtol=1e-12
    )
    short = nn.EmbeddingBag(6, 2, mode=mode, max_norm=0.5)
    short(MATRIX)
    norms = np.linalg.norm(short.weight.numpy(), axis=1)
    assert (norms[:5] < 0.5001).all()


W = Tensor(np.ones((6, 2), "float32"))
WRONG = {
    "mode is 'sum', 'mean' or 'max', got 'median'": (ValueError, lambda: ops.embedding_bag(MATRIX, W, mode="median")),
    r"wanted an index of shape \(bags, length\), or \(tokens,\) with offsets, got \(8,\)": (
        ShapeError, lambda: ops.embedding_bag(TOKENS, W),
    ),
    r"with offsets \(bags,\) the index has shape \(tokens,\), got \(1,\) and \(3, 3\)": (
        ShapeError, lambda: ops.embedding_bag(MATRIX, W, [0]),
    ),
    r"offsets begin with 0, none is smaller .* 8 tokens, got \[1, 3\]": (
        ShapeError, lambda: ops.embedding_bag(TOKENS, W, [1, 3]),
    ),
    r"got \[0, 3, 2\]": (ShapeError, lambda: ops.embedding_bag(TOKENS, W, [0, 3, 2])),
    r"got \[0, 9\]": (ShapeError, lambda: ops.embedding_bag(TOKENS, W, [0, 9])),
    r"got \[\]": (ShapeError, lambda: ops.embedding_bag(TOKENS, W, [], include_last_offset=True)),
    "index 6 is out of range for 6 rows": (IndexOutOfRange, lambda: ops.embedding_bag([[6]], W)),
    "index -1 is out of range for 6 rows": (IndexOutOfRange, lambda: ops.embedding_bag([[-1]], W)),
    "padding_idx 6 is out of range for 6 rows": (IndexOutOfRange, lambda: ops.embedding_bag(MATRIX, W, padding_idx=6)),
    "wanted whole numbers as index, got float": (DTypeError, lambda: ops.embedding_bag([[0.5]], W)),
    "wanted whole numbers as offsets, got float": (DTypeError, lambda: ops.embedding_bag(TOKENS, W, [0.5])),
    r"wanted a weight of floats \(rows, columns\), got int": (
        ShapeError, lambda: ops.embedding_bag(MATRIX, Tensor([[1, 2]])),
    ),
    "per_sample_weights are for mode='sum', got 'mean'": (
        ValueError, lambda: ops.embedding_bag(MATRIX, W, per_sample_weights=np.ones((3, 3), "float32")),
    ),
    r"per_sample_weights have the index's shape \(3, 3\) and the weight's float32, got float32 of shape \(3,\)": (
        ShapeError, lambda: ops.embedding_bag(MATRIX, W, mode="sum", per_sample_weights=np.ones(3, "float32")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_is_said(message):
    error, call = WRONG[message]
    with pytest.raises(error, match=f"^embedding_bag: .*{message}"):
        call()


def test_the_layer_says_what_is_wrong_when_it_is_made():
    with pytest.raises(ValueError, match="EmbeddingBag: mode is 'sum', 'mean' or 'max', got 3"):
        nn.EmbeddingBag(6, 2, mode=3)
    with pytest.raises(
        ValueError, match="EmbeddingBag: num_embeddings is a whole number of at least 1, got 0"
    ):
        nn.EmbeddingBag(0, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("made", [list, np.array], ids=["list", "array"])
def test_factors_that_are_no_tensor_are_numbers_of_the_weights_dtype(dtype, made):
    table = np.array([[1.0], [2.0]])
    y = ops.embedding_bag(
        [[0, 1]], Tensor(table, dtype=dtype), mode="sum", per_sample_weights=made([[0.1, 0.2]])
    )
    assert y.dtype == dtype and y.numpy()[0, 0] == pytest.approx(
        0.5, rel=1e-15 if dtype == "float64" else 1e-6
    )
