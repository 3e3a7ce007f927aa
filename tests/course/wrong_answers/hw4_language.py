"""Homework 4: a language model, and its epoch (question 10)."""

from . import changed, solutions

LANGUAGE = solutions("hw4")["q10"]

EMBEDDING = "self.embedding = nn.Embedding(output_size, embedding_size, dtype=dtype)"
LAYERS = "self.lstm = LSTM(embedding_size, hidden_size, num_layers, dtype=dtype)"
LINEAR = "self.linear = nn.Linear(hidden_size, output_size, dtype=dtype)"
READ = "y, h = self.lstm(self.embedding(x), h)"
ROWS = "y.reshape((seq * batch, hidden))"
SCORES = "return self.linear(y.reshape((seq * batch, hidden))), h"
PIECES = "for i in range(0, len(batches) - 1, seq_len):"
BATCH = "x, y = ndl.data.get_batch(batches, i, seq_len)"
CALL = "scores, h = model(x, h)"
DETACH = "h = [part.detach() for part in h]"
LOSS = "loss = nn.SoftmaxLoss()(scores, y)"
RESET = "            optimiser.reset_grad()\n"
BACKWARD = "            loss.backward()\n"
STEP = "            optimiser.step()\n"
ADD = "total += loss.item() * y.shape[0]"
MEAN = "return total / count"

WRONG = {
    "q10: scores of the last moment alone": changed(LANGUAGE, ROWS, "y[seq - 1]"),
    "q10: scores with three axes": changed(LANGUAGE, ROWS, "y"),
    "q10: sequence after sequence": changed(
        LANGUAGE, ROWS, "y.transpose((0, 1)).reshape((seq * batch, hidden))"
    ),
    "q10: time and batch swapped": changed(
        LANGUAGE, READ, "y, h = self.lstm(self.embedding(x.transpose()), h)\n        y = y.transpose((0, 1))"
    ),
    "q10: no state handed in": changed(LANGUAGE, READ, READ.replace(", h)", ")")),
    "q10: the state before": changed(LANGUAGE, READ, READ.replace("y, h =", "y, _ =")),
    "q10: scores alone": changed(LANGUAGE, SCORES, SCORES[:-3]),
    "q10: the state first": changed(
        LANGUAGE, SCORES, "return h, self.linear(y.reshape((seq * batch, hidden)))"
    ),
    "q10: the state detached in the model": changed(
        LANGUAGE, READ, "y, h = self.lstm(self.embedding(x), h)\n        y = y.detach()"
    ),
    "q10: the embedding detached": changed(
        LANGUAGE, "self.embedding(x), h)", "self.embedding(x).detach(), h)"
    ),
    "q10: no embedding but its mean": changed(
        LANGUAGE,
        "self.embedding(x), h)",
        "self.embedding(x).mean(axes=0, keepdims=True).broadcast_to((*x.shape, self.embedding.weight.shape[1])), h)",
    ),
    "q10: softmax of the scores": changed(
        LANGUAGE, SCORES, "return ndl.ops.softmax(self.linear(y.reshape((seq * batch, hidden)))), h"
    ),
    "q10: ReLU of the scores": changed(
        LANGUAGE, SCORES, "return ndl.ops.relu(self.linear(y.reshape((seq * batch, hidden)))), h"
    ),
    "q10: no bias": changed(
        LANGUAGE, LINEAR, LINEAR.replace("output_size, dtype", "output_size, bias=False, dtype")
    ),
    "q10: one layer": changed(LANGUAGE, LAYERS, LAYERS.replace("hidden_size, num_layers, ", "hidden_size, ")),
    "q10: two layers whatever is said": changed(LANGUAGE, LAYERS, LAYERS.replace("num_layers", "2")),
    "q10: embedding as wide as the state": changed(
        LANGUAGE,
        EMBEDDING,
        EMBEDDING.replace("embedding_size,", "hidden_size,"),
        LAYERS,
        LAYERS.replace("embedding_size", "hidden_size"),
    ),
    "q10: linear made first": changed(
        LANGUAGE, f"        {LINEAR}\n", "", EMBEDDING, f"{LINEAR}\n        {EMBEDDING}"
    ),
    "q10: LSTM made first": changed(
        LANGUAGE, f"        {LAYERS}\n", "", EMBEDDING, f"{LAYERS}\n        {EMBEDDING}"
    ),
    "q10: float32 always": LANGUAGE.replace(", dtype=dtype)", ")"),
    "q10: a plain recurrent network": changed(LANGUAGE, "self.lstm = LSTM(", "self.lstm = nn.GRU("),
    "q10: the state not carried": changed(LANGUAGE, CALL, "scores, h = model(x)"),
    "q10: the state kept with its history": changed(LANGUAGE, f"        {DETACH}\n", ""),
    "q10: h alone detached": changed(LANGUAGE, DETACH, "h = h[0].detach(), h[1]"),
    "q10: c alone detached": changed(LANGUAGE, DETACH, "h = h[0], h[1].detach()"),
    "q10: the state thrown away": changed(LANGUAGE, DETACH, "h = None"),
    "q10: zeros for the next piece": changed(LANGUAGE, DETACH, "h = [part.detach() * 0 for part in h]"),
    "q10: scores detached": changed(LANGUAGE, LOSS, LOSS.replace("(scores, y)", "(scores.detach(), y)")),
    "q10: the state of the last epoch": "kept = []\n"
    + changed(
        LANGUAGE,
        "total, count, h = 0.0, 0, None",
        "total, count, h = 0.0, 0, kept.pop() if kept else None",
        MEAN,
        f"kept.append(h)\n    {MEAN}",
    ),
    "q10: no reset": changed(LANGUAGE, RESET, ""),
    "q10: reset after backward": changed(LANGUAGE, RESET, "", BACKWARD, BACKWARD + RESET),
    "q10: step before backward": changed(LANGUAGE, STEP, "", BACKWARD, STEP + BACKWARD),
    "q10: two steps": changed(LANGUAGE, STEP, STEP + STEP),
    "q10: no step": changed(LANGUAGE, STEP, ""),
    "q10: one step at the end": changed(
        LANGUAGE, STEP, "", MEAN, f"if optimiser is not None:\n        optimiser.step()\n    {MEAN}"
    ),
    "q10: learns without being asked": changed(
        LANGUAGE,
        "if optimiser is not None:",
        "optimiser = optimiser or ndl.optim.SGD(model.parameters())\n        if True:",
    ),
    "q10: never learns": changed(LANGUAGE, "if optimiser is not None:", "if False:"),
    "q10: the sum of the losses": changed(
        LANGUAGE, LOSS, LOSS + " * y.shape[0]", ADD, "total += loss.item()"
    ),
    "q10: the mean of the pieces": changed(
        LANGUAGE, ADD, "total += loss.item()", "count += y.shape[0]", "count += 1"
    ),
    "q10: the total": changed(LANGUAGE, MEAN, "return total"),
    "q10: the last piece's loss": changed(LANGUAGE, MEAN, "return loss.item()"),
    "q10: by rows, not by tokens": changed(LANGUAGE, "count += y.shape[0]", "count += x.shape[0]"),
    "q10: the rows of x without the last": changed(
        LANGUAGE, "count += y.shape[0]", "count += len(batches) - 1"
    ),
    "q10: perplexity": changed(LANGUAGE, MEAN, "return float(np.exp(total / count))"),
    "q10: a Tensor": changed(LANGUAGE, "loss.item() * y", "loss.detach() * y"),
    "q10: pieces of one row apart": changed(LANGUAGE, PIECES, "for i in range(0, len(batches) - 1):"),
    "q10: the last piece left out": changed(
        LANGUAGE, PIECES, "for i in range(0, len(batches) - seq_len, seq_len):"
    ),
    "q10: the last row read too": changed(LANGUAGE, PIECES, "for i in range(0, len(batches), seq_len):"),
    "q10: the first row left out": changed(LANGUAGE, PIECES, "for i in range(1, len(batches) - 1, seq_len):"),
    "q10: guesses the word it has read": changed(
        LANGUAGE, LOSS, "loss = nn.SoftmaxLoss()(scores, x.reshape((-1,)))"
    ),
    "q10: words of the other order": changed(
        LANGUAGE, LOSS, "y = y.reshape(x.shape).transpose().reshape((-1,))\n        " + LOSS
    ),
    "q10: the text overwritten": changed(LANGUAGE, MEAN, f"batches[:] = 0\n    {MEAN}"),
}

