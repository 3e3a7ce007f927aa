"""Writing by one kernel call for each block: the modules' scores, and only where nobody could miss the modules."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor, nn
from needle_edu.autograd import events, no_grad
from needle_edu.backend.errors import GradientError
from needle_edu.backend_selection import BACKEND
from needle_edu.models import GPT, decoding

own_arrays = pytest.mark.skipif(
    BACKEND == "np" or not ndl.cpu().native, reason="a kernel on needle_edu's own arrays"
)


def drawn(dtype="float64", **options):
    """A GPT far from the small first weights, so that differences show."""
    ndl.init.seed(4)
    model = GPT(
        **{"tokens": 11, "max_len": 40, "layers": 2, "heads": 3, "dim": 12, "dtype": dtype, **options}
    )
    for parameter in model.parameters():
        parameter.data = Tensor(np.random.randn(*parameter.shape) * 0.4, dtype=dtype)
    return model.eval()


@pytest.fixture
def model():
    return drawn()


@pytest.fixture
def served(monkeypatch):
    """How often a block went through the kernel."""
    calls = []
    kernel = decoding.gpt_block
    monkeypatch.setattr(decoding, "gpt_block", lambda *given: calls.append(1) or kernel(*given))
    return calls


@own_arrays
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-11)])
@pytest.mark.parametrize("options", [
    {}, {"bias": False}, {"heads": 1, "dim": 17, "layers": 1}, {"max_len": 300, "heads": 2, "dim": 8, "layers": 1},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("batch", [1, 3])
def test_scores_are_those_of_a_pass_over_all_tokens(dtype, tolerance, options, batch, rng):
    model = drawn(dtype, **options)
    tokens = rng.integers(0, 11, (batch, model.max_len))
    with no_grad():
        wanted = model(Tensor(tokens)).numpy()
    cache = model.new_cache(batch)
    decoder = decoding.Decoder(model, cache)
    for k in range(model.max_len):
        scores = decoder.scores(tokens[:, k : k + 1])
        assert scores.dtype == dtype and cache.length == k + 1
        np.testing.assert_allclose(scores, wanted[:, k], tolerance, tolerance * 20)


@own_arrays
def test_modules_and_kernel_take_turns_on_one_cache(model, rng):
    tokens = rng.integers(0, 11, (2, 12))
    with no_grad():
        wanted = model(Tensor(tokens)).numpy()[:, -1]
        cache = model.new_cache(2)
        model(Tensor(tokens[:, :5]), cache)
        decoder = decoding.Decoder(model, cache)
        decoder.scores(tokens[:, 5:6])
        model(Tensor(tokens[:, 6:8]), cache)
        for k in range(8, 12):
            scores = decoder.scores(tokens[:, k : k + 1])
    np.testing.assert_allclose(scores, wanted, 1e-11, 1e-11)


@own_arrays
def test_generation_goes_by_the_kernel(model, served):
    plain = model.generate([[1, 2], [3, 4]], 9, seed=1, use_cache=False)
    assert not served
    np.testing.assert_array_equal(model.generate([[1, 2], [3, 4]], 9, seed=1), plain)
    assert len(served) == 8 * 2  # the first pass reads both tokens of the beginning
    far = model.generate([1, 2], 70, temperature=0)  # beyond the longest sequence
    np.testing.assert_array_equal(far, model.generate([1, 2], 70, temperature=0, use_cache=False))


@own_arrays
def test_a_training_model_writes_as_in_evaluation(served):
    model = drawn(dropout=0.5)
    wanted = model.generate([1], 9, temperature=0).tolist()
    assert model.train().generate([1], 9, temperature=0).tolist() == wanted
    assert len(served) == 2 * 9 * 2


class Twice(nn.Linear):
    def forward(self, x):
        return super().forward(x) * 2


class Shout(GPT):
    def hidden(self, tokens, cache=None):
        return super().hidden(tokens, cache) * -1


class Double(ndl.TensorOp):
    def compute(self, a, b):
        return a @ b * 2


def subclass_of_a_layer(model, monkeypatch, request):
    layer = Twice(12, 36, dtype="float64")
    layer.load_state_dict(model.blocks[1].attn_qkv.state_dict())
    model.blocks[1].attn_qkv = layer.eval()


def subclass_of_the_model(model, monkeypatch, request):
    model.__class__ = Shout


def forward_of_one_module(model, monkeypatch, request):
    layer = model.blocks[0].ln_2
    layer.forward = lambda x: nn.LayerNorm.forward(layer, x) * 2


def forward_of_a_class(model, monkeypatch, request):
    forward = nn.LayerNorm.forward
    monkeypatch.setattr(nn.LayerNorm, "forward", lambda self, x: forward(self, x) * 2)


def attention_of_the_block(model, monkeypatch, request):
    attended = ndl.models.GPTBlock._attended
    monkeypatch.setattr(ndl.models.GPTBlock, "_attended", lambda *given: attended(*given) * 2)


def scores_of_one_model(model, monkeypatch, request):
    model.scores = lambda x: GPT.scores(model, x) * -1


def hidden_of_one_model(model, monkeypatch, request):
    model.hidden = lambda *given: GPT.hidden(model, *given) * -1


def attention_of_one_block(model, monkeypatch, request):
    block = model.blocks[1]
    block._attended = lambda *given: ndl.models.GPTBlock._attended(block, *given) * -2


def hook(model, monkeypatch, request):
    model.blocks[0].mlp_proj.register_forward_hook(lambda module, args, out: out * 2)


def hook_of_dropout(model, monkeypatch, request):
    model.blocks[1].dropout.register_forward_hook(lambda module, args, out: out * 2)


def op(model, monkeypatch, request):
    request.addfinalizer(ndl.override("matmul", Double).undo)


def kernel(model, monkeypatch, request):
    request.addfinalizer(ndl.cpu().override("matmul", ndl.cpu().kernels.matmul).undo)


def listener(model, monkeypatch, request):
    previous = events.set_hook(lambda event, array: None)
    request.addfinalizer(lambda: events.set_hook(previous))


def weight_that_lies_crosswise(model, monkeypatch, request):
    linear = model.blocks[0].mlp_fc
    linear.weight.data = Tensor.make_const(linear.weight.cached_data.T.compact().T)


CHANGES = [
    subclass_of_a_layer, subclass_of_the_model, forward_of_one_module, forward_of_a_class, attention_of_the_block,
    scores_of_one_model, hidden_of_one_model, attention_of_one_block, hook, hook_of_dropout, op, kernel,
    listener, weight_that_lies_crosswise,
]  # fmt: skip


@own_arrays
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_whoever_changes_the_modules_gets_the_modules(model, served, change, monkeypatch, request):
    change(model, monkeypatch, request)
    wanted = model.generate([1, 2], 12, temperature=0, use_cache=False)
    np.testing.assert_array_equal(model.generate([1, 2], 12, temperature=0), wanted)
    assert not served


@own_arrays
def test_a_change_between_two_tokens_is_seen(model, served):
    steps = model.stream([1], temperature=0)
    next(steps), next(steps)
    assert len(served) == 2 * 2
    calls = []
    handle = model.ln_f.register_forward_hook(lambda module, args, out: calls.append(1))
    next(steps), next(steps)
    assert len(served) == 2 * 2 and len(calls) == 2
    handle.remove()


@own_arrays
def test_new_weights_between_two_tokens_count(model):
    """Keys and values of the old weights stay; the scores are made by the new ones."""
    steps, cache = model.stream([1], temperature=0), model.new_cache()
    tokens = [1, next(steps).item(), next(steps).item()]
    with no_grad():
        model(Tensor([tokens[:2]]), cache)
        for parameter in model.parameters():
            parameter.data = parameter * -1.5
        wanted = model(Tensor([tokens[2:]]), cache).numpy()[0, -1].argmax()
    assert next(steps).item() == wanted


@own_arrays
def test_dropout_that_somebody_has_left_on_drops(model, served):
    model.blocks[0].dropout.p = 0.9
    model.blocks[0].dropout.train()
    assert len({tuple(model.generate([1], 12, temperature=0).tolist()) for _ in range(4)}) > 1
    assert not served


@own_arrays
def test_rows_of_a_table_with_a_longest_length_are_shortened(model, served):
    model.wte.max_norm = 0.1
    for token in model.generate([1], 6, temperature=0)[:-1]:
        np.testing.assert_allclose(np.linalg.norm(model.wte.weight.numpy()[token]), 0.1, 1e-5)
    assert not served


@own_arrays
def test_many_sequences_are_written_as_one(model, served):
    many = model.generate(np.ones((37, 1)), 4, temperature=0)
    assert (many == model.generate([1], 4, temperature=0)).all() and len(served) == 2 * 2 * 4


@own_arrays
def test_other_places_are_left_to_the_modules(served):
    slow = drawn("float32").to(ndl.cpu_numpy())
    assert (
        slow.generate([1], 6, temperature=0).tolist()
        == drawn("float32").generate([1], 6, temperature=0).tolist()
    )
    assert len(served) == 2 * 6


@own_arrays
def test_a_backward_pass_through_a_cache_that_was_written_to_is_refused(model):
    cache = model.new_cache()
    scores = model(Tensor([[1, 2]]), cache)
    decoding.Decoder(model, cache).scores(np.array([[3]]))
    with pytest.raises(GradientError, match="overwritten after the forward pass"):
        scores.sum().backward()
