"""A drawing as PNG or PDF: the same boxes and curves, painted by Matplotlib; where that is absent, by Graphviz."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Mapping

from needle_edu.backend import NeedleError
from needle_edu.viz.drawing.cards import PAD, ROW, Card
from needle_edu.viz.drawing.overlay import LEGEND_HEIGHT, STEPS, Overlay
from needle_edu.viz.drawing.panels import HEADER, Panel, Unit, shown_size
from needle_edu.viz.drawing.svg import ARROW, MARGIN, PALETTE

INCH = 96.0  # pixels
HINT = "PNG and PDF need Matplotlib (pip install matplotlib) or Graphviz (apt install graphviz); .svg and .html do not"


def painted(
    panel: Panel,
    cards: Mapping[int, Card],
    labels: Mapping[int, str],
    form: str,
    dot: str,
    overlay: Overlay | None = None,
) -> bytes:
    """The picture as the bytes of a file.

    Parameters
    ----------
    panel, cards, labels
        What lies where, what is written on nodes, and what values are called.
    form : {"png", "pdf"}
    dot : str
        The graph in the language of Graphviz, for where Matplotlib is absent.
    overlay : Overlay, optional
        What the colours mean: said above the picture.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return _by_graphviz(dot, form)
    layout = panel.laid_out
    above = 0.0 if overlay is None else LEGEND_HEIGHT
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN + above
    dpi = min(
        2 * INCH, 30_000 / max(width, height) * INCH
    )  # Matplotlib's pictures have at most 2**16 pixels a side
    figure = Figure(figsize=(width / INCH, height / INCH), dpi=dpi)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-MARGIN, width - MARGIN)
    axes.set_ylim(height - MARGIN - above, -MARGIN - above)
    brush = _Brush(axes, cards, labels)
    brush.panel(panel, 0.0, 0.0)
    if overlay is not None:
        brush.legend(overlay)
    file = io.BytesIO()
    plain = (
        {"CreationDate": None} if form == "pdf" else {"Software": None}
    )  # the same picture, the same bytes
    figure.savefig(file, format=form, facecolor="white", metadata=plain)
    return file.getvalue()


