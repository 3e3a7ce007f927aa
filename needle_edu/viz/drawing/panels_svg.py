"""Draws boxes and what is in them: frames with a head line, ports, and, inside, cards and curves as everywhere."""

from __future__ import annotations

import html
from collections.abc import Mapping

from needle_edu.graph import Graph, op_info
from needle_edu.viz.drawing.boxcards import MARK, PORT_CHARS
from needle_edu.viz.drawing.cards import PAD, ROW, Card
from needle_edu.viz.drawing.dot import operand_counts
from needle_edu.viz.drawing.overlay import LEGEND_HEIGHT
from needle_edu.viz.drawing.panels import HEADER, SIDE, Panel, Unit, shown_size
from needle_edu.viz.drawing.routing import Point
from needle_edu.viz.drawing.svg import MARGIN, edge_svg, node_svg, row_svg, size_text
from needle_edu.viz.text import shorten

LEGEND_WIDTH = 440.0
CLOSED, OPEN = "▸", "▾"


class Painter:
    """Writes panels as SVG; `hidden` says whether the insides of closed boxes are written, too."""

    def __init__(self, graph: Graph, cards: Mapping[int, Card], hidden: bool, legend: str = ""):
        self.graph, self.cards, self.hidden, self.legend = graph, cards, hidden, legend
        self.counts = operand_counts(graph)
        self.place = {k: i for i, k in enumerate(graph.nodes)}

    def picture(self, top: Panel) -> str:
        """The whole picture as an `<svg>` element."""
        layout = top.laid_out
        above = LEGEND_HEIGHT if self.legend else 0.0
        width = max(layout.width, LEGEND_WIDTH if self.legend else 0.0) + 2 * MARGIN
        height = layout.height + 2 * MARGIN + above
        label = f"computation graph: {size_text(self.graph)}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="group" aria-label="{label}" width="{width:.0f}" '
            f'height="{height:.0f}" viewBox="{-MARGIN:.0f} {-MARGIN - above:.0f} {width:.0f} {height:.0f}">'
            f'<g transform="translate(0 {-above + 6:.0f})">{self.legend}</g>{self.panel(top)}</svg>'
        )

    def panel(self, panel: Panel) -> str:
        """One panel: its curves below its parts."""
        layout = panel.laid_out
        letters: dict[int, list[Point]] = {k: [] for k in range(len(panel.units))}
        out = [f'<g data-panel="{panel.number}"><g class="ndl-edges">']
        for index, ((a, b, operand), path) in enumerate(zip(panel.edges, layout.paths, strict=True)):
            letter, target = "", panel.units[b]
            if operand is not None and isinstance(target.item, int):
                count = self.counts[target.item]
                if count > 1:
                    letter = op_info(self.graph.nodes[target.item].op or "").letter(operand, count)
            out.append(edge_svg(index, a, b, operand or 0, path, letter, letters[b]))
        out.append('</g><g class="ndl-nodes">')
        out.extend(self.unit(unit, *layout.centers[k]) for k, unit in enumerate(panel.units))
        out.append("</g></g>")
        return "".join(out)

    def unit(self, unit: Unit, x: float, y: float) -> str:
        if isinstance(unit.item, int):
            if unit.kind == "card":
                return node_svg(self.place[unit.item], self.cards[unit.item], x, y, True)
            return self.port(unit, unit.item, x, y)
        return self.box(unit, x, y)

    def port(self, unit: Unit, node: int, x: float, y: float) -> str:
        """A value that comes in from outside, or goes out."""
        (w, h), label = unit.size, self.graph.nodes[node].label
        sign, text = ("↧", "comes in") if unit.kind == "in" else ("↥", "goes out")
        describe = html.escape(f"{label} {text}")
        shown = html.escape(shorten(label, PORT_CHARS))
        return (
            f'<g class="ndl-port" role="img" aria-label="{describe}" '
            f'transform="translate({x - w / 2:.1f} {y - h / 2:.1f})"><title>{describe}</title>'
            f'<rect class="ndl-box" width="{w:.0f}" height="{h:.0f}" rx="11"/>'
            f'<text class="ndl-shape" x="{w / 2:.1f}" y="15">{sign} {shown}</text></g>'
        )

    def box(self, unit: Unit, x: float, y: float) -> str:
        """A box: its frame, its head line, and, if it can be opened, its inside."""
        card = unit.box_card
        assert card is not None
        w, h = shown_size(unit)
        closed, can_open = not unit.opened, unit.panel is not None
        describe = html.escape(card.describe())
        css = f"ndl-group{' ndl-open' if unit.opened else ''} {card.css}".rstrip()
        out = [
            f'<g class="{css}" data-box="{unit.number}" role="group" aria-label="{describe}" '
            f'transform="translate({x - w / 2:.1f} {y - h / 2:.1f})"><title>{describe}</title>'
        ]
        if card.badge:
            out.append(
                f'<rect class="ndl-box ndl-behind" x="5" y="5" width="{w:.0f}" height="{h:.0f}" rx="10"/>'
            )
        out.append(f'<rect class="ndl-box ndl-frame" width="{w:.0f}" height="{h:.0f}" rx="10"/>')
        left = PAD + (MARK if can_open else 2)
        mark = (
            f'<text class="ndl-mark" x="{PAD}" y="20">{CLOSED if closed else OPEN}</text>' if can_open else ""
        )
        kind = f'<tspan class="ndl-kind" dx="7">{html.escape(card.kind)}</tspan>' if card.kind else ""
        bad = '<tspan class="ndl-bad" dx="7">nan, inf</tspan>' if card.bad else ""
        out.append(
            f'<g class="ndl-header"><rect class="ndl-hit" width="{w:.0f}" height="44"/>{mark}'
            f'<text class="ndl-title" x="{left:.0f}" y="19">{html.escape(card.title)}{kind}{bad}</text>'
            f'<text class="ndl-shape" x="{left:.0f}" y="34">{html.escape(card.line)}</text>'
        )
        if card.badge:
            out.append(f'<text class="ndl-badge" x="{w - PAD:.0f}" y="20">{card.badge}</text>')
        out.append("</g>")
        if card.rows:
            rows = [
                row_svg(css, key, text, unit.size[0], 44 + 15 + i * ROW)
                for i, (css, key, text) in enumerate(card.rows)
            ]
            line = f'<line class="ndl-rule" x1="{PAD}" x2="{unit.size[0] - PAD:.0f}" y1="44" y2="44"/>'
            out.append(f'<g class="ndl-rows"{_hidden(unit.opened)}>{line}{"".join(rows)}</g>')
        if unit.panel is not None and (unit.opened or self.hidden):
            inset = (w - unit.panel.laid_out.width) / 2 if unit.opened else SIDE
            out.append(
                f'<g class="ndl-inside" transform="translate({inset:.1f} {HEADER:.0f})"{_hidden(closed)}>'
                f"{self.panel(unit.panel)}</g>"
            )
        out.append("</g>")
        return "".join(out)


def _hidden(yes: bool) -> str:
    return ' display="none"' if yes else ""
