"""From scores to the next token: greedy, by temperature, among the best k, among those that make up a share p.

Reference: A. Holtzman et al., "The curious case of neural text degeneration", ICLR 2020 (the share p, or nucleus).
"""

from __future__ import annotations

import numpy as np

from ..backend.arguments import real, whole


def check(who: str, temperature: float, top_k: int | None, top_p: float | None) -> None:
    """Raise ValueError unless these say how to draw."""
    real(who, 0, temperature=temperature)
    if top_k is not None:
        whole(who, top_k=top_k)
    if top_p is not None:
        real(who, 0, 1, top_p=top_p)
        if top_p == 0:
            raise ValueError(f"{who}: top_p is a share above 0, got {top_p}")


def draw(
    scores: np.ndarray, generator: np.random.RandomState, temperature: float = 1.0, top_k: int | None = None,
    top_p: float | None = None,
) -> np.ndarray:  # fmt: skip
    """Return a token for each row of scores (logits) of shape (batch, tokens); takes one random number for each.

    Temperature 0 takes the best token and no random number. `top_k` leaves the k best tokens in the game, `top_p` the
    fewest that have at least this share of the probability.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.log([[0.1, 0.6, 0.3]])
    >>> draw(scores, np.random.RandomState(0), temperature=0).tolist()
    [1]
    >>> sorted({draw(scores, np.random.RandomState(seed), top_k=2).item() for seed in range(30)})
    [1, 2]
    >>> {draw(scores, np.random.RandomState(seed), top_p=0.6).item() for seed in range(30)}
    {1}
    """
    if temperature == 0:
        return scores.argmax(-1)
    scores = scores.astype(np.float64) / temperature
    order = np.argsort(-scores, axis=-1, kind="stable")
    best_first = np.take_along_axis(scores, order, -1)
    p = np.exp(best_first - best_first[:, :1])
    if top_k is not None:
        p[:, top_k:] = 0
    p /= p.sum(-1, keepdims=True)
    if top_p is not None:
        before = np.cumsum(p, -1) - p
        p[before >= top_p - 1e-12] = 0
        p /= p.sum(-1, keepdims=True)
    shares = np.cumsum(p, -1)
    place = (shares < generator.rand(len(scores), 1) * shares[:, -1:]).sum(-1)
    return np.take_along_axis(order, place[:, None], -1)[:, 0]
