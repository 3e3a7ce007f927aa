"""What of a training can be seen rather than read: feature maps, attention, a plane in classes, mistakes, samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from needle_edu.autograd import Tensor
from needle_edu.autograd.arrays import readable
from needle_edu.data import DataLoader
from needle_edu.training import Application
from needle_edu.viz.plane import Plane, cut

CHANNELS, HEADS, SHOWN = 8, 4, 16
JUDGED = 250  # fresh examples that are sorted into a confusion matrix


@dataclass(slots=True)
class Pictures:
    """What one look found; None is what this training has not."""

    features: tuple[str, np.ndarray] | None = None  # a layer's path, (channels, h, w) of one example
    attention: tuple[str, np.ndarray] | None = None  # (heads, queries, keys)
    confusion: np.ndarray | None = None  # (classes, classes): row: what it is, column: what it is taken for
    plane: Plane | None = None
    samples: np.ndarray | None = None  # (n, C, H, W)

    def judge(self, app: Application, known: Pictures | None, fresh: bool) -> None:
        """Ask the model, which is in evaluation. What costs much is asked only if `fresh`, else it is as `known`."""
        given = app.plane()
        if given is not None:
            self.plane = cut(app.model, *given)  # type: ignore[attr-defined]
        weights = app.attention()
        if weights is not None:
            self.attention = "what each place looks at", np.asarray(weights)[:HEADS]
        counted = getattr(app, "mistaken", None)  # by the last evaluation: then it costs nothing
        if fresh:
            self.confusion = confusion_of(app) if counted is None else counted
            made = app.samples()
            self.samples = None if made is None else np.asarray(made)[:SHOWN]
        elif known is not None:
            self.samples = known.samples
            self.confusion = known.confusion if counted is None else counted


def take_pictures(gave: dict[str, Any]) -> Pictures:
    """Feature maps and attention among what the layers gave: the first example of the batch."""
    found = Pictures()
    for path, out in gave.items():
        if isinstance(out, tuple):
            if len(out) > 1 and isinstance(out[1], Tensor) and found.attention is None:
                weights = np.asarray(readable(out[1].realize_cached_data()))
                if is_attention(weights):
                    found.attention = path, np.array(weights[0] if weights.ndim == 4 else weights[:1])[:HEADS]
        elif isinstance(out, Tensor) and len(out.shape) == 4 and found.features is None and out.shape[-1] > 1:
            found.features = path, np.array(np.asarray(readable(out.realize_cached_data()))[0, :CHANNELS])
    return found


def is_attention(weights: np.ndarray) -> bool:
    """Whether these are rows of shares: (…, queries, keys), no number below 0, most rows' sum 1."""
    if weights.ndim not in (3, 4) or weights.size == 0 or weights.min() < 0:
        return False
    return bool(np.allclose(np.median(weights.sum(-1)), 1.0, atol=0.2))


def confusion_of(app: Application) -> np.ndarray | None:
    """How often fresh examples of each class are taken for each, where there is a classifier with fresh examples."""
    examples, model = getattr(app, "fresh_examples", None), getattr(app, "model", None)
    if examples is None or model is None or not len(examples):
        return None
    inputs, classes = next(iter(DataLoader(examples, JUDGED)))
    labels = classes.numpy()
    scores = model(inputs).numpy()
    if labels.ndim != 1 or scores.ndim != 2:
        return None
    count = scores.shape[1]
    table = np.zeros((count, count), int)
    np.add.at(table, (labels.astype(int), scores.argmax(1)), 1)
    return table
