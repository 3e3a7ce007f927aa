"""A step as HTML: headline, sentence, formula, and the numbers in aligned tables.

Everything is made here, in Python, so that the page needs no computation of its own: the script only puts
pieces of text in place. Tables and formulas come back again and again, so they are kept once in a list of
`pieces`; a step is a list of strings and of numbers of pieces.
"""

from __future__ import annotations

import html

import numpy as np

from needle_edu.graph import Snapshot
from needle_edu.viz.stepper.steps import Shown, Step
from needle_edu.viz.tex.texml import TexError, tex_to_mathml
from needle_edu.viz.text import aligned, attribute_texts, number, shape_text

MAX_ROWS = 10
MAX_COLUMNS = 10
MAX_SLICES = 4
MAX_PARTS = 6


class Pieces:
    """Strings kept once, referred to by number."""

    def __init__(self):
        self.texts: list[str] = []
        self._places: dict[str, int] = {}

    def add(self, text: str) -> int:
        if text not in self._places:
            self._places[text] = len(self.texts)
            self.texts.append(text)
        return self._places[text]


def render_step(step: Step, pieces: Pieces) -> list[str | int]:
    """The panel of one step, as strings and numbers of pieces."""
    parts: list[str | int] = [
        f"<h3>{html.escape(step.title)}</h3><p>{html.escape(step.text)}</p>",
    ]
    if step.departs:
        parts.append(f'<p class="departs"><b>Your pass departs here.</b> {html.escape(step.departs)}</p>')
    if step.formula:
        parts.append(pieces.add(rule_html(step.formula, step.here)))
    elif step.kind in ("op", "vjp"):
        parts.append('<p class="note">This operation has no formula written down; its numbers are below.</p>')
    attrs = attribute_texts(step.attrs)
    if attrs and step.kind in ("op", "vjp"):
        text = ", ".join(f"{'c' if name == 'scalar' else name} = {value}" for name, value in attrs.items())
        parts.append(f'<p class="note">with {html.escape(text)}</p>')
    parts.append('<div class="numbers">')
    for k, shown in enumerate(step.given):
        if k and step.signs:
            parts.append(f'<span class="sign">{step.signs}</span>')
        parts.append(pieces.add(figure_html(shown)))
    if step.result:
        sign = f'<span class="sign">{"=" if step.signs else "→"}</span>' if step.given else ""
        parts += [
            f'<div class="outcome">{sign}',
            pieces.add(figure_html(step.result, is_result=True)),
            "</div>",
        ]
    parts.append("</div>")
    return parts


def rule_html(rule: str, here: str | None) -> str:
    """The formula of a step; under the rule in general letters stands the same with the names of this graph."""
    if here is None or here == rule:
        return f'<div class="formula">{formula_html(rule)}</div>'
    rows = [("rule", rule), ("here", here)]
    cells = "".join(f"<span>{word}</span>{formula_html(tex)}" for word, tex in rows)
    return f'<div class="formula both">{cells}</div>'


def formula_html(tex: str, display: bool = True) -> str:
    """MathML; a student's own formula that we cannot read is shown as it was written."""
    try:
        return tex_to_mathml(tex, display)
    except TexError:
        return f"<code>{html.escape(tex)}</code>"


def figure_html(shown: Shown, is_result: bool = False) -> str:
    """An array with its letter, its name and its shape."""
    gradient = shown.role in ("adjoint", "contribution", "sum", "grad") or shown.role.startswith("term")
    css = " ".join(["gradient" if gradient else "value", *(["result"] if is_result else [])])
    snap = shown.numbers
    equals = "" if gradient or shown.role == "value" else "="
    letter = "" if shown.role in ("value", "grad") else formula_html(shown.tex, display=False)
    caption = f"{letter} {equals} <b>{html.escape(shown.label)}</b>"
    if snap is None:
        body = (
            '<p class="pending">still to come</p>'
            if shown.role.startswith("term")
            else '<p class="pending">no array</p>'
        )
    else:
        caption += f" <i>{f'tuple of {len(snap.parts)}' if snap.parts else shape_text(snap.shape)}</i>"
        body = array_html(snap)
    role = html.escape(shown.role)
    return f'<figure class="{css}" data-role="{role}"><figcaption>{caption}</figcaption>{body}</figure>'


def array_html(snap: Snapshot) -> str:
    """The numbers of an array: a table, a few tables, or a summary."""
    if snap.parts:
        parts = [
            array_html(part) if part else '<p class="pending">nothing yet</p>'
            for part in snap.parts[:MAX_PARTS]
        ]
        more = f'<div class="slice">… {len(snap.parts)} parts</div>' if len(snap.parts) > MAX_PARTS else ""
        rows = (
            f'<div class="part"><span class="slice">[{k}]</span>{part}</div>' for k, part in enumerate(parts)
        )
        return "".join(rows) + more
    if snap.size == 0:
        return '<p class="pending">an empty array</p>'
    array = snap.array
    if array is None:
        return _summary(snap)
    if array.ndim <= 2:
        return table_html(array)
    slices = array.reshape(-1, *array.shape[-2:])
    if len(slices) > MAX_SLICES:
        return _summary(snap)
    out = []
    for index, table in zip(np.ndindex(array.shape[:-2]), slices, strict=True):
        place = ", ".join(map(str, index))
        out.append(f'<div class="slice">[{place}, :, :]</div>{table_html(table)}')
    return "".join(out)


def table_html(array: np.ndarray) -> str:
    """A small array as an aligned table; long rows and columns are cut in the middle."""
    rows = [_cut(row, MAX_COLUMNS, "⋯") for row in aligned(array)]
    rows = _cut(rows, MAX_ROWS, ["⋮"] * len(rows[0]))
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f"<table><tbody>{body}</tbody></table>"


def _cell(text: str) -> str:
    """Zeros are written faintly (one sees at a glance what a relu or a mask let through), nan and inf in red."""
    kind = "bad" if text.lstrip("-") in ("nan", "inf") else "zero" if not text.strip("0.-") else ""
    return f'<td class="{kind}">{text}</td>' if kind else f"<td>{text}</td>"


def _cut(items: list, limit: int, mark) -> list:
    """At most `limit` items: the first ones, a mark, and the last two."""
    return items if len(items) <= limit else [*items[: limit - 3], mark, *items[-2:]]


def _summary(snap: Snapshot) -> str:
    facts = [("min", snap.low), ("mean", snap.mean), ("max", snap.high)]
    head = "".join(f"<th>{name}</th>" for name, _ in facts)
    cells = "".join(_cell(number(value)) for _, value in facts)
    first = ", ".join(number(value) for value in snap.first)
    table = f'<table class="summary"><thead><tr>{head}</tr></thead><tbody><tr>{cells}</tr></tbody></table>'
    return f'{table}<p class="first">first values {first}, …</p>' if first else table
