"""The fourth homework's models: a residual network of nine layers for CIFAR-10's pictures, and a language model."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..autograd import Tensor
from ..backend.errors import NeedleError
from ..nn import ConvBN

__all__ = ["ConvBN", "LanguageModel", "ResNet9"]


class ResNet9(nn.Module):
    """Two halves, each of two `ConvBN` and two more with a way past them, then two linear layers.

    431,946 parameters, drawn in the order in which the layers stand.

    Parameters
    ----------
    device, dtype
        Of the parameters.

    References
    ----------
    K. He et al., "Deep residual learning for image recognition", CVPR 2016.

    Examples
    --------
    >>> from needle_edu import init
    >>> model = ResNet9()
    >>> model(init.rand(2, 3, 32, 32)).shape
    (2, 10)
    >>> sum(parameter.size for parameter in model.parameters())
    431946
    """

    def __init__(self, device: Any = None, dtype: Any = "float32"):
        super().__init__()
        place = {"device": device, "dtype": dtype}

        def past(channels: int) -> nn.Residual:
            return nn.Residual(nn.Sequential(*[ConvBN(channels, channels, 3, 1, **place) for _ in range(2)]))

        self.model = nn.Sequential(
            ConvBN(3, 16, 7, 4, **place),  # (N, 3, 32, 32) gives (N, 16, 8, 8)
            ConvBN(16, 32, 3, 2, **place),  # (N, 32, 4, 4)
            past(32),
            ConvBN(32, 64, 3, 2, **place),  # (N, 64, 2, 2)
            ConvBN(64, 128, 3, 2, **place),  # (N, 128, 1, 1)
            past(128),
            nn.Flatten(),
            nn.Linear(128, 128, **place),
            nn.ReLU(),
            nn.Linear(128, 10, **place),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (N, 3, 32, 32) gives (N, 10), a number per class."""
        return self.model(x)


SEQUENCE_MODELS = {"rnn": nn.RNN, "lstm": nn.LSTM, "transformer": nn.Transformer}


class LanguageModel(nn.Module):
    """Guesses the next word: an embedding, a model of sequences, and a linear layer with an output for each word.

    The parts are `embedding`, `model` and `linear`, whose weights are drawn in this order.

    Parameters
    ----------
    embedding_size : int
    output_size : int
        How many words there are.
    hidden_size : int
    num_layers : int
    seq_model : "rnn", "lstm" or "transformer"
        The last with `hidden_size` features inside of its layers, and `embedding_size` where they end.
    seq_len : int
        How many words are read at once: the transformer's longest sequence; a recurrent network does not ask.
    device, dtype
        Of the parameters.

    References
    ----------
    W. Zaremba, I. Sutskever, O. Vinyals, "Recurrent neural network regularization", 2014.

    Examples
    --------
    >>> from needle_edu import init
    >>> logits, (h, c) = LanguageModel(5, 100, 8, num_layers=2, seq_model="lstm")(init.zeros(7, 3))
    >>> logits.shape, h.shape
    ((21, 100), (2, 3, 8))
    """

    def __init__(
        self, embedding_size: int, output_size: int, hidden_size: int, num_layers: int = 1, seq_model: str = "rnn",
        seq_len: int = 40, device: Any = None, dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__()
        if seq_model not in SEQUENCE_MODELS:
            raise NeedleError(
                f"LanguageModel: seq_model is one of {sorted(SEQUENCE_MODELS)}, got {seq_model!r}"
            )
        place = {"device": device, "dtype": dtype}
        self.embedding = nn.Embedding(output_size, embedding_size, **place)
        attends = seq_model == "transformer"
        more = {"sequence_len": seq_len} if attends else {}
        self.model = SEQUENCE_MODELS[seq_model](embedding_size, hidden_size, num_layers, **more, **place)
        self.linear = nn.Linear(embedding_size if attends else hidden_size, output_size, **place)

    def forward(self, x: Tensor, h: Any = None) -> tuple[Tensor, Any]:
        """Words `x` (seq, batch) and a state, or None, give logits (seq · batch, words) and the state after them."""
        y, h = self.model(self.embedding(x), h)
        return self.linear(y.reshape((y.shape[0] * y.shape[1], y.shape[2]))), h
