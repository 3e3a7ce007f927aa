"""TeX to MathML: every formula of the registry is converted, and what is unknown is refused."""

import xml.etree.ElementTree as ET

import pytest

import needle_edu as ndl
from needle_edu.viz.tex.texml import TexError, tex_to_mathml

FORMULAS = [
    (name, tex)
    for name, slot in ndl.autograd.registry.ops().items()
    for tex in (slot.cls.formula, *slot.cls.vjp_formulas)
    if tex
]


def outline(tex):
    """Tags and texts without attributes, as nested tuples."""

    def walk(element):
        children = tuple(walk(child) for child in element)
        return (element.tag.split("}")[1], *(children or (element.text or "",)))

    return walk(ET.fromstring(tex_to_mathml(tex)))[1:]


def test_there_are_formulas_to_convert():
    assert len(FORMULAS) > 60


@pytest.mark.parametrize(("name", "tex"), FORMULAS)
def test_every_formula_of_the_registry(name, tex):
    math = ET.fromstring(tex_to_mathml(tex))
    assert math.get("alttext") == tex
    text = "".join(math.itertext())
    assert "\\" not in text and "{" not in text.replace("{a", ""), f"{name}: TeX left over in {text!r}"


def test_structure():
    assert outline(r"\bar{y}") == (("mover", ("mrow", ("mi", "y")), ("mo", "¯")),)
    assert outline(r"\frac{1}{n}") == (("mfrac", ("mn", "1"), ("mi", "n")),)
    assert outline(r"\tfrac12") == (("mstyle", ("mfrac", ("mn", "1"), ("mn", "2"))),)
    assert outline("a_i^2") == (("msubsup", ("mi", "a"), ("mi", "i"), ("mn", "2")),)
    assert outline("a^{b-1}")[0][2] == ("mrow", ("mi", "b"), ("mo", "−"), ("mn", "1"))
    assert outline(r"\sum_{i=1}^{n}")[0][0] == "munderover"
    assert outline(r"b^\top") == (("msup", ("mi", "b"), ("mi", "⊤")),)
    assert outline(r"\mathbb{1}") == (("mi", "𝟙"),)
    assert outline(r"\text{if } a")[0][1] == ("mtext", "if\u00a0")
    assert outline(r"\Big( a \Big)")[0] == ("mrow", ("mo", "("), ("mi", "a"), ("mo", ")"))
    assert outline("12.5") == (("mn", "12.5"),)


def test_operand_order_and_signs_survive():
    text = "".join(ET.fromstring(tex_to_mathml(r"\left(a - b\right) / \operatorname{f}(c)")).itertext())
    assert text == "(a−b)/f(c)"


@pytest.mark.parametrize(
    "tex",
    [
        r"\foo",
        "a^",
        "{a",
        "a}",
        r"\left( a",
        r"\Big",
        r"\Big a",
        r"\right)",
        "a^b^c",
        r"\mathbb{Q}",
        "€",
        "_",
    ],
)
def test_what_is_unknown_or_unbalanced_is_refused_with_its_place(tex):
    with pytest.raises(TexError, match="character"):
        tex_to_mathml(tex)


def test_hostile_text_is_escaped():
    assert "<script>" not in tex_to_mathml(r"\text{<script>alert(1)</script>}")
