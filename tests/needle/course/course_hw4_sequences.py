"""In the style of the course's homework 4 tests (recurrent networks, language models), in both backends.

Run through `python -m needle_edu.as_needle --apps -m pytest`, see ../test_as_needle.py. What is checked against
PyTorch is checked against the formula in NumPy too, so that nothing goes unseen where PyTorch is not installed.
"""

import itertools
import sys

sys.path.append("./python")
sys.path.append("./apps")

import needle as ndl
import numpy as np
import pytest
from models import LanguageModel
from needle import nn
from needle.nn.nn_sequence import LSTM, Embedding, RNNCell
from simple_ml import *  # noqa: F403

try:
    import torch
except ImportError:
    torch = None

_DEVICES = [
    ndl.cpu(),
    pytest.param(ndl.cuda(), marks=pytest.mark.skipif(not ndl.cuda().enabled(), reason="No GPU")),
]
every_device = pytest.mark.parametrize("device", _DEVICES, ids=["cpu", "cuda"])
GIVEN = pytest.mark.parametrize(("bias", "init_hidden"), list(itertools.product([True, False], repeat=2)))
CASES = list(
    itertools.product([1, 13], [1, 5], [1, 2], [1, 15], [1, 12])
)  # seq, layers, batch, input, hidden


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cell_numbers(cell, x, h, c, nonlinearity=None):
    """One step in NumPy, from the cell's own weights; c is None for a plain cell."""
    gates = x @ cell.W_ih.numpy() + h @ cell.W_hh.numpy()
    if cell.bias_ih is not None:
        gates = gates + cell.bias_ih.numpy() + cell.bias_hh.numpy()
    if c is None:
        return (np.tanh(gates) if nonlinearity == "tanh" else np.maximum(gates, 0)), None
    i, f, g, o = np.split(gates, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def layer_numbers(cells, x, h, c, nonlinearity=None):
    """All layers, all steps: outputs and states."""
    h, c = list(h), (list(c) if c is not None else [None] * len(cells))
    for k, cell in enumerate(cells):
        out = []
        for row in x:
            h[k], c[k] = cell_numbers(cell, row, h[k], c[k], nonlinearity)
            out.append(h[k])
        x = np.stack(out)
    return x, np.stack(h), (np.stack(c) if c[0] is not None else None)


def numbers(*shape):
    return np.random.randn(*shape).astype(np.float32)


@every_device
@GIVEN
@pytest.mark.parametrize("batch_size", [1, 15])
@pytest.mark.parametrize(("input_size", "hidden_size"), [(1, 1), (1, 12), (11, 1), (11, 12)])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_rnn_cell(batch_size, input_size, hidden_size, bias, init_hidden, nonlinearity, device):
    x, h0 = numbers(batch_size, input_size), numbers(batch_size, hidden_size)
    model = nn.RNNCell(input_size, hidden_size, device=device, bias=bias, nonlinearity=nonlinearity)
    if torch is not None:
        theirs = torch.nn.RNNCell(input_size, hidden_size, bias=bias, nonlinearity=nonlinearity)
        model.W_ih = ndl.Tensor(theirs.weight_ih.detach().numpy().transpose(), device=device)
        model.W_hh = ndl.Tensor(theirs.weight_hh.detach().numpy().transpose(), device=device)
        if bias:
            model.bias_ih = ndl.Tensor(theirs.bias_ih.detach().numpy(), device=device)
            model.bias_hh = ndl.Tensor(theirs.bias_hh.detach().numpy(), device=device)
    start = ndl.Tensor(h0, device=device) if init_hidden else None
    h = model(ndl.Tensor(x, device=device), start)
    assert h.device == device
    wanted, _ = cell_numbers(model, x, h0 if init_hidden else h0 * 0, None, nonlinearity)
    np.testing.assert_allclose(h.numpy(), wanted, atol=1e-5, rtol=1e-5)
    h.sum().backward()
    assert model.W_hh.grad.shape == model.W_hh.shape
    if torch is not None:
        out = theirs(torch.tensor(x), torch.tensor(h0) if init_hidden else None)
        np.testing.assert_allclose(out.detach().numpy(), h.numpy(), atol=1e-5, rtol=1e-5)
        out.sum().backward()
        grad = model.W_ih.grad.numpy().transpose()
        np.testing.assert_allclose(theirs.weight_ih.grad.numpy(), grad, atol=1e-5, rtol=1e-5)


@every_device
@GIVEN
@pytest.mark.parametrize("batch_size", [1, 15])
@pytest.mark.parametrize(("input_size", "hidden_size"), [(1, 1), (1, 12), (11, 1), (11, 12)])
def test_lstm_cell(batch_size, input_size, hidden_size, bias, init_hidden, device):
    x, h0, c0 = numbers(batch_size, input_size), *(numbers(batch_size, hidden_size) for _ in range(2))
    model = nn.LSTMCell(input_size, hidden_size, device=device, bias=bias)
    state = (ndl.Tensor(h0, device=device), ndl.Tensor(c0, device=device)) if init_hidden else None
    h, c = model(ndl.Tensor(x, device=device), state)
    keep = 1 if init_hidden else 0
    wanted = cell_numbers(model, x, h0 * keep, c0 * keep)
    np.testing.assert_allclose(h.numpy(), wanted[0], atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(c.numpy(), wanted[1], atol=1e-5, rtol=1e-5)
    h.sum().backward()
    assert model.W_hh.grad is not None
    if torch is not None:
        theirs = torch.nn.LSTMCell(input_size, hidden_size, bias=bias)
        theirs.load_state_dict({k: torch.tensor(v) for k, v in model.torch_state_dict().items()})
        theirs(torch.tensor(x), (torch.tensor(h0), torch.tensor(c0)) if init_hidden else None)[
            0
        ].sum().backward()
        grad = model.W_ih.grad.numpy().transpose()
        np.testing.assert_allclose(theirs.weight_ih.grad.numpy(), grad, atol=1e-5, rtol=1e-5)


@every_device
@GIVEN
@pytest.mark.parametrize(("seq", "layers", "batch", "inputs", "hidden"), CASES[1::6])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_rnn(seq, layers, batch, inputs, hidden, bias, init_hidden, nonlinearity, device):
    x, h0 = numbers(seq, batch, inputs), numbers(layers, batch, hidden)
    model = nn.RNN(inputs, hidden, num_layers=layers, bias=bias, device=device, nonlinearity=nonlinearity)
    start = ndl.Tensor(h0, device=device) if init_hidden else None
    output, h = model(ndl.Tensor(x, device=device), start)
    assert len(model.rnn_cells) == layers and model.rnn_cells[0].W_ih.shape == (inputs, hidden)
    wanted = layer_numbers(model.rnn_cells, x, h0 * init_hidden, None, nonlinearity)
    np.testing.assert_allclose(output.numpy(), wanted[0], atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(h.numpy(), wanted[1], atol=1e-4, rtol=1e-4)
    output.sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in model.parameters())


@every_device
@GIVEN
@pytest.mark.parametrize(("seq", "layers", "batch", "inputs", "hidden"), CASES[1::6])
def test_lstm(seq, layers, batch, inputs, hidden, bias, init_hidden, device):
    x, h0, c0 = numbers(seq, batch, inputs), *(numbers(layers, batch, hidden) for _ in range(2))
    model = nn.LSTM(inputs, hidden, num_layers=layers, bias=bias, device=device)
    state = (ndl.Tensor(h0, device=device), ndl.Tensor(c0, device=device)) if init_hidden else None
    output, (h, c) = model(ndl.Tensor(x, device=device), state)
    wanted = layer_numbers(model.lstm_cells, x, h0 * init_hidden, c0 * init_hidden)
    for ours, theirs in zip((output, h, c), wanted, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-4, rtol=1e-4)
    output.sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in model.parameters())
    if torch is not None and seq * layers > 1:
        theirs = torch.nn.LSTM(inputs, hidden, layers, bias=bias)
        theirs.load_state_dict({k: torch.tensor(v) for k, v in model.torch_state_dict().items()})
        theirs(torch.tensor(x), (torch.tensor(h0), torch.tensor(c0)) if init_hidden else None)[
            0
        ].sum().backward()
        grad = model.lstm_cells[0].W_ih.grad.numpy().transpose()
        np.testing.assert_allclose(theirs.weight_ih_l0.grad.numpy(), grad, atol=1e-4, rtol=1e-4)


def test_draws_of_a_recurrent_network():
    np.random.seed(5)
    model, rng, bound = nn.LSTM(3, 4, num_layers=2), np.random.RandomState(5), np.sqrt(1 / 4)
    for cell, width in zip(model.lstm_cells, (3, 4), strict=True):
        for name, shape in (("W_ih", (width, 16)), ("W_hh", (4, 16)), ("bias_ih", (16,)), ("bias_hh", (16,))):
            drawn = rng.rand(*shape) * 2 * bound - bound
            np.testing.assert_allclose(getattr(cell, name).numpy(), drawn, rtol=1e-4, atol=1e-6)


def test_integer_indices_of_states_and_outputs():
    """Under the name needle `h[0]` keeps its axis in nd mode; layers do not count on either."""
    output, h = nn.RNN(2, 3, num_layers=2)(ndl.Tensor(numbers(4, 5, 2)))
    np.testing.assert_array_equal(output.numpy()[-1], h.numpy()[1])


@every_device
@pytest.mark.parametrize(("seq_len", "layers", "batch"), [(1, 1, 1), (13, 2, 15), (3, 1, 15)])
@pytest.mark.parametrize("init_hidden", [True, False])
@pytest.mark.parametrize("seq_model", ["rnn", "lstm"])
def test_language_model_implementation(seq_len, layers, batch, init_hidden, seq_model, device):
    embedding_size, words, hidden = 3, 17, 12
    x = np.random.randint(0, words, (seq_len, batch)).astype(np.float32)
    h = ndl.Tensor(numbers(layers, batch, hidden), device=device)
    state = None if not init_hidden else (h, h) if seq_model == "lstm" else h
    model = LanguageModel(embedding_size, words, hidden, layers, seq_model, device=device)
    output, state = model(ndl.Tensor(x, device=device), state)
    assert output.shape == (batch * seq_len, words)
    parts = state if seq_model == "lstm" else (state,)
    assert all(part.shape == (layers, batch, hidden) for part in parts) and len(parts) == 1 + (
        seq_model == "lstm"
    )
    output.sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    assert [type(p).__name__ for p in (model.embedding, model.linear)] == ["Embedding", "Linear"]


def write_corpus(folder, lines):
    rng = np.random.RandomState(1)
    for name in ("train.txt", "test.txt"):
        starts = rng.randint(0, 12, lines)
        text = [" ".join(f"w{(start + k) % 12}" for k in range(rng.randint(3, 9))) for start in starts]
        (folder / name).write_text("\n".join(text) + "\n")


@every_device
@pytest.mark.parametrize("seq_model", ["rnn", "lstm"])
def test_language_model_training(seq_model, device, tmp_path):
    write_corpus(tmp_path, 60)
    np.random.seed(0)
    corpus = ndl.data.Corpus(str(tmp_path), max_lines=50)
    data = ndl.data.batchify(corpus.train, batch_size=16, device=device, dtype="float32")
    model = LanguageModel(
        30, len(corpus.dictionary), hidden_size=10, num_layers=2, seq_model=seq_model, device=device
    )
    first = evaluate_ptb(model, data, seq_len=10, device=device)  # noqa: F405
    acc, loss = train_ptb(model, data, seq_len=10, n_epochs=2, device=device)  # noqa: F405
    for _ in range(3):
        acc, loss = train_ptb(model, data, seq_len=10, n_epochs=5, device=device, clip=1.0)  # noqa: F405
    test_acc, test_loss = evaluate_ptb(model, data, seq_len=10, device=device)  # noqa: F405
    assert test_loss < first[1] - 0.1 and loss < first[1] and 0 <= acc <= 1 and 0 <= test_acc <= 1


def test_a_language_model_beside_numbers(tmp_path):
    """The loss of an untrained model by NumPy, the state carried from batch to batch."""
    np.random.seed(2)
    data = ndl.data.batchify(list(np.random.randint(0, 7, 90)), 4)
    model = LanguageModel(3, 7, hidden_size=5, seq_model="lstm", num_layers=2)
    acc, loss = evaluate_ptb(model, data, seq_len=6)  # noqa: F405
    h, c, table = np.zeros((2, 4, 5)), np.zeros((2, 4, 5)), model.embedding.weight.numpy()
    x, y = data[:-1].astype(int), data[1:].astype(int)
    out, h, c = layer_numbers(model.model.lstm_cells, table[x], h, c)
    logits = out @ model.linear.weight.numpy() + model.linear.bias.numpy()
    shifted = logits - logits.max(-1, keepdims=True)
    surprise = np.log(np.exp(shifted).sum(-1)) - np.take_along_axis(shifted, y[..., None], -1)[..., 0]
    np.testing.assert_allclose(loss, surprise.mean(), rtol=1e-5)
    np.testing.assert_allclose(acc, (logits.argmax(-1) == y).mean())


def test_module_names_of_the_course():
    assert (LSTM, RNNCell, Embedding) == (nn.LSTM, nn.RNNCell, nn.Embedding)
    assert nn.Sigmoid()(ndl.Tensor([0.0])).numpy()[0] == 0.5
