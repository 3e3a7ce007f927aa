"""Applications that read sequences, in PyTorch, as in torch_twins.py. `step.evaluate()` gives the twin's metrics."""

from __future__ import annotations

import math
from typing import Any

from tests.twins import language_model as torch_language_model, share_language


def language_model(torch: Any, app: Any) -> Any:
    nn, size = torch.nn, app.size
    model = torch_language_model(torch, len(app.words), size, size, 1, app.kind.upper())
    share_language(app.model, model)
    optimizer = torch.optim.SGD(model.parameters(), lr=app.settings.lr)
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


TWINS = {"rnn-lm": language_model, "lstm-lm": language_model}
