"""The pictures of docs/gallery.md: the gallery notebook run, exported, and photographed view by view.

    make pictures      draws them anew, as `python -m tests.browser.gallery` does; look at what changed

A view is a code cell of the notebook, known by the cell's id. Before its picture is taken it is brought to where it has
most to say: a stepper to a step of the backward pass, for example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REPO = Path(__file__).parents[2]
NOTEBOOK = REPO / "notebooks" / "gallery.ipynb"
PAGE = REPO / "docs" / "gallery.md"
FOLDER = REPO / "docs" / "gallery"
SIZE = {"width": 960, "height": 760}
HIGHEST = 670  # pixels; what is longer is cut there
WINDOW = ".ndl-window { max-height: 560px !important }"  # a large drawing is seen with its map and its legend


def slide(step: int) -> Callable[[Any], None]:
    """Bring a stepper to a step, as its page counts."""
    return lambda cell: cell.locator(".slider").fill(str(step - 1))


# What is clicked before the picture is taken, where a view has more to say than at first.
BEFORE: dict[str, Callable[[Any], None]] = {
    "step-scalar": slide(12),
    "step-mlp": slide(19),
    "step-code": slide(4),
}


def views(notebook: dict) -> list[str]:
    """The ids of the cells that show something."""
    return [cell["id"] for cell in notebook["cells"] if cell["cell_type"] == "code" and cell["outputs"]]


def executed() -> Any:
    """The gallery, run from top to bottom."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3", store_widget_state=False).execute()
    return notebook


def exported(notebook: Any, path: Path, theme: str = "light") -> Path:
    """One HTML file, as `jupyter nbconvert --to html` makes it."""
    from nbconvert import HTMLExporter

    path.write_text(HTMLExporter(theme=theme).from_notebook_node(notebook)[0], encoding="utf-8")
    return path


def opened(browser: Any, path: Path, **options: Any) -> Any:
    """The exported gallery in a page without network; `page.errors` are the errors of its scripts."""
    page = browser.new_context(offline=True, **options).new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    return page


def photographs(page: Any, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """Each view and its picture, as PNG."""
    page.add_style_tag(content=WINDOW)
    for name in names:
        cell = page.locator(f'[id="cell-id={name}"]')
        if name in BEFORE:
            BEFORE[name](cell)
        place = cell.locator(".jp-OutputArea-output").first
        place.scroll_into_view_if_needed()
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement?.blur()")
        width, height = place.evaluate(EXTENT)
        place.evaluate("element => element.scrollIntoView({block: 'start', behavior: 'instant'})")
        box = place.bounding_box()
        area = {"x": box["x"], "y": box["y"], "width": width, "height": min(height, HIGHEST)}
        yield name, page.screenshot(clip=area, animations="disabled")


# How far the picture in an output reaches: a small graph needs not the whole width of the page.
EXTENT = """(element) => {
  const all = element.getBoundingClientRect(), drawing = element.querySelector('[id^="needle-drawing"]');
  if (!drawing || element.innerText.trim() !== drawing.innerText.trim()) return [all.width, all.height];
  const parts = [...drawing.querySelectorAll(".ndl-window > svg, .ndl-keys > span, .ndl-map, .zoom, .ndl-code")];
  const right = Math.max(...parts.map((part) => part.getBoundingClientRect().right));
  return [Math.min(all.width, right - all.left + 12), all.height];
}"""


def draw_anew() -> None:
    """Write docs/gallery/*.png."""
    import shutil
    import tempfile

    from playwright.sync_api import sync_playwright

    from tests.conftest import CHROMIUM, FLAGS

    notebook = executed()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = opened(chromium, exported(notebook, Path(folder) / "gallery.html"), viewport=SIZE)
        for name, png in photographs(page, views(notebook)):
            (FOLDER / f"{name}.png").write_bytes(png)
            print(f"{name:20} {len(png) / 1000:6.1f} kB")
        chromium.close()


if __name__ == "__main__":
    draw_anew()
