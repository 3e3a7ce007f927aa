"""Layers of attention: values, weights and gradients beside PyTorch's, the course's layers beside the formulas."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, nn, ops
from needle_edu.backend import compatibility
from needle_edu.backend.errors import DTypeError, ShapeError

needs_torch = pytest.mark.parity


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="compares with PyTorch; pip install torch==2.13.0")


def same_weights(torch, ours, theirs, rng):
    """Draw numbers for PyTorch's parameters and take them over: matrices are ours transposed."""
    own = {name.replace("layers.modules.", "layers."): p for name, p in ours.named_parameters()}
    for name, parameter in theirs.named_parameters():
        parameter.data = torch.from_numpy(rng.normal(size=parameter.shape) / max(parameter.shape) ** 0.5)
        array = parameter.data.numpy()
        mine = own[name]
        mine.data = Tensor(array.T if array.ndim == 2 else array.reshape(mine.shape), dtype="float64")
    return own


def close(ours, theirs, tolerance=1e-11):
    np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=tolerance, atol=tolerance)


def gradients_agree(own, theirs):
    for name, parameter in theirs.named_parameters():
        wanted = parameter.grad.numpy()
        got = own[name].grad.numpy()
        np.testing.assert_allclose(
            got,
            wanted.T if wanted.ndim == 2 else wanted.reshape(got.shape),
            rtol=1e-9,
            atol=1e-10,
            err_msg=name,
        )


OPTIONS = {
    "plain": {},
    "no bias, batch first": {"bias": False, "batch_first": True},
    "other features": {"kdim": 5, "vdim": 3, "batch_first": True},
    "more keys": {"add_bias_kv": True, "add_zero_attn": True},
    "a zero key": {"add_zero_attn": True, "batch_first": True},
}


@needs_torch
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("need_weights", [True, False])
def test_multihead_attention_is_pytorchs(torch, rng, options, need_weights):
    ours = nn.MultiheadAttention(8, 2, dtype="float64", **options)
    theirs = torch.nn.MultiheadAttention(8, 2, dtype=torch.float64, **options)
    own = same_weights(torch, ours, theirs, rng)
    n, length, keys = 3, 4, 6

    def draw(extent, features):
        x = rng.normal(size=(n, extent, features))
        return x if options.get("batch_first") else np.ascontiguousarray(x.swapaxes(0, 1))

    arrays = draw(length, 8), draw(keys, options.get("kdim", 8)), draw(keys, options.get("vdim", 8))
    mine = [Tensor(x, dtype="float64") for x in arrays]
    his = [torch.tensor(x, requires_grad=True) for x in arrays]
    padding = rng.random((n, keys)) < 0.3
    padding[:, 0] = False
    mask = rng.normal(size=(n * 2, length, keys))
    y, weights = ours(
        *mine, Tensor(padding), need_weights, Tensor(mask, dtype="float64"), average_attn_weights=False
    )
    additive = torch.zeros(n, keys, dtype=torch.float64).masked_fill(torch.tensor(padding), -torch.inf)
    wanted, wanted_weights = theirs(
        *his, additive, need_weights=need_weights, attn_mask=torch.tensor(mask), average_attn_weights=False
    )
    close(y, wanted)
    if need_weights:
        close(weights, wanted_weights)
    g = rng.normal(size=y.shape)
    y.backward(Tensor(g, dtype="float64"))
    wanted.backward(torch.tensor(g))
    for a, b in zip(mine, his, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-9, atol=1e-11)
    gradients_agree(own, theirs)


@needs_torch
def test_self_attention_with_a_causal_mask_and_mean_weights(torch, rng):
    ours = nn.MultiheadAttention(6, 3, dtype="float64")
    theirs = torch.nn.MultiheadAttention(6, 3, dtype=torch.float64)
    own = same_weights(torch, ours, theirs, rng)
    x = rng.normal(size=(5, 2, 6))
    a, b = Tensor(x, dtype="float64"), torch.tensor(x, requires_grad=True)
    hidden = torch.ones(5, 5, dtype=torch.bool).triu(1)
    y, weights = ours(a, a, a, is_causal=True)
    wanted, wanted_weights = theirs(b, b, b, attn_mask=hidden)
    close(y, wanted)
    close(weights, wanted_weights)
    other, _ = ours(a, a, a, attn_mask=Tensor(hidden.numpy()), need_weights=False)
    close(other, wanted)
    y.backward()
    wanted.backward(torch.ones_like(wanted))
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-9, atol=1e-11)
    gradients_agree(own, theirs)


