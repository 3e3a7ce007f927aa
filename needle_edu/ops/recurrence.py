r"""Recurrence: the same step at every moment of a sequence, each with the state that the step before left.

With x the input's part, :math:`x = x_t W_{ih} + b_{ih}`, which all moments have ready at once, a step is

    rnn    h' = tanh(x + h W + b)
    lstm   (i, f, g, o) = x + h W + b;   c' = σ(f)·c + σ(i)·tanh(g),   h' = σ(o)·tanh(c')
    gru    r = σ(x_r + (h W + b)_r),   z = σ(x_z + (h W + b)_z),   n = tanh(x_n + r·(h W + b)_n),   h' = n + z·(h − n)

where W and b are the weight and bias of the state ("hh"). Gates lie side by side, in the order they are named here.

References: J. L. Elman, "Finding structure in time", 1990. S. Hochreiter, J. Schmidhuber, "Long short-term memory",
1997. K. Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014.
"""

from itertools import accumulate

from needle_edu.autograd.registry import slot

_TENSOR_SPLIT, _CONCAT = slot("tensor_split"), slot("concat")


def rnn_step(x, state, weight, bias, nonlinearity="tanh"):
    """Return the state (h',) after (h,); `x` has shape (batch, hidden)."""
    pre = _with_state(x, state[0], weight, bias)
    return (pre.tanh() if nonlinearity == "tanh" else pre.relu(),)


def lstm_step(x, state, weight, bias):
    """Return the state (h', c') after (h, c); `x` has shape (batch, 4 * hidden)."""
    h, c = state
    i, f, g, o = _parts(_with_state(x, h, weight, bias), 4)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def gru_step(x, state, weight, bias):
    """Return the state (h',) after (h,); `x` has shape (batch, 3 * hidden)."""
    (h,) = state
    of_input, of_state = _parts(x, 3), h @ weight
    of_state = _parts(of_state if bias is None else of_state + bias, 3)
    r, z = ((a + b).sigmoid() for a, b in zip(of_input[:2], of_state[:2], strict=True))
    n = (of_input[2] + r * of_state[2]).tanh()
    return (n + z * (h - n),)


def unrolled(step, x, sizes, state, reverse=False):
    """Go through a sequence step by step.

    Parameters
    ----------
    step : function of (x, state) that returns the next state
    x : Tensor of shape (sum of sizes, features)
        The rows of moment 0, then those of moment 1, and so on.
    sizes : sequence of int
        How many rows each moment has; never more than the one before. Row k of a moment belongs to sequence k, so
        sequences stand in order of length, the longest first.
    state : tuple of Tensor of shape (sizes[0], hidden)
    reverse : bool
        Begin at each sequence's end.

    Returns
    -------
    y : Tensor of shape (sum of sizes, hidden)
        The first part of every state.
    state : tuple of Tensor
        Of each sequence, after its last step.
    """
    moments = _TENSOR_SPLIT.cls(list(accumulate(sizes[:-1])), 0).apply(x).tuple()
    outputs = [None] * len(sizes)
    for t in reversed(range(len(sizes))) if reverse else range(len(sizes)):
        rows = sizes[t]
        if rows == sizes[0]:
            state = step(moments[t], state)
            outputs[t] = state[0]
        else:  # the others have ended, or have not begun
            new = step(moments[t], tuple([part[:rows] for part in state]))
            outputs[t] = new[0]
            pairs = zip(new, state, strict=True)
            state = tuple([_CONCAT.function((part, old[rows:]), 0) for part, old in pairs])
    return _CONCAT.function(outputs, 0), state


def _with_state(x, h, weight, bias):
    pre = x + h @ weight
    return pre if bias is None else pre + bias


def _parts(a, count):
    """The gates of (batch, count * hidden)."""
    return _TENSOR_SPLIT.cls(count, 1).apply(a).tuple()
