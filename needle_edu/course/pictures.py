"""A failed test as a picture: the small graph it asked about, with what was expected and what came side by side.

Tests of an order or of a reverse mode describe a graph as data (`topological_order`, `leaf_gradients` in a homework's
adapters). Where such a test fails, and the graph is small, it is drawn twice, with numbered nodes: as it should be and
as the answer has it; what differs has a thick red line. The pictures have their looks in attributes and take the
page's text colour, so they need no style sheet, and read on light and dark pages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np

from needle_edu.course.compare import Mismatch

MAX_NODES = 12
RED = "#d1242f"
CHARACTER, ROW, PAD = 7.4, 16, 8  # pixels, of the font's 12
COUNTED = {1: "1st", 2: "2nd", 3: "3rd"}


def picture(found: Mismatch) -> str:
    """The pictures for a failed comparison as HTML; "" where there is nothing to draw.

    Parameters
    ----------
    found : Mismatch
        It knows what the answer was asked (`asked`) and which values were compared (`pair`).
    """
    if not found.asked or found.pair is None:
        return ""
    adapter, args, reply = found.asked
    drawn: dict[str, Callable[..., str]] = {"topological_order": _orders, "leaf_gradients": _gradients}
    return drawn[adapter](*found.pair, reply, *args) if adapter in drawn else ""


def _orders(got: Any, want: Any, reply: Any, graph: Any, outputs: Any) -> str:
    """An expected order and the answer's: every node with its place in it."""
    rows = [[int(k) for k in row if k >= 0] for row in graph[: MAX_NODES + 1]]
    if len(rows) > MAX_NODES or not isinstance(got, (list, np.ndarray)) or np.ndim(got) != 1:
        return ""
    places = [[_places(list(order), k) for k in range(len(rows))] for order in (want, got)]
    pictures = []
    for caption, mine in zip(("expected order", "your order"), places, strict=True):
        boxes = [([f"node {k}", place], place != places[0][k]) for k, place in enumerate(mine)]
        pictures.append(_drawn(caption, boxes, rows))
    return _side_by_side(pictures)


def _places(order: list, node: int) -> str:
    """Where a node stands in an order: "1st", "2nd and 4th", "not in it"."""
    found = [COUNTED.get(k + 1, f"{k + 1}th") for k, other in enumerate(order) if other == node]
    return " and ".join(found) or "not in it"


def _gradients(got: Any, want: Any, reply: Any, program: Any, leaves: Any, *out_grad: Any) -> str:
    """A program's graph with its values, and the expected gradient of the leaf in question beside the answer's."""
    from needle_edu import ops
    from needle_edu.autograd import Tensor, no_grad
    from needle_edu.graph import op_info, take_snapshot
    from needle_edu.viz.text import card_text

    place = next((k for k, gradient in enumerate(reply) if gradient is got), None)
    sound = got is None or isinstance(got, np.ndarray) and got.dtype.kind in "biuf"
    if place is None or not sound or len(leaves) + len(program) > MAX_NODES:
        return ""

    def text(array: Any) -> str:
        return card_text(take_snapshot(np.asarray(array)))

    boxes = [[f"{k}: leaf", f"value {text(leaf)}"] for k, leaf in enumerate(leaves)]
    with no_grad():
        values = [Tensor(leaf) for leaf in leaves]
        for k, (name, operands) in enumerate(program, start=len(leaves)):
            values.append(getattr(ops, name)(*[values[i] for i in operands]))
            boxes.append([f"{k}: {op_info(name).symbol}", f"value {text(values[-1].numpy())}"])
    inputs = [[] for _ in leaves] + [list(operands) for _, operands in program]
    pictures = []
    for caption, gradient in (("expected gradient", want), ("your gradient", got)):
        row = "none" if gradient is None else text(gradient)
        mine = [[*box, f"grad {row}"] if k == place else box for k, box in enumerate(boxes)]
        red = caption.startswith("your")
        pictures.append(_drawn(caption, [(box, red and k == place) for k, box in enumerate(mine)], inputs))
    return _side_by_side(pictures)


def _side_by_side(pictures: Sequence[str]) -> str:
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px 40px;margin:.6em 0">{"".join(pictures)}</div>'


def _drawn(caption: str, boxes: Sequence[tuple[Sequence[str], bool]], inputs: Sequence[Sequence[int]]) -> str:
    """A graph of numbered boxes: their rows of text and whether they are wrong, and the inputs of each."""
    from needle_edu.viz.drawing.layout import layered_layout

    sizes = {
        k: (max(map(len, rows)) * CHARACTER + 2 * PAD, len(rows) * ROW + PAD)
        for k, (rows, _) in enumerate(boxes)
    }
    edges = [(source, target) for target, sources in enumerate(inputs) for source in sources]
    layout = layered_layout({k: (float(w), float(h)) for k, (w, h) in sizes.items()}, edges)
    words = "; ".join(" ".join(rows) + (", wrong" if wrong else "") for rows, wrong in boxes)
    width, height = layout.width + 16, layout.height + 16
    out = [
        f'<figure style="margin:0"><figcaption style="font-weight:600;margin-bottom:.3em">{caption}</figcaption>'
        f'<svg role="img" aria-label="{escape(f"{caption}: {words}")}" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="-8 -8 {width:.0f} {height:.0f}" font-family="ui-monospace, monospace" font-size="12" '
        'style="max-width:100%">'
    ]
    for path in layout.paths:
        (x, y), *rest = path
        curve = f"M{x:.1f} {y:.1f}C" + " ".join(f"{a:.1f} {b:.1f}" for a, b in rest)
        a, b = path[-1]
        tip = f"M{a - 3.5:.1f} {b - 7:.1f}L{a:.1f} {b:.1f}L{a + 3.5:.1f} {b - 7:.1f}"
        out.append(f'<path d="{curve}{tip}" fill="none" stroke="currentColor" stroke-opacity="0.55"/>')
    for k, (rows, wrong) in enumerate(boxes):
        (x, y), (w, h) = layout.centers[k], sizes[k]
        left, top = x - w / 2, y - h / 2
        line = f'stroke="{RED}" stroke-width="2.5"' if wrong else 'stroke="currentColor" stroke-opacity="0.6"'
        out.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{w:.1f}" height="{h:.1f}" rx="6" fill="none" {line}/>'
        )
        for i, row in enumerate(rows):
            weight = ' font-weight="700"' if i == 0 or wrong and i == len(rows) - 1 else ""
            out.append(
                f'<text x="{left + PAD:.1f}" y="{top + PAD + 8 + i * ROW:.1f}" fill="currentColor"{weight}>'
                f"{escape(row)}</text>"
            )
    return "".join([*out, "</svg></figure>"])
