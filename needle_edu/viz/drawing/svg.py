"""Draws the graph as SVG: cards for values, curves for operands.

What stands on a card is said in `cards`. Leaves that ask for a gradient (parameters) have a green edge. A curve's
letter says which operand it is, the same letter as in the formulas. A full description is in each tooltip.
"""

from __future__ import annotations

import html
import math
import re

from needle_edu.graph import Graph, Node, op_info
from needle_edu.graph.build import visible
from needle_edu.viz.drawing.cards import PAD, ROW, Card
from needle_edu.viz.drawing.dot import operand_counts
from needle_edu.viz.drawing.layout import Layout
from needle_edu.viz.drawing.routing import Point
from needle_edu.viz.page import scoped_css
from needle_edu.viz.text import attribute_texts, card_text

MARGIN = 12.0
ARROW = 7.0
LETTER = 11.0
NOT_A_NUMBER = re.compile("nan|inf")  # in a card's text

# The light theme in plain colours, for SVG files: many programs know neither CSS variables nor colour mixing.
PALETTE = {
    "bg": "#ffffff",
    "fg": "#1b1f24",
    "muted": "#686b6f",
    "line": "#c4c5c7",
    "card": "#f8f8f9",
    "blue": "#1e5cba",
    "tint": "#dfe8f5",
    "orange": "#b34913",
    "green": "#1a7842",
    "red": "#b00a31",
    "heat-0": "#fdf3ec",
    "heat-1": "#f9dfcf",
    "heat-2": "#f3c4a8",
    "heat-3": "#eba67e",
    "heat-4": "#df8452",
    "heat-5": "#cf6226",
    "heat-bad": "#f7b9c6",
    "paint-blue": "#d2e0f7",
    "paint-orange": "#f8d9c6",
    "paint-green": "#cfe8d7",
    "paint-red": "#f6cbd5",
    "paint-grey": "#dedfe1",
}


def standalone_svg(svg: str, scope: str) -> str:
    """An SVG file: the drawing with its style sheet in plain colours, on a white ground."""
    css = scoped_css("drawing/graph.css", scope)
    css = css[css.index("}") + 1 :]  # the first rule defines the variables
    for name, colour in PALETTE.items():
        css = css.replace(f"var(--ndl-{name})", colour)
    css = re.sub(r"var\(--jp-[a-z-]+, ([^;]*)\);", r"\1;", css)
    head, body = svg.split(">", 1)
    ground = f'<rect x="-50%" y="-50%" width="200%" height="200%" fill="{PALETTE["bg"]}"/>'
    style = f"<style>{css.replace(f'.{scope} svg', f'svg.{scope}')}</style>"
    family = 'font-family="system-ui, Helvetica, Arial, sans-serif"'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head} class="{scope}" {family}>{style}{ground}{body}\n'


def to_svg(graph: Graph, cards: dict[int, Card], layout: Layout, numbers: bool = True) -> str:
    """The picture as an `<svg>` element (style sheet not included, see `scoped_css`).

    `numbers` says whether tooltips tell value and gradient; in the stepper they would tell them too early.
    """
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    label = f"computation graph: {size_text(graph)}"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="group" aria-label="{label}" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="{-MARGIN:.0f} {-MARGIN:.0f} {width:.0f} {height:.0f}">',
        '<g class="ndl-edges">',
    ]
    counts = operand_counts(graph)
    place = {
        k: i for i, k in enumerate(graph.nodes)
    }  # value ids differ from session to session, places do not
    letters: dict[int, list[Point]] = {k: [] for k in graph.nodes}  # where letters stand already, per target
    for index, (edge, path) in enumerate(zip(graph.edges, layout.paths, strict=True)):
        count = counts[edge.target]
        letter = op_info(graph.nodes[edge.target].op or "").letter(edge.operand, count) if count > 1 else ""
        out.append(
            edge_svg(
                index,
                place[edge.source],
                place[edge.target],
                edge.operand,
                path,
                letter,
                letters[edge.target],
            )
        )
    out.append('</g><g class="ndl-nodes">')
    out.extend(node_svg(place[k], cards[k], *layout.centers[k], numbers) for k in graph.nodes)
    out.append("</g></svg>")
    return "".join(out)


def size_text(graph: Graph) -> str:
    """How many nodes and edges there are, and how many nodes are left out."""
    counted = ((len(graph.nodes), "node"), (len(graph.edges), "edge"))
    parts = [f"{n:,} {word}{'' if n == 1 else 's'}" for n, word in counted]
    return ", ".join([*parts, *[f"{graph.hidden:,} hidden"] * bool(graph.hidden)])


def edge_svg(
    index: int, source: int, target: int, operand: int, path: list[Point], letter: str, taken: list[Point]
) -> str:
    """A curve with two arrow heads: one for the value, and one, shown only while stepping, for the adjoint."""
    ux, uy, head, base = _arrow(path)
    _, _, back_head, back_base = _arrow(path[::-1])
    points = [back_base, *path[1:-1], base]
    curve = f"M{points[0][0]:.1f} {points[0][1]:.1f}C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in points[1:])
    text = ""
    if letter:
        where = _letter_place(path[-1], (ux, uy), taken)
        if where:
            text = f'<text class="ndl-operand" x="{where[0]:.1f}" y="{where[1]:.1f}">{letter}</text>'
    stub = f"M{path[0][0]:.1f} {path[0][1]:.1f}L{back_base[0]:.1f} {back_base[1]:.1f}"
    return (
        f'<g class="ndl-edge" data-edge="{index}" data-from="{source}" data-to="{target}" data-operand="{operand}">'
        f'<path class="ndl-wire" d="{curve}"/><path class="ndl-wire ndl-stub" d="{stub}"/>'
        f'<polygon class="ndl-tip" points="{head}"/><polygon class="ndl-tip ndl-back" points="{back_head}"/>{text}</g>'
    )


