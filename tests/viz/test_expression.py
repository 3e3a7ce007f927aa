"""`viz.expression`: what is shown is the formula's value and gradients, wherever a slider stands."""

import base64
import json
import math
import re

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import viz
from needle_edu.backend import NeedleError
from needle_edu.viz.formulas.parse import FUNCTIONS, FormulaError, read

pytestmark = pytest.mark.shares_memory

FORMULAS = [
    "x*y + sin(x)",
    "(x - y)/(x*x + 2) - 3*y",
    "exp(-x^2) * cos(3*y) + tan(x/3)",
    "sigmoid(2*x - y) + tanh(x*y) + relu(y - x)",
    "max(x, y) - min(x, 2*y) + abs(x - 3)",
    "log(x*x + 1) + sqrt(y*y + 0.5) + 2**x + (x*x)**y",
    "sinh(x/2) + cosh(y/2) + square(x - 1) + x/y + 1/y + pi*x + e",
]


def by_hand(formula, x, y):
    """The value by Python's own mathematics: nothing of the library takes part."""
    names = {
        name: getattr(math, name)
        for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "sqrt")
    }
    names |= {
        "sigmoid": lambda a: 1 / (1 + math.exp(-a)),
        "relu": lambda a: max(a, 0.0),
        "square": lambda a: a * a,
    }
    names |= {"abs": abs, "max": max, "min": min, "pi": math.pi, "e": math.e, "x": x, "y": y}
    return eval(formula.replace("^", "**"), {"__builtins__": {}}, names)


@pytest.mark.parametrize("formula", FORMULAS)
def test_value_and_gradients_are_the_formulas(formula, rng):
    x, y = rng.uniform(-2, 2, 2)
    board = viz.expression(formula, x=x, y=y)
    assert math.isclose(board.value, by_hand(formula, x, y), rel_tol=1e-12)
    h = 1e-6
    slopes = {
        "x": (by_hand(formula, x + h, y) - by_hand(formula, x - h, y)) / (2 * h),
        "y": (by_hand(formula, x, y + h) - by_hand(formula, x, y - h)) / (2 * h),
    }
    assert board.gradients == pytest.approx(slopes, rel=1e-6, abs=1e-6)


