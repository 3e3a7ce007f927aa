"""`viz.playground`: choose points, layers, activation and step size, and see every step, with its graph."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from needle_edu.backend.arguments import real, whole
from needle_edu.viz.charts import line_chart, picture
from needle_edu.viz.drawing.cards import make_cards
from needle_edu.viz.drawing.drawing import Drawing
from needle_edu.viz.drawing.layout import edge_weights, layered_layout
from needle_edu.viz.drawing.svg import to_svg
from needle_edu.viz.island import Island
from needle_edu.viz.plane import CLASSES, Plane, plane
from needle_edu.viz.playing.learner import ACTIVATIONS, DATA, GRID, POINTS, UNIT_GRID, Choice, Learner, Moment
from needle_edu.viz.text import CARD_CHARS, card_text, number

FRAMES = 48  # moments that are kept for the slider; of more, every second is let go
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
LARGEST = 5, 16  # layers, and their width


class Playground(Island):
    """A small network that learns to tell points in a plane apart; shows itself in Jupyter.

    Attributes
    ----------
    choice : Choice
    moments : list of Moment
        The network as it was, thinned to 48 places over the steps; the last is the present.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> play = ndl.viz.playground("circles", layers=[4], lr=0.3)
    >>> play.step(20)
    <Playground: circles, layers 2-4-2, tanh, lr 0.3: step 20, loss ..., ... % of fresh points right>
    """

    view: ClassVar[str] = "playground"
    title: ClassVar[str] = "a playground for a small network"
    styles: ClassVar[tuple[str, ...]] = ("playing/playground.css",)
    script: ClassVar[str] = "playing/playground.js"

    def __init__(self, choice: Choice):
        self.choice = choice
        self._learner = Learner(choice)
        self.moments: list[Moment] = [self._learner.moment(step=False)]
        self._every = 1

    @property
    def loss(self) -> float:
        """The mean loss over all points, now."""
        return self.moments[-1].loss

    def step(self, count: int = 1) -> Playground:
        """Take so many steps.

        Raises
        ------
        ValueError
            `count` is no whole number of at least 1.
        """
        whole("Playground.step", count=count)
        for k in range(count):
            number_ = len(self._learner.losses) + 1
            if number_ % self._every == 0 or k == count - 1:
                kept = self.moments[-1].step
                if kept and kept % self._every:  # it was kept as the last of a call only
                    self.moments.pop()
                self.moments.append(self._learner.moment())
            else:
                self._learner.step()
            if len(self.moments) > FRAMES:
                self._every *= 2
                self.moments = [m for m in self.moments if m.step % self._every == 0 or m is self.moments[-1]]
        return self

    def draw(self, **options: Any) -> Drawing:
        """The graph of the last step, with values and gradients; takes the options of `viz.draw`."""
        return Drawing(self.moments[-1].graph, **options)

    def still(self) -> str:
        """The plane, the losses, and the graph of the last step."""
        now, c = self.moments[-1], self.choice
        layers = "-".join(map(str, (2, *c.layers, 2)))
        facts = f"{c.data} · layers {layers} · {c.activation} · lr {number(c.lr)} · batch {c.batch_size}"
        return (
            '<div class="island" role="group" aria-label="playground"><div class="bar"><h3>playground</h3>'
            f'<span class="facts">{html.escape(facts)}</span><span class="now">{self._now(now)}</span></div>'
            '<div class="choices"></div><div class="pull"></div>'
            f'<div class="top">{plane(now.plane)}{self._curve()}{self._units(now)}</div>'
            f'<div class="step-graph"><h4>the graph of step <span class="number">{max(now.step, 1)}</span></h4>'
            f'<div class="graph" tabindex="0" role="group" aria-label="graph of the step">{self._graph()}</div>'
            "</div></div>"
        )

    def _now(self, moment: Moment) -> str:
        return (
            f"step {moment.step}, loss {number(moment.loss)}, fresh points: loss {number(moment.test_loss)}, "
            f"{100 * moment.accuracy:.1f} % right"
        )

    def _curve(self) -> str:
        steps = [m.step for m in self.moments]
        lines = [
            (steps, [m.loss for m in self.moments], "these points"),
            (steps, [m.test_loss for m in self.moments], "fresh points"),
        ]
        return line_chart("loss", lines)

    def _units(self, moment: Moment) -> str:
        """Each hidden unit as a small picture of the plane: blue where it gives less than 0, orange where more."""
        layers = []
        for number_, layer in enumerate(moment.units, 1):
            images = "".join(
                picture(signed(unit), f"unit {k} of layer {number_}", 40) for k, unit in enumerate(layer, 1)
            )
            layers.append(f'<div class="units">{images}</div>')
        if not layers:
            return ""
        return (
            f'<figure class="panel hidden-units"><h4>what the hidden units give</h4>{"".join(layers)}'
            "<p>blue below 0, orange above; a row for each layer</p></figure>"
        )

    def _graph(self) -> str:
        graph = self.moments[-1].graph
        cards = make_cards(graph, also={key: ["x" * CARD_CHARS] for key in graph.nodes})
        sizes = {key: (card.width, card.height) for key, card in cards.items()}
        edges = [(edge.source, edge.target) for edge in graph.edges]
        return to_svg(graph, cards, layered_layout(sizes, edges, "TB", edge_weights(graph)), numbers=False)

    def data(self) -> dict[str, Any]:
        """Each moment: what it says of the plane, its losses, and the numbers on the graph's cards."""
        c = self.choice
        frames = [
            {
                "step": m.step,
                "now": self._now(m),
                "plane": packed(m.plane),
                "units": [packed_units(layer) for layer in m.units],
                "values": [card_text(node.value) for node in m.graph.nodes.values()],
                "grads": [
                    card_text(node.grad) if node.grad is not None else None for node in m.graph.nodes.values()
                ],
            }
            for m in self.moments
        ]
        return {
            "frames": frames,
            "grid": GRID,
            "unitGrid": UNIT_GRID,
            "choice": {"data": c.data, "layers": list(c.layers), "activation": c.activation, "lr": c.lr},
            "options": {"data": list(DATA), "activation": list(ACTIVATIONS), "lr": sorted({*RATES, c.lr})},
        }

    def __repr__(self) -> str:
        c, now = self.choice, self.moments[-1]
        layers = "-".join(map(str, (2, *c.layers, 2)))
        return (
            f"<Playground: {c.data}, layers {layers}, {c.activation}, lr {number(c.lr)}: step {now.step}, "
            f"loss {number(now.loss)}, {100 * now.accuracy:.1f} % of fresh points right>"
        )


