"""An axe scan of the views that move, in both themes: names, roles, contrast, keyboard; nothing serious."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import viz
from needle_edu.backend.cudasim import Report
from needle_edu.backend.cudasim.places import Place
from needle_edu.backend.cudasim.report import Facts, Finding
from needle_edu.backend.cudasim.trace import Access
from needle_edu.viz.kernels.pictures import bank_table, sector_table
from needle_edu.viz.page import PAGE

pytestmark = [pytest.mark.browser, pytest.mark.shares_memory]


def memory():
    x = ndl.Tensor(np.ones((3, 4), "float32"))
    with viz.record() as tape:
        (x * x).sum().backward()
    return viz.memory(tape).html


def findings():
    place = Place("cell.cu", 4)
    race = Finding("race", "back", "two write", place, (0, 0, 0), (1, 0, 0), 3, place, (0, 0, 0), (2, 0, 0))
    view = viz.kernel(Report(lambda: Facts((race,), 0, {"back": 1}, {})))
    lanes, addresses = tuple(range(32)), tuple(range(0, 32 * 256, 256))
    request = Access(place, "load", True, 4, lanes, 0, addresses)
    tables = (
        f'<div class="requests"><div class="request">{bank_table(request)}{sector_table(request)}</div></div>'
    )
    still = view.still()
    view.still = lambda: still.replace('<div class="body">', f'{tables}<div class="body">', 1)
    return view.html


VIEWS = {
    "expression": lambda: viz.expression("x*y + sin(x)", x=2.0).html,
    "playground": lambda: viz.playground(layers=[3]).step(3).html,
    "board": lambda: viz.train("lenet", data="digits", small=True, epochs=1, every=2, wait=True).html,
    "memory": memory,
    "kernels": findings,
}


@pytest.mark.parametrize("name", VIEWS)
def test_nothing_serious(browser, name):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    body = PAGE.format(title="a view", body=f"<main><h1>A view</h1>{VIEWS[name]()}</main>")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.set_content(body)
        found = axe.Axe().run(page).response["violations"]
        serious = [
            f"{theme}: {one['id']}: {one['help']}: {one['nodes'][0]['html'][:120]}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == []
    page.close()