def test_the_still_form_tells_all_without_a_script():
    board = viz.expression("x*y + sin(x)", x=0, y=2)
    still = board.still()
    assert "f = x*y + sin(x)" in still and "= 0<" in still and still.count("data-node=") == 5
    assert re.findall(r'data-variable="(.)".*?<td class="gradient mono">([^<]*)<', still) == [
        ("x", "3"),
        ("y", "0"),
    ]
    assert repr(board) == "<Expression x*y + sin(x) = 0 at x=0, y=2; ∂f/∂x=3, ∂f/∂y=0>"
    assert board.html == viz.expression("x*y + sin(x)", x=0, y=2).html, "the same in every run"
    assert viz.expression("a").gradients == {"a": 1.0}


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("x +", r"this is no formula\n    x \+\n"),
        ("", "this is no formula"),
        ("__import__('os').system('ls')", "a formula is made of"),
        ("__import__('os')", "no function '__import__'"),
        ("x + foo(y)", r"no function 'foo'.*\n    x \+ foo\(y\)\n        \^"),
        ("2x", r"a product is written with a star: '2\*x'"),
        ("x (y)(y + 1)", r"a product is written with a star"),
        ("sin x", r"what a function is of stands in brackets: sin\("),
        ("y = x**2", r"give only what stands right of the sign =: 'x\*\*2'"),
        ("x.real", "a formula is made of"),
        ("[x for x in y]", "a formula is made of"),
        ("x if y else 2", "a formula is made of"),
        ("x @ y", r"the operators are \+ - \* / and \*\*"),
        ("~x", "the only signs"),
        ("True * x", "wanted a number"),
        ("'a' * x", "wanted a number"),
        ("sin(x, y)", "sin takes one argument"),
        ("max(x)", "max takes two arguments"),
        ("9**9**9 * x", "no value that is a number"),
        ("x + 1/0", "no value that is a number"),
        ("1 + 2", "no variable to move"),
        ("x" * 301, "at most 300 characters"),
        ("+".join("x" * 40), "79 parts are too many"),
    ],
)
def test_what_is_no_formula_is_said_and_nothing_is_run(formula, message):
    with pytest.raises(FormulaError, match=message):
        viz.expression(formula)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: viz.expression(3), TypeError, "wanted a formula such as .*got int"),
        (lambda: viz.expression("x", y=1.0), ValueError, "y is not in the formula 'x'; its variables are x"),
        (lambda: viz.expression("x", x=math.nan), ValueError, "x must be a finite number, got nan"),
        (lambda: viz.expression("x", x="2"), ValueError, "x must be a finite number, got '2'"),
        (lambda: viz.expression("x", span=-1), ValueError, "span"),
        (lambda: viz.expression("x", live="yes"), ValueError, "live is True or False"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_another_formula_is_typed_into_the_live_form():
    pytest.importorskip("anywidget")
    widget = viz.expression("x*y", live=True, x=2.0, y=3.0)
    assert repr(widget) == "<live Expression x*y = 6 at x=2, y=3; ∂f/∂x=3, ∂f/∂y=2>"
    frame = widget.answer({"formula": "x + z", "values": {"x": 2.5, "y": 3.0}})
    assert frame["data"]["values"] == {"x": 2.5, "z": 1.0}
    assert widget.answer({"formula": "x +", "values": {}})["error"].startswith("this is no formula")
    with pytest.raises(NeedleError):
        raise FormulaError("is one")


def in_javascript(page, nodes, places):
    """Values and adjoints of all nodes for each place, by the page's own script."""
    source = base64.b64encode(viz.expression("x").program().encode()).decode()
    return page.evaluate(
        """async ([source, nodes, places]) => {
          const script = await import(`data:text/javascript;base64,${source}`);
          const plain = (xs) => xs.map(String);
          return places.map((at) => { const found = script.forward(nodes, at);
            return [plain(found), plain(script.backward(nodes, found))]; }); }""",
        [source, nodes, places],
    )


@pytest.mark.browser
def test_the_page_computes_what_the_library_computes(browser, rng):
    """Every operation, at places of both signs, and where two are equal."""
    page = browser.new_page()
    everything = [f"{name}({', '.join('xy'[:count])})" for name, (count, _) in FUNCTIONS.items()]
    places = [
        {"x": a, "y": b}
        for a, b in [*rng.uniform(-2, 2, (4, 2)).tolist(), [1.5, 1.5], [0.0, 0.0], [2.0, -1.0]]
    ]
    for formula in [*FORMULAS, *everything, "x**y", "x**3", "x**0", "0*x", "-x/y"]:
        wanted = read(formula).variables
        nodes = viz.expression(formula).data()["nodes"]
        shown = in_javascript(page, nodes, places)
        for place, (values, adjoints) in zip(places, shown, strict=True):
            with np.errstate(all="ignore"):
                board = viz.expression(formula, **{name: place[name] for name in wanted})
            assert float(values[-1]) == pytest.approx(board.value, rel=1e-9, abs=1e-12, nan_ok=True), (
                formula,
                place,
            )
            for k, node in enumerate(nodes):
                if node["name"]:
                    mine = float(adjoints[k].replace("Infinity", "inf"))
                    assert mine == pytest.approx(
                        board.gradients[node["name"]], rel=1e-9, abs=1e-12, nan_ok=True
                    ), (formula, place, node["name"])
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_a_slider_moves_values_gradients_and_tangent(browser, tmp_path, size):
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    board = viz.expression("x*y + sin(x)", x=2.0, y=-1.0)
    page.goto(f"file://{board.save(tmp_path / 'e.html')}")
    slider = page.locator('input[type="range"]').first
    assert page.locator(".curves figure").count() == 2
    before = page.locator(".curves .slope").first.get_attribute("d")
    slider.focus()
    page.keyboard.press("End")
    moved = viz.expression("x*y + sin(x)", x=5.0, y=-1.0)
    assert page.locator(".result").text_content() == f"= {viz.text.number(moved.value)}"
    assert page.locator("td.gradient").all_text_contents() == [
        viz.text.number(g) for g in moved.gradients.values()
    ]
    cards = page.locator("[data-node] .ndl-value .ndl-number").all_text_contents()
    assert cards == [viz.text.number(float(node.value.low)) for node in moved.graph.nodes.values()]
    assert page.locator(".curves .slope").first.get_attribute("d") != before
    assert slider.get_attribute("aria-valuetext").startswith("x 5, gradient ")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size[0], "nothing is cut off at the side"
    for cell in page.locator("td.gradient").all():
        box = cell.bounding_box()
        assert box["x"] + box["width"] <= size[0] - 16
    page.close()


@pytest.mark.browser
def test_two_formulas_do_not_disturb_each_other_and_markup_is_text(browser, tmp_path):
    page = browser.new_page()
    first, second = viz.expression("x*2", x=1.0), viz.expression("x*3", x=1.0)
    (tmp_path / "two.html").write_text(
        f"<!DOCTYPE html><meta charset=utf-8>{first.html}{second.html}{first.html}"
    )
    page.goto(f"file://{tmp_path / 'two.html'}")
    sliders = page.locator('input[type="range"]')
    assert sliders.count() == 3, "one output twice is alive twice"
    sliders.nth(1).focus()
    page.keyboard.press("Home")
    assert page.locator(".result").all_text_contents() == ["= 2", "= -15", "= 2"]
    page.close()
    assert "</script" not in json.dumps(first.data()) and ndl.__version__
