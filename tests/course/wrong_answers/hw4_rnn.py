"""Homework 4: a recurrent cell (question 6), and the network that runs it through time (7)."""

from . import changed, solutions

SOLUTIONS = solutions("hw4")
CELL, NETWORK = SOLUTIONS["q6"], SOLUTIONS["q7"]

TOTAL = "total = x @ self.W_ih + h @ self.W_hh"
BIASES = "total = total + self.bias_ih + self.bias_hh"
ZEROS = "h = ndl.init.zeros(x.shape[0], self.hidden_size, dtype=x.dtype)"
LAST = 'return ndl.ops.tanh(total) if self.nonlinearity == "tanh" else ndl.ops.relu(total)'
BOUND = "bound = hidden_size**-0.5"
OF_INPUT = "self.W_ih = drawn(input_size, hidden_size)"
OF_STATE = "self.W_hh = drawn(hidden_size, hidden_size)"
SIZES = "sizes = [input_size] + [hidden_size] * (num_layers - 1)"
CELLS = "self.rnn_cells = [RNNCell(size, hidden_size, bias, nonlinearity, dtype=dtype) for size in sizes]"
BEGIN = "h = None if h0 is None else ndl.ops.split(h0, 0)[k]"
STEP = "h = cell(row, h)"
RETURN = "return ndl.ops.stack(rows, 0), ndl.ops.stack(ends, 0)"

