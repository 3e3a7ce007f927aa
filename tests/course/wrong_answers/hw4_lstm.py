"""Homework 4: the LSTM's cell (question 8), and the network that runs it through time (9)."""

from . import changed, solutions

SOLUTIONS = solutions("hw4")
CELL, NETWORK = SOLUTIONS["q8"], SOLUTIONS["q9"]

GATES = "gates = x @ self.W_ih + state @ self.W_hh"
BIASES = "gates = gates + self.bias_ih + self.bias_hh"
CUT = "i, f, g, o = (gates[:, k * d : (k + 1) * d] for k in range(4))"
MEMORY = "memory = sigmoid(f) * memory + sigmoid(i) * tanh(g)"
RETURN = "return sigmoid(o) * tanh(memory), memory"
ZEROS = "zeros = ndl.init.zeros(x.shape[0], d, dtype=x.dtype)"
OF_INPUT = "self.W_ih = drawn(input_size, width)"
SIZES = "sizes = [input_size] + [hidden_size] * (num_layers - 1)"
CELLS = "self.lstm_cells = [LSTMCell(size, hidden_size, bias, dtype=dtype) for size in sizes]"
BEGIN = "pair = None if h is None else [ndl.ops.split(part, 0)[k] for part in h]"
STEP = "pair = cell(row, pair)"
ENDS = "tuple(ndl.ops.stack(parts, 0) for parts in zip(*pairs))"
END = f"return ndl.ops.stack(rows, 0), {ENDS}"


def order(gates: str) -> str:
    """The cell with its gates in another order."""
    return changed(CELL, "i, f, g, o = (", f"{', '.join(gates)} = (")


