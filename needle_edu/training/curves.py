"""Curves as a picture: each number of a training over its epochs, as it was in training and with fresh examples."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..backend.files import whole_file
from .history import History

IN_A_ROW = 3
INCHES = 4.5, 3.5  # of one plot


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def draw(figure: Any, history: History, title: str = "") -> None:
    """Draw the curves of a training on a matplotlib figure: one plot per name.

    The single steps stand behind in grey, at fractions of epochs.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> history, figure = History(), Figure()
    >>> history.add_step({"loss": 2.0})
    >>> history.end_epoch({"loss": 2.5})
    >>> draw(figure, history)
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss']
    """
    names = list(dict.fromkeys([*history.steps, *history.test]))
    rows = -(-len(names) // IN_A_ROW)
    when = _in_epochs(history)
    for number, name in enumerate(names, 1):
        axes = figure.add_subplot(rows, min(len(names), IN_A_ROW), number)
        if name in history.steps:
            axes.plot(when, history.steps[name], color="0.8", linewidth=0.8)
        for label, values in (("training", history.train.get(name)), ("test", history.test.get(name))):
            if values:
                axes.plot(np.arange(1, len(values) + 1), values, marker="o", markersize=3, label=label)
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        if history.ends:
            axes.legend()
    figure.suptitle(title)


def size(history: History) -> tuple[float, float]:
    """How large a figure the curves want, in inches."""
    plots = len(history.steps.keys() | history.test.keys())
    return INCHES[0] * min(plots, IN_A_ROW), INCHES[1] * -(-plots // IN_A_ROW)


def write(path: Path, paint: Callable[[Any], Any], inches: tuple[float, float]) -> bool:
    """Make a figure, let `paint` draw on it, and write it as PNG, whole or not at all.

    Returns False if `paint` did, for nothing to draw; then no file is written.
    """
    from matplotlib.figure import Figure  # no window, no pyplot: it draws where there is no screen too

    figure = Figure(inches, layout="constrained")
    if paint(figure) is False:
        return False
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=120)
    with whole_file(path, "wb") as file:
        file.write(content.getbuffer())
    return True


def _in_epochs(history: History) -> np.ndarray:
    """When each step was: 0.5 is the middle of the first epoch."""
    ends = [0, *history.ends]
    steps = np.arange(1, len(history) + 1)
    per_epoch = ends[1] if len(ends) > 1 else max(len(history), 1)
    if len(history) > ends[-1]:  # an epoch that is not over, taken to be as long as the first
        ends.append(ends[-1] + max(per_epoch, len(history) - ends[-1]))
    return np.interp(steps, ends, np.arange(len(ends)))
