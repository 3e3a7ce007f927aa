"""The cards of a drawing: their text, and how much room it takes.

A card shows the operation's sign in a disc, what the value is called, its shape, its value and its gradient. Leaves
have no disc. Text sizes are estimated, so no browser or font file is needed.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence

from needle_edu.graph import Graph, Node
from needle_edu.viz.text import card_text, shorten

PAD = 10.0
ROW = 17.0
TITLE_CHARS = 26
MONO = 6.7  # width of a character of the numbers' font at 11 px
SYMBOL = 14.0  # size of the signs' font
SANS = 13.0  # size of the titles' font, semi-bold


def text_width(text: str) -> float:
    """Estimated width of a text in a wide, semi-bold sans-serif, in units of the font's size.

    Examples
    --------
    >>> text_width("illicit") < text_width("WWWW")
    True
    """
    return sum(
        1.15 if c in "mwMW@%—…<>=+~" or unicodedata.east_asian_width(c) in "WF" else
        0.42 if c in "fijltrI.,:;'|!()[] /-" else 0.8 if c.isupper() else 0.67
        for c in text
    )  # fmt: skip


class Card:
    """The text and the size of one node's card; `css` is the class of its colour, `said` what its description adds."""

    __slots__ = ("node", "rows", "symbol", "disc", "title", "shape", "width", "height", "css", "said")

    def __init__(
        self,
        node: Node,
        values: bool,
        grads: bool,
        also: Sequence[str] = (),
        title: str = "",
        more: Sequence[tuple[str, str]] = (),
    ):
        self.node, self.css, self.said = node, "", ""
        self.symbol = "" if node.is_leaf else shorten(node.symbol or node.op or "", 9)
        self.disc = 0.0 if node.is_leaf else max(26.0, 14.0 + SYMBOL * text_width(self.symbol))
        title = title or (node.label if node.is_leaf or node.name else node.op or "")
        self.title = shorten(title, TITLE_CHARS)
        kind = node.op if node.name else node.label  # what the title does not say
        if node.is_leaf:
            kind = "parameter" if node.requires_grad else "data"
        dtype = node.dtype if node.dtype not in ("", "float32") else ""
        self.shape = "  ".join(part for part in (node.shape_text, dtype, kind) if part)
        self.rows: list[tuple[str, str, str]] = []  # (css class, key, text)
        if values and node.seen:
            self.rows.append(("ndl-value", "value", card_text(node.value) or "not computed"))
        if grads and (node.grad is not None or node.absent):
            absent = node.grad is None
            text = node.absent if absent else card_text(node.grad)
            self.rows.append(("ndl-grad ndl-absent" if absent else "ndl-grad", "grad", text))
        self.rows += [("ndl-about", key, text) for key, text in more if text]
        head = max(SANS * text_width(self.title), 6.5 * len(self.shape))
        left = PAD + (self.disc + 8 if self.disc else 4)
        key = max([38.0, *[6.3 * len(row[1]) for row in self.rows]])
        rows = [PAD * 2 + key + MONO * len(text) for text in (*[row[2] for row in self.rows], *also)]
        self.width = math.ceil(max([108.0, left + head + PAD, *rows]))
        self.height = 44.0 + (ROW * len(self.rows) + 8 if self.rows else 0)


def make_cards(
    graph: Graph, values: bool = True, grads: bool = True, also: Mapping[int, Sequence[str]] | None = None
) -> dict[int, Card]:
    """A card for every node. Gradient rows are drawn only if some node has a gradient to show.

    `also` holds, per node, further texts that its rows must have room for.
    """
    show_grads = grads and any(node.grad is not None for node in graph.nodes.values())
    return {k: Card(node, values, show_grads, (also or {}).get(k, ())) for k, node in graph.nodes.items()}
