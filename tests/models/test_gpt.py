"""GPT: beside PyTorch's functions, its cache beside recomputation, and how it draws."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, nn, optim
from needle_edu.backend.errors import DTypeError, IndexOutOfRange, ShapeError
from needle_edu.models import GPT, KVCache
from needle_edu.models.sampling import draw


@pytest.fixture
def model():
    ndl.init.seed(4)
    model = GPT(tokens=11, max_len=12, layers=2, heads=2, dim=8, dtype="float64")
    for parameter in model.parameters():  # far from the small first weights, so that differences show
        parameter.data = Tensor(np.random.randn(*parameter.shape) * 0.4, dtype="float64")
    return model


@pytest.mark.parity
def test_scores_and_gradients_are_those_of_pytorchs_functions(model, rng):
    torch = pytest.importorskip("torch", reason="compares with PyTorch; pip install torch==2.13.0")
    F = torch.nn.functional
    w = {name: torch.tensor(p.numpy(), requires_grad=True) for name, p in model.named_parameters()}
    tokens, labels = rng.integers(0, 11, (2, 3, 7))

    def linear(x, name):
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"].reshape(-1)

    def norm(x, name):
        return F.layer_norm(x, (8,), w[f"{name}.weight"], w[f"{name}.bias"])

    x = w["wte.weight"][torch.tensor(tokens)] + w["wpe.weight"][:7]
    for k in range(2):
        block = f"blocks.modules.{k}"
        q, key, v = (
            part.reshape(3, 7, 2, 4).transpose(1, 2)
            for part in linear(norm(x, f"{block}.ln_1"), f"{block}.attn_qkv").split(8, -1)
        )
        y = F.scaled_dot_product_attention(q, key, v, is_causal=True).transpose(1, 2).reshape(3, 7, 8)
        x = x + linear(y, f"{block}.attn_proj")
        h = F.gelu(linear(norm(x, f"{block}.ln_2"), f"{block}.mlp_fc"), approximate="tanh")
        x = x + linear(h, f"{block}.mlp_proj")
    wanted = norm(x, "ln_f") @ w["wte.weight"].T
    scores = model(Tensor(tokens))
    np.testing.assert_allclose(scores.numpy(), wanted.detach().numpy(), rtol=1e-10, atol=1e-10)
    loss = nn.CrossEntropyLoss()(scores.reshape((21, 11)), Tensor(labels.reshape(-1)))
    loss.backward()
    F.cross_entropy(wanted.reshape(21, 11), torch.tensor(labels.reshape(-1))).backward()
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(
            parameter.grad.numpy(), w[name].grad.numpy(), rtol=1e-8, atol=1e-10, err_msg=name
        )


def test_the_cache_changes_nothing(model, rng):
    tokens = rng.integers(0, 11, (2, 9))
    whole = model(Tensor(tokens)).numpy()
    cache, parts = model.new_cache(2), []
    for start, stop in ((0, 4), (4, 5), (5, 8), (8, 9)):
        parts.append(model(Tensor(tokens[:, start:stop]), cache).numpy())
    assert cache.length == 9
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "how", [{"temperature": 0}, {"seed": 5}, {"seed": 5, "top_k": 3, "temperature": 2.0}]
)
def test_generation_with_and_without_the_cache(model, how):
    given = [[1, 2, 3], [4, 5, 6]]
    kept, again = (model.generate(given, 9, use_cache=use, **how) for use in (True, False))
    assert kept.shape == (2, 12)
    np.testing.assert_array_equal(kept, again)
    np.testing.assert_array_equal(kept[:, :3], given)


def test_greedy_generation_takes_the_best_of_each_pass(model):
    made = model.generate([3], 8, temperature=0)
    for k in range(1, 9):
        scores = model(Tensor([made[:k].tolist()])).numpy()[0, -1]
        assert made[k] == scores.argmax()


def test_the_same_seed_writes_the_same(model):
    first, second, other = (model.generate([1], 11, seed=seed).tolist() for seed in (1, 1, 2))
    assert first == second != other
    ndl.init.seed(1)
    assert model.generate([1], 11).tolist() == first
    assert np.random.rand() == np.random.RandomState(1).rand(12)[-1]  # one number for each token


def test_it_goes_on_beyond_its_longest_sequence(model):
    made = model.generate([1, 2], 40, temperature=0)
    assert made.shape == (42,)
    np.testing.assert_array_equal(made, model.generate([1, 2], 40, temperature=0, use_cache=False))


def test_tokens_are_shown_as_they_come(model):
    seen = []
    made = model.generate([[1], [2]], 3, seed=0, on_token=lambda new: seen.append(new.tolist()))
    assert np.array(seen).T.tolist() == made[:, 1:].tolist()
    steps = model.stream([1], seed=3)
    assert [next(steps).item() for _ in range(4)] == model.generate([1], 4, seed=3)[1:].tolist()


def test_generation_leaves_no_graph_and_the_mode_as_it_was():
    model = GPT(tokens=5, max_len=8, layers=1, heads=1, dim=4, dropout=0.5)
    assert model.generate([1], 3, temperature=0).tolist() == model.generate([1], 3, temperature=0).tolist()
    assert model.training and model.blocks[0].dropout.training
    model.drop.eval()  # a part that somebody keeps in evaluation
    model.generate([1], 3, use_cache=False)
    assert model.training and model.blocks[0].dropout.training and not model.drop.training
    assert all(p.grad is None for p in model.parameters())


def test_draws_follow_the_probabilities():
    scores = np.log(np.tile([0.5, 0.3, 0.2], (20000, 1)))
    counts = np.bincount(draw(scores, np.random.RandomState(0))) / 20000
    np.testing.assert_allclose(counts, [0.5, 0.3, 0.2], atol=0.015)
    counts = np.bincount(draw(scores, np.random.RandomState(0), temperature=0.5)) / 20000
    np.testing.assert_allclose(counts, np.array([25, 9, 4]) / 38, atol=0.015)
    assert set(draw(scores, np.random.RandomState(0), top_k=2)) == {0, 1}
    assert set(draw(scores, np.random.RandomState(0), top_p=0.79)) == {0, 1}
    assert set(draw(scores, np.random.RandomState(0), top_p=0.5)) == {0}
    assert set(draw(scores, np.random.RandomState(0), top_p=1.0)) == {0, 1, 2}


def test_it_learns_to_count():
    ndl.init.seed(0)
    model = GPT(tokens=6, max_len=12, layers=1, heads=2, dim=16)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        rows = (np.arange(9) + np.random.randint(0, 6, (16, 1))) % 6
        loss = nn.CrossEntropyLoss()(
            model(Tensor(rows[:, :-1])).reshape((128, 6)), Tensor(rows[:, 1:].reshape(-1))
        )
        optimizer.reset_grad()
        loss.backward()
        optimizer.step()
    assert model.generate([2, 3], 6, temperature=0).tolist() == [2, 3, 4, 5, 0, 1, 2, 3]


def test_first_weights():
    ndl.init.seed(0)
    model = GPT(tokens=50, max_len=64, layers=8, heads=4, dim=64)
    block = model.blocks[3]
    assert abs(block.mlp_fc.weight.numpy().std() - 0.02) < 0.001
    assert abs(block.mlp_proj.weight.numpy().std() - 0.005) < 0.0003
    assert not block.attn_qkv.bias.numpy().any()
    loss = nn.CrossEntropyLoss()(model(Tensor([[1, 2, 3]]))[0], Tensor([2, 3, 4]))
    assert abs(loss.item() - np.log(50)) < 0.1


BAD = {
    "heads": (lambda m: GPT(5, 5, heads=3, dim=8), ShapeError, "8 features do not make 3 equal heads"),
    "axes": (lambda m: m(Tensor([1, 2])), ShapeError, r"GPT: wanted tokens of shape \(batch, length\), got \(2,\)"),
    "length": (lambda m: m(Tensor(np.zeros((1, 13)))), ShapeError, "GPT: at most 12 tokens, got a sequence of 13"),
    "range": (lambda m: m.generate([11], 1), IndexOutOfRange, "token 11 is out of range for a vocabulary of 11"),
    "negative": (lambda m: m.generate([-1], 1), IndexOutOfRange, "token -1 is out of range"),
    "none": (lambda m: m.generate([], 1), ShapeError, "one at least, got"),
    "fractions": (lambda m: m.generate([0.5], 1), DTypeError, "tokens are whole numbers, got float64"),
    "infinite": (lambda m: m.generate([np.inf], 1), DTypeError, "tokens are whole numbers, got float64"),
    "ragged": (lambda m: m.generate([[1], [1, 2]], 1), ShapeError, "GPT.generate: rows of tokens have different len"),
    "no sequences": (lambda m: m.generate(np.zeros((0, 3), int), 1), ShapeError, r"one at least, got \(0, 3\)"),
    "seed": (lambda m: m.generate([1], 1, seed="a"), ValueError, "generate: seed is a whole number of at least 0, got"),
    "large seed": (lambda m: m.generate([1], 1, seed=2**32), ValueError, r"seed is a whole number below 2\*\*32"),
    "on_token": (lambda m: m.generate([1], 1, on_token=3), TypeError, "on_token is called with the new tokens, got 3"),
    "temperature": (lambda m: m.generate([1], 1, temperature=-1), ValueError, "temperature"),
    "top_k": (lambda m: m.generate([1], 1, top_k=0), ValueError, "top_k is a whole number of at least 1"),
    "top_p": (lambda m: m.generate([1], 1, top_p=0), ValueError, "top_p is a share above 0"),
    "count": (lambda m: m.generate([1], -1), ValueError, "count is a whole number of at least 0"),
    "cache": (
        lambda m: KVCache(1, 1, 1, 2, 4).put(0, ndl.zeros(1, 1, 3, 4), ndl.zeros(1, 1, 3, 4)), ShapeError,
        "KVCache: room for 2 tokens, got 0 and 3 more",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD)
def test_what_does_not_fit_is_said(model, call, error, message):
    with pytest.raises(error, match=message):
        call(model)
