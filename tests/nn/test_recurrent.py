"""Recurrent cells and layers beside PyTorch's, with the same weights: values, states, gradients; and their formulas."""

import numpy as np
import pytest

from needle_edu import Tensor, grad_check, init, nn, ops
from needle_edu.backend import compatibility
from needle_edu.backend.errors import DataError, DeviceError, NeedleError, ShapeError

LAYERS = {"RNN": {}, "RNN of relu": {"nonlinearity": "relu"}, "LSTM": {}, "GRU": {}}
CELLS = {"RNNCell": {}, "RNNCell of relu": {"nonlinearity": "relu"}, "LSTMCell": {}, "GRUCell": {}}
OPTIONS = [
    {}, {"num_layers": 2}, {"bidirectional": True}, {"bias": False}, {"batch_first": True},
    {"num_layers": 2, "bidirectional": True, "batch_first": True},
]  # fmt: skip


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def twins(torch, name, *sizes, dtype="float64", **options):
    """Our module, and PyTorch's with the same weights."""
    kind, *_ = name.split()
    options |= {**LAYERS, **CELLS}[name]
    ours = getattr(nn, kind)(*sizes, dtype=dtype, **options)
    theirs = getattr(torch.nn, kind)(*sizes, dtype=getattr(torch, dtype), **options)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.torch_state_dict().items()})
    return ours, theirs


def flat(result):
    """The tensors in nested tuples, in order."""
    return [leaf for part in result for leaf in flat(part)] if isinstance(result, tuple) else [result]


def compare(torch, ours, theirs, x, state, rng, tol):
    """Values, and the gradients of input, states and weights, for random adjoints of everything returned."""
    theirs.zero_grad()
    given = [x, *flat(state)] if state is not None else [x]
    dtype = str(ours.parameters()[0].dtype)
    mine = [Tensor(a, dtype=dtype) for a in given]
    yours = [torch.tensor(np.ascontiguousarray(a), requires_grad=True) for a in given]

    def call(module, parts):
        if state is None:
            return flat(module(parts[0]))
        return flat(module(parts[0], tuple(parts[1:]) if isinstance(state, tuple) else parts[1]))

    got, wanted = call(ours, mine), call(theirs, yours)
    assert [a.shape for a in got] == [tuple(a.shape) for a in wanted]
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=tol, atol=tol)
    adjoints = [rng.normal(size=a.shape).astype(dtype) for a in got]
    sum((a * Tensor(w, dtype=dtype)).sum() for a, w in zip(got, adjoints, strict=True)).backward()
    sum((a * torch.tensor(w)).sum() for a, w in zip(wanted, adjoints, strict=True)).backward()
    for a, b in zip(mine, yours, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=tol, atol=tol)
    named = dict(theirs.named_parameters())
    own = dict(ours.named_parameters())
    for our_name, their_name in ours._torch_names().items():
        grad = own[our_name].grad.numpy()
        np.testing.assert_allclose(
            grad.T, named[their_name].grad.numpy(), rtol=tol, atol=tol, err_msg=our_name
        )


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype, tol", [("float64", 1e-10), ("float32", 1e-4)])
@pytest.mark.parametrize("shape", [(5, 3, 4), (1, 1, 4)])
def test_layers_are_pytorchs(torch, rng, name, options, dtype, tol, shape):
    ours, theirs = twins(torch, name, 4, 3, dtype=dtype, **options)
    x = rng.normal(size=shape).astype(dtype)
    compare(torch, ours, theirs, x, None, rng, tol)
    cells = len(ours._cells())
    state = [rng.normal(size=(cells, shape[0 if ours.batch_first else 1], 3)).astype(dtype) for _ in range(2)]
    compare(torch, ours, theirs, x, tuple(state) if name == "LSTM" else state[0], rng, tol)


