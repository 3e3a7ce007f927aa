"""What else the cards of a drawing may say, row by row, if asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath

from needle_edu.graph import Graph, Node
from needle_edu.graph.boxes import Box
from needle_edu.graph.build import visible
from needle_edu.viz.drawing.cards import Card
from needle_edu.viz.drawing.looks import Look
from needle_edu.viz.drawing.overlay import Overlay, bytes_text, time_text
from needle_edu.viz.text import shorten

OVERLAYS = ("value", "grad", "time", "memory", "flops")
ROW_CHARS = 28


def _source(node: Node) -> str:
    if node.source is None:
        return ""
    file, line = node.source
    name = PurePath(file).name
    # The cells of a notebook are files with numbers for names.
    return f"line {line}" if file.startswith("<") or name.split(".")[0].isdigit() else f"{name}:{line}"


ROWS: Mapping[str, Callable[[Node], str]] = {
    "dtype": lambda node: node.dtype,
    "device": lambda node: node.device,
    "bytes": lambda node: bytes_text(node.nbytes) if node.nbytes else "",
    "module": lambda node: visible(node.module or ""),
    "source": _source,
    "time": lambda node: time_text(node.time_ns) if node.time_ns else "",
}


def check_shown(rows: Sequence[str], overlay: str | None) -> None:
    """Refuse rows and overlays that nobody knows."""
    if isinstance(rows, str) or not set(rows) <= set(ROWS):
        raise ValueError(f"viz.draw: rows={rows!r}; it is a list of some of {', '.join(ROWS)}")
    if overlay is not None and overlay not in OVERLAYS:
        raise ValueError(f"viz.draw: overlay={overlay!r}; it is one of {', '.join(OVERLAYS)}, or None")


def shown_cards(
    graph: Graph,
    boxes: Iterable[Box],
    values: bool,
    grads: bool,
    parameters: Mapping[int, str],
    rows: Sequence[str],
    overlay: Overlay | None,
    looks: Mapping[int, Look],
) -> dict[int, Card]:
    """The cards of all nodes that lie directly in one of these boxes; `looks` is what the reader's function said.

    In the box of a module a parameter is called as the module calls it, without the way there.
    """
    grads = grads and any(node.grad is not None for node in graph.nodes.values())
    cards = {}
    for box in boxes:
        for key in box.items:
            if isinstance(key, Box):
                continue
            node = graph.nodes[key]
            title = visible(parameters[key]).rpartition(".")[2] if key in parameters and box.path else ""
            more = [(name, shorten(ROWS[name](node), ROW_CHARS)) for name in rows]
            if overlay is not None and overlay.adds_up and overlay.name not in rows and overlay.numbers[key]:
                more.append((overlay.name, overlay.text(overlay.numbers[key])))
            look = looks.get(key, Look())
            card = cards[key] = Card(node, values, grads, (), look.label or title, [*more, *look.rows])
            if overlay is not None:
                card.css = overlay.css(overlay.numbers[key])
            card.css = look.css or card.css
            card.said = "; ".join(
                [*[look.label] * bool(look.label), *[f"{k} {text}" for k, text in look.rows]]
            )
    return cards
