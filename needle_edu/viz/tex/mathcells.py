r"""Formulas of Markdown cells as MathML, for exported pages that must be read without a network.

`jupyter nbconvert --to html` leaves formulas such as `$\bar{x}$` to MathJax, which the page fetches from the
network. With this preprocessor they are typeset in the page itself:

    jupyter nbconvert --to html --HTMLExporter.preprocessors=needle_edu.viz.tex.mathcells.MathCells notebook.ipynb

What `texml` can't read stays as it is, for MathJax.
"""

from __future__ import annotations

import re

from nbconvert.preprocessors import Preprocessor

from needle_edu.viz.tex.texml import XMLNS, TexError, tex_to_mathml

# Code first, so that a dollar sign inside it is left alone.
CODE_OR_FORMULA = re.compile(
    r"(?P<code>^(?P<fence>```+|~~~+).*?^(?P=fence)|(?P<ticks>`+).+?(?P=ticks)|\\\$)"
    r"|\$\$(?P<display>.+?)\$\$|\$(?P<inline>[^\s$](?:(?:[^$\n]|\n(?!\s*\n))*[^\s$])?)\$(?!\d)",
    re.DOTALL | re.MULTILINE,
)


def formulas_to_mathml(markdown: str) -> str:
    r"""Replace `$…$` and `$$…$$` in a Markdown text, but not inside code.

    Examples
    --------
    >>> formulas_to_mathml("the root $x$ costs \\$5, in `$HOME`").count("<math")
    1
    >>> formulas_to_mathml(r"$\unknown$")
    '$\\unknown$'
    """

    def typeset(match: re.Match) -> str:
        if match["code"]:
            return match[0]
        try:
            math = tex_to_mathml(match["display"] or match["inline"], display=bool(match["display"]))
        except TexError:
            return match[0]
        # nbconvert would turn the namespace into prefixes inside headings, which no browser understands.
        return math.replace(XMLNS, "")

    return CODE_OR_FORMULA.sub(typeset, markdown)


class MathCells(Preprocessor):
    """Typesets the formulas of a notebook's Markdown cells; a preprocessor of nbconvert."""

    def preprocess_cell(self, cell, resources, index):
        """Replace the formulas of one cell."""
        if cell.cell_type == "markdown":
            cell.source = formulas_to_mathml(cell.source)
        return cell, resources