WRONG = {
    "q6: no biases": changed(CELL, BIASES, "pass"),
    "q6: the input's bias alone": changed(CELL, BIASES, "total = total + self.bias_ih"),
    "q6: the state's bias alone": changed(CELL, BIASES, "total = total + self.bias_hh"),
    "q6: one bias twice": changed(CELL, BIASES, "total = total + self.bias_ih + self.bias_ih"),
    "q6: one bias for both": changed(
        CELL, "self.bias_hh = drawn(hidden_size) if bias", "self.bias_hh = self.bias_ih if bias"
    ),
    "q6: biases anyway": changed(
        CELL,
        "self.bias_ih = drawn(hidden_size) if bias else None",
        "self.bias_ih = drawn(hidden_size)",
        "self.bias_hh = drawn(hidden_size) if bias else None",
        "self.bias_hh = drawn(hidden_size)",
    ),
    "q6: the state forgotten": changed(CELL, TOTAL, "total = x @ self.W_ih"),
    "q6: the state without weights": changed(CELL, TOTAL, "total = x @ self.W_ih + h + 0 * (h @ self.W_hh)"),
    "q6: the state not used if there was none": changed(
        CELL,
        f"            {ZEROS}\n        {TOTAL}",
        f"            total = x @ self.W_ih\n        else:\n            {TOTAL}",
    ),
    "q6: the state detached": changed(CELL, TOTAL, TOTAL.replace("h @", "h.detach() @")),
    "q6: the input detached": changed(CELL, TOTAL, TOTAL.replace("x @", "x.detach() @")),
    "q6: ones for no state": changed(CELL, ZEROS, ZEROS.replace("zeros", "ones")),
    "q6: a random state for none": changed(CELL, ZEROS, ZEROS.replace("zeros", "randn")),
    "q6: the state added outside": changed(
        CELL, LAST, LAST.replace("return ", "return h + ").replace("else ", "else h + ")
    ),
    "q6: no nonlinearity": changed(CELL, LAST, "return total"),
    "q6: tanh always": changed(CELL, LAST, "return ndl.ops.tanh(total)"),
    "q6: ReLU always": changed(CELL, LAST, "return ndl.ops.relu(total)"),
    "q6: the two swapped": changed(CELL, 'self.nonlinearity == "tanh"', 'self.nonlinearity == "relu"'),
    "q6: sigmoid": changed(CELL, "ndl.ops.tanh(total)", "ndl.ops.sigmoid(total)"),
    "q6: tanh of each part": changed(
        CELL, TOTAL, "total = ndl.ops.tanh(x @ self.W_ih) + ndl.ops.tanh(h @ self.W_hh)"
    ),
    "q6: weights swapped": changed(CELL, TOTAL, "total = x @ self.W_hh[: x.shape[1]] + h @ self.W_hh"),
    "q6: W_hh transposed": changed(CELL, TOTAL, TOTAL.replace("self.W_hh", "self.W_hh.transpose()")),
    "q6: W_ih the other way round": changed(
        CELL,
        OF_INPUT,
        "self.W_ih = drawn(hidden_size, input_size)",
        TOTAL,
        TOTAL.replace("self.W_ih", "self.W_ih.transpose()"),
    ),
    "q6: W_hh drawn first": changed(
        CELL, f"        {OF_INPUT}\n", "", OF_STATE, f"{OF_STATE}\n        {OF_INPUT}"
    ),
    "q6: bound of the inputs": changed(
        CELL,
        OF_INPUT,
        "self.W_ih = nn.Parameter(drawn(input_size, hidden_size) * (hidden_size / input_size) ** 0.5)",
    ),
    "q6: kaiming's numbers": changed(
        CELL,
        OF_INPUT,
        "self.W_ih = nn.Parameter(ndl.init.kaiming_uniform(input_size, hidden_size, dtype=dtype))",
    ),
    "q6: bound without root": changed(CELL, BOUND, "bound = 1 / hidden_size"),
    "q6: from 0 up": changed(CELL, "low=-bound", "low=0"),
    "q6: biases begin with zeros": changed(
        CELL,
        "self.bias_hh = drawn(hidden_size) if",
        "self.bias_hh = nn.Parameter(ndl.init.zeros(hidden_size, dtype=dtype)) if",
    ),
    "q6: biases of two axes": CELL.replace("drawn(hidden_size) if", "drawn(1, hidden_size) if"),
    "q6: no Parameters": changed(
        CELL,
        "return nn.Parameter(ndl.init.rand(*shape, low=-bound, high=bound, dtype=dtype))",
        "return ndl.init.rand(*shape, low=-bound, high=bound, dtype=dtype, requires_grad=True)",
    ),
    "q6: float32 always": changed(CELL, "high=bound, dtype=dtype", "high=bound"),
    "q6: the last state remembered": changed(
        CELL,
        ZEROS,
        f"h = self.before if hasattr(self, 'before') else {ZEROS[4:]}",
        LAST,
        f"self.before = ndl.ops.tanh(total).detach()\n        {LAST}",
    ),
    "q6: weights kept from the first call": changed(
        CELL,
        TOTAL,
        "self.kept = getattr(self, 'kept', None) or (self.W_ih + 0, self.W_hh + 0)\n        "
        "total = x @ self.kept[0] + h @ self.kept[1]",
    ),
    "q6: a pair comes back": changed(CELL, LAST, f"h = {LAST[7:]}\n        return h, h"),
    "q7: the state not carried": changed(NETWORK, STEP, f"{BEGIN}\n                {STEP}"),
    "q7: the state detached": changed(NETWORK, STEP, "h = cell(row, None if h is None else h.detach())"),
    "q7: detached after each step": changed(NETWORK, STEP, "h = cell(row, h).detach()"),
    "q7: h0 forgotten": changed(NETWORK, BEGIN, "h = None"),
    "q7: h0 detached": changed(NETWORK, BEGIN, BEGIN.replace("split(h0, 0)", "split(h0.detach(), 0)")),
    "q7: all layers begin with the first state": changed(NETWORK, "split(h0, 0)[k]", "split(h0, 0)[0]"),
    "q7: states in the opposite order": changed(NETWORK, "split(h0, 0)[k]", "split(h0, 0)[-1 - k]"),
    "q7: h0 for the first layer alone": changed(NETWORK, "if h0 is None else", "if h0 is None or k else"),
    "q7: the state goes from layer to layer": changed(
        NETWORK,
        f"            {BEGIN}\n",
        "            if k == 0:\n                h = None if h0 is None else ndl.ops.split(h0, 0)[k]\n",
    ),
    "q7: batch first": changed(
        NETWORK, "split(x, 0)", "split(x, 1)", RETURN, RETURN.replace("stack(rows, 0)", "stack(rows, 1)")
    ),
    "q7: batch first in the output": changed(
        NETWORK, RETURN, RETURN.replace("stack(rows, 0)", "stack(rows, 1)")
    ),
    "q7: batch first in the state": changed(
        NETWORK, RETURN, RETURN.replace("stack(ends, 0)", "stack(ends, 1)")
    ),
    "q7: backwards": changed(NETWORK, "for row in rows", "for row in list(rows)[::-1]"),
    "q7: the output backwards": changed(
        NETWORK, RETURN, RETURN.replace("stack(rows, 0)", "stack(rows[::-1], 0)")
    ),
    "q7: all layers read the input": changed(
        NETWORK,
        "            rows = states\n",
        "            output = states\n",
        RETURN,
        RETURN.replace("(rows, 0)", "(output, 0)"),
        SIZES,
        "sizes = [input_size] * num_layers",
    ),
    "q7: the first layer's output": changed(
        NETWORK,
        "            rows = states\n",
        "            rows = states\n            first = first if k else states\n",
        RETURN,
        RETURN.replace("(rows, 0)", "(first, 0)"),
    ),
    "q7: the last state alone as the output": changed(
        NETWORK, RETURN, RETURN.replace("stack(rows, 0)", "stack(rows[-1:], 0)")
    ),
    "q7: the last layer's state alone": changed(
        NETWORK, RETURN, RETURN.replace("stack(ends, 0)", "stack(ends[-1:], 0)")
    ),
    "q7: the states at the beginning": changed(NETWORK, "ends.append(h)", "ends.append(states[0])"),
    "q7: the states in the opposite order": changed(
        NETWORK, RETURN, RETURN.replace("stack(ends, 0)", "stack(ends[::-1], 0)")
    ),
    "q7: all states": changed(
        NETWORK, RETURN, "output = ndl.ops.stack(rows, 0)\n        return output, output"
    ),
    "q7: the output alone": changed(NETWORK, RETURN, "return ndl.ops.stack(rows, 0)"),
    "q7: both in the other order": changed(
        NETWORK, RETURN, "return ndl.ops.stack(ends, 0), ndl.ops.stack(rows, 0)"
    ),
    "q7: lists": changed(NETWORK, RETURN, "return rows, ends"),
    "q7: one cell for all layers": changed(
        NETWORK,
        CELLS,
        f"{CELLS}\n        self.rnn_cells = self.rnn_cells[:1] + self.rnn_cells[1:2] * (num_layers - 1)",
    ),
    "q7: all layers read as many numbers as the first": changed(
        NETWORK, SIZES, "sizes = [input_size] * num_layers"
    ),
    "q7: one layer too many": changed(NETWORK, "(num_layers - 1)", "num_layers"),
    "q7: one layer whatever is said": changed(NETWORK, SIZES, "sizes = [input_size]"),
    "q7: bias not handed on": changed(
        NETWORK, "hidden_size, bias, nonlinearity, dtype", "hidden_size, True, nonlinearity, dtype"
    ),
    "q7: nonlinearity not handed on": changed(
        NETWORK, "bias, nonlinearity, dtype=dtype)", "bias, dtype=dtype)"
    ),
    "q7: float32": changed(NETWORK, "nonlinearity, dtype=dtype)", "nonlinearity)"),
    "q7: cells in a dict by number, not found": changed(
        NETWORK,
        CELLS,
        CELLS.replace("self.rnn_cells = [", "made = [") + "\n        self.rnn_cells = type('Box', (), "
        "{'__getitem__': lambda _, k: made[k], '__iter__': lambda _: iter(made)})()",
    ),
    "q7: layers made from the top": changed(
        NETWORK,
        "for size in sizes]",
        "for size in sizes[::-1]][::-1]",
    ),
    "q7: the first moment left out": changed(
        NETWORK, "rows, ends = ndl.ops.split(x, 0), []", "rows, ends = list(ndl.ops.split(x, 0))[1:], []"
    ),
    "q7: the state kept for the next call": changed(
        NETWORK,
        BEGIN,
        "self.kept = getattr(self, 'kept', {})\n            "
        + BEGIN.replace("None if", "self.kept.get(k) if", 1),
        "ends.append(h)",
        "ends.append(h)\n            self.kept[k] = h.detach()",
    ),
    "q7: in NumPy": changed(NETWORK, STEP, "h = cell(ndl.Tensor(row.numpy(), dtype=row.dtype), h)"),
}

