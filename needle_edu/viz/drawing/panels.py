"""What lies in the boxes of a drawing, and where: every open box has a panel, laid out by itself.

The parts of a panel are cards of nodes, boxes (closed: a card; open: as large as their own panel), and ports: small
signs for the values that come in from outside the box, and that go out. So an edge that crosses the border of a box is
drawn piece by piece, in each panel on its way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from needle_edu.graph import Graph
from needle_edu.graph.boxes import Box, homes
from needle_edu.viz.drawing.boxcards import BoxCard, port_size
from needle_edu.viz.drawing.cards import Card
from needle_edu.viz.drawing.layout import DUMMY_WIDTH, Layout, layered_layout, straightness
from needle_edu.viz.drawing.placement import LAYER_GAP
from needle_edu.viz.drawing.svg import MARGIN

Size = tuple[float, float]
HEADER, SIDE = 46.0, 14.0  # room above and around the inside of an open box


@dataclass(slots=True)
class Unit:
    """One part of a panel: `kind` "card", "box", "in" or "out" of the node or box `item`."""

    kind: str
    item: int | Box
    size: Size
    box_card: BoxCard | None = None
    panel: Panel | None = None  # of a box that can be opened
    opened: bool = False
    number: int = -1  # of a box: counts through the picture


@dataclass(slots=True)
class Panel:
    """The inside of a box."""

    box: Box
    units: list[Unit] = field(default_factory=list)
    edges: list[tuple[int, int, int | None]] = field(default_factory=list)  # unit, unit, operand
    layout: Layout | None = None
    number: int = 0

    def panels(self) -> list[Panel]:
        """This panel and those of all boxes inside, outer ones first."""
        found = [self]
        for panel in found:  # grows while we walk
            found += [unit.panel for unit in panel.units if unit.panel]
        return found

    @property
    def laid_out(self) -> Layout:
        """The layout, which is there once the drawing is made."""
        assert self.layout is not None
        return self.layout


def make_panels(
    graph: Graph,
    root: Box,
    cards: Mapping[int, Card],
    box_cards: Mapping[Box, BoxCard],
    opened: set[Box],
    inside: set[Box],
    direction: str,
) -> Panel:
    """Lay out the boxes of a graph.

    Parameters
    ----------
    graph, root
        A graph and its tree of boxes, or a box of it: then values come in from outside.
    cards, box_cards
        What is written on nodes and boxes.
    opened, inside : set of Box
        The boxes that are open at first; those that can be opened (the root is both).
    direction : {"TB", "LR"}
    """
    top = _empty_panel(root, cards, box_cards, opened, inside)
    panels = {panel.box: panel for panel in top.panels()}
    for number, panel in enumerate(panels.values()):
        panel.number = number
    boxes = [unit for panel in panels.values() for unit in panel.units if unit.kind == "box"]
    for number, unit in enumerate(boxes):
        unit.number = number
    _connect(graph, panels, homes(root))
    for panel in reversed(list(panels.values())):  # inner ones first
        _arrange(panel, direction)
    return top


def _empty_panel(root: Box, cards, box_cards, opened: set[Box], inside: set[Box]) -> Panel:
    top = Panel(root)
    waiting = [top]
    while waiting:
        panel = waiting.pop()
        for item in panel.box.items:
            if isinstance(item, Box):
                unit = Unit("box", item, box_cards[item].size, box_cards[item])
                if item in inside:
                    unit.panel, unit.opened = Panel(item), item in opened
                    waiting.append(unit.panel)
            else:
                unit = Unit("card", item, (cards[item].width, cards[item].height))
            panel.units.append(unit)
    return top


def _connect(graph: Graph, panels: Mapping[Box, Panel], home: Mapping[int, list[Box]]) -> None:
    """Draw every edge in each panel on its way, with ports where it crosses a border."""
    places: dict[Box, dict] = {
        box: {
            (unit.kind if isinstance(unit.item, int) else "box", unit.item): k
            for k, unit in enumerate(p.units)
        }
        for box, p in panels.items()
    }
    drawn: dict[Box, set] = {box: set() for box in panels}

    def unit_of(box: Box, chain: list[Box], node: int) -> int:
        depth = len(chain) if chain[-1] is box else chain.index(box) + 1
        item = chain[depth] if depth < len(chain) else node
        return places[box]["box" if isinstance(item, Box) else "card", item]

    def port(box: Box, kind: str, node: int) -> int:
        if (kind, node) not in places[box]:
            places[box][kind, node] = len(panels[box].units)
            panels[box].units.append(Unit(kind, node, port_size(graph.nodes[node].label)))
        return places[box][kind, node]

    def add(box: Box, a: int, b: int, operand: int | None) -> None:
        units = panels[box].units
        if units[b].kind != "card":
            operand = None
        if operand is not None or (a, b) not in drawn[box]:
            drawn[box].add((a, b))
            panels[box].edges.append((a, b, operand))

    for edge in graph.edges:
        source, target = home.get(edge.source, []), home.get(edge.target, [])
        shared = 0
        while shared < min(len(source), len(target)) and source[shared] is target[shared]:
            shared += 1
        for box in source[shared:]:  # out of the boxes around the source alone
            if box in panels:
                add(box, unit_of(box, source, edge.source), port(box, "out", edge.source), None)
        if shared and source[shared - 1] in panels:
            box = source[shared - 1]
            add(box, unit_of(box, source, edge.source), unit_of(box, target, edge.target), edge.operand)
        for box in target[shared:]:
            if box in panels:
                add(box, port(box, "in", edge.source), unit_of(box, target, edge.target), edge.operand)


def _arrange(panel: Panel, direction: str) -> None:
    """Lay one panel out; those inside it are laid out already."""
    order = {k: (unit.kind == "out", unit.kind != "in", k) for k, unit in enumerate(panel.units)}
    panel.edges.sort(key=lambda edge: (order[edge[1]], -1 if edge[2] is None else edge[2]))
    pairs = [(a, b) for a, b, _ in panel.edges]
    sizes = {k: shown_size(unit) for k, unit in enumerate(panel.units)}
    panel.layout = layered_layout(sizes, pairs, direction, straightness(pairs))


def shown_size(unit: Unit) -> Size:
    """The size of a part as it is shown at first: that of an open box is its panel's, and its frame's."""
    return open_size(unit) if unit.opened else unit.size


def open_size(unit: Unit) -> Size:
    """The size of a box when it is open: never narrower than what is written above its inside."""
    assert unit.panel is not None
    layout = unit.panel.laid_out
    return max(layout.width + 2 * SIDE, unit.size[0]), layout.height + HEADER + SIDE


def panel_data(top: Panel, direction: str, above: float, least: float) -> dict:
    """What the page must know to lay panels out again when a box is opened or closed (see panels.js).

    Per panel its rows of parts (dummy nodes are negative), where each stands in its row, the size of every part (of a
    box: while it is closed), the boxes by number and panel, and what each curve touches. `above` is the room for a
    legend, `least` the least width of the picture.
    """
    panels = []
    for panel in top.panels():
        layout = panel.laid_out
        panels.append(
            {
                "rows": layout.rows,
                "across": {k: round(x, 1) for k, x in layout.across.items()},
                "sizes": [shown_size(unit) for unit in panel.units],
                "closed": [unit.size for unit in panel.units],
                "boxes": [
                    [k, unit.number, unit.panel.number, int(unit.opened)]
                    for k, unit in enumerate(panel.units)
                    if unit.panel
                ],
                "routes": [[[k, round(dx, 1)] for k, dx in route] for route in layout.routes],
                "size": [layout.width, layout.height],
            }
        )
    return {
        "panels": panels, "turned": direction == "LR", "dummy": DUMMY_WIDTH, "gap": LAYER_GAP, "header": HEADER,
        "side": SIDE, "margin": MARGIN, "above": above, "least": least,
    }  # fmt: skip
