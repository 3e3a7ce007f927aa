"""`viz.step`: walk through the forward and the backward pass of a real run, one event at a time.

The finished graph is replayed, backward runs ONCE while a recorder listens, and every `.grad` is put back
as it was. The result is a self-contained piece of HTML: it steps with no kernel and no network, in
JupyterLab and in exported pages. `live=True` makes a widget of the same script whose position Python can
read and set.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from itertools import repeat
from pathlib import Path
from typing import Any

from needle_edu.autograd import TensorTuple, events, override
from needle_edu.autograd.engine import GRADIENTS, propagate
from needle_edu.autograd.events import value_id
from needle_edu.backend import GradientError, NeedleError
from needle_edu.backend.scope import at_once
from needle_edu.viz.drawing import PAGE, check_size, history, write_atomically
from needle_edu.viz.graph import Graph
from needle_edu.viz.names import variable_names
from needle_edu.viz.panel import Pieces, render_step
from needle_edu.viz.recorder import Recorder
from needle_edu.viz.render import compute_layout
from needle_edu.viz.snapshot import LIMIT, Snapshot, card_text
from needle_edu.viz.steps import Step, tell
from needle_edu.viz.svg import make_cards, scoped_css, static_text, to_svg

MAX_NODES = 400
REPLACEABLE = "compute_gradient_of_variables"
REPLACED = (
    f" (Your own {REPLACEABLE} is installed. It can't be watched, so what follows is the engine's pass.)"
)
FALLBACK = "Run this cell (or trust the notebook) to step through the picture."


class Stepper:
    """A recorded run to walk through; shows itself in Jupyter.

    Attributes
    ----------
    graph : Graph
    steps : list of Step
        What happens, with the recorded numbers.
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
        engine: str | None = None,
        max_nodes: int = MAX_NODES,
    ):
        check_size(len(graph.nodes), max_nodes, "step")
        if not steps:
            raise NeedleError(
                "viz: nothing was recorded, so there is nothing to step through; compute inside "
                "`with viz.record() as tape:`"
            )
        self.graph, self.steps = graph, steps
        place = {k: i for i, k in enumerate(graph.nodes)}
        texts: dict[int, list[str]] = {k: [] for k in graph.nodes}
        packed, pieces = [], Pieces()
        for step in steps:
            entry = pack_step(step, place, pieces)
            if "g" in entry:
                texts[step.value].append(entry["g"][1])
            packed.append(entry)
        cards = make_cards(graph, also=texts)
        sizes = {k: (card.width, card.height) for k, card in cards.items()}
        layout = compute_layout(sizes, [(e.source, e.target) for e in graph.edges], direction, engine)
        self.engine = layout.engine
        self._svg = to_svg(graph, cards, layout, numbers=False)
        self._data = {"steps": packed, "pieces": pieces.texts}
        content = self._svg + json.dumps(self._data)
        self._scope = "ndl-" + hashlib.sha256(content.encode()).hexdigest()[:10]

    @property
    def css(self) -> str:
        """The style sheets, limited to this stepper."""
        return "\n".join(scoped_css(name, self._scope) for name in ("graph.css", "stepper.css"))

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
        script = static_text("stepper.js")
        return (
            f'<div id="{name}" class="needle-stepper"><div class="{self._scope}"><style>{self.css}</style>{self._svg}'
            f'<p>{FALLBACK}</p></div><script type="application/json" class="ndl-data">{data}</script></div>'
            f'<script type="module">{script}\nmountAll("{name}");</script>'
        )

    def save(self, path: str | os.PathLike) -> Path:
        """Write a page of its own (.html), complete or not at all."""
        forms = {".html": lambda: PAGE.format(title="stepping through backpropagation", body=self.html)}
        return write_atomically(Path(path), forms, "Stepper.save")

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/html": self.html, "text/plain": repr(self)}

    def __repr__(self) -> str:
        forward = sum(step.phase == "forward" for step in self.steps)
        backward = len(self.steps) - forward
        return f"<Stepper: {forward} forward and {backward} backward steps, {len(self.graph.nodes)} nodes>"


