"""In the style of the course's last homework (attention, Transformer) and of its final projects, in both backends.

Run through `python -m needle_edu.as_needle --apps -m pytest`, see ../test_as_needle.py. Values are those of the formula
in NumPy; gradients, and what whole programs lose while they train, are those of the same formulas in PyTorch.
"""

import sys

sys.path.append("./python")
sys.path.append("./apps")

import needle as ndl
import needle.nn as nn
import numpy as np
import pytest
from models import LanguageModel
from needle.nn.nn_transformer import AttentionLayer, MultiHeadAttention, Transformer, TransformerLayer
from simple_ml import *  # noqa: F403

try:
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(1)  # so little work that a second thread is only waited for
except ImportError:
    torch = None

_DEVICES = [
    ndl.cpu(),
    pytest.param(ndl.cuda(), marks=pytest.mark.skipif(not ndl.cuda().enabled(), reason="No GPU")),
]
every_device = pytest.mark.parametrize("device", _DEVICES, ids=["cpu", "cuda"])
beside_torch = pytest.mark.skipif(torch is None, reason="compares with PyTorch; pip install torch==2.13.0")


def numbers(*shape):
    return np.random.randn(*shape).astype(np.float32)


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention_numbers(q, k, v, causal):
    """The averages and the weights; queries are the last of the sequence."""
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if causal:
        hidden = np.triu(np.ones(scores.shape[-2:]), scores.shape[-1] - scores.shape[-2] + 1)
        scores = np.where(hidden > 0, -np.inf, scores)
    weights = softmax(scores)
    return weights @ v, weights


@every_device
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("num_heads", [1, 5])
@pytest.mark.parametrize("queries_len", [1, 31])
@pytest.mark.parametrize("inner_dim", [3, 32])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_activation(batch_size, num_heads, queries_len, inner_dim, causal, device):
    np.random.seed(19943)
    q, k, v = (numbers(batch_size, num_heads, queries_len, inner_dim) for _ in range(3))
    layer = MultiHeadAttention(dropout=0.0, causal=causal, device=device)
    result, probs = layer(*(ndl.Tensor(x, device=device) for x in (q, k, v)))
    wanted, weights = attention_numbers(q, k, v, causal)
    np.testing.assert_allclose(probs.numpy(), weights, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(result.numpy(), wanted, atol=1e-5, rtol=1e-5)


@every_device
def test_attention_dropout(device):
    """One number of `np.random.rand` for each weight; those above 1 - p are dropped, the others divided by it."""
    q, k, v = (numbers(2, 3, 5, 4) for _ in range(3))
    layer = MultiHeadAttention(dropout=0.3, causal=True, device=device)
    np.random.seed(4)
    result, probs = layer(*(ndl.Tensor(x, device=device) for x in (q, k, v)))
    follower = np.random.rand()
    state = np.random.RandomState(4)
    kept = (state.rand(2, 3, 5, 5) <= 0.7) / 0.7
    assert follower == state.rand()
    weights = attention_numbers(q, k, v, True)[1] * kept
    np.testing.assert_allclose(probs.numpy(), weights, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(result.numpy(), weights @ v, atol=1e-5, rtol=1e-5)
    layer.eval()
    result, _ = layer(*(ndl.Tensor(x, device=device) for x in (q, k, v)))
    np.testing.assert_allclose(result.numpy(), attention_numbers(q, k, v, True)[0], atol=1e-5, rtol=1e-5)


# ---- the same layers in PyTorch, of the weights that ours have ----------------------------------------------------


class Twin:
    """The parameters of one of our models as PyTorch's tensors, under the names of ours."""

    def __init__(self, model):
        self.pairs = list(model.named_parameters())
        self.w = {name: torch.tensor(p.numpy(), requires_grad=True) for name, p in self.pairs}

    def __getitem__(self, name):
        return self.w[name]

    def linear(self, x, name):
        y = x @ self[f"{name}.weight"]
        return y + self[f"{name}.bias"].reshape(-1) if f"{name}.bias" in self.w else y

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self[f"{name}.weight"], self[f"{name}.bias"])

    def check_gradients(self, tolerance=1e-4):
        for name, p in self.pairs:
            wanted = self.w[name].grad.numpy()  # of a bias that all keys share it is 0, and rounding else
            np.testing.assert_allclose(
                p.grad.numpy(), wanted, tolerance, tolerance * max(0.1, abs(wanted).max()), err_msg=name
            )


def torch_attention(q, k, v, causal):
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if causal:
        hidden = torch.ones(scores.shape[-2:]).triu(1 + scores.shape[-1] - scores.shape[-2]) > 0
        scores = scores.masked_fill(hidden, float("-inf"))
    return torch.softmax(scores, -1) @ v


def torch_attention_layer(w, name, q, k, v, heads, causal):
    def split(x):
        return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)

    q, k, v = (
        split(w.linear(w.norm(x, f"{name}prenorm_{n}"), f"{name}{n}_projection"))
        for n, x in (("q", q), ("k", k), ("v", v))
    )
    y = torch_attention(q, k, v, causal).transpose(1, 2)
    return w.linear(y.reshape(*y.shape[:2], -1), f"{name}out_projection")


