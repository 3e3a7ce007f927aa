"""Applications that read sequences, in PyTorch, as in torch_twins.py. `step.evaluate()` gives the twin's metrics."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from tests.training.torch_twins import learn, take_over
from tests.twins import language_model as torch_language_model, our_dropout, share_language


def language_model(torch: Any, app: Any) -> Any:
    nn, size = torch.nn, app.size
    model = torch_language_model(torch, len(app.words), size, size, 1, app.kind.upper())
    share_language(app.model, model)
    optimizer = torch.optim.SGD(model.parameters(), lr=app.settings.lr, fused=True)
    known: dict[str, Any] = {"state": None}

    def loss_on(text: Any, row: int, state: Any) -> Any:
        rows = torch.from_numpy(text[row : row + app.length + 1])
        logits, state = model(rows[:-1], state)
        state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        return nn.functional.cross_entropy(logits, rows[1:].flatten()), state

    def step(batch: int) -> dict[str, float]:
        loss, known["state"] = loss_on(app.train, batch, known["state"] if batch else None)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()
        return {"loss": loss.item()}

    def evaluate() -> dict[str, float]:
        """All of the text at once."""
        with torch.no_grad():
            text = torch.from_numpy(app.fresh)
            loss = nn.functional.cross_entropy(model(text[:-1])[0], text[1:].flatten()).item()
        return {"loss": loss, "perplexity": math.exp(loss)}

    step.evaluate = evaluate  # type: ignore[attr-defined]
    return step


def dropped(torch: Any, weights: Any, p: float) -> Any:
    """Weights of attention without those that ours would drop with a key drawn now."""
    from needle_edu.backend.reference.dropout import kept

    key = int(np.random.randint(0, 2**63 - 1, dtype=np.int64))
    chosen = kept(key, p, tuple(weights.shape), math.prod(weights.shape[:-1]))
    return weights * torch.from_numpy(chosen.astype("float32")) / (1 - p)


def encoder_layer(torch: Any, size: int, heads: int, p: float) -> Any:
    """PyTorch's `TransformerEncoderLayer` with the dropout of ours: it is written out, for theirs draws by itself."""
    nn = torch.nn

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.self_attn = nn.MultiheadAttention(size, heads, batch_first=True)
            self.linear1, self.linear2 = nn.Linear(size, 4 * size), nn.Linear(4 * size, size)
            self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
            self.drop = our_dropout(torch, p)

        def forward(self, x: Any, src_key_padding_mask: Any) -> Any:
            n, t, _ = x.shape
            of = self.self_attn
            qkv = nn.functional.linear(x, of.in_proj_weight, of.in_proj_bias)
            q, k, v = (part.view(n, t, heads, -1).transpose(1, 2) for part in qkv.chunk(3, -1))
            scores = (q @ k.transpose(2, 3) / math.sqrt(size / heads)).masked_fill(
                src_key_padding_mask[:, None, None], -math.inf
            )
            weights = scores.softmax(-1)
            weights = dropped(torch, weights, p) if self.training else weights
            x = self.norm1(x + self.drop(of.out_proj((weights @ v).transpose(1, 2).reshape(n, t, size))))
            return self.norm2(x + self.drop(self.linear2(self.drop(self.linear1(x).relu()))))

    return Layer()


def sentence_transformer(torch: Any, words: int, length: int, size: int, layer: Any) -> Any:
    """The model of `cola`."""
    nn = torch.nn

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.positions = nn.Embedding(words, size, padding_idx=0), nn.Module()
            self.positions.embedding = nn.Embedding(length, size)
            self.layer, self.output = layer, nn.Linear(size, 2)

        def forward(self, numbers: Any) -> Any:
            real = (numbers != 0)[..., None]
            x = self.embedding(numbers) + self.positions.embedding.weight
            x = self.layer(x, src_key_padding_mask=~real[..., 0])
            return self.output((x * real).sum(1) / real.sum(1))

    return Model()


def cola(torch: Any, app: Any, own_dropout: bool = False) -> Any:
    """With `own_dropout` all is PyTorch's, and as fast as that is; what it drops is not what ours drops."""
    functional, size = torch.nn.functional, app.size
    layer = (
        torch.nn.TransformerEncoderLayer(size, app.heads, 4 * size, app.dropout, batch_first=True)
        if own_dropout
        else encoder_layer(torch, size, app.heads, app.dropout)
    )
    model = sentence_transformer(torch, len(app.numbers) + 2, app.length, size, layer)
    take_over(torch, app.model, dict(model.named_parameters()))
    optimizer = torch.optim.Adam(model.parameters(), lr=app.settings.lr, fused=True)

    def step(batch: Any) -> dict[str, float]:
        numbers, labels = map(torch.from_numpy, batch)
        logits = model.train()(numbers)
        right = (logits.argmax(1) == labels).double().mean().item()
        return {"loss": learn(optimizer, functional.cross_entropy(logits, labels)), "accuracy": right}

    def evaluate() -> dict[str, float]:
        numbers, labels = map(torch.from_numpy, app.fresh)
        with torch.no_grad():
            logits = model.eval()(numbers)
        found, right = logits.argmax(1).numpy(), app.fresh[1]
        spread = found.std() * right.std()
        matthews = np.mean((found - found.mean()) * (right - right.mean())) / spread if spread else 0.0
        loss = functional.cross_entropy(logits, labels).item()
        return {"loss": loss, "accuracy": float((found == right).mean()), "matthews": float(matthews)}

    step.evaluate = evaluate  # type: ignore[attr-defined]
    return step


