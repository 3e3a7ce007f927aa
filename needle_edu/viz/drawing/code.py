"""The lines of code that made the nodes of a drawing, beside it: which line made which nodes, and the other way round.

Where a value came about is noted only while somebody listens (`viz.record()`). The text of a line is read when the
drawing is made, by `linecache`, which also knows the cells of a notebook.
"""

from __future__ import annotations

import html
import linecache
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath

from needle_edu.autograd.events import is_cell
from needle_edu.graph import Graph
from needle_edu.graph.build import visible
from needle_edu.viz.drawing.panels import Panel

LINES = 60  # of all files together
AROUND = 2  # lines before and after one that made something
LINE_CHARS = 200
UNKNOWN = (
    "No line is known of these nodes. Lines are noted while a recording runs: "
    "with viz.record() as tape: ..., then tape.draw(code=True)."
)


@dataclass(slots=True)
class Line:
    """A line of code; `nodes` are the ids of the nodes that it made."""

    number: int
    text: str
    nodes: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Listing:
    """The lines of one file that are shown, and whether its text could be read."""

    title: str
    lines: list[Line]
    readable: bool = True


def listings(graph: Graph, most: int = LINES) -> tuple[list[Listing], int]:
    """The lines that made the nodes of a graph, with some around them; and how many such lines found no room.

    Parameters
    ----------
    graph : Graph
        Of a recorded run; the nodes of others know no lines.
    most : int
        So many lines at most, of all files together. The lines around go first, then the last of those that made
        something.

    Examples
    --------
    >>> from needle_edu.graph import Graph, Node
    >>> graph = Graph({1: Node(1, source=("<string>", 3)), 2: Node(2, source=("<string>", 3))})
    >>> listings(graph)[0][0].lines
    [Line(number=3, text='', nodes=[1, 2])]
    """
    made: dict[str, dict[int, list[int]]] = {}
    for node in graph.nodes.values():
        if node.source is not None:
            file, number = node.source
            made.setdefault(file, {}).setdefault(number, []).append(node.id)
    count = sum(map(len, made.values()))
    for around in range(AROUND, -1, -1):
        shown = [_listing(file, lines, around) for file, lines in made.items()]
        if sum(len(one.lines) for one in shown) <= most:
            return shown, 0
    room = most
    for one in shown:
        one.lines = one.lines[:room]
        room -= len(one.lines)
    return [one for one in shown if one.lines], count - most


def _listing(file: str, made: dict[int, list[int]], around: int) -> Listing:
    text = linecache.getlines(file)
    numbers = {n for number in made for n in range(number - around, number + around + 1)}
    inside = sorted(n for n in numbers if n in made or 1 <= n <= len(text))
    lines = [Line(n, text[n - 1].rstrip() if n <= len(text) else "", made.get(n, [])) for n in inside]
    while lines and not lines[0].nodes and not lines[0].text:
        del lines[0]
    while lines and not lines[-1].nodes and not lines[-1].text:
        del lines[-1]
    return Listing(file_title(file), lines, bool(text))


def file_title(file: str) -> str:
    """What a file of code is called; the files of cells have names that differ from session to session.

    Examples
    --------
    >>> file_title("lessons/train.py"), file_title("/tmp/ipykernel_17/3141592653.py"), file_title("<stdin>")
    ('train.py', 'a cell', 'typed code')
    """
    if is_cell(file):
        return "a cell"
    return "typed code" if file.startswith("<") else visible(PurePath(file).name)


def code_html(graph: Graph, top: Panel) -> str:
    """The panel beside a drawing. A line that made something names its nodes for the script (`code.js`)."""
    place = {key: i for i, key in enumerate(graph.nodes)}
    cards = {unit.item for panel in top.panels() for unit in panel.units if unit.kind == "card"}
    sealed = {  # what lies in a box that can't be opened is known by its box
        key: unit.number
        for panel in top.panels()
        for unit in panel.units
        if unit.kind == "box" and unit.panel is None and not isinstance(unit.item, int)
        for key in unit.item.nodes()
    }

    def marks(line: Line) -> str:
        nodes = [place[key] for key in line.nodes if key in cards]
        boxes = sorted({sealed[key] for key in line.nodes if key in sealed})
        return f'data-nodes="{" ".join(map(str, nodes))}" data-boxes="{" ".join(map(str, boxes))}"'

    return lines_html(graph, marks, UNKNOWN)


def lines_html(graph: Graph, marks: Callable[[Line], str], unknown: str) -> str:
    """The lines that made the nodes of a graph, as HTML; one that made something is a button with these `marks`."""
    shown, left_out = listings(graph)
    out = ['<div class="ndl-code" role="group" aria-label="the code that made the nodes">']
    for one in shown:
        note = "" if one.readable else '<span class="ndl-note">its text is not at hand</span>'
        out.append(f'<div class="ndl-file">{html.escape(one.title)}{note}</div><div class="ndl-lines">')
        before = None
        for line in one.lines:
            if before is not None and line.number > before + 1:
                out.append('<div class="ndl-line ndl-gap" aria-hidden="true">⋮</div>')
            before = line.number
            out.append(_line_html(line, marks))
        out.append("</div>")
    if not shown:
        out.append(f'<p class="ndl-note">{html.escape(unknown)}</p>')
    if left_out:
        out.append(
            f'<p class="ndl-note">{left_out:,} more lines made nodes; focus= or depth= draws a part</p>'
        )
    return "".join(out) + "</div>"


def _line_html(line: Line, marks: Callable[[Line], str]) -> str:
    text = visible(line.text.expandtabs(4))
    if len(text) > LINE_CHARS:
        text = text[:LINE_CHARS] + "…"
    inside = f'<span class="ndl-at">{line.number}</span><code>{html.escape(text) or " "}</code>'
    if not line.nodes:
        return f'<div class="ndl-line">{inside}</div>'
    count = len(line.nodes)
    words = f"made {count:,} node{'' if count == 1 else 's'}"
    return (
        f'<button type="button" class="ndl-line ndl-made" aria-pressed="false" title="{words}" {marks(line)}>'
        f"{inside}</button>"
    )