def torch_transformer_layer(w, name, x, heads, causal):
    x = x + torch_attention_layer(w, f"{name}attention.", x, x, x, heads, causal)
    inner = f"{name}feed_forward.modules"
    h = torch.relu(w.linear(w.norm(x, f"{inner}.0"), f"{inner}.1"))
    return x + w.linear(h, f"{inner}.4")


@beside_torch
@every_device
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("batch", "queries", "keys", "features", "heads", "size"),
    [(1, 1, 1, 3, 1, 2), (3, 5, 5, 6, 2, 4), (2, 3, 9, 7, 3, 5)],
)
def test_attention_layer(batch, queries, keys, features, heads, size, causal, device):
    np.random.seed(1)
    layer = AttentionLayer(
        features, heads, size, k_features=4, v_features=5, out_features=2, causal=causal, device=device
    )
    x = numbers(batch, queries, features), numbers(batch, keys, 4), numbers(batch, keys, 5)
    weights = numbers(batch, queries, 2)
    given = [ndl.Tensor(part, device=device) for part in x]
    y = layer(*given)
    (y * ndl.Tensor(weights, device=device)).sum().backward()
    twin, theirs = Twin(layer), [torch.tensor(part, requires_grad=True) for part in x]
    wanted = torch_attention_layer(twin, "", *theirs, heads, causal)
    (wanted * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(y.numpy(), wanted.detach().numpy(), atol=1e-4, rtol=1e-4)
    twin.check_gradients(1e-3)
    for ours, other in zip(given, theirs, strict=True):
        np.testing.assert_allclose(ours.grad.numpy(), other.grad.numpy(), atol=2e-4, rtol=1e-3)


@beside_torch
@every_device
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize(("length", "batch", "layers"), [(1, 1, 1), (6, 3, 2)])
def test_transformer_model(length, batch, layers, batch_first, causal, device):
    np.random.seed(2)
    model = Transformer(
        6,
        9,
        layers,
        num_head=2,
        dim_head=4,
        causal=causal,
        batch_first=batch_first,
        sequence_len=8,
        device=device,
    )
    assert isinstance(model.layers.modules[0], TransformerLayer)
    shape = (batch, length, 6) if batch_first else (length, batch, 6)
    x, weights = numbers(*shape), numbers(*shape)
    given = ndl.Tensor(x, device=device)
    y, h = model(given)
    (y * ndl.Tensor(weights, device=device)).sum().backward()
    twin, theirs = Twin(model), torch.tensor(x, requires_grad=True)
    wanted = theirs if batch_first else theirs.transpose(0, 1)
    wanted = wanted + twin["embedding.weight"][:length]
    for k in range(layers):
        wanted = torch_transformer_layer(twin, f"layers.modules.{k}.", wanted, 2, causal)
    wanted = wanted if batch_first else wanted.transpose(0, 1)
    (wanted * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(y.numpy(), wanted.detach().numpy(), atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(given.grad.numpy(), theirs.grad.numpy(), atol=1e-3, rtol=1e-3)
    assert h.shape == y.shape
    twin.check_gradients(1e-3)


# ---- programs ----------------------------------------------------------------------------------------------------


@every_device
def test_get_batch_and_a_transformer_that_learns(device, tmp_path):
    """The course's loop over a text whose words follow each other; the loss comes near to nothing but chance."""
    rng = np.random.RandomState(1)
    for name in ("train.txt", "test.txt"):
        lines = [" ".join(f"w{(start + k) % 7}" for k in range(9)) for start in rng.randint(0, 7, 40)]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    corpus = ndl.data.Corpus(str(tmp_path))
    assert len(corpus.dictionary) == 8 and corpus.dictionary.word2idx["<eos>"] == corpus.train[9]
    data = ndl.data.batchify(corpus.train, batch_size=5, device=device, dtype="float32")
    assert data.shape == (80, 5)
    x, y = ndl.data.get_batch(data, 3, bptt=6, device=device)
    assert x.shape == (6, 5) and y.shape == (30,)
    np.testing.assert_array_equal(x.numpy(), data[3:9])
    np.testing.assert_array_equal(y.numpy(), data[4:10].reshape(-1))
    np.random.seed(0)
    model = LanguageModel(8, 8, 16, 1, "transformer", seq_len=10, device=device)
    how = {"seq_len": 10, "n_epochs": 30, "optimizer": ndl.optim.Adam, "lr": 0.01, "device": device}
    _, loss = train_ptb(model, data, **how)  # noqa: F405
    acc, test_loss = evaluate_ptb(model, data, seq_len=10, device=device)  # noqa: F405
    assert test_loss < loss < 1 < np.log(8) and acc > 0.8


def one_step(model, loss_of, optimizer, x, y):
    optimizer.reset_grad()
    loss = loss_of(model(x), y)
    loss.backward()
    optimizer.step()
    return float(loss.numpy().reshape(-1)[0])


def torch_losses(twin, forward, x, y, steps, lr):
    """Adam written out: `torch.optim` takes three seconds to import its compiler."""
    weights, losses = list(twin.w.values()), []
    means = [[torch.zeros_like(w) for w in weights] for _ in range(2)]
    for t in range(1, steps + 1):
        loss = F.cross_entropy(forward(torch.tensor(x)), torch.tensor(y))
        grads = torch.autograd.grad(loss, weights)
        losses.append(loss.item())
        with torch.no_grad():
            for w, g, m, v in zip(weights, grads, *means, strict=True):
                m.mul_(0.9).add_(0.1 * g)
                v.mul_(0.999).add_(0.001 * g * g)
                w -= lr * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
    return losses


class VisionTransformer(nn.Module):
    """A student's: patches of 4 x 4 by a convolution, a token for the class, two layers, a linear map."""

    def __init__(self, width, classes, device):
        super().__init__()
        self.patches = nn.Conv(3, width, 4, stride=4, device=device)
        self.token = nn.Parameter(ndl.init.randn(1, 1, width, std=0.1, device=device))
        self.body = nn.Transformer(
            width,
            16,
            2,
            num_head=2,
            dim_head=4,
            causal=False,
            batch_first=True,
            sequence_len=10,
            device=device,
        )
        self.head = nn.Linear(width, classes, device=device)

    def forward(self, x):
        n, width = x.shape[0], self.token.shape[-1]
        x = self.patches(x)  # (n, width, 3, 3): `nn.Conv` pads by half a kernel
        x = ndl.ops.transpose(x.reshape((n, width, x.shape[2] * x.shape[3])), (1, 2))
        tokens = [ndl.ops.broadcast_to(self.token, (n, 1, width)).reshape((n, width))]
        tokens += [part.reshape((n, width)) for part in ndl.ops.split(x, 1)]
        x, _ = self.body(ndl.ops.stack(tokens, 1))
        first = ndl.ops.split(x, 1)[0].reshape((n, width))
        return self.head(first)


@beside_torch
@every_device
def test_a_vision_transformer_loses_what_pytorch_loses(device):
    np.random.seed(5)
    x, y = numbers(12, 3, 8, 8), np.random.randint(0, 4, 12)
    model = VisionTransformer(6, 4, device)
    twin = Twin(model)

    def forward(x):
        n = len(x)
        patches = F.conv2d(x, twin["patches.weight"].permute(3, 2, 0, 1), twin["patches.bias"], 4, padding=2)
        patches = patches.flatten(2).transpose(1, 2)
        x = torch.cat([twin["token"].expand(n, 1, 6), patches], 1)
        x = x + twin["body.embedding.weight"][: x.shape[1]]
        for k in range(2):
            x = torch_transformer_layer(twin, f"body.layers.modules.{k}.", x, 2, False)
        return twin.linear(x[:, 0], "head")

    optimizer = ndl.optim.Adam(model.parameters(), lr=0.01)
    given = ndl.Tensor(x, device=device), ndl.Tensor(y, device=device)
    ours = [one_step(model, nn.SoftmaxLoss(), optimizer, *given) for _ in range(20)]
    np.testing.assert_allclose(ours, torch_losses(twin, forward, x, y, 20, 0.01), rtol=2e-3, atol=1e-4)
    assert ours[-1] < ours[0] / 4


class LinearAttention(nn.Module):
    """A student's attention without softmax: weights are products of positive features, so that KᵀV is made once.

    y = φ(q) (φ(k)ᵀ v) / (φ(q) Σ φ(k)),  φ(a) = relu(a) + exp(-relu(-a)): the exponential left of 0, a + 1 right of it.
    """

    def __init__(self, width, device):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width, bias=False, device=device) for _ in range(3))
        self.norm = nn.LayerNorm1d(width, device=device)

    def features(self, a):
        return ndl.ops.relu(a) + ndl.ops.exp(-ndl.ops.relu(-a))

    def project(self, layer, x):
        n, length, width = x.shape
        return layer(x.reshape((n * length, width))).reshape((n, length, width))

    def forward(self, x):
        n, length, width = x.shape
        z = self.norm(x.reshape((n * length, width))).reshape((n, length, width))
        q, k = self.features(self.project(self.q, z)), self.features(self.project(self.k, z))
        v = self.project(self.v, z)
        memory = ndl.ops.matmul(ndl.ops.transpose(k, (1, 2)), v)
        total = ndl.ops.summation(k, axes=(1,)).reshape((n, width, 1))
        y = ndl.ops.matmul(q, memory) / ndl.ops.broadcast_to(ndl.ops.matmul(q, total), (n, length, width))
        return x + y


class LinearClassifier(nn.Module):
    def __init__(self, words, width, classes, device):
        super().__init__()
        self.table = nn.Embedding(words, width, device=device)
        self.layers = [LinearAttention(width, device) for _ in range(2)]
        self.head = nn.Linear(width, classes, device=device)

    def forward(self, tokens):
        x = ndl.ops.transpose(self.table(tokens), (0, 1))  # the course's tables want (seq, batch)
        for layer in self.layers:
            x = layer(x)
        return self.head(ndl.ops.summation(x, axes=(1,)) / x.shape[1])


@beside_torch
@every_device
def test_linear_attention_loses_what_pytorch_loses(device):
    np.random.seed(6)
    x, y = np.random.randint(0, 9, (7, 10)), np.random.randint(0, 3, 10)
    model = LinearClassifier(9, 8, 3, device)
    twin = Twin(model)

    def forward(tokens):
        x = twin["table.weight"][tokens].transpose(0, 1)
        for k in range(2):
            z = twin.norm(x, f"layers.{k}.norm")
            q, key, v = (twin.linear(z, f"layers.{k}.{name}") for name in "qkv")
            q, key = F.elu(q) + 1, F.elu(key) + 1
            x = x + q @ (key.transpose(1, 2) @ v) / (q @ key.sum(1).unsqueeze(-1))
        return twin.linear(x.mean(1), "head")

    optimizer = ndl.optim.Adam(model.parameters(), lr=0.02)
    given = ndl.Tensor(x.astype("float32"), device=device), ndl.Tensor(y, device=device)
    ours = [one_step(model, nn.SoftmaxLoss(), optimizer, *given) for _ in range(20)]
    np.testing.assert_allclose(ours, torch_losses(twin, forward, x, y, 20, 0.02), rtol=2e-3, atol=1e-4)
    assert ours[-1] < ours[0] / 2