@needs_torch
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_encoder_and_decoder_are_pytorchs(torch, rng, norm_first, activation):
    options = {"activation": activation, "norm_first": norm_first, "dropout": 0.0, "batch_first": True}
    for kind in ("Encoder", "Decoder"):

        def stack(lib, dtype, kind=kind):
            layer = getattr(lib, f"Transformer{kind}Layer")(8, 2, 12, dtype=dtype, **options)
            more = {"enable_nested_tensor": False} if lib is torch.nn and kind == "Encoder" else {}
            return getattr(lib, f"Transformer{kind}")(layer, 2, lib.LayerNorm(8, dtype=dtype), **more)

        ours, theirs = stack(nn, "float64"), stack(torch.nn, torch.float64)
        own = same_weights(torch, ours, theirs, rng)
        x, memory = rng.normal(size=(3, 5, 8)), rng.normal(size=(3, 4, 8))
        a, b = Tensor(x, dtype="float64"), torch.tensor(x, requires_grad=True)
        padding = np.arange(5) >= np.array([[5], [3], [4]])
        if kind == "Encoder":
            y = ours(a, src_key_padding_mask=Tensor(padding))
            wanted = theirs(b, src_key_padding_mask=torch.tensor(padding))
        else:
            mask = torch.ones(5, 5, dtype=torch.bool).triu(1)
            y = ours(a, Tensor(memory, dtype="float64"), tgt_is_causal=True)
            wanted = theirs(b, torch.tensor(memory), mask)
        close(y, wanted, 1e-9)
        y.backward()
        wanted.backward(torch.ones_like(wanted))
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-7, atol=1e-9)
        gradients_agree(own, theirs)


@needs_torch
@pytest.mark.parametrize("options", [{}, {"eps": 1e-3}, {"elementwise_affine": False}])
def test_rms_norm_is_pytorchs(torch, rng, options):
    for shape in (6, (3, 6)):
        ours, theirs = (
            nn.RMSNorm(shape, dtype="float64", **options),
            torch.nn.RMSNorm(shape, dtype=torch.float64, **options),
        )
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            p.data = Tensor(rng.normal(size=p.shape), dtype="float64")
            q.data = torch.from_numpy(p.numpy())
        x = rng.normal(size=(2, 3, 6))
        a, b = Tensor(x, dtype="float64"), torch.tensor(x, requires_grad=True)
        y, wanted = ours(a), theirs(b)
        close(y, wanted)
        y.backward()
        wanted.backward(torch.ones_like(wanted))
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-9, atol=1e-11)


def test_padded_rows_are_computed_like_any_other_in_both_modes(rng):
    """PyTorch's fast path writes zeros there in evaluation."""
    layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True)
    x, padding = Tensor(rng.normal(size=(2, 3, 8))), Tensor(np.array([[0, 0, 1], [0, 1, 1]], bool))
    train = layer(x, src_key_padding_mask=padding).numpy()
    layer.eval()
    with ndl.no_grad():
        np.testing.assert_array_equal(layer(x, src_key_padding_mask=padding).numpy(), train)
    assert np.abs(train[1, 2]).sum() > 0


def test_all_keys_padded_gives_the_bias_with_and_without_weights(rng):
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    layer.out_proj.bias.data = Tensor([[1.0, 2.0, 3.0, 4.0]], dtype="float32")
    x, padding = Tensor(rng.normal(size=(1, 2, 4))), Tensor(np.ones((1, 2), bool))
    for need_weights in (True, False):
        y, _ = layer(x, x, x, padding, need_weights)
        np.testing.assert_array_equal(y.numpy(), [[[1, 2, 3, 4]] * 2])


