"""The stepper's page: a recorded run as a self-contained piece of HTML.

Everything a step shows is made here, in Python, and packed into the page with the graph's picture. So it steps with no
kernel and no network, in JupyterLab and in exported pages.
"""

from __future__ import annotations

import hashlib
import html
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from needle_edu.autograd import Value
from needle_edu.backend import NeedleError
from needle_edu.backend.arguments import whole
from needle_edu.graph import Graph
from needle_edu.viz.drawing.cards import make_cards
from needle_edu.viz.drawing.layout import edge_weights, layered_layout
from needle_edu.viz.drawing.svg import to_svg
from needle_edu.viz.page import PAGE, Shown, scoped_css, script_text, static_text, write_atomically
from needle_edu.viz.stepper.breakpoints import gradient_norm, named, stopping
from needle_edu.viz.stepper.causes import WORDS, Causes
from needle_edu.viz.stepper.code import code_of
from needle_edu.viz.stepper.panel import Pieces, render_step
from needle_edu.viz.stepper.steps import Step
from needle_edu.viz.stepper.why import Why, answer, answer_at, find_node
from needle_edu.viz.subject import check_size
from needle_edu.viz.text import card_text

MAX_NODES = 400
MAX_GUESSED = 12  # elements of a result that a reader is asked to type
FALLBACK = "Run this cell (or trust the notebook) to step through the picture."


StopAt = str | Value | Iterable[str | Value] | None  # see breakpoints.py


def stepper_script() -> str:
    """The page's script: what the stepper uses, and itself."""
    others = [static_text(f"stepper/{name}.js") for name in ("stops", "quiz", "code", "stepper")]
    return "\n".join([script_text("stepper/numbers.js"), *others])


class Stepper(Shown):
    """A recorded run to walk through; shows itself in Jupyter.

    Attributes
    ----------
    graph : Graph
    steps : list of Step
        What happens, with the recorded numbers.
    stops : list of int
        The steps at which a walk stops (`stop_at`); the page opens at the first.
    html : str
        What a notebook shows: everything is in it.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0], requires_grad=True)
    >>> stepper = ndl.viz.step(x * x)
    >>> stepper.steps[1].title
    'v1 = x × x'
    """

    def __init__(
        self,
        graph: Graph,
        steps: list[Step],
        direction: str = "TB",
        max_nodes: int = MAX_NODES,
        stop_at: StopAt = None,
        compared: bool = False,
        code: bool = False,
    ):
        check_size(len(graph.nodes), max_nodes, "step")
        if not steps:
            raise NeedleError(
                "viz: nothing was recorded, so there is nothing to step through; compute inside "
                "`with viz.record() as tape:`"
            )
        self.graph, self.steps = graph, steps
        self.causes = Causes(graph, steps)
        names = named(stop_at, graph)
        self.stops = stopping(names, graph, steps, self.causes)
        place = {k: i for i, k in enumerate(graph.nodes)}
        texts: dict[int, list[str]] = {k: [] for k in graph.nodes}
        packed, pieces = [], Pieces()
        for k, step in enumerate(steps):
            entry = pack_step(step, place, pieces, compared) | pack_cause(self.causes, k, pieces)
            if "g" in entry:
                texts[step.value].append(entry["g"][1])
            packed.append(entry)
        cards = make_cards(graph, also=texts)
        sizes = {k: (card.width, card.height) for k, card in cards.items()}
        edges = [(e.source, e.target) for e in graph.edges]
        layout = layered_layout(sizes, edges, direction, edge_weights(graph))
        self._svg = to_svg(graph, cards, layout, numbers=False)
        self._data = {
            "steps": packed,
            "pieces": pieces.texts,
            "nodes": [[node.label, node.op] for node in graph.nodes.values()],
            "stops": names,
            "index": self.stops[0] if self.stops else 0,
        }
        if code:
            self._data["code"], self._data["lines"] = code_of(graph)
        content = self._svg + json.dumps(self._data)
        self._scope = "ndl-" + hashlib.sha256(content.encode()).hexdigest()[:10]

    @property
    def css(self) -> str:
        """The style sheets, limited to this stepper."""
        own = ["drawing/code.css"] * ("code" in self._data) + ["stepper/stepper.css"]
        return "\n".join(scoped_css(name, self._scope) for name in ("drawing/graph.css", *own))

    @property
    def data(self) -> dict:
        """What the script needs, as JSON."""
        return {**self._data, "scope": self._scope, "svg": self._svg, "css": self.css}

    @property
    def html(self) -> str:
        """What a notebook shows: a page that steps with no kernel and no network."""
        name = f"needle-stepper-{self._scope[4:]}"
        # Inside a script element only "</script" could do harm; without any "<" it can't occur.
        data = json.dumps({**self._data, "scope": self._scope}, ensure_ascii=False).replace("<", "\\u003c")
        script = stepper_script()
        return (
            f'<div id="{name}" class="needle-stepper"><div class="{self._scope}"><style>{self.css}</style>{self._svg}'
            f'<p>{FALLBACK}</p></div><script type="application/json" class="ndl-data">{data}</script></div>'
            f'<script type="module">{script}\nmountAll("{name}");</script>'
        )

    def why(self, what: int | str | Value) -> Why:
        """Why the numbers of a step (its number, from 0), or a gradient (a tensor, or its label), are what they are.

        Examples
        --------
        >>> import needle_edu as ndl
        >>> x = ndl.Tensor([-3.0])
        >>> ndl.viz.step(ndl.relu(x)).why("x").kind
        'zero'
        """
        if isinstance(what, int):
            whole("Stepper.why", 0, step=what)
            if what >= len(self.steps):
                raise IndexError(
                    f"Stepper.why: there is no step {what}; the last one is {len(self.steps) - 1}"
                )
            return answer_at(self.causes, what)
        return answer(self.causes, find_node(self.graph, what), of_gradient=True)

    def save(self, path: str | os.PathLike) -> Path:
        """Write a page of its own (.html), complete or not at all."""
        forms = {".html": lambda: PAGE.format(title="stepping through backpropagation", body=self.html)}
        return write_atomically(path, forms, "Stepper.save")

    def __repr__(self) -> str:
        forward = sum(step.phase == "forward" for step in self.steps)
        backward = len(self.steps) - forward
        return f"<Stepper: {forward} forward and {backward} backward steps, {len(self.graph.nodes)} nodes>"