def share(torch: Any, ours: Any, theirs: Any) -> None:
    """Give PyTorch's recurrent layer and linear layer, `layer` and `output`, the parameters of ours."""
    for name, state in (
        ("layer", ours.layer.torch_state_dict()),
        ("output", {"weight": ours.output.weight.numpy().T, "bias": ours.output.bias.numpy()[0]}),
    ):
        getattr(theirs, name).load_state_dict({key: torch.from_numpy(a.copy()) for key, a in state.items()})


def sine(torch: Any, app: Any) -> Any:
    nn, size = torch.nn, app.model.output.weight.shape[0]
    model = nn.ModuleDict({"layer": nn.RNN(1, size), "output": nn.Linear(size, 1)})
    share(torch, app.model, model)
    optimizer = torch.optim.Adam(model.parameters(), lr=app.settings.lr, fused=True)

    def step(batch: int) -> dict[str, float]:
        first = torch.from_numpy(np.random.rand(app.settings.batch_size))
        t = 2 * math.pi * (torch.arange(app.moments)[:, None] / 20 + first)[..., None]
        heard, wanted = t.sin().float(), t.cos().float()
        return {"loss": learn(optimizer, nn.functional.mse_loss(model.output(model.layer(heard)[0]), wanted))}

    return step


def rows(torch: Any, app: Any) -> Any:
    nn, size = torch.nn, app.model.output.weight.shape[0]
    channels, height, width = app.shown.shape[1:]
    model = nn.ModuleDict(
        {"layer": nn.LSTM(channels * width, size, batch_first=True), "output": nn.Linear(size, 10)}
    )
    share(torch, app.model, model)
    optimizer = torch.optim.Adam(model.parameters(), lr=app.settings.lr, fused=True)
    falls = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, app.settings.epochs * len(app.loader))

    def judged(x: Any) -> Any:
        return model.output(model.layer(x.transpose(1, 2).flatten(2))[0][:, -1])

    def step(batch: Any) -> dict[str, float]:
        x, y = map(torch.from_numpy, batch)
        logits = judged(x)
        right = (logits.argmax(1) == y).double().mean().item()
        loss = learn(optimizer, nn.functional.cross_entropy(logits, y.long()))
        falls.step()
        return {"loss": loss, "accuracy": right}

    def evaluate() -> dict[str, float]:
        examples = [app.fresh_examples[k] for k in range(len(app.fresh_examples))]
        y = torch.tensor([int(label) for _, label in examples])
        with torch.no_grad():
            logits = judged(torch.from_numpy(np.stack([x for x, _ in examples])))
        accuracy = (logits.argmax(1) == y).double().mean().item()
        return {"loss": nn.functional.cross_entropy(logits, y).item(), "accuracy": accuracy}

    step.evaluate = evaluate  # type: ignore[attr-defined]
    return step


def word2vec(torch: Any, app: Any) -> Any:
    """The formula of the paper, one candidate after the other."""
    nn, (words, size) = torch.nn, app.model.u.weight.shape
    u, v = nn.Embedding(words, size), nn.Embedding(words, size)
    with torch.no_grad():
        for ours, theirs in ((app.model.u, u), (app.model.v, v)):
            theirs.weight.copy_(torch.from_numpy(ours.weight.numpy().copy()))
    optimizer = torch.optim.Adam([u.weight, v.weight], lr=app.settings.lr, fused=True)
    ends = torch.from_numpy(app.drawn)

    def loss_of(middle: Any, around: Any, others: Any) -> Any:
        log_sigmoid = nn.functional.logsigmoid
        total = log_sigmoid((u(middle) * v(around)).sum(1))
        for other in others.T:
            total = total + log_sigmoid(-(u(middle) * v(other)).sum(1))
        return -total.mean()

    def step(batch: Any) -> dict[str, float]:
        middle, around = map(torch.from_numpy, batch)
        lots = torch.from_numpy(np.random.rand(len(middle), 5))
        others = (lots[..., None] > ends).sum(-1).clamp(max=words - 1)  # how many shares end before it
        return {"loss": learn(optimizer, loss_of(middle, around, others))}

    def evaluate() -> dict[str, float]:
        middle, candidates = map(torch.from_numpy, app.fresh)
        with torch.no_grad():
            return {"loss": loss_of(middle, candidates[:, 0], candidates[:, 1:]).item()}

    step.evaluate = evaluate  # type: ignore[attr-defined]
    return step


TWINS = {
    "word2vec": word2vec,
    "cola": cola,
    "sine": sine,
    "rows": rows,
    "rnn-lm": language_model,
    "lstm-lm": language_model,
}
FASTEST = TWINS | {"cola": partial(cola, own_dropout=True)}  # to measure how long they take
