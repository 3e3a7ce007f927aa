"""Gradient descent that can be watched: three optimisers walk down landscapes of one and two variables.

A network has too many parameters to draw. Here there are one or two, so the whole way down is a picture: how gradient
descent zigzags through a narrow valley, how momentum rolls out of a hollow, how Adam leaves a saddle in half the steps.
Nothing is learned from data; the loss is the height of the landscape where an optimiser stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ... import nn, ops, optim
from ...autograd import Tensor
from ...backend.errors import DataError
from ..application import Application, Settings


def hollows(x: Any) -> Any:
    """(x² + 3 sin 3x + 2.745) / 5: a bowl with hollows; the deepest, near -0.49, lies at 0."""
    return (x[0] ** 2 + 3 * ops.sin(3 * x[0]) + 2.745) / 5


def valley(x: Any) -> Any:
    """(x² + 20 y²) / 2: twenty times as steep across as along."""
    return (x[0] ** 2 + 20 * x[1] ** 2) / 2


def rosenbrock(x: Any) -> Any:
    """(1 - x)² + 10 (y - x²)²: a bent valley; at (1, 1) it is 0."""
    return (1 - x[0]) ** 2 + 10 * (x[1] - x[0] ** 2) ** 2


def saddle(x: Any) -> Any:
    """(x² - y²) / 2 + y⁴ / 4 + 1/4: down towards (0, 0) along x, and from there down along y, to (0, 1) or (0, -1)."""
    return (x[0] ** 2 - x[1] ** 2) / 2 + x[1] ** 4 / 4 + 0.25


def himmelblau(x: Any) -> Any:
    """(x² + y - 11)² + (x + y² - 7)²: four places where it is 0, one of them (3, 2)."""
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


class Landscape(NamedTuple):
    """A function, where the walk begins, how far the picture shows it, and the step size of each optimiser."""

    height: Callable[[Any], Any]
    start: tuple[float, ...]
    shown: tuple[float, ...]  # from x, to x, from y, to y
    rates: Mapping[str, float]


LANDSCAPES = (
    Landscape(hollows, (4.6,), (-4.0, 5.0), {"SGD": 0.05, "momentum": 0.05, "Adam": 0.1}),
    Landscape(valley, (-4.0, 1.2), (-5.0, 2.0, -1.8, 1.8), {"SGD": 0.09, "momentum": 0.02, "Adam": 0.2}),
    Landscape(rosenbrock, (-1.2, 1.0), (-1.8, 1.8, -0.8, 2.4), {"SGD": 0.01, "momentum": 0.003, "Adam": 0.1}),
    Landscape(saddle, (2.0, 0.001), (-1.0, 2.3, -1.6, 1.6), {"SGD": 0.1, "momentum": 0.03, "Adam": 0.1}),
    Landscape(himmelblau, (0.0, 0.0), (-5.5, 5.5, -5.5, 5.5), {"SGD": 0.01, "momentum": 0.003, "Adam": 0.2}),
)
METHODS: dict[str, Callable[[list[dict[str, Any]]], optim.Optimizer]] = {
    "SGD": optim.SGD,
    "momentum": lambda groups: optim.SGD(groups, momentum=0.9, dampening=0.0),
    "Adam": optim.Adam,
}
COLOURS = {"SGD": "tab:red", "momentum": "tab:orange", "Adam": "tab:blue"}


class Descent(Application):
    """Three optimisers on five landscapes, all at once; the loss is the mean height of the fifteen places.

    `lr` multiplies the step sizes of the table above: with 2, gradient descent leaves the narrow valley.

    Attributes
    ----------
    places : dict of str to ParameterList
        For each optimiser, where it stands on each landscape.
    walks : Walks
        Where they have been.

    Examples
    --------
    >>> from needle_edu import training
    >>> done = training.run("descent", steps=50, progress=False)
    >>> sorted(done.history.steps)
    ['Adam', 'SGD', 'loss', 'momentum']
    """

    name = "descent"
    summary = "gradient descent, momentum and Adam on functions of one and two variables, drawn"
    epochs, batch_size, lr, watch, higher_is_better = 10, 1, 1.0, "loss", False

    def __init__(self, settings: Settings):
        super().__init__(settings)
        if settings.data is not None:
            raise DataError(f"train: descent learns from no data, got data={settings.data!r}; leave it out")
        self.places = nn.ModuleDict(
            {
                method: nn.ParameterList([nn.Parameter(Tensor(l.start, dtype="float64")) for l in LANDSCAPES])
                for method in METHODS
            }
        )
        self.sgd, self.momentum, self.adam = (
            make(
                [
                    {"params": [place], "lr": settings.lr * l.rates[method]}
                    for place, l in zip(self.places[method].parameters(), LANDSCAPES, strict=True)
                ]
            )
            for method, make in METHODS.items()
        )
        self.walks = Walks()

    def batches(self) -> range:
        """Thirty steps an epoch; there is nothing in a batch."""
        return range(30)

    def step(self, batch: Any) -> dict[str, float]:
        """One step of each optimiser on each landscape; the heights are those before the step."""
        heights = {}
        for method, optimizer in zip(METHODS, (self.sgd, self.momentum, self.adam), strict=True):
            places = list(self.places[method].parameters())
            self.walks.note(method, places)
            height = sum(l.height(place) for l, place in zip(LANDSCAPES, places, strict=True))
            optimizer.reset_grad()
            height.backward()
            optimizer.step()
            heights[method] = height.item() / len(LANDSCAPES)
        return {"loss": sum(heights.values()) / len(heights), **heights}

    def picture(self, figure: Any, history: Any) -> None:
        """Each landscape with the three ways down, and the heights over the steps."""
        plots = figure.subplots(2, 3).ravel()
        for k, (landscape, plot) in enumerate(zip(LANDSCAPES, plots, strict=False)):
            _draw(plot, landscape, {method: self.walks.of(method, k) for method in METHODS})
        for method in METHODS:
            plots[5].semilogy(history.steps[method], color=COLOURS[method], label=method)
        plots[5].set(title="mean height", xlabel="step")
        plots[5].legend()


class Walks:
    """Where each optimiser has been on each landscape: what the picture is drawn from.

    Examples
    --------
    >>> walks = Walks()
    >>> walks.note("SGD", [Tensor([4.0])])
    >>> walks.note("SGD", [Tensor([3.0])])
    >>> walks.of("SGD", 0).tolist()
    [[4.0], [3.0]]
    """

    def __init__(self) -> None:
        self.places: dict[str, list[np.ndarray]] = {}

    def note(self, method: str, places: list[Any]) -> None:
        """Add where an optimiser stands now, one place per landscape."""
        self.places.setdefault(method, []).append(np.concatenate([place.numpy() for place in places]))

    def of(self, method: str, landscape: int) -> np.ndarray:
        """All places of one walk, shape (steps, 1 or 2)."""
        ends = np.cumsum([0, *(len(l.start) for l in LANDSCAPES)])
        return np.array(self.places[method])[:, ends[landscape] : ends[landscape + 1]]

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name → array."""
        return {method: np.array(places) for method, places in self.places.items()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.places = {method: list(np.asarray(places)) for method, places in saved.items()}


def _draw(plot: Any, landscape: Landscape, walks: Mapping[str, np.ndarray]) -> None:
    """A landscape, as a curve or by lines of equal height, and the ways down."""
    left, right = landscape.shown[:2]
    x = np.linspace(left, right, 120)
    if len(landscape.start) == 1:
        plot.plot(x, _heights(landscape, x[None]), color="0.6")
    else:
        below, above = landscape.shown[2:]
        x, y = np.meshgrid(x, np.linspace(below, above, 120))
        z = _heights(landscape, np.stack([x, y]))
        plot.contour(x, y, np.sqrt(z - z.min()), 15, colors="0.75", linewidths=0.7)
        plot.set_ylim(below, above)
    for method, walk in walks.items():
        height = _heights(landscape, walk.T) if walk.shape[1] == 1 else walk[:, 1]
        plot.plot(walk[:, 0], height, ".-", color=COLOURS[method], markersize=4, linewidth=1, label=method)
        plot.plot(walk[-1, 0], height[-1], "o", color=COLOURS[method], markersize=8)
    plot.set(title=landscape.height.__name__.capitalize(), xlim=(left, right))


def _heights(landscape: Landscape, places: np.ndarray) -> np.ndarray:
    """The heights at many places at once, (1 or 2, ...)."""
    return landscape.height(Tensor(places, dtype="float64", requires_grad=False)).numpy()
