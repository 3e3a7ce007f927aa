"""What is written on a box: what it is, how much it does, what comes out, and which parameters it holds."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from needle_edu.graph import Graph
from needle_edu.graph.boxes import NO_MODULE, Box
from needle_edu.graph.build import visible
from needle_edu.viz.drawing.cards import MONO, PAD, ROW, SANS, text_width
from needle_edu.viz.drawing.overlay import Overlay
from needle_edu.viz.text import shorten

MARK = 16.0  # room for the sign that a box can be opened
PARAMETER_CHARS = 44
PORT_CHARS = 16


class BoxCard:
    """The text on a box, and its size while it is closed.

    Attributes
    ----------
    title, kind, line : str
        What it is called, what it is, and what it does.
    rows : list of (css class, key, text)
    badge : str
        "× 12" for passes rolled up.
    bad : bool
        Whether nan or inf is inside.
    """

    __slots__ = ("box", "title", "kind", "line", "rows", "badge", "bad", "size", "head", "css")

    def __init__(
        self,
        graph: Graph,
        box: Box,
        parameters: Mapping[int, str],
        overlay: Overlay | None = None,
        sealed: bool = False,
    ):
        self.box = box
        nodes = [graph.nodes[key] for key in box.nodes()]
        results = [node for node in nodes if not node.is_leaf]
        self.title = shorten(visible(box.title), 30)
        self.kind = box.kind if box.kind not in NO_MODULE and box.kind != box.title else ""
        count = len(results)
        self.line = f"{count:,} operation{'' if count == 1 else 's'}"
        if results:
            self.line += f"  → {results[-1].shape_text}"
        self.badge = f"× {box.times}" if box.times > 1 else ""
        own = [node for node in nodes if node.is_leaf and (node.requires_grad or node.id in parameters)]
        self.rows: list[tuple[str, str, str]] = []
        if own:
            size = sum(math.prod(node.shape) for node in own)
            names = [visible(parameters.get(node.id, node.label)).rpartition(".")[2] for node in own]
            text = ", ".join(f"{name} {node.shape_text}" for name, node in zip(names, own, strict=True))
            if len(text) > PARAMETER_CHARS:
                text = f"{len(own)} tensors, {size:,} numbers"
            self.rows.append(("ndl-about", "parameters", text))
        self.css = ""
        if overlay is not None:
            total = overlay.of_box(box)
            self.css = overlay.css(total)
            self.rows.append(
                (
                    "ndl-about",
                    overlay.name if overlay.adds_up else f"largest {overlay.name}",
                    overlay.text(total),
                )
            )
        if sealed:  # too much for one page
            self.rows.append(
                ("ndl-about", "inside", f"focus={shorten(visible(box.path), PARAMETER_CHARS - 8)!r}")
            )
        self.bad = any(_not_finite(node.value) or _not_finite(node.grad) for node in nodes)
        self.head = SANS * text_width(self.title) + (7 * len(self.kind) + 8 if self.kind else 0)
        badge = 12 + 8 * len(self.badge) if self.badge else 0
        rows = [PAD * 2 + 76 + MONO * len(text) for _, _, text in self.rows]
        width = max(
            120.0, PAD + MARK + max(self.head, 6.3 * len(self.line)) + badge + PAD + 12 * self.bad, *rows, 0
        )
        self.size = math.ceil(width), 44.0 + (ROW * len(self.rows) + 8 if self.rows else 0)

    def describe(self) -> str:
        """One sentence: tooltip, and what a screen reader says."""
        parts = [f"box {visible(self.box.path) or self.title}"]
        if self.kind:
            parts.append(self.kind)
        if self.badge:
            parts.append(f"{self.box.times} passes that repeat each other")
        parts += [self.line.replace("  → ", ", result "), *[f"{key} {text}" for _, key, text in self.rows]]
        if self.bad:
            parts.append("not every number inside is finite")
        return "; ".join(parts)


def _not_finite(snap) -> bool:
    if snap is None:
        return False
    if snap.parts:
        return any(map(_not_finite, snap.parts))
    return bool(snap.size and snap.dtype.startswith(("float", "complex")) and not np.isfinite(snap.mean))


def port_size(label: str) -> tuple[float, float]:
    """The size of the sign for a value that comes in or goes out."""
    return math.ceil(30 + 6.6 * min(len(label), PORT_CHARS)), 22.0