@pytest.mark.parametrize("name", LAYERS)
def test_input_that_lies_otherwise_in_memory(torch, rng, name):
    ours, theirs = twins(torch, name, 4, 3)
    x = rng.normal(size=(6, 10, 8))[::-2, ::5, ::-2]
    view = Tensor(np.zeros((3, 2, 4)), dtype="float64")
    view.data = ops.flip(Tensor(x[:, :, ::-1].copy(), dtype="float64"), 2)
    got, wanted = ours(view)[0], theirs(torch.tensor(x.copy()))[0]
    np.testing.assert_allclose(got.numpy(), wanted.detach().numpy(), rtol=1e-10)
    turned = Tensor(x.transpose(1, 0, 2).copy(), dtype="float64")
    np.testing.assert_allclose(ours(ops.transpose(turned, (0, 1)))[0].numpy(), got.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_one_sequence_without_a_batch(torch, rng, name):
    ours, theirs = twins(torch, name, 4, 3, num_layers=2, bidirectional=True, batch_first=True)
    states = tuple(rng.normal(size=(4, 3)) for _ in range(2))
    compare(torch, ours, theirs, rng.normal(size=(5, 4)), states if name == "LSTM" else states[0], rng, 1e-10)
    compare(torch, ours, theirs, rng.normal(size=(5, 4)), None, rng, 1e-10)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [(3,), (1,), ()])
def test_cells_are_pytorchs(torch, rng, name, bias, batch):
    ours, theirs = twins(torch, name, 4, 5, bias=bias)
    x, h, c = rng.normal(size=(*batch, 4)), rng.normal(size=(*batch, 5)), rng.normal(size=(*batch, 5))
    compare(torch, ours, theirs, x, (h, c) if name == "LSTMCell" else h, rng, 1e-10)
    compare(torch, ours, theirs, x, None, rng, 1e-10)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"bias": False}], ids=str)
def test_first_and_second_derivatives_are_slopes(rng, name, options):
    kind, *_ = name.split()
    layer = getattr(nn, kind)(2, 2, dtype="float64", **LAYERS[name], **options)
    x, weights = rng.normal(size=(3, 2, 2)), [p.numpy() for p in layer.parameters()]
    state = [rng.normal(size=(len(layer._cells()), 2, 2)) for _ in range(2 if kind == "LSTM" else 1)]
    owners = [(cell, key) for cell in layer._cells() for key in ("W_ih", "W_hh", "bias_ih", "bias_hh")]
    owners = [(cell, key) for cell, key in owners if getattr(cell, key) is not None]

    def run(x, *others):
        state, given = others[: len(others) - len(owners)], others[len(others) - len(owners) :]
        for (cell, key), weight in zip(owners, given, strict=True):
            setattr(cell, key, weight)
        y, end = layer(x, state if len(state) > 1 else state[0])
        return ops.make_tuple(y, *flat(end))

    assert grad_check(run, x, *state, *weights, order=2)


@pytest.mark.parametrize("name, gates", [("RNN", 1), ("LSTM", 4), ("GRU", 3)])
def test_weights_are_drawn_layer_by_layer(name, gates):
    """W_ih, W_hh, bias_ih, bias_hh, uniform up to 1/√hidden, from NumPy's generator."""
    init.seed(7)
    layer, follower = getattr(nn, name)(3, 4, num_layers=2, bidirectional=True), np.random.rand()
    state, wide = np.random.RandomState(7), 4 * gates
    for cell, width in zip(layer._cells(), (3, 3, 8, 8), strict=True):
        for parameter, shape in zip(
            cell.parameters(), ((width, wide), (4, wide), (wide,), (wide,)), strict=True
        ):
            np.testing.assert_allclose(parameter.numpy(), state.rand(*shape) - 0.5, rtol=1e-6, atol=1e-7)
    assert follower == state.rand()
    names = [key for key, _ in getattr(nn, name)(3, 4).named_parameters()]
    assert names == [f"{name.lower()}_cells.0.{key}" for key in ("W_ih", "W_hh", "bias_ih", "bias_hh")]
    plain = getattr(nn, name)(3, 4, bias=False)
    assert len(plain.parameters()) == 2 and plain._cells()[0].bias_hh is None


