"""The language model and its epochs: what is drawn in which order, what they refuse, and where gradients stop.

Values, states and learning are looked at in course/course_hw4_sequences.py, under the name needle and in both backends.
"""

import numpy as np
import pytest

from needle_edu import Tensor, data, init, nn, optim
from needle_edu.apps import simple_ml
from needle_edu.apps.models import LanguageModel
from needle_edu.backend.errors import NeedleError, ShapeError


@pytest.mark.parametrize("kind, gates", [("rnn", 1), ("lstm", 4)])
def test_draws(kind, gates):
    init.seed(3)
    model, follower = LanguageModel(4, 6, 5, num_layers=2, seq_model=kind), np.random.rand()
    state = np.random.RandomState(3)
    np.testing.assert_allclose(model.embedding.weight.numpy(), state.randn(6, 4), rtol=1e-5)
    for width in (4, 5):
        for shape in ((width, 5 * gates), (5, 5 * gates), (5 * gates,), (5 * gates,)):
            state.rand(*shape)
    bound = np.sqrt(6 / 5)
    drawn = state.rand(5, 6) * 2 * bound - bound
    np.testing.assert_allclose(model.linear.weight.numpy(), drawn, rtol=1e-4, atol=1e-6)
    state.rand(6, 1)
    assert follower == state.rand()


def test_a_transformer_guesses_words_too():
    init.seed(3)
    model = LanguageModel(8, 6, 5, num_layers=2, seq_model="transformer", seq_len=7)
    assert isinstance(model.model, nn.Transformer) and model.model.sequence_len == 7
    logits, state = model(Tensor(np.arange(14).reshape(7, 2) % 6))
    assert logits.shape == (14, 6) and state.shape == (7, 2, 8)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    changed, _ = model(Tensor(np.where(np.arange(7)[:, None] == 6, 5, np.arange(14).reshape(7, 2) % 6)))
    np.testing.assert_allclose(
        changed.numpy()[:12], logits.numpy()[:12], rtol=1e-4, atol=1e-5
    )  # no place looks ahead


class Listening(nn.Module):
    """A model that keeps what it was called with."""

    def __init__(self, state):
        super().__init__()
        self.weight = nn.Parameter(np.zeros((3, 3)))
        self.calls, self.state = [], state

    def forward(self, x, h=None):
        self.calls.append((x, h, self.training))
        made = self.weight.sum()
        state = {"none": None, "one": made, "pair": (made, made * 2)}[self.state]
        return init.one_hot(3, x.reshape((x.size,))) @ self.weight, state


@pytest.mark.parametrize("state", ["none", "one", "pair"])
def test_states_go_on_and_gradients_stop(state):
    text = data.batchify(np.arange(36) % 3, 4)  # 9 rows
    model = Listening(state)
    opt = optim.SGD(model.parameters(), lr=0.1)
    simple_ml.epoch_general_ptb(text, model, 3, opt=opt)
    assert [x.shape for x, _, _ in model.calls] == [(3, 4), (3, 4), (2, 4)]
    assert model.calls[0][1] is None and all(training for *_, training in model.calls)
    for _, h, _ in model.calls[1:]:
        parts = h if isinstance(h, tuple) else (h,)
        assert len(parts) == (2 if state == "pair" else 1)
        assert all(part is None if state == "none" else not part.requires_grad for part in parts)
    simple_ml.evaluate_ptb(model, text, 3)
    assert not model.calls[-1][-1]


def test_means_over_words_and_clipping():
    """The last batch is shorter and counts for less; gradients are shortened before the step."""
    text = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [1.0, 2.0]], "float32")
    model = Listening("none")
    model.weight.data = Tensor(np.eye(3) * 5)
    right, loss = simple_ml.evaluate_ptb(model, text, 2, nn.SoftmaxLoss())
    assert right == 4 / 6
    sure, wrong = np.log(np.exp(5) + 2) - 5, np.log(np.exp(5) + 2)
    np.testing.assert_allclose(loss, (4 * sure + 2 * wrong) / 6, rtol=1e-4)
    before = model.weight.numpy()
    simple_ml.epoch_general_ptb(text, model, 3, opt=optim.SGD(model.parameters(), lr=1.0), clip=0.01)
    np.testing.assert_allclose(np.linalg.norm(model.weight.numpy() - before), 0.01, rtol=1e-3)


def test_bad_input():
    text = data.batchify(np.arange(36) % 3, 4)
    with pytest.raises(
        NeedleError, match=r"LanguageModel: seq_model is one of \['lstm', 'rnn', 'transformer'\], got 'gru'"
    ):
        LanguageModel(4, 3, 5, seq_model="gru")
    with pytest.raises(ValueError, match="train_ptb: n_epochs is a whole number of at least 1, got 0"):
        simple_ml.train_ptb(LanguageModel(4, 3, 5), text, n_epochs=0)
    with pytest.raises(ValueError, match="epoch_general_ptb: seq_len is a whole number of at least 1, got 0"):
        simple_ml.evaluate_ptb(LanguageModel(4, 3, 5), text, seq_len=0)
    with pytest.raises(ShapeError, match="epoch_general_ptb: a text has at least 2 rows of words, got 1"):
        simple_ml.evaluate_ptb(LanguageModel(4, 3, 5), text[:1])