WRONG = {
    "q8: order i, f, o, g": order("ifog"),
    "q8: order f, i, g, o": order("figo"),
    "q8: order f, i, o, g": order("fiog"),
    "q8: order i, g, f, o": order("igfo"),
    "q8: order i, o, g, f": order("iogf"),
    "q8: order o, f, g, i": order("ofgi"),
    "q8: gates one number after the other": changed(CELL, "gates[:, k * d : (k + 1) * d]", "gates[:, k::4]"),
    "q8: gates cut along the batch": changed(
        CELL,
        CUT,
        "n = x.shape[0]\n        i, f, g, o = (gates.reshape((4 * n, d))[k * n : (k + 1) * n] for k in range(4))",
    ),
    "q8: gates by a reshape": changed(
        CELL, CUT, "i, f, g, o = (gates.reshape((x.shape[0], d, 4))[:, :, k] for k in range(4))"
    ),
    "q8: tanh of c forgotten": changed(CELL, RETURN, "return sigmoid(o) * memory, memory"),
    "q8: tanh of g forgotten": changed(CELL, MEMORY, MEMORY.replace("tanh(g)", "g")),
    "q8: sigmoid of g": changed(CELL, MEMORY, MEMORY.replace("tanh(g)", "sigmoid(g)")),
    "q8: tanh for the gates": changed(
        CELL, "sigmoid, tanh = ndl.ops.sigmoid, ndl.ops.tanh", "sigmoid = tanh = ndl.ops.tanh"
    ),
    "q8: the two functions swapped": changed(CELL, "sigmoid, tanh = ndl", "tanh, sigmoid = ndl"),
    "q8: no gate o": changed(CELL, RETURN, "return tanh(memory) + 0 * o, memory"),
    "q8: tanh of o": changed(CELL, RETURN, "return tanh(o) * tanh(memory), memory"),
    "q8: o shows the old memory": changed(
        CELL, MEMORY, "shown = sigmoid(o) * tanh(memory)\n        " + MEMORY, RETURN, "return shown, memory"
    ),
    "q8: the old memory comes back": changed(
        CELL, MEMORY, "old = memory\n        " + MEMORY, RETURN, RETURN[:-6] + "old"
    ),
    "q8: the old memory forgotten": changed(CELL, MEMORY, "memory = sigmoid(i) * tanh(g) + 0 * f * memory"),
    "q8: nothing forgotten": changed(CELL, MEMORY, MEMORY.replace("sigmoid(f) * memory", "memory + 0 * f")),
    "q8: i and f swapped": changed(CELL, MEMORY, "memory = sigmoid(i) * memory + sigmoid(f) * tanh(g)"),
    "q8: 1 - f kept": changed(CELL, MEMORY, MEMORY.replace("sigmoid(f)", "(1 - sigmoid(f))")),
    "q8: i is 1 - f": changed(CELL, MEMORY, MEMORY.replace("sigmoid(i)", "(1 - sigmoid(f))")),
    "q8: all multiplied": changed(CELL, MEMORY, MEMORY.replace(" + sigmoid(i)", " * sigmoid(i)")),
    "q8: c first": changed(CELL, RETURN, "return memory, sigmoid(o) * tanh(memory)"),
    "q8: the pair comes as c, h": changed(CELL, "state, memory = h", "memory, state = h"),
    "q8: h alone comes back": changed(CELL, RETURN, "return sigmoid(o) * tanh(memory)"),
    "q8: tanh of c in the memory too": changed(
        CELL, RETURN, "memory = tanh(memory)\n        return sigmoid(o) * memory, memory"
    ),
    "q8: the memory in the place of the state": changed(CELL, GATES, GATES.replace("state @", "memory @")),
    "q8: the state forgotten": changed(CELL, GATES, "gates = x @ self.W_ih + 0 * (state @ self.W_hh)"),
    "q8: the state not used if there was none": changed(
        CELL, GATES, f"gates = x @ self.W_ih\n        if state is not memory:\n            {GATES}"
    ),
    "q8: the memory detached": changed(
        CELL, MEMORY, MEMORY.replace("sigmoid(f) * memory", "sigmoid(f) * memory.detach()")
    ),
    "q8: the state detached": changed(CELL, GATES, GATES.replace("state @", "state.detach() @")),
    "q8: the new memory detached": changed(CELL, RETURN, RETURN + ".detach()"),
    "q8: no biases": changed(CELL, BIASES, "pass"),
    "q8: one of the biases": changed(CELL, BIASES, "gates = gates + self.bias_ih"),
    "q8: one bias twice": changed(CELL, BIASES, "gates = gates + self.bias_hh + self.bias_hh"),
    "q8: biases anyway": CELL.replace("drawn(width) if bias else None", "drawn(width)"),
    "q8: one memory for none": changed(CELL, ZEROS, ZEROS.replace("zeros(x", "ones(x")),
    "q8: a forget gate of 1": changed(CELL, MEMORY, MEMORY.replace("sigmoid(f)", "sigmoid(f + 1)")),
    "q8: W_hh drawn first": changed(
        CELL,
        f"        {OF_INPUT}\n",
        "",
        "self.W_hh = drawn(hidden_size, width)",
        f"self.W_hh = drawn(hidden_size, width)\n        {OF_INPUT}",
    ),
    "q8: bound of all four gates": changed(
        CELL, "bound = hidden_size**-0.5", "bound = (4 * hidden_size) ** -0.5"
    ),
    "q8: from 0 up": changed(CELL, "low=-bound", "low=0"),
    "q8: a bias that begins with ones": changed(
        CELL,
        "self.bias_hh = drawn(width) if",
        "self.bias_hh = nn.Parameter(ndl.init.ones(width, dtype=dtype)) if",
    ),
    "q8: PyTorch's shapes": changed(
        CELL,
        OF_INPUT,
        "self.W_ih = drawn(width, input_size)",
        "self.W_hh = drawn(hidden_size, width)",
        "self.W_hh = drawn(width, hidden_size)",
        GATES,
        "gates = x @ self.W_ih.transpose() + state @ self.W_hh.transpose()",
    ),
    "q8: three gates": changed(
        CELL,
        "width = 4 * hidden_size",
        "width = 3 * hidden_size",
        CUT,
        CUT.replace("range(4)", "(0, 1, 2, 2)"),
    ),
    "q8: float32 always": changed(CELL, "high=bound, dtype=dtype", "high=bound"),
    "q8: the last state remembered": changed(
        CELL,
        "h = zeros, zeros",
        "h = getattr(self, 'kept', (zeros, zeros))",
        RETURN,
        "self.kept = (sigmoid(o) * tanh(memory)).detach(), memory.detach()\n        " + RETURN,
    ),
    "q9: the pair not carried": changed(NETWORK, STEP, f"{BEGIN}\n                {STEP}"),
    "q9: the state carried, the memory not": changed(
        NETWORK, STEP, "pair = cell(row, pair and (pair[0], pair[1] * 0))"
    ),
    "q9: the memory carried, the state not": changed(
        NETWORK, STEP, "pair = cell(row, pair and (pair[0] * 0, pair[1]))"
    ),
    "q9: both detached": changed(
        NETWORK, STEP, "pair = cell(row, pair and [part.detach() for part in pair])"
    ),
    "q9: the memory detached": changed(
        NETWORK, STEP, "pair = cell(row, pair and (pair[0], pair[1].detach()))"
    ),
    "q9: the state detached": changed(
        NETWORK, STEP, "pair = cell(row, pair and (pair[0].detach(), pair[1]))"
    ),
    "q9: the given pair forgotten": changed(NETWORK, BEGIN, "pair = None"),
    "q9: the given pair detached": changed(
        NETWORK, BEGIN, BEGIN.replace("split(part, 0)", "split(part.detach(), 0)")
    ),
    "q9: the given pair swapped": changed(NETWORK, BEGIN, BEGIN.replace("in h]", "in h[::-1]]")),
    "q9: the given memory forgotten": changed(NETWORK, BEGIN, BEGIN.replace("in h]", "in (h[0], h[1] * 0)]")),
    "q9: all layers begin with the first": changed(NETWORK, "split(part, 0)[k]", "split(part, 0)[0]"),
    "q9: the pairs in the opposite order": changed(NETWORK, "split(part, 0)[k]", "split(part, 0)[-1 - k]"),
    "q9: the pair goes from layer to layer": changed(
        NETWORK, f"            {BEGIN}\n", f"            if k == 0:\n                {BEGIN}\n"
    ),
    "q9: the next layer reads the memory": changed(
        NETWORK, "states.append(pair[0])", "states.append(pair[1])"
    ),
    "q9: the output is the memory": changed(
        NETWORK,
        "            pairs.append(pair)\n",
        "            pairs.append(pair)\n            output = ndl.ops.stack([*rows[:-1], pair[1]], 0)\n",
        "return ndl.ops.stack(rows, 0)",
        "return output",
    ),
    "q9: batch first": changed(
        NETWORK,
        "split(x, 0)",
        "split(x, 1)",
        "return ndl.ops.stack(rows, 0)",
        "return ndl.ops.stack(rows, 1)",
    ),
    "q9: batch first in the output": changed(
        NETWORK, "return ndl.ops.stack(rows, 0)", "return ndl.ops.stack(rows, 1)"
    ),
    "q9: batch first in the states": changed(NETWORK, ENDS, ENDS.replace("parts, 0", "parts, 1")),
    "q9: backwards": changed(NETWORK, "for row in rows", "for row in list(rows)[::-1]"),
    "q9: the output backwards": changed(
        NETWORK, "return ndl.ops.stack(rows, 0)", "return ndl.ops.stack(rows[::-1], 0)"
    ),
    "q9: c first at the end": changed(NETWORK, END, f"return ndl.ops.stack(rows, 0), {ENDS}[::-1]"),
    "q9: the states in the opposite order": changed(NETWORK, "zip(*pairs)", "zip(*pairs[::-1])"),
    "q9: the last layer's pair alone": changed(NETWORK, "zip(*pairs)", "zip(*pairs[-1:])"),
    "q9: the first layer's pair alone": changed(NETWORK, "zip(*pairs)", "zip(*pairs[:1])"),
    "q9: a list of pairs": changed(NETWORK, END, "return ndl.ops.stack(rows, 0), pairs"),
    "q9: pairs stacked by layer": changed(
        NETWORK, ENDS, "ndl.ops.stack([ndl.ops.stack(pair, 0) for pair in pairs], 0)"
    ),
    "q9: three things": changed(NETWORK, END, f"h, c = {ENDS}\n        return ndl.ops.stack(rows, 0), h, c"),
    "q9: the states alone": changed(NETWORK, END, f"return ndl.ops.stack(rows, 0), {ENDS}[0]"),
    "q9: the pair after the first moment": changed(
        NETWORK,
        "            pairs.append(pair)\n",
        "            pairs.append(cell(ndl.ops.split(x, 0)[0], None) if k == 0 else pair)\n",
    ),
    "q9: all layers read the input": changed(
        NETWORK,
        "            rows = states\n",
        "            output = states\n",
        "return ndl.ops.stack(rows, 0)",
        "return ndl.ops.stack(output, 0)",
        SIZES,
        "sizes = [input_size] * num_layers",
    ),
    "q9: one cell for all further layers": changed(
        NETWORK,
        CELLS,
        f"{CELLS}\n        self.lstm_cells = self.lstm_cells[:1] + self.lstm_cells[1:2] * (num_layers - 1)",
    ),
    "q9: all layers read as many numbers as the first": changed(
        NETWORK, SIZES, "sizes = [input_size] * num_layers"
    ),
    "q9: one layer whatever is said": changed(NETWORK, SIZES, "sizes = [input_size]"),
    "q9: one layer too many": changed(NETWORK, "(num_layers - 1)", "num_layers"),
    "q9: bias not handed on": changed(NETWORK, "hidden_size, bias, dtype", "hidden_size, True, dtype"),
    "q9: float32": changed(NETWORK, "bias, dtype=dtype)", "bias)"),
    "q9: layers made from the top": changed(NETWORK, "for size in sizes]", "for size in sizes[::-1]][::-1]"),
    "q9: plain cells": changed(
        NETWORK,
        "[LSTMCell(size, hidden_size, bias, dtype=dtype)",
        "[RNNCell(size, hidden_size, bias, dtype=dtype)",
    ),
    "q9: the first moment left out": changed(
        NETWORK, "ndl.ops.split(x, 0), []", "list(ndl.ops.split(x, 0))[1:], []"
    ),
    "q9: the pair kept for the next call": changed(
        NETWORK,
        BEGIN,
        "self.kept = getattr(self, 'kept', {})\n            "
        + BEGIN.replace("None if h is None", "self.kept.get(k) if h is None"),
        "pairs.append(pair)",
        "pairs.append(pair)\n            self.kept[k] = [part.detach() for part in pair]",
    ),
    "q9: in NumPy": changed(NETWORK, STEP, "pair = cell(ndl.Tensor(row.numpy(), dtype=row.dtype), pair)"),
}