@pytest.mark.parametrize("name", CELLS)
def test_a_cells_formula(rng, name):
    """The definitions, in NumPy; weights are read at each call, and a bias may have any shape that broadcasts."""
    kind, *_ = name.split()
    cell = getattr(nn, kind)(2, 3, dtype="float64", **CELLS[name])
    x, h, c = rng.normal(size=(4, 2)), rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    width = cell.W_ih.shape[1]
    new = [rng.normal(size=shape) for shape in ((2, width), (3, width), (1, width), (width,))]
    for key, weight in zip(("W_ih", "W_hh", "bias_ih", "bias_hh"), new, strict=True):
        setattr(cell, key, Tensor(weight, dtype="float64"))
    a, b = x @ new[0] + new[2], h @ new[1] + new[3]
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    if kind == "RNNCell":
        wanted = [np.maximum(a + b, 0) if CELLS[name] else np.tanh(a + b)]
    elif kind == "LSTMCell":
        i, f, g, o = np.split(a + b, 4, axis=1)
        memory = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        wanted = [sigmoid(o) * np.tanh(memory), memory]
    else:
        r, z = sigmoid(a + b)[:, :3], sigmoid(a + b)[:, 3:6]
        n = np.tanh(a[:, 6:] + r * b[:, 6:])
        wanted = [(1 - z) * n + z * h]
    given = (Tensor(h, dtype="float64"), Tensor(c, dtype="float64"))
    got = flat(cell(Tensor(x, dtype="float64"), given if kind == "LSTMCell" else given[0]))
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-12)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_weights_of_the_state_get_a_gradient_though_no_state_was_given(rng, name):
    for module, x in (
        (getattr(nn, name)(2, 3), rng.normal(size=(1, 4, 2))),
        (getattr(nn, f"{name}Cell")(2, 3), rng.normal(size=(4, 2))),
    ):
        flat(module(x))[0].sum().backward()
        cell = module._cells()[0] if hasattr(module, "_cells") else module
        np.testing.assert_array_equal(cell.W_hh.grad.numpy(), np.zeros(cell.W_hh.shape))


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_a_layer_is_its_cell_step_by_step(rng, name):
    layer = getattr(nn, name)(2, 3, num_layers=2)
    x = Tensor(rng.normal(size=(5, 4, 2)))
    output, end = layer(x)
    rows = list(ops.split(x, 0))
    for number, cell in enumerate(layer._cells()):
        state = None
        for t, row in enumerate(rows):
            state = cell(row, state)
            rows[t] = flat(state)[0]
        for part, whole in zip(flat(state), flat(end), strict=True):
            np.testing.assert_allclose(part.numpy(), ops.getitem(whole, number).numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(output.numpy(), ops.stack(rows, 0).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_dropout_between_layers_in_training(rng, name, monkeypatch):
    monkeypatch.setattr(compatibility, "dropout_draws_each", True)
    layer = getattr(nn, name)(2, 3, num_layers=2, dropout=0.4)
    lower, upper = (getattr(nn, name)(width, 3) for width in (2, 3))
    lower._cells()[0], upper._cells()[0] = layer._cells()
    x = Tensor(rng.normal(size=(5, 4, 2)))
    init.seed(2)
    got, follower = layer(x)[0], np.random.rand()
    init.seed(2)
    kept = np.random.rand(5, 4, 3) <= 0.6
    assert follower == np.random.rand()  # nothing is dropped behind the last layer
    wanted = upper(Tensor(lower(x)[0].numpy() * kept / 0.6))[0]
    np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-5, atol=1e-6)
    plain = upper(lower(x)[0])[0].numpy()
    np.testing.assert_allclose(layer.eval()(x)[0].numpy(), plain, rtol=1e-5, atol=1e-6)
    with pytest.warns(UserWarning, match=f"{name}: dropout is applied between layers"):
        getattr(nn, name)(2, 3, dropout=0.1)


def test_an_empty_batch(rng):
    output, (h, c) = nn.LSTM(2, 3)(np.ones((5, 0, 2), "float32"))
    assert output.shape == (5, 0, 3) and h.shape == c.shape == (1, 0, 3)


def test_huge_numbers_saturate_the_gates():
    x = np.array([[[1e30], [-1e30], [0.0]]], "float32")
    for name in ("RNN", "LSTM", "GRU"):
        assert np.isfinite(getattr(nn, name)(1, 2)(x)[0].numpy()).all()
    assert np.isnan(nn.LSTM(1, 2)(x * np.float32("nan"))[0].numpy()).all()


class TestPyTorchsNames:
    @pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"])
    def test_there_and_back(self, torch, name):
        options = {} if name.endswith("Cell") else {"num_layers": 2, "bidirectional": True}
        theirs = getattr(torch.nn, name)(3, 4, **options)
        ours = getattr(nn, name)(3, 4, **options)
        ours.load_torch_state_dict(theirs.state_dict())
        back = ours.torch_state_dict()
        assert back.keys() == theirs.state_dict().keys()
        for key, value in theirs.state_dict().items():
            np.testing.assert_array_equal(back[key], value.numpy())
        ours.load_torch_state_dict(dict(theirs.named_parameters()))  # parameters require gradients there

    def test_what_does_not_fit_changes_nothing(self):
        layer, other = nn.LSTM(3, 4), nn.LSTM(3, 4, num_layers=2)
        before = layer.state_dict()
        with pytest.raises(DataError, match=r"LSTM.load_torch_state_dict: .* unknown \['bias_hh_l1'"):
            layer.load_torch_state_dict(other.torch_state_dict())
        with pytest.raises(DataError, match=r"missing \['weight_hh_l0'\], unknown nothing"):
            layer.load_torch_state_dict(
                {k: v for k, v in layer.torch_state_dict().items() if k != "weight_hh_l0"}
            )
        with pytest.raises(ShapeError, match=r"lstm_cells.0.W_ih: got shape \(2, 16\), wanted \(3, 16\)"):
            layer.load_torch_state_dict(nn.LSTM(2, 4).torch_state_dict())
        assert all(np.array_equal(before[key], value) for key, value in layer.state_dict().items())


class TestBadInput:
    def test_inputs_and_states(self):
        layer = nn.LSTM(3, 4, num_layers=2)
        with pytest.raises(
            ShapeError, match=r"LSTM\(3, 4, num_layers=2\): got input of shape \(5, 2, 4\), wanted"
        ):
            layer(np.ones((5, 2, 4)))
        with pytest.raises(ShapeError, match="LSTM: wanted a sequence of at least one step, got none"):
            layer(np.ones((0, 2, 3)))
        with pytest.raises(ShapeError, match=r"LSTM: the state is a pair \(h, c\), got Tensor"):
            layer(np.ones((5, 2, 3)), init.ones(2, 2, 4))
        with pytest.raises(ShapeError, match=r"LSTM: the state has shape \(2, 2, 4\), got \(1, 2, 4\)"):
            layer(np.ones((5, 2, 3)), (init.ones(2, 2, 4), init.ones(1, 2, 4)))
        with pytest.raises(ShapeError, match=r"GRUCell\(3, 4\): got input of shape \(5, 2, 3\), wanted"):
            nn.GRUCell(3, 4)(np.ones((5, 2, 3)))
        with pytest.raises(ShapeError, match=r"RNNCell: the state has shape \(5, 4\), got \(4,\)"):
            nn.RNNCell(3, 4)(np.ones((5, 3)), np.ones(4))

    def test_options(self):
        with pytest.raises(NeedleError, match="RNN.*: nonlinearity is 'tanh' or 'relu', got 'sigmoid'"):
            nn.RNN(3, 4, nonlinearity="sigmoid")
        with pytest.raises(NeedleError, match="LSTM: states are not projected; leave proj_size at 0, got 2"):
            nn.LSTM(3, 4, proj_size=2)
        with pytest.raises(ValueError, match="GRU: num_layers is a whole number of at least 1, got 0"):
            nn.GRU(3, 4, num_layers=0)
        with pytest.raises(DeviceError, match="LSTM: wanted a device"):
            nn.LSTM(3, 4, 1, True, True)  # PyTorch's fifth is batch_first
