"""Packed sequences: there and back, beside PyTorch's; and layers that read them, beside one sequence at a time."""

import numpy as np
import pytest

from needle_edu import Tensor, grad_check, nn, ops
from needle_edu.backend.errors import ShapeError

rnn = nn.utils.rnn
LENGTHS = [[5, 3, 3, 1], [2, 5, 1, 3], [1], [4, 4, 4]]


def padded(rng, lengths, features=(2,)):
    """Random sequences (longest, batch, *features), zeros behind each one's end."""
    x = rng.normal(size=(max(lengths), len(lengths), *features))
    for k, length in enumerate(lengths):
        x[length:, k] = 0
    return x


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("features", [(2,), (), (2, 3)])
def test_there_and_back_beside_pytorch(rng, lengths, batch_first, features):
    torch = pytest.importorskip("torch")
    x = padded(rng, lengths, features)
    x = np.ascontiguousarray(x.swapaxes(0, 1)) if batch_first else x
    theirs = torch.nn.utils.rnn.pack_padded_sequence(torch.tensor(x), lengths, batch_first, False)
    ours = rnn.pack_padded_sequence(Tensor(x, dtype="float64"), lengths, batch_first, False)
    np.testing.assert_array_equal(ours.data.numpy(), theirs.data.numpy())
    assert ours.batch_sizes == tuple(theirs.batch_sizes.tolist())
    np.testing.assert_array_equal(ours.sorted_indices, theirs.sorted_indices.numpy())
    np.testing.assert_array_equal(ours.unsorted_indices, theirs.unsorted_indices.numpy())
    for total in (None, 6):
        got, back = rnn.pad_packed_sequence(ours, batch_first, 7.0, total)
        wanted, _ = torch.nn.utils.rnn.pad_packed_sequence(theirs, batch_first, 7.0, total)
        np.testing.assert_array_equal(got.numpy(), wanted.numpy())
        assert back.tolist() == lengths


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("side", ["right", "left"])
def test_padding_a_list_beside_pytorch(rng, batch_first, side):
    torch = pytest.importorskip("torch")
    sequences = [rng.normal(size=(n, 2)).astype("float32") for n in (2, 4, 1)]
    theirs = torch.nn.utils.rnn.pad_sequence([torch.tensor(x) for x in sequences], batch_first, -1.0, side)
    ours = rnn.pad_sequence([Tensor(x) for x in sequences], batch_first, -1.0, side)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    if side == "right":
        for x, cut in zip(sequences, rnn.unpad_sequence(ours, [2, 4, 1], batch_first), strict=True):
            np.testing.assert_array_equal(cut.numpy(), x)
    packed = rnn.pack_sequence([Tensor(x) for x in sequences], enforce_sorted=False)
    wanted = torch.nn.utils.rnn.pack_sequence([torch.tensor(x) for x in sequences], enforce_sorted=False)
    np.testing.assert_array_equal(packed.data.numpy(), wanted.data.numpy())