def _by_graphviz(dot: str, form: str) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise NeedleError(f"Drawing.save: cannot write a .{form} here. {HINT}")
    done = subprocess.run([program, f"-T{form}"], input=dot.encode(), capture_output=True, check=False)
    if done.returncode:
        raise NeedleError(f"Drawing.save: Graphviz failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


class _Brush:
    """Paints panels on the axes of a figure, in pixels, y pointing down."""

    def __init__(self, axes, cards: Mapping[int, Card], labels: Mapping[int, str]):
        self.axes, self.cards, self.labels = axes, cards, labels

    def panel(self, panel: Panel, left: float, top: float) -> None:
        layout = panel.laid_out
        for path in layout.paths:
            self.curve([(left + x, top + y) for x, y in path])
        for k, unit in enumerate(panel.units):
            x, y = layout.centers[k]
            w, h = shown_size(unit)
            self.unit(unit, left + x - w / 2, top + y - h / 2, w, h)

    def legend(self, overlay: Overlay) -> None:
        """The colours from light to dark, and between which numbers they lie."""
        top = 6 - LEGEND_HEIGHT
        self.text(0, top, overlay.title, "muted")
        for step in range(STEPS):
            self.frame(step * 18, top + 9, 18, 13, PALETTE[f"heat-{step}"], PALETTE["line"], 1)
        low, high = overlay.text(overlay.low), overlay.text(overlay.high)
        self.text(STEPS * 18 + 6, top + 19, f"{low} … {high}", "muted")

    def unit(self, unit: Unit, x: float, y: float, w: float, h: float) -> None:
        if isinstance(unit.item, int) and unit.kind == "card":
            self.card(self.cards[unit.item], x, y)
        elif isinstance(unit.item, int):
            self.frame(x, y, w, h, PALETTE["bg"], PALETTE["line"], 11, dashed=True)
            sign = "↓" if unit.kind == "in" else "↑"  # the fonts of Matplotlib have no arrow with a bar
            self.text(x + w / 2, y + 15, f"{sign} {self.labels[unit.item]}", "muted", middle=True)
        else:
            card = unit.box_card
            assert card is not None
            if card.badge and not unit.opened:
                self.frame(x + 5, y + 5, w, h, PALETTE["tint"], PALETTE["line"], 10)
            fill = PALETTE[card.css[4:]] if card.css and not unit.opened else PALETTE["card"]
            self.frame(x, y, w, h, fill, PALETTE["line"], 10)
            kind = f"  {card.kind}" if card.kind else ""
            self.text(x + PAD, y + 19, card.title + kind, "fg", bold=True)
            plain = card.css and not unit.opened  # nothing but black can be read on a colour
            self.text(x + PAD, y + 34, card.line, "fg" if plain else "muted")
            self.text(x + w - PAD, y + 20, card.badge, "blue", right=True, bold=True)
            if not unit.opened:
                self.rows(card.rows, x, y, w, bool(plain))
            elif unit.panel is not None:
                self.panel(unit.panel, x + (w - unit.panel.laid_out.width) / 2, y + HEADER)

    def card(self, card: Card, x: float, y: float) -> None:
        node = card.node
        edge = PALETTE["green"] if node.is_leaf and node.requires_grad else PALETTE["line"]
        dashed = node.is_leaf and not node.requires_grad
        fill = PALETTE[card.css[4:]] if card.css else PALETTE["card"]
        self.frame(x, y, card.width, card.height, fill, edge, 14 if node.is_leaf else 8, dashed)
        text = x + PAD + 4
        if card.disc:
            self.frame(x + PAD - 2, y + 9, card.disc, 26, PALETTE["tint"], PALETTE["blue"], 13)
            self.text(x + PAD - 2 + card.disc / 2, y + 27, card.symbol, "blue", 13, middle=True)
            text = x + PAD + card.disc + 6
        self.text(text, y + 19, card.title, "fg", bold=True)
        self.text(text, y + 34, card.shape, "fg" if card.css else "muted")
        self.rows(card.rows, x, y, card.width, bool(card.css))

    def rows(self, rows, x: float, y: float, w: float, plain: bool) -> None:
        for i, (css, key, text) in enumerate(rows):
            colour = "orange" if css == "ndl-grad" and not plain else "fg"
            self.text(x + PAD, y + 59 + i * ROW, key, "fg" if plain else "muted")
            self.text(x + w - PAD, y + 59 + i * ROW, text, colour, right=True, mono=True)

    def frame(self, x, y, w, h, fill, edge, radius, dashed: bool = False) -> None:
        from matplotlib.patches import FancyBboxPatch

        style = f"round,pad=0,rounding_size={min(radius, h / 2 - 0.1)}"
        line = (0, (4, 3)) if dashed else "solid"
        self.axes.add_patch(
            FancyBboxPatch((x, y), w, h, style, facecolor=fill, edgecolor=edge, linewidth=0.9, linestyle=line)
        )

    def text(self, x, y, text, colour, size=11, *, bold=False, mono=False, right=False, middle=False) -> None:
        self.axes.text(
            x, y, text, color=PALETTE[colour], fontsize=(size + bold) * 0.72, weight="bold" if bold else "normal",
            family="monospace" if mono else "sans-serif", ha="right" if right else "center" if middle else "left",
            va="baseline", parse_math=False,
        )  # fmt: skip

    def curve(self, path) -> None:
        from matplotlib.patches import FancyArrowPatch, PathPatch
        from matplotlib.path import Path

        codes = [Path.MOVETO] + [Path.CURVE4] * (len(path) - 1)
        self.axes.add_patch(PathPatch(Path(path, codes), fill=False, edgecolor=PALETTE["muted"], linewidth=1))
        (x, y), (ux, uy) = path[-1], path[-2]
        far = max(abs(x - ux), abs(y - uy)) or 1.0
        tail = (x - (x - ux) / far * ARROW, y - (y - uy) / far * ARROW)
        self.axes.add_patch(
            FancyArrowPatch(tail, (x, y), arrowstyle="-|>", mutation_scale=7, shrinkA=0, shrinkB=0,
                            color=PALETTE["muted"], linewidth=0.5)
        )  # fmt: skip
