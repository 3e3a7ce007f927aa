"""A step as HTML: headline, sentence, formula, and the numbers in aligned tables.

Everything is made here, in Python, so that the page needs no computation of its own: the script only puts
pieces of text in place. Tables and formulas come back again and again, so they are kept once in a list of
`pieces`; a step is a list of strings and of numbers of pieces. How numbers look is said in `numbers`.
"""

from __future__ import annotations

import html
from dataclasses import replace

from needle_edu.viz.stepper.jacobian import jacobian_parts
from needle_edu.viz.stepper.numbers import array_parts
from needle_edu.viz.stepper.steps import Shown, Step
from needle_edu.viz.tex.texml import XMLNS, TexError, tex_to_mathml
from needle_edu.viz.text import attribute_texts, shape_text


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


def render_step(step: Step, pieces: Pieces, compared: bool = False) -> list[str | int]:
    """The panel of one step, as strings and numbers of pieces; `compared` with another run, it may depart from that."""
    parts: list[str | int] = [
        f"<h3>{html.escape(step.title)}</h3><p>{html.escape(step.text)}</p>",
    ]
    if step.departs:
        head, text = step.departs.split(". ", 1) if compared else ("Your pass departs here", step.departs)
        parts.append(f'<p class="departs"><b>{head}.</b> {html.escape(text)}</p>')
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
        parts += map(pieces.add, figure_parts(shown))
    if step.result:
        sign = f'<span class="sign">{"=" if step.signs else "→"}</span>' if step.given else ""
        parts += [
            f'<div class="outcome">{sign}',
            *map(pieces.add, figure_parts(step.result, is_result=True)),
            "</div>",
        ]
    if step.other:
        other = replace(step.other, role="other", label=f"{step.other.label}, in the first run")
        parts += map(pieces.add, figure_parts(other))
    parts.append("</div>")
    parts += map(pieces.add, jacobian_parts(step))
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
        return tex_to_mathml(tex, display).replace(XMLNS, "")
    except TexError:
        return f"<code>{html.escape(tex)}</code>"


def figure_parts(shown: Shown, is_result: bool = False) -> list[str]:
    """An array with its letter, its name and its shape, as pieces."""
    gradient = shown.role in ("adjoint", "contribution", "sum", "grad") or shown.role.startswith("term")
    css = " ".join(["gradient" if gradient else "value", *(["result"] if is_result else [])])
    snap = shown.numbers
    equals = "" if gradient or shown.role in ("value", "other") else "="
    letter = "" if shown.role in ("value", "grad", "other") else formula_html(shown.tex, display=False)
    head = f'<figure class="{css}" data-role="{html.escape(shown.role)}"><figcaption>{letter} {equals} '
    name = f"<b>{html.escape(shown.label)}</b>"
    if snap is None:
        body = ["still to come" if shown.role.startswith("term") else "no array"]
        body = [f'<p class="pending">{text}</p>' for text in body]
    else:
        name += f" <i>{f'tuple of {len(snap.parts)}' if snap.parts else shape_text(snap.shape)}</i>"
        body = array_parts(snap)
    return [head, f"{name}</figcaption>", *body, "</figure>"]
