"""A tree of modules as boxes in boxes, which fold without a script, and the code that builds it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from needle_edu.graph.build import visible
from needle_edu.viz.text import shorten

ARGUMENT_CHARS = 60
OPEN = 60  # so many modules are shown unfolded
NEEDS_KERNEL = "To change it, run viz.modules(model, live=True) in a notebook with a kernel."


@dataclass(frozen=True, slots=True)
class Row:
    """One module of a tree, or one function in a Sequential.

    Attributes
    ----------
    path, kind : str
        Its name in the model, and its class.
    arguments : str or None
        What it is built with; None if that can't be known.
    shape : str
        Of what it gives; "" if no input was given, or it was not reached.
    parameters, depth : int
    editable : bool
        Whether it lies in a Sequential that can be changed.
    error : str
        Why it does not fit.
    """

    path: str
    kind: str
    arguments: str | None
    shape: str
    parameters: int
    depth: int
    editable: bool
    error: str = ""

    @property
    def words(self) -> str:
        """What a screen reader says."""
        name = f"{self.path.rpartition('.')[2]}: " if self.path else ""
        given = "(...)" if self.arguments is None else f"({self.arguments})"
        parts = [name + self.kind + given]
        if self.shape:
            parts.append(f"gives {self.shape}")
        if self.parameters:
            parts.append(f"{self.parameters:,} parameters")
        return visible("; ".join([*parts, *([f"does not fit: {self.error}"] if self.error else [])]))


def tree_html(rows: Sequence[Row], code: str, live: bool) -> str:
    """The whole view.

    Examples
    --------
    >>> page = tree_html([Row("", "ReLU", "", "", 0, 0, False)], "model = nn.ReLU()", False)
    >>> "model = nn.ReLU()" in page, page.count("data-path=")
    (True, 1)
    """
    total = rows[0].parameters
    facts = f"{len(rows):,} module{'' if len(rows) == 1 else 's'}, {total:,} parameters"
    note = "" if live else f'<p class="note hint">{NEEDS_KERNEL}</p>'
    return (
        f'<div class="island" role="group" aria-label="a tree of modules"><div class="bar">'
        f'<h3>{html.escape(visible(rows[0].kind))}</h3><span class="facts">{facts}</span></div>'
        '<div class="tools"></div><p class="wrong mono" role="alert"></p>'
        f'<div class="main"><div class="tree">{_nested(list(rows), len(rows) <= OPEN)}</div>'
        f'<div class="side"><h4>the Python that builds it</h4><pre class="mono" tabindex="0" role="group" '
        f'aria-label="code">{html.escape(code)}</pre></div></div>{note}</div>'
    )


def _nested(rows: list[Row], unfolded: bool) -> str:
    """Boxes in boxes, by the rows' depths."""
    out: list[str] = []
    open_boxes: list[int] = []  # their depths
    for k, row in enumerate(rows):
        while open_boxes and open_boxes[-1] >= row.depth:
            open_boxes.pop()
            out.append("</div></details>")
        inner = k + 1 < len(rows) and rows[k + 1].depth > row.depth
        if inner:
            wide = " open" if unfolded or row.depth == 0 or any(r.error for r in _inside(rows, k)) else ""
            out.append(f'<details{wide}><summary {_marks(row)}>{_line(row)}</summary><div class="inner">')
            open_boxes.append(row.depth)
        else:
            out.append(f"<div {_marks(row)}>{_line(row)}</div>")
    return "".join(out) + "</div></details>" * len(open_boxes)


def _inside(rows: list[Row], k: int) -> list[Row]:
    end = next((n for n in range(k + 1, len(rows)) if rows[n].depth <= rows[k].depth), len(rows))
    return rows[k + 1 : end]


def _marks(row: Row) -> str:
    css = "layer misfit" if row.error else "layer"
    return f'class="{css}" data-path="{html.escape(row.path)}"'


def _line(row: Row) -> str:
    given = "..." if row.arguments is None else shorten(visible(row.arguments), ARGUMENT_CHARS)
    name = (
        f'<span class="name">{html.escape(visible(row.path.rpartition(".")[2]))}</span>' if row.path else ""
    )
    count = f"{row.parameters:,}" if row.parameters else ""
    if count and not row.depth:
        count += " parameters"
    error = f'<span class="why">{html.escape(visible(row.error))}</span>' if row.error else ""
    return (
        f'{name}<span class="kind">{html.escape(visible(row.kind))}</span><span class="given mono">'
        f'({html.escape(given)})</span><span class="out mono"><span class="shape">{html.escape(row.shape)}</span>'
        f'<span class="count">{count}</span></span>{error}'
    )