HINTS = {
    "q8: order i, f, o, g": ["That is the order i, f, o, g."],
    "q8: order f, i, g, o": [
        "f says how much of the old memory stays, i how much of the new comes in.",
        "That is the order f, i, g, o.",
    ],
    "q8: order f, i, o, g": ["That is the order f, i, o, g."],
    "q8: order i, g, f, o": ["That is the order i, g, f, o."],
    "q8: order i, o, g, f": ["That is the order i, o, g, f."],
    "q8: tanh of c forgotten": ["h shows tanh of the memory."],
    "q8: tanh of g forgotten": ["g itself may be large: tanh(g)."],
    "q8: sigmoid of g": ["What is taken in is tanh(g)."],
    "q8: no gate o": ["o is a gate: a share of tanh(c) is shown."],
    "q8: o shows the old memory": ["h shows the new memory, not the old one."],
    "q8: the old memory forgotten": ["Where is the old memory?"],
    "q8: i and f swapped": [
        "f says how much of the old memory stays, i how much of the new comes in.",
        "That is the order f, i, g, o.",
    ],
    "q8: c first": ["h comes first, then c."],
    "q8: the memory detached": ["A gradient is missing: was everything computed with Tensors?"],
    "q8: the state detached": ["A gradient is missing: was everything computed with Tensors?"],
    "q9: the pair not carried": ["Is the state carried on?"],
    "q9: the given pair forgotten": ["It begins with the state that is given."],
    "q9: the given pair detached": ["A gradient is missing. Is every state handed on with its history?"],
    "q9: the given pair swapped": ["h comes first in the pair."],
    "q9: the given memory forgotten": ["The memory is given too."],
    "q9: the pairs in the opposite order": ["Layer k begins with part k."],
    "q9: c first at the end": ["h comes first, then c."],
    "q9: the states in the opposite order": ["The lowest layer first."],
    "q9: one layer whatever is said": ["That is the first layer: the last one is wanted."],
    "q9: in NumPy": ["A gradient is missing. Is every state handed on with its history?"],
}
NEUTRAL = {
    "Cut the sum into its four gates by hand, for hidden_size 2.",
    "Go through two moments by hand: what does the second one begin with?",
    "num_layers cells, in a list, self.lstm_cells: there they are found.",
    "The output is (seq, batch, hidden_size); h and c are (num_layers, batch, hidden_size).",
    "Four gates: each second extent is 4 · hidden_size.",
    "Between ± 1 / √hidden_size, all four, in this order.",
}
PROMOTED = "zeros of float32 times float64 are float64"
EQUIVALENT = {
    "q8: ndl.init.zeros(x.shape[0], d, dtype=x.dtype) → ndl.init.zeros(x.shape[0], d)": PROMOTED,
}