def pack_step(step: Step, place: Mapping[int, int], pieces: Pieces, compared: bool = False) -> dict[str, Any]:
    """A step as the script reads it: phase, node, origin, edges, title, panel; what becomes known (v, g)."""
    entry: dict[str, Any] = {
        "p": int(step.phase == "backward"),
        "n": place[step.value],
        "e": step.edges,
        "t": step.title,
        "h": render_step(step, pieces, compared),
    }
    if step.origin is not None:
        entry["o"] = place[step.origin]
    if step.kind in ("leaf", "op"):
        entry["v"] = place[step.value]
    if step.kind in ("seed", "sum", "grad") or step.kind == "vjp" and step.completes:
        entry["g"] = [place[step.value], card_text(step.result.numbers if step.result else None)]
    if step.departs:
        entry["d"] = 1
    if (asked := predictable(step)) is not None:
        entry["q"] = asked
    if (norm := gradient_norm(step)) is not None:
        entry["m"] = norm if math.isfinite(norm) else str(norm)  # JSON knows no infinity
    return entry


def predictable(step: Step) -> list | None:
    """Shape and numbers of a result that a reader may be asked to predict: few, all finite, of the backward pass."""
    numbers = step.result.numbers if step.result and step.kind in ("seed", "vjp", "sum") else None
    if numbers is None or numbers.array is None or not 0 < numbers.size <= MAX_GUESSED or numbers.not_finite:
        return None
    return [list(numbers.shape), [float(f"{x:.6g}") for x in numbers.array.reshape(-1).tolist()]]


def pack_cause(causes: Causes, k: int, pieces: Pieces) -> dict[str, Any]:
    """What the script tells when asked why: the step to blame (w); if something is wrong what, where, and how (y)."""
    entry: dict[str, Any] = {}
    if causes.before[k] is not None:
        entry["w"] = causes.before[k]
    if causes.appears(k):
        entry["a"] = 1
    if causes.kinds[k]:
        cause = causes.of(k)
        entry["y"] = [WORDS[cause.kind], cause.made, pieces.add(html.escape(cause.text))]
    return entry