# ---- the course's ---------------------------------------------------------------------------------------------


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def normalised(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_the_courses_attention(rng, causal):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5)).astype("float32")
    result, weights = nn.MultiHeadAttention(causal=causal)(Tensor(q), Tensor(k), Tensor(v))
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(5)
    wanted = softmax(np.where(np.tril(np.ones((4, 4))), scores, -np.inf) if causal else scores)
    np.testing.assert_allclose(weights.numpy(), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(result.numpy(), wanted @ v, rtol=1e-4, atol=1e-5)


def test_dropout_draws_one_number_for_each_weight_under_the_name_needle(monkeypatch):
    monkeypatch.setattr(compatibility, "dropout_draws_each", True)
    ndl.init.seed(3)
    q = Tensor(np.zeros((2, 1, 3, 4), "float32"))
    _, weights = nn.MultiHeadAttention(dropout=0.4)(q, q, q)
    kept = np.random.RandomState(3).rand(2, 1, 3, 3) <= 0.6
    np.testing.assert_allclose(weights.numpy(), np.where(kept, 1 / 3 / 0.6, 0), rtol=1e-5)


def test_dropout_of_a_layer_without_weights_is_that_with_them(rng):
    attention = nn.MultiHeadAttention(dropout=0.4, causal=True)
    q, k, v = (Tensor(x.astype("float32")) for x in rng.normal(size=(3, 2, 3, 9, 5)))
    ndl.init.seed(3)
    y = attention.average(q, k, v).numpy()
    ndl.init.seed(3)
    key = np.random.randint(0, 2**63 - 1, dtype=np.int64).item()
    op = ops.Attention(diagonal=0, dropout_p=0.4, key=key)
    weights = op.dropped(op.weights(q, k)).numpy()
    np.testing.assert_allclose(y, weights @ v.numpy(), rtol=1e-4, atol=1e-5)
    assert 0.3 < (weights[..., -1, :] == 0).mean() < 0.5


def test_the_courses_layers_written_out(rng):
    ndl.init.seed(7)
    layer = nn.TransformerLayer(6, 2, 4, 10, causal=True)
    draws = np.random.RandomState(7)
    shapes = [(6, 8), (6, 8), (6, 8), (8, 6)]
    wq, wk, wv, wo = (draws.rand(*s) * 2 - 1 for s in shapes)
    wq, wk, wv = (w * np.sqrt(6 / 6) for w in (wq, wk, wv))
    wo = wo * np.sqrt(6 / 8)
    w1 = (draws.rand(6, 10) * 2 - 1) * np.sqrt(6 / 6)
    b1 = (draws.rand(10, 1).reshape(1, 10) * 2 - 1) * np.sqrt(6 / 10)
    w2 = (draws.rand(10, 6) * 2 - 1) * np.sqrt(6 / 10)
    b2 = (draws.rand(6, 1).reshape(1, 6) * 2 - 1) * np.sqrt(6 / 6)
    x = rng.normal(size=(2, 5, 6)).astype("float32")

    def heads(a):
        return a.reshape(2, 5, 2, 4).swapaxes(1, 2)

    z = normalised(x)
    q, k, v = heads(z @ wq), heads(z @ wk), heads(z @ wv)
    p = softmax(np.where(np.tril(np.ones((5, 5))), q @ k.swapaxes(-1, -2) / 2, -np.inf))
    y = x + (p @ v).swapaxes(1, 2).reshape(2, 5, 8) @ wo
    y = y + np.maximum(normalised(y) @ w1 + b1, 0) @ w2 + b2
    np.testing.assert_allclose(layer(Tensor(x)).numpy(), y, rtol=1e-4, atol=1e-4)


def test_the_courses_transformer(rng):
    """Positions are drawn first and added; the axes are turned and turned back; the state is zeros."""
    ndl.init.seed(1)
    model = nn.Transformer(4, 8, 2, num_head=2, dim_head=3, sequence_len=6)
    np.testing.assert_allclose(
        model.embedding.weight.numpy(), np.random.RandomState(1).randn(6, 4), rtol=1e-6
    )
    x = rng.normal(size=(5, 3, 4)).astype("float32")
    out, h = model(Tensor(x), h="anything")
    turned = Tensor(x.swapaxes(0, 1) + model.embedding.weight.numpy()[None, :5])
    wanted = model.layers(turned).numpy().swapaxes(0, 1)
    np.testing.assert_allclose(out.numpy(), wanted, rtol=1e-5, atol=1e-5)
    assert h.shape == out.shape and not h.numpy().any()
    model.batch_first = True
    np.testing.assert_allclose(
        model(Tensor(x.swapaxes(0, 1)))[0].numpy(), wanted.swapaxes(0, 1), rtol=1e-5, atol=1e-5
    )


def test_keys_and_values_of_their_own(rng):
    layer = nn.AttentionLayer(6, 2, 4, k_features=5, v_features=3, out_features=7, causal=False)
    q, k, v = (Tensor(rng.normal(size=(2, *s))) for s in ((4, 6), (9, 5), (9, 3)))
    y = layer(q, k, v)
    assert y.shape == (2, 4, 7)
    y.backward()
    assert all(p.grad is not None for p in layer.parameters())


# ---- positions ------------------------------------------------------------------------------------------------


def test_waves(rng):
    layer = nn.SinusoidalPositions(20, 6, dtype="float64")
    x = rng.normal(size=(2, 7, 6))
    t, i = np.arange(7)[:, None], np.arange(3)
    angle = t / 10000 ** (2 * i / 6)
    wanted = x.copy()
    wanted[..., 0::2] += np.sin(angle)
    wanted[..., 1::2] += np.cos(angle)
    np.testing.assert_allclose(layer(Tensor(x, dtype="float64")).numpy(), wanted, rtol=1e-12)
    np.testing.assert_allclose(
        layer(Tensor(x[:, 3:], dtype="float64"), start=3).numpy(), wanted[:, 3:], rtol=1e-12
    )


@pytest.mark.parametrize("interleaved", [False, True])
def test_products_of_turned_heads_depend_on_the_distance_alone(rng, interleaved):
    layer = nn.RotaryPositions(50, 8, interleaved=interleaved, dtype="float64")
    q, k = (Tensor(rng.normal(size=(1, 8)), dtype="float64") for _ in range(2))

    def product(i, j):
        return (layer(q, start=i).numpy() @ layer(k, start=j).numpy().T).item()

    assert product(5, 2) == pytest.approx(product(40, 37), rel=1e-9)
    assert product(0, 0) == pytest.approx((q.numpy() @ k.numpy().T).item(), rel=1e-9)
    assert abs(product(5, 2) - product(5, 3)) > 1e-3
    x = rng.normal(size=(2, 3, 8))
    pairs = x.reshape(2, 3, 4, 2) if interleaved else np.stack([x[..., :4], x[..., 4:]], -1)
    angle = np.arange(3)[:, None] * 10000.0 ** (-np.arange(0, 8, 2) / 8)
    turned = (pairs[..., 0] + 1j * pairs[..., 1]) * np.exp(1j * angle)
    parts = [turned.real, turned.imag]
    wanted = np.stack(parts, -1).reshape(x.shape) if interleaved else np.concatenate(parts, -1)
    np.testing.assert_allclose(layer(Tensor(x, dtype="float64")).numpy(), wanted, rtol=1e-9, atol=1e-12)


def test_learned_positions_learn(rng):
    layer = nn.LearnedPositions(9, 4)
    x = rng.normal(size=(2, 3, 4)).astype("float32")
    y = layer(Tensor(x), start=2)
    np.testing.assert_allclose(y.numpy(), x + layer.embedding.weight.numpy()[2:5], rtol=1e-6)
    y.backward()
    assert layer.embedding.weight.grad.numpy()[:, 0].tolist() == [0, 0, 2, 2, 2, 0, 0, 0, 0]


def test_tables_are_not_saved_but_moved():
    layer = nn.RotaryPositions(4, 2)
    assert layer.state_dict() == {}
    assert layer.to(dtype="float64").cosines.dtype == "float64"


def x():
    return Tensor(np.zeros((2, 3, 4), "float32"))


BAD = {
    "heads": (lambda: nn.MultiheadAttention(4, 3), ShapeError, "4 features do not make 3 equal heads"),
    "features": (
        lambda: nn.MultiheadAttention(6, 3)(x(), x(), x()),
        ShapeError,
        r"of shapes \(L, N, 6\), \(S, N, 6\) and \(S, N, 6\), got \(2, 3, 4\)",
    ),
    "padding": (
        lambda: nn.MultiheadAttention(4, 2)(x(), x(), x(), Tensor(np.ones((2, 3), bool))),
        ShapeError,
        r"key_padding_mask has shape \(2, 3\), wanted \(3, 2\)",
    ),
    "mask": (
        lambda: nn.MultiheadAttention(4, 2)(x(), x(), x(), attn_mask=Tensor([[1, 2], [3, 4]])),
        DTypeError,
        "attn_mask holds bools or float32, got int64",
    ),
    "activation": (
        lambda: nn.TransformerEncoderLayer(4, 2, activation="tanh"),
        ValueError,
        "'relu', 'gelu' or a function",
    ),
    "layer": (lambda: nn.TransformerEncoder(3, 2), TypeError, "TransformerEncoder: wanted a layer, got int"),
    "axes": (lambda: nn.AttentionLayer(4, 2, 2)(x()[0]), ShapeError, r"wanted \(batch, length, features\)"),
    "four axes": (
        lambda: nn.MultiHeadAttention()(x(), x(), x()),
        ShapeError,
        r"\(batch, heads, length, size\)",
    ),
    "length": (
        lambda: nn.Transformer(4, 4, 1, sequence_len=1)(x()),
        ShapeError,
        "there are 1 positions, got a sequence of 2; make it with a larger sequence_len",
    ),
    "odd": (lambda: nn.RotaryPositions(4, 3), ValueError, "turned in pairs, got dim=3"),
    "angles": (
        lambda: nn.RotaryPositions(4, 4, frequencies=[1.0]),
        ShapeError,
        "frequencies are 2 numbers, one for each pair, got",
    ),
    "start": (lambda: nn.SinusoidalPositions(4, 4)(x(), start=2), ShapeError, "a sequence that ends at 5"),
    "dim": (
        lambda: nn.LearnedPositions(4, 5)(x()),
        ShapeError,
        r"wanted \(\.\.\., length, 5\), got shape \(2, 3, 4\)",
    ),
    "rms": (lambda: nn.RMSNorm(3)(x()), ShapeError, r"got input of shape \(2, 3, 4\), wanted \(\.\.\., 3\)"),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD)
def test_what_does_not_fit_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()