def pack_step(step: Step, place: Mapping[int, int], pieces: Pieces) -> dict[str, Any]:
    """A step as the script reads it: phase, node, origin, edges, title, panel; what becomes known (v, g)."""
    entry: dict[str, Any] = {
        "p": int(step.phase == "backward"),
        "n": place[step.value],
        "e": step.edges,
        "t": step.title,
        "h": render_step(step, pieces),
    }
    if step.origin is not None:
        entry["o"] = place[step.origin]
    if step.kind in ("leaf", "op"):
        entry["v"] = place[step.value]
    if step.kind in ("seed", "sum", "grad") or step.kind == "vjp" and step.completes:
        entry["g"] = [place[step.value], card_text(step.result.numbers if step.result else None)]
    return entry


def step(
    loss,
    live: bool = False,
    out_grad=None,
    direction: str = "TB",
    engine: str | None = None,
    max_nodes: int = MAX_NODES,
):
    """Walk through the forward and the backward pass that belong to `loss`.

    Parameters
    ----------
    loss : Tensor
        The result of a forward pass; its graph is replayed, and backward runs once. Every `.grad` is as before
        afterwards.
    live : bool
        True makes a widget with a Python side (`stepper.index`); needs anywidget and a running kernel.
    out_grad : Tensor, optional
        The adjoint to start with; ones by default.
    direction : {"TB", "LR"}
        From top to bottom or from left to right.
    engine : {"dot", "wasm", "python"}, optional
        Who places the boxes; by default the best one this machine has.
    max_nodes : int
        Larger graphs are refused, with advice.

    Returns
    -------
    Stepper

    Raises
    ------
    GradientError
        `loss` needs no gradient: there is no backward pass to walk through.
    NeedleError
        The graph has more than `max_nodes` nodes.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([3.0])
    >>> ndl.viz.step(x * x)
    <Stepper: 2 forward and 6 backward steps, 2 nodes>
    >>> x.grad is None
    True
    """
    values = history(loss, "step")
    if isinstance(loss, TensorTuple):
        raise TypeError("viz.step: wanted one Tensor, got a TensorTuple; step through one of its parts, t[0]")
    if not loss.requires_grad:
        raise GradientError(
            "viz.step: this tensor needs no gradient, so there is no backward pass to walk through. Either no "
            "parameter took part (make one with ndl.Tensor(..., requires_grad=True) or x.requires_grad_() before "
            "computing), or it was computed under no_grad() or detached. viz.draw(t) draws it all the same"
        )
    check_size(len(values), max_nodes, "step")
    names = variable_names(sys._getframe(1))
    records = record_backward(loss, values, out_grad)
    in_graph = {id(value) for value in values}
    called = {value_id(v): name for v, name in reversed(names) if id(v) in in_graph}
    note = REPLACED if replaced() else ""
    return make_stepper(
        records, called, live=live, note=note, direction=direction, engine=engine, max_nodes=max_nodes
    )


def record_backward(
    loss, values: list, out_grad=None, limit: int = LIMIT
) -> list[tuple[Any, Snapshot | None]]:
    """Replay a finished graph, run backward once, put every `.grad` back (also if backward raises)."""
    put_back = map(setattr, values, repeat("grad"), [value.grad for value in values])
    recorder = Recorder(limit)
    try:
        with recorder:
            events.replay(loss)
            with override(REPLACEABLE, propagate) if replaced() else nullcontext():
                loss.backward(out_grad, create_graph=False)
    finally:
        at_once(put_back)
    return recorder.records


def replaced() -> bool:
    """Whether a student's own function runs the backward pass; it sends no events, the engine's own does."""
    return GRADIENTS.function is not propagate


def make_stepper(
    records, names: Mapping[int, str] | None = None, live: bool = False, note: str = "", **options
):
    """A stepper from recorded events; `live` chooses the widget, `note` is added where backward starts."""
    graph, steps = tell(records, names)
    for told in steps:
        if told.kind == "seed":
            told.text += note
    stepper = Stepper(graph, steps, **options)
    if not live:
        return stepper
    from needle_edu.viz.live import make_live

    return make_live(stepper)
