"""Formulas of Markdown cells in exported pages: typeset without a network, everything else untouched."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from needle_edu.viz.tex.mathcells import formulas_to_mathml

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").rglob("*.ipynb"))


@pytest.mark.parametrize(
    "text",
    [
        "it costs $5 or $10 in all",
        "in `$HOME` and `a $x$ b`",
        "```sh\necho $x$\n```",
        r"a price of \$5 and \$6",
        r"$\notknown{x}$",
        "no formula",
    ],
)
def test_what_is_no_formula_stays_as_it_is(text):
    assert formulas_to_mathml(text) == text


def test_formulas_are_typeset_inline_and_as_lines_of_their_own():
    text = formulas_to_mathml("the rule $\\bar{a} = b$ and\n\n$$\ny = a_i\n$$\n")
    assert re.findall(r'display="(\w+)"', text) == ["inline", "block"]
    assert text.startswith("the rule <math") and "$" not in text
    over_two_lines = formulas_to_mathml("so $h =\ntanh 1$, a price of 5$\n\nand 6$ more")
    assert over_two_lines.count("<math") == 1 and "5$\n\nand 6$" in over_two_lines, "never over an empty line"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_formula_of_the_course_can_be_typeset(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        if cell["cell_type"] == "markdown":
            text = formulas_to_mathml("".join(cell["source"]))
            without_code = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
            assert "$" not in without_code, without_code


@pytest.mark.browser
def test_an_exported_page_shows_them_offline(browser, tmp_path):
    from nbconvert import HTMLExporter

    source = "# The root $\\sqrt{a}$\n\nA sum:\n\n$$\\sum_{i=1}^{n} a_i * b_i$$"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source)])
    exporter = HTMLExporter(preprocessors=["needle_edu.viz.tex.mathcells.MathCells"])
    path = tmp_path / "page.html"
    path.write_text(exporter.from_notebook_node(notebook)[0], encoding="utf-8")
    page = browser.new_context(offline=True).new_page()
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    boxes = [page.locator(f"{tag} math").bounding_box() for tag in ("h1", "p")]
    assert all(box["width"] > 10 and box["height"] > 10 for box in boxes)
    assert page.locator("h1 msqrt").count() == 1 and page.locator("p munderover").count() == 1
    page.context.close()