def _letter_place(tip: Point, direction: Point, taken: list[Point]) -> Point | None:
    """Beside the end of a curve, where no other letter stands (noted in `taken`); None if there is no room."""
    (x, y), (ux, uy) = tip, direction
    for back, side in ((15, 8), (15, -8), (30, 8), (30, -8)):
        place = (x - back * ux - side * uy, y - back * uy + side * ux + 4)
        if all(math.dist(place, other) > LETTER for other in taken):
            taken.append(place)
            return place
    return None


def _arrow(path: list[Point]) -> tuple[float, float, str, Point]:
    """Direction in which a curve arrives, its arrow head's corners, and where the head begins."""
    (x1, y1), (x2, y2) = _direction_point(path), path[-1]
    length = math.hypot(x2 - x1, y2 - y1) or 1.0
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    x, y = x2 - ARROW * ux, y2 - ARROW * uy
    side = 0.45 * ARROW
    corners = [(x2, y2), (x - side * uy, y + side * ux), (x + side * uy, y - side * ux)]
    return ux, uy, " ".join(f"{a:.1f},{b:.1f}" for a, b in corners), (x, y)


def _direction_point(path: list[Point]) -> Point:
    """The last control point that differs from the end: the curve arrives from there."""
    return next(
        (p for p in reversed(path[:-1]) if math.hypot(p[0] - path[-1][0], p[1] - path[-1][1]) > 0.5), path[0]
    )


def node_svg(place: int, card: Card, x: float, y: float, numbers: bool) -> str:
    node, w, h = card.node, card.width, card.height
    left, top = x - w / 2, y - h / 2
    kind = "ndl-op" if not node.is_leaf else "ndl-leaf ndl-param" if node.requires_grad else "ndl-leaf"
    describe = html.escape("; ".join(filter(None, (describe_node(node, numbers), card.said))))
    out = [
        f'<g class="{f"ndl-node {kind} {card.css}".rstrip()}" data-node="{place}" role="img" aria-label="{describe}" '
        f'transform="translate({left:.1f} {top:.1f})"><title>{describe}</title>'
        f'<rect class="ndl-box" width="{w:.0f}" height="{h:.0f}" rx="{8 if not node.is_leaf else 14}"/>'
    ]
    text = PAD + 4
    if card.disc:
        out.append(
            f'<rect class="ndl-disc" x="{PAD - 2}" y="9" width="{card.disc:.0f}" height="26" rx="13"/>'
        )
        out.append(
            f'<text class="ndl-symbol" x="{PAD - 2 + card.disc / 2:.1f}" y="27">{html.escape(card.symbol)}</text>'
        )
        text = PAD + card.disc + 6
    elif node.requires_grad:
        out.append('<rect class="ndl-bar" x="0" y="12" width="4" height="20" rx="2"/>')
    out.append(f'<text class="ndl-title" x="{text:.0f}" y="19">{html.escape(card.title)}</text>')
    out.append(f'<text class="ndl-shape" x="{text:.0f}" y="34">{html.escape(card.shape)}</text>')
    if card.rows:
        out.append(f'<line class="ndl-rule" x1="{PAD}" x2="{w - PAD:.0f}" y1="44" y2="44"/>')
    for i, (css, key, value) in enumerate(card.rows):
        base = 44 + 15 + i * ROW
        out.append(row_svg(css, key, value, w, base))
    out.append("</g>")
    return "".join(out)


def row_svg(css: str, key: str, value: str, width: float, base: float) -> str:
    """A row of a card: what it is at the left, the text at the right; what is not a number stands out."""
    bad = " ndl-bad" if NOT_A_NUMBER.search(value) and css in ("ndl-value", "ndl-grad") else ""
    return (
        f'<g class="{css}"><text class="ndl-key" x="{PAD}" y="{base:.0f}">{html.escape(key)}</text>'
        f'<text class="ndl-number{bad}" x="{width - PAD:.0f}" y="{base:.0f}">{html.escape(value)}</text></g>'
    )


def describe_node(node: Node, numbers: bool = True) -> str:
    """One sentence about a node: tooltip, and what a screen reader says."""
    if node.is_leaf:
        what = f"{node.label}: {'parameter' if node.requires_grad else 'data'}"
    else:
        what = f"{node.label}: {node.op}"
        if attrs := attribute_texts(node.attrs):
            what += " (" + ", ".join(f"{k}={v}" for k, v in attrs.items()) + ")"
    parts = [what, f"shape {node.shape_text} {node.dtype}".strip()]
    if numbers and node.value is not None:
        parts.append(f"value {card_text(node.value)}")
    if numbers and node.grad is not None:
        parts.append(f"gradient {card_text(node.grad)}")
    if node.module:
        parts.append(f"in {visible(node.module)}")
    if node.source:
        parts.append(f"line {node.source[1]}")
    return "; ".join(parts)
