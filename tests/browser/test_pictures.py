"""Each view looks as it did when somebody last looked, in both themes; nothing in it keeps anybody out."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import viz

pytestmark = pytest.mark.browser


def neighbour(path: str):
    spec = importlib.util.spec_from_file_location(Path(path).stem, Path(__file__).parent / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pictures, models = neighbour("pictures.py"), neighbour("../viz/viz_models.py")


def scalar():
    w, x, b = (ndl.Tensor([value]) for value in (0.5, 2.0, -1.0))
    y = (w * x + b).tanh()
    return viz.draw(y, grads="all").html


def network():
    model = models.mlp()
    for k, parameter in enumerate(model.parameters()):
        parameter.data = ndl.Tensor(
            np.linspace(-1, 1, parameter.size, dtype="float32").reshape(parameter.shape) * (k + 1)
        )
    loss = models.loss_of(model, 5, 6)
    loss.backward()
    return viz.draw(loss, modules=1, overlay="grad").html


def loop():
    model, y = models.recurrent(20)
    for parameter in model.parameters():
        parameter.data = ndl.Tensor(np.full(parameter.shape, 0.1, dtype="float32"))
    y = model([models.data(2, 3, seed=k) for k in range(20)]).sum()
    return viz.draw(y, modules=1).html


def blocks():
    _model, y = models.transformer(4)
    return viz.draw(y, values=False, modules=1).html


VIEWS = {"draw-scalar": scalar, "draw-network": network, "draw-loop": loop, "draw-blocks": blocks}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_looks_as_it_did(browser, name, theme):
    pictures.check(browser, name, VIEWS[name](), theme)


def test_the_comparison_sees_a_lost_box_and_lets_another_font_pass(browser):
    html = network()

    def look(page, **options):
        return pictures.pixels(pictures.screenshot(browser, page, "light", **options))

    before = look(html)
    assert pictures.difference(look(html.replace("system-ui", "'Liberation Sans'")), before) == ""
    lost = html.replace('class="ndl-node ', 'display="none" class="ndl-node ', 1)
    assert "looks different" in pictures.difference(look(lost), before)
    moved = html.replace('class="ndl-nodes"', 'class="ndl-nodes" transform="translate(150 0)"', 1)
    assert pictures.difference(look(moved), before)
    assert pictures.difference(look(html, height=500), before) == "its height was 700, and is 500 pixels"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", VIEWS)
def test_nobody_is_kept_out(browser, name, theme):
    """An axe scan: names, roles, contrast, keyboard; nothing serious."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    page = browser.new_page(viewport={"width": 900, "height": 700}, color_scheme=theme)
    page.set_content(
        pictures.PAGE.format(title="a view", body=f"<main><h1>A view</h1>{VIEWS[name]()}</main>")
    )
    found = axe.Axe().run(page).response["violations"]
    page.close()
    serious = [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:120]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