HINTS = {
    "q10: sequence after sequence": ["First all sequences' tokens of the first moment."],
    "q10: no state handed in": ["The state that is given is where the LSTM begins."],
    "q10: ReLU of the scores": ["Linear has a bias, and no function after it."],
    "q10: the state not carried": ["Is the state carried on to the next piece?"],
    "q10: the state kept with its history": [
        "What has a history here: the scores must, the next piece's state must not.",
        "The state of the next piece: detach both parts.",
    ],
    "q10: h alone detached": [
        "What has a history here: the scores must, the next piece's state must not.",
        "The state of the next piece: detach both parts.",
    ],
    "q10: c alone detached": [
        "What has a history here: the scores must, the next piece's state must not.",
        "The state of the next piece: detach both parts.",
    ],
    "q10: the state thrown away": ["Is the state carried on to the next piece?"],
    "q10: scores detached": ["What has a history here: the scores must, the next piece's state must not."],
    "q10: no step": ["Without steps nothing is learnt."],
    "q10: one step at the end": ["Each piece is a step."],
    "q10: never learns": ["Without steps nothing is learnt."],
    "q10: the mean of the pieces": ["Each piece counts by its tokens."],
    "q10: the total": ["Per token: divide by the number of tokens."],
    "q10: the last piece's loss": ["The mean over all pieces, not the last one."],
}
NEUTRAL = {
    "They are (seq · batch, output_size).",
    "Write down the shape after each of the three parts.",
    "What does each parameter's gradient come from, in the second piece?",
}
EQUIVALENT: dict[str, str] = {}