def test_gradients_go_where_the_elements_came_from(rng):
    def round_trip(x):
        packed = rnn.pack_padded_sequence(x, [1, 3], enforce_sorted=False)
        return rnn.pad_packed_sequence(packed._replace(data=packed.data**3))[0]

    assert grad_check(round_trip, padded(rng, [1, 3]) + 1, order=2)
    assert grad_check(
        lambda a, b: rnn.pad_sequence([a, b]) ** 2, rng.normal(size=(2, 2)), rng.normal(size=(1, 2))
    )


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}], ids=str)
@pytest.mark.parametrize("given", [True, False])
def test_layers_read_each_sequence_as_if_it_were_alone(rng, name, lengths, options, given):
    """Outputs, states and gradients; the padding is never looked at."""
    layer = getattr(nn, name)(2, 3, dtype="float64", **options)
    x, cells, batch = padded(rng, lengths), len(layer._cells()), len(lengths)
    parts = 2 if name == "LSTM" else 1
    states = [rng.normal(size=(cells, batch, 3)) for _ in range(parts)]
    directions = 2 if options else 1
    adjoint = padded(rng, lengths, (3 * directions,))
    of_states = [rng.normal(size=(cells, batch, 3)) for _ in range(parts)]

    def run(rows, start, weights):
        """Output and states of some input, after a backward pass with these adjoints."""
        layer_state = None if not given else tuple(start) if parts > 1 else start[0]
        y, end = layer(rows, layer_state)
        packed = isinstance(y, rnn.PackedSequence)
        full = rnn.pad_packed_sequence(y)[0] if packed else y
        ends = [end] if parts == 1 else list(end)
        total = (full * Tensor(weights[0], dtype="float64")).sum()
        for part, weight in zip(ends, weights[1:], strict=True):
            total = total + (part * Tensor(weight, dtype="float64")).sum()
        total.backward()
        return full.numpy(), [part.numpy() for part in ends]

    whole = Tensor(x, dtype="float64")
    starts = [Tensor(state, dtype="float64") for state in states]
    packed = rnn.pack_padded_sequence(whole, lengths, enforce_sorted=False)
    got, got_ends = run(packed, starts, [adjoint, *of_states])
    gradients = [p.grad.numpy() for p in layer.parameters()]
    alone = [np.zeros_like(g) for g in gradients]
    for k, n in enumerate(lengths):
        one = slice(k, k + 1)
        single = Tensor(x[:n, one], dtype="float64")
        own = [Tensor(state[:, one], dtype="float64") for state in states]
        y, ends = run(single, own, [adjoint[:n, one], *[a[:, one] for a in of_states]])
        np.testing.assert_allclose(got[:n, one], y, rtol=1e-10, atol=1e-12)
        assert not got[n:, one].any()
        for end, end_alone in zip(got_ends, ends, strict=True):
            np.testing.assert_allclose(end[:, one], end_alone, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(whole.grad.numpy()[:n, one], single.grad.numpy(), rtol=1e-9, atol=1e-11)
        assert not whole.grad.numpy()[n:, one].any()
        for start, start_alone in zip(starts, own, strict=True):
            if given:
                np.testing.assert_allclose(
                    start.grad.numpy()[:, one], start_alone.grad.numpy(), rtol=1e-9, atol=1e-11
                )
        alone = [total + p.grad.numpy() for total, p in zip(alone, layer.parameters(), strict=True)]
    for together, each in zip(gradients, alone, strict=True):
        np.testing.assert_allclose(together, each, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_second_derivatives_of_packed_sequences(rng, name):
    layer = getattr(nn, name)(2, 2, bidirectional=True, dtype="float64")

    def run(x):
        return layer(rnn.pack_padded_sequence(x, [1, 3], enforce_sorted=False))[0].data

    assert grad_check(run, padded(rng, [1, 3]), order=2)


def test_lengths_may_be_arrays_and_tensors(rng):
    x = Tensor(padded(rng, [3, 1]))
    for lengths in (np.array([3, 1]), Tensor(np.array([3, 1])), (3, 1)):
        packed = rnn.pack_padded_sequence(x, lengths)
        assert packed.batch_sizes == (2, 1, 1) and packed.sorted_indices is None


def test_bad_input(rng):
    x = Tensor(padded(rng, [3, 2]))
    with pytest.raises(ShapeError, match=r"pack_padded_sequence: lengths do not descend, got \[2, 3\]; sort"):
        rnn.pack_padded_sequence(x, [2, 3])
    with pytest.raises(ShapeError, match=r"wanted 2 lengths of at most 3, one for each sequence; got \[3\]"):
        rnn.pack_padded_sequence(x, [3])
    with pytest.raises(ShapeError, match="wanted 2 lengths of at most 3"):
        rnn.pack_padded_sequence(x, [4, 1])
    with pytest.raises(ShapeError, match="a length is a whole number of at least 1, got 0"):
        rnn.pack_padded_sequence(x, [3, 0])
    with pytest.raises(ShapeError, match=r"pack_padded_sequence: wanted \(seq, batch, ...\).* got \(3,\)"):
        rnn.pack_padded_sequence(Tensor([1.0, 2.0, 3.0]), [3])
    with pytest.raises(TypeError, match="pad_packed_sequence: wanted a PackedSequence, got Tensor"):
        rnn.pad_packed_sequence(x)
    with pytest.raises(ShapeError, match="total_length is 2, but the longest sequence has 3 steps"):
        rnn.pad_packed_sequence(rnn.pack_padded_sequence(x, [3, 2]), total_length=2)
    with pytest.raises(ShapeError, match="pad_sequence: wanted at least one sequence, got none"):
        rnn.pad_sequence([])
    with pytest.raises(ShapeError, match=r"same features, got \(3, 2, 2\) and \(2, 3\)"):
        rnn.pad_sequence([x, Tensor(np.ones((2, 3)))])
    with pytest.raises(ValueError, match="padding_side is 'right' or 'left', got 'both'"):
        rnn.pad_sequence([x], padding_side="both")
    with pytest.raises(
        ShapeError, match=r"GRU\(3, 4\): got packed rows of shape \(5, 2\), wanted \(rows, 3\)"
    ):
        nn.GRU(3, 4)(rnn.pack_padded_sequence(x, [3, 2]))


def test_ops_are_those_of_the_caller():
    """Packing whole numbers keeps them whole: an embedding may follow."""
    packed = rnn.pack_sequence([Tensor([1, 2]), Tensor([3])])
    rows = nn.Embedding(5, 2)(packed.data)
    output, _ = nn.GRU(2, 3)(packed._replace(data=rows))
    assert output.data.shape == (3, 3) and ops.relu(output.data).shape == (3, 3)
