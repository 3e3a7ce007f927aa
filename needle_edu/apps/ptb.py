"""The fourth homework's other application: language models that read running text, the Penn Treebank.

A step of training sees `seq_len` words of each column (see `needle_edu.data.text`). The next step goes on where it
ended, with its state, but gradients stop there: the state is detached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import nn, optim
from ..autograd import Tensor
from ..backend.arguments import whole
from ..backend.errors import ShapeError
from ..data import get_batch


def epoch_general_ptb(
    data: np.ndarray,
    model: nn.Module,
    seq_len: int = 40,
    loss_fn: Any = nn.SoftmaxLoss,
    opt: optim.Optimizer | None = None,
    clip: float | None = None,
    device: Any = None,
    dtype: Any = "float32",
) -> tuple[float, float]:
    """Go through a text once, learning if there is an optimiser; seeds NumPy's generator with 4, as the course does.

    Parameters
    ----------
    data : numpy.ndarray of shape (rows, batch_size)
        What `batchify` made.
    model : Module
        Called with words (seq_len, batch_size) and a state, None at first; returns logits (seq_len · batch_size,
        words) and a state: a tensor, several, or None.
    seq_len : int
        Rows of a step.
    loss_fn : a loss, or its class
    opt : Optimizer, optional
    clip : float, optional
        Gradients together are shortened to this length.
    device, dtype
        Of the words.

    Returns
    -------
    tuple of float
        The share of words guessed right, and the loss, both means over the words.

    Examples
    --------
    >>> from needle_edu import data, init
    >>> from needle_edu.apps.models import LanguageModel
    >>> init.seed(0)
    >>> text = data.batchify([0, 1, 2] * 20, 4)
    >>> accuracy, loss = epoch_general_ptb(text, LanguageModel(5, 3, 8), seq_len=5)
    >>> 0 <= accuracy <= 1 < loss
    True
    """
    np.random.seed(4)
    (seq_len,) = whole("epoch_general_ptb", seq_len=seq_len)
    if len(data) < 2:
        raise ShapeError(f"epoch_general_ptb: a text has at least 2 rows of words, got {len(data)}")
    model.train(opt is not None)
    loss_function = loss_fn() if isinstance(loss_fn, type) else loss_fn
    state, total, right, seen = None, 0.0, 0, 0
    for i in range(0, len(data) - 1, seq_len):
        x, y = get_batch(data, i, seq_len, device=device, dtype=dtype)
        logits, state = model(x, state)
        loss = loss_function(logits, y)
        if opt is not None:
            opt.reset_grad()
            loss.backward()
            if clip is not None:
                opt.clip_grad_norm(clip)
            opt.step()
        state = detached(state)
        words = y.numpy()
        total += loss.item() * len(words)
        right += int((logits.numpy().argmax(axis=1) == words).sum())
        seen += len(words)
    return right / seen, total / seen


def train_ptb(
    model: nn.Module,
    data: np.ndarray,
    seq_len: int = 40,
    n_epochs: int = 1,
    optimizer: Callable = optim.SGD,
    lr: float = 4.0,
    weight_decay: float = 0.0,
    loss_fn: Any = nn.SoftmaxLoss,
    clip: float | None = None,
    device: Any = None,
    dtype: Any = "float32",
) -> tuple[float, float]:
    """Train `model` for `n_epochs`; returns accuracy and loss of the last one, see `epoch_general_ptb`.

    Examples
    --------
    >>> from needle_edu import data, init
    >>> from needle_edu.apps.models import LanguageModel
    >>> init.seed(0)
    >>> text = data.batchify([0, 1, 2] * 20, 4)
    >>> accuracy, loss = train_ptb(LanguageModel(5, 3, 8), text, seq_len=5, n_epochs=20)
    >>> accuracy
    1.0
    """
    np.random.seed(4)
    whole("train_ptb", n_epochs=n_epochs)
    opt = optimizer(model.parameters(), lr=lr, weight_decay=weight_decay)
    for _ in range(n_epochs):
        learned = epoch_general_ptb(data, model, seq_len, loss_fn, opt, clip, device, dtype)
    return learned


def evaluate_ptb(
    model: nn.Module,
    data: np.ndarray,
    seq_len: int = 40,
    loss_fn: Any = nn.SoftmaxLoss,
    device: Any = None,
    dtype: Any = "float32",
) -> tuple[float, float]:
    """Accuracy and loss of `model` in evaluation, see `epoch_general_ptb`; exp(loss) is the perplexity.

    Examples
    --------
    >>> from needle_edu import data
    >>> from needle_edu.apps.models import LanguageModel
    >>> accuracy, loss = evaluate_ptb(LanguageModel(5, 3, 8), data.batchify([0, 1, 2] * 20, 4))
    >>> loss > 0
    True
    """
    np.random.seed(4)
    return epoch_general_ptb(data, model, seq_len, loss_fn, device=device, dtype=dtype)


def detached(state: Any) -> Any:
    """A state whose gradients end here: a tensor, several, or None."""
    if isinstance(state, (tuple, list)):
        return tuple([detached(part) for part in state])
    return state.detach() if isinstance(state, Tensor) else state
