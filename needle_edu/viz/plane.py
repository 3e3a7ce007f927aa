"""A plane that a model cuts into classes: what it says at each place of a grid, and the examples on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from needle_edu.autograd import Tensor
from needle_edu.autograd.arrays import readable
from needle_edu.viz.charts import picture

GRID = 60  # places along each side
CLASSES = ((0.12, 0.44, 0.92), (0.91, 0.35, 0.05), (0.1, 0.6, 0.31), (0.6, 0.3, 0.8), (0.75, 0.6, 0.1))


@dataclass(slots=True)
class Plane:
    """Examples in a plane, and the class that the model gives each place of a grid over it."""

    points: np.ndarray
    labels: np.ndarray
    classes: np.ndarray  # (grid, grid), rows from the top
    sure: np.ndarray  # the greatest probability there
    box: tuple[float, float, float, float]  # left, right, bottom, top


def cut(model: Callable[[Tensor], Any], points: np.ndarray, labels: np.ndarray, grid: int = GRID) -> Plane:
    """What the model says at each place of a grid over the examples."""
    low, high = points.min(0), points.max(0)
    room = 0.1 * (high - low) + 1e-9
    (left, bottom), (right, top) = low - room, high + room
    x, y = np.meshgrid(np.linspace(left, right, grid), np.linspace(top, bottom, grid))
    places = np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)
    scores = np.asarray(readable(model(Tensor(places, requires_grad=False)).realize_cached_data()), float)
    if scores.ndim == 1 or scores.shape[1] == 1:  # one score: the second class where it is above 0
        scores = np.stack([np.zeros(len(places)), scores.reshape(-1)], 1)
    shifted = np.exp(scores - scores.max(1, keepdims=True))
    shares = shifted / shifted.sum(1, keepdims=True)
    shape = (grid, grid)
    return Plane(
        points, labels, scores.argmax(1).reshape(shape), shares.max(1).reshape(shape),
        (float(left), float(right), float(bottom), float(top)),
    )  # fmt: skip


def plane(one: Plane, size: int = 240) -> str:
    """The plane in the colours of the classes, paler where the model is unsure, and the examples on it."""
    colours = np.array(CLASSES)[one.classes % len(CLASSES)]
    sure = np.clip((one.sure - 0.5) * 1.4, 0.05, 0.7)[..., None]
    ground = picture(sure * colours + (1 - sure), "decision boundary", size)
    left, right, bottom, top = one.box
    dots = "".join(
        f'<circle cx="{(x - left) / (right - left) * size:.1f}" cy="{(top - y) / (top - bottom) * size:.1f}" r="3" '
        f'class="class{int(label) % len(CLASSES)}"/>'
        for (x, y), label in zip(one.points[:300].tolist(), one.labels[:300].tolist(), strict=True)
    )
    drawn = (
        f'<svg viewBox="0 0 {size} {size}" role="img" aria-label="{len(one.points)} examples">{dots}</svg>'
    )
    return (
        '<figure class="panel"><h4>decision boundary</h4>'
        f'<div class="plane" style="width:{size}px;height:{size}px">{ground}{drawn}</div></figure>'
    )
