"""Looking at a training without disturbing it: what a step did to every parameter, and what every layer gave.

A look takes two steps' ends. At the end of the first the weights are copied and each layer gets a hook; at the end of
the second the hooks have what the layers gave, `.grad` is still there, and the weights have moved. Nothing is drawn
from the training's random numbers, and nothing is changed, so the losses are the same with and without looking.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from needle_edu import nn, optim
from needle_edu.autograd import Tensor, no_grad
from needle_edu.autograd.arrays import readable
from needle_edu.backend.random import apart
from needle_edu.training import Application, History
from needle_edu.viz.training.pictures import Pictures, take_pictures

BINS = 24
SHARE = 0.004  # of the training's time, that looking may take
ASKING = 0.003  # and that asking the model about fresh examples may take, which happens more rarely
SAMPLE = 2_000  # of a larger array so many elements, evenly spaced, make the histogram


@dataclass(frozen=True, slots=True)
class Spread:
    """How the numbers of one array are spread: counts in equal bins from `low` to `high`."""

    counts: np.ndarray
    low: float
    high: float
    mean: float
    deviation: float
    zeros: float  # share of them that are 0
    wrong: int  # how many are not finite


@dataclass(frozen=True, slots=True)
class Moved:
    """One parameter at a look: its size, its gradient's, and how far the step moved it, all as Euclidean norms."""

    name: str
    shape: tuple[int, ...]
    norm: float
    grad_norm: float
    ratio: float  # ‖step‖ / ‖weights before it‖
    grad: Spread | None


@dataclass(slots=True)
class Look:
    """What one look saw after step `step`."""

    step: int
    rate: float
    parameters: list[Moved] = field(default_factory=list)
    layers: list[tuple[str, Spread]] = field(default_factory=list)
    pictures: Pictures = field(default_factory=Pictures)


