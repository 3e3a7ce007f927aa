"""`viz.expression` of two variables: the surface is the formula's, and the page draws what Python draws."""

import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from needle_edu import viz
from needle_edu.viz.formulas.parse import read
from needle_edu.viz.formulas.surface import POINTS, SCALE, TALL, Surface, heights, project, visible_range

pytestmark = pytest.mark.shares_memory


def test_heights_are_the_formulas():
    z = heights(read("x*y + sin(x)"), {"x": 5.0, "y": 2.0})
    x, y = np.linspace(-5, 5, POINTS)[:, None], np.linspace(-2, 2, POINTS)
    np.testing.assert_allclose(z, x * y + np.sin(x), rtol=1e-12)
    assert heights(read("x + 0*y"), {"x": 1.0, "y": 1.0}).shape == (POINTS, POINTS)


def test_the_projection_keeps_lengths_that_lie_across_the_view():
    x, y, away = project(1, 0, 0, turn=0, lift=0)
    assert (x - 210, y, away) == pytest.approx((SCALE, 195, 0))
    assert project(0, 0, 1, turn=70, lift=0)[1] == pytest.approx(195 - SCALE * TALL)
    assert project(0, 1, 0, turn=0, lift=90)[1] == pytest.approx(195 - SCALE), "from above, y goes up"
    assert project(0, 1, 0)[2] > project(0, -1, 0)[2], "what is behind is farther"


def points(svg, kind):
    shape = next(e for e in ET.fromstring(svg).iter() if e.get("class") == kind)
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", shape.get("points") or shape.get("d"))]
    return np.array(numbers).reshape(-1, 2)


def test_the_plane_touches_the_surface_and_the_arrow_goes_up_the_gradient():
    """Of a plane the tangent plane is the plane itself: its corners lie on the surface."""
    board = viz.expression("2*x - 3*y", x=1.0, y=0.5)
    surface = board.surface
    low, high = surface.range
    assert (low, high) == (-25, 25)
    plane = points(surface.svg, "tangent")
    centre = plane.mean(axis=0)
    u, v = 1 / 5, 0.5 / 5
    w = 2 * (2 * 1 - 3 * 0.5 - low) / (high - low) - 1
    assert centre == pytest.approx(project(u, v, w)[:2], abs=0.1)
    start, tip = points(surface.svg, "uphill")[:2]
    step = 1e-3
    ahead = project(u + 2 * step, v - 3 * step, w + 2 * (4 + 9) * step * 5 / (high - low))[:2]
    direction = np.array(ahead) - project(u, v, w)[:2]
    cosine = (tip - start) @ direction / np.linalg.norm(tip - start) / np.linalg.norm(direction)
    assert cosine > 0.999


def test_pieces_are_painted_from_the_back_to_the_front_in_the_colour_of_their_height():
    svg = viz.expression("x + 0*y").surface.svg
    shades = [int(k) for k in re.findall(r'class="shade(\d)"', svg)]
    assert len(shades) == (POINTS - 1) ** 2 and set(shades) == set(range(8))
    assert np.mean(shades[:40]) > np.mean(shades[-40:]), "turned by 30°, larger x is behind"


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("log(0*x - 1) + y", "f has no finite value over x from -5 to 5 and y from -5 to 5"),
        ("0*x + 0*y", "f from -1 to 1 over x from -5 to 5"),
        ("1/(x*y)", "f from -"),
    ],
)
def test_poles_and_nan_and_planes(formula, words):
    with np.errstate(all="ignore"):
        board = viz.expression(formula)
        assert board.surface.words.startswith(words)
        ET.fromstring(board.surface.svg)
    assert (
        "nan" not in board.surface.svg.split("</title>")[1]
        and "inf" not in board.surface.svg.split("</title>")[1]
    )


def test_only_two_variables_make_a_surface():
    assert viz.expression("x*x").surface is None and viz.expression("x*y*z").surface is None
    assert "relief" not in viz.expression("x*x").still()
    assert visible_range(np.array([math.nan, math.inf]), 1.0) is None
    assert isinstance(viz.expression("a + b", b=7.0).surface, Surface)
    assert viz.expression("a + b", b=7.0).surface.sides == {"a": 5.0, "b": 14.0}


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_page_draws_what_python_draws_and_turns_it(browser, tmp_path, size):
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for formula, at in (("x*y + sin(x)", (2.0, -1.0)), ("1/(x*y)", (1.0, 2.0)), ("max(x, y)", (3.0, 7.0))):
        with np.errstate(all="ignore"):
            board = viz.expression(formula, x=at[0], y=at[1])
        page.goto(f"file://{board.save(tmp_path / 'e.html')}")
        assert page.locator("figcaption").text_content() == board.surface.words
        for kind in ("tangent", "uphill", "point", "floor"):
            shape = page.locator(f".relief .{kind}").evaluate("element => element.outerHTML")
            still = next(e for e in ET.fromstring(board.surface.svg).iter() if e.get("class") == kind)
            for name in set(still.keys()) - {"class"}:
                shown = re.search(f'{name}="([^"]*)"', shape)[1]
                mine, other = (re.findall(r"-?[\d.]+", text) for text in (still.get(name), shown))
                np.testing.assert_allclose([*map(float, mine)], [*map(float, other)], atol=0.11)
        shades = page.locator(".relief polygon[class^=shade]").evaluate_all(
            "all => all.map((p) => p.className.baseVal)"
        )
        numbers = [
            [int(name[5:]) for name in names]
            for names in (shades, re.findall(r'class="(shade\d)"', board.surface.svg))
        ]
        np.testing.assert_allclose(*numbers, atol=1)  # on the border of two shades a last digit decides
        assert np.mean(np.equal(*numbers)) > 0.9
    before = page.locator(".relief").inner_html()
    page.locator(".turn").focus()
    page.keyboard.press("ArrowLeft")
    turned = page.locator(".relief").inner_html()
    assert turned != before
    page.keyboard.press("ArrowRight")
    assert page.locator(".relief").inner_html() == before
    box = page.locator(".turn").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 80)
    page.mouse.up()
    assert page.locator(".relief").inner_html() != before
    page.locator('input[type="range"]').first.press("Home")
    assert "at x=-5, y=7" in page.locator("figcaption").text_content()
    for _ in range(12):
        page.locator(".turn").press("ArrowUp")
    outer = page.locator(".relief").bounding_box()
    for corner in page.locator(".relief polygon, .relief text").evaluate_all(
        "all => all.map((p) => { const r = p.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; })"
    ):
        assert corner[0] >= outer["x"] - 1 and corner[2] <= outer["x"] + outer["width"] + 1
        assert corner[1] >= outer["y"] - 1 and corner[3] <= outer["y"] + outer["height"] + 1
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0] and errors == []
    page.close()