HINTS = {
    "q6: no biases": ["Where are the biases?"],
    "q6: the input's bias alone": ["There are two biases."],
    "q6: the state's bias alone": ["And the other bias?"],
    "q6: the state forgotten": ["Where is the state?"],
    "q6: the state not used if there was none": ["It is missing: was everything computed with Tensors?"],
    "q6: the state detached": ["It is missing: was everything computed with Tensors?"],
    "q6: the input detached": ["It is missing: was everything computed with Tensors?"],
    "q6: no nonlinearity": ["Where is tanh?"],
    "q6: tanh always": ["nonlinearity says which function it is."],
    "q6: ReLU always": ["Where is tanh?"],
    "q6: the two swapped": ["Where is tanh?"],
    "q6: bound of the inputs": ["The bound is 1 / √hidden_size, for W_ih too."],
    "q6: no Parameters": ["It is missing: was everything computed with Tensors?"],
    "q7: the state not carried": ["Is the state carried on?"],
    "q7: h0 forgotten": ["It begins with h0."],
    "q7: h0 detached": ["A gradient is missing. Is every state handed on with its history?"],
    "q7: states in the opposite order": ["Layer k begins with h0[k]."],
    "q7: batch first": ["Is the state carried on?"],
    "q7: the first layer's output": ["That is the first layer: the last one is wanted."],
    "q7: the states at the beginning": ["That is the state at the beginning."],
    "q7: the states in the opposite order": ["The lowest layer first."],
    "q7: one layer whatever is said": ["That is the first layer: the last one is wanted."],
    "q7: cells in a dict by number, not found": [
        "A gradient is missing. Is every state handed on with its history?"
    ],
    "q7: in NumPy": ["A gradient is missing. Is every state handed on with its history?"],
}
NEUTRAL = {
    "Write the sum for two inputs and two numbers of state.",
    "Go through both moments by hand: what does the second one begin with?",
    "num_layers cells, in a list, self.rnn_cells: there they are found.",
    "The output is (seq, batch, hidden_size), the state (num_layers, batch, hidden_size).",
    "Follow one sequence through two moments and two layers.",
    "The second extent is hidden_size; the first says what is multiplied, and a bias has none.",
    "Four of them, each an nn.Parameter of its own: only these are found.",
}
PROMOTED = "zeros of float32 times float64 are float64"
EQUIVALENT = {
    "q6: ndl.init.zeros(x.shape[0], self.hidden_size, dtyp… → ndl.init.zeros(x.shape[0], self.hidden_size)": PROMOTED,
}