def spread(array: np.ndarray) -> Spread:
    """Count the numbers of an array into bins.

    Examples
    --------
    >>> one = spread(np.array([0.0, 0.0, 1.0, np.inf]))
    >>> one.counts.sum(), one.low, one.high, one.zeros, one.wrong
    (np.int64(3), 0.0, 1.0, 0.5, 1)
    """
    flat = np.asarray(array).reshape(-1)
    if flat.size > SAMPLE:
        flat = flat[:: -(-flat.size // SAMPLE)]
    flat = flat.astype(np.float64)
    finite = np.isfinite(flat)
    good = flat if finite.all() else flat[finite]
    if not good.size:
        return Spread(np.zeros(BINS, int), 0.0, 0.0, np.nan, np.nan, 0.0, flat.size)
    low, high = float(good.min()), float(good.max())
    places = (good - low) * (BINS / ((high - low) or 1.0))  # 0 … BINS; the greatest belongs to the last bin
    counts = np.bincount(np.minimum(places.astype(int), BINS - 1), minlength=BINS)
    mean = float(good.mean())
    deviation = _norm(good - mean) / good.size**0.5
    zeros = float(flat.size - np.count_nonzero(flat)) / flat.size
    return Spread(counts, low, high, mean, deviation, zeros, flat.size - good.size)


class Looker:
    """Called after each step of a training; looks as often as its share of the time allows, or every so many steps.

    Attributes
    ----------
    looks : list of Look
        The last has everything; those before it keep only numbers.
    spent : float
        Seconds that looking took.
    """

    def __init__(self, every: int | None = None, after: Callable[[], None] = lambda: None):
        self.every, self.after = every, after
        self.looks: list[Look] = []
        self.spent = 0.0
        self._asking, self._last_asked = 0.0, 0.0  # seconds for fresh examples: of `spent`, and the last time
        self._began = time.perf_counter()
        self._before: dict[str, np.ndarray] | None = None
        self._gave: dict[str, Any] = {}
        self._handles: list[Any] = []
        self._epochs: int | None = None  # that there were when the model was last asked

    def step(self, app: Application, history: History) -> None:
        """After a step: finish the look that was begun, or begin one if it is time."""
        if self._before is None and not self._due(len(history)):
            return
        began = time.perf_counter()
        if self._before is not None:
            self._finish(app, history)
        if self._due(len(history)):
            self._begin(app)
        self.spent += time.perf_counter() - began

    def stop(self) -> None:
        """Take the hooks out of the layers."""
        for handle in self._handles:
            handle.remove()
        self._handles, self._before = [], None

    def waited(self, seconds: float) -> None:
        """The training stood still for so long: that is no time in which to look."""
        self._began += seconds

    def _due(self, steps: int) -> bool:
        if self.every is not None:
            return (steps + 1) % self.every == 0
        return SHARE * (time.perf_counter() - self._began) >= self.spent - self._asking

    def _asks(self, steps: int) -> bool:
        """Whether the model may be asked about fresh examples now, and once more at the end of the training."""
        if self.every is not None:
            return True
        elapsed = time.perf_counter() - self._began
        next_time = self._last_asked or elapsed / max(steps, 1)  # before it is known: as long as a step
        return ASKING * elapsed >= self._asking + 2 * next_time

    def _begin(self, app: Application) -> None:
        self._before = {name: readable_copy(p) for name, p in parameters_of(app)}
        for path, layer in layers_of(app):
            self._handles.append(layer.register_forward_hook(self._keep(path)))

    def _keep(self, path: str) -> Callable:
        def hook(module: Any, args: Any, out: Any) -> None:
            self._gave[path] = out

        return hook

    def _finish(self, app: Application, history: History) -> None:
        before, gave = self._before or {}, self._gave
        self.stop()
        self._gave = {}
        look = Look(len(history), rate_of(app))
        for name, parameter in parameters_of(app):
            look.parameters.append(_moved(name, parameter, before.get(name)))
        for path, out in gave.items():
            first = out[0] if isinstance(out, tuple) else out
            if isinstance(first, Tensor):
                look.layers.append((path, spread(readable(first.realize_cached_data()))))
        look.pictures = take_pictures(gave)
        known = self.looks[-1].pictures if self.looks else None
        fresh = self._epochs != len(history.ends) and self._asks(len(history))
        began = time.perf_counter()
        with looking(app):
            look.pictures.judge(app, known, fresh)
        if fresh:
            self._epochs, self._last_asked = len(history.ends), time.perf_counter() - began
            self._asking += self._last_asked
        self.looks.append(look)
        for old in self.looks[-2:-1]:
            old.layers, old.pictures = [], Pictures()
        if len(self.looks) > 200:  # every second of the older half is enough for a line
            self.looks[:100] = self.looks[:100:2]
        self.after()

    def last(self, app: Application) -> None:
        """After the end: what the trained model gives."""
        self.stop()
        began = time.perf_counter()
        if self.looks:
            with looking(app):
                self.looks[-1].pictures.judge(app, self.looks[-1].pictures, True)
        self.spent += time.perf_counter() - began


@contextmanager
def looking(app: Application) -> Iterator[None]:
    """Within the block the models are evaluated; afterwards modes and random numbers are as before."""
    models = models_of(app).values()
    modes = [(module, module.training) for model in models for _, module in model.named_modules()]
    try:
        with apart(), no_grad():
            for model in models:
                model.eval()
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def models_of(app: Application) -> dict[str, nn.Module]:
    """The networks of an application, by the attributes that hold them."""
    return {
        name: thing
        for name, thing in vars(app).items()
        if isinstance(thing, nn.Module) and next(iter(thing.parameters()), None) is not None
    }


def parameters_of(app: Application) -> Iterator[tuple[str, Tensor]]:
    """Name and tensor of every parameter, with the network's attribute before it where there are several."""
    models = models_of(app)
    for name, model in models.items():
        for path, parameter in model.named_parameters():
            yield (f"{name}.{path}" if len(models) > 1 else path), parameter


def layers_of(app: Application) -> Iterator[tuple[str, nn.Module]]:
    """Path and module of everything that holds no other module, and of attention."""
    models = models_of(app)
    for name, model in models.items():
        for path, module in model.named_modules():
            kind = type(module).__name__
            if "Attention" in kind or next(iter(module.named_children()), None) is None:
                where = ".".join(part for part in (name if len(models) > 1 else "", path) if part)
                yield f"{where} {kind}".strip(), module


def rate_of(app: Application) -> float:
    """The step size now."""
    found = [thing for thing in vars(app).values() if isinstance(thing, optim.Optimizer)]
    return float(found[0].lr) if found else np.nan


def readable_copy(parameter: Tensor) -> np.ndarray:
    """The numbers of a tensor now."""
    return np.array(readable(parameter.realize_cached_data()))


def _moved(name: str, parameter: Tensor, before: np.ndarray | None) -> Moved:
    now = np.asarray(readable(parameter.realize_cached_data()))
    grad = None if parameter.grad is None else np.asarray(readable(parameter.grad.realize_cached_data()))
    norm = _norm(now)
    ratio = np.nan
    if before is not None and (size := _norm(before)) > 0:
        ratio = _norm(now - before) / size
    return Moved(
        name,
        tuple(now.shape),
        norm,
        np.nan if grad is None else _norm(grad),
        ratio,
        None if grad is None else spread(grad),
    )


def _norm(array: np.ndarray) -> float:
    flat = array.reshape(-1)
    return float(np.sqrt(np.dot(flat, flat)))