def packed(one: Plane) -> str:
    """The share of the second class at each place of a plane, a byte each, in base64.

    Examples
    --------
    >>> sure, classes = np.array([[1.0, 0.75]]), np.array([[1, 0]])
    >>> base64.b64decode(packed(Plane(np.zeros((0, 2)), np.zeros(0), classes, sure, (0, 1, 0, 1)))).hex()
    'ff40'
    """
    share = np.where(one.classes == 1, one.sure, 1 - one.sure)
    return base64.b64encode((255 * np.nan_to_num(share) + 0.5).astype(np.uint8).tobytes()).decode()


def signed(unit: np.ndarray) -> np.ndarray:
    """The colours of a unit's numbers: white at 0, full at the number farthest from it.

    Examples
    --------
    >>> signed(np.array([[-2.0, 0.0, 2.0]])).round(2).tolist()
    [[[0.12, 0.44, 0.92], [1.0, 1.0, 1.0], [0.91, 0.35, 0.05]]]
    """
    share = _shares(unit)[..., None]
    colours = np.where(share < 0, np.array(CLASSES[0]), np.array(CLASSES[1]))
    return np.abs(share) * colours + 1 - np.abs(share)


def packed_units(layer: np.ndarray) -> str:
    """Every unit's numbers, from -1 to 1 of its farthest from 0, a byte each with 128 for 0, in base64."""
    bytes_ = [(128 + 127 * _shares(unit)).round().astype(np.uint8).tobytes() for unit in layer]
    return base64.b64encode(b"".join(bytes_)).decode()


def _shares(unit: np.ndarray) -> np.ndarray:
    finite = np.nan_to_num(np.asarray(unit, float), posinf=0.0, neginf=0.0)
    return finite / max(float(np.abs(finite).max(initial=0.0)), 1e-12)


def chosen(
    data: str, layers: Sequence[int], activation: str, lr: float, batch_size: int, seed: int
) -> Choice:
    """Check what somebody chose."""
    for name, value, known in (("data", data, DATA), ("activation", activation, ACTIVATIONS)):
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"viz.playground: {name} is one of {', '.join(known)}, got {value!r}")
    if isinstance(layers, str) or not isinstance(layers, Sequence):
        raise ValueError(f"viz.playground: layers are widths such as [4, 4], got {layers!r}")
    widths = tuple(whole("viz.playground", layers=width)[0] for width in layers)
    if len(widths) > LARGEST[0] or max(widths, default=0) > LARGEST[1]:
        raise ValueError(
            f"viz.playground: at most {LARGEST[0]} layers, of at most {LARGEST[1]}, got {list(widths)}: the graph of "
            "more could not be read"
        )
    real("viz.playground", 0, lr=lr)
    whole("viz.playground", batch_size=batch_size)
    whole("viz.playground", 0, seed=seed)
    if batch_size > POINTS:
        raise ValueError(f"viz.playground: batch_size is at most {POINTS}, got {batch_size}")
    if not math.isfinite(lr) or seed > 2**32 - 2:
        raise ValueError(f"viz.playground: seed is at most {2**32 - 2}, got {seed}")
    return Choice(data, widths, activation, float(lr), int(batch_size), int(seed))
